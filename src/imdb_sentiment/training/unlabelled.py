"""Texts without labels: which of them are used, and the labels that a model gives them."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.cleaning import normalise
from imdb_sentiment.data.formats.opening import open_table
from imdb_sentiment.data.labels import Labelled, Texts
from imdb_sentiment.data.near_duplicates import MinHashIndex, number_components
from imdb_sentiment.errors import DataError, count_rows, list_rows
from imdb_sentiment.inference.inputs import TextsLike, listed_items
from imdb_sentiment.inference.row_labels import parse_text
from imdb_sentiment.models.tokenization import texts_of
from imdb_sentiment.runtime.files import as_path
from imdb_sentiment.runtime.messages import list_values

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig
    from imdb_sentiment.data.data_like import DataSplits

__all__ = ["PseudoLabelled", "UnlabelledTexts"]

_LABELLED, _NEAR = "equal to a labelled row", "nearly equal to a labelled row"
_REPEATED = "equal to another one"
_CHUNK_ROWS = 2048


class UnlabelledTexts(NamedTuple):
    """The texts without labels that are used: none equals another one or a labelled row."""

    texts: Texts

    left_out: Mapping[str, int]
    """Number of rows that are not used, by reason."""

    @classmethod
    def of(cls, data: TextsLike | str | PathLike[str], splits: "DataSplits", config: "DataConfig") -> Self:
        """Read texts, and leave out those that cannot be used, repeat another one, or are those of a labelled row.

        Near duplicates of labelled rows are left out too, where the splits keep near duplicates together: what a model
        thinks of the twin of a test row is no lesson for the test.

        Args:
            data: Texts, pairs or a table with the text columns, or the path of a file.
            splits: The labelled rows.
            config: Names the text columns, and says how files are read and whether near duplicates matter.

        Raises:
            DataError: The data cannot be read, or no text is left.
            MissingExtraError: The package that finds near duplicates is not installed.
        """
        labelled = {_normalised(text) for split in _parts(splits) for text in split}
        left_out: Counter[str] = Counter()
        taken: dict[str, Any] = {}
        for item in _items(data, config):
            text, reason = parse_text(item)
            if reason is None:
                key = _normalised(text)
                reason = _LABELLED if key in labelled else _REPEATED if key in taken else None
            if reason is None:
                taken[key] = text
            else:
                left_out[reason] += 1
        if config.near_duplicates == "group" and taken:
            near = _near(sorted(labelled), [*taken])
            left_out[_NEAR] = len(near)
            taken = {key: text for key, text in taken.items() if key not in near}
        found = {reason: number for reason, number in left_out.items() if number}
        if not taken:
            what = "; ".join(f"{count_rows(number)} {reason}" for reason, number in found.items())
            raise DataError("there are no unlabelled texts to learn from", found=what or "no rows")
        return cls([*taken.values()], found)

    @property
    def fingerprint(self) -> str:
        """Digest of the texts, in their order."""
        return hashlib.sha256("\0".join(map(_joined, self.texts)).encode()).hexdigest()

    def describe(self) -> str:
        """Return a note that counts the texts."""
        left_out = "; ".join(f"{number:,} {reason}" for reason, number in self.left_out.items())
        note = f"the TF-IDF model learned from {len(self.texts):,} unlabelled texts too, by the labels of the encoder"
        return f"{note}; left out: {left_out}" if left_out else note


class PseudoLabelled(NamedTuple):
    """Texts without labels, and the labels that models gave them."""

    texts: Texts

    odds: Sequence[NDArray[np.float64]]
    """Log odds of the positive label by the model of each fold, which has not seen the fold's rows, and last by the
    final model; each of shape (n,)."""

    def added_to(self, rows: Labelled, model: int) -> tuple[Labelled, NDArray[np.float64]]:
        """Return labelled rows and these texts, with labels by one of the models, and their weights.

        A labelled row has the weight 1, a text the difference of its two probabilities.

        Source: Lee, Pseudo-Label: The Simple and Efficient Semi-Supervised Learning Method (2013); two models that see
        different sides of a text as in Blum and Mitchell, Combining Labeled and Unlabeled Data with Co-Training (1998).
        """
        odds = self.odds[model]
        texts: Any = [*rows.texts, *self.texts]
        weights = np.concatenate([np.ones(len(rows.labels)), np.tanh(np.abs(odds) / 2)])
        return Labelled(texts, [*rows.labels, *(odds > 0).astype(int).tolist()]), weights


def _items(data: TextsLike | str | PathLike[str], config: "DataConfig") -> Sequence[tuple[object, ...]]:
    columns = config.columns_of_text
    if isinstance(data, str | PathLike):
        path = as_path(data, "unlabelled")
        with open_table(path, columns, encoding=config.encoding, header=config.header, field="") as table:
            return [item for chunk in table.chunks(_CHUNK_ROWS) for item in chunk.items]
    items = [tuple(item) if isinstance(item, tuple | list) else (item,) for item in listed_items(data, columns)]
    if wrong := [i for i, item in enumerate(items, start=1) if len(item) != len(columns)]:
        expected = "a text each" if len(columns) == 1 else f"a pair of texts each ({list_values(columns)})"
        raise DataError(
            "unlabelled texts must be like the labelled rows", found=list_rows(wrong), expected=expected, rows=wrong
        )
    return items


def _parts(splits: "DataSplits") -> list[Texts]:
    return [texts_of(rows) for rows in (splits.train, splits.validation, splits.test) if len(rows)]


def _near(labelled: Sequence[str], others: Sequence[str]) -> set[str]:
    """Return those of the other normalised texts that are near duplicates of labelled ones."""
    texts = [*labelled, *others]
    with MinHashIndex() as index:
        index.add(texts)
        pairs = index.pairs(np.arange(len(texts)), lambda places: [texts[place] for place in places.tolist()])
    groups = number_components(pairs.T, len(texts))
    known = set(groups[: len(labelled)].tolist())
    return {text for text, group in zip(others, groups[len(labelled) :].tolist(), strict=True) if group in known}


def _normalised(text: str | tuple[str, str]) -> str:
    return normalise(text) if isinstance(text, str) else normalise(*text)


def _joined(text: str | tuple[str, str]) -> str:
    return text if isinstance(text, str) else "\1".join(text)
