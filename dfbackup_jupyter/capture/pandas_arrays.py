"""pandas' arrays and indexes as descriptions and blobs, and back: every dtype, to the bit."""

from __future__ import annotations

import base64
import pickle
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.tseries.frequencies import to_offset

from dfbackup_jupyter.capture import arrow_arrays, plain, strings
from dfbackup_jupyter.capture import pandas_internals as internals
from dfbackup_jupyter.capture.blobs import ArrayBlob
from dfbackup_jupyter.capture.object_arrays import decode_objects, encode_objects
from dfbackup_jupyter.capture.objects import pickled
from dfbackup_jupyter.capture.parts import Node, Parts, Source, Untrusted
from dfbackup_jupyter.errors import DamagedData

_filters = threading.Lock()

_MASKED: dict[str, Callable[..., Any]] = {
    "boolean": pd.arrays.BooleanArray,
    "Float": pd.arrays.FloatingArray,
    "Int": pd.arrays.IntegerArray,
    "UInt": pd.arrays.IntegerArray,
}


def encode_array(array: Any, parts: Parts) -> Node:
    """Describe a 1-D array of any dtype.

    Raises
    ------
    Exception
        It had to be pickled, and that failed.
    """
    dtype = array.dtype
    if isinstance(dtype, np.dtype):
        return _encode_numpy(array, dtype, parts)
    for kind, (encode, _) in _EXTENSIONS.items():
        if type(dtype) is _DTYPE_CLASSES[kind]:
            return {"kind": kind, **encode(array, dtype, parts)}
    if isinstance(array, pd.arrays.IntegerArray | pd.arrays.FloatingArray | pd.arrays.BooleanArray):
        values, mask = internals.masked_parts(array)
        return {
            "kind": "masked",
            "dtype": dtype.name,
            "values": encode_array(values, parts),
            "mask": encode_array(mask, parts),
        }
    return {**parts.pickle(pickled(array)), "rows": len(array)}


def decode_array(
    node: Node, source: Source, rows: int, out: np.ndarray[Any, Any] | None = None
) -> Any:
    """Build the array that was described.

    Parameters
    ----------
    out : array, optional
        Where the numbers go, of a node that has a `numpy_dtype`.

    Raises
    ------
    Untrusted
        It was pickled, and the source is not trusted.
    DamagedData
        It cannot be read.
    """
    try:
        array = _decode(node, source, rows, out)
    except (Untrusted, DamagedData):
        raise
    except Exception as error:
        raise DamagedData(f"A column's description makes no sense: {error!s:.200}.") from error
    if len(array) != rows:
        raise DamagedData("A column is not as long as its frame.")
    return array


def numpy_dtype(node: Node) -> np.dtype[Any] | None:
    """Return the dtype of a node that is nothing but the bytes of a NumPy array."""
    return _read_dtype(node["dtype"]) if node["kind"] == "numpy" else None


def _decode(node: Node, source: Source, rows: int, out: np.ndarray[Any, Any] | None = None) -> Any:
    kind = node["kind"]
    if kind == "numpy":
        dtype = _read_dtype(node["dtype"])
        values = source.array(node["blobs"][0], dtype, rows, out)
        if dtype.kind in "mM":
            return internals.datetime_array(values.view(np.int64), dtype)
        return values
    if kind in ("object", "pickle"):
        return decode_objects(node, source)
    if kind == "masked":
        name = node["dtype"]
        values = _decode(node["values"], source, rows)
        return _MASKED[name.rstrip("0123456789")](values, _decode(node["mask"], source, rows))
    return _EXTENSIONS[kind][1](node, source, rows)


def _encode_numpy(array: Any, dtype: np.dtype[Any], parts: Parts) -> Node:
    if dtype.char == "O":
        return encode_objects(array, parts)
    if dtype.hasobject:
        return {**parts.pickle(pickled(array)), "rows": len(array)}
    if not isinstance(array, np.ndarray):
        array = internals.ordinals(array)
    blob = ArrayBlob(array)
    return {"kind": "numpy", "dtype": _write_dtype(dtype), "blobs": parts.add(blob)}


def _write_dtype(dtype: np.dtype[Any]) -> Any:
    return dtype.str if dtype.fields is None else np.lib.format.dtype_to_descr(dtype)


def _read_dtype(data: Any) -> np.dtype[Any]:
    if isinstance(data, str):
        return np.dtype(data)
    return np.lib.format.descr_to_dtype(_tuples(data))


def _tuples(data: Any) -> Any:
    """Undo what JSON does to the description of a structured dtype."""
    if isinstance(data, list) and data and isinstance(data[0], list):
        return [tuple(_tuples(part) for part in field) for field in data]
    return tuple(data) if isinstance(data, list) else data


def _write_tz(array: Any, dtype: Any, parts: Parts) -> Node:
    node = _encode_numpy(internals.ordinals(array), np.dtype(np.int64), parts)
    try:
        tz = plain.tz_to_json(dtype.tz)
    except plain.NotPlain:
        tz = parts.pickle(pickled(dtype.tz))
    return {"unit": dtype.unit, "tz": tz, "values": node}


def _read_tz(node: Node, source: Source, rows: int) -> Any:
    tz = node["tz"]
    zone = decode_objects(tz, source) if tz.get("kind") == "pickle" else plain.tz_from_json(tz)
    dtype = pd.DatetimeTZDtype(node["unit"], zone)  # type: ignore[arg-type]
    return internals.datetime_array(_decode(node["values"], source, rows), dtype)


def _write_categorical(array: Any, dtype: Any, parts: Parts) -> Node:
    return {
        "ordered": bool(dtype.ordered),
        "codes": encode_array(np.asarray(array.codes), parts),
        "categories": encode_index(dtype.categories, parts),
    }


def _read_categorical(node: Node, source: Source, rows: int) -> Any:
    categories = decode_index(node["categories"], source)
    dtype = pd.CategoricalDtype(categories, ordered=node["ordered"])
    codes = _decode(node["codes"], source, rows)
    return pd.Categorical.from_codes(codes, dtype=dtype)


def _write_period(array: Any, dtype: Any, parts: Parts) -> Node:
    return {"dtype": dtype.name, "values": encode_array(internals.ordinals(array), parts)}


def _read_period(node: Node, source: Source, rows: int) -> Any:
    with _old_names():
        dtype = pd.PeriodDtype(node["dtype"].removeprefix("period[").removesuffix("]"))
    return pd.arrays.PeriodArray(_decode(node["values"], source, rows), dtype=dtype)


@contextmanager
def _old_names() -> Iterator[None]:
    """Have nothing said of names of frequencies that an older pandas gave."""
    # The filters are the process's: of two threads that change them, one would leave the other's.
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _write_interval(array: Any, dtype: Any, parts: Parts) -> Node:
    left, right = internals.interval_sides(array)
    sides = {"left": encode_array(left, parts), "right": encode_array(right, parts)}
    return {"closed": dtype.closed, **sides}


def _read_interval(node: Node, source: Source, rows: int) -> Any:
    left, right = (decode_array(node[side], source, rows) for side in ("left", "right"))
    return internals.interval_array(left, right, pd.IntervalDtype(left.dtype, node["closed"]))


def _write_sparse(array: Any, dtype: Any, parts: Parts) -> Node:
    kind, a, b, length = internals.sparse_parts(array)
    return {
        "fill": plain.to_json(dtype.fill_value),
        "dtype": str(dtype.subtype.str),
        "index": kind,
        "length": length,
        "values": encode_array(np.asarray(array.sp_values), parts),
        "positions": encode_array(a, parts),
        "lengths": encode_array(b, parts),
        "counts": [len(array.sp_values), len(a), len(b)],
    }


def _read_sparse(node: Node, source: Source, rows: int) -> Any:
    nodes = (node["values"], node["positions"], node["lengths"])
    values, a, b = (
        _decode(part, source, count) for part, count in zip(nodes, node["counts"], strict=True)
    )
    dtype = pd.SparseDtype(np.dtype(node["dtype"]), plain.from_json(node["fill"]))
    values = np.asarray(values)
    return internals.sparse_array(values, dtype, node["index"], a, b, node["length"])


def _write_string(array: Any, dtype: Any, parts: Parts) -> Node:
    if dtype.storage == "python":
        blobs = strings.object_blobs(internals.python_strings(array))
        more = {}
    else:
        values = internals.arrow_values(array)
        blobs = strings.arrow_blobs(values)
        more = {"type": str(values.type)}
    na = "NA" if dtype.na_value is pd.NA else "nan"
    return {"storage": dtype.storage, "na": na, **more, "blobs": parts.add(*blobs)}


def _read_string(node: Node, source: Source, rows: int) -> Any:
    na: Any = pd.NA if node["na"] == "NA" else np.nan
    dtype = pd.StringDtype(node["storage"], na_value=na)
    blobs = node["blobs"]
    if node["storage"] == "python":
        lengths = source.lengths(blobs[0], rows)
        values = strings.to_objects(lengths, source.data(blobs[1]), binary=False, missing=na)
        return internals.string_array(values, dtype)
    kind = pa.string() if node["type"] == "string" else pa.large_string()
    make: Any = dtype.construct_array_type()
    return make(strings.read_arrow(blobs, source, rows, kind), dtype=dtype)


def _write_arrow(array: Any, dtype: Any, parts: Parts) -> Node:
    return arrow_arrays.encode(internals.arrow_values(array), parts)


def _read_arrow(node: Node, source: Source, rows: int) -> Any:
    return pd.arrays.ArrowExtensionArray(arrow_arrays.decode(node, source, rows))


_DTYPE_CLASSES: dict[str, type] = {
    "datetimetz": pd.DatetimeTZDtype,
    "categorical": pd.CategoricalDtype,
    "period": pd.PeriodDtype,
    "interval": pd.IntervalDtype,
    "sparse": pd.SparseDtype,
    "string": pd.StringDtype,
    "arrow": pd.ArrowDtype,
}
_EXTENSIONS: dict[str, tuple[Callable[..., Node], Callable[..., Any]]] = {
    "datetimetz": (_write_tz, _read_tz),
    "categorical": (_write_categorical, _read_categorical),
    "period": (_write_period, _read_period),
    "interval": (_write_interval, _read_interval),
    "sparse": (_write_sparse, _read_sparse),
    "string": (_write_string, _read_string),
    "arrow": (_write_arrow, _read_arrow),
}


def encode_index(index: Any, parts: Parts) -> Node:
    """Describe an index.

    Raises
    ------
    Exception
        Its labels had to be pickled, and that failed.
    """
    names = [_encode_name(name, parts) for name in index.names]
    if isinstance(index, pd.RangeIndex):
        return {"index": "range", "range": [index.start, index.stop, index.step], "names": names}
    if isinstance(index, pd.MultiIndex):
        return {
            "index": "multi",
            "rows": len(index),
            "levels": [encode_index(level, parts) for level in index.levels],
            "codes": [encode_array(np.asarray(codes), parts) for codes in index.codes],
            "sortorder": getattr(index, "sortorder", None),
            "names": names,
        }
    values = encode_array(internals.index_array(index), parts)
    node = {"index": "values", "rows": len(index), "values": values, "names": names}
    freq = getattr(index, "freq", None)
    if freq is not None and not isinstance(index, pd.PeriodIndex):
        node["freq"] = _encode_freq(freq)
    return node


def decode_index(node: Node, source: Source) -> pd.Index:
    """Build the index that was described.

    Raises
    ------
    Untrusted, DamagedData
        It cannot be read.
    """
    names = [_decode_name(name, source) for name in node["names"]]
    kind = node["index"]
    if kind == "range":
        start, stop, step = node["range"]
        return pd.RangeIndex(start, stop, step, name=names[0])
    rows = node["rows"]
    if kind == "multi":
        levels: list[Any] = [decode_index(level, source) for level in node["levels"]]
        return pd.MultiIndex(
            levels=levels,
            codes=[decode_array(codes, source, rows) for codes in node["codes"]],
            names=names,
            sortorder=node["sortorder"],
            # pandas makes some that it would not accept, with levels that repeat a label.
            verify_integrity=not source.trust,
        )
    values = decode_array(node["values"], source, rows)
    index: pd.Index = pd.Index(
        values, dtype=values.dtype, name=names[0], copy=False, tupleize_cols=False
    )
    if "freq" in node:
        freq = _decode_freq(node["freq"], source)
        if freq is not None:
            internals.set_freq(index, freq)
    return index


def _encode_name(name: Any, parts: Parts) -> Any:
    try:
        return plain.to_json(name)
    except plain.NotPlain:
        return {"pickle": base64.b64encode(pickled(name)).decode()}


def _decode_name(data: Any, source: Source) -> Any:
    if isinstance(data, dict) and "pickle" in data:
        if source.trust:
            return pickle.loads(base64.b64decode(data["pickle"]))
        source.warnings.append("A name was left out: it was pickled, and needs --trust.")
        return None
    return plain.from_json(data)


def _encode_freq(freq: Any) -> Any:
    try:
        text = freq.freqstr
        if to_offset(text) == freq:
            return text
    except (ValueError, TypeError, AttributeError):
        pass
    if type(freq) is pd.DateOffset:
        try:
            kwds = plain.to_json(freq.kwds)
            return {"n": freq.n, "normalize": getattr(freq, "normalize", False), "kwds": kwds}
        except plain.NotPlain:
            pass
    return {"pickle": base64.b64encode(pickled(freq)).decode()}


def _decode_freq(data: Any, source: Source) -> Any:
    if isinstance(data, str):
        with _old_names():
            return to_offset(data)
    if "pickle" in data:
        if source.trust:
            return pickle.loads(base64.b64decode(data["pickle"]))
        source.warnings.append("A frequency was left out: it was pickled, and needs --trust.")
        return None
    make: Any = pd.DateOffset
    return make(data["n"], data["normalize"], **plain.from_json(data["kwds"]))
