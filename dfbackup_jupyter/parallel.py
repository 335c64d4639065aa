"""Work on the second core, for what a user waits for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
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

    def wait_for(self, helper: Future[None]) -> None:
        """Wait until a helper has ended; meanwhile, one may work in this thread's place."""
        self.idle.release()
        try:
            helper.result()
        except BaseException as error:
            # Ctrl-C ends all of the work, and would otherwise wait below for the rest of it.
            self.given_up |= not isinstance(error, Exception)
            raise
        finally:
            self.idle.acquire()


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
    crew: _Crew = _Crew() if outermost else _local.crew
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
        # The last item is this thread's own.
        if helper is None and length_hint(queue) > 1 and crew.idle.acquire(blocking=False):
            try:
                helper = pool.submit(help_out)
            except RuntimeError:  # no thread can be started: then alone
                pool.shutdown(cancel_futures=True)  # what nobody waits for would run all the same
                helper = Future()
                helper.set_result(None)
                crew.idle.release()

    try:
        _local.crew = crew
        with ThreadPoolExecutor(1) as pool:
            try:
                look_around()
                take(look_around)
                if helper is not None:
                    crew.wait_for(helper)
            except BaseException:
                crew.given_up |= outermost
                raise
        look_around()
    finally:
        if outermost:
            vars(_local).clear()


@contextmanager
def told_here(tell: Callable[[R], object]) -> Iterator[Callable[[R], None]]:
    """Give what any thread may call, and that calls `tell` on this thread only.

    What others have to tell waits until this thread calls it, or until the end.
    """
    here = threading.get_ident()
    waiting: deque[R] = deque()

    def relay(news: R) -> None:
        waiting.append(news)
        if threading.get_ident() == here:
            pass_on()

    def pass_on() -> None:
        while waiting:
            tell(waiting.popleft())

    yield relay
    pass_on()
