"""Scoring with PyTorch."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock, Thread
from typing import TYPE_CHECKING, Literal

from imdb_sentiment.data.labels import Texts
from imdb_sentiment.inference.scorer import MOST_STREAMS, Scorer, Scores, is_want_of_memory
from imdb_sentiment.models.acceleration import first_token_only
from imdb_sentiment.models.device import Precision, choose_precision
from imdb_sentiment.models.tokenization import TextEncoder
from imdb_sentiment.runtime.process_wide import COMPUTING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from transformers import PreTrainedModel

__all__ = ["TorchBackend", "open_backend", "score_texts"]

_DIVIDING = Lock()
_CPU_TOKENS, _GPU_TOKENS = 2048, 32768
_MOST_TRIAL_TOKENS = 128


class TorchBackend:
    """Computes with a model of transformers, on the device that it is on.

    Args:
        model: Model with a head of two outputs.
        bf16: Let matrices be multiplied in bf16; scores then differ by about a hundredth of a logit.
        tried: Whether a trial has chosen that. Another trial, near the limit, may choose otherwise.
    """

    def __init__(self, model: "PreTrainedModel", *, bf16: bool = False, tried: bool = False) -> None:
        self.model = model
        self._bf16 = bf16
        self._tried = tried
        self._threads = 1

    @property
    def precision(self) -> Precision:
        """What matrices are multiplied in."""
        return "bf16" if self._bf16 else "fp32"

    @contextmanager
    def computing_as(self, precision: Precision | None) -> Iterator[None]:
        """Compute, inside, in a precision that work was begun in or is defined by, unless another was asked for.

        Args:
            precision: That precision; None for the one that a trial chose.
        """
        bf16 = self._bf16
        if precision and self._tried:
            self._bf16 = precision == "bf16"
        try:
            yield
        finally:
            self._bf16 = bf16

    @property
    def best_tokens(self) -> int:
        """How many tokens at once it is quickest with, padding included."""
        return _CPU_TOKENS if self.model.device.type == "cpu" else _GPU_TOKENS

    @property
    def streams(self) -> int:
        """How many passes it computes at once, if there are many: on a CPU, up to four."""
        import torch

        return min(torch.get_num_threads(), MOST_STREAMS) if self.model.device.type == "cpu" else 1

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Switch dropout off inside, and back to what it was afterwards; one thread at a time has the model."""
        import torch

        with first_token_only(self.model), COMPUTING.shared():
            was_training = self.model.training
            self._threads = torch.get_num_threads()
            if was_training:  # asked, since to go through all modules takes as long as a layer
                self.model.eval()
            try:
                yield
            finally:
                if was_training:
                    self.model.train()

    @contextmanager
    def stream(self, number: int) -> Iterator[None]:
        """Keep no gradients inside, in this thread, which has its share of the processors if it is one of several."""
        import torch

        if number > 1:
            _compute_with(max(1, self._threads // number))
        autocast = torch.autocast(self.model.device.type, torch.bfloat16, enabled=self._bf16)
        with torch.inference_mode(), autocast:
            yield

    def logits(self, inputs: "Mapping[str, NDArray[np.int64]]") -> "NDArray[np.float64]":
        """Return the logits of one pass, shape (n, 2), for inputs of shape (n, tokens)."""
        import torch

        tensors = {name: torch.from_numpy(rows).to(self.model.device) for name, rows in inputs.items()}
        logits: NDArray[np.float64] = self.model(**tensors).logits.double().cpu().numpy()
        return logits

    def made_room(self, error: Exception) -> bool:
        """Tell whether a pass failed for want of memory; if so, let go of what can be."""
        import torch

        if not is_want_of_memory(error):
            return False
        if torch.accelerator.is_available():
            torch.accelerator.empty_cache()
        return True

    def digest(self) -> bytes:
        """Return a digest of the weights and of the settings of the model."""
        import torch

        digest = hashlib.sha256()
        settings = self.model.config.to_diff_dict()
        of_the_place = {"_name_or_path", "architectures", "dtype", "transformers_version"}
        kept = {name: value for name, value in settings.items() if name not in of_the_place}
        digest.update(json.dumps(kept, sort_keys=True, default=str).encode())
        for name, tensor in sorted(self.model.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy())
        return digest.digest()


def _compute_with(threads: int) -> None:
    """Set how many threads this one computes with."""
    import torch

    with _DIVIDING:
        usual = torch.get_num_threads()  # before it is asked, a thread has the last number that any has set
        torch.set_num_threads(threads)
        # and those that begin later would have it too
        other = Thread(target=torch.set_num_threads, args=(usual,))
        other.start()
        other.join()


def open_backend(
    model: "PreTrainedModel", encoder: TextEncoder, precision: Literal["auto"] | Precision
) -> TorchBackend:
    """Return a backend that computes in a precision; `auto` is the faster one."""
    tokens = min(_MOST_TRIAL_TOKENS, encoder.max_length)
    tried = precision == "auto"
    if precision == "auto":
        precision = choose_precision(model, model.device, tokens=tokens, training=False)
    return TorchBackend(model, bf16=precision == "bf16", tried=tried)


def score_texts(
    model: "PreTrainedModel",
    encoder: TextEncoder,
    texts: Texts,
    *,
    precision: Precision = "fp32",
    max_tokens: int | None = None,
) -> Scores:
    """Score texts or pairs on the device that the model is on.

    Args:
        model: Model with a head of two outputs.
        encoder: Turns texts into tokens.
        texts: What to score.
        precision: What matrices are multiplied in.
        max_tokens: As for `Scorer`.
    """
    return Scorer(TorchBackend(model, bf16=precision == "bf16"), encoder, max_tokens=max_tokens).score(texts)
