"""The check of behaviour that a report has: a bounded number of texts, and what could not be checked."""

from collections.abc import Sequence
from random import Random

from imdb_sentiment.behaviour.cases import invariances, is_sentiment, negations, not_checked, plain_opinions
from imdb_sentiment.behaviour.counting import Score, count_failures
from imdb_sentiment.behaviour.language import language_of
from imdb_sentiment.behaviour.templates import LANGUAGES
from imdb_sentiment.results.behaviour import BehaviourReport

__all__ = ["behaviour_for_report"]

_MAX_TEXTS = 30
"""Some 600 short texts are scored for a model of sentiment: a few seconds with MiniLM on two cores."""

_MAX_CHARACTERS = 300
"""Each text is scored a dozen times, so that long ones would take longer than the evaluation itself."""


def behaviour_for_report(
    texts: Sequence[str] | Sequence[tuple[str, str]], score: Score, *, labels: tuple[str, str], threshold: float
) -> BehaviourReport:
    """Check what a model does with changed texts, as far as its task and the language of its texts allow.

    The opinions that come with the library are changed if the labels are negative and positive, and else a few of the
    evaluated texts. Labels of rows are not used.

    Args:
        texts: The evaluated texts, or pairs.
        score: Scores n texts.
        labels: Names of the negative and of the positive label.
        threshold: Texts whose positive probability is above it are called positive.
    """
    single = [text for text in texts if isinstance(text, str)]
    if not single:
        return BehaviourReport(labels=labels, language=None, not_checked=("pairs of texts are not changed",))
    language = language_of(single)
    words = LANGUAGES.get(language or "")
    sentiment = is_sentiment(labels) and words is not None
    changed = plain_opinions(words) if words and sentiment else [text for text in single if _is_short(text)]
    drawn = Random(0).sample(changed, min(len(changed), _MAX_TEXTS))  # noqa: S311 - a sample, no secret
    cases = [*(negations(words) if words and sentiment else ()), *invariances(drawn, words, seed=0)]
    too_long = f"no text has at most {_MAX_CHARACTERS} characters; check_behaviour(classifier, texts) takes longer ones"
    return BehaviourReport(
        labels=labels,
        texts=len(drawn),
        language=language,
        of_library=sentiment,
        not_checked=not_checked(labels, words) if drawn else (too_long,),
        checks=count_failures(cases, score, labels=labels, threshold=threshold) if cases else (),
    )


def _is_short(text: str) -> bool:
    return bool(text.strip()) and len(text) <= _MAX_CHARACTERS
