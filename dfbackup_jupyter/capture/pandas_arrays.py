"""Arrays and indexes of pandas as descriptions and bytes, and back, exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.tseries.frequencies import to_offset

from dfbackup_jupyter.capture import arrow_arrays, atoms, objects
from dfbackup_jupyter.capture import pandas_internals as internals
from dfbackup_jupyter.capture.base import JSON, Read
from dfbackup_jupyter.capture.blobs import Array, ArrayBlob, OwnedBlob

_MASKED = (pd.arrays.IntegerArray, pd.arrays.FloatingArray, pd.arrays.BooleanArray)


class Writer:
    """Collects the blobs of one frame, and whether something in it must be unpickled."""

    def __init__(self) -> None:
        self.blobs: list[Any] = []

    def add(self, blob: Any) -> int:
        """Keep a blob and return its position."""
        self.blobs.append(blob)
        return len(self.blobs) - 1

    def array(self, array: Any) -> JSON:
        """Return the description of a one-dimensional array.

        Raises
        ------
        Exception
            Whatever pickling raises.
        """
        if isinstance(array, np.ndarray):
            return self._numpy(array)
        if isinstance(array, pd.arrays.DatetimeArray):
            zone = atoms.write_zone(array.tz)
            return {"kind": "datetime", "unit": array.unit, "zone": zone, **self._i8(array)}
        if isinstance(array, pd.arrays.TimedeltaArray):
            return {"kind": "timedelta", "unit": array.unit, **self._i8(array)}
        if isinstance(array, pd.arrays.PeriodArray):
            return {"kind": "period", "freq": array.freqstr, **self._i8(array)}
        if isinstance(array, pd.Categorical):
            return {
                "kind": "category",
                "codes": self._numpy(array.codes),
                "categories": self.index(array.categories),
                "ordered": array.ordered,
            }
        if isinstance(array, _MASKED):
            values, mask = internals.masked(array)
            return {"kind": "masked", "values": self._numpy(values), "mask": self._numpy(mask)}
        if isinstance(array, pd.arrays.IntervalArray):
            left, right = (self.index(side) for side in (array.left, array.right))
            return {"kind": "interval", "left": left, "right": right, "closed": array.closed}
        if isinstance(array.dtype, pd.SparseDtype):
            return self._sparse(array)
        if isinstance(array.dtype, pd.StringDtype):
            return self._string(array)
        if isinstance(array.dtype, pd.ArrowDtype):
            return {"kind": "arrow", **arrow_arrays.encode(internals.arrow(array), self.add)}
        return self._pickle(array)

    def index(self, index: pd.Index) -> JSON:
        """Return the description of an index; raises as `array` does."""
        name = {"name": atoms.write(index.name)}
        if isinstance(index, pd.RangeIndex):
            bounds = [index.start, index.stop, index.step]
            return {"kind": "range", "bounds": bounds, **name}
        if isinstance(index, pd.MultiIndex):
            return {
                "kind": "multi",
                "levels": [self.index(level) for level in index.levels],
                "codes": [self._numpy(codes) for codes in index.codes],
                "names": [atoms.write(name) for name in index.names],
            }
        node = {"kind": "index", "values": self.array(internals.plain(index.array)), **name}
        freq = getattr(index, "freq", None)
        if freq is not None and not isinstance(index, pd.PeriodIndex):
            same = _same_freq(freq)
            node["freq"] = freq.freqstr if same else atoms.write_pickle(freq)
        return node

    def _numpy(self, array: Array) -> JSON:
        if array.dtype == object:
            return objects.encode(array, self.add)
        if array.dtype.names is not None:
            return self._pickle(array)
        blob = self.add(ArrayBlob(array))
        return {"kind": "numpy", "dtype": array.dtype.str, "length": len(array), "blob": blob}

    def _i8(self, array: Any) -> JSON:
        return {"values": self._numpy(array.asi8)}

    def _sparse(self, array: Any) -> JSON:
        kind, parts = internals.sparse_parts(array)
        return {
            "kind": "sparse",
            "index": kind,
            "parts": [self._numpy(part) for part in parts],
            "values": self.array(internals.plain(array.sp_values)),
            "length": len(array),
            "subtype": array.dtype.subtype.str,
            "fill": atoms.write(array.fill_value),
        }

    def _string(self, array: Any) -> JSON:
        dtype = array.dtype
        node = {"kind": "string", "storage": dtype.storage, "na": atoms.write(dtype.na_value)}
        if dtype.storage == "pyarrow":
            return {**node, **arrow_arrays.encode(internals.arrow(array), self.add)}
        return {**node, "values": self._numpy(array.to_numpy(object))}

    def _pickle(self, array: Any) -> JSON:
        return self.pickled(objects.pickled(array))

    def pickled(self, data: bytes) -> JSON:
        """Return the description of a pickled array."""
        return {"kind": "pickle", "blob": self.add(OwnedBlob(data))}


class Reader:
    """Rebuilds what a `Writer` described.

    Parameters
    ----------
    read : callable
        Gives the bytes of a blob.
    trust : bool
        Whether parts may be unpickled.
    """

    def __init__(self, read: Read, trust: bool) -> None:
        self._read = read
        self.trusted = trust

    def atom(self, data: JSON) -> Any:
        """Return a single value."""
        return atoms.read(data, trust=self.trusted)

    def array(self, node: JSON) -> Any:
        """Return an array.

        Raises
        ------
        DamagedData, NotTrusted
            Its bytes cannot be read, or only by running code.
        ValueError, TypeError, KeyError
            The description makes no sense.
        """
        return _ARRAYS[node["kind"]](self, node)

    def index(self, node: JSON) -> pd.Index:
        """Return an index; raises as `array` does."""
        kind = node["kind"]
        if kind == "range":
            start, stop, step = node["bounds"]
            return pd.RangeIndex(start, stop, step, name=self.atom(node["name"]))
        if kind == "multi":
            levels: Any = [self.index(level) for level in node["levels"]]
            return pd.MultiIndex(
                levels=levels,
                codes=[self.array(codes) for codes in node["codes"]],
                names=[self.atom(name) for name in node["names"]],
                verify_integrity=not self.trusted,
            )
        values = self.array(node["values"])
        dtype = object if isinstance(values, np.ndarray) and values.dtype == object else None
        index: Any = pd.Index(values, dtype=dtype, name=self.atom(node["name"]), copy=False)
        if "freq" in node:
            index.freq = self.atom(node["freq"])
        found: pd.Index = index
        return found

    def numpy(self, node: JSON) -> Array:
        """Return a plain numpy array."""
        if node["kind"] != "numpy":
            raise ValueError("not a plain array")
        dtype = np.dtype(node["dtype"])
        if dtype.hasobject:
            raise ValueError("not plain bytes")
        return np.frombuffer(self._read(node["blob"]), dtype, count=node["length"])

    def objects(self, node: JSON) -> Any:
        """Return an object array, or whatever was pickled."""
        return objects.decode(node, self._read, trust=self.trusted)

    def datetime(self, node: JSON) -> Any:
        index = pd.DatetimeIndex(self.numpy(node["values"]).view(f"M8[{node['unit']}]"), copy=False)
        if node["zone"] is not None:
            zone = atoms.read_zone(node["zone"], trust=self.trusted)
            index = index.tz_localize("UTC").tz_convert(zone)
        return index.array

    def timedelta(self, node: JSON) -> Any:
        values = self.numpy(node["values"]).view(f"m8[{node['unit']}]")
        return pd.TimedeltaIndex(values, copy=False).array

    def period(self, node: JSON) -> Any:
        return pd.arrays.PeriodArray(self.numpy(node["values"]), dtype=pd.PeriodDtype(node["freq"]))

    def category(self, node: JSON) -> Any:
        dtype = pd.CategoricalDtype(self.index(node["categories"]), node["ordered"])
        return pd.Categorical.from_codes(self.numpy(node["codes"]), dtype=dtype)

    def masked(self, node: JSON) -> Any:
        values, mask = self.numpy(node["values"]), self.numpy(node["mask"])
        kind = {"b": pd.arrays.BooleanArray, "f": pd.arrays.FloatingArray}
        return kind.get(values.dtype.kind, pd.arrays.IntegerArray)(values, mask)

    def interval(self, node: JSON) -> Any:
        left, right = self.index(node["left"]), self.index(node["right"])
        return pd.arrays.IntervalArray.from_arrays(left, right, node["closed"])

    def sparse(self, node: JSON) -> Any:
        fill = self.atom(node["fill"])
        dtype = pd.SparseDtype(np.dtype(node["subtype"]), fill)
        parts = [self.numpy(part) for part in node["parts"]]
        values = self.array(node["values"])
        return internals.sparse(node["index"], parts, node["length"], values, dtype)

    def string(self, node: JSON) -> Any:
        dtype: Any = pd.StringDtype(node["storage"], na_value=self.atom(node["na"]))
        if node["storage"] == "pyarrow":
            return dtype.__from_arrow__(arrow_arrays.decode(node, self._read))
        return pd.array(self.array(node["values"]), dtype=dtype, copy=False)

    def arrow(self, node: JSON) -> Any:
        return pd.arrays.ArrowExtensionArray(
            pa.chunked_array([arrow_arrays.decode(node, self._read)])
        )


_ARRAYS: dict[str, Callable[[Reader, JSON], Any]] = {
    "numpy": Reader.numpy,
    "object": Reader.objects,
    "pickle": Reader.objects,
    "datetime": Reader.datetime,
    "timedelta": Reader.timedelta,
    "period": Reader.period,
    "category": Reader.category,
    "masked": Reader.masked,
    "interval": Reader.interval,
    "sparse": Reader.sparse,
    "string": Reader.string,
    "arrow": Reader.arrow,
}


def _same_freq(freq: Any) -> bool:
    try:
        return bool(to_offset(freq.freqstr) == freq)
    except ValueError:
        return False
