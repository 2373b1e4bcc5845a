"""Each field of `FineTuneConfig` reaches the Trainer, and nothing else does."""

from pathlib import Path
from typing import Any

import pytest

import imdb_sentiment
from imdb_sentiment import FineTuneConfig
from imdb_sentiment.config import SettledConfig
from imdb_sentiment.training.arguments import training_arguments
from imdb_sentiment.training.recipe import Recipe, settle

# field -> another value than the default, and what it makes of the arguments
REACHES: dict[str, tuple[Any, dict[str, Any]]] = {
    "learning_rate": (3e-4, {"learning_rate": 3e-4}),
    "warmup_ratio": (0.25, {"warmup_steps": 0.25}),
    "per_device_train_batch_size": (3, {"per_device_train_batch_size": 3}),
    "per_device_eval_batch_size": (5, {"per_device_eval_batch_size": 5}),
    "gradient_accumulation_steps": (4, {"gradient_accumulation_steps": 4}),
    "num_train_epochs": (7, {"num_train_epochs": 7}),
    "weight_decay": (0.5, {"weight_decay": 0.5}),
    "precision": ("bf16", {"bf16": True}),
    "load_best_model_at_end": (False, {"load_best_model_at_end": False, "metric_for_best_model": None}),
    "metric_for_best_model": ("f1", {"metric_for_best_model": "eval_f1", "greater_is_better": True}),
    "report_to": (("tensorboard",), {"report_to": ["tensorboard"]}),
    "seed": (7, {"seed": 7, "data_seed": 7}),
}
USED_ELSEWHERE = {
    "cascade",
    "linear_probe",
    "model_name",
    "model_revision",
    "max_length",
    "long_texts",
    "method",
    "truncation",
    "padding",
    "pooling",
    "group_by_length",
    "clean_text",
    "dropout",
    "max_tokens_per_forward",
    "first_epoch_max_length",
    "evaluations_per_epoch",
    "early_stopping_patience",
    "save_total_limit",
    "class_weight",
    "label_smoothing",
    "freeze_layers",
    "lora_rank",
    "threshold",
}


def settled(config: FineTuneConfig) -> SettledConfig:
    """What a configuration comes to for 300 rows and a small encoder."""
    return settle(config, train_rows=300, hidden_size=384)


def recipe_of(config: FineTuneConfig) -> Recipe:
    """What a configuration comes to on a machine where `auto` is fp32."""
    return Recipe("fp32" if config.precision == "auto" else config.precision, 2048)


def arguments(config: FineTuneConfig, folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = training_arguments(settled(config), recipe_of(config), folder).to_dict()
    return content


def test_each_field_is_accounted_for() -> None:
    assert set(FineTuneConfig.model_fields) == set(REACHES) | USED_ELSEWHERE


@pytest.mark.parametrize("field", REACHES)
def test_a_field_changes_its_own_arguments_and_no_other(field: str, tmp_path: Path) -> None:
    value, expected = REACHES[field]
    config = FineTuneConfig(num_train_epochs=2, per_device_train_batch_size=32)  # which would follow from each other
    before = arguments(config, tmp_path)
    after = arguments(config.replace(**{field: value}), tmp_path)
    changed = {name: after[name] for name in after if after[name] != before[name]}
    assert changed == expected


def test_the_presets(tmp_path: Path) -> None:
    shared = {
        "per_device_eval_batch_size": 16,
        "weight_decay": 0.01,
        "lr_scheduler_type": "linear",
        "logging_strategy": "no",
        "report_to": [],
        "fp16": False,
        "bf16": False,
        "gradient_accumulation_steps": 1,
        "disable_tqdm": True,
    }
    tutorial = arguments(FineTuneConfig.preset("tutorial"), tmp_path)
    balanced = arguments(FineTuneConfig.preset("balanced"), tmp_path)
    own: dict[str, Any] = {"learning_rate": 2e-5, "num_train_epochs": 3, "per_device_train_batch_size": 16}
    assert tutorial.items() >= (shared | own | {"warmup_steps": 0.0, "load_best_model_at_end": False}).items()
    best = {
        "load_best_model_at_end": True,
        "metric_for_best_model": "eval_calibrated_log_loss",
        "greater_is_better": False,
    }
    auto = {"num_train_epochs": 7, "per_device_train_batch_size": 8}
    assert balanced.items() >= (shared | best | auto | {"learning_rate": 5e-5, "warmup_steps": 0.1}).items()


def test_when_to_evaluate_and_save_is_left_to_the_schedule(tmp_path: Path) -> None:
    made = arguments(FineTuneConfig(), tmp_path)
    assert made["eval_strategy"] == made["save_strategy"] == "steps"
    assert min(made["eval_steps"], made["save_steps"]) > 10**9
    assert made["save_total_limit"] is None  # upstream would drop one before the next is known to be complete


def test_processes_wait_for_each_other_for_hours(tmp_path: Path) -> None:
    assert arguments(FineTuneConfig(), tmp_path)["ddp_timeout"] == 12 * 3600


def test_of_several_gpus_a_process_uses_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transformers.TrainingArguments.n_gpu", 2)
    made = training_arguments(settled(FineTuneConfig()), recipe_of(FineTuneConfig()), tmp_path)
    assert made._n_gpu == 1


@pytest.mark.parametrize(("ratio", "steps"), [(0.0, 0), (0.1, 10), (0.25, 25), (0.999, 100)])
def test_warm_up_is_a_share_of_the_steps(ratio: float, steps: int, tmp_path: Path) -> None:
    config = FineTuneConfig(warmup_ratio=ratio)
    made = training_arguments(settled(config), recipe_of(config), tmp_path)
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
