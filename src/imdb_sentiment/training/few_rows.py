"""Training on few rows: methods are compared on rows held out in turn, and the best is trained on all of them."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from imdb_sentiment.data.labels import Labelled
from imdb_sentiment.errors import TrainingInterruptedError
from imdb_sentiment.evaluation.baseline import MAJORITY, TFIDF, HeldOutBaselines, score_with_tfidf
from imdb_sentiment.evaluation.calibration import calibrated_log_loss, calibrated_losses
from imdb_sentiment.evaluation.cross_fitting import cross_fitted
from imdb_sentiment.models.head import output_layer
from imdb_sentiment.models.tokenization import TextEncoder
from imdb_sentiment.results.training import MethodResult
from imdb_sentiment.runtime.progress import progress_bar
from imdb_sentiment.training.checkpoints import describe_resume_point, resume_point
from imdb_sentiment.training.contrastive import INVERSE_PENALTIES, contrastive_steps, train_contrastively
from imdb_sentiment.training.fold_scores import read_fold, write_fold
from imdb_sentiment.training.linear_probe import Linear, fit_linear, head_features
from imdb_sentiment.training.signals import graceful_interrupt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from transformers import PreTrainedModel

    from imdb_sentiment.config import SettledConfig
    from imdb_sentiment.training.batching import EncodedRows
    from imdb_sentiment.training.recipe import Recipe

__all__ = ["FewRows", "FewRowsResult", "train_on_few_rows"]

PROBE, CONTRASTIVE = "probe", "contrastive"


class FewRows(NamedTuple):
    """Rows to train on, and which of them are held out together."""

    texts: Sequence[str] | Sequence[tuple[str, str]]
    encoded: "EncodedRows"

    short: "EncodedRows"
    """The same rows cut as in a first epoch, for the contrastive stage: its steps cannot be divided into passes."""

    fold_of: "NDArray[np.int64]"
    """Fold in which each row is held out, from 0, shape (n,); -1 for a row that is never held out."""

    @property
    def crossed(self) -> bool:
        """Whether each row is held out once, so that the final model may be trained on all."""
        return bool((self.fold_of >= 0).all())

    @property
    def final(self) -> "NDArray[np.bool_]":
        """The rows that the final model is trained on."""
        return self.fold_of >= 0 if self.crossed else self.fold_of < 0


class FewRowsResult(NamedTuple):
    """What training on few rows came to."""

    model: "PreTrainedModel"
    method: str

    logits: "NDArray[np.float64]"
    """What models that had not seen them say of the rows that were held out, in their order, shape (m, 2)."""

    cross_fitted: "NDArray[np.float64] | None"
    """The same with nothing chosen by the rows themselves, see `cross_fitted`; None if they are no folds."""

    baselines: HeldOutBaselines
    """What baselines say of them that were fitted without them."""

    compared: tuple[MethodResult, ...]


def train_on_few_rows(
    load: "Callable[[], PreTrainedModel]",
    encoder: TextEncoder,
    config: "SettledConfig",
    *,
    rows: FewRows,
    recipe: "Recipe",
    folder: Path,
    run: Mapping[str, Any],
) -> FewRowsResult:
    """Compare methods by the log loss of held-out rows, and train the final model by the best of them.

    The methods are logistic regression on the features of the pretrained encoder, and the same after a contrastive
    stage. TF-IDF with logistic regression is measured beside them.

    Args:
        load: Gives the pretrained model with a new head, the same each time, on the device to train on.
        encoder: Pads the batches.
        config: How to train; `method` may name the method.
        rows: Rows to train on.
        recipe: What depends on the machine.
        folder: Where the held-out scores of each finished fold are kept, so that an interrupted run can be resumed.
        run: What the run is made of, in plain JSON values.

    Raises:
        TrainingInterruptedError: A signal ended the run.
        TrainingDivergedError: A loss is not a number any more.
    """
    import numpy as np

    held = np.flatnonzero(rows.fold_of >= 0)
    labels = rows.encoded.labels[held]
    trainer = _Trainer(load, encoder, config, rows=rows, recipe=recipe, folder=folder, run=run)
    scored: dict[str, list[NDArray[np.float64]]] = {}  # each method with one penalty or several
    if config.method in ("auto", PROBE):
        scored[PROBE] = [trainer.probe_scores()[held]]
    if config.method in ("auto", CONTRASTIVE):
        scored[CONTRASTIVE] = [*trainer.contrastive_scores()[:, held]]
    best = {name: min(tried, key=lambda logits: calibrated_log_loss(logits, labels)) for name, tried in scored.items()}
    compared = [_compare(name, logits, labels) for name, logits in best.items()]
    method = min(compared, key=lambda result: result.log_loss).method
    said = _baselines(rows)
    words = np.clip(said[TFIDF][held], 1e-9, 1 - 1e-9)
    return FewRowsResult(
        trainer.final(method),
        method,
        best[method],
        cross_fitted([*chain(*scored.values())], labels, rows.fold_of[held]) if rows.crossed else None,
        HeldOutBaselines({name: positive[held] for name, positive in said.items()}, labels.tolist()),
        (*compared, _compare(TFIDF, np.log(np.column_stack((1 - words, words))), labels)),
    )


class _Trainer:
    """Trains by each method, in each fold and in the end."""

    def __init__(
        self,
        load: "Callable[[], PreTrainedModel]",
        encoder: TextEncoder,
        config: "SettledConfig",
        *,
        rows: FewRows,
        recipe: "Recipe",
        folder: Path,
        run: Mapping[str, Any],
    ) -> None:
        self._load, self._encoder, self._config = load, encoder, config
        self._rows, self._recipe, self._folder, self._run = rows, recipe, folder, run
        self._folds = int(rows.fold_of.max()) + 1
        self._penalty = INVERSE_PENALTIES[0]
        self._kept: tuple[PreTrainedModel, NDArray[np.float64]] | None = None

    def probe_scores(self) -> "NDArray[np.float64]":
        """Return logits of held-out rows by logistic regression on the pretrained encoder's features, shape (n, 2)."""
        import numpy as np

        model = self._load()
        features = self._features(model)
        logits = np.zeros((len(features), 2))
        for fold in range(self._folds):
            held = self._rows.fold_of == fold
            logits[held] = self._fit(model, features, ~held, None).logits(features[held])
        return logits

    def contrastive_scores(self) -> "NDArray[np.float64]":
        """Return logits of held-out rows after a contrastive stage; finished folds are read.

        The penalty of the final logistic regression is the one with the lowest log loss on all of them.

        Returns:
            One set of logits for each penalty, shape (penalties, n, 2).
        """
        import numpy as np

        rows = self._rows
        scores = np.zeros((len(INVERSE_PENALTIES), len(rows.encoded), 2))
        for fold in range(self._folds):
            held = rows.fold_of == fold
            before = read_fold(self._folder, fold + 1, scores[:, held].shape) if rows.crossed else None
            if before is not None:
                scores[:, held] = before
                continue
            model, features = self._contrastive(~held, f"fold {fold + 1} of {self._folds}")
            for place, penalty in enumerate(INVERSE_PENALTIES):
                scores[place, held] = self._fit(model, features, ~held, penalty).logits(features[held])
            if rows.crossed:
                write_fold(self._folder, fold + 1, self._run, scores[:, held])
            else:
                self._kept = model, features
        held = rows.fold_of >= 0
        losses = [calibrated_log_loss(logits[held], rows.encoded.labels[held]) for logits in scores]
        self._penalty = INVERSE_PENALTIES[int(np.argmin(losses))]
        return scores

    def final(self, method: str) -> "PreTrainedModel":
        """Return the model that is kept."""
        trained = self._rows.final
        if method == PROBE:
            model = self._load()
            self._fit(model, self._features(model), trained, None).write_to(model)
            return model
        model, features = self._kept or self._contrastive(trained, "the final model")
        self._fit(model, features, trained, self._penalty).write_to(model)
        return model

    def _contrastive(self, trained: "NDArray[np.bool_]", what: str) -> "tuple[PreTrainedModel, NDArray[np.float64]]":
        """Train a model on some of the rows; return it, and what its head reads of all rows."""
        model, config = self._load(), self._config
        rows = self._rows.short.where(trained)
        description = f"training, {what}" if self._folds > 1 else "training"
        with (
            graceful_interrupt() as stop,
            progress_bar(description, total=contrastive_steps(len(rows)), unit="step") as bar,
        ):

            def after_step() -> None:
                bar.update()
                if stop.made:
                    finished = resume_point(self._folder)
                    raise TrainingInterruptedError(
                        f"training was interrupted in {what}",
                        found=describe_resume_point(finished) if finished else "no finished fold",
                        hint="fit(resume=True) to resume it" if finished else None,
                    )

            train_contrastively(
                model,
                self._encoder,
                rows,
                learning_rate=config.learning_rate,
                weight_decay=config.weight_decay,
                recipe=self._recipe,
                seed=config.seed,
                after_step=after_step,
            )
        return model, self._features(model)

    def _features(self, model: "PreTrainedModel") -> "NDArray[np.float64]":
        return head_features(model, self._encoder, self._rows.encoded, range(len(self._rows.encoded)))

    def _fit(
        self,
        model: "PreTrainedModel",
        features: "NDArray[np.float64]",
        trained: "NDArray[np.bool_]",
        inverse_penalty: float | None,
    ) -> Linear:
        config = self._config
        return fit_linear(
            features[trained],
            self._rows.encoded.labels[trained],
            inverse_penalty,
            with_bias=output_layer(model).bias is not None,
            balanced=config.class_weight == "balanced",
            seed=config.seed,
        )


def _baselines(rows: FewRows) -> "dict[str, NDArray[np.float64]]":
    """Return what baselines say of held-out rows: probabilities of the positive label, each of shape (n,)."""
    import numpy as np

    labels = rows.encoded.labels
    words = np.zeros(len(labels))
    for fold in range(int(rows.fold_of.max()) + 1):
        held = rows.fold_of == fold
        known = Labelled(_where(rows.texts, ~held), labels[~held].tolist())
        words[held] = score_with_tfidf(known, _where(rows.texts, held))[:, 1]
    # of all rows, or the commoner label might be the rarer one of some folds
    return {MAJORITY: np.full(len(labels), labels.mean()), TFIDF: words}


def _where(texts: Sequence[Any], kept: "NDArray[np.bool_]") -> list[Any]:
    return [text for text, keep in zip(texts, kept, strict=True) if keep]


def _compare(method: str, logits: "NDArray[np.float64]", labels: "NDArray[np.int64]") -> MethodResult:
    """Measure what a method says of held-out rows."""
    import numpy as np

    losses = calibrated_losses(logits, labels)
    return MethodResult(
        method=method,
        log_loss=float(losses.mean()),
        standard_error=float(losses.std() / np.sqrt(len(losses))),
        accuracy=float(((logits[:, 1] > logits[:, 0]) == labels).mean()),
    )
