"""What the disk holds and what the system's cache holds of it."""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np


def files(folder: Path) -> Iterator[Path]:
    """Give every file in a folder and below."""
    return (path for path in folder.rglob("*") if path.is_file())


def size(folder: Path) -> int:
    """Return the bytes of all files."""
    return sum(file.stat().st_size for file in files(folder))


def sync(folder: Path) -> None:
    """Return when a loss of power would take nothing of a folder any more."""
    folders = (path for path in folder.rglob("*") if path.is_dir())
    for path in (*files(folder), *folders, folder):
        try:
            opened = os.open(path, os.O_RDONLY)
        except FileNotFoundError:  # a temporary file
            continue
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def forget(folder: Path) -> bool:
    """Have the system drop what it caches of synced files; False when it keeps a page of them."""
    if not hasattr(os, "posix_fadvise"):
        return False
    dropped = [_forget(file) for file in files(folder) if file.stat().st_size]
    return all(dropped)


def _forget(file: Path) -> bool:
    with file.open("rb") as opened:
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            content = np.frombuffer(mapped, np.uint8)
            cached = np.zeros(-(-content.size // mmap.PAGESIZE), np.uint8)
            failed = ctypes.CDLL(None).mincore(
                ctypes.c_void_p(content.ctypes.data),
                ctypes.c_size_t(content.size),
                ctypes.c_void_p(cached.ctypes.data),
            )
            del content  # the mapping cannot end before
    return not failed and not (cached & 1).any()
