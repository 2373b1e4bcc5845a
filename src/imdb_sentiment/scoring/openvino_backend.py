"""Scoring with OpenVINO, which opens the same graph as ONNX Runtime, and has bf16 on a CPU."""

from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from imdb_sentiment.errors import MissingExtraError, ModelError
from imdb_sentiment.scoring.graph_backend import GraphBackend

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["OpenVinoBackend"]


class OpenVinoBackend(GraphBackend):
    """Computes with an ONNX graph, in bf16 or fp32.

    Args:
        graph: The file of the graph.
        precision: `auto` is bf16 on a CPU with instructions for it, else fp32.

    Raises:
        MissingExtraError: OpenVINO is not installed.
        ModelError: The graph is damaged, or made for a newer version.
    """

    runtime = "openvino"

    def __init__(self, graph: Path, *, precision: str = "auto") -> None:
        try:
            import openvino
        except ImportError:
            raise MissingExtraError(
                f"computing in bf16 with {graph.parent} needs the extra 'openvino'",
                hint="pip install 'imdb-sentiment[openvino]'",
            ) from None
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": self.threads()}
        if precision != "auto":  # left alone it takes bf16 where the CPU has it
            settings["INFERENCE_PRECISION_HINT"] = {"fp32": "f32", "bf16": "bf16"}[precision]
        try:
            compiled = openvino.Core().compile_model(str(graph), "CPU", settings)
        except RuntimeError as error:
            reason = str(error).strip().rpartition("\n")[2]
            raise ModelError(f"{graph} cannot be opened", found=reason, hint="export the model again") from None
        self._names = [given.any_name for given in compiled.inputs]
        self._request = compiled.create_infer_request()
        self._one_at_a_time = Lock()

    def logits(self, inputs: "Mapping[str, NDArray[np.int64]]") -> "NDArray[np.float64]":
        """Return the logits of one pass, shape (n, 2), for inputs of shape (n, tokens)."""
        import numpy as np

        with self._one_at_a_time:
            self._request.infer({name: inputs[name] for name in self._names}, share_inputs=True)
            logits = self._request.get_output_tensor(0).data
            return np.array(logits, dtype=np.float64)  # a copy, since the next pass writes there too
