"""`imdb-sentiment serve`: an HTTP server of a saved model."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from imdb_sentiment.cli.completion import one_of
from imdb_sentiment.cli.console import reports_errors, say, warn
from imdb_sentiment.cli.options import ModelSource

__all__ = ["serve"]

_LOCAL = ("127.0.0.1", "::1", "localhost")


@reports_errors
def serve(
    model: ModelSource,
    *,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 for all addresses.", metavar="NAME")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for any free port.", metavar="N")] = 8000,
    token_file: Annotated[
        Path | None,
        typer.Option(help="File with the token that clients must send. [default: none]", metavar="FILE"),
    ] = None,
    max_batch_wait_ms: Annotated[
        float, typer.Option(help="Longest time that a text waits for others to be scored with it.", metavar="MS")
    ] = 5.0,
    max_queue: Annotated[
        int, typer.Option(help="Maximum number of waiting texts; more are refused.", metavar="N")
    ] = 1024,
    precision: Annotated[
        str,
        typer.Option(
            help="fp32, bf16, or auto, the faster of the two.",
            metavar="NAME",
            autocompletion=one_of("auto", "fp32", "bf16"),
        ),
    ] = "auto",
) -> None:
    """Serve a saved model over HTTP: predictions, explanations, metrics, and a page to try it."""
    from imdb_sentiment.classifier import SentimentClassifier
    from imdb_sentiment.serving.server import run_server

    token = None if token_file is None else _read_token(token_file)
    if token is None and host not in _LOCAL:
        warn(f"warning: anyone who reaches {host} can use the model; --token-file asks them for a token")
    run_server(
        partial(SentimentClassifier.from_pretrained, model, precision=cast("Any", precision)),
        name=Path(model).name or model,
        host=host,
        port=port,
        token=token,
        max_batch_wait_ms=max_batch_wait_ms,
        max_queue=max_queue,
        say=say,
    )


def _read_token(file: Path) -> str:
    """Return the token in a file.

    Raises:
        ConfigError: The file cannot be read, or has not one line with a token.
    """
    from imdb_sentiment.errors import ConfigError

    try:
        lines = file.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        found = error.strerror if isinstance(error, OSError) else "not text"
        raise ConfigError(f"--token-file {file} cannot be read", found=found) from None
    if len(lines) != 1:
        raise ConfigError(f"--token-file {file} does not hold one token", expected="one line without spaces")
    return lines[0]
