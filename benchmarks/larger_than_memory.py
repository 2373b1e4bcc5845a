"""Loads and divides a CSV file that is larger than the memory it may take.

    python benchmarks/larger_than_memory.py [--gigabytes 5]

Writes a file of made-up reviews (1,000 characters in the mean; one in a hundred repeats an earlier one, one in a
hundred has a word of an earlier one changed), then loads and divides it in a process of its own, and prints the seconds
and the largest resident memory of that process. Files mapped into memory count. Needs disk space of about 2.5 times the
size of the file, in the folder for temporary files.
"""

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path

_LOAD = """
import sys
from imdb_sentiment import DataConfig, SentimentFineTuner
print(SentimentFineTuner(DataConfig(source=sys.argv[1])).splits.summary)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=5.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reviews.csv"
        rows = write_reviews(path, int(arguments.gigabytes * 2**30))
        print(f"{path.stat().st_size / 2**30:.2f} GiB, {rows:,} rows", flush=True)
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", _LOAD, path], check=True)
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(f"loaded and divided in {seconds:,.0f} s, at most {peak / 2**30:.2f} GiB resident")


def write_reviews(path: Path, size: int) -> int:
    """Write rows until the file has `size` bytes; return how many."""
    rng = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(rng.choices(letters, k=rng.randint(2, 10))) for _ in range(50_000)]
    earlier: deque[list[str]] = deque(maxlen=1000)
    written = rows = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        written += file.write("text,label\n")
        while written < size:
            kind = rng.random()
            if earlier and kind < 0.02:
                chosen = list(rng.choice(earlier))
                if kind < 0.01:
                    chosen[rng.randrange(len(chosen))] = rng.choice(words)
            else:
                chosen = rng.choices(words, k=rng.randint(40, 240))
                earlier.append(chosen)
            written += file.write(f'"{" ".join(chosen)}.",{rows % 2}\n')
            rows += 1
    return rows


if __name__ == "__main__":
    main()
