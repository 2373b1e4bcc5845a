"""Cross-validation: every row is held out once, and metrics come with their spread."""

import json
import shutil
import statistics
from collections.abc import Callable
from contextlib import AbstractContextManager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self, Unpack

from imdb_sentiment.config import NON_TRAINING_FIELDS, DataConfig, FineTuneConfig, given_config, source_of
from imdb_sentiment.data.folds import Folds, load_folds
from imdb_sentiment.errors import ConfigError
from imdb_sentiment.finetuner import SentimentFineTuner
from imdb_sentiment.results.base import restore
from imdb_sentiment.results.cross_validation import CrossValidationReport, FoldResult
from imdb_sentiment.results.metrics import METRICS
from imdb_sentiment.runtime.distributed import world_size
from imdb_sentiment.runtime.files import as_path, write_json
from imdb_sentiment.training.hooks import NO_HOOKS, GivenObjects, Hooks
from imdb_sentiment.training.recipe import few_rows_below
from imdb_sentiment.training.rounds import rounds_folder

if TYPE_CHECKING:
    from imdb_sentiment.data.data_like import DataLike
    from imdb_sentiment.results.evaluation import EvaluationReport
    from imdb_sentiment.results.training import FineTuneResult

__all__ = ["FoldTrainings", "check_one_process", "cross_validate"]


def cross_validate(
    data: "DataLike | None" = None,
    data_config: DataConfig | None = None,
    config: FineTuneConfig | None = None,
    *,
    folds: int = 5,
    output_dir: str | PathLike[str] = "cross-validation",
    resume: bool = False,
    **given: Unpack[GivenObjects],
) -> CrossValidationReport:
    """Fine-tune once for each fold, on the other folds, and measure on the fold itself.

    Folds are stratified, seeded by `DataConfig.split_seed`, and independent of the order of the rows. No group of equal
    or nearly equal texts, or of one value of `group_column`, is divided between folds. In each round, the model is
    trained as `SentimentFineTuner.fit` would train it on the other folds: `validation_fraction` of their rows is held
    out to choose the best epoch or, if there are few, each row in turn. A test split of the source is not used; it is
    reserved for the model that is trained at the end.

    The standard deviation shows how much a metric varies with the rows. It says less about the error of the mean,
    because any two rounds share most of their training rows (Bengio and Grandvalet, No Unbiased Estimator of the
    Variance of K-Fold Cross-Validation, JMLR 2004).

    Args:
        data: A `DataConfig`; a path or hub data set; or anything that `SentimentFineTuner.fit` takes, read as
            `data_config` says. By default `data_config.source`.
        data_config: Names the columns and labels of `data`.
        config: How the models are trained.
        folds: Number of folds, at least 2.
        output_dir: Folder for the result of each fold, and for the checkpoints of the current fold.
        resume: Resume an interrupted cross-validation: finished folds are not repeated, and the interrupted fold
            continues from its newest complete checkpoint.
        **given: `model` and `tokenizer`, `callbacks`, `metrics` and `loss`, as for `SentimentFineTuner`. Each training
            starts from the given model. A callback object is used in all trainings, one after the other; a callback
            class is instantiated for each training.

    Raises:
        DataError: The data cannot be used as they are, or there are too few rows for this many folds.
        ConfigError: `folds` is below 2, `data` and `data_config` are both a `DataConfig`, `output_dir` contains another
            cross-validation, or a launcher started several processes.
        ModelError: The encoder cannot be used.
        OutputExistsError: `output_dir` is not empty and `resume` is false, or another run is writing to it.
        HubUnavailableError: Something is on the hub, and the hub did not answer.

    Example:
        ```python
        report = cross_validate("reviews.csv", config=FineTuneConfig(model_name="minilm"), folds=3)
        print(report.mean["accuracy"], report.standard_deviation["accuracy"])
        ```
    """
    trainings = FoldTrainings.of(data, data_config, config, folds, output_dir, given, caller="cross_validate")
    with trainings.claimed("cross-validation", resume=resume):
        results: list[FoldResult] = [restore(FoldResult, kept) for kept in trainings.run(_describe_fold)]
    names = (*METRICS, *results[0].report.custom_metrics)
    by_metric = {metric: [result.report.value_of(metric) for result in results] for metric in names}
    values = {metric: [value for value in column if value is not None] for metric, column in by_metric.items()}
    return CrossValidationReport(
        folds=tuple(results),
        mean={metric: statistics.fmean(column) for metric, column in values.items()},
        standard_deviation={metric: statistics.stdev(column) for metric, column in values.items()},
        notes=trainings.divided.notes,
    )


def _describe_fold(fold: int, result: "FineTuneResult", report: "EvaluationReport") -> dict[str, Any]:
    return FoldResult(
        fold=fold,
        train_rows=sum(result.splits.rows["train"].values()),
        kept_epoch=result.kept_epoch,
        kept_because=result.kept_because,
        seconds=result.seconds,
        report=report,
    ).to_dict()


def check_one_process(caller: str) -> None:
    """Refuse the processes of a launcher, each of which would train on all folds.

    Raises:
        ConfigError: There are several.
    """
    if world_size() > 1:
        raise ConfigError(f"{caller} runs in one process", hint="the same script without torchrun")


class FoldTrainings(NamedTuple):
    """Trainings that each hold out one fold. Their results are kept in a folder, so that they can be resumed."""

    divided: Folds
    data_config: DataConfig
    config: FineTuneConfig
    folder: Path
    given: GivenObjects = {}
    hooks: Hooks = NO_HOOKS

    @classmethod
    def of(
        cls,
        data: object,
        data_config: DataConfig | None,
        config: FineTuneConfig | None,
        folds: int,
        output_dir: str | PathLike[str],
        given: GivenObjects,
        *,
        caller: str,
    ) -> Self:
        """Check the arguments of `cross_validate` or `learning_curve`, and load the data."""
        check_one_process(caller)
        rows, data_config = source_of(data, data_config)
        config, folder = given_config(config, FineTuneConfig), as_path(output_dir, "output_dir")
        hooks = Hooks.of(config, **given)
        return cls(load_folds(data_config, folds, rows), data_config, config, folder, given, hooks)

    def claimed(self, what: str, *, resume: bool, **more: object) -> AbstractContextManager[None]:
        """Lock the folder, and check that it holds no other run; see `rounds_folder`.

        Args:
            what: Kind of run, such as `cross-validation`.
            resume: Allow finished trainings of the same run.
            **more: What else decides the results, as JSON values.
        """
        run = {
            "folds": int(self.divided.fold_of.max()) + 1,
            **more,
            "data_fingerprint": self.divided.fingerprint,
            "fine_tune_config": self.config.model_dump(mode="json", exclude=NON_TRAINING_FIELDS),
            **self.data_config.model_dump(include={"validation", "validation_fraction"}),
            **self.hooks.describe(),
        }
        return rounds_folder(self.folder, run, what=what, resume=resume)

    def run(
        self,
        describe: "Callable[[int, FineTuneResult, EvaluationReport], dict[str, Any]]",
        *,
        size: int | None = None,
    ) -> list[dict[str, Any]]:
        """Train once for each fold whose result is not there yet, and return all results.

        Args:
            describe: Returns what is kept of a training, as JSON values, from the number of the fold, counted from 1,
                the result, and the report on the fold.
            size: Number of rows to train on, stratified; by default all outside the fold.
        """
        kept = []
        below = few_rows_below(self.config, needs_trainer=self.hooks.needs_trainer)
        splits_of_folds = self.divided.splits(self.data_config, cross_below=below, size=size)
        for fold, splits in enumerate(splits_of_folds, start=1):
            finished = self.folder / (f"fold-{fold}.json" if size is None else f"{size}-rows-fold-{fold}.json")
            if not finished.exists():
                checkpoints = finished.with_suffix("")
                tuner = SentimentFineTuner(self.data_config, self.config, output_dir=checkpoints, **self.given)
                result = tuner.fit(splits, resume=checkpoints.exists())
                report = tuner.evaluate(full=False)
                shutil.rmtree(checkpoints, ignore_errors=True)  # a linear probe leaves none
                write_json(finished, describe(fold, result, report), overwrite=True)
            kept.append(json.loads(finished.read_text(encoding="utf-8")))
        return kept
