"""What happens to every request: it is counted, and its answer gets the headers that hold for all."""

import time
from typing import TYPE_CHECKING, Any

from imdb_sentiment.serving.served_model import ServedModel

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["EveryRequest"]

_SAFETY = (b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"), (b"cache-control", b"no-store")


class EveryRequest:
    """Middleware that counts requests, and asks clients to leave while the server drains."""

    def __init__(self, app: "ASGIApp", served: ServedModel) -> None:
        self._app = app
        self._served = served

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def send_with_headers(message: "Message") -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *_SAFETY]
                if self._served.draining:
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            # the route's path, not the request's: clients must not be able to create new time series
            route: Any = scope.get("route")
            self._served.metrics.count_request(
                getattr(route, "path", None) or "other", status, time.perf_counter() - started
            )
