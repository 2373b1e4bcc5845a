"""What the backends that compute with an exported graph have in common."""

import os
from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar, Literal

__all__ = ["GraphBackend"]

_SAID_OF_MEMORY = ("bad_alloc", "allocate", "out of memory")


class GraphBackend:
    """Computes on the CPU, with a graph that is always ready."""

    runtime: ClassVar[Literal["onnxruntime", "openvino"]]

    precision: str
    """Numbers that it computes with: `fp32`, `bf16` or `int8`."""

    best_tokens = 2048
    """How many tokens at once it is quickest with, padding included."""

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
        return isinstance(error, MemoryError) or any(said in str(error) for said in _SAID_OF_MEMORY)

    def threads(self) -> int:
        """Return as many threads as PyTorch would take: what was asked for, or one for each processor it may use."""
        asked = os.environ.get("OMP_NUM_THREADS", "")
        if asked.isdigit() and int(asked):
            return int(asked)
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
