"""SentimentEstimator with the real scikit-learn."""

import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from cleanlab.classification import CleanLearning
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GridSearchCV, cross_val_score, permutation_test_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks

from conftest import make_reviews
from imdb_sentiment import ConfigError, DataConfig, DataError, FineTuneConfig
from imdb_sentiment.sklearn import SentimentEstimator

ROWS = 48
TEXTS, CODES = make_reviews(ROWS)
LABELS = np.array(["ham", "spam"])[CODES]


CHECKS = [
    estimator_checks.check_estimator_cloneable,
    estimator_checks.check_estimator_tags_renamed,
    estimator_checks.check_valid_tag_types,
    estimator_checks.check_estimator_repr,
    estimator_checks.check_no_attributes_set_in_init,
    estimator_checks.check_estimators_unfitted,
    estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
    estimator_checks.check_mixin_order,
    estimator_checks.check_parameters_default_constructible,
    estimator_checks.check_get_params_invariance,
    estimator_checks.check_set_params,
    estimator_checks.check_requires_y_none,
]
"""Those that do not fit to numbers; docs/how-to/scikit-learn.md names the reasons for the others."""


@pytest.fixture(scope="module")
def quick(tiny_config: FineTuneConfig) -> SentimentEstimator:
    settings = tiny_config.replace(method="probe").model_dump()
    return SentimentEstimator(data_config=DataConfig(near_duplicates="ignore"), **settings)


@pytest.fixture(scope="module")
def fitted(quick: SentimentEstimator) -> SentimentEstimator:
    estimator: SentimentEstimator = clone(quick).fit(TEXTS, LABELS)
    return estimator


def test_every_field_of_the_configuration_is_a_parameter_with_its_default() -> None:
    parameters = SentimentEstimator().get_params()
    assert parameters.pop("data_config") is None
    assert parameters == FineTuneConfig().model_dump()


def test_a_clone_has_the_same_parameters_and_a_parameter_can_be_set(quick: SentimentEstimator) -> None:
    copy = clone(quick)
    assert copy.get_params() == quick.get_params()
    assert copy.set_params(learning_rate=3e-4, seed=5).get_params()["seed"] == 5
    assert quick.get_params()["seed"] != 5


def test_its_repr_has_the_parameters_that_differ_from_their_defaults() -> None:
    assert repr(SentimentEstimator(model_name="minilm", seed=1)) == "SentimentEstimator(model_name='minilm', seed=1)"


@pytest.mark.parametrize("name", ["lr", "learning_rat"])
def test_an_unknown_parameter_is_refused_with_the_one_that_is_meant(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"no parameter '{name}'(.|\n)*learning_rate"):
        SentimentEstimator(**dict[str, Any]({name: 1e-4}))


def test_a_value_is_checked_by_fit() -> None:
    estimator = SentimentEstimator(max_length=-1)
    with pytest.raises(ConfigError, match="max_length"):
        estimator.fit(TEXTS, LABELS)
    misplaced: Any = FineTuneConfig()
    with pytest.raises(ConfigError, match="data_config"):
        SentimentEstimator(data_config=misplaced).fit(TEXTS, LABELS)


def test_predictions_are_labels_and_scores_agree_with_them(fitted: SentimentEstimator) -> None:
    assert fitted.classes_.tolist() == ["ham", "spam"]
    probabilities = fitted.predict_proba(TEXTS)
    assert probabilities.shape == (ROWS, 2)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(ROWS), abs=1e-6)
    predicted = fitted.predict(TEXTS)
    assert predicted.tolist() == fitted.classes_[(fitted.decision_function(TEXTS) > 0).astype(int)].tolist()
    assert fitted.score(TEXTS, LABELS) == (predicted == LABELS).mean() > 0.8
    assert fitted.n_iter_ == 1
    assert fitted.result_.method == "probe"


@pytest.mark.integration
@pytest.mark.parametrize(
    "form",
    [
        np.array,
        lambda texts: np.array(texts, dtype=object)[:, None],
        pd.Series,
        lambda texts: pd.Series(texts).to_frame(),
    ],
    ids=["array", "column of an array", "Series", "frame"],
)
def test_texts_of_any_form_are_read_alike(fitted: SentimentEstimator, form: Callable[[list[str]], Any]) -> None:
    assert (fitted.predict_proba(form(TEXTS)) == fitted.predict_proba(TEXTS)).all()


@pytest.mark.integration
@pytest.mark.parametrize("values", [(3, 7), (False, True), (-1.0, 1.0), ("yes", "no")], ids=str)
def test_any_two_labels_come_back_as_they_were(quick: SentimentEstimator, values: tuple[Any, Any]) -> None:
    labels = np.array(values)[CODES]
    fitted = clone(quick).fit(pd.Series(TEXTS), labels)
    predicted = fitted.predict(TEXTS)
    assert predicted.dtype == labels.dtype
    assert (predicted == labels).mean() > 0.8
    assert fitted.classes_.tolist() == sorted(values)


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        (TEXTS, None, "requires y to be passed"),
        (TEXTS, [0] * ROWS, "two values(.|\n)*0"),
        (TEXTS, ["a", "b", "c"] * (ROWS // 3), "two values"),
        (TEXTS, [0, 1], "differ in length"),
        (TEXTS, [0.0, float("nan")] * (ROWS // 2), r"y has nulls(.|\n)*2, 4"),
        (TEXTS, [None, "spam"] * (ROWS // 2), "y has nulls"),
        (pd.DataFrame({"a": TEXTS, "b": TEXTS}), LABELS, "one column"),
        ({"text": TEXTS}, LABELS, "cannot be read"),
        ([1.0] * ROWS, LABELS, "not text|not a text|string"),
    ],
    ids=["no labels", "one label", "three labels", "lengths", "NaN", "null", "two columns", "mapping", "numbers"],
)
def test_what_cannot_be_fitted(quick: SentimentEstimator, texts: Any, labels: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        clone(quick).fit(texts, labels)


def test_it_must_be_fitted_before_it_predicts(quick: SentimentEstimator) -> None:
    with pytest.raises(AttributeError, match="not fitted"):
        clone(quick).predict(TEXTS)


@pytest.mark.integration
def test_it_travels_with_its_weights(fitted: SentimentEstimator, tmp_path: Path) -> None:
    expected = fitted.predict_proba(TEXTS)
    joblib.dump(fitted, tmp_path / "model.joblib")
    again = joblib.load(tmp_path / "model.joblib")
    assert (again.predict_proba(TEXTS) == expected).all()
    assert again.get_params() == fitted.get_params()
    assert again.classes_.tolist() == fitted.classes_.tolist()


@pytest.mark.integration
def test_it_leaves_no_files(quick: SentimentEstimator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    content = pickle.dumps(clone(quick).fit(TEXTS, LABELS))
    pickle.loads(content).predict(TEXTS)  # noqa: S301
    assert list(tmp_path.iterdir()) == []


def test_it_is_a_binary_classifier_of_texts(quick: SentimentEstimator) -> None:
    tags = quick.__sklearn_tags__()
    assert is_classifier(quick)
    assert (tags.input_tags.string, tags.input_tags.two_d_array, tags.classifier_tags.multi_class) == (
        True,
        False,
        False,
    )


@pytest.mark.integration
def test_a_goal_for_the_threshold_moves_the_decision(quick: SentimentEstimator) -> None:
    fitted = clone(quick).set_params(threshold=0.9).fit(TEXTS, LABELS)
    odds = fitted.decision_function(TEXTS)
    assert ((odds > 0) == (fitted.predict_proba(TEXTS)[:, 1] > 0.9)).all()


@pytest.mark.integration
@pytest.mark.parametrize("method", ["probe", "contrastive", "fine_tune"])
def test_rows_of_little_weight_hardly_count(quick: SentimentEstimator, method: str) -> None:
    wrong = np.array(["ham", "spam"])[np.where(np.arange(ROWS) % 5 < 2, CODES, 1 - np.array(CODES))]
    weights = np.where(wrong == LABELS, 1.0, 1e-6)
    # validation rows count alike: they would choose the epoch that has learned least
    last = clone(quick).set_params(method=method, load_best_model_at_end=False, num_train_epochs=6)
    heard = clone(last).fit(TEXTS, wrong, sample_weight=weights)
    assert heard.score(TEXTS, LABELS) > 0.8
    assert last.fit(TEXTS, wrong).score(TEXTS, LABELS) < 0.5


@pytest.mark.integration
def test_a_row_of_weight_zero_is_left_out(quick: SentimentEstimator) -> None:
    weights = np.where(np.arange(ROWS) < 8, 0.0, 2.0)
    expected = clone(quick).fit(TEXTS[8:], LABELS[8:]).predict_proba(TEXTS)
    found = clone(quick).fit(TEXTS, LABELS, sample_weight=weights).predict_proba(TEXTS)
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0] * 3, "another shape"),
        ([-1.0] * ROWS, "not positive numbers(.|\n)*-1"),
        ([np.nan] * ROWS, "not positive"),
        (["much"] * ROWS, "must be numbers"),
        ([0.0] * ROWS, "no row has a weight"),
    ],
    ids=["lengths", "negative", "not a number", "text", "all zero"],
)
def test_weights_that_are_none(quick: SentimentEstimator, weights: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        clone(quick).fit(TEXTS, LABELS, sample_weight=weights)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_scikit_learns_own_checks(check: Callable[[str, SentimentEstimator], None]) -> None:
    check("SentimentEstimator", SentimentEstimator())


@pytest.mark.integration
def test_scikit_learns_tools_take_it(quick: SentimentEstimator) -> None:
    steps = Pipeline([("lower", FunctionTransformer(lambda texts: [text.lower() for text in texts])), ("model", quick)])
    assert clone(steps).fit(TEXTS, LABELS).score(TEXTS, LABELS) > 0.8
    assert (cross_val_score(quick, TEXTS, LABELS, cv=2) > 0.5).all()
    search = GridSearchCV(quick, {"learning_rate": [1e-4, 1e-3]}, cv=2).fit(TEXTS, LABELS)
    assert search.best_estimator_.score(TEXTS, LABELS) > 0.8
    calibrated = CalibratedClassifierCV(quick, cv=2).fit(TEXTS, LABELS)
    assert calibrated.predict_proba(TEXTS).shape == (ROWS, 2)
    score, permuted, _ = permutation_test_score(quick, TEXTS, LABELS, cv=2, n_permutations=2)
    assert score > permuted.mean()


@pytest.mark.integration
def test_cleanlab_finds_wrong_labels_with_it(quick: SentimentEstimator) -> None:
    texts, codes = make_reviews(96)
    wrong, labels = [3, 10, 51], np.array(codes)
    labels[wrong] = 1 - labels[wrong]
    model = clone(quick).set_params(method="fine_tune", num_train_epochs=6, load_best_model_at_end=False)
    # Its default forks processes and ends them by SIGTERM, for which Ray, used by other tests, leaves a handler.
    in_process = {"n_jobs": 1}
    cleaner = CleanLearning(model, seed=0, cv_n_folds=3, find_label_issues_kwargs=in_process)
    cleaner.fit(np.array(texts), labels)
    quality = cleaner.get_label_issues()["label_quality"].to_numpy()
    assert set(np.argsort(quality)[:6]) > set(wrong)
    assert (cleaner.predict(np.array(texts)) == codes).mean() > 0.8


@pytest.mark.integration
def test_it_is_validated_in_two_processes(quick: SentimentEstimator) -> None:
    scores = cross_val_score(quick, np.array(TEXTS), LABELS, cv=2, n_jobs=2)
    assert (scores == cross_val_score(quick, np.array(TEXTS), LABELS, cv=2)).all()
