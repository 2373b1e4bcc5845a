"""The README of a saved model. Covers results/background.py."""

import json
from pathlib import Path

import pandas as pd
import pytest
from huggingface_hub import ModelCard

from conftest import make_reviews
from imdb_sentiment import DataConfig, FineTuneConfig, SentimentClassifier, SentimentFineTuner
from imdb_sentiment.persistence.model_card import model_card
from imdb_sentiment.reporting.markdown import escape
from imdb_sentiment.results import EvaluationReport
from imdb_sentiment.results.metrics import METRICS


def test_the_hub_finds_the_figures_of_the_test_split(saved_model: Path, fitted: SentimentFineTuner) -> None:
    card = ModelCard.load(saved_model / "README.md")
    report = fitted.evaluate()
    figures = {result.metric_type: result.metric_value for result in card.data.eval_results or []}
    assert figures["accuracy"] == round(report.accuracy, 4)
    assert figures["log_loss"] == round(report.log_loss, 4)
    assert len(figures) == 11
    assert (card.data.language, card.data.license) == ("en", "unknown")
    assert card.data.library_name == "transformers"
    assert card.data.model_name == saved_model.name


def test_the_card_tells_a_reader_what_the_model_does_and_how_well(saved_model: Path) -> None:
    text = (saved_model / "README.md").read_text(encoding="utf-8")
    assert "Classifies texts as negative or positive." in text
    assert "| accuracy | 1.000 |" in text
    assert "rows are predicted correctly, 100.0%" in text
    assert "imdb-sentiment predict PATH_OR_ID 'Your text.'" in text
    assert "texts in English, like those that it was trained on" in text
    assert "| denied praise | 60 | " in text
    assert "| TF-IDF + LR |" in text
    assert "A text is labelled positive if its probability is above 0.5.\n" in text
    metadata = SentimentClassifier.from_pretrained(saved_model).metadata
    assert f"| training rows | {sum(metadata.splits['rows']['train'].values())} |" in text


def test_no_text_of_the_data_is_in_it(saved_model: Path, fitted: SentimentFineTuner) -> None:
    text = (saved_model / "README.md").read_text(encoding="utf-8")
    assert not any(review in text for part in (fitted.splits.train, fitted.splits.test) for review in part["text"])


def test_the_rates_of_other_tasks_are_kept_and_the_texts_are_not(
    reviews: tuple[list[str], list[int]], tiny_config: FineTuneConfig, tmp_path: Path
) -> None:
    texts, labels = reviews
    rows = pd.DataFrame({"text": texts, "label": [("ham", "spam")[label] for label in labels]})
    config = tiny_config.replace(num_train_epochs=1)
    tuner = SentimentFineTuner(DataConfig(near_duplicates="ignore", positive_label="spam"), config)
    tuner.fit(rows)
    report = tuner.evaluate()
    behaviour = report.behaviour
    assert behaviour
    assert not behaviour.of_library
    assert {check.expected for check in behaviour.checks} == {"same"}
    folder = tuner.save(tmp_path / "model")
    saved = SentimentClassifier.from_pretrained(folder)
    kept = EvaluationReport.from_dict(saved.metadata.metrics["test"])
    assert kept.behaviour == behaviour.without_given_texts()
    quoted = [*texts, *(example.changed for check in behaviour.checks for example in check.examples)]
    for name in ("README.md", "imdb_sentiment.json"):
        content = (folder / name).read_text(encoding="utf-8")
        assert not any(text in content for text in quoted)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "| upper case | " in card
    assert "- Not checked: praise, blame and their denial" in card


def test_a_model_that_was_not_measured_says_so(
    reviews: tuple[list[str], list[int]], tiny_config: FineTuneConfig, tmp_path: Path
) -> None:
    config = tiny_config.replace(num_train_epochs=1, threshold=0.4)
    tuner = SentimentFineTuner(DataConfig(near_duplicates="ignore"), config, output_dir=tmp_path / "run")
    tuner.fit(reviews)
    text = (tuner.save(tmp_path / "model") / "README.md").read_text(encoding="utf-8")
    assert "The model was not evaluated on a test split before it was saved." in text
    assert "model-index" not in text
    assert "A stock pipeline ignores this threshold, and returns the more probable label." in text


@pytest.fixture(scope="module")
def trained_in_bf16(tiny_config: FineTuneConfig, tmp_path_factory: pytest.TempPathFactory) -> SentimentFineTuner:
    """A fine-tuner that was trained in bf16, on labels of which one in five is wrong."""
    texts, labels = make_reviews(200)
    noisy = [1 - label if i % 5 == 0 else label for i, label in enumerate(labels)]
    config = tiny_config.replace(precision="bf16", num_train_epochs=3, metric_for_best_model="log_loss")
    tuner = SentimentFineTuner(DataConfig(near_duplicates="ignore"), config, output_dir=tmp_path_factory.mktemp("bf16"))
    tuner.fit((texts, noisy))
    tuner.evaluate()
    return tuner


@pytest.mark.parametrize("faster", ["fp32", "bf16"])
def test_card_page_and_files_have_the_same_figures_whatever_a_trial_chooses(
    faster: str, trained_in_bf16: SentimentFineTuner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuner = trained_in_bf16
    folder = tuner.save(tmp_path / "model")
    monkeypatch.setattr("imdb_sentiment.inference.torch_backend.choose_precision", lambda *_, **__: faster)
    classifier = SentimentClassifier.from_pretrained(folder, device="cpu")
    splits = [getattr(tuner.splits, name) for name in ("train", "validation", "test")]
    test, train = splits[2], (list(splits[0]["text"]), list(splits[0]["label"]))
    alone = classifier.evaluate(test["text"], test["label"], train=train)
    with pytest.warns(UserWarning, match="trained or its best epoch chosen on"):
        among_others = classifier.evaluate(
            [text for part in splits[::-1] for text in reversed(part["text"])],
            [label for part in splits[::-1] for label in reversed(part["label"])],
        ).unseen
    saved = classifier.metadata
    assert among_others
    card = (folder / "README.md").read_text(encoding="utf-8")
    page = alone.save_html(tmp_path / "report.html").read_text(encoding="utf-8")
    for metric in METRICS:
        figure = f"{saved.metrics['test'][metric]:.3f}"
        assert f"{getattr(alone, metric):.3f}" == f"{getattr(among_others, metric):.3f}" == figure, metric
        assert f"| {METRICS[metric].label.format(positive='positive')} | {figure} | " in card
        assert f'<th scope="row">{METRICS[metric].label.format(positive="positive")}</th><td>{figure}</td>' in page
    assert {alone.numeric_precision, among_others.numeric_precision} == {"fp32"}
    assert {report["numeric_precision"] for report in saved.metrics.values()} == {"fp32"}
    assert "\nComputed in fp32.\n" in card
    assert "<p>Computed in fp32." in page
    held_out = splits[1]
    with pytest.warns(UserWarning, match="there are no others"):
        validation = classifier.evaluate(held_out["text"], held_out["label"])
    assert f"{validation.log_loss:.4f}" == f"{saved.metrics['validation']['log_loss']:.4f}"


def test_a_precision_that_was_asked_for_is_measured_in_and_told(
    trained_in_bf16: SentimentFineTuner, tmp_path: Path
) -> None:
    classifier = SentimentClassifier.from_pretrained(
        trained_in_bf16.save(tmp_path / "model"), device="cpu", precision="bf16"
    )
    test = trained_in_bf16.splits.test
    report = classifier.evaluate(test["text"], test["label"])
    assert report.numeric_precision == "bf16"
    assert report.log_loss != trained_in_bf16.evaluate().log_loss
    assert "computed in bf16" in report.to_markdown()


def test_the_kept_epoch_and_the_precision_stand_in_files_card_and_page(
    trained_in_bf16: SentimentFineTuner, tmp_path: Path
) -> None:
    result = trained_in_bf16._require_fitted("look at").result
    folder = trained_in_bf16.save(tmp_path / "model")
    plain = json.loads((folder / "imdb_sentiment.json").read_text(encoding="utf-8"))
    kept = (result.kept_epoch, "lowest calibrated log loss on validation")
    assert (plain["kept_epoch"], plain["kept_because"]) == kept
    for report in plain["metrics"].values():
        assert (report["kept_epoch"], report["kept_because"]) == kept
    assert plain["training_precision"] == "bf16"
    assert {record["validation"]["numeric_precision"] for record in plain["history"]} == {"bf16"}
    assert "bf16 on cpu; final metrics are computed in fp32" in str(result)
    report = SentimentClassifier.from_pretrained(folder).evaluate(["superb", "dull"], [1, 0])
    assert (report.kept_epoch, report.kept_because) == kept
    page = report.save_html(tmp_path / "report.html").read_text(encoding="utf-8")
    told = (("kept epoch", f"{kept[0]:g} ({kept[1]})"), ("training precision", "bf16"))
    for name, value in told:
        assert f"| {name} | {escape(value)} |" in (folder / "README.md").read_text(encoding="utf-8")
        assert f'<th scope="row">{name}</th><td class="wrap">{value}</td>' in page


def test_a_folder_of_an_earlier_version_opens_and_says_what_it_does_not_record(
    trained_in_bf16: SentimentFineTuner, tmp_path: Path
) -> None:
    folder = trained_in_bf16.save(tmp_path / "model")
    file = folder / "imdb_sentiment.json"
    plain = json.loads(file.read_text(encoding="utf-8"))
    later = ("kept_epoch", "kept_because", "numeric_precision", "goal", "goal_reached")
    reports = [plain["metrics"]["validation"], plain["metrics"]["test"], plain["calibration"]["before"]]
    for report in (*reports, *(record["validation"] for record in plain["history"])):
        for name in later:
            del report[name]
    for name in ("kept_epoch", "kept_because", "training_precision"):
        del plain[name]
    file.write_text(json.dumps(plain), encoding="utf-8")
    classifier = SentimentClassifier.from_pretrained(folder)
    report = classifier.evaluate(["superb", "dull"], [1, 0])
    assert (report.kept_epoch, report.numeric_precision) == (None, "fp32")
    page = report.save_html(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Which epoch was kept is not recorded." in page
    card = model_card(classifier.metadata, name="model")
    assert "| kept epoch | not recorded |" in card
    assert "| training precision | not recorded |" in card
    assert "\nNumeric precision not recorded.\n" in card


@pytest.mark.integration
def test_where_the_test_split_has_known_rows_the_card_is_about_the_others(
    reviews: tuple[list[str], list[int]], tiny_config: FineTuneConfig, tmp_path: Path
) -> None:
    texts, labels = reviews
    splits = {
        "train": pd.DataFrame({"text": texts[:80], "label": labels[:80]}),
        "test": pd.DataFrame({"text": texts[60:], "label": [*labels[60:110], *(1 - label for label in labels[110:])]}),
    }
    config = DataConfig(near_duplicates="ignore", test_overlap="keep")
    tuner = SentimentFineTuner(config, tiny_config, output_dir=tmp_path / "run")
    tuner.fit(splits)
    unseen = tuner.evaluate().unseen
    assert unseen
    folder = tuner.save(tmp_path / "model")
    card = ModelCard.load(folder / "README.md")
    figures = {result.metric_type: result.metric_value for result in card.data.eval_results or []}
    assert figures["accuracy"] == round(unseen.accuracy, 4) != tuner.evaluate().accuracy
    assert "| 40 test rows | " in card.text
