"""Results of inference on texts and files."""

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from imdb_sentiment.errors import count_rows
from imdb_sentiment.results.base import Record
from imdb_sentiment.results.tables import format_table
from imdb_sentiment.runtime.messages import list_counts, visible

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["Explanation", "ExportReport", "FileReport", "Prediction", "WordContribution"]

_SHOWN = 10

_DEEPEST = 0.4
"""Background opacity of the strongest word, at which black and white letters stay legible."""

_FAINT, _STRONG = 0.05, 0.5
"""Shares of the strongest word's score."""

_COLOURS = ("214, 69, 65", "38, 133, 84")
"""CSS colours, red for the negative and green for the positive label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction(Record):
    """Prediction for one text."""

    label: str
    """Predicted label, as spelled in the training data: the positive one if its probability is above the model's
    threshold, by default 0.5."""

    score: float
    """Probability of `label`; below 0.5 only where the threshold is not 0.5."""

    probabilities: Mapping[str, float]
    """Probability of each label; they add up to 1."""

    truncated: bool
    """Whether the text was truncated."""

    abstained: bool = False
    """Whether `score` is below the `abstain_below` of `predict`."""

    answered_by: Literal["encoder", "words"] = "encoder"
    """`words` if the TF-IDF model of a cascade was confident enough, so that the encoder did not read the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordContribution:
    """Contribution of a word to a prediction."""

    word: str

    start: int
    """Start position in its text."""

    end: int
    """End position, exclusive."""

    part: int
    """0, or 1 in the second text of a pair."""

    score: float
    """Contribution to the positive minus the negative logit; negative scores favour the negative label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation(Record):
    """Word-level attribution of a prediction.

    The scores of all words and non-word tokens add up to the difference between the text's logits and those of a text
    of the same length without words.
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
    """The words that the model read, in order, without truncated ones."""

    completeness_error: float
    """Relative error of the sum of scores."""

    steps: int
    """Number of integration steps from the text without words to the text."""

    def top(self, count: int = _SHOWN) -> tuple[WordContribution, ...]:
        """Return the words that contributed most to the label, strongest first."""
        sign = 1 if self.label == self.labels[1] else -1
        return tuple(sorted(self.words, key=lambda word: -sign * word.score)[:count])

    def to_html(self) -> str:
        """Return the escaped text as HTML, with each word on a background of its label's colour."""
        parts = []
        for part in range(len(self.texts)):
            pieces = []
            for text, word in self._pieces(part):
                inner = html.escape(text)
                if word:
                    shade = f"rgba({_COLOURS[word.score > 0]}, {_DEEPEST * self._strength(word):.2f})"
                    inner = f'<mark style="background: {shade}" title="{word.score:+.3f}">{inner}</mark>'
                pieces.append(inner)
            parts.append("".join(pieces))
        return visible(f'<div class="explanation">{"<br>".join(parts)}</div>')

    def __rich__(self) -> "Text":
        """Return the text for a terminal, with green words for the positive label and red ones for the negative."""
        from rich.text import Text

        whole = Text()
        for part in range(len(self.texts)):
            whole.append("\n" if part else "")
            for text, word in self._pieces(part):
                style = None
                if word and (strength := self._strength(word)) > _FAINT:
                    red, green, blue = _COLOURS[word.score > 0].split(", ")
                    style = f"{'bold ' if strength > _STRONG else ''}rgb({red},{green},{blue})"
                whole.append(visible(text), style)
        return whole

    def __str__(self) -> str:
        table = [["word", f"speaks for {self.label}"]]
        sign = 1 if self.label == self.labels[1] else -1
        table += [[word.word, f"{sign * word.score:+.3f}"] for word in self.top()]
        lines = [f"{self.label} {self.score:.3f}", *format_table(table)]
        return visible("\n".join([*lines, f"completeness error of the scores: {100 * self.completeness_error:.1f} %"]))

    def _pieces(self, part: int) -> Iterator[tuple[str, WordContribution | None]]:
        """Yield the words of a text and what is between them, in order."""
        text, done = self.texts[part], 0
        for word in (word for word in self.words if word.part == part):
            yield text[done : word.start], None
            yield text[word.start : word.end], word
            done = word.end
        yield text[done:], None

    def _strength(self, word: WordContribution) -> float:
        """Return the magnitude of the score relative to the strongest."""
        strongest = max(abs(other.score) for other in self.words)
        return abs(word.score) / strongest if strongest else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport(Record):
    """Summary of the predictions for one or more files."""

    rows: int
    """Number of rows written."""

    labels: Mapping[str, int]
    """Number of rows per predicted label."""

    not_scored: Mapping[str, int]
    """Number of rows without a label, by reason."""

    answered_by_words: int | None
    """Number of labels predicted by the TF-IDF model of a cascade; None without a cascade."""

    scored_before: int
    """Number of rows scored by an earlier, unfinished run."""

    notes: tuple[str, ...]
    """Remarks for the user."""

    def __str__(self) -> str:
        counts = list_counts(self.labels)
        lines = [f"{count_rows(self.rows)}: {counts}"]
        lines += [f"{rows:,} without a label: {reason}" for reason, rows in self.not_scored.items()]
        if self.answered_by_words is not None:
            share = self.answered_by_words / max(sum(self.labels.values()), 1)
            lines.append(f"{share:.0%} of the labels were predicted by the TF-IDF model, the rest by the encoder")
        if self.scored_before:
            lines.append(f"{self.scored_before:,} of them were scored by an earlier run")
        return visible("\n".join([*lines, *(f"note: {note}" for note in self.notes)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport(Record):
    """Comparison of an exported model with the original on texts."""

    format: Literal["onnx"]

    quantize: Literal["int8"] | None
    """Type that weights were quantized to; None if they were not."""

    runtime: Literal["onnxruntime", "openvino"]
    """Runtime that the exported model was run with."""

    texts: int
    """Number of texts compared."""

    same_labels: float
    """Share of the texts with the same predicted label."""

    largest_difference: float
    """Largest difference of a positive probability."""

    accuracy: tuple[float, float] | None
    """Accuracy before and after; None without labels."""

    megabytes: tuple[float, float]
    """Size of the weights before, and of the graph with its weights after."""

    def flipped_warning(self, read_as: Mapping[str, str]) -> str | None:
        """Say if the labels are probably flipped; `read_as` has the model's name for each that is spelled otherwise."""
        from imdb_sentiment.results.comparison import flipped_warning

        return flipped_warning(read_as, accuracy=self.accuracy[0], rows=self.texts) if self.accuracy else None

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
