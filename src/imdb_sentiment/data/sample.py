"""The embedded sample: 990 short film reviews, written for this project and licensed with it."""

import json
from importlib.resources import files

__all__ = ["load_sample"]


def load_sample() -> tuple[list[str], list[str]]:
    """Return the texts of the sample and their labels (`negative` or `positive`, 495 each).

    The films and people are invented. Half of the reviews lean on negation, irony and verdicts that turn at the end;
    the other half say openly what they think, in many words. The same words stand on both sides, so that counting
    words does not get far.
    """
    lines = files("imdb_sentiment.data").joinpath("sample.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [row["text"] for row in rows], [row["label"] for row in rows]
