"""Cross-validation: every row is held out once, and the figures come with their spread."""

import json
import shutil
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imdb_sentiment.config import NOT_OF_THE_RUN, DataConfig, FineTuneConfig, given_config, source_of
from imdb_sentiment.errors import ConfigError, count_rows
from imdb_sentiment.results import METRICS, EvaluationReport, to_plain
from imdb_sentiment.results.text_table import format_table
from imdb_sentiment.runtime.distributed import number_of_processes
from imdb_sentiment.runtime.files import as_path, write_json
from imdb_sentiment.runtime.messages import visible

if TYPE_CHECKING:
    from imdb_sentiment.data.splits import DataSplits

__all__ = ["CrossValidationReport", "FoldResult", "cross_validate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldResult:
    """One round of a cross-validation."""

    fold: int
    """Number of the fold that was held out, from 1."""

    train_rows: int
    """Rows that the model was fitted to."""

    kept_epoch: float
    """The epoch that was measured."""

    kept_because: str
    """Why that epoch."""

    seconds: float
    """Wall-clock seconds of training."""

    report: EvaluationReport
    """The model on the fold: its figures, without intervals, baselines and slices."""

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON types."""
        return to_plain(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossValidationReport:
    """What the rounds of a cross-validation have in common, and how far they lie apart."""

    folds: tuple[FoldResult, ...]
    """One result a fold."""

    mean: Mapping[str, float]
    """Mean over the folds of each metric of `EvaluationReport`."""

    standard_deviation: Mapping[str, float]
    """Standard deviation over the folds, with n - 1 in the denominator."""

    notes: tuple[str, ...] = ()
    """How the source was read, and which rows were left alone."""

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON types."""
        return to_plain(self)

    def __str__(self) -> str:
        table = [["metric", "mean", "std", *(f"fold {result.fold}" for result in self.folds)]]
        for metric in self.mean:
            values = (self.mean[metric], self.standard_deviation[metric])
            by_fold = (getattr(result.report, metric) for result in self.folds)
            table.append([metric, *(f"{value:.4f}" for value in (*values, *by_fold))])
        lines = format_table(table)
        rows = sum(result.report.rows for result in self.folds)
        seconds = sum(result.seconds for result in self.folds)
        lines.append(f"{count_rows(rows)} held out once each, after {seconds:.0f} s of training")
        return visible("\n".join([*lines, *(f"note: {note}" for note in self.notes)]))


def cross_validate(
    data: object = None,
    config: FineTuneConfig | None = None,
    folds: int = 5,
    *,
    data_config: DataConfig | None = None,
    output_dir: str | PathLike[str] = "cross-validation",
    resume: bool = False,
) -> CrossValidationReport:
    """Fine-tune once for each fold, on the other folds, and measure on the fold itself.

    Folds are stratified, seeded by `DataConfig.split_seed`, independent of the order of the rows, and no group of equal
    or nearly equal texts, or of one value of `group_column`, stands in two of them. In each round the model is trained
    as `SentimentFineTuner.fit` would train it on the other folds: `validation_fraction` of them is held out to choose
    the best epoch, or, if they are few, each row in turn. A test split that the source brings is left alone, for the
    model that is trained at the end.

    The standard deviation tells how much a figure moves with the rows. It says less of how far the mean is from the
    truth, since any two rounds share most of their training rows (Bengio and Grandvalet, No Unbiased Estimator of the
    Variance of K-Fold Cross-Validation, JMLR 2004).

    Args:
        data: A `DataConfig`; a path or hub data set; or anything that `SentimentFineTuner.fit` takes, read by
            `data_config`. By default what `data_config.source` names.
        config: How the models learn.
        folds: Number of folds, at least 2.
        data_config: Names the columns and labels of `data`.
        output_dir: Folder for the result of each fold, and for the checkpoints of the fold that is under way.
        resume: Go on with a cross-validation that was cut short: finished folds are not trained again, and the fold
            that was under way goes on from its newest complete checkpoint.

    Raises:
        DataError: The data cannot be used as they are, or are too few for so many folds.
        ConfigError: `folds` is below 2, `data` and `data_config` both are a `DataConfig`, `output_dir` holds another
            cross-validation, or a launcher started several processes.
        ModelError: The encoder cannot be used.
        OutputExistsError: `output_dir` is not empty and `resume` is false, or another run is writing to it.
        HubUnavailableError: Something is on the hub, and the hub did not answer.
    """
    from imdb_sentiment.data.folds import load_folds
    from imdb_sentiment.training.recipe import few_rows_below
    from imdb_sentiment.training.rounds import rounds_folder

    if folds < 2:
        raise ConfigError(f"folds={folds} holds nothing out", expected="2 or more")
    if number_of_processes() > 1:
        raise ConfigError("cross_validate runs in one process", hint="the same script without torchrun")
    data, data_config = source_of(data, data_config)
    config = given_config(config, FineTuneConfig)
    folder = as_path(output_dir, "output_dir")
    divided = load_folds(data_config, folds, data)
    learn = config.model_dump(mode="json", exclude=NOT_OF_THE_RUN)
    run = {"folds": folds, "data_fingerprint": divided.fingerprint, "fine_tune_config": learn}
    run |= data_config.model_dump(include={"validation", "validation_fraction"})
    with rounds_folder(folder, run, what="cross-validation", resume=resume):
        results = [
            _run_or_read_fold(fold, splits, data_config, config, folder)
            for fold, splits in enumerate(divided.splits(data_config, cross_below=few_rows_below(config)), start=1)
        ]
    return _summarise(results, divided.notes)


def _run_or_read_fold(
    fold: int, splits: "DataSplits", data_config: DataConfig, config: FineTuneConfig, folder: Path
) -> FoldResult:
    finished = folder / f"fold-{fold}.json"
    if not finished.exists():
        result = _run_fold(fold, splits, data_config, config, folder / f"fold-{fold}")
        write_json(finished, result.to_dict(), overwrite=True)
    return _read_fold(finished)


def _run_fold(
    fold: int, splits: "DataSplits", data_config: DataConfig, config: FineTuneConfig, checkpoints: Path
) -> FoldResult:
    from imdb_sentiment.finetuner import SentimentFineTuner

    tuner = SentimentFineTuner(data_config, config, output_dir=checkpoints)
    result = tuner.fit(splits, resume=checkpoints.exists())
    report = tuner.evaluate(full=False)
    shutil.rmtree(checkpoints, ignore_errors=True)  # a linear probe leaves none
    return FoldResult(
        fold=fold,
        train_rows=sum(splits.summary.rows["train"].values()),
        kept_epoch=result.kept_epoch,
        kept_because=result.kept_because,
        seconds=result.seconds,
        report=report,
    )


def _summarise(folds: Sequence[FoldResult], notes: tuple[str, ...]) -> CrossValidationReport:
    values = {metric: [getattr(result.report, metric) for result in folds] for metric in METRICS}
    return CrossValidationReport(
        folds=tuple(folds),
        mean={metric: statistics.fmean(column) for metric, column in values.items()},
        standard_deviation={metric: statistics.stdev(column) for metric, column in values.items()},
        notes=notes,
    )


def _read_fold(path: Path) -> FoldResult:
    content = json.loads(path.read_text(encoding="utf-8"))
    report = EvaluationReport.from_dict(content.pop("report"))
    return FoldResult(**content, report=report)
