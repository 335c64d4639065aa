"""The thread that runs the cells, at the service of an agent that works on another one.

An agent's steps come from the network, and its framework runs tools on threads of its own. The
main thread starts it, and until it has ended does what only it may do: touch frames, print, ask the
user.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_GLANCE = 1.0
"""Seconds after which a waiting thread notices an interrupt where nothing wakes it for that."""


class Desk:
    """Serves one agent."""

    def __init__(self) -> None:
        self._orders: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._lock = threading.Lock()
        self._open: set[Future[Any]] | None = set()

    def call(self, action: Callable[[], T]) -> Future[T]:
        """Have the main thread run an action. From any thread.

        After the user has stopped the agent, everything it calls for is cancelled.
        """
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(action())
            except Exception as error:  # an interrupt ends it all
                future.set_exception(error)

        with self._lock:
            if self._open is None:
                future.cancel()
            else:
                self._open.add(future)
                self._orders.put(run)
        return future

    def _close(self) -> None:
        # An interrupt may have come when an order was taken up, and had not begun.
        with self._lock:
            unfinished, self._open = self._open or (), None
        for future in unfinished:
            future.cancel()

    def serve(self, work: Callable[[], T]) -> T:
        """Run the agent's work on another thread, and what it calls for on this one.

        An interrupt ends this at once; the work ends at its next call.
        """
        outcome: Future[T] = Future()
        context = copy_context()

        def run() -> None:
            try:
                outcome.set_result(context.run(work))
            except BaseException as error:
                outcome.set_exception(error)
            finally:
                self._orders.put(lambda: None)  # wakes the main thread

        try:
            threading.Thread(target=run, name="dfbackup-agent", daemon=True).start()
            while not (outcome.done() and self._orders.empty()):
                self._next()
        finally:
            self._close()
        return outcome.result()

    def _next(self) -> None:
        try:
            order = self._orders.get(timeout=_GLANCE)
        except Empty:
            return
        order()


def waited(future: Future[T]) -> T:
    """Return what a future gives; `KeyboardInterrupt` if the user has stopped the agent."""
    try:
        return future.result()
    except CancelledError:
        raise KeyboardInterrupt from None
