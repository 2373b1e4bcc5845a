"""Isolation of a run's random state."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from imdb_sentiment.runtime.process_wide import ReentrantLock

__all__ = ["isolated_random_state"]

_TRAINING = ReentrantLock()


@contextmanager
def isolated_random_state() -> Iterator[None]:
    """Restore the global random state afterwards, and let one run of this process train at a time.

    A run seeds the generators of Python, NumPy and PyTorch, which all threads share. A run in another thread waits.
    """
    import torch

    with _TRAINING:
        python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
        gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
            torch.set_rng_state(cpu)
            for gpu, state in enumerate(gpus):
                torch.cuda.set_rng_state(state, gpu)
