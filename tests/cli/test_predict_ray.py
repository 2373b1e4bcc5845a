"""Covers inference/ray_engine.py.

Two actors of a real Ray on this machine: the bytes of one process, also when one of them is killed.
"""

import logging
import os
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command import COMMAND, run

from conftest import make_reviews
from imdb_sentiment import SentimentClassifier
from imdb_sentiment.inference.ray_engine import divide
from imdb_sentiment.results import ExportReport
from touches import environment, wait_for_stop

pytestmark = pytest.mark.integration

ROWS = {"a.parquet": 2_100, "b.parquet": 2_100, "deep/c.parquet": 10}
SECOND_PART = "*/.*.parts/part-0000001.partial"


@pytest.fixture(scope="module")
def short_folder() -> Iterator[Path]:
    """A place for Ray's sockets, whose paths may not be long."""
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output folder: the first actor that begins the second part of a file in it is killed."""
    return tmp_path_factory.mktemp("killed") / "out"


@pytest.fixture(scope="module")
def ray(short_folder: Path, target: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Ray with two processors."""
    killing = environment(tmp_path_factory.mktemp("place"), target, [SECOND_PART], kill=True)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, value in killing.items():
            patch.setenv(name, value)
        patch.setenv("RAY_TMPDIR", str(short_folder))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_BACKEND_LOG_LEVEL", "fatal")
        patch.setenv("RAY_worker_niceness", "0")  # else the tests at the same time come first
        import ray
        import ray.data

        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.CRITICAL)
        ray.data.DataContext.get_current().enable_progress_bars = False
        yield ray
        ray.shutdown()


@pytest.fixture(scope="module")
def model(exported: tuple[Path, ExportReport]) -> Path:
    """A model that an actor opens in a second, as it needs no PyTorch."""
    return exported[0]


@pytest.fixture(scope="module")
def classifier(model: Path) -> SentimentClassifier:
    return SentimentClassifier.from_pretrained(model, device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two files of two parts each, and a small one."""
    folder = tmp_path_factory.mktemp("in")
    (folder / "deep").mkdir()
    texts, _ = make_reviews(600)
    for name, rows in ROWS.items():
        pq.write_table(pa.table({"id": range(rows), "text": (texts * 4)[:rows]}), folder / name)
    return folder


@pytest.fixture(scope="module")
def expected(
    classifier: SentimentClassifier, source: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """What one process makes of each file."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "deep").mkdir()
    for name in ROWS:
        classifier.predict_file(source / name, folder / name)
    return {name: (folder / name).read_bytes() for name in ROWS}


def outputs(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in ROWS if (folder / name).exists()}


def test_an_actor_that_is_killed_changes_nothing(
    ray: Any, model: Path, source: Path, expected: dict[str, bytes], target: Path
) -> None:
    workers = ("--engine", "ray", "--workers", 2, "--precision", "fp32")
    arguments = (*workers, "--input", source / "**/*.parquet", "--output", target)
    outcome = run("predict", model, *arguments)
    assert outcome.code == 0
    assert outcome.out.startswith("4,210 rows: ")
    assert " of them were scored by an earlier run" in outcome.out  # by the actor that was killed
    assert outcome.out.endswith(f"note: 3 files\nThe files are in {target}.\n")
    assert outputs(target) == expected
    times = {name: (target / name).stat().st_mtime_ns for name in ROWS}
    again = run("predict", model, *arguments, "--json").read_json()
    assert (again["file"]["rows"], again["file"]["scored_before"]) == (4_210, 4_210)
    assert times == {name: (target / name).stat().st_mtime_ns for name in times}


def test_the_classifier_is_what_map_batches_calls(
    ray: Any, classifier: SentimentClassifier, source: Path, expected: dict[str, bytes]
) -> None:
    rows = ray.data.read_parquet(str(source / "a.parquet"))
    scored = rows.map_batches(classifier, batch_format="pyarrow", batch_size=2_048).take_all()
    table = pq.read_table(pa.BufferReader(expected["a.parquet"]))
    assert sorted((row["id"], row["label"], row["reason"]) for row in scored) == [
        (row["id"], row["label"], row["reason"]) for row in table.to_pylist()
    ]


def test_ctrl_c_keeps_what_is_done(short_folder: Path, model: Path, source: Path, tmp_path: Path) -> None:
    """As a user starts it, with a Ray of its own."""
    target = tmp_path / "out"
    command = [
        *COMMAND,
        "predict",
        str(model),
        "--engine",
        "ray",
        "--workers",
        "1",
        "--input",
        str(source),
        "--output",
        str(target),
    ]
    place = tmp_path / "place"
    place.mkdir()
    variables = environment(place, target, [SECOND_PART], kill=False)
    variables |= {"RAY_TMPDIR": str(short_folder / "own"), "RAY_ADDRESS": "local", "RAY_worker_niceness": "0"}
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | variables
    )
    signal.signal(signal.SIGINT, before)
    with process:
        wait_for_stop(place, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode == 130
    assert (out, err) == ("", "finished work is kept; the same command resumes\ninterrupted\n")
    assert list(target.glob(".imdb_sentiment/partial/.*.parts/part-*.json"))


def test_ray_leaves_no_signal_handler(short_folder: Path) -> None:
    script = """if True:
        import signal
        from imdb_sentiment.inference.ray_engine import _connected
        with _connected():
            inside = signal.getsignal(signal.SIGTERM)
        print(inside is not signal.SIG_DFL, signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
    """
    variables = {"RAY_TMPDIR": str(short_folder / "left"), "RAY_ADDRESS": "local", "RAY_USAGE_STATS_ENABLED": "0"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | variables,
        check=True,
    )
    assert done.stdout == "True True\n"


@pytest.mark.parametrize(
    ("nodes", "workers", "files", "on_gpu", "share"),
    [
        ([{"CPU": 8.0}], None, 100, True, (8, 1, 0)),
        ([{"CPU": 8.0}], 3, 100, True, (3, 2, 0)),
        ([{"CPU": 8.0}], None, 2, True, (2, 4, 0)),
        ([{"CPU": 16.0}, {"CPU": 16.0}], 3, 100, True, (3, 8, 0)),  # 10 each would not fit
        ([{"CPU": 2.0}], 5, 100, True, (5, 1, 0)),
        ([{}, {"CPU": 4.0, "GPU": 2.0}], None, 100, True, (2, 1, 1)),
        ([{}, {"CPU": 4.0, "GPU": 2.0}], None, 100, False, (4, 1, 0)),
        ([{}], None, 100, True, (1, 1, 0)),
    ],
)
def test_processors_are_divided(
    nodes: list[dict[str, float]], workers: int | None, files: int, on_gpu: bool, share: tuple[int, int, int]
) -> None:
    assert divide(nodes, workers, files, on_gpu=on_gpu) == share
