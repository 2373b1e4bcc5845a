"""What the tests share: a stand-in of the hub on this machine, a tiny model, and data it can learn.

The Hugging Face libraries read their environment when they are first imported, so it is set here, before any test.
"""

import atexit
import gc
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

from hub import CHEERFUL, GLOOMY, LoopbackHub, write_tiny_bert, write_tiny_imdb
from imdb_sentiment import DataConfig, FineTuneConfig, SentimentClassifier, SentimentFineTuner
from imdb_sentiment.evaluation.held_out import HeldOutRows
from imdb_sentiment.results import EpochRecord, ExportReport

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from transformers import PreTrainedModel

_ROOT = Path(tempfile.mkdtemp(prefix="imdb-sentiment-tests-"))
atexit.register(shutil.rmtree, _ROOT, ignore_errors=True)
_HUB = LoopbackHub(_ROOT / "hub")
os.environ.update(_HUB.environment(_ROOT / "home"))
os.environ.update(
    {"TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1", "COLUMNS": "120", "NO_COLOR": "1", "TERM": "dumb"}
)
os.environ.pop("HF_HUB_OFFLINE", None)

# the same examples in every run, on a machine as slow as it may be
settings.register_profile(
    "steady", deadline=None, derandomize=True, max_examples=35, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", settings.get_profile("steady"), derandomize=False, max_examples=100)
settings.load_profile("steady")


def examples(number: int) -> int:
    """With how many examples a property is tried: as many in a search, which draws others each time; else a third."""
    return number if settings.get_current_profile_name() == "search" else max(number // 3, min(number, 20))


@pytest.fixture(scope="session", autouse=True)
def fp32_whatever_the_machine() -> Iterator[None]:
    """Let no trial choose bf16 where the processor knows it, or figures would differ from run to run."""
    import torch

    with pytest.MonkeyPatch.context() as patch:
        for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
            patch.setattr(torch.cpu, name, lambda: False)
        yield


@pytest.fixture(scope="session", autouse=True)
def nothing_waits_for_the_disk() -> Iterator[None]:
    """Leave files in the system's memory, where a test finds them as well; only a power cut would tell the difference.

    Processes that are started or forked by tests wait for it, as ever.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)  # fails for what is no open file, too
        yield


BUCKETS = ("in the cinema", "at home", "on a train", "with friends", "late at night", "by accident")


def make_reviews(rows: int) -> tuple[list[str], list[int]]:
    """Return distinct short texts (up to 672), half of them negative, that a tiny model can learn to tell apart."""
    texts, labels = [], []
    for i in range(rows):
        pairs = list(permutations(CHEERFUL if i % 2 else GLOOMY, 2))
        first, second = pairs[i // 2 * 17 % len(pairs)]
        texts.append(f"Seen {BUCKETS[i // 2 // len(pairs)]}: {first} and {second}.")
        labels.append(i % 2)
    return texts, labels


def split_by_a_shell(command: str) -> list[str]:
    """Return the arguments that a shell makes of what was pasted into it."""
    script = f"printf '%s\\0' {command}"
    done = subprocess.run(["/bin/bash", "-c", script], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"})
    return done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]


def make_pair(review: str) -> tuple[str, str]:
    """Divide a text of `make_reviews` into a title and a body; the body tells its label."""
    title, _, body = review.partition(": ")
    return title, body


def untimed(history: Sequence[EpochRecord]) -> list[EpochRecord]:
    """Return the records of a run without how long it took, which is the one thing that differs from run to run."""
    return [replace(record, seconds=None) for record in history]


def pytest_xdist_auto_num_workers() -> int:
    """One worker for each core that this process may use, which may be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def pytest_collection_finish() -> None:
    """Leave what the tests have imported out of garbage collection, which each training asks for as it begins."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def reviews() -> tuple[list[str], list[int]]:
    """120 texts and their labels, 0 or 1."""
    return make_reviews(120)


@pytest.fixture(scope="session")
def tiny_model(reviews: tuple[list[str], list[int]]) -> Path:
    """A folder with a tiny BERT that knows the words of `reviews` and reads up to 512 tokens."""
    folder = _ROOT / "tiny-bert"
    write_tiny_bert(folder, reviews[0], max_position_embeddings=512)
    return folder


@pytest.fixture(scope="session")
def one_layer_model(reviews: tuple[list[str], list[int]]) -> Path:
    """The same with a single layer, which is trained and exported sooner."""
    folder = _ROOT / "one-layer-bert"
    write_tiny_bert(folder, reviews[0], max_position_embeddings=512, layers=1)
    return folder


@pytest.fixture
def model(tiny_model: Path) -> "PreTrainedModel":
    """The tiny BERT with a new head of two labels, not in training."""
    from imdb_sentiment.data.labels import LabelNames
    from imdb_sentiment.models.pretrained import load_encoder, load_model

    config = FineTuneConfig(model_name=str(tiny_model))
    return load_model(load_encoder(config), config, LabelNames("negative", "positive")).model


@pytest.fixture(scope="session")
def hub(one_layer_model: Path) -> LoopbackHub:
    """The stand-in of the hub, with the tutorial's model and data set, both tiny."""
    write_tiny_imdb(_ROOT / "imdb")
    _HUB.add_dataset("stanfordnlp/imdb", _ROOT / "imdb")
    _HUB.add_model("google-bert/bert-base-uncased", one_layer_model)
    return _HUB


@pytest.fixture
def writable_hub(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> LoopbackHub:
    """The hub by an address without a user name, in whose place the token goes."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
    monkeypatch.setenv("HF_TOKEN", hub.TOKEN)
    return hub


@pytest.fixture(scope="session")
def tiny_config(tiny_model: Path) -> FineTuneConfig:
    """A recipe by which the tiny model learns `reviews` in two seconds."""
    return FineTuneConfig(
        model_name=str(tiny_model),
        max_length=32,
        truncation="head",
        dropout=None,
        learning_rate=1e-3,  # with more, all scores are 0 or 1
        warmup_ratio=0.2,
        precision="fp32",  # the same numbers on any machine
        num_train_epochs=3,
        first_epoch_max_length=None,
        per_device_train_batch_size=4,
    )


@pytest.fixture(scope="session")
def fitted(
    reviews: tuple[list[str], list[int]], tiny_config: FineTuneConfig, tmp_path_factory: pytest.TempPathFactory
) -> SentimentFineTuner:
    """A fine-tuner that has learnt `reviews`, with a cascade; tests must not fit it again."""
    # all of these texts are nearly the same
    data = DataConfig(near_duplicates="ignore")
    config = tiny_config.replace(cascade=True)
    tuner = SentimentFineTuner(data, config, output_dir=tmp_path_factory.mktemp("run"))
    tuner.fit(reviews)
    tuner.evaluate()
    return tuner


@pytest.fixture(scope="session")
def saved_model(fitted: SentimentFineTuner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a saved model; tests that change it copy it first."""
    return fitted.save(tmp_path_factory.mktemp("saved") / "model")


@pytest.fixture
def abstaining_model(saved_model: Path, tmp_path: Path) -> Path:
    """A copy of the saved model whose held-out rows are many, and all right but for some of probability 0.85 to 0.9."""
    folder = Path(shutil.copytree(saved_model, tmp_path / "abstaining-model"))
    odds = np.linspace(-6, 6, 1000)
    labels = (odds > 0).astype(int)
    labels[325:345:2], labels[655:675:2] = 1, 0
    HeldOutRows.of(np.column_stack((-odds / 2, odds / 2)), labels.tolist()).save(folder / "held_out.npz")
    return folder


@pytest.fixture(scope="session")
def exported(saved_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ExportReport]:
    """The folder of `saved_model` as a graph, and how near that came; tests must not change it.

    The first process that needs it makes it for all, as their models are the same to the bit.
    """
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent
    folder, report = place / "exported-for-all" / "model", place / "exported-for-all" / "report.pickle"
    with FileLock(place / "exported-for-all.lock"):
        if not report.exists():
            texts, labels = make_reviews(100)
            folder.parent.mkdir()
            classifier = SentimentClassifier.from_pretrained(saved_model, device="cpu")
            report.write_bytes(pickle.dumps(classifier.export(folder, texts=texts, labels=labels)))
    return folder, pickle.loads(report.read_bytes())  # noqa: S301 - made by these tests


@pytest.fixture(scope="session")
def fitted_on_pairs(
    reviews: tuple[list[str], list[int]],
    tiny_config: FineTuneConfig,
    one_layer_model: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> SentimentFineTuner:
    """A fine-tuner that has learnt `reviews` as pairs of title and body; tests must not fit it again."""
    texts, labels = reviews
    rows = [(*make_pair(text), label) for text, label in zip(texts, labels, strict=True)]
    data = DataConfig(text_columns=("title", "body"))
    config = tiny_config.replace(model_name=str(one_layer_model))
    tuner = SentimentFineTuner(data, config, output_dir=tmp_path_factory.mktemp("run-on-pairs"))
    tuner.fit(pd.DataFrame(rows, columns=["title", "body", "label"]))
    return tuner


@pytest.fixture(scope="session")
def saved_pair_model(fitted_on_pairs: SentimentFineTuner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a saved model that reads pairs of title and body."""
    return fitted_on_pairs.save(tmp_path_factory.mktemp("saved") / "pair-model")


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A headless Chromium; a test is skipped where there is none, unless REQUIRE_CHROMIUM is set."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        refuse = pytest.fail if os.environ.get("REQUIRE_CHROMIUM") else pytest.skip
        refuse("there is no Chromium on this machine (Debian's package is called chromium)")
    with sync_playwright() as playwright:
        # no limit: a busy machine may take long to start it
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"], timeout=0)
        yield started
        started.close()
