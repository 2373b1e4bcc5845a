"""Publishing on the Hugging Face hub."""

from pathlib import Path
from tempfile import TemporaryDirectory

from imdb_sentiment.errors import ConfigError, HubUnavailableError
from imdb_sentiment.persistence.torch_model import Artifact, save_artifact
from imdb_sentiment.runtime.huggingface import is_unanswered, quiet
from imdb_sentiment.runtime.messages import cut, quote

__all__ = ["push_artifact"]

_OTHER_WEIGHTS = ["*.safetensors", "*.safetensors.index.json", "*.bin", "*.bin.index.json"]
_REFUSED = {401: "no valid token", 402: "payment required", 403: "the token has no write access"}


def push_artifact(artifact: Artifact, repo_id: str, *, private: bool | None, token: str | None, message: str) -> str:
    """Push a model to the hub as one commit, and return the URL of its repository.

    Args:
        artifact: The model.
        repo_id: Its repository, created if needed.
        private: Whether a created repository is private; None for the owner's default.
        token: Access token; None for the one stored on this machine.
        message: Commit message.

    Raises:
        ConfigError: The token is not valid or has no write access, or the name of the repository is not valid.
        HubUnavailableError: The hub did not answer.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    api = HfApi(token=token)
    try:
        with TemporaryDirectory() as temporary, quiet():
            url = api.create_repo(repo_id, private=private, exist_ok=True)  # first, to fail early
            folder = Path(temporary) / "model"
            save_artifact(folder, artifact, name=url.repo_id)
            api.upload_folder(
                repo_id=url.repo_id, folder_path=folder, commit_message=message, delete_patterns=_OTHER_WEIGHTS
            )
    except HFValidationError as error:
        raise ConfigError(
            f"{quote(repo_id)} is not a valid repository name",
            found=str(error).replace(repo_id, cut(repo_id)),
            expected="owner/name",
        ) from None
    except Exception as error:
        if is_unanswered(error):
            raise HubUnavailableError(
                f"the Hugging Face hub cannot be reached, and {repo_id} was not pushed",
                expected="an answer from the hub (HF_ENDPOINT sets another one; HF_HUB_OFFLINE must not be set)",
                hint="save the model, and push it later",
            ) from None
        status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
        if status in _REFUSED:
            raise ConfigError(
                f"the hub refused to write to {repo_id}",
                found=_REFUSED[status],
                expected="a token with write access",
                hint="hf auth login, or token=...",
            ) from None
        raise
    return str(url)
