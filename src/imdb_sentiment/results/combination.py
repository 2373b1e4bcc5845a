"""How the encoder and a TF-IDF model are combined: the settings that training chose on held-out rows."""

from dataclasses import dataclass

from imdb_sentiment.results.base import Record

__all__ = ["CascadeChoice", "EnsembleChoice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeChoice(Record):
    """Settings of a cascade of a TF-IDF model and the encoder, chosen on the validation split."""

    margin: float
    """Least confidence for the TF-IDF model to answer, at a threshold of 0.5; 1 for never. At another threshold, the
    distance from it in log odds is the same."""

    blend: float
    """Weight of the TF-IDF model in the log odds of the texts that the encoder reads."""

    answered: float
    """Share of the validation rows answered by the TF-IDF model."""

    accuracy: float
    """Accuracy of the cascade on the validation split; optimistic, since margin and blend were fitted to it."""

    encoder_accuracy: float
    """Accuracy of the encoder alone on the same rows."""

    log_loss: float
    """Log loss of the cascade on the validation split."""

    encoder_log_loss: float
    """Log loss of the encoder alone on the same rows."""

    def __str__(self) -> str:
        return (
            f"cascade: the TF-IDF model answers {self.answered:.0%} of validation,\n"
            f"  accuracy {self.encoder_accuracy:.4f} without and {self.accuracy:.4f} with it,\n"
            f"  log loss {self.encoder_log_loss:.4f} without and {self.log_loss:.4f} with it"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsembleChoice(Record):
    """Settings of an ensemble of the encoder and the TF-IDF model, chosen on held-out rows."""

    weight: float
    """Weight of the TF-IDF model in the average of the log odds; 0 if it does not help."""

    temperature: float
    """Divisor of that average. Below 1, because an average of two models is less confident than it should be."""

    threshold: float
    """Texts with a positive probability above it are predicted positive."""

    reached: bool
    """Whether the threshold reaches its goal on the held-out rows."""

    accuracy: float
    """Accuracy of the ensemble on the held-out rows; optimistic, since weight and temperature were fitted to them."""

    encoder_accuracy: float
    """Accuracy of the encoder alone on the same rows."""

    log_loss: float
    """Log loss of the ensemble on the held-out rows."""

    encoder_log_loss: float
    """Log loss of the encoder alone on the same rows."""

    def __str__(self) -> str:
        return (
            f"ensemble: the TF-IDF model has a weight of {self.weight:g},\n"
            f"  accuracy {self.encoder_accuracy:.4f} without and {self.accuracy:.4f} with it,\n"
            f"  log loss {self.encoder_log_loss:.4f} without and {self.log_loss:.4f} with it"
        )
