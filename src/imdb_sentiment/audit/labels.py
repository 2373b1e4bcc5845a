"""Check the labels of a data set: their meaning, their counts and their order."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.audit.finding_codes import find, find_across, find_whole, say_rows
from imdb_sentiment.data.labels import UNDERSTOOD, fold_label, plain_label
from imdb_sentiment.data.splits import label_rows
from imdb_sentiment.errors import DataError
from imdb_sentiment.results.audit import Finding
from imdb_sentiment.runtime.messages import quote

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig
    from imdb_sentiment.data.inspection import InspectedRows, Rows

__all__ = ["Classes", "inspect_labels", "inspect_order"]

_RARE = 0.2
_NAMED = 3
_COLUMNS = 10
_OTHERS = "(others)"


class Classes(NamedTuple):
    """The classes of the labels."""

    names: tuple[str, str] | None
    """Names of the negative and the positive class; None if the labels are not understood."""

    of_rows: Mapping[str, NDArray[np.int64]]
    """Class of each usable row by split: 0 or 1 if the labels are understood, else a number per label, ignoring case
    and surrounding space."""

    counts: Mapping[str, Mapping[str, int]]
    """Rows per split and class, or per split and label if the labels are not understood."""

    findings: tuple[Finding, ...]


def inspect_labels(inspected: "InspectedRows", config: "DataConfig", origin: str) -> Classes:
    """Resolve the labels and report problems with them."""
    values, parts = inspected.label_values, inspected.parts
    counts = {
        split: dict(zip(values, np.bincount(rows.labels, minlength=len(values)).tolist(), strict=True))
        for split, rows in parts.items()
    }
    totals = {value: sum(by_value[value] for by_value in counts.values()) for value in values}
    if not totals:
        return Classes(None, {split: rows.labels for split, rows in parts.items()}, counts, ())
    folded = [fold_label(value) for value in values]
    try:
        labelled, (names, *_) = label_rows(inspected, config, origin)
    except DataError as error:
        number_of: dict[str, int] = {}
        numbers = np.array([number_of.setdefault(value, len(number_of)) for value in folded])
        of_rows = {split: numbers[rows.labels] for split, rows in parts.items()}
        found = _find_not_understood(inspected, totals, config, error)
        spellings = _find_spellings(inspected, totals, understood=False)
        return Classes(None, of_rows, _shorten(counts, totals), (*found, *spellings))
    of_rows = {split: rows.labels for split, rows in labelled.items()}
    by_name = {
        split: dict(zip(names, np.bincount(classes, minlength=2).tolist(), strict=True))
        for split, classes in of_rows.items()
    }
    shares = [
        found for split, by_class in by_name.items() for found in _find_shares(parts[split], split, by_class, of_rows)
    ]
    return Classes(names, of_rows, by_name, (*_find_spellings(inspected, totals, understood=True), *shares))


def inspect_order(classes: Classes) -> list[Finding]:
    """Compare the number of runs of one class with that of random order (Wald and Wolfowitz 1940)."""
    findings = []
    for split, labels in classes.of_rows.items() if classes.names else ():
        rows, positives = len(labels), int(labels.sum())
        expected = 1 + 2 * positives * (rows - positives) / max(rows, 1)
        runs = 1 + int(np.count_nonzero(np.diff(labels)))
        if runs >= expected / 2:
            continue
        if runs == 2:
            summary = f"{split} is sorted by label: all rows of one class, then all of the other"
            findings.append(find_whole("sorted_by_label", split, rows, summary))
        else:
            usual = f"in random order it changes about {expected - 1:,.0f} times"
            summary = f"the label changes {runs - 1:,} times from row to row of {split}; {usual}"
            findings.append(find_whole("blocked_by_label", split, rows, summary))
    return findings


def _find_not_understood(
    inspected: "InspectedRows", totals: Mapping[str, int], config: "DataConfig", error: DataError
) -> list[Finding]:
    one_class = len({fold_label(value) for value in totals}) == 1
    misfits = _misfits(totals, config)
    wrong = np.array([value in misfits for value in inspected.label_values])
    masks = {split: wrong[rows.labels] for split, rows in inspected.parts.items()}
    code = "labels_one_class" if one_class else "labels_not_understood"
    summary = f"all rows have one class: {error.found}" if one_class else f"{error.summary}: {error.found}"
    found = find_across(code, inspected.parts, masks, summary)
    return found if one_class or not error.hint else [replace(finding, advice=error.hint) for finding in found]


def _misfits(totals: Mapping[str, int], config: "DataConfig") -> set[str]:
    """Return the labels other than a known pair, or all labels if there is no such pair."""
    if config.positive_label is not None:
        positive = plain_label(config.positive_label)
        plain = [plain_label(value) for value in _most_frequent_first(totals)]
        others = [value for value in plain if value != positive]
        named = {positive, plain_label(config.negative_label) if config.negative_label else (others or [""])[0]}
        fitting = {value for value in totals if plain_label(value) in named} if named <= set(plain) else set()
    else:
        rows = dict.fromkeys(UNDERSTOOD, 0)
        for value, count in totals.items():
            for pair in UNDERSTOOD:
                rows[pair] += count * (fold_label(value) in pair)
        known = max(rows, key=lambda pair: rows[pair])
        fitting = {value for value in totals if fold_label(value) in known}
    return (totals.keys() - fitting if fitting else set()) or set(totals)


def _most_frequent_first(totals: Mapping[str, int]) -> list[str]:
    return sorted(totals, key=lambda value: (-totals[value], value))


def _find_spellings(inspected: "InspectedRows", totals: Mapping[str, int], *, understood: bool) -> list[Finding]:
    """Find rows whose label is not in its most frequent spelling."""
    spellings: dict[str, list[str]] = defaultdict(list)
    for value in _most_frequent_first(totals):
        spellings[fold_label(value)].append(value)
    usual = {rarer: most for most, *others in spellings.values() for rarer in others}
    is_rarer = np.array([value in usual for value in inspected.label_values])
    findings = []
    for split, rows in inspected.parts.items():
        numbers = (rows.positions[is_rarer[rows.labels]] + 1).tolist()
        if not numbers:
            continue
        rarer = {inspected.label_values[i] for i in np.unique(rows.labels) if is_rarer[i]}
        examples = [f"{quote(value)} for {quote(usual[value])}" for value in sorted(rarer)]
        more = f" and {len(examples) - _NAMED:,} more" if len(examples) > _NAMED else ""
        many = say_rows(len(numbers), split, "has a label", "have labels")
        summary = f"{many} in another spelling: {', '.join(examples[:_NAMED])}{more}"
        found = find("labels_case_or_space", rows.raw, split, numbers, summary)
        advice = "They are read as one label. Write each in one way, so that other programs do too."
        findings.append(replace(found, advice=advice) if understood else replace(found, severity="error"))
    return findings


def _find_shares(
    rows: "Rows", split: str, counts: Mapping[str, int], of_rows: Mapping[str, NDArray[np.int64]]
) -> list[Finding]:
    rarer = min(counts, key=lambda name: counts[name])
    share = counts[rarer] / max(len(rows), 1)
    if not len(rows) or share >= _RARE:
        return []
    if counts[rarer] == 0:
        summary = f"{split} has no rows of the class {quote(rarer)}"
        return [find_whole("labels_one_class", split, len(rows), summary)]
    numbers = (rows.positions[of_rows[split] == list(counts).index(rarer)] + 1).tolist()
    summary = f"{share:.1%} of the rows of {split} are {quote(rarer)}, the rarer class"
    return [find("imbalance", rows.raw, split, numbers, summary)]


def _shorten(counts: Mapping[str, Mapping[str, int]], totals: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Merge the counts of all but the most frequent labels."""
    ordered = _most_frequent_first(totals)
    shown, others = ordered[:_COLUMNS], ordered[_COLUMNS:]
    return {
        split: {value: by_value[value] for value in shown}
        | ({_OTHERS: sum(by_value[value] for value in others)} if others else {})
        for split, by_value in counts.items()
    }
