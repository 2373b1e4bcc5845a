"""`imdb-sentiment compare`, as a user meets it. Covers cli/compare.py."""

import shutil
from pathlib import Path

import pytest
import torch
from command import run, write_reviews

from imdb_sentiment.persistence.torch_model import load_artifact, save_artifact


@pytest.fixture(scope="module")
def weakened(saved_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The saved model with a head that answers the opposite."""
    folder = tmp_path_factory.mktemp("weakened") / "model"
    artifact = load_artifact(saved_model)
    with torch.no_grad():
        for name in ("classifier.weight", "classifier.bias"):
            artifact.model.get_parameter(name).neg_()
    save_artifact(folder, artifact)
    return folder


@pytest.mark.integration
def test_two_models_are_compared_on_rows_that_neither_has_seen(
    saved_model: Path, weakened: Path, tmp_path: Path
) -> None:
    data = write_reviews(tmp_path / "reviews.csv", 200, names="negative positive")
    outcome = run("compare", saved_model, weakened, "--data", data)
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    assert lines[:2] == [f"first:  {saved_model}", f"second: {weakened}"]
    assert "the second is less accurate" in " ".join(lines)
    assert any("left out, as a model was trained or its best epoch chosen on them" in line for line in lines)
    found = run("compare", saved_model, weakened, "--data", data, "--json").read_json()
    assert found["comparison"]["differences"]["accuracy"][0] < 0
    assert found["first"]["rows"] == found["second"]["rows"] == found["comparison"]["rows"] < 200
    assert found["first"]["seen_rows"] == 0
    assert found["warnings"] == []


def test_where_all_rows_were_seen_they_are_measured_with_a_warning(saved_model: Path, tmp_path: Path) -> None:
    from imdb_sentiment import SentimentClassifier

    data = write_reviews(tmp_path / "reviews.csv", 120)
    seen = SentimentClassifier.from_pretrained(saved_model).seen_in_training
    lines = data.read_text().splitlines()
    texts = [line.rpartition(",")[0].strip('"') for line in lines[1:]]
    data.write_text("\n".join([lines[0], *(line for line, mark in zip(lines[1:], seen(texts), strict=True) if mark)]))
    outcome = run("compare", saved_model, saved_model, "--data", data)
    assert outcome.code == 0, outcome.err
    assert "that the model was trained or its best epoch chosen on; there are no others" in outcome.err
    assert "no difference in accuracy beyond chance" in outcome.out


def test_a_model_without_a_record_of_its_rows_is_compared_with_a_note(
    saved_model: Path, weakened: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(weakened, tmp_path / "other")
    (other / "seen_rows.npz").unlink()
    data = write_reviews(tmp_path / "reviews.csv", 200, names="negative positive")
    outcome = run("compare", saved_model, other, "--data", data)
    assert outcome.code == 0, outcome.err
    assert f"which rows {other} was trained on is not recorded" in " ".join(outcome.out.split())


def test_models_that_cannot_be_compared_are_refused(saved_model: Path, saved_pair_model: Path, tmp_path: Path) -> None:
    data = write_reviews(tmp_path / "reviews.csv", 40)
    renamed = shutil.copytree(saved_model, tmp_path / "renamed")
    for name in ("config.json", "imdb_sentiment.json"):
        path = renamed / name
        path.write_text(path.read_text().replace('"negative"', '"bad"').replace('"positive"', '"good"'))
    outcome = run("compare", saved_model, renamed, "--data", data)
    assert outcome.code == 2
    assert "the two models have different labels" in outcome.err
    outcome = run("compare", saved_model, saved_pair_model, "--data", data)
    assert outcome.code == 2
    assert "text columns" in outcome.err or "column" in outcome.err
    outcome = run("compare", saved_model, tmp_path / "nowhere", "--data", data)
    assert outcome.code == 2
    assert "there is no model folder" in outcome.err
