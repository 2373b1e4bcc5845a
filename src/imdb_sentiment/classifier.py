"""SentimentClassifier: opens a saved model and predicts."""

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Self, overload

from imdb_sentiment.artifact import Artifact, ModelMetadata, load_artifact
from imdb_sentiment.data.cleaning import clean
from imdb_sentiment.errors import ConfigError, DataError, list_rows
from imdb_sentiment.results import EvaluationReport, Prediction
from imdb_sentiment.scoring.device import usable_device
from imdb_sentiment.scoring.torch_scorer import Scores, score_texts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["SentimentClassifier"]


class SentimentClassifier:
    """A fine-tuned model, ready to classify texts. Make one with `from_pretrained`."""

    def __init__(self, artifact: Artifact, *, batch_size: int) -> None:
        self._artifact = artifact
        self._batch_size = batch_size

    @classmethod
    def from_pretrained(
        cls,
        path: str | PathLike[str],
        *,
        revision: str | None = None,
        device: str | None = None,
        batch_size: int = 32,
    ) -> Self:
        """Open a model that `SentimentFineTuner.save` or `imdb-sentiment train` wrote.

        Args:
            path: Folder on disk, or the id of a hub repository that holds such a folder.
            revision: Branch, tag or commit on the hub.
            device: Where to compute, as PyTorch names it (`cpu`, `cuda`, `cuda:1`, `mps`); by default a GPU if there
                is one.
            batch_size: Texts per batch; changes speed and memory, not results.

        Raises:
            ConfigError: There is no such device, or `batch_size` is below 1.
            ModelError: It is no such folder, or one that cannot be trusted; the message says why.
            HubUnavailableError: `path` is on the hub, and the hub did not answer.
        """
        if batch_size < 1:
            raise ConfigError(f"batch_size={batch_size} leaves no text in a batch", expected="1 or more")
        place = usable_device(device)
        artifact = load_artifact(str(path), revision=revision)
        artifact.model.to(place)  # type: ignore[arg-type]
        return cls(artifact, batch_size=batch_size)

    @property
    def labels(self) -> tuple[str, str]:
        """Names of the negative and of the positive label, in the order of the columns of `predict_proba`."""
        names = self._artifact.metadata.labels
        return names.negative, names.positive

    @property
    def metadata(self) -> ModelMetadata:
        """What `imdb_sentiment.json` says of how the model was made."""
        return self._artifact.metadata

    @overload
    def predict(self, texts: str) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def predict(self, texts: Sequence[str]) -> list[Prediction]: ...
    def predict(self, texts: str | Sequence[str]) -> Prediction | list[Prediction]:
        """Classify one text, or several.

        Args:
            texts: A text, or a sequence of texts.

        Returns:
            A prediction for the one text; or a list with one for each text, in their order.

        Raises:
            DataError: An item is not a string, or is blank; the message gives its position, counted from 1.
        """
        if isinstance(texts, str):
            return self.predict([texts])[0]
        scores = self._score(texts)
        predictions = []
        for row, truncated in zip(scores.probabilities.tolist(), scores.truncated.tolist(), strict=True):
            winner = int(row[1] > row[0])
            probabilities = dict(zip(self.labels, row, strict=True))
            predictions.append(
                Prediction(
                    label=self.labels[winner], score=row[winner], probabilities=probabilities, truncated=truncated
                )
            )
        return predictions

    def predict_proba(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Return the probability of each label for each text.

        Args:
            texts: Texts, n of them.

        Returns:
            Array of shape (n, 2), columns in the order of `labels`; each row adds up to 1.

        Raises:
            DataError: An item is not a string, or is blank; the message gives its position, counted from 1.
        """
        return self._score([texts] if isinstance(texts, str) else texts).probabilities

    def evaluate(self, texts: Sequence[str], labels: Sequence[int | str]) -> EvaluationReport:
        """Measure the model on labelled texts.

        Args:
            texts: Texts, n of them.
            labels: The true label of each: 0 or 1, or one of the names in `labels`.

        Raises:
            DataError: A text cannot be classified, a label is not one of the model's, or the lengths differ.
        """
        from imdb_sentiment.evaluation.metrics import measure

        ids: dict[int | str, int] = {0: 0, 1: 1, self.labels[0]: 0, self.labels[1]: 1}
        labels = list(labels)  # an array has no truth value of its own
        unknown = [i for i, label in enumerate(labels, start=1) if label not in ids]
        if unknown or len(labels) != len(texts) or not labels:
            found = f"other labels in {list_rows(unknown)}" if unknown else f"{len(texts)} texts, {len(labels)} labels"
            expected = f"one label for each text: 0 or 1, or {' or '.join(self.labels)}"
            raise DataError("the labels do not fit", found=found, expected=expected, rows=unknown)
        return measure(self.predict_proba(texts), [ids[label] for label in labels], names=self.labels)

    def _score(self, texts: Sequence[str]) -> Scores:
        texts = list(texts)
        wrong = [i for i, text in enumerate(texts, start=1) if not isinstance(text, str)]
        if wrong:
            kinds = sorted({type(texts[i - 1]).__name__ for i in wrong})
            found = f"{', '.join(kinds)} in {list_rows(wrong)}"
            raise DataError("each item must be a string", found=found, rows=wrong)
        broken = [i for i, text in enumerate(texts, start=1) if not _is_unicode(text)]
        if broken:
            raise DataError("each text must be valid Unicode", found=list_rows(broken), rows=broken)
        blank = [i for i, text in enumerate(texts, start=1) if not clean(text).strip()]
        if blank:
            raise DataError("there is nothing to classify in a blank text", found=list_rows(blank), rows=blank)
        return score_texts(self._artifact.model, self._artifact.encoder, texts, batch_size=self._batch_size)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair: Python's stand-in for a byte that is not UTF-8
        return False
    return True
