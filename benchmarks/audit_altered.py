"""Audits a data set together with a copy of it in which one word in twenty is replaced.

    python benchmarks/audit_altered.py DATA [--model minilm]

DATA is a folder or file of long texts, such as IMDb's training split; a test split is left out. Prints how many of the
altered texts are found to be nearly the same as their originals, how long it takes to find them and how long the whole
audit takes, and the largest resident memory of the process.
"""

import argparse
import random
import resource
import time

from imdb_sentiment import DataConfig, audit_dataset
from imdb_sentiment.data.inspection import inspect_rows
from imdb_sentiment.data.sources import load_source

_CHANGED = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--model")
    arguments = parser.parse_args()
    rows = load_source(DataConfig(source=arguments.data)).splits["train"]
    texts, labels = rows.table["text"].to_pylist(), rows.table["label"].to_pylist()
    rng = random.Random(1)
    words = [word for text in texts[:1000] for word in text.split()]
    both = (texts + [alter(text, words, rng) for text in texts], labels * 2)

    config = DataConfig()
    raw = load_source(config, both)
    started = time.perf_counter()
    near = inspect_rows(raw.splits, config, check=False).parts["train"].near
    seconds = time.perf_counter() - started
    found = (near[: len(texts)] == near[len(texts) :]).mean()
    print(f"{len(near):,} rows; {found:.3%} of the altered ones found, in {seconds:.1f} s", flush=True)
    started = time.perf_counter()
    audit = audit_dataset(both, config, model_name=arguments.model)
    print(f"audit in {time.perf_counter() - started:.1f} s, model {arguments.model}: {len(audit.findings)} findings")
    print(f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB resident")


def alter(text: str, words: list[str], rng: random.Random) -> str:
    """Replace one word in twenty by words of the same data set."""
    own = text.split()
    for place in rng.sample(range(len(own)), max(1, round(_CHANGED * len(own)))):
        own[place] = rng.choice(words)
    return " ".join(own)


if __name__ == "__main__":
    main()
