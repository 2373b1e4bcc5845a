"""`imdb-sentiment report`, as a user meets it. Covers cli/report.py."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from command import run, write_reviews

from conftest import make_reviews
from imdb_sentiment import DataConfig, FineTuneConfig, SentimentFineTuner
from imdb_sentiment.results.tables import wrap

pytestmark = pytest.mark.integration  # each test trains several times


def test_a_page_is_written_with_baselines_that_learnt_what_the_model_learnt(
    saved_model: Path, fitted: SentimentFineTuner, tmp_path: Path
) -> None:
    for split in ("train", "test"):
        getattr(fitted.splits, split).to_csv(tmp_path / f"{split}.csv", index=False)
    page = tmp_path / "report.html"
    outcome = run("report", saved_model, "--data", tmp_path, "--output", page)
    assert (outcome.code, outcome.err) == (0, "")
    assert "TF-IDF + LR" in outcome.out
    assert outcome.out.rstrip().endswith(f"The page is {page}.")
    assert f"{saved_model.name} on {tmp_path.name}" in page.read_text(encoding="utf-8")


def test_rows_that_the_model_learnt_from_are_not_measured(
    saved_model: Path, fitted: SentimentFineTuner, tmp_path: Path
) -> None:
    rows = [row for part in (fitted.splits.train, fitted.splits.test) for row in part]
    data = tmp_path / "reviews.jsonl"
    data.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    outcome = run("report", saved_model, "--data", data, "--output", tmp_path / "report.html")
    learnt, held_out = len(fitted.splits.train), len(fitted.splits.test)
    assert f"{held_out} rows " in outcome.out
    lines = outcome.out.splitlines()
    assert [line for line in lines if len(line) > 80 and str(tmp_path) not in line] == []
    assert f"note: without {learnt} rows used to train the model or to choose its best epoch" in outcome.out
    assert "majority label" in outcome.out


def test_without_its_training_rows_there_are_no_baselines(saved_model: Path, tmp_path: Path) -> None:
    data = tmp_path / "new.csv"
    rows = [f"Not seen before, number {i}: {('dull', 'superb')[i % 2]}.,{i % 2}" for i in range(20)]
    data.write_text("\n".join(["text,label", *(row.replace(", number", " number") for row in rows)]))
    copy = tmp_path / "model"
    shutil.copytree(saved_model, copy)
    (copy / "seen_rows.npz").unlink()
    said = "not compared with simpler models, as the rows that the model was trained on were not available"
    for model in (saved_model, copy):
        page = tmp_path / "report.html"
        outcome = run("report", model, "--data", data, "--output", page, "--overwrite", "--no-label-issues")
        assert outcome.code == 0
        assert "majority" not in outcome.out
        assert "\n".join(wrap(f"note: {said}")) in outcome.out
        assert f"{said[1:]}." in page.read_text(encoding="utf-8")


def test_with_a_part_of_its_training_rows_this_is_said(
    saved_model: Path, fitted: SentimentFineTuner, tmp_path: Path
) -> None:
    train = fitted.splits.train.to_pandas()
    pd.concat([train[:40], fitted.splits.test.to_pandas()]).to_csv(tmp_path / "some.csv", index=False)
    page = tmp_path / "report.html"
    outcome = run("report", saved_model, "--data", tmp_path / "some.csv", "--output", page, "--no-label-issues")
    said = f"he simpler models were fitted on 40 of the model's {len(train)} training rows, those available"
    assert "\n".join(wrap(f"note: t{said}")) in outcome.out
    assert f"T{said.replace(chr(39), '&#39;')}." in page.read_text(encoding="utf-8")


def test_baselines_serve_the_goal_of_the_model_where_its_validation_rows_are_there(
    tiny_config: FineTuneConfig, tmp_path: Path
) -> None:
    texts, labels = make_reviews(160)
    frame = pd.DataFrame(
        {"text": texts, "label": [1 - label if i % 5 == 0 else label for i, label in enumerate(labels)]}
    )
    config = tiny_config.replace(threshold="recall>=0.9", num_train_epochs=1, per_device_train_batch_size=16)
    tuner = SentimentFineTuner(DataConfig(near_duplicates="ignore"), config, output_dir=tmp_path / "run")
    tuner.fit(frame)
    expected = tuner.evaluate()
    model = tuner.save(tmp_path / "model")
    validation = set(tuner.splits.validation["text"])
    frame.to_csv(tmp_path / "all.csv", index=False)
    frame[~frame.text.isin([*validation][:1])].to_csv(tmp_path / "some.csv", index=False)
    same, less = (
        run("report", model, "--data", tmp_path / name, "--output", tmp_path / f"{name}.html", "--no-label-issues")
        for name in ("all.csv", "some.csv")
    )
    assert all("\n".join(wrap(baseline.verdict)) in same.out for baseline in expected.baselines)
    assert ", both at recall>=0.9; " in " ".join(same.out.split())
    assert "is measured at the threshold 0.5 and" in " ".join(less.out.split())


def test_a_page_that_is_there_is_left_alone(saved_model: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("mine")
    outcome = run("report", saved_model, "--data", "reviews.csv", "--output", page)
    assert outcome.code == 2
    assert "another name, or --overwrite" in outcome.err
    assert page.read_text() == "mine"


def test_mistakes_are_explained_on_request(saved_model: Path, tmp_path: Path) -> None:
    data = write_reviews(tmp_path / "flipped.csv", 12, names="pos neg")  # each label is the other
    page = tmp_path / "report.html"
    outcome = run("report", saved_model, "--data", data, "--output", page, "--explain", 2)
    assert outcome.code == 0, outcome.err
    assert page.read_text(encoding="utf-8").count('<div class="explanation">') == 2


def test_fewer_than_no_mistakes_are_refused(saved_model: Path, tmp_path: Path) -> None:
    data = write_reviews(tmp_path / "reviews.csv", 12)
    outcome = run("report", saved_model, "--data", data, "--output", tmp_path / "report.html", "--explain", -1)
    assert outcome.code == 2
    assert "invalid explained_errors=-1" in outcome.err
    assert not (tmp_path / "report.html").exists()


def test_a_page_without_a_folder_is_refused_before_the_model_is_opened(tmp_path: Path) -> None:
    page = tmp_path / "absent" / "report.html"
    outcome = run("report", tmp_path / "no-model", "--data", "reviews.csv", "--output", page)
    assert outcome.code == 2
    assert f"cannot be written, as there is no folder {page.parent}" in outcome.err


def test_the_page_shows_slices_and_suspected_labels(saved_model: Path, tmp_path: Path) -> None:
    texts, labels = make_reviews(120)
    data = pd.DataFrame({"text": texts, "label": labels, "year": [1990 + i % 2 for i in range(120)]})
    data.loc[7, "label"] = 1 - data.loc[7, "label"]
    data.to_csv(tmp_path / "reviews.csv", index=False)
    page = tmp_path / "report.html"
    settings = ("--set", "slice_columns=year", "--set", "near_duplicates=ignore")
    outcome = run("report", saved_model, "--data", tmp_path / "reviews.csv", "--output", page, *settings)
    assert (outcome.code, outcome.err) == (0, "")
    shown = page.read_text(encoding="utf-8")
    assert '<th scope="row">year 1990</th>' in shown
    suspects = shown.partition(">Labels that may be wrong</h2>")[2]
    number, label, suggested = re.search(r"<h3>Row (\d+): (\w+), perhaps (\w+)", suspects).groups()  # type: ignore[union-attr]
    assert (number, label, suggested) == ("8", *[("negative", "positive")[k] for k in (1 - labels[7], labels[7])])
    without = run(
        "report", saved_model, "--data", tmp_path / "reviews.csv", "--output", page, "--overwrite", "--no-label-issues"
    )
    assert without.code == 0
    assert "may be wrong" not in page.read_text(encoding="utf-8")


def test_too_few_rows_to_suspect_any_are_said(saved_model: Path, tmp_path: Path) -> None:
    data = write_reviews(tmp_path / "reviews.csv", 6)
    outcome = run("report", saved_model, "--data", data, "--output", tmp_path / "report.html")
    assert outcome.code == 0
    assert "note: label issues were not looked for: there are too few rows for 5 folds" in outcome.out
