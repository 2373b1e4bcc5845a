"""How the tests run the command: in this process, which is quick, or in one of its own, as a user does."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from typer.testing import CliRunner

from conftest import make_reviews
from imdb_sentiment import FineTuneConfig
from imdb_sentiment.cli.app import app

COMMAND = (sys.executable, "-m", "imdb_sentiment")


class Outcome(NamedTuple):
    """What a run of the command leaves behind on its streams."""

    code: int
    out: str
    err: str

    def read_json(self) -> dict[str, Any]:
        """Return the one JSON object that stands on standard output, and nothing else there."""
        assert self.code == 0, self.err
        content = json.loads(self.out)
        assert isinstance(content, dict)
        return content


def run(*arguments: object, stdin: str | bytes = "") -> Outcome:
    """Run the command in this process."""
    result = CliRunner().invoke(app, [str(part) for part in arguments], input=stdin, catch_exceptions=False)
    return Outcome(result.exit_code, result.stdout, result.stderr)


def spawn(*arguments: object, stdin: str = "", env: Mapping[str, str] | None = None) -> Outcome:
    """Run the command in a process of its own."""
    line = [*COMMAND, *map(str, arguments)]
    done = subprocess.run(
        line,
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, **(env or {})},
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def options(config: FineTuneConfig, **changes: object) -> list[str]:
    """Write a recipe as options of `train`."""
    fields = config.model_dump(exclude_defaults=True) | changes
    parts = ["--model", str(fields.pop("model_name"))]
    for key, value in fields.items():
        parts += ["--set", f"{key}={'' if value is None else value}"]
    return parts


def write_reviews(path: Path, rows: int = 60, *, text: str = "text", label: str = "label", names: str = "0 1") -> Path:
    """Write reviews that the tiny model can learn, as CSV or TSV, with columns and labels of the given names."""
    delimiter = "\t" if path.suffix == ".tsv" else ","
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow([text, label])
        writer.writerows([review, names.split()[i]] for review, i in zip(*make_reviews(rows), strict=True))
    return path


def read_metadata(model: Path) -> dict[str, Any]:
    """Return the content of `imdb_sentiment.json`."""
    content: dict[str, Any] = json.loads((model / "imdb_sentiment.json").read_text(encoding="utf-8"))
    return content


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Return every path below a folder with its content; None for folders."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}
