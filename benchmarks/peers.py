"""Us and our peers, side by side on the same frames."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import formats
import kishu_peer
import states
from report import Table

SMALLER = 160
"""Megabytes of the second, smaller frame in the notebook with Kishu."""


def tables(size: float, kishu_python: Path | None = None) -> Iterator[Table]:
    """Compare one frame in many formats, versions of it, and a notebook with Kishu.

    What is not installed is left out, and a note says so.

    Parameters
    ----------
    size : float
        Of each frame, in megabytes; the mixed one has a million rows at most.
    kishu_python : Path, optional
        Of an environment with Kishu, as `kishu_peer.environment` makes it; without one, Kishu is
        left out.
    """
    yield from formats.tables(size)
    yield from states.tables(size)
    if kishu_python is not None:
        yield from kishu_peer.tables(sorted({min(size, SMALLER), size}), kishu_python)
