"""The allocator's settings, looked at in a process of their own, as they cannot be taken back."""

import platform
import resource
import subprocess
import sys

import pytest

from imdb_sentiment.runtime.malloc import keep_freed_memory, release_freed_memory

# counts the mapped blocks of glibc's allocator (hblks of mallinfo2) while 64 MiB are held
PROBE = """
import ctypes, sys
from imdb_sentiment.runtime.malloc import keep_freed_memory
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
fields = [(f"f{i}", ctypes.c_size_t) for i in range(10)]
libc.mallinfo2.restype = type("Info", (ctypes.Structure,), {"_fields_": fields})
done = sys.argv[1] == "keep" and keep_freed_memory()
before = libc.mallinfo2().f3
held = libc.malloc(ctypes.c_size_t(64 * 2**20))
print(done, libc.mallinfo2().f3 - before)
"""


def probe(what: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", PROBE, what], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_large_blocks_are_no_longer_mapped_one_by_one() -> None:
    assert platform.libc_ver()[0] == "glibc", "this test knows glibc only"
    assert probe("leave") == "False 1"
    assert probe("keep") == "True 0"


# resident memory, in pages, while every other of 1,000 blocks of 100 KiB is freed and then given back
GAPS = """
import ctypes
from imdb_sentiment.runtime.malloc import release_freed_memory, keep_freed_memory
keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
pages = lambda: int(open("/proc/self/statm").read().split()[1])
blocks = [libc.malloc(ctypes.c_size_t(100 * 2**10)) for _ in range(1000)]
for block in blocks:
    ctypes.memset(ctypes.c_void_p(block), 1, 100 * 2**10)
for block in blocks[::2]:
    libc.free(ctypes.c_void_p(block))
before = pages()
release_freed_memory()
print(before - pages())
"""


@pytest.mark.integration
def test_gaps_between_what_stays_are_given_back() -> None:
    given = subprocess.run([sys.executable, "-c", GAPS], check=True, capture_output=True, text=True).stdout
    assert int(given) * resource.getpagesize() > 0.8 * 500 * 100 * 2**10


def test_elsewhere_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr("ctypes.CDLL", None)  # it would fail if it were called
    assert keep_freed_memory() is False
    release_freed_memory()
