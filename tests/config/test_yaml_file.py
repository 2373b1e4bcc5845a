import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import examples
from imdb_sentiment.config import DataConfig, FineTuneConfig
from imdb_sentiment.config.yaml_file import load_config, read_sections, save_config
from imdb_sentiment.errors import ConfigError

# what YAML 1.1 would take for a boolean, a number, a date, null, a merge key or an alias
TRICKY = [
    *("no", "yes", "on", "off", "true", "False", "null", "Null", "~", "1", "007", "0x1F", "0b1", "1e3", "1_000"),
    *("1.5", ".5", "-1", "+1", ".inf", ".nan", "1:30", "2024-01-31", "<<", "=", "*a", "&a", "!!int 1", "# note"),
    *("- a", "a: b", "{a}", "[a]", "'", '"', "%", "@", "`", "|", ">", "?", " ", "\t", "\n", "\\", "a\r\nb", "\x00"),
    *("\ufeff", "\u2028", "\x85", "\u200b", "e\u0301", "\U0001f600", "schlecht\u00e4", "  a", "a  ", "\n a\n\nb "),
]

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
labels = st.sampled_from(TRICKY) | texts


@st.composite
def data_configs(draw: st.DrawFn) -> DataConfig:
    positive = draw(st.none() | labels)
    negative = draw(st.none() | labels.filter(lambda label: label != positive)) if positive is not None else None
    text_column = draw(labels)
    text_columns = draw(st.none() | st.tuples(labels, labels).filter(lambda names: names[0] != names[1]))
    if text_columns:
        text_column = "text"
    return DataConfig(
        source=draw(labels | st.dictionaries(labels, labels)),
        revision=draw(st.none() | labels),
        subset=draw(st.none() | labels),
        text_column=text_column,
        text_columns=text_columns,
        label_column=draw(labels.filter(lambda name: name not in (text_columns or (text_column,)))),
        positive_label=positive,
        negative_label=negative,
        validation_fraction=draw(st.floats(0, 1, exclude_min=True, exclude_max=True)),
        max_train_samples=draw(st.none() | st.integers(1)),
        split_seed=draw(st.integers(0, 2**32 - 1)),
        invalid_rows=draw(st.sampled_from(["error", "drop"])),
    )


@st.composite
def fine_tune_configs(draw: st.DrawFn) -> FineTuneConfig:
    return FineTuneConfig(
        model_name=draw(labels),
        learning_rate=draw(st.floats(0, exclude_min=True, allow_infinity=False)),
        warmup_ratio=draw(st.floats(0, 1, exclude_max=True)),
        clean_text=draw(st.booleans()),
        truncation=draw(st.sampled_from(["head", "tail", "head_tail"])),
    )


@settings(deadline=None, max_examples=examples(60))
@given(data=data_configs(), fine_tune=fine_tune_configs())
def test_saved_configs_are_read_back_the_same(data: DataConfig, fine_tune: FineTuneConfig) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.yaml"
        save_config(path, data, fine_tune)
        assert load_config(path) == (data, fine_tune)


@pytest.mark.parametrize("label", TRICKY)
def test_a_label_that_looks_like_something_else_stays_text(label: str, tmp_path: Path) -> None:
    save_config(tmp_path / "run.yaml", DataConfig(positive_label=label), FineTuneConfig())
    assert load_config(tmp_path / "run.yaml")[0].positive_label == label


@pytest.mark.parametrize("label", ["no", "yes", "true", "1e3", "007", "1.50", "2024-01-31", "-1", "0x1F"])
def test_a_label_written_without_quotes_is_read_as_it_stands(label: str, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(f"data:\n  positive_label: {label}\n", encoding="utf-8")
    assert load_config(path)[0].positive_label == label


@pytest.mark.parametrize("number", ["1e-4", "0.0001", "1.0e-04"])
def test_numbers_may_be_written_in_any_usual_way(number: str, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(f"fine_tune:\n  learning_rate: {number}\n  clean_text: false\n", encoding="utf-8")
    fine_tune = load_config(path)[1]
    assert fine_tune.learning_rate == 1e-4
    assert fine_tune.clean_text is False


@pytest.mark.parametrize("tag", ["!!int", "!!bool", "!!timestamp", "!!python/name:os.system", "!mine"])
def test_a_tag_says_nothing(tag: str, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(f"data:\n  positive_label: {tag} spam\n", encoding="utf-8")
    assert load_config(path)[0].positive_label == "spam"


@pytest.mark.parametrize("written", ["title,body", "[title, body]", "\n  - title\n  - body"])
def test_two_text_columns_may_be_written_in_any_usual_way(written: str, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(f"data:\n  text_columns: {written}\n", encoding="utf-8")
    assert load_config(path)[0] == DataConfig(text_columns=("title", "body"))


def test_null_means_not_set(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("data:\n  max_train_samples: null\n  positive_label: ~\n  revision:\n", encoding="utf-8")
    assert load_config(path)[0] == DataConfig()


def test_what_the_file_leaves_out_keeps_its_default(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("data:\n  max_train_samples: 100\n", encoding="utf-8")
    assert load_config(path) == (DataConfig(max_train_samples=100), FineTuneConfig())


def test_a_saved_file_holds_every_field(tmp_path: Path) -> None:
    save_config(tmp_path / "run.yaml", DataConfig(), FineTuneConfig())
    sections = read_sections(tmp_path / "run.yaml")
    assert list(sections["data"]) == list(DataConfig.model_fields)
    assert list(sections["fine_tune"]) == list(FineTuneConfig.model_fields)


def test_saving_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    save_config(path, DataConfig(text_column="a much longer name than the next"), FineTuneConfig())
    save_config(path, DataConfig(text_column="b"), FineTuneConfig())
    assert load_config(path)[0].text_column == "b"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read the configuration file .*nowhere\.yaml"):
        load_config(tmp_path / "nowhere.yaml")


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the configuration file"):
        load_config(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"data: [1, 2",
        b"data: {a: b",
        b"data:\n\t- x: 1\n",
        b"data: \xff\xfe",
        b"data: 'open",
        b"a: b: c",
        b"data: *nowhere",
        b"data: {}\n---\ndata: {}\n",
        b"[" * 2_000,
    ],
)
def test_a_file_that_is_no_yaml_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"run\.yaml is not a YAML file") as caught:
        load_config(path)
    assert caught.value.found


@pytest.mark.parametrize("content", ["", "# nothing\n", "just words", "- data\n", "data: 3\n", "seed: 5\n", "42"])
def test_a_file_without_sections_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"run\.yaml has no sections") as caught:
        load_config(path)
    assert caught.value.expected is not None
    assert "data:" in caught.value.expected


def test_an_unknown_section_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("finetune:\n  seed: 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="section 'finetune'") as caught:
        load_config(path)
    assert (caught.value.expected, caught.value.hint) == ("data or fine_tune", "fine_tune")


def test_an_unknown_field_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("data:\n  lable_column: stars\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="DataConfig has no field 'lable_column'") as caught:
        load_config(path)
    assert caught.value.hint == "label_column"


def test_a_value_that_does_not_fit_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("fine_tune:\n  num_train_epochs: several\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"FineTuneConfig\.num_train_epochs = 'several'"):
        load_config(path)


@pytest.mark.parametrize("content", ["data:\n  : 5\n", "data:\n  null: 5\n", "data:\n  !!int 1: 5\n"])
def test_a_field_without_a_name_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError):
        load_config(path)


@settings(deadline=None, max_examples=examples(60))
@given(content=st.text(st.sampled_from("data: fine_tune\n-{}[]'\"#&*!|>%@~1e?,\t\x00\u2028"), max_size=60))
def test_whatever_stands_in_the_file_the_error_is_a_config_error(content: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.yaml"
        path.write_text(content, encoding="utf-8")
        message = ""
        try:
            load_config(path)
        except ConfigError as error:
            message = error.summary
    assert not message or str(path) in message or "Config" in message


def test_configurations_in_each_others_place_are_not_written(tmp_path: Path) -> None:
    swapped: Any = (FineTuneConfig(), DataConfig())
    with pytest.raises(ConfigError, match="data_config must be a DataConfig"):
        save_config(tmp_path / "run.yaml", *swapped)
    assert list(tmp_path.iterdir()) == []
