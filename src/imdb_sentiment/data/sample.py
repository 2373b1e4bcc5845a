"""The embedded sample: 540 short film reviews, written for this project and licensed with it."""

import json
from importlib.resources import files

__all__ = ["load_sample"]


def load_sample() -> tuple[list[str], list[str]]:
    """Return the texts of the sample and their labels (`negative` or `positive`, 270 each).

    The films, people and places are invented. The reviews lean on negation, irony and mixed verdicts, and use the
    same words on both sides, so that counting words does not get far.
    """
    lines = files("imdb_sentiment.data").joinpath("sample.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [row["text"] for row in rows], [row["label"] for row in rows]
