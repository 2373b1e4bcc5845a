"""What each default that departs from the tutorial's recipe is worth, measured on validation rows only.

    python benchmarks/recipe_fields.py DATA [--model minilm] [--rows 2000]

DATA is a folder with IMDb's `train` and `test` splits; `test` is never scored. Each line adds one change to the line
above it, so that the first is the tutorial's recipe and the last the default's. All lines learn from the same rows and
are measured on the same rows.
"""

import argparse
import tempfile
from typing import Any

from imdb_sentiment import DataConfig, FineTuneConfig, SentimentFineTuner

STEPS: dict[str, dict[str, Any]] = {
    "tutorial": {},
    "+ padding to the longest, grouped by length": {"padding": "longest", "group_by_length": True},
    "+ clean_text": {"clean_text": True},
    "+ max_length=256": {"max_length": 256},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--rows", type=int, default=2000, help="rows to learn from, and as many to measure on")
    arguments = parser.parse_args()
    data = DataConfig(source=arguments.data, limit=2 * arguments.rows, validation_fraction=0.5)
    config = FineTuneConfig.preset("tutorial", model_name=arguments.model)
    for name, change in STEPS.items():
        config = config.replace(**change)
        with tempfile.TemporaryDirectory() as run:
            result = SentimentFineTuner(data, config, output_dir=run).fit()
        epochs = "  ".join(f"{record.validation.accuracy:.4f}/{record.validation.f1:.4f}" for record in result.history)
        print(f"{name:<45} {result.seconds:6.0f} s   accuracy/F1 by epoch {epochs}", flush=True)


if __name__ == "__main__":
    main()
