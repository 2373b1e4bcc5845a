"""Each field of `FineTuneConfig` reaches the Trainer, and nothing else does."""

from pathlib import Path
from typing import Any

import pytest

import imdb_sentiment
from imdb_sentiment import FineTuneConfig
from imdb_sentiment.training.arguments import training_arguments
from imdb_sentiment.training.best_epoch import choose_metric

# field -> another value than the default, and what it makes of the arguments
REACHES: dict[str, tuple[Any, dict[str, Any]]] = {
    "learning_rate": (3e-4, {"learning_rate": 3e-4}),
    "warmup_ratio": (0.25, {"warmup_steps": 0.25}),
    "per_device_train_batch_size": (3, {"per_device_train_batch_size": 3}),
    "per_device_eval_batch_size": (5, {"per_device_eval_batch_size": 5}),
    "num_train_epochs": (7, {"num_train_epochs": 7}),
    "weight_decay": (0.5, {"weight_decay": 0.5}),
    "group_by_length": (False, {"train_sampling_strategy": "random"}),
    "load_best_model_at_end": (False, {"load_best_model_at_end": False, "metric_for_best_model": None}),
    "metric_for_best_model": ("log_loss", {"metric_for_best_model": "eval_log_loss", "greater_is_better": False}),
    "seed": (7, {"seed": 7, "data_seed": 7}),
}
USED_ELSEWHERE = {
    "model_name",
    "model_revision",
    "max_length",
    "truncation",
    "padding",
    "clean_text",
    "class_weights",
}
METRIC = choose_metric("auto", {"ham": 50, "spam": 50})


def arguments(config: FineTuneConfig, folder: Path) -> dict[str, Any]:
    metric = choose_metric(config.metric_for_best_model, {"ham": 50, "spam": 50})
    content: dict[str, Any] = training_arguments(config, folder, metric).to_dict()
    return content


def test_each_field_is_accounted_for() -> None:
    assert set(FineTuneConfig.model_fields) == set(REACHES) | USED_ELSEWHERE


@pytest.mark.parametrize("field", REACHES)
def test_a_field_changes_its_own_arguments_and_no_other(field: str, tmp_path: Path) -> None:
    value, expected = REACHES[field]
    before = arguments(FineTuneConfig(), tmp_path)
    after = arguments(FineTuneConfig(**{field: value}), tmp_path)
    changed = {name: after[name] for name in after if after[name] != before[name]}
    assert changed == expected


def test_the_two_presets(tmp_path: Path) -> None:
    shared = {
        "learning_rate": 2e-5,
        "per_device_train_batch_size": 16,
        "per_device_eval_batch_size": 16,
        "num_train_epochs": 3,
        "weight_decay": 0.01,
        "warmup_steps": 0.0,
        "lr_scheduler_type": "linear",
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "report_to": [],
        "bf16": False,
        "fp16": False,
        "gradient_accumulation_steps": 1,
    }
    tutorial = arguments(FineTuneConfig.preset("tutorial"), tmp_path)
    default = arguments(FineTuneConfig.preset("default"), tmp_path)
    own = {"train_sampling_strategy": "random", "load_best_model_at_end": False}
    assert tutorial.items() >= (shared | own).items()
    own = {"train_sampling_strategy": "group_by_length", "load_best_model_at_end": True}
    assert default.items() >= (shared | own | {"metric_for_best_model": "eval_f1", "greater_is_better": True}).items()


@pytest.mark.parametrize(("ratio", "steps"), [(0.0, 0), (0.1, 10), (0.25, 25), (0.999, 100)])
def test_warm_up_is_a_share_of_the_steps(ratio: float, steps: int, tmp_path: Path) -> None:
    made = training_arguments(FineTuneConfig(warmup_ratio=ratio), tmp_path, METRIC)
    assert made.get_warmup_steps(100) == steps


def test_a_loss_that_is_not_a_number_is_not_hidden(tmp_path: Path) -> None:
    assert arguments(FineTuneConfig(), tmp_path)["logging_nan_inf_filter"] is False


def test_no_other_file_knows_the_upstream_names() -> None:
    source = Path(imdb_sentiment.__file__).parent
    users = [
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if "import TrainingArguments" in path.read_text(encoding="utf-8")
    ]
    assert users == ["training/arguments.py"]
