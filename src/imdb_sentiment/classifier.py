"""SentimentClassifier: opens a saved model and predicts."""

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, Self, overload

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.errors import ConfigError
from imdb_sentiment.inference.inputs import TextsLike, combination_of
from imdb_sentiment.persistence.metadata import ModelMetadata
from imdb_sentiment.persistence.opened_model import LoadArguments, OpenedModel, open_model
from imdb_sentiment.persistence.publication import Publication
from imdb_sentiment.persistence.row_prediction import RowPrediction
from imdb_sentiment.results.inference import Explanation, Prediction, Predictions
from imdb_sentiment.runtime.messages import quote

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from imdb_sentiment.results.abstention import Abstention
    from imdb_sentiment.results.evaluation import EvaluationReport
    from imdb_sentiment.results.metrics import MetricFunction

__all__ = ["SentimentClassifier"]


class SentimentClassifier(RowPrediction, Publication):
    """A fine-tuned model, ready to classify texts. Open one with `from_pretrained`.

    A model with two text columns takes pairs: tuples such as `(title, body)` instead of texts, in the order of
    `metadata.text_columns`.

    Example:
        ```python
        classifier = SentimentClassifier.from_pretrained("imdb-sentiment-demo")
        print(classifier.predict("A quiet masterpiece.").label)
        ```
    """

    def __init__(self, opened: OpenedModel | None = None) -> None:
        if not isinstance(opened, OpenedModel):
            hint = f"SentimentClassifier.from_pretrained({quote(opened or 'folder')})"
            raise ConfigError("a classifier is made by from_pretrained", hint=hint)
        self._opened = opened

    @classmethod
    def from_pretrained(
        cls,
        path: str | PathLike[str],
        *,
        revision: str | None = None,
        device: str | None = None,
        precision: Literal["auto", "fp32", "bf16"] = "auto",
        max_tokens_per_forward: int | Literal["auto"] = "auto",
    ) -> Self:
        """Open a model that `SentimentFineTuner.save`, `imdb-sentiment train` or `export` wrote.

        A third-party model with two labels can be opened too: the labels are named as in its `config.json`, the second
        one is positive, and longer texts are truncated at the end. An exported model is opened without PyTorch, with
        OpenVINO if the extra `openvino` is installed, otherwise (and always for int8, which is faster there) with ONNX
        Runtime, which needs the extra `onnx`; it predicts and evaluates, but cannot explain, be exported again or be
        pushed.

        Args:
            path: Folder on disk, or id of a repository on the hub.
            revision: Branch, tag or commit on the hub.
            device: Device as PyTorch names it (`cpu`, `cuda:1`, `mps`); by default a GPU if there is one.
            precision: `auto` is bf16 on a GPU that supports it, and on a CPU that supports it if a trial is faster,
                otherwise fp32; with `auto`, `evaluate` computes in fp32, so metrics do not depend on a trial. In fp32,
                a text has the same probabilities in any batch, to within 1e-5; in bf16, they differ in the third digit.
                An exported model supports bf16 only with OpenVINO, and an int8 model supports neither.
            max_tokens_per_forward: Maximum tokens per batch, padding included; affects speed and memory, not results.
                `auto` is 2,048 on a CPU and 32,768 on a GPU, halved when memory runs out.

        Raises:
            ConfigError: The device or precision does not exist, or `max_tokens_per_forward` is below 1.
            ModelError: The folder is not a model, or cannot be trusted; the message says why.
            HubUnavailableError: `path` is on the hub, and the hub did not answer.
        """
        return cls(open_model(LoadArguments(path, revision, device, precision, max_tokens_per_forward)))

    @property
    def labels(self) -> tuple[str, str]:
        """Names of the negative and the positive label, in the order of the columns of `predict_proba`."""
        return self._opened.labels

    @property
    def model(self) -> "PreTrainedModel":
        """The model itself, not a copy: changes to it change the predictions.

        Raises:
            ModelError: It is an exported graph.
        """
        return self._opened.with_weights("model").model

    @property
    def tokenizer(self) -> "PreTrainedTokenizerFast":
        """The tokenizer itself, which cleans texts and neither truncates nor pads."""
        return self._opened.artifact.encoder.tokenizer

    def __repr__(self) -> str:
        labels = " or ".join(map(quote, self.labels))
        threshold = f"{self.threshold:g}"
        return f"<SentimentClassifier: {labels}, threshold {threshold}, {self.precision or 'graph'}>"

    @property
    def metadata(self) -> ModelMetadata:
        """The content of `imdb_sentiment.json`: how the model was made."""
        return self._opened.artifact.metadata

    @property
    def threshold(self) -> float:
        """Texts with a positive probability above it are predicted positive; see `FineTuneConfig.threshold`."""
        return self._opened.threshold

    @property
    def is_exported(self) -> bool:
        """Whether the model is an exported graph, which can neither explain nor be exported again."""
        return self._opened.is_exported

    @property
    def precision(self) -> str | None:
        """Numeric precision: `fp32`, `bf16`, or `int8` for a graph with rounded weights."""
        return self._opened.numeric_precision

    @overload
    def predict(  # type: ignore[overload-overlap]
        self,
        texts: str,
        *,
        abstain_below: float = ...,
        abstain: str | None = ...,
        cascade: bool = ...,
        ensemble: bool = ...,
    ) -> Prediction: ...
    @overload
    def predict(
        self,
        texts: TextsLike,
        *,
        abstain_below: float = ...,
        abstain: str | None = ...,
        cascade: bool = ...,
        ensemble: bool = ...,
    ) -> Predictions: ...
    def predict(
        self,
        texts: str | TextsLike,
        *,
        abstain_below: float = 0.0,
        abstain: str | None = None,
        cascade: bool = False,
        ensemble: bool = False,
    ) -> Prediction | Predictions:
        """Classify one text or several.

        Args:
            texts: A text; a list, an iterator, or a column of pandas, polars, Arrow or NumPy; or a table of pandas,
                polars, Arrow or `datasets`, of which the columns in `metadata.text_columns` are read.
            abstain_below: Mark predictions with a lower probability as abstained. The report's curve of coverage and
                accuracy shows the trade-off.
            abstain: Instead of a probability, a promise about the predictions that are not abstained, such as
                `error<=0.02`; see `abstention`.
            cascade: Let the TF-IDF model of `FineTuneConfig.cascade` answer the texts that it is confident about;
                `Prediction.answered_by` says which model answered. Without a TF-IDF model, this raises `ModelError`, as
                in the methods below.
            ensemble: Average the log odds of the encoder and that TF-IDF model with the weights chosen in training,
                which gives better probabilities at hardly any cost. Not with `cascade` or `abstain`.

        Returns:
            A prediction for a single text; otherwise a list of predictions in the order of the texts, with a
            `to_frame()`.

        Raises:
            DataError: The texts have another type, such as a dictionary or a set; there are none; a table lacks a
                column; or an item is blank or cannot be classified: the message gives its position, counted from 1.
            ConfigError: `abstain_below` is not between 0 and 1, the promise cannot be made, or `cascade` and `ensemble`
                are both set.

        Example:
            ```python
            for prediction in classifier.predict(["A gem.", "Two dull hours."], abstain_below=0.7):
                print(prediction.label, round(prediction.score, 3), prediction.abstained)
            ```
        """
        combination = combination_of(cascade=cascade, ensemble=ensemble)
        below = self._opened.abstains_below(abstain_below, abstain, combination)
        predictions = self._predict(self._opened.check_texts(texts), below, combination)
        return predictions[0] if isinstance(texts, str) else predictions

    def predict_proba(self, texts: str | TextsLike) -> NDArray[np.float32]:
        """Return the probabilities for n texts, shape (n, 2), in the order of `labels`. See `predict` for the texts."""
        return self._opened.scorer.score(self._opened.check_texts(texts)).probabilities

    def abstention(self, promise: str) -> "Abstention":
        """Choose the probability below which `predict(abstain=promise)` abstains.

        The promise holds with 95 % confidence for new texts of the same kind as the rows that were held out in
        training, but not for texts of another kind. Thresholds are tested from the highest to the lowest by the exact
        binomial bound (Clopper and Pearson, 1934) until one fails, as in Learn then Test (Angelopoulos et al., 2021).

        Example:
            ```python
            print(classifier.abstention("error<=0.1"))
            predictions = classifier.predict(texts, abstain="error<=0.1")
            ```

        Args:
            promise: `error<=0.05`: at most 5 % of the predictions that are not abstained are wrong. Or
                `precision>=0.95`: at least 95 % of the positive predictions are right; negative ones are never
                abstained.

        Raises:
            ConfigError: The promise is invalid or cannot be made; the message says how many held-out rows it would
                take.
            ModelError: The model folder has no held-out rows, as that of a third-party model.
        """
        return self._opened.abstention(promise)

    def predict_sets(self, texts: str | TextsLike, *, level: float = 0.95) -> list[tuple[str, ...]]:
        """Return the possible labels of each text: one if the model is confident enough, otherwise both.

        On average over new texts of the same kind, the set contains the true label with a probability of at least
        `level` (split conformal prediction, Vovk, Gammerman and Shafer, 2005). It always contains the more probable
        label.

        Args:
            texts: As for `predict`.
            level: Probability that a set contains the true label.

        Raises:
            ConfigError: The level is not between 0 and 1, or too high for the number of held-out rows.
            ModelError: The model folder has no held-out rows, as that of a third-party model.

        Example:
            ```python
            sets = classifier.predict_sets(texts, level=0.9)
            unsure = [text for text, both in zip(texts, sets) if len(both) != 1]
            ```
        """
        from imdb_sentiment.evaluation.abstention import set_threshold

        least = set_threshold(level, *self._opened.held_out())
        probabilities = self.predict_proba(texts)
        return [
            tuple(label for label, value in zip(self.labels, row, strict=True) if value >= min(least, max(row)))
            for row in probabilities.tolist()
        ]

    def evaluate(
        self,
        texts: TextsLike,
        labels: Iterable[int | str],
        *,
        slices: Mapping[str, Sequence[str]] | None = None,
        metrics: "Mapping[str, MetricFunction] | None" = None,
        train: tuple[TextsLike, Iterable[int | str]] | None = None,
        validation: tuple[TextsLike, Iterable[int | str]] | None = None,
        explained_errors: int = 0,
        behaviour: bool = False,
        cascade: bool = False,
        ensemble: bool = False,
    ) -> "EvaluationReport":
        """Measure the model on labelled texts.

        Warns if the model was trained on some of them, or its best epoch was chosen on them (`unseen` in the report has
        the metrics without these), and if labels that had to be interpreted are probably flipped.

        Args:
            texts: n texts, as for `predict`.
            labels: The true labels: the model's label names, also in another spelling that training understands (`Pos`
                or true for `positive`). 0 and 1 are the labels in their order; if the positive label is called
                `negative`, pass names.
            slices: Other properties of the texts, such as their source: n values by name. The report contains the
                metrics for each value, up to 100.
            metrics: Additional metrics by name, as for `SentimentFineTuner`.
            train: Texts and labels that the model was trained on; baselines are trained on them, for comparison.
            validation: Texts and labels that the threshold was chosen on, if it has a goal such as `recall>=0.95`; the
                baselines' thresholds are chosen on them for the same goal.
            explained_errors: Number of the most confident errors to explain on the page of the report; see `explain`.
                Each takes a second or more.
            behaviour: Whether to check how the model reacts to changed texts, as `check_behaviour` does. This scores
                about 600 short texts.
            cascade: As for `predict`; the report is that of the cascade.
            ensemble: As for `predict`; the report is that of the ensemble, with the encoder alone for comparison.

        Raises:
            ConfigError: A metric is invalid or fails, or `cascade` and `ensemble` are both set.
            DataError: A text cannot be classified, a label is ambiguous, the lengths differ, there are too many slices,
                or `train` or `validation` has only one label.

        Example:
            ```python
            report = classifier.evaluate(texts, labels)
            print(report.f1, report.intervals["f1"])
            ```
        """
        from imdb_sentiment.persistence.measure import measure_model

        if explained_errors < 0:
            raise ConfigError(f"invalid explained_errors={explained_errors}", expected="0 or more")
        return measure_model(
            self._opened,
            self._opened.check_texts(texts),
            labels,
            slices={} if slices is None else slices,
            metrics={} if metrics is None else metrics,
            train=train,
            validation=validation,
            explained_errors=explained_errors,
            behaviour=behaviour,
            combination=combination_of(cascade=cascade, ensemble=ensemble),
        )

    def explain(self, text: str | tuple[str, str]) -> Explanation:
        """Return the contribution of each word to the label, by integrated gradients. Needs the extra `explain`.

        Source: Sundararajan, Taly and Yan, Axiomatic Attribution for Deep Networks (2017).

        Example:
            ```python
            explanation = classifier.explain("A slow start, and then a wonderful film.")
            strongest = max(explanation.words, key=lambda word: abs(word.score))
            ```
        """
        one: Any = [text]
        (checked,) = self._opened.check_texts(one)
        return self._opened.explain(checked)

    def seen_in_training(
        self, texts: str | TextsLike, *, split: Literal["train", "validation"] = "train"
    ) -> list[bool]:
        """Return whether the model was trained on each text.

        Differences in case, white space, HTML line breaks and invisible characters are ignored.

        Args:
            texts: As for `predict`.
            split: `validation` for the texts by which epoch, temperature and threshold were chosen.

        Raises:
            ModelError: The model folder has no fingerprints of its training rows.
        """
        return self._opened.fingerprints().known(self._opened.check_texts(texts), split)
