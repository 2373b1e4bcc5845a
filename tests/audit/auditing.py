"""Data sets without a flaw, to which tests add one, and what an audit says of them."""

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from imdb_sentiment import DataConfig, audit_dataset
from imdb_sentiment.results import DataAudit, Finding

CLEAN = 60
"""Rows of a clean data set that tests add to; the next row has the number 61."""

_SYLLABLES = (
    "ba",
    "co",
    "di",
    "fu",
    "ge",
    "hi",
    "jo",
    "ka",
    "lu",
    "me",
    "ni",
    "po",
    "ra",
    "se",
    "tu",
    "vy",
    "wo",
    "za",
)


def clean_rows(rows: int = CLEAN, seed: int = 0) -> tuple[list[object], list[object]]:
    """Return texts of eight made-up words each, and labels, half of them 1, in no order."""
    rng = random.Random(seed)
    texts = [" ".join("".join(rng.choices(_SYLLABLES, k=rng.randint(1, 5))) for _ in range(8)) for _ in range(rows)]
    labels = [i % 2 for i in range(rows)]
    rng.shuffle(labels)
    return list(texts), list(labels)


def audit_more(*more: tuple[object, object], rows: int = CLEAN, **fields: Any) -> DataAudit:
    """Audit a clean data set with more rows of text and label at its end."""
    texts, labels = clean_rows(rows)
    texts += [text for text, _ in more]
    labels += [label for _, label in more]
    return audit_dataset((texts, labels), DataConfig(**fields))


def audit_texts(*texts: object, **fields: Any) -> DataAudit:
    """Audit a clean data set with more texts at its end, by turns of each label."""
    return audit_more(*((text, i % 2) for i, text in enumerate(texts)), **fields)


def audit_splits(more: Mapping[str, Sequence[tuple[object, ...]]], **fields: Any) -> DataAudit:
    """Audit clean splits with more rows at the end of each: text, label, and what `group_column` needs."""
    tables = {}
    for seed, (split, extra) in enumerate(more.items(), start=1):
        clean = zip(*clean_rows(seed=seed), strict=True)
        rows: list[tuple[object, ...]] = [(*row, f"{split} {i}") for i, row in enumerate(clean)]
        rows += [row if len(row) == 3 else (*row, None) for row in extra]
        tables[split] = pd.DataFrame(rows, columns=["text", "label", "author"])
    return audit_dataset(tables, DataConfig(**fields))


def codes(audit: DataAudit) -> dict[str, int]:
    """Return the count of each finding by its code, added up over splits."""
    found: dict[str, int] = {}
    for finding in audit.findings:
        found[finding.code] = found.get(finding.code, 0) + finding.count
    return found


def one(audit: DataAudit, code: str) -> Finding:
    """Return the only finding of this code."""
    (finding,) = (finding for finding in audit.findings if finding.code == code)
    return finding


def severities(findings: Iterable[Finding]) -> set[str]:
    return {finding.severity for finding in findings}
