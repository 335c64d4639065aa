"""Faults in the system calls of a store: the Nth one kills the process, or fails.

`store/filesystem.py` makes every call of a store (`store/archive.py` some for a ``.zip``), through
the module `os`. A `FaultyOS` takes its place there: it counts the calls, and strikes at one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator
from typing import Any

from dfbackup_jupyter.store import archive, filesystem

CHANGES = frozenset(
    "open write fsync close link rename replace unlink mkdir makedirs chmod fchmod utime".split()
)
"""Calls that can change what is on the disk. Between two of them a kill leaves the same disk."""

LOOKS = frozenset("pread lstat fstat listdir scandir statvfs stat".split())
"""Calls that only read."""

Strike = Callable[[str, tuple[Any, ...]], None]


class FaultyOS:
    """The module `os`, in which calls can be struck.

    Parameters
    ----------
    nth : int
        The call to strike, counted from 1.
    strike : callable
        What happens there, given the call's name and arguments. The call is made if it returns.
    calls : collection of str
        The calls that count.
    lasting : bool
        Strike every later call that counts as well.

    Attributes
    ----------
    count : int
        How many calls there were that count.
    struck : int
        How many of them were struck.
    """

    def __init__(
        self,
        nth: int,
        strike: Strike,
        calls: Collection[str] = CHANGES,
        *,
        lasting: bool = False,
    ) -> None:
        self.count = 0
        self.struck = 0
        self._nth, self._strike, self._calls, self._lasting = nth, strike, calls, lasting
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in self._calls:
            return real

        def call(*args: Any, **options: Any) -> Any:
            with self._lock:
                self.count += 1
                strikes = self.count == self._nth or (self._lasting and self.count > self._nth)
                self.struck += strikes
            if strikes:
                self._strike(name, args)
            return real(*args, **options)

        return call


def kill(_call: str, _args: tuple[Any, ...]) -> None:
    """End this process before the call is made."""
    os.kill(os.getpid(), signal.SIGKILL)


def tear(call: str, args: tuple[Any, ...]) -> None:
    """End this process in the middle of a write: half of the bytes are in the file."""
    if call == "write":
        fd, data = args
        os.write(fd, data[: len(data) // 2])
    kill(call, args)


def fail(code: int) -> Strike:
    """Have the call fail with an error number."""

    def strike(call: str, args: tuple[Any, ...]) -> None:
        if call == "close":  # whatever close reports, the descriptor is gone
            os.close(*args)
        raise OSError(code, os.strerror(code))

    return strike


@contextlib.contextmanager
def injected(faulty: FaultyOS) -> Iterator[FaultyOS]:
    """Make the calls of all stores in this process through `faulty`."""
    modules: tuple[Any, ...] = (filesystem, archive)
    try:
        for module in modules:
            module.os = faulty
        yield faulty
    finally:
        for module in modules:
            module.os = os


Tell = Callable[[str], None]


def in_child(act: Callable[[Tell], object], faulty: FaultyOS) -> tuple[list[str], bool]:
    """Act in a forked process whose store has this fault.

    Parameters
    ----------
    act : callable
        Given a function that reports a word to this process, so that it is known although the
        child may be killed right after.

    Returns
    -------
    list of str, bool
        What was reported, and whether the child was killed. Any other end of it is an error here.
    """
    out, into = os.pipe()
    if not (child := os.fork()):
        status = 1
        try:
            os.close(out)
            with injected(faulty):
                act(lambda word: os.write(into, f"{word}\n".encode()) and None)
            status = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(into)
    with open(out) as file:
        told = file.read().split()
    _, ended = os.waitpid(child, 0)
    assert ended in (0, signal.SIGKILL), f"the child ended with {ended}"
    return told, ended == signal.SIGKILL
