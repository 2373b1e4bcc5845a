"""`imdb-sentiment predict`: texts as arguments or on standard input. Covers cli/jsonl_stream.py."""

from pathlib import Path

import pytest
from command import Outcome, run

from forked import ForkedCommand

GOOD, BAD = "Seen at home: wonderful and superb.", "Seen at home: dull and awful."


def labels(outcome: Outcome) -> list[str]:
    return [line.split()[0] for line in outcome.out.splitlines()]


def test_texts_given_as_arguments_are_classified_in_order(saved_model: Path) -> None:
    outcome = run("predict", saved_model, GOOD, BAD, GOOD)
    assert (outcome.code, outcome.err) == (0, "")
    assert labels(outcome) == ["positive", "negative", "positive"]
    label, score, text = outcome.out.splitlines()[0].split("  ")
    assert (label, text) == ("positive", GOOD)
    assert 0.5 < float(score) <= 1


def test_texts_on_standard_input_are_one_a_line(saved_model: Path) -> None:
    given = run("predict", saved_model, GOOD, BAD)
    assert run("predict", saved_model, stdin=f"{GOOD}\n{BAD}\n") == given
    assert run("predict", saved_model, stdin=f"{GOOD}\r\n{BAD}") == given


def test_arguments_win_over_standard_input(saved_model: Path) -> None:
    assert labels(run("predict", saved_model, GOOD, stdin=f"{BAD}\n{BAD}\n")) == ["positive"]


def test_a_text_may_begin_with_dashes(saved_model: Path) -> None:
    outcome = run("predict", saved_model, "--", f"--{BAD}")
    assert labels(outcome) == ["negative"]


def test_one_json_object_is_printed(saved_model: Path) -> None:
    predictions = run("predict", saved_model, "--json", GOOD, f"Café: {BAD}").read_json()["predictions"]
    assert [prediction["label"] for prediction in predictions] == ["positive", "negative"]
    for prediction in predictions:
        assert set(prediction) == {"label", "score", "probabilities", "truncated", "abstained", "answered_by"}
        assert prediction["score"] == max(prediction["probabilities"].values())
        assert sum(prediction["probabilities"].values()) == pytest.approx(1)
        assert prediction["truncated"] is False


def test_a_text_above_the_models_length_is_marked_and_shown_short(saved_model: Path) -> None:
    line = run("predict", saved_model, "superb " * 40).out.rstrip("\n")
    assert line.endswith("...  [truncated]")
    assert len(line) < 140
    assert run("predict", saved_model, "superb " * 40, "--json").read_json()["predictions"][0]["truncated"] is True


def test_a_text_of_several_lines_is_shown_on_one(saved_model: Path) -> None:
    outcome = run("predict", saved_model, "superb\nand\t joyful")
    assert outcome.out.endswith("  superb and joyful\n")
    assert outcome.out.count("\n") == 1


def test_pairs_are_written_with_a_tab(saved_pair_model: Path) -> None:
    given = run("predict", saved_pair_model, "Seen at home\tsuperb and joyful.", "\tdull and awful.")
    assert labels(given) == ["positive", "negative"]
    assert given.out.splitlines()[0].endswith("  Seen at home superb and joyful.")
    stdin = "Seen at home\tsuperb and joyful.\n\tdull and awful.\n"
    assert run("predict", saved_pair_model, stdin=stdin) == given


@pytest.mark.parametrize("line", [GOOD, "a\tb\tc", ""])
def test_a_line_without_exactly_one_tab_is_named(saved_pair_model: Path, line: str) -> None:
    for outcome in (
        run("predict", saved_pair_model, "a\tb", line),
        run("predict", saved_pair_model, stdin=f"a\tb\n{line}\n"),
    ):
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.startswith("DataError: each text must be two parts separated by a tab")
        assert "found:    no tab, or more than one, in 1 row (2)" in outcome.err
        assert "expected: title<TAB>body" in outcome.err


@pytest.mark.integration
def test_a_pipe_is_read_and_a_reader_may_leave_early(saved_model: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text(f"{GOOD} 😀\n{BAD}\n" * 1000, encoding="utf-8")
    with texts.open("rb") as source, ForkedCommand("predict", saved_model, stdin=source.fileno()) as process:
        first, second = (process.stdout.readline().decode() for _ in range(2))
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1
    assert first.startswith("positive")
    assert first.endswith("😀\n")
    assert second.startswith("negative")


def test_the_numbers_to_compute_with(saved_model: Path) -> None:
    def scores(precision: str) -> list[float]:
        told = run("predict", saved_model, GOOD, BAD, "--precision", precision, "--json").read_json()
        return [prediction["score"] for prediction in told["predictions"]]

    exact, rounded = scores("fp32"), scores("bf16")
    assert exact != rounded
    assert exact == pytest.approx(rounded, abs=0.05)
    assert scores("auto") == exact
    refused = run("predict", saved_model, GOOD, "--precision", "fp8")
    assert refused.code == 2
    assert "precision='fp8' is not known" in refused.err
