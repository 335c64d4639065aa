"""Snapshots of pandas' DataFrames and Series.

A shallow copy is the capture: pandas copies an array before it writes to it while another frame
refers to it (Copy-on-Write, PDEP-7). The arrays of the live frame are remembered as well, because a
frame whose arrays are still the same objects is unchanged.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Set
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from dfbackup_jupyter.capture import objects
from dfbackup_jupyter.capture import pandas_internals as internals
from dfbackup_jupyter.capture.atoms import NotTrusted, write
from dfbackup_jupyter.capture.base import JSON, Decoded, Encoded, Lost, Read, Snapshot
from dfbackup_jupyter.capture.pandas_arrays import Reader, Writer
from dfbackup_jupyter.errors import DamagedData

Frame = pd.DataFrame | pd.Series
"""What is a frame here."""

_BLOCKS_PAY = 64  # columns; above that one block per type is better than one per column
_SMALL = 1 << 20
_PLAIN: dict[type[Any], str] = {pd.DataFrame: "DataFrame", pd.Series: "Series"}


class PandasSnapshot(Snapshot):
    """A pandas frame at one instant.

    Parameters
    ----------
    frame : DataFrame or Series
        The live frame.
    writable : set of int
        Identities of the arrays into which the user can write by other ways.
    """

    def __init__(self, frame: Frame, writable: Set[int] = frozenset()) -> None:
        kind = type(frame)
        self.type_name = f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"
        self.rows = len(frame)
        self.columns = frame.shape[1] if frame.ndim == 2 else 1
        self._class = kind
        self._parts = internals.parts(frame)
        self._labels = _labels(frame)
        self._extra = _extra(frame)
        self._foreign = _foreign(frame, writable)
        self._frame = frame.copy(deep=self._foreign)
        self._pickles = _pickle_mutable(frame)
        self.bytewise = self._foreign or bool(self._pickles)

    @cached_property
    def nbytes(self) -> int:
        """Size of the content in bytes, roughly."""
        return sum(int(array.nbytes) for array in internals.block_arrays(self._frame))

    def unchanged(self, live: Any) -> bool:
        """Whether a live frame still has this content."""
        try:
            return (
                type(live) is self._class
                and _same_objects(internals.parts(live), self._parts)
                and _labels(live) == self._labels
                and bool(_extra(live) == self._extra)
                and (not self._pickles or _pickle_mutable(live) == self._pickles)
                and (not self._foreign or _same_bytes(live, self._frame))
            )
        except Exception:  # what cannot be compared counts as changed
            return False

    def thaw(self) -> Frame:
        """Return a new frame with this content."""
        frame = self._frame.copy(deep=False)
        for place, data in self._pickles.items():
            values = objects.unpickled(data)
            if isinstance(frame, pd.Series):
                return _series(values, frame)
            column: Any = _column(values, frame.index)
            frame.isetitem(place, column)
        return frame

    def encode(self) -> Encoded:
        """Return what the store is to keep."""
        frame, writer = self._frame, Writer()
        labels = [_label(frame)] if isinstance(frame, pd.Series) else map(str, frame.columns)
        nodes: list[JSON] = []
        pickled: list[str] = []
        lost: list[Lost] = []
        for place, (label, array) in enumerate(zip(labels, internals.columns(frame), strict=True)):
            mark = len(writer.blobs)
            try:
                if place in self._pickles:
                    node = writer.pickled(self._pickles[place])
                else:
                    node = writer.array(array)
            except Exception as error:
                del writer.blobs[mark:]
                lost.append(Lost(label, f"{type(error).__name__}: {error}"))
                node = None
            if needs_trust(node):
                pickled.append(label)
            nodes.append(node)
        meta = {
            "library": "pandas",
            "kind": "DataFrame" if frame.ndim == 2 else "Series",
            "class": None if self._class in _PLAIN else _class_name(self._class),
            "attrs": write(frame.attrs),
            "unique": not internals.allows_duplicates(frame),
            "extra": {name: write(getattr(frame, name, None)) for name in _metadata(frame)},
            "index": writer.index(frame.index),
            "columns": writer.index(frame.columns) if frame.ndim == 2 else None,
            "data": nodes,
        }
        return Encoded(meta, tuple(writer.blobs), tuple(pickled), tuple(lost))


class PandasAdapter:
    """pandas: DataFrame, Series, and their subclasses."""

    name = "pandas"

    def matches(self, value: Any) -> bool:
        """Whether a value is a pandas frame."""
        return isinstance(value, (pd.DataFrame, pd.Series))

    def snapshot(self, frame: Frame, writable: Set[int] = frozenset()) -> PandasSnapshot:
        """Capture a frame."""
        return PandasSnapshot(frame, writable)

    def decode(self, meta: JSON, read: Read, *, trust: bool) -> Decoded:
        """Rebuild a frame, without the columns that cannot be read."""
        reader = Reader(read, trust)
        damaged: list[Lost] = []
        warnings: list[str] = []
        rows = None
        columns = {}
        labels = _try_index(reader, meta["columns"], "the column names", warnings)
        for place, node in enumerate(meta["data"]):
            if node is None:
                continue
            try:
                columns[place] = reader.array(node)
                rows = len(columns[place])
            except (DamagedData, NotTrusted) as error:
                label = str(place if labels is None else labels[place])
                damaged.append(Lost(label, str(error)))
        index = _try_index(reader, meta["index"], "the row labels", warnings)
        if index is None:
            index = pd.RangeIndex(rows or 0)
        if meta["kind"] == "Series":
            if 0 not in columns:
                raise DamagedData(damaged[0].reason if damaged else "it could not be backed up")
            frame: Frame = _column(columns[0], index)
        else:
            frame = _frame(columns, index, labels, len(meta["data"]))
        frame = _dressed(frame, meta, reader, warnings)
        return Decoded(frame, tuple(damaged), tuple(warnings))

    def put_back(self, live: Frame, frame: Frame) -> None:
        """Give a live frame the content of another, in place."""
        internals.put_back(live, frame)
        for name in _metadata(frame):
            object.__setattr__(live, name, getattr(frame, name, None))


def needs_trust(node: JSON) -> bool:
    """Whether reading what a description describes takes unpickling."""
    if isinstance(node, dict):
        return node.get("kind") == "pickle" or any(map(needs_trust, node.values()))
    if isinstance(node, list):
        return node[:1] == ["pickle"] or any(map(needs_trust, node))
    return False


def _try_index(reader: Reader, node: JSON, what: str, warnings: list[str]) -> pd.Index | None:
    if node is None:
        return None
    try:
        return reader.index(node)
    except (DamagedData, NotTrusted) as error:
        warnings.append(f"{what} could not be read ({error}); numbers stand in for them")
        return None


def _frame(
    columns: dict[int, Any], index: pd.Index, labels: pd.Index | None, width: int
) -> pd.DataFrame:
    series = {place: _column(array, index) for place, array in columns.items()}
    frame = pd.DataFrame(series, index=index, copy=len(series) > _BLOCKS_PAY)
    if labels is None:
        labels = pd.RangeIndex(width)
    frame.columns = labels if len(columns) == width else labels[list(columns)]
    return frame


def _column(array: Any, index: pd.Index) -> pd.Series:
    column: pd.Series = pd.Series(array, index=index, dtype=array.dtype, copy=False)
    return column


def _series(values: Any, like: pd.Series) -> pd.Series:
    series: pd.Series = _column(values, like.index).__finalize__(like)
    return series


def _dressed(frame: Frame, meta: JSON, reader: Reader, warnings: list[str]) -> Frame:
    if meta["class"] is not None:
        kind = _import(meta["class"]) if reader.trusted else None
        if kind is None:
            warnings.append(
                f"its class {meta['class'].replace(':', '.')} cannot be imported; "
                f"it came back as a plain {meta['kind']}"
            )
        else:
            frame = internals.of_class(kind, frame)
    for name, data in meta["extra"].items():
        if name == "_name" or (meta["class"] is not None and name in _metadata(frame)):
            _set(frame, name, reader, data, warnings)
    _set(frame, "attrs", reader, meta["attrs"], warnings)
    if meta["unique"]:
        internals.forbid_duplicates(frame)
    return frame


def _set(frame: Frame, name: str, reader: Reader, data: JSON, warnings: list[str]) -> None:
    try:
        object.__setattr__(frame, name, reader.atom(data))
    except NotTrusted as error:
        warnings.append(f"its {name.strip('_')} did not come back: {error}")


def _import(name: str) -> type[Any] | None:
    module, _, path = name.partition(":")
    try:
        found: Any = import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except Exception:  # whatever importing someone's module raises
        return None
    return found if isinstance(found, type) and issubclass(found, Frame) else None


def _class_name(kind: type[Any]) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _metadata(frame: Frame) -> list[str]:
    return internals.metadata(type(frame))


def _label(series: pd.Series) -> str:
    return "values" if series.name is None else str(series.name)


def _labels(frame: Frame) -> tuple[Any, ...]:
    # Names and frequency are all of an index that can be set in place.
    return tuple((tuple(axis.names), getattr(axis, "freq", None)) for axis in frame.axes)


def _extra(frame: Frame) -> tuple[Any, ...]:
    attributes = [getattr(frame, name, None) for name in _metadata(frame)]
    attrs = copy.deepcopy(frame.attrs) if frame.attrs else None
    return (attrs, internals.allows_duplicates(frame), *attributes)


def _same_objects(one: tuple[Any, ...] | None, other: tuple[Any, ...] | None) -> bool:
    return (
        one is not None
        and other is not None
        and len(one) == len(other)
        and all(map(operator.is_, one, other))
    )


def _same_bytes(live: Frame, frame: Frame) -> bool:
    one, other = Writer(), Writer()
    return all(
        one.array(a) == other.array(b)
        for a, b in zip(internals.columns(live), internals.columns(frame), strict=True)
    ) and all(
        a.read(0, a.nbytes) == b.read(0, b.nbytes)
        for a, b in zip(one.blobs, other.blobs, strict=True)
    )


def _pickle_mutable(frame: Frame) -> dict[int, bytes]:
    arrays = internals.block_arrays(frame)
    if not any(isinstance(a, np.ndarray) and a.dtype == object for a in arrays):
        return {}
    found = {}
    for place, array in enumerate(internals.columns(frame)):
        if isinstance(array, np.ndarray) and array.dtype == object and objects.mutable(array):
            try:
                found[place] = objects.pickled(array)
            except Exception:  # encode() says which column it is, and why
                continue
    return found


def _foreign(frame: Frame, writable: Set[int]) -> bool:
    return bool(writable) and any(
        id(root(part)) in writable
        for array in internals.block_arrays(frame)
        for part in internals.numpy_parts(array)
    )


def root(array: Any) -> Any:
    """Return the object that owns an array's memory."""
    while True:
        if isinstance(array, np.ndarray) and array.base is not None:
            array = array.base
        elif isinstance(array, memoryview) and array.obj is not None:
            array = array.obj
        else:
            return array
