"""The public surface: what is exported, what importing it loads, and who may import whom."""

import ast
import subprocess
import sys
from collections.abc import Collection
from graphlib import TopologicalSorter
from importlib import metadata
from pathlib import Path

import pytest

import imdb_sentiment

SOURCE = Path(imdb_sentiment.__file__).parent

# A module imports from its own package and from the layers above its own. Packages of one layer do not import each
# other; modules at the root of the package may also import, and be imported by, those beside them.
LAYERS = [
    {"errors", "runtime"},
    {"config", "reporting"},
    {"results"},
    {"data"},
    {"evaluation", "models"},
    {"audit", "behaviour", "inference"},
    {"classifier", "persistence", "serving", "training"},
    {
        "__main__",
        "cli",
        "cross_validation",
        "drift",
        "finetuner",
        "hyperparameter_search",
        "label_issues",
        "learning_curves",
        "sklearn",
        "suggestions",
        "tuning",
    },
]
SERVING = ("classifier", "inference", "persistence", "serving")
NOT_FOR_SERVING = ("imdb_sentiment.data.sources", "imdb_sentiment.training", "imdb_sentiment.finetuner")


def modules() -> dict[str, Path]:
    """Every module of the package but its root, by its dotted name."""
    found = {}
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        name = ".".join(("imdb_sentiment", *parts)).removesuffix(".__init__")
        found[name] = path
    del found["imdb_sentiment"]
    return found


def imports_of(path: Path, known: Collection[str]) -> set[str]:
    """Modules of this package that a file imports anywhere: inside functions and for annotations too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("imdb_sentiment."):
            of_each = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in known else str(node.module) for name in of_each}
    return found


def room_of(module: str) -> str:
    return module.split(".")[1]


def layer_of(module: str) -> int:
    return next(i for i, layer in enumerate(LAYERS) if room_of(module) in layer)


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


def test_modules_import_from_the_layers_above_them_alone() -> None:
    found = modules()
    arrows = [(name, other) for name, path in found.items() for other in imports_of(path, found)]
    assert len(arrows) > 500
    for name, other in arrows:
        assert layer_of(other) <= layer_of(name), f"{name} imports {other}"


def test_packages_of_one_layer_do_not_import_each_other() -> None:
    found = modules()
    packages = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").is_file()}
    assert packages < set().union(*LAYERS)
    for name, path in found.items():
        for other in imports_of(path, found):
            sideways = room_of(name) != room_of(other) and layer_of(name) == layer_of(other)
            assert not (sideways and {room_of(name), room_of(other)} <= packages), f"{name} imports {other}"


def test_no_module_imports_itself_by_way_of_others() -> None:
    found = modules()
    sorter = TopologicalSorter({name: imports_of(path, found) - {name} for name, path in found.items()})
    sorter.prepare()  # raises CycleError


def test_the_root_holds_what_users_call_and_packages_that_say_what_they_are() -> None:
    files = {path.name for path in SOURCE.iterdir() if path.is_file()}
    facade = {
        "classifier.py",
        "cross_validation.py",
        "drift.py",
        "finetuner.py",
        "hyperparameter_search.py",
        "label_issues.py",
        "learning_curves.py",
        "sklearn.py",
        "suggestions.py",
    }
    assert files == {"__init__.py", "__main__.py", "errors.py", "py.typed"} | facade
    architecture = (SOURCE.parents[1] / "docs/explanation/architecture.md").read_text(encoding="utf-8")
    for package in {path.parent.name for path in SOURCE.glob("*/__init__.py")}:
        text = (SOURCE / package / "__init__.py").read_text(encoding="utf-8")
        assert len((ast.get_docstring(ast.parse(text)) or "").splitlines()) == 1
        assert f"`{package}`" in architecture


def test_each_module_has_tests_of_its_name_or_is_named_in_the_first_line_of_others() -> None:
    tests = SOURCE.parents[1] / "tests"
    covered = " ".join(path.read_text(encoding="utf-8").partition("\n")[0] for path in tests.rglob("test_*.py"))
    for path in SOURCE.rglob("[!_]*.py"):
        module = path.relative_to(SOURCE)
        assert (tests / module.parent / f"test_{module.name}").is_file() or f"{module.as_posix()}" in covered, module


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
    own = [module for module in loaded if module.startswith("imdb_sentiment")]
    assert len(own) <= 45
    assert not [module for module in own if module.startswith(NOT_FOR_SERVING)]
    assert not [module for module in own if "reporting" in module or "card" in module or ".formats" in module]
    found = modules()
    for name in [name for name in found if room_of(name) in SERVING]:
        assert not [module for module in imports_of(found[name], found) if module.startswith(NOT_FOR_SERVING)]


def test_the_package_is_typed() -> None:
    assert (SOURCE / "py.typed").is_file()
