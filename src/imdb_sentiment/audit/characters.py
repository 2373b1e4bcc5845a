"""Find unintended characters and HTML in texts."""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from imdb_sentiment.audit.finding_codes import find, say_rows
from imdb_sentiment.audit.sampling import text_columns
from imdb_sentiment.data.cleaning import CLEANING_RULES
from imdb_sentiment.errors import MissingExtraError
from imdb_sentiment.results.audit import Finding
from imdb_sentiment.runtime.progress import progress_bar

if TYPE_CHECKING:
    from imdb_sentiment.data.raw_rows import RawRows

__all__ = ["find_characters", "has_ftfy"]

_TAGS = (
    "a|abbr|address|area|article|aside|audio|b|base|bdi|bdo|big|blockquote|body|button|canvas|caption|center|cite|code|col|"
    "colgroup|dd|del|details|dfn|div|dl|dt|em|embed|fieldset|figcaption|figure|font|footer|form|frame|frameset|h[1-6]|head|"
    "header|hr|html|i|iframe|img|input|ins|kbd|label|legend|li|link|main|map|mark|meta|nav|noscript|object|ol|optgroup|"
    "option|p|param|pre|q|s|samp|script|section|select|small|source|span|strike|strong|style|sub|summary|sup|svg|table|"
    "tbody|td|textarea|tfoot|th|thead|time|title|tr|tt|u|ul|var|video|wbr"
)
_BREAK, _ZERO_WIDTH, _CONTROL = (pattern for pattern, _ in CLEANING_RULES)
_TAG = rf"(?i:</?(?:{_TAGS})(?:\s[^<>]*)?/?>)|<!--"
_ENTITY = "&(?:[a-zA-Z][a-zA-Z0-9]{1,30}|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});"
_NOT_ASCII = "[^\x00-\x7f]"
# ASCII runs are shortened to save time: mojibake shows within five characters, one of them not ASCII
_LONG_ASCII = re.compile("([\x00-\x7f]{8})[\x00-\x7f]+([\x00-\x7f]{8})")

_PATTERNS = {
    "characters_control": _CONTROL,
    "characters_zero_width": _ZERO_WIDTH,
    "characters_replacement": "\ufffd",
    "break": _BREAK,
    "markup": f"{_TAG}|{_ENTITY}",
}
_HOLD = {
    "characters_control": "control characters",
    "characters_zero_width": "zero-width characters or soft hyphens",
    "characters_replacement": "the replacement character \ufffd",
    "mojibake": "letters decoded in a wrong encoding",
    "html": "HTML tags or entities",
}


def has_ftfy() -> bool:
    """Return whether ftfy, which detects mojibake, is installed."""
    return find_spec("ftfy") is not None


def find_characters(splits: "Mapping[str, RawRows]", *, mojibake: bool) -> list[Finding]:
    """Check the characters of all texts, including those of unusable rows.

    Args:
        splits: The rows of each split.
        mojibake: Also search for wrong encodings; needs ftfy.

    Raises:
        MissingExtraError: ftfy is not installed.
    """
    findings = []
    for split, raw in splits.items():
        numbers = _look_through(raw, mojibake=mojibake)
        for code, what in _HOLD.items():
            if not len(found := numbers[code]):
                continue
            breaks = len(found) - len(numbers["markup"]) if code == "html" else 0
            more = f", {breaks:,} of them line breaks only" if breaks else ""
            summary = f"{say_rows(len(found), split, 'holds', 'hold')} {what}{more}"
            findings.append(find(code, raw, split, found.tolist(), summary))
    return findings


def _look_through(raw: "RawRows", *, mojibake: bool) -> dict[str, NDArray[np.int64]]:
    """Return the 1-based row numbers with each kind of character; `html` is `break` or `markup`."""
    found: dict[str, list[NDArray[np.int64]]] = {
        name: [np.zeros(0, dtype=np.int64)] for name in (*_PATTERNS, "mojibake", "html")
    }
    start = 0
    with progress_bar("checking characters", total=len(raw), unit="row") as bar:
        for batch in raw.batches():
            columns = text_columns(batch)
            masks = {name: _matches(columns, pattern) for name, pattern in _PATTERNS.items()}
            masks["html"] = masks["break"] | masks["markup"]
            if mojibake:
                masks["mojibake"] = _is_mojibake(columns)
            for name, mask in masks.items():
                found[name].append(np.flatnonzero(mask) + start + 1)
            start += len(batch)
            bar.update(len(batch))
    return {name: np.concatenate(numbers) for name, numbers in found.items()}


def _matches(columns: list[pa.Array], pattern: str) -> NDArray[np.bool_]:
    masks = [pc.match_substring_regex(column, pattern).fill_null(False) for column in columns]
    found: NDArray[np.bool_] = np.logical_or.reduce([mask.to_numpy(zero_copy_only=False) for mask in masks])
    return found


def _is_mojibake(columns: list[pa.Array]) -> NDArray[np.bool_]:
    mask = _matches(columns, _NOT_ASCII)
    rows = np.flatnonzero(mask)
    if not len(rows):
        return mask
    try:
        from ftfy.badness import is_bad
    except ImportError as error:
        summary = "detecting wrong encodings needs the package ftfy"
        raise MissingExtraError(summary, hint="pip install 'imdb-sentiment[audit]'") from error
    texts = zip(*(column.take(rows).to_pylist() for column in columns), strict=True)
    mask[rows] = [any(text is not None and is_bad(_LONG_ASCII.sub(r"\1\2", text)) for text in pair) for pair in texts]
    return mask
