"""Covers classifier.py and persistence/folder.py where a model abstains by its held-out rows."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import make_reviews
from imdb_sentiment import ConfigError, ModelError, SentimentClassifier, SentimentFineTuner
from imdb_sentiment.evaluation.held_out import HeldOutRows

PROMISE = "error<=0.5"


def test_a_saved_model_keeps_its_validation_rows(fitted: SentimentFineTuner, saved_model: Path) -> None:
    kept = HeldOutRows.load(saved_model / "held_out.npz")
    validation = fitted.splits.validation
    classifier = SentimentClassifier.from_pretrained(saved_model)
    assert kept.labels.tolist() == validation["label"]
    assert kept.positive == pytest.approx(classifier.predict_proba(validation["text"])[:, 1], abs=1e-5)


def test_predictions_below_the_chosen_probability_are_abstained(abstaining_model: Path) -> None:
    classifier = SentimentClassifier.from_pretrained(abstaining_model)
    texts, _ = make_reviews(40)
    chosen = classifier.abstention("error<=0.01")
    assert 0.85 < chosen.probability < 0.95
    assert chosen.held_out_rows == 1000
    assert chosen.coverage == pytest.approx(chosen.answered_rows / 1000)
    predictions = classifier.predict(texts, abstain="error<=0.01")
    assert [one.abstained for one in predictions] == [one.score < chosen.probability for one in predictions]
    assert list(classifier.predict_stream(texts, abstain="error<=0.01")) == predictions
    one = classifier.predict(texts[0], abstain="error<=0.01")
    assert one.abstained == (one.score < chosen.probability)


def test_a_promise_on_precision_abstains_on_no_negative(abstaining_model: Path) -> None:
    rows = HeldOutRows.load(abstaining_model / "held_out.npz")
    HeldOutRows(rows.positive, np.zeros_like(rows.labels)).save(abstaining_model / "held_out.npz")
    with pytest.raises(ConfigError, match=r"precision>=0\.9 cannot be promised"):
        SentimentClassifier.from_pretrained(abstaining_model).predict("good", abstain="precision>=0.9")
    rows.save(abstaining_model / "held_out.npz")
    classifier = SentimentClassifier.from_pretrained(abstaining_model)
    texts, _ = make_reviews(40)
    chosen = classifier.abstention("precision>=0.99")
    for one in classifier.predict(texts, abstain="precision>=0.99"):
        assert one.abstained == (one.label == "positive" and one.score < chosen.probability)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"abstain": "error<=0.5", "abstain_below": 0.7}, "does not go with abstain_below"),
        ({"abstain": "error<=0.5", "cascade": True}, "does not go with a cascade"),
        ({"abstain": "errors<=0.5"}, "is not a promise"),
        ({"abstain": "error<=0.0001"}, "cannot be promised"),
    ],
)
def test_what_cannot_be_promised_is_refused(options: dict[str, object], match: str, abstaining_model: Path) -> None:
    classifier = SentimentClassifier.from_pretrained(abstaining_model)
    with pytest.raises(ConfigError, match=match):
        classifier.predict(["good"], **options)  # type: ignore[call-overload]


def test_rows_of_files_and_tables_get_no_label_where_the_model_abstains(abstaining_model: Path, tmp_path: Path) -> None:
    classifier = SentimentClassifier.from_pretrained(abstaining_model)
    unsure = ["dull and superb", "superb, dull", "moving and boring", "a film"]
    table = pa.table({"text": [*make_reviews(20)[0], *unsure, " "]})
    pq.write_table(table, tmp_path / "in.parquet")
    for options in ({"abstain": "error<=0.01"}, {"abstain": "precision>=0.99"}, {"abstain_below": 0.9}):
        predictions = classifier.predict(table["text"][:-1], **options)
        assert {one.abstained for one in predictions} == {False, True}
        expected = [
            (None, one.score, f"abstained (perhaps {one.label})") if one.abstained else (one.label, one.score, None)
            for one in predictions
        ]
        expected.append((None, None, "no text"))
        report = classifier.predict_file(tmp_path / "in.parquet", tmp_path / "out.parquet", overwrite=True, **options)
        for scored in (pq.read_table(tmp_path / "out.parquet"), classifier(table, **options)):
            rows = [tuple(row.values()) for row in scored.select(["label", "score", "reason"]).to_pylist()]
            assert rows == expected
        assert sum(report.labels.values()) == sum(not one.abstained for one in predictions)
        assert sum(report.not_scored.values()) == sum(one.abstained for one in predictions) + 1


def test_sets_hold_one_label_where_the_model_is_sure_and_else_both(abstaining_model: Path) -> None:
    classifier = SentimentClassifier.from_pretrained(abstaining_model)
    texts, _ = make_reviews(40)
    loose, strict = (classifier.predict_sets(texts, level=level) for level in (0.9, 0.999))
    winners = [one.label for one in classifier.predict(texts)]
    for small, large, winner in zip(loose, strict, winners, strict=True):
        assert {winner} <= set(small) <= set(large) <= {"negative", "positive"}
    assert {len(labels) for labels in loose} == {1}  # only 2 % of the held-out rows are wrong
    with pytest.raises(ConfigError, match="would hold both labels"):
        classifier.predict_sets(texts, level=0.9999)


def test_a_model_without_the_file_says_what_is_missing(abstaining_model: Path) -> None:
    (abstaining_model / "held_out.npz").unlink()
    classifier = SentimentClassifier.from_pretrained(abstaining_model)
    for refused in (lambda: classifier.predict("good", abstain=PROMISE), lambda: classifier.predict_sets("good")):
        with pytest.raises(ModelError, match="it is unknown how often") as caught:
            refused()
        assert caught.value.found == "no held_out.npz in the model folder"
    with pytest.raises(ConfigError, match="is not a promise"):
        classifier.predict("good", abstain="errors<=0.5")


def test_a_damaged_file_is_refused_when_the_model_is_opened(abstaining_model: Path) -> None:
    (abstaining_model / "held_out.npz").write_bytes(b"PK")
    with pytest.raises(ModelError, match=r"held_out\.npz cannot be read"):
        SentimentClassifier.from_pretrained(abstaining_model)


def test_the_card_says_what_can_be_promised(fitted: SentimentFineTuner, saved_model: Path) -> None:
    card = (saved_model / "README.md").read_text(encoding="utf-8")
    assert "\n## Abstention\n" in card
    rows = len(fitted.splits.validation)
    assert rows < 149
    assert r"| error\<=0.01 | not possible | takes about 299 held-out rows |" in card


def test_the_page_also_shows_what_comes_of_it_on_its_rows(abstaining_model: Path, tmp_path: Path) -> None:
    classifier = SentimentClassifier.from_pretrained(abstaining_model)
    texts, labels = make_reviews(60)
    with pytest.warns(match="trained or its best epoch chosen on"):
        report = classifier.evaluate(texts, labels)
    page = report.save_html(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Abstention, each promise with 95 % confidence" in page
    assert "errors here" in page
    assert report.to_dict().keys() == type(report).from_dict(report.to_dict()).to_dict().keys()
