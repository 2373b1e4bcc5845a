"""Settings of glibc's memory allocator."""

import ctypes
import platform
import sys

__all__ = ["keep_freed_memory", "release_freed_memory"]

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_TRIM_ABOVE = 2**30
_TOP_PAD = 64 * 2**20


def keep_freed_memory() -> bool:
    """Keep freed memory for reuse instead of returning it to the system, for the rest of the process.

    By default, glibc maps each large tensor anew and unmaps it when freed, so the system zeroes its pages repeatedly.
    The command line calls this; a program that uses the library may. See mallopt(3).

    Returns:
        Whether it succeeded; False without glibc.
    """
    if not _is_glibc():
        return False
    mallopt = ctypes.CDLL(None).mallopt
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _TRIM_ABOVE), (_M_TOP_PAD, _TOP_PAD))
    return all(mallopt(name, value) == 1 for name, value in settings)


def release_freed_memory() -> None:
    """Return free memory to the system, with glibc only; see malloc_trim(3).

    Tensors of changing shapes fragment the heap: fine-tuning on a CPU would hold twice what it uses. A call takes
    milliseconds.
    """
    if arrow := sys.modules.get("pyarrow"):  # has its own allocator
        arrow.default_memory_pool().release_unused()
    if _is_glibc():
        ctypes.CDLL(None).malloc_trim(ctypes.c_size_t(0))


def _is_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"
