"""All errors that this library raises on purpose, as one hierarchy.

```text
ImdbSentimentError                 catch this one to catch them all
├── InputError (ValueError)        invalid input; the command line exits with 2
│   ├── ConfigError                a configuration field, its value, or a combination of them
│   ├── DataError                  a data source: its location, columns, labels or rows
│   ├── ModelError                 a model name or a model folder
│   └── OutputExistsError          a folder that would have been overwritten
├── TrainingInterruptedError       Ctrl-C or SIGTERM; the run can be resumed; the command line exits with 130
├── TrainingDivergedError (ArithmeticError)  a loss or a gradient is NaN or infinite
├── DiskFullError (OSError)        the disk is full
├── NotFittedError (RuntimeError)  only a fitted model can do this
├── HubUnavailableError (OSError)  the Hugging Face hub did not answer
└── MissingExtraError (ImportError)  an optional dependency is not installed
```

Each one says what was found, what was expected and what to try, and carries the three as attributes.
"""

import difflib
from collections.abc import Collection, Iterable, Sequence

from imdb_sentiment.runtime.messages import Advice, visible

__all__ = [
    "ConfigError",
    "DataError",
    "DiskFullError",
    "HubUnavailableError",
    "ImdbSentimentError",
    "InputError",
    "MissingExtraError",
    "ModelError",
    "NotFittedError",
    "OutputExistsError",
    "TrainingDivergedError",
    "TrainingInterruptedError",
]

_LISTED = 5
_LONGEST = 1_500
"""Values are cut where a message is put together; this holds for what other programs say in it."""


class ImdbSentimentError(Exception):
    """Root of all errors raised on purpose by this library.

    Attributes:
        summary: What is wrong, in one sentence.
        found: What was found instead of what was expected, if that helps.
        expected: What was expected.
        hint: What to try, as Python code.
    """

    def __init__(
        self,
        summary: str,
        *,
        found: str | None = None,
        expected: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.summary = summary
        self.found = found
        self.expected = expected
        self.hint = hint
        super().__init__(_lay_out(summary, found, expected, hint))

    def for_shell(self, flags: Collection[str]) -> str:
        """Return the message with what it proposes written for the command line.

        Args:
            flags: The options of the command that was called.
        """
        parts = (self.found, self.expected, self.hint)
        return _lay_out(self.summary, *(part.for_shell(flags) if isinstance(part, Advice) else part for part in parts))


class InputError(ImdbSentimentError, ValueError):
    """The input is wrong: a setting, the data, a model or a folder."""


class ConfigError(InputError):
    """A configuration field, its value, or a combination of fields is not valid."""


class DataError(InputError):
    """A data source cannot be used as it is.

    Attributes:
        rows: The affected rows, counted from 1 without the header; empty if the problem is not in single rows.
    """

    def __init__(
        self,
        summary: str,
        *,
        found: str | None = None,
        expected: str | None = None,
        hint: str | None = None,
        rows: Sequence[int] = (),
    ) -> None:
        self.rows = tuple(rows)
        super().__init__(summary, found=found, expected=expected, hint=hint)


class ModelError(InputError):
    """A model name or a model folder cannot be used, or cannot be trusted."""


class OutputExistsError(InputError):
    """The output already exists; nothing in it was changed."""


class TrainingInterruptedError(ImdbSentimentError):
    """Training was stopped by a signal, after the current step was finished and saved."""


class TrainingDivergedError(ImdbSentimentError, ArithmeticError):
    """A loss or a gradient is NaN or infinite; further training cannot fix it."""


class DiskFullError(ImdbSentimentError, OSError):
    """The disk is too full for the output; files completed before remain usable."""


class NotFittedError(ImdbSentimentError, RuntimeError):
    """The fine-tuner has not been fitted yet."""


class HubUnavailableError(ImdbSentimentError, OSError):
    """The Hugging Face hub cannot be reached, and the model or data set is not in the local cache."""


class MissingExtraError(ImdbSentimentError, ImportError):
    """An optional dependency is missing; the message names the extra that installs it."""


def _lay_out(summary: str, found: str | None, expected: str | None, hint: str | None) -> str:
    parts = (("found:   ", found), ("expected:", expected), ("try:     ", hint))
    return visible("\n".join([_bounded(summary), *(f"  {name} {_bounded(value)}" for name, value in parts if value)]))


def _bounded(part: str) -> str:
    return part if len(part) <= _LONGEST else f"{part[:_LONGEST]}..."


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate spelled most like `name`, or None if none comes close."""
    by_folded = {candidate.casefold(): candidate for candidate in candidates}
    matches = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.5)
    return by_folded[matches[0]] if matches else None


def count_rows(rows: int) -> str:
    """Write a number of rows, e.g. `1 row` or `5,574 rows`."""
    return f"{rows:,} row{'s' if rows != 1 else ''}"


def list_rows(rows: Sequence[int]) -> str:
    """Write row numbers for a message, e.g. `3 rows (2, 5, 9)` or `81 rows (1, 2, 3, 4, 5, ...)`."""
    shown = ", ".join(str(row) for row in rows[:_LISTED]) + (", ..." if len(rows) > _LISTED else "")
    return f"{count_rows(len(rows))} ({shown})"
