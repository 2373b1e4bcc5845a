"""Search for settings: many trials, each in a process of its own, and an honest number for the best of them."""

from collections.abc import Callable, Mapping
from inspect import signature
from os import PathLike
from typing import TYPE_CHECKING, Any, Unpack, get_args

from imdb_sentiment.config import DataConfig, FineTuneConfig, Metric, given_config, source_of
from imdb_sentiment.config.other_names import unknown_argument
from imdb_sentiment.cross_validation import check_one_process
from imdb_sentiment.data.data_like import DataSplits
from imdb_sentiment.data.splits import given_splits, load_splits
from imdb_sentiment.errors import ConfigError, nearest
from imdb_sentiment.results.metrics import CustomMetrics
from imdb_sentiment.results.search import SearchReport, TrialResult
from imdb_sentiment.runtime.files import as_path
from imdb_sentiment.runtime.messages import quote
from imdb_sentiment.training.hooks import GivenObjects, Hooks
from imdb_sentiment.training.rounds import rounds_folder
from imdb_sentiment.tuning.rows import held_out_labels
from imdb_sentiment.tuning.run import SearchRun
from imdb_sentiment.tuning.space import check_space, default_space, require_optuna

if TYPE_CHECKING:
    from imdb_sentiment.data.data_like import DataLike
    from imdb_sentiment.models.pretrained import Encoder

__all__ = ["search"]

_INSTEAD = {
    "model": "model.save_pretrained(folder), and FineTuneConfig(model_name=folder)",
    "tokenizer": "tokenizer.save_pretrained(folder), and FineTuneConfig(model_name=folder)",
    "callbacks": "on_trial=..., which is called after each trial",
    "loss": "search without it, then SentimentFineTuner(config=report.best_config, loss=...)",
}
"""What to do instead of giving an object to a search."""


def search(
    data: "DataLike | None" = None,
    data_config: DataConfig | None = None,
    space: Mapping[str, object] | None = None,
    *,
    config: FineTuneConfig | None = None,
    trials: int = 20,
    metric: str = "log_loss",
    output_dir: str | PathLike[str] = "search",
    resume: bool = False,
    on_trial: Callable[[TrialResult], None] | None = None,
    **given: Unpack[GivenObjects],
) -> SearchReport:
    """Train with many settings, keep the best model, and measure it once on the test split. Needs the extra `search`.

    Each trial is trained on the training rows and measured on the held-out ones: the validation split or, with few
    rows, all training rows, each held out in turn (`DataConfig.validation`). Probabilities are calibrated, those of
    each row by the other rows. The first trial uses `config` unchanged, if it lies in the space; the others are
    proposed by Optuna (a tree-structured Parzen estimator). If there are no more configurations than `trials`, each is
    tried once. A trial that is worse than the median at an evaluation is stopped. Test rows play no part in any of
    this.

    The metric of the best trial is too good, because the trial, and the epoch that it kept, were chosen by this metric.
    The report contains both values: the one on the held-out rows, and one corrected by repeating the choice on
    resampled rows (BBC-CV; Tsamardinos et al., Bootstrapping the out-of-sample predictions for efficient and accurate
    cross-validation, Machine Learning, 2018).

    Each trial runs in its own process, so memory does not grow. Checkpoints of all but the best are removed. If a trial
    fails, for example for lack of memory, it is counted and the search continues.

    Args:
        data: As for `SentimentFineTuner.fit`. With `DataSplits`, the validation rows are held out or, if there are
            folds, the training rows in turn.
        data_config: Names the columns and labels of `data`.
        space: For each field of `FineTuneConfig` to vary, a list of choices, a range `(low, high)`, or an Optuna
            distribution. A range is searched on a logarithmic scale if its ends differ by a factor of ten or more. By
            default the learning rate and up to three other fields, which depend on the number of rows.
        config: The other fields. Trackers (`report_to`) are not used.
        trials: Number of trials.
        metric: Metric by which the best trial is chosen, at a threshold of 0.5: `log_loss`, `accuracy`,
            `balanced_accuracy`, `f1`, `matthews_correlation`, `roc_auc` or `average_precision`; or one of `metrics`,
            where higher is better. Log loss distinguishes models on the fewest rows.
        output_dir: Folder for the study (`study.db`, a SQLite file that Optuna opens), the best model (`model`), its
            settings (`best.yaml`), and the report (`report.json`).
        resume: Resume an interrupted search, whose current trial continues from its newest checkpoint, or add trials to
            a finished one.
        on_trial: Called with each trial when it has ended.
        **given: `metrics`, as for `SentimentFineTuner`: this process computes them from the held-out probabilities of
            the trials, so any function can be used. Objects and functions that take part in training (`model`,
            `tokenizer`, `callbacks` and `loss`) are refused, because they would have to be sent to other processes.

    Raises:
        ConfigError: A field or value of `space`, or another argument, is not valid; or `output_dir` contains another
            search.
        DataError: The data cannot be used as they are.
        ModelError: The encoder cannot be used.
        OutputExistsError: `output_dir` is not empty and `resume` is false, or another search is writing to it.
        TrainingInterruptedError: A signal ended the search; it can be resumed.
        HubUnavailableError: Something is on the hub, and the hub did not answer.
        MissingExtraError: Optuna is not installed.
        ImdbSentimentError: No trial finished.

    Example:
        ```python
        found = search("reviews.csv", space={"learning_rate": (1e-5, 1e-4)}, trials=10)
        print(found.best_value, found.corrected_value)
        ```
    """
    from imdb_sentiment.models.pretrained import load_encoder
    from imdb_sentiment.training.recipe import few_rows_below

    check_one_process("search")
    require_optuna()
    metrics = _check_given(given)
    _check_arguments(trials, metric, metrics)
    rows, data_config = source_of(data, data_config)
    config, folder = given_config(config, FineTuneConfig).replace(report_to=()), as_path(output_dir, "output_dir")
    Hooks.of(config)  # without `metrics`, by which no trial can choose its epoch
    if space is not None:
        check_space(space, config)  # before anything is read
    encoder = load_encoder(config, pairs=data_config.text_columns is not None)
    if isinstance(rows, DataSplits):
        splits = given_splits(rows).splits
    else:
        splits = load_splits(data_config, rows, cross_below=few_rows_below(config)).splits
    Hooks(metrics).try_metrics(held_out_labels(splits))
    # or a trial of another method would divide them otherwise
    data_config = data_config.replace(validation="cross" if splits.folds else "split")
    wanted = default_space(config, splits, encoder) if space is None else space
    running = SearchRun(rows, data_config, config, splits, check_space(wanted, config, splits), metric, metrics, folder)
    with rounds_folder(folder, running.description(), what="search", resume=resume), running.opened():
        return running.run(trials, on_trial, _given_values(config, splits, encoder))


def _check_given(given: GivenObjects) -> CustomMetrics:
    """Return the metrics; of what else users may give to a training, nothing can go to the processes of trials.

    Raises:
        ConfigError: Something else was given, or a metric cannot be used.
    """
    for name, hint in _INSTEAD.items():
        if given.get(name) is not None:
            raise ConfigError(
                f"search does not take {name}",
                found="an object of this process, and each trial trains in a process of its own",
                hint=hint,
            )
    for name in given.keys() - {"metrics", *_INSTEAD}:
        fields = {kind.__name__: kind.model_fields for kind in (DataConfig, FineTuneConfig)}
        raise unknown_argument("search", name, signature(search).parameters, fields)
    metrics = given.get("metrics")
    return CustomMetrics.of({} if metrics is None else metrics)


def _check_arguments(trials: int, metric: str, metrics: CustomMetrics) -> None:
    if isinstance(trials, bool) or not isinstance(trials, int) or trials < 1:
        raise ConfigError("trials must be a number of trials", found=quote(trials), expected="1 or more")
    known = [*(name for name in get_args(Metric) if name != "auto"), *metrics]
    if metric not in known:
        hint = nearest(str(metric), known)
        raise ConfigError(f"there is no metric {quote(metric)}", expected=f"one of {', '.join(known)}", hint=hint)


def _given_values(config: FineTuneConfig, splits: "DataSplits", encoder: "Encoder") -> dict[str, Any]:
    """Return the configuration with `auto` resolved, which the first trial tries."""
    from imdb_sentiment.training.recipe import settle

    settled = settle(config, train_rows=len(splits.train), hidden_size=encoder.config.hidden_size)
    return dict(settled)
