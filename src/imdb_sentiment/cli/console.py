"""What commands share in talking to the user: results on standard output, all else on standard error.

Of several processes that a launcher started, the main one speaks.
"""

import functools
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ParamSpec, get_args, get_type_hints

import typer

from imdb_sentiment.messages import Advice
from imdb_sentiment.processes import is_main

if TYPE_CHECKING:
    from imdb_sentiment.findings import DataAudit

__all__ = ["for_shell", "print_json", "reports_errors", "say", "show"]

P = ParamSpec("P")

_SPEAKING_SECONDS = 2.0  # as soon as one process has ended, a launcher ends the others, the one that speaks too


def reports_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Turn this library's errors into one message and an exit code: 2 for wrong input, 130 for a signal, 1 else.

    Of several processes that train together, the main one alone says something.
    """

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        from imdb_sentiment.errors import ImdbSentimentError, InputError, TrainingInterruptedError

        try:
            command(*args, **kwargs)
        except TrainingInterruptedError as error:
            message, code = error.for_shell(_flags_of(command)), 130
        except ImdbSentimentError as error:
            message = f"{type(error).__name__}: {error.for_shell(_flags_of(command))}"
            code = 2 if isinstance(error, InputError) else 1
        except KeyboardInterrupt:
            message, code = "interrupted", 130
        else:
            return
        if is_main():
            print(message, file=sys.stderr)
        else:
            time.sleep(_SPEAKING_SECONDS)
        raise typer.Exit(code)

    return wrapper


def for_shell(audit: "DataAudit", command: Callable[..., None]) -> "DataAudit":
    """Return an audit with what it proposes written for the command line."""
    flags = _flags_of(command)
    findings = (
        replace(found, advice=found.advice.for_shell(flags)) if isinstance(found.advice, Advice) else found
        for found in audit.findings
    )
    return replace(audit, findings=tuple(findings))


def _flags_of(command: Callable[..., None]) -> set[str]:
    """Return the options that a command has, such as `--text-column`."""
    flags: set[str] = set()
    for name, kind in get_type_hints(command, include_extras=True).items():
        for option in get_args(kind)[1:]:
            if isinstance(option, typer.models.OptionInfo):
                flags.update(option.param_decls or [f"--{name.replace('_', '-')}"])
    return flags


def print_json(content: dict[str, Any]) -> None:
    """Print one JSON object on standard output."""
    if is_main():
        print(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))


def say(text: str = "", *, silent: bool = False) -> None:
    """Print a line for a reader at once, unless the output is for a program."""
    if not silent and is_main():
        print(text, flush=True)


def show(what: object) -> None:
    """Print something that rich knows how to show, in colours; where there are none, as it prints itself."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    if is_main():
        console.print(what) if console.color_system else print(what)
