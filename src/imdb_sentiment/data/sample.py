"""The embedded sample: 1,350 short film reviews, written for this project and licensed with it."""

import json
from contextlib import AbstractContextManager
from importlib.resources import as_file, files
from pathlib import Path

__all__ = ["sample_file", "sample_texts"]


def sample_file() -> AbstractContextManager[Path]:
    """Give the path of the sample: JSON lines with `text` and `label`, `negative` and `positive` equally often.

    The films and people are invented. Most reviews say in a sentence or two what they think, in words that hardly ever
    repeat; the others are longer, tell the plot, mix praise and blame, or say one thing and mean another. So counting
    words does not get far, and knowing what words mean does.
    """
    return as_file(files("imdb_sentiment.data").joinpath("sample.jsonl"))


def sample_texts() -> list[str]:
    """Return the texts of the sample."""
    with sample_file() as path, path.open(encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]
