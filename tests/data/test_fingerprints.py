from pathlib import Path

import datasets
import numpy as np
import pytest

from imdb_sentiment.data.fingerprints import TrainingFingerprints


def rows(*texts: str | tuple[str, str]) -> datasets.Dataset:
    if texts and isinstance(texts[0], tuple):
        return datasets.Dataset.from_dict({"text": [t[0] for t in texts], "text_pair": [t[1] for t in texts]})
    return datasets.Dataset.from_dict({"text": list(texts)})


def test_texts_are_known_again_however_they_are_spelt() -> None:
    seen = TrainingFingerprints.of(rows("A quiet masterpiece.", "Dull."), rows("So-so."))
    texts = ["dull.", "A  QUIET<br />masterpiece.", "So-so.", "A quiet masterpiece!"]
    assert seen.known(texts, "train") == [True, True, False, False]
    assert seen.known(texts) == [True, True, True, False]
    assert seen.known([]) == seen.known([], "train") == []


def test_pairs_are_known_by_both_texts() -> None:
    seen = TrainingFingerprints.of(rows(("A title", "A body"), ("", "Only a body")), rows(("Other", "one")))
    assert seen.known([("a title", "a  body"), ("A body", "A title"), ("", "only a body")], "train") == [
        True,
        False,
        True,
    ]


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "seen.npz"
    TrainingFingerprints.of(rows("one", "two", "One"), rows("three")).save(path)
    seen = TrainingFingerprints.load(path)
    assert (len(seen.train), len(seen.validation)) == (2, 1)
    assert seen.known(["two", "three"], "train") == [True, False]


def test_thousands_of_rows_are_all_known() -> None:
    texts = [f"text {i}" for i in range(2500)]
    seen = TrainingFingerprints.of(rows(*texts), rows("other"))
    assert all(seen.known(texts, "train"))
    assert not any(seen.known([text + "." for text in texts], "train"))


def test_arrays_of_another_kind_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "seen.npz", train=np.zeros(3), validation=np.zeros(0, dtype=np.uint64))
    with pytest.raises(ValueError, match="unexpected type or shape"):
        TrainingFingerprints.load(tmp_path / "seen.npz")
