"""The examples run as they stand, with the stand-in of the hub behind them."""

import json
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from hub import LoopbackHub

pytestmark = pytest.mark.integration  # each test trains several times

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """For models this small, threads that wait for each other take far longer than the work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("name", "arguments", "model", "labels", "train_rows"),
    [
        ("fine_tune_imdb.py", [], "imdb-model", ["negative", "positive"], 54),
        ("fine_tune_imdb.py", ["20"], "imdb-model", ["negative", "positive"], 18),
        ("adapt_to_your_data.py", [], "urgency-model", ["routine", "urgent"], 18),
    ],
)
def test_an_example_trains_measures_saves_and_predicts(
    name: str,
    arguments: list[str],
    model: str,
    labels: list[str],
    train_rows: int,
    hub: LoopbackHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    saved = json.loads(Path(model, "imdb_sentiment.json").read_text(encoding="utf-8"))
    assert saved["labels"] == labels
    assert sum(saved["splits"]["rows"]["train"].values()) == train_rows
    assert saved["metrics"]["test"]["rows"] == sum(saved["splits"]["rows"]["test"].values())
    assert capsys.readouterr().out.splitlines()[-1].split()[0] in labels


def test_every_example_is_run_here() -> None:
    assert sorted(path.name for path in EXAMPLES.iterdir() if path.suffix) == [
        "adapt_to_your_data.py",
        "fine_tune_imdb.py",
    ]
