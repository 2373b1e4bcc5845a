"""Covers training/contrastive.py, training/fine_tuning.py, training/fold_scores.py, training/fold_trainer.py.

Few rows: methods are compared on rows held out in turn, and the final model is trained on all of them.
"""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conftest import make_reviews
from imdb_sentiment import (
    ConfigError,
    DataConfig,
    DataError,
    EvaluationReport,
    FineTuneConfig,
    FineTuneResult,
    SentimentClassifier,
    SentimentFineTuner,
    TrainingInterruptedError,
)
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.models.pretrained import load_encoder, load_model
from imdb_sentiment.training import contrastive, fine_tuning, fold_trainer, recipe
from imdb_sentiment.training.contrastive import contrastive_steps

pytestmark = pytest.mark.integration  # each test trains several times

ROWS = 60
DATA = DataConfig(near_duplicates="ignore")  # all of these texts are nearly the same


@pytest.fixture(scope="module")
def config(tiny_model: Path) -> FineTuneConfig:
    return FineTuneConfig(model_name=str(tiny_model), max_length=32, precision="fp32", learning_rate=2e-3)


def table(first: int, last: int) -> pd.DataFrame:
    texts, labels = make_reviews(last)
    return pd.DataFrame({"text": texts[first:], "label": labels[first:]})


PARTS = {"train": table(0, ROWS), "test": table(ROWS, 120)}


@pytest.fixture(scope="module")
def fitted(
    config: FineTuneConfig, tmp_path_factory: pytest.TempPathFactory
) -> tuple[SentimentFineTuner, FineTuneResult]:
    tuner = SentimentFineTuner(DATA, config, output_dir=tmp_path_factory.mktemp("few") / "run")
    return tuner, tuner.fit(PARTS)


def test_each_row_is_held_out_once_and_none_is_spent_on_validation(
    fitted: tuple[SentimentFineTuner, FineTuneResult],
) -> None:
    tuner, result = fitted
    assert (len(tuner.splits.train), len(tuner.splits.validation)) == (ROWS, 0)
    assert Counter(tuner.splits.folds) == dict.fromkeys(range(5), 12)
    assert result.splits.rows["validation"] == {"negative": 0, "positive": 0}
    assert result.validation.rows == ROWS
    assert [compared.method for compared in result.compared] == ["probe", "contrastive", "TF-IDF + LR"]


def test_the_method_with_the_lowest_log_loss_is_kept(fitted: tuple[SentimentFineTuner, FineTuneResult]) -> None:
    _, result = fitted
    by_method = {compared.method: compared for compared in result.compared}
    assert by_method[result.method].log_loss == min(by_method[name].log_loss for name in ("probe", "contrastive"))
    # which is a little too low, as it chose the method
    assert result.validation.log_loss > by_method[result.method].log_loss
    assert result.validation.log_loss == pytest.approx(by_method[result.method].log_loss, abs=0.1)


def test_the_saved_model_has_learned_the_rows(
    fitted: tuple[SentimentFineTuner, FineTuneResult], tmp_path: Path
) -> None:
    tuner, result = fitted
    folder = tuner.save(tmp_path / "model")
    report = SentimentClassifier.from_pretrained(folder).evaluate(
        PARTS["test"]["text"], PARTS["test"]["label"].tolist()
    )
    assert report.accuracy > 0.9
    saved = json.loads((folder / "imdb_sentiment.json").read_text(encoding="utf-8"))
    assert (saved["method"], saved["settled"]) == (result.method, {})
    assert saved["warnings"] == result.warnings()
    assert [compared["method"] for compared in saved["compared"]] == [compared.method for compared in result.compared]


@pytest.fixture(scope="module")
def undivided(config: FineTuneConfig, tmp_path_factory: pytest.TempPathFactory) -> SentimentFineTuner:
    tuner = SentimentFineTuner(
        DATA.replace(slice_columns=("place",)),
        config.replace(method="probe"),
        output_dir=tmp_path_factory.mktemp("undivided") / "run",
    )
    tuner.fit(table(0, ROWS).assign(place=["here", "here", "there"] * 20))
    return tuner


def test_no_row_is_set_aside_for_a_test_where_there_are_few(undivided: SentimentFineTuner) -> None:
    splits = undivided.splits
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (ROWS, 0, 0)
    assert "no validation and no test split: each training row is held out once, in 5 folds" in str(splits.summary)


def test_they_are_measured_by_cross_validation_then(undivided: SentimentFineTuner) -> None:
    report = undivided.evaluate()
    assert (report.cross_validated, report.rows, report.seen_rows) == (True, ROWS, 0)
    assert undivided._fitted is not None
    assert report.log_loss == undivided._fitted.result.validation.log_loss
    assert report.intervals is not None
    assert [baseline.name for baseline in report.baselines] == ["majority label", "TF-IDF + LR"]
    assert {part.grouping for part in report.slices} == {"length", "confidence", "place"}
    assert "each by a model that was trained without it" in report.to_markdown()
    assert str(report).startswith("cross-validated: each row was scored by a model that was trained without it\n")
    assert undivided.evaluate(full=False).log_loss == report.log_loss


def test_slices_of_too_many_values_are_refused_before_training(config: FineTuneConfig, tmp_path: Path) -> None:
    rows = table(0, 120).assign(place=[f"place {i}" for i in range(120)])
    tuner = SentimentFineTuner(DATA.replace(slice_columns=("place",)), config, output_dir=tmp_path / "run")
    with pytest.raises(DataError, match="too many values for slices"):
        tuner.fit(rows)


def test_a_model_that_had_no_test_split_says_so(undivided: SentimentFineTuner, tmp_path: Path) -> None:
    report = undivided.evaluate()
    folder = undivided.save(tmp_path / "model")
    metrics = json.loads((folder / "imdb_sentiment.json").read_text(encoding="utf-8"))["metrics"]
    assert metrics["test"] is None
    assert (metrics["validation"]["cross_validated"], metrics["validation"]["rows"]) == (True, ROWS)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert f"{ROWS} rows, cross-validated" in card
    assert "the method and the calibration were chosen by cross-validation" in card
    assert "eval_results" not in card
    assert EvaluationReport.from_dict(report.to_dict()).cross_validated


def test_the_model_is_not_measured_on_rows_that_it_was_trained_on(config: FineTuneConfig, tmp_path: Path) -> None:
    """With labels drawn by lot a model remembers its rows, and is as good as chance on rows that were held out."""
    rows = table(0, 80).assign(label=np.random.default_rng(3).permutation([0, 1] * 40))
    tuner = SentimentFineTuner(DATA, config.replace(method="probe"), output_dir=tmp_path / "run")
    tuner.fit(rows)
    report = tuner.evaluate(full=False)
    assert 0.3 < report.accuracy < 0.7
    assert report.log_loss > 0.65


@pytest.mark.parametrize(
    ("rows", "changes", "test_rows"),
    [(499, {}, 0), (500, {}, 100), (499, {"test_fraction": 0.2}, 100), (499, {"validation": "split"}, 100)],
)
def test_a_test_split_is_carved_where_there_are_rows_enough(
    rows: int, changes: dict[str, Any], test_rows: int, config: FineTuneConfig, tmp_path: Path
) -> None:
    tuner = SentimentFineTuner(DATA.replace(**changes), config, output_dir=tmp_path / "run")
    tuner._data.renew(table(0, rows), tuner.data_config)
    assert len(tuner.splits.test) == pytest.approx(test_rows, abs=1)


def test_what_is_printed_says_what_was_compared(fitted: tuple[SentimentFineTuner, FineTuneResult]) -> None:
    printed = str(fitted[1])
    assert "std. error" in printed
    assert f"kept {fitted[1].method} after" in printed
    assert [line for line in printed.splitlines() if len(line) > 80] == []


def test_an_interrupted_run_is_resumed_fold_by_fold(
    config: FineTuneConfig,
    fitted: tuple[SentimentFineTuner, FineTuneResult],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train = contrastive.train_contrastively
    trained: list[int] = []

    def interrupted_in_the_third(model: Any, encoder: Any, rows: Any, **options: Any) -> None:
        trained.append(len(rows))
        if len(trained) == 3:
            raise TrainingInterruptedError("training was interrupted")
        train(model, encoder, rows, **options)

    monkeypatch.setattr(fold_trainer, "train_contrastively", interrupted_in_the_third)
    tuner = SentimentFineTuner(DATA, config, output_dir=tmp_path / "run")
    with pytest.raises(TrainingInterruptedError):
        tuner.fit(PARTS)
    assert sorted(path.name for path in (tmp_path / "run").glob("*.json")) == [
        "contrastive-fold-1.json",
        "contrastive-fold-2.json",
    ]
    result = tuner.fit(PARTS, resume=True)
    assert trained == [48] * 6 + [ROWS]  # two folds, the interrupted one, three more and the final model
    assert result.compared == fitted[1].compared
    assert result.calibration == fitted[1].calibration


@pytest.fixture(scope="module")
def contrastive_run(config: FineTuneConfig, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, FineTuneResult]:
    """The folder of a run of one method, which tests copy, and its result."""
    folder = tmp_path_factory.mktemp("contrastive") / "run"
    tuner = SentimentFineTuner(DATA, config.replace(method="contrastive"), output_dir=folder)
    return folder, tuner.fit(PARTS)


@pytest.fixture
def run(contrastive_run: tuple[Path, FineTuneResult], tmp_path: Path) -> Path:
    """A copy of that folder."""
    return Path(shutil.copytree(contrastive_run[0], tmp_path / "run"))


def test_folds_of_another_run_are_refused(config: FineTuneConfig, run: Path) -> None:
    other = SentimentFineTuner(DATA, config.replace(method="contrastive", seed=7), output_dir=run)
    with pytest.raises(ConfigError, match="belongs to another run") as caught:
        other.fit(PARTS, resume=True)
    assert caught.value.found == "seed was 42"


def test_a_resumed_run_keeps_the_precision_of_its_finished_folds(
    config: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trial step decides which is faster, and may decide otherwise when the machine is busy."""
    decisions = iter(["bf16", "fp32"])
    monkeypatch.setattr(recipe, "choose_precision", lambda *_, **__: next(decisions))
    train = contrastive.train_contrastively
    used: list[str] = []

    def interrupted_in_the_second(*given: Any, **options: Any) -> None:
        used.append(options["recipe"].precision)
        if len(used) == 2:
            raise TrainingInterruptedError("training was interrupted")
        train(*given, **options)

    monkeypatch.setattr(fold_trainer, "train_contrastively", interrupted_in_the_second)
    method = config.replace(method="contrastive", precision="auto")
    tuner = SentimentFineTuner(DATA, method, output_dir=tmp_path / "run")
    with pytest.raises(TrainingInterruptedError):
        tuner.fit(PARTS)
    result = tuner.fit(PARTS, resume=True)
    assert set(used) == {"bf16"}
    assert result.training_precision == "bf16"


def test_a_method_may_be_named(contrastive_run: tuple[Path, FineTuneResult]) -> None:
    _, result = contrastive_run
    assert result.method == "contrastive"
    assert [compared.method for compared in result.compared] == ["contrastive", "TF-IDF + LR"]


def test_a_probe_may_be_asked_for_and_leaves_the_encoder_as_it_is(config: FineTuneConfig, tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    tuner = SentimentFineTuner(DATA, config.replace(method="probe", pooling="first"), output_dir=tmp_path / "run")
    result = tuner.fit(PARTS)
    assert result.method == "probe"
    assert [compared.method for compared in result.compared] == ["probe", "TF-IDF + LR"]
    kept = AutoModelForSequenceClassification.from_pretrained(tuner.save(tmp_path / "model"))
    before = AutoModelForSequenceClassification.from_pretrained(config.model_name)
    for name, value in kept.bert.named_parameters():
        assert np.array_equal(value.detach().numpy(), before.bert.get_parameter(name).detach().numpy()), name


def test_layers_stay_frozen_in_the_contrastive_stage(config: FineTuneConfig, tmp_path: Path) -> None:
    frozen = config.replace(method="contrastive", freeze_layers=1, label_smoothing=0.1)
    tuner = SentimentFineTuner(DATA, frozen, output_dir=tmp_path / "run")
    result = tuner.fit(PARTS)
    assert "the embeddings and 1 of " in result.notes[1]
    before = load_model(load_encoder(config), config, LabelNames()).model
    same = {
        name
        for name, value in tuner.model.named_parameters()
        if name.startswith(("bert.embeddings", "bert.encoder.layer.0."))
        and np.array_equal(value.detach().numpy(), before.get_parameter(name).detach().numpy())
    }
    assert len(same) == 21
    assert all(value.requires_grad for value in tuner.model.parameters())


def test_adapters_are_cross_validated_with_fine_tuning(config: FineTuneConfig, tmp_path: Path) -> None:
    adapted = config.replace(method="fine_tune", lora_rank=2, num_train_epochs=1)
    tuner = SentimentFineTuner(DATA.replace(validation="cross"), adapted, output_dir=tmp_path / "run")
    result = tuner.fit(PARTS)
    assert (result.method, "adapters of rank 2" in result.notes[1]) == ("fine_tune", True)
    assert not [name for name, _ in tuner.model.named_parameters() if "lora" in name]


def test_a_validation_split_of_the_source_is_held_out_and_never_trained_on(
    config: FineTuneConfig, tmp_path: Path
) -> None:
    parts = PARTS | {"train": table(0, 40), "validation": table(40, ROWS)}
    tuner = SentimentFineTuner(DATA, config.replace(method="contrastive"), output_dir=tmp_path / "run")
    result = tuner.fit(parts)
    assert (tuner.splits.folds, len(tuner.splits.validation)) == ((), 20)
    assert result.validation.rows == 20
    assert not list((tmp_path / "run").glob("*fold-*"))
    classifier = SentimentClassifier.from_pretrained(tuner.save(tmp_path / "model"))
    scores = classifier.predict_proba(parts["validation"]["text"].tolist())
    report = measure(scores, parts["validation"]["label"], names=("negative", "positive"))
    assert report.log_loss == pytest.approx(result.validation.log_loss, abs=1e-4)


@pytest.mark.parametrize(
    ("validation", "changes", "summary", "hint"),
    [
        ("cross", {"lora_rank": 4}, "validation='cross' does not go with lora_rank=4", "split"),
        ("auto", {"method": "probe", "lora_rank": 4}, "method='probe' does not go with lora_rank=4", "fine_tune"),
    ],
)
def test_what_methods_for_few_rows_do_not_have_is_refused_and_not_dropped(
    validation: str, changes: dict[str, Any], summary: str, hint: str, config: FineTuneConfig, tmp_path: Path
) -> None:
    data = DATA.replace(validation=validation)
    tuner = SentimentFineTuner(data, config.replace(**changes), output_dir=tmp_path / "run")
    with pytest.raises(ConfigError) as caught:
        tuner.fit(PARTS)
    assert (caught.value.summary, f"='{hint}')" in str(caught.value.hint)) == (summary, True)


@pytest.mark.parametrize("goal", [0.5, "max_f1"])
def test_both_models_are_combined_by_the_rows_held_out_in_turn(
    goal: float | str, config: FineTuneConfig, tmp_path: Path
) -> None:
    tuner = SentimentFineTuner(DATA, config.replace(method="probe", cascade=True, threshold=goal))
    result = tuner.fit(table(0, ROWS))
    assert result.cascade is not None
    assert result.ensemble is not None
    assert result.ensemble.encoder_log_loss == pytest.approx(result.validation.log_loss)
    assert result.ensemble.log_loss <= result.ensemble.encoder_log_loss
    classifier = SentimentClassifier.from_pretrained(tuner.save(tmp_path / "model"))
    assert classifier.evaluate(PARTS["test"]["text"], PARTS["test"]["label"], ensemble=True).accuracy > 0.9
    assert classifier.predict(PARTS["test"]["text"], cascade=True)[0].answered_by in ("words", "encoder")


def test_a_goal_is_served_without_a_validation_split(config: FineTuneConfig, tmp_path: Path) -> None:
    tuner = SentimentFineTuner(DATA, config.replace(method="probe", threshold="max_f1"), output_dir=tmp_path / "run")
    result = tuner.fit(PARTS)
    assert result.calibration.goal == "max_f1"
    report = tuner.evaluate()
    assert (report.goal, report.threshold) == ("max_f1", result.calibration.threshold)
    # for the baselines it is chosen on the same rows, by what they say of them when they are held out
    majority, words = report.baselines
    assert (majority.report.goal, words.report.goal) == ("max_f1", "max_f1")
    assert words.report.threshold != 0.5
    assert words.report.f1 > 0.9


def test_a_damaged_fold_is_trained_again(
    config: FineTuneConfig,
    contrastive_run: tuple[Path, FineTuneResult],
    run: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, expected = contrastive_run
    (run / "contrastive-fold-5.json").write_text("{")
    shorter = json.loads((run / "contrastive-fold-2.json").read_text(encoding="utf-8"))
    shorter["logits"] = shorter["logits"][:1]
    (run / "contrastive-fold-2.json").write_text(json.dumps(shorter))
    train, trained = contrastive.train_contrastively, list[int]()

    def counted(model: Any, encoder: Any, rows: Any, **options: Any) -> None:
        trained.append(len(rows))
        train(model, encoder, rows, **options)

    monkeypatch.setattr(fold_trainer, "train_contrastively", counted)
    tuner = SentimentFineTuner(DATA, config.replace(method="contrastive"), output_dir=run)
    assert tuner.fit(PARTS, resume=True).calibration == expected.calibration
    assert trained == [48, 48, ROWS]


def test_folds_are_not_taken_for_the_start_of_another_method(config: FineTuneConfig, run: Path) -> None:
    other = SentimentFineTuner(DATA, config.replace(method="fine_tune"), output_dir=run)
    with pytest.raises(ConfigError, match=r"contrastive-fold-5\.json belongs to another run"):
        other.fit(PARTS, resume=True)


@pytest.mark.parametrize(
    ("data", "changes", "validation"),
    [
        (DATA, {"num_train_epochs": 1}, 6),
        (DATA, {"method": "fine_tune", "num_train_epochs": 1}, 6),
        (DATA.replace(validation="split"), {}, 6),
        (DATA, {}, 0),
        (DATA.replace(validation="cross"), {"method": "probe"}, 0),
    ],
)
def test_whether_rows_are_held_out_in_turn(
    data: DataConfig, changes: dict[str, Any], validation: int, config: FineTuneConfig, tmp_path: Path
) -> None:
    tuner = SentimentFineTuner(data, config.replace(**changes), output_dir=tmp_path / "run")
    tuner._data.renew(PARTS, tuner.data_config)
    assert len(tuner.splits.validation) == validation


def test_groups_of_rows_are_held_out_together() -> None:
    from imdb_sentiment.data.splits import load_splits

    rows = table(0, ROWS).assign(author=[f"author {i // 4}" for i in range(ROWS)])
    config = DATA.replace(group_column="author", validation="cross")
    splits = load_splits(config, {"train": rows, "test": PARTS["test"].assign(author="another")}).splits
    folds: dict[str, set[int]] = {}
    by_text = dict(zip(rows["text"], rows["author"], strict=True))
    for text, fold in zip(splits.train["text"], splits.folds, strict=True):
        folds.setdefault(by_text[text], set()).add(fold)
    assert {len(of_author) for of_author in folds.values()} == {1}
    assert len(folds) == ROWS // 4


def test_two_rows_of_a_class_are_enough_for_two_folds(config: FineTuneConfig, tmp_path: Path) -> None:
    rows = pd.concat([table(0, 40).query("label == 0"), table(0, 4).query("label == 1")])
    tuner = SentimentFineTuner(DATA, config.replace(method="probe"), output_dir=tmp_path / "run")
    result = tuner.fit(PARTS | {"train": rows})
    assert set(tuner.splits.folds) == {0, 1}
    assert any(
        warning.startswith("there are only 2 rows of 'positive' to train on; label at least 8")
        for warning in result.warnings()
    )


@pytest.mark.parametrize(("rows", "steps"), [(16, 16), (32, 23), (300, 69), (3900, 250), (25_000, 250)])
def test_more_rows_take_more_steps(rows: int, steps: int) -> None:
    assert contrastive_steps(rows) == steps


def long_table(rows: int) -> pd.DataFrame:
    """Texts whose opinion stands where the contrastive stage, which reads eight tokens here, does not look."""
    texts, labels = make_reviews(rows)
    opening = "the story takes place in a small town by the sea and"
    return pd.DataFrame({"text": [f"{opening} {text}" for text in texts], "label": labels})


def test_long_texts_are_also_fine_tuned_in_turn(
    config: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "_FINE_TUNED_LONG_ROWS", ROWS)  # fewer, to save time
    long = config.replace(first_epoch_max_length=8, num_train_epochs="auto")
    tuner = SentimentFineTuner(DATA, long, output_dir=tmp_path / "run")
    result = tuner.fit(long_table(ROWS))
    assert [compared.method for compared in result.compared] == ["probe", "contrastive", "fine_tune", "TF-IDF + LR"]
    best = min(result.compared[:3], key=lambda compared: compared.log_loss)
    assert result.method == best.method == "fine_tune"  # the only one that reads the opinion
    assert best.accuracy > 0.9
    assert (result.kept_epoch, result.settled["num_train_epochs"]) == (10, 10)
    assert result.history == ()
    names = sorted(path.name for path in (tmp_path / "run").glob("*"))
    expected = [f"{method}-fold-{fold}.json" for method in ("contrastive", "fine_tune") for fold in range(1, 6)]
    assert [name for name in names if not name.startswith(".")] == expected
    classifier = SentimentClassifier.from_pretrained(tuner.save(tmp_path / "model"))
    test = long_table(120)[ROWS:]
    assert classifier.evaluate(test["text"].tolist(), test["label"].tolist()).accuracy > 0.9


def test_fine_tuning_may_be_cross_validated_and_is_resumed_fold_by_fold(
    config: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = config.replace(method="fine_tune", num_train_epochs=2)
    data = DATA.replace(validation="cross")
    expected = SentimentFineTuner(data, method, output_dir=tmp_path / "other").fit(table(0, ROWS))
    assert expected.validation.rows == ROWS
    train, trained = fine_tuning.fine_tune, list[int]()

    def interrupted_in_the_second(*given: Any, rows: Any, **options: Any) -> Any:
        trained.append(len(rows.epochs[0]))
        tuned = train(*given, rows=rows, **options)
        return tuned._replace(interrupted=True) if len(trained) == 2 else tuned

    monkeypatch.setattr(fold_trainer, "fine_tune", interrupted_in_the_second)
    tuner = SentimentFineTuner(data, method, output_dir=tmp_path / "run")
    with pytest.raises(TrainingInterruptedError, match="in fold 2 of 5") as caught:
        tuner.fit(table(0, ROWS))
    assert caught.value.found == f"finished folds up to {tmp_path / 'run' / 'fine_tune-fold-1.json'}"
    result = tuner.fit(table(0, ROWS), resume=True)
    assert trained == [48] * 6 + [ROWS]
    assert (result.compared, result.calibration) == (expected.compared, expected.calibration)
    assert [compared.method for compared in result.compared] == ["fine_tune", "TF-IDF + LR"]


@pytest.mark.parametrize(
    ("method", "rows", "truncated", "expected"),
    [
        ("auto", 32, 0.0, ("probe", "contrastive")),
        ("auto", 499, 0.49, ("probe", "contrastive")),
        ("auto", 199, 1.0, ("probe", "contrastive")),
        ("auto", 200, 0.5, ("probe", "contrastive", "fine_tune")),
        ("auto", 499, 0.5, ("probe", "contrastive", "fine_tune")),
        ("auto", 500, 0.0, ("probe", "contrastive", "fine_tune")),
        ("probe", 32, 1.0, ("probe",)),
        ("fine_tune", 32, 0.0, ("fine_tune",)),
    ],
)
def test_fine_tuning_is_compared_where_it_may_be_better(
    method: str, rows: int, truncated: float, expected: tuple[str, ...], config: FineTuneConfig
) -> None:
    asked = config.replace(method=method)
    assert recipe.methods_to_compare(asked, rows=rows, truncated=truncated) == expected
