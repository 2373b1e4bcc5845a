"""SentimentEstimator: a fine-tuned classifier with scikit-learn's interface."""

import inspect
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin  # noqa: TID253  this module is for those who use scikit-learn
from sklearn.utils.validation import check_is_fitted, column_or_1d  # noqa: TID253

from imdb_sentiment.config import DataConfig, FineTuneConfig, given_config
from imdb_sentiment.config.other_names import suggest_setting
from imdb_sentiment.data.arrow_strings import is_null
from imdb_sentiment.data.data_like import as_list, is_table
from imdb_sentiment.data.frames import list_texts
from imdb_sentiment.errors import ConfigError, DataError, list_rows
from imdb_sentiment.finetuner import SentimentFineTuner
from imdb_sentiment.runtime.messages import list_values, quote

if TYPE_CHECKING:
    from sklearn.utils import Tags

    from imdb_sentiment.results.training import FineTuneResult

__all__ = ["SentimentEstimator"]

_FIELDS = FineTuneConfig.model_fields


class SentimentEstimator(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Fine-tunes an encoder on texts and two labels, as a scikit-learn estimator.

    It works in a `Pipeline`, `GridSearchCV`, `cross_val_score` and wherever else scikit-learn accepts a classifier. `X`
    is a list, a Series, an array or a frame with one column of texts; `y` contains any two labels, of which the second
    in sorted order is positive. A fitted estimator can be pickled, with its weights as safetensors.

    Args:
        data_config: How to hold out validation rows: `validation`, `validation_fraction`, `near_duplicates`,
            `invalid_rows` and `split_seed` are used, because rows and labels are passed to `fit`.
        **settings: Any field of `FineTuneConfig`, such as `model_name="minilm"`.

    Attributes:
        classes_: The two labels, sorted, shape (2,).
        n_iter_: Number of epochs, or 1 for a method without epochs.
        result_: The `FineTuneResult`, with validation metrics, notes and warnings.
        classifier_: The fitted `SentimentClassifier`; its labels are those of `classes_` as text.

    Raises:
        ConfigError: A setting is unknown. Values are checked by `fit`, as scikit-learn requires.

    Example:
        ```python
        from sklearn.model_selection import cross_val_score

        scores = cross_val_score(SentimentEstimator(model_name="minilm"), texts, labels)
        ```
    """

    def __init__(self, *, data_config: DataConfig | None = None, **settings: Any) -> None:
        for name in settings:
            if name not in _FIELDS:
                hint = suggest_setting(name, _FIELDS, {DataConfig.__name__: DataConfig.model_fields})
                raise ConfigError(f"SentimentEstimator has no parameter {quote(name)}", hint=hint)
        self.data_config = data_config
        for name, field in _FIELDS.items():
            setattr(self, name, settings.get(name, field.default))

    def fit(self, X: object, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:  # noqa: N803
        """Fine-tune the encoder. Checkpoints go to a temporary folder, which is removed.

        Args:
            X: Texts, shape (n,) or one column.
            y: Labels, shape (n,), of two values.
            sample_weight: Weight of each row in the training loss, shape (n,). Rows of weight 0 are left out.

        Raises:
            DataError: `X` has no texts; `y` has a null, other than two values or another length; or a weight is
                negative or not a number, or all are 0.
            ConfigError: A setting has an invalid value.
            ModelError: The encoder cannot be used.
        """
        texts = _texts(X)
        labels = _labels(y)
        if len(labels) != len(texts):
            raise DataError("X and y differ in length", found=f"{len(texts)} texts and {len(labels)} labels")
        classes, codes = np.unique(labels, return_inverse=True)
        if len(classes) != 2:
            raise DataError(
                "y must have two values", found=list_values(classes.tolist()), expected="a binary classification task"
            )
        names = [str(value) for value in classes.tolist()]
        rows: dict[str, list[Any]] = {"text": texts, "label": [names[code] for code in codes.tolist()]}
        if sample_weight is not None:
            try:
                weights = np.asarray(sample_weight, dtype=np.float64)
            except (TypeError, ValueError):
                raise DataError("sample_weight must be numbers", found=quote(sample_weight)) from None
            if weights.shape != (len(texts),):
                expected = f"one number for each of {len(texts)} texts"
                raise DataError("sample_weight has another shape", found=str(weights.shape), expected=expected)
            if not weights.any():
                raise DataError("no row has a weight above 0", found=f"{len(texts)} rows of weight 0")
            rows["weight"] = weights.tolist()
            rows = {
                name: [value for value, weight in zip(values, weights, strict=True) if weight]
                for name, values in rows.items()
            }
        data_config = given_config(self.data_config, DataConfig).replace(
            text_column="text",
            text_columns=None,
            label_column="label",
            weight_column=None if sample_weight is None else "weight",
            test_fraction=0,
            negative_label=names[0],
            positive_label=names[1],
        )
        config = FineTuneConfig(**{name: getattr(self, name) for name in _FIELDS})
        tuner = SentimentFineTuner(data_config, config)
        result = tuner.fit([dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)])
        self.classifier_ = tuner.classifier
        self.result_: FineTuneResult = result
        self.classes_: NDArray[Any] = classes
        self.n_iter_ = max(round(result.history[-1].epoch), 1) if result.history else 1
        return self

    def predict(self, X: object) -> NDArray[Any]:  # noqa: N803
        """Return the label of each text, shape (n,)."""
        predicted = self.predict_proba(X)[:, 1] > self.classifier_.threshold
        labels: NDArray[Any] = self.classes_[predicted.astype(int)]
        return labels

    def predict_proba(self, X: object) -> NDArray[np.float32]:  # noqa: N803
        """Return the probability of each class, shape (n, 2), in the order of `classes_`."""
        check_is_fitted(self)
        return self.classifier_.predict_proba(_texts(X))

    def decision_function(self, X: object) -> NDArray[np.float64]:  # noqa: N803
        """Return the log odds of the positive class minus those of the threshold, shape (n,): above 0 is positive."""
        check_is_fitted(self)
        threshold = self.classifier_.threshold
        rows = np.vstack((self.classifier_.predict_proba(_texts(X)), (1 - threshold, threshold))).astype(np.float64)
        logs = np.log(np.maximum(rows, np.finfo(np.float32).tiny))
        log_odds: NDArray[np.float64] = logs[:, 1] - logs[:, 0]
        above: NDArray[np.float64] = log_odds[:-1] - log_odds[-1]
        return above

    def __sklearn_tags__(self) -> "Tags":
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.classifier_tags.multi_class = False
        return tags


# scikit-learn reads the parameters from the signature; FineTuneConfig is the one place that lists them
SentimentEstimator.__init__.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
    [
        inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD),
        inspect.Parameter("data_config", inspect.Parameter.KEYWORD_ONLY, default=None),
        *(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.annotation)
            for name, field in _FIELDS.items()
        ),
    ]
)


def _texts(given: Any) -> list[Any]:
    """Return the texts of a list, a Series, an array or a frame of one column."""
    columns = given.shape[1] if len(getattr(given, "shape", ())) == 2 else 1
    if columns != 1:
        hint = "X[column], or a ColumnTransformer"
        raise DataError("X must be one column of texts", found=f"{columns} columns", hint=hint)
    if is_table(given):
        (name,) = given.columns if hasattr(given, "iloc") else getattr(given, "column_names", None) or given.columns
        return list_texts(given, [str(name)])[0]
    return as_list(given.ravel() if isinstance(given, np.ndarray) else given, "texts")


def _labels(given: ArrayLike | None) -> NDArray[Any]:
    if given is None:
        raise DataError("SentimentEstimator requires y to be passed, but the target y is None")
    labels: NDArray[Any] = column_or_1d(given)
    if nulls := [row for row, label in enumerate(labels.tolist(), start=1) if is_null(label)]:
        raise DataError("y has nulls", found=list_rows(nulls), expected="a label for each text", rows=nulls)
    return labels
