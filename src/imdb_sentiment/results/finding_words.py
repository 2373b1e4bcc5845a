"""The findings of an audit in words, from the counts that are saved with a model."""

from collections.abc import Iterable, Mapping
from typing import Any

from imdb_sentiment.errors import count_rows

__all__ = ["finding_sentences"]

_ORDER = {"error": 0, "warning": 1, "info": 2}
_OF_ROWS = {
    "text_null": "without a text",
    "text_blank": "with a blank text",
    "text_not_string": "with something other than a text",
    "label_null": "without a label",
    "labels_not_understood": "with a label that was not understood",
    "labels_case_or_space": "with a label that differs from another in case or white space only",
    "duplicates_exact": "with a text that equals another row's",
    "duplicates_normalised": "with a text that equals another row's but for case, white space or line breaks",
    "duplicates_near": "with a text that nearly equals another row's",
    "conflicting_labels": "with the same text as another row and the other label",
    "characters_control": "with control characters",
    "characters_zero_width": "with invisible characters",
    "characters_replacement": "with characters that were lost when the source was decoded",
    "mojibake": "that seem to have been decoded in a wrong encoding",
    "html": "with HTML tags or entities",
    "truncated_at_128": "longer than 128 tokens",
    "truncated_at_256": "longer than 256 tokens",
    "truncated_at_512": "longer than 512 tokens",
    "no_tokens": "of which the model reads nothing",
    "giveaway_token": "with a word that gives the label away",
}
_OF_SPLITS = {
    "no_usable_rows": "no row has both a text and a label",
    "labels_one_class": "all rows have one label",
    "imbalance": "one label is much rarer than the other",
    "sorted_by_label": "the rows are sorted by label",
    "blocked_by_label": "the rows come in blocks of one label",
    "unknown_tokens": "the encoder's vocabulary lacks many of the words",
    "vocabulary_mismatch": "the encoder's vocabulary is for another language or kind of text",
    "giveaway_length": "the length of a text gives its label away",
}
_OVERLAPS = {
    "exact": "with the text of a row of",
    "normalised": "with the text, but for case or white space, of a row of",
    "near": "with nearly the text of a row of",
    "group": "of the same group as a row of",
}


def finding_sentences(findings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return findings as `DataAudit.summary_dict` keeps them in sentences, the most severe first."""
    ordered = sorted(findings, key=lambda finding: _ORDER.get(finding["severity"], len(_ORDER)))
    return [_sentence(**finding) for finding in ordered]


def _sentence(*, severity: str, code: str, split: str, count: int, **_: object) -> str:
    severity = "for information" if severity == "info" else severity
    kind, *between = code.removeprefix("overlap_").split("_")
    rows = f"{count_rows(count)} of {split}"
    if code.startswith("overlap_") and kind in _OVERLAPS and len(between) == 2:
        return f"{severity}: {rows} {_OVERLAPS[kind]} {between[1]}."
    if code in _OF_SPLITS:
        return f"{severity}: in {split} {_OF_SPLITS[code]}."
    return f"{severity}: {rows} {_OF_ROWS.get(code) or f'({code})'}."
