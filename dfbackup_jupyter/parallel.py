"""Work on the second core, for what a user waits for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_parallel(
    work: Callable[[T], R], items: Sequence[T], tell: Callable[[R], object] | None = None
) -> None:
    """Call a function with each item, on this thread and, if one can be had, on a second one.

    This thread takes its share instead of waiting for two others: it would be woken for every
    result, and each time take the interpreter from those who work.

    Parameters
    ----------
    work : callable
        Pays if it lets go of the interpreter for most of its time. What it raises, this raises,
        and nothing is begun any more.
    tell : callable, optional
        Called on this thread with each result, in any order; may raise to give up.
    """
    queue = iter(items)
    done: deque[R] = deque()

    def take(after: Callable[[], None]) -> None:
        try:
            for item in queue:
                done.append(work(item))
                after()
        finally:
            deque(queue, 0)  # after an error, the other one finds nothing to do

    def told() -> None:
        while tell and done:
            tell(done.popleft())

    with ThreadPoolExecutor(1) as pool:
        helper = None
        with suppress(RuntimeError):  # no thread can be started: then alone
            helper = pool.submit(take, lambda: None)
        take(told)
        if helper is not None:
            helper.result()
    told()
