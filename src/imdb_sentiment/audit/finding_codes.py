"""The codes of all findings, each with its severity and advice."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.errors import count_rows
from imdb_sentiment.results.audit import Finding, Severity
from imdb_sentiment.runtime.messages import Advice, Setting

if TYPE_CHECKING:
    from imdb_sentiment.data.inspection import Rows
    from imdb_sentiment.data.raw_rows import RawRows

__all__ = ["CATALOGUE", "SPLIT_PAIRS", "find", "find_across", "find_whole", "name_row", "say_rows"]

_DROP_INVALID = (", or leave them out: ", Setting("invalid_rows", "drop", "DataConfig"), ".")
_SHUFFLE = (
    "The splits made here do not depend on the order of the rows. Shuffle them before another tool splits the file or "
    "reads it as a stream."
)
_LEAKS = "Will this hold for new texts, or only here, because of how the data were collected?"
_LEFT_OUT = {
    "test": "They are left out of {first}, so that {second} stays a fair test (unless test_overlap='keep').",
    "validation": "They are left out of {first}, so that {second} stays a fair measure.",
}
SPLIT_PAIRS = (("train", "test"), ("train", "validation"), ("validation", "test"))
"""Splits between which rows may overlap."""

CATALOGUE: dict[str, tuple[Severity, str]] = {
    "no_usable_rows": ("error", "Each split needs rows with a text and a label."),
    "text_null": ("error", Advice("Correct the rows", *_DROP_INVALID)),
    "text_blank": ("error", Advice("Correct the rows", *_DROP_INVALID)),
    "text_not_string": ("error", Advice("Write what they hold as text", *_DROP_INVALID)),
    "label_null": ("error", Advice("Label the rows", *_DROP_INVALID)),
    "labels_not_understood": ("error", "Leave the other rows out of the source, or merge labels before loading."),
    "labels_one_class": ("error", "Each split needs rows of two classes."),
    "labels_case_or_space": ("warning", "Write each label in one way."),
    "imbalance": (
        "warning",
        Advice(
            "Accuracy is high here even for a model that never predicts the rarer class. Use balanced accuracy, "
            "Matthews correlation and average precision instead. To find more of the rarer class, leave "
            "class_weight off and choose a threshold for a goal, such as ",
            Setting("threshold", "max_f1", "FineTuneConfig"),
            ".",
        ),
    ),
    "sorted_by_label": ("info", _SHUFFLE),
    "blocked_by_label": ("info", _SHUFFLE),
    "duplicates_exact": (
        "info",
        "Splits keep equal texts on one side, so that none leaks. In training each copy counts; drop these rows if one "
        "of each is enough.",
    ),
    "duplicates_normalised": (
        "info",
        "They differ in case, white space, HTML line breaks or invisible characters only. Splits keep them on one "
        "side; drop these rows if one of each is enough.",
    ),
    "duplicates_near": (
        "info",
        "They share 70 % or more of their runs of five characters with another row, maybe through a chain of such "
        "rows. Splits keep them on one side; drop these rows if one of each is enough.",
    ),
    "conflicting_labels": (
        "warning",
        "No model can learn both. Read these rows, and give equal texts one label or leave them out.",
    ),
    "characters_control": ("info", "They are read as spaces (clean_text, on by default)."),
    "characters_zero_width": ("info", "They are dropped before the model reads (clean_text, on by default)."),
    "characters_replacement": (
        "warning",
        "The source was once decoded in a wrong encoding, and the original characters are lost. Export it again, as "
        "UTF-8, or leave the rows out.",
    ),
    "mojibake": (
        "warning",
        "Letters such as é appear as two others, or signs such as £ as control characters. Read the source in the "
        "right encoding (--set encoding=..., for CSV, TSV and JSONL), or fix the texts with ftfy.fix_text.",
    ),
    "html": (
        "info",
        "Line breaks (<br>) are read as spaces (clean_text, on by default). All other tags and entities are read as "
        "words; remove them first, for instance entities by html.unescape.",
    ),
    "truncated_at_128": ("info", "With max_length=128 they are truncated."),
    "truncated_at_256": ("info", "With max_length=256, the default, they are truncated."),
    "truncated_at_512": (
        "info",
        "Many encoders read no more than 512 tokens; truncation='head_tail' keeps both ends, "
        "long_texts='windows' reads all.",
    ),
    "unknown_tokens": (
        "warning",
        "Does this vocabulary suit the language and script? All unknown tokens look the same to the model.",
    ),
    "vocabulary_mismatch": (
        "warning",
        Advice(
            "The vocabulary is for another language or kind of text, so pretraining helps little here. "
            "Use an encoder made for this language, or a multilingual one: ",
            Setting("model_name", "FacebookAI/xlm-roberta-base", "FineTuneConfig", flag="--model"),
            ".",
        ),
    ),
    "no_tokens": (
        "warning",
        "The model sees nothing of them. Leave them out, or use a model whose vocabulary covers their characters.",
    ),
    "giveaway_token": ("warning", f"{_LEAKS} If only here, remove it from the texts."),
    "giveaway_length": ("warning", f"{_LEAKS} Classes that come from different places often differ so."),
    **{
        f"overlap_{kind}_{first}_{second}": ("warning", _LEFT_OUT[second].format(first=first, second=second))
        for kind in ("exact", "normalised", "near", "group")
        for first, second in SPLIT_PAIRS
    },
}
"""Default severity and advice of each code."""

_LISTED = 5


def find_whole(code: str, split: str, count: int, summary: str) -> Finding:
    """Create a finding about a whole split of `count` rows, with the severity and advice of its code."""
    severity, advice = CATALOGUE[code]
    return Finding(
        code=code, severity=severity, split=split, count=count, rows=(), where="", summary=summary, advice=advice
    )


def find(code: str, raw: "RawRows", split: str, numbers: Sequence[int], summary: str) -> Finding:
    """Create a finding about rows, whose numbers are given from 1 and ascending."""
    whole = find_whole(code, split, len(numbers), summary)
    return replace(whole, rows=tuple(numbers[:_LISTED]), where=raw.locate(numbers))


def find_across(
    code: str, parts: "Mapping[str, Rows]", masks: Mapping[str, NDArray[np.bool_]], summary: str
) -> list[Finding]:
    """Create one finding about rows of several splits, attributed to the first; none if no rows are masked."""
    numbers = {split: (parts[split].positions[mask] + 1).tolist() for split, mask in masks.items() if mask.any()}
    if not numbers:
        return []
    first, *others = numbers
    found = find(code, parts[first].raw, first, numbers[first], summary)
    elsewhere = "".join(f"; in {split}: {parts[split].raw.locate(numbers[split])}" for split in others)
    return [replace(found, count=sum(map(len, numbers.values())), where=found.where + elsewhere)]


def say_rows(count: int, split: str, one: str, many: str) -> str:
    """Begin a summary: `7 rows of train` and the verb, which for one row is `one`."""
    return f"{count_rows(count)} of {split} {one if count == 1 else many}"


def name_row(raw: "RawRows", number: int) -> str:
    """Return the name of a row for a message, such as `row 7`, or `row 2 of b.csv` if the split has several files."""
    start = 0
    for origin, length in raw.parts if len(raw.parts) > 1 else ():
        if start < number <= start + length:
            return f"row {number - start} of {origin}"
        start += length
    return f"row {number}"
