"""Covers results/cross_validation.py, training/rounds.py."""

import json
import shutil
import statistics
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

import imdb_sentiment.finetuner
from conftest import make_reviews
from imdb_sentiment import (
    ConfigError,
    DataConfig,
    DataError,
    FineTuneConfig,
    OutputExistsError,
    SentimentFineTuner,
    cross_validate,
)
from imdb_sentiment.results import CrossValidationReport

pytestmark = pytest.mark.integration  # each test trains several times

FOLDS = 3


@pytest.fixture(scope="module")
def quick(tiny_config: FineTuneConfig) -> FineTuneConfig:
    return tiny_config.replace(num_train_epochs=2)


@pytest.fixture(scope="module")
def run(quick: FineTuneConfig, tmp_path_factory: pytest.TempPathFactory) -> tuple[CrossValidationReport, Path]:
    """A finished cross-validation and its folder; tests that change it copy it first."""
    folder = tmp_path_factory.mktemp("run") / "folds"
    return cross_validate(make_reviews(120), config=quick, folds=FOLDS, output_dir=folder), folder


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each fit, in order, whether it was to resume."""
    made: list[bool] = []
    fit = SentimentFineTuner.fit

    def counting(self: SentimentFineTuner, data: Any = None, *, resume: bool = False) -> Any:
        made.append(resume)
        return fit(self, data, resume=resume)

    monkeypatch.setattr(imdb_sentiment.finetuner.SentimentFineTuner, "fit", counting)
    return made


def test_each_row_is_measured_once(run: tuple[CrossValidationReport, Path]) -> None:
    report, _ = run
    assert [result.fold for result in report.folds] == [1, 2, 3]
    assert sum(result.report.rows for result in report.folds) == 120
    assert all(0 < result.train_rows < 120 - result.report.rows for result in report.folds)


def test_mean_and_standard_deviation_are_those_of_the_folds(run: tuple[CrossValidationReport, Path]) -> None:
    report, _ = run
    for metric in ("accuracy", "f1", "roc_auc", "average_precision", "balanced_accuracy", "log_loss"):
        values = [getattr(result.report, metric) for result in report.folds]
        assert report.mean[metric] == pytest.approx(statistics.fmean(values))
        assert report.standard_deviation[metric] == pytest.approx(statistics.stdev(values))


def test_the_report_prints_and_is_plain_json(run: tuple[CrossValidationReport, Path]) -> None:
    report, _ = run
    lines = str(report).splitlines()
    assert lines[0].split() == ["metric", "mean", "std", *["fold", "1", "fold", "2", "fold", "3"]]
    assert lines[1].split()[:2] == ["accuracy", f"{report.mean['accuracy']:.4f}"]
    assert lines[-1].startswith("120 rows held out once each, after ")
    assert json.loads(json.dumps(report.to_dict())) == report.to_dict()


def test_a_folder_has_one_writer(tmp_path: Path, tiny_config: FineTuneConfig) -> None:
    for resume in (False, True):
        with FileLock(tmp_path / ".folds.lock"), pytest.raises(OutputExistsError, match="another process is writing"):
            cross_validate(make_reviews(40), config=tiny_config, folds=2, output_dir=tmp_path / "folds", resume=resume)


def test_only_results_are_left_behind(run: tuple[CrossValidationReport, Path]) -> None:
    _, folder = run
    assert {path.name for path in folder.iterdir()} == {
        "cross_validation.json",
        *(f"fold-{fold}.json" for fold in range(1, FOLDS + 1)),
    }


def test_finished_folds_are_not_trained_again(
    run: tuple[CrossValidationReport, Path], quick: FineTuneConfig, tmp_path: Path, fits: list[bool]
) -> None:
    report, finished = run
    folder = shutil.copytree(finished, tmp_path / "folds")
    (folder / "fold-2.json").unlink()
    again = cross_validate(make_reviews(120), config=quick, folds=FOLDS, output_dir=folder, resume=True)
    assert fits == [False]
    assert again.folds[0] == report.folds[0]
    assert again.folds[1].report == report.folds[1].report
    assert again.mean == pytest.approx(report.mean)


def test_a_fold_that_was_cut_short_goes_on_from_its_checkpoint(
    run: tuple[CrossValidationReport, Path],
    quick: FineTuneConfig,
    tmp_path: Path,
    fits: list[bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report, _ = run
    evaluate = SentimentFineTuner.evaluate

    def cut_short(self: SentimentFineTuner, **_: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(SentimentFineTuner, "evaluate", cut_short)
    with pytest.raises(KeyboardInterrupt):
        cross_validate(make_reviews(120), config=quick, folds=FOLDS, output_dir=tmp_path)
    monkeypatch.setattr(SentimentFineTuner, "evaluate", evaluate)
    again = cross_validate(make_reviews(120), config=quick, folds=FOLDS, output_dir=tmp_path, resume=True)
    assert fits == [False, True, False, False]
    assert [result.report for result in again.folds] == [result.report for result in report.folds]


@pytest.mark.parametrize("change", ["rows", "folds", "config"])
def test_another_cross_validation_is_not_gone_on_with(
    change: str, run: tuple[CrossValidationReport, Path], quick: FineTuneConfig, tmp_path: Path
) -> None:
    folder = shutil.copytree(run[1], tmp_path / "folds")
    rows = make_reviews(100 if change == "rows" else 120)
    config = quick.replace(seed=7) if change == "config" else quick
    with pytest.raises(ConfigError, match="holds another cross-validation"):
        cross_validate(rows, config=config, folds=4 if change == "folds" else FOLDS, output_dir=folder, resume=True)


def test_a_folder_in_use_is_left_alone(quick: FineTuneConfig, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match="is not empty"):
        cross_validate(make_reviews(60), config=quick, output_dir=tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_data_config_says_where_the_data_come_from(quick: FineTuneConfig, tmp_path: Path) -> None:
    texts, labels = make_reviews(40)
    lines = [f"{'spam' if label else 'ham'}\t{text}" for text, label in zip(texts, labels, strict=True)]
    path = tmp_path / "sms.tsv"
    path.write_text("\n".join(["Label\tSMS", *lines]) + "\n")
    data = DataConfig(source=str(path), text_column="SMS", label_column="Label", positive_label="spam")
    report = cross_validate(data, config=quick.replace(num_train_epochs=1), folds=2, output_dir=tmp_path / "folds")
    assert [result.report.labels for result in report.folds] == [("ham", "spam")] * 2
    named = data.replace(source="elsewhere.csv")
    again = cross_validate(
        path, config=quick.replace(num_train_epochs=1), folds=2, data_config=named, output_dir=tmp_path / "again"
    )
    assert [result.report for result in again.folds] == [result.report for result in report.folds]
    with pytest.raises(ConfigError, match="both say"):
        cross_validate(data, config=quick, data_config=DataConfig(), output_dir=tmp_path / "other")


def test_what_cannot_be_divided_is_refused_before_anything_is_written(quick: FineTuneConfig, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="folds=1 holds nothing out"):
        cross_validate(make_reviews(40), config=quick, folds=1, output_dir=tmp_path / "folds")
    with pytest.raises(DataError, match="too few rows for 30 folds"):
        cross_validate(make_reviews(40), config=quick, folds=30, output_dir=tmp_path / "folds")
    assert not (tmp_path / "folds").exists()
