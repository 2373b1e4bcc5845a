"""Inference with PyTorch."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock, Thread
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.labels import Texts
from imdb_sentiment.inference.scorer import MAX_STREAMS, Scorer, Scores, is_out_of_memory
from imdb_sentiment.models.acceleration import first_token_only
from imdb_sentiment.models.device import Precision, choose_precision
from imdb_sentiment.models.tokenization import TextEncoder
from imdb_sentiment.runtime.process_wide import COMPUTE_LOCK

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["TorchBackend", "open_backend", "score_texts"]

_THREADS_LOCK = Lock()
_CPU_TOKENS, _GPU_TOKENS = 2048, 32768
_TRIAL_TOKENS = 128


class TorchBackend:
    """PyTorch backend on the model's device.

    Args:
        model: Model with two outputs.
        precision: Of matmuls; in bf16 logits differ by about 0.01.
        automatic: Whether the precision was chosen by a trial, which may differ next time.
    """

    def __init__(self, model: "PreTrainedModel", *, precision: Precision = "fp32", automatic: bool = False) -> None:
        self.model = model
        self.precision = precision
        self._automatic = automatic
        self._threads = 1

    @contextmanager
    def computing_as(self, precision: Precision | None) -> Iterator[None]:
        """Use another precision inside, if it is not None and the present one was chosen automatically."""
        before = self.precision
        if precision and self._automatic:
            self.precision = precision
        try:
            yield
        finally:
            self.precision = before

    @property
    def best_tokens(self) -> int:
        """Return the fastest number of tokens per batch, padding included."""
        return _CPU_TOKENS if self.model.device.type == "cpu" else _GPU_TOKENS

    @property
    def streams(self) -> int:
        """Return the number of batches computed in parallel: on a CPU, up to four."""
        import torch

        return min(torch.get_num_threads(), MAX_STREAMS) if self.model.device.type == "cpu" else 1

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Switch to evaluation mode inside; one thread at a time uses the model."""
        import torch

        with first_token_only(self.model), COMPUTE_LOCK.shared():
            was_training = self.model.training
            self._threads = torch.get_num_threads()
            if was_training:  # visiting all modules takes as long as a layer
                self.model.eval()
            try:
                yield
            finally:
                if was_training:
                    self.model.train()

    @contextmanager
    def stream(self, number: int) -> Iterator[None]:
        """Compute without gradients inside, with this thread's share of the processors if it is one of several."""
        import torch

        if number > 1:
            _set_threads(max(1, self._threads // number))
        autocast = torch.autocast(self.model.device.type, torch.bfloat16, enabled=self.precision == "bf16")
        with torch.inference_mode(), autocast:
            yield

    def logits(self, inputs: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float64]:
        """Return the logits of one batch, shape (n, 2), for inputs of shape (n, tokens)."""
        import torch

        tensors = {name: torch.from_numpy(rows).to(self.model.device) for name, rows in inputs.items()}
        logits: NDArray[np.float64] = self.model(**tensors).logits.double().cpu().numpy()
        return logits

    def free_memory(self, error: Exception) -> bool:
        """Return whether a batch failed for lack of memory; if so, empty the accelerator's cache."""
        import torch

        if not is_out_of_memory(error):
            return False
        if torch.accelerator.is_available():
            torch.accelerator.empty_cache()
        return True

    def digest(self) -> bytes:
        """Return a digest of the weights and the configuration of the model."""
        import torch

        digest = hashlib.sha256()
        settings = self.model.config.to_diff_dict()
        ignored = {"_name_or_path", "architectures", "dtype", "transformers_version"}
        kept = {name: value for name, value in settings.items() if name not in ignored}
        digest.update(json.dumps(kept, sort_keys=True, default=str).encode())
        for name, tensor in sorted(self.model.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy())
        return digest.digest()


def _set_threads(threads: int) -> None:
    """Set the number of PyTorch's threads for this thread only."""
    import torch

    with _THREADS_LOCK:
        default = torch.get_num_threads()  # a new thread starts with the last number set by any thread
        torch.set_num_threads(threads)
        # restore that number for threads that start later
        other = Thread(target=torch.set_num_threads, args=(default,))
        other.start()
        other.join()


def open_backend(
    model: "PreTrainedModel", encoder: TextEncoder, precision: Literal["auto"] | Precision
) -> TorchBackend:
    """Return a backend for a precision; `auto` is the faster one."""
    if precision != "auto":
        return TorchBackend(model, precision=precision)
    tokens = min(_TRIAL_TOKENS, encoder.max_length)
    faster = choose_precision(model, model.device, tokens=tokens, training=False)
    return TorchBackend(model, precision=faster, automatic=True)


def score_texts(
    model: "PreTrainedModel", encoder: TextEncoder, texts: Texts, *, max_tokens: int | None = None
) -> Scores:
    """Score texts or pairs in fp32 on the model's device; see `Scorer`."""
    return Scorer(TorchBackend(model), encoder, max_tokens=max_tokens).score(texts)
