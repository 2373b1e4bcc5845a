"""What models hand back for texts and files."""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from imdb_sentiment.errors import count_rows
from imdb_sentiment.results.base import record_to_dict
from imdb_sentiment.results.text_table import format_table
from imdb_sentiment.runtime.messages import list_counts, visible

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["Explanation", "ExportReport", "FileReport", "Prediction", "WordContribution"]

_SHOWN = 10

_DEEPEST = 0.4
"""Opacity of the strongest word's ground, on which black and white letters can still be read."""

_FAINT, _STRONG = 0.05, 0.5
"""Shares of the strongest word's score."""

_COLOURS = ("214, 69, 65", "38, 133, 84")
"""Red and green, as CSS writes them, for the negative and the positive label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the classifier says of one text."""

    label: str
    """Name of the predicted label, as the training data spell it: the positive one if its probability is above the
    model's threshold, which is 0.5 unless another was chosen."""

    score: float
    """Probability of `label`; below 0.5 only where the threshold is not 0.5."""

    probabilities: Mapping[str, float]
    """Probability of each label; they add up to 1."""

    truncated: bool
    """Whether the text was longer than the model reads, so that part of it was not seen."""

    abstained: bool = False
    """Whether `score` is below the `abstain_below` of `predict`; `label` is then no more than a guess."""

    answered_by: Literal["encoder", "words"] = "encoder"
    """`words` if the quick model of a cascade was sure enough, so that the encoder did not read the text."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON types."""
        return record_to_dict(self)


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
        return record_to_dict(self)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What came of the rows of a file, or of several files together."""

    rows: int
    """How many rows were written."""

    labels: Mapping[str, int]
    """How many of them got each label."""

    not_scored: Mapping[str, int]
    """How many got none, by the reason."""

    answered_by_words: int | None
    """How many of the labels the quick model of a cascade gave; None without a cascade."""

    scored_before: int
    """How many of the rows an earlier run had done, which did not come to its end."""

    notes: tuple[str, ...]
    """What else a reader should know."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return record_to_dict(self)

    def __str__(self) -> str:
        counts = list_counts(self.labels)
        lines = [f"{count_rows(self.rows)}: {counts}"]
        lines += [f"{rows:,} without a label: {reason}" for reason, rows in self.not_scored.items()]
        if self.answered_by_words is not None:
            share = self.answered_by_words / max(sum(self.labels.values()), 1)
            lines.append(f"{share:.0%} of the labels were given by the quick model, the rest by the encoder")
        if self.scored_before:
            lines.append(f"{self.scored_before:,} of them were done by an earlier run")
        return visible("\n".join([*lines, *(f"note: {note}" for note in self.notes)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """How near an exported model comes to the one it was made from, measured on texts."""

    format: Literal["onnx"]

    quantize: Literal["int8"] | None
    """What weights were rounded to; None if they are as they were."""

    runtime: Literal["onnxruntime", "openvino"]
    """What computed the exported model: the one that opens it on this machine."""

    texts: int
    """How many texts were compared."""

    same_labels: float
    """Share of the texts that both call the same."""

    largest_difference: float
    """Largest difference of a positive probability."""

    accuracy: tuple[float, float] | None
    """Accuracy before and after; None where no labels were given."""

    megabytes: tuple[float, float]
    """Size of the weights before, and of the graph with its weights after."""

    def flipped_warning(self, read_as: Mapping[str, str]) -> str | None:
        """Say if the labels are probably flipped; `read_as` has the model's name for each that is spelled otherwise."""
        from imdb_sentiment.results.comparison import flipped_warning

        return flipped_warning(read_as, accuracy=self.accuracy[0], rows=self.texts) if self.accuracy else None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return record_to_dict(self)

    def __str__(self) -> str:
        rows = [
            ["texts compared", f"{self.texts:,}"],
            ["same label", f"{self.same_labels:.2%}"],
            ["largest difference of a probability", f"{self.largest_difference:.5f}"],
            ["computed with", {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}[self.runtime]],
            ["size", "{:.1f} MB before, {:.1f} MB after".format(*self.megabytes)],
        ]
        if self.accuracy:
            rows.insert(3, ["accuracy", "{:.4f} before, {:.4f} after".format(*self.accuracy)])
        return "\n".join(format_table(rows))
