"""Publication of an opened model: on the hub, as a graph that runs without PyTorch, or to another process."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from os import PathLike
from typing import Any, Literal

from imdb_sentiment.errors import ConfigError, ModelError
from imdb_sentiment.inference.inputs import TextsLike
from imdb_sentiment.persistence.opened_model import LoadArguments, OpenedModel, hold_model, open_model
from imdb_sentiment.persistence.torch_model import pack_model, unpack_model
from imdb_sentiment.results.inference import ExportReport
from imdb_sentiment.runtime.files import as_path
from imdb_sentiment.runtime.messages import quote

__all__ = ["Publication"]


class Publication:
    """The methods of `SentimentClassifier` that hand the model on."""

    _opened: OpenedModel

    def push_to_hub(
        self,
        repo_id: str,
        *,
        private: bool | None = None,
        token: str | None = None,
        commit_message: str = "Model of imdb_sentiment",
    ) -> str:
        """Push the model to the Hugging Face hub, where `from_pretrained` and a stock pipeline open it by its id.

        The folder is pushed in one commit, and the address of the repository is returned. Check three files before you
        make them public: `imdb_sentiment.json` names the source of the data, `seen_rows.npz` shows anyone who has a
        text whether the model was trained on it, and `training_words.npz` shows which words are in training texts.

        Args:
            repo_id: Repository, such as `someone/spam`, or `spam` for your own; created if missing.
            private: Whether a created repository is private; by default the owner's setting.
            token: Token with write access; by default that of `hf auth login` or `HF_TOKEN`.
            commit_message: Message of the commit.

        Raises:
            ConfigError: The hub does not permit it, or the name is invalid.
            HubUnavailableError: The hub did not answer.
        """
        from imdb_sentiment.persistence.torch_model import push_artifact

        return push_artifact(
            self._opened.with_weights("push_to_hub"), repo_id, private=private, token=token, message=commit_message
        )

    def export(
        self,
        folder: str | PathLike[str],
        *,
        format: Literal["onnx"] = "onnx",  # noqa: A002
        quantize: Literal["int8"] | None = None,
        texts: TextsLike | None = None,
        labels: Iterable[int | str] | None = None,
        overwrite: bool = False,
    ) -> ExportReport:
        """Export the model to run without PyTorch and faster on a CPU. Needs the extra `onnx`.

        The export is compared with this model before it is kept. Give many texts of your own: the effect of rounding
        depends on them.

        Args:
            folder: Folder to write, which `from_pretrained` opens.
            format: `onnx`, for ONNX Runtime or OpenVINO on a CPU.
            quantize: `int8` rounds the weights: a quarter of the size, and faster in ONNX Runtime.
            texts: Texts to compare on; by default reviews that come with the library.
            labels: Their labels, for the accuracy before and after; as for `evaluate`.
            overwrite: Replace a model of this library. Nothing else is ever overwritten.

        Raises:
            DataError: A text cannot be classified, or a label is not one of the model's.
            ModelError: Fewer than 99 % of the texts get the same label; nothing was kept.
            OutputExistsError: The folder is not empty.

        Example:
            ```python
            print(classifier.export("exported"))
            without_torch = SentimentClassifier.from_pretrained("exported")
            ```
        """
        from imdb_sentiment.persistence.onnx_model import export_artifact

        if format != "onnx" or quantize not in (None, "int8"):
            raise ConfigError(
                f"format={quote(format)}, quantize={quote(quantize)} is not known", expected="onnx; int8 or None"
            )
        artifact = self._opened.with_weights("export")
        folder = as_path(folder, "folder")
        return export_artifact(folder, artifact, quantize=quantize, texts=texts, labels=labels, overwrite=overwrite)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle where the model is and how it was opened, not its weights; a copy computes in the same precision.

        A model that was not opened from a folder (`SentimentFineTuner.classifier`) is pickled with its weights.
        """
        if self._opened.arguments is None:
            return _unpack, (type(self), pack_model(self._opened.with_weights("pickling")))
        return _reopen, (type(self), self._opened.arguments, self._opened.identity)


def _unpack(kind: Callable[[OpenedModel], Any], files: Mapping[str, bytes]) -> Any:
    """Open a model that was pickled with its weights.

    Unlike `_reopen` it remembers none: to send the weights takes longer than to open them, and two copies would share
    what `model` lets one change.
    """
    return kind(hold_model(unpack_model(files)))


@lru_cache(maxsize=2)
def _reopen(kind: Callable[[OpenedModel], Any], arguments: LoadArguments, identity: str) -> Any:
    """Open a model that another process sent; tasks that follow each other share it."""
    opened = open_model(arguments)
    if opened.identity != identity:
        raise ModelError(
            f"{arguments.path} is another model here than in the process that sent it",
            hint="a shared folder that does not change",
        )
    return kind(opened)
