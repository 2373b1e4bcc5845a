"""The index of public names in the documentation, which mkdocs has made here of the reference pages and docstrings."""

import re
from pathlib import Path
from typing import Any

import griffe

ROOT = Path(__file__).parent
MARK = "<!-- public names -->"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the mark with a table of each documented name, what it is, and where it is imported from."""
    if MARK not in markdown:
        return markdown
    rows = [
        f"| [`{name}`]({page}#imdb_sentiment.{path}) | {about} | `{f'imdb_sentiment.{path}'.rpartition('.')[0]}` |"
        for page, path, name, about in public_names()
    ]
    return markdown.replace(MARK, "\n".join(["| name | what it is | import from |", "|---|---|---|", *rows]))


def public_names() -> list[tuple[str, str, str, str]]:
    """Return for each documented name its page, its path in the package, how it is shown, and its first sentence."""
    package = griffe.load("imdb_sentiment", search_paths=[ROOT / "src"], resolve_aliases=True)
    names = []
    for page in (ROOT / "docs" / "reference").glob("*.md"):
        for path in re.findall(r"^::: imdb_sentiment\.(\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
            thing = package[path]
            if not thing.is_module:
                about = thing.docstring.value.partition("\n\n")[0] if thing.docstring else ""
                shown = f"{thing.name}()" if thing.is_function else thing.name
                names.append((page.name, path, shown, " ".join(about.split())))
    return sorted(names, key=lambda row: row[2].casefold())
