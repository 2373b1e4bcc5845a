from imdb_sentiment.results.tables import format_table


def test_a_table_is_aligned_left_in_the_first_column_and_right_in_the_others() -> None:
    assert format_table([["a", "long"], ["bcd", "1"]]) == ["a    long", "bcd     1"]
