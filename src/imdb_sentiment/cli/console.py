"""What commands share in talking to the user: results on standard output, all else on standard error."""

import functools
import json
import sys
from collections.abc import Callable
from typing import Any, ParamSpec

import typer

__all__ = ["print_json", "reports_errors", "say"]

P = ParamSpec("P")


def reports_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Turn this library's errors into one message and an exit code: 2 for wrong input, 1 else, 130 for Ctrl-C."""

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        from imdb_sentiment.errors import ImdbSentimentError, InputError

        try:
            command(*args, **kwargs)
        except ImdbSentimentError as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            raise typer.Exit(2 if isinstance(error, InputError) else 1) from None
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            raise typer.Exit(130) from None

    return wrapper


def print_json(content: dict[str, Any]) -> None:
    """Print one JSON object on standard output."""
    print(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))


def say(text: str = "", *, silent: bool = False) -> None:
    """Print a line for a reader at once, unless the output is for a program."""
    if not silent:
        print(text, flush=True)
