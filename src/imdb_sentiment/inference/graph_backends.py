"""Exported graphs, computed by OpenVINO or ONNX Runtime."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from threading import Lock, local
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from imdb_sentiment.errors import ConfigError, MissingExtraError, ModelError
from imdb_sentiment.inference.scorer import MOST_STREAMS, is_want_of_memory
from imdb_sentiment.runtime.messages import quote

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["GraphBackend", "OnnxBackend", "OpenVinoBackend", "open_graph"]

_PIECE_BYTES = 2**20
_ELSEWHERE = b"\n\x08location"
"""How ONNX writes the key of where a tensor lies that is not in the file itself."""

_CREATING = Lock()

_CORES: list[Any] = []
"""The one of this process, once there is one.

Each new one gives the thread another stack for signal handlers, and the one before it back when it is gone. Of two that
go in the order in which they came, the last gives back a stack that is no longer there: the next signal, a Ctrl-C too,
would end the process.
"""


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
