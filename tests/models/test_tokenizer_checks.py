"""Tokenizers of saved models: refused when they are opened, where they would fail at a text or explode."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imdb_sentiment import ModelError, SentimentClassifier
from imdb_sentiment.results import ExportReport

OPENED = ["own", "foreign", pytest.param("exported", marks=pytest.mark.integration)]


@pytest.fixture(params=OPENED)
def folder(request: pytest.FixtureRequest, saved_model: Path, tmp_path: Path) -> Path:
    """A copy of a model, of which a test may damage the tokenizer."""
    if request.param == "exported":
        exported: tuple[Path, ExportReport] = request.getfixturevalue("exported")
        return Path(shutil.copytree(exported[0], tmp_path / "model"))
    copy = Path(shutil.copytree(saved_model, tmp_path / "model"))
    if request.param == "foreign":
        (copy / "imdb_sentiment.json").unlink()
    return copy


def edit(folder: Path, change: Callable[[dict[str, Any]], object], name: str = "tokenizer.json") -> None:
    content = json.loads((folder / name).read_text())
    change(content)
    (folder / name).write_text(json.dumps(content))


def normalizer(*patterns: tuple[str, str]) -> Callable[[dict[str, Any]], None]:
    parts = [{"type": "Replace", "pattern": {"Regex": regex}, "content": content} for regex, content in patterns]
    return lambda content: content.update(normalizer={"type": "Sequence", "normalizers": parts})


def pre_tokenizer(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content.update(pre_tokenizer=fields)


def first_token(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["post_processor"]["special_tokens"]["[CLS]"].update(fields)


def moved(token: str) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        content["model"]["vocab"][token] = 10**6

    return change


FAILS, OTHER = "tokenizer .* fails", "does not match its weights"
REFUSALS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a pattern that panics": (normalizer(("(a+)+$", " ")), FAILS),
    "a split that panics": (
        pre_tokenizer(type="Split", pattern={"Regex": r"(\s+)+\d"}, behavior="Isolated", invert=False),
        FAILS,
    ),
    "pieces of no length": (pre_tokenizer(type="FixedLength", length=0), FAILS),
    "a pattern that is none": (normalizer(("(", " ")), "cannot be (loaded|read)"),
    "replacements that double": (normalizer(*[(".", "aa")] * 40), "cannot be used"),
    "one large replacement": (normalizer(("", "a" * 10**6)), "cannot be used"),
    "a special token beyond the vocabulary": (first_token(ids=[10**6]), OTHER),
    "a word beyond the vocabulary": (moved("wonderful"), OTHER),
    "no token for what is unknown": (lambda content: content["model"].update({"unk_token": "nothing"}), FAILS),
    "no room for a text": (first_token(ids=[2] * 2000, tokens=["[CLS]"] * 2000), "leaves no room for a text"),
    "nesting": (lambda content: content.update(decoder=json.loads("[" * 900 + "]" * 900)), "cannot be (loaded|read)"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_tokenizer_that_cannot_be_used_is_refused(folder: Path, case: str) -> None:
    damage, message = REFUSALS[case]
    edit(folder, damage)
    with pytest.raises(ModelError, match=message):
        SentimentClassifier.from_pretrained(folder, device="cpu", precision="fp32")


@pytest.mark.parametrize(
    "fields",
    [
        {"pad_token": "[NOTHING]"},
        {"pad_token": None},
        {"model_input_names": ["attention_mask"]},
        {"model_input_names": 7},
        {"padding_side": "above"},
    ],
)
def test_settings_that_cannot_be_used_are_refused(folder: Path, fields: dict[str, Any]) -> None:
    edit(folder, lambda content: content.update(fields), "tokenizer_config.json")
    with pytest.raises(ModelError, match=r"cannot be|does not match|fail|does not return"):
        SentimentClassifier.from_pretrained(folder, device="cpu", precision="fp32")


def test_what_it_cuts_and_pads_by_itself_is_switched_off(folder: Path) -> None:
    texts = ["wonderful and moving", "wonderful " * 20, "dull"]
    before = SentimentClassifier.from_pretrained(folder, device="cpu", precision="fp32").predict_proba(texts)
    padding = {"strategy": {"Fixed": 10**9}, "direction": "Right", "pad_id": 1, "pad_type_id": 0, "pad_token": "[UNK]"}
    cutting = {"max_length": 4, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    edit(folder, lambda content: content.update(padding=padding, truncation=cutting))
    after = SentimentClassifier.from_pretrained(folder, device="cpu", precision="fp32").predict_proba(texts)
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_a_tokenizer_that_fails_at_one_text_says_so(saved_model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(saved_model, tmp_path / "model"))
    edit(folder, normalizer(("(q+)+$", " ")))
    classifier = SentimentClassifier.from_pretrained(folder, device="cpu")
    classifier.predict("wonderful")
    for texts in (["q" * 60 + "!"], ["q" * 60 + "!", "wonderful"]):
        with pytest.raises(ModelError, match="fails at a text"):
            classifier.predict(texts)
