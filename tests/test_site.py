"""The documentation as a site, built by each builder and read in a real browser."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ViewportSize

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[1]
PARTS = (
    "docs",
    "src",
    "examples",
    "docs_placeholders.py",
    "mkdocs.yml",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
)
"""What the site is made of."""

BUILDERS = {"mkdocs": ["build", "--strict"], "zensical": ["build", "--strict"]}
PAGES = (
    "index.html",
    "how-to/own-data.html",
    "reference/sentiment-classifier.html",
    "results.html",
    "explanation/architecture.html",
    "notebooks/own-data.html",
    "404.html",
)
"""A page of each kind."""

WIDE, NARROW = ViewportSize(width=1280, height=800), ViewportSize(width=390, height=800)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, in which the builders may write."""
    folder = tmp_path_factory.mktemp("project")
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder)
    return folder


def build(builder: str, copy: Path) -> subprocess.CompletedProcess[str]:
    pytest.importorskip(builder, reason="the extra docs is not installed")
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(
        [sys.executable, "-m", builder, *BUILDERS[builder]], cwd=copy, env=environment, capture_output=True, text=True
    )


@pytest.fixture(scope="module", params=BUILDERS)
def site(request: pytest.FixtureRequest, copy: Path) -> Path:
    """The folder that a builder writes."""
    done = build(request.param, copy)
    assert done.returncode == 0, done.stdout + done.stderr
    return (copy / "site").rename(copy / request.param)


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """A server of that folder: the page for missing ones has absolute links."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(site))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_each_page_is_whole(site: Path) -> None:
    pages = {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    sources = (path.relative_to(ROOT / "docs").with_suffix(".html").as_posix() for path in ROOT.glob("docs/**/*.md"))
    assert set(pages) == {*sources, "404.html"}
    described = [re.search(r'<meta name="description" content="([^"]+)">', text) for text in pages.values()]
    assert sum(found is None for found in described) == 1  # that of 404, which no search engine shows
    assert len({found[1] for found in described if found}) == len(pages) - 1
    assert 'id="what-is-trusted-and-what-is-not"' in pages["project/security.html"]
    assert 'href="../how-to/saved-model.html#what-loading-refuses"' in pages["project/security.html"]
    assert "Thirty-six messages" in pages["notebooks/own-data.html"]
    assert 'href="sentiment-classifier.html#imdb_sentiment.SentimentClassifier"' in pages["reference/index.html"]
    assert "/blob/main/src/imdb_sentiment/classifier.py#L" in pages["reference/sentiment-classifier.html"]
    assert not [name for name, text in pages.items() if re.search("<!-- (file|notebook|public)", text)]


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_broken_link_is_an_error(builder: str, copy: Path) -> None:
    page = copy / "docs" / "results.md"
    whole = page.read_text(encoding="utf-8")
    page.write_text(f"{whole}\n[Nowhere](index.md#nowhere)\n", encoding="utf-8")
    done = build(builder, copy)
    page.write_text(whole, encoding="utf-8")
    assert done.returncode == 1
    assert "anchor" in done.stdout + done.stderr


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", [WIDE, NARROW], ids=["wide", "narrow"])
def test_the_pages_can_be_read_by_all_and_on_a_phone(
    browser: Browser, address: str, screen: ViewportSize, scheme: Any
) -> None:
    context = browser.new_context(viewport=screen, color_scheme=scheme, reduced_motion="reduce")
    context.set_default_timeout(0)
    page = context.new_page()
    found = {}
    for name in PAGES:
        page.goto(f"{address}/{name}")
        found[name] = [problem["id"] for problem in Axe().run(page, options=RULES).response["violations"]]
        wide: Any = page.evaluate("document.documentElement.scrollWidth")
        if wide > screen["width"]:
            found[name].append(f"{wide} pixels wide")
    context.close()
    assert {name: problems for name, problems in found.items() if problems} == {}
