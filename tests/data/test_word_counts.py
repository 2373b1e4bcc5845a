"""Words and pairs of words are counted as scikit-learn counts them, and hashed the same everywhere."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from imdb_sentiment.data import word_counts
from imdb_sentiment.data.word_counts import BUCKETS, count_words, find_words, hash_words

texts = st.lists(st.text(st.sampled_from("aàbB9_ .'\n\ud800界") | st.characters(), max_size=30), min_size=1, max_size=8)


def counted(text: str, *, cleans: bool = False) -> Counter[int]:
    """Return how often each place occurs in a text."""
    (chunk,) = count_words([text], cleans=cleans)
    return Counter(dict(zip(chunk.buckets.tolist(), chunk.counts.tolist(), strict=True)))


def place_of(words: str) -> Counter[int]:
    """Return where a word, or a pair of words, is hashed to."""
    alone = sum((counted(word) for word in words.split(" ")), Counter[int]())
    place = counted(words) - alone if " " in words else alone
    assert place.total() == 1
    return place


@given(texts)
def test_what_is_counted_is_what_scikit_learn_counts(texts: list[str]) -> None:
    analyze = CountVectorizer(ngram_range=(1, 2)).build_analyzer()
    for text in texts:
        assert counted(text) == sum((place_of(words) for words in analyze(text)), Counter[int]())


@given(texts)
def test_a_text_is_counted_alike_in_any_company(texts: list[str]) -> None:
    (together,) = count_words(texts, cleans=False)
    for number, text in enumerate(texts):
        mine = together.rows == number
        assert dict(zip(together.buckets[mine].tolist(), together.counts[mine].tolist(), strict=True)) == counted(text)


def test_places_are_the_same_on_every_machine() -> None:
    assert counted("Good film, good FILM") == {164143: 2, 289687: 1, 752119: 2, 1004706: 2}


def test_order_tells_pairs_apart() -> None:
    one, other = counted("not good"), counted("good not")
    assert len(one & other) == 2
    assert len(one | other) == 4


def test_a_pair_is_one_text_and_words_are_cleaned() -> None:
    (raw,), (cleaned,) = (list(count_words([("so<br />dull", "film")], cleans=cleans)) for cleans in (False, True))
    assert (raw.texts, len(raw.buckets), len(cleaned.buckets)) == (1, 7, 5)


def test_words_share_places_no_more_than_by_chance() -> None:
    words = [f"word{number}" for number in range(3000)]
    (chunk,) = count_words([" ".join(words)], cleans=False)
    expected = BUCKETS * (1 - (1 - 1 / BUCKETS) ** 5999)
    assert len(np.unique(chunk.buckets)) == pytest.approx(expected, abs=25)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_counts, "_MAX_CACHED", 2)
    before = counted("one two three")
    counted("four five")
    assert set(word_counts._hashes) == {"four", "five"}
    assert counted("one two three") == before


@given(texts)
def test_single_words_are_hashed_to_where_they_are_counted(texts: list[str]) -> None:
    for text in texts:
        for word, bucket in zip(find_words(text), hash_words(find_words(text)).tolist(), strict=True):
            assert [*counted(word)] == [bucket]
