"""A model sent to the Hugging Face hub."""

from pathlib import Path
from tempfile import TemporaryDirectory

from imdb_sentiment.errors import ConfigError, HubUnavailableError
from imdb_sentiment.persistence.torch_model import Artifact, save_artifact
from imdb_sentiment.runtime.huggingface import is_unanswered, quiet
from imdb_sentiment.runtime.messages import cut, quote

__all__ = ["push_artifact"]

_OTHER_WEIGHTS = ["*.safetensors", "*.safetensors.index.json", "*.bin", "*.bin.index.json"]
_REFUSED = {401: "no token that it knows", 402: "it asks for a payment", 403: "the token may not write there"}


def push_artifact(artifact: Artifact, repo_id: str, *, private: bool | None, token: str | None, message: str) -> str:
    """Send a model folder to the hub as one commit, and return the address of its repository.

    Args:
        artifact: The model.
        repo_id: Its repository, made if there is none.
        private: Whether a repository that is made is private; None for the default of its owner.
        token: To write with; None for the one that is kept on this machine.
        message: Of the commit.

    Raises:
        ConfigError: The hub does not know the token, or does not let it write there, or no repository can have
            that name.
        HubUnavailableError: The hub did not answer.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    api = HfApi(token=token)
    try:
        with TemporaryDirectory() as place, quiet():
            # asked first: a refusal comes before the work
            url = api.create_repo(repo_id, private=private, exist_ok=True)
            folder = Path(place) / "model"
            save_artifact(folder, artifact, name=url.repo_id)
            api.upload_folder(
                repo_id=url.repo_id, folder_path=folder, commit_message=message, delete_patterns=_OTHER_WEIGHTS
            )
    except HFValidationError as error:
        raise ConfigError(
            f"{quote(repo_id)} is no name of a repository",
            found=str(error).replace(repo_id, cut(repo_id)),
            expected="owner/name",
        ) from None
    except Exception as error:
        if is_unanswered(error):
            raise HubUnavailableError(
                f"the Hugging Face hub is unreachable, and {repo_id} was not sent",
                expected="an answer from the hub (HF_ENDPOINT names another one; HF_HUB_OFFLINE must not be set)",
                hint="save the model, and push it later",
            ) from None
        status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
        if status in _REFUSED:
            raise ConfigError(
                f"the hub does not let {repo_id} be written to",
                found=_REFUSED[status],
                expected="a token with the right to write",
                hint="hf auth login, or token=...",
            ) from None
        raise
    return str(url)
