"""What a report says of the model beside its figures."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from imdb_sentiment.results.inference import Explanation

__all__ = ["ModelProvenance"]


class ModelProvenance(NamedTuple):
    """Where a model comes from, in plain types, as `imdb_sentiment.json` keeps it too."""

    provenance: Mapping[str, str]
    """What stands in the last table of a page: name and value."""

    history: Sequence[Mapping[str, Any]] = ()
    """An `EpochRecord` each."""

    calibration: Mapping[str, Any] | None = None
    """Temperature, threshold, and the report before calibration."""

    audit: Mapping[str, Any] | None = None
    """What the audit found, as counts."""

    explanations: "Mapping[int, Explanation]" = {}
    """For some rows, by their number, why they got their label."""

    kept_epoch: float | None = None
    """Which record of the history the weights are of; None if not recorded."""

    kept_because: str | None = None
    """Why that epoch."""

    warnings: Sequence[str] = ()
    """What made the model doubtful when it was trained."""

    train_rows: int | None = None
    """How many rows the model was trained on; None if that is not known."""
