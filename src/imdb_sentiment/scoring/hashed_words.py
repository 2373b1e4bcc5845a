"""A quick model of hashed words: TF-IDF and logistic regression as plain arrays."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from imdb_sentiment.data.cleaning import clean
from imdb_sentiment.data.labelled import Labelled, Texts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["HashedWords"]

_PLACES = 2**20
_CHUNK = 4096
_SMOOTHING = 0.1
"""What is added to a word's TF-IDF values under each label: about one occurrence in a long text."""

_INVERSE_PENALTY = 30.0


class HashedWords:
    """Words and pairs of words, each hashed to one of a million places, so that there is no vocabulary to keep.

    TF-IDF values are multiplied by how much commoner a word is under one label than under the other, as a logarithm,
    before logistic regression learns from them. On reviews that is half a point to a point better than TF-IDF alone.
    It reads two to four thousand of them a second.

    Source: Wang and Manning, Baselines and Bigrams: Simple, Good Sentiment and Topic Classification (2012).

    Args:
        rarity: Inverse document frequency of each place, shape (2**20,).
        weights: What each place adds to the log odds of the positive label, shape (2**20,); 0 where training had none.
        bias: Log odds of a text without words.
        cleans: Whether texts are cleaned first, as the encoder's are.
    """

    def __init__(
        self, rarity: "NDArray[np.float32]", weights: "NDArray[np.float32]", bias: float, *, cleans: bool
    ) -> None:
        self.rarity = rarity
        self.weights = weights
        self.bias = bias
        self.cleans = cleans

    @classmethod
    def fit(cls, train: Labelled, *, cleans: bool) -> Self:
        """Learn from training rows.

        Args:
            train: Texts or pairs, and their labels.
            cleans: Whether texts are cleaned first.
        """
        import numpy as np
        from scipy.sparse import diags_array, vstack
        from sklearn.feature_extraction.text import TfidfTransformer
        from sklearn.linear_model import LogisticRegression

        counts = vstack(list(_counts(train.texts, cleans=cleans)), format="csr")
        weighing = TfidfTransformer(sublinear_tf=True)
        weighed = weighing.fit_transform(counts)
        used = np.unique(weighed.indices)  # the others get no weight, and would only take time
        weighed, labels = weighed[:, used], list(train.labels)
        ratios = _log_ratios(weighed, labels)
        model = LogisticRegression(C=_INVERSE_PENALTY, max_iter=1000).fit(weighed @ diags_array(ratios), labels)
        weights = np.zeros(_PLACES, dtype=np.float32)
        weights[used] = model.coef_[0] * ratios
        return cls(weighing.idf_.astype(np.float32), weights, float(model.intercept_[0]), cleans=cleans)

    @classmethod
    def load(cls, path: Path, *, cleans: bool) -> Self:
        """Read what `save` wrote.

        Raises:
            OSError: The file is not there or cannot be read.
            ValueError: The file is damaged.
        """
        import zipfile

        import numpy as np

        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                rarity, weights, bias = arrays["rarity"], arrays["weights"], arrays["bias"]
        except (KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(str(error)) from None
        if any(array.dtype != np.float32 or array.shape != (_PLACES,) for array in (rarity, weights)) or bias.ndim:
            raise ValueError("arrays of another kind")
        return cls(rarity, weights, float(bias), cleans=cleans)

    def save(self, path: Path) -> None:
        """Write one NumPy file without pickles."""
        import numpy as np

        np.savez(path, rarity=self.rarity, weights=self.weights, bias=np.float64(self.bias))

    def tempered(self, temperature: float) -> Self:
        """Return the model with its log odds divided by a temperature."""
        return type(self)(self.rarity, self.weights / temperature, self.bias / temperature, cleans=self.cleans)

    def log_odds(self, texts: Texts) -> "NDArray[np.float64]":
        """Return the log odds of the positive label for n texts or pairs, shape (n,).

        They are not a number for a text that has no word in common with the training rows: nothing is known of it.
        """
        import numpy as np

        parts = [np.zeros(0)]
        for counts in _counts(texts, cleans=self.cleans):
            counts.data = 1 + np.log(counts.data)
            counts.data *= self.rarity[counts.indices]
            length = np.sqrt(counts.multiply(counts).sum(axis=1).A1)
            known = (counts @ (self.weights != 0)) > 0
            with np.errstate(invalid="ignore", divide="ignore"):
                odds = (counts @ self.weights.astype(np.float64)) / length + self.bias
            parts.append(np.where(known, odds, np.nan))
        return np.concatenate(parts)


def _log_ratios(weighed: Any, labels: Sequence[int]) -> "NDArray[np.float64]":
    """Return for each column the logarithm of its share under the positive label, over that under the negative."""
    import numpy as np

    true = np.asarray(labels) == 1
    positive, negative = (np.asarray(weighed[rows].sum(axis=0)).ravel() + _SMOOTHING for rows in (true, ~true))
    ratios: NDArray[np.float64] = np.log((positive / positive.sum()) / (negative / negative.sum()))
    return ratios


def _counts(texts: Texts, *, cleans: bool) -> Iterator[Any]:
    """Give sparse matrices with how often each place occurs, some thousand texts at a time; a pair is read as one."""
    from sklearn.feature_extraction.text import HashingVectorizer

    hashing = HashingVectorizer(n_features=_PLACES, ngram_range=(1, 2), norm=None, alternate_sign=False)
    for start in range(0, len(texts), _CHUNK):
        joined = [text if isinstance(text, str) else "\n".join(text) for text in texts[start : start + _CHUNK]]
        yield hashing.transform([clean(text) for text in joined] if cleans else joined)
