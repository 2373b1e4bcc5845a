"""Learning curve: how accuracy rises with the number of labelled rows, and what more of them would bring."""

from collections.abc import Iterable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.config import DataConfig, FineTuneConfig
from imdb_sentiment.cross_validation import FoldTrainings
from imdb_sentiment.errors import ConfigError, DataError, count_rows
from imdb_sentiment.results.comparison import Interval
from imdb_sentiment.results.learning_curve import Forecast, LearningCurve, LearningPoint
from imdb_sentiment.runtime.messages import list_values
from imdb_sentiment.training.hooks import GivenObjects

if TYPE_CHECKING:
    from imdb_sentiment.data.data_like import DataLike
    from imdb_sentiment.data.folds import Folds
    from imdb_sentiment.results.evaluation import EvaluationReport
    from imdb_sentiment.results.training import FineTuneResult

__all__ = ["learning_curve"]

_FEWEST_ROWS = 8
_MOST_POINTS = 4


def learning_curve(
    data: "DataLike | None" = None,
    data_config: DataConfig | None = None,
    config: FineTuneConfig | None = None,
    *,
    sizes: Iterable[int] | None = None,
    folds: int = 3,
    output_dir: str | PathLike[str] = "learning-curve",
    resume: bool = False,
    **given: Unpack[GivenObjects],
) -> LearningCurve:
    """Train on increasing numbers of rows, measure all models on the same held-out rows, and extrapolate the curve.

    The rows are divided into folds, and each fold is held out once. For each size, that many rows of the other folds
    are drawn, stratified, and a model is trained on them as `SentimentFineTuner.fit` would train it on this number of
    rows; a larger size uses the same rows and more. Each size is therefore measured on all rows of the source, by as
    many models as there are folds. A test split of the source is not used.

    The gain from twice as many rows is estimated with a power law through the points. It is a guess: it assumes that
    the new rows are like the old ones.

    The function trains `folds` models for each size. `FineTuneConfig(method="probe")` gives a quick, lower curve.

    Args:
        data: As for `cross_validate`.
        data_config: Names the columns and labels of `data`.
        config: How the models are trained.
        sizes: Numbers of labelled rows, at least two. By default all rows outside a fold, half of them, and so on, at
            most four numbers and none below 8.
        folds: Number of folds, at least 2.
        output_dir: Folder for the result of each training, and for the checkpoints of the current one.
        resume: Resume an interrupted curve: finished trainings are not repeated.
        **given: As for `cross_validate`. The curve always shows accuracy.

    Raises:
        DataError: The data cannot be used as they are, or there are too few rows.
        ConfigError: `folds` or `sizes` cannot be used, `output_dir` contains another curve, or a launcher started
            several processes.
        ModelError: The encoder cannot be used.
        OutputExistsError: `output_dir` is not empty and `resume` is false, or another run is writing to it.
        HubUnavailableError: Something is on the hub, and the hub did not answer.

    Example:
        ```python
        curve = learning_curve("reviews.csv", config=FineTuneConfig(model_name="minilm", method="probe"))
        print(f"{100 * curve.gain:+.1f} points with twice as many labels")
        ```
    """
    trainings = FoldTrainings.of(data, data_config, config, folds, output_dir, given, caller="learning_curve")
    divided = trainings.divided
    numbers = _default_sizes(divided) if sizes is None else _checked_sizes(sizes, divided)
    with trainings.claimed("learning-curve", resume=resume, sizes=numbers):
        rounds = [trainings.run(_describe_point, size=size) for size in numbers]
    return _summarize(numbers, rounds, divided)


def _default_sizes(divided: "Folds") -> list[int]:
    sizes = [divided.fewest]
    while len(sizes) < _MOST_POINTS and sizes[0] // 2 >= _FEWEST_ROWS:
        sizes.insert(0, sizes[0] // 2)
    if len(sizes) < 2:
        raise DataError(
            "there are too few rows for a learning curve",
            found=f"{count_rows(len(divided.rows))}, of which {divided.fewest} are left to train on in a fold",
            expected=f"at least {2 * _FEWEST_ROWS} to train on",
            hint="label more rows",
        )
    return sizes


def _checked_sizes(sizes: Iterable[int], divided: "Folds") -> list[int]:
    asked = list(sizes)
    if any(isinstance(size, bool) or not isinstance(size, int) for size in asked):
        raise ConfigError("sizes must be numbers of rows", found=list_values(map(str, asked)), hint="sizes=[50, 100]")
    distinct = sorted(set(asked))
    if len(distinct) < 2 or distinct[0] < _FEWEST_ROWS or distinct[-1] > divided.fewest:
        raise ConfigError(
            "a learning curve cannot have these sizes",
            found=list_values(map(str, asked)) or "none",
            expected=f"at least two numbers from {_FEWEST_ROWS} to {divided.fewest:,}, the rows outside a fold",
        )
    return distinct


def _describe_point(fold: int, result: "FineTuneResult", report: "EvaluationReport") -> dict[str, Any]:
    wrong = (~report.require_rows().correct).tolist()
    return {"seconds": result.seconds, "log_loss": report.log_loss, "wrong": wrong}


def _summarize(sizes: Sequence[int], rounds: Sequence[Sequence[dict[str, Any]]], divided: "Folds") -> LearningCurve:
    from imdb_sentiment.evaluation.bootstrap import LEVEL, RESAMPLES, SEED
    from imdb_sentiment.evaluation.power_law import draw_error_rates, extrapolate_error_rates

    wrong = np.array([[mistake for part in parts for mistake in part["wrong"]] for parts in rounds]).T
    rows = len(wrong)
    drawn = draw_error_rates(wrong, draws=RESAMPLES, seed=SEED)
    measured = (wrong.sum(0) + 0.5) / (rows + 1)

    def around(value: float, values: NDArray[np.float64]) -> Interval:
        low, high = np.quantile(values, ((1 - LEVEL) / 2, (1 + LEVEL) / 2)).tolist()
        return Interval(min(low, value), max(high, value))  # no mistake at all is an end of what is possible

    def forecast(number: int) -> Forecast:
        accuracy = float(1 - extrapolate_error_rates(measured, sizes, number))
        return Forecast(
            rows=number, accuracy=accuracy, interval=around(accuracy, 1 - extrapolate_error_rates(drawn, sizes, number))
        )

    accuracies = (1 - wrong.mean(0)).tolist()

    points = [
        LearningPoint(
            rows=size,
            accuracy=accuracies[place],
            interval=around(accuracies[place], 1 - drawn[:, place]),
            log_loss=float(np.average([p["log_loss"] for p in parts], weights=[len(p["wrong"]) for p in parts])),
            seconds=float(np.mean([part["seconds"] for part in parts])),
        )
        for place, (size, parts) in enumerate(zip(sizes, rounds, strict=True))
    ]
    now, doubled = forecast(rows), forecast(2 * rows)
    gains = extrapolate_error_rates(drawn, sizes, rows) - extrapolate_error_rates(drawn, sizes, 2 * rows)
    return LearningCurve(
        points=tuple(points),
        now=now,
        doubled=doubled,
        gain=doubled.accuracy - now.accuracy,
        gain_interval=around(doubled.accuracy - now.accuracy, gains),
        held_out=rows,
        folds=len(rounds[0]),
        notes=divided.notes,
    )
