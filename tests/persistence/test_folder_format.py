"""Covers persistence/folder.py.

Whatever stands in the files of a model folder, it is a working model or one error, in little time and memory.
"""

import copy
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import make_reviews
from imdb_sentiment import ModelError, SentimentClassifier
from imdb_sentiment.persistence.model_card import model_card
from imdb_sentiment.results import ExportReport

TEXTS = ["wonderful and moving", "dull " * 40, "x", *make_reviews(4)[0]]

Place = tuple[str | int, ...]

odd_numbers = st.sampled_from([-1, 0, 1, 2, 7, 10**6, 10**12, 10**30, -(10**12), 0.0, 0.5, -0.5, 1e-300, 1e300])
odd_values = st.one_of(
    st.none(),
    st.booleans(),
    odd_numbers,
    st.sampled_from(["", "x", "a" * 300, "[PAD]", [], [1], ["a"], {}, {"0": "x"}]),
)


def places_in(value: Any, place: Place = ()) -> Iterator[Place]:
    """Every place in a JSON document; of long lists and objects some."""
    keys: list[Any] = (
        list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    )
    for key in keys[:: max(1, len(keys) // 40)]:
        yield (*place, key)
        yield from places_in(value[key], (*place, key))


@st.composite
def mutations(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    """A document with one or two values replaced, removed or, numbers, changed."""
    changed = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 2))):
        path: list[Any]
        last: Any
        *path, last = draw(st.sampled_from(list(places_in(changed)) or [("x",)]))
        part: Any = changed
        for step in path:
            part = part[step]
        old = part[last] if isinstance(part, list) else part.get(last)
        if draw(st.integers(0, 3)) == 0:
            del part[last]
        elif isinstance(old, int | float) and not isinstance(old, bool) and draw(st.booleans()):
            part[last] = draw(st.sampled_from([old + 1, old - 1, -old, old * 2, old * 1000]))
        else:
            part[last] = draw(odd_values)
    return changed


def use(folder: Path) -> None:
    """Do with a model whatever can be done: what is read of it must be there."""
    model = SentimentClassifier.from_pretrained(folder, device="cpu", precision="fp32")
    for prediction in model.predict(TEXTS, cascade=model.metadata.cascade is not None):
        assert math.isfinite(prediction.score)
        assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert len(model._opened.identity) == 64
    model.evaluate([text + "!" for text in TEXTS[:4]], model.labels * 2).to_markdown()
    model_card(model.metadata, name="model")


@pytest.fixture(params=["own", "foreign", pytest.param("exported", marks=pytest.mark.integration)])
def folder(request: pytest.FixtureRequest, saved_model: Path, tmp_path: Path) -> Path:
    """A copy of a model of one of the kinds."""
    if request.param == "exported":
        exported: tuple[Path, ExportReport] = request.getfixturevalue("exported")
        return Path(shutil.copytree(exported[0], tmp_path / "model"))
    copied = Path(shutil.copytree(saved_model, tmp_path / "model"))
    if request.param == "foreign":
        (copied / "imdb_sentiment.json").unlink()
    return copied


@pytest.mark.parametrize("changes", [6, pytest.param(60, marks=pytest.mark.simulation)])
@pytest.mark.parametrize("name", ["imdb_sentiment.json", "config.json", "tokenizer.json", "tokenizer_config.json"])
def test_any_change_of_a_file_gives_a_working_model_or_an_error(folder: Path, name: str, changes: int) -> None:
    if not (folder / name).exists():
        return
    document = json.loads((folder / name).read_text())

    @settings(max_examples=changes, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
    @given(mutations(document))
    def check(changed: dict[str, Any]) -> None:
        (folder / name).write_text(json.dumps(changed))
        try:
            use(folder)
        except ModelError as error:
            assert error.summary  # noqa: PT017 - an outcome as good as none

    check()


LIMITED = """
import resource, sys
from imdb_sentiment import ModelError, SentimentClassifier
SentimentClassifier.from_pretrained(sys.argv[1], device="cpu")  # whatever is imported
with open("/proc/self/statm") as file:
    now = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 2**30, now + 2**30))
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
for folder in sys.argv[2:]:
    try:
        SentimentClassifier.from_pretrained(folder, device="cpu")
        print("opened", flush=True)
    except ModelError as error:
        print(error.summary, flush=True)
"""


def set_json(name: str, **fields: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(content | fields))

    return change


ABSURD: dict[str, Callable[[Path], object]] = {
    "vocabulary": set_json("config.json", vocab_size=10**12),
    "smaller vocabulary": set_json("config.json", vocab_size=10**8),
    "width": set_json("config.json", hidden_size=2 * 10**9),
    "layers": set_json("config.json", num_hidden_layers=10**9),
    "positions": set_json("config.json", max_position_embeddings=10**9),
    "labels": set_json("config.json", num_labels=10**9),
    "nesting": lambda folder: (folder / "config.json").write_text("[" * 10**6 + "]" * 10**6),
    "longest input": set_json("tokenizer_config.json", model_max_length=10**12),
}


@pytest.mark.integration
@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
def test_absurd_sizes_take_neither_time_nor_memory(saved_model: Path, tmp_path: Path) -> None:
    folders = {}
    for own in (True, False):
        for case, damage in ABSURD.items():
            folder = Path(shutil.copytree(saved_model, tmp_path / f"{case}, {own}"))
            if not own:
                (folder / "imdb_sentiment.json").unlink()
            damage(folder)
            folders[own, case] = str(folder)
    command = [sys.executable, "-c", LIMITED, str(saved_model), *folders.values()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = dict(zip(folders, done.stdout.splitlines(), strict=True))
    for own in (True, False):
        assert said.pop((own, "longest input")) == "opened"  # as upstream writes it for no limit
    assert "opened" not in said.values()
