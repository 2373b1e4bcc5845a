"""Scoring with ONNX Runtime, without PyTorch."""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from imdb_sentiment.errors import MissingExtraError, ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["OnnxBackend"]

_TOKENS = 2048
_SAID_OF_MEMORY = ("bad_alloc", "allocate", "out of memory")


class OnnxBackend:
    """Computes with an ONNX graph, on the CPU.

    Args:
        graph: The file of the graph.

    Raises:
        MissingExtraError: ONNX Runtime is not installed.
        ModelError: The graph is damaged, or made for a newer version.
    """

    def __init__(self, graph: Path) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise MissingExtraError(
                f"opening {graph.parent} needs the extra 'onnx'", hint="pip install 'imdb-sentiment[onnx]'"
            ) from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its kinds of errors are not public
            reason = str(error).partition("\n")[0]
            raise ModelError(f"{graph} cannot be opened", found=reason, hint="export the model again") from None
        self._names = [given.name for given in self._session.get_inputs()]

    @property
    def best_tokens(self) -> int:
        """How many tokens at once it is quickest with, padding included."""
        return _TOKENS

    def ready(self) -> AbstractContextManager[object]:
        """Do nothing: a session is always ready."""
        return nullcontext()

    def logits(self, inputs: "Mapping[str, NDArray[np.int64]]") -> "NDArray[np.float64]":
        """Return the logits of one pass, shape (n, 2), for inputs of shape (n, tokens)."""
        import numpy as np

        (logits,) = self._session.run(None, {name: inputs[name] for name in self._names})
        return np.asarray(logits, dtype=np.float64)

    def made_room(self, error: Exception) -> bool:
        """Tell whether a pass failed for want of memory."""
        return isinstance(error, MemoryError) or any(said in str(error) for said in _SAID_OF_MEMORY)


def _threads() -> int:
    """Return as many threads as PyTorch would take: what was asked for, or one for each processor of this process."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked):
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
