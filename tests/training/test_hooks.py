"""Metrics, callbacks and a loss of the user's: in a run, in its reports, when it is resumed, or refused."""

import json
import pickle
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics import fbeta_score
from transformers import TrainerCallback, TrainerControl, TrainerState
from transformers.trainer_callback import ExportableState

from conftest import make_reviews
from imdb_sentiment import (
    ConfigError,
    DataConfig,
    EvaluationReport,
    FineTuneConfig,
    SentimentClassifier,
    SentimentFineTuner,
    TrainingInterruptedError,
    compare,
    cross_validate,
    learning_curve,
)
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.evaluation.report import full_report
from imdb_sentiment.results import MeasuredRows
from imdb_sentiment.results.metrics import CustomMetrics
from imdb_sentiment.training.hooks import Hooks

Labels = NDArray[np.int64]
Values = NDArray[np.float64]
NAMES = ("negative", "positive")
DATA = DataConfig(near_duplicates="ignore")


def f2(labels: Labels, positive: Values) -> float:
    hits, misses, alarms = ((labels == a) & ((positive > 0.5) == b) for a, b in ((1, 1), (1, 0), (0, 1)))
    return float(5 * hits.sum() / max(5 * hits.sum() + 4 * misses.sum() + alarms.sum(), 1))


def cost(labels: Labels, positive: Values) -> float:
    """Five for a positive row that is missed, one for a false alarm; negative, as the highest is best."""
    return -float(np.where(labels == 1, 5.0 * (positive <= 0.5), positive > 0.5).mean())


def fails(labels: Labels, positive: Values) -> float:
    raise ZeroDivisionError("division by zero")


def loss(logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(logits, labels, reduction="none") * weights


class Note(TrainerCallback, ExportableState):
    """Counts steps, over resumes too, and may ask for something after one of them."""

    def __init__(self, at: int = 0, *, ask: str = "", event: str = "on_step_end") -> None:
        self.steps = 0
        self._at, self._ask, self._event = at, ask, event

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self.steps += 1
        self._act("on_step_end", state, control)

    def on_log(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self._act("on_log", state, control)

    def on_epoch_end(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self._act("on_epoch_end", state, control)

    def _act(self, event: str, state: TrainerState, control: TrainerControl) -> None:
        if self._ask and event == self._event and state.global_step == self._at:
            setattr(control, self._ask, True)

    def state(self) -> dict[str, Any]:
        return {"args": {}, "attributes": {"steps": self.steps}}


class CtrlC(TrainerCallback):
    """Presses it in the eighth step."""

    def on_step_begin(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if state.global_step == 7:
            signal.raise_signal(signal.SIGINT)


@pytest.fixture
def quick(tiny_config: FineTuneConfig, one_layer_model: Path) -> FineTuneConfig:
    return tiny_config.replace(num_train_epochs=2, per_device_train_batch_size=16, model_name=str(one_layer_model))


@pytest.fixture(scope="module")
def measured() -> MeasuredRows:
    rng = np.random.default_rng(0)
    labels = (rng.random(150) < 0.4).astype(np.int64)
    positive = np.clip(0.3 * labels + rng.random(150) * 0.7, 0, 1)
    metrics = CustomMetrics.of(
        {"brier": lambda y, p: np.mean((y - p) ** 2), "right": lambda y, p: np.mean(y == (p > 0.5)), "f2": f2}
    )
    return MeasuredRows(positive, labels, 0.5, [f"text {i}" for i in range(150)], metrics=metrics)


def test_a_metric_of_the_users_is_one_more_entry_with_the_same_interval(measured: MeasuredRows) -> None:
    report = full_report(measured, names=NAMES)
    assert report.intervals
    for name, ours in (("right", "accuracy"), ("brier", "brier_score")):
        assert report.value_of(name) == pytest.approx(report.value_of(ours))
        assert report.intervals[name] == pytest.approx(report.intervals[ours], abs=0.01)  # of fewer samples
    assert report.value_of("f2") == pytest.approx(fbeta_score(measured.labels, measured.predicted, beta=2))
    low, high = report.intervals["f2"]
    assert low < f2(measured.labels, measured.positive) < high
    assert [row[0] for row in report.metric_rows()[-3:]] == ["brier", "right", "f2"]
    assert f"{report.custom_metrics['f2']:.4f}  {low:.4f} to {high:.4f}" in str(report)
    again = EvaluationReport.from_dict(json.loads(json.dumps(report.to_dict())))
    assert (again.custom_metrics, again.intervals) == (report.custom_metrics, report.intervals)
    assert str(again) == str(report)


def test_two_reports_are_compared_by_the_metrics_that_both_have(measured: MeasuredRows) -> None:
    report = full_report(measured, names=NAMES)
    worse = full_report(measured._replace(positive=1 - measured.positive), names=NAMES)
    differences = compare(worse, report).differences
    assert differences["f2"].value == pytest.approx(report.custom_metrics["f2"] - worse.custom_metrics["f2"])  # type: ignore[operator]
    assert differences["brier"].value == pytest.approx(differences["brier_score"].value)
    copy = pickle.loads(pickle.dumps(report))  # noqa: S301 - without the functions, which may be lambdas
    assert copy.custom_metrics == report.custom_metrics
    assert set(differences) - set(compare(worse, copy).differences) == {"brier", "right", "f2"}


def test_where_a_label_is_absent_a_metric_may_be_undefined(measured: MeasuredRows) -> None:
    ones = measured.where((measured.labels == 1).tolist())
    metrics = CustomMetrics.of({"fails": fails, "nan": lambda y, p: float("nan"), "mean": lambda y, p: p.mean()})
    report = full_report(ones._replace(metrics=metrics), names=NAMES)
    assert report.custom_metrics == {"fails": None, "nan": None, "mean": pytest.approx(ones.positive.mean())}
    assert report.intervals is not None
    assert not {"fails", "nan", "mean"} & set(report.intervals)
    assert "\N{EN DASH}" in str(report)


@pytest.mark.parametrize(
    ("metric", "told"),
    [
        (fails, "'m' fails\n.*ZeroDivisionError: division by zero\n.*a number for labels"),
        (lambda y, p: "0.5", "'m' returns no number\n.*'0.5'"),
        (lambda y, p: None, "'m' returns no number\n.*None"),
        (lambda y, p: True, "'m' returns no number\n.*True"),
        (lambda y, p: p, "'m' fails\n.*ValueError"),
        (lambda y, p: float("inf"), "'m' returns no number\n.*inf"),
        (lambda y: 1.0, "'m' fails\n.*TypeError"),
    ],
)
def test_a_metric_that_fails_is_named(metric: Any, told: str, measured: MeasuredRows) -> None:
    rows = measured._replace(metrics=CustomMetrics.of({"m": metric}))
    both = np.stack([1 - rows.positive, rows.positive], axis=1)
    with pytest.raises(ConfigError, match=told):
        measure(both, rows.labels, names=NAMES, metrics=rows.metrics)
    with pytest.raises(ConfigError, match=told):
        Hooks(metrics=rows.metrics).try_metrics(rows.labels)


def test_a_metric_may_return_a_number_of_numpy_or_pytorch_and_change_its_arrays(measured: MeasuredRows) -> None:
    def greedy(labels: Labels, positive: Values) -> torch.Tensor:
        positive.sort()
        labels[:] = 0
        return torch.tensor(0.25)

    rows = measured._replace(metrics=CustomMetrics.of({"m": greedy, "n": lambda y, p: np.float32(0.5)}))
    report = full_report(rows, names=NAMES)
    assert report.custom_metrics == {"m": 0.25, "n": 0.5}
    assert report.accuracy == full_report(measured, names=NAMES).accuracy


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"metrics": [f2]}, "metrics cannot be used\n.*\n.*a mapping"),
        ({"metrics": {"f1": f2}}, "cannot be called 'f1'\n.*this library's own"),
        ({"metrics": {"loss": f2}}, "cannot be called 'loss'\n.*this library's own"),
        ({"metrics": {"F 2": f2}}, "cannot be called 'F 2'\n.*letters"),
        ({"metrics": {2: f2}}, "cannot be called 2\n"),
        ({"metrics": {"f2": 2}}, "metric 'f2' cannot be used\n.*2\n.*a function"),
        ({"callbacks": Note()}, r"callbacks cannot be used\n.*\n.*a list.*\n.*callbacks=\["),
        ({"callbacks": "wandb"}, "callbacks cannot be used\n.*'wandb'"),
        ({"callbacks": [print]}, "a callback cannot be used\n.*print"),
        ({"loss": "focal"}, "loss cannot be used\n.*'focal'"),
        ({"losses": loss}, "no argument 'losses'\n.*loss"),
    ],
)
def test_arguments_that_cannot_be_used_are_told_at_once(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        SentimentFineTuner(**given)


class Needy(TrainerCallback):
    def __init__(self, folder: Path) -> None:
        self.folder = folder


def test_a_class_that_needs_arguments_is_told_from_one_that_does_not() -> None:
    SentimentFineTuner(callbacks=(Note,))
    with pytest.raises(ConfigError, match="Needy, which needs folder"):
        SentimentFineTuner(callbacks=[Needy])


def test_the_metric_that_chooses_the_epoch_is_one_of_those_that_there_are() -> None:
    config = FineTuneConfig(metric_for_best_model="cost")
    SentimentFineTuner(config=config, metrics={"cost": cost})
    for metrics in (None, {"costs": cost}):
        with pytest.raises(ConfigError, match=r"metric_for_best_model = 'cost': there is no such metric\n.*auto, acc"):
            SentimentFineTuner(config=config, metrics=metrics)


def test_a_loss_and_smoothing_are_one_or_the_other() -> None:
    with pytest.raises(ConfigError, match="loss does not go with label_smoothing"):
        SentimentFineTuner(config=FineTuneConfig(label_smoothing=0.1), loss=loss)


@pytest.mark.parametrize(
    ("given", "config", "data", "told"),
    [
        ({"loss": loss}, {"method": "probe"}, {}, "method='probe' does not go with loss\n.*method='fine_tune'"),
        ({"callbacks": [Note]}, {"method": "contrastive"}, {}, "method='contrastive' does not go with callbacks"),
        ({"loss": loss}, {}, {"validation": "cross"}, "validation='cross' does not go with loss\n.*'split'"),
        (
            {"callbacks": [Note]},
            {"method": "fine_tune"},
            {"validation": "cross"},
            "validation='cross' does not go with callbacks\n.*'split'",
        ),
    ],
)
def test_what_methods_for_few_rows_cannot_use_is_refused(
    given: dict[str, Any], config: dict[str, Any], data: dict[str, Any], told: str, quick: FineTuneConfig
) -> None:
    tuner = SentimentFineTuner(DATA.replace(**data), quick.replace(**config), **given)
    with pytest.raises(ConfigError, match=told):
        tuner.fit(make_reviews(60))


def test_a_metric_that_fails_ends_the_run_before_it_begins(quick: FineTuneConfig, tmp_path: Path) -> None:
    tuner = SentimentFineTuner(DATA, quick, metrics={"m": fails}, output_dir=tmp_path / "run")
    with pytest.raises(ConfigError, match="the metric 'm' fails"):
        tuner.fit(make_reviews(60))
    assert not (tmp_path / "run").exists()


@pytest.mark.integration
def test_all_of_them_in_a_run_its_report_its_page_and_its_card(quick: FineTuneConfig, tmp_path: Path) -> None:
    note = Note()
    config = quick.replace(metric_for_best_model="cost")
    tuner = SentimentFineTuner(DATA, config, metrics={"f2": f2, "cost": cost}, callbacks=[note], loss=loss)
    result = tuner.fit(make_reviews(120))
    plain = SentimentFineTuner(DATA, quick).fit(make_reviews(120))
    # this loss is the library's own
    assert [record.validation.f1 for record in result.history] == [record.validation.f1 for record in plain.history]
    assert [record.train_loss for record in result.history] == [record.train_loss for record in plain.history]
    assert note.steps == 2 * 6
    assert "the highest cost" in result.kept_because
    assert str(result).splitlines()[0].split()[-2:] == ["f2", "cost"]
    assert "note: the training loss is " in str(result)
    assert set(result.validation.custom_metrics) == {"f2", "cost"}
    report = tuner.evaluate()
    assert report.intervals
    assert set(report.baselines[1].report.custom_metrics) == {"f2", "cost"}
    shown = f"{report.custom_metrics['f2']:.3f}"
    page = report.save_html(tmp_path / "page.html").read_text(encoding="utf-8")
    assert f'<th scope="row">f2</th><td>{shown}</td>' in page
    folder = tuner.save(tmp_path / "model")
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert f"| f2 | {shown} |" in card
    assert "- type: cost" in card
    saved = SentimentClassifier.from_pretrained(folder)
    assert saved.metadata.loss == result.loss
    assert f"| training loss | {str(result.loss).replace('_', chr(92) + '_')} |" in card
    assert saved.metadata.metrics["test"]["custom_metrics"] == report.custom_metrics
    texts, labels = make_reviews(40)
    with pytest.warns(UserWarning, match="was trained"):
        assert set(saved.evaluate(texts, labels, metrics={"f2": f2}).custom_metrics) == {"f2"}


@pytest.mark.integration
def test_methods_for_few_rows_have_metrics_and_cross_validation_has_a_loss(
    quick: FineTuneConfig, tmp_path: Path
) -> None:
    config = quick.replace(method="probe")
    tuner = SentimentFineTuner(DATA, config, metrics={"f2": f2})
    result = tuner.fit(make_reviews(60))
    assert result.validation.intervals
    assert result.validation.custom_metrics["f2"] == tuner.evaluate().custom_metrics["f2"]
    config = quick.replace(method="fine_tune", num_train_epochs=1)
    held_out = SentimentFineTuner(DATA.replace(validation="cross"), config, loss=loss).fit(make_reviews(60))
    assert str(held_out.loss).endswith("test_hooks.loss")
    options: dict[str, Any] = {"folds": 2, "output_dir": tmp_path / "cv", "metrics": {"f2": f2}, "loss": loss}
    made: list[Note] = []

    class Counted(Note):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    report = cross_validate(make_reviews(60), DATA, config, **options, callbacks=[Counted])
    assert len(made) == 2  # one for each training
    values = [fold.report.custom_metrics["f2"] for fold in report.folds]
    assert report.mean["f2"] == pytest.approx(np.mean(np.array(values, dtype=float)))
    assert "f2 " in str(report)
    with pytest.raises(ConfigError, match="different loss"):
        cross_validate(make_reviews(60), DATA, config, **options | {"loss": None}, resume=True)
    again = cross_validate(make_reviews(60), DATA, config, **options, resume=True)
    assert again.mean == report.mean
    curve = learning_curve(
        make_reviews(60), DATA, config, sizes=[10, 20], folds=2, output_dir=tmp_path / "c", loss=loss
    )
    assert len(curve.points) == 2


@pytest.mark.integration
@pytest.mark.parametrize("event", ["on_step_end", "on_log"])
def test_a_callback_may_stop_a_run_which_is_then_evaluated(event: str, quick: FineTuneConfig) -> None:
    config = quick.replace(per_device_train_batch_size=4)  # 22 steps an epoch, every second of them logged
    note = Note(10, ask="should_training_stop", event=event)
    result = SentimentFineTuner(DATA, config, callbacks=[note]).fit(make_reviews(120))
    assert note.steps == 10
    assert [round(record.epoch * 22) for record in result.history] == [10]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("at", "event", "evaluated"), [(3, "on_step_end", [3, 6, 12]), (6, "on_epoch_end", [6, 12])], ids=str
)
def test_a_callback_may_ask_for_an_evaluation_whose_weights_are_kept(
    at: int, event: str, evaluated: list[int], quick: FineTuneConfig, tmp_path: Path
) -> None:
    config = quick.replace(save_total_limit=5)
    note = Note(at, ask="should_evaluate", event=event)
    tuner = SentimentFineTuner(DATA, config, callbacks=[note], output_dir=tmp_path / "run")
    result = tuner.fit(make_reviews(120))
    assert [round(record.epoch * 6) for record in result.history] == evaluated
    assert {path.name for path in (tmp_path / "run").glob("checkpoint-*")} == {f"checkpoint-{n}" for n in evaluated}


@pytest.mark.integration
def test_a_resumed_run_ends_the_same_with_the_state_of_its_callbacks(quick: FineTuneConfig, tmp_path: Path) -> None:
    options: dict[str, Any] = {"metrics": {"cost": cost}, "loss": loss}
    config = quick.replace(metric_for_best_model="cost")
    whole = SentimentFineTuner(DATA, config, **options).fit(make_reviews(120))
    tuner = SentimentFineTuner(DATA, config, **options, callbacks=[Note(), CtrlC], output_dir=tmp_path / "run")
    with pytest.raises(TrainingInterruptedError):
        tuner.fit(make_reviews(120))
    for other, told in (({"loss": None}, "loss was "), ({"metrics": {"f2": f2, "cost": cost}}, "metrics was ")):
        with pytest.raises(ConfigError, match=told):
            SentimentFineTuner(DATA, config, **options | other, output_dir=tmp_path / "run").fit(
                make_reviews(120), resume=True
            )
    note, another = Note(), Needy(tmp_path)  # callbacks may change, as trackers may
    tuner = SentimentFineTuner(DATA, config, **options, callbacks=[another, note], output_dir=tmp_path / "run")
    result = tuner.fit(make_reviews(120), resume=True)
    assert [record.validation for record in result.history] == [record.validation for record in whole.history]
    assert note.steps == 12
