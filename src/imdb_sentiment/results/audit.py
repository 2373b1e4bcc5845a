"""What an audit of a data set hands back: frozen records that print well and turn into plain JSON."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import groupby
from textwrap import wrap
from typing import Any, Literal

from imdb_sentiment.errors import count_rows
from imdb_sentiment.results.text_table import format_table
from imdb_sentiment.runtime.messages import cut, quote, visible

__all__ = ["DataAudit", "Finding", "Severity", "TokenLengths"]

Severity = Literal["error", "warning", "info"]

_HEADINGS: dict[Severity, str] = {
    "error": "errors: training refuses the data as they are",
    "warning": "warnings: look at these before training",
    "info": "for information",
}
_NOT_COUNTED = "tokens were not counted: that needs --model NAME (model_name=... in Python)"
_WIDTH = 79


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about a data set that is worth knowing before training on it."""

    code: str
    """Its name, such as `text_blank`. Names stay the same from release to release."""

    severity: Severity
    """`error`: training refuses the data as they are. `warning`: the model or its numbers may not be what they seem.
    `info`: good to know."""

    split: str
    """Split it is about; the first of them if it is about rows of several."""

    count: int
    """Number of rows; which rows are counted is said for each code in the documentation."""

    rows: tuple[int, ...]
    """Numbers of the first rows of the split that are counted, five at most; from 1, without the header, and through
    all files of the split. Empty if it is about the split as a whole."""

    where: str
    """The rows for a reader; of a split of several files they are counted within each file, which is named."""

    summary: str
    """What was found, in one sentence."""

    advice: str
    """What to do."""

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain JSON types."""
        return asdict(self) | {"rows": list(self.rows)}


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLengths:
    """How long texts are in the tokens of a model, special tokens included, after cleaning and before cutting."""

    model: str
    """Name of the model whose tokenizer counted."""

    rows: int
    """Number of rows measured."""

    mean: float
    """Mean number of tokens."""

    median: float
    """Median number of tokens."""

    longest: int
    """Largest number of tokens."""

    truncated: Mapping[str, float]
    """For `128`, `256` and `512`: share of the rows that are longer than that, and are cut by such a `max_length`."""

    unknown: float
    """Share of all tokens, special tokens apart, that are not in the model's vocabulary."""

    def to_dict(self) -> dict[str, Any]:
        """Return the lengths as plain JSON types."""
        return asdict(self)

    def __str__(self) -> str:
        cut = ", ".join(f"{length}: {share:.1%}" for length, share in self.truncated.items())
        return (
            f"tokens of {self.model}: mean {self.mean:.0f}, median {self.median:.0f}, longest {self.longest:,}\n"
            f"rows longer than {cut}; unknown tokens: {self.unknown:.2%}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DataAudit:
    """What was found by looking at a data set."""

    origin: str
    """Name of the source."""

    splits: Mapping[str, Mapping[str, int]]
    """Rows that can be used, per split and label: by the names of the classes if the labels are understood, else as the
    labels stand in the data."""

    findings: tuple[Finding, ...]
    """What was found; errors before warnings before information, by code within each."""

    tokens: TokenLengths | None
    """Lengths in tokens; None if no model was named."""

    notes: tuple[str, ...]
    """How the source was read, and what was not looked for."""

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as plain JSON types."""
        return {
            "splits": {split: dict(counts) for split, counts in self.splits.items()},
            "findings": [finding.to_dict() for finding in self.findings],
            "tokens": self.tokens.to_dict() if self.tokens else None,
            "notes": list(self.notes),
        }

    def summary_dict(self) -> dict[str, Any]:
        """Return what a saved model keeps of it, as plain JSON types: counts, and no words of the data."""
        kept = ("code", "severity", "split", "count")
        findings = [{name: getattr(finding, name) for name in kept} for finding in self.findings]
        return {"findings": findings, "tokens": self.tokens.to_dict() if self.tokens else None}

    def short(self) -> str:
        """Return a few lines: how much was found, and each error and warning."""
        urgent = [finding for finding in self.findings if finding.severity != "info"]
        lines = [f"audit: {self._count()}", *(f"  {found.severity} {found.code}: {found.summary}" for found in urgent)]
        return visible("\n".join(lines))

    def __str__(self) -> str:
        names = list(dict.fromkeys(name for counts in self.splits.values() for name in counts))
        table = [["split", *map(_shown, names), "rows"]]
        for split, counts in self.splits.items():
            table.append([split, *(f"{counts.get(name, 0):,}" for name in names), f"{sum(counts.values()):,}"])
        lines = format_table(table)
        if len(lines[0]) > _WIDTH:  # many or long labels: one a line
            lines = format_table([*zip(*table, strict=True)])
        lines += ["", str(self.tokens) if self.tokens else _NOT_COUNTED]
        lines += [f"note: {note}" for note in self.notes]
        lines += ["", self._count()]
        for severity, heading in _HEADINGS.items():
            found = [finding for finding in self.findings if finding.severity == severity]
            if found:
                lines += ["", heading, *_describe(found)]
        return visible("\n".join(lines))

    def _count(self) -> str:
        counts = {name: sum(finding.severity == name for finding in self.findings) for name in _HEADINGS}
        names = {"error": "errors", "warning": "warnings", "info": "for information"}
        found = [f"{n} {names[name] if n != 1 or name == 'info' else name}" for name, n in counts.items() if n]
        return ", ".join(found) or "nothing found"


def _shown(label: str) -> str:
    """Write a label in quotes if it would not be seen as it is."""
    return cut(label) if label.isprintable() and label == label.strip() and label else quote(label)


def _describe(findings: Iterable[Finding]) -> list[str]:
    """Write findings of one severity; what is the same for several splits is written once."""
    lines: list[str] = []
    for code, alike in groupby(findings, key=lambda finding: finding.code):
        lines.append(f"  {code}")
        advice: dict[str, None] = {}
        for finding in alike:
            lines += _indent(finding.summary, 4)
            lines += _indent(_place(finding), 6)
            advice[finding.advice] = None
        for text in advice:
            lines += _indent(text, 4, first="> ")
    return lines


def _place(finding: Finding) -> str:
    """Write where it is without the count, where that is the one of the summary."""
    counted = f"{count_rows(finding.count)} ("
    if not finding.where.startswith(counted):
        return finding.where
    return f"{'row' if finding.count == 1 else 'rows'} {finding.where[len(counted) : -1]}"


def _indent(text: str, spaces: int, *, first: str = "") -> list[str]:
    margin = " " * spaces
    return wrap(
        text,
        _WIDTH,
        initial_indent=margin + first,
        subsequent_indent=margin + " " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )
