"""Which rows of two frames belong together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Selection = slice | npt.NDArray[np.intp]


@dataclass(frozen=True)
class Match:
    """The rows that are on both sides.

    Attributes
    ----------
    before, after : slice or array of int
        Their positions on each side, pairwise.
    count, added, dropped : int
        How many rows are on both sides, on the later one only, on the earlier one only.
    by_position : bool
        Whether the index could not tell which rows belong together.
    reordered : bool
        Whether the common rows come in another order.
    """

    before: Selection
    after: Selection
    count: int
    added: int
    dropped: int
    by_position: bool = False
    reordered: bool = False


def position(selection: Selection, i: int) -> int:
    """Return the position of the `i`-th selected row."""
    return int(selection.start + i if isinstance(selection, slice) else selection[i])


def selected(array: Any, selection: Selection) -> Any:
    """Return the selected items of an array; of a slice, the same memory."""
    return array[selection] if isinstance(selection, slice) else array.take(selection)


def match(before: pd.Index, after: pd.Index) -> Match:
    """Match rows by label when both indexes are unique, else by position.

    By position too when the two indexes have no label in common but one length: then the index was
    replaced, not the data.
    """
    if len(before) == len(after) and before.equals(after):
        return replace(_by_position(before, after), by_position=False)
    try:
        found = _by_label(before, after)
    except Exception:  # labels that pandas cannot look up: overlapping intervals and the like
        found = None
    return found or _by_position(before, after)


def _by_position(before: pd.Index, after: pd.Index) -> Match:
    count = min(len(before), len(after))
    return Match(
        before=slice(0, count),
        after=slice(0, count),
        count=count,
        added=len(after) - count,
        dropped=len(before) - count,
        by_position=True,
    )


def _by_label(before: pd.Index, after: pd.Index) -> Match | None:
    # New objects, so that the lookup tables that pandas builds do not stay with the user's index.
    before, after = before[:], after[:]
    if not (before.is_unique and after.is_unique):
        return None
    if isinstance(before, pd.RangeIndex):  # needs no lookup table
        at_before = before.get_indexer(after)
        at_after = np.flatnonzero(at_before >= 0)
        at_before = at_before[at_after]
    else:
        at_after = after.get_indexer(before)
        at_before = np.flatnonzero(at_after >= 0)
        at_after = at_after[at_before]
    count = len(at_before)
    if not count and len(before) == len(after):
        return None
    return Match(
        before=_compact(at_before),
        after=_compact(at_after),
        count=count,
        added=len(after) - count,
        dropped=len(before) - count,
        reordered=_falls(at_before) or _falls(at_after),
    )


def _compact(positions: npt.NDArray[np.intp]) -> Selection:
    """Return a slice where that means the same: it reads the memory without copying it."""
    if not len(positions):
        return slice(0, 0)
    first, last = int(positions[0]), int(positions[-1])
    if last - first == len(positions) - 1 and not _falls(positions):
        return slice(first, last + 1)
    return positions


def _falls(positions: npt.NDArray[np.intp]) -> bool:
    return bool((positions[1:] < positions[:-1]).any())
