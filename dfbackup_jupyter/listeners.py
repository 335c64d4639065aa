"""Telling displays that something changed."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

Listener = Callable[[], None]


class Listeners:
    """Functions that are called, on any thread, whenever something changed."""

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()

    def add(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; what is returned takes it away again."""
        self._listeners = (*self._listeners, listener)

        def remove() -> None:
            self._listeners = tuple(one for one in self._listeners if one is not listener)

        return remove

    def call(self) -> None:
        """Call all; an error of one of them is logged and stops nobody."""
        for listener in self._listeners:
            try:
                listener()
            except Exception:
                logger.exception("a display could not be told of a change")


def announced(verb: Callable[P, T]) -> Callable[P, T]:
    """Make a method call its object's listeners when it ends, also by an error."""

    @functools.wraps(verb)
    def telling(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return verb(*args, **kwargs)
        finally:
            manager: Any = args[0]
            manager._listeners.call()

    return telling
