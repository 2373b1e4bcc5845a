import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from imdb_sentiment.evaluation.power_law import draw_error_rates, extrapolate_error_rates


@given(scale=st.floats(0.1, 3), exponent=st.floats(0, 1), sizes=st.sets(st.integers(8, 10_000), min_size=2, max_size=6))
def test_a_power_law_is_extended_as_it_is(scale: float, exponent: float, sizes: set[int]) -> None:
    rows = sorted(sizes)
    errors = scale * np.array(rows, dtype=float) ** -exponent
    assert extrapolate_error_rates(errors, rows, 20_000) == pytest.approx(min(1, scale * 20_000.0**-exponent))


def test_more_rows_are_never_said_to_be_worse() -> None:
    assert extrapolate_error_rates(np.array([0.2, 0.3]), [10, 20], 40) == pytest.approx(np.sqrt(0.2 * 0.3))


def test_each_draw_is_extended_by_itself() -> None:
    errors = np.array([[0.4, 0.2], [0.2, 0.2]])
    assert extrapolate_error_rates(errors, [50, 100], 200) == pytest.approx([0.1, 0.2])


@pytest.mark.parametrize("mistakes", [0, 3, 50, 100])
def test_drawn_errors_follow_the_jeffreys_posterior(mistakes: int) -> None:
    wrong = (np.arange(100) < mistakes)[:, None]
    drawn = draw_error_rates(wrong, draws=4000, seed=0)[:, 0]
    expected = beta(mistakes + 0.5, 100 - mistakes + 0.5)
    for share in (0.025, 0.5, 0.975):
        assert np.mean(drawn <= expected.ppf(share)) == pytest.approx(share, abs=0.02)


def test_the_rows_have_the_same_weights_for_all_sizes() -> None:
    wrong = np.random.default_rng(1).random((50, 1)) < 0.3
    drawn = draw_error_rates(np.hstack((wrong, wrong)), draws=10, seed=0)
    assert drawn[:, 0] == pytest.approx(drawn[:, 1])
