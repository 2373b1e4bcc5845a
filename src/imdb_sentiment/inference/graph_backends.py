"""Inference with exported graphs by OpenVINO or ONNX Runtime."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from threading import Lock, local
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.errors import ConfigError, MissingExtraError, ModelError
from imdb_sentiment.inference.scorer import MAX_STREAMS, is_out_of_memory
from imdb_sentiment.runtime.messages import quote

__all__ = ["GraphBackend", "OnnxBackend", "OpenVinoBackend", "open_graph"]

_BLOCK_BYTES = 2**20
_EXTERNAL_DATA = b"\n\x08location"
"""Key of a tensor's external data in an ONNX file."""

_CREATING = Lock()

_CORES: list[Any] = []
"""The OpenVINO core of this process, once created.

There may be only one: each core replaces the thread's signal stack and restores the previous one when it is destroyed.
Two cores destroyed in the order of their creation leave a freed stack behind, and the next signal, such as a Ctrl-C,
crashes the process.
"""


class GraphBackend:
    """Backend for a graph on the CPU; see `Backend`."""

    runtime: ClassVar[Literal["onnxruntime", "openvino"]]

    precision: str
    """`fp32`, `bf16` or `int8`."""

    best_tokens = 2048
    """Fastest number of tokens per batch, padding included."""

    streams = 1
    """Number of batches computed in parallel."""

    def __init__(self, graph: Path) -> None:
        self._graph = graph
        self._opened = self._state()

    def ready(self) -> AbstractContextManager[object]:
        """Do nothing."""
        return nullcontext()

    def stream(self, number: int) -> AbstractContextManager[object]:
        """Do nothing."""
        return nullcontext()

    def free_memory(self, error: Exception) -> bool:
        """Return whether a batch failed for lack of memory."""
        return is_out_of_memory(error)

    def digest(self) -> bytes:
        """Return a digest of the graph.

        Raises:
            ModelError: Its file was changed since it was opened, or has external data.
        """
        digest, end = hashlib.sha256(), b""
        with self._graph.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
                if _EXTERNAL_DATA in end + block:
                    raise ModelError(
                        f"{self._graph} has weights in another file, which may change",
                        found="external data",
                        expected="a graph with its weights in the same file",
                        hint="export the model again",
                    )
                end = block[1 - len(_EXTERNAL_DATA) :]
        self.check_unchanged()
        return digest.digest()

    def check_unchanged(self) -> None:
        """Raise a `ModelError` if the file of the graph was replaced or written to since it was opened."""
        if self._state() != self._opened:
            raise ModelError(f"{self._graph} was changed since it was opened", hint="open the model again")

    def _state(self) -> tuple[int, ...]:
        state = self._graph.stat()
        return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns


class OnnxBackend(GraphBackend):
    """ONNX Runtime backend, in the precision of the exported graph."""

    runtime = "onnxruntime"

    def __init__(self, graph: Path, *, quantized: bool = False) -> None:
        super().__init__(graph)
        self.precision = "int8" if quantized else "fp32"
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
        except Exception as error:  # its exception types are not public
            reason = str(error).partition("\n")[0]
            raise ModelError(f"{graph} cannot be opened", found=reason, hint="export the model again") from None
        self._names = [node.name for node in self._session.get_inputs()]

    def logits(self, inputs: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float64]:
        """Return the logits of one batch, shape (n, 2), for inputs of shape (n, tokens)."""
        (logits,) = self._session.run(None, {name: inputs[name] for name in self._names})
        return np.asarray(logits, dtype=np.float64)


class OpenVinoBackend(GraphBackend):
    """OpenVINO backend for an ONNX graph; `auto` is bf16 on a CPU with instructions for it, else fp32."""

    runtime = "openvino"
    best_tokens = 1024  # of each parallel batch

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
        self._settings: dict[str, str | int] = {"INFERENCE_NUM_THREADS": _threads()}
        if precision != "auto":  # by default OpenVINO uses bf16 where the CPU supports it
            self._settings["INFERENCE_PRECISION_HINT"] = {"fp32": "f32", "bf16": "bf16"}[precision]
        compiled = self._compile(PERFORMANCE_HINT="LATENCY")
        if len(compiled.outputs) != 1:
            raise ModelError(f"{graph} is not a classifier", found=f"{len(compiled.outputs)} outputs", expected="one")
        dtype = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        self.precision = "fp32" if dtype == "f32" else dtype
        self._names = [node.any_name for node in compiled.inputs]
        self._latency_request = compiled.create_infer_request()
        self._throughput_model: Any = None  # compiled on demand
        self.streams = min(_threads(), MAX_STREAMS)
        self._thread_local = local()
        self._lock = Lock()

    @contextmanager
    def stream(self, number: int) -> Iterator[None]:
        """Prepare this thread to compute as one of `number` parallel threads."""
        if number == 1:
            yield
            return
        with self._lock:
            if self._throughput_model is None:
                self._throughput_model = self._compile(PERFORMANCE_HINT="THROUGHPUT", NUM_STREAMS=self.streams)
        self._thread_local.request = self._throughput_model.create_infer_request()
        try:
            yield
        finally:
            del self._thread_local.request

    def logits(self, inputs: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float64]:
        """Return the logits of one batch, shape (n, 2), for inputs of shape (n, tokens)."""
        request = getattr(self._thread_local, "request", None)
        if request:
            return self._infer(request, inputs)
        with self._lock:
            return self._infer(self._latency_request, inputs)

    def _infer(self, request: Any, inputs: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float64]:
        request.infer({name: inputs[name] for name in self._names}, share_inputs=True)
        return np.array(request.get_output_tensor(0).data, dtype=np.float64)  # a copy: the buffer is reused

    def _compile(self, **settings: str | int) -> Any:
        self.check_unchanged()
        try:
            return self._core.compile_model(str(self._graph), "CPU", self._settings | settings)
        except RuntimeError as error:
            reason = str(error).strip().rpartition("\n")[2]
            raise ModelError(f"{self._graph} cannot be opened", found=reason, hint="export the model again") from None


def _threads() -> int:
    """Return the number of threads, as PyTorch chooses it: `OMP_NUM_THREADS`, or the available processors."""
    setting = os.environ.get("OMP_NUM_THREADS", "")
    if setting.isdigit() and int(setting):
        return int(setting)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _core() -> Any:
    import openvino

    with _CREATING:
        if not _CORES:
            _CORES.append(openvino.Core())
        return _CORES[0]


def open_graph(
    graph: Path, *, quantized: bool, precision: Literal["auto", "fp32", "bf16"] = "auto"
) -> OnnxBackend | OpenVinoBackend:
    """Open a graph with the fastest runtime: OpenVINO if it is installed, and ONNX Runtime for int8.

    Only OpenVINO computes in bf16; with weights quantized to int8 it is slower.

    Raises:
        ConfigError: A precision was given for a quantized graph.
        MissingExtraError: The runtime is not installed.
        ModelError: The graph is damaged, or made for a newer version.
    """
    if quantized and precision != "auto":
        raise ConfigError(
            f"precision={quote(precision)} cannot be set for a model quantized to int8",
            hint="precision='auto', or export the model without quantize",
        )
    if not quantized and (precision == "bf16" or find_spec("openvino")):
        return OpenVinoBackend(graph, precision=precision)
    return OnnxBackend(graph, quantized=quantized)
