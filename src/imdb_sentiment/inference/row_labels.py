"""Labels and scores for rows, or the reason why a row has none."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from imdb_sentiment.data.cleaning import clean
from imdb_sentiment.data.formats.columns import Added
from imdb_sentiment.data.labels import Texts
from imdb_sentiment.errors import ConfigError
from imdb_sentiment.inference.scorer import Scores
from imdb_sentiment.models.device import Precision
from imdb_sentiment.runtime.messages import Advice, Setting, list_values, quote

__all__ = ["RowLabeler", "added_names", "check_names", "label_batch", "parse_text", "planned_precision"]


class AnyScorer(Protocol):
    """A scorer or a cascade."""

    def score(self, texts: Texts) -> Scores:
        """Score texts or pairs."""


class RowLabeler(NamedTuple):
    """Labels rows with a model."""

    scorer: AnyScorer
    labels: tuple[str, str]
    threshold: float
    identity: str
    """Fingerprint of the model."""

    uses_cascade: bool
    """Whether a TF-IDF model answers some of the rows."""

    precision: str | None
    """Precision of the model; an output does not mix precisions."""


def planned_precision(plan: Path) -> Precision | None:
    """Return the precision in an interrupted run's plan; None if there is no plan or no precision in it."""
    try:
        content = json.loads(plan.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    precision: Precision | None = content.get("precision") if isinstance(content, dict) else None
    return precision


def added_names(prefix: str) -> tuple[str, str, str]:
    """Return the names of the added columns."""
    return f"{prefix}label", f"{prefix}score", f"{prefix}reason"


def check_names(names: Sequence[str], columns: Sequence[str], origin: str) -> None:
    """Check that the columns to be added do not exist yet.

    Raises:
        ConfigError: One exists.
    """
    if taken := [name for name in names if name in columns]:
        raise ConfigError(
            f"{origin} already has a column {quote(taken[0])}",
            found=list_values(columns),
            hint=Advice(Setting("prefix", "predicted_")),
        )


def label_batch(
    items: Sequence[tuple[object, ...]], labeler: RowLabeler, names: tuple[str, str, str]
) -> tuple[Added, int]:
    """Label rows in order.

    Args:
        items: Values of each row's text columns.
        labeler: Labels the rows.
        names: Names of the added columns.

    Returns:
        The columns, and the number of rows answered by the TF-IDF model of a cascade.
    """
    parsed = [parse_text(item) for item in items]
    scored = labeler.scorer.score([text for text, reason in parsed if reason is None])
    probabilities = iter(scored.probabilities.tolist())
    labels: list[str | None] = []
    scores: list[float | None] = []
    for _, reason in parsed:
        pair = None if reason else next(probabilities)
        predicted = int(pair[1] > labeler.threshold) if pair else 0
        labels.append(labeler.labels[predicted] if pair else None)
        scores.append(pair[predicted] if pair else None)
    return Added(names, labels, scores, [reason for _, reason in parsed]), int((~scored.by_encoder).sum())


def parse_text(item: tuple[object, ...]) -> tuple[Any, str | None]:
    """Return the text or pair of a row, or the reason why it cannot be classified.

    Args:
        item: Values of the row's text columns, one or two.
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
