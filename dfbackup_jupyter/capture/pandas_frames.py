"""pandas DataFrame, Series and their subclasses: snapshots under Copy-on-Write."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from dfbackup_jupyter.capture import pandas_internals as internals
from dfbackup_jupyter.capture.base import JSON, Decoded, Encoded, Known, Read, Snapshot
from dfbackup_jupyter.capture.memory import Memory
from dfbackup_jupyter.capture.objects import Frozen, FrozenColumn, is_immutable
from dfbackup_jupyter.capture.pandas_codec import decode, encode, encode_columns, same_content

_SMALL = 256 << 10
"""Blocks up to this size are copied on the mere suspicion that others can write to them."""


class PandasSnapshot(Snapshot):
    """A DataFrame or Series at one instant.

    It holds a shallow copy, which makes pandas copy before any write, and the live arrays, which
    are replaced by such a write. Memory that others can write to is copied, and objects that can
    change are pickled.

    Parameters
    ----------
    frame : DataFrame or Series
        The live object.
    memory : Memory
        Arrays of the namespace that somebody can write to.
    known : Known
        What earlier snapshots found out.
    """

    def __init__(self, frame: Any, memory: Memory, known: Known) -> None:
        self._class = type(frame)
        package = str(self._class.__module__).partition(".")[0]
        self.type_name = f"{package}.{self._class.__qualname__}"
        self.rows, self.columns = frame.shape if frame.ndim == 2 else (len(frame), 1)
        self._attrs = Frozen(frame.attrs) if frame.attrs else None
        self._unique_labels = internals.has_unique_labels(frame)
        self._metadata = {name: Frozen(value) for name, value in _metadata(frame).items()}
        self._bare = not self._metadata and internals.is_bare(frame)
        seen = internals.strangers(frame, memory.views)
        reached = set(_reached(frame, memory))
        self.private = {
            owner
            for n, (owner, odd) in seen.items()
            if n not in reached and (not odd or owner in known.private)
        }
        known.private.update(self.private)
        values = internals.block_values(frame)
        shared = reached.union(
            n
            for n, (owner, _) in seen.items()
            if owner not in self.private and values[n].nbytes <= _SMALL
        )
        del values
        self._layout = internals.layout(frame)
        if self._layout is None:
            self._frame = frame.copy(deep=True)
            self._copies: dict[int, Any] = {}
        else:
            self._copies = {i: self._layout.values[i].copy() for i in shared}
            self._frame = internals.shallow(frame, self._copies)
        self._objects: dict[int, FrozenColumn] = {}
        self._freeze_objects(known)
        self.bytewise = bool(self._copies or self._objects or self._layout is None)

    def _freeze_objects(self, known: Known) -> None:
        self.plain: set[Hashable] = set()
        for number, values in enumerate(internals.block_values(self._frame)):
            if not isinstance(values, np.ndarray) or values.dtype.char != "O":
                continue
            for column, position in zip(
                np.atleast_2d(values), internals.block_columns(self._frame, number), strict=True
            ):
                key = _identity(column)
                if number not in self._copies and key in known.plain or is_immutable(column):
                    self.plain.add(key)
                else:
                    self._objects[position] = FrozenColumn(column)
        if self.plain:
            known.plain.update(self.plain)

    @property
    def nbytes(self) -> int:
        arrays = internals.block_values(self._frame) or internals.columns(self._frame)
        size = sum(int(array.nbytes) for array in arrays) + int(self._frame.index.nbytes)
        return size + sum(column.nbytes for column in self._objects.values())

    @cached_property
    def memory(self) -> Mapping[int, int]:
        return internals.memory(self._frame)

    @property
    def labels(self) -> Any:
        return self._frame.index

    def unchanged(self, live: object) -> bool:
        if type(live) is not self._class:
            return False
        layout = self._layout
        if layout is None:
            return same_content(self, PandasSnapshot(live, Memory(), Known()))
        return (
            layout.matches(live)
            and (internals.is_bare(live) if self._bare else self._same_extras(live))
            and (not self.bytewise or self._same_content(live))
        )

    def _same_extras(self, live: Any) -> bool:
        attrs = live.attrs
        return (
            (self._attrs.same(attrs) if self._attrs else not attrs)
            and self._unique_labels is internals.has_unique_labels(live)
            and (
                not self._metadata
                or all(
                    name in self._metadata and self._metadata[name].same(value)
                    for name, value in _metadata(live).items()
                )
            )
        )

    def _same_content(self, live: Any) -> bool:
        blocks = internals.block_values(live)
        if not all(_same_bits(blocks[i], copy) for i, copy in self._copies.items()):
            return False
        if not self._objects:
            return True
        columns = internals.columns(live)
        return all(objects.same(columns[i]) for i, objects in self._objects.items())

    def thaw(self) -> Any:
        frame = internals.shallow(self._frame)
        for position, objects in self._objects.items():
            values = pd.array(objects.thaw(), dtype=object, copy=False)
            if frame.ndim == 1:
                frame = pd.Series(values, frame.index, dtype=object, name=frame.name, copy=False)
            else:
                frame.isetitem(position, values)
        frame = internals.as_class(frame, self._class)
        attrs = self._attrs.thaw() if self._attrs else {}
        metadata = {name: value.thaw() for name, value in self._metadata.items()}
        _set_extras(frame, attrs, self._unique_labels, metadata)
        return frame

    def encode(self) -> Encoded:
        return encode(
            self._frame,
            kind=self._class,
            attrs=self._attrs.thaw() if self._attrs else {},
            unique_labels=self._unique_labels,
            metadata={name: value.thaw() for name, value in self._metadata.items()},
            objects=self._objects,
        )

    def encode_columns(self) -> dict[str, Encoded]:
        return encode_columns(self._frame, self._objects) if self._frame.ndim == 2 else {}


class PandasAdapter:
    """DataFrame, Series and their subclasses."""

    name = "pandas"

    def matches(self, kind: type) -> bool:
        """Whether objects of this class are frames of pandas."""
        return issubclass(kind, (pd.DataFrame, pd.Series))

    def snapshot(
        self, frame: Any, *, memory: Memory | None = None, known: Known | None = None
    ) -> PandasSnapshot:
        """Take a snapshot; see `PandasSnapshot`."""
        return PandasSnapshot(frame, memory or Memory(), known or Known())

    def decode(
        self, meta: JSON, read: Read, *, trust: bool, columns: Collection[Any] | None = None
    ) -> Decoded:
        """Build a frame from its description and blobs."""
        content = decode(meta, read, trust=trust, columns=columns)
        frame = internals.as_class(content.frame, content.kind)
        _set_extras(frame, content.attrs, content.unique_labels, content.metadata)
        return Decoded(frame, tuple(content.damaged), tuple(content.warnings))

    def put_back(self, live: Any, frame: Any) -> None:
        """Give `live` the content of `frame`, in place; both are of the same class."""
        if type(live) is not type(frame):
            raise TypeError(f"a {type(live).__name__} cannot become a {type(frame).__name__}")
        other = PandasSnapshot(frame, Memory(), Known()).thaw()
        internals.replace_content(live, other)
        _set_extras(live, other.attrs, not other.flags.allows_duplicate_labels, _metadata(other))


def _metadata(frame: Any) -> dict[str, Any]:
    """Return what a subclass keeps beside the data."""
    names = type(frame)._metadata
    if not names or names == ["_name"]:
        return {}
    return {name: getattr(frame, name, None) for name in names if name not in ("name", "_name")}


def _set_extras(
    frame: Any, attrs: dict[Any, Any], unique_labels: bool, metadata: dict[str, Any]
) -> None:
    frame.attrs = attrs
    if frame.flags.allows_duplicate_labels is unique_labels:
        frame.flags.allows_duplicate_labels = not unique_labels
    for name, value in metadata.items():
        object.__setattr__(frame, name, value)


def _reached(frame: Any, memory: Memory) -> list[int]:
    """Return the numbers of the blocks that arrays of the namespace can write to."""
    if not memory:
        return []
    return [
        number
        for number, values in enumerate(internals.block_values(frame))
        if any(map(memory.reaches, internals.buffers(values)))
    ]


def _identity(column: np.ndarray[Any, Any]) -> Hashable:
    return column.__array_interface__["data"][0], column.strides, len(column)


def _same_bits(a: Any, b: Any) -> bool:
    """Whether two arrays of one type hold the same bytes, or the same objects."""
    return all(map(_same_buffer, internals.buffers(a), internals.buffers(b)))


def _same_buffer(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> bool:
    if a.dtype.char == "O":
        return a.shape == b.shape and all(x is y for x, y in zip(a.flat, b.flat, strict=True))
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.itemsize in (1, 2, 4, 8):
        word = f"u{a.itemsize}"
        return bool((a.view(word) == b.view(word)).all())
    return all(
        np.array_equal(
            np.ascontiguousarray(x).view(np.uint8), np.ascontiguousarray(y).view(np.uint8)
        )
        for x, y in zip(np.atleast_2d(a), np.atleast_2d(b), strict=True)
    )
