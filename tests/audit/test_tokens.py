from pathlib import Path
from statistics import mean, median

import pandas as pd
import pytest
from auditing import clean_rows, codes, one

from conftest import make_reviews
from imdb_sentiment import DataConfig, FineTuneConfig, ModelError, audit_dataset
from imdb_sentiment.audit import tokens
from imdb_sentiment.models.pretrained import load_encoder
from imdb_sentiment.models.tokenization import TextEncoder
from imdb_sentiment.results import DataAudit

WORD = "wonderful"


def audit_with(model: Path, *texts: str) -> DataAudit:
    known, labels = make_reviews(60)
    return audit_dataset(([*known, *texts], [*labels, *(i % 2 for i in range(len(texts)))]), model_name=str(model))


def test_without_a_model_tokens_are_not_counted() -> None:
    audit = audit_dataset(clean_rows())
    assert audit.tokens is None
    assert "--model NAME" in str(audit)


def test_lengths_are_those_of_the_encoder(tiny_model: Path) -> None:
    audit = audit_with(tiny_model)
    encoder = load_encoder(FineTuneConfig(model_name=str(tiny_model))).text_encoder
    lengths = [text.length for text in encoder.encode(make_reviews(60)[0])]
    measured = audit.tokens
    assert measured is not None
    assert (measured.model, measured.rows, measured.longest) == (str(tiny_model), 60, max(lengths))
    assert measured.mean == pytest.approx(mean(lengths))
    assert measured.median == median(lengths)
    assert measured.truncated == {"128": 0, "256": 0, "512": 0}
    assert measured.unknown == 0
    assert not any(code.startswith(("truncated", "unknown", "no_tokens")) for code in codes(audit))


def test_texts_longer_than_a_limit(tiny_model: Path) -> None:
    # two special tokens stand around each text
    texts = [" ".join([WORD] * words) for words in (126, 127, 254, 255, 510, 511)]
    audit = audit_with(tiny_model, *texts)
    found = {code: (one(audit, code).count, one(audit, code).rows) for code in codes(audit) if code[:9] == "truncated"}
    assert found == {
        "truncated_at_128": (5, (62, 63, 64, 65, 66)),
        "truncated_at_256": (3, (64, 65, 66)),
        "truncated_at_512": (1, (66,)),
    }
    assert one(audit, "truncated_at_512").severity == "info"
    assert audit.tokens is not None
    assert audit.tokens.truncated == {"128": 5 / 66, "256": 3 / 66, "512": 1 / 66}


def test_tokens_that_the_model_does_not_know(tiny_model: Path) -> None:
    audit = audit_with(tiny_model, "快乐 电影", "快乐 wonderful 剧情 演员 音乐 导演", " ".join([WORD] * 20))
    finding = one(audit, "unknown_tokens")
    assert (finding.severity, finding.count, finding.rows) == ("warning", 2, (61, 62))
    assert audit.tokens is not None
    assert 0 < audit.tokens.unknown < 0.05
    many = " ".join([WORD] * 1000)
    assert "unknown_tokens" not in codes(audit_with(tiny_model, "快乐", many))


def test_texts_that_give_special_tokens_only(tiny_model: Path) -> None:
    audit = audit_with(tiny_model, "Fine.", "\u200d\u200d", "Fine too.")
    finding = one(audit, "no_tokens")
    assert (finding.severity, finding.count, finding.rows) == ("warning", 1, (62,))


def test_pairs_are_encoded_together(tiny_model: Path) -> None:
    texts, labels = make_reviews(60)
    frame = pd.DataFrame({"title": texts, "body": [" ".join([WORD] * 9)] * 60, "label": labels})
    audit = audit_dataset(frame, DataConfig(text_columns=("title", "body")), model_name=str(tiny_model))
    alone = audit_with(tiny_model).tokens
    assert audit.tokens is not None
    assert alone is not None
    assert audit.tokens.longest == alone.longest + 10


def test_no_rows_have_no_lengths(tiny_model: Path) -> None:
    assert audit_dataset(([None], [1]), model_name=str(tiny_model)).tokens is None


def test_an_unknown_model_is_an_error_before_the_source_is_read() -> None:
    with pytest.raises(ModelError, match="there is no model folder"):
        audit_dataset("nowhere.csv", model_name="./nowhere")


def test_texts_are_tokenised_in_chunks_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_CHUNK_CHARS", 10)
    monkeypatch.setattr(tokens, "_CHUNK_TEXTS", 3)
    lengths = [4, 4, 4, 20, 1, 1, 1, 1, 9, 2]
    chunks = list(tokens._divide([("x" * length,) for length in lengths]))
    assert [[len(text) for (text,) in chunk] for chunk in chunks] == [[4, 4], [4], [20], [1, 1, 1], [1, 9], [2]]
    assert list(tokens._divide([])) == []


@pytest.mark.parametrize("pair", [False, True])
def test_a_long_text_is_counted_in_parts(tiny_model: Path, pair: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{text} {text}" for text in make_reviews(8)[0]]
    rows = pd.DataFrame({"text": texts, "title": "Unheard-of and superb.", "label": [0, 1] * 4})
    count_long = tokens._count_long
    columns = {"text_columns": ("title", "text")} if pair else {}
    config = DataConfig(near_duplicates="ignore", **columns)  # type: ignore[arg-type]
    whole = audit_dataset(rows, config, model_name=str(tiny_model)).tokens
    monkeypatch.setattr(tokens, "_CHUNK_CHARS", 60)
    monkeypatch.setattr(tokens, "_PART_CHARS", 10)
    counted: list[tuple[str, ...]] = []

    def count(texts: tuple[str, ...], encoder: TextEncoder) -> tuple[int, int]:
        counted.append(texts)
        return count_long(texts, encoder)

    monkeypatch.setattr(tokens, "_count_long", count)
    assert audit_dataset(rows, config, model_name=str(tiny_model)).tokens == whole
    assert len(counted) == 8
