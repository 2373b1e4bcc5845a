"""The examples run as they stand, with the stand-in of the hub behind them."""

import json
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest
import torch

from hub import LoopbackHub

pytestmark = pytest.mark.integration  # each test trains several times

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """For models this small, threads that wait for each other take far longer than the work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("name", "arguments", "model", "labels", "train_rows"),
    [
        ("fine_tune_imdb.py", [], "imdb-model", ["negative", "positive"], 54),
        ("fine_tune_imdb.py", ["20"], "imdb-model", ["negative", "positive"], 18),
        ("adapt_to_your_data.py", [], "urgency-model", ["routine", "urgent"], 18),
    ],
)
def test_an_example_trains_measures_saves_and_predicts(
    name: str,
    arguments: list[str],
    model: str,
    labels: list[str],
    train_rows: int,
    hub: LoopbackHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    saved = json.loads(Path(model, "imdb_sentiment.json").read_text(encoding="utf-8"))
    assert saved["labels"] == labels
    assert sum(saved["splits"]["rows"]["train"].values()) == train_rows
    assert saved["metrics"]["test"]["rows"] == sum(saved["splits"]["rows"]["test"].values())
    assert capsys.readouterr().out.splitlines()[-1].split()[0] in labels


def run_notebook(path: Path, folder: Path) -> nbformat.NotebookNode:
    """Run the cells in a kernel of their own; an error in one is raised here."""
    notebook: nbformat.NotebookNode = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook, kernel_name="python3", timeout=None, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return notebook


def outputs_of(notebook: nbformat.NotebookNode) -> list[list[Any]]:
    return [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]


def html_of(outputs: list[Any]) -> str:
    return "".join(output.data.get("text/html", "") for output in outputs if "data" in output)


def test_the_notebook_of_own_data_runs_and_shows_its_results(hub: LoopbackHub, tmp_path: Path) -> None:
    _, audit, fit, report, plots, errors, scored = outputs_of(run_notebook(EXAMPLES / "own_data.ipynb", tmp_path))
    assert "Data audit" in html_of(audit)
    assert "kept probe" in html_of(fit)
    assert "36 rows are predicted correctly" in html_of(report)
    assert [sorted(output.data) for output in plots] == [["image/png", "text/plain"]]
    assert "correct" in html_of(errors)
    assert "no text" in html_of(scored)
    assert not [output for outputs in (audit, fit, report) for output in outputs if output.output_type == "stream"]
    assert list(tmp_path.iterdir()) == []


def test_the_notebook_of_label_issues_finds_wrong_labels(hub: LoopbackHub, tmp_path: Path) -> None:
    _, issues, suspects, corrected, again = outputs_of(run_notebook(EXAMPLES / "label_issues.ipynb", tmp_path))
    assert "of 40 suspected" in html_of(issues)
    assert "suggested" in html_of(suspects)
    assert int(corrected[0].text.split()[0]) >= 2
    assert "of 40 suspected" in html_of(again)


def test_a_kernel_shows_plots_and_progress_and_keeps_no_figure(tmp_path: Path) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from made_reports import make_report
from imdb_sentiment.runtime import progress

progress._DELAY_SECONDS = 0.0
report = make_report(60)
---
with progress.progress_bar("scoring", total=3, unit="text") as bar:
    bar.update(3)
---
report.plot("roc").set_title("Another title");
---
import warnings
warnings.simplefilter("error")
for _ in range(21):
    report.plot("roc")
---
from matplotlib import pyplot as plt
print(plt.get_fignums(), plt.isinteractive())
---
sys.modules["ipywidgets"] = None
with progress.progress_bar("scoring", total=3, unit="text") as bar:
    bar.update(3)
"""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(source.strip()) for source in script.split("---")]
    path = tmp_path / "made.ipynb"
    nbformat.write(notebook, path)
    _, widget, plot, plots, figures, line = outputs_of(run_notebook(path, tmp_path))
    assert [list(output.data)[-1] for output in widget] == ["application/vnd.jupyter.widget-view+json"]
    assert [output.output_type for output in plot] == ["display_data"]
    assert len(plots) == 21
    assert figures[0].text == "[] True\n"
    assert {output.name for output in line} == {"stderr"}
    text = "".join(output.text for output in line)
    assert text.strip().startswith("scoring:   0%")
    assert "Warning" not in text


def test_every_example_is_run_here() -> None:
    assert sorted(path.name for path in EXAMPLES.iterdir() if path.suffix) == [
        "adapt_to_your_data.py",
        "fine_tune_imdb.py",
        "first_model.py",  # run by test_docs.py, as the first snippet of the README, which it is
        "label_issues.ipynb",
        "own_data.ipynb",
    ]
