"""How long the package takes to import, and the command to answer `--help`, beside an empty Python.

    python benchmarks/startup.py [--rounds 10]

Each line is a process of its own; of all rounds, which go through the lines in turn, the quickest counts.
"""

import argparse
import subprocess
import sys
import time

PROCESSES = {
    "an empty Python": ("-c", ""),
    "import imdb_sentiment": ("-c", "import imdb_sentiment"),
    "imdb-sentiment --help": ("-m", "imdb_sentiment", "--help"),
    "imdb-sentiment train --help": ("-m", "imdb_sentiment", "train", "--help"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    seconds: dict[str, list[float]] = {name: [] for name in PROCESSES}
    for _ in range(parser.parse_args().rounds):
        for name, arguments in PROCESSES.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
            seconds[name].append(time.perf_counter() - started)
    for name, times in seconds.items():
        print(f"{name:30} {min(times):6.3f} s")


if __name__ == "__main__":
    main()
