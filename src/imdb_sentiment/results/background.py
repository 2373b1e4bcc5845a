"""Provenance of the model of a report."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from imdb_sentiment.results.abstention import Abstention, NoAbstention
    from imdb_sentiment.results.inference import Explanation

__all__ = ["ModelProvenance"]


class ModelProvenance(NamedTuple):
    """Provenance of a model in plain types, as in `imdb_sentiment.json`."""

    provenance: Mapping[str, str]
    """Names and values of the provenance table of a page."""

    history: Sequence[Mapping[str, Any]] = ()
    """`EpochRecord`s."""

    audit: Mapping[str, Any] | None = None
    """Audit findings as counts."""

    explanations: "Mapping[int, Explanation]" = {}
    """Explanations of some rows, by row number."""

    kept_epoch: float | None = None
    """Epoch of the weights; None if not recorded."""

    kept_because: str | None = None
    """Why that epoch."""

    warnings: Sequence[str] = ()
    """Warnings about the model at the end of training."""

    promises: "Sequence[Abstention | NoAbstention]" = ()
    """What the model may promise if it abstains."""

    train_rows: int | None = None
    """Number of training rows; None if unknown."""
