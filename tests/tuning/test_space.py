"""What a search varies."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from conftest import make_reviews
from imdb_sentiment import ConfigError, DataConfig, DataSplits, FineTuneConfig, MissingExtraError
from imdb_sentiment.data.splits import load_splits
from imdb_sentiment.models.pretrained import Encoder, load_encoder
from imdb_sentiment.tuning.space import check_space, combinations, default_space, require_optuna

CONFIG = FineTuneConfig(model_name="minilm")


def test_choices_and_ranges_become_distributions() -> None:
    space = {
        "learning_rate": (1e-5, 1e-4),
        "warmup_ratio": (0.0, 0.2),
        "num_train_epochs": (1, 4),
        "max_length": ["128", 256, 128],
        "weight_decay": FloatDistribution(0.001, 0.1, log=True),
    }
    assert check_space(space, CONFIG) == {
        "learning_rate": FloatDistribution(1e-5, 1e-4, log=True),
        "warmup_ratio": FloatDistribution(0.0, 0.2),
        "num_train_epochs": IntDistribution(1, 4),
        "max_length": CategoricalDistribution((128, 256)),
        "weight_decay": FloatDistribution(0.001, 0.1, log=True),
    }
    as_text = check_space({"learning_rate": ("1e-5", "1e-4"), "dropout": [None, "0.1"]}, CONFIG)  # of a command line
    assert as_text["learning_rate"] == FloatDistribution(1e-5, 1e-4, log=True)
    assert as_text["dropout"] == CategoricalDistribution((None, 0.1))


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({}, "names nothing to vary"),
        ([("learning_rate", [1])], "names nothing to vary"),
        ({"lr": [1e-5]}, "no field 'lr'"),
        ({"text_column": ["a"]}, "no field 'text_column'"),
        ({"seed": [1, 2]}, "seed is not searched"),
        ({"threshold": [0.4, 0.5]}, "threshold is not searched"),
        ({"learning_rate": [1e-5, "high"]}, "FineTuneConfig.learning_rate = 'high'"),
        ({"learning_rate": (1e-5, -1.0)}, "FineTuneConfig.learning_rate = -1.0"),
        ({"learning_rate": (1e-4, 1e-5)}, "the range of learning_rate is empty"),
        ({"learning_rate": ("auto", 1e-5)}, "learning_rate has no range"),
        ({"pooling": ("mean", "first")}, "pooling has no range"),
        ({"max_length": 128}, "max_length cannot be varied over 128"),
        ({"max_length": []}, "max_length cannot be varied over"),
        ({"max_length": "128"}, "max_length cannot be varied over '128'"),
        ({"max_length": (64, 128, 256)}, "max_length cannot be varied over"),
        ({"max_length": IntDistribution(4, 128)}, "FineTuneConfig.max_length = 4"),
        ({"early_stopping_patience": [1]}, "early_stopping_patience needs load_best_model_at_end"),
    ],
)
def test_what_cannot_be_varied_is_refused_by_name(space: Any, said: str) -> None:
    config = CONFIG.replace(load_best_model_at_end=False)
    with pytest.raises(ConfigError) as caught:
        check_space(space, config)
    assert said in caught.value.summary


def test_names_of_other_programs_are_understood() -> None:
    with pytest.raises(ConfigError) as caught:
        check_space({"lr": [1e-5]}, CONFIG)
    assert caught.value.hint == "learning_rate"


def test_a_method_goes_with_the_rows(splits: DataSplits) -> None:
    with pytest.raises(ConfigError, match="does not go with lora_rank=4"):
        check_space({"method": ["probe"]}, CONFIG.replace(lora_rank=4), splits)


def test_the_number_of_configurations() -> None:
    assert combinations(check_space({"max_length": [64, 128], "pooling": ["mean", "first"]}, CONFIG)) == 4
    assert combinations(check_space({"max_length": [64, 128], "learning_rate": (1e-5, 1e-4)}, CONFIG)) is None


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(MissingExtraError, match="extra 'search'") as caught:
        require_optuna()
    assert caught.value.hint == "pip install 'imdb-sentiment[search]'"
    assert optuna is not None


@pytest.fixture(scope="module")
def splits() -> DataSplits:
    return load_splits(DataConfig(near_duplicates="ignore"), make_reviews(60), cross_below=500).splits


@pytest.fixture(scope="module")
def encoder(one_layer_model: Path) -> Encoder:
    return load_encoder(FineTuneConfig(model_name=str(one_layer_model)))


def repeated(splits: DataSplits, rows: int, *, longer: int = 1) -> DataSplits:
    """Return splits of so many rows, each text repeated, that are divided into train and validation."""
    times = -(-rows // len(splits.train))
    texts = [" ".join([text] * longer) for text in splits.train["text"]] * times
    columns = {"text": texts, "label": list(splits.train["label"]) * times}
    train = type(splits.train).from_dict(columns, splits.train.features)
    return replace(splits, train=train, validation=splits.train, folds=())


def test_the_default_space_depends_on_the_number_of_rows(splits: DataSplits, encoder: Encoder) -> None:
    config = FineTuneConfig()
    few = default_space(config, splits, encoder)
    assert few["method"] == ["probe", "contrastive"]
    assert few["pooling"] == ["mean", "first"]
    medium, many = (default_space(config, repeated(splits, rows), encoder) for rows in (600, 4200))
    assert medium["num_train_epochs"] == (2, 8)
    assert many["num_train_epochs"] == (1, 4)
    for space in (few, medium, many):
        assert {"method", "max_length"} & space.keys() <= {"method"}  # these texts are short
        check_space(space, config)
    assert many["learning_rate"] == pytest.approx((1e-4 / 4, 1e-4 * 4))


def test_a_field_that_is_set_does_not_vary(splits: DataSplits, encoder: Encoder) -> None:
    space = default_space(FineTuneConfig(method="probe", pooling="first"), splits, encoder)
    assert not {"method", "pooling", "learning_rate"} & space.keys()  # logistic regression has no learning rate


def test_no_length_is_tried_that_no_text_has_or_the_encoder_cannot_read(splits: DataSplits, encoder: Encoder) -> None:
    space = default_space(FineTuneConfig(), repeated(splits, 600, longer=20), encoder)
    assert space["max_length"] == [64, 128, 256]
