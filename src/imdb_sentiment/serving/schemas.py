"""Bodies of requests and answers, from which the OpenAPI document is made."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from imdb_sentiment.inference.inputs import Combination, combination_of
from imdb_sentiment.results.inference import Prediction

__all__ = [
    "TAGS",
    "ExplainRequest",
    "Health",
    "ManyTexts",
    "ModelInfo",
    "OneText",
    "PredictRequest",
    "PredictResponse",
    "Problem",
    "TextPair",
]

_Text = Annotated[str, Field(json_schema_extra={"minLength": 1, "pattern": r"\S"})]
"""The pattern is for those who read the schema; what is blank is decided, and said, by the library itself."""


class _Body(BaseModel):
    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class TextPair(_Body):
    """Two texts, for a model that was trained on two columns."""

    text: _Text
    """The first text."""

    text_pair: _Text
    """The second text."""


class _Options(_Body):
    abstain_below: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Mark predictions whose label is less probable as abstained."""

    abstain: str | None = None
    """Instead of a probability, a promise on the predictions that are not abstained: `error<=0.02`, or
    `precision>=0.95` for the positive label. It holds with 95 % confidence; refused if the model cannot make it."""

    cascade: bool = False
    """Let the TF-IDF model answer the texts that it is confident of, if the model was trained with a cascade."""

    ensemble: bool = False
    """Average the encoder and that TF-IDF model over each text; not with `cascade`."""

    def combination(self) -> Combination:
        """Return the models to use; ConfigError if the options exclude each other."""
        return combination_of(cascade=self.cascade, ensemble=self.ensemble)


class OneText(_Options):
    """One text, or for a model of two text columns one pair."""

    text: _Text
    """The text to classify."""

    text_pair: _Text | None = None
    """The second text, if the model was trained on two columns."""

    def items(self) -> list[Any]:
        """Return the texts as `SentimentClassifier.predict` takes them."""
        return [_as_item(self.text, self.text_pair)]


TAGS = frozenset({"a text", "a pair", "one text", "many texts"})
"""Names of alternatives, which pydantic puts into the places of errors between those of fields."""


def _kind_of_item(value: object) -> str:
    return "a pair" if isinstance(value, dict | TextPair) else "a text"


def _kind_of_body(value: object) -> str:
    has_texts = "texts" in value if isinstance(value, dict) else isinstance(value, ManyTexts)
    return "many texts" if has_texts else "one text"


_Item = Annotated[Annotated[_Text, Tag("a text")] | Annotated[TextPair, Tag("a pair")], Discriminator(_kind_of_item)]


class ManyTexts(_Options):
    """Several texts or pairs, which are answered in their order."""

    texts: Annotated[
        list[
            Annotated[
                Annotated[_Text, Tag("a text")] | Annotated[TextPair, Tag("a pair")], Discriminator(_kind_of_item)
            ]
        ],
        Field(min_length=1),
    ]
    """The texts, or pairs of texts, to classify."""

    def items(self) -> list[Any]:
        """Return the texts as `SentimentClassifier.predict` takes them."""
        return [item if isinstance(item, str) else _as_item(item.text, item.text_pair) for item in self.texts]


PredictRequest = Annotated[
    Annotated[OneText, Tag("one text")] | Annotated[ManyTexts, Tag("many texts")], Discriminator(_kind_of_body)
]
"""One text or several. The field `texts` tells which, so that an error is about the form that was meant."""


class ExplainRequest(_Body):
    """One text, or for a model of two text columns one pair."""

    text: _Text
    """The text to explain."""

    text_pair: _Text | None = None
    """The second text, if the model was trained on two columns."""

    def items(self) -> list[Any]:
        """Return the text as `SentimentClassifier.predict` takes it."""
        return [_as_item(self.text, self.text_pair)]


class PredictResponse(_Body):
    """Predictions in the order of the texts."""

    predictions: list[Prediction]


class ModelInfo(_Body):
    """What is served."""

    name: str
    """Name of the model's folder, or the name given to `create_app`."""

    labels: tuple[str, str]
    """Names of the negative and of the positive label."""

    text_columns: tuple[str, ...]
    """What the model reads: one text, or two that form a pair."""

    threshold: float
    """A text is called positive if its positive probability is above it."""

    precision: str | None
    """What the model computes in."""

    cascade: bool
    """Whether the model has a TF-IDF model that may answer first."""

    ensemble: bool
    """Whether the encoder and that model can be averaged."""

    explains: bool
    """Whether the server can explain predictions."""


class Health(_Body):
    """State of the server."""

    status: Literal["loading", "ready", "draining"]
    """`draining` from the signal to stop to the last answer."""

    version: str
    """Version of imdb_sentiment."""

    model: ModelInfo | None
    """None while it is loaded."""


class Problem(_Body):
    """Why a request was not answered."""

    detail: str
    """What was found, what was expected and what to try."""

    rows: tuple[int, ...] = ()
    """Positions of the texts at fault, counted from 1; empty if the fault is not in single texts."""


def _as_item(text: str, text_pair: str | None) -> Any:
    return text if text_pair is None else (text, text_pair)
