"""A Markdown extension for the documentation: comments in a page stand for files, notebooks and the list of names.

Python-Markdown is what mkdocs and Zensical have in common, so both build the same pages. They find this module if they
are started as `python -m mkdocs` or `python -m zensical` in this folder.
"""

import json
import re
from pathlib import Path
from typing import Any

import griffe
from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

ROOT = Path(__file__).parent


class Placeholders(Preprocessor):
    """Replaces `<!-- file: PATH -->`, `<!-- notebook: PATH -->` and `<!-- public names -->`."""

    def run(self, lines: list[str]) -> list[str]:
        """Return the lines of a page with the placeholders replaced."""
        return fill("\n".join(lines)).split("\n")


class PlaceholdersExtension(Extension):
    """Runs before any other step of Markdown, so that what is put in is read like the rest of the page."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  # the name that Markdown calls
        """Register the preprocessor; those of other extensions have priorities up to 32."""
        md.preprocessors.register(Placeholders(md), "docs_placeholders", 40)


def makeExtension(**options: Any) -> PlaceholdersExtension:  # noqa: N802  # the name that Markdown calls
    """Return the extension, which has no options."""
    return PlaceholdersExtension(**options)


def fill(markdown: str) -> str:
    """Return a page with its placeholders replaced."""
    markdown = re.sub(r"<!-- file: (\S+) -->", lambda found: _file(found[1]), markdown)
    markdown = re.sub(r"<!-- notebook: (\S+) -->", lambda found: _notebook(found[1]), markdown)
    return re.sub(r"<!-- public names -->", lambda _: _table_of_names(), markdown)


def _file(path: str) -> str:
    text = (ROOT / path).read_text(encoding="utf-8")
    return text.replace("](docs/", "](../")  # as seen from a folder of pages


def _notebook(path: str) -> str:
    notebook = json.loads((ROOT / path).read_text(encoding="utf-8"))
    parts = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            parts.append(f"```python\n{source}\n```")
        else:
            parts.append(source.replace("](../docs/", "](../"))  # as seen from the page
    title, *others = parts
    return "\n\n".join([title, f"The page is the notebook `{path}`; run it to see the results.", *others]) + "\n"


def _table_of_names() -> str:
    rows = [
        f"| [`{name}`]({page}#imdb_sentiment.{path}) | {about} | `{f'imdb_sentiment.{path}'.rpartition('.')[0]}` |"
        for page, path, name, about in public_names()
    ]
    return "\n".join(["| name | what it is | import from |", "|---|---|---|", *rows])


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
