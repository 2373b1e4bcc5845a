"""The check of behaviour that a report has: a bounded number of texts, and what could not be checked."""

from collections.abc import Sequence

from imdb_sentiment.behaviour.cases import plain_opinions
from imdb_sentiment.behaviour.counting import Score, check_texts
from imdb_sentiment.behaviour.language import language_of
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
    opinions = plain_opinions(labels, language)
    changed = opinions or [text for text in single if _is_short(text)]
    if not changed:
        too_long = (
            f"no text has at most {_MAX_CHARACTERS} characters; check_behaviour(classifier, texts) takes longer ones"
        )
        return BehaviourReport(labels=labels, language=language, not_checked=(too_long,))
    return check_texts(
        changed,
        score,
        labels=labels,
        threshold=threshold,
        language=language,
        of_library=bool(opinions),
        most=_MAX_TEXTS,
        seed=0,
    )


def _is_short(text: str) -> bool:
    return bool(text.strip()) and len(text) <= _MAX_CHARACTERS
