"""The page to try a model, and the page of the API, each with a policy of what the browser may load."""

import base64
import hashlib
import re
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.responses import Response

__all__ = ["add_pages"]

_TYPES = {"page.html": "text/html", "page.css": "text/css", "page.js": "text/javascript"}

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_SWAGGER = "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5.17.14"
"""A fixed version: a page into which a token may be typed must not change by itself."""


class _Asset(NamedTuple):
    content: bytes
    media_type: str


def add_pages(app: "FastAPI") -> None:
    """Add `/` with its style and script, and `/docs`.

    All links are relative, so that the pages work behind a proxy that adds a prefix.
    """
    from fastapi.responses import Response

    folder = files("imdb_sentiment.serving") / "page"
    assets = {name: _Asset((folder / name).read_bytes(), kind) for name, kind in _TYPES.items()}
    docs = _render_docs()

    def serve(name: str) -> "Response":
        asset = assets[name]
        return Response(asset.content, media_type=asset.media_type, headers={"Content-Security-Policy": _POLICY})

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return serve("page.html")

    @app.get("/page.css", include_in_schema=False)
    async def style() -> Response:
        return serve("page.css")

    @app.get("/page.js", include_in_schema=False)
    async def script() -> Response:
        return serve("page.js")

    @app.get("/docs", include_in_schema=False)
    async def api() -> Response:
        content, policy = docs
        return Response(content, media_type="text/html", headers={"Content-Security-Policy": policy})


def _render_docs() -> tuple[bytes, str]:
    """Return FastAPI's page of the API, and a policy by which only its own script and Swagger UI may run."""
    from fastapi.openapi.docs import get_swagger_ui_html

    content = bytes(
        get_swagger_ui_html(
            openapi_url="openapi.json",
            title="imdb_sentiment API",
            swagger_js_url=f"{_SWAGGER}/swagger-ui-bundle.js",
            swagger_css_url=f"{_SWAGGER}/swagger-ui.css",
            swagger_favicon_url="data:,",
        ).body
    )
    scripts = re.findall(rb"<script>(.*?)</script>", content, re.DOTALL)
    hashes = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    # Swagger UI puts styles into its elements, which cannot be hashed
    policy = (
        f"default-src 'none'; script-src {_SWAGGER}/ {allowed}; style-src {_SWAGGER}/ 'unsafe-inline'; "
        "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return content, policy
