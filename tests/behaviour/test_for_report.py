"""What a report checks: as much as the task and the language allow, at little cost."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from imdb_sentiment.behaviour.for_report import behaviour_for_report

SENTIMENT, SPAM = ("negative", "positive"), ("ham", "spam")
ENGLISH = ["You have won a prize, and it is free.", "See you at the station.", "The invoice is attached to this."]
GERMAN = ["Das ist ein wunderbarer Abend.", "Wir sehen uns morgen früh.", "Ein schlechter Scherz."]


class Scorer:
    """Scores texts by their length, and keeps what it scored."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        self.texts += texts
        return np.array([len(text) % 7 / 7 for text in texts])


@pytest.mark.parametrize(
    ("texts", "labels", "names", "missing"),
    [
        (ENGLISH, SENTIMENT, ("plain praise", "misspelled word", "other number"), ()),
        (["O filme não é bom.", "Um livro muito bom."], ("negativo", "positivo"), ("denied blame", "other place"), ()),
        (ENGLISH, SPAM, ("misspelled word", "irrelevant sentence after"), ("praise",)),
        (GERMAN, SENTIMENT, ("misspelled word", "upper case"), ("praise", "added sentences")),
        (GERMAN, SPAM, ("misspelled word", "upper case"), ("praise", "added sentences")),
    ],
)
def test_what_is_checked(
    texts: list[str], labels: tuple[str, str], names: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    scorer = Scorer()
    report = behaviour_for_report(texts, scorer, labels=labels, threshold=0.5)
    checked = {check.name for check in report.checks}
    assert set(names) <= checked
    assert ("plain praise" in checked) == report.of_library == (missing == ())
    assert len(report.not_checked) == len(missing)
    assert all(said.startswith(start) for said, start in zip(report.not_checked, missing, strict=True))
    assert set(texts).isdisjoint(scorer.texts) == report.of_library


def test_long_texts_and_most_of_many_are_not_scored() -> None:
    scorer = Scorer()
    texts = [f"The message number {i} is not for you." for i in range(500)] + ["It is the end. " * 50]
    report = behaviour_for_report(texts, scorer, labels=SPAM, threshold=0.5)
    assert report.texts == 30
    assert len(scorer.texts) == len(set(scorer.texts)) < 600
    assert max(map(len, scorer.texts)) < 500


def test_where_nothing_can_be_changed_that_is_said() -> None:
    scorer = Scorer()
    pairs = behaviour_for_report([("a title", "a body")], scorer, labels=SENTIMENT, threshold=0.5)
    assert pairs.conclusions() == ["Not checked: pairs of texts are not changed."]
    long = behaviour_for_report(["It is the end. " * 50], scorer, labels=SPAM, threshold=0.5)
    assert "at most 300 characters" in str(long)
    assert (pairs.checks, long.checks, scorer.texts) == ((), (), [])
    assert "Behaviour" in pairs._repr_html_()
    assert pairs.to_frame().empty
