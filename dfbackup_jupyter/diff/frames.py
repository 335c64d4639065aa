"""Compare frames: shapes, columns, rows, cells, index and attrs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from dfbackup_jupyter.diff import show
from dfbackup_jupyter.diff.cells import Positions, array_of, changed, equal
from dfbackup_jupyter.diff.records import CellChange, ColumnChange, Diff, FrameDiff
from dfbackup_jupyter.diff.rows import Match, match, position, selected

_EXAMPLES = 5
_RENAMES_TRIED = 64


def compare(
    before: Mapping[str, object],
    after: Mapping[str, object],
    *,
    before_label: str,
    after_label: str,
    session: Sequence[str] = (),
    notes: Mapping[str, str] = MappingProxyType({}),
) -> Diff:
    """Compare two sets of named frames.

    Parameters
    ----------
    before, after : mapping of str to frame
        The frames of each state.
    before_label, after_label : str
        What the states are called: an ID, or ``now``.
    session : sequence of str
        What differs in the session state, a line each.
    notes : mapping of str to str
        What else is to be said of a frame, by its name.
    """
    names = dict.fromkeys((*before, *after, *notes))
    return Diff(
        before=before_label,
        after=after_label,
        frames=tuple(
            compare_frames(name, before.get(name), after.get(name), notes.get(name))
            for name in names
        ),
        session=tuple(session),
    )


def compare_frames(
    name: str, before: object | None, after: object | None, note: str | None = None
) -> FrameDiff:
    """Compare two states of one frame; never raises.

    Rows belong together by their index label when the labels are unique on both sides, else by
    position; columns by their label.

    Parameters
    ----------
    name : str
        What the frame is called.
    before, after : frame or None
        None where it does not exist.
    note : str, optional
        What else is to be said.
    """
    noted = (note,) if note else ()
    found: dict[str, Any] = {
        "type_before": _type_name(before),
        "type_after": _type_name(after),
        "rows_before": _shape(before)[0],
        "rows_after": _shape(after)[0],
        "columns_before": _shape(before)[1],
        "columns_after": _shape(after)[1],
    }
    if before is None or after is None:
        return FrameDiff(name, "dropped" if after is None else "added", notes=noted, **found)
    try:
        differences = _compare(before, after)
    except Exception as error:
        differences = {"notes": (f"could not be compared: {show.value(error)}",)}
    if type(before) is not type(after):
        noted = (*noted, f"{found['type_before']} → {found['type_after']}")
    differences["notes"] = (*noted, *differences.get("notes", ()))
    return FrameDiff(
        name, "changed" if any(differences.values()) else "same", **found, **differences
    )


@dataclass
class _Table:
    """A pandas object as an index and a column for each key.

    A key is a column's label made comparable, and which of the columns with that label it is.
    """

    index: pd.Index
    columns: dict[tuple[Hashable, int], pd.Series]
    labels: dict[tuple[Hashable, int], str]

    @classmethod
    def of(cls, frame: pd.DataFrame | pd.Series, *, anonymous: bool) -> _Table:
        """Read a frame; the column of an `anonymous` Series matches whatever its name is."""
        table = cls(frame.index, {}, {})
        pairs: Any = frame.items() if isinstance(frame, pd.DataFrame) else [(frame.name, frame)]
        seen: Counter[Hashable] = Counter()
        for label, column in pairs:
            key = None if anonymous else _key(label)
            seen[key] += 1
            number = seen[key]
            shown = "values" if anonymous and label is None else show.label(label)
            table.columns[key, number] = column
            table.labels[key, number] = shown if number == 1 else f"{shown} #{number}"
        return table


class _Cells:
    """The cells that differ, gathered column by column."""

    def __init__(self, rows: Match) -> None:
        self._rows = rows
        self._changed = np.zeros(rows.count, bool)
        self._examples: list[list[CellChange]] = []

    def compare(self, label: str, before: pd.Series, after: pd.Series) -> int:
        """Compare the common rows of two columns, and return how many cells differ."""
        found = _differing(before, after, self._rows)
        self._changed[found] = True
        if len(found) and len(self._examples) < _EXAMPLES:
            self._examples.append(
                [self._example(label, before, after, i) for i in found[:_EXAMPLES].tolist()]
            )
        return len(found)

    def _example(self, label: str, before: pd.Series, after: pd.Series, i: int) -> CellChange:
        old, new = position(self._rows.before, i), position(self._rows.after, i)
        was, became = show.pair(before.iloc[old], after.iloc[new])
        return CellChange(show.label(before.index[old]), label, was, became)

    @property
    def count(self) -> int:
        """Number of rows with at least one cell that differs."""
        return int(np.count_nonzero(self._changed))

    def sample(self) -> Iterator[CellChange]:
        """Give examples from as many columns as possible."""
        turns = chain.from_iterable(zip_longest(*self._examples))
        return islice(filter(None, turns), _EXAMPLES)


def _compare(before: Any, after: Any) -> dict[str, Any]:
    if before is after:
        return {"rows_added": 0, "rows_dropped": 0, "rows_changed": 0}
    if not all(isinstance(frame, (pd.DataFrame, pd.Series)) for frame in (before, after)):
        return _compare_whole(before, after)
    series = isinstance(before, pd.Series) and isinstance(after, pd.Series)
    old, new = (_Table.of(frame, anonymous=series) for frame in (before, after))
    rows = match(old.index, new.index)
    cells = _Cells(rows)
    columns = [*_columns(old, new, cells)]
    notes = [
        *_renames(old, new, rows),
        *_order(old, new),
        *_index_notes(old.index, new.index, rows),
        *_labels_notes(before, after),
    ]
    return {
        "rows_added": rows.added,
        "rows_dropped": rows.dropped,
        "rows_changed": cells.count,
        "columns": tuple(columns),
        "notes": tuple(notes),
        "examples": tuple(cells.sample()),
    }


def _compare_whole(before: Any, after: Any) -> dict[str, Any]:
    if type(before) is type(after) and bool(before.equals(after)):
        return {}
    return {"notes": ("the content differs",)}


def _columns(old: _Table, new: _Table, cells: _Cells) -> Iterator[ColumnChange]:
    for key, column in old.columns.items():
        label, dtype = old.labels[key], show.dtype(column.dtype)
        if key not in new.columns:
            yield ColumnChange(label, "dropped", dtype, None)
            continue
        other = new.columns[key]
        count = cells.compare(label, column, other)
        if column.dtype != other.dtype:
            yield ColumnChange(label, "retyped", dtype, show.dtype(other.dtype), count)
        elif count:
            yield ColumnChange(label, "changed", dtype, dtype, count)
    for key, column in new.columns.items():
        if key not in old.columns:
            yield ColumnChange(new.labels[key], "added", None, show.dtype(column.dtype))


def _renames(old: _Table, new: _Table, rows: Match) -> Iterator[str]:
    """Find dropped columns whose values live on under another label."""
    dropped = [key for key in old.columns if key not in new.columns]
    added = [key for key in new.columns if key not in old.columns]
    if not rows.count or len(dropped) * len(added) > _RENAMES_TRIED:
        added = added if rows.count and len(dropped) == len(added) else []
        pairs = list(zip(dropped, added, strict=False))
    else:
        pairs = [(a, b) for a in dropped for b in added]
    taken: set[Any] = set()
    for a, b in pairs:
        before, after = old.columns[a], new.columns[b]
        if a in taken or b in taken or before.dtype != after.dtype:
            continue
        if not len(_differing(before, after, rows)):
            taken |= {a, b}
            yield f"{old.labels[a]} lives on as {new.labels[b]}: the values are the same"


def _order(old: _Table, new: _Table) -> Iterator[str]:
    stayed = [key for key in old.columns if key in new.columns]
    if stayed != [key for key in new.columns if key in old.columns]:
        yield "the columns are in another order"


def _index_notes(old: pd.Index, new: pd.Index, rows: Match) -> Iterator[str]:
    if list(map(_key, old.names)) != list(map(_key, new.names)):
        yield f"index name: {_names(old)} → {_names(new)}"
    if _dtypes(old) != _dtypes(new):
        yield f"index type: {_dtypes(old)} → {_dtypes(new)}"
    if rows.reordered:
        yield "the rows are in another order"
    if rows.by_position:
        count = rows.count
        if not old[:count].equals(new[:count]):
            yield "the index has other labels; rows were compared by position"
        elif count:
            yield "the index has labels that repeat; rows were compared by position"


def _labels_notes(before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, pd.DataFrame) and isinstance(after, pd.DataFrame):
        old, new = before.columns, after.columns
        if list(map(_key, old.names)) != list(map(_key, new.names)):
            yield f"name of the columns: {_names(old)} → {_names(new)}"
        if _dtypes(old) != _dtypes(new) and len(old) and len(new):
            yield f"type of the column labels: {_dtypes(old)} → {_dtypes(new)}"
    elif type(before) is type(after) and _key(before.name) != _key(after.name):
        yield f"name: {show.label(before.name)} → {show.label(after.name)}"
    if not equal(before.attrs, after.attrs):
        yield "attrs differ"
    if before.flags != after.flags:
        yield "flags differ"


def _differing(before: pd.Series, after: pd.Series, rows: Match) -> Positions:
    return changed(selected(array_of(before), rows.before), selected(array_of(after), rows.after))


def _key(label: Any) -> Hashable:
    """Return a label in a form in which missing equals missing, and True is not 1."""
    if isinstance(label, tuple):
        return tuple(map(_key, label))
    if isinstance(label, (bool, np.bool_)):
        return ("bool", bool(label))
    if label is not None and pd.api.types.is_scalar(label) and pd.isna(label):
        return ("missing",)
    key: Hashable = label
    return key


def _names(index: pd.Index) -> str:
    return ", ".join("none" if name is None else show.label(name) for name in index.names)


def _dtypes(index: pd.Index) -> str:
    if isinstance(index, pd.MultiIndex):
        return f"({', '.join(map(show.dtype, index.dtypes))})"
    return show.dtype(index.dtype)


def _type_name(frame: object | None) -> str | None:
    return None if frame is None else show.type_name(frame)


def _shape(frame: Any) -> tuple[int | None, int | None]:
    try:
        rows, columns = (*frame.shape, 1)[:2]
        return int(rows), int(columns)
    except Exception:
        return None, None
