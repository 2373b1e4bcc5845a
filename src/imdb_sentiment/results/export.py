"""How near an exported model comes to the one it was made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from imdb_sentiment.results.flipped import flipped_warning
from imdb_sentiment.results.plain import to_plain
from imdb_sentiment.text_table import format_table

__all__ = ["ExportReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """How near an exported model comes to the one it was made from, measured on texts."""

    format: Literal["onnx"]

    quantize: Literal["int8"] | None
    """What weights were rounded to; None if they are as they were."""

    runtime: Literal["onnxruntime", "openvino"]
    """What computed the exported model: the one that opens it on this machine."""

    texts: int
    """How many texts were compared."""

    same_labels: float
    """Share of the texts that both call the same."""

    largest_difference: float
    """Largest difference of a positive probability."""

    accuracy: tuple[float, float] | None
    """Accuracy before and after; None where no labels were given."""

    megabytes: tuple[float, float]
    """Size of the weights before, and of the graph with its weights after."""

    def flipped_warning(self, read_as: Mapping[str, str]) -> str | None:
        """Say if the labels are probably flipped; `read_as` has the model's name for each that is spelled otherwise."""
        return flipped_warning(read_as, accuracy=self.accuracy[0], rows=self.texts) if self.accuracy else None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return to_plain(self)

    def __str__(self) -> str:
        rows = [
            ["texts compared", f"{self.texts:,}"],
            ["same label", f"{self.same_labels:.2%}"],
            ["largest difference of a probability", f"{self.largest_difference:.5f}"],
            ["computed with", {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}[self.runtime]],
            ["size", "{:.1f} MB before, {:.1f} MB after".format(*self.megabytes)],
        ]
        if self.accuracy:
            rows.insert(3, ["accuracy", "{:.4f} before, {:.4f} after".format(*self.accuracy)])
        return "\n".join(format_table(rows))
