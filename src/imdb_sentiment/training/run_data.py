"""The rows of a fine-tuner: loaded when first used, replaced by rows that are given, and audited once."""

from typing import TYPE_CHECKING

from imdb_sentiment.config import DataConfig, source_of
from imdb_sentiment.data.data_like import DataSplits
from imdb_sentiment.data.splits import LoadedSplits, given_splits, load_splits

if TYPE_CHECKING:
    from collections.abc import Callable

    from imdb_sentiment.models.tokenization import TextEncoder
    from imdb_sentiment.results.audit import DataAudit

__all__ = ["RunData"]


class RunData:
    """The rows of a fine-tuner.

    Args:
        config: Where they come from, until others are taken.
        cross_below: Returns the number of rows below which each is held out in turn; see `load_splits`.

    Attributes:
        config: Where the rows come from that are here, or will be loaded.
        are_given: Whether they were given to `fit` as objects.
    """

    def __init__(self, config: DataConfig, cross_below: "Callable[[], int]") -> None:
        self.config = config
        self._cross_below = cross_below
        self.are_given = False
        self._loaded: LoadedSplits | None = None
        self._audit: DataAudit | None = None

    def load(self, config: DataConfig) -> LoadedSplits:
        """Return the rows that are here, or load those of the configuration."""
        return self._loaded or self._take(None, config)

    def renew(self, data: object, config: DataConfig) -> LoadedSplits:
        """Put rows that are given, or for None the source's, in the place of others that an earlier fit was given.

        Args:
            data: As for `SentimentFineTuner.fit`.
            config: Configuration of the data.
        """
        if data is not None or self.are_given or self.config != config:
            return self._take(data, config)
        return self.load(config)

    def _take(self, data: object, config: DataConfig) -> LoadedSplits:
        rows, config = source_of(data, config)
        if isinstance(rows, DataSplits):
            self._loaded = given_splits(rows)
        else:
            self._loaded = load_splits(config, rows, cross_below=self._cross_below())
        self._audit = None
        self.are_given, self.config = rows is not None, config
        return self._loaded

    def audit(self, encoder: "Callable[[], TextEncoder]", model_name: str) -> "DataAudit | None":
        """Audit the rows that are here, unless that was done before; None if their source is not known.

        Args:
            encoder: Returns what measures their length in tokens.
            model_name: What the audit calls the model.
        """
        from imdb_sentiment.audit.dataset import audit_rows

        source = self._loaded.source if self._loaded else None
        if self._audit is None and source is not None:
            self._audit = audit_rows(*source, self.config, encoder=encoder(), model_name=model_name)
        return self._audit
