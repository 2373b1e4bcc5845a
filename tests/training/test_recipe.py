"""What `auto` comes to: by the width of the encoder, by the device, and by what was set or begun."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from trainers import NAMES
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    DistilBertConfig,
    PreTrainedConfig,
    PreTrainedModel,
)

from hub import write_tiny_bert
from imdb_sentiment import FineTuneConfig
from imdb_sentiment.models import device
from imdb_sentiment.models.device import choose_precision
from imdb_sentiment.models.pretrained import load_encoder, load_model
from imdb_sentiment.runtime.huggingface import quiet
from imdb_sentiment.training.recipe import Recipe, choose_learning_rate, resolve, settle, settled_fields

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def cpu_knows_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_cpu_supports_bf16", lambda: True)


@pytest.fixture
def no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("nothing was to be tried out")

    monkeypatch.setattr(device, "_run_trial", refuse)


@pytest.mark.parametrize(
    ("config", "few", "many"),
    [
        (BertConfig(hidden_size=384), 5e-5, 1e-4),
        (BertConfig(hidden_size=512, num_attention_heads=8), 5e-5, 1e-4),
        (BertConfig(hidden_size=528), 2e-5, 3e-5),
        (BertConfig(hidden_size=768), 2e-5, 3e-5),
        (BertConfig(hidden_size=1024, num_attention_heads=16), 2e-5, 3e-5),
        (DistilBertConfig(dim=384), 5e-5, 1e-4),  # has another name for the width
        (DistilBertConfig(dim=768), 2e-5, 3e-5),
    ],
)
def test_a_wider_encoder_and_fewer_rows_take_a_lower_rate(config: PreTrainedConfig, few: float, many: float) -> None:
    with torch.device("meta"):
        model = AutoModelForSequenceClassification.from_config(config)
    width = model.config.hidden_size
    assert [choose_learning_rate(width, rows) for rows in (1, 3999, 4000)] == [few, few, many]
    assert settle(FineTuneConfig(), train_rows=100, hidden_size=width).learning_rate == few


def epochs_and_batch(rows: int, **fields: Any) -> tuple[int, int]:
    settled = settle(FineTuneConfig(**fields), train_rows=rows, hidden_size=384)
    return settled.num_train_epochs, settled.per_device_train_batch_size


@pytest.mark.parametrize(
    ("rows", "epochs", "batch"),
    [
        (2, 10, 8),
        (100, 10, 8),
        (300, 7, 8),
        (499, 4, 8),
        (500, 8, 16),
        (1000, 4, 16),
        (1599, 3, 16),
        (1600, 2, 16),
        (3999, 2, 16),
        (4000, 2, 32),
        (25_000, 2, 32),
    ],
)
def test_epochs_and_batch_follow_the_rows_as_the_docs_say(rows: int, epochs: int, batch: int) -> None:
    assert epochs_and_batch(rows) == (epochs, batch)


@given(rows=st.integers(1, 10**7), accumulated=st.integers(1, 40), processes=st.integers(1, 9))
def test_a_run_is_of_some_hundred_steps_within_2_and_10_epochs(rows: int, accumulated: int, processes: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imdb_sentiment.training.recipe.world_size", lambda: processes)
        epochs, batch = epochs_and_batch(rows, gradient_accumulation_steps=accumulated)
    step_rows = batch * accumulated * processes
    steps = epochs * rows / step_rows
    asked = 8 if rows < 500 else 16 if rows < 4000 else 32
    assert 2 <= epochs <= 10
    assert step_rows <= max(asked, accumulated * processes)  # a pass has one row at least
    assert step_rows > asked - accumulated * processes  # and no more is left out than division does
    assert steps <= 250 + rows / step_rows / 2 or epochs == 2
    assert steps >= 250 - rows / step_rows / 2 or epochs == 10


@given(rows=st.integers(1, 10**6), epochs=st.integers(1, 50), batch=st.integers(1, 500), rate=st.floats(1e-6, 1))
def test_what_is_given_is_kept(rows: int, epochs: int, batch: int, rate: float) -> None:
    given_fields = FineTuneConfig(num_train_epochs=epochs, per_device_train_batch_size=batch, learning_rate=rate)
    settled = settle(given_fields, train_rows=rows, hidden_size=384)
    assert settled.model_dump() == given_fields.model_dump()
    assert settled_fields(given_fields, settled) == {}
    assert epochs_and_batch(rows, num_train_epochs=epochs)[0] == epochs
    assert epochs_and_batch(rows, per_device_train_batch_size=batch)[1] == batch


def test_what_auto_came_to_is_told_and_nothing_else_changes() -> None:
    asked = FineTuneConfig(max_length=64, seed=7, threshold="max_f1")
    settled = settle(asked, train_rows=300, hidden_size=384)
    expected = {"num_train_epochs": 7, "per_device_train_batch_size": 8, "learning_rate": 5e-5}
    assert settled_fields(asked, settled) == expected
    assert settled.model_dump() == asked.model_dump() | expected
    assert settled_fields(asked.replace(learning_rate=1e-4), settled).keys() == expected.keys() - {"learning_rate"}


@pytest.mark.usefixtures("no_trial")
def test_a_cpu_without_instructions_for_bf16_is_not_tried_out(
    model: PreTrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "_cpu_supports_bf16", lambda: False)
    assert choose_precision(model, CPU) == "fp32"


@pytest.mark.parametrize("instructions", ["_is_avx512_bf16_supported", "_is_amx_tile_supported"])
def test_either_kind_of_instructions_will_do(
    instructions: str, model: PreTrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda known=name == instructions: known)
    assert choose_precision(model, CPU, tokens=8, clock=clock(fp32=2, bf16=1)) == "bf16"


def clock(*, fp32: float, bf16: float, disturbed: float = 0) -> Any:
    """A clock by which a step takes so many seconds, and in the first two of three rounds one in bf16 some more."""
    durations = [fp32, bf16 + disturbed] * 2 + [fp32, bf16]
    times: Iterator[float] = iter([time for duration in durations for time in (10, 10 + duration)])
    return lambda: next(times)


@pytest.mark.usefixtures("cpu_knows_bf16")
def test_what_else_runs_during_the_trial_does_not_decide_it(model: PreTrainedModel) -> None:
    assert choose_precision(model, CPU, tokens=8, clock=clock(fp32=2, bf16=1, disturbed=5)) == "bf16"


@pytest.mark.usefixtures("cpu_knows_bf16")
@pytest.mark.parametrize(
    ("fp32", "bf16", "expected"), [(2, 1, "bf16"), (1.2, 1, "bf16"), (1.1, 1, "fp32"), (1, 1, "fp32"), (1, 3, "fp32")]
)
def test_bf16_is_taken_where_a_trial_step_is_clearly_faster(
    model: PreTrainedModel, fp32: float, bf16: float, expected: str
) -> None:
    assert choose_precision(model, CPU, clock=clock(fp32=fp32, bf16=bf16)) == expected


@pytest.mark.usefixtures("cpu_knows_bf16")
def test_the_trial_computes_in_both_precisions_and_leaves_no_trace(model: PreTrainedModel) -> None:
    before = {name: value.clone() for name, value in model.named_parameters()}
    random_state = torch.get_rng_state()
    seen = []
    hook = model.get_submodule("bert.encoder.layer.0.intermediate.dense").register_forward_hook(
        lambda module, inputs, output: seen.append((output.dtype, model.config._attn_implementation))
    )
    assert choose_precision(model, CPU, tokens=8) in ("fp32", "bf16")
    hook.remove()
    assert [form for dtype, form in seen if dtype == torch.float32] == ["sdpa"] * 4
    assert [form != "sdpa" for dtype, form in seen if dtype == torch.bfloat16] == [True] * 4  # as training attends
    assert all(value.grad is None for value in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.named_parameters())
    assert not model.training
    assert torch.equal(torch.get_rng_state(), random_state)


@pytest.mark.usefixtures("cpu_knows_bf16")
def test_the_trial_is_no_longer_than_what_is_to_be_learnt(tmp_path: Path) -> None:
    with quiet():
        write_tiny_bert(tmp_path, ["wonderful and dull"], max_position_embeddings=16)
    config = FineTuneConfig(model_name=str(tmp_path), max_length=16)
    model = load_model(load_encoder(config), config, NAMES).model
    assert resolve(config, model, CPU, before=None).precision in ("fp32", "bf16")


@pytest.mark.usefixtures("no_trial")
@pytest.mark.parametrize(("known", "expected"), [(True, "bf16"), (False, "fp32")])
def test_a_gpu_computes_in_bf16_if_it_knows_it(
    known: bool, expected: str, model: PreTrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def supported(including_emulation: bool = True) -> bool:
        asked.append(including_emulation)
        return known

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert choose_precision(model, GPU) == expected
    assert asked == [False]  # emulated, it is slower than fp32


@pytest.mark.usefixtures("no_trial", "cpu_knows_bf16")
def test_other_devices_compute_in_fp32(model: PreTrainedModel) -> None:
    assert choose_precision(model, torch.device("mps")) == "fp32"


@pytest.mark.usefixtures("no_trial", "cpu_knows_bf16")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_what_is_set_wins(precision: Any, model: PreTrainedModel) -> None:
    config = FineTuneConfig(precision=precision, max_tokens_per_forward=7)
    for where in (CPU, GPU):
        assert resolve(config, model, where, before=None) == Recipe(precision, 7)


def test_what_is_not_set_follows_from_device_and_model(model: PreTrainedModel) -> None:
    config = FineTuneConfig(precision="fp32")
    assert resolve(config, model, CPU, before=None) == Recipe("fp32", 1024)
    assert resolve(config, model, GPU, before=None) == Recipe("fp32", 16384)
    assert resolve(config, model, CPU, before="bf16") == Recipe("bf16", 1024)


@pytest.mark.usefixtures("no_trial", "cpu_knows_bf16")
@pytest.mark.parametrize("before", ["fp32", "bf16"])
def test_a_run_that_goes_on_keeps_its_precision(before: str, model: PreTrainedModel) -> None:
    assert resolve(FineTuneConfig(), model, CPU, before=before).precision == before
