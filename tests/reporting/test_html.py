"""The page of a report, in a real browser: safe, alone, readable, and open to all. Covers results/report_page.py."""

import re
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message
from pathlib import Path
from typing import Any, Literal

import markupsafe
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize

from imdb_sentiment import OutputExistsError
from imdb_sentiment.results.report_page import write_page
from made_reports import LABELS, UNKIND, make_label_issues, make_report
from made_results import make_comparison, make_result

pytestmark = pytest.mark.integration

NARROW, WIDE = ViewportSize(width=390, height=800), ViewportSize(width=1200, height=900)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    page = tmp_path_factory.mktemp("page") / "report.html"
    return make_report().save_html(page, title=f"Report on {UNKIND}", label_issues=make_label_issues())


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser, file: Path) -> Iterator[Page]:
    # the page's own policy forbids scripts, also those of the tests
    context = browser.new_context(viewport=NARROW, color_scheme=request.param, bypass_csp=True)
    context.set_default_timeout(0)
    opened = context.new_page()
    opened.goto(file.as_uri())
    yield opened
    context.close()


def test_nothing_is_asked_for_from_outside_and_no_script_runs(browser: Browser, file: Path) -> None:
    asked: list[str] = []
    said: list[str] = []
    context = browser.new_context(viewport=WIDE)
    context.set_default_timeout(0)
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto(file.as_uri(), wait_until="networkidle")
    assert asked == [file.as_uri()]
    assert said == []
    assert page.title() == f"Report on {UNKIND}"
    context.close()


def test_markup_in_texts_labels_and_names_shows_as_text(page: Page) -> None:
    assert page.locator("script, img, iframe, link").count() == 0
    shown = page.locator("main").inner_text()
    assert shown.count(UNKIND) >= 6  # heading, mistake, suspect, provenance, a changed text twice
    explained = page.locator("#errors ~ article mark")
    assert explained.first.inner_text() == "<script>document.title"
    assert "underline" in (explained.first.get_attribute("style") or "")
    assert f"Row 1, confident: 0.999 for {LABELS[1]}" in shown
    assert f"share that is {LABELS[1]}" in (page.locator("svg").first.text_content() or "")
    assert "<br" not in shown


def test_each_part_is_there_and_the_verdict_comes_first(page: Page) -> None:
    headings = page.locator("h2").all_inner_texts()
    assert headings == [
        "Metrics",
        "Confusion matrix",
        "Curves",
        "Behaviour",
        "Slices",
        "Errors",
        "Labels that may be wrong",
        "Audit findings",
        "Provenance",
    ]
    plots = page.locator("figure h3").all_inner_texts()
    ranking = ["ROC curve", "Precision and recall"]
    assert plots == ["Reliability", "Probabilities", *ranking, "Threshold", "Abstaining", "Training"]
    assert page.locator("nav a").all_inner_texts() == headings
    for link in page.locator("nav a").all():
        assert page.locator(f"h2{link.get_attribute('href')}").count() == 1
    verdict = page.locator("main > section li").all_inner_texts()
    assert verdict[0].startswith("Accuracy WORSE than TF-IDF + LR")
    assert "rows are predicted correctly" in verdict[1]
    for plot in page.locator("figure svg").all():
        assert len(plot.get_attribute("aria-label") or "") > 40


def test_a_bad_verdict_looks_bad_and_a_good_one_does_not(page: Page, tmp_path: Path) -> None:
    def colours() -> list[Any]:
        styles = (
            "(document.querySelector('.verdict li')).color",
            "(document.querySelector('.verdict')).borderLeftColor",
        )
        return [page.evaluate(f"getComputedStyle{style}") for style in styles]

    bad = colours()
    page.goto(replace(make_report(), baselines=()).save_html(tmp_path / "fine.html").as_uri())
    assert "rows are predicted correctly" in page.locator("main > section li").first.inner_text()
    assert all(one != other for one, other in zip(bad, colours(), strict=True))


def test_errors_of_both_kinds_follow_the_legend(page: Page) -> None:
    kinds = page.locator("#errors ~ h3").all_inner_texts()
    assert [kind.partition(":")[0] for kind in kinds[:2]] == [
        f"{LABELS[0]}, predicted as {LABELS[1]}",
        f"{LABELS[1]}, predicted as {LABELS[0]}",
    ]
    shown = page.locator("main").inner_text()
    assert shown.index("Words on green speak for") < shown.index("Row 1, confident")


def test_what_was_changed_is_marked_and_findings_are_in_words(page: Page) -> None:
    assert page.locator("mark.changed").all_inner_texts() == ["godo"]
    assert page.locator("#audit ~ ul li").all_inner_texts() == [
        "warning: 3 rows of train with a blank text.",
        "for information: 1 row of train with nearly the text of a row of test.",
    ]
    shown = page.locator("main").inner_text()
    assert "A misspelled word changes the label in 40.0% of 30 cases" in shown
    assert "Not checked: praise, blame and their denial" in shown
    assert f"godo → {LABELS[0]} (0.800)" in shown


def test_a_narrow_screen_needs_no_scrolling_sideways(page: Page) -> None:
    wide: Any = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= NARROW["width"]
    assert page.evaluate("Math.max(...[...document.querySelectorAll('figure svg')].map(s => s.clientWidth))") <= 390


def test_axe_finds_nothing_serious(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert [part["id"] for part in found if part["impact"] in ("serious", "critical")] == []


def test_ink_follows_the_colour_scheme(page: Page) -> None:
    ink = page.evaluate("getComputedStyle(document.body).color")
    text = page.evaluate("getComputedStyle(document.querySelector('figure svg text')).fill")
    assert text == ink


def test_the_page_says_when_and_by_which_command_it_was_made_and_where_it_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = Message()
    for name, value in (("Version", "9.8"), ("Project-URL", "Documentation, https://docs.example.org/")):
        about[name] = value
    monkeypatch.setattr("importlib.metadata.metadata", lambda _: about)
    command = "imdb-sentiment report 'a <model>' --data new.csv"
    file = tmp_path / "report.html"
    write_page(make_report(60), file, title="Report", label_issues=None, command=command, overwrite=False)
    content = file.read_text(encoding="utf-8")
    assert re.search(r"Made on \d{4}-\d\d-\d\d with imdb_sentiment 9\.8, by:", content)
    assert f"<code>{markupsafe.escape(command)}</code>" in content
    assert 'href="https://docs.example.org/how-to/read-the-report/"' in content


def test_what_is_undefined_is_a_dash(tmp_path: Path) -> None:
    report = make_report(60)
    assert report.curves is not None
    report = replace(report, roc_auc=None, curves=report.curves._replace(ranking=None))
    content = report.save_html(tmp_path / "report.html").read_text(encoding="utf-8")
    assert '<th scope="row">ROC-AUC</th><td>\N{EN DASH}</td>' in content
    assert "\N{EN DASH} stands for what is undefined on these rows." in content


def test_a_page_that_is_there_is_not_replaced_unless_asked(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text("mine")
    with pytest.raises(OutputExistsError, match="was not changed"):
        make_report(60).save_html(file)
    assert file.read_text() == "mine"
    make_report(60).save_html(file, overwrite=True)
    assert file.read_text().startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(OutputExistsError, match="cannot be written"):
        make_report(60).save_html(tmp_path / "absent" / "report.html")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_results_in_a_notebook_are_readable_in_any_theme(
    browser: Browser, tmp_path: Path, scheme: Literal["light", "dark"], size: ViewportSize
) -> None:
    report, issues = make_report(), make_label_issues()
    issues = replace(issues, issues=issues.issues * 30)
    ground, ink = ("#ffffff", "#1c2430") if scheme == "light" else ("#111111", "#e0e0e0")
    shown = "<hr>".join(result._repr_html_() for result in (report, issues, make_result(), make_comparison(0.1, 0.01)))
    file = tmp_path / "notebook.html"
    style = f"body {{ background: {ground}; color: {ink}; font: 14px sans-serif; }}"
    head = f'<head><meta charset="utf-8"><title>Notebook</title><style>{style}</style></head>'
    file.write_text(f'<!doctype html><html lang="en">{head}<body><main>{shown}</main></body></html>', encoding="utf-8")
    context = browser.new_context(viewport=size, color_scheme=scheme)
    context.set_default_timeout(0)
    page = context.new_page()
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert page.title() == "Notebook"
    assert page.locator("script, img").count() == 0
    assert UNKIND in page.locator("main").inner_text()
    found = Axe().run(page).response["violations"]
    assert [part["id"] for part in found if part["impact"] in ("serious", "critical")] == []
    context.close()
