"""The default recipe, the tutorial's, and TF-IDF with logistic regression, on the same rows of one data set.

    python benchmarks/against_tutorial.py DATA [--model minilm] [--limit 4000]

DATA is a folder with IMDb's `train` and `test` splits. Everything runs in one process, one after the other, and each
model is scored on the test split once. TF-IDF learns from the rows of train and validation together, since it chooses
nothing on validation.
"""

import argparse
import tempfile
import time

from imdb_sentiment import DataConfig, EvaluationReport, FineTuneConfig, SentimentFineTuner
from imdb_sentiment.evaluation.baseline import measure_baseline


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--limit", type=int, default=None, help="training rows; all by default")
    arguments = parser.parse_args()
    data = DataConfig(source=arguments.data, limit=arguments.limit)

    measure_tfidf(data)
    seconds = {}
    for preset in ("default", "tutorial"):
        with tempfile.TemporaryDirectory() as run:
            config = FineTuneConfig.preset(preset, model_name=arguments.model)
            tuner = SentimentFineTuner(data, config, output_dir=run)
            result = tuner.fit()
            started = time.perf_counter()
            report = tuner.evaluate()
            scoring = time.perf_counter() - started
        seconds[preset] = result.seconds
        show(preset, report, f"trained in {result.seconds:,.0f} s, tested in {scoring:,.0f} s")
        print(result, flush=True)
    print(f"training time, default / tutorial: {seconds['default'] / seconds['tutorial']:.2f}")


def measure_tfidf(data: DataConfig) -> None:
    tuner = SentimentFineTuner(data)
    splits = tuner.splits
    rows = [(row["text"], row["label"]) for part in (splits.train, splits.validation) for row in part]
    texts, labels = zip(*rows, strict=True)
    started = time.perf_counter()
    report = measure_baseline((texts, labels), (splits.test["text"], splits.test["label"]), names=tuner.labels)
    show("TF-IDF", report, f"{time.perf_counter() - started:,.0f} s in all, {len(rows):,} rows")
    print(splits.summary, flush=True)


def show(name: str, report: EvaluationReport, note: str) -> None:
    error = (report.accuracy * (1 - report.accuracy) / report.rows) ** 0.5
    values = f"accuracy {report.accuracy:.4f} (standard error {error:.4f})  F1 {report.f1:.4f}"
    print(f"{name:<10} {values}  ROC-AUC {report.roc_auc:.4f}  log loss {report.log_loss:.4f}  {note}", flush=True)


if __name__ == "__main__":
    main()
