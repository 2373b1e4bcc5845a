"""Console output of commands: results on standard output, everything else on standard error, on rank 0 only."""

import codecs
import functools
import io
import json
import os
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TextIO, get_args, get_type_hints

import typer

from imdb_sentiment.runtime.distributed import is_main
from imdb_sentiment.runtime.messages import CONTROL_CHARACTERS, Advice, visible

if TYPE_CHECKING:
    from imdb_sentiment.results.audit import DataAudit

__all__ = [
    "command_line",
    "for_shell",
    "print_json",
    "print_json_lines",
    "reports_errors",
    "say",
    "say_note",
    "show",
    "standard_streams",
    "warn",
]

P = ParamSpec("P")

_ERROR_SECONDS = 2.0  # a launcher ends all processes, including rank 0, once one has ended


def command_line() -> str:
    """Return the command that this process was started with, ready to be pasted."""
    return shlex.join(["imdb-sentiment", *sys.argv[1:]])


def reports_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Convert errors to a message on rank 0 and an exit code: 2 for invalid input, 130 for a signal, else 1."""

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        from imdb_sentiment.errors import ImdbSentimentError, InputError, TrainingInterruptedError

        for name, value in kwargs.items():
            if isinstance(value, Path):  # a shell leaves the ~ of --output=~/model as it is
                kwargs[name] = Path(os.path.expanduser(value))  # noqa: PTH111
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
            time.sleep(_ERROR_SECONDS)
        raise typer.Exit(code)

    return wrapper


def for_shell(audit: "DataAudit", command: Callable[..., None]) -> "DataAudit":
    """Return an audit with its advice written for the command line."""
    flags = _flags_of(command)
    findings = (
        replace(found, advice=found.advice.for_shell(flags)) if isinstance(found.advice, Advice) else found
        for found in audit.findings
    )
    return replace(audit, findings=tuple(findings))


def _flags_of(command: Callable[..., None]) -> set[str]:
    """Return the options of a command, such as `--text-column`."""
    flags: set[str] = set()
    for name, kind in get_type_hints(command, include_extras=True).items():
        for option in get_args(kind)[1:]:
            if isinstance(option, typer.models.OptionInfo):
                flags.update(option.param_decls or [f"--{name.replace('_', '-')}"])
    return flags


@contextmanager
def standard_streams() -> Iterator[None]:
    """Support standard streams of any encoding, closed or full.

    If the reader of standard output closes it, the command exits silently with 1; if the disk is full, with 2 and a
    message.
    """
    from imdb_sentiment.errors import DiskFullError
    from imdb_sentiment.runtime.files import is_disk_full

    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed before the start
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115 - open for the life of the process
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    try:
        try:
            yield
        finally:
            _write(sys.stdout, "")  # flushes output of other libraries
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        if isinstance(error, DiskFullError) or not is_disk_full(error):
            raise
        full = DiskFullError("standard output is full", found=error.strerror, hint="another destination")
        warn(f"DiskFullError: {full}")
        sys.exit(2)


def print_json(content: dict[str, Any]) -> None:
    """Print one JSON object on standard output."""
    if is_main():
        print_json_lines([json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"])


def print_json_lines(lines: Iterable[str]) -> None:
    """Print JSON on standard output; control characters, and those that cannot be encoded, are escaped."""
    unicode = codecs.lookup(sys.stdout.encoding or "utf-8").name.startswith("utf-")
    escaped = re.compile(
        f"[{CONTROL_CHARACTERS}]" if unicode else r"[^\0-\x7e]"
    )  # occur in strings only, so the JSON is the same
    _write(sys.stdout, "".join(escaped.sub(_json_escape, line) for line in lines))


def _json_escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))


def say(text: str = "", *, silent: bool = False) -> None:
    """Print a line and flush, unless `silent`."""
    if not silent and is_main():
        _write(sys.stdout, f"{visible(text)}\n")


def say_note(note: str) -> None:
    """Print a remark on a result, wrapped as the result is."""
    from imdb_sentiment.results.tables import wrap

    say("\n".join(wrap(f"note: {note}")))


def warn(text: str) -> None:
    """Print a line on standard error, ignoring write errors."""
    with suppress(OSError):
        _write(sys.stderr, f"{visible(text)}\n")


def show(content: object) -> None:
    """Print a rich renderable in colour, or as plain text without colour support."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    if not console.color_system or console.no_color:
        say(str(content))
    elif is_main():
        with console.capture() as captured:
            console.print(content)
        _write(sys.stdout, captured.get())


def _write(stream: TextIO, text: str) -> None:
    """Write and flush.

    Raises:
        BrokenPipeError: The reader has closed the stream.
        OSError: The stream cannot be written. In both cases, later writes are discarded without an error.
    """
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        with suppress(OSError), open(os.devnull, "wb") as devnull:  # noqa: PTH123 - not a user's path
            os.dup2(devnull.fileno(), stream.fileno())  # or the flush at exit would fail again
        raise
