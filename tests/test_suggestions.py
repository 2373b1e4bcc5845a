"""Covers results/suggestions.py.

The rows that a model is least certain of are suggested, once each, without those that it was trained on.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conftest import make_pair, make_reviews
from imdb_sentiment import ConfigError, DataError, SentimentClassifier, suggest_rows
from imdb_sentiment.results import Suggestions

MIXED = [
    f"{first} and {second}, number {i}."
    for i in range(9)
    for first in ("dull", "funny")
    for second in ("moving", "awful")
]


@pytest.fixture(scope="module")
def classifier(saved_model: Path) -> SentimentClassifier:
    return SentimentClassifier.from_pretrained(saved_model)


def test_the_least_certain_come_first(classifier: SentimentClassifier) -> None:
    found = suggest_rows(classifier, MIXED, 5)
    positive = classifier.predict_proba(MIXED)[:, 1]
    expected = np.argsort(np.abs(positive - classifier.threshold), kind="stable")[:5]
    assert [one.row - 1 for one in found.suggestions] == expected.tolist()
    assert [one.text for one in found.suggestions] == [MIXED[i] for i in expected]
    assert [one.probability for one in found.suggestions] == pytest.approx(positive[expected].tolist(), abs=1e-5)
    assert (found.rows, found.left_out) == (len(MIXED), {})


def test_training_rows_and_repeated_texts_are_left_out(classifier: SentimentClassifier) -> None:
    known = [text.upper() for text in make_reviews(120)[0] if classifier.seen_in_training([text])[0]]
    given = [*known[:7], *MIXED, MIXED[0].replace(" ", "  "), MIXED[1]]
    found = suggest_rows(classifier, given, 100)
    assert sorted(one.row for one in found.suggestions) == list(range(8, 8 + len(MIXED)))
    assert found.left_out == {"the model was trained or chosen on it": 7, "it has the text of another row": 2}
    assert "7 rows left out: the model was trained or chosen on it" in str(found)


def test_many_repeated_texts_do_not_displace_others(classifier: SentimentClassifier) -> None:
    (first,) = suggest_rows(classifier, MIXED, 1).suggestions
    found = suggest_rows(classifier, [str(first.text)] * 50 + MIXED, 4)
    assert len({one.text for one in found.suggestions}) == 4
    assert found.suggestions[0].row == 1


def test_windows_come_to_what_one_pass_does(classifier: SentimentClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = suggest_rows(classifier, [*MIXED, *MIXED[:3]], 6)
    monkeypatch.setattr("imdb_sentiment.suggestions.SORTED_TEXTS", 7)
    parts = suggest_rows(classifier, [*MIXED, *MIXED[:3]], 6)
    assert [one.row for one in parts.suggestions] == [one.row for one in whole.suggestions]


def test_it_prints_at_eighty_columns_and_converts(classifier: SentimentClassifier) -> None:
    found = suggest_rows(classifier, MIXED, 12)
    printed = str(found)
    assert max(map(len, printed.splitlines())) <= 80
    assert "... and 2 more" in printed
    assert json.loads(json.dumps(found.to_dict()))["suggestions"][0]["row"] == found.suggestions[0].row
    assert found.to_frame().columns.tolist() == ["row", "text", "probability"]
    assert "Rows to label" in found._repr_html_()


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_file_is_read_as_its_texts_are(suffix: str, classifier: SentimentClassifier, tmp_path: Path) -> None:
    file, frame = tmp_path / f"new{suffix}", pd.DataFrame({"body": [" ", *MIXED]})
    if suffix == ".parquet":
        frame.to_parquet(file)
    elif suffix == ".jsonl":
        frame.to_json(file, orient="records", lines=True)
    else:
        frame.to_csv(file, index=False)
    found = suggest_rows(classifier, file, 5, text_columns=["body"])
    in_memory = suggest_rows(classifier, MIXED, 5)
    assert [one.row - 1 for one in found.suggestions] == [one.row for one in in_memory.suggestions]
    assert (found.rows, found.left_out) == (len(MIXED) + 1, {"no text": 1})


def test_pairs_are_suggested(saved_pair_model: Path) -> None:
    classifier = SentimentClassifier.from_pretrained(saved_pair_model)
    pairs = [make_pair(f"Seen {i}: {text}") for i, text in enumerate(MIXED)]
    found = suggest_rows(classifier, pairs, 3)
    assert [one.text for one in found.suggestions] == [pairs[one.row - 1] for one in found.suggestions]
    assert " / " in str(found)


def test_a_model_that_does_not_know_its_training_rows_says_so(saved_model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(saved_model, tmp_path / "model"))
    (folder / "seen_rows.npz").unlink()
    found: Suggestions = suggest_rows(SentimentClassifier.from_pretrained(folder), make_reviews(20)[0], 3)
    assert "not recorded" in found.notes[0]


@pytest.mark.parametrize(
    ("data", "n", "options", "error", "match"),
    [
        (MIXED, 0, {}, ConfigError, "n=0 is not a number of rows"),
        (MIXED, True, {}, ConfigError, "n=True is not"),
        (MIXED, 5, {"text_columns": ["body"]}, ConfigError, "are for files"),
        (["good", " "], 5, {}, DataError, "blank text"),
        ([], 5, {}, DataError, "there is no row to label"),
        ("nowhere.csv", 5, {}, DataError, "there is no file nowhere.csv"),
    ],
)
def test_what_cannot_be_done_is_refused(
    data: object,
    n: int,
    options: dict[str, object],
    error: type[Exception],
    match: str,
    classifier: SentimentClassifier,
) -> None:
    with pytest.raises(error, match=match):
        suggest_rows(classifier, data, n, **options)  # type: ignore[arg-type]


def test_without_a_new_row_there_is_nothing_to_suggest(classifier: SentimentClassifier) -> None:
    texts = make_reviews(100)[0]
    known = [text for text, seen in zip(texts, classifier.seen_in_training(texts), strict=True) if seen][:2]
    with pytest.raises(DataError, match="2 rows left out: the model was trained or chosen on it"):
        suggest_rows(classifier, known)


def test_it_takes_a_classifier(saved_model: Path) -> None:
    with pytest.raises(ConfigError, match="takes a classifier"):
        suggest_rows(saved_model, MIXED)  # type: ignore[arg-type]
