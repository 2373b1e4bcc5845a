"""The app: which address answers what."""

import asyncio
import secrets
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from imdb_sentiment.classifier import SentimentClassifier
from imdb_sentiment.errors import ConfigError, MissingExtraError
from imdb_sentiment.results.inference import Explanation
from imdb_sentiment.serving.answers import PROBLEMS, add_handlers
from imdb_sentiment.serving.middleware import EveryRequest
from imdb_sentiment.serving.pages import add_pages
from imdb_sentiment.serving.schemas import ExplainRequest, Health, PredictRequest, PredictResponse, Problem
from imdb_sentiment.serving.served_model import ServedModel

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request

__all__ = ["MAX_BODY_BYTES", "build_app", "create_app", "require_extra"]

MAX_BODY_BYTES = 4 * 2**20
"""Largest body of a request: about three thousand reviews."""

T = TypeVar("T")


def create_app(
    classifier: SentimentClassifier,
    *,
    name: str = "model",
    token: str | None = None,
    max_batch_wait_ms: float = 5.0,
    max_queue: int = 1024,
) -> "FastAPI":
    """Return an ASGI app that serves a model, to run with any server or to mount in another app.

    Needs the extra `serve`. `imdb-sentiment serve` runs the same app; in addition, it loads the model while already
    listening, and finishes accepted requests before it stops.

    Args:
        classifier: The model. It is shared, not copied.
        name: Name of the model in `/healthz` and on the page.
        token: If given, predictions, explanations and metrics need the header `Authorization: Bearer TOKEN`.
        max_batch_wait_ms: Longest time in milliseconds that a text waits for others while nothing is being computed.
            Texts that arrive while others are scored wait for these anyway.
        max_queue: Maximum number of waiting texts; requests beyond it are answered with 503.

    Raises:
        ConfigError: The token is empty, or a number is out of range.
        MissingExtraError: The extra `serve` is not installed.

    Example:
        ```python
        app = create_app(SentimentClassifier.from_pretrained("imdb-sentiment-demo"))
        parent.mount("/reviews", app)
        ```
    """
    require_extra()
    served = ServedModel(max_batch_wait_ms=max_batch_wait_ms, max_queue=max_queue)
    served.open(classifier, name)
    return build_app(served, token)


def require_extra() -> None:
    """Check that the extra `serve` is installed.

    Raises:
        MissingExtraError: It is not.
    """
    try:
        import fastapi  # noqa: F401
        import prometheus_client  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            "serving needs the extra 'serve'", hint="pip install 'imdb-sentiment[serve]'"
        ) from error


def build_app(served: ServedModel, token: str | None) -> "FastAPI":
    """Return the app of a model that may still be loading; see `create_app`."""
    from fastapi import FastAPI

    import imdb_sentiment

    if token is not None and not (token.isascii() and token.isprintable() and token and " " not in token):
        raise ConfigError("the token cannot be sent in a header", expected="printable ASCII characters without spaces")
    app = FastAPI(
        title="imdb_sentiment",
        summary="Predictions of a binary text classifier.",
        version=imdb_sentiment.__version__,
        docs_url=None,  # pages.py has its own
        redoc_url=None,
        servers=[{"url": "."}],  # relative to the document, so that it holds behind a proxy that adds a prefix
    )
    app.add_middleware(EveryRequest, served=served, max_body_bytes=MAX_BODY_BYTES)
    add_handlers(app)
    add_pages(app)
    guarded = [_authorization(token)] if token else []
    _add_answers(app, served, guarded, {code: what for code, what in PROBLEMS.items() if token or code != 401})
    _add_state(app, served, guarded)
    return app


def _authorization(token: str) -> Any:
    """Return the dependency of addresses that need the token."""
    from fastapi import Depends, HTTPException
    from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

    bearer = HTTPBearer(auto_error=False, description="Needed if the server was started with a token.")

    async def authorize(given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> None:
        # constant time, so that the token cannot be guessed character by character
        if not (given and secrets.compare_digest(given.credentials.encode(), token.encode())):
            detail = "the token is wrong" if given else "a token is needed: Authorization: Bearer TOKEN"
            raise HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})

    return Depends(authorize)


def _add_answers(
    app: "FastAPI", served: ServedModel, guarded: list[Any], documented: dict[int | str, dict[str, Any]]
) -> None:
    """Add what the model answers: `/predict` and `/explain`."""
    from fastapi import Depends, HTTPException, Request
    from fastapi.responses import Response

    async def accept() -> None:
        if served.info is None:
            raise HTTPException(503, "the model is loading", {"Retry-After": "5"})

    asked = [*guarded, Depends(accept)]
    unexplained: dict[int | str, Any] = {404: {"model": Problem, "description": "This model cannot be explained."}}
    nobody = Response(status_code=499)  # the client has left

    @app.post("/predict", dependencies=asked, responses=documented, response_model=PredictResponse)
    async def predict(request: Request, body: PredictRequest) -> PredictResponse | Response:
        """Classify one text, or several. Texts of requests that arrive together are scored together."""
        items = body.items()
        if len(items) > served.max_queue:
            raise HTTPException(413, f"a request may have {served.max_queue:,} texts, and this one has {len(items):,}")
        work = served.predict(
            items, abstain_below=body.abstain_below, abstain=body.abstain, combination=body.combination()
        )
        predictions = await _unless_gone(request, work)
        return nobody if predictions is None else PredictResponse(predictions=predictions)

    @app.post("/explain", dependencies=asked, responses=documented | unexplained, response_model=Explanation)
    async def explain(request: Request, body: ExplainRequest) -> Explanation | Response:
        """Return the contribution of each word to the label of one text."""
        if served.cannot_explain:
            raise HTTPException(404, served.cannot_explain)
        return await _unless_gone(request, served.explain(body.items())) or nobody


def _add_state(app: "FastAPI", served: ServedModel, guarded: list[Any]) -> None:
    """Add what a supervisor asks: `/healthz`, `/readyz` and `/metrics`."""
    from fastapi.responses import Response

    def health() -> Health:
        return Health(status=served.status, version=app.version, model=served.info)

    @app.get("/healthz")
    async def healthz() -> Health:
        """Tell whether the process answers, and what it serves."""
        return health()

    not_ready = {"model": Health, "description": "The model is loading, or the server is about to stop."}

    @app.get("/readyz", responses={503: not_ready})
    async def readyz(response: Response) -> Health:
        """Tell whether predictions can be asked for."""
        response.status_code = 200 if served.status == "ready" else 503
        return health()

    @app.get("/metrics", dependencies=guarded, response_class=Response)
    async def metrics() -> Response:
        """Return metrics in Prometheus' text format."""
        from prometheus_client import CONTENT_TYPE_LATEST

        return Response(served.metrics.render(), media_type=CONTENT_TYPE_LATEST)


async def _unless_gone(request: "Request", work: Coroutine[Any, Any, T]) -> T | None:
    """Return what some work returns, or cancel it and return None if the client disconnects before."""

    async def leave() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    working, leaving = asyncio.create_task(work), asyncio.create_task(leave())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        working.cancel()
        leaving.cancel()
