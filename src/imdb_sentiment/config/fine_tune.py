"""How the model learns, and the named recipes."""

import re
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from imdb_sentiment.config.base import Frozen, NamesFromText, PathAsText, Seed
from imdb_sentiment.errors import ConfigError, nearest
from imdb_sentiment.runtime.messages import quote

__all__ = ["NON_TRAINING_FIELDS", "FineTuneConfig", "Metric", "Preset", "SettledConfig"]

NON_TRAINING_FIELDS = {"per_device_eval_batch_size", "save_total_limit", "report_to", "threshold", "cascade"}
"""Fields of `FineTuneConfig` that do not decide how a run ends, so that they may change when it is gone on with."""

Preset = Literal["tutorial", "fast", "balanced", "accurate"]
Metric = Literal[
    "auto",
    "accuracy",
    "balanced_accuracy",
    "f1",
    "matthews_correlation",
    "roc_auc",
    "average_precision",
    "log_loss",
]


def _known_threshold(value: float | str) -> float | str:
    """Accept a probability, also as text, or a goal."""
    goal = re.fullmatch(r"(precision|recall) *>= *(0?\.\d+|1|1\.0*)", str(value))
    try:
        number = float(value)
    except ValueError:
        if goal:
            return f"{goal[1]}>={goal[2]}"
        if value == "max_f1":
            return value
    else:
        if 0 < number < 1:
            return number
    expected = "a number between 0 and 1, max_f1, precision>=0.95 or recall>=0.95 (with any share)"
    raise ValueError(f"threshold = {quote(value)}: expected {expected}")


class FineTuneConfig(Frozen):
    """How the encoder is fine-tuned.

    The defaults depart from the tutorial's recipe (learning rate 2e-5, batch 16, 3 epochs, weight decay 0.01, 128
    tokens) where something else was more accurate or quicker with MiniLM on IMDb. The fields say what was measured; the
    numbers stand in the benchmarks page.

    Raises:
        ConfigError: A field is unknown or its value is not valid; the nearest valid field is named.
    """

    main_field, argument = "model_name", "config"

    model_name: Annotated[str, Field(min_length=1), PathAsText] = "google-bert/bert-base-uncased"
    """Encoder to start from: a model on the hub (`owner/name`), a local folder, or `minilm`, the small
    all-MiniLM-L6-v2 that the extra `demo` brings from PyPI."""

    model_revision: str | None = None
    """Branch, tag or commit of the hub model."""

    pooling: Literal["mean", "first"] = "mean"
    """What the head reads: the mean of all tokens beside the first one, or the first token alone, as stock models do.
    For BERT, RoBERTa and DistilBERT the mean comes from one more layer, which stock programs load like any other; for
    ModernBERT from its own setting. Other architectures, and a head that the checkpoint brings, read what they did."""

    method: Literal["auto", "fine_tune", "contrastive", "probe"] = "auto"
    """How the model is trained. `fine_tune` trains encoder and head together. `contrastive` moves texts of one class
    together and texts of two classes apart, and then fits the head by logistic regression, as SetFit does (Tunstall et
    al., 2022). `probe` fits the head alone, and leaves the encoder as it is. `auto` is `fine_tune` from 500 training
    rows on, and where `num_train_epochs` or `cascade` is set or several processes train; below, it is the one of
    `contrastive` and `probe` with the lower log loss on rows held out. With `fine_tune` alone, a head that the
    checkpoint brings for the same two labels is kept."""

    linear_probe: bool = True
    """Fit a new head to the encoder's own features by logistic regression before the encoder is trained, so that the
    first steps do not distort the encoder for the sake of a random head (Kumar et al., Fine-Tuning can Distort
    Pretrained Features and Underperform Out-of-Distribution, ICLR 2022)."""

    max_length: Annotated[int, Field(ge=8)] = 256
    """Longest input in tokens, special tokens included; longer texts are cut by `truncation`. The tutorial's 128
    keeps 11 % of IMDb's reviews whole, 256 keeps 59 % after cleaning. Measured with MiniLM on 2,000 reviews: 85.3 %
    right on validation against 82.0 % with 128, at about twice the time."""

    truncation: Literal["head", "tail", "head_tail"] = "head_tail"
    """What is kept of a text above `max_length`: its beginning, its end, or a quarter from the beginning and the rest
    from the end (Sun et al., 2019), since opinions are often summed up at the end. Stock Hugging Face code can do the
    first two only; it reads the head of a text above the limit, and the saved folder says so."""

    padding: Literal["longest", "max_length"] = "longest"
    """Pad to the longest text of a batch, or always to `max_length` as the tutorial does, which costs time and
    changes no prediction."""

    group_by_length: bool = True
    """Put texts of similar length into the same training batch, so that little of it is padding. Measured together with
    `padding` at 128 tokens on IMDb, whose reviews are long: 5 % less time, the same accuracy within the error."""

    clean_text: bool = True
    """Read HTML line breaks and control characters as spaces and drop zero-width characters. Done by the tokenizer
    and saved with it, so that any program that loads the model cleans in the same way. It makes IMDb's reviews 5 %
    shorter in tokens; a difference in accuracy was not seen (82.0 % and 82.2 %)."""

    dropout: Annotated[float, Field(ge=0, lt=1)] | None = 0.0
    """Dropout everywhere in the encoder and before its head while it learns; empty (`None`) keeps the checkpoint's
    own, 0.1 for BERT. Off, since in two epochs it was not more accurate (89.7 % against 90.1 % on 2,000 validation
    reviews), and makes attention slower on a CPU."""

    learning_rate: PositiveFloat | Literal["auto"] = "auto"
    """Peak learning rate of AdamW; it falls linearly to 0 over the run. From 4,000 training rows on, `auto` is 1e-4
    for encoders up to 512 wide, such as MiniLM, and 3e-5 for wider ones, such as BERT base, for which Devlin et al.
    (2019) used 2e-5 to 5e-5; below, it is 5e-5 and 2e-5. MiniLM reached 88.6 % with 5e-5, 90.1 % with 1e-4 and 90.0 %
    with 2e-4 on 2,000 validation reviews; a trial on 300 sentences of SST-2, with one seed, 82.0 % with 5e-5 and 78.7 %
    with 1e-4 on 400 others."""

    warmup_ratio: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the training steps over which the learning rate rises from 0 to its peak."""

    per_device_train_batch_size: PositiveInt | Literal["auto"] = "auto"
    """Rows per training step on each device, times `gradient_accumulation_steps`. `auto` follows the number of training
    rows: 8 rows a step below 500, 16 below 4,000, and 32 from there on, over all devices."""

    gradient_accumulation_steps: PositiveInt = 1
    """Batches whose gradients are added up for one step. The step is that of one large batch."""

    max_tokens_per_forward: PositiveInt | Literal["auto"] = "auto"
    """Tokens, padding included, that go through the model at once while it learns. A larger batch is divided into
    passes: less memory, the same step. `auto` is 1,024 on a CPU, where 4,096 are at most
    a tenth quicker and take twice the memory, and 16,384 on a GPU."""

    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Numbers that training computes with; weights stay in fp32. `auto` is bf16 on a GPU that knows it, and on a CPU
    with instructions for it if a trial step is faster, else fp32. Calibration and all figures after training are
    computed in fp32, in which a text has the same probabilities in whatever company, to 1e-5."""

    per_device_eval_batch_size: PositiveInt = 16
    """Rows per batch on each device where validation rows are measured; changes speed and memory, not results."""

    num_train_epochs: PositiveInt | Literal["auto"] = "auto"
    """Passes over the training rows. `auto` takes as many as come to about 250 steps, from 2 to 10: 2 from 1,600 rows
    on, 4 for 1,000, 7 for 300."""

    first_epoch_max_length: Annotated[int, Field(ge=8)] | None = 64
    """Longest training input in the first epoch, if that is below `max_length`; empty (`None`) for `max_length` itself.
    Most of what there is to learn is learnt from shorter texts, at a fraction of the cost. With a single epoch, no
    longer ones are learnt from at all. The contrastive stage for few rows reads no more either. Evaluation and
    prediction read up to `max_length` always."""

    evaluations_per_epoch: PositiveInt = 1
    """How often in an epoch the model is evaluated and a checkpoint saved, at even distances. A killed run loses what
    it learnt since the last one."""

    early_stopping_patience: PositiveInt | None = None
    """Stop after so many evaluations in a row without a better one. The learning rate falls to 0 over all epochs, so
    this saves time only where there are many."""

    save_total_limit: PositiveInt = 1
    """How many of the newest checkpoints are kept, beside the best one."""

    weight_decay: NonNegativeFloat = 0.01
    """Weight decay of AdamW; biases and layer norms are exempt."""

    class_weight: Literal["balanced"] | None = None
    """`balanced` weights each row's training loss by n / (2 * n_class), where n counts the training rows and n_class
    those of the row's class, so that both classes weigh the same. Validation is never weighted. To find more of the
    rarer class, leave class_weight off and choose a `threshold` for a goal, such as `max_f1`: that finds as much, and
    the probabilities stay calibrated. With weights those of the rarer class are too high, of which the temperature
    corrects a part only, as it moves both classes alike."""

    load_best_model_at_end: bool = True
    """Keep the epoch with the best validation metric instead of the last one, which the tutorial keeps. In the runs
    measured on IMDb both were the same epoch."""

    metric_for_best_model: Metric = "auto"
    """Validation metric that decides which epoch is best. `auto` is log loss, as it uses how sure the model is of each
    row, where accuracy and F1 count rows and cannot tell epochs apart on a few dozen of them. It is that of the
    calibrated model. With another metric, epochs within one standard error of the best are chosen by log loss too."""

    report_to: Annotated[tuple[str, ...], NamesFromText] = ()
    """Trackers that get loss, learning rate and validation metrics, by the names that transformers has for them, such
    as `tensorboard`, `trackio`, `mlflow` or `wandb`. Their packages are not brought along."""

    threshold: Annotated[float | str, AfterValidator(_known_threshold)] = 0.5
    """Positive probability above which a text is called positive: a number between 0 and 1, or a goal for which one is
    chosen on the validation split: `max_f1`, or `precision>=0.95` or `recall>=0.95` with any share. Of the thresholds
    that reach such a goal, the one with the highest recall, or precision, is taken. Kept with the model and applied by
    the classifier and the command line; a stock pipeline does not know it."""

    cascade: bool = False
    """Fit a quick model of words on the training rows as well, for `SentimentClassifier.predict(cascade=True)`: it
    answers the texts that it is sure of, and the encoder reads the rest. How sure it must be is chosen on validation,
    so that accuracy should not fall; log loss may rise. Takes seconds, and 8 MB of the saved model. A stock
    pipeline does not know of it."""

    seed: Seed = 42
    """Seed of everything random in training: the new classification head, dropout and the order of the rows."""

    @model_validator(mode="after")
    def _check_stopping(self) -> Self:
        if self.early_stopping_patience is not None and not self.load_best_model_at_end:
            raise ValueError("early_stopping_patience needs load_best_model_at_end, or a worse epoch would be kept")
        return self

    @classmethod
    def preset(cls, name: str = "balanced", **changes: Any) -> Self:
        """Return a named recipe, with fields changed if given.

        Args:
            name: `"balanced"`, the plain defaults; `"fast"`; `"accurate"`; or `"tutorial"`, the recipe this library
                began as: inputs cut at the head and always padded to 128 tokens, no cleaning, no warm-up, shuffled
                batches, dropout, last epoch kept. What each costs and reaches stands in the benchmarks page.
            **changes: Fields to change, e.g. `model_name="minilm"`.

        Raises:
            ConfigError: There is no preset of that name, or a field is not valid.
        """
        if not isinstance(name, str) or name not in _PRESETS:
            known = ", ".join(get_args(Preset))
            raise ConfigError(
                f"unknown preset {quote(name)}", expected=f"one of {known}", hint=nearest(str(name), _PRESETS)
            )
        return cls(**(_PRESETS[name] | changes))


class SettledConfig(FineTuneConfig):
    """A configuration in which what follows the number of rows is settled; see `training.recipe.settle`."""

    learning_rate: PositiveFloat
    per_device_train_batch_size: PositiveInt
    num_train_epochs: PositiveInt

    @property
    def epoch_max_lengths(self) -> tuple[int, ...]:
        """Longest training input of each epoch, in tokens."""
        first, epochs = self.first_epoch_max_length, self.num_train_epochs
        if first is None:
            return (self.max_length,) * epochs
        return (min(first, self.max_length),) + (self.max_length,) * (epochs - 1)


_PRESETS: dict[str, dict[str, Any]] = {
    "tutorial": {
        "method": "fine_tune",
        "pooling": "first",
        "linear_probe": False,
        "max_length": 128,
        "truncation": "head",
        "padding": "max_length",
        "group_by_length": False,
        "clean_text": False,
        "dropout": None,
        "learning_rate": 2e-5,
        "warmup_ratio": 0.0,
        "per_device_train_batch_size": 16,
        "per_device_eval_batch_size": 16,
        "precision": "fp32",
        "num_train_epochs": 3,
        "first_epoch_max_length": None,
        "weight_decay": 0.01,
        "load_best_model_at_end": False,
    },
    "fast": {"num_train_epochs": 1},
    "balanced": {},
    "accurate": {"max_length": 512},
}
