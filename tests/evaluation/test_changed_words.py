"""Words that changed are named where a name is known, and none where nothing changed."""

from imdb_sentiment.data.word_sets import WordSets
from imdb_sentiment.evaluation.changed_words import changed_words, names_of

BEFORE = WordSets.of([f"plot number{i} {'actor' if i % 2 else 'scene'}" for i in range(200)])
AFTER = WordSets.of([f"plot other{i} {'battery' if i % 6 else 'scene'}" for i in range(150)])


def test_words_are_named_with_their_shares() -> None:
    found = changed_words(BEFORE, AFTER, names_of(["battery", "scene", "plot", "actor"]))
    assert [change.word for change in found.more_frequent] == ["battery"]
    assert (found.more_frequent[0].training_share, found.more_frequent[0].new_share) == (0, 125 / 150)
    assert [change.word for change in found.less_frequent] == ["actor", "scene"]
    assert found.unnamed == 0


def test_a_word_without_a_name_is_counted() -> None:
    found = changed_words(BEFORE, AFTER, names_of(["battery", "scene"]))
    assert [change.word for change in found.less_frequent] == ["scene"]
    assert found.unnamed == 1


def test_texts_of_one_kind_have_no_changed_words() -> None:
    assert changed_words(BEFORE, BEFORE, {}) == ((), (), 0)


def test_the_first_word_of_a_bucket_names_it() -> None:
    assert list(names_of(["one", "two", "one"]).values()).count("one") == 1
    assert names_of([]) == {}
