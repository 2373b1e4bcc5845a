"""Texts of the data as a page shows them."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imdb_sentiment.reporting.texts import mark_changes


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("It was good.", "It was not good.", 'It was <mark class="changed">not </mark>good.'),
        ("good film", "godo film", '<mark class="changed">godo</mark> film'),
        ("good film!", "good film", "good film"),
        ("<b>", "<b> & more", '&lt;b&gt;<mark class="changed"> &amp; more</mark>'),
    ],
)
def test_what_is_new_is_marked(before: str, after: str, shown: str) -> None:
    assert mark_changes(before, after) == shown


@given(*[st.text("ab .!é", max_size=30)] * 2)
def test_the_later_text_is_kept(before: str, after: str) -> None:
    assert html.unescape(re.sub("</?mark[^>]*>", "", mark_changes(before, after))) == after
