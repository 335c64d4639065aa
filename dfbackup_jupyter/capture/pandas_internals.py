"""The only module that touches private attributes of pandas (written against 3.0 and 3.1).

Each is behind a small function. Those that exist for speed fall back to pandas' public interface;
where a layout cannot be read at all, `layout` returns None, and the snapshot copies instead.
`tests/capture/test_pandas_internals.py` fails with a clear message when pandas changes.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from operator import attrgetter, is_
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

Frame = Any
Array = np.ndarray[Any, Any]

_pd: Any = pd
"""pandas, without what its stubs leave out."""

_DATES = (pd.arrays.DatetimeArray, pd.arrays.TimedeltaArray)
_MANY_BLOCKS = 64
_values = attrgetter("values")
_arrow = attrgetter("_pa_array")


class Layout:
    """The very objects that a frame consists of, to be recognised by identity.

    Every write through pandas' API replaces at least one of them, as long as somebody else shares
    the memory: that is Copy-on-Write. Names and frequencies are set in place, so they are listed.

    Every frame is asked for before every cell, when nothing of it is in the processor's caches: it
    is flat, because each object that is looked at costs more than the comparison.
    """

    __slots__ = ("blocks", "first", "first_name", "last", "last_name", "rare", "values")

    def __init__(self, frame: Frame) -> None:
        manager = frame._mgr
        self.blocks = tuple(manager.blocks)
        self.values = tuple(map(_values, self.blocks))
        self.first, self.last = manager.axes[0], manager.axes[-1]
        self.first_name, self.last_name = self.first._name, self.last._name
        self.rare = _Rare.of(frame)

    def matches(self, frame: Frame) -> bool:
        """Whether a frame still consists of these objects."""
        try:
            manager = frame._mgr
            # Whatever moves a block's columns replaces the tuple of blocks as well.
            if manager.blocks is not self.blocks:
                return False
            axes = manager.axes
            first, last = axes[0], axes[-1]
            return (
                first is self.first
                and last is self.last
                and first._name is self.first_name
                and last._name is self.last_name
                and all(map(is_, map(_values, self.blocks), self.values))
                and (self.rare is None or self.rare.matches(frame))
            )
        except AttributeError:
            return False


class _Rare(NamedTuple):
    """What else can be set in place, of frames that have it."""

    name: Any
    arrays: tuple[Any, ...]
    arrow: tuple[Any, ...]
    details: tuple[tuple[Any, tuple[Any, ...]], ...]

    @classmethod
    def of(cls, frame: Frame) -> _Rare | None:
        name = frame._name if frame.ndim == 1 else None
        arrays = tuple(v for v in block_values(frame) if getattr(v, "_pa_array", None) is not None)
        details = tuple(map(_details, frame._mgr.axes))
        if not any(freq is not None or names for freq, names in details):
            details = ()
        if frame.ndim == 2 and not arrays and not details:
            return None
        return cls(name, arrays, tuple(map(_arrow, arrays)), details)

    def matches(self, frame: Frame) -> bool:
        return (
            (frame.ndim == 2 or frame._name is self.name)
            and all(map(is_, map(_arrow, self.arrays), self.arrow))
            and (not self.details or all(map(_has_details, frame._mgr.axes, self.details)))
        )


def layout(frame: Frame) -> Layout | None:
    """Return what a frame consists of, or None where this pandas does not tell."""
    try:
        return Layout(frame)
    except AttributeError:
        return None


def has_unique_labels(frame: Frame) -> bool:
    """Whether a frame's flags forbid duplicate labels."""
    try:
        return not frame._flags._allows_duplicate_labels
    except AttributeError:
        return not frame.flags.allows_duplicate_labels


def is_bare(frame: Frame) -> bool:
    """Whether a frame has neither attrs nor a flag set."""
    try:
        return not frame._attrs and frame._flags._allows_duplicate_labels
    except AttributeError:
        return not frame.attrs and frame.flags.allows_duplicate_labels


def shallow(frame: Frame, replaced: Mapping[int, Any] | None = None) -> Frame:
    """Return a plain DataFrame or Series that shares the memory of `frame` under Copy-on-Write.

    Unlike ``copy(deep=False)`` this runs no code of subclasses and copies no attrs.

    Parameters
    ----------
    frame : DataFrame or Series
        What to share.
    replaced : mapping of int to array, optional
        Block values to put in the place of the frame's own, by number.
    """
    base = _pd.DataFrame if frame.ndim == 2 else _pd.Series
    try:
        old = frame._mgr
        if frame.ndim == 1:
            manager = old.copy(deep=False)
        else:
            # Four times as fast as the manager's own copy, for 3,000 blocks.
            blocks = tuple(
                type(b)(_shared(b.values), placement=b._mgr_locs, ndim=b.ndim, refs=b.refs)
                for b in old.blocks
            )
            axes = [axis.view() for axis in old.axes]
            manager = type(old)(blocks, axes, verify_integrity=False)
        for number, values in (replaced or {}).items():
            block = manager.blocks[number]
            fresh = type(block)(values, placement=block._mgr_locs, ndim=block.ndim)
            manager.blocks = (*manager.blocks[:number], fresh, *manager.blocks[number + 1 :])
        result: Frame = base._from_mgr(manager, manager.axes)
        if frame.ndim == 1:
            object.__setattr__(result, "_name", frame._name)
    except (AttributeError, TypeError):
        if replaced:
            return base(frame.copy(deep=True))
        result = base(frame, copy=False)
    return result


def as_class(frame: Frame, kind: type) -> Frame:
    """Return a plain frame as an instance of a subclass, without calling its constructor."""
    if type(frame) is kind:
        return frame
    try:
        make = (_pd.DataFrame if frame.ndim == 2 else _pd.Series)._from_mgr.__func__
        result = make(kind, frame._mgr, frame._mgr.axes)
        if frame.ndim == 1:
            object.__setattr__(result, "_name", frame._name)
    except (AttributeError, TypeError):
        return kind(frame)
    return result


def replace_content(live: Frame, frame: Frame) -> None:
    """Give `live` the values, labels and name of `frame`, in place."""
    other = shallow(frame)
    if hasattr(live, "_mgr"):
        object.__setattr__(live, "_mgr", other._mgr)
        if live.ndim == 1:
            object.__setattr__(live, "_name", other._name)
    elif live.ndim == 2:
        _pd.DataFrame.__init__(live, other, copy=False)
    else:
        _pd.Series.__init__(live, other, copy=False)


def frame_of_blocks(
    blocks: list[tuple[Any, np.ndarray[Any, Any]]], index: pd.Index, columns: pd.Index
) -> pd.DataFrame:
    """Build a DataFrame around arrays, each with the positions of its columns."""
    frame: pd.DataFrame = import_module("pandas.api.internals").create_dataframe_from_blocks(
        [(_two_dimensional(values), places) for values, places in blocks], index, columns
    )
    return frame


def block_values(frame: Frame) -> tuple[Any, ...]:
    """Return the arrays of a frame's blocks: 2-D ``(columns, rows)`` or extension arrays."""
    try:
        return tuple(map(_values, frame._mgr.blocks))
    except AttributeError:
        return ()


def block_columns(frame: Frame, number: int) -> tuple[int, ...]:
    """Return the positions of a block's columns in the frame."""
    return (0,) if frame.ndim == 1 else tuple(frame._mgr.blocks[number]._mgr_locs)


def columns(frame: Frame) -> list[Any]:
    """Return the columns of a frame as 1-D arrays that share its memory."""
    if frame.ndim == 1:
        return [_unwrapped(frame.array)]
    try:
        found: list[Any] = [None] * frame.shape[1]
        for block in frame._mgr.blocks:
            values = block.values
            for row, position in enumerate(block._mgr_locs):
                found[position] = values[row] if values.ndim == 2 else values
        return found
    except AttributeError:
        return [_unwrapped(frame.iloc[:, i].array) for i in range(frame.shape[1])]


def buffers(array: Any) -> tuple[Array, ...]:
    """Return the NumPy arrays that an array consists of."""
    if isinstance(array, np.ndarray):
        return (array,)
    parts = (
        getattr(array, name, None)
        for name in ("_ndarray", "_data", "_mask", "_left", "_right", "_sparse_values")
    )
    return tuple(part for found in parts if found is not None for part in buffers(found))


def memory(frame: Frame) -> dict[int, int]:
    """Return the sizes in bytes of what a frame keeps alive, by the identity of its owners."""
    found = {id(getattr(frame.index, "_id", frame.index)): int(frame.index.nbytes)}
    for array in block_values(frame) or columns(frame):
        for part in buffers(array) or (getattr(array, "_pa_array", array),):
            owner = _owner(part)
            found[id(owner)] = int(owner.nbytes)
    return found


def strangers(frame: Frame, views: Mapping[int, int]) -> dict[int, tuple[int, bool]]:
    """Say of NumPy blocks whether somebody else refers to their memory.

    That is by references that pandas does not account for: an array that somebody can write to, or
    a harmless view. To be called before anybody takes hold of the blocks' arrays.

    Parameters
    ----------
    frame : DataFrame or Series
        The live object.
        Frames of very many blocks are not looked at.
    views : mapping of int to int
        How many harmless views are known, by the identity of the array that they are views of.

    Returns
    -------
    dict
        For the number of each block, the identity of its memory's owner, and the answer.
    """
    try:
        blocks = frame._mgr.blocks
        if len(blocks) > _MANY_BLOCKS:
            return {}
        return {
            number: _has_strangers(block, views)
            for number, block in enumerate(blocks)
            if isinstance(block.values, np.ndarray)
        }
    except AttributeError:
        return {}


def _has_strangers(block: Any, views: Mapping[int, int]) -> tuple[int, bool]:
    owner = _owner(block.values)
    known: set[int] = set()
    for reference in block.refs.referenced_blocks:
        for part in buffers(_held(reference())):
            if part is owner or part.base is owner:
                known.add(id(part))
            del part
    accounted = _OWN_REFERENCES + len(known) + views.get(id(owner), 0)
    return id(owner), sys.getrefcount(owner) > accounted


def _owner(array: Any) -> Any:
    """Return the array whose memory another one looks into."""
    while isinstance(base := getattr(array, "base", None), np.ndarray):
        array = base
    return array


def _own_references() -> int:
    """Count what `getrefcount` says of an object that only one local name refers to."""
    probe = np.empty(0)
    return sys.getrefcount(probe)


_OWN_REFERENCES = _own_references()


def _held(holder: Any) -> Any:
    """Return the array of a block or index, or nothing of one that is gone."""
    if holder is None:
        return ()
    return getattr(holder, "_data", ()) if isinstance(holder, pd.Index) else holder.values


def _shared(values: Any) -> Any:
    return values if isinstance(values, np.ndarray) else values.view()


def _two_dimensional(values: Any) -> Any:
    """Return values as a block has them: dates, too, have two dimensions, also with time zones."""
    flat = values.ndim == 1
    if isinstance(values, (np.ndarray, *_DATES)) and flat:
        return values.reshape(1, -1)
    return values


def _details(axis: pd.Index) -> tuple[Any, tuple[Any, ...]]:
    """Return what some kinds of index hold that can be set in place: frequency, level names."""
    held: Any = axis
    names = tuple(held._names) if isinstance(axis, pd.MultiIndex) else ()
    return getattr(held, "_freq", None), names


def _has_details(axis: pd.Index, details: tuple[Any, tuple[Any, ...]]) -> bool:
    held: Any = axis
    freq, names = details
    return (freq is None or held._freq is freq) and all(
        map(is_, getattr(held, "_names", ()), names)
    )


def _unwrapped(array: Any) -> Any:
    """Return the NumPy array behind pandas' thin wrapper of one; subclasses are more than that."""
    if type(array) is pd.arrays.NumpyExtensionArray:
        return array._ndarray if hasattr(array, "_ndarray") else array.to_numpy()
    return array


def tz_name(tz: Any) -> str | None:
    """Return pandas' name of a dateutil time zone, which `tz_named` understands."""
    try:
        name = _pd._libs.tslibs.timezones.get_timezone(tz)
    except AttributeError:
        return None
    return name if isinstance(name, str) else None


def tz_named(name: str) -> Any:
    """Return the time zone of a name."""
    return pd.DatetimeIndex([], tz=name).tz


def masked_parts(array: Any) -> tuple[Array, Array]:
    """Return the values of a nullable array, also those under the mask, and the mask."""
    return array._data, array._mask


def ordinals(array: Any) -> Array:
    """Return the integers of a datetime, timedelta or period array; 1-D or 2-D."""
    found: Array = array._ndarray.view(np.int64)
    return found


def interval_sides(array: Any) -> tuple[Any, Any]:
    """Return the arrays of left and right ends."""
    return array._left, array._right


def arrow_values(array: Any) -> Any:
    """Return the chunked Arrow array of an Arrow-backed one."""
    return array._pa_array


def python_strings(array: Any) -> Array:
    """Return the objects of a string array with ``python`` storage."""
    found: Array = array._ndarray
    return found


def datetime_array(values: Array, dtype: Any) -> Any:
    """Build a datetime or timedelta array of 1 or 2 dimensions around int64 values."""
    if isinstance(dtype, np.dtype):
        kind = _pd.arrays.DatetimeArray if dtype.kind == "M" else _pd.arrays.TimedeltaArray
        return kind._simple_new(values.view(dtype), dtype=dtype)
    return _pd.arrays.DatetimeArray._simple_new(values.view(f"M8[{dtype.unit}]"), dtype=dtype)


def interval_array(left: Any, right: Any, dtype: pd.IntervalDtype) -> Any:
    """Build an interval array around its sides."""
    return _pd.arrays.IntervalArray._simple_new(left, right, dtype=dtype)


def string_array(values: Array, dtype: pd.StringDtype) -> Any:
    """Build a string array of ``python`` storage around an array of objects."""
    kind: Any = dtype.construct_array_type()
    return kind._simple_new(values, dtype)


def sparse_parts(array: Any) -> tuple[str, Array, Array, int]:
    """Return the kind of a sparse array's index, its two arrays, and the length."""
    index = array.sp_index
    if hasattr(index, "blocs"):
        return "block", index.blocs, index.blengths, index.length
    return "integer", index.indices, np.empty(0, np.int32), index.length


def sparse_array(values: Any, dtype: Any, kind: str, a: Array, b: Array, length: int) -> Any:
    """Build a sparse array from what `sparse_parts` returned."""
    made = _pd._libs.sparse
    index = made.BlockIndex(length, a, b) if kind == "block" else made.IntIndex(length, a)
    return _pd.arrays.SparseArray._simple_new(values, index, dtype)


def set_freq(index: Any, freq: Any) -> None:
    """Give a datetime or timedelta index a frequency that is known to be right."""
    if hasattr(index, "_freq"):
        index._freq = freq
    else:
        index.freq = freq


def index_array(index: pd.Index) -> Any:
    """Return the values of an index: a 1-D NumPy or extension array."""
    values = index.array
    return _unwrapped(values)
