"""Rows of one frame found among the rows of another, and blobs that are read as such a selection.

Sorting, filtering, sampling and dropping rows make new memory out of old rows. What is *proposed*
here (from labels, or by joining a column) may be wrong; only what `selected_digest` has compared
byte by byte is ever stored as a selection.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
import xxhash

from dfbackup_jupyter.capture import pandas_internals as internals
from dfbackup_jupyter.capture import strings
from dfbackup_jupyter.capture.base import JSON, Read
from dfbackup_jupyter.capture.blobs import ArrayBlob, Rows, RowsBlob, as_slice
from dfbackup_jupyter.errors import DamagedData
from dfbackup_jupyter.parallel import in_parallel

Array = np.ndarray[Any, Any]

_PROBES = 5
_SLICE = 4 << 20
_PART = 1 << 19  # rows


class RangeBlob:
    """The labels of a RangeIndex as if they were stored: nothing but arithmetic.

    Parameters
    ----------
    start, step : int
        The first label, and the difference of two neighbours.
    rows : int
        How many there are.
    """

    itemsize = 8
    lengths = None

    def __init__(self, start: int, step: int, rows: int) -> None:
        self.start = start
        self.step = step
        self.rows = rows

    def take(self, rows: Rows) -> memoryview:
        """Return the bytes of some labels."""
        return (np.asarray(rows, np.int64) * self.step + self.start).view(np.uint8).data


def rows_by_label(new: Any, old: Any) -> Rows | None:
    """Return where the labels of an index stand in another one.

    Parameters
    ----------
    new, old : Index
        Those that do not have one dtype of integers or times have nothing in common.

    Returns
    -------
    range, array of int or None
        None when some label is not there.
    """
    if same_labels(new, old):
        return range(len(old))
    labels = _label_values(new)
    if labels is None or not len(labels):
        return None
    if not isinstance(old, pd.RangeIndex):
        # Numbers that were given anew say nothing of labels that were put in another order.
        known = None if isinstance(new, pd.RangeIndex) else _label_values(old)
        if known is None or known.dtype != labels.dtype:
            return None
        return rows_by_value(labels, known)
    if isinstance(new, pd.RangeIndex):
        first, rest = divmod(new.start - old.start, old.step)
        step, more = divmod(new.step, old.step)
        if rest or more:
            return None
        found: Rows = range(first, first + len(new) * step, step)
        return found if _lie_within(found, len(old)) else None
    if labels.dtype != np.int64:
        return None
    positions = labels
    if old.start or old.step != 1:
        positions, remainders = np.divmod(labels - old.start, old.step)
        if remainders.any():
            return None
    return _simplest(positions) if _lie_within(positions, len(old)) else None


def rows_by_value(new: Array, old: Array) -> Rows | None:
    """Return where each value stands among values that are all different, or None.

    Costs two sorts; a few probes make sure first that they are worth it.
    """
    places = np.linspace(0, len(new) - 1, _PROBES, dtype=np.int64)
    probes = new[places]
    if len(new) == len(old) and (old[places] == probes).all():
        return range(len(old))  # edited here and there, rather than put in another order
    if any(np.count_nonzero(old == probe) != 1 for probe in probes):
        return None
    old_order, old = _sorted(old)
    if (old[1:] == old[:-1]).any():
        return None
    new_order, new = _sorted(new)
    found = np.minimum(np.searchsorted(old, new), len(old) - 1)
    if (old[found] != new).any():
        return None
    if old_order is not None:
        found = old_order[found]
    if new_order is None:
        return _simplest(found)
    rows = np.empty_like(found)
    rows[new_order] = found
    return _simplest(rows)


def is_arithmetic(labels: Any) -> bool:
    """Whether the place of a label is found without a search."""
    return isinstance(labels, pd.RangeIndex)


def same_labels(one: Any, other: Any) -> bool:
    """Whether two indexes share their memory."""
    return one is other or (isinstance(one, pd.Index) and one.is_(other))


def composed(rows: Rows, of: Rows) -> Rows:
    """Return the rows that a selection of a selection has in what was there first."""
    if isinstance(rows, range):
        found = of[as_slice(rows)]
        return found if isinstance(found, range) else _simplest(found)
    if isinstance(of, range):
        return _simplest(rows.astype(np.int64) * of.step + of.start)
    return _simplest(of[rows])


def selected_digest(base: RowsBlob | RangeBlob, new: RowsBlob, rows: Rows) -> str | None:
    """Compare a blob with the selected items of another one, byte by byte and slice by slice.

    Returns
    -------
    str or None
        The xxh3 (hex) of the selection, or None when the two differ.
    """
    hasher = xxhash.xxh3_128()
    step = max(_SLICE * new.rows // new.nbytes, 1)
    for first in range(0, len(rows), step):
        part = rows[first : first + step]
        taken = base.take(part)
        data = new.take(range(first, first + len(part)))
        if taken.nbytes != data.nbytes or not np.array_equal(_words(taken), _words(data)):
            return None
        hasher.update(taken)
    return hasher.hexdigest()


def write_rows(rows: Rows) -> tuple[JSON, ArrayBlob | None]:
    """Describe rows, with a blob unless they are a range; growing ones by their differences."""
    if isinstance(rows, range):
        return {"range": [rows.start, rows.stop, rows.step]}, None
    growing = bool((rows[1:] > rows[:-1]).all())
    if growing:
        rows = np.diff(rows, prepend=rows.dtype.type(0))
    return {"growing": growing, "dtype": rows.dtype.str}, ArrayBlob(rows)


def selecting(meta: JSON, read: Read) -> Read:
    """Return a reader of a frame's blobs that makes the selected ones from what is stored.

    Parameters
    ----------
    meta : dict
        The frame's description; where it says nothing of selected blobs, `read` will do.
    read : callable
        Gives what is stored in the place of blob *i*; may raise `DamagedData`.
    """
    chosen = meta.get("selected")
    if chosen is None:
        return read
    known: dict[int, Rows] = {}
    lock = Lock()  # columns are read on two threads

    def rows_of(number: int) -> Rows:
        with lock:
            if number not in known:
                known[number] = _read_rows(chosen["rows"][number], read)
            return known[number]

    def read_selected(i: int, into: memoryview | None = None) -> Any:
        node = chosen["blobs"].get(str(i))
        if node is None:
            return read(i, into)
        try:
            return _take(node, rows_of(node["rows"]), i, read, into)
        except DamagedData:
            raise
        except Exception as error:
            raise DamagedData(
                f"A column's selection of rows makes no sense: {error!s:.200}."
            ) from error

    return read_selected


def _take(node: JSON, rows: Rows, i: int, read: Read, into: memoryview | None) -> memoryview:
    if "range" in node:
        if isinstance(rows, range):  # could claim any length
            raise DamagedData("A selection of labels makes no sense.")
        start, step, count = node["range"]
        _check(rows, count)
        taken = RangeBlob(start, step, count).take(rows)
    elif "lengths" in node:
        lengths = np.frombuffer(read(node["lengths"]), f"<i{int(node['itemsize'])}")
        _check(rows, len(lengths))
        taken = strings.selected(lengths, read(i), rows)
    else:
        size = int(node["itemsize"])
        items = np.frombuffer(read(i), f"{'u' if size in (1, 2, 4, 8) else 'V'}{size}")
        _check(rows, len(items))
        taken = _gathered(items, rows, into).view(np.uint8).data
    if xxhash.xxh3_128_hexdigest(taken) != node["hash"]:
        raise DamagedData("The selected rows are not what was written.")
    return taken


def _check(rows: Rows, count: int) -> None:
    if not _lie_within(rows, count):
        raise DamagedData("A selected row is not there.")


def _gathered(items: Array, rows: Rows, into: memoryview | None) -> Array:
    """Return a copy of some items; on two threads, since it is memory that is waited for."""
    if isinstance(rows, range):
        return items[as_slice(rows)].copy()
    if into is not None and into.nbytes == len(rows) * items.itemsize:
        out = np.frombuffer(into, items.dtype)
    else:
        out = np.empty(len(rows), items.dtype)

    def gather(first: int) -> None:
        part = slice(first, first + _PART)
        # With "clip" there is no buffer in between; that no row is outside was checked.
        np.take(items, rows[part], out=out[part], mode="clip")

    in_parallel(gather, range(0, len(rows), _PART))
    return out


def _read_rows(node: JSON, read: Read) -> Rows:
    if "range" in node:
        return range(*node["range"])
    rows = np.frombuffer(read(node["blob"]), np.dtype(node["dtype"])).astype(np.int64)
    return np.cumsum(rows, out=rows) if node["growing"] else rows


def _lie_within(rows: Rows, count: int) -> bool:
    if not len(rows):
        return True
    low, high = (rows[0], rows[-1]) if isinstance(rows, range) else (rows.min(), rows.max())
    return bool(min(low, high) >= 0 and max(low, high) < count)


def _label_values(index: Any) -> Array | None:
    """Return integers that stand for the labels, or None."""
    if not isinstance(index, pd.Index) or isinstance(index, pd.MultiIndex):
        return None
    if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex):
        return internals.ordinals(internals.index_array(index))
    dtype = index.dtype
    return index.to_numpy() if isinstance(dtype, np.dtype) and dtype.kind in "iu" else None


def _sorted(values: Array) -> tuple[Array | None, Array]:
    """Return an order that sorts the values (None where they are sorted), and them sorted."""
    if (values[1:] >= values[:-1]).all():
        return None, values
    order = np.argsort(values)
    values = values[order]
    return order.astype(np.uint32) if len(order) < 1 << 32 else order, values


def _simplest(rows: Array) -> Rows:
    """Return rows as a range, or else as a small array of their own, which nobody writes to."""
    first, last = int(rows[0]), int(rows[-1])
    step = int(rows[1]) - first if len(rows) > 1 else 1
    found = range(first, last + (1 if step > 0 else -1), step or 1)
    kept = rows.astype("<u4" if rows.max() < 1 << 32 else "<i8")
    if len(found) == len(kept) and (np.diff(rows) == step).all():
        return found
    return kept


def _words(data: memoryview) -> Array:
    return np.frombuffer(data, np.uint64 if not data.nbytes % 8 else np.uint8)
