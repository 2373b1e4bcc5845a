"""The server process: listens, loads the model, and finishes accepted requests before it stops."""

import asyncio
import errno
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import FrameType
from typing import Any

from imdb_sentiment.classifier import SentimentClassifier
from imdb_sentiment.errors import ConfigError
from imdb_sentiment.runtime.messages import Advice, Setting, quote
from imdb_sentiment.serving.app import build_app, require_extra
from imdb_sentiment.serving.served_model import ServedModel

__all__ = ["run_server"]

_LAST_ANSWERS_SECONDS = 10
"""Longest wait for clients to take their last answers."""

_BACKLOG = 2048

_LINGER_SECONDS = 0.3
"""Between the end of listening and the end of idle connections: a request may be on its way on one of them."""

_POLL_SECONDS = 0.05


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
    import uvicorn

    served = ServedModel(max_batch_wait_ms=max_batch_wait_ms, max_queue=max_queue)
    app = build_app(served, token)

    class Server(uvicorn.Server):
        """Loads the model when it listens, and drains before it stops."""

        failure: BaseException | None = None

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            self.loading = asyncio.create_task(self.open_model())

        async def open_model(self) -> None:
            try:
                classifier = await asyncio.get_running_loop().run_in_executor(None, load)
            except Exception as error:
                self.failure, self.should_exit = error, True
                return
            served.open(classifier, name)
            if not self.should_exit:
                say(f"ready: {classifier!r}")

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            served.draining = True  # every answer from now on is the last of its connection
            waiting = [connection for listening in sockets or () for connection in _accept_all(listening)]
            for listener in self.servers:
                listener.close()
            for connection in waiting:
                await asyncio.get_running_loop().connect_accepted_socket(self.protocol, connection)
            await asyncio.sleep(_LINGER_SECONDS)
            if served.busy:
                say("finishing the accepted requests")
            while served.busy and not self.force_exit:
                await asyncio.sleep(_POLL_SECONDS)
            await super().shutdown(sockets)

        def protocol(self) -> asyncio.Protocol:
            kind: Any = self.config.http_protocol_class
            made: asyncio.Protocol = kind(
                config=self.config, server_state=self.server_state, app_state=self.lifespan.state
            )
            return made

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            # unlike upstream, the signal is not raised again at the end: to be stopped is no failure of a server
            self.force_exit = self.should_exit and sig == signal.SIGINT
            self.should_exit = True

    with _listen(host, port) as listening:
        address: Any = listening.getsockname()
        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        say(f"listening on http://{shown}:{address[1]}, loading {name}")
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,  # the default replaces, and closes, all handlers of the process
            log_level="warning",
            access_log=False,
            server_header=False,
            backlog=_BACKLOG,
            timeout_graceful_shutdown=_LAST_ANSWERS_SECONDS,
        )
        server = Server(config)
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


def _accept_all(listening: socket.socket) -> Iterator[socket.socket]:
    """Take the connections that wait to be accepted; they would be reset when the socket is closed."""
    with suppress(BlockingIOError):
        while True:
            yield listening.accept()[0]
