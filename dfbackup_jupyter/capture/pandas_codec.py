"""A pandas frame as one description and blobs, column by column, and back."""

from __future__ import annotations

import base64
import pickle
import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from dfbackup_jupyter.capture import pandas_internals as internals
from dfbackup_jupyter.capture import plain
from dfbackup_jupyter.capture.base import JSON, Encoded, Lost, Read
from dfbackup_jupyter.capture.objects import FrozenColumn, pickled
from dfbackup_jupyter.capture.pandas_arrays import (
    decode_array,
    decode_index,
    encode_array,
    encode_index,
    numpy_dtype,
)
from dfbackup_jupyter.capture.parts import Node, Parts, Source, Untrusted, unpickles
from dfbackup_jupyter.errors import DamagedData
from dfbackup_jupyter.parallel import in_parallel

VERSION = 2
"""Version 1 knows neither rows that are selected of others nor codes for strings."""

_TWO_AT_A_TIME = range(1 << 14, 1 << 22)
"""Rows of the columns that are read two at a time. Shorter ones take longer to hand to another
thread than to read; of longer ones two threads read one, from one place of the disk."""


@dataclass
class Content:
    """All that a description held."""

    frame: Any
    kind: type
    attrs: dict[Any, Any] = field(default_factory=dict)
    unique_labels: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)
    damaged: list[Lost] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def encode(
    frame: Any,
    *,
    kind: type,
    attrs: Mapping[Any, Any],
    unique_labels: bool,
    metadata: Mapping[str, Any],
    objects: Mapping[int, FrozenColumn],
) -> Encoded:
    """Describe a plain DataFrame or Series.

    Parameters
    ----------
    frame : DataFrame or Series
        The data.
    kind : type
        The class of the live object.
    attrs, unique_labels, metadata
        What goes with it.
    objects : mapping of int to FrozenColumn
        Columns whose objects can change, as they were.
    """
    parts = Parts()
    flagged: list[str] = []
    lost: list[Lost] = []
    labels = [str(label) for label in _labels(frame)]
    columns = []
    owners: list[str] = []
    for position, array in enumerate(internals.columns(frame)):
        columns.append(_column(array, objects.get(position), parts))
        if parts.pickled:
            flagged.append(labels[position])
        if "lost" in columns[-1]:
            lost.append(Lost(labels[position], columns[-1]["lost"]))
        parts.pickled = False
        owners += [labels[position]] * (len(parts.blobs) - len(owners))
    meta: JSON = {
        "library": "pandas",
        "version": VERSION,
        "type": "Series" if frame.ndim == 1 else "DataFrame",
        "class": None if kind in (pd.DataFrame, pd.Series) else _name(kind),
        "rows": len(frame),
        "data": columns,
        "unique_labels": unique_labels,
        "index": _guarded(encode_index, frame.index, parts, "the index", lost),
    }
    if frame.ndim == 2:
        meta["columns"] = _guarded(encode_index, frame.columns, parts, "the column labels", lost)
    else:
        meta["name"] = _guarded(_value, frame.name, parts, "the name", lost)
    if attrs:
        meta["attrs"] = _guarded(_value, dict(attrs), parts, "attrs", lost)
    if metadata:
        values = {
            name: _guarded(_value, value, parts, name, lost) for name, value in metadata.items()
        }
        meta["metadata"] = values
    if parts.pickled:
        flagged.append("labels or attrs")
    return Encoded(meta, parts.blobs, tuple(flagged), tuple(lost), tuple(owners))


def encode_columns(frame: pd.DataFrame, objects: Mapping[int, FrozenColumn]) -> dict[str, Encoded]:
    """Describe each column of a plain DataFrame by itself."""
    found: dict[str, Encoded] = {}
    seen: Counter[str] = Counter()
    for position, (label, array) in enumerate(
        zip(map(str, frame.columns), internals.columns(frame), strict=True)
    ):
        parts = Parts()
        node = _column(array, objects.get(position), parts)
        seen[label] += 1
        name = f"{label} #{seen[label]}" if seen[label] > 1 else label
        found[name] = Encoded(node, parts.blobs)
    return found


def decode(
    meta: JSON, read: Read, *, trust: bool, columns: Collection[Any] | None = None
) -> Content:
    """Build the frame that was described, or some of its columns, as a plain DataFrame or Series.

    Raises
    ------
    DamagedData
        Nothing of it can be read.
    """
    if meta["version"] > VERSION:
        raise DamagedData("This frame was written by a newer version.", "Update dfbackup-jupyter.")
    return _decode(meta, Source(read, trust=trust), columns)


def same_content(a: Any, b: Any) -> bool:
    """Whether two snapshots hold the same bytes."""
    one, two = a.encode(), b.encode()
    return (
        one.meta == two.meta
        and [x.nbytes for x in one.blobs] == [y.nbytes for y in two.blobs]
        and all(
            x.read(0, x.nbytes) == y.read(0, y.nbytes)
            for x, y in zip(one.blobs, two.blobs, strict=True)
        )
    )


def _labels(frame: Any) -> Any:
    return frame.columns if frame.ndim == 2 else [frame.name]


def _column(array: Any, frozen: FrozenColumn | None, parts: Parts) -> Node:
    start = len(parts.blobs)
    try:
        if frozen is None:
            return encode_array(array, parts)
        if frozen.reason:
            return {"kind": "lost", "lost": frozen.reason}
        return parts.pickle(frozen.portable())
    except Exception:
        del parts.blobs[start:]
    try:
        # An array that nobody foresaw is better pickled than lost.
        return parts.pickle(pickled(array))
    except Exception as error:
        return {"kind": "lost", "lost": f"cannot be pickled: {error!s:.200}"}


def _guarded(encode: Any, value: Any, parts: Parts, what: str, lost: list[Lost]) -> Any:
    start = len(parts.blobs)
    try:
        return encode(value, parts)
    except Exception as error:
        del parts.blobs[start:]
        reason = f"cannot be pickled: {error!s:.200}"
        lost.append(Lost(what, reason))
        return {"lost": reason}


def _value(value: Any, parts: Parts) -> Any:
    try:
        return {"value": plain.to_json(value)}
    except (plain.NotPlain, RecursionError):
        parts.pickled = True
        return {"pickle": base64.b64encode(pickled(value)).decode()}


def _read_value(node: Any, source: Source, what: str, default: Any) -> Any:
    if node is None:
        return default
    if "value" in node:
        return plain.from_json(node["value"])
    if "pickle" in node and source.trust:
        return pickle.loads(base64.b64decode(node["pickle"]))
    source.warnings.append(
        f"{what} could not be brought back: {node.get('lost') or str(Untrusted())}."
    )
    return default


def _name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _decode(meta: JSON, source: Source, wanted: Collection[Any] | None) -> Content:
    series, rows, nodes = meta["type"] == "Series", meta["rows"], meta["data"]
    damaged: list[Lost] = []
    labels: Any = None
    if not series:
        labels = _index(meta["columns"], source, len(nodes), "The column labels")
        if wanted is not None:
            chosen = [i for i, label in enumerate(labels) if label in wanted]
            labels, nodes = labels.take(chosen), [nodes[i] for i in chosen]
    index = _index(meta["index"], source, rows, "The index")
    if series:
        name = _read_value(meta["name"], source, "The name", None)
        try:
            array = _readable(nodes[0], source, rows)
        except Untrusted as error:
            raise DamagedData(
                f"The values of the Series cannot be brought back: {error}."
            ) from None
        frame = pd.Series(array, index, dtype=array.dtype, name=name, copy=False)
    else:
        builder = _Builder(nodes, source, index, labels)
        frame, damaged = builder.frame(), builder.damaged
    kind = _class(meta["class"], type(frame), source)
    metadata = {} if type(frame) is kind else meta.get("metadata", {})
    return Content(
        frame,
        kind,
        attrs=_read_value(meta.get("attrs"), source, "attrs", {}),
        unique_labels=meta["unique_labels"],
        metadata={n: _read_value(v, source, n, None) for n, v in metadata.items()},
        damaged=damaged,
        warnings=source.warnings,
    )


def _readable(node: Node, source: Source, rows: int, out: Any = None) -> Any:
    if "lost" in node:
        raise DamagedData(f"It was not backed up: {node['lost']}.")
    return decode_array(node, source, rows, out)


def _index(node: Node, source: Source, rows: int, what: str) -> pd.Index:
    try:
        if "lost" in node:
            raise DamagedData(node["lost"])
        index = decode_index(node, source)
        if len(index) != rows:
            raise DamagedData("there are not as many labels as data")
        return index
    except (DamagedData, Untrusted, ValueError, TypeError, KeyError) as error:
        source.warnings.append(f"{what} could not be brought back ({error}); numbers stand there.")
        return pd.RangeIndex(rows)


def _group(node: Node) -> str | None:
    """Return what columns have in common that can live in one block."""
    if node["kind"] == "numpy" and isinstance(node["dtype"], str):
        return f"numpy {node['dtype']}"
    return "object" if node["kind"] == "object" else None


class _Builder:
    """Builds a DataFrame with one block for all columns of a NumPy dtype."""

    def __init__(
        self, nodes: list[Node], source: Source, index: pd.Index, labels: pd.Index
    ) -> None:
        self._nodes = nodes
        self._source = source
        self._index = index
        self._labels = labels
        self._arrays: dict[int, Any] = {}
        self._lost: dict[int, Lost] = {}
        self._unreadable = False

    @property
    def damaged(self) -> list[Lost]:
        """The columns that the frame lacks."""
        return [self._lost[position] for position in sorted(self._lost)]

    def frame(self) -> pd.DataFrame:
        """Return the frame of all columns that can be read."""
        groups: defaultdict[Any, list[int]] = defaultdict(list)
        for position, node in enumerate(self._nodes):
            groups[_group(node) or position].append(position)
        rooms = [(positions, self._room(positions)) for positions in groups.values()]
        self._read({p: row for ps, room in rooms for p, row in zip(ps, room, strict=True)})
        found = [self._block(positions, room) for positions, room in rooms]
        blocks = [(values, positions) for values, positions in found if positions]
        kept = sorted(self._arrays)
        if self._unreadable and not kept:
            raise DamagedData(f"No column can be read: {self.damaged[0].reason}.")
        labels = self._labels if len(kept) == len(self._nodes) else self._labels.take(kept)
        place = {position: i for i, position in enumerate(kept)}
        return internals.frame_of_blocks(
            [(v, np.array([place[p] for p in ps], np.intp)) for v, ps in blocks],
            self._index,
            labels,
        )

    def _room(self, positions: list[int]) -> Any:
        """Return the rows that columns are read into; for a column by itself, None in a list."""
        if len(positions) == 1:
            return [None]
        dtype = numpy_dtype(self._nodes[positions[0]])
        return np.empty((len(positions), len(self._index)), dtype or object)

    def _read(self, rows: dict[int, Any]) -> None:
        def read(position: int) -> None:
            self._column(position, rows[position])

        two = len(self._index) in _TWO_AT_A_TIME
        # What is unpickled is the user's code: it runs on the user's thread.
        alone = [p for p in rows if not two or unpickles(self._nodes[p])]
        in_parallel(read, sorted(set(rows).difference(alone)))
        for position in alone:
            read(position)

    def _block(self, positions: list[int], room: Any) -> tuple[Any, list[int]]:
        kept = [position for position in positions if position in self._arrays]
        if len(positions) == 1 or not kept:
            return self._arrays.get(positions[0]), kept
        # Moved up in place over the damaged ones: there may be no memory for a copy.
        for row, position in enumerate(kept):
            if positions[row] != position:
                room[row] = room[positions.index(position)]
        values = room[: len(kept)]
        if values.dtype.kind in "mM":
            return internals.datetime_array(values.view(np.int64), values.dtype), kept
        return values, kept

    def _column(self, position: int, row: Any) -> None:
        """Read a column's array, or note why it cannot be read."""
        node = self._nodes[position]
        objects = row is not None and row.dtype.hasobject
        try:
            array = _readable(node, self._source, len(self._index), None if objects else row)
            if objects:
                row[:] = array
                array = row
            self._arrays[position] = array
            return
        except Untrusted as error:
            reason = str(error)
        except DamagedData as error:
            reason = error.message
            self._unreadable = True
        self._lost[position] = Lost(str(self._labels[position]), reason)


def _class(name: str | None, base: type, source: Source) -> type:
    """Find the class of a frame; only for trusted data, since importing runs code."""
    if name is None:
        return base
    module, _, qualname = name.partition(":")
    reason = str(Untrusted())
    if source.trust:
        try:
            found: Any = sys.modules[module] if module == "__main__" else import_module(module)
            for part in qualname.split("."):
                found = getattr(found, part)
            if isinstance(found, type) and issubclass(found, base):
                return found
            reason = "it is something else now"
        except Exception as error:
            reason = f"it cannot be imported: {error!s:.200}"
    source.warnings.append(
        f"The class {qualname} could not be brought back ({reason}); "
        f"the frame is a plain {base.__name__}."
    )
    return base
