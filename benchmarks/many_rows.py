"""Whether memory stays flat while a file of many short rows is scored.

    python benchmarks/many_rows.py MODEL [--rows 10000000] [--suffix .parquet] [--cascade]

MODEL is a saved model. The rows are made up and go to a temporary folder. The command is run in a process of its own,
whose resident memory is read once a second: what is printed is the most that it was in each tenth of the run.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

WORDS = [
    "a",
    "the",
    "film",
    "plot",
    "cast",
    "ending",
    "was",
    "is",
    "felt",
    "seems",
    "dull",
    "superb",
    "quiet",
    "clumsy",
    "tender",
    "loud",
    "short",
    "long",
    "and",
    "but",
]
CHUNK = 100_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--suffix", default=".parquet", choices=[".parquet", ".csv"])
    parser.add_argument("--cascade", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        source, target = (Path(place) / f"{name}{arguments.suffix}" for name in ("rows", "scored"))
        write(source, arguments.rows)
        print(f"{arguments.rows:,} rows, {source.stat().st_size / 1e6:,.0f} MB", flush=True)
        command = [sys.executable, "-m", "imdb_sentiment", "predict", arguments.model]
        command += ["--input", str(source), "--output", str(target), *(["--cascade"] if arguments.cascade else [])]
        started = time.perf_counter()
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        memory = list(resident_mb(process))
        seconds = time.perf_counter() - started
        print(f"exit code {process.returncode}, {seconds:,.0f} s, {arguments.rows / seconds:,.0f} rows a second")
        tenths = [memory[len(memory) * part // 10 : len(memory) * (part + 1) // 10] for part in range(10)]
        print("most resident MB in each tenth:", ", ".join(f"{max(tenth, default=0):,.0f}" for tenth in tenths))
        print(f"{target.stat().st_size / 1e6:,.0f} MB written")


def write(path: Path, rows: int) -> None:
    """Write made-up rows, some thousand at a time."""
    schema = pa.schema({"id": pa.int64(), "text": pa.string()})
    rng = random.Random(42)
    writer = pq.ParquetWriter(path, schema) if path.suffix == ".parquet" else pyarrow.csv.CSVWriter(path, schema)
    with writer:
        for start in range(0, rows, CHUNK):
            numbers = range(start, min(rows, start + CHUNK))
            texts = [" ".join(rng.choices(WORDS, k=rng.randint(3, 12))) for _ in numbers]
            writer.write_table(pa.table({"id": list(numbers), "text": texts}, schema=schema))


def resident_mb(process: "subprocess.Popen[bytes]") -> Iterator[float]:
    """Give the resident memory of a process once a second, until it ends."""
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        lines = status.read_text().splitlines()
        yield from (int(line.split()[1]) / 1e3 for line in lines if line.startswith("VmRSS:"))
        time.sleep(1)


if __name__ == "__main__":
    main()
