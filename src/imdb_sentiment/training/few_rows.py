"""Few-shot training: compare methods on out-of-fold rows, and train the best one on all rows."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.labels import Labelled
from imdb_sentiment.evaluation.baseline import MAJORITY, TFIDF, HeldOutBaselines, score_with_tfidf
from imdb_sentiment.evaluation.calibration import (
    AROUND_ONE,
    OVERCONFIDENT,
    TemperaturePrior,
    calibrated_log_loss,
    calibrated_losses,
    cross_fitted,
)
from imdb_sentiment.models.tokenization import TextEncoder
from imdb_sentiment.results.training import MethodResult
from imdb_sentiment.training.fold_trainer import FewRows, FoldTrainer
from imdb_sentiment.training.hooks import NO_HOOKS, Hooks
from imdb_sentiment.training.recipe import PROBE, methods_to_compare

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from imdb_sentiment.config import SettledConfig
    from imdb_sentiment.training.recipe import Recipe

__all__ = ["FewRowsResult", "train_on_few_rows"]


class FewRowsResult(NamedTuple):
    """Result of few-shot training."""

    model: "PreTrainedModel"
    method: str

    logits: NDArray[np.float64]
    """Held-out logits, in the order of the rows, shape (m, 2)."""

    cross_fitted: NDArray[np.float64] | None
    """Logits whose method and penalty were chosen without the row's own fold; None without folds."""

    baselines: HeldOutBaselines
    """Held-out predictions of baselines."""

    compared: tuple[MethodResult, ...]

    unlabelled: Sequence[NDArray[np.float64]]
    """Logits of the unlabelled texts by the model of each fold, and last by the final one, each of shape (u, 2)."""

    restricted: str | None
    """How many parameters of the encoder were trained; None for all, or for none of them."""


def train_on_few_rows(
    load: "Callable[[], PreTrainedModel]",
    encoder: TextEncoder,
    config: "SettledConfig",
    *,
    rows: FewRows,
    recipe: "Recipe",
    folder: Path,
    run: Mapping[str, Any],
    hooks: Hooks = NO_HOOKS,
) -> FewRowsResult:
    """Compare methods by their log loss on held-out rows, and train the final model with the best one.

    The methods are logistic regression on the features of the pretrained encoder, the same after a contrastive stage,
    and fine-tuning where `methods_to_compare` names it. TF-IDF with logistic regression is reported for comparison.

    Args:
        load: Returns the pretrained model with a new head, the same each time, on the training device.
        encoder: Pads the batches.
        config: Training configuration; `method` may name the method.
        rows: Training rows.
        recipe: Machine-dependent settings.
        folder: Stores the held-out scores of each finished fold, so that an interrupted run can be resumed.
        run: Description of the run, as JSON values.
        hooks: The loss, for fine-tuning.

    Raises:
        TrainingInterruptedError: A signal ended the run.
        TrainingDivergedError: A loss is NaN or infinite.
    """
    held = np.flatnonzero(rows.fold_of >= 0)
    labels = rows.encoded.labels[held]
    trainer = FoldTrainer(load, encoder, config, rows=rows, recipe=recipe, folder=folder, run=run, hooks=hooks)
    truncated = float((rows.encoded.lengths > rows.short.lengths).mean())
    methods = methods_to_compare(config, rows=len(rows.texts), truncated=truncated)
    scored = {method: [*trainer.scores(method)[:, held]] for method in methods}
    chosen = {
        name: int(np.argmin([calibrated_log_loss(logits, labels, OVERCONFIDENT) for logits in tried]))
        for name, tried in scored.items()
    }
    compared = [_compare(name, scored[name][penalty], labels, OVERCONFIDENT) for name, penalty in chosen.items()]
    method = min(compared, key=lambda result: result.log_loss).method
    penalty = chosen[method]
    model, of_final = trainer.final(method, penalty)
    baselines = _baselines(rows)
    tfidf = np.clip(baselines[TFIDF][held], 1e-9, 1 - 1e-9)
    return FewRowsResult(
        model,
        method,
        scored[method][penalty],
        cross_fitted([*chain(*scored.values())], labels, rows.fold_of[held]) if rows.cross_validated else None,
        HeldOutBaselines({name: positive[held] for name, positive in baselines.items()}, labels.tolist()),
        (*compared, _compare(TFIDF, np.log(np.column_stack((1 - tfidf, tfidf))), labels, AROUND_ONE)),
        [*trainer.unlabelled(method, penalty), of_final],
        None if method == PROBE else trainer.restricted,
    )


def _baselines(rows: FewRows) -> dict[str, NDArray[np.float64]]:
    """Return held-out probabilities of the positive label by each baseline, shape (n,)."""
    labels = rows.encoded.labels
    tfidf = np.zeros(len(labels))
    for fold in range(rows.folds):
        held = rows.fold_of == fold
        train = Labelled(rows.texts_where(~held), labels[~held].tolist())
        tfidf[held] = score_with_tfidf(train, rows.texts_where(held))
    # over all rows: the majority label may be the minority of some folds
    return {MAJORITY: np.full(len(labels), labels.mean()), TFIDF: tfidf}


def _compare(
    method: str, logits: NDArray[np.float64], labels: NDArray[np.int64], prior: TemperaturePrior
) -> MethodResult:
    """Measure a method on held-out rows."""
    losses = calibrated_losses(logits, labels, prior)
    return MethodResult(
        method=method,
        log_loss=float(losses.mean()),
        standard_error=float(losses.std() / np.sqrt(len(losses))),
        accuracy=float(((logits[:, 1] > logits[:, 0]) == labels).mean()),
    )
