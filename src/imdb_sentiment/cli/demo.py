"""`imdb-sentiment demo`: the full workflow on the embedded sample, without the hub."""

from pathlib import Path
from typing import Annotated, Any

import typer

from imdb_sentiment.cli.console import reports_errors, say
from imdb_sentiment.cli.run_folder import run_folder

__all__ = ["demo"]

_NAME = "imdb-sentiment-demo"
_TEST_FRACTION = 0.35  # large, since the sample is small
_RECIPE: dict[str, Any] = {"model_name": "minilm"}
_SENTENCES = (
    "A quiet masterpiece, and I cannot wait to see it again.",
    "Lovely costumes cannot save such a tedious, clumsy script.",
    "I expected to be bored and was not, not for one minute.",
)


@reports_errors
def demo(
    *,
    output: Annotated[
        Path | None,
        typer.Option(help=f"Folder for the model. [default: {_NAME}, or the next free name]", metavar="DIR"),
    ] = None,
) -> None:
    """Fine-tune a small encoder on the bundled reviews: split, training, test, saved model, predictions."""
    from imdb_sentiment.classifier import SentimentClassifier
    from imdb_sentiment.cli.train import fine_tune_and_save
    from imdb_sentiment.config import DataConfig, FineTuneConfig
    from imdb_sentiment.data.sample import sample_file

    folder = output or _free_name()
    config = FineTuneConfig(**_RECIPE)
    with sample_file() as sample:
        _, _, report = fine_tune_and_save(
            DataConfig(source=str(sample), test_fraction=_TEST_FRACTION), config, folder, keep=False
        )
    say(f"\nTest split, read once ({report.rows} reviews)      accuracy      F1  ROC-AUC  log loss")
    baselines = [(baseline.name, baseline.report) for baseline in reversed(report.baselines)]
    for name, measured in [("fine-tuned MiniLM", report), *baselines]:
        values = (measured.accuracy, measured.f1, measured.roc_auc or 0.0)
        say(f"  {name:<40}" + "".join(f"{value:>9.3f}" for value in (*values, measured.log_loss)))
    say(f"\nSaved to {folder}. It classifies:")
    for text, prediction in zip(
        _SENTENCES, SentimentClassifier.from_pretrained(folder).predict(_SENTENCES), strict=True
    ):
        say(f"  {prediction.label:<8}  {prediction.score:.3f}  {text}")


def _free_name() -> Path:
    """Return an unused folder name, so that a second demo neither fails nor overwrites the first."""
    candidates = (Path(_NAME if i == 1 else f"{_NAME}-{i}") for i in range(1, 1000))
    return next(path for path in candidates if not path.exists() and not run_folder(path).exists())
