"""Rows of any kind get a label, a score, or the reason why they have neither."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from imdb_sentiment.data.cleaning import clean
from imdb_sentiment.data.formats.table import Added
from imdb_sentiment.data.labels import Texts
from imdb_sentiment.errors import ConfigError
from imdb_sentiment.inference.scorer import Scores
from imdb_sentiment.models.device import Precision
from imdb_sentiment.runtime.messages import Advice, Setting, list_values, quote

__all__ = ["RowLabeler", "added_names", "check_names", "label_batch", "parse_text", "planned_precision"]


class AnyScorer(Protocol):
    """What scores texts: an encoder, or a cascade."""

    def score(self, texts: Texts) -> Scores:
        """Score texts or pairs."""


class RowLabeler(NamedTuple):
    """What gives rows their labels."""

    scorer: AnyScorer
    labels: tuple[str, str]
    threshold: float
    identity: str
    """Tells one model from another."""

    cascades: bool
    """Whether a quick model answers some of the rows."""

    precision: str | None
    """What the model computes with; rows computed otherwise are not put beside these."""


def planned_precision(plan: Path) -> Precision | None:
    """Return what unfinished work was begun in, by the plan that it left; None if there is none or it does not say."""
    try:
        told = json.loads(plan.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    found: Precision | None = told.get("precision") if isinstance(told, dict) else None
    return found


def added_names(prefix: str) -> tuple[str, str, str]:
    """Return what the columns are called that are added."""
    return f"{prefix}label", f"{prefix}score", f"{prefix}reason"


def check_names(names: Sequence[str], columns: Sequence[str], origin: str) -> None:
    """Check that the columns to be added are not there yet.

    Raises:
        ConfigError: One is.
    """
    if taken := [name for name in names if name in columns]:
        raise ConfigError(
            f"{origin} has a column {quote(taken[0])} already",
            found=list_values(columns),
            hint=Advice(Setting("prefix", "predicted_")),
        )


def label_batch(
    items: Sequence[tuple[object, ...]], judge: RowLabeler, names: tuple[str, str, str]
) -> tuple[Added, int]:
    """Label rows in their order.

    Args:
        items: What each row has in the columns of texts.
        judge: What gives rows their labels.
        names: What the columns are called.

    Returns:
        The columns, and how many rows the quick model of a cascade answered.
    """
    read = [parse_text(item) for item in items]
    scored = judge.scorer.score([text for text, reason in read if reason is None])
    probabilities = iter(scored.probabilities.tolist())
    labels: list[str | None] = []
    scores: list[float | None] = []
    for _, reason in read:
        both = None if reason else next(probabilities)
        winner = int(both[1] > judge.threshold) if both else 0
        labels.append(judge.labels[winner] if both else None)
        scores.append(both[winner] if both else None)
    return Added(names, labels, scores, [reason for _, reason in read]), int((~scored.by_encoder).sum())


def parse_text(item: tuple[object, ...]) -> tuple[Any, str | None]:
    """Return the text or pair of a row, or why it cannot be classified.

    Args:
        item: What the row has in the columns of texts: one value, or two.
    """
    parts = ["" if part is None else part for part in item]
    if not all(isinstance(part, str) for part in parts):
        return None, "not text"
    texts = [str(part) for part in parts]
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return None, "not valid Unicode"
    if not any(clean(text).strip() for text in texts):
        return None, "no text"
    return (texts[0] if len(texts) == 1 else tuple(texts)), None
