"""The random numbers of a run: its own while it trains, and those of the process afterwards as they were."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

from imdb_sentiment.runtime.process_wide import ReentrantLock

__all__ = ["own_random_numbers"]

_TRAINING = ReentrantLock()


@contextmanager
def own_random_numbers() -> Iterator[None]:
    """Let one run of this process train at a time, and put the generators of random numbers back afterwards.

    A run seeds Python's, NumPy's and PyTorch's generators, which all threads share, and draws from them. Another run
    in another thread waits here.
    """
    import numpy as np
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
