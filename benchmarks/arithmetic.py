"""What a machine can compute, and what a model has to; for benchmarks/scoring.py."""

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from transformers import AutoConfig

from imdb_sentiment.models.tokenization import TextEncoder


def matrix_products(size: int = 2048, calls: int = 5) -> dict[str, float]:
    """Return how many tera-operations a second this machine reaches in products of two square matrices."""
    numbers = torch.randn(size, size)
    half = numbers.bfloat16()
    whole = torch.randint(-127, 127, (size, size), dtype=torch.int8)
    ways: dict[str, Callable[[], object]] = {
        "fp32": lambda: numbers @ numbers,
        "bf16": lambda: half @ half,
        "int8": lambda: torch._int_mm(whole, whole),
    }
    rates = {}
    for name, multiply in ways.items():
        seconds = []
        for _ in range(calls + 1):
            started = time.perf_counter()
            multiply()
            seconds.append(time.perf_counter() - started)
        rates[name] = 2 * size**3 / min(seconds) / 1e12
    return rates


def operations_of(texts: Sequence[str], encoder: TextEncoder, model: str) -> float:
    """Count two operations for each weight and token, and those of attention; the last layer is for one token."""
    shape = AutoConfig.from_pretrained(model)
    layers, hidden, inner = shape.num_hidden_layers, shape.hidden_size, shape.intermediate_size
    layer = 4 * hidden**2 + 2 * hidden * inner
    tokens = np.array([text.length for text in encoder.encode(texts)], dtype=np.float64)
    whole = (layers - 1) * (2 * layer * tokens + 4 * hidden * tokens**2)
    last = 2 * 2 * hidden**2 * tokens + 4 * hidden * tokens + 2 * (layer - 2 * hidden**2)
    return float((whole + last).sum())
