"""What forked processes do for some tests; they can import it without what the tests set up for themselves."""

import gc
import os
import pickle
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from imdb_sentiment import SentimentClassifier
from imdb_sentiment.inference import file
from imdb_sentiment.persistence.torch_model import load_artifact, save_artifact
from touches import kill_myself, watch

__all__ = ["close_and_be_told", "identity_of", "save_and_die", "score_and_die"]


def save_and_die(folder: Path, number: int, touch: int) -> None:
    """Save a model with a number in its weights and its metadata, and be killed before a touch unless that is 0."""
    artifact = load_artifact(folder)
    with torch.no_grad():
        artifact.model.get_parameter("classifier.bias").fill_(number)
    watch(folder.parent, ["*"] * touch, kill_myself)
    metadata = artifact.metadata.model_copy(update={"seed": number})
    save_artifact(folder, artifact._replace(metadata=metadata), overwrite=True)


def score_and_die(folder: Path, model: Path, parts: int) -> None:
    """Score a file, and be killed when so many parts are written."""
    written: list[object] = []
    write = file._score_part

    def write_and_die(*arguments: Any) -> None:
        if len(written) == parts:
            os.kill(os.getpid(), signal.SIGKILL)
        written.append(write(*arguments))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file, "_PART_ROWS", 4)
        patch.setattr(file, "_score_part", write_and_die)
        classifier = SentimentClassifier.from_pretrained(model, device="cpu", precision="fp32")
        classifier.predict_file(folder / "in.csv", folder / "out.csv")


def identity_of(sent: bytes) -> str:
    """Open what was sent to another process, in another folder."""
    os.chdir("/")
    return str(pickle.loads(sent)._opened.identity)  # noqa: S301 - made by this test


def close_and_be_told(folder: Path) -> int:
    """Open a model twice, close both in this order, and be sent a signal; return its number, as a handler gets it."""
    told: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: told.append(number))
    opened = [SentimentClassifier.from_pretrained(folder, precision="fp32") for _ in range(2)]
    while opened:
        opened.pop(0).predict("superb")
        gc.collect()
    os.kill(os.getpid(), signal.SIGINT)
    return told[0]
