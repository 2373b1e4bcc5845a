"""Which rows to label next: those that a model is least certain of."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from imdb_sentiment.classifier import SentimentClassifier
from imdb_sentiment.data.cleaning import text_key
from imdb_sentiment.data.formats.opening import open_table
from imdb_sentiment.errors import ConfigError, DataError, count_rows
from imdb_sentiment.inference.inputs import TextsLike
from imdb_sentiment.inference.row_labels import parse_text
from imdb_sentiment.inference.scorer import SORTED_TEXTS
from imdb_sentiment.results.suggestions import Suggestion, Suggestions
from imdb_sentiment.runtime.files import as_path
from imdb_sentiment.runtime.messages import quote

if TYPE_CHECKING:
    from imdb_sentiment.persistence.opened_model import OpenedModel

__all__ = ["suggest_rows"]

_KNOWN, _DUPLICATE = "the model was trained or chosen on it", "it has the text of another row"


class _Candidate(NamedTuple):
    distance: float
    """Of the log odds from those of the threshold."""

    row: int
    text: str | tuple[str, str]
    probability: float
    key: bytes


def suggest_rows(
    classifier: SentimentClassifier,
    data: TextsLike | str | PathLike[str],
    n: int = 100,
    *,
    text_columns: Sequence[str] | None = None,
    encoding: str | None = None,
    header: bool = True,
) -> Suggestions:
    """Return the rows whose labels would teach a model most: those that it is least certain of.

    Rows that the model was trained or chosen on, and rows that repeat the text of another suggested row, are left out,
    ignoring case, white space and HTML line breaks. A file is read as a stream, and at most `n` of its texts are kept
    in memory.

    Source: uncertainty sampling, Lewis and Gale, A Sequential Algorithm for Training Text Classifiers (SIGIR 1994).

    Example:
        ```python
        suggestions = suggest_rows(classifier, "unlabelled.csv", n=50)
        suggestions.to_frame().to_csv("to_label.csv", index=False)
        ```

    Args:
        classifier: A saved model.
        data: Texts without labels, as `SentimentClassifier.predict` takes them; or the path of a CSV, TSV, JSONL or
            Parquet file, read as by `predict_file`.
        n: Number of rows; there may be fewer.
        text_columns: Text column of the file, or the two of a pair; by default those that the model was trained on.
        encoding: Encoding of the file; by default UTF-8 or as its byte order mark says.
        header: Whether a CSV or TSV file has a header. Without one, columns are named by position, from 1.

    Raises:
        ConfigError: An option does not suit the data, or `n` is below 1.
        DataError: There are no rows left to choose from, a text cannot be used, or the file is missing, damaged or
            lacks a column.
    """
    if not isinstance(classifier, SentimentClassifier):
        raise ConfigError("suggest_rows takes a classifier", found=quote(classifier), hint="tuner.classifier")
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ConfigError(f"n={quote(n)} is not a number of rows", expected="1 or more")
    model = classifier._opened
    chooser = _Chooser(model, n)
    notes: tuple[str, ...] = ()
    if isinstance(data, str | PathLike):
        columns, path = model.text_columns(text_columns), as_path(data, "data")
        with open_table(path, columns, encoding=encoding, header=header) as table:
            notes = table.notes
            for chunk in table.chunks(SORTED_TEXTS):
                chooser.look_at(chunk.items)
    else:
        if text_columns is not None or encoding is not None or not header:
            raise ConfigError("text_columns, encoding and header are for files", found="texts in memory")
        for items in _chunks(model.check_texts(data)):
            chooser.look_at(items)
    left_out = {reason: number for reason, number in chooser.left_out.items() if number}
    if not chooser.chosen:
        found = "; ".join(f"{count_rows(number)} left out: {reason}" for reason, number in left_out.items())
        raise DataError("there is no row to label", found=found or "no rows")
    if model.artifact.seen is None:
        notes = (*notes, "which rows the model was trained on is not recorded; some of them may be among these")
    return Suggestions(
        positive_label=model.labels[1],
        rows=chooser.rows,
        left_out=left_out,
        suggestions=tuple(
            Suggestion(row=one.row, text=one.text, probability=one.probability) for one in chooser.chosen
        ),
        notes=notes,
    )


def _chunks(texts: Iterable[Any]) -> Iterator[list[tuple[object, ...]]]:
    rows = ((text,) if isinstance(text, str) else tuple(text) for text in texts)
    while chunk := list(islice(rows, SORTED_TEXTS)):
        yield chunk


class _Chooser:
    """Keeps the least certain of all rows that it has looked at.

    Attributes:
        chosen: At most `n` rows, the least certain first.
        rows: Number of rows so far.
        left_out: Number of rows that were left out, by reason.
    """

    def __init__(self, model: "OpenedModel", n: int) -> None:
        self._model, self._n = model, n
        self.chosen: list[_Candidate] = []
        self.rows = 0
        self.left_out: Counter[str] = Counter()

    def look_at(self, items: Sequence[tuple[object, ...]]) -> None:
        """Score rows, given as the values of their text columns."""
        from scipy.special import logit

        parsed = [parse_text(item) for item in items]
        texts: list[Any] = [text for text, reason in parsed if reason is None]
        rows = [self.rows + i for i, (_, reason) in enumerate(parsed, start=1) if reason is None]
        self.rows += len(items)
        self.left_out.update(reason for _, reason in parsed if reason is not None)
        seen = self._model.artifact.seen
        known = seen.known(texts) if seen else [False] * len(texts)
        self.left_out.update([_KNOWN] * sum(known))
        new = np.flatnonzero(~np.array(known, dtype=bool)).tolist()
        logits = self._model.scorer.score([texts[i] for i in new]).logits
        odds = logits[:, 1] - logits[:, 0]
        distances = np.abs(odds - logit(self._model.threshold))
        here: dict[bytes, _Candidate] = {}
        for i in np.argsort(distances, kind="stable").tolist():
            text = texts[new[i]]
            key = text_key(*([text] if isinstance(text, str) else text))
            if key in here:
                self.left_out[_DUPLICATE] += 1
                continue
            probability = float(1 / (1 + np.exp(-odds[i])))
            here[key] = _Candidate(float(distances[i]), rows[new[i]], text, probability, key)
            if len(here) == self._n:
                break
        self._keep(list(here.values()))

    def _keep(self, candidates: Sequence[_Candidate]) -> None:
        before = {one.key for one in self.chosen}
        new = [one for one in candidates if one.key not in before]
        self.left_out[_DUPLICATE] += len(candidates) - len(new)
        # of equal ones, the first in the file
        self.chosen = sorted([*self.chosen, *new], key=lambda one: (one.distance, one.row))[: self._n]
