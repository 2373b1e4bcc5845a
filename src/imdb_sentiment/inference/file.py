"""Files of rows scored part by part, so that a run which is killed goes on where it was."""

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from imdb_sentiment.data.formats.opening import check_suffixes, open_table
from imdb_sentiment.data.formats.table import Chunk, Table
from imdb_sentiment.errors import DataError, DiskFullError, OutputExistsError
from imdb_sentiment.inference.row_labels import RowLabeler, added_names, check_names, label_batch, planned_precision
from imdb_sentiment.models.device import Precision
from imdb_sentiment.results.inference import FileReport
from imdb_sentiment.runtime.disk_space import is_disk_full
from imdb_sentiment.runtime.files import check_new_file, link_target, make_folder
from imdb_sentiment.runtime.lock import one_writer
from imdb_sentiment.runtime.messages import Advice, Setting
from imdb_sentiment.runtime.progress import progress_bar

__all__ = ["FileJob", "precision_of_parts", "score_file"]

_PART_ROWS = 2048
"""Rows of a part: what a killed run loses at most."""

_PLAN, _DONE = "plan.json", "done"


class FileJob(NamedTuple):
    """What is to be done with a file."""

    source: Path
    target: Path
    text_columns: Sequence[str]
    prefix: str = ""
    shard: tuple[int, int] = (1, 1)
    encoding: str | None = None
    header: bool = True
    spreadsheet_safe: bool = False

    @property
    def names(self) -> tuple[str, str, str]:
        """What the columns are called that are added."""
        return added_names(self.prefix)

    def version(self) -> list[Any]:
        """Tell one state of the source from another, also where an edit kept its size and set its time back."""
        with self.source.open("rb") as file:
            state = os.fstat(file.fileno())
            return [state.st_size, state.st_mtime_ns, hashlib.file_digest(file, "sha256").hexdigest()]

    def plan(self, judge: RowLabeler, version: list[Any]) -> dict[str, Any]:
        """Return what decides the content of the parts, in plain JSON values."""
        return {
            "source": [str(self.source.resolve()), *version],
            "text_columns": list(self.text_columns),
            "names": list(self.names),
            "shard": list(self.shard),
            "encoding": self.encoding,
            "header": self.header,
            "spreadsheet_safe": self.spreadsheet_safe,
            "model": judge.identity,
            "cascades": judge.cascades,
            "precision": judge.precision,
            "part_rows": _PART_ROWS,
        }


def precision_of_parts(target: Path) -> Precision | None:
    """Return what the parts of an unfinished file were computed in; None if there are none or that is not known."""
    return planned_precision(_folder_of(link_target(target)) / _PLAN)


def score_file(job: FileJob, judge: RowLabeler, *, overwrite: bool) -> FileReport:
    """Score the rows of a file, and write them with their labels to another.

    Parts are kept in a hidden folder beside the target until all are done. Each is whole or not there, so a run that
    was killed goes on with the first that is missing, and the file comes out with the same bytes.

    Args:
        job: What is to be done.
        judge: What gives rows their labels.
        overwrite: Replace the target if it is there, and discard parts of another job.

    Raises:
        DataError: The source cannot be read, or was changed meanwhile.
        ConfigError: A column to be added is there already, or the two files are of different kinds.
        OutputExistsError: The target is there, or cannot be written, or another process writes to it.
        DiskFullError: There is too little room; what is done stays.
    """
    check_suffixes(job.source, job.target)
    _tidy(link_target(job.target))
    job = job._replace(target=check_new_file(job.target, overwrite=overwrite))
    if job.target.exists() and job.target.samefile(job.source):
        raise OutputExistsError(f"{job.target} would be written while it is read", hint="another name")
    version = job.version()  # before any row is read, as the file is read more than once
    with open_table(
        job.source,
        job.text_columns,
        encoding=job.encoding,
        header=job.header,
        spreadsheet_safe=job.spreadsheet_safe,
    ) as table:
        check_names(job.names, table.columns, str(job.source))
        with _room(job), _parts_folder(job, judge, version, overwrite=overwrite) as folder:
            with _unchanged(job, version, folder):
                report, joined = _score_and_join(table, job, judge, folder)
            with joined.open("rb") as file:
                os.fsync(file.fileno())
            (folder / _PLAN).rename(folder / _DONE)
            joined.replace(job.target)
            shutil.rmtree(folder)
        return report


def _score_and_join(table: Table, job: FileJob, judge: RowLabeler, folder: Path) -> tuple[FileReport, Path]:
    """Score what is missing; return the report, and the file that is made of all parts."""
    number, shards = job.shard
    places = range(number - 1, -(-table.rows // _PART_ROWS), shards)
    before = _score_parts(table, job, judge, folder, places)
    parts = [_part(folder, place) for place in places]
    counts: Counter[str] = Counter()
    by_words = 0
    for said in filter(Path.exists, (part.with_suffix(".json") for part in parts)):
        told = json.loads(said.read_text(encoding="utf-8"))
        counts.update(told["rows"])
        by_words += told["answered_by_words"]
    if counts.total() != _rows_of(table, places):
        raise _changed(job)
    joined = _joined(folder, job.target)
    table.join(parts, joined, job.names)
    report = FileReport(
        rows=sum(counts.values()),
        labels={label: counts.pop(f"label:{label}", 0) for label in judge.labels},
        not_scored=dict(sorted(counts.items())),
        answered_by_words=by_words if judge.cascades else None,
        scored_before=before,
        notes=table.notes,
    )
    return report, joined


@contextmanager
def _unchanged(job: FileJob, version: list[Any], folder: Path) -> Iterator[None]:
    """See that the source is the same at the end; if not, the parts are worth nothing.

    Raises:
        DataError: It is another, which may also be why it could not be read.
    """
    try:
        yield
        same = _is_same(job, version)
    except Exception:
        if _is_same(job, version):
            raise
        same = False
    if not same:
        shutil.rmtree(folder)
        raise _changed(job)


def _is_same(job: FileJob, version: list[Any]) -> bool:
    try:
        return job.version() == version
    except OSError:
        return False


def _changed(job: FileJob) -> DataError:
    return DataError(f"{job.source} was changed while it was read", hint="the command again, when it is whole")


@contextmanager
def _room(job: FileJob) -> Iterator[None]:
    """Tell of a full disk; what is done stays."""
    try:
        yield
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise DiskFullError(
            f"there is no space left to write {job.target}",
            hint="free some, then the same command: what is done is kept",
        ) from None


def _tidy(target: Path) -> None:
    """Remove the parts of a run that was killed after its last step but one: its file is in place."""
    folder = _folder_of(target)
    if folder.is_dir() and not (folder / _PLAN).exists():
        with one_writer(target):
            if _joined(folder, target).exists():  # the file is not in place
                (folder / _DONE).rename(folder / _PLAN)
            elif not (folder / _PLAN).exists():
                shutil.rmtree(folder, ignore_errors=True)


def _joined(folder: Path, target: Path) -> Path:
    return folder / f"joined{target.suffix}.partial"


def _folder_of(target: Path) -> Path:
    return target.parent / f".{target.name}.parts"


@contextmanager
def _parts_folder(job: FileJob, judge: RowLabeler, version: list[Any], *, overwrite: bool) -> Iterator[Path]:
    """Give the folder for parts, with those of an earlier run of the same job in it, claimed by this process."""
    with one_writer(job.target):
        check_new_file(job.target, overwrite=overwrite)  # another process may have come to its end just before
        folder = _folder_of(job.target)
        make_folder(folder)
        plan = folder / _PLAN
        text = json.dumps(job.plan(judge, version), indent=2)
        if not (plan.exists() and plan.read_text(encoding="utf-8") == text):
            if any(folder.glob("part-*")) and not overwrite:
                raise OutputExistsError(
                    f"{folder} holds parts of another job",
                    found="another input, model or option than now",
                    hint=Advice(
                        "the same call as then, to resume it; or ", Setting("overwrite", True), ", to discard it"
                    ),
                )
            shutil.rmtree(folder)
            make_folder(folder)
            plan.write_text(text, encoding="utf-8")
        yield folder


def _score_parts(table: Table, job: FileJob, judge: RowLabeler, folder: Path, places: range) -> int:
    """Score the parts that are not there yet; return how many rows were done before."""
    done = _rows_of(table, [place for place in places if _part(folder, place).with_suffix(".json").exists()])
    with progress_bar("scoring", total=_rows_of(table, places), unit="row", initial=done) as bar:
        for place, chunk in enumerate(table.chunks(_PART_ROWS)):
            part = _part(folder, place)
            if place in places and not part.with_suffix(".json").exists():
                _score_part(table, chunk, job, judge, part)
                bar.update(len(chunk.items))
    return done


def _rows_of(table: Table, places: Sequence[int]) -> int:
    return sum(min(_PART_ROWS, table.rows - place * _PART_ROWS) for place in places)


def _part(folder: Path, place: int) -> Path:
    return folder / f"part-{place:07}"


def _score_part(table: Table, chunk: Chunk, job: FileJob, judge: RowLabeler, part: Path) -> None:
    added, by_words = label_batch(chunk.items, judge, job.names)
    partial = part.with_suffix(".partial")
    table.write_part(partial, chunk, added)
    partial.replace(part)
    counts = Counter(reason or f"label:{label}" for label, _, reason in added.rows())
    partial.write_text(json.dumps({"rows": counts, "answered_by_words": by_words}), encoding="utf-8")
    partial.replace(part.with_suffix(".json"))  # last: a part is there when its counts are
