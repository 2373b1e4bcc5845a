"""Which backend opens an exported graph."""

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from imdb_sentiment.errors import ConfigError
from imdb_sentiment.messages import quote
from imdb_sentiment.scoring.onnx_backend import OnnxBackend
from imdb_sentiment.scoring.openvino_backend import OpenVinoBackend

__all__ = ["open_graph"]


def open_graph(
    graph: Path, *, rounded: bool, precision: Literal["auto", "fp32", "bf16"] = "auto"
) -> OnnxBackend | OpenVinoBackend:
    """Open a graph with what is quickest: OpenVINO if it is installed, and ONNX Runtime for eight bits.

    Args:
        graph: The file of the graph.
        rounded: Whether its weights were rounded to eight bits. OpenVINO takes three times as long with them.
        precision: Numbers to compute with; `bf16` is OpenVINO's.

    Raises:
        ConfigError: A precision is asked of a graph that has its own.
        MissingExtraError: What would open it is not installed.
        ModelError: The graph is damaged, or made for a newer version.
    """
    if rounded and precision != "auto":
        raise ConfigError(
            f"precision={quote(precision)}: weights of eight bits are computed with as they are",
            hint="precision='auto', or export the model without quantize",
        )
    if not rounded and (precision == "bf16" or find_spec("openvino")):
        return OpenVinoBackend(graph, precision=precision)
    return OnnxBackend(graph, rounded=rounded)
