"""Fault-tolerant scoring of many files by workers."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from imdb_sentiment.data.file_sources import is_pattern, kinds_text, matching_files, missing_file, root_of
from imdb_sentiment.data.formats.compression import plain_suffix
from imdb_sentiment.data.formats.opening import KINDS
from imdb_sentiment.errors import DataError, DiskFullError, ImdbSentimentError, OutputExistsError
from imdb_sentiment.inference.row_labels import planned_precision
from imdb_sentiment.models.device import Precision
from imdb_sentiment.results.inference import FileReport
from imdb_sentiment.runtime.files import LOCK_FILE, is_disk_full, make_folder, one_writer, write_text
from imdb_sentiment.runtime.messages import Advice, Either, Setting, list_values
from imdb_sentiment.runtime.progress import progress_bar

__all__ = [
    "Engine",
    "FolderJob",
    "Outcome",
    "PredictFile",
    "find_inputs",
    "precision_of_run",
    "score_folder",
    "score_one",
]

HIDDEN = ".imdb_sentiment"
"""Folder in the output folder for reports and partial files."""

_MAX_TRIES = 5
_FEWER = Advice("fewer ", Either("workers", "--workers"), " if they ran out of memory, then the same call")
_PLAN = "plan.json"
_MAX_LISTED = 5

PredictFile = Callable[..., FileReport]
"""`SentimentClassifier.predict_file` of an opened model."""


class Outcome(NamedTuple):
    """Result of a file."""

    name: str
    report: FileReport | None
    """None if the file could not be scored."""

    error: str = ""
    """Why it could not be scored."""

    full_disk: bool = False


class FolderJob(NamedTuple):
    """Files to score, and how."""

    root: Path
    """Common folder of the inputs."""

    names: Sequence[str]
    """Paths relative to `root`; the outputs have the same paths in `folder`."""

    folder: Path
    options: dict[str, Any]
    """Arguments of `SentimentClassifier.predict_file`."""

    model: str
    """Fingerprint of the model."""

    precision: str | None
    """Precision of the model; an output folder does not mix precisions."""

    def plan(self) -> str:
        """Return everything that determines the content of the outputs, as JSON."""
        return json.dumps({"model": self.model, "precision": self.precision, **self.options}, indent=2)

    def state(self, name: str) -> list[int]:
        """Return the size and modification time of an input."""
        state = (self.root / name).stat()
        return [state.st_size, state.st_mtime_ns]

    def hidden(self, kind: str, name: str) -> Path:
        """Return the path of a file's report, partial output or tries, in a folder that is created."""
        path = self.folder / HIDDEN / kind / name
        make_folder(path.parent)
        return path

    def report(self, name: str) -> FileReport | None:
        """Return the report of a file; None if it was not scored, or has changed since."""
        path = self.folder / HIDDEN / "reports" / f"{name}.json"
        if not path.is_file():
            return None
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["source"] != self.state(name):
            return None
        fields = json.loads(content["report"])
        return FileReport(**(fields | {"notes": tuple(fields["notes"])}))


Engine = Callable[[FolderJob, Sequence[str]], Iterable[Outcome]]
"""Calls `score_one` for each file, in any process."""


def score_one(job: FolderJob, name: str, open_model: Callable[[], PredictFile]) -> Outcome:
    """Score a file in a worker, resuming the work of a lost worker."""
    try:
        partial, target, report = job.hidden("partial", name), job.folder / name, job.report(name)
        if report is None or not (partial.exists() or target.exists()):
            source, tries = job.state(name), job.hidden("tries", name)
            with tries.open("a") as file:
                file.write("x")
            if tries.stat().st_size > _MAX_TRIES:  # e.g. it needs more memory than there is
                hint = Advice(
                    "fewer ", Either("workers", "--workers"), " if they ran out of memory, then the same call"
                )
                raise DataError(f"{_MAX_TRIES} workers in a row were lost while scoring it", hint=hint)
            report = open_model()(job.root / name, partial, overwrite=True, **job.options)
            content = {"source": source, "report": json.dumps(report.to_dict())}
            write_text(job.hidden("reports", f"{name}.json"), json.dumps(content), overwrite=True)
            tries.unlink()
        if partial.exists():
            make_folder(target.parent)
            partial.replace(target)  # last: an existing output is complete, and has its report
    except (ImdbSentimentError, OSError) as error:
        return Outcome(name, None, str(error), isinstance(error, DiskFullError) or is_disk_full(error))
    return Outcome(name, report)


def find_inputs(source: str, folder: Path) -> tuple[Path, list[str]]:
    """Return the absolute path of the folder of the files to score, and their paths in it, outside of the output."""
    path, own = Path(source).expanduser(), folder.resolve()
    if is_pattern(source):
        root, files = root_of(source), matching_files(source, KINDS)
    elif path.is_dir():
        root, files = path, [file for file in sorted(path.rglob("*")) if plain_suffix(file) in KINDS and file.is_file()]
    elif path.is_file():
        root, files = path.parent, [path]
    else:
        raise missing_file(path, KINDS)
    paths = [file.relative_to(root) for file in files]
    root = root.resolve()
    if root == own:
        raise OutputExistsError(f"{folder} is both input and output", hint="another folder")
    names = [
        path.as_posix()
        for path in paths
        if not any(part.startswith((".", "_")) for part in path.parts)  # metadata of Spark and others
        and not (root in own.parents and own in (root / path).parents)
    ]
    if not names:
        raise DataError(f"{source} holds no data", expected=f"files ({kinds_text(KINDS)})")
    return root, names


def precision_of_run(folder: Path) -> Precision | None:
    """Return the precision of an earlier run into this folder; None if there is none or it is unknown."""
    return planned_precision(folder / HIDDEN / _PLAN)


def score_folder(job: FolderJob, engine: Engine, *, overwrite: bool) -> FileReport:
    """Score the files that are not scored yet; see `SentimentClassifier.predict_files`.

    Raises:
        DiskFullError: The disk is full; finished files are kept.
    """
    _check_outputs(job, overwrite=overwrite)
    with _locked(job):
        done = {name: report for name in job.names if (report := job.report(name)) and (job.folder / name).exists()}
        waiting = [name for name in job.names if name not in done]
        scored, failed = {}, []
        with progress_bar("scoring", total=len(job.names), unit="file", initial=len(done)) as bar:
            for outcome in engine(job, waiting) if waiting else ():
                if outcome.report:
                    scored[outcome.name] = outcome.report
                else:
                    failed.append(outcome)
                bar.update(1)
    if failed:
        raise _failure(failed, len(job.names))
    return _sum(done, scored)


def _check_outputs(job: FolderJob, *, overwrite: bool) -> None:
    """Check that no output of another job and no other file would be overwritten."""
    plan = job.folder / HIDDEN / _PLAN
    if overwrite or not job.folder.is_dir():
        return
    hint = Advice("the same options as before, or ", Setting("overwrite", True), ", or another folder")
    if plan.is_file() and plan.read_text(encoding="utf-8") != job.plan():
        found = "a different model or option"
        raise OutputExistsError(f"{job.folder} holds the output of another job", found=found, hint=hint)
    taken = [name for name in job.names if (job.folder / name).exists() and job.report(name) is None]
    if taken:
        raise OutputExistsError(
            f"{list_values(taken, most=_MAX_LISTED)} in {job.folder} would be overwritten",
            found="files not written by this job, or whose input has changed since",
            hint=Advice("another folder, or ", Setting("overwrite", True)),
        )


@contextmanager
def _locked(job: FolderJob) -> Iterator[None]:
    """Lock the folder against other processes, and discard another job's output in it."""
    hidden = job.folder / HIDDEN
    make_folder(hidden)
    with one_writer(job.folder, lock=hidden / LOCK_FILE):
        plan = hidden / _PLAN
        if not plan.is_file() or plan.read_text(encoding="utf-8") != job.plan():
            for kind in ("reports", "partial"):
                shutil.rmtree(hidden / kind, ignore_errors=True)
            write_text(plan, job.plan(), overwrite=True)
        shutil.rmtree(hidden / "tries", ignore_errors=True)
        yield


def _failure(failed: Sequence[Outcome], files: int) -> DataError | DiskFullError:
    kind = DiskFullError if any(outcome.full_disk for outcome in failed) else DataError
    more = [f"and {len(failed) - _MAX_LISTED} more"] if len(failed) > _MAX_LISTED else []
    lines = [f"{outcome.name}: {outcome.error}" for outcome in sorted(failed)[:_MAX_LISTED]]
    return kind(
        f"{len(failed):,} of {files:,} files could not be scored; the others are done",
        found="\n".join([*lines, *more]).replace("\n", "\n    "),
        hint="fix this, then the same command: it scores the remaining files",
    )


def _sum(before: dict[str, FileReport], now: dict[str, FileReport]) -> FileReport:
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
        notes=(f"{len(reports):,} files", *notes[:_MAX_LISTED]),
    )
