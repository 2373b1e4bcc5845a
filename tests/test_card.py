"""The README of a saved model."""

from pathlib import Path

from huggingface_hub import ModelCard

from imdb_sentiment import DataConfig, FineTuneConfig, SentimentClassifier, SentimentFineTuner


def test_the_hub_finds_the_figures_of_the_test_split(saved_model: Path, fitted: SentimentFineTuner) -> None:
    card = ModelCard.load(saved_model / "README.md")
    report = fitted.evaluate()
    figures = {result.metric_type: result.metric_value for result in card.data.eval_results or []}
    assert figures["accuracy"] == report.accuracy
    assert figures["log_loss"] == report.log_loss
    assert len(figures) == 11
    assert card.data.library_name == "transformers"
    assert card.data.model_name == saved_model.name


def test_the_card_tells_a_reader_what_the_model_does_and_how_well(saved_model: Path) -> None:
    text = (saved_model / "README.md").read_text(encoding="utf-8")
    assert "Tells negative from positive." in text
    assert "| accuracy | 1.0000 |" in text
    assert "| TF-IDF + LR |" in text
    assert "A text is called positive if its probability is above 0.5.\n" in text
    metadata = SentimentClassifier.from_pretrained(saved_model).metadata
    assert f"| training rows | {sum(metadata.splits['rows']['train'].values())} |" in text


def test_no_text_of_the_data_is_in_it(saved_model: Path, fitted: SentimentFineTuner) -> None:
    text = (saved_model / "README.md").read_text(encoding="utf-8")
    assert not any(review in text for part in (fitted.splits.train, fitted.splits.test) for review in part["text"])


def test_a_model_that_was_not_measured_says_so(
    reviews: tuple[list[str], list[int]], tiny_config: FineTuneConfig, tmp_path: Path
) -> None:
    config = tiny_config.replace(num_train_epochs=1, threshold=0.4)
    tuner = SentimentFineTuner(DataConfig(near_duplicates="ignore"), config, output_dir=tmp_path / "run")
    tuner.fit(reviews)
    text = (tuner.save(tmp_path / "model") / "README.md").read_text(encoding="utf-8")
    assert "The model was not measured on a test split before it was saved." in text
    assert "model-index" not in text
    assert "A stock pipeline does not know that, and takes the more probable label." in text
