"""Pages of the documentation that are notebooks: mkdocs calls this to put the cells in place of the file's name."""

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace `<!-- notebook: PATH -->` with the cells of a notebook, of which code becomes blocks of Python."""
    return re.sub(r"<!-- notebook: (\S+) -->", lambda found: _cells(found[1]), markdown)


def _cells(path: str) -> str:
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
