"""Covers config/base.py, config/data.py, config/fine_tune.py, config/other_names.py."""

import copy
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import examples
from imdb_sentiment.config import NON_TRAINING_FIELDS, DataConfig, FineTuneConfig, SettledConfig, other_names
from imdb_sentiment.errors import ConfigError
from imdb_sentiment.training.recipe import settle

LONG = "A long text that nobody wants to read whole in a message. " * 200
# as a caller without a type checker sees them
ANY_DATA: Any = DataConfig
ANY_FINE_TUNE: Any = FineTuneConfig


def settled(config: FineTuneConfig, rows: int = 5000) -> SettledConfig:
    return settle(config, train_rows=rows, hidden_size=384)


def test_the_defaults_are_the_tutorials_task() -> None:
    data, fine_tune = DataConfig(), FineTuneConfig()
    assert data.source == "stanfordnlp/imdb"
    assert (data.text_column, data.label_column) == ("text", "label")
    assert fine_tune.model_name == "google-bert/bert-base-uncased"
    assert (fine_tune.weight_decay, fine_tune.per_device_eval_batch_size) == (0.01, 16)


def test_the_machine_the_encoder_and_the_rows_decide_what_is_not_set() -> None:
    config = FineTuneConfig()
    assert (config.learning_rate, config.precision, config.max_tokens_per_forward) == ("auto", "auto", "auto")
    assert (config.num_train_epochs, config.per_device_train_batch_size) == ("auto", "auto")


def test_a_new_head_reads_the_mean_and_is_fitted_first() -> None:
    config = FineTuneConfig()
    assert (config.pooling, config.linear_probe) == ("mean", True)


@pytest.mark.parametrize("model", [DataConfig, FineTuneConfig])
def test_every_field_has_a_docstring(model: type[pydantic.BaseModel]) -> None:
    assert [name for name, field in model.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    ("model", "wrong", "meant"),
    [
        (DataConfig, "text_colum", "text_column"),
        (DataConfig, "Source", "source"),
        (FineTuneConfig, "learning_rat", "learning_rate"),
        (FineTuneConfig, "maxlength", "max_length"),
    ],
)
def test_an_unknown_field_is_named_with_the_nearest_one(model: type[Any], wrong: str, meant: str) -> None:
    with pytest.raises(ConfigError) as caught:
        model(**{wrong: 1})
    assert caught.value.summary == f"{model.__name__} has no field {wrong!r}"
    assert caught.value.hint == meant


def test_an_unknown_field_like_no_other_gets_no_hint() -> None:
    with pytest.raises(ConfigError, match="no field 'zzz'") as caught:
        ANY_FINE_TUNE(zzz=1)
    assert caught.value.hint is None


@pytest.mark.parametrize(
    ("model", "field", "value"),
    [
        (DataConfig, "validation_fraction", 0),
        (DataConfig, "validation_fraction", 1),
        (DataConfig, "test_fraction", -0.1),
        (DataConfig, "test_fraction", float("nan")),
        (DataConfig, "max_train_samples", 0),
        (DataConfig, "max_train_samples", 2.5),
        (DataConfig, "split_seed", -1),
        (DataConfig, "split_seed", 2**32),
        (DataConfig, "text_column", ""),
        (DataConfig, "positive_label", ""),
        (DataConfig, "positive_label", ["spam"]),
        (DataConfig, "source", 3),
        (DataConfig, "test_overlap", "maybe"),
        (DataConfig, "invalid_rows", "ignore"),
        (FineTuneConfig, "learning_rate", 0),
        (FineTuneConfig, "learning_rate", float("inf")),
        (FineTuneConfig, "learning_rate", "fast"),
        (FineTuneConfig, "warmup_ratio", 1),
        (FineTuneConfig, "weight_decay", -0.01),
        (FineTuneConfig, "max_length", 7),
        (FineTuneConfig, "num_train_epochs", 0),
        (FineTuneConfig, "num_train_epochs", "several"),
        (FineTuneConfig, "pooling", "cls"),
        (FineTuneConfig, "per_device_train_batch_size", 0),
        (FineTuneConfig, "seed", "x"),
        (FineTuneConfig, "truncation", "middle"),
        (FineTuneConfig, "metric_for_best_model", ""),
        (FineTuneConfig, "class_weight", "inverse"),
        (FineTuneConfig, "model_name", ""),
        (FineTuneConfig, "dropout", 1),
        (FineTuneConfig, "dropout", -0.1),
        (FineTuneConfig, "gradient_accumulation_steps", 0),
        (FineTuneConfig, "max_tokens_per_forward", 0),
        (FineTuneConfig, "max_tokens_per_forward", "all"),
        (FineTuneConfig, "precision", "fp16"),
        (FineTuneConfig, "first_epoch_max_length", 7),
        (FineTuneConfig, "evaluations_per_epoch", 0),
        (FineTuneConfig, "early_stopping_patience", 0),
        (FineTuneConfig, "save_total_limit", 0),
        (FineTuneConfig, "report_to", 3),
    ],
)
def test_a_value_out_of_range_is_named_with_its_field(model: type[Any], field: str, value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        model(**{field: value})
    assert caught.value.summary.startswith(f"{model.__name__}.{field} = ")
    assert "\n" not in caught.value.summary
    assert "pydantic" not in str(caught.value)


def test_a_field_that_takes_one_of_two_types_is_named_once() -> None:
    with pytest.raises(ConfigError) as caught:
        FineTuneConfig(max_tokens_per_forward=0)
    expected = "FineTuneConfig.max_tokens_per_forward = 0: input should be greater than 0 or input should be 'auto'"
    assert str(caught.value) == expected


def test_every_mistake_is_listed_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        ANY_FINE_TUNE(seed=-1, max_length=1, sed=2)
    assert all(part in str(caught.value) for part in ("seed = -1", "max_length = 1", "no field 'sed'"))
    assert caught.value.hint == "seed"


def test_a_negative_label_without_a_positive_one_is_refused() -> None:
    with pytest.raises(ConfigError, match="negative_label is set but positive_label is not"):
        DataConfig(negative_label="ham")


def test_both_labels_must_differ() -> None:
    with pytest.raises(ConfigError, match="both 'spam'"):
        DataConfig(positive_label="spam", negative_label="spam")


def test_labels_that_are_written_alike_count_as_the_same() -> None:
    with pytest.raises(ConfigError, match="both '1'"):
        ANY_DATA(positive_label=1, negative_label="1")
    with pytest.raises(ConfigError, match="are both '1'"):
        ANY_DATA(positive_label=1, negative_label=1.0)


@pytest.mark.parametrize(
    ("given_as", "kept_as"),
    [
        *((1, "1"), (0, "0"), (-1, "-1"), (True, "true"), (False, "false"), (1.0, "1"), (-1.0, "-1")),
        *((np.int8(1), "1"), (np.float32(0), "0"), (np.bool_(True), "true")),
    ],
)
def test_labels_may_be_given_as_numbers_and_booleans(given_as: Any, kept_as: str) -> None:
    assert DataConfig(positive_label=given_as).positive_label == kept_as


def test_a_label_is_kept_as_it_is_spelled() -> None:
    assert DataConfig(positive_label=" Spam\t").positive_label == " Spam\t"


def test_sources_may_be_paths_and_mappings_of_paths() -> None:
    assert ANY_DATA(source=Path("a.csv")).source == "a.csv"
    mapping = {"train": Path("a.csv"), "test": "b.csv"}
    assert ANY_DATA(source=mapping).source == {"train": "a.csv", "test": "b.csv"}


def test_a_model_name_may_be_a_path() -> None:
    assert ANY_FINE_TUNE(model_name=Path("models/mine")).model_name == "models/mine"


@pytest.mark.parametrize("given_as", ["title,body", " title , body ", ["title", "body"], ("title", "body")])
def test_two_text_columns_may_be_given_as_one_text(given_as: Any) -> None:
    config = DataConfig(text_columns=given_as)
    assert config.text_columns == config.columns_of_text == ("title", "body")


def test_the_columns_of_the_text_are_one_or_two() -> None:
    assert DataConfig().columns_of_text == ("text",)
    assert DataConfig(text_column="SMS").columns_of_text == ("SMS",)
    assert DataConfig(text_columns=("text", "more")).columns_of_text == ("text", "more")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"text_columns": "title"}, "text_columns = 'title': expected the names of two columns, such as title,body"),
        ({"text_columns": ["a", "b", "c"]}, r"text_columns = \['a', 'b', 'c'\]: expected the names of two columns"),
        ({"text_columns": {"a", "b"}}, "expected the names of two columns"),
        ({"text_columns": "title,"}, "text_columns = 'title,': expected the names of two columns"),
        ({"text_columns": ("title", "")}, "at least 1 character"),
        ({"text_columns": ("title", 1.5)}, "valid string"),
        ({"text_columns": "body,body"}, "text_columns are both 'body'"),
        ({"text_columns": "label,body"}, "text_columns and label_column both name 'label'"),
        ({"text_columns": "title,body", "text_column": "SMS"}, "replaces text_column, which is set to 'SMS'"),
    ],
)
def test_text_columns_are_two_different_ones(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ANY_DATA(**fields)


def test_two_text_columns_leave_the_default_column_free() -> None:
    assert DataConfig(text_columns=("title", "body"), label_column="text").label_column == "text"


def test_two_text_columns_may_be_replaced() -> None:
    config = DataConfig(text_columns=("title", "body"))
    assert config.replace(max_train_samples=5).text_columns == ("title", "body")
    assert config.replace(text_columns=None).columns_of_text == ("text",)
    assert DataConfig(max_train_samples=5).replace(text_columns=("title", "body")) == config.replace(
        max_train_samples=5
    )


@pytest.mark.parametrize(("config", "field"), [(DataConfig(), "max_train_samples"), (FineTuneConfig(), "seed")])
def test_a_config_cannot_be_changed(config: pydantic.BaseModel, field: str) -> None:
    with pytest.raises(ValueError, match="frozen"):
        setattr(config, field, 5)


def test_replace_changes_a_copy_and_leaves_the_original() -> None:
    config = FineTuneConfig(seed=7)
    changed = config.replace(max_length=64)
    assert (changed.seed, changed.max_length) == (7, 64)
    assert config.max_length == 256


def test_replace_checks_like_a_new_config() -> None:
    with pytest.raises(ConfigError, match="learning_rate"):
        FineTuneConfig().replace(learning_rate=-1)
    with pytest.raises(ConfigError, match="no field 'max_train_sample'") as caught:
        DataConfig().replace(max_train_sample=5)
    assert caught.value.hint == "max_train_samples"
    with pytest.raises(ConfigError, match="positive_label is not"):
        DataConfig(positive_label="spam", negative_label="ham").replace(positive_label=None)


@pytest.mark.parametrize(
    "config", [DataConfig(source={"train": "a.csv"}, max_train_samples=3), FineTuneConfig(learning_rate=1e-4)]
)
def test_a_config_survives_pickle_and_copy(config: pydantic.BaseModel) -> None:
    assert ForkingPickler.loads(ForkingPickler.dumps(config)) == config
    assert copy.deepcopy(config) == config


def test_the_default_preset_is_the_defaults() -> None:
    assert FineTuneConfig.preset() == FineTuneConfig.preset("balanced") == FineTuneConfig()


def test_presets_differ_in_how_much_is_read_and_how_often() -> None:
    fast, balanced, accurate = (FineTuneConfig.preset(name) for name in ("fast", "balanced", "accurate"))
    read = [sum(settled(config).epoch_max_lengths) for config in (fast, balanced, accurate)]
    assert read == sorted(read)
    assert len(set(read)) == 3
    differing = {"max_length", "num_train_epochs"}
    assert fast.model_dump(exclude=differing) == balanced.model_dump(exclude=differing)
    assert accurate.model_dump(exclude=differing) == balanced.model_dump(exclude=differing)


def test_the_tutorial_preset_is_the_tutorials_recipe() -> None:
    config = FineTuneConfig.preset("tutorial")
    assert (config.max_length, config.padding, config.truncation) == (128, "max_length", "head")
    assert (config.clean_text, config.group_by_length, config.load_best_model_at_end) == (False, False, False)
    assert (config.learning_rate, config.warmup_ratio, config.num_train_epochs) == (2e-5, 0.0, 3)
    assert (config.per_device_train_batch_size, config.gradient_accumulation_steps) == (16, 1)
    assert (config.dropout, config.precision, config.weight_decay) == (None, "fp32", 0.01)
    assert (config.pooling, config.linear_probe, config.class_weight) == ("first", False, None)
    assert settled(config, rows=20) == settled(config, rows=50_000)
    assert settled(config).epoch_max_lengths == (128,) * 3


def test_a_preset_takes_changes_which_are_checked() -> None:
    assert FineTuneConfig.preset("tutorial", max_length=32).max_length == 32
    with pytest.raises(ConfigError, match="max_length"):
        FineTuneConfig.preset("tutorial", max_length=0)


def test_an_unknown_preset_is_named_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="unknown preset 'tutorail'") as caught:
        FineTuneConfig.preset("tutorail")
    assert caught.value.hint == "tutorial"
    assert caught.value.expected == "one of tutorial, fast, balanced, accurate"


@pytest.mark.parametrize(
    ("fields", "lengths"),
    [
        ({}, (128, 256)),
        ({"num_train_epochs": 3}, (128, 256, 256)),
        ({"num_train_epochs": 1}, (128,)),
        ({"num_train_epochs": 2, "max_length": 64}, (64, 64)),
        ({"num_train_epochs": 2, "first_epoch_max_length": None}, (256, 256)),
        ({"num_train_epochs": 2, "first_epoch_max_length": 512}, (256, 256)),
    ],
)
def test_the_first_epoch_may_read_less(fields: dict[str, Any], lengths: tuple[int, ...]) -> None:
    config = FineTuneConfig(**({"max_length": 256, "first_epoch_max_length": 128} | fields))
    assert settled(config).epoch_max_lengths == lengths


@pytest.mark.parametrize("given_as", ["tensorboard,mlflow", " tensorboard , mlflow ,", ["tensorboard", "mlflow"]])
def test_trackers_may_be_given_as_one_text(given_as: Any) -> None:
    assert FineTuneConfig(report_to=given_as).report_to == ("tensorboard", "mlflow")
    assert ANY_FINE_TUNE(report_to="").report_to == ()
    assert ANY_FINE_TUNE(report_to=None).report_to == ()  # as --set report_to= has it


def test_stopping_early_keeps_the_best() -> None:
    assert FineTuneConfig(early_stopping_patience=2).early_stopping_patience == 2
    with pytest.raises(ConfigError, match="early_stopping_patience needs load_best_model_at_end"):
        FineTuneConfig(early_stopping_patience=2, load_best_model_at_end=False)


def test_what_may_change_when_a_run_is_gone_on_with_are_fields() -> None:
    assert set(FineTuneConfig.model_fields) > NON_TRAINING_FIELDS


@settings(deadline=None, max_examples=examples(50))
@given(
    fraction=st.floats(0, 1, exclude_min=True, exclude_max=True),
    limit=st.none() | st.integers(1),
    seed=st.integers(0, 2**32 - 1),
    label=st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
)
def test_a_config_round_trips_through_json(fraction: float, limit: int | None, seed: int, label: str | None) -> None:
    config = DataConfig(test_fraction=fraction, max_train_samples=limit, split_seed=seed, positive_label=label)
    assert DataConfig(**config.model_dump(mode="json")) == config
    assert DataConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    "fields",
    [
        {"group_column": "label"},
        {"group_column": "text"},
        {"group_column": "title", "text_columns": ("title", "body")},
        {"slice_columns": ("year", "label")},
        {"slice_columns": "text"},
        {"slice_columns": "year, year"},
    ],
)
def test_groups_are_another_column_than_texts_and_labels(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="is read as text or label"):
        DataConfig(**fields)
    assert DataConfig(group_column="author").group_column == "author"
    both: Any = "year, source"
    assert DataConfig(slice_columns=both).slice_columns == ("year", "source")
    assert DataConfig(slice_columns=("year",), group_column="year").slice_columns == ("year",)


@pytest.mark.parametrize(
    ("model", "names", "field"),
    [
        (FineTuneConfig, "batch_size train_batch_size per_gpu_train_batch_size", "per_device_train_batch_size"),
        (FineTuneConfig, "lr LR learning-rate", "learning_rate"),
        (FineTuneConfig, "epochs num_epochs n_epochs", "num_train_epochs"),
        (FineTuneConfig, "bf16 fp16 torch_dtype mixed_precision", "precision"),
        (FineTuneConfig, "eval_strategy evaluation_strategy eval_steps save_steps", "evaluations_per_epoch"),
        (FineTuneConfig, "warmup_steps", "warmup_ratio"),
        (FineTuneConfig, "model model_name_or_path", "model_name"),
        (FineTuneConfig, "max_len max_seq_length", "max_length"),
        (FineTuneConfig, "random_state", "seed"),
        (FineTuneConfig, "revision", "model_revision"),
        (FineTuneConfig, "patience", "early_stopping_patience"),
        (DataConfig, "random_state seed", "split_seed"),
        (DataConfig, "test_size", "test_fraction"),
        (DataConfig, "val_size validation_split", "validation_fraction"),
        (DataConfig, "target y", "label_column"),
        (DataConfig, "path data_files", "source"),
    ],
)
def test_what_other_programs_call_a_field_is_understood(model: type[Any], names: str, field: str) -> None:
    for name in names.split():
        with pytest.raises(ConfigError, match=f"no field '{name}'") as caught:
            model(**{name: 1})
        assert caught.value.hint == field


def test_a_field_of_the_other_configuration_is_named_with_it() -> None:
    for fields, python, shell in (
        ({"test_size": 1}, "DataConfig(test_fraction=...)", "--set test_fraction=..."),
        ({"text_column": "body"}, "DataConfig(text_column=...)", "--set text_column=..."),
    ):
        with pytest.raises(ConfigError) as caught:
            ANY_FINE_TUNE(**fields)
        assert caught.value.hint == python
        assert f"try:      {shell}" in caught.value.for_shell([])
    with pytest.raises(ConfigError) as caught:
        ANY_DATA(lr=1, epochs=3)
    assert caught.value.hint == "FineTuneConfig(learning_rate=...), FineTuneConfig(num_train_epochs=...)"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("output_dir", "SentimentFineTuner(output_dir=...)"),
        ("max_steps", "num_train_epochs"),
        ("gradient_checkpointing", "max_tokens_per_forward"),
        ("num_labels", "two labels"),
        ("sep", "separator is found"),
        ("delimiter", "separator is found"),
        ("optim", "AdamW"),
        ("device", "GPU"),
    ],
)
@pytest.mark.parametrize("model", [DataConfig, FineTuneConfig])
def test_a_setting_without_a_counterpart_is_told_why(model: type[Any], name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"no field '{name}'") as caught:
        model(**{name: 1})
    assert said in str(caught.value.hint)


def test_every_field_that_another_name_stands_for_exists() -> None:
    fields = {*DataConfig.model_fields, *FineTuneConfig.model_fields}
    assert {field for meant in other_names._MEANT.values() for field in meant} <= fields
    assert not {*other_names._MEANT} & {*other_names._REASONS}


@pytest.mark.parametrize(
    ("make", "hint"),
    [
        (lambda: ANY_FINE_TUNE("minilm"), "FineTuneConfig(model_name='minilm')"),
        (lambda: ANY_DATA("reviews.csv"), "DataConfig(source='reviews.csv')"),
        (lambda: ANY_DATA(Path("reviews.csv")), "DataConfig(source='reviews.csv')"),
        (lambda: ANY_DATA("run.yaml"), "data_config, config = load_config('run.yaml')"),
        (lambda: ANY_DATA({"text_column": "body"}), "DataConfig(**settings)"),
        (lambda: ANY_DATA(FineTuneConfig()), "config=FineTuneConfig(...)"),
        (lambda: ANY_DATA(source=[["A text.", 1]]), "rows in memory go to fit(data)"),
        (lambda: ANY_DATA([1]), "DataConfig(...); rows in memory go to fit(data)"),
    ],
)
def test_a_configuration_takes_its_fields_by_name(make: Any, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make()
    assert caught.value.hint == hint


@settings(deadline=None)
@given(st.sampled_from([DataConfig, FineTuneConfig]), st.data())
def test_no_value_is_printed_whole(model: type[Any], data: Any) -> None:
    field = data.draw(st.sampled_from([*model.model_fields, "no such field"]))
    value = data.draw(st.sampled_from([LONG, [LONG] * 3, {LONG: LONG}, (LONG, LONG)]))
    for fields in ({field: value}, {LONG: value}, {"positive_label": LONG, "negative_label": LONG}):
        said = ""
        try:
            model(**fields)
        except ConfigError as error:
            said = str(error)
        assert LONG[:200] not in said
        assert len(said) < 1_000


def test_an_empty_source_is_not_the_working_folder() -> None:
    with pytest.raises(ConfigError, match="source is empty"):
        DataConfig(source="")


def test_a_path_is_kept_as_text() -> None:
    folder = Path("folder")
    assert DataConfig(source=folder / "reviews.csv").source == "folder/reviews.csv"
    mapping = {"train": folder / "a.csv", "test": folder / "b.csv"}
    assert DataConfig(source=mapping).source == {"train": "folder/a.csv", "test": "folder/b.csv"}
