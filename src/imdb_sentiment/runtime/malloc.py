"""glibc's memory allocator: what it keeps of freed memory, and when it gives that back."""

import ctypes
import platform
import sys

__all__ = ["keep_freed_memory", "release_freed_memory"]

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_TRIM_ABOVE = 2**30
_TOP_PAD = 64 * 2**20


def keep_freed_memory() -> bool:
    """Have freed memory kept for the next step instead of given back to the system, for the rest of the process.

    By default glibc maps each large tensor anew and returns it when it is freed, so the system clears its pages over
    and over. This is a setting of the whole process: the command line makes it, a program that uses the library may
    call this function. See mallopt(3).

    Returns:
        Whether it was done; False on systems without glibc.
    """
    if not _is_glibc():
        return False
    mallopt = ctypes.CDLL(None).mallopt
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _TRIM_ABOVE), (_M_TOP_PAD, _TOP_PAD))
    return all(mallopt(name, value) == 1 for name, value in settings)


def release_freed_memory() -> None:
    """Give the pages that nothing lies in back to the system, where there is glibc; see malloc_trim(3).

    Tensors of changing shapes leave gaps of all sizes between those that stay. A run of fine-tuning on a CPU held twice
    what it used. A call takes milliseconds, so that one in some steps costs nothing that could be measured.
    """
    if arrow := sys.modules.get("pyarrow"):  # which has an allocator of its own
        arrow.default_memory_pool().release_unused()
    if _is_glibc():
        ctypes.CDLL(None).malloc_trim(ctypes.c_size_t(0))


def _is_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"
