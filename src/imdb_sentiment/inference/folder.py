"""Many files scored one by one, by workers that may be lost."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from imdb_sentiment.data.file_sources import is_pattern, kinds_text, matching_files, missing_file, root_of
from imdb_sentiment.data.formats.compression import plain_suffix
from imdb_sentiment.data.formats.opening import KINDS
from imdb_sentiment.errors import DataError, DiskFullError, ImdbSentimentError, OutputExistsError
from imdb_sentiment.inference.row_labels import planned_precision
from imdb_sentiment.models.device import Precision
from imdb_sentiment.results.inference import FileReport
from imdb_sentiment.runtime.disk_space import is_disk_full
from imdb_sentiment.runtime.files import LOCK_FILE, make_folder, write_text
from imdb_sentiment.runtime.lock import one_writer
from imdb_sentiment.runtime.messages import Advice, Either, Setting, list_values
from imdb_sentiment.runtime.progress import progress_bar

__all__ = [
    "HIDDEN",
    "FileScorer",
    "FolderJob",
    "Outcome",
    "find_inputs",
    "precision_of_run",
    "score_folder",
    "to_report",
    "try_one",
]

HIDDEN = ".imdb_sentiment"
"""The folder in the output folder for what came of each file, and for files that are not whole yet."""

_MOST_TRIES = 5

_PLAN = "plan.json"
_LISTED = 5


class FileScorer(Protocol):
    """A model that scores files, as `SentimentClassifier` does."""

    @property
    def predict_file(self) -> Callable[..., FileReport]:
        """Score one file into another."""


class Outcome(NamedTuple):
    """What came of a file, in values that any engine can hand over."""

    name: str
    report: str
    """The report as JSON; empty if the file could not be scored."""

    error: str
    """Why it could not be scored."""

    full_disk: bool


class FolderJob(NamedTuple):
    """What is to be done with which files."""

    root: Path
    """The folder that all of them lie below."""

    names: Sequence[str]
    """Where each lies below `root`; its output has the same place below `folder`."""

    folder: Path
    options: dict[str, Any]
    """Arguments of `SentimentClassifier.predict_file`."""

    model: str
    """Tells one model from another."""

    precision: str | None
    """What the model computes with; files computed otherwise are not put beside these."""

    def state(self, name: str) -> list[int]:
        """Tell one version of an input from another."""
        state = (self.root / name).stat()
        return [state.st_size, state.st_mtime_ns]

    def hidden(self, kind: str, name: str) -> Path:
        """Return where something about a file is kept."""
        return self.folder / HIDDEN / kind / name

    def report(self, name: str) -> FileReport | None:
        """Return what came of a file, as it is now; None if that is not known."""
        path = self.hidden("reports", f"{name}.json")
        if not path.is_file():
            return None
        told = json.loads(path.read_text(encoding="utf-8"))
        return to_report(told["report"]) if told["source"] == self.state(name) else None


def to_report(told: str) -> FileReport:
    """Return a report that was written as JSON."""
    fields = json.loads(told)
    return FileReport(**(fields | {"notes": tuple(fields["notes"])}))


def try_one(job: FolderJob, name: str, classifier: Callable[[], FileScorer]) -> Outcome:
    """Score a file, as a worker does; if an earlier worker was lost while it did, go on from there.

    Args:
        job: What it is part of.
        name: Which file.
        classifier: Gives the model.
    """
    try:
        report = _score_one(job, name, classifier)
    except (ImdbSentimentError, OSError) as error:
        return Outcome(name, "", str(error), isinstance(error, DiskFullError) or is_disk_full(error))
    return Outcome(name, _to_json(report), "", full_disk=False)


def _score_one(job: FolderJob, name: str, classifier: Callable[[], FileScorer]) -> FileReport:
    partial, target = job.hidden("partial", name), job.folder / name
    report = job.report(name)
    if report and not partial.exists() and target.exists():
        return report
    make_folder(target.parent)
    if report is None or not partial.exists():
        with _counted(job.hidden("tries", name)):
            source = job.state(name)
            make_folder(partial.parent)
            report = classifier().predict_file(job.root / name, partial, overwrite=True, **job.options)
            said = job.hidden("reports", f"{name}.json")
            make_folder(said.parent)
            write_text(said, json.dumps({"source": source, "report": _to_json(report)}), overwrite=True)
    partial.replace(target)  # last: an output that is there is whole, and has its report
    return report


@contextmanager
def _counted(tries: Path) -> Iterator[None]:
    """Give up on a file that no worker survives, such as one that takes more memory than there is."""
    make_folder(tries.parent)
    with tries.open("a") as file:
        file.write("x")
    if tries.stat().st_size > _MOST_TRIES:
        hint = Advice("fewer ", Either("workers", "--workers"), ", if they had too little memory; then the same again")
        raise DataError(f"{_MOST_TRIES} workers were lost, one after the other, while they scored it", hint=hint)
    yield
    tries.unlink()


def _to_json(report: FileReport) -> str:
    return json.dumps(report.to_dict())


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
