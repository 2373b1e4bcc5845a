"""Covers results/learning_curve.py."""

import json
from pathlib import Path
from typing import Any

import pytest

import imdb_sentiment.finetuner
from conftest import make_reviews
from imdb_sentiment import (
    ConfigError,
    DataConfig,
    DataError,
    FineTuneConfig,
    OutputExistsError,
    SentimentFineTuner,
    learning_curve,
)
from imdb_sentiment.results import LearningCurve

pytestmark = pytest.mark.integration  # each test trains several times

ROWS = 96
DATA = DataConfig(near_duplicates="ignore")  # all of these texts are nearly the same


@pytest.fixture(scope="module")
def quick(tiny_config: FineTuneConfig) -> FineTuneConfig:
    return tiny_config.replace(method="probe")


@pytest.fixture(scope="module")
def run(quick: FineTuneConfig, tmp_path_factory: pytest.TempPathFactory) -> tuple[LearningCurve, Path]:
    folder = tmp_path_factory.mktemp("run") / "curve"
    return learning_curve(make_reviews(ROWS), config=quick, data_config=DATA, output_dir=folder), folder


def test_each_size_is_half_of_the_next_and_is_measured_on_all_rows(run: tuple[LearningCurve, Path]) -> None:
    curve, folder = run
    assert [point.rows for point in curve.points] == [8, 16, 32, 64]
    assert (curve.held_out, curve.folds, curve.now.rows, curve.doubled.rows) == (ROWS, 3, ROWS, 2 * ROWS)
    for size in (8, 16, 32, 64):
        wrong = [json.loads((folder / f"{size}-rows-fold-{fold}.json").read_text())["wrong"] for fold in (1, 2, 3)]
        point = next(point for point in curve.points if point.rows == size)
        assert point.accuracy == pytest.approx(1 - sum(map(sum, wrong)) / ROWS)
        assert point.interval.low <= point.accuracy <= point.interval.high


def test_more_rows_help_and_the_forecast_follows(run: tuple[LearningCurve, Path]) -> None:
    curve, _ = run
    first, *_, last = curve.points
    assert last.accuracy > first.accuracy
    assert last.log_loss < first.log_loss
    assert curve.now.accuracy <= curve.doubled.accuracy
    assert curve.gain == pytest.approx(curve.doubled.accuracy - curve.now.accuracy)
    assert curve.gain_interval.low >= 0


def test_it_prints_in_eighty_columns_and_is_plain_json(run: tuple[LearningCurve, Path]) -> None:
    curve, _ = run
    lines = str(curve).splitlines()
    assert lines[0].split() == ["labelled", "rows", "accuracy", "95", "%", "interval", "log", "loss", "seconds"]
    assert "with twice as many, 192, about" in " ".join(lines)
    assert max(map(len, lines)) <= 80
    assert json.loads(json.dumps(curve.to_dict())) == curve.to_dict()


def test_an_interrupted_curve_is_resumed_without_repeating_what_is_finished(
    quick: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit, made = SentimentFineTuner.fit, list[int]()

    def interrupted_in_the_fourth(self: SentimentFineTuner, data: Any = None, *, resume: bool = False) -> Any:
        made.append(len(data.train))
        if len(made) == 4:
            raise KeyboardInterrupt
        return fit(self, data, resume=resume)

    monkeypatch.setattr(imdb_sentiment.finetuner.SentimentFineTuner, "fit", interrupted_in_the_fourth)
    options: dict[str, Any] = {"sizes": [12, 24], "data_config": DATA, "output_dir": tmp_path / "curve"}
    with pytest.raises(KeyboardInterrupt):
        learning_curve(make_reviews(48), config=quick, **options)
    with pytest.raises(OutputExistsError, match="is not empty"):
        learning_curve(make_reviews(48), config=quick, **options)
    curve = learning_curve(make_reviews(48), config=quick, **options, resume=True)
    assert made == [12, 12, 12, 24, 24, 24, 24]
    assert [point.rows for point in curve.points] == [12, 24]
    with pytest.raises(ConfigError, match="holds another learning-curve") as caught:
        learning_curve(make_reviews(48), config=quick, **options | {"sizes": [12, 20]}, resume=True)
    assert caught.value.found == "different sizes"
    options["data_config"] = DATA.replace(validation="split")
    with pytest.raises(ConfigError, match="holds another learning-curve") as caught:
        learning_curve(make_reviews(48), config=quick, **options, resume=True)
    assert caught.value.found == "different validation"


@pytest.mark.parametrize("sizes", [[], [20], [4, 20], [20, 33], [20, 20]])
def test_sizes_that_make_no_curve_are_refused(sizes: list[int], quick: FineTuneConfig, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a learning curve cannot have these sizes") as caught:
        learning_curve(make_reviews(48), config=quick, sizes=sizes, data_config=DATA, output_dir=tmp_path / "curve")
    assert caught.value.expected == "at least two numbers from 8 to 32, the rows outside a fold"
    assert not (tmp_path / "curve").exists()


def test_sizes_that_are_no_numbers_are_refused(quick: FineTuneConfig, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="sizes must be numbers of rows"):
        learning_curve(make_reviews(48), config=quick, sizes=[0.5, 1], output_dir=tmp_path / "curve")  # type: ignore[list-item]


def test_too_few_rows_are_refused(quick: FineTuneConfig, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="too few rows for a learning curve"):
        learning_curve(make_reviews(20), config=quick, data_config=DATA, output_dir=tmp_path / "curve")


def test_one_fold_holds_nothing_out(quick: FineTuneConfig) -> None:
    with pytest.raises(ConfigError, match="folds=1 holds nothing out"):
        learning_curve(make_reviews(48), config=quick, folds=1)
