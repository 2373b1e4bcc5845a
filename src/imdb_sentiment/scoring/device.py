"""Where to compute."""

from imdb_sentiment.errors import ConfigError
from imdb_sentiment.messages import cut, quote

__all__ = ["usable_device"]


def usable_device(name: str | None = None) -> str:
    """Return PyTorch's name of the device to compute on.

    Args:
        name: A device that was asked for; by default the accelerator of this machine, or `cpu`.

    Raises:
        ConfigError: PyTorch does not know the device, or it is not there.
    """
    import torch

    if name is None:
        accelerator = torch.accelerator.current_accelerator(check_available=True)
        return accelerator.type if accelerator else "cpu"
    try:
        torch.zeros(1, device=name).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0].replace(str(name), cut(name))
        expected = "a device of this machine, such as cpu, cuda or cuda:1"
        raise ConfigError(f"device={quote(name)} cannot be used", found=reason, expected=expected) from None
    return name
