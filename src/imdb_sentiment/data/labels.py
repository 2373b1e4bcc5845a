"""Map labels of any spelling to negative and positive."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from imdb_sentiment.data.arrow_strings import to_names
from imdb_sentiment.data.data_like import as_list
from imdb_sentiment.errors import DataError, count_rows, list_rows
from imdb_sentiment.runtime.messages import Advice, Setting, quote

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig

__all__ = [
    "UNDERSTOOD",
    "LabelNames",
    "Labelled",
    "Labelling",
    "Texts",
    "fold_label",
    "match_labels",
    "plain_label",
    "resolve_labels",
]

Texts = Sequence[str] | Sequence[tuple[str, str]]
"""Texts, or pairs of texts."""

UNDERSTOOD = (("0", "1"), ("false", "true"), ("neg", "pos"), ("negative", "positive"))
_NUMBERS = (*UNDERSTOOD[:2], ("label_0", "label_1"))  # the last are the default names of transformers

_MEANINGS = {
    spelling: (pair in _NUMBERS, place) for pair in (*_NUMBERS, *UNDERSTOOD) for place, spelling in enumerate(pair)
}
"""For each spelling, whether it numbers a class, and its index in its pair."""

_WHOLE_NUMBER = re.compile(r"([+-]?(?:0|[1-9][0-9]{0,17}))(?:\.0*)?(?:e[+-]?0+)?", re.IGNORECASE)
_SHOWN = 10


class Labelled(NamedTuple):
    """Texts and their true labels."""

    texts: Texts

    labels: Sequence[int]
    """0 or 1 for each text."""


class LabelNames(NamedTuple):
    """Names of the two classes, in the order of their ids 0 and 1."""

    negative: str = "negative"
    positive: str = "positive"


class Labelling(NamedTuple):
    """The class of each raw label value."""

    names: LabelNames
    ids: Mapping[str, int]
    """0 (negative) or 1 (positive) for each raw value that occurs."""

    assumed: bool = False
    """Whether numbers were matched to a model's labels by order, as its label names have no known meaning."""

    @property
    def read_as(self) -> dict[str, str]:
        """The class name of each raw value that differs from it."""
        return {label: self.names[i] for label, i in self.ids.items() if label != self.names[i]}


def plain_label(label: str) -> str:
    """Return the canonical spelling of an integer label: 1 for `1.0`, `+1` and `1.00e+00`."""
    number = _WHOLE_NUMBER.fullmatch(label.strip())
    return str(int(number[1])) if number else label


def fold_label(label: str) -> str:
    """Normalise a label's case, surrounding space and number format."""
    return plain_label(unicodedata.normalize("NFC", label).strip().casefold())


def resolve_labels(
    counts: Mapping[str, int], config: "DataConfig", origin: str, *, known: LabelNames | None = None
) -> Labelling:
    """Determine which raw label is positive, without guessing.

    Args:
        counts: Number of rows of each raw label value over all splits; not empty.
        config: May name the labels.
        origin: Name of the source, for messages.
        known: Label names of a trained model to evaluate. Labels are matched to them by meaning; one may be absent.

    Raises:
        DataError: There are not exactly two labels, or it is unclear which is positive.
    """
    if known:
        return _match(counts, config, origin, known)
    if config.positive_label is not None:
        return _named(counts, config, origin)
    pair = _pair_of(counts, UNDERSTOOD)
    if pair is None:
        raise _not_understood(counts, origin)
    ids = {label: pair.index(fold_label(label)) for label in counts}
    if len(set(ids.values())) == 1:
        raise _one_class(counts, origin)
    return Labelling(LabelNames(), ids)


def match_labels(labels: object, known: LabelNames, *, rows: int) -> tuple[list[int], dict[str, str]]:
    """Match labels given with texts to those of a model.

    Args:
        labels: A list, array, series or column of values of any type.
        known: The model's label names.
        rows: Expected number of labels.

    Returns:
        The id of each, 0 or 1, and the model's name for each label that is spelled differently.

    Raises:
        DataError: Their number is wrong, or a label cannot be matched unambiguously.
    """
    from imdb_sentiment.config import DataConfig

    texts = to_names(as_list(labels, "labels"), "label", "the given data").to_pylist()
    missing = [row for row, text in enumerate(texts, start=1) if text is None]
    expected = f"one label for each text: {quote(known.negative)} or {quote(known.positive)}"
    if missing or len(texts) != rows or not texts:
        found = f"no label in {list_rows(missing)}" if missing else f"{rows:,} texts, {len(texts):,} labels"
        raise DataError("the labels do not fit", found=found, expected=expected, rows=missing)
    counts = Counter(texts)
    try:
        labelling = resolve_labels(counts, DataConfig(), "the given data", known=known)
    except DataError as error:
        wrong = [row for row, text in enumerate(texts, start=1) if text not in _by_meaning(counts, known)]
        raise DataError("the labels do not fit", found=error.found, expected=expected, rows=wrong) from None
    return [labelling.ids[text] for text in texts], labelling.read_as


def _named(counts: Mapping[str, int], config: "DataConfig", origin: str) -> Labelling:
    positive, negative = _plain_names(config)
    labels = {plain_label(label) for label in counts}
    others = [label for label in labels if fold_label(label) != fold_label(positive)]
    if negative is None and len(others) == 1 and positive in labels:
        negative = others[0]
    for label, field in ((positive, "positive_label"), (negative, "negative_label")):
        if label is not None and label not in labels:
            raise _no_such_label(label, field, counts, config, origin)
    if not others and negative is None:
        raise _one_class(counts, origin)
    if negative is None or labels != {positive, negative}:
        raise _too_many(counts, config, origin)
    return Labelling(LabelNames(negative, positive), {label: int(plain_label(label) == positive) for label in counts})


def _match(counts: Mapping[str, int], config: "DataConfig", origin: str, known: LabelNames) -> Labelling:
    ids = _by_meaning(counts, known)
    assumed = False
    if config.positive_label is not None:
        ids |= _by_name(counts, config, origin, known)
    elif len(ids) < len(counts):
        ids = _by_order(counts, known)
        assumed = not any(fold_label(name) in _MEANINGS for name in known)
    spellings = {fold_label(label) for label in counts}
    if len(ids) < len(counts) or len(spellings) > len(set(ids.values())):
        named = config.positive_label is not None and len(spellings) > 2
        raise _too_many(counts, config, origin) if named else _not_understood(counts, origin, known)
    return Labelling(known, ids, assumed)


def _by_meaning(labels: Collection[str], known: LabelNames) -> dict[str, int]:
    """Return the ids of labels that match one of the model's unambiguously."""
    names = [fold_label(name) for name in known]
    if names[0] == names[1]:
        return {label: known.index(label) for label in labels if label in known}
    ids = {label: names.index(fold_label(label)) for label in labels if fold_label(label) in names}
    pair = _pair_of(labels)
    if len(ids) == len(labels) or pair is None:
        return ids
    own = [_MEANINGS.get(name) for name in names]
    meant = {label: _MEANINGS[fold_label(label)] for label in labels}
    same_kind = own in ([_MEANINGS[name] for name in pair], [_MEANINGS[name] for name in reversed(pair)])
    return {label: own.index(meaning) for label, meaning in meant.items()} if same_kind else ids


def _by_order(labels: Collection[str], known: LabelNames) -> dict[str, int]:
    """Match a known pair to the model's labels by order, unless the model's names contradict it.

    Numbers match models whose names have no known meaning; words such as `pos` do not.
    """
    own, pair = _pair_of(known), _pair_of(labels)
    unnamed = pair in _NUMBERS and not any(fold_label(name) in _MEANINGS for name in known)
    in_order = own is not None and own.index(fold_label(known.positive)) == 1
    if pair is None or not (unnamed or in_order):
        return {}
    return {label: pair.index(fold_label(label)) for label in labels}


def _by_name(counts: Mapping[str, int], config: "DataConfig", origin: str, known: LabelNames) -> dict[str, int]:
    """Return the ids of the labels that the configuration names, and of the one remaining label."""
    positive, negative = _plain_names(config)
    named = {positive: 1} if negative is None else {negative: 0, positive: 1}
    for label, i in named.items():
        if _by_meaning([label], known).get(label, i) != i:
            raise DataError(
                f"{'positive_label' if i else 'negative_label'} {quote(label)} means the model's {quote(known[1 - i])}",
                found=_listing(counts),
                expected=f"the label of {origin} that means the model's {quote(known[i])}",
            )
    ids = {label: named[plain_label(label)] for label in counts if plain_label(label) in named}
    understood = ids | _by_meaning(counts, known)
    rest = [label for label in counts if label not in understood and fold_label(label) != fold_label(positive)]
    left_over = negative is None and len({plain_label(label) for label in rest}) == 1
    if left_over and (1 in ids.values() or _pair_of([positive, *rest])):
        return ids | dict.fromkeys(rest, 0)
    if 1 not in ids.values() and not _by_meaning([positive], known):
        raise _no_such_label(positive, "positive_label", counts, config, origin)
    return ids


def _plain_names(config: "DataConfig") -> tuple[str, str | None]:
    negative = config.negative_label
    return plain_label(str(config.positive_label)), None if negative is None else plain_label(negative)


def _pair_of(
    labels: Collection[str], pairs: Collection[tuple[str, str]] = (*UNDERSTOOD, *_NUMBERS)
) -> tuple[str, str] | None:
    """Return the pair that contains all labels, if any."""
    return next((pair for pair in pairs if all(fold_label(label) in pair for label in labels)), None)


def _not_understood(counts: Mapping[str, int], origin: str, known: LabelNames | None = None) -> DataError:
    expected = "two labels: 0/1, false/true, neg/pos or negative/positive, or any two with positive_label set"
    if known:
        own = f"{quote(known.negative)} and {quote(known.positive)}"
        expected = f"the model's labels, {own}, or two others with positive_label set"
    return DataError(
        f"the labels of {origin} are not understood",
        found=_listing(counts),
        expected=expected,
        hint=_unlabelled_hint(counts) or _choice(counts, known),
    )


def _too_many(counts: Mapping[str, int], config: "DataConfig", origin: str) -> DataError:
    merge = "leave the other rows out of the source, or merge labels before loading"
    hint = merge if "-1" in _plain_names(config) else _unlabelled_hint(counts) or merge
    expected = f"two labels, one of them {quote(config.positive_label)}"
    return DataError(
        f"{origin} has {len(counts)} different labels", found=_listing(counts), expected=expected, hint=hint
    )


def _no_such_label(label: str, field: str, counts: Mapping[str, int], config: "DataConfig", origin: str) -> DataError:
    respelt = [other for other in counts if fold_label(other) == fold_label(label)]
    if field == "negative_label":
        respelt = [other for other in counts if plain_label(other) != _plain_names(config)[0]]
    hint = Advice(_setting(field, respelt[0])) if len(respelt) == 1 else _choice(counts)
    return DataError(f"no row of {origin} has the {field} {quote(label)}", found=_listing(counts), hint=hint)


def _choice(counts: Mapping[str, int], known: LabelNames | None = None) -> Advice | None:
    """Suggest the settings for either label as the positive one, without choosing."""
    labels = sorted({plain_label(label) for label in counts})
    certain = _by_meaning(labels, known) if known else {}
    if known and len(labels) == 2 and len(certain) == 1:
        ((label, i),) = certain.items()
        (other,) = {*labels} - {label}
        meaning = f", if {quote(other)} is what the model calls {quote(known[1 - i])}"
        return Advice(_setting("positive_label", label if i else other), meaning)
    if len(labels) > 2 or certain or (len(labels) == 1 and not known):
        return None
    options: list[tuple[str | Setting, ...]] = [(_setting("positive_label", label),) for label in labels]
    if known and len(labels) == 1:
        options.append((_setting("positive_label", known.positive), " with ", _setting("negative_label", labels[0])))
    meaning = f", whichever says what the model calls {quote(known.positive)}" if known else ""
    return Advice(*options[0], *(part for option in options[1:] for part in (" or ", *option)), meaning)


def _setting(field: str, label: str) -> Setting:
    return Setting(field, label, "DataConfig")


def _one_class(counts: Mapping[str, int], origin: str) -> DataError:
    return DataError(f"{origin} has only one class", found=_listing(counts), expected="rows of two classes")


def _unlabelled_hint(counts: Mapping[str, int]) -> str | None:
    unlabelled = sum(count for label, count in counts.items() if plain_label(label) == "-1")
    if not unlabelled or len({plain_label(label) for label in counts}) < 3:
        return None
    return f"-1 marks rows without a label, as in IMDb's unsupervised part: leave those {unlabelled:,} rows out"


def _listing(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = ", ".join(f"{quote(label)} ({count_rows(count)})" for label, count in ordered[:_SHOWN])
    return shown + (f", and {len(ordered) - _SHOWN:,} more values" if len(ordered) > _SHOWN else "")
