"""Progress bars for what takes longer than a moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

DELAY = 1.0
"""Seconds before a bar appears."""


@contextmanager
def bar(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how far the work is, once it has taken a second.

    Importing tqdm costs a tenth of a second in a kernel: so that waits as well, which tqdm's own
    ``delay`` would not.

    Parameters
    ----------
    total : int
        Bytes to be done.

    Yields
    ------
    callable
        Takes the number of bytes that were done since the last call.
    """
    began = time.monotonic()
    shown: Any = None
    done = 0

    def tick(number: int) -> None:
        nonlocal shown, done
        done += number
        if shown is not None:
            shown.update(number)
        elif time.monotonic() - began >= DELAY:
            from tqdm.auto import tqdm

            shown = tqdm(
                desc=label,
                total=max(total, done),
                initial=done,
                unit="B",
                unit_scale=True,
                leave=False,
            )

    try:
        yield tick
        if shown is not None:
            shown.update(shown.total - shown.n)  # what was there already took no time
    finally:
        if shown is not None:
            shown.close()
