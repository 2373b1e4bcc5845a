"""What the documentation takes from the project itself: addresses, files of its root, descriptions of pages."""

import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent
LONGEST = 160
"""Characters of a description that search engines show."""


def on_config(config: Any) -> Any:
    """Take the addresses from `[project.urls]`, which is the one place that has them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    urls = project["urls"]
    config.site_url = urls["Documentation"]
    config.repo_url = urls["Repository"]
    config.repo_name = project["name"]
    config.edit_uri = "edit/main/docs/"
    options = config.plugins["mkdocstrings"].config.handlers["python"]["options"]
    options["extra"] = {"source": f"{urls['Repository']}/blob/main/"}
    return config


on_config.mkdocs_priority = 100  # type: ignore[attr-defined]  # before mkdocstrings reads its options


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put files of the root in place of `<!-- file: NAME -->`, and describe the page by its first sentences."""
    whole = re.sub(r"<!-- file: (\S+) -->", lambda found: _file(found[1]), markdown)
    page.meta.setdefault("description", describe(whole))
    return whole


def _file(name: str) -> str:
    text = (ROOT / name).read_text(encoding="utf-8")
    return text.replace("](docs/", "](../")  # as seen from a folder of pages


def describe(markdown: str) -> str | None:
    """Return the first paragraph of prose as plain text, cut after a sentence or a word."""
    blocks = re.split(r"\n\s*\n", re.sub(r"^```.*?^```$", "", markdown, flags=re.DOTALL | re.MULTILINE))
    prose = [block for block in map(str.strip, blocks) if re.match(r"[`*\[]*\w", block)]
    if not prose:
        return None
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(prose[0].split()))
    text = re.sub(r"[`*]", "", text)
    if len(text) <= LONGEST:
        return text
    sentences = re.match(rf".{{40,{LONGEST - 1}}}[.!?](?= )", text)
    return sentences[0] if sentences else f"{text[: LONGEST - 3].rsplit(' ', 1)[0]}..."
