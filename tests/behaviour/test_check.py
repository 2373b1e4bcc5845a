"""Covers behaviour/cases.py, behaviour/counting.py, behaviour/templates.py and results/behaviour.py.

The checks find what they are made to find.
"""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from imdb_sentiment import ConfigError, DataError, check_behaviour
from imdb_sentiment.behaviour.changes import CHANGES
from imdb_sentiment.behaviour.templates import LANGUAGES
from imdb_sentiment.results import BehaviourReport

GOOD = {word for words in LANGUAGES.values() for word in words.good}
BAD = {word for words in LANGUAGES.values() for word in words.bad}


class Words:
    """Classifies by a list of words, and by a denial if it reads them."""

    threshold = 0.5

    def __init__(
        self, labels: tuple[str, str] = ("negative", "positive"), *, denials: bool = True, cased: bool = False
    ) -> None:
        self.labels, self.denials, self.cased = labels, denials, cased

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float32]:
        positive = np.array([self._score(text) for text in texts])
        return np.column_stack((1 - positive, positive)).astype(np.float32)

    def _score(self, text: str) -> float:
        words = (text if self.cased else text.lower()).replace(".", " ").split()
        score = sum(word in GOOD for word in words) - sum(word in BAD for word in words)
        if self.denials and {"not", "não"} & {word.lower() for word in words}:
            score = -score
        return 0.5 + 0.4 * np.sign(score) if score else 0.4


def rates(report: BehaviourReport) -> dict[str, float]:
    return {check.name: check.rate for check in report.checks}


@pytest.mark.parametrize("language", ["en", "pt"])
def test_a_model_that_reads_denials_passes_and_one_that_does_not_fails(language: str) -> None:
    reads, ignores = (rates(check_behaviour(Words(denials=denials), language=language)) for denials in (True, False))
    assert {name: reads[name] for name in ("plain praise", "plain blame", "denied praise", "denied blame")} == {
        "plain praise": 0,
        "plain blame": 0,
        "denied praise": 0,
        "denied blame": 0,
    }
    assert (ignores["plain praise"], ignores["denied praise"], ignores["denied blame"]) == (0, 1, 1)
    for name in ("other person", "other place", "other number", "irrelevant sentence after", "lower case"):
        assert reads[name] == 0


def test_a_model_that_reads_capitals_only_fails_where_the_case_changes() -> None:
    found = rates(check_behaviour(Words(cased=True), ["The food was good.", "A good phone."]))
    assert found["upper case"] == 1
    assert found["lower case"] == 0


def test_the_report_has_counts_intervals_and_the_failures() -> None:
    report = check_behaviour(Words(denials=False))
    check = next(check for check in report.checks if check.name == "denied praise")
    assert (check.cases, check.failures, check.expected) == (60, 60, "negative")
    assert check.interval.low == pytest.approx(0.025 ** (1 / 60))  # Clopper and Pearson, of 60 failures in 60
    assert len(check.examples) == 5
    assert all(example.changed_label == "positive" for example in check.examples)
    printed = str(report)
    assert "denied praise" in printed
    assert max(map(len, printed.splitlines())) <= 80
    assert report.to_frame()["failures"].tolist() == [check.failures for check in report.checks]


def test_other_tasks_have_only_changes_that_should_not_matter_and_need_texts() -> None:
    spam = Words(("ham", "spam"))
    with pytest.raises(ConfigError, match="no sentences for the labels 'ham' and 'spam'"):
        check_behaviour(spam)
    report = check_behaviour(spam, ["You have won a prize", "See you at noon"])
    assert {check.expected for check in report.checks} == {"same"}


def test_at_most_two_hundred_texts_are_drawn_the_same_each_time() -> None:
    texts = [f"This is the good text number {i}." for i in range(500)]
    first, again = (check_behaviour(Words(), texts) for _ in range(2))
    assert (first.texts, first) == (200, again)


@pytest.mark.parametrize(
    ("texts", "match"),
    [
        ([], "no text to change"),
        (["good", " "], "not blank"),
        (["good", None], r"not blank\n  found:    1 row \(2\)"),
        ("good", "a list of texts"),
    ],
)
def test_what_cannot_be_changed_is_refused(texts: list[str], match: str) -> None:
    with pytest.raises(DataError, match=match):
        check_behaviour(Words(), texts)


def test_in_another_language_nothing_is_added_and_that_is_said() -> None:
    report = check_behaviour(Words(), ["Das ist good", "Das ist bad"], language=None)
    assert [check.name for check in report.checks] == ["misspelled word", *list(CHANGES)[1:]][-len(report.checks) :]
    assert {check.expected for check in report.checks} == {"same"}
    assert [what.partition(",")[0] for what in report.not_checked] == [
        "praise",
        "added sentences and other names",
    ]
    assert str(report).count("not checked: ") == 2
    with pytest.raises(ConfigError, match="no sentences for another language"):
        check_behaviour(Words(), language=None)


def test_weaknesses_are_told_in_words_the_worst_first() -> None:
    weak, sound = check_behaviour(Words(denials=False)), check_behaviour(Words())
    assert [check.name for check in weak.weaknesses()][:2] == ["denied praise", "denied blame"]
    assert weak.conclusions()[0] == (
        'Praise that is denied ("not good") is not called negative in 100.0% of 60 cases (94.0% to 100.0%).'
    )
    assert "misspelled word" in {check.name for check in sound.weaknesses()}  # it knows whole words only
    fine = replace(sound, checks=sound.checks[:4])
    assert fine.conclusions() == ["No kind of change makes it fail in more than 5% of the cases, beyond chance."]


def test_texts_that_were_given_can_be_left_out_and_those_of_the_library_stay() -> None:
    texts = ["A truly impressive story", "What a terrible phone"]
    given, own = check_behaviour(Words(cased=True), texts), check_behaviour(Words(cased=True))
    assert any(check.examples for check in given.checks)
    assert not any(check.examples for check in given.without_given_texts().checks)
    assert own.without_given_texts() == own


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ConfigError, match="language='de' is not known"):
        check_behaviour(Words(), language="de")


@given(st.text(min_size=1, max_size=80), st.integers(0, 10))
def test_a_misspelling_keeps_the_letters_and_the_end_changes_alone(text: str, seed: int) -> None:
    misspelled = CHANGES["misspelled word"](text, Random(seed))
    assert sorted(misspelled) == sorted(text)
    assert CHANGES["punctuation at the end"](text, Random(seed)).rstrip(".") in text
