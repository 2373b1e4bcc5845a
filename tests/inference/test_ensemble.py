"""Both models read each text: weights chosen on held-out rows, and what predicts. Covers results/combination.py."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from conftest import make_reviews
from imdb_sentiment import ConfigError, EvaluationReport, ModelError, SentimentClassifier, SentimentFineTuner
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.inference.cascade import Ensemble
from imdb_sentiment.inference.ensemble import averaged
from imdb_sentiment.inference.inputs import combination_of
from imdb_sentiment.results import Calibration, ExportReport
from imdb_sentiment.training.decisions import ValidationOdds, choose_ensemble

UNKNOWN = "Zzyzx qwrtp."


@pytest.fixture(scope="module")
def classifier(saved_model: Path) -> SentimentClassifier:
    return SentimentClassifier.from_pretrained(saved_model, precision="fp32")


def calibration(threshold: float = 0.5, goal: str = "0.5") -> Calibration:
    report = measure([[0.4, 0.6], [0.6, 0.4]], [1, 0], names=("negative", "positive"))
    return Calibration(temperature=1, threshold=threshold, goal=goal, reached=True, before=report, after=report)


def draw_odds(rows: int, rng: np.random.Generator) -> ValidationOdds:
    """Draw the log odds of two calibrated models that know different things, and labels that follow both."""
    shared, first, second = rng.normal(0, (1.0, 1.5, 1.0), (rows, 3)).T
    labels = (rng.random(rows) < expit(shared + first + second)).astype(int)
    return ValidationOdds(shared + first, shared + second, labels)


def losses(odds: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> float:
    return float(np.logaddexp(0, np.where(labels == 1, -odds, odds)).mean())


def test_two_models_that_know_different_things_are_better_together_on_other_rows() -> None:
    rng = np.random.default_rng(5)
    choice = choose_ensemble(draw_odds(300, rng), calibration())
    assert 0.2 < choice.weight < 0.7
    assert choice.temperature < 1  # an average of two is less sure than it may be
    new = draw_odds(20_000, rng)
    odds = averaged(new.encoder, new.tfidf, Ensemble(choice.weight, choice.temperature))
    assert losses(odds, new.labels) < losses(new.encoder, new.labels) - 0.02
    assert ((odds > 0) == new.labels).mean() > ((new.encoder > 0) == new.labels).mean() + 0.01
    bins = np.digitize(expit(odds), np.linspace(0, 1, 11)[1:-1])
    gaps = [abs((expit(odds) - new.labels)[bins == one].mean()) for one in range(10)]
    assert max(gaps) < 0.06


def test_a_model_that_knows_nothing_gets_no_weight() -> None:
    rng = np.random.default_rng(1)
    rows = draw_odds(2000, rng)
    choice = choose_ensemble(rows._replace(tfidf=rng.normal(0, 2, 2000)), calibration())
    assert choice.weight <= 0.1
    perfect = ValidationOdds(np.where(rows.labels, 9.0, -9.0), rows.tfidf, rows.labels)
    alone = choose_ensemble(perfect._replace(tfidf=-perfect.encoder), calibration())
    assert (alone.weight, alone.temperature, alone.threshold) == (0.0, 1.0, 0.5)


def test_a_goal_has_a_threshold_of_the_ensemble() -> None:
    rows = draw_odds(4000, np.random.default_rng(2))
    choice = choose_ensemble(rows, calibration(0.3, "precision>=0.9"))
    odds = averaged(rows.encoder, rows.tfidf, Ensemble(choice.weight, choice.temperature))
    called = expit(odds) > choice.threshold
    assert choice.reached
    assert choice.threshold not in (0.3, 0.5)
    assert rows.labels[called].mean() >= 0.9
    assert choose_ensemble(rows, calibration(0.3, "0.3")).threshold == 0.3


finite = st.floats(-8, 8)


@given(st.lists(st.tuples(finite, finite | st.just(float("nan")), st.integers(0, 1)), min_size=2, max_size=60))
def test_it_is_never_worse_on_the_rows_that_it_was_chosen_on(rows: list[tuple[float, float, int]]) -> None:
    encoder, tfidf, labels = (np.array(column) for column in zip(*rows, strict=True))
    choice = choose_ensemble(ValidationOdds(encoder, tfidf, labels), calibration())
    assert choice.log_loss <= choice.encoder_log_loss
    odds = averaged(encoder, tfidf, Ensemble(choice.weight, choice.temperature))
    assert (odds[np.isnan(tfidf)] == encoder[np.isnan(tfidf)]).all()
    assert np.isfinite(odds).all()


def test_what_training_says(fitted: SentimentFineTuner, classifier: SentimentClassifier) -> None:
    assert fitted._fitted
    choice = fitted._fitted.result.ensemble
    assert choice
    assert f"the TF-IDF model has a weight of {choice.weight:g}" in str(fitted._fitted.result)
    section = classifier.metadata.ensemble
    assert section
    assert section.model_dump() == choice.to_dict()


@pytest.fixture(scope="module")
def half(saved_model: Path, tmp_path_factory: pytest.TempPathFactory) -> SentimentClassifier:
    """The saved model, with equal weights."""
    folder = Path(shutil.copytree(saved_model, tmp_path_factory.mktemp("half") / "model"))
    content = json.loads((folder / "imdb_sentiment.json").read_text())
    content["ensemble"] |= {"weight": 0.5, "temperature": 0.8}
    (folder / "imdb_sentiment.json").write_text(json.dumps(content))
    return SentimentClassifier.from_pretrained(folder, precision="fp32")


def test_each_text_is_read_by_both(half: SentimentClassifier) -> None:
    texts = [*make_reviews(40)[0], UNKNOWN]
    cascade = half._opened.artifact.cascade
    assert cascade
    encoder = np.array([one.probabilities["positive"] for one in half.predict(texts)])
    tfidf = cascade.tfidf.log_odds(texts)
    expected = expit((0.5 * np.log(encoder / (1 - encoder)) + 0.5 * tfidf) / 0.8)
    expected[-1] = encoder[-1]  # of which the TF-IDF model knows no word
    together = half.predict(texts, ensemble=True)
    positive = [one.probabilities["positive"] for one in together]
    np.testing.assert_allclose(positive, expected, atol=1e-5)
    assert {one.answered_by for one in together} == {"encoder"}
    assert list(half.predict_stream(iter(texts), ensemble=True)) == together
    assert half.predict(texts[0], ensemble=True).score == pytest.approx(together[0].score, abs=1e-5)
    marked = half.predict(texts, ensemble=True, abstain_below=0.9)
    assert [one.abstained for one in marked] == [one.score < 0.9 for one in together]


def test_files_and_tables(half: SentimentClassifier, tmp_path: Path) -> None:
    texts, _ = make_reviews(40)
    with (tmp_path / "in.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["text"], *([text] for text in texts)])
    report = half.predict_file(tmp_path / "in.csv", tmp_path / "out.csv", ensemble=True)
    said = half.predict(texts, ensemble=True)
    assert report.answered_by_words is None
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == [one.label for one in said]
    np.testing.assert_allclose([float(row["score"]) for row in rows], [one.score for one in said], atol=1e-5)
    table = half({"text": np.array(texts, dtype=object)}, ensemble=True)
    np.testing.assert_allclose(table["score"], [one.score for one in said], atol=1e-5)


def test_a_report_has_the_encoder_beside_it(half: SentimentClassifier) -> None:
    texts, labels = make_reviews(400)
    texts = [*texts[::5], *[f"Unlike {text}" for text in texts]]
    labels = [*labels[::5], *[1 - label if i % 10 == 0 else label for i, label in enumerate(labels)]]
    with pytest.warns(UserWarning, match="was trained or its best epoch chosen on"):
        report = half.evaluate(texts, labels, ensemble=True)
    assert report.unseen
    shown = report.unseen
    assert shown.encoder_alone
    rows = shown.require_rows()
    alone = half.evaluate(rows.texts, rows.labels.tolist())
    assert alone.encoder_alone is None
    assert shown.encoder_alone.report.log_loss == pytest.approx(alone.log_loss, abs=1e-6)
    assert shown.encoder_alone.report.accuracy == alone.accuracy
    gain = shown.encoder_alone.comparison.differences["log_loss"]
    assert gain.value == pytest.approx(shown.log_loss - alone.log_loss, abs=1e-6)
    assert gain.interval.low <= gain.value <= gain.interval.high
    assert "the encoder alone" in shown.metric_rows()[0]
    sentence = f"than the encoder alone: {shown.encoder_alone.comparison.evidence()}"
    assert sentence in " ".join(str(shown).split())
    assert any(sentence in line for line in report.verdict())
    assert "; log loss " in shown.encoder_alone.verdict_by_log_loss
    assert "the encoder alone" in report.to_frame().columns
    assert EvaluationReport.from_dict(report.to_dict()).unseen == shown


def test_the_threshold_for_a_goal_is_that_of_the_ensemble(saved_model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(saved_model, tmp_path / "model"))
    content = json.loads((folder / "imdb_sentiment.json").read_text())
    content["ensemble"] |= {"weight": 0.5, "threshold": 0.999999, "reached": False}
    content["calibration"] |= {"goal": "precision>=0.99"}
    (folder / "imdb_sentiment.json").write_text(json.dumps(content))
    model = SentimentClassifier.from_pretrained(folder)
    texts, labels = make_reviews(40)
    assert {one.label for one in model.predict(texts, ensemble=True)} == {"negative"}
    assert {one.label for one in model.predict(texts)} == {"negative", "positive"}
    with pytest.warns(UserWarning, match="was trained"):
        report = model.evaluate(texts, labels, ensemble=True)
    assert (report.threshold, report.goal_reached) == (0.999999, False)
    assert report.encoder_alone
    assert report.encoder_alone.report.threshold == 0.5
    assert "only the encoder alone reached precision>=0.99" in report.encoder_alone.verdict_by_log_loss


@pytest.mark.integration
def test_an_exported_model_has_it_too(classifier: SentimentClassifier, exported: tuple[Path, ExportReport]) -> None:
    texts = make_reviews(40)[0]
    opened = SentimentClassifier.from_pretrained(exported[0])
    ours, theirs = (model.predict(texts, ensemble=True) for model in (classifier, opened))
    np.testing.assert_allclose([one.score for one in ours], [one.score for one in theirs], atol=1e-4)


def test_the_weights_make_another_model(classifier: SentimentClassifier, half: SentimentClassifier) -> None:
    assert classifier._opened.identity != half._opened.identity


def test_refusals(classifier: SentimentClassifier, saved_model: Path, saved_pair_model: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ensemble='always' is not a bool"):
        classifier.predict("Fine.", ensemble="always")  # type: ignore[call-overload]
    with pytest.raises(ConfigError, match="the cascade and the ensemble exclude each other"):
        combination_of(cascade=True, ensemble=True)
    with pytest.raises(ConfigError, match="does not go with an ensemble"):
        classifier.predict("Fine.", ensemble=True, abstain="error<=0.5")
    with pytest.raises(ModelError, match=r"has no ensemble\n.*no TF-IDF model\n.*FineTuneConfig\(cascade=True\)"):
        SentimentClassifier.from_pretrained(saved_pair_model).predict([("A", "B")], ensemble=True)
    (tmp_path / "in.csv").write_text("text\nFine.\n")
    with pytest.raises(ConfigError, match="exclude each other"):
        classifier.predict_file(tmp_path / "in.csv", tmp_path / "out.csv", cascade=True, ensemble=True)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_a_folder_of_an_earlier_version_opens_as_before(saved_model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(saved_model, tmp_path / "model"))
    content = json.loads((folder / "imdb_sentiment.json").read_text())
    del content["ensemble"]
    (folder / "imdb_sentiment.json").write_text(json.dumps(content))
    model = SentimentClassifier.from_pretrained(folder)
    texts, _ = make_reviews(40)
    assert {one.answered_by for one in model.predict(texts, cascade=True)} <= {"words", "encoder"}
    with pytest.raises(ModelError, match=r"has no ensemble\n.*earlier version"):
        model.predict(texts, ensemble=True)
