"""`imdb-sentiment export`: what it writes and says."""

import shutil
from pathlib import Path

import pytest
from command import run, write_reviews

from imdb_sentiment.results import ExportReport


@pytest.mark.integration
def test_an_exported_model_predicts_as_before(
    saved_model: Path, exported: tuple[Path, ExportReport], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = exported[0] / "model.onnx"  # of the same model; to write it again takes five seconds
    monkeypatch.setattr("imdb_sentiment.persistence.onnx_model._write_graph", lambda file, *_: shutil.copy(graph, file))
    write_reviews(tmp_path / "reviews.csv", 40)
    folder = tmp_path / "exported"
    outcome = run("export", saved_model, "--output", folder, "--data", tmp_path / "reviews.csv")
    assert (outcome.code, outcome.err) == (0, "")
    shown = dict(line.rsplit("  ", 1) for line in outcome.out.splitlines()[:3])
    assert [value.strip() for value in shown.values()][:2] == ["40", "100.00%"]
    assert "accuracy" in outcome.out
    assert outcome.out.endswith(f"Exported to {folder}. Next:\n  imdb-sentiment predict {folder} 'Your text.'\n")
    before, after = (run("predict", model, "Seen at home: superb.").out for model in (saved_model, folder))
    assert before == after
    again = run("export", saved_model, "--output", folder)
    assert (again.code, again.err.partition(":")[0]) == (2, "OutputExistsError")


def test_an_unknown_rounding_is_refused(saved_model: Path, tmp_path: Path) -> None:
    outcome = run("export", saved_model, "--output", tmp_path / "exported", "--quantize", "int4")
    assert outcome.code == 2
    assert "Invalid value for '--quantize'" in outcome.err
    assert list(tmp_path.iterdir()) == []
