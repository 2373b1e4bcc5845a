"""The head that training starts from is what scikit-learn makes of the encoder's own features."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    GPT2Config,
    PreTrainedModel,
    RobertaConfig,
)

from conftest import make_reviews
from imdb_sentiment import FineTuneConfig, SentimentFineTuner
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.models.head import output_layer
from imdb_sentiment.models.pretrained import load_encoder
from imdb_sentiment.models.tokenization import TextEncoder
from imdb_sentiment.training import linear_probe
from imdb_sentiment.training.batching import EncodedRows
from imdb_sentiment.training.linear_probe import fit_head, fit_linear, head_features

NAMES = LabelNames("negative", "positive")
TEXTS, LABELS = make_reviews(90)


@pytest.fixture
def encoder(tiny_model: Path) -> TextEncoder:
    return load_encoder(FineTuneConfig(model_name=str(tiny_model), max_length=32)).text_encoder


def rows_of(encoder: TextEncoder, texts: Sequence[str] = TEXTS, labels: Sequence[int] = LABELS) -> EncodedRows:
    return EncodedRows.of(encoder.encode(list(texts)), list(labels))


def log_odds(model: PreTrainedModel, encoder: TextEncoder, texts: Sequence[str] = TEXTS) -> NDArray[np.float64]:
    model.eval()
    with torch.no_grad():
        logits = torch.cat([model(**encoder.pad([text])).logits for text in encoder.encode(list(texts))])
    return np.asarray((logits[:, 1] - logits[:, 0]).double())


def features_by_hand(model: PreTrainedModel, encoder: TextEncoder) -> NDArray[np.float64]:
    """The pooled output, one text at a time and without padding."""
    with torch.no_grad():
        parts = [model.base_model(**encoder.pad([text])).pooler_output for text in encoder.encode(TEXTS)]
    return np.asarray(torch.cat(parts).double())


def test_the_features_are_those_of_the_pooler_in_the_order_of_the_rows(
    model: PreTrainedModel, encoder: TextEncoder
) -> None:
    positions = [7, 3, 80, 0]
    found = head_features(model, encoder, rows_of(encoder), positions)
    np.testing.assert_allclose(found, features_by_hand(model, encoder)[positions], atol=1e-5)


def test_dropout_has_no_part_in_it_and_comes_back(model: PreTrainedModel, encoder: TextEncoder) -> None:
    expected = head_features(model, encoder, rows_of(encoder), range(20))
    model.train()
    again = head_features(model, encoder, rows_of(encoder), range(20))
    np.testing.assert_array_equal(again, expected)
    assert model.training
    assert {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)} == {0.1}


@pytest.mark.parametrize("balanced", [False, True])
def test_the_head_is_what_scikit_learn_says(model: PreTrainedModel, encoder: TextEncoder, balanced: bool) -> None:
    keep = [row for row in range(90) if LABELS[row] or row % 6 == 0]  # 45 positive, 15 negative
    texts, labels = [TEXTS[row] for row in keep], np.array([LABELS[row] for row in keep])
    rows = rows_of(encoder, texts, labels.tolist())
    model.train()
    before = {name: value.clone() for name, value in model.named_parameters()}
    read = head_features(model, encoder, rows, range(len(rows)))
    found = fit_linear(read, labels, 0.1, weights=np.ones(len(labels)), with_bias=True, balanced=balanced, seed=3)
    assert all(torch.equal(value, before[name]) for name, value in model.named_parameters())
    features = features_by_hand(model.eval(), encoder)[keep]
    centred, scale = features - features.mean(axis=0), features.std()
    weight = "balanced" if balanced else None
    expected = LogisticRegression(C=0.1, class_weight=weight, max_iter=1000).fit(centred / scale, labels)
    found.write_to(model)
    np.testing.assert_allclose(log_odds(model, encoder, texts), expected.decision_function(centred / scale), atol=2e-3)


@pytest.mark.parametrize("balanced", [False, True])
def test_smoothed_labels_are_fitted_as_soft_targets(balanced: bool) -> None:
    """At the optimum the gradient of the weighted cross-entropy to the soft targets is that of the penalty."""
    rng = np.random.default_rng(0)
    labels = (rng.random(60) < 0.3).astype(np.int64)
    features = rng.normal(size=(60, 3)) + labels[:, None]
    weights = rng.uniform(0.5, 1.5, 60)
    found = fit_linear(
        features, labels, 10.0, weights=weights, with_bias=True, balanced=balanced, label_smoothing=0.2, seed=0
    )
    targets = np.where(labels, 0.9, 0.1)
    if balanced:
        weights = weights * 30 / np.bincount(labels)[labels]
    scale = features.std()
    errors = weights * (1 / (1 + np.exp(-(features @ found.weights + found.bias))) - targets)
    penalty = found.weights * scale / 10.0
    centred = (features - features.mean(axis=0)) / scale
    np.testing.assert_allclose(centred.T @ errors + penalty, 0, atol=0.01)
    assert abs(errors.sum()) < 0.01


@pytest.mark.parametrize("balanced", [False, True])
def test_the_penalty_is_the_one_with_the_lowest_log_loss_on_rows_held_out(
    model: PreTrainedModel, encoder: TextEncoder, balanced: bool
) -> None:
    labels = np.array([label if row % 7 else int(row % 3 == 0) for row, label in enumerate(LABELS)])
    rows = rows_of(encoder, labels=labels.tolist())
    features = head_features(model, encoder, rows, range(90))
    centred = (features - features.mean(axis=0)) / features.std()
    weights = 45 / np.bincount(labels)[labels] if balanced else np.ones(90)

    def held_out(penalty: float) -> float:
        odds = np.empty(90)
        for train, test in StratifiedKFold(5, shuffle=True, random_state=3).split(centred, labels):
            regression = LogisticRegression(C=penalty, class_weight="balanced" if balanced else None, max_iter=1000)
            odds[test] = regression.fit(centred[train], labels[train]).decision_function(centred[test])
        return float(np.average(np.logaddexp(0, np.where(labels, -odds, odds)), weights=weights))

    losses = [held_out(10 ** (power / 2)) for power in range(-8, 1)]
    best = 10 ** ((int(np.argmin(losses)) - 8) / 2)
    assert 1e-4 < best <= 1
    expected = fit_linear(
        features, labels, best, weights=np.ones(len(labels)), with_bias=True, balanced=balanced, seed=3
    )
    found = fit_head(model, encoder, rows, balanced=balanced, seed=3)
    np.testing.assert_array_equal(found.weights, expected.weights)
    assert found.bias == expected.bias


def log_odds_of(linear: linear_probe.Linear, features: NDArray[np.float64]) -> NDArray[np.float64]:
    odds: NDArray[np.float64] = features @ linear.weights + linear.bias
    return odds


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("of_the_rare", [1, 2, 4])
def test_a_label_of_few_rows(model: PreTrainedModel, encoder: TextEncoder, of_the_rare: int, balanced: bool) -> None:
    rows = rows_of(encoder, TEXTS[: 90 - of_the_rare], [0] * (90 - 2 * of_the_rare) + [1] * of_the_rare)
    linear = fit_head(model, encoder, rows, balanced=balanced, seed=3)
    assert np.isfinite([*linear.weights, linear.bias]).all()
    mean_odds = log_odds_of(linear, head_features(model, encoder, rows, range(len(rows)))).mean()
    assert abs(mean_odds) < 1 if balanced else mean_odds < -2


def test_of_many_rows_some_are_drawn_by_the_seed_and_of_each_label_its_share(
    model: PreTrainedModel, encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linear_probe, "_MAX_ROWS", 40)
    labels = np.array(LABELS)
    rare = np.where(np.arange(90) < 7, 1, 0)
    assert linear_probe._draw(labels[:40], 3).tolist() == list(range(40))
    for seed in range(5):
        drawn = linear_probe._draw(labels, seed)
        assert drawn.tolist() == linear_probe._draw(labels, seed).tolist() == sorted(set(drawn.tolist()))
        assert np.bincount(labels[drawn]).tolist() == [20, 20]
        assert np.bincount(rare[linear_probe._draw(rare, seed)]).tolist() == [37, 5]  # one for each fold
    assert linear_probe._draw(labels, 0).tolist() != linear_probe._draw(labels, 1).tolist()
    rows = rows_of(encoder)
    drawn = linear_probe._draw(labels, 3)
    some = rows_of(encoder, [TEXTS[row] for row in drawn], labels[drawn].tolist())
    found = fit_head(model, encoder, rows, balanced=False, seed=3)
    np.testing.assert_allclose(found.weights, fit_head(model, encoder, some, balanced=False, seed=3).weights, rtol=1e-3)


def test_every_architecture_has_its_head_fitted(tiny_model: Path, encoder: TextEncoder) -> None:
    sizes: dict[str, Any] = {
        "vocab_size": 600,
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 60,
        "pad_token_id": encoder.tokenizer.pad_token_id,
    }
    gpt2 = GPT2Config(
        vocab_size=600, n_embd=32, n_layer=1, n_head=2, n_positions=60, pad_token_id=encoder.tokenizer.pad_token_id
    )
    for config in (BertConfig(**sizes), RobertaConfig(**sizes), gpt2):
        torch.manual_seed(0)
        model: PreTrainedModel = AutoModelForSequenceClassification.from_config(config)
        features = head_features(model, encoder, rows_of(encoder), range(90))
        assert features.shape == (90, 32)
        linear = fit_head(model, encoder, rows_of(encoder), balanced=False, seed=3)
        linear.write_to(model)
        np.testing.assert_allclose(log_odds(model, encoder), log_odds_of(linear, features), rtol=5e-3, atol=5e-3)
        assert output_layer(model).weight.shape == (2, 32)


class StartedError(Exception):
    """Training was about to start."""


@pytest.mark.parametrize(("asked", "fitted"), [(True, True), (False, False)])
def test_training_starts_from_it_unless_it_is_not_wanted(
    tiny_config: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: bool, fitted: bool
) -> None:
    found: list[torch.Tensor] = []

    def look(model: PreTrainedModel, *args: Any, **kwargs: Any) -> Any:
        found.append(model.get_parameter("classifier.weight").detach().clone())
        raise StartedError

    monkeypatch.setattr("imdb_sentiment.training.fine_tuning.build_training", look)
    config = tiny_config.replace(linear_probe=asked, dropout=None)
    with pytest.raises(StartedError):
        SentimentFineTuner(config=config, output_dir=tmp_path / "run").fit((TEXTS, LABELS))
    (weight,) = found
    assert torch.equal(weight[0], -weight[1]) is fitted


def test_a_head_that_was_kept_is_not_fitted_again(
    saved_model: Path, tiny_config: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imdb_sentiment.training.run.fit_head", lambda *args, **kwargs: pytest.fail("fitted"))
    config = tiny_config.replace(model_name=str(saved_model), num_train_epochs=1)
    result = SentimentFineTuner(config=config, output_dir=tmp_path / "run").fit((TEXTS, LABELS))
    assert "was kept" in result.notes[0]


def test_a_run_that_is_resumed_is_not_fitted_again(
    tiny_config: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config.replace(num_train_epochs=1)
    whole = SentimentFineTuner(config=config, output_dir=tmp_path / "run").fit((TEXTS, LABELS))
    monkeypatch.setattr("imdb_sentiment.training.run.fit_head", lambda *args, **kwargs: pytest.fail("fitted"))
    resumed = SentimentFineTuner(config=config, output_dir=tmp_path / "run").fit((TEXTS, LABELS), resume=True)
    assert resumed.validation == whole.validation
