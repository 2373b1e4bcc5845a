"""Errors as answers: a status, and one message in the words of this library."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from imdb_sentiment.errors import ImdbSentimentError, InputError, ModelError, nearest
from imdb_sentiment.runtime.messages import list_values, quote, visible
from imdb_sentiment.serving.schemas import TAGS, ExplainRequest, ManyTexts, OneText, Problem, TextPair

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.responses import Response

__all__ = ["PROBLEMS", "add_handlers"]

_FIELDS = {name for body in (OneText, ManyTexts, ExplainRequest, TextPair) for name in body.model_fields}
_NOT_FIELDS = {"body", *TAGS}
_LISTED = 3

PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The body cannot be read."},
    401: {"model": Problem, "description": "The token is missing or wrong."},
    413: {"model": Problem, "description": "The body is too large, or it has more texts than may wait."},
    422: {"model": Problem, "description": "A field or a text is invalid; the message says what is expected."},
    500: {"model": Problem, "description": "The model failed."},
    503: {
        "model": Problem,
        "description": "The model is loading, or the queue is full; try again.",
        "headers": {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}},
    },
}
"""Answers other than success, for the OpenAPI document."""


def add_handlers(app: "FastAPI") -> None:
    """Let an app answer every error with a `Problem`."""
    from fastapi.exceptions import HTTPException, RequestValidationError
    from fastapi.responses import JSONResponse
    from starlette.exceptions import HTTPException as StarletteHTTPException

    def answer(
        status: int, detail: str, *, rows: Sequence[int] = (), headers: Mapping[str, str] | None = None
    ) -> "Response":
        problem = Problem(detail=visible(detail), rows=tuple(rows))
        return JSONResponse(problem.model_dump(), status, headers=headers)

    @app.exception_handler(StarletteHTTPException)
    async def http(_: object, error: HTTPException) -> "Response":
        detail = "the body is not JSON in UTF-8" if error.status_code == 400 else str(error.detail)
        return answer(error.status_code, detail, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: object, error: RequestValidationError) -> "Response":
        return answer(422, str(_explain(error.errors())))

    @app.exception_handler(asyncio.QueueFull)
    async def full(_: object, error: asyncio.QueueFull) -> "Response":
        return answer(503, "the server has as much to do as it accepts", headers={"Retry-After": "1"})

    @app.exception_handler(ImdbSentimentError)
    async def ours(_: object, error: ImdbSentimentError) -> "Response":
        is_request = isinstance(error, InputError) and not isinstance(error, ModelError)
        return answer(422 if is_request else 500, str(error), rows=getattr(error, "rows", ()))

    @app.exception_handler(Exception)
    async def unexpected(_: object, error: Exception) -> "Response":
        return answer(500, "the server failed; its log has the reason")


def _explain(faults: Sequence[Any]) -> InputError:
    """Convert pydantic's errors of a body to one message, which does not repeat the texts."""
    first = faults[0]
    if first["type"] == "json_invalid":
        found = f"{first['ctx']['error'].lower()} at character {first['loc'][-1]}"
        return InputError("the body is not valid JSON", found=found)
    if first["type"] == "extra_forbidden":
        name = str(first["loc"][-1])
        hint = nearest(name, _FIELDS)
        return InputError(f"there is no field {quote(name)}", expected=list_values(sorted(_FIELDS)), hint=hint)
    if _place(first["loc"]) == "body" and first["type"] in ("missing", "model_attributes_type"):
        return InputError("the body is not a JSON object", expected="an object, sent as Content-Type: application/json")
    found = "; ".join(f"{_place(fault['loc'])}: {fault['msg'].lower()}" for fault in faults[:_LISTED])
    return InputError("the request is invalid", found=found)


def _place(location: Sequence[str | int]) -> str:
    """Name a part of the body, such as `texts, item 2, text_pair`."""
    parts = [f"item {part + 1}" if isinstance(part, int) else part for part in location if part not in _NOT_FIELDS]
    return ", ".join(parts) or "body"
