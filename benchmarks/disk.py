"""What the disk holds and what the system's cache holds of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


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
        opened = os.open(path, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def forget(folder: Path) -> bool:
    """Have the system drop what it caches of synced files; False when it cannot be told to.

    Whether it did is asked at three places of each file: a read that must not wait for the disk
    fails there (``RWF_NOWAIT``).
    """
    if not hasattr(os, "posix_fadvise") or not hasattr(os, "RWF_NOWAIT"):
        return False
    return all([_forget(file) for file in files(folder)])


def _forget(file: Path) -> bool:
    with file.open("rb", buffering=0) as opened:
        descriptor = opened.fileno()
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        length = os.fstat(descriptor).st_size
        places = {0, length // 2, length - 1} if length else set()
        cold = not any([_cached(descriptor, place) for place in places])
        # Asking may have begun to read ahead.
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        return cold


def _cached(descriptor: int, place: int) -> bool:
    try:
        os.preadv(descriptor, [bytearray(1)], place, os.RWF_NOWAIT)
    except BlockingIOError:
        return False
    except OSError:  # this file system cannot tell
        return True
    return True
