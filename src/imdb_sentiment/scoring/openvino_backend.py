"""Scoring with OpenVINO, which opens the same graph as ONNX Runtime, and has bf16 on a CPU."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, local
from typing import TYPE_CHECKING, Any

from imdb_sentiment.errors import MissingExtraError, ModelError
from imdb_sentiment.scoring.graph_backend import GraphBackend
from imdb_sentiment.scoring.scorer import MOST_STREAMS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["OpenVinoBackend"]

_CREATING = Lock()
_CORES: list[Any] = []
"""The one of this process, once there is one.

Each new one gives the thread another stack for signal handlers, and the one before it back when it is gone. Of two that
go in the order in which they came, the last gives back a stack that is no longer there: the next signal, a Ctrl-C too,
would end the process.
"""


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
    best_tokens = 1024  # of each of several passes at once

    def __init__(self, graph: Path, *, precision: str = "auto") -> None:
        try:
            core = _core()
        except ImportError:
            raise MissingExtraError(
                f"computing in bf16 with {graph.parent} needs the extra 'openvino'",
                hint="pip install 'imdb-sentiment[openvino]'",
            ) from None
        super().__init__(graph)
        self._core = core
        self._settings: dict[str, str | int] = {"INFERENCE_NUM_THREADS": self.threads()}
        if precision != "auto":  # left alone it takes bf16 where the CPU has it
            self._settings["INFERENCE_PRECISION_HINT"] = {"fp32": "f32", "bf16": "bf16"}[precision]
        compiled = self._compile(PERFORMANCE_HINT="LATENCY")
        if len(compiled.outputs) != 1:
            raise ModelError(f"{graph} is no classifier", found=f"{len(compiled.outputs)} outputs", expected="one")
        numbers = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        self.precision = "fp32" if numbers == "f32" else numbers
        self._names = [given.any_name for given in compiled.inputs]
        self._for_one = compiled.create_infer_request()
        self._for_many: Any = None  # compiled when many passes come
        self._of_thread = local()
        self._one_at_a_time = Lock()

    @property
    def streams(self) -> int:
        """How many passes it computes at once, if there are many."""
        return min(self.threads(), MOST_STREAMS)

    @contextmanager
    def stream(self, number: int) -> Iterator[None]:
        """Compute inside, in this thread, beside the others, if it is one of several."""
        if number == 1:
            yield
            return
        with self._one_at_a_time:
            if self._for_many is None:
                self._for_many = self._compile(PERFORMANCE_HINT="THROUGHPUT", NUM_STREAMS=self.streams)
        self._of_thread.request = self._for_many.create_infer_request()
        try:
            yield
        finally:
            del self._of_thread.request

    def logits(self, inputs: "Mapping[str, NDArray[np.int64]]") -> "NDArray[np.float64]":
        """Return the logits of one pass, shape (n, 2), for inputs of shape (n, tokens)."""
        request = getattr(self._of_thread, "request", None)
        if request:
            return self._infer(request, inputs)
        with self._one_at_a_time:
            return self._infer(self._for_one, inputs)

    def _infer(self, request: Any, inputs: "Mapping[str, NDArray[np.int64]]") -> "NDArray[np.float64]":
        import numpy as np

        request.infer({name: inputs[name] for name in self._names}, share_inputs=True)
        return np.array(request.get_output_tensor(0).data, dtype=np.float64)  # the next pass writes there too

    def _compile(self, **settings: str | int) -> Any:
        self.check_unchanged()
        try:
            return self._core.compile_model(str(self._graph), "CPU", self._settings | settings)
        except RuntimeError as error:
            reason = str(error).strip().rpartition("\n")[2]
            raise ModelError(f"{self._graph} cannot be opened", found=reason, hint="export the model again") from None


def _core() -> Any:
    import openvino

    with _CREATING:
        if not _CORES:
            _CORES.append(openvino.Core())
        return _CORES[0]
