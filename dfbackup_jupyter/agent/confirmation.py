"""What must be confirmed before an agent deletes it: by a person, or else by a second call.

The second call carries a code that the first one gave. It stands for exactly the backups that the
first one listed, for one tool, once, and for a short time.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

LIFETIME = 300
"""Seconds that a code is good for."""

Person = Callable[[str], bool]
"""Asks the user a question, and returns whether the answer is yes."""

_person: ContextVar[Person | None] = ContextVar("person", default=None)


@dataclass(frozen=True)
class _Pending:
    tool: str
    ids: frozenset[str]
    until: float


class Confirmations:
    """The codes that were given out and not used yet.

    Parameters
    ----------
    clock : callable
        Gives the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pending: dict[str, _Pending] = {}

    def issue(self, tool: str, ids: Collection[str]) -> str:
        """Return a code for deleting these backups with this tool."""
        now = self._clock()
        self._pending = {
            code: pending for code, pending in self._pending.items() if pending.until > now
        }
        code = secrets.token_hex(4)
        self._pending[code] = _Pending(tool, frozenset(ids), now + LIFETIME)
        return code

    def take(self, code: str, tool: str) -> frozenset[str]:
        """Return the backups that a code stands for, none if it is no good, and end it."""
        pending = self._pending.pop(code.strip(), None)
        if pending is None or pending.tool != tool or pending.until <= self._clock():
            return frozenset()
        return pending.ids


@contextmanager
def asking(person: Person | None) -> Iterator[None]:
    """Have the tools that are called in this context ask a person; None changes nothing."""
    token = _person.set(person or _person.get())
    try:
        yield
    finally:
        _person.reset(token)


def whom() -> Person | None:
    """Return what asks the person who is there, if one is."""
    return _person.get()
