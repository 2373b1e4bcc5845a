"""Raw label values become 0 (negative) and 1 (positive), and keep the user's own names for output."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from imdb_sentiment.errors import DataError, count_rows, nearest

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig

__all__ = ["UNDERSTOOD", "LabelNames", "Labelling", "resolve_labels"]

UNDERSTOOD = (("0", "1"), ("false", "true"), ("neg", "pos"), ("negative", "positive"))
_SHOWN = 10


class LabelNames(NamedTuple):
    """Names of the two classes, in the order of their ids 0 and 1."""

    negative: str = "negative"
    positive: str = "positive"


class Labelling(NamedTuple):
    """What each raw label value means."""

    names: LabelNames
    ids: Mapping[str, int]
    """From each raw value that occurs to 0 (negative) or 1 (positive)."""


def resolve_labels(
    counts: Mapping[str, int], config: "DataConfig", origin: str, *, known: LabelNames | None = None
) -> Labelling:
    """Decide which raw label is the positive one, without guessing.

    Args:
        counts: How often each raw label value occurs, over all splits; there is at least one.
        config: May name the labels.
        origin: Name of the source for messages.
        known: Names of a trained model, when data are read to evaluate it. They are understood without being told
            and stay the names; one of the two labels may then be absent.

    Raises:
        DataError: There are not exactly two labels, or it is not certain which is positive.
    """
    if config.positive_label is not None:
        return _told(counts, config, origin, known)
    if known and counts.keys() <= set(known):
        return Labelling(known, {label: known.index(label) for label in counts})
    families = {pair for label in counts for pair in UNDERSTOOD if label.strip().lower() in pair}
    understood = all(any(label.strip().lower() in pair for pair in families) for label in counts)
    if not understood or len(families) != 1:
        raise _not_understood(counts, origin)
    pair = families.pop()
    ids = {label: pair.index(label.strip().lower()) for label in counts}
    if known is None and len(set(ids.values())) == 1:
        raise _one_class(counts, origin)
    return Labelling(known or LabelNames(), ids)


def _told(counts: Mapping[str, int], config: "DataConfig", origin: str, known: LabelNames | None) -> Labelling:
    positive, negative = str(config.positive_label), config.negative_label
    others = [label for label in counts if label != positive]
    if negative is None and len(others) == 1 and (positive in counts or known):
        negative = others[0]
    for label, field in ((positive, "positive_label"), (negative, "negative_label")):
        if label is not None and label not in counts and not known:
            match = nearest(label, counts)
            hint = f"--set {field}={match}" if match else None
            raise DataError(f"no row of {origin} has the {field} {label!r}", found=_listing(counts), hint=hint)
    if len(counts) == 1 and not known:
        raise _one_class(counts, origin)
    if any(label not in (positive, negative) for label in counts):
        expected = f"two labels, one of them {positive!r}"
        hint = "leave the other rows out of the source, or merge labels before loading"
        summary = f"{origin} has {len(counts)} different labels"
        raise DataError(summary, found=_listing(counts), expected=expected, hint=_unlabelled_hint(counts) or hint)
    names = known or LabelNames(negative=str(negative), positive=positive)
    return Labelling(names, {label: int(label == positive) for label in counts})


def _not_understood(counts: Mapping[str, int], origin: str) -> DataError:
    expected = "two labels: 0/1, false/true, neg/pos or negative/positive, or any two with positive_label set"
    hint = _unlabelled_hint(counts)
    if hint is None and len(counts) == 2:
        hint = f"--positive-label {min(counts, key=lambda label: counts[label])} (positive_label=... in Python)"
    return DataError(f"the labels of {origin} are not understood", found=_listing(counts), expected=expected, hint=hint)


def _one_class(counts: Mapping[str, int], origin: str) -> DataError:
    return DataError(f"{origin} has one class only", found=_listing(counts), expected="rows of two classes")


def _unlabelled_hint(counts: Mapping[str, int]) -> str | None:
    if "-1" not in counts:
        return None
    return f"-1 marks rows without a label, as in IMDb's unsupervised part: leave those {counts['-1']:,} rows out"


def _listing(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = ", ".join(f"{label!r} ({count_rows(count)})" for label, count in ordered[:_SHOWN])
    return shown + (f", and {len(ordered) - _SHOWN:,} more values" if len(ordered) > _SHOWN else "")
