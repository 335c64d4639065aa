"""One background thread that does the slow work, one job after the other."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
Holds = Mapping[int, int]
NOTHING: Holds = {}

_NICENESS = 10
_SHORT_CELL = 0.05
_ANSWER = 0.005
"""Seconds from the beginning of a cell, and from its end, in which jobs step aside.

Two threads hand the interpreter over every 5 ms at best, so a short cell's answer would come twice
as late.
"""

_LOOK = 0.005
"""Seconds after which a job that stepped aside looks whether it still has to."""

_FEW_CORES = 2


class Worker:
    """A low-priority daemon thread, started by the first job.

    A job's exception goes to its future and never ends the thread. In a forked child nothing is
    run: the jobs belong to the parent.

    Parameters
    ----------
    name : str
        The thread's.
    ended : callable
        Called on the thread after every job.
    """

    def __init__(
        self, name: str = "dfbackup-writer", *, ended: Callable[[], None] = lambda: None
    ) -> None:
        self._name = name
        self._ended = ended
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._jobs: deque[tuple[Callable[[], Any], Holds, bool, Future[Any]]] = deque()
        self._hasty = 0
        self._waiting = 0
        self._held: Counter[int] = Counter()
        self._backlog = 0
        self._unfinished = 0
        self._thread: threading.Thread | None = None
        self._closed = False
        self._cell = False
        self._aside_until = 0.0
        self._turn_until = 0.0

    def backlog(self, beside: Holds = NOTHING) -> int:
        """Return the bytes that jobs which have not ended keep in memory.

        Parameters
        ----------
        beside : mapping of int to int
            Pieces that are there anyway, and do not count.
        """
        if self._forked():
            return 0
        return self._backlog - sum(size for piece, size in beside.items() if piece in self._held)

    def submit(
        self, job: Callable[[], T], *, holds: Holds = NOTHING, haste: bool = True
    ) -> Future[T]:
        """Queue a job.

        Parameters
        ----------
        job : callable
            Called without arguments on the thread.
        holds : mapping of int to int
            Sizes in bytes of the pieces of memory that it keeps until it has ended, by what tells
            them apart. A piece that several jobs hold counts once.
        haste : bool
            Do not step aside, even if that slows down what the user's thread is about to do.

        Returns
        -------
        Future
            Already cancelled when the worker is closed or belongs to the parent of this process.
        """
        future: Future[T] = Future()
        if self._forked():
            future.cancel()
            return future
        with self._changed:
            if self._closed:
                future.cancel()
                return future
            if self._thread is None:
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                thread.start()
                self._thread = thread
            self._jobs.append((job, holds, haste, future))
            self._hasty += haste
            self._backlog += sum(size for piece, size in holds.items() if not self._held[piece])
            self._held.update(holds.keys())
            self._unfinished += 1
            self._changed.notify_all()
        return future

    def cell_begins(self) -> None:
        """Leave the user's thread alone at first, and a core to it as long as the cell runs."""
        self._cell = True
        self._aside_until = time.monotonic() + _SHORT_CELL

    def cell_ends(self) -> None:
        """Leave the user's thread alone until it has answered."""
        self._cell = False
        self._aside_until = time.monotonic() + _ANSWER

    def give_way(self, _: int = 0) -> None:
        """Wait while jobs are to step aside, unless somebody waits for one or it has haste.

        Called by jobs between their steps; on any other thread nothing happens. Where one short
        cell follows another, jobs get half of the time.
        """
        if not self.here() or time.monotonic() < self._turn_until:
            return
        longest = time.monotonic() + _SHORT_CELL
        with self._changed:
            while (
                not self._urgent()
                and (left := min(self._aside_until, longest) - time.monotonic()) > 0
            ):
                self._changed.wait(min(left, _LOOK))
        if time.monotonic() >= longest:
            self._turn_until = time.monotonic() + _SHORT_CELL

    def crowded(self) -> bool:
        """Whether a job that had a second thread would take the core that a cell runs on.

        With three busy threads on two cores, a cell waits for one that has the interpreter and no
        core.
        """
        return self._cell and _cores() <= _FEW_CORES and self.here() and not self._urgent()

    @contextlib.contextmanager
    def awaited(self) -> Iterator[None]:
        """Have jobs not step aside while another thread waits for what they do."""
        if self._forked() or self.here():
            yield
            return
        with self._changed:
            self._waiting += 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._waiting -= 1

    def wait_below(
        self, limit: int, *, beside: Holds = NOTHING, timeout: float | None = None
    ) -> bool:
        """Wait until the backlog is at most `limit` bytes; False when `timeout` seconds passed."""
        return self._wait(lambda: self.backlog(beside) <= limit, timeout)

    def here(self) -> bool:
        """Whether this is the thread that runs the jobs: nobody waits for it."""
        return threading.current_thread() is self._thread

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until every job has ended; False when `timeout` seconds passed."""
        return self._wait(lambda: self._unfinished == 0, timeout)

    def close(self, timeout: float | None = None) -> bool:
        """Take no more jobs and wait for those there are; False when `timeout` seconds passed.

        Jobs that have not begun by then are cancelled.
        """
        if self._forked():
            return True
        with self._changed:
            self._closed = True
        done = self.flush(timeout)
        with self._changed:
            for *_, future in self._jobs:
                future.cancel()
            self._changed.notify_all()
        return done

    def _let_go(self, holds: Holds) -> None:
        self._held.subtract(holds.keys())
        for piece, size in holds.items():
            if not self._held[piece]:
                del self._held[piece]
                self._backlog -= size

    def _urgent(self) -> bool:
        return bool(self._hasty or self._waiting or self._closed)

    def _forked(self) -> bool:
        return os.getpid() != self._pid

    def _wait(self, reached: Callable[[], bool], timeout: float | None) -> bool:
        if self._forked():
            return True
        if self.here():
            return reached()
        with self.awaited(), self._changed:
            return self._changed.wait_for(reached, timeout)

    def _run(self) -> None:
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._closed)
                if not self._jobs:
                    return
                self.give_way()
                job, holds, haste, future = self._jobs.popleft()
            if future.set_running_or_notify_cancel():
                try:
                    result = job()
                except BaseException as error:
                    future.set_exception(error)
                    del error
                else:
                    future.set_result(result)
                    del result
            # Whoever waits for the backlog relies on the job's memory being free by then.
            del job, future
            with self._changed:
                self._let_go(holds)
                self._hasty -= haste
                self._unfinished -= 1
                self._changed.notify_all()
            self._ended()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
