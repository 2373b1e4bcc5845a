"""Detect a vocabulary made for another language, by how finely it splits words."""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from unicodedata import normalize

from imdb_sentiment.audit.finding_codes import find_whole
from imdb_sentiment.audit.sampling import read_texts, smallest_digests
from imdb_sentiment.results.audit import Finding

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from imdb_sentiment.data.inspection import Rows

__all__ = ["SplitCounts", "describe_mismatch", "find_mismatch", "split_words"]

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
"""Scripts without spaces between words."""

# measured in docs/benchmarks.md; tokens per word alone would not do, as some languages have long words
_TOKENS_PER_WORD = 1.35
_LETTERS_PER_TOKEN = 2.85
_OTHER_LETTERS_PER_TOKEN = 2.0
"""For scripts other than Latin; a vocabulary with only their letters has 1."""

_TOKENS_PER_CHARACTER = 1.2
_UNKNOWN = 0.25
_SYLLABLES = "가", "힣"
_AFTER_LATIN = "\u0250"
_MIN_LETTERS = 100
_MAX_ROWS = 2000
_MAX_CHARACTERS = 2**17
"""Characters of a text to use."""


class SplitCounts(NamedTuple):
    """Counts of split words, or of runs of characters in scripts without spaces."""

    letters: int
    """Letters of all words; Korean syllables count by their letters."""

    latin: int
    """Letters of words in Latin script."""

    unknown: int
    """Letters of words with unknown characters."""

    words: int
    """Words without unknown characters."""

    tokens: int
    """Tokens of those words."""

    @property
    def tokens_per_word(self) -> float:
        """Mean number of tokens per known word."""
        return self.tokens / max(self.words, 1)

    @property
    def letters_per_token(self) -> float:
        """Mean number of letters per token of a known word."""
        return (self.letters - self.unknown) / max(self.tokens, 1)


def find_mismatch(parts: "Mapping[str, Rows]", tokenizer: "PreTrainedTokenizerFast") -> list[Finding]:
    """Find splits whose words the tokenizer splits like those of a foreign language, in a sample of the rows."""
    findings = []
    for split, rows in smallest_digests(parts, _MAX_ROWS).items():
        texts = (text for batch in read_texts(rows, "splitting words") for pair in batch for text in pair)
        summary = describe_mismatch(*split_words(texts, tokenizer))
        if summary:
            findings.append(find_whole("vocabulary_mismatch", split, len(parts[split]), f"in {split}, {summary}"))
    return findings


def split_words(texts: Iterable[str], tokenizer: "PreTrainedTokenizerFast") -> tuple[SplitCounts, SplitCounts]:
    """Split the words of texts, and runs of text without spaces; digits, signs and emoji are ignored."""
    spaced, unspaced = _splitters()
    words: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    for text in (whole[:_MAX_CHARACTERS] for whole in texts):
        words.update(word for word, _ in spaced.pre_tokenize_str(text))
        runs.update(run for run, _ in unspaced.pre_tokenize_str(text))
    return _count_tokens(words, tokenizer), _count_tokens(runs, tokenizer)


def describe_mismatch(words: SplitCounts, runs: SplitCounts) -> str | None:
    """Describe a mismatch of words, or of runs if they prevail; return None if the vocabulary may be right."""
    most = max(words, runs, key=lambda cut: cut.letters)
    if most.letters < _MIN_LETTERS:
        return None
    if most.unknown >= _UNKNOWN * most.letters:
        what = "letters are in words" if most is words else "text is in runs"
        return f"{most.unknown / most.letters:.0%} of the {what} with characters unknown to the model"
    if most is runs:
        finely = 1 / most.letters_per_token > _TOKENS_PER_CHARACTER
        return f"a character is split into {1 / most.letters_per_token:.1f} tokens on average" if finely else None
    fewest = _LETTERS_PER_TOKEN if most.latin > most.letters / 2 else _OTHER_LETTERS_PER_TOKEN
    if most.tokens_per_word < _TOKENS_PER_WORD or most.letters_per_token >= fewest:
        return None
    return (
        f"a word is split into {most.tokens_per_word:.1f} tokens of {most.letters_per_token:.1f} letters on average; "
        "in the vocabulary's own language it is about 1.1 tokens of 4 letters"
    )


def _count_tokens(words: Counter[str], tokenizer: "PreTrainedTokenizerFast") -> SplitCounts:
    letters = latin = unknown = known = tokens = 0
    # preceded by a space, since some vocabularies have other tokens for the beginnings of words
    spaced = [f" {word}" for word in words]
    encodings = tokenizer.backend_tokenizer.encode_batch_fast(spaced, add_special_tokens=False)
    for (word, count), encoding in zip(words.items(), encodings, strict=True):
        apart = normalize("NFD", word)
        length = len(apart) if _SYLLABLES[0] <= word[0] <= _SYLLABLES[1] else len(word)
        letters += count * length
        latin += count * length * (apart[0] < _AFTER_LATIN)
        if tokenizer.unk_token_id in encoding.ids:
            unknown += count * length
        else:
            known += count
            tokens += count * len(encoding.ids)
    return SplitCounts(letters, latin, unknown, known, tokens)


@cache
def _splitters() -> tuple[Any, Any]:
    from tokenizers import Regex
    from tokenizers.pre_tokenizers import Split

    patterns = rf"(?:(?![{_UNSPACED}])\p{{L}}\p{{M}}*)+", rf"(?:[{_UNSPACED}]\p{{M}}*)+"
    words, runs = (Split(Regex(pattern), "removed", invert=True) for pattern in patterns)
    return words, runs
