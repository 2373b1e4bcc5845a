"""Covers cli/predict.py: `--abstain`."""

import shutil
from pathlib import Path

import numpy as np
from command import run

from imdb_sentiment.evaluation.held_out import HeldOutRows


def test_the_promise_is_printed_and_stands_in_the_json(saved_model: Path, tmp_path: Path) -> None:
    model = Path(shutil.copytree(saved_model, tmp_path / "model"))
    HeldOutRows(np.linspace(0.5, 1, 200), np.ones(200, dtype=np.int8)).save(model / "held_out.npz")
    done = run("predict", model, "good", "--abstain", "error<=0.05")
    assert done.code == 0, done.err
    assert "error<=0.05 with 95% confidence: abstains below" in done.err
    as_json = run("predict", model, "good", "--abstain", "error<=0.05", "--json").read_json()
    assert as_json["abstention"]["promise"] == "error<=0.05"


def test_what_is_no_promise_exits_with_2(saved_model: Path) -> None:
    refused = run("predict", saved_model, "good", "--abstain", "error<=0")
    assert (refused.code, "is not a promise" in refused.err) == (2, True)
    too_few = run("predict", saved_model, "good", "--abstain", "error<=0.0001")
    assert (too_few.code, "cannot be promised" in too_few.err) == (2, True)
