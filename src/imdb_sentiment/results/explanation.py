"""What each word of a text contributed to its label."""

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imdb_sentiment.messages import visible
from imdb_sentiment.results.plain import to_plain
from imdb_sentiment.text_table import format_table

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["Explanation", "WordContribution"]

_SHOWN = 10
_DEEPEST = 0.4
"""Opacity of the strongest word's ground, on which black and white letters can still be read."""

_FAINT, _STRONG = 0.05, 0.5
"""Shares of the strongest word's score."""

_COLOURS = ("214, 69, 65", "38, 133, 84")
"""Red and green, as CSS writes them, for the negative and the positive label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordContribution:
    """What a word contributed."""

    word: str

    start: int
    """Position of its first character in its text."""

    end: int
    """Position after its last character."""

    part: int
    """0, or 1 in the second text of a pair."""

    score: float
    """What it adds to the logit of the positive label less that of the negative one; below 0 it speaks for the negative
    label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a model gave a text its label, word by word.

    The scores of all words, and of what is no word, add up to the difference between the text's logits and those of a
    text of the same length without words.
    """

    texts: tuple[str, ...]
    """The text, or the two of a pair."""

    labels: tuple[str, str]
    """Names of the negative and of the positive label."""

    label: str
    """The predicted label."""

    score: float
    """Probability of `label`."""

    words: tuple[WordContribution, ...]
    """The words that the model read, in their order; those that were cut from a long text are not among them."""

    completeness_error: float
    """By how much the scores miss what they should add up to, as a share of it."""

    steps: int
    """Points on the way from no words to the text at which gradients were taken."""

    def top(self, count: int = _SHOWN) -> tuple[WordContribution, ...]:
        """Return the words that spoke for the label most, the first the strongest."""
        sign = 1 if self.label == self.labels[1] else -1
        return tuple(sorted(self.words, key=lambda word: -sign * word.score)[:count])

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as plain JSON types."""
        return to_plain(self)

    def to_html(self) -> str:
        """Return the text as HTML, escaped, with each word on a ground of its label's colour."""
        parts = []
        for part, text in enumerate(self.texts):
            done, pieces = 0, []
            for word in self._of(part):
                strength = self._strength(word)
                shade = f"rgba({_COLOURS[word.score > 0]}, {_DEEPEST * abs(strength):.2f})"
                inner = html.escape(text[word.start : word.end])
                pieces.append(html.escape(text[done : word.start]))
                pieces.append(f'<mark style="background: {shade}" title="{word.score:+.3f}">{inner}</mark>')
                done = word.end
            parts.append("".join([*pieces, html.escape(text[done:])]))
        return visible(f'<div class="explanation">{"<br>".join(parts)}</div>')

    def __rich__(self) -> "Text":
        """Return the text for a terminal: green words speak for the positive label, red ones for the negative."""
        from rich.text import Text

        whole = Text()
        for part, text in enumerate(self.texts):
            whole.append("\n" if part else "")
            done = 0
            for word in self._of(part):
                strength = self._strength(word)
                style = "bold " if abs(strength) > _STRONG else ""
                red, green, blue = _COLOURS[word.score > 0].split(", ")
                whole.append(visible(text[done : word.start]))
                whole.append(
                    visible(text[word.start : word.end]),
                    f"{style}rgb({red},{green},{blue})" if abs(strength) > _FAINT else None,
                )
                done = word.end
            whole.append(visible(text[done:]))
        return whole

    def __str__(self) -> str:
        table = [["word", f"speaks for {self.label}"]]
        sign = 1 if self.label == self.labels[1] else -1
        table += [[word.word, f"{sign * word.score:+.3f}"] for word in self.top()]
        lines = [f"{self.label} {self.score:.3f}", *format_table(table)]
        return visible("\n".join([*lines, f"the scores miss their sum by {100 * self.completeness_error:.1f} %"]))

    def _of(self, part: int) -> list[WordContribution]:
        return [word for word in self.words if word.part == part]

    def _strength(self, word: WordContribution) -> float:
        """Return the word's score as a share of the strongest."""
        strongest = max(abs(other.score) for other in self.words)
        return word.score / strongest if strongest else 0.0
