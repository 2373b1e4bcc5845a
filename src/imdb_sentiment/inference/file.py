"""Resumable scoring of a file of rows."""

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from imdb_sentiment.data.formats.columns import Chunk
from imdb_sentiment.data.formats.opening import Table, check_suffixes, open_table
from imdb_sentiment.errors import ConfigError, DataError, DiskFullError, OutputExistsError
from imdb_sentiment.inference.row_labels import RowLabeler, added_names, check_names, label_batch, planned_precision
from imdb_sentiment.inference.scorer import Advance
from imdb_sentiment.models.device import Precision
from imdb_sentiment.results.inference import FileReport
from imdb_sentiment.runtime.files import check_new_file, is_disk_full, link_target, make_folder, one_writer
from imdb_sentiment.runtime.messages import Advice, Setting
from imdb_sentiment.runtime.progress import progress_bar

__all__ = ["FileJob", "precision_of_parts", "score_file"]

_PART_ROWS = 2048
"""Rows of a part, the most that a killed run loses."""

_PLAN, _DONE = "plan.json", "done"


class FileJob(NamedTuple):
    """A file to score, and how."""

    source: Path
    target: Path
    text_columns: Sequence[str]
    prefix: str = ""
    shard: tuple[int, int] = (1, 1)
    encoding: str | None = None
    header: bool = True
    spreadsheet_safe: bool = False

    model: str = ""
    """Fingerprint of the model."""

    precision: str | None = None
    """Precision of the model; an output does not mix precisions."""

    @property
    def names(self) -> tuple[str, str, str]:
        """Return the names of the added columns."""
        return added_names(self.prefix)

    def version(self) -> list[Any]:
        """Return the size, modification time and digest of the source."""
        with self.source.open("rb") as file:
            state = os.fstat(file.fileno())
            return [state.st_size, state.st_mtime_ns, hashlib.file_digest(file, "sha256").hexdigest()]

    def plan(self, labeler: RowLabeler, version: list[Any]) -> dict[str, Any]:
        """Return everything that determines the content of the parts, as JSON values."""
        return {
            "source": [str(self.source.resolve()), *version],
            "text_columns": list(self.text_columns),
            "names": list(self.names),
            "shard": list(self.shard),
            "encoding": self.encoding,
            "header": self.header,
            "spreadsheet_safe": self.spreadsheet_safe,
            "model": self.model,
            "models": labeler.combination,
            "abstains_below": list(labeler.abstain_below),
            "precision": self.precision,
            "part_rows": _PART_ROWS,
        }


def precision_of_parts(target: Path) -> Precision | None:
    """Return the precision of an interrupted run's parts; None if there are none or it is unknown."""
    return planned_precision(_folder_of(link_target(target)) / _PLAN)


def score_file(job: FileJob, labeler: RowLabeler, *, overwrite: bool) -> FileReport:
    """Score the rows of a file, and write them with their labels to another; see `SentimentClassifier.predict_file`.

    Parts are written atomically to a hidden folder next to the target. A killed run resumes with the first missing
    part, and the output is the same to the byte. With `overwrite`, parts of another job are discarded.

    Raises:
        DiskFullError: The disk is full; finished parts are kept.
    """
    number, shards = job.shard
    if not 1 <= number <= shards:
        raise ConfigError(f"invalid shard {number}/{shards}", expected="1 <= i <= n, such as 2/5: the second of five")
    check_suffixes(job.source, job.target)
    _clean_up(link_target(job.target))
    job = job._replace(target=check_new_file(job.target, overwrite=overwrite))
    if job.target.exists() and job.target.samefile(job.source):
        raise OutputExistsError(f"{job.target} is both input and output", hint="another name")
    version = job.version()  # before any row is read, as the file is read more than once
    with open_table(
        job.source,
        job.text_columns,
        encoding=job.encoding,
        header=job.header,
        spreadsheet_safe=job.spreadsheet_safe,
    ) as table:
        check_names(job.names, table.columns, str(job.source))
        with _full_disk_errors(job), _parts_folder(job, labeler, version, overwrite=overwrite) as folder:
            with _unchanged(job, version, folder):
                report, joined = _score_and_join(table, job, labeler, folder)
            with joined.open("rb") as file:
                os.fsync(file.fileno())
            (folder / _PLAN).rename(folder / _DONE)
            joined.replace(job.target)
            shutil.rmtree(folder)
        return report


def _score_and_join(table: Table, job: FileJob, labeler: RowLabeler, folder: Path) -> tuple[FileReport, Path]:
    """Score the missing parts; return the report, and the joined file."""
    number, shards = job.shard
    indices = range(number - 1, -(-table.rows // _PART_ROWS), shards)
    before = _score_parts(table, job, labeler, folder, indices)
    parts = [_part(folder, index) for index in indices]
    counts: Counter[str] = Counter()
    by_words = 0
    for path in filter(Path.exists, (part.with_suffix(".json") for part in parts)):
        content = json.loads(path.read_text(encoding="utf-8"))
        counts.update(content["rows"])
        by_words += content["answered_by_words"]
    if counts.total() != _rows_of(table, indices):
        raise _changed(job)
    joined = _joined(folder, job.target)
    table.join(parts, joined, job.names)
    report = FileReport(
        rows=sum(counts.values()),
        labels={label: counts.pop(f"label:{label}", 0) for label in labeler.labels},
        not_scored=dict(sorted(counts.items())),
        answered_by_words=by_words if labeler.combination == "cascade" else None,
        scored_before=before,
        notes=table.notes,
    )
    return report, joined


@contextmanager
def _unchanged(job: FileJob, version: list[Any], folder: Path) -> Iterator[None]:
    """Check at the end, and where reading fails, that the source is unchanged; otherwise discard the parts."""
    try:
        yield
    except Exception:
        if _is_unchanged(job, version):
            raise
    else:
        if _is_unchanged(job, version):
            return
    shutil.rmtree(folder)
    raise _changed(job)


def _is_unchanged(job: FileJob, version: list[Any]) -> bool:
    try:
        return job.version() == version
    except OSError:
        return False


def _changed(job: FileJob) -> DataError:
    return DataError(f"{job.source} was changed while it was read", hint="the same command, once the file is complete")


@contextmanager
def _full_disk_errors(job: FileJob) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise DiskFullError(
            f"the disk is full, and {job.target} could not be written",
            hint="free disk space, then the same command: finished parts are kept",
        ) from None


def _clean_up(target: Path) -> None:
    """Remove the parts of a run that was killed after its file was put in place."""
    folder = _folder_of(target)
    if folder.is_dir() and not (folder / _PLAN).exists():
        with one_writer(target):
            if _joined(folder, target).exists():  # the file is not in place yet
                (folder / _DONE).rename(folder / _PLAN)
            elif not (folder / _PLAN).exists():
                shutil.rmtree(folder, ignore_errors=True)


def _joined(folder: Path, target: Path) -> Path:
    return folder / f"joined{target.suffix}.partial"


def _folder_of(target: Path) -> Path:
    return target.parent / f".{target.name}.parts"


@contextmanager
def _parts_folder(job: FileJob, labeler: RowLabeler, version: list[Any], *, overwrite: bool) -> Iterator[Path]:
    """Lock and yield the folder of parts, which may hold those of an interrupted run of the same job."""
    with one_writer(job.target):
        check_new_file(job.target, overwrite=overwrite)  # another process may have finished in the meantime
        folder = _folder_of(job.target)
        make_folder(folder)
        plan = folder / _PLAN
        text = json.dumps(job.plan(labeler, version), indent=2)
        if not (plan.exists() and plan.read_text(encoding="utf-8") == text):
            if any(folder.glob("part-*")) and not overwrite:
                raise OutputExistsError(
                    f"{folder} holds parts of another job",
                    found="a different input, model or option",
                    hint=Advice(
                        "the same call as before to resume it, or ", Setting("overwrite", True), " to discard it"
                    ),
                )
            shutil.rmtree(folder)
            make_folder(folder)
            plan.write_text(text, encoding="utf-8")
        yield folder


def _score_parts(table: Table, job: FileJob, labeler: RowLabeler, folder: Path, indices: range) -> int:
    """Score the missing parts; return the number of rows in finished parts."""
    done = _rows_of(table, [index for index in indices if _part(folder, index).with_suffix(".json").exists()])
    with progress_bar("scoring", total=_rows_of(table, indices), unit="row", initial=done) as bar:
        for index, chunk in enumerate(table.chunks(_PART_ROWS)):
            part = _part(folder, index)
            if index in indices and not part.with_suffix(".json").exists():
                _score_part(table, chunk, job, labeler, part, bar.update)
    return done


def _rows_of(table: Table, indices: Sequence[int]) -> int:
    return sum(min(_PART_ROWS, table.rows - index * _PART_ROWS) for index in indices)


def _part(folder: Path, index: int) -> Path:
    return folder / f"part-{index:07}"


def _score_part(table: Table, chunk: Chunk, job: FileJob, labeler: RowLabeler, part: Path, advance: Advance) -> None:
    added, by_words = label_batch(chunk.items, labeler, job.names, advance=advance)
    partial = part.with_suffix(".partial")
    table.write_part(partial, chunk, added)
    partial.replace(part)
    counts = Counter(reason or f"label:{label}" for label, _, reason in added.rows())
    partial.write_text(json.dumps({"rows": counts, "answered_by_words": by_words}), encoding="utf-8")
    partial.replace(part.with_suffix(".json"))  # last: a part is complete once its counts exist
