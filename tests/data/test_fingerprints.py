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
    assert seen.trained_on(texts) == [True, True, False, False]
    assert seen.known(texts) == [True, True, True, False]
    assert seen.trained_on([]) == seen.known([]) == []


def test_pairs_are_known_by_both_texts() -> None:
    seen = TrainingFingerprints.of(rows(("A title", "A body"), ("", "Only a body")), rows(("Other", "one")))
    assert seen.trained_on([("a title", "a  body"), ("A body", "A title"), ("", "only a body")]) == [True, False, True]


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "seen.npz"
    TrainingFingerprints.of(rows("one", "two", "One"), rows("three")).save(path)
    seen = TrainingFingerprints.load(path)
    assert (len(seen.train), len(seen.validation)) == (2, 1)
    assert seen.trained_on(["two", "three"]) == [True, False]


def test_thousands_of_rows_are_all_known() -> None:
    texts = [f"text {i}" for i in range(2500)]
    seen = TrainingFingerprints.of(rows(*texts), rows("other"))
    assert all(seen.trained_on(texts))
    assert not any(seen.trained_on([text + "." for text in texts]))


def test_arrays_of_another_kind_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "seen.npz", train=np.zeros(3), validation=np.zeros(0, dtype=np.uint64))
    with pytest.raises(ValueError, match="unexpected type or shape"):
        TrainingFingerprints.load(tmp_path / "seen.npz")
