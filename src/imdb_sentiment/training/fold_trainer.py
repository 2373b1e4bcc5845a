"""Train each few-shot method without each fold, and the final model."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.labels import Texts
from imdb_sentiment.errors import TrainingInterruptedError
from imdb_sentiment.inference.torch_backend import score_texts
from imdb_sentiment.models.encoded import ModelInputs
from imdb_sentiment.models.head import output_layer
from imdb_sentiment.models.tokenization import TextEncoder
from imdb_sentiment.models.trainable import Restriction, restrict_training
from imdb_sentiment.runtime.progress import progress_bar
from imdb_sentiment.training.batching import EncodedRows, TrainingRows
from imdb_sentiment.training.checkpoints import describe_resume_point, resume_point
from imdb_sentiment.training.contrastive import INVERSE_PENALTIES, contrastive_steps, train_contrastively
from imdb_sentiment.training.fine_tuning import fine_tune
from imdb_sentiment.training.fold_scores import read_fold, write_fold
from imdb_sentiment.training.hooks import Hooks
from imdb_sentiment.training.linear_probe import Linear, fit_linear, head_features
from imdb_sentiment.training.recipe import CONTRASTIVE, FINE_TUNE, PROBE
from imdb_sentiment.training.signals import graceful_interrupt

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from imdb_sentiment.config import SettledConfig
    from imdb_sentiment.training.recipe import Recipe

__all__ = ["FewRows", "FoldTrainer"]


class FewRows(NamedTuple):
    """Training rows and their folds."""

    texts: Sequence[str] | Sequence[tuple[str, str]]
    encoded: EncodedRows

    short: EncodedRows
    """The same rows truncated as in a first epoch, also for the contrastive stage: its steps have no micro-batches."""

    windows: ModelInputs | None
    """What the head is fitted to, where long texts are read in windows; None for `encoded`."""

    fold_of: NDArray[np.int64]
    """Fold in which each row is held out, from 0, shape (n,); -1 for a row that is never held out."""

    unlabelled: Texts = ()
    """Texts without labels that each model scores."""

    @property
    def folds(self) -> int:
        """Return the number of folds."""
        return int(self.fold_of.max()) + 1

    @property
    def cross_validated(self) -> bool:
        """Return whether each row is held out once, so that the final model may be trained on all."""
        return bool((self.fold_of >= 0).all())

    @property
    def final(self) -> NDArray[np.bool_]:
        """Mark the rows that the final model is trained on."""
        return self.fold_of >= 0 if self.cross_validated else self.fold_of < 0

    def texts_where(self, kept: NDArray[np.bool_]) -> list[Any]:
        """Return the texts of a subset of the rows."""
        return [text for text, keep in zip(self.texts, kept, strict=True) if keep]


class FoldTrainer:
    """Trains each method in each fold, and the final model."""

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
        hooks: Hooks,
    ) -> None:
        self._load, self._encoder, self._config = load, encoder, config
        self._rows, self._recipe, self._folder, self._run = rows, recipe, folder, run
        self._hooks = hooks
        self._folds = rows.folds
        self._fold_rows = float(np.mean([(rows.fold_of != fold).sum() for fold in range(rows.folds)]))
        self._kept: dict[str, PreTrainedModel] = {}
        self._pretrained: NDArray[np.float64] | None = None
        self._unlabelled = encoder.inputs(rows.unlabelled) if rows.unlabelled else None
        self._scored: dict[str, list[NDArray[np.float64]]] = {}
        self._with_bias = True
        self.restricted: str | None = None

    def scores(self, method: str) -> NDArray[np.float64]:
        """Return logits of held-out rows by a method, with each penalty that it chooses from, shape (penalties, n, 2).

        Finished folds are read.
        """
        rows = self._rows
        penalties = len(INVERSE_PENALTIES) if method == CONTRASTIVE else 1
        scores = np.zeros((penalties, len(rows.encoded), 2))
        self._scored[method] = []
        for fold in range(self._folds):
            held = rows.fold_of == fold
            stored = rows.cross_validated and method != PROBE  # which takes no time
            count = int(held.sum())
            shape = (penalties, count + len(rows.unlabelled), 2)
            logits = read_fold(self._folder, method, fold + 1, shape) if stored else None
            if logits is None:
                logits = self._score_fold(method, held, f"fold {fold + 1} of {self._folds}")
                if stored:
                    write_fold(self._folder, method, fold + 1, self._run, logits)
            scores[:, held] = logits[:, :count]
            self._scored[method].append(logits[:, count:])
        return scores

    def unlabelled(self, method: str, penalty: int) -> Iterator[NDArray[np.float64]]:
        """Yield the logits of the unlabelled texts by the model of each fold, with the penalty of this position."""
        return (logits[penalty] for logits in self._scored[method])

    def _score_fold(self, method: str, held: NDArray[np.bool_], what: str) -> NDArray[np.float64]:
        """Train on the other rows, and return the logits of the held-out ones and then of the u unlabelled texts, shape
        (penalties, m + u, 2).
        """
        scored = np.append(held, np.ones(len(self._rows.unlabelled), dtype=np.bool_))
        if method == PROBE:
            features = self._pretrained_features()
            return self._fit(features, ~held, None).logits(features[scored])[np.newaxis]
        model = self._train(method, ~held, what)
        if not self._rows.cross_validated:
            self._kept[method] = model
        if method == FINE_TUNE:
            texts: Any = [*self._rows.texts_where(held), *self._rows.unlabelled]
            return score_texts(model, self._encoder, texts).logits[np.newaxis]
        features = self._features(model)
        return np.stack([self._fit(features, ~held, penalty).logits(features[scored]) for penalty in INVERSE_PENALTIES])

    def final(self, method: str, penalty: int) -> "tuple[PreTrainedModel, NDArray[np.float64]]":
        """Return the final model, with the penalty of this position, and its logits of the unlabelled texts."""
        trained = self._rows.final
        if method == FINE_TUNE:
            if kept := self._kept.get(method):  # the model of the only fold
                return kept, next(self.unlabelled(method, penalty))
            model = self._train(method, trained, "the final model")
            unlabelled = self._rows.unlabelled
            return model, score_texts(model, self._encoder, unlabelled).logits if unlabelled else np.empty((0, 2))
        if method == PROBE:
            model, features, strength = self._load_model(), self._pretrained_features(), None
        else:
            model = self._kept.get(method) or self._train(method, trained, "the final model")
            features, strength = self._features(model), INVERSE_PENALTIES[penalty]
        head = self._fit(features, trained, strength)
        head.write_to(model)
        return model, head.logits(features[len(trained) :])

    def _train(self, method: str, trained: NDArray[np.bool_], what: str) -> "PreTrainedModel":
        """Train a model on a subset of the rows; without a head, if the method is contrastive."""
        description = f"training, {what}" if self._folds > 1 else "training"
        if method == FINE_TUNE:
            return self._fine_tune(trained, description, what)
        model, config = self._load_model(), self._config
        restriction = self._restrict(model)
        rows = self._rows.short.where(trained)
        with (
            graceful_interrupt() as stop,
            progress_bar(description, total=contrastive_steps(len(rows)), unit="step") as bar,
        ):

            def after_step() -> None:
                bar.update()
                if stop.requested:
                    raise self._interrupted(what)

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
        restriction.lift()
        return model

    def _fine_tune(self, trained: NDArray[np.bool_], description: str, what: str) -> "PreTrainedModel":
        model, config = self._load_model(), self._config
        if config.linear_probe:
            self._fit(self._pretrained_features(), trained, None).write_to(model)
        later_epochs = config.num_train_epochs - 1
        short, whole = self._rows.short.where(trained), self._rows.encoded.where(trained)
        tuned = fine_tune(
            self._restrict(model),
            self._encoder,
            config,
            rows=TrainingRows((short, *[whole] * later_epochs), validation=None),
            recipe=self._recipe,
            folder=self._folder,
            run=self._run,
            description=description,
            hooks=self._hooks,
        )
        if tuned.interrupted:
            raise self._interrupted(what)
        return tuned.model

    def _restrict(self, model: "PreTrainedModel") -> Restriction:
        restriction = restrict_training(model, self._config)
        self.restricted = restriction.note
        return restriction

    def _interrupted(self, what: str) -> TrainingInterruptedError:
        finished = resume_point(self._folder)
        return TrainingInterruptedError(
            f"training was interrupted in {what}",
            found=describe_resume_point(finished) if finished else "no finished fold",
            hint="fit(resume=True) to resume it" if finished else None,
        )

    def _load_model(self) -> "PreTrainedModel":
        model = self._load()
        self._with_bias = output_layer(model).bias is not None
        return model

    def _pretrained_features(self) -> NDArray[np.float64]:
        if self._pretrained is None:
            self._pretrained = self._features(self._load_model())
        return self._pretrained

    def _features(self, model: "PreTrainedModel") -> NDArray[np.float64]:
        """Return the features of the rows, and then of the unlabelled texts, shape (n + u, features)."""
        rows, windows = self._rows.encoded, self._rows.windows
        labelled = self._mean_features(model, windows) if windows else self._features_of(model, rows)
        if self._unlabelled is None:
            return labelled
        return np.concatenate([labelled, self._mean_features(model, self._unlabelled)])

    def _mean_features(self, model: "PreTrainedModel", texts: ModelInputs) -> NDArray[np.float64]:
        inputs = EncodedRows.of(texts.inputs, [0] * len(texts.inputs))
        # the mean logit is that of the mean feature
        return texts.mean(self._features_of(model, inputs))

    def _features_of(self, model: "PreTrainedModel", rows: EncodedRows) -> NDArray[np.float64]:
        return head_features(model, self._encoder, rows, range(len(rows)))

    def _fit(self, features: NDArray[np.float64], trained: NDArray[np.bool_], inverse_penalty: float | None) -> Linear:
        config = self._config
        if inverse_penalty is not None:
            # it weighs the sum over the rows: the final model has more of them than those of the folds by which penalty
            # and temperature are chosen, and would be more certain
            inverse_penalty *= self._fold_rows / trained.sum()
        return fit_linear(
            features[: len(trained)][trained],
            self._rows.encoded.labels[trained],
            inverse_penalty,
            weights=self._rows.encoded.weights[trained],
            with_bias=self._with_bias,
            balanced=config.class_weight == "balanced",
            label_smoothing=config.label_smoothing,
            seed=config.seed,
        )
