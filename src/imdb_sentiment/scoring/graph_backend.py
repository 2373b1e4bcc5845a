"""What the backends that compute with an exported graph have in common."""

import hashlib
import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import ClassVar, Literal

from imdb_sentiment.errors import ModelError
from imdb_sentiment.scoring.scorer import is_want_of_memory

__all__ = ["GraphBackend"]

_PIECE_BYTES = 2**20
_ELSEWHERE = b"\n\x08location"
"""How ONNX writes the key of where a tensor lies that is not in the file itself."""


class GraphBackend:
    """Computes on the CPU, with a graph that is always ready."""

    runtime: ClassVar[Literal["onnxruntime", "openvino"]]

    precision: str
    """Numbers that it computes with: `fp32`, `bf16` or `int8`."""

    best_tokens = 2048
    """How many tokens at once it is quickest with, padding included."""

    def __init__(self, graph: Path) -> None:
        self._graph = graph
        self._opened = self._state()

    def ready(self) -> AbstractContextManager[object]:
        """Do nothing."""
        return nullcontext()

    @property
    def streams(self) -> int:
        """How many passes it computes at once, if there are many."""
        return 1

    def stream(self, number: int) -> AbstractContextManager[object]:
        """Do nothing."""
        return nullcontext()

    def made_room(self, error: Exception) -> bool:
        """Tell whether a pass failed for want of memory."""
        return is_want_of_memory(error)

    def threads(self) -> int:
        """Return as many threads as PyTorch would take: what was asked for, or one for each processor it may use."""
        asked = os.environ.get("OMP_NUM_THREADS", "")
        if asked.isdigit() and int(asked):
            return int(asked)
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def digest(self) -> bytes:
        """Return a digest of the graph.

        Raises:
            ModelError: Its file is not the one any more that was opened, or does not hold all of it.
        """
        digest, end = hashlib.sha256(), b""
        with self._graph.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                digest.update(piece)
                if _ELSEWHERE in end + piece:
                    raise ModelError(
                        f"what {self._graph} computes lies in part in another file, which may change",
                        found="external data",
                        expected="a graph with its weights in it",
                        hint="export the model again",
                    )
                end = piece[1 - len(_ELSEWHERE) :]
        self.check_unchanged()
        return digest.digest()

    def check_unchanged(self) -> None:
        """Check that the file of the graph is still the one that was opened.

        Raises:
            ModelError: It is another one, or was written to.
        """
        if self._state() != self._opened:
            raise ModelError(f"{self._graph} was changed since it was opened", hint="open the model again")

    def _state(self) -> tuple[int, ...]:
        state = self._graph.stat()
        return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns
