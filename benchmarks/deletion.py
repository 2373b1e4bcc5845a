"""Whether the words that an explanation names are those that the model goes by.

    python benchmarks/deletion.py MODEL DATA [--texts 100] [--share 0.1]

MODEL is a saved model, DATA a source with a test split; its labels are not looked at. Of each text the words that speak
most for the predicted label are taken out, and, for comparison, as many others at random. What an explanation is worth
shows in how much further the label's probability falls.
"""

import argparse
import random
import statistics
import time

from imdb_sentiment import DataConfig, SentimentClassifier, SentimentFineTuner
from imdb_sentiment.results import Explanation

DRAWS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--texts", type=int, default=100)
    parser.add_argument("--share", type=float, default=0.1, help="of the words that were read, taken out")
    arguments = parser.parse_args()
    classifier = SentimentClassifier.from_pretrained(arguments.model)
    texts = SentimentFineTuner(DataConfig(source=arguments.data)).splits.test["text"]
    rng = random.Random(42)
    chosen = rng.sample(list(texts), arguments.texts)
    started = time.perf_counter()
    explanations = [classifier.explain(text) for text in chosen]
    seconds = time.perf_counter() - started
    top, others = [], []
    for explanation in explanations:
        count = max(1, round(arguments.share * len(explanation.words)))
        top.append(fall(classifier, explanation, [word.start for word in explanation.top(count)]))
        draws = [rng.sample([word.start for word in explanation.words], count) for _ in range(DRAWS)]
        others.append(statistics.fmean(fall(classifier, explanation, draw) for draw in draws))
    error = statistics.median(explanation.completeness_error for explanation in explanations)
    print(f"{arguments.texts} texts, {seconds / arguments.texts:.2f} s an explanation")
    steps = statistics.median(explanation.steps for explanation in explanations)
    print(f"median completeness error {error:.4f}, median steps {steps:.0f}")
    print(f"the label's probability falls by {statistics.fmean(top):.4f} without the words named,")
    print(f"by {statistics.fmean(others):.4f} without as many at random")
    further = sum(a > b for a, b in zip(top, others, strict=True))
    print(f"further without the words named in {further} of {arguments.texts} texts")


def fall(classifier: SentimentClassifier, explanation: Explanation, starts: list[int]) -> float:
    """Return how far the predicted label's probability falls when the words that begin there are taken out."""
    text, gone = explanation.texts[0], set(starts)
    kept = list(text)
    for word in explanation.words:
        if word.start in gone:
            kept[word.start : word.end] = [""] * (word.end - word.start)
    rest = "".join(kept)
    after = classifier.predict(rest).probabilities[explanation.label] if rest.strip() else 0.5
    return explanation.score - after


if __name__ == "__main__":
    main()
