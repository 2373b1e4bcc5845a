"""The embedded sample: 1,350 short film reviews, written for this project and licensed with it."""

import json
from contextlib import AbstractContextManager
from importlib.resources import as_file, files
from pathlib import Path

__all__ = ["sample_file", "sample_texts"]


def sample_file() -> AbstractContextManager[Path]:
    """Return a context manager for the path of the sample, a balanced JSONL file with `text` and `label`.

    The films and people are invented. Most reviews state an opinion in a sentence or two, in words that rarely repeat;
    the others are longer, mix praise and blame, or are ironic. So bag-of-words models do poorly on it.
    """
    return as_file(files("imdb_sentiment.data").joinpath("sample.jsonl"))


def sample_texts() -> list[str]:
    """Return the texts of the sample."""
    with sample_file() as path, path.open(encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]
