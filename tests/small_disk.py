"""A disk that fills: a file system of some bytes, made by a process for itself."""

import ctypes
import os
import shutil
from pathlib import Path

NEW_MOUNTS, NEW_USERS = 0x20000, 0x10000000
PRIVATE = 0x4000 | 0x40000  # MS_REC | MS_PRIVATE: what is mounted here is not seen elsewhere


def make_small_disk(folder: Path, size: int) -> None:
    """Mount a file system of some bytes in memory, which this process alone sees and which ends with it.

    As root it takes its own table of mounts for that; else a user namespace too, in which it is root.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    failed = []
    for flags in (NEW_MOUNTS, NEW_MOUNTS | NEW_USERS):
        if libc.unshare(flags) != 0:
            failed.append(f"unshare({flags:#x}): {os.strerror(ctypes.get_errno())}")
            continue
        if flags & NEW_USERS:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"0 {user} 1")
            Path("/proc/self/gid_map").write_text(f"0 {group} 1")
        libc.mount(None, b"/", None, ctypes.c_ulong(PRIVATE), None)
        options = f"size={size}".encode()
        if libc.mount(b"none", os.fsencode(folder), b"tmpfs", ctypes.c_ulong(0), options) == 0:
            return
        failed.append(f"mount after unshare({flags:#x}): {os.strerror(ctypes.get_errno())}")
    raise RuntimeError(f"no small disk can be made here: {'; '.join(failed)}")


def leave_room(ballast: Path, room: int) -> None:
    """Fill the disk but for some bytes."""
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(ballast.parent).free - room)
