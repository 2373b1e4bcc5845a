"""What commands share in talking to the user: results on standard output, all else on standard error.

Of several processes that a launcher started, the main one speaks.
"""

import codecs
import functools
import io
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ParamSpec, TextIO, get_args, get_type_hints

import typer

from imdb_sentiment.runtime.distributed import is_main
from imdb_sentiment.runtime.messages import CONTROL_CHARACTERS, Advice, visible

if TYPE_CHECKING:
    from imdb_sentiment.results.audit import DataAudit

__all__ = ["for_shell", "print_json", "print_json_lines", "reports_errors", "say", "show", "standard_streams", "warn"]

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
            warn(message)
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


@contextmanager
def standard_streams() -> Iterator[None]:
    """Write to streams that may be of any encoding, closed or full.

    If whoever reads standard output leaves, the command ends quietly with 1; if it is full, with 2 and a message.
    """
    from imdb_sentiment.errors import DiskFullError
    from imdb_sentiment.runtime.disk_space import is_disk_full

    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed from the beginning
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115 - as long as the process lives
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    try:
        try:
            yield
        finally:
            _write(sys.stdout, "")  # what was printed by others
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        if isinstance(error, DiskFullError) or not is_disk_full(error):
            raise
        told = DiskFullError("standard output is full", found=error.strerror, hint="another place for it")
        warn(f"DiskFullError: {told}")
        sys.exit(2)


def print_json(content: dict[str, Any]) -> None:
    """Print one JSON object on standard output."""
    if is_main():
        print_json_lines([json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"])


def print_json_lines(lines: Iterable[str]) -> None:
    """Print JSON on standard output; what would act on a terminal, or cannot be encoded, is written as escapes."""
    unicode = codecs.lookup(sys.stdout.encoding or "utf-8").name.startswith("utf-")
    escaped = re.compile(f"[{CONTROL_CHARACTERS}]" if unicode else r"[^\0-\x7e]")
    _write(sys.stdout, "".join(escaped.sub(_json_escape, line) for line in lines))


def _json_escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))


def say(text: str = "", *, silent: bool = False) -> None:
    """Print a line for a reader at once, unless the output is for a program."""
    if not silent and is_main():
        _write(sys.stdout, f"{visible(text)}\n")


def warn(text: str) -> None:
    """Print a line on standard error; whether it can be read there makes no difference."""
    with suppress(OSError):
        _write(sys.stderr, f"{visible(text)}\n")


def show(what: object) -> None:
    """Print something that rich knows how to show, in colours; where there are none, as it prints itself."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    if not console.color_system:
        say(str(what))
    elif is_main():
        with console.capture() as captured:
            console.print(what)
        _write(sys.stdout, captured.get())


def _write(stream: TextIO, text: str) -> None:
    """Write at once.

    Raises:
        BrokenPipeError: Nobody reads it any more.
        OSError: It cannot be written. What follows is written nowhere, in both cases, and raises nothing.
    """
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        with suppress(OSError), open(os.devnull, "wb") as nothing:  # noqa: PTH123 - not a path that anybody chose
            os.dup2(nothing.fileno(), stream.fileno())  # or what is left would be tried again at the exit
        raise
