"""Completion in a shell, by the protocol that the scripts of typer speak."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from imdb_sentiment.cli.completion import assignments, data_assignments, encoders, one_of, presets

SCRIPT = """
import sys
from imdb_sentiment.cli.app import main
try:
    main()
finally:
    print(sorted({"torch", "transformers", "datasets", "numpy", "pyarrow"} & set(sys.modules)), file=sys.stderr)
"""


def complete(line: str) -> tuple[list[str], str]:
    """Return what bash is offered for the last word of a line, and which heavy packages were loaded."""
    asked = {
        "_IMDB_SENTIMENT_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
    }
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | asked)
    return done.stdout.split(), done.stderr.strip()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("imdb-sentiment comp", ["compare"]),
        ("imdb-sentiment train --over", ["--overwrite"]),
        ("imdb-sentiment train --preset a", ["accurate"]),
        ("imdb-sentiment train --set learning", ["learning_rate="]),
        ("imdb-sentiment export model --quantize ", ["int8"]),
        ("imdb-sentiment train --data rev", []),  # files are left to the shell
        ("imdb-sentiment evaluate mod", []),
    ],
)
def test_commands_options_and_values_are_completed_without_loading_much(line: str, offered: list[str]) -> None:
    assert complete(line) == (offered, "[]")


def test_bash_completes_file_names_where_nothing_else_is_offered(tmp_path: Path) -> None:
    asked = {"_IMDB_SENTIMENT_COMPLETE": "source_bash"}
    command = [sys.executable, "-m", "imdb_sentiment"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | asked)
    assert "complete -o default -F" in done.stdout


def test_values() -> None:
    assert presets("") == ["tutorial", "fast", "balanced", "accurate"]
    assert encoders("mini") == ["minilm"]
    assert encoders("") == encoders("./model") == []  # a shell then offers folders
    assert one_of("auto", "fp32")("f") == ["fp32"]
    assert data_assignments("split_") == ["split_seed="]
    assert data_assignments("num_train") == []
    assert assignments("num_train") == ["num_train_epochs="]
