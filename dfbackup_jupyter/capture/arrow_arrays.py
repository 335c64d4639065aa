"""Arrow arrays as descriptions and blobs, whatever their chunks and offsets."""

from __future__ import annotations

import base64
import contextlib
from typing import Any

import numpy as np
import pyarrow as pa

from dfbackup_jupyter.capture import strings
from dfbackup_jupyter.capture.blobs import BytesBlob, RowPiecesBlob
from dfbackup_jupyter.capture.parts import Node, Parts, Source
from dfbackup_jupyter.errors import DamagedData

_ROWS = 1 << 16
_VIEWS = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}


def encode(values: pa.ChunkedArray, parts: Parts) -> Node:
    """Describe a chunked array: raw buffers for plain types, Arrow's own format for nested ones."""
    kind = values.type
    schema = base64.b64encode(pa.schema([("", kind)]).serialize()).decode()
    if kind in _VIEWS:
        values = values.cast(_VIEWS[kind])
    if _is_text(values.type) or _is_bytes(values.type):
        return {"as": "strings", "schema": schema, "blobs": parts.add(*strings.arrow_blobs(values))}
    width = _width(kind)
    if width is None:
        return {"as": "ipc", "schema": schema, "blobs": parts.add(BytesBlob(_to_ipc(values)))}
    count = -(-len(values) // _ROWS)
    rows = [min(_ROWS, len(values) - i * _ROWS) for i in range(count)]
    key = ("arrow", *strings.addresses(values))
    blobs = [
        RowPiecesBlob(
            [n * width for n in rows],
            lambda i: _raw(strings.piece(values, i), width),
            len(values),
            lambda some: _raw(strings.taken(values, some), width),
            itemsize=width,
            key=(key, "values"),
        )
    ]
    if values.null_count:
        blobs.append(
            RowPiecesBlob(
                rows,
                lambda i: _valid(strings.piece(values, i)),
                len(values),
                lambda some: _valid(strings.taken(values, some)),
                key=(key, "valid"),
            )
        )
    return {"as": "values", "schema": schema, "blobs": parts.add(*blobs)}


def decode(node: Node, source: Source, rows: int) -> pa.ChunkedArray:
    """Build the array that was described.

    Raises
    ------
    DamagedData
        It cannot be read.
    """
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(node["schema"])))
    kind = schema.field(0).type
    blobs = node["blobs"]
    if node["as"] == "strings":
        found = strings.read_arrow(blobs, source, rows, _VIEWS.get(kind, kind))
        return found.cast(kind) if kind in _VIEWS else found
    if node["as"] == "ipc":
        return _from_ipc(source, blobs[0], kind)
    width = _width(kind)
    if width is None:
        raise DamagedData("A column of nested values is described as one of plain values.")
    data = source.array(blobs[0], np.uint8, rows * width)
    valid = source.array(blobs[1], np.uint8, rows) if len(blobs) > 1 else None
    array = _from_raw(data, valid, kind, rows)
    return pa.chunked_array([strings.checked(array, source)], type=kind)


def _is_text(kind: pa.DataType) -> bool:
    return any(test(kind) for test in strings.TEXT_TYPES)


def _is_bytes(kind: pa.DataType) -> bool:
    return any(test(kind) for test in strings.BYTES_TYPES)


def _width(kind: pa.DataType) -> int | None:
    """Return the bytes per value of a plain type; bits are unpacked to a byte each."""
    if pa.types.is_boolean(kind):
        return 1
    plain = pa.types.is_primitive(kind) or pa.types.is_decimal(kind)
    if not plain and not pa.types.is_fixed_size_binary(kind):
        return None
    return kind.bit_width // 8 or None


def _raw(array: pa.Array, width: int) -> Any:
    data = array.buffers()[1]
    if data is None:
        return b"\0" * (len(array) * width)
    if pa.types.is_boolean(array.type):
        found = _bits(data, array.offset, len(array))
    else:
        memory = memoryview(data)[array.offset * width : (array.offset + len(array)) * width]
        found = np.frombuffer(memory, f"V{width}")
    if array.null_count:
        # Whatever lies in the place of what is missing: equal columns are equal bytes.
        found = found.copy()
        found[_valid(array) == 0] = np.zeros(1, found.dtype)
    return found.view(np.uint8)


def _valid(array: pa.Array) -> Any:
    data = array.buffers()[0]
    if data is None:
        return np.ones(len(array), np.uint8)
    return _bits(data, array.offset, len(array))


def _bits(data: pa.Buffer, offset: int, count: int) -> np.ndarray[Any, Any]:
    start = offset // 8
    stop = -(-(offset + count) // 8)
    raw = np.frombuffer(memoryview(data)[start:stop], np.uint8)
    first = offset - start * 8
    return np.unpackbits(raw, bitorder="little")[first : first + count]


def _from_raw(data: Any, valid: Any, kind: pa.DataType, rows: int) -> pa.Array:
    if pa.types.is_boolean(kind):
        data = np.packbits(data.astype(bool), bitorder="little")
    bitmap = None
    if valid is not None:
        bitmap = pa.py_buffer(np.packbits(valid.astype(bool), bitorder="little"))
    return pa.Array.from_buffers(kind, rows, [bitmap, pa.py_buffer(data)])


def _to_ipc(values: pa.ChunkedArray) -> bytes:
    # One chunk, copied, so that neither chunks nor offsets nor what lies beside a slice matter.
    whole = values.combine_chunks()
    with contextlib.suppress(pa.ArrowNotImplementedError):
        whole = whole.take(pa.array(np.arange(len(whole))))
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], whole.type)
    batch = pa.record_batch([whole], names=[""])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def _from_ipc(source: Source, blob: int, kind: pa.DataType) -> pa.ChunkedArray:
    data = source.data(blob)
    try:
        found = pa.ipc.open_stream(pa.py_buffer(data)).read_all().column(0)
    except (pa.ArrowException, IndexError) as error:
        raise DamagedData("A column of nested values cannot be read.") from error
    found = strings.checked(found, source)
    if found.type != kind:
        raise DamagedData("A column of nested values is of another type than described.")
    return found
