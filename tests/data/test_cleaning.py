import functools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conftest import examples
from imdb_sentiment.data import cleaning
from imdb_sentiment.data.cleaning import clean, divide, normalise, text_key
from imdb_sentiment.models.tokenizer import prepare_tokenizer

texts = st.text(st.characters(exclude_categories=["Cs"]))
noise = st.text(
    st.sampled_from("<bBrR/> \t\n\r\x00\x0b\x1c\x1f\x7f\x85\xa0\xad\u1680\u180e\u200b\u200d\u2028\u3000\ufeff")
)


@functools.cache
def tokenizers_clean() -> Any:
    """The normalizer of a tokenizer that has none of its own, after `prepare_tokenizer`."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()))
    return prepare_tokenizer(tokenizer, clean=True).backend_tokenizer.normalizer


@settings(deadline=None, max_examples=examples(200))
@given(text=texts | noise)
@example(text="a<br />b<BR>c< br>d<br//>e<br\n\t/>")
@example(text="<br\x1c/>")
@example(text="<br\x85>")
@example(text="<br\u200b>")
@example(text="".join(map(chr, range(0x250))))
def test_the_tokenizer_cleans_exactly_as_python_does(text: str) -> None:
    assert tokenizers_clean().normalize_str(text) == clean(text)


@pytest.mark.parametrize("code", range(0x20))
def test_both_agree_on_which_white_space_may_stand_in_a_line_break(code: int) -> None:
    text = f"<br{chr(code)}/>"
    assert tokenizers_clean().normalize_str(text) == clean(text)


@pytest.mark.parametrize("tag", ["<br>", "<br/>", "<br />", "<BR />", "<Br\t/>", "<br\r\n>", "<br\f>"])
def test_an_html_line_break_becomes_a_space(tag: str) -> None:
    assert clean(f"one{tag}two") == "one two"


@pytest.mark.parametrize("text", ["<b>bold</b>", "<brr>", "< br>", "br />", "5 < 6 > 4", "<br class='x'>"])
def test_other_angle_brackets_stay(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize("character", ["\u200b", "\u2060", "\ufeff", "\u00ad"])
def test_an_invisible_character_is_removed(character: str) -> None:
    assert clean(f"mas{character}ter") == "master"


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x0b", "\x1b", "\x7f", "\x85", "\x9f"])
def test_a_control_character_becomes_a_space(character: str) -> None:
    assert clean(f"a{character}b") == "a b"


@pytest.mark.parametrize(
    "text",
    [
        "tab\tand\nline\r\n",
        "na\u00efve caf\u00e9",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "",
        "  two  spaces  ",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


@settings(deadline=None, max_examples=examples(200))
@given(text=texts | noise)
def test_cleaning_leaves_no_control_or_invisible_character(text: str) -> None:
    cleaned = clean(text)
    assert not set(cleaned) & {"\u200b", "\u2060", "\ufeff", "\u00ad"}
    assert all(
        character in "\t\n\r" or not (ord(character) < 32 or 127 <= ord(character) < 160) for character in cleaned
    )


words = st.lists(
    st.text("abcxyzABCXYZ0189.,!'\u00df\u00e9\u0436\u6771", min_size=1, max_size=6), min_size=1, max_size=5
)
changes: list[Callable[[str], str]] = [str, str.upper, str.lower, str.title, str.swapcase]
gaps = st.sampled_from([" ", "  ", "\n", "\t", "\r\n", "\u00a0", "\u3000", "<br />", " <br><BR/>", "\u200b ", "\x00"])


@settings(deadline=None, max_examples=examples(100))
@given(words=words, data=st.data())
def test_a_key_does_not_depend_on_case_white_space_and_line_breaks(words: list[str], data: st.DataObject) -> None:
    other = data.draw(st.sampled_from(["", " ", "<br>"]))
    for word in words:
        change = data.draw(st.sampled_from(changes))
        other += change(word) + data.draw(gaps)
    assert text_key(other) == text_key(" ".join(words))


@settings(deadline=None, max_examples=examples(100))
@given(first=texts, second=texts)
def test_keys_are_equal_for_equal_normal_forms_only(first: str, second: str) -> None:
    same = clean(first).casefold().split() == clean(second).casefold().split()
    assert (text_key(first) == text_key(second)) is same


@pytest.mark.parametrize(
    ("first", "second"),
    [("good", "goo d"), ("good", "good!"), ("a b", "ab"), ("1", "\u00bd"), ("", "."), ("e\u0301", "e"), ("<b>", "b")],
)
def test_keys_of_different_texts_differ(first: str, second: str) -> None:
    assert text_key(first) != text_key(second)


def test_a_key_has_sixteen_bytes_and_never_changes() -> None:
    assert text_key("A quiet<br />MASTERPIECE. ") == text_key("a quiet masterpiece.")
    assert len(text_key("")) == 16
    # the splits of yesterday depend on this very value
    assert text_key("a quiet masterpiece.").hex() == "0c36a0769a25e61d9dad4549bbd77e25"


def test_half_a_surrogate_pair_has_a_key_too() -> None:
    assert text_key("\ud83d") != text_key("\ude00")


@settings(deadline=None, max_examples=examples(200))
@given(text=st.text(st.sampled_from("<brR/> \n\t\x00\x1c\x85\u200b\u3000aßİ"), max_size=60))
@example(text="so <br />br <br\n\n/> r  <br/>" * 3)
def test_a_text_in_parts_is_cleaned_and_normalised_as_a_whole_one(text: str) -> None:
    whole = clean(text), normalise(text), text_key(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cleaning, "_PART", 5)
        assert "".join(divide(text)) == text
        assert (clean(text), normalise(text), text_key(text)) == whole
