"""The words of texts are kept as hashes, and a damaged file is noticed."""

from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

from imdb_sentiment.data.word_counts import HASHING, hash_words
from imdb_sentiment.data.word_sets import WordSets, beginning_words, sample_rows
from imdb_sentiment.runtime.arrays import save_arrays


def test_a_text_has_each_of_its_words_once_whatever_their_order_and_case() -> None:
    one, other = WordSets.of(["Good film, good<br />FILM"]), WordSets.of(["film good"])
    assert one.buckets.tolist() == other.buckets.tolist() == sorted(hash_words(["good", "film"]).tolist())
    assert one.lengths.tolist() == [2]


def test_only_the_beginning_of_a_long_text_is_read() -> None:
    assert beginning_words("word " * 1000 + "end") == ["word"]
    assert WordSets.of(["a1 " * 3000]).lengths.tolist() == [1]


def test_pairs_are_joined_and_texts_without_words_stay() -> None:
    sets = WordSets.of([("good", "film"), ("!", "")])
    assert sets.lengths.tolist() == [2, 0]
    assert sets.matrix().sum(axis=1).tolist() == [2, 0]
    assert WordSets.of([]).lengths.tolist() == []


def test_two_sets_are_joined() -> None:
    both = WordSets.of(["good film"]).joined(WordSets.of(["dull"]))
    assert both.lengths.tolist() == [2, 1]
    assert both.matrix().toarray()[1].nonzero()[0].tolist() == hash_words(["dull"]).tolist()


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    sets = WordSets.of(["good film", "dull"])
    sets.save(tmp_path / "words.npz")
    again = WordSets.load(tmp_path / "words.npz")
    assert [part.tolist() for part in again] == [part.tolist() for part in sets]


@pytest.mark.parametrize(
    ("buckets", "lengths", "hashing"), [([1], [2], HASHING), ([2**20], [1], HASHING), ([1], [1], HASHING + 1)]
)
def test_what_was_never_written_is_refused(
    buckets: list[int], lengths: list[int], hashing: int, tmp_path: Path
) -> None:
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "buckets": np.array(buckets, dtype=np.uint32),
        "lengths": np.array(lengths, dtype=np.uint16),
        "hashing": np.array(hashing, dtype=np.int64),
    }
    save_arrays(tmp_path / "words.npz", arrays)
    with pytest.raises(ValueError, match=r"do not belong|another version"):
        WordSets.load(tmp_path / "words.npz")


def test_a_sample_is_bounded_and_the_same_each_time() -> None:
    rows = datasets.Dataset.from_dict({"text": [f"word{i}" for i in range(2500)], "label": [0] * 2500})
    first, again = WordSets.of_sample(rows), WordSets.of_sample(rows)
    assert len(first.lengths) == 2000
    assert first.buckets.tolist() == again.buckets.tolist()
    assert sample_rows(5, seed=1) == [0, 1, 2, 3, 4]
    assert sample_rows(50, seed=1, most=5) == sorted(set(sample_rows(50, seed=1, most=5)))
    pairs = datasets.Dataset.from_dict({"text": ["good"], "text_pair": ["film"]})
    assert WordSets.of_sample(pairs).lengths.tolist() == [2]
