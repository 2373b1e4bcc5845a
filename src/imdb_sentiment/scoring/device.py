"""Where to compute."""

__all__ = ["best_device"]


def best_device() -> str:
    """Return PyTorch's name of the accelerator of this machine, or `cpu`."""
    import torch

    accelerator = torch.accelerator.current_accelerator(check_available=True)
    return accelerator.type if accelerator else "cpu"
