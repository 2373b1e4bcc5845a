"""How finely a tokenizer cuts the words of texts: of its own language, of others, and of odd spellings.

The sentences in vocabulary.txt were written for this: what guests might say of a hotel, a film or a meal. Files of
texts to compare them with are given beside.

    python benchmarks/vocabulary.py minilm sms.tsv:SMS:Label imdb.parquet
"""

import argparse
from pathlib import Path

from imdb_sentiment import DataConfig, FineTuneConfig
from imdb_sentiment.audit.vocabulary import SplitCounts, describe_mismatch, split_words
from imdb_sentiment.data.sources import load_source
from imdb_sentiment.models.pretrained import load_encoder

_TEXTS = Path(__file__).with_suffix(".txt")


def read_texts() -> dict[str, list[str]]:
    """Return the texts of each kind."""
    blocks = _TEXTS.read_text(encoding="utf-8").split("# ")[1:]
    return {name: texts for name, *texts in (block.strip().splitlines() for block in blocks)}


def show(name: str, words: SplitCounts, runs: SplitCounts) -> None:
    most = max(words, runs, key=lambda cut: cut.letters)
    known = f"{most.tokens_per_word:.2f} | {most.letters_per_token:.2f}" if most.words else "- | -"
    if most is runs:
        known = f"- | {most.letters_per_token:.2f}"
    found = "yes" if describe_mismatch(words, runs) else "no"
    print(f"| {name} | {most.letters:,} | {known} | {most.unknown / most.letters:.0%} | {found} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("source", nargs="*", help="PATH[:TEXT_COLUMN[:LABEL_COLUMN]]")
    options = parser.parse_args()
    tokenizer = load_encoder(FineTuneConfig(model_name=options.model, max_length=64)).text_encoder.tokenizer
    print("| texts | letters | tokens a word | letters a token | in unknown words | found |")
    print("|---|---|---|---|---|---|")
    for name, texts in read_texts().items():
        show(name, *split_words(texts, tokenizer))
    for source in options.source:
        path, text, label = [*source.split(":"), "text", "label"][:3]
        rows = load_source(DataConfig(source=path, text_column=text, label_column=label)).splits["train"]
        show(path, *split_words(rows.table["text"].to_pylist()[:5000], tokenizer))


if __name__ == "__main__":
    main()
