"""What the average of the encoder and the TF-IDF model gains over the encoder alone.

    python benchmarks/ensemble.py TRAIN TEST [--rows 1000] [--seeds 2] [--test-rows 1000]

TRAIN and TEST are files with columns `text` and `label`. For each seed a model is trained with `cascade=True` on a
stratified sample of TRAIN, a tenth of which is held out, among others for the weight of the TF-IDF model. Then both
models are measured on the same rows of TEST, on which nothing is chosen.
"""

import argparse
import time

import pandas as pd

from imdb_sentiment import DataConfig, EvaluationReport, FineTuneConfig, SentimentFineTuner


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train")
    parser.add_argument("test")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--test-rows", type=int, default=1000)
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    print("| seed | weight | accuracy | log loss | calibration error | seconds |\n|---|---|---|---|---|---|")
    for seed in range(arguments.seeds):
        started = time.perf_counter()
        tuner = train(arguments.train, arguments.model, rows=arguments.rows, seed=seed)
        report = measure(tuner, arguments.test, rows=arguments.test_rows)
        print(f"| {seed} | {describe(tuner, report)} | {time.perf_counter() - started:.0f} |", flush=True)


def train(source: str, model: str, *, rows: int, seed: int) -> SentimentFineTuner:
    data_config = DataConfig(source=source, max_train_samples=rows, test_fraction=0, split_seed=seed)
    tuner = SentimentFineTuner(data_config, FineTuneConfig(model_name=model, cascade=True, seed=seed))
    tuner.fit()
    return tuner


def measure(tuner: SentimentFineTuner, source: str, *, rows: int) -> EvaluationReport:
    table = pd.read_parquet(source) if source.endswith(".parquet") else pd.read_csv(source, sep="\t", quoting=3)
    drawn = table.sample(min(rows, len(table)), random_state=0)
    return tuner.classifier.evaluate(drawn["text"].tolist(), drawn["label"].tolist(), ensemble=True)


def describe(tuner: SentimentFineTuner, report: EvaluationReport) -> str:
    """Return the cells of a row: the encoder alone, then both, and the difference with its 95 % interval."""
    section, alone = tuner.classifier.metadata.ensemble, report.encoder_alone
    if section is None or alone is None:
        raise ValueError("the model was trained without a cascade")
    cells = [f"{section.weight:g}"]
    for metric, digits in (("accuracy", 3), ("log_loss", 3)):
        value, (low, high) = alone.comparison.differences[metric]
        before, after = alone.report.value_of(metric), report.value_of(metric)
        cells.append(f"{before:.{digits}f}, {after:.{digits}f}: {value:+.3f} ({low:+.3f} to {high:+.3f})")
    errors = (alone.report.expected_calibration_error, report.expected_calibration_error)
    return " | ".join([*cells, "{:.3f}, {:.3f}".format(*errors)])


if __name__ == "__main__":
    main()
