"""Scoring with ONNX Runtime, without PyTorch."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from imdb_sentiment.errors import MissingExtraError, ModelError
from imdb_sentiment.scoring.graph_backend import GraphBackend

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["OnnxBackend"]


class OnnxBackend(GraphBackend):
    """Computes with an ONNX graph, in the numbers that it was exported with.

    Args:
        graph: The file of the graph.
        rounded: Whether its weights were rounded to eight bits.

    Raises:
        MissingExtraError: ONNX Runtime is not installed.
        ModelError: The graph is damaged, or made for a newer version.
    """

    runtime = "onnxruntime"

    def __init__(self, graph: Path, *, rounded: bool = False) -> None:
        super().__init__(graph)
        self.precision = "int8" if rounded else "fp32"
        try:
            import onnxruntime
        except ImportError:
            raise MissingExtraError(
                f"opening {graph.parent} needs the extra 'onnx'", hint="pip install 'imdb-sentiment[onnx]'"
            ) from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its kinds of errors are not public
            reason = str(error).partition("\n")[0]
            raise ModelError(f"{graph} cannot be opened", found=reason, hint="export the model again") from None
        self._names = [given.name for given in self._session.get_inputs()]

    def logits(self, inputs: "Mapping[str, NDArray[np.int64]]") -> "NDArray[np.float64]":
        """Return the logits of one pass, shape (n, 2), for inputs of shape (n, tokens)."""
        import numpy as np

        (logits,) = self._session.run(None, {name: inputs[name] for name in self._names})
        return np.asarray(logits, dtype=np.float64)
