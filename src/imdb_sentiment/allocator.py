"""glibc's memory allocator, told to keep what training frees and asks for again in the next step."""

import ctypes
import platform

__all__ = ["keep_freed_memory"]

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
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _TRIM_ABOVE), (_M_TOP_PAD, _TOP_PAD))
    return all(mallopt(name, value) == 1 for name, value in settings)
