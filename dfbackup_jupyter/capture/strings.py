"""Texts and byte strings as lengths and bytes: what changes in one row shifts no other row's.

Where few of them are different, each is kept once, and rows have codes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dfbackup_jupyter.capture.blobs import RowPiecesBlob, Rows, as_slice, memory_key
from dfbackup_jupyter.capture.parts import Source
from dfbackup_jupyter.errors import DamagedData
from dfbackup_jupyter.parallel import in_parallel

Array = np.ndarray[Any, Any]
A = TypeVar("A", pa.Array, pa.ChunkedArray)

_ROWS = 1 << 16
_INT32_MAX = 2**31 - 1
MISSING = -1
"""The length of what is missing."""

TEXT_TYPES = (pa.types.is_string, pa.types.is_large_string)
BYTES_TYPES = (pa.types.is_binary, pa.types.is_large_binary)


_REPEATED = 8
"""Codes are worth their while when a string comes so many times on average."""

_ENOUGH = 1 << 10
_FIRST = 1 << 13
"""Rows that are looked at first; where hardly one of them repeats, the rest is not looked at."""

_MAX_WORDS = 0xFFFF
_CODES = {1: np.uint8, 2: np.uint16}


def arrow_blobs(values: pa.ChunkedArray) -> list[RowPiecesBlob]:
    """Describe an Arrow array of strings, whatever its chunks.

    Returns
    -------
    list of RowPiecesBlob
        Lengths and bytes. Or, of an array that repeats few strings: a code for each row, and
        lengths and bytes of the strings in their order; the last code stands for what is missing.
    """
    key = ("arrow", *addresses(values))
    words = _words(values)
    if words is None:
        return _blobs(len(values), lambda some: taken(values, some), key)
    kind = np.dtype(np.uint8 if len(words) < np.iinfo(np.uint8).max else np.uint16)
    rows = [min(_ROWS, len(values) - i) for i in range(0, len(values), _ROWS)]

    def codes(found: pa.Array) -> Array:
        found = pc.index_in(found, value_set=words).fill_null(len(words))
        return np.asarray(found.to_numpy(), kind)

    return [
        RowPiecesBlob(
            [n * kind.itemsize for n in rows],
            lambda i: codes(piece(values, i)),
            len(values),
            lambda some: codes(taken(values, some)),
            itemsize=kind.itemsize,
            key=(key, "codes"),
        ),
        *_blobs(len(words), lambda some: taken(words, some), (key, "words")),
    ]


def read_arrow(blobs: list[int], source: Source, rows: int, kind: pa.DataType) -> pa.ChunkedArray:
    """Build the Arrow array that `arrow_blobs` described.

    Raises
    ------
    DamagedData
        It cannot be read, its parts do not fit together, or it is no text where it should be.
    """
    if len(blobs) == 2:
        lengths, data = source.lengths(blobs[0], rows), memoryview(source.data(blobs[1])).cast("B")
        pieces = []
        for start, stop in _pieces(lengths, kind):
            part = lengths[start:stop]
            size = data.nbytes if stop == rows else int(part.clip(0).sum(dtype=np.int64))
            pieces.append(checked(to_arrow(part, data[:size], kind), source))
            data = data[size:]
        return pa.chunked_array(pieces, type=kind)
    lengths = source.array(blobs[1], np.int32)
    words = checked(to_arrow(lengths, source.data(blobs[2]), kind), source)
    width = memoryview(source.data(blobs[0])).nbytes // max(rows, 1)
    if width not in _CODES:
        raise DamagedData("A column is not as long as its frame.")
    codes = source.array(blobs[0], _CODES[width], rows)
    if rows and int(codes.max()) > len(words):
        raise DamagedData("A column has codes of strings that are not there.")
    of_rows = codes if _is_large(kind) else np.append(lengths, MISSING)[codes]
    pieces = [
        words.take(pa.array(part := codes[start:stop], mask=part == len(words)))
        for start, stop in _pieces(of_rows, kind)
    ]
    return pa.chunked_array(pieces, type=kind)


def object_blobs(values: Array, *, binary: bool = False) -> list[RowPiecesBlob]:
    """Describe a 1-D array of Python strings; whatever is no string counts as missing.

    Parameters
    ----------
    values : array of object
        All ``str``, or all ``bytes`` if `binary`, or missing.
    """
    target = pa.large_binary() if binary else pa.large_string()

    def strings_of(some: Rows) -> pa.Array:
        part = values[as_slice(some) if isinstance(some, range) else some]
        try:
            return pa.array(part, type=target, from_pandas=True)
        except UnicodeEncodeError:
            # Lone surrogates: legal in Python, not in UTF-8.
            encoded = [
                v.encode("utf-8", "surrogatepass") if isinstance(v, str) else None for v in part
            ]
            return pa.array(encoded, type=pa.large_binary())

    return _blobs(len(values), strings_of, ("objects", memory_key(values)))


def to_arrow(lengths: Array, data: Any, kind: pa.DataType) -> pa.Array:
    """Build an Arrow array of strings from what the blobs held.

    Raises
    ------
    DamagedData
        Lengths and bytes do not fit together, or the bytes are no text.
    """
    missing = lengths < 0
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(np.where(missing, 0, lengths), dtype=np.int64, out=offsets[1:])
    size = memoryview(data).nbytes
    if (lengths < MISSING).any() or offsets[-1] != size or (offsets < 0).any():
        raise DamagedData("The lengths of a column's strings do not fit its bytes.")
    if not _is_large(kind):
        if size > _INT32_MAX:
            raise DamagedData("A column's strings are larger than their type allows.")
        offsets = offsets.astype(np.int32)
    valid = pa.py_buffer(np.packbits(~missing, bitorder="little")) if missing.any() else None
    buffers = [valid, pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(kind, len(lengths), buffers)


def to_objects(lengths: Array, data: Any, *, binary: bool, missing: Any) -> Array:
    """Build an array of Python strings from what the blobs held."""
    raw = to_arrow(lengths, data, pa.large_binary())
    if binary:
        found = raw.to_numpy(zero_copy_only=False)
    else:
        text = pa.Array.from_buffers(pa.large_string(), len(raw), raw.buffers())
        try:
            text.validate(full=True)
            found = text.to_numpy(zero_copy_only=False)
        except (pa.ArrowInvalid, UnicodeDecodeError):
            items = (v and v.decode("utf-8", "surrogatepass") for v in raw.to_pylist())
            found = np.fromiter(
                ("" if v == b"" else v for v in items), dtype=object, count=len(raw)
            )
    found = np.array(found, dtype=object)
    if missing is not None:
        found[lengths < 0] = missing
    return found


def selected(lengths: Array, data: Any, rows: Rows) -> memoryview:
    """Return the bytes of some rows' strings, one after the other.

    Parameters
    ----------
    lengths : array of int
        Of the strings of all rows.
    data : buffer
        Their bytes.
    rows : range or array of int
        Each of them is there.

    Raises
    ------
    DamagedData
        Lengths and bytes do not fit together, or the rows take up more than all strings do.
    """
    lengths = lengths.clip(0)
    whole = to_arrow(lengths, data, pa.large_binary())
    sizes = lengths[as_slice(rows) if isinstance(rows, range) else rows]
    ends = np.cumsum(sizes, dtype=np.int64)
    size = int(ends[-1]) if len(ends) else 0
    if size > memoryview(data).nbytes:
        raise DamagedData("A selection of strings is larger than what it selects from.")
    out = np.empty(size, np.uint8)

    def gather(first: int) -> None:
        part = rows[first : first + _ROWS]
        start = int(ends[first - 1]) if first else 0
        stop = int(ends[first + len(part) - 1])
        out[start:stop] = np.frombuffer(_bytes(taken(whole, part)), np.uint8)

    in_parallel(gather, range(0, len(rows), _ROWS))
    return out.data


def checked(array: A, source: Source) -> A:
    """Return an array that Arrow can work with, as far as that is not known.

    Of a trusted source, it is what once was in memory, to the bit: even bytes that are no text but
    were taken for one come back.

    Raises
    ------
    DamagedData
        It holds what its type does not allow.
    """
    try:
        array.validate(full=not source.trust)
    except pa.ArrowInvalid as error:
        raise DamagedData("A column holds what its type does not allow.") from error
    return array


def _is_large(kind: pa.DataType) -> bool:
    return bool(pa.types.is_large_string(kind) or pa.types.is_large_binary(kind))


def _pieces(lengths: Array, kind: pa.DataType) -> Iterator[tuple[int, int]]:
    """Give runs of rows such that no run has more bytes than one array of its type can."""
    start = 0
    if not _is_large(kind) and len(lengths):
        ends = np.cumsum(lengths.clip(0), dtype=np.int64)
        before = 0
        while ends[-1] - before > _INT32_MAX:
            stop = int(np.searchsorted(ends, before + _INT32_MAX, side="right"))
            if stop == start:
                break  # one string alone is too long: whoever builds the array says so
            yield start, stop
            start, before = stop, int(ends[stop - 1])
    yield start, len(lengths)


def _words(values: pa.ChunkedArray) -> pa.Array | None:
    """Return the different strings of an array in their order, if these are few."""
    if len(values) < _ENOUGH:
        return None
    first = values.slice(0, _FIRST)
    if len(pc.unique(first)) * min(_REPEATED, 2) > len(first):
        return None
    words = pc.unique(values).drop_null()
    if len(words) >= _MAX_WORDS or len(words) * _REPEATED > len(values):
        return None
    return words.take(pc.sort_indices(words))


def _blobs(rows: int, strings_of: Callable[[Rows], pa.Array], key: Hashable) -> list[RowPiecesBlob]:
    def piece(i: int) -> pa.Array:
        return strings_of(range(i * _ROWS, min((i + 1) * _ROWS, rows)))

    count = -(-rows // _ROWS)
    sizes, longest = [], 0
    for i in range(count):
        found = _lengths(piece(i))
        longest = max(longest, int(found.max()))
        sizes.append(int(found[found > 0].sum()))
    kind = np.dtype(np.int32 if longest <= _INT32_MAX else np.int64)
    rows_of = [min(_ROWS, rows - i * _ROWS) for i in range(count)]
    lengths = RowPiecesBlob(
        [n * kind.itemsize for n in rows_of],
        lambda i: _lengths(piece(i)).astype(kind),
        rows,
        lambda some: _lengths(strings_of(some)).astype(kind),
        itemsize=kind.itemsize,
        key=(key, "lengths"),
    )
    data = RowPiecesBlob(
        sizes,
        lambda i: _bytes(piece(i)),
        rows,
        lambda some: _bytes(strings_of(some)),
        lengths=lengths,
        key=(key, "bytes"),
    )
    return [lengths, data]


def _lengths(array: pa.Array) -> Array:
    found = np.diff(_offsets(array)).astype(np.int64)
    if array.null_count:
        found[array.is_null().to_numpy(zero_copy_only=False)] = MISSING
    return found


def _bytes(array: pa.Array) -> Any:
    offsets = _offsets(array)
    if array.null_count and offsets[-1] - offsets[0] != _lengths(array).clip(0).sum():
        array = pa.concat_arrays([array.drop_null()])
        offsets = _offsets(array)
    data = array.buffers()[2]
    return memoryview(data)[int(offsets[0]) : int(offsets[-1])] if data is not None else b""


def _offsets(array: pa.Array) -> Array:
    if not len(array):
        return np.zeros(1, np.int64)
    buffer = array.buffers()[1]
    offsets = np.frombuffer(buffer, np.int64 if _is_large(array.type) else np.int32)
    return offsets[array.offset : array.offset + len(array) + 1]


def piece(values: pa.ChunkedArray, number: int) -> pa.Array:
    """Return one of the equal runs of rows in which an Arrow array is read."""
    return _joined(values.slice(number * _ROWS, _ROWS))


def taken(values: pa.ChunkedArray | pa.Array, rows: Rows) -> pa.Array:
    """Return some rows of an Arrow array."""
    if isinstance(rows, range) and rows.step == 1:
        return _joined(values.slice(rows.start, len(rows)))
    return _joined(values.take(pa.array(np.asarray(rows))))


def _joined(values: pa.ChunkedArray | pa.Array) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    return values.chunk(0) if values.num_chunks == 1 else pa.concat_arrays(values.chunks)


def addresses(values: pa.ChunkedArray) -> list[Hashable]:
    """Return what tells the memory of an Arrow array from all other living memory."""
    return [
        (
            chunk.offset,
            len(chunk),
            *(None if b is None else (b.address, b.size) for b in chunk.buffers()),
        )
        for chunk in values.chunks
    ]
