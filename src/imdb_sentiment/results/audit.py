"""Results of a data audit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

from imdb_sentiment.errors import count_rows
from imdb_sentiment.reporting.fragment import Fragment
from imdb_sentiment.reporting.tables import Table
from imdb_sentiment.results.base import NOT_IN_DICT, Record, frame_of
from imdb_sentiment.results.tables import format_table, wrap
from imdb_sentiment.runtime.messages import cut, quote, visible

if TYPE_CHECKING:
    import pandas as pd
    from rich.text import Text

__all__ = ["DataAudit", "Finding", "Severity", "TokenLengths"]

Severity = Literal["error", "warning", "info"]

_HEADINGS: dict[Severity, str] = {
    "error": "errors: training rejects the data as they are",
    "warning": "warnings: look at these before training",
    "info": "for information",
}
_STYLES: dict[Severity, str] = {"error": "red", "warning": "yellow", "info": "cyan"}
_NOT_COUNTED = "tokens were not counted: that needs --model NAME (model_name=... in Python)"
_WIDTH = 79


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Record):
    """A finding about a data set."""

    code: str
    """Stable name, such as `text_blank`."""

    severity: Severity
    """`error`: training rejects the data as they are. `warning`: the model or its metrics may be misleading. `info`:
    good to know."""

    split: str
    """Split of the rows; the first one if there are several."""

    count: int
    """Number of rows; the documentation defines for each code which rows count."""

    rows: tuple[int, ...]
    """Numbers of the first five rows at most, from 1, without headers and across all files of the split. Empty for a
    finding about the whole split."""

    where: str
    """Readable list of the rows, numbered within each file if the split has several."""

    summary: str
    """The finding in one sentence."""

    advice: str
    """What to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLengths(Record):
    """Text lengths in tokens, with special tokens, after cleaning and before truncation."""

    model: str
    """Model whose tokenizer was used."""

    rows: int
    """Number of rows measured."""

    mean: float
    """Mean number of tokens."""

    median: float
    """Median number of tokens."""

    longest: int
    """Largest number of tokens."""

    truncated: Mapping[str, float]
    """Share of the rows truncated at a `max_length` of `128`, `256` and `512`."""

    unknown: float
    """Share of unknown tokens among all tokens but special ones."""

    def __str__(self) -> str:
        cut = ", ".join(f"{length}: {share:.1%}" for length, share in self.truncated.items())
        return (
            f"tokens of {self.model}: mean {self.mean:.0f}, median {self.median:.0f}, longest {self.longest:,}\n"
            f"rows longer than {cut}; unknown tokens: {self.unknown:.2%}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DataAudit(Record):
    """Result of a data audit."""

    origin: str = field(metadata=NOT_IN_DICT)
    """Name of the source."""

    splits: Mapping[str, Mapping[str, int]]
    """Number of usable rows per split and class name, or per raw label if the labels are not understood."""

    findings: tuple[Finding, ...]
    """The findings by severity and code."""

    tokens: TokenLengths | None
    """Lengths in tokens; None if no model was named."""

    notes: tuple[str, ...]
    """How the source was read, and which checks were skipped."""

    def summary_dict(self) -> dict[str, Any]:
        """Return the part that is saved with a model, as plain JSON types: counts, and no texts."""
        kept = ("code", "severity", "split", "count")
        findings = [{name: getattr(finding, name) for name in kept} for finding in self.findings]
        return {"findings": findings, "tokens": self.tokens.to_dict() if self.tokens else None}

    def short(self) -> str:
        """Return a short summary: counts, errors and warnings."""
        urgent = [finding for finding in self.findings if finding.severity != "info"]
        sentences = (f"{found.severity} {found.code}: {found.summary}" for found in urgent)
        lines = [line for sentence in sentences for line in wrap(sentence, first="  ", rest=" " * 4)]
        return visible("\n".join([f"audit: {self._count()}", *lines]))

    def to_frame(self) -> "pd.DataFrame":
        """Return the findings as a pandas frame, with the fields of `Finding` as columns."""
        return frame_of(Finding, (finding.to_dict() for finding in self.findings))

    def _fragment(self) -> Fragment:
        tables = [Table(f"Rows of {self.origin}", self._counts())]
        for severity, heading in _HEADINGS.items():
            rows = [
                [found.code, f"{found.count:,}", found.summary, _place(found), found.advice]
                for found in self.findings
                if found.severity == severity
            ]
            if rows:
                caption = f"{heading[0].upper()}{heading[1:]}"
                tables.append(Table(caption, [["finding", "rows", "what was found", "where", "what to do"], *rows]))
        lengths = [str(self.tokens).replace("\n", "; ")] if self.tokens else []
        return Fragment("Data audit", [self._count(), *lengths, *self.notes], tables=tables)

    def _counts(self) -> list[list[str]]:
        names = list(dict.fromkeys(name for counts in self.splits.values() for name in counts))
        table = [["split", *map(_shown, names), "rows"]]
        for split, counts in self.splits.items():
            table.append([split, *(f"{counts.get(name, 0):,}" for name in names), f"{sum(counts.values()):,}"])
        return table

    def __str__(self) -> str:
        table = self._counts()
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

    def __rich__(self) -> "Text":
        """Return the report for a terminal, each severity in its colour."""
        from rich.text import Text

        styles = {heading: _STYLES[severity] for severity, heading in _HEADINGS.items()}
        whole, style = Text(), ""
        for line in str(self).splitlines(keepends=True):
            style = styles.get(line.rstrip("\n"), style)
            is_heading, is_code = line.rstrip("\n") in styles, line.startswith("  ") and line[2] != " "
            whole.append(line, f"bold {style}" if is_heading else style if is_code else "")
        return whole

    def _count(self) -> str:
        counts = {name: sum(finding.severity == name for finding in self.findings) for name in _HEADINGS}
        names = {"error": "errors", "warning": "warnings", "info": "for information"}
        found = [f"{n} {names[name] if n != 1 or name == 'info' else name}" for name, n in counts.items() if n]
        return ", ".join(found) or "nothing found"


def _shown(label: str) -> str:
    """Quote a label that would not be visible as it is."""
    return cut(label) if label.isprintable() and label == label.strip() and label else quote(label)


def _describe(findings: Iterable[Finding]) -> list[str]:
    """Format findings of one severity; codes and advice shared by several splits are written once."""
    lines: list[str] = []
    for code, alike in groupby(findings, key=lambda finding: finding.code):
        lines.append(f"  {code}")
        advice: dict[str, None] = {}
        for finding in alike:
            lines += wrap(finding.summary, first=" " * 4, rest=" " * 4, width=_WIDTH)
            lines += wrap(_place(finding), first=" " * 6, rest=" " * 6, width=_WIDTH)
            advice[finding.advice] = None
        for text in advice:
            lines += wrap(text, first="    > ", rest=" " * 6, width=_WIDTH)
    return lines


def _place(finding: Finding) -> str:
    """Return the location, without a count that the summary repeats."""
    counted = f"{count_rows(finding.count)} ("
    if not finding.where.startswith(counted):
        return finding.where
    return f"{'row' if finding.count == 1 else 'rows'} {finding.where[len(counted) : -1]}"
