"""The workflow as a user runs it, on a tiny model. Covers training/measure.py and training/run_data.py."""

import dataclasses
import json
import pickle
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from transformers import AutoModelForSequenceClassification, PreTrainedModel, set_seed

from conftest import make_reviews, untimed
from imdb_sentiment import (
    ConfigError,
    DataConfig,
    DataError,
    EvaluationReport,
    FineTuneConfig,
    ModelError,
    NotFittedError,
    OutputExistsError,
    SentimentClassifier,
    SentimentFineTuner,
    TrainingDivergedError,
    audit_dataset,
    cross_validate,
    find_label_issues,
)
from imdb_sentiment.data.labels import Labelled
from imdb_sentiment.evaluation.baseline import baseline_probabilities
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.evaluation.thresholds import Goal, choose_threshold
from imdb_sentiment.runtime.messages import quote
from imdb_sentiment.training.setup import build_training

Reviews = tuple[list[str], list[int]]


def test_the_tiny_model_learns(fitted: SentimentFineTuner) -> None:
    report = fitted.evaluate()
    assert report.rows == len(fitted.splits.test) == 24
    assert report.accuracy > 0.9
    assert fitted.splits.train.column_names == ["text", "label"]


def test_the_model_is_at_hand_without_saving(fitted: SentimentFineTuner, tmp_path: Path) -> None:
    classifier = fitted.classifier
    assert classifier.model is fitted.model
    assert classifier.tokenizer is fitted.tokenizer
    texts = make_reviews(10)[0]
    saved = SentimentClassifier.from_pretrained(fitted.save(tmp_path / "model"), precision="fp32")
    assert (classifier.predict_proba(texts) == saved.predict_proba(texts)).all()
    assert classifier.predict(texts, cascade=True) == saved.predict(texts, cascade=True)
    copy = pickle.loads(pickle.dumps(classifier))  # noqa: S301
    assert (copy.predict_proba(texts) == saved.predict_proba(texts)).all()
    inputs = fitted.tokenizer(texts[0], return_tensors="pt")
    with torch.no_grad():
        logits = fitted.model(**inputs).logits
    assert torch.softmax(logits, 1).numpy() == pytest.approx(saved.predict_proba(texts[:1]), abs=1e-5)


def test_it_says_what_it_is(fitted: SentimentFineTuner, tiny_config: FineTuneConfig) -> None:
    assert repr(fitted) == f"<SentimentFineTuner: {quote(tiny_config.model_name)} on given rows, fitted by fine_tune>"
    assert repr(SentimentFineTuner()) == (
        "<SentimentFineTuner: 'google-bert/bert-base-uncased' on 'stanfordnlp/imdb', not fitted>"
    )
    assert repr(fitted.classifier) == "<SentimentClassifier: 'negative' or 'positive', threshold 0.5, fp32>"


def test_without_a_test_split_there_is_nothing_to_evaluate_on(tiny_config: FineTuneConfig) -> None:
    tuner = SentimentFineTuner(DataConfig(test_fraction=0, near_duplicates="ignore"), tiny_config)
    tuner.fit(make_reviews(40))
    assert len(tuner.splits.train) + len(tuner.splits.validation) == 40
    with pytest.raises(DataError, match=r"no test split(.|\n)*test_fraction=0(.|\n)*evaluate\(texts, labels\)"):
        tuner.evaluate()


def test_a_run_on_the_validation_split_is_what_the_history_says(fitted: SentimentFineTuner) -> None:
    assert fitted._fitted
    result = fitted._fitted.result
    assert [record.epoch for record in result.history] == [1, 2, 3]
    assert result.history[0].train_loss > result.history[-1].train_loss
    best = min(result.history, key=lambda record: record.calibrated_log_loss or 9.0)
    assert result.kept_epoch == best.epoch
    assert result.calibration.before == best.validation
    assert result.validation.accuracy == best.validation.accuracy
    assert 0.5 < result.calibration.temperature < 2  # ten rows without a mistake do not make it certain
    assert result.validation.log_loss == pytest.approx(best.calibrated_log_loss, abs=1e-6)
    assert result.kept_because == "lowest calibrated log loss on validation"
    assert result.seconds > 0


def test_the_kept_weights_are_those_of_the_kept_epoch(fitted: SentimentFineTuner) -> None:
    from imdb_sentiment.inference.torch_backend import score_texts

    assert fitted._fitted
    model, encoder, result, *_ = fitted._fitted
    assert result.kept_epoch == min(result.history, key=lambda record: record.calibrated_log_loss or 9.0).epoch
    rows = fitted.splits.validation
    scores = score_texts(model, encoder, rows["text"])
    again = measure(scores.probabilities, rows["label"], names=fitted.labels)
    assert again.log_loss == pytest.approx(result.validation.log_loss, abs=1e-6)


def test_a_report_is_divided_by_the_columns_that_are_named(tiny_config: FineTuneConfig, tmp_path: Path) -> None:
    texts, labels = make_reviews(60)
    table = pd.DataFrame({"text": texts, "label": labels, "year": [1990 + i % 2 for i in range(60)]})
    config = DataConfig(slice_columns=("year",), near_duplicates="ignore")
    tuner = SentimentFineTuner(config, tiny_config.replace(num_train_epochs=1), output_dir=tmp_path)
    tuner.fit(table)
    parts = [part for part in tuner.evaluate().slices if part.grouping == "year"]
    assert [part.name for part in parts] == ["1990", "1991"]
    assert sum(part.rows for part in parts) == len(tuner.splits.test) == 12


def test_the_figures_alone_are_those_of_the_full_report(fitted: SentimentFineTuner) -> None:
    alone, full = fitted.evaluate(full=False), fitted.evaluate()
    assert full.intervals
    assert full.baselines
    assert (alone.intervals, alone.baselines, alone.slices) == (None, (), ())
    assert (alone.log_loss, alone.confusion_matrix) == (full.log_loss, full.confusion_matrix)
    assert (alone.seen_rows, alone.rows) == (0, full.rows)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("asked", "because"),
    [
        ("auto", "lowest calibrated log loss on validation"),
        ("balanced_accuracy", "lowest calibrated log loss within one standard error of the highest balanced_accuracy"),
        ("average_precision", "lowest calibrated log loss within one standard error of the highest average_precision"),
    ],
)
def test_the_metric_of_the_kept_epoch_and_why_it_was_taken(
    asked: str, because: str, tiny_config: FineTuneConfig, tmp_path: Path
) -> None:
    texts, labels = make_reviews(160)
    frame = pd.DataFrame({"text": texts, "label": ["rave" if label else "pan" for label in labels]})
    frame = frame.drop(frame.index[(frame.label == "pan") & (frame.index % 6 > 0)])
    config = tiny_config.replace(metric_for_best_model=asked, num_train_epochs=3)
    result = SentimentFineTuner(DataConfig(positive_label="rave"), config, output_dir=tmp_path).fit(frame)
    assert result.kept_because == because
    kept = next(record for record in result.history if record.epoch == result.kept_epoch)
    assert kept.calibrated_log_loss is not None
    assert kept.calibrated_log_loss == pytest.approx(result.validation.log_loss, abs=1e-6)
    if asked == "auto":
        assert kept.calibrated_log_loss == min(record.calibrated_log_loss or 9.0 for record in result.history)


@pytest.mark.integration
def test_the_last_epoch_is_kept_on_request(reviews: Reviews, tiny_config: FineTuneConfig, tmp_path: Path) -> None:
    config = tiny_config.replace(load_best_model_at_end=False, num_train_epochs=2)
    result = SentimentFineTuner(config=config, output_dir=tmp_path).fit(reviews)
    assert (result.kept_epoch, result.kept_because) == (2, "the last")


def test_a_second_run_forgets_the_rows_of_the_first(reviews: Reviews, tiny_config: FineTuneConfig) -> None:
    texts, labels = reviews
    halves = [(texts[:60], labels[:60]), (texts[60:], labels[60:])]
    tuner = SentimentFineTuner(config=tiny_config.replace(method="probe"))
    for known, unknown in (halves, halves[::-1]):
        tuner.fit(known)
        assert all(tuner.classifier.seen_in_training(known[0]))
        assert not any(tuner.classifier.seen_in_training(sorted({*unknown[0]} - {*known[0]})))


@pytest.mark.integration
def test_the_same_seed_gives_the_same_model_to_the_bit(
    reviews: Reviews, tiny_config: FineTuneConfig, tmp_path: Path
) -> None:
    assert torch.get_num_threads() == 1  # with more, sums are taken in another order each time
    weights = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        config = tiny_config.replace(num_train_epochs=1, seed=seed)
        tuner = SentimentFineTuner(config=config, output_dir=tmp_path / name)
        tuner.fit(reviews)
        weights.append(weights_of(tuner))
    assert all(torch.equal(weight, weights[1][name]) for name, weight in weights[0].items())
    assert not torch.equal(weights[0]["classifier.weight"], weights[2]["classifier.weight"])


def weights_of(tuner: SentimentFineTuner) -> dict[str, torch.Tensor]:
    assert tuner._fitted
    return {name: weight.detach() for name, weight in tuner._fitted.model.named_parameters()}


@pytest.mark.integration
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(
    reviews: Reviews, tiny_config: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config.replace(num_train_epochs=2)
    whole = SentimentFineTuner(config=config, output_dir=tmp_path / "whole")
    expected = whole.fit(reviews)

    evaluations = iter(range(10))

    def interrupted(*args: Any, **kwargs: Any) -> EvaluationReport:
        if next(evaluations) == 1:
            raise KeyboardInterrupt
        return measure(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr("imdb_sentiment.training.setup.measure", interrupted)
        with pytest.raises(KeyboardInterrupt):
            SentimentFineTuner(config=config, output_dir=tmp_path / "cut").fit(reviews)
    cut_off = tmp_path / "cut" / "checkpoint-999999"
    cut_off.mkdir()
    (cut_off / "model.safetensors").write_bytes(b"half")

    resumed = SentimentFineTuner(config=config, output_dir=tmp_path / "cut")
    result = resumed.fit(reviews, resume=True)
    assert any("resumed from" in note and "999999" not in note for note in result.notes)
    assert untimed(result.history) == untimed(expected.history)
    assert result.validation == expected.validation
    for name, weight in weights_of(whole).items():
        assert torch.equal(weight, weights_of(resumed)[name]), name


@pytest.mark.integration
def test_resuming_without_a_checkpoint_starts_anew(
    reviews: Reviews, tiny_config: FineTuneConfig, tmp_path: Path
) -> None:
    tuner = SentimentFineTuner(config=tiny_config.replace(num_train_epochs=1), output_dir=tmp_path)
    result = tuner.fit(reviews, resume=True)
    assert not any("went on" in note for note in result.notes)
    assert any(note.startswith("fp32 on ") for note in result.notes)


def test_the_tutorial_preset_trains_the_stock_model_from_its_random_head(
    reviews: Reviews, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[dict[str, torch.Tensor]] = []

    def look(model: PreTrainedModel, *args: Any, **kwargs: Any) -> Any:
        begun.append({name: weight.clone() for name, weight in model.state_dict().items()})
        return build_training(model, *args, **kwargs)

    monkeypatch.setattr("imdb_sentiment.training.fine_tuning.build_training", look)
    config = FineTuneConfig.preset("tutorial", model_name=tiny_model, num_train_epochs=1)
    tuner = SentimentFineTuner(config=config, output_dir=tmp_path)
    result = tuner.fit(reviews)
    assert (result.kept_because, result.settled) == ("the last", {})
    set_seed(config.seed)
    stock = AutoModelForSequenceClassification.from_pretrained(tiny_model).state_dict()
    assert begun[0].keys() == stock.keys()
    assert all(torch.equal(weight, begun[0][name]) for name, weight in stock.items())


@pytest.mark.integration
def test_own_label_names_reach_the_predictions(tiny_config: FineTuneConfig, tmp_path: Path) -> None:
    texts, labels = make_reviews(80)
    frame = pd.DataFrame({"SMS": texts, "Label": ["spam" if label else "ham" for label in labels]})
    data = DataConfig(text_column="SMS", label_column="Label", positive_label="spam")
    tuner = SentimentFineTuner(data, tiny_config, output_dir=tmp_path / "run")
    tuner.fit(frame)
    assert tuner.labels == ("ham", "spam")
    classifier = SentimentClassifier.from_pretrained(tuner.save(tmp_path / "model"))
    assert classifier.labels == ("ham", "spam")
    assert classifier.predict("wonderful and superb").label == "spam"
    assert tuner.evaluate().labels == ("ham", "spam")


def test_pairs_reach_the_model(fitted_on_pairs: SentimentFineTuner) -> None:
    from imdb_sentiment.inference.torch_backend import score_texts

    model, encoder, result, *_ = fitted_on_pairs._fitted or pytest.fail("not fitted")
    rows = fitted_on_pairs.splits.validation
    pairs = list(zip(rows["text"], rows["text_pair"], strict=True))
    again = measure(score_texts(model, encoder, pairs).probabilities, rows["label"], names=fitted_on_pairs.labels)
    assert again.log_loss == pytest.approx(result.validation.log_loss, abs=1e-6)
    assert fitted_on_pairs.evaluate().accuracy > 0.9


def test_a_diverging_run_is_stopped(reviews: Reviews, tiny_config: FineTuneConfig, tmp_path: Path) -> None:
    tuner = SentimentFineTuner(config=tiny_config.replace(learning_rate=1e30), output_dir=tmp_path)
    with pytest.raises(TrainingDivergedError, match="diverged at step") as caught:
        tuner.fit(reviews)
    assert caught.value.hint == "a learning rate below 1e+30"
    with pytest.raises(NotFittedError):
        tuner.evaluate()


def test_asking_before_fitting() -> None:
    tuner = SentimentFineTuner()
    with pytest.raises(NotFittedError, match="no fitted model to evaluate"):
        tuner.evaluate()
    with pytest.raises(NotFittedError, match="call fit"):
        tuner.save("anywhere")


def test_an_output_folder_in_use_is_left_alone(reviews: Reviews, tiny_config: FineTuneConfig, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match="is not empty"):
        SentimentFineTuner(config=tiny_config, output_dir=tmp_path).fit(reviews)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("data", "model"), [((["a", "b"], [0, 1]), None), (([], []), None), ((["a"] * 40, [1] * 40), None), (None, "./no")]
)
def test_wrong_input_writes_nothing(
    data: Any, model: str | None, reviews: Reviews, tiny_config: FineTuneConfig, tmp_path: Path
) -> None:
    config = tiny_config.replace(model_name=model) if model else tiny_config
    with pytest.raises((DataError, ModelError)):
        SentimentFineTuner(config=config, output_dir=tmp_path / "run").fit(data or reviews)
    assert list(tmp_path.iterdir()) == []


def test_rows_given_to_fit_are_not_said_to_come_from_the_source(saved_model: Path) -> None:
    metadata = SentimentClassifier.from_pretrained(saved_model).metadata
    assert metadata.data_config["source"] is None
    assert metadata.data_config["validation_fraction"] == 0.1


@pytest.mark.integration
def test_a_later_fit_without_rows_goes_back_to_the_source(
    reviews: Reviews, tiny_config: FineTuneConfig, tmp_path: Path
) -> None:
    texts, labels = make_reviews(200)
    pd.DataFrame({"text": texts, "label": labels}).to_csv(tmp_path / "all.csv", index=False)
    config = tiny_config.replace(num_train_epochs=1)
    tuner = SentimentFineTuner(DataConfig(source=str(tmp_path / "all.csv")), config, output_dir=tmp_path / "one")
    assert len(tuner.splits.test) == 40
    tuner.fit(reviews)
    assert len(tuner.splits.test) == 24
    tuner.output_dir = tmp_path / "two"
    tuner.fit()
    assert len(tuner.splits.test) == 40
    saved = SentimentClassifier.from_pretrained(tuner.save(tmp_path / "model"))
    assert saved.metadata.data_config["source"] == str(tmp_path / "all.csv")


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["str", "Path", "mapping", "mapping of Path", "list of dictionaries", "DataFrame"])
def test_the_same_rows_in_any_form_make_the_same_run(
    kind: str, tiny_config: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame(dict(zip(("text", "label"), make_reviews(120), strict=True)))
    frame.to_csv("all.csv", index=False)
    forms: dict[str, tuple[Any, Any]] = {
        "str": ("all.csv", "all.csv"),
        "Path": (Path("all.csv"), "all.csv"),
        "mapping": ({"train": "all.csv"}, {"train": "all.csv"}),
        "mapping of Path": ({"train": Path("all.csv")}, {"train": "all.csv"}),
        "list of dictionaries": (frame.to_dict("records"), None),
        "DataFrame": (frame, None),
    }
    data, source = forms[kind]
    config = tiny_config.replace(num_train_epochs=1)
    tuner = SentimentFineTuner(DataConfig(source="elsewhere.csv"), config, output_dir=tmp_path / "run")
    result = tuner.fit(data)
    saved = SentimentClassifier.from_pretrained(tuner.save(tmp_path / "model")).metadata
    assert saved.data_config["source"] == source
    assert tuner.data_config.source == "elsewhere.csv"
    expected = SentimentFineTuner(DataConfig(source="all.csv"), config).splits.summary
    assert result.splits.fingerprint == saved.data_fingerprint == expected.fingerprint
    assert str(result.audit) == str(audit_dataset(data, tuner.data_config, model_name=config.model_name))


@pytest.mark.integration
def test_after_a_path_a_fit_without_data_goes_back_to_the_source(tiny_config: FineTuneConfig, tmp_path: Path) -> None:
    for rows in (60, 120):
        columns = dict(zip(("text", "label"), make_reviews(rows), strict=True))
        pd.DataFrame(columns).to_csv(tmp_path / f"{rows}.csv", index=False)
    config = tiny_config.replace(num_train_epochs=1)
    tuner = SentimentFineTuner(DataConfig(source=tmp_path / "120.csv"), config, output_dir=tmp_path / "one")
    tuner.fit(tmp_path / "60.csv")
    assert len(tuner.splits.test) == 12
    tuner.output_dir = tmp_path / "two"
    tuner.fit()
    assert len(tuner.splits.test) == 24


ANY_TUNER: Any = SentimentFineTuner
ANY_CLASSIFIER: Any = SentimentClassifier
ANYTHING: Any = {"preset": "minilm", "data": DataConfig(), "learning": FineTuneConfig(), "path": "reviews.csv"}


@pytest.mark.parametrize(
    ("make", "hint"),
    [
        (lambda: ANY_TUNER(FineTuneConfig()), "config=FineTuneConfig(...)"),
        (lambda: ANY_TUNER(FineTuneConfig(), DataConfig()), "config=FineTuneConfig(...)"),
        (lambda: ANY_TUNER(None, DataConfig()), "data_config=DataConfig(...)"),
        (lambda: ANY_TUNER("reviews.csv"), "DataConfig(source='reviews.csv')"),
        (lambda: ANY_TUNER(Path("reviews.csv")), "DataConfig(source='reviews.csv')"),
        (lambda: ANY_TUNER({"text_column": "body"}), "DataConfig(**settings)"),
        (lambda: ANY_TUNER("run.yaml"), "data_config, config = load_config('run.yaml')"),
        (lambda: ANY_TUNER(pd.DataFrame({"text": ["a"]})), "DataConfig(...); rows in memory go to fit(data)"),
        (lambda: ANY_TUNER(None, "minilm"), "FineTuneConfig(model_name='minilm')"),
        (lambda: ANY_TUNER(None, {"lr": 1}), "FineTuneConfig(**settings)"),
        (lambda: ANY_TUNER(DataConfig), "DataConfig(...); rows in memory go to fit(data)"),
        (lambda: ANY_TUNER(output_dir=5), None),
        (lambda: ANY_TUNER(model_name="minilm"), "FineTuneConfig(model_name=...)"),
        (lambda: ANY_TUNER(text_column="body"), "DataConfig(text_column=...)"),
        (lambda: ANY_TUNER(epochs=3), "FineTuneConfig(num_train_epochs=...)"),
        (lambda: ANY_TUNER().fit(make_reviews(9)[0], make_reviews(9)[1]), "fit((texts, labels))"),
        (lambda: ANY_TUNER.fit(pd.DataFrame({"text": ["a"]})), "SentimentFineTuner(...).fit(data)"),
        (lambda: ANY_TUNER().fit(DataConfig()), "one of them"),
        (lambda: ANY_TUNER().fit(FineTuneConfig()), "config=..."),
        (lambda: ANY_CLASSIFIER("folder"), "SentimentClassifier.from_pretrained('folder')"),
        (lambda: ANY_CLASSIFIER(), "SentimentClassifier.from_pretrained('folder')"),
        (lambda: ANY_CLASSIFIER.from_pretrained(None), None),
        (lambda: audit_dataset(make_reviews(9), ANYTHING["learning"]), "config=FineTuneConfig(...)"),
        (lambda: find_label_issues(make_reviews(9), config=ANYTHING["preset"]), "FineTuneConfig(model_name='minilm')"),
        (lambda: find_label_issues(make_reviews(9), config=ANYTHING["data"]), "data_config=DataConfig(...)"),
        (lambda: cross_validate(make_reviews(9), config=ANYTHING["preset"]), "FineTuneConfig(model_name='minilm')"),
        (lambda: cross_validate(make_reviews(9), data_config=ANYTHING["path"]), "DataConfig(source='reviews.csv')"),
    ],
)
def test_something_else_than_is_asked_for_is_refused_with_what_to_write(
    make: Any, hint: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ConfigError, DataError)) as caught:
        make()
    assert caught.value.hint == hint
    assert list(tmp_path.iterdir()) == []


def test_splits_made_before_are_taken_as_they_are(
    fitted: SentimentFineTuner, tiny_config: FineTuneConfig, tmp_path: Path
) -> None:
    config = tiny_config.replace(num_train_epochs=1)
    tuner = SentimentFineTuner(DataConfig(source="elsewhere.csv", test_fraction=0.5), config, output_dir=tmp_path)
    result = tuner.fit(fitted.splits)
    assert tuner.splits is fitted.splits
    assert (result.audit, tuner.labels) == (None, fitted.labels)
    assert result.splits == fitted.splits.summary


def test_splits_without_labels_or_with_one_class_are_refused(
    fitted: SentimentFineTuner, tiny_config: FineTuneConfig, tmp_path: Path
) -> None:
    tuner = SentimentFineTuner(config=tiny_config, output_dir=tmp_path)
    unlabelled = dataclasses.replace(fitted.splits, test=fitted.splits.test.remove_columns("label"))
    with pytest.raises(DataError, match="the test split cannot be used"):
        tuner.fit(unlabelled)
    one_class = fitted.splits.train.filter(lambda label: label == 0, input_columns="label")
    with pytest.raises(DataError, match="the train split lacks a class"):
        tuner.fit(dataclasses.replace(fitted.splits, train=one_class))


def test_the_audit_is_made_before_training_and_saved_with_the_model(
    fitted: SentimentFineTuner, saved_model: Path
) -> None:
    audit = fitted.audit()
    assert audit is not None
    assert audit.tokens is not None
    assert audit.tokens.model == fitted.config.model_name
    saved = json.loads((saved_model / "imdb_sentiment.json").read_text())["audit"]
    assert saved == audit.summary_dict()


@pytest.fixture(scope="module")
def fitted_for_a_goal(tiny_config: FineTuneConfig, tmp_path_factory: pytest.TempPathFactory) -> SentimentFineTuner:
    """A fine-tuner whose threshold serves a goal, on labels one in five of which is wrong."""
    texts, labels = make_reviews(200)
    noisy = [1 - label if i % 5 == 0 else label for i, label in enumerate(labels)]
    config = tiny_config.replace(threshold="recall>=0.95", num_train_epochs=2)
    folder = tmp_path_factory.mktemp("goal")
    tuner = SentimentFineTuner(DataConfig(near_duplicates="ignore"), config, output_dir=folder)
    tuner.fit((texts, noisy))
    return tuner


def test_a_goal_is_that_of_the_baselines_too(fitted_for_a_goal: SentimentFineTuner) -> None:
    tuner = fitted_for_a_goal
    report = tuner.evaluate()
    train, validation = tuner.splits.train, tuner.splits.validation
    said = baseline_probabilities(Labelled(train["text"][:], train["label"][:]), validation["text"][:])
    assert (report.goal, report.goal_reached) == ("recall>=0.95", True)
    for baseline, positive in zip(report.baselines, said.values(), strict=True):
        chosen = choose_threshold(Goal.of("recall>=0.95"), positive, validation["label"][:])
        assert (baseline.report.threshold, baseline.report.goal) == (chosen.value, "recall>=0.95")
        assert ", both at recall>=0.95; " in baseline.verdict
        assert "; ROC-AUC " in baseline.verdict
        assert baseline.train_rows == len(train)
    alone = tuner.evaluate(full=False)
    assert (alone.goal, alone.threshold) == (report.goal, report.threshold)


def test_a_saved_model_of_a_goal_is_compared_as_in_training(
    fitted_for_a_goal: SentimentFineTuner, tmp_path: Path
) -> None:
    tuner = fitted_for_a_goal
    expected = tuner.evaluate()
    classifier = SentimentClassifier.from_pretrained(tuner.save(tmp_path / "model"))
    train, validation, test = (
        (list(rows["text"]), list(rows["label"]))
        for rows in (tuner.splits.train, tuner.splits.validation, tuner.splits.test)
    )
    assert classifier.evaluate(*test, train=train, validation=validation, behaviour=True) == expected
    assert all(classifier.seen_in_training(validation[0], split="validation"))
    assert not any(classifier.seen_in_training(train[0] + test[0], split="validation"))
    without = classifier.evaluate(*test, train=train).baselines
    assert [baseline.report.threshold for baseline in without] == [0.5, 0.5]
    assert all(baseline.verdict.startswith("accuracies are not comparable, as ") for baseline in without)


@pytest.mark.parametrize("name", ["train", "validation"])
def test_rows_of_one_label_teach_no_simpler_model(
    name: str, fitted_for_a_goal: SentimentFineTuner, tmp_path: Path
) -> None:
    classifier = SentimentClassifier.from_pretrained(fitted_for_a_goal.save(tmp_path / "model"))
    rows: dict[str, Any] = {name: (["superb", "moving"], [1, 1])}
    with pytest.raises(DataError, match=rf"{name} has one label only\n  found:    only positive"):
        classifier.evaluate(["dull", "funny"], [0, 1], **rows)
