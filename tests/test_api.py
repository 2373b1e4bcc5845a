"""The public surface: what is exported, what importing it loads, and who may import whom."""

import ast
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import imdb_sentiment

SOURCE = Path(imdb_sentiment.__file__).parent

# Each row may import from itself and from the rows above it.
ROWS = [
    {"arrays", "errors", "messages"},
    {
        "config",
        "results",
        "findings",
        "text_table",
        "allocator",
        "processes",
        "process_wide",
        "progress",
        "silence",
        "disk_space",
        "locked",
        "output",
        "reporting",
        "upstream",
    },
    {"data"},
    {"checked_texts", "encoding", "model_files", "saved_tokenizer", "tables"},
    {"evaluation"},
    {"attention", "embeddings", "models", "pretrained", "head", "first_token", "precision", "training", "scoring"},
    {
        "artifact",
        "audit",
        "card",
        "exported",
        "foreign",
        "identity",
        "metadata",
        "model_folder",
        "opening",
        "publishing",
    },
    {"batch_scoring", "exporting", "file_scoring", "folder_job", "folder_scoring", "judging", "ray_workers"},
    {"finetuner", "classifier"},
    {"cross_validation", "learning_curve", "suspects"},
    {"cli"},
    {"__main__"},
]
SERVING = ("classifier", "scoring", "artifact")
NOT_FOR_SERVING = ("imdb_sentiment.data.sources", "imdb_sentiment.training", "imdb_sentiment.finetuner")


def imports_of(path: Path) -> set[str]:
    """Modules of this package that a file imports anywhere, also inside functions, apart from annotations."""
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("imdb_sentiment"):
            found.add(str(node.module))
    return found


def row_of(module: str) -> int:
    room = module.removeprefix("imdb_sentiment.").split(".")[0]
    return next(i for i, row in enumerate(ROWS) if room in row)


def test_every_export_exists_and_is_listed_in_order() -> None:
    assert imdb_sentiment.__all__ == sorted(imdb_sentiment.__all__)
    assert dir(imdb_sentiment) == imdb_sentiment.__all__
    for name in imdb_sentiment.__all__:
        value = getattr(imdb_sentiment, name)
        assert value.__name__ == name
        assert value.__doc__


def test_the_version_is_that_of_the_installed_package() -> None:
    assert imdb_sentiment.__version__ == metadata.version("imdb-sentiment")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="SentimentTuner"):
        getattr(imdb_sentiment, "SentimentTuner")  # noqa: B009  a type checker would refuse the plain form


def test_importing_loads_the_package_itself_and_little_of_the_standard_library() -> None:
    script = """
import sys
before = set(sys.modules)
import imdb_sentiment
print(sorted(set(sys.modules) - before))
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = ast.literal_eval(run.stdout)
    assert [name for name in loaded if name.partition(".")[0] not in sys.stdlib_module_names] == ["imdb_sentiment"]
    assert len(loaded) < 60  # 30 in Python 3.11; benchmarks/startup.py has the seconds


@pytest.mark.parametrize("command", [[], ["train"]], ids=str)
def test_help_loads_little(command: list[str]) -> None:
    script = f"""
import sys
before = set(sys.modules)
from imdb_sentiment.cli.app import app
try:
    app({[*command, "--help"]})
except SystemExit:
    pass
print(sorted(set(sys.modules) - before))
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = ast.literal_eval(run.stdout.splitlines()[-1])
    assert not {"torch", "transformers", "datasets", "sklearn", "scipy", "pandas", "numpy", "pyarrow"} & set(loaded)
    assert len(loaded) < 350  # 250 in Python 3.11, most of them of pydantic and the standard library


def test_modules_import_only_from_rows_above_them() -> None:
    checked = 0
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        if parts == ("__init__",):
            continue
        own = row_of(".".join(parts))
        for module in imports_of(path):
            assert row_of(module) <= own, f"{path.name} imports {module}"
            checked += 1
    assert checked > 50


def test_serving_does_not_drag_in_training() -> None:
    script = """
import sys
import imdb_sentiment
imdb_sentiment.SentimentClassifier
print(sorted(sys.modules))
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = ast.literal_eval(run.stdout)
    assert "imdb_sentiment.classifier" in loaded
    assert not [module for module in loaded if module.startswith(NOT_FOR_SERVING)]
    for path in SOURCE.rglob("*.py"):
        if path.relative_to(SOURCE).with_suffix("").parts[0] in SERVING:
            assert not [module for module in imports_of(path) if module.startswith(NOT_FOR_SERVING)]


def test_the_package_is_typed() -> None:
    assert (SOURCE / "py.typed").is_file()
