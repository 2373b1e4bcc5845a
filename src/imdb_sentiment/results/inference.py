"""Results of inference on texts and files."""

import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from imdb_sentiment.errors import count_rows
from imdb_sentiment.results.base import Record, frame_of
from imdb_sentiment.results.tables import format_table
from imdb_sentiment.runtime.messages import list_counts, visible

if TYPE_CHECKING:
    import pandas as pd
    from rich.text import Text

    from imdb_sentiment.reporting.fragment import Fragment

__all__ = ["Explanation", "ExportReport", "FileReport", "Prediction", "Predictions", "WordContribution"]

_SHOWN = 10

_DEEPEST = 0.4
"""Background opacity of the strongest word, at which black and white letters stay legible."""

_BREAK = re.compile(r"&lt;br\s*/?&gt;", re.IGNORECASE)
"""A line break of HTML, escaped. Those between words are shown; words are shown as the model reads them."""

_UNDERLINED = 0.3
_FAINT, _STRONG = 0.05, 0.5
"""Shares of the strongest word's score."""

_RUNTIMES = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}

_COLOURS = ("214, 69, 65", "38, 133, 84")
"""CSS colours, red for the negative and green for the positive label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction(Record):
    """Prediction for one text.

    Example:
        ```python
        prediction = classifier.predict("A gem.")
        print(prediction.label, prediction.score, prediction.probabilities)
        ```
    """

    label: str
    """Predicted label, as spelled in the training data: the positive one if its probability is above the model's
    threshold, by default 0.5."""

    score: float
    """Probability of `label`; below 0.5 only if the threshold is not 0.5."""

    probabilities: Mapping[str, float]
    """Probability of each label; they add up to 1."""

    truncated: bool
    """Whether the text was truncated."""

    abstained: bool = False
    """Whether `score` is below the `abstain_below` of `predict`."""

    answered_by: Literal["encoder", "words"] = "encoder"
    """`words` if the TF-IDF model of a cascade was confident enough and the encoder did not read the text."""


class Predictions(list[Prediction]):
    """Predictions for several texts, in their order: a list that a notebook shows as a table.

    ```python
    predictions = classifier.predict(["Loved it.", "Left early."])
    predictions.to_frame()
    ```
    """

    def to_frame(self) -> "pd.DataFrame":
        """Return a pandas frame with one row per text.

        Its columns are `label`, `score`, the probability of each label (`probability_positive`), `truncated`,
        `abstained` and `answered_by`. To add label and score to an existing frame, call `classifier(frame)`.
        """
        import pandas as pd

        rows = []
        for one in self:
            shares = {f"probability_{label}": share for label, share in one.probabilities.items()}
            others = {"truncated": one.truncated, "abstained": one.abstained, "answered_by": one.answered_by}
            rows.append({"label": one.label, "score": one.score, **shares, **others})
        return pd.DataFrame(rows) if rows else frame_of(Prediction, rows).drop(columns="probabilities")

    def __repr__(self) -> str:
        shown = [repr(one) for one in self[:_SHOWN]]
        return f"[{', '.join(shown if len(self) <= _SHOWN else [*shown, f'... {len(self):,} in all'])}]"

    def _repr_html_(self) -> str:
        from imdb_sentiment.reporting.fragment import Fragment, render_fragment
        from imdb_sentiment.reporting.tables import Table

        table = [["text", "label", "score", "remark"]]
        for number, one in enumerate(self, start=1):
            remarks = {"abstained": one.abstained, "truncated": one.truncated, "TF-IDF": one.answered_by == "words"}
            remark = ", ".join(name for name, applies in remarks.items() if applies)
            table.append([f"{number:,}", one.label, f"{one.score:.3f}", remark])
        counts = list_counts(Counter(one.label for one in self))
        return render_fragment(Fragment("Predictions", [counts or "none"], tables=[Table("In the order given", table)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class WordContribution(Record):
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
        """Return the escaped text as HTML, with each word on a background of its label's colour.

        Strong words are underlined too, those for the negative label with dots.
        """
        parts = []
        for part in range(len(self.texts)):
            pieces = []
            for text, word in self._pieces(part):
                inner = html.escape(text)
                if word:
                    shade = f"rgba({_COLOURS[word.score > 0]}, {_DEEPEST * self._strength(word):.2f})"
                    style = f"background: {shade}"
                    if self._strength(word) >= _UNDERLINED:
                        style += f"; text-decoration: underline {'solid' if word.score > 0 else 'dotted'}"
                    inner = f'<mark style="{style}" title="{word.score:+.3f}">{inner}</mark>'
                else:
                    inner = _BREAK.sub("<br>", inner)
                pieces.append(inner)
            parts.append("".join(pieces))
        return visible(f'<div class="explanation">{"<br>".join(parts)}</div>')

    def to_frame(self) -> "pd.DataFrame":
        """Return the words as a pandas frame, with the fields of `WordContribution` as columns."""
        return frame_of(WordContribution, (word.to_dict() for word in self.words))

    def _fragment(self) -> "Fragment":
        from imdb_sentiment.reporting.fragment import Fragment
        from imdb_sentiment.reporting.tables import Table

        sentences = [
            f"{self.label} {self.score:.3f}",
            f"green words speak for {self.labels[1]}, red ones for {self.labels[0]}; the stronger the colour, the more",
            self._error(),
        ]
        return Fragment("Explanation", sentences, self.to_html(), [Table("Strongest words", self._top_rows())])

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
        return visible("\n".join([f"{self.label} {self.score:.3f}", *format_table(self._top_rows()), self._error()]))

    def _top_rows(self) -> list[list[str]]:
        sign = 1 if self.label == self.labels[1] else -1
        words = [[word.word, f"{sign * word.score:+.3f}"] for word in self.top()]
        return [["word", f"speaks for {self.label}"], *words]

    def _error(self) -> str:
        return f"completeness error of the scores: {100 * self.completeness_error:.1f} %"

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
    """Runtime that the exported model was run with, in fp32 unless it is quantized."""

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
            ["computed with", f"{_RUNTIMES[self.runtime]} in {self.quantize or 'fp32'}"],
            ["size", "{:.1f} MB before, {:.1f} MB after".format(*self.megabytes)],
        ]
        if self.accuracy:
            rows.insert(3, ["accuracy", "{:.4f} before, {:.4f} after".format(*self.accuracy)])
        return "\n".join(format_table(rows))
