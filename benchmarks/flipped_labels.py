"""How many labels that were flipped on purpose are among the first that are suspected.

    python benchmarks/flipped_labels.py DATA [--rows 4000] [--flipped 0.03] [--model minilm]

DATA is a folder with IMDb's `train` split; a test split is not looked at. Of the training reviews some labels are
flipped at random, and `find_label_issues` looks for wrong ones. Labels that IMDb has wrong by itself count against it.
"""

import argparse
import time

import numpy as np

from imdb_sentiment import DataConfig, FineTuneConfig, SentimentFineTuner, find_label_issues


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--flipped", type=float, default=0.03, help="share of the rows")
    parser.add_argument("--model", help="an encoder for each fold; TF-IDF without it")
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    splits = SentimentFineTuner(
        DataConfig(source=arguments.data, max_train_samples=arguments.rows, validation_fraction=0.1)
    ).splits
    texts = [*splits.train["text"], *splits.validation["text"]]
    labels = np.array([*splits.train["label"], *splits.validation["label"]])
    config = FineTuneConfig(model_name=arguments.model) if arguments.model else None
    for seed in range(arguments.seeds):
        flipped = np.random.default_rng(seed).choice(len(labels), round(arguments.flipped * len(labels)), replace=False)
        given = labels.copy()
        given[flipped] = 1 - given[flipped]
        started = time.perf_counter()
        found = find_label_issues((texts, given.tolist()), config=config)
        seconds = time.perf_counter() - started
        rows = [suspect.row - 1 for suspect in found.issues]
        print(f"seed {seed}: {len(rows)} of {len(labels):,} suspected by {found.model}, {seconds:.0f} s")
        for share in (arguments.flipped, 2 * arguments.flipped):
            first = rows[: round(share * len(labels))]
            hits = len(set(first) & set(flipped.tolist()))
            part = f"{hits} of {len(flipped)} flipped, {hits / len(flipped):.1%}"
            print(f"  among the first {share:.0%} ({len(first)}): {part}")


if __name__ == "__main__":
    main()
