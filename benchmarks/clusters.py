"""Reviews a second with Ray and with Spark, on one machine with one thread for each worker.

    python benchmarks/clusters.py MODEL REVIEWS.parquet --engine ray --workers 2

The file has a column `text`. What it takes to start (Ray or Spark, the workers, the model in each) is told apart: it is
what the same takes with one review for each worker. Spark is not among the extras: `pip install pyspark`.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from imdb_sentiment import SentimentClassifier

FILES = 8


def write_files(table: pa.Table, folder: Path, files: int) -> Path:
    folder.mkdir()
    for number in range(files):
        pq.write_table(table.take(list(range(number, table.num_rows, files))), folder / f"part-{number}.parquet")
    return folder


def with_ray(classifier: SentimentClassifier, workers: int) -> Callable[[Path, Path], object]:
    import ray

    ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
    return lambda source, target: classifier.predict_files(source, target, workers=workers)


def with_spark(classifier: SentimentClassifier, workers: int) -> Callable[[Path, Path], object]:
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.master(f"local[{workers}]").config("spark.log.level", "ERROR").getOrCreate()
    schema = "text string, label string, score float, reason string"

    def score(source: Path, target: Path) -> None:
        reviews = spark.read.parquet(str(source)).repartition(FILES)
        reviews.mapInArrow(lambda batches: map(classifier, batches), schema).write.parquet(str(target))

    return score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("model")
    parser.add_argument("reviews")
    parser.add_argument("--engine", choices=("ray", "spark"), default="ray")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rows", type=int, default=4_800)
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto")
    given = parser.parse_args()
    texts = pq.read_table(given.reviews, columns=["text"]).slice(0, given.rows)
    exported = (Path(given.model) / "model.onnx").is_file()
    precision: Literal["auto", "fp32", "bf16"] = "auto" if exported else given.precision
    classifier = SentimentClassifier.from_pretrained(given.model, device="cpu", precision=precision)
    score = (with_ray if given.engine == "ray" else with_spark)(classifier, given.workers)
    seconds = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few = write_files(texts.slice(0, given.workers), folder / "few", given.workers)
        many = write_files(texts, folder / "many", FILES)
        for source in (few, many):
            start = time.perf_counter()
            score(source, folder / f"{source.name}-scored")
            seconds[source.name] = time.perf_counter() - start
    computing = seconds["many"] - (seconds["few"] if given.engine == "ray" else 0)  # Spark keeps its workers
    print(
        f"{given.engine}, workers {given.workers}: {texts.num_rows / computing:.1f} reviews a second "
        f"({texts.num_rows:,} in {computing:.1f} s), {seconds['few']:.1f} s to start"
    )


if __name__ == "__main__":
    main()
