"""uvicorn's server, changed to load a model when it listens and to finish its requests before it stops."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvicorn  # noqa: TID253  this module is imported where the extra is known to be installed

from imdb_sentiment.classifier import SentimentClassifier
from imdb_sentiment.serving.served_model import ServedModel

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["ModelServer", "server_config"]

_LAST_ANSWERS_SECONDS = 10
"""Longest wait for clients to take their last answers."""

_LINGER_SECONDS = 0.3
"""Between the end of listening and the end of idle connections: a request may be on its way on one of them."""

_POLL_SECONDS = 0.05


def server_config(app: "FastAPI", *, backlog: int) -> uvicorn.Config:
    """Return how an app is run: quietly, and without changing the logging of the process.

    Args:
        app: The app.
        backlog: Connections that may wait to be accepted.
    """
    return uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,  # the default replaces, and closes, all handlers of the process
        log_level="warning",
        access_log=False,
        server_header=False,
        backlog=backlog,
        timeout_graceful_shutdown=_LAST_ANSWERS_SECONDS,
    )


class ModelServer(uvicorn.Server):
    """Loads the model when it listens, and drains before it stops.

    Args:
        config: How to run the app.
        served: The model behind the app.
        load: Opens the model; called in another thread.
        name: Name of the model.
        say: Prints a line for the user.

    Attributes:
        failure: Why the model could not be opened.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        served: ServedModel,
        load: Callable[[], SentimentClassifier],
        name: str,
        say: Callable[[str], None],
    ) -> None:
        super().__init__(config)
        self.failure: BaseException | None = None
        self._served, self._load, self._name, self._say = served, load, name, say

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and begin to load the model."""
        await super().startup(sockets)
        self._loading = asyncio.create_task(self._open_model())

    async def _open_model(self) -> None:
        try:
            classifier = await asyncio.get_running_loop().run_in_executor(None, self._load)
        except Exception as error:
            self.failure, self.should_exit = error, True
            return
        self._served.open(classifier, self._name)
        if not self.should_exit:
            self._say(f"ready: {classifier!r}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what was accepted, and what comes on open connections, then stop."""
        self._served.draining = True  # every answer from now on is the last of its connection
        waiting = [connection for listening in sockets or () for connection in _accept_all(listening)]
        for listener in self.servers:
            listener.close()
        for connection in waiting:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
        await asyncio.sleep(_LINGER_SECONDS)
        if self._served.busy:
            self._say("finishing the accepted requests")
        while self._served.busy and not self.force_exit:
            await asyncio.sleep(_POLL_SECONDS)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        kind: Any = self.config.http_protocol_class
        made: asyncio.Protocol = kind(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
        return made

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; at a second Ctrl-C, at once."""
        # unlike upstream, the signal is not raised again at the end: to be stopped is no failure of a server
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def _accept_all(listening: socket.socket) -> Iterator[socket.socket]:
    """Take the connections that wait to be accepted; they would be reset when the socket is closed."""
    with suppress(BlockingIOError):
        while True:
            yield listening.accept()[0]
