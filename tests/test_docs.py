"""The README and the documentation: every block of code runs, and every name and link in them exists.

The blocks of a page run in order, as one script in an empty folder, with the stand-in of the hub behind them. What a
block is for follows from its language, and no other language is allowed:

- `python` runs; `bash` holds `imdb-sentiment` commands, run through the command line's own entry point, which exit with
  0 or as a comment `# exits with 2` says.
- `text` and `json` show all that the block before printed; `...` stands for anything, as in doctest.
- Any block with a `title` is a file, written before what follows runs.
- `py` is code of other libraries, beside ours: it must be Python, and does not run.
- `imdb-sentiment demo` leaves a tiny model that has learnt some reviews; tests/cli/test_demo.py runs the real command.
- `sh` holds commands that are too large for a test: the installation, which `.ci/run` runs, and measurements. Here it
  is checked that what they name exists. `console` is a transcript of such commands, which begin with `$`.
"""

import ast
import doctest
import io
import json
import re
import runpy
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import nullcontext, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
import torch
import yaml
from fastapi import FastAPI
from transformers import AutoConfig, AutoModelForSequenceClassification
from typer.testing import CliRunner

import imdb_sentiment
from conftest import make_reviews
from hub import LoopbackHub
from imdb_sentiment import (
    ConfigError,
    DataConfig,
    FineTuneConfig,
    ImdbSentimentError,
    SentimentClassifier,
    SentimentFineTuner,
    errors,
    results,
    save_config,
    serving,
    sklearn,
)
from imdb_sentiment.cli.app import PANELS, app
from imdb_sentiment.models.acceleration import first_token_only
from imdb_sentiment.models.head import POOLING_LAYER, add_mean_pooling
from test_api import LAYERS, SOURCE

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = {path.relative_to(ROOT).as_posix(): path for path in (*ROOT.glob("*.md"), *DOCS.rglob("*.md"))}
RUNS = {
    "README.md": {"python", "bash", "sh"},
    "README.pt-BR.md": {"python", "sh"},
    "CONTRIBUTING.md": {"sh"},
    "docs/index.md": {"python", "sh"},
    "docs/benchmarks.md": {"sh"},
    "docs/examples.md": {"sh"},
    "docs/benchmarks-appendix.md": {"sh"},
    "docs/pt/exemplo.md": {"python", "bash", "sh"},
    "docs/pt/tutorial.md": {"python", "py", "sh"},
    "docs/start/installation.md": {"sh"},
    "docs/start/own-data.md": {"python", "bash"},
    "docs/start/quick-start.md": {"python", "bash"},
    "docs/tutorial.md": {"python", "py"},
    "docs/how-to/check-behaviour.md": {"python", "bash"},
    "docs/how-to/choose-an-encoder.md": {"python", "sh"},
    "docs/how-to/clusters.md": {"python", "bash", "sh"},
    "docs/how-to/costs-and-thresholds.md": {"python", "sh"},
    "docs/how-to/drift.md": {"python", "bash"},
    "docs/how-to/few-rows.md": {"python", "bash"},
    "docs/how-to/hooks.md": {"python"},
    "docs/how-to/is-my-data-ready.md": {"python", "bash"},
    "docs/how-to/long-runs.md": {"python", "bash"},
    "docs/how-to/long-texts.md": {"python"},
    "docs/how-to/many-processes.md": {"sh"},
    "docs/how-to/migrate.md": {"python", "py"},
    "docs/how-to/notebooks.md": {"python"},
    "docs/how-to/own-data.md": {"python", "bash", "sh"},
    "docs/how-to/read-the-report.md": {"python", "bash"},
    "docs/how-to/saved-model.md": {"python"},
    "docs/how-to/scikit-learn.md": {"python"},
    "docs/how-to/score-files.md": {"python", "bash"},
    "docs/how-to/search.md": {"python", "sh"},
    "docs/how-to/serve.md": {"python", "bash", "sh"},
    "docs/how-to/what-to-label-next.md": {"python", "bash"},
    "docs/explanation/splits.md": {"python"},
    "docs/explanation/imbalance.md": {"python"},
    "docs/reference/cheat-sheet.md": {"python"},
    "docs/reference/cli.md": {"python", "bash"},
    "docs/reference/config-files.md": {"python"},
    "docs/reference/errors.md": {"python"},
    "docs/reference/fine-tune-config.md": {"python"},
}
"""The pages with code, and the languages of it; a page that gains or loses code must change here too."""

WITH_MINILM = {"docs/how-to/hooks.md", "docs/how-to/scikit-learn.md", "docs/how-to/search.md"}
"""The pages that show what comes of the real MiniLM; in the others a tiny model stands in for it."""

IN_A_CLONE = {"docs/pt/exemplo.md"}
"""The pages that read files of the folder `examples`, which stands beside theirs."""

CHEAT_SHEET = "docs/reference/cheat-sheet.md"
NOT_RUN = {"search", "serve"}
"""Commands of the cheat sheet that take too long or never end: of these, names and options are checked."""

OUTPUTS = {"text", "json"}
FILES = {"csv", "text", "yaml"}
WIDTH = 80
"""Columns of code that the pages show without scrolling."""

COMMANDS = tuple(command.__name__.replace("_", "-") for commands in PANELS.values() for command in commands)
FENCE = re.compile(r"(?P<indent> *)(?P<ticks>`{3,}|~{3,})(?P<info>.*)")
INFO = re.compile(r'(?P<language>[a-z]+)(?: title="(?P<title>[\w.-]+)")?')
EXIT_CODE = re.compile(r"# exits with (\d+)$")


class Block(NamedTuple):
    language: str
    title: str | None
    code: str
    line: int


def blocks_of(text: str) -> list[Block]:
    blocks = []
    lines = iter(enumerate(text.splitlines(), start=1))
    for number, line in lines:
        start = FENCE.fullmatch(line)
        if start is None:
            continue
        info = INFO.fullmatch(start["info"].strip())
        assert info, f"line {number}: a block begins with {line!r}"
        code = []
        while (inner := next(lines, (0, None))[1]) is not None and inner.strip() != start["ticks"]:
            code.append(inner.removeprefix(start["indent"]))
        assert inner is not None, f"line {number}: the block has no end"
        blocks.append(Block(info["language"], info["title"], "".join(f"{row}\n" for row in code), number))
    return blocks


class Script:
    """Runs the blocks of a page in the working directory."""

    def __init__(self, scratch: Path, *, demo: Path | None = None) -> None:
        self.scratch = scratch
        self.demo = demo
        self.namespace: dict[str, Any] = {}
        self.output: str | None = None
        self.languages: set[str] = set()
        self.widest = 0

    def run_all(self, text: str) -> None:
        for block in blocks_of(text):
            self.run(block)

    def run(self, block: Block) -> None:
        if block.title:
            assert block.language in FILES, f"line {block.line}: a file cannot be {block.language}"
            Path(block.title).write_text(block.code, encoding="utf-8")
            self.output = None
            return
        self.languages.add(block.language)
        if block.language not in OUTPUTS | {"console"}:
            self.widest = max(self.widest, *map(len, block.code.splitlines()))
        if block.language == "console":
            commands = [line.removeprefix("$ ") for line in block.code.splitlines() if line.startswith("$ ")]
            assert commands, f"line {block.line}: a transcript of no command"
            check_commands(commands)
            self.output = None
        elif block.language in OUTPUTS:
            assert self.output is not None, f"line {block.line}: no block before this output prints it"
            assert_output(block.code, self.output, block.line)
            self.output = None
        elif block.language == "python":
            self.output = self._run_python(block)
        elif block.language == "py":
            compile(block.code, f"line {block.line}", "exec")
            self.output = None
        elif block.language == "bash":
            self.output = "".join(self._run_command(line) for line in command_lines(block.code))
        else:
            assert block.language == "sh", f"line {block.line}: a block of {block.language!r} is never run"
            check_commands(command_lines(block.code))
            self.output = None

    def _run_command(self, line: str) -> str:
        if line == "imdb-sentiment demo" and self.demo:
            shutil.copytree(self.demo, "imdb-sentiment-demo")
            return ""
        return run_command(line)

    def _run_python(self, block: Block) -> str:
        file = self.scratch / f"line_{block.line}.py"
        file.write_text("\n" * block.line + block.code, encoding="utf-8")  # so that tracebacks give the page's lines
        with redirect_stdout(io.StringIO()) as printed, redirect_stderr(printed):
            self.namespace = runpy.run_path(str(file), init_globals=self.namespace)
        return printed.getvalue()


def assert_output(shown: str, printed: str, line: int) -> None:
    checker, example = doctest.OutputChecker(), doctest.Example("", shown)
    if not checker.check_output(shown, printed, doctest.ELLIPSIS):
        pytest.fail(f"line {line}: {checker.output_difference(example, printed, doctest.REPORT_NDIFF)}")


def command_lines(code: str) -> list[str]:
    return [line for line in code.replace("\\\n", " ").splitlines() if line.strip()]


def run_command(line: str) -> str:
    """Run one command, with `< FILE` and `> FILE` but no other shell syntax; return what a terminal would show."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    program, *words = lexer
    assert program == "imdb-sentiment", line
    files: dict[str, str] = {}
    while len(words) > 1 and words[-2] in ("<", ">"):
        name, sign = words.pop(), words.pop()
        files[sign] = name
    assert not [word for word in words if re.fullmatch(r"[();<>|&$]+", word)], f"not understood here: {line}"
    given = Path(files["<"]).read_text(encoding="utf-8") if "<" in files else None
    result = CliRunner().invoke(app, words, input=given, prog_name="imdb-sentiment")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    expected = EXIT_CODE.search(line)
    assert result.exit_code == int(expected[1] if expected else 0), f"{line}\n{result.output}"
    if ">" not in files:
        return result.output
    Path(files[">"]).write_text(result.stdout, encoding="utf-8")
    return result.stderr


def check_commands(lines: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    targets = re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for words in map(shlex.split, lines):
        match [words[0].removeprefix(".venv/bin/"), *words[1:]]:
            case ["make", target]:
                assert target in targets
            case ["pip", "install", "--constraint", file, "--editable", requirement]:
                assert (ROOT / file).is_file()
                extras = re.fullmatch(r"\.\[([\w,]+)\]", requirement)
                assert extras
                assert set(extras[1].split(",")) <= set(project["optional-dependencies"])
            case ["pip", "install", "torch==2.13.0", "--index-url", "https://download.pytorch.org/whl/cpu"]:
                assert "\ntorch==2.13.0\n" in (ROOT / "constraints.txt").read_text(encoding="utf-8")
            case ["python3", "-m", "venv", ".venv"] | ["pytest", *_] | ["curl" | "docker", *_]:
                pass
            case ["imdb-sentiment", command, *others]:
                assert {word for word in others if word.startswith("--")} <= set(help_of(command))
            case ["torchrun" | "accelerate", *others] if "imdb_sentiment" in others:
                command, *others = others[others.index("imdb_sentiment") + 1 :]
                assert {word for word in others if word.startswith("--")} <= set(help_of(command))
            case ["python", script, *_]:
                assert (ROOT / script).is_file(), script
            case _:
                pytest.fail(f"not a command that is known here: {shlex.join(words)}")


def read(page: str) -> str:
    return PAGES[page].read_text(encoding="utf-8")


def prose_of(page: str) -> str:
    """The page without its blocks."""
    return re.sub(r"^( *)```.*?^\1```$", "", read(page), flags=re.DOTALL | re.MULTILINE)


def help_of(command: str) -> dict[str, str | None]:
    """The options of a command as `--help` shows them, with the name of their value."""
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    options = re.findall(
        r"^  (?:-[a-z], )?(--[a-z-]+)(?: / --[a-z-]+)?(?: ([A-Z]+(?:[=/][A-Z]+)?)\b)?", result.output, re.MULTILINE
    )
    return {name: value or None for name, value in options}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """For models this small, threads that wait for each other take far longer than the work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def demo(one_layer_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny model in place of the demo's; it is right about reviews of the tests, and can promise it."""
    config = FineTuneConfig(model_name=str(one_layer_model), max_length=32, learning_rate=1e-3, num_train_epochs=2)
    tuner = SentimentFineTuner(DataConfig(near_duplicates="ignore"), config)
    tuner.fit(make_reviews(600))
    return tuner.save(tmp_path_factory.mktemp("demo") / "imdb-sentiment-demo")


@pytest.mark.integration
@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_runs(
    page: str,
    writable_hub: LoopbackHub,
    one_layer_model: Path,
    demo: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("page"))
    if page not in WITH_MINILM:
        monkeypatch.setattr("imdb_sentiment.models.pretrained._bundled_minilm", lambda: one_layer_model)
    if page in IN_A_CLONE:
        Path("examples").symlink_to(ROOT / "examples")
    script = Script(tmp_path_factory.mktemp("scripts"), demo=demo)
    script.run_all(read(page))
    assert script.widest <= WIDTH
    assert script.languages - OUTPUTS - {"console"} == RUNS.get(page, set())


def examples_of_docstrings() -> Iterator[Any]:
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                for number, block in enumerate(blocks_of(ast.get_docstring(node) or "")):
                    yield pytest.param(block.code, id=f"{path.stem}.{node.name}-{number}")


def test_each_public_class_and_function_has_an_example() -> None:
    public = {name: getattr(imdb_sentiment, name) for name in imdb_sentiment.__all__}
    documented = [
        name
        for name, value in public.items()
        if callable(value) and not (isinstance(value, type) and issubclass(value, ImdbSentimentError))
    ]
    assert len(documented) >= 20
    assert [name for name in documented if "```python" not in (public[name].__doc__ or "")] == []


@pytest.mark.integration
@pytest.mark.parametrize("code", [*examples_of_docstrings()])
def test_the_example_of_a_docstring_runs(
    code: str,
    writable_hub: LoopbackHub,
    one_layer_model: Path,
    demo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Examples may use a fitted tuner, a classifier, reviews with labels, and files of the names that they use."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("imdb_sentiment.models.pretrained._bundled_minilm", lambda: one_layer_model)
    texts, labels = make_reviews(672)
    del texts[:608], labels[:608]  # the demo has learnt the first 600
    config = FineTuneConfig(model_name="minilm", method="probe")
    tuner = SentimentFineTuner(config=config)
    tuner.fit((texts, labels))
    shutil.copytree(demo, "imdb-sentiment-demo")
    classifier = SentimentClassifier.from_pretrained("imdb-sentiment-demo")
    reviews = pd.DataFrame({"text": texts, "label": labels})
    reviews.to_csv("reviews.csv", index=False)
    for name in ("unlabelled.csv", "last-month.csv"):
        reviews[["text"]].to_csv(name, index=False)
    Path("texts.txt").write_text("\n".join(texts), encoding="utf-8")
    save_config("settings.yaml", DataConfig(source="reviews.csv"), config)
    given = {name: getattr(imdb_sentiment, name) for name in imdb_sentiment.__all__} | {
        "SentimentEstimator": sklearn.SentimentEstimator,
        "create_app": serving.create_app,
        "parent": FastAPI(),
        "texts": texts,
        "labels": labels,
        "reviews": reviews,
        "config": config,
        "tuner": tuner,
        "classifier": classifier,
        "report": tuner.evaluate(),
    }
    code = code.replace("trials=10", "trials=1")  # each is a process of its own
    Path("example.py").write_text(code, encoding="utf-8")
    assert max(map(len, code.splitlines())) <= 100
    with redirect_stdout(io.StringIO()) as printed, redirect_stderr(printed):
        runpy.run_path("example.py", init_globals=given)
    assert bool(printed.getvalue().strip()) == ("print(" in code)


@pytest.mark.integration
def test_the_cheat_sheet_runs_row_by_row(
    hub: LoopbackHub, one_layer_model: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("page"))
    monkeypatch.setattr("imdb_sentiment.models.pretrained._bundled_minilm", lambda: one_layer_model)
    script = Script(tmp_path_factory.mktemp("scripts"))
    script.run_all(read(CHEAT_SHEET))
    run = set()
    for command, call in cheat_sheet_rows():
        name = command.split()[1] if command else ""
        if name in NOT_RUN:
            check_commands([command])
            compile(call, call, "exec")
            continue
        # a promise needs more rows than a test has time for
        refused = pytest.raises(ConfigError, match="promise") if "error<=" in call else nullcontext()
        if command:
            quick = " --set method=probe" if "--model" in command and name != "audit" else ""
            run_command(f"{command}{quick}{'  # exits with 2' if 'error<=' in command else ''}")
        with refused:
            script.run(Block("python", None, f"{call}\n", line=1))
        run.add(name)
    assert run - {""} == set(COMMANDS) - NOT_RUN - {"demo"}


def cheat_sheet_rows() -> list[tuple[str, str]]:
    """Return the command, which may be empty, and the call of each row."""
    cells = re.findall(r"^\|[^|]*\|([^|]*)\| `([^`|]+)` \|$", read(CHEAT_SHEET), re.MULTILINE)
    return [(command.strip().strip("`") if "imdb-sentiment" in command else "", call) for command, call in cells]


def test_no_block_of_code_is_overlooked() -> None:
    assert set(RUNS) <= set(PAGES)
    for page in PAGES:
        text = read(page)
        assert text.count("```") == 2 * len(blocks_of(text)), page
        assert "~~~" not in text
        assert "<code" not in text
        assert "<pre" not in text
        assert not re.search(r"\n\n(?: {4,}|\t)\S", prose_of(page)), f"{page}: code by indentation"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```ruby\nputs 1\n```", "'ruby' is never run"),
        ("```\nprint(1)\n```", "a block begins with"),
        ("```python {.extra}\nprint(1)\n```", "a block begins with"),
        ("```python\nprint(1)\n", "the block has no end"),
        ("```python\nprint(1)\n```\n```text\n2\n```", "+ 1"),
        ("```python\nprint(1)\n```\n```text\n1\n```\n```text\n1\n```", "no block before this output"),
        ('```python title="a.py"\nprint(1)\n```', "a file cannot be python"),
        ("```bash\nimdb-sentiment nothing\n```", "No such command"),
        ("```bash\nimdb-sentiment --help  # exits with 2\n```", "Usage"),
        ("```bash\npython -V\n```", "python -V"),
        ("```bash\nimdb-sentiment --help | head\n```", "not understood here"),
        ("```sh\nmake coffee\n```", "coffee"),
        ("```sh\nimdb-sentiment train --outputs x\n```", "--outputs"),
        ("```console\nall is well\n```", "a transcript of no command"),
        ("```sh\nrm -rf /\n```", "not a command that is known"),
        ("```python\nassert 1 == 2, 'wrong sum'\n```", "wrong sum"),
        ("```py\nprint 1\n```", "Missing parentheses"),
    ],
)
def test_wrong_blocks_are_caught(text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    script = Script(tmp_path)
    with pytest.raises((AssertionError, SyntaxError, pytest.fail.Exception), match=re.escape(message)):
        script.run_all(text)


def test_the_first_snippet_is_the_first_example() -> None:
    example = (ROOT / "examples/first_model.py").read_text(encoding="utf-8")
    code = example.partition('"""\n\n')[2]
    for page in ("README.md", "docs/index.md"):
        assert next(block.code for block in blocks_of(read(page)) if block.language == "python") == code


def test_each_error_has_a_heading_that_tells_what_to_do() -> None:
    headings = re.findall(r"^## (\w+)$", read("docs/project/troubleshooting.md"), re.MULTILINE)
    assert headings[1:] == [name for name in headings[1:] if name in errors.__all__]
    assert set(headings[1:]) == set(errors.__all__)


def test_what_is_plotted_is_in_the_tables() -> None:
    def numbers_in(part: Any) -> Iterator[float]:
        if isinstance(part, dict | list):
            for inner in part.values() if isinstance(part, dict) else part:
                yield from numbers_in(inner)
        elif isinstance(part, int | float):
            yield part

    plotted = list(numbers_in(json.loads((ROOT / "benchmarks/plots.json").read_text(encoding="utf-8"))))
    assert len(plotted) > 50
    tables = read("docs/benchmarks.md").replace(",", "")
    assert [number for number in plotted if f"{number:g}" not in tables] == []


def test_the_site_has_the_addresses_of_the_project() -> None:
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    handlers = next(plugin["mkdocstrings"]["handlers"] for plugin in site["plugins"] if "mkdocstrings" in plugin)
    assert site["site_url"] == urls["Documentation"]
    assert site["repo_url"] == urls["Repository"]
    assert handlers["python"]["options"]["extra"]["source"] == f"{urls['Repository']}/blob/main/"


def test_architectures_get_what_the_page_on_encoders_says() -> None:
    said = re.findall(
        r"^\| (`[^|]+`) \| ([^|]+) \| (yes|no) \|", read("docs/how-to/choose-an-encoder.md"), re.MULTILINE
    )
    sizes = {"vocab_size": 60, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    sizes |= {"intermediate_size": 64, "hidden_dim": 64, "embedding_size": 32, "max_position_embeddings": 40}
    tokens = dict.fromkeys(("bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id"), 1)
    names = [(name, *rest) for cell, *rest in said for name in re.findall("`([^`]+)`", cell)]
    assert len(names) == 10
    for name, pooling, shortened in names:
        settings = AutoConfig.for_model(name, **sizes, **tokens, pad_token_id=0)
        model = AutoModelForSequenceClassification.from_config(settings).eval()
        added = add_mean_pooling(model)
        layer = getattr(model.config, POOLING_LAYER, False)
        assert pooling == ("an added layer" if layer else "its own setting" if added else "no: the first token"), name
        with first_token_only(model):
            changed = any("forward" in vars(module) for module in model.modules())
        assert shortened == ("yes" if changed else "no"), name


def test_the_list_of_names_has_every_public_name() -> None:
    pytest.importorskip("griffe", reason="the extra docs is not installed")
    listed = runpy.run_path(str(ROOT / "docs_placeholders.py"))["public_names"]()
    assert set(imdb_sentiment.__all__) <= {path for _, path, _, _ in listed}
    assert [path for _, path, _, about in listed if not about.endswith(".")] == []


def test_the_reference_has_each_public_name_once() -> None:
    pages = [page for page in PAGES if page.startswith("docs/")]
    directives = [(page, name) for page in pages for name in re.findall(r"^::: (\S+)$", read(page), re.MULTILINE)]
    assert {page.rsplit("/", 1)[0] for page, _ in directives} == {"docs/reference"}
    names = sorted(name for _, name in directives if name != "imdb_sentiment.errors")
    records = set(results.__all__) - set(imdb_sentiment.__all__)
    expected = [f"imdb_sentiment.{name}" for name in imdb_sentiment.__all__]
    expected += [f"imdb_sentiment.sklearn.{name}" for name in sklearn.__all__]
    expected += [f"imdb_sentiment.serving.{name}" for name in serving.__all__]
    assert names == sorted([*expected, *(f"imdb_sentiment.results.{name}" for name in records)])


def test_a_notebook_is_a_page_as_it_stands_and_has_no_outputs() -> None:
    pytest.importorskip("griffe", reason="the extra docs is not installed")
    fill = runpy.run_path(str(ROOT / "docs_placeholders.py"))["fill"]
    found = {}
    for page in (DOCS / "notebooks").glob("*.md"):
        source = page.read_text(encoding="utf-8")
        name = source.removeprefix("<!-- notebook: ").removesuffix(" -->\n")
        notebook = json.loads((ROOT / name).read_text(encoding="utf-8"))
        cells = notebook["cells"]
        shown = fill(source)
        assert shown.startswith("# ")
        assert len(blocks_of(shown)) == sum(cell["cell_type"] == "code" for cell in cells)
        for block in blocks_of(shown):
            assert max(map(len, block.code.splitlines())) <= WIDTH, name
        for cell in cells:
            assert "".join(cell["source"]) in shown.replace("](../", "](../docs/")
            assert not cell.get("outputs")
            assert cell.get("execution_count") is None
        found[name] = page
    assert set(found) == {path.relative_to(ROOT).as_posix() for path in (ROOT / "examples").glob("*.ipynb")}


def test_every_page_is_in_the_navigation_once() -> None:
    def leaves(entry: Any) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        return [leaf for part in (entry.values() if isinstance(entry, dict) else entry) for leaf in leaves(part)]

    nav = leaves(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    assert sorted(nav) == sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))


def test_the_layers_on_the_architecture_page_are_those_that_are_held() -> None:
    rows = re.findall(r"^\| \d+ \| ([^|]+) \|", read("docs/explanation/architecture.md"), re.MULTILINE)
    assert [set(re.findall(r"`(\w+)`", row)) for row in rows] == LAYERS


@pytest.mark.parametrize("page", ["docs/explanation/architecture.md", "CONTRIBUTING.md"])
def test_the_modules_that_a_page_names_are_there(page: str) -> None:
    named = set(re.findall(r"`([\w/]+\.py)`", read(page))) - {"hub.py"}
    assert len(named) >= 2
    for name in named:
        assert (
            (SOURCE / name).is_file()
            or (SOURCE.parent / name).is_file()
            or (ROOT / name).is_file()
            or (ROOT / "tests" / name).is_file()
        ), name


def test_relative_links_lead_somewhere() -> None:
    checked = 0
    for page, path in PAGES.items():
        for link in re.findall(r"\]\(([^)\s]+)\)", prose_of(page)):
            target, _, anchor = link.partition("#")
            if target.startswith(("http:", "https:")):
                continue
            file = path.parent / target if target else path
            assert file.is_file(), f"{page}: {link}"
            if anchor and not anchor.startswith(("imdb_sentiment.", "only-")):  # names, and pictures of one scheme
                headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
                slugs = [re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings]
                assert anchor in slugs, f"{page}: {link}"
            checked += 1
    assert checked > 30
    assert "](" not in read("CHANGELOG.md").replace("](https://", "")  # it is part of a page in another folder


def test_the_command_line_reference_has_the_options_of_help() -> None:
    sections = re.split(r"^## ", read("docs/reference/cli.md"), flags=re.MULTILINE)
    by_command = {section.partition("\n")[0]: section for section in sections}
    for command in COMMANDS:
        rows = re.findall(
            r"^\| `(--[a-z-]+)(?: ([A-Z=/]+))?` \|", by_command[f"imdb-sentiment {command}"], re.MULTILINE
        )
        options = help_of(command)
        assert options.pop("--help", "") is None
        assert len(options) == len(rows) > 0
        assert {name: value or None for name, value in rows} == options
    assert list(by_command)[1:-1] == [f"imdb-sentiment {command}" for command in COMMANDS]


def known_to_benchmarks() -> set[str]:
    """The options of the scripts that the page of benchmarks is about."""
    scripts = (path.read_text(encoding="utf-8") for path in (ROOT / "benchmarks").glob("*.py"))
    return {option for script in scripts for option in re.findall(r'add_argument\("(--[a-z0-9-]+)"', script)}


def test_commands_in_the_running_text_name_commands_and_options_that_exist() -> None:
    known = {command: help_of(command) for command in COMMANDS}
    of_all = CliRunner().invoke(app, ["--help"]).output
    checked = 0
    for page in PAGES:
        for words in re.findall(r"`imdb-sentiment\s+([^`]+)`", prose_of(page)):
            command, *others = words.split()
            if f"  {command} " in of_all and command.startswith("--"):
                continue
            assert command in known, f"{page}: {words}"
            assert {word for word in others if word.startswith("--")} <= set(known[command]), f"{page}: {words}"
            checked += 1
        own = known_to_benchmarks() if page.startswith("docs/benchmarks") else set()
        for option in re.findall(r"`(--[a-z0-9-]+)[^`]*`", prose_of(page)):
            there = option in own or option in of_all or any(option in options for options in known.values())
            assert there, f"{page}: {option}"
    assert checked > 5
