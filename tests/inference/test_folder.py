"""Many files: what is done again, what is left alone, what is refused. The engine here is this process."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from filelock import FileLock

from conftest import make_reviews
from imdb_sentiment import (
    ConfigError,
    DataError,
    DiskFullError,
    MissingExtraError,
    OutputExistsError,
    SentimentClassifier,
)
from imdb_sentiment.inference import folder
from imdb_sentiment.inference.folder import FolderJob, Outcome, PredictFile, score_one
from imdb_sentiment.persistence.opened_model import OpenedModel

TEXTS, _ = make_reviews(30)
NAMES = ["a.csv", "b.csv", "deep/a.csv"]


class HereAndNow:
    """An engine that scores in this process, and remembers which files."""

    scored: list[str]

    def __init__(self, predict_file: PredictFile, **_: object) -> None:
        self.predict_file = predict_file

    def __call__(self, job: FolderJob, names: Sequence[str]) -> Iterator[Outcome]:
        for name in names:
            yield score_one(job, name, lambda: self.predict_file)
            self.scored.append(name)


@pytest.fixture(scope="module")
def classifier(saved_model: Path) -> SentimentClassifier:
    return SentimentClassifier.from_pretrained(saved_model, device="cpu")


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were scored since the test began."""
    monkeypatch.setattr(HereAndNow, "scored", [], raising=False)
    monkeypatch.setattr("imdb_sentiment.inference.ray_engine.ray_workers", HereAndNow)
    return HereAndNow.scored


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with three files of five rows, one of which is in a folder inside."""
    for place, name in enumerate(NAMES):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(["text", *TEXTS[5 * place : 5 * place + 5]]) + "\n")
    (tmp_path / "in" / "_SUCCESS").touch()
    (tmp_path / "in" / "_temporary").mkdir()
    (tmp_path / "in" / "_temporary" / "half.csv").write_text("te")
    return tmp_path / "in"


def outputs(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    named = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    return {name: content for name, content in named.items() if not name.startswith(".imdb_sentiment/")}


def alone(classifier: SentimentClassifier, source: Path, folder: Path) -> dict[str, bytes]:
    """What each file becomes when it is scored alone."""
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        classifier.predict_file(source / name, folder / name)
    return outputs(folder)


def test_each_file_becomes_what_it_becomes_alone(
    classifier: SentimentClassifier, source: Path, scored: list[str], tmp_path: Path
) -> None:
    report = classifier.predict_files(source, tmp_path / "out")
    assert outputs(tmp_path / "out") == alone(classifier, source, tmp_path / "alone")
    assert scored == NAMES
    assert (report.rows, report.scored_before, sum(report.labels.values())) == (15, 0, 15)
    assert report.notes == ("3 files",)
    hidden = tmp_path / "out" / ".imdb_sentiment"
    assert not [path for path in (hidden / "partial").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("in/*.csv", ["a.csv", "b.csv"]),
        ("in/**/a.csv", ["a.csv", "deep/a.csv"]),
        ("in/deep/a.csv", ["a.csv"]),
        ("in/deep", ["a.csv"]),
    ],
)
def test_patterns(
    pattern: str,
    names: list[str],
    classifier: SentimentClassifier,
    source: Path,
    scored: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(source.parent)
    classifier.predict_files(pattern, "out")
    assert sorted(outputs(Path("out"))) == names


def test_what_is_done_is_not_done_again(
    classifier: SentimentClassifier, source: Path, scored: list[str], tmp_path: Path
) -> None:
    target = tmp_path / "out"
    first = classifier.predict_files(source, target)
    whole = outputs(target)
    (target / "b.csv").unlink()
    (source / "new.csv").write_text(f"text\n{TEXTS[0]}\n")
    del scored[:]
    again = classifier.predict_files(source, target)
    assert scored == ["b.csv", "new.csv"]
    assert outputs(target).items() >= whole.items()
    assert (again.rows, again.scored_before) == (first.rows + 1, 10)
    del scored[:]
    assert classifier.predict_files(source, target, overwrite=True).scored_before == 16
    assert scored == []


def test_the_output_may_lie_in_the_input(classifier: SentimentClassifier, source: Path, scored: list[str]) -> None:
    for _ in range(2):
        assert classifier.predict_files(source, source / "deep" / "out").rows == 15
    assert scored == NAMES


def test_a_run_that_is_killed_between_any_two_steps_goes_on(
    classifier: SentimentClassifier, source: Path, scored: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = alone(classifier, source, tmp_path / "alone")
    rename = Path.replace
    for steps in range(20):
        target = tmp_path / f"out-{steps}"
        left = steps

        def replace(path: Path, to: Path) -> Path:
            nonlocal left
            if left == 0:
                raise KeyboardInterrupt
            left -= 1
            return rename(path, to)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", replace)
            try:
                classifier.predict_files(source, target)
            except KeyboardInterrupt:
                pass
            else:
                assert steps > 10
                break
        before = outputs(target)
        assert before.items() <= expected.items()
        assert classifier.predict_files(source, target).rows == 15
        assert outputs(target) == expected
    else:
        pytest.fail("no run came to its end")


def test_the_work_of_another_job_is_refused_or_discarded(
    classifier: SentimentClassifier, source: Path, scored: list[str], tmp_path: Path
) -> None:
    target = tmp_path / "out"
    classifier.predict_files(source, target)
    whole = outputs(target)
    with pytest.raises(OutputExistsError, match="holds the output of another job"):
        classifier.predict_files(source, target, prefix="our_")
    metadata = classifier.metadata
    stricter = metadata.model_copy(update={"calibration": metadata.calibration.model_copy(update={"threshold": 0.75})})
    other = SentimentClassifier(
        OpenedModel(classifier._opened.artifact._replace(metadata=stricter), classifier._opened.scorer)
    )
    with pytest.raises(OutputExistsError, match="holds the output of another job"):
        other.predict_files(source, target)
    assert outputs(target) == whole
    classifier.predict_files(source, target, prefix="our_", overwrite=True)
    assert (target / "a.csv").read_text().startswith("text,our_label")


def test_a_promise_holds_for_a_folder_and_another_one_is_another_job(
    abstaining_model: Path, source: Path, scored: list[str], tmp_path: Path
) -> None:
    classifier = SentimentClassifier.from_pretrained(abstaining_model, device="cpu")
    (source / "b.csv").write_text("text\nmoving and boring\nA film.\nsuperb\n")
    report = classifier.predict_files(source, tmp_path / "out", abstain="error<=0.01")
    expected = classifier.predict(["moving and boring", "A film.", "superb"], abstain="error<=0.01")
    lines = (tmp_path / "out" / "b.csv").read_text().splitlines()[1:]
    assert [line.endswith(f",abstained (perhaps {one.label})") for line, one in zip(lines, expected, strict=True)] == [
        one.abstained for one in expected
    ]
    assert sum(report.not_scored.values()) == sum(one.abstained for one in expected)
    with pytest.raises(OutputExistsError, match="holds the output of another job"):
        classifier.predict_files(source, tmp_path / "out", abstain="error<=0.05")
    wrong: list[dict[str, Any]] = [
        {"abstain": "error<=0.0001"},
        {"abstain": "error<=0.5", "cascade": True},
        {"abstain": "error<=0.5", "abstain_below": 0.7},
        {"abstain_below": "0.7"},
    ]
    for options in wrong:
        with pytest.raises(ConfigError):
            classifier.predict_files(source, tmp_path / "none", **options)
        with pytest.raises(ConfigError):
            classifier.predict_file(source / "a.csv", tmp_path / "none.csv", **options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["abstaining-model", "in", "out"]


def test_an_input_that_changed_is_refused_or_scored_again(
    classifier: SentimentClassifier, source: Path, scored: list[str], tmp_path: Path
) -> None:
    target = tmp_path / "out"
    classifier.predict_files(source, target)
    os.utime(source / "b.csv", (1, 1))
    with pytest.raises(OutputExistsError, match=r"b\.csv in .* would be overwritten"):
        classifier.predict_files(source, target)
    del scored[:]
    classifier.predict_files(source, target, overwrite=True)
    assert scored == ["b.csv"]


def test_files_of_others_are_left_alone(
    classifier: SentimentClassifier, source: Path, scored: list[str], tmp_path: Path
) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "b.csv").write_text("mine")
    (target / "README").write_text("mine")
    with pytest.raises(OutputExistsError, match="would be overwritten"):
        classifier.predict_files(source, target)
    assert outputs(target) == {"b.csv": b"mine", "README": b"mine"}
    assert sorted(path.name for path in target.iterdir()) == ["README", "b.csv"]


def test_files_that_cannot_be_scored_are_named_and_the_others_are_done(
    classifier: SentimentClassifier, source: Path, scored: list[str], tmp_path: Path
) -> None:
    (source / "b.csv").write_text("txet\ndull\n")
    (source / "c.parquet").write_text("no parquet")
    with pytest.raises(DataError) as caught:
        classifier.predict_files(source, tmp_path / "out")
    message = str(caught.value)
    assert message.startswith("2 of 4 files could not be scored; the others are done")
    assert "b.csv: column 'text' is not in" in message
    assert "c.parquet: " in message
    assert sorted(outputs(tmp_path / "out")) == ["a.csv", "deep/a.csv"]
    (source / "b.csv").write_text("text\ndull\n")
    (source / "c.parquet").unlink()
    assert classifier.predict_files(source, tmp_path / "out").rows == 11


@pytest.mark.parametrize("asked", ["auto", "bf16"])
def test_a_run_goes_on_in_the_precision_that_it_began_in(
    asked: Literal["auto", "bf16"],
    saved_model: Path,
    source: Path,
    scored: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unsure = ["dull and superb", "superb, dull", "a film", "at home", "moving and boring"]  # rounding shows in these
    (source / "b.csv").write_text("\n".join(["text", *(f'"{text}"' for text in unsure)]) + "\n")
    first = SentimentClassifier.from_pretrained(saved_model, device="cpu", precision="fp32")
    first.predict_files(source, tmp_path / "out")
    expected = outputs(tmp_path / "out")
    (tmp_path / "out" / "b.csv").unlink()
    monkeypatch.setattr("imdb_sentiment.inference.torch_backend.choose_precision", lambda *_, **__: "bf16")
    second = SentimentClassifier.from_pretrained(saved_model, device="cpu", precision=asked)
    if asked == "bf16":
        with pytest.raises(OutputExistsError, match="holds the output of another job"):
            second.predict_files(source, tmp_path / "out")
        return
    assert second.predict_files(source, tmp_path / "out").scored_before == 10
    assert outputs(tmp_path / "out") == expected
    second.predict_file(source / "b.csv", tmp_path / "b.csv")  # as it was opened
    assert (tmp_path / "b.csv").read_bytes() != expected["b.csv"]


@pytest.mark.parametrize("plan", ["", "[]", "null", '{"precision": 3}'])
def test_a_damaged_plan_is_that_of_another_job(
    plan: str, classifier: SentimentClassifier, source: Path, scored: list[str], tmp_path: Path
) -> None:
    hidden = tmp_path / "out" / ".imdb_sentiment"
    hidden.mkdir(parents=True)
    (hidden / "plan.json").write_text(plan)
    with pytest.raises(OutputExistsError, match="holds the output of another job"):
        classifier.predict_files(source, tmp_path / "out")
    assert classifier.predict_files(source, tmp_path / "out", overwrite=True).rows == 15


def test_a_full_disk(
    classifier: SentimentClassifier,
    source: Path,
    scored: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fill(*_: object, **__: object) -> None:
        raise DiskFullError("there is no more room")

    monkeypatch.setattr(SentimentClassifier, "predict_file", fill)
    with pytest.raises(DiskFullError, match="3 of 3 files could not be scored"):
        classifier.predict_files(source, tmp_path / "out")


def test_a_file_that_no_worker_survives_is_given_up(
    classifier: SentimentClassifier, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise SystemExit

    job = FolderJob(source, NAMES, tmp_path / "out", {}, "", None)
    with monkeypatch.context() as patch:
        patch.setattr(SentimentClassifier, "predict_file", die)
        for _ in range(folder._MAX_TRIES):
            with pytest.raises(SystemExit):
                score_one(job, "a.csv", lambda: classifier.predict_file)
    assert "5 workers in a row were lost" in score_one(job, "a.csv", lambda: classifier.predict_file).error
    assert score_one(job, "b.csv", lambda: classifier.predict_file).report == classifier.predict_file(
        source / "b.csv", tmp_path / "b.csv"
    )


@pytest.mark.parametrize(
    ("source", "fields", "error", "message"),
    [
        ("in/*.tsv", {}, DataError, r"no file matches in/\*\.tsv"),
        ("inn", {}, DataError, "there is no file or folder inn"),
        ("empty", {}, DataError, "empty holds no data"),
        ("out", {}, OutputExistsError, "is both input and output"),
        ("in", {"text_columns": ["a", "b"]}, ConfigError, "does not suit the model"),
        ("in", {"cascade": "always"}, ConfigError, "cascade='always' is not a bool"),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_is_written(
    source: str,
    fields: dict[str, Any],
    error: type[Exception],
    message: str,
    classifier: SentimentClassifier,
    scored: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("in", "empty", "out"):
        Path(name).mkdir()
    Path("in/a.csv").write_text("text\ndull\n")
    with pytest.raises(error, match=message):
        classifier.predict_files(source, "out", **fields)
    assert list(Path("out").iterdir()) == []


def test_a_folder_has_one_writer(
    classifier: SentimentClassifier, source: Path, scored: list[str], tmp_path: Path
) -> None:
    hidden = tmp_path / "out" / ".imdb_sentiment"
    hidden.mkdir(parents=True)
    with FileLock(hidden / ".lock"), pytest.raises(OutputExistsError, match="another process is writing to"):
        classifier.predict_files(source, tmp_path / "out")


def test_without_the_extra(
    classifier: SentimentClassifier, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"needs the extra 'ray'"):
        classifier.predict_files(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()
