import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from conftest import examples
from imdb_sentiment.data import near_duplicates
from imdb_sentiment.data.inspection import number_equal
from imdb_sentiment.data.near_duplicates import NEAR_THRESHOLD, MinHashIndex
from imdb_sentiment.errors import MissingExtraError

VOWELS, CONSONANTS = "aeiou", "bcdfgklmnprstvz"


def make_words(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    syllables = [consonant + vowel for consonant in CONSONANTS for vowel in VOWELS]
    return ["".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(count)]


WORDS = make_words(600, seed=3)


def make_text(length: int, seed: int) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=length))


def altered(text: str, share: float, seed: int) -> str:
    rng = random.Random(seed)
    words = text.split()
    for place in rng.sample(range(len(words)), round(share * len(words))):
        words[place] = rng.choice(WORDS)
    return " ".join(words)


@cache
def shingles(text: str) -> frozenset[str]:
    return frozenset(text[i : i + 5] for i in range(max(1, len(text) - 4)))


def jaccard(one: str, other: str) -> float:
    shared = len(shingles(one) & shingles(other))
    return shared / (len(shingles(one)) + len(shingles(other)) - shared)


def numbers_of(texts: Sequence[str]) -> NDArray[np.int64]:
    digests = [hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
    return number_equal(np.frombuffer(b"".join(digests), np.uint64).reshape(-1, 2))


class Fetched:
    """Gives texts back, and counts them."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.count = 0

    def __call__(self, rows: NDArray[np.int64]) -> list[str]:
        self.count += len(rows)
        return [self.texts[row] for row in rows.tolist()]


def pairs_of(texts: Sequence[str], batch: int = 1000) -> NDArray[np.int64]:
    with MinHashIndex() as index:
        for start in range(0, len(texts), batch):
            index.add(texts[start : start + batch])
        return index.pairs(numbers_of(texts), Fetched(texts))


def components(texts: Sequence[str], pairs: Sequence[Sequence[int]] | NDArray[np.int64]) -> set[frozenset[str]]:
    """Groups of more than one text; equal texts are one."""
    groups = {text: frozenset([text]) for text in texts}
    for left, right in pairs:
        joined = groups[texts[left]] | groups[texts[right]]
        groups.update(dict.fromkeys(joined, joined))
    return {group for group in groups.values() if len(group) > 1}


def near_groups(texts: Sequence[str], batch: int = 1000) -> set[frozenset[str]]:
    return components(texts, pairs_of(texts, batch))


def test_a_long_text_with_one_word_in_twenty_changed_is_found() -> None:
    originals = [make_text(200, seed) for seed in range(40)]
    changed = [altered(text, 0.05, seed) for seed, text in enumerate(originals)]
    assert near_groups(originals + changed) == {frozenset(pair) for pair in zip(originals, changed, strict=True)}


def test_a_text_with_three_words_in_ten_changed_is_another_one() -> None:
    originals = [make_text(200, seed) for seed in range(40)]
    assert not near_groups([*originals, *(altered(text, 0.3, seed) for seed, text in enumerate(originals))])


def test_the_threshold_is_exact() -> None:
    # no character occurs twice, so a text of n characters is n - 4 shingles
    short, long = "abcdefghijklmnopqrstu", "abcdefghijklmnopqrstuvwxyz012345"
    at, below = short[:-3] + "ABC", long[:-5] + "ABCDE"
    assert jaccard(short, at) == 14 / 20 == NEAR_THRESHOLD
    assert jaccard(long, below) == 23 / 33 < NEAR_THRESHOLD
    texts = [short, at, long, below]
    pairs = np.array([[0, 2], [1, 3]])
    assert near_duplicates._similarities(texts, *pairs).tolist() == [14 / 20, 23 / 33]
    assert near_duplicates._are_near(pairs, np.array([21, 21, 32, 32], np.int32), Fetched(texts)).tolist() == [
        True,
        False,
    ]


def test_no_pair_below_the_threshold_is_joined() -> None:
    text = make_text(150, seed=1)
    words = text.split()
    family = [text, *(" ".join(words[k:] + make_text(k, seed=k).split()) for k in range(5, 60))]
    pairs = pairs_of(family)
    similarities = [jaccard(family[left], family[right]) for left, right in pairs]
    assert min(similarities) >= NEAR_THRESHOLD
    others = [jaccard(text, other) for other in family[1:]]
    assert min(others) < NEAR_THRESHOLD - 0.1 < NEAR_THRESHOLD + 0.1 < max(others)


def test_similarities_are_those_of_sets_of_characters() -> None:
    texts = ["", "a", "a\0", "ab", "abcde", "abcdeabcde", "été à la plage", "ete a la plage", "x" * 50, "x" * 5]
    pairs = np.array(list(combinations(range(len(texts)), 2))).T
    expected = [jaccard(texts[left], texts[right]) for left, right in pairs.T]
    assert near_duplicates._similarities(texts, *pairs) == pytest.approx(expected)


def test_the_groups_are_those_of_comparing_every_pair() -> None:
    texts = []
    for family in range(15):
        text = make_text(120, seed=family)
        texts += [text, *(altered(text, 0.02, seed=100 * family + i) for i in range(family % 5)), altered(text, 0.5, 7)]
    similarities = {(i, j): jaccard(texts[i], texts[j]) for i, j in combinations(range(len(texts)), 2)}
    assert len(texts) == 60
    assert not [pair for pair, similarity in similarities.items() if 0.6 < similarity < 0.8]
    similar = [pair for pair, similarity in similarities.items() if similarity >= NEAR_THRESHOLD]
    assert near_groups(texts) == components(texts, similar) != set()


FAMILY = [altered(make_text(60, seed=k // 8), 0.12 * (k % 8) / 8, seed=k) for k in range(48)]


@settings(max_examples=examples(25), deadline=None)
@given(st.lists(st.sampled_from([*FAMILY, "", "ok", "okay"]), max_size=60), st.data())
def test_neither_the_order_of_rows_nor_batches_nor_copies_matter(texts: list[str], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(texts))
    batch = data.draw(st.integers(1, 70))
    assert near_groups(texts) == near_groups(shuffled, batch) == near_groups([*texts, *shuffled], batch)


@settings(max_examples=examples(25), deadline=None)
@given(st.lists(st.text(max_size=12), max_size=30), st.randoms(use_true_random=False))
def test_any_characters_may_occur(texts: list[str], rng: random.Random) -> None:
    pairs = pairs_of(texts)
    assert all(jaccard(texts[left], texts[right]) >= NEAR_THRESHOLD for left, right in pairs)
    shuffled = rng.sample(texts, len(texts))
    assert near_groups(shuffled) == components(texts, pairs)


@pytest.mark.parametrize("texts", [[], [""], ["one"], ["", ""], ["no", "on"], ["good", "goods"], ["", "a", "ab"]])
def test_few_and_short_texts_are_no_near_duplicates(texts: list[str]) -> None:
    pairs = pairs_of(texts)
    assert pairs.shape == (0, 2)
    assert pairs.dtype == np.int64


def test_equal_keys_count_once() -> None:
    text = make_text(100, seed=5)
    changed = altered(text, 0.03, seed=5)
    pairs = pairs_of([text, text, changed, text, changed])
    assert sorted(map(sorted, pairs.tolist())) == [[0, 2]]


@pytest.mark.parametrize(
    "alphabet",
    ["😀🎬🍿👎🏽😴🎭🎞️🤖", "אבגדהוזחטיכלמנסעפצקרשת", "ابتثجحخدذرزسشصضطظعغفقكلمنهوي", "ab\0cd\x01e", "𝒶𝒷𝒸𝒹𝓪𝓫𝓬𐍈𐍉"],
)
def test_every_script_is_compared_by_character(alphabet: str) -> None:
    rng = random.Random(2)
    text = "".join(rng.choices(alphabet, k=400))
    changed = text[:200] + "#" + text[201:]
    other = "".join(rng.choices(alphabet, k=400))[::-1] if len(set(alphabet)) > 8 else "z" * 400
    assert near_groups([text, changed, other]) == {frozenset([text, changed])}


def test_a_surrogate_on_its_own_is_a_character() -> None:
    text = make_text(50, seed=9)
    assert near_groups([text, text[:100] + "\ud800" + text[101:]])


def test_hashes_are_the_same_everywhere() -> None:
    def mixed(codes: Sequence[int]) -> int:
        value = 0
        for code in codes:
            value = (value * 0x9E3779B97F4A7C15 + code) % 2**64
        value = (value ^ value >> 32) * 0xD6E8FEB86659FD93 % 2**64
        return value ^ value >> 32

    text = "héllo 😀"
    hashes, offsets = near_duplicates._shingle_hashes(["abc", text])
    assert offsets.tolist() == [0, 5, 12]
    assert hashes[:5].tolist() == [mixed([97, 98, 99, 0, 0x110003])] * 5
    expected = [mixed([ord(character) for character in text[i : i + 5]]) for i in range(3)]
    assert hashes[5:].tolist() == [*expected, *[expected[-1]] * 4]


def test_a_signature_does_not_depend_on_its_batch_or_on_threads() -> None:
    program = """
import hashlib, random
from imdb_sentiment.data.near_duplicates import MinHashIndex
rng = random.Random(4)
texts = ["".join(rng.choices("abcdefghij ", k=rng.randint(0, 3000))) for _ in range(700)]
for size in (1, 57, 700):
    with MinHashIndex() as index:
        for start in range(0, len(texts), size):
            index.add(texts[start : start + size])
        print(hashlib.sha256(b"".join(index._read_band(band).tobytes() for band in range(25))).hexdigest())
"""
    digests = set()
    for threads in ("1", "4"):
        environment = {**os.environ, "RAYON_NUM_THREADS": threads}
        run = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        digests.update(run.stdout.split())
    assert len(digests) == 1


def test_many_copies_of_a_template_are_joined_in_linear_time() -> None:
    text = make_text(40, seed=8)
    texts = [f"{text} {number:04d}" for number in range(3000)]
    fetched = Fetched(texts)
    with MinHashIndex() as index:
        index.add(texts)
        pairs = index.pairs(numbers_of(texts), fetched)
    assert components(texts, pairs) == {frozenset(texts)}
    assert fetched.count < 3 * len(texts)


def test_a_bucket_of_some_is_compared_in_full_and_a_large_one_by_two_each() -> None:
    for size, expected in ((2, 1), (20, 190), (21, 20 + 19)):
        hashes = np.array([5, *[7] * size, 3], np.uint64)
        pairs = [pair for left, right in near_duplicates._candidates(hashes) for pair in zip(left, right, strict=True)]
        assert len(pairs) == len(set(pairs)) == expected
        assert all(1 <= left < right <= size for left, right in pairs)


def test_more_texts_than_fit_in_memory_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [altered(make_text(60, seed=k // 3), 0.02, seed=k) for k in range(900)]
    expected = near_groups(texts)
    for name in ("_SPOOL_BYTES", "_SKETCH_BLOCK", "_SLICE_PAIRS", "_EXACT_PAIRS"):
        monkeypatch.setattr(near_duplicates, name, 3)
    monkeypatch.setattr(near_duplicates, "_EXACT_CHARS", 1000)
    assert near_groups(texts, batch=50) == expected
    assert len(expected) == 300


def test_rows_must_match_the_texts() -> None:
    with MinHashIndex() as index:
        index.add(["one", "two"])
        with pytest.raises(ValueError, match="2 texts were added"):
            index.pairs(numbers_of(["one"]), Fetched(["one"]))


def test_without_rensa_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rensa", None)
    with pytest.raises(MissingExtraError, match="needs the package rensa") as caught:
        MinHashIndex()
    assert caught.value.hint is not None
    assert "imdb-sentiment[audit]" in caught.value.hint
    assert "DataConfig(near_duplicates='ignore')" in caught.value.hint


def test_a_long_text_in_parts_has_the_signature_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(1)
    texts = ["".join(generator.choice(list("abc de"), size)) for size in (0, 3, 5, 99, 100, 101, 104, 105, 3000)]
    with MinHashIndex() as index:
        whole = index._signatures(texts)
        monkeypatch.setattr(near_duplicates, "_PART_CHARS", 100)
        assert (index._signatures(texts) == whole).all()
