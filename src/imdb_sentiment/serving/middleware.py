"""What happens to every request: a limit of its body, its metrics, and the headers that hold for all answers."""

import time
from typing import TYPE_CHECKING, Any

from imdb_sentiment.serving.served_model import ServedModel

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["EveryRequest"]

_SAFETY = (b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"), (b"cache-control", b"no-store")


class EveryRequest:
    """Middleware that limits bodies, counts requests, and asks clients to leave while the server drains.

    FastAPI's `max_body_size` would answer in plain text, not as all other errors, where the length is declared.
    """

    def __init__(self, app: "ASGIApp", served: ServedModel, max_body_bytes: int) -> None:
        self._app = app
        self._served = served
        self._max_body_bytes = max_body_bytes

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
            await self._app(scope, self._limited(receive), send_with_headers)
        finally:
            # the route's path, not the request's: clients must not be able to create new time series
            route: Any = scope.get("route")
            self._served.metrics.count_request(
                getattr(route, "path", None) or "other", status, time.perf_counter() - started
            )

    def _limited(self, receive: "Receive") -> "Receive":
        from starlette.exceptions import HTTPException

        left = self._max_body_bytes

        async def receive_within_limit() -> "Message":
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413, f"the body is larger than {self._max_body_bytes:,} bytes")
            return message

        return receive_within_limit
