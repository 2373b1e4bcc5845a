"""Fine-tune bert-base-uncased on IMDb, measure it on the test split, save it and use it.

    python examples/fine_tune_imdb.py          all rows; hours without a GPU
    python examples/fine_tune_imdb.py 2000     2,000 training rows, to see the steps

The model and the data come from the Hugging Face hub. The checkpoints of the run stand in `imdb-run` afterwards, the
finished model in `imdb-model`.
"""

import sys

from imdb_sentiment import DataConfig, FineTuneConfig, SentimentClassifier, SentimentFineTuner

REVIEWS = (
    "A quiet masterpiece.",
    "Two hours that felt like five.",
    "I expected little, and got less.",
)


def main() -> None:
    # Without arguments both configurations are the tutorial's task. A limit takes training rows only: the test split
    # stays whole, so that runs with different limits can be compared.
    data_config = DataConfig(max_train_samples=int(sys.argv[1]) if len(sys.argv) > 1 else None)
    config = FineTuneConfig(num_train_epochs=3)

    # Nothing is downloaded until the splits are asked for. Look at them before training: how many rows, of which
    # label, and what was left out.
    tuner = SentimentFineTuner(data_config, config, output_dir="imdb-run")
    print(tuner.splits.summary)

    # The epoch that is kept is the best one on validation.
    print(tuner.fit())

    # The test split is for the end: once, and nothing is chosen by it.
    print(tuner.evaluate())

    folder = tuner.save("imdb-model")
    classifier = SentimentClassifier.from_pretrained(folder)
    for review, prediction in zip(REVIEWS, classifier.predict(REVIEWS), strict=True):
        print(f"{prediction.label}  {prediction.score:.3f}  {review}")


if __name__ == "__main__":
    main()
