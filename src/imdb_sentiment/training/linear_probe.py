"""Linear probing: initialize the head by logistic regression on the encoder's features."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.models.acceleration import first_token_only
from imdb_sentiment.models.head import output_layer
from imdb_sentiment.models.tokenization import TextEncoder, padded_length
from imdb_sentiment.runtime.process_wide import COMPUTE_LOCK, WARNINGS_LOCK
from imdb_sentiment.training.batching import EncodedRows, divide

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

__all__ = ["Linear", "fit_head", "fit_linear", "head_features", "pass_features"]

_MAX_ROWS = 2000  # more rows hardly improve the head
_PENALTIES = tuple(10.0 ** (power / 2) for power in range(-8, 1))
_FOLDS = 5
_HALVES = (-0.5, 0.5)  # the two logits of log odds z are -z/2 and z/2
_STRONG_PENALTY = 0.003  # where a class has one row, nothing can be held out
_BATCH_TOKENS = 2048


class Linear(NamedTuple):
    """Log odds of the positive label as a linear function of the input of the head's last layer."""

    weights: NDArray[np.float64]
    """Shape (features,)."""

    bias: float
    """0 if the layer has no bias, as in decoders."""

    def logits(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the logits of each row, shape (n, 2)."""
        return np.outer(features @ self.weights + self.bias, _HALVES)

    def write_to(self, model: "PreTrainedModel") -> None:
        """Copy the parameters into the last layer of a model's head."""
        import torch

        layer = output_layer(model)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(np.outer(_HALVES, self.weights)))
            if layer.bias is not None:
                layer.bias.copy_(torch.tensor(_HALVES) * self.bias)


def fit_head(
    model: "PreTrainedModel",
    encoder: TextEncoder,
    rows: EncodedRows,
    *,
    balanced: bool,
    label_smoothing: float = 0.0,
    seed: int,
) -> Linear:
    """Fit the last layer of the head by logistic regression.

    Args:
        model: Model with two outputs; not changed.
        encoder: Pads the batches.
        rows: Training rows of both labels. At most 2,000 are used, a stratified sample with one of each label per fold.
        balanced: Balance the classes.
        label_smoothing: As `FineTuneConfig.label_smoothing`.
        seed: Seed of the sample and the folds.

    Source: Kumar et al., Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution (ICLR 2022).
    """
    drawn = _draw(rows.labels, seed)
    features = head_features(model, encoder, rows, drawn)
    with_bias = output_layer(model).bias is not None
    return fit_linear(
        features,
        rows.labels[drawn],
        None,
        weights=rows.weights[drawn],
        with_bias=with_bias,
        balanced=balanced,
        label_smoothing=label_smoothing,
        seed=seed,
    )


def _draw(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    if len(labels) <= _MAX_ROWS:
        return np.arange(len(labels))
    order = np.random.default_rng(seed).permutation(len(labels))
    of_each = [order[labels[order] == label] for label in (0, 1)]
    share = _MAX_ROWS / len(labels)
    return np.sort(np.concatenate([rows[: max(round(share * len(rows)), _FOLDS)] for rows in of_each]))


def head_features(
    model: "PreTrainedModel", encoder: TextEncoder, rows: EncodedRows, positions: Sequence[int] | NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the input of the head's last layer for rows, in fp32 and without dropout, shape (n, features)."""
    import torch

    order = sorted(range(len(positions)), key=lambda i: -rows.lengths[positions[i]])
    lengths = [padded_length(int(rows.lengths[positions[i]]), encoder.max_length) for i in order]
    features: list[NDArray[np.float64]] = []
    was_training = model.training
    model.eval()
    with first_token_only(model), COMPUTE_LOCK.shared(), torch.no_grad():
        for part in divide(lengths, _BATCH_TOKENS):
            texts = [rows[positions[i]].text for i in order[part]]
            inputs = encoder.pad(texts, pad_to=padded_length(max(text.length for text in texts), encoder.max_length))
            features.append(pass_features(model, inputs).double().cpu().numpy())
    model.train(was_training)
    result = np.empty((len(order), features[0].shape[1]))
    result[order] = np.concatenate(features)
    return result


def pass_features(model: "PreTrainedModel", inputs: "dict[str, torch.Tensor]") -> "torch.Tensor":
    """Return the input of the head's last layer for one batch, shape (n, features)."""
    # decoders apply the layer to every token and select one afterwards: as the identity, it keeps that selection
    hook = output_layer(model).register_forward_hook(lambda _, inputs, output: inputs[0])
    try:
        features: torch.Tensor = model(**{name: tensor.to(model.device) for name, tensor in inputs.items()}).logits
    finally:
        hook.remove()
    return features


@WARNINGS_LOCK
def fit_linear(
    features: NDArray[np.float64],
    labels: NDArray[np.int64],
    inverse_penalty: float | None,
    *,
    weights: NDArray[np.float64],
    with_bias: bool,
    balanced: bool,
    label_smoothing: float = 0.0,
    seed: int,
) -> Linear:
    """Fit a logistic regression.

    Args:
        features: Shape (n, features).
        labels: 0 or 1, shape (n,); both occur.
        inverse_penalty: scikit-learn's `C` for features of standard deviation 1. None chooses it by the log loss of
            five-fold cross-validation, which needs an encoder that was not trained on these rows.
        weights: Weight of each row's loss, of mean about 1, shape (n,).
        with_bias: Fit a bias.
        balanced: Balance the classes.
        label_smoothing: As `FineTuneConfig.label_smoothing`; the folds are scored by the labels as they are.
        seed: Seed of the folds.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.model_selection import StratifiedKFold
    from sklearn.utils.class_weight import compute_sample_weight

    centre = features.mean(axis=0) if with_bias else np.zeros(features.shape[1])
    # One scale for all features: scaled one by one, near-constant features would get weights so large that the first
    # training steps undo the fit.
    scale = float(features.std()) or 1.0
    values = (features - centre) / scale
    class_weight = "balanced" if balanced else None
    weight = compute_sample_weight(class_weight, labels) * weights

    def regression(penalty: float, rows: NDArray[np.int64]) -> Any:
        model = LogisticRegression(C=penalty, class_weight=class_weight, fit_intercept=with_bias, max_iter=1000)
        if not label_smoothing:
            return model.fit(values[rows], labels[rows], sample_weight=weights[rows])
        # a soft target is the row with both labels; the class weights are those of the true ones
        model.set_params(class_weight=None)
        shares = (1 - label_smoothing / 2, label_smoothing / 2)
        of_true = compute_sample_weight(class_weight, labels[rows]) * weights[rows]
        return model.fit(
            np.concatenate([values[rows], values[rows]]),
            np.concatenate([labels[rows], 1 - labels[rows]]),
            sample_weight=np.concatenate([share * of_true for share in shares]),
        )

    folds = min(_FOLDS, int(np.bincount(labels).min()))
    if inverse_penalty is None and folds > 1:
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
        parts = list(splitter.split(values, labels))

        def held_out_loss(penalty: float) -> float:
            held_out = np.empty((len(labels), 2))
            for rest, part in parts:
                held_out[part] = regression(penalty, rest).predict_proba(values[part])
            return float(log_loss(labels, held_out, sample_weight=weight))

        inverse_penalty = min(_PENALTIES, key=held_out_loss)
    fitted = regression(inverse_penalty or _STRONG_PENALTY, np.arange(len(labels)))
    slopes: NDArray[np.float64] = fitted.coef_[0] / scale
    return Linear(slopes, float(fitted.intercept_[0] - slopes @ centre))
