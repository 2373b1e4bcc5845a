"""Many files scored one by one, by several workers, so that a run which is killed goes on where it was.

A hidden folder in the output folder has the plan of the run, what came of each file, and files that are not whole yet.
"""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from imdb_sentiment.data.compressed import plain_suffix
from imdb_sentiment.data.files import is_pattern, kinds_text, matching_files, missing_file, root_of
from imdb_sentiment.errors import DataError, DiskFullError, OutputExistsError
from imdb_sentiment.folder_job import HIDDEN, FolderJob, Outcome, to_report
from imdb_sentiment.judging import planned_precision
from imdb_sentiment.locked import one_writer
from imdb_sentiment.messages import Advice, Setting, list_values
from imdb_sentiment.output import LOCK_FILE, make_folder, write_text
from imdb_sentiment.precision import Precision
from imdb_sentiment.progress import progress_bar
from imdb_sentiment.results import FileReport
from imdb_sentiment.tables.opening import KINDS

__all__ = ["find_inputs", "precision_of_run", "score_folder"]

_PLAN = "plan.json"
_LISTED = 5


Engine = Callable[[FolderJob, Sequence[str]], Iterable[Outcome]]
"""Has `try_one` called for each of some files, anywhere."""


def find_inputs(source: str, folder: Path) -> tuple[Path, list[str]]:
    """Find the files that are to be scored.

    Args:
        source: A file, a folder, which is searched with all that lies in it, or a pattern.
        folder: The output folder; what lies in it is no input.

    Returns:
        The folder that all of them lie below, absolute, and their places below it.

    Raises:
        DataError: There are none.
    """
    path, own = Path(source).expanduser(), folder.resolve()
    if is_pattern(source):
        root, files = root_of(source), matching_files(source, KINDS)
    elif path.is_dir():
        root, files = path, [file for file in sorted(path.rglob("*")) if plain_suffix(file) in KINDS and file.is_file()]
    elif path.is_file():
        root, files = path.parent, [path]
    else:
        raise missing_file(path, KINDS)
    places = [file.relative_to(root) for file in files]
    root = root.resolve()
    if root == own:
        raise OutputExistsError(f"{folder} would be written while it is read", hint="another folder")
    names = [
        place.as_posix()
        for place in places
        if not any(part.startswith((".", "_")) for part in place.parts)  # what Spark and others leave beside data
        and not (root in own.parents and own in (root / place).parents)
    ]
    if not names:
        raise DataError(f"{source} holds no data", expected=f"files ({kinds_text(KINDS)})")
    return root, names


def precision_of_run(folder: Path) -> Precision | None:
    """Return what a run into this folder has computed in; None if there was none or that is not known."""
    return planned_precision(folder / HIDDEN / _PLAN)


def score_folder(job: FolderJob, engine: Engine, *, overwrite: bool) -> FileReport:
    """Score files that are not scored yet, each into the same place of another folder.

    Args:
        job: What is to be done.
        engine: Does it.
        overwrite: Replace what another model or other options made, of another input, or what stands there otherwise.

    Raises:
        DataError: Some files could not be scored; the others are.
        DiskFullError: There is no more room; what is done stays.
        OutputExistsError: Something stands there, or another process writes there.
    """
    _check_outputs(job, overwrite=overwrite)
    with _claimed(job):
        done = {name: report for name in job.names if (report := job.report(name)) and (job.folder / name).exists()}
        waiting = [name for name in job.names if name not in done]
        outcomes = []
        with progress_bar("scoring", total=len(job.names), unit="file", initial=len(done)) as bar:
            for outcome in engine(job, waiting) if waiting else ():
                outcomes.append(outcome)
                bar.update(1)
        _raise_failures([outcome for outcome in outcomes if not outcome.report], len(job.names))
    return _sum(done, {outcome.name: to_report(outcome.report) for outcome in outcomes})


def _check_outputs(job: FolderJob, *, overwrite: bool) -> None:
    """Check that nothing would be lost: no work of another job, and no file that somebody else put there."""
    plan = job.folder / HIDDEN / _PLAN
    if overwrite or not job.folder.is_dir():
        return
    hint = Advice("the same options as then, or ", Setting("overwrite", True), ", or another folder")
    if plan.is_file() and plan.read_text(encoding="utf-8") != _plan(job):
        found = "another model or option than now"
        raise OutputExistsError(f"{job.folder} holds the work of another job", found=found, hint=hint)
    taken = [name for name in job.names if (job.folder / name).exists() and job.report(name) is None]
    if taken:
        raise OutputExistsError(
            f"{list_values(taken, most=_LISTED)} in {job.folder} would be overwritten",
            found="not made by this job, or of an input that has changed since",
            hint=Advice("another folder, or ", Setting("overwrite", True)),
        )


def _plan(job: FolderJob) -> str:
    return json.dumps({"model": job.model, "precision": job.precision, **job.options}, indent=2)


@contextmanager
def _claimed(job: FolderJob) -> Iterator[None]:
    """Let no other process write to the folder meanwhile, and discard the work of another job in it."""
    hidden = job.folder / HIDDEN
    make_folder(hidden)
    with one_writer(job.folder, lock=hidden / LOCK_FILE):
        plan = hidden / _PLAN
        if not plan.is_file() or plan.read_text(encoding="utf-8") != _plan(job):
            for kind in ("reports", "partial"):
                shutil.rmtree(hidden / kind, ignore_errors=True)
            write_text(plan, _plan(job), overwrite=True)
        shutil.rmtree(hidden / "tries", ignore_errors=True)
        yield


def _raise_failures(failed: Sequence[Outcome], files: int) -> None:
    if not failed:
        return
    kind = DiskFullError if any(outcome.full_disk for outcome in failed) else DataError
    more = [f"and {len(failed) - _LISTED} more"] if len(failed) > _LISTED else []
    lines = [f"{outcome.name}: {outcome.error}" for outcome in sorted(failed)[:_LISTED]]
    raise kind(
        f"{len(failed):,} of {files:,} files could not be scored; the others are done",
        found="\n".join([*lines, *more]).replace("\n", "\n    "),
        hint="the same command again, when that is mended: it scores what is missing",
    )


def _sum(before: dict[str, FileReport], now: dict[str, FileReport]) -> FileReport:
    """Return one report of all files."""
    reports = before | now
    labels: Counter[str] = Counter()
    not_scored: Counter[str] = Counter()
    for report in reports.values():
        labels.update(report.labels)
        not_scored.update(report.not_scored)
    by_words = [report.answered_by_words for report in reports.values() if report.answered_by_words is not None]
    notes = [f"{name}: {note}" for name, report in sorted(reports.items()) for note in report.notes]
    return FileReport(
        rows=sum(report.rows for report in reports.values()),
        labels=dict(labels),
        not_scored=dict(sorted(not_scored.items())),
        answered_by_words=sum(by_words) if by_words else None,
        scored_before=sum(one.rows for one in before.values()) + sum(one.scored_before for one in now.values()),
        notes=(f"{len(reports):,} files", *notes[:_LISTED]),
    )
