"""Arrow arrays as descriptions and bytes."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from dfbackup_jupyter.capture.base import JSON, Read
from dfbackup_jupyter.capture.blobs import Array, ArrayBlob, OwnedBlob, PiecesBlob

Add = Callable[[Any], int]


def encode(chunked: Any, add: Add) -> JSON:
    """Return the description of an Arrow array; its bytes go to `add`.

    Strings as lengths, not offsets: an offset changes with every row before it. Nested types and
    bits as Arrow's own IPC stream.
    """
    kind = chunked.type
    node = {"type": _type(kind), "length": len(chunked)}
    if _is_text(kind):
        return {**node, "layout": "text", **_encode_text(chunked, add)}
    if _is_fixed(kind):
        width = kind.bit_width // 8
        pieces = [_values(chunk, width) for chunk in chunked.chunks]
        return {
            **node,
            "layout": "fixed",
            "valid": _validity(chunked, add),
            "values": add(_joined(pieces, np.dtype(f"V{width}"))),
        }
    sink = pa.BufferOutputStream()
    batch = pa.table({"": chunked}).combine_chunks()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_table(batch)
    return {**node, "layout": "stream", "values": add(OwnedBlob(sink.getvalue()))}


def decode(node: JSON, read: Read) -> Any:
    """Rebuild an Arrow array.

    Raises
    ------
    DamagedData
        Its bytes cannot be read.
    ValueError, TypeError, KeyError
        The description makes no sense.
    """
    length = node["length"]
    if node["layout"] == "stream":
        with pa.ipc.open_stream(pa.py_buffer(read(node["values"]))) as stream:
            column = stream.read_all().column(0)
        column.validate(full=True)
        return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    kind = _read_type(node["type"])
    valid, nulls = None, 0
    if node["valid"] is not None:
        mask = np.frombuffer(read(node["valid"]), np.uint8, count=length)
        valid = pa.py_buffer(np.packbits(mask, bitorder="little"))
        nulls = int(length - np.count_nonzero(mask))
    values = pa.py_buffer(read(node["values"]))
    if node["layout"] == "fixed":
        if values.size != length * (kind.bit_width // 8):
            raise ValueError("not as many values as rows")
        return pa.Array.from_buffers(kind, length, [valid, values], nulls)
    offsets = np.zeros(length + 1, np.int64)
    np.cumsum(np.frombuffer(read(node["lengths"]), "<u4", count=length), out=offsets[1:])
    if offsets[-1] != values.size:
        raise ValueError("strings that do not fit their lengths")
    if not (pa.types.is_large_string(kind) or pa.types.is_large_binary(kind)):
        offsets = offsets.astype(np.int32)
    array = pa.Array.from_buffers(kind, length, [valid, pa.py_buffer(offsets), values], nulls)
    array.validate(full=True)
    return array


def _encode_text(chunked: Any, add: Add) -> JSON:
    wide = pa.types.is_large_string(chunked.type) or pa.types.is_large_binary(chunked.type)
    lengths, pieces = [], []
    for chunk in chunked.chunks:
        if not len(chunk):
            continue
        _, offsets, data = chunk.buffers()
        bounds = np.frombuffer(offsets, np.int64 if wide else np.int32)
        bounds = bounds[chunk.offset : chunk.offset + len(chunk) + 1]
        sizes = np.diff(bounds).astype("<u4")
        if chunk.null_count and sizes[~_mask(chunk)].any():
            return _encode_text(pa.chunked_array([_compact(chunked)]), add)
        lengths.append(sizes)
        if data is not None:
            pieces.append(np.frombuffer(data, np.uint8)[bounds[0] : bounds[-1]])
    return {
        "valid": _validity(chunked, add),
        "lengths": add(OwnedBlob(np.concatenate(lengths) if lengths else np.empty(0, "<u4"), 4)),
        "values": add(_joined(pieces, np.dtype(np.uint8))),
    }


def _compact(chunked: Any) -> Any:
    # Null rows may hide bytes; taking every row writes the array anew without them.
    return chunked.combine_chunks().take(pa.array(np.arange(len(chunked))))


def _validity(chunked: Any, add: Add) -> int | None:
    if not chunked.null_count:
        return None
    mask = np.concatenate([_mask(chunk) for chunk in chunked.chunks])
    return add(OwnedBlob(mask.view(np.uint8)))


def _mask(chunk: Any) -> Array:
    return chunk.is_valid().to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def _values(chunk: Any, width: int) -> Array:
    data = chunk.buffers()[1]
    if data is None or not len(chunk):
        return np.empty(0, f"V{width}")
    return np.frombuffer(data, f"V{width}")[chunk.offset : chunk.offset + len(chunk)]


def _joined(pieces: list[Array], dtype: Any) -> Any:
    pieces = [piece for piece in pieces if piece.size]
    if len(pieces) > 1:
        return PiecesBlob(pieces)
    return ArrayBlob(pieces[0] if pieces else np.empty(0, dtype))


def _is_text(kind: Any) -> bool:
    types = pa.types
    return bool(
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
    )


def _is_fixed(kind: Any) -> bool:
    return bool(
        pa.types.is_temporal(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)
    )


def _type(kind: Any) -> str:
    return base64.b85encode(pa.schema([pa.field("", kind)]).serialize().to_pybytes()).decode()


def _read_type(text: str) -> Any:
    return pa.ipc.read_schema(pa.py_buffer(base64.b85decode(text))).field(0).type
