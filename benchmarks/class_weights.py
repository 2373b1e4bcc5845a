r"""What class_weight="balanced" does to a model of a rare class, and to its probabilities.

    python benchmarks/class_weights.py sms_spam.tsv --text-column SMS --label-column Label --positive-label spam \
        [--model minilm] [--seeds 1]

The default recipe without and with weights, on the same splits and with the same seeds, each measured on the test split
once. The mean probability of the positive label, set against its share of the rows, tells how far the probabilities
are off as a whole.
"""

import argparse
import tempfile

import numpy as np

from imdb_sentiment import DataConfig, EvaluationReport, FineTuneConfig, SentimentClassifier, SentimentFineTuner
from imdb_sentiment.results.metrics import METRICS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column", default="label")
    parser.add_argument("--positive-label")
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    data = DataConfig(
        source=arguments.data,
        text_column=arguments.text_column,
        label_column=arguments.label_column,
        positive_label=arguments.positive_label,
    )
    for weights in (None, "balanced"):
        rounds = [measure(data, arguments.model, weights, seed) for seed in range(42, 42 + arguments.seeds)]
        print(f"class_weight={weights}, mean of {len(rounds)} seeds:", flush=True)
        for metric in METRICS:
            print(f"  {metric:<22}{np.mean([getattr(report, metric) for report, _ in rounds]):.4f}")
        (tn, fp), (fn, tp) = rounds[0][0].confusion_matrix
        share = (fn + tp) / (tn + fp + fn + tp)
        print(f"  mean probability      {np.mean([mean for _, mean in rounds]):.4f}   (share of rows {share:.4f})")


def measure(data: DataConfig, model: str, weights: str | None, seed: int) -> tuple[EvaluationReport, float]:
    """Return the report on the test split, and the mean probability of the positive label there."""
    config = FineTuneConfig.preset(model_name=model, class_weight=weights, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        tuner = SentimentFineTuner(data, config, output_dir=f"{folder}/run")
        print(tuner.fit(), flush=True)
        report = tuner.evaluate()
        classifier = SentimentClassifier.from_pretrained(tuner.save(f"{folder}/model"))
        probabilities = classifier.predict_proba(tuner.splits.test["text"][:])
    return report, float(probabilities[:, 1].mean())


if __name__ == "__main__":
    main()
