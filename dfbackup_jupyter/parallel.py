"""Work on the second core, for what a user waits for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from operator import length_hint
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_local = threading.local()


class _Crew:
    """Two threads that share work, and whatever parallel work that consists of.

    Attributes
    ----------
    idle : Semaphore
        Counts the threads of the two that have nothing to do.
    given_up : bool
        Whether nobody waits for the work any more.
    """

    def __init__(self) -> None:
        self.idle = threading.Semaphore(1)
        self.given_up = False


class _GivenUp(BaseException):
    """Ends work that nobody waits for; what handles errors of that work must not handle this."""


def in_parallel(
    work: Callable[[T], R], items: Sequence[T], tell: Callable[[R], object] | None = None
) -> None:
    """Call a function with each item, on this thread and, if one can be had, on a second one.

    This thread takes its share instead of waiting for two others: it would be woken for every
    result, and each time take the interpreter from those who work. Where `work` calls this again,
    there are still two threads: the second one goes wherever something is left to do.

    Parameters
    ----------
    work : callable
        Pays if it lets go of the interpreter for most of its time. What it raises, this raises,
        and nothing is begun any more.
    tell : callable, optional
        Called on this thread with each result, in any order; may raise to give up.
    """
    outermost = not hasattr(_local, "crew")
    if outermost:
        _local.crew = _Crew()
    crew: _Crew = _local.crew
    queue = iter(items)
    done: deque[R] = deque()
    helper: Future[None] | None = None

    def take(after: Callable[[], None]) -> None:
        try:
            for item in queue:
                if crew.given_up:
                    raise _GivenUp
                done.append(work(item))
                after()
        finally:
            deque(queue, 0)  # after an error, the other one finds nothing to do

    def help_out() -> None:
        _local.crew = crew
        try:
            take(lambda: None)
        finally:
            crew.idle.release()

    def look_around() -> None:
        nonlocal helper
        while tell and done:
            tell(done.popleft())
        if helper is None and length_hint(queue) and crew.idle.acquire(blocking=False):
            with suppress(RuntimeError):  # no thread can be started: then alone
                helper = pool.submit(help_out)

    try:
        with ThreadPoolExecutor(1) as pool:
            try:
                look_around()
                take(look_around)
                crew.idle.release()
                try:
                    if helper is not None:
                        helper.result()
                finally:
                    crew.idle.acquire()
            except BaseException:
                crew.given_up |= outermost
                raise
        look_around()
    finally:
        if outermost:
            del _local.crew


def told_here(tell: Callable[[R], object]) -> Callable[[R], None]:
    """Return what any thread may call, and that calls `tell` on this thread only.

    What others have to tell waits until this thread calls it.
    """
    here = threading.get_ident()
    waiting: deque[R] = deque()

    def relay(news: R) -> None:
        waiting.append(news)
        while threading.get_ident() == here and waiting:
            tell(waiting.popleft())

    return relay
