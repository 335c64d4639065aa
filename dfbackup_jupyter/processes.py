"""Which process this is, and whether another one still runs."""

from __future__ import annotations

import os
import platform
from functools import cache
from hashlib import sha256

_TOLERANCE = 10.0
"""Seconds by which two looks at one process may differ, since clocks are corrected."""


@cache
def own() -> str:
    """Return what tells this process from all others, on other computers too.

    A process number alone is given again to another one; with the time at which the process began,
    it is not.
    """
    return f"{_machine()}:{os.getpid()}:{_began(os.getpid())}"


def is_running(process: str) -> bool | None:
    """Return whether a process that `own` told of still runs; None where that cannot be known."""
    machine, _, rest = process.partition(":")
    number, _, began = rest.partition(":")
    if machine != _machine() or not number.isdecimal():
        return None
    try:
        now = _began(int(number))
        return now is not None and abs(now - float(began)) < _TOLERANCE
    except ValueError:
        return None


def _began(number: int) -> float | None:
    """Return when a process began, in seconds since the epoch; None when it has ended."""
    import psutil  # costs as much as all the rest of a kernel's start would

    try:
        process = psutil.Process(number)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except (psutil.Error, OverflowError):
        return None


@cache
def _machine() -> str:
    # Not its name: an export goes to other people.
    return sha256(platform.node().encode()).hexdigest()[:12]
