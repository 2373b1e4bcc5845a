"""Two processes do what one does: the same steps, the same results, one reader, one writer, one voice."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from crash_runs import Recipe
from distributed_run import (
    Arrays,
    Fitted,
    Steps,
    ask,
    divided,
    fail,
    fit,
    fit_and_be_stopped,
    head_at_the_start,
    run_command,
    take_steps,
    together,
    train_arguments,
)
from transformers import AutoModelForSequenceClassification

from conftest import make_reviews
from imdb_sentiment import ConfigError, FineTuneConfig
from imdb_sentiment.classifier import SentimentClassifier
from imdb_sentiment.training.checkpoints import complete_checkpoints
from imdb_sentiment.training.trainer import _has_unused_parameters

AS_ONE = 1e-6
"""How far a gradient, a loss or a weight may be from that of one process."""

BALANCED = {"per_device_train_batch_size": 8, "class_weight": "balanced"}
CASES: dict[str, dict[str, Any]] = {
    # 17 rows: the last step has one, and a process none
    "weights": {"rows": 17, **BALANCED},
    "accumulated": {
        "rows": 30,
        **BALANCED,
        "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 2,
        "num_train_epochs": 2,
    },
    # texts of 3 to 27 tokens side by side
    "passes": {"rows": 26, **BALANCED, "max_tokens_per_forward": 48, "group_by_length": False},
}


def assert_near(arrays: Arrays, expected: Arrays, message: str = "") -> None:
    assert arrays.keys() == expected.keys()
    for name, values in arrays.items():
        # the logits do not depend on the bias of keys, so that what moves it is rounding alone
        near = 10 * AS_ONE if name.endswith(".key.bias") else AS_ONE
        np.testing.assert_allclose(values, expected[name], rtol=0, atol=near, err_msg=f"{message} {name}")


def assert_same_steps(first: Steps, second: Steps, one: Steps, case: str) -> None:
    assert [sorted(a + b) for a, b in zip(first.rows, second.rows, strict=True)] == one.rows, case
    assert first.losses == second.losses == pytest.approx(one.losses, abs=AS_ONE), case
    for gradients, others, expected in zip(first.gradients, second.gradients, one.gradients, strict=True):
        assert max(abs(values).max() for values in expected.values()) > 1e-3
        assert_near(gradients, expected, case)
        assert all((gradients[name] == others[name]).all() for name in gradients), case
    assert_near(first.weights, one.weights, case)
    assert_near(second.weights, one.weights, case)


@pytest.mark.integration
def test_two_processes_take_the_steps_of_one(tiny_model: Path, tmp_path: Path) -> None:
    first, second = together(2, take_steps, tiny_model, tmp_path / "two", CASES)
    one = take_steps(tiny_model, tmp_path / "one", CASES)
    for case in CASES:
        assert_same_steps(first[case], second[case], one[case], case)
    assert [len(rows) for rows in second["weights"].rows] == [4, 4, 0]
    assert first["passes"].passes != second["passes"].passes


def test_one_process_is_asked_and_all_are_told(tiny_model: Path, tmp_path: Path) -> None:
    first, second = together(2, ask, tiny_model, tmp_path)
    assert (first.answer, first.asked) == ("0", ["0"])
    assert (second.answer, second.asked) == ("0", [])
    assert first.drawn != second.drawn
    assert first.drawn == ask(tiny_model, tmp_path).drawn


def test_the_main_process_fits_the_head_and_all_start_from_it(recipe: Recipe, tmp_path: Path) -> None:
    (head, computed), (other, computed_there) = together(2, head_at_the_start, recipe, tmp_path / "run")
    alone, _ = head_at_the_start(recipe, tmp_path / "alone")
    assert (computed, computed_there) == (1, 0)
    assert (head == other).all()
    np.testing.assert_allclose(head, alone, rtol=1e-3, atol=1e-4)


def test_parameters_on_which_no_loss_depends_are_noticed(tiny_model: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(tiny_model)
    assert not _has_unused_parameters(model)
    assert all(value.grad is None for value in model.parameters())
    model.register_parameter("idle", torch.nn.Parameter(torch.zeros(1)))
    assert _has_unused_parameters(model)


@pytest.fixture(scope="module")
def recipe(tiny_model: Path) -> Recipe:
    changes = {
        "dropout": 0.0,
        "learning_rate": 2e-3,
        "class_weight": "balanced",
        "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 1,
        "max_tokens_per_forward": 16,  # a pass for each row; in a last step of three rows, one process has fewer
    }
    return Recipe(tiny_model, make_reviews(43), changes)  # 27 rows to learn from


@pytest.fixture(scope="module")
def one(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """The run of one process, with the rows of a step of two."""
    return fit(
        recipe._replace(changes=recipe.changes | {"per_device_train_batch_size": 8}), tmp_path_factory.mktemp("one")
    )


def comparable(fitted: Fitted) -> Any:
    """The figures that the number of processes must not change, rounded to where sums in another order agree."""
    records = [record | {"seconds": None} for record in fitted.result["history"]]
    test = fitted.test | {"behaviour": None}  # texts unlike the rows, on which models differ more
    return rounded([records, fitted.result["kept_epoch"], fitted.result["splits"], fitted.result["audit"], test])


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: rounded(part) for name, part in value.items()}
    if isinstance(value, list):
        return [rounded(part) for part in value]
    return round(value, 5) if isinstance(value, float) else value


@pytest.mark.integration
def test_each_process_gets_the_result_of_one_and_a_single_one_reads_and_writes(
    recipe: Recipe, one: Fitted, tmp_path: Path
) -> None:
    first, second = together(2, fit, recipe, tmp_path / "run")
    assert first.result == second.result  # times and notes too
    assert first.test == second.test
    assert comparable(first) == comparable(one)
    assert "fp32 on cpu, 2 processes" in first.result["notes"][1]
    assert (first.has_read, second.has_read) == (True, False)
    assert_near(first.weights, one.weights)
    assert_near(second.weights, one.weights)
    assert SentimentClassifier.from_pretrained(str(tmp_path / "model")).labels == ("negative", "positive")
    newest = max(complete_checkpoints(tmp_path / "run").items())[1]
    assert sorted(path.name for path in newest.glob("rng_state*")) == ["rng_state_0.pth", "rng_state_1.pth"]


@pytest.mark.integration
def test_an_error_of_one_process_is_raised_in_all(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine", encoding="utf-8")
    first, second = together(2, fail, recipe, tmp_path)
    assert first == second
    assert {case: error for case, (error, _) in first.items()} == {
        "data": "DataError",
        "folder": "OutputExistsError",
        "gradients": "TrainingDivergedError",
        "model": "ModelError",
        "one alone": "ImdbSentimentError",
    }
    assert "there is no file or folder absent.csv" in first["data"][1]
    assert first["one alone"][1] == "only here"
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


@pytest.mark.integration
def test_a_signal_to_one_process_stops_all_and_another_number_goes_on(
    recipe: Recipe, one: Fitted, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    first, second = together(2, fit_and_be_stopped, recipe, folder, 5)
    assert first == second
    assert first[0] == "TrainingInterruptedError"
    assert "after step 5 of 8" in first[1]
    assert max(complete_checkpoints(folder)) == 5
    with pytest.raises(ConfigError, match="rows_per_step was 8") as caught:
        recipe.tuner(folder).fit(recipe.reviews, resume=True)
    assert "rows_per_step is 4" in str(caught.value)
    alone = fit(recipe._replace(changes=recipe.changes | {"gradient_accumulation_steps": 2}), folder, resume=True)
    assert alone.result["notes"][-1] == "number of processes before: 2"
    assert comparable(alone) == comparable(one)
    assert_near(alone.weights, one.weights)


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["FULL_STATE_DICT", "SHARDED_STATE_DICT"])
def test_a_model_that_fsdp_divides_learns_the_same(recipe: Recipe, one: Fitted, tmp_path: Path, kind: str) -> None:
    first, second = together(2, divided, kind, fit_and_be_stopped, recipe, tmp_path / "run", 5)
    assert first == second
    assert "after step 5 of 8" in first[1]
    first, second = together(2, divided, kind, fit, recipe, tmp_path / "run", True)
    assert first.result == second.result
    assert first.test == second.test
    assert comparable(first) == comparable(one)
    assert_near(first.weights, one.weights)


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["", "FULL_STATE_DICT"], ids=["DDP", "FSDP"])
def test_adapters_and_frozen_layers_are_trained_by_several_processes_too(
    recipe: Recipe, tmp_path: Path, kind: str
) -> None:
    recipe = recipe._replace(changes=recipe.changes | {"lora_rank": 2, "freeze_layers": 1})
    one = fit(recipe._replace(changes=recipe.changes | {"per_device_train_batch_size": 8}), tmp_path / "one" / "run")
    runs = (divided, kind, fit) if kind else (fit,)
    first, second = together(2, *runs, recipe, tmp_path / "two" / "run")
    assert first.result == second.result
    assert "adapters of rank 2" in first.result["notes"][1]
    assert comparable(first) == comparable(one)
    moved, expected = (  # the bias of keys is moved by rounding alone
        {name: value for name, value in run.weights.items() if not name.endswith(".key.bias")} for run in (first, one)
    )
    assert_near(moved, expected)


@pytest.mark.integration
def test_the_command_speaks_once(tiny_config: FineTuneConfig, tmp_path: Path) -> None:
    arguments = train_arguments(tiny_config, make_reviews(60), tmp_path, num_train_epochs=1)
    first, second = together(2, run_command, [*arguments, "--json"])
    assert (first[0], first[2]) == (0, "")
    assert json.loads(first[1])["splits"]["rows"]["test"] == {"negative": 6, "positive": 6}
    assert second == (0, "", "")
    first, second = together(2, run_command, arguments)
    assert first[:2] == (2, "")
    assert first[2].count("OutputExistsError") == 1
    assert second == (2, "", "")
