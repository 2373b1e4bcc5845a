"""Cross-validation: every row is held out once, and metrics come with their spread."""

import json
import shutil
import statistics
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from imdb_sentiment.config import NON_TRAINING_FIELDS, DataConfig, FineTuneConfig, given_config, source_of
from imdb_sentiment.errors import ConfigError
from imdb_sentiment.results.cross_validation import CrossValidationReport, FoldResult
from imdb_sentiment.results.evaluation import EvaluationReport
from imdb_sentiment.results.metric_names import METRICS
from imdb_sentiment.runtime.distributed import world_size
from imdb_sentiment.runtime.files import as_path, write_json

if TYPE_CHECKING:
    from imdb_sentiment.data.data_like import DataLike, DataSplits

__all__ = ["cross_validate"]


def cross_validate(
    data: "DataLike | None" = None,
    data_config: DataConfig | None = None,
    config: FineTuneConfig | None = None,
    *,
    folds: int = 5,
    output_dir: str | PathLike[str] = "cross-validation",
    resume: bool = False,
) -> CrossValidationReport:
    """Fine-tune once for each fold, on the other folds, and measure on the fold itself.

    Folds are stratified, seeded by `DataConfig.split_seed`, independent of the order of the rows, and no group of equal
    or nearly equal texts, or of one value of `group_column`, stands in two of them. In each round the model is trained
    as `SentimentFineTuner.fit` would train it on the other folds: `validation_fraction` of them is held out to choose
    the best epoch, or, if they are few, each row in turn. A test split that the source brings is left alone, for the
    model that is trained at the end.

    The standard deviation tells how much a metric varies with the rows. It says less about the error of the mean,
    since any two rounds share most of their training rows (Bengio and Grandvalet, No Unbiased Estimator of the
    Variance of K-Fold Cross-Validation, JMLR 2004).

    Args:
        data: A `DataConfig`; a path or hub data set; or anything that `SentimentFineTuner.fit` takes, read by
            `data_config`. By default what `data_config.source` names.
        data_config: Names the columns and labels of `data`.
        config: How the models learn.
        folds: Number of folds, at least 2.
        output_dir: Folder for the result of each fold, and for the checkpoints of the fold that is under way.
        resume: Resume an interrupted cross-validation: finished folds are not repeated, and the interrupted fold
            continues from its newest complete checkpoint.

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
    if world_size() > 1:
        raise ConfigError("cross_validate runs in one process", hint="the same script without torchrun")
    rows, data_config = source_of(data, data_config)
    config = given_config(config, FineTuneConfig)
    folder = as_path(output_dir, "output_dir")
    divided = load_folds(data_config, folds, rows)
    learn = config.model_dump(mode="json", exclude=NON_TRAINING_FIELDS)
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
