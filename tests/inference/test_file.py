"""Covers persistence/row_prediction.py, inference/row_labels.py, data/formats/opening.py.

Files of rows: every kind, every row in its place, and runs that are killed.
"""

import csv
import errno
import gzip
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conftest import examples, make_reviews
from forked import Child
from imdb_sentiment import (
    ConfigError,
    DataError,
    DiskFullError,
    OutputExistsError,
    SentimentClassifier,
)
from imdb_sentiment.data.formats.delimited import DelimitedTable
from imdb_sentiment.data.formats.opening import open_table
from imdb_sentiment.inference import file, row_labels
from tasks import score_and_die

TEXTS, _ = make_reviews(30)
AWKWARD = ['A "quoted" text, with a comma', "two\nlines", "", "  ", "naïve 😀", "=1+1", TEXTS[0]]


@pytest.fixture(scope="module")
def classifier(saved_model: Path) -> SentimentClassifier:
    return SentimentClassifier.from_pretrained(saved_model, device="cpu")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 4 rows."""
    monkeypatch.setattr(file, "_PART_ROWS", 4)


def write_csv(path: Path, texts: list[str], separator: str = ",") -> Path:
    opener: Callable[..., Any] = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=separator).writerows([["id", "text"], *([str(i), t] for i, t in enumerate(texts))])
    return path


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def expected_of(classifier: SentimentClassifier, texts: list[Any]) -> list[tuple[Any, ...]]:
    """What each text gets when it is scored alone."""
    rows: list[tuple[Any, ...]] = []
    for text in texts:
        if text is None or (isinstance(text, str) and not text.strip()):
            rows.append((None, None, "no text"))
        elif not isinstance(text, str):
            rows.append((None, None, "not text"))
        else:
            prediction = classifier.predict(text)
            rows.append((prediction.label, pytest.approx(prediction.score, abs=2e-6), None))
    return rows


@pytest.mark.parametrize("name", ["reviews.csv", "reviews.csv.gz", "reviews.tsv"])
def test_delimited_files_keep_their_columns(classifier: SentimentClassifier, name: str, tmp_path: Path) -> None:
    texts = [*AWKWARD, *TEXTS]
    separator = "\t" if ".tsv" in name else ","
    source = write_csv(tmp_path / name, texts, separator)
    report = classifier.predict_file(source, tmp_path / f"scored-{name}")
    opener: Callable[..., Any] = gzip.open if name.endswith(".gz") else open
    with opener(tmp_path / f"scored-{name}", "rt", encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, delimiter=separator)
    assert header == ["id", "text", "label", "score", "reason"]
    assert [row[:2] for row in rows] == [[str(i), text] for i, text in enumerate(texts)]
    found = [(label or None, float(score) if score else None, reason or None) for *_, label, score, reason in rows]
    assert found == expected_of(classifier, texts)
    assert (report.rows, dict(report.not_scored)) == (len(texts), {"no text": 2})
    assert sum(report.labels.values()) == len(texts) - 2
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, f"scored-{name}"])


CELLS = st.lists(
    st.sampled_from(["\r", "\n", "\0", '"', ",", "\t", "\ufeff", "\u2028", "dull", "="]) | st.text(max_size=3)
).map("".join)


@settings(deadline=None, max_examples=examples(30))
@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=9), suffix=st.sampled_from(["csv", "tsv"]))
@example(rows=[("1", "superb\rplot"), ("2", "\r=1+2")], suffix="csv")
@example(rows=[("1", "superb\rplot"), ("\r", "dull")], suffix="tsv")
def test_any_cell_comes_back_as_it_was(
    classifier: SentimentClassifier, tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], suffix: str
) -> None:
    folder = tmp_path_factory.mktemp("cells")
    source, target, safe = (folder / f"{name}.{suffix}" for name in ("in", "out", "safe"))
    separator = {"csv": ",", "tsv": "\t"}[suffix]
    if suffix == "tsv":  # where a tab and a line feed may mean that quotes are ordinary text
        rows = [(first, second.translate({9: None, 10: None})) for first, second in rows]
    with source.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=separator, quoting=csv.QUOTE_ALL).writerows([("id", "text"), *rows])
    classifier.predict_file(source, target)
    classifier.predict_file(source, safe, spreadsheet_safe=True)
    for path in (target, safe):
        with path.open(encoding="utf-8", newline="") as file:
            header, *written = csv.reader(file, delimiter=separator, strict=True)
        assert header == ["id", "text", "label", "score", "reason"]
        assert [len(row) for row in written] == [5] * len(rows)
        cells = [(first, second) for first, second, *_ in written]
        assert cells == rows or (
            path == safe
            and [(a.removeprefix("'"), b.removeprefix("'")) for a, b in cells]
            == [(a.removeprefix("'"), b.removeprefix("'")) for a, b in rows]
        )


def test_quotes_that_are_ordinary_text_are_quoted_when_written(classifier: SentimentClassifier, tmp_path: Path) -> None:
    texts = ['"dull, and so on', '"superb"', 'a 5" screen', "two\rlines", "plain"]
    source = tmp_path / "in.tsv"
    source.write_text("id\ttext\n" + "".join(f"{i}\t{text}\n" for i, text in enumerate(texts)), newline="")
    report = classifier.predict_file(source, tmp_path / "out.tsv")
    assert report.notes == ("in.tsv: quote characters are read as ordinary text",)
    with (tmp_path / "out.tsv").open(newline="") as file:
        assert [row["text"] for row in csv.DictReader(file, delimiter="\t")] == texts


def test_objects_stay_as_they_are_written(classifier: SentimentClassifier, tmp_path: Path) -> None:
    values = ["superb", None, 5, ["dull"], "", "dull and awful"]
    lines = [f'{{"n": 1.50, "text":{json.dumps(value)} , "deep": {{"a": [1e3]}}}}' for value in values]
    source = tmp_path / "reviews.jsonl"
    source.write_text("\n".join([*lines, "", '{"deep": {}}']), encoding="utf-8")
    report = classifier.predict_file(source, tmp_path / "scored.jsonl")
    written = (tmp_path / "scored.jsonl").read_text(encoding="utf-8").splitlines()
    assert [line.partition(', "label"')[0] for line in written] == [*(line[:-1] for line in lines), '{"deep": {}']
    found = [(row["label"], row["score"], row["reason"]) for row in map(json.loads, written)]
    assert found == expected_of(classifier, [*values, None])
    assert dict(report.not_scored) == {"no text": 3, "not text": 2}


@pytest.mark.parametrize("suffix", ["", ".zst"])
def test_parquet_keeps_the_types_of_its_columns(classifier: SentimentClassifier, suffix: str, tmp_path: Path) -> None:
    texts = [*TEXTS, None, "dull"]
    table = pa.table({"when": pd.date_range("2001-01-01", periods=32), "text": texts, "tags": [["a"], []] * 16})
    plain = tmp_path / "reviews.parquet"
    pq.write_table(table, plain, row_group_size=7)
    if suffix:
        with pa.OSFile(str(plain) + suffix, "wb") as raw, pa.CompressedOutputStream(raw, "zstd") as file:
            file.write(plain.read_bytes())
    classifier.predict_file(f"{plain}{suffix}", tmp_path / "scored.parquet")
    scored = pq.read_table(tmp_path / "scored.parquet")
    assert scored.select(["when", "text", "tags"]).equals(table)
    assert [str(scored.schema.field(name).type) for name in ("label", "score", "reason")] == [
        "string",
        "float",
        "string",
    ]
    found = [(row["label"], row["score"], row["reason"]) for row in scored.to_pylist()]
    assert found == expected_of(classifier, texts)


def test_pairs(saved_pair_model: Path, tmp_path: Path) -> None:
    classifier = SentimentClassifier.from_pretrained(saved_pair_model, device="cpu")
    rows = [("A title", TEXTS[0]), (None, TEXTS[1]), (None, None)]
    source = tmp_path / "pairs.jsonl"
    source.write_text("".join(json.dumps({"head": head, "body": body}) + "\n" for head, body in rows))
    report = classifier.predict_file(source, tmp_path / "scored.jsonl", text_columns=["head", "body"])
    labels = [json.loads(line)["label"] for line in (tmp_path / "scored.jsonl").read_text().splitlines()]
    assert labels[:2] == [one.label for one in classifier.predict([("A title", TEXTS[0]), ("", TEXTS[1])])]
    assert (labels[2], dict(report.not_scored)) == (None, {"no text": 1})


@pytest.mark.integration
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(
    classifier: SentimentClassifier, saved_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_csv(tmp_path / "in.csv", TEXTS)
    classifier.predict_file(tmp_path / "in.csv", tmp_path / "whole.csv")
    assert Child(score_and_die, tmp_path, saved_model, 3).end() == -signal.SIGKILL
    assert not (tmp_path / "out.csv").exists()
    (tmp_path / ".out.csv.parts" / "part-0000005.partial").write_text("half a part")
    scored: list[object] = []
    score: Callable[..., object] = file._score_part
    monkeypatch.setattr(file, "_score_part", lambda *args: scored.append(score(*args)))
    report = classifier.predict_file(tmp_path / "in.csv", tmp_path / "out.csv")
    assert (len(scored), report.rows, report.scored_before) == (5, 30, 12)
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv", "whole.csv"]


@pytest.mark.parametrize("asked", ["auto", "bf16"])
def test_a_run_goes_on_in_the_precision_that_it_began_in(
    asked: Literal["auto", "bf16"], saved_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = write_csv(tmp_path / "in.csv", TEXTS), tmp_path / "out.csv"
    first = SentimentClassifier.from_pretrained(saved_model, device="cpu", precision="fp32")
    first.predict_file(source, tmp_path / "whole.csv")
    with monkeypatch.context() as patch:
        patch.setattr("imdb_sentiment.data.formats.delimited.DelimitedTable.join", interrupted)
        with pytest.raises(KeyboardInterrupt):
            first.predict_file(source, target)
    for part in list((tmp_path / ".out.csv.parts").glob("part-0000002*")):
        part.unlink()
    monkeypatch.setattr("imdb_sentiment.inference.torch_backend.choose_precision", lambda *_, **__: "bf16")
    second = SentimentClassifier.from_pretrained(saved_model, device="cpu", precision=asked)
    assert second.predict_proba(TEXTS[:2]).tolist() != first.predict_proba(TEXTS[:2]).tolist()
    if asked == "bf16":
        with pytest.raises(OutputExistsError, match="holds parts of another job"):
            second.predict_file(source, target)
        return
    second.predict_file(source, target)
    assert target.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert second.predict_proba(TEXTS[:2]).tolist() != first.predict_proba(TEXTS[:2]).tolist()  # as it was opened


def test_parts_of_another_job_are_not_mixed_in(
    classifier: SentimentClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = write_csv(tmp_path / "in.csv", TEXTS), tmp_path / "out.csv"
    with monkeypatch.context() as patch:
        patch.setattr("imdb_sentiment.data.formats.delimited.DelimitedTable.join", interrupted)
        with pytest.raises(KeyboardInterrupt):
            classifier.predict_file(source, target)
    write_csv(source, TEXTS[::-1])
    os.utime(source, (1, 1))
    with pytest.raises(OutputExistsError, match="holds parts of another job"):
        classifier.predict_file(source, target)
    assert classifier.predict_file(source, target, overwrite=True).scored_before == 0
    assert [row["text"] for row in read_csv(target)] == TEXTS[::-1]


def interrupted(*arguments: object) -> None:
    raise KeyboardInterrupt


@settings(deadline=None, max_examples=examples(20))
@given(rows=st.integers(0, 30), shards=st.integers(1, 5))
def test_shards_have_each_row_once(
    classifier: SentimentClassifier, tmp_path_factory: pytest.TempPathFactory, rows: int, shards: int
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    source = write_csv(folder / "in.csv", TEXTS[:rows])
    found = []
    for number in range(1, shards + 1):
        target = folder / f"{number}.csv"
        report = classifier.predict_file(source, target, shard=(number, shards))
        part = read_csv(target)
        assert report.rows == len(part)
        found += [int(row["id"]) for row in part]
    assert sorted(found) == list(range(rows))


def test_names_that_are_taken_are_refused_or_get_a_prefix(classifier: SentimentClassifier, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps({"text": TEXTS[0], "label": "mine"}) + "\n")
    with pytest.raises(ConfigError, match="already has a column 'label'") as caught:
        classifier.predict_file(source, tmp_path / "out.jsonl")
    assert caught.value.hint == "prefix='predicted_'"
    classifier.predict_file(source, tmp_path / "out.jsonl", prefix="predicted_")
    row = json.loads((tmp_path / "out.jsonl").read_text())
    assert (row["label"], row["predicted_label"]) == ("mine", classifier.predict(TEXTS[0]).label)


def test_a_folder_is_not_one_file(classifier: SentimentClassifier, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is not one file\n.*found: +a folder\n.*\n.*predict_files"):
        classifier.predict_file(tmp_path, tmp_path / "out.csv")
    assert not list(tmp_path.iterdir())


def test_formulas_are_made_harmless_on_request(classifier: SentimentClassifier, tmp_path: Path) -> None:
    texts = ["=HYPERLINK(1)", "+1", "-5.2", "@SUM", "-dull", "superb"]
    source = write_csv(tmp_path / "in.csv", texts)
    classifier.predict_file(source, tmp_path / "out.csv", spreadsheet_safe=True)
    found = [row["text"] for row in read_csv(tmp_path / "out.csv")]
    assert found == ["'=HYPERLINK(1)", "+1", "-5.2", "'@SUM", "'-dull", "superb"]


@pytest.mark.parametrize(
    ("content", "names", "fields", "error", "message"),
    [
        ("text\ndull\n", ("in.csv", "out.jsonl"), {}, ConfigError, "a different format"),
        ("text\ndull\n", ("in.text", "out.text"), {}, DataError, "an unknown format"),
        ("text\ndull\n", ("in.csv", "in.csv"), {"overwrite": True}, OutputExistsError, "is both input and output"),
        ("txet\ndull\n", ("in.csv", "out.csv"), {}, DataError, "column 'text' is not in"),
        ("text,id\ndull\n", ("in.csv", "out.csv"), {}, DataError, "is ragged in 1 row"),
        ("", ("in.csv", "out.csv"), {}, DataError, "is empty"),
        ("not json", ("in.jsonl", "out.jsonl"), {}, DataError, "is not JSON in row 1"),
        ("no parquet", ("in.parquet", "out.parquet"), {}, DataError, "is not Parquet, despite its name"),
        ("text\ndull\n", ("in.csv", "out.csv"), {"shard": (3, 2)}, ConfigError, "invalid shard 3/2"),
        ("text\ndull\n", ("in.csv", "out.csv"), {"encoding": "utf-99"}, ConfigError, "not a text encoding"),
        ("text\ndull\n", ("in.csv", "out.csv"), {"text_columns": ["a", "b"]}, ConfigError, "does not suit the model"),
        ('{"text": "a"}', ("in.jsonl", "out.jsonl"), {"spreadsheet_safe": True}, ConfigError, "for CSV and TSV"),
    ],
)
def test_what_cannot_be_scored_is_told_before_anything_is_written(
    content: str,
    names: tuple[str, str],
    fields: dict[str, Any],
    error: type[Exception],
    message: str,
    classifier: SentimentClassifier,
    tmp_path: Path,
) -> None:
    source, target = (tmp_path / name for name in names)
    source.write_text(content)
    with pytest.raises(error, match=message):
        classifier.predict_file(source, target, **fields)
    assert [path.name for path in tmp_path.iterdir()] == [names[0]]
    assert source.read_text() == content


def test_another_encoding_is_named_by_its_option(classifier: SentimentClassifier, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes("text\ncafé\n".encode("cp1252"))
    with pytest.raises(DataError) as caught:
        classifier.predict_file(source, tmp_path / "out.csv")
    assert str(caught.value.hint).startswith("encoding='cp1252'")
    assert "try:      --encoding cp1252" in caught.value.for_shell(["--encoding"])
    classifier.predict_file(source, tmp_path / "out.csv", encoding="cp1252")
    assert "café" in (tmp_path / "out.csv").read_text(encoding="utf-8")


def test_a_stream_is_answered_as_it_comes(classifier: SentimentClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imdb_sentiment.persistence.row_prediction.SORTED_TEXTS", 4)
    taken = []

    def endless() -> Iterator[str]:
        for text in TEXTS * 10**6:
            taken.append(text)
            yield text

    stream = classifier.predict_stream(endless())
    first = [next(stream) for _ in range(5)]
    assert len(taken) == 8
    assert [one.label for one in first] == [one.label for one in classifier.predict(TEXTS[:5])]


def test_a_full_disk_is_told_and_what_is_done_is_kept(
    classifier: SentimentClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_csv(tmp_path / "in.csv", TEXTS)
    write = file._score_part
    written: list[object] = []

    def fill(*arguments: Any) -> None:
        if len(written) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(write(*arguments))

    with monkeypatch.context() as patch:
        patch.setattr(file, "_score_part", fill)
        with pytest.raises(DiskFullError, match="the disk is full"):
            classifier.predict_file(source, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()
    assert classifier.predict_file(source, tmp_path / "out.csv").scored_before == 8


def test_a_disk_that_is_full_from_the_beginning_is_told(
    classifier: SentimentClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_csv(tmp_path / "in.csv", TEXTS)

    def fill(*arguments: Any, **named: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", fill)
        with pytest.raises(DiskFullError, match="the disk is full"):
            classifier.predict_file(source, tmp_path / "out.csv")
    assert classifier.predict_file(source, tmp_path / "out.csv").rows == 30


def test_a_source_that_changes_while_it_is_read_is_told(
    classifier: SentimentClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_csv(tmp_path / "in.csv", TEXTS)
    chunks = DelimitedTable.chunks
    monkeypatch.setattr(DelimitedTable, "chunks", lambda self, size: list(chunks(self, size))[:-1])
    with pytest.raises(DataError, match="was changed while it was read"):
        classifier.predict_file(source, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def edit_in_place(path: Path) -> None:
    with path.open("r+b") as file:
        content = file.read()
        file.seek(0)
        file.write(content[:-40] + content[-40:].swapcase())


def edit_and_set_the_time_back(path: Path) -> None:
    before = path.stat()
    edit_in_place(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace_by_another(path: Path) -> None:
    shutil.copy(path, path.with_name("other"))
    edit_in_place(path.with_name("other"))
    path.with_name("other").replace(path)


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(path.read_bytes().splitlines(keepends=True)[-1])


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 40)


def touch(path: Path) -> None:
    os.utime(path, (1, 1))


CHANGES = (edit_in_place, edit_and_set_the_time_back, replace_by_another, append, cut_short, touch, Path.unlink)


def write_rows(path: Path) -> Path:
    rows = [{"id": i, "text": text} for i, text in enumerate(TEXTS)]
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=4)
    elif path.suffix == ".jsonl":
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    else:
        write_csv(path, TEXTS)
    return path


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "jsonl", "parquet"])
def test_a_source_that_is_changed_while_it_is_scored_is_refused(
    classifier: SentimentClassifier,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    change: Callable[[Path], object],
) -> None:
    source, target = write_rows(tmp_path / f"in.{suffix}"), tmp_path / f"out.{suffix}"
    labeler: Callable[..., Any] = row_labels.label_batch
    judged = []

    def judge_and_change(*arguments: Any, **named: Any) -> Any:
        judged.append(arguments)
        if len(judged) == 2:
            change(source)
        return labeler(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr("imdb_sentiment.inference.file.label_batch", judge_and_change)
        with pytest.raises(DataError, match="was changed while it was read"):
            classifier.predict_file(source, target)
    assert [path.name for path in tmp_path.iterdir() if path != source] == []
    write_rows(source)
    assert classifier.predict_file(source, target).scored_before == 0


@pytest.mark.parametrize("change", [edit_in_place, edit_and_set_the_time_back, replace_by_another, append])
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_source_that_is_changed_between_a_kill_and_the_next_run_is_another(
    classifier: SentimentClassifier,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    change: Callable[[Path], object],
) -> None:
    source, target = write_rows(tmp_path / f"in.{suffix}"), tmp_path / f"out.{suffix}"
    score: Callable[..., object] = file._score_part
    scored: list[object] = []

    def score_two(*arguments: Any) -> None:
        if len(scored) == 2:
            raise KeyboardInterrupt
        scored.append(score(*arguments))

    with monkeypatch.context() as patch:
        patch.setattr(file, "_score_part", score_two)
        with pytest.raises(KeyboardInterrupt):
            classifier.predict_file(source, target)
    if suffix == "parquet":  # a whole one
        write_rows(source)
        os.utime(source, (1, 1))
    else:
        change(source)
    with pytest.raises(OutputExistsError, match="holds parts of another job"):
        classifier.predict_file(source, target)
    assert not target.exists()


@pytest.mark.parametrize("place", ["before", "after", "half tidied"])
def test_what_a_kill_at_the_last_step_leaves_is_tidied(
    classifier: SentimentClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    source, target = write_csv(tmp_path / "in.csv", TEXTS), tmp_path / "out.csv"
    parts = tmp_path / ".out.csv.parts"
    with monkeypatch.context() as patch:
        if place == "before":
            patch.setattr(Path, "replace", killed_at(target, Path.replace))
        else:
            remove = shutil.rmtree
            patch.setattr(shutil, "rmtree", lambda *args: interrupted() if target.exists() else remove(*args))
        with pytest.raises(KeyboardInterrupt):
            classifier.predict_file(source, target)
    if place == "half tidied":
        (parts / "done").unlink()
    assert parts.exists()
    if place == "before":
        assert classifier.predict_file(source, target).scored_before == 30
    else:
        whole = target.read_bytes()
        with pytest.raises(OutputExistsError, match="already exists"):
            classifier.predict_file(source, target)
        assert target.read_bytes() == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def killed_at(target: Path, replace: Callable[..., Any]) -> Callable[..., Any]:
    def replace_or_die(self: Path, new: Path) -> Any:
        if new == target:
            raise KeyboardInterrupt
        return replace(self, new)

    return replace_or_die


def test_a_link_is_followed_and_a_pipe_refused(classifier: SentimentClassifier, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "in.csv", TEXTS)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link.csv").symlink_to("elsewhere/out.csv")
    classifier.predict_file(source, tmp_path / "link.csv")
    assert classifier.predict_file(source, tmp_path / "link.csv", overwrite=True).scored_before == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["out.csv"]
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(OutputExistsError, match="is a device, a pipe or a socket"):
        classifier.predict_file(source, tmp_path / "pipe.csv", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "in.csv", "link.csv", "pipe.csv"]
    (tmp_path / "back.csv").symlink_to("in.csv")
    with pytest.raises(OutputExistsError, match="is both input and output"):
        classifier.predict_file(source, tmp_path / "back.csv", overwrite=True)


def test_two_processes_do_not_write_to_one_file(classifier: SentimentClassifier, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "in.csv", TEXTS)
    with (
        FileLock(tmp_path / ".out.csv.lock"),
        pytest.raises(OutputExistsError, match="another process is writing to"),
    ):
        classifier.predict_file(source, tmp_path / "out.csv")


def test_what_another_process_has_finished_meanwhile_is_left(
    classifier: SentimentClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = write_csv(tmp_path / "in.csv", TEXTS), tmp_path / "out.csv"
    monkeypatch.setattr("imdb_sentiment.inference.file.check_names", lambda *_: target.write_text("done"))
    with pytest.raises(OutputExistsError, match="already exists"):
        classifier.predict_file(source, target)
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv", "out.csv"}


def test_of_a_parquet_file_only_a_part_is_in_memory(tmp_path: Path) -> None:
    texts = [os.urandom(5000).hex() for _ in range(2000)]
    pq.write_table(pa.table({"text": texts}), tmp_path / "in.parquet", row_group_size=50)
    assert (tmp_path / "in.parquet").stat().st_size > 10e6
    before = pa.total_allocated_bytes()
    with open_table(tmp_path / "in.parquet", ["text"]) as table:
        most = max(pa.total_allocated_bytes() - before for _ in table.chunks(16))
    assert most < 5e6


@pytest.mark.parametrize("target", ["", ".", "/", "..", "folder/.."])
def test_a_target_without_a_name_is_refused(classifier: SentimentClassifier, tmp_path: Path, target: str) -> None:
    with pytest.raises(ConfigError, match="has a different format"):
        classifier.predict_file(write_csv(tmp_path / "in.csv", TEXTS), target)


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_the_longest_name_that_can_be_written(classifier: SentimentClassifier, tmp_path: Path, suffix: str) -> None:
    source = write_csv(tmp_path / f"in{suffix}", TEXTS)
    long = "a" * (246 - len(suffix)) + suffix
    assert classifier.predict_file(source, tmp_path / long).rows == 30
    assert len(pd.read_csv(tmp_path / long)) == 30
    with pytest.raises(OutputExistsError, match="is too long for a name"):
        classifier.predict_file(source, tmp_path / f"a{long}")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([source.name, long])
