"""The server process: listens, loads the model, and finishes accepted requests before it stops."""

import errno
import os
import socket
from collections.abc import Callable
from typing import Any

from imdb_sentiment.classifier import SentimentClassifier
from imdb_sentiment.errors import ConfigError
from imdb_sentiment.runtime.messages import Advice, Setting, quote
from imdb_sentiment.serving.app import build_app, require_extra
from imdb_sentiment.serving.served_model import ServedModel

__all__ = ["run_server"]

_BACKLOG = 2048


def run_server(
    load: Callable[[], SentimentClassifier],
    *,
    name: str,
    host: str,
    port: int,
    token: str | None,
    max_batch_wait_ms: float,
    max_queue: int,
    say: Callable[[str], None],
) -> None:
    """Serve a model until SIGTERM or Ctrl-C.

    It listens before the model is loaded, so that a supervisor can ask `/healthz` and `/readyz` from the start. After
    the signal it refuses connections, answers what comes on those that are open, and ends.

    Args:
        load: Opens the model; called in another thread.
        name: Name of the model.
        host: Address to listen on.
        port: Port to listen on; 0 for any that is free.
        token: See `create_app`.
        max_batch_wait_ms: See `create_app`.
        max_queue: See `create_app`.
        say: Prints a line for the user.

    Raises:
        ConfigError: The address cannot be listened on, or an option is invalid.
        ImdbSentimentError: The model cannot be opened.
    """
    require_extra()
    from imdb_sentiment.serving.model_server import ModelServer, server_config

    served = ServedModel(max_batch_wait_ms=max_batch_wait_ms, max_queue=max_queue)
    app = build_app(served, token)
    with _listen(host, port) as listening:
        address: Any = listening.getsockname()
        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        say(f"listening on http://{shown}:{address[1]}, loading {name}")
        server = ModelServer(server_config(app, backlog=_BACKLOG), served, load, name, say)
        server.run(sockets=[listening])
    if server.failure:
        raise server.failure
    say("stopped")


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise ConfigError(f"there is no port {port}", expected="0 to 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        is_port = error.errno in (errno.EADDRINUSE, errno.EACCES)
        hint = Setting("port", port + 1 if port > 1024 else 8000) if is_port else Setting("host", "127.0.0.1")
        raise ConfigError(f"cannot listen on {quote(host)}, port {port}", found=reason, hint=Advice(hint)) from None
