"""Which cells differ between two columns of equal length.

Values are equal in pandas' sense, as ``DataFrame.equals`` has it: missing equals missing, whatever
marks it, 1 equals 1.0, and 0.0 equals -0.0.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

Positions = npt.NDArray[np.intp]

# Their comparison gives True or False, at once.
_PLAIN = {str, int, bool, bytes, float, type(None)}


def array_of(column: Any) -> Any:
    """Return the values of a Series or Index without copying them."""
    return column.to_numpy() if isinstance(column.dtype, np.dtype) else column.array


def changed(a: Any, b: Any) -> Positions:
    """Return the positions at which two arrays of equal length differ."""
    if same_memory(a, b):
        return np.empty(0, np.intp)
    try:
        if isinstance(a, pd.Categorical) and isinstance(b, pd.Categorical):
            return np.flatnonzero(a.codes != _recoded(b, a.categories))
        if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
            return _extension(a, b)
        if a.dtype != object and b.dtype != object:
            return _numpy(a, b)
    except Exception:  # two types that their libraries cannot compare
        pass
    return _objects(a.astype(object).tolist(), b.astype(object).tolist())


def same_memory(a: Any, b: Any) -> bool:
    """Return whether two arrays are one and the same piece of memory, read in the same way."""
    if isinstance(a, pd.Categorical) and isinstance(b, pd.Categorical):
        return a.dtype == b.dtype and same_memory(a.codes, b.codes)
    if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray):
        return a is b
    return (
        a.dtype == b.dtype
        and a.shape == b.shape
        and a.strides == b.strides
        and a.__array_interface__["data"][0] == b.__array_interface__["data"][0]
    )


def equal(x: Any, y: Any) -> bool:
    """Return whether two objects are equal; ones that cannot be compared are not."""
    try:
        return _equal(x, y)
    except Exception:
        return False


def _numpy(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> Positions:
    different = a != b
    if not isinstance(different, np.ndarray) or different.shape != a.shape:
        raise TypeError
    found = np.flatnonzero(different)
    missing = pd.isna(a[found]) & pd.isna(b[found])
    return found[~missing]


def _recoded(array: pd.Categorical, categories: pd.Index) -> npt.NDArray[Any]:
    """Return the codes that values would have in other categories; -2 for one that has none."""
    places = categories.get_indexer(array.categories)
    places = np.append(np.where(places < 0, -2, places), -1)  # code -1, missing, is the last
    codes: npt.NDArray[Any] = places[array.codes]
    return codes


def _extension(a: Any, b: Any) -> Positions:
    if _is_nested(a) or _is_nested(b):
        raise TypeError  # pandas calls them different where Arrow cannot compare them
    different = a != b
    if isinstance(different, pd.api.extensions.ExtensionArray):
        different = different.to_numpy(dtype=bool, na_value=False)
    if not isinstance(different, np.ndarray) or different.shape != (len(a),):
        raise TypeError
    gone, gone_too = np.asarray(pd.isna(a)), np.asarray(pd.isna(b))
    return np.flatnonzero((gone != gone_too) | (different.astype(bool) & ~gone & ~gone_too))


def _is_nested(array: Any) -> bool:
    return isinstance(array.dtype, pd.ArrowDtype) and pa.types.is_nested(array.dtype.pyarrow_dtype)


def _objects(a: list[Any], b: list[Any]) -> Positions:
    found = np.flatnonzero(np.fromiter(map(operator.is_not, a, b), bool, len(a)))
    a, b = [a[i] for i in found.tolist()], [b[i] for i in found.tolist()]
    if {*map(type, a), *map(type, b)} <= _PLAIN:
        different = np.fromiter(map(operator.ne, a, b), bool, len(a))
        different &= ~(pd.isna(np.array(a, object)) & pd.isna(np.array(b, object)))
    else:
        different = ~np.fromiter(map(equal, a, b), bool, len(a))
    return np.asarray(found[different])


def _equal(x: Any, y: Any) -> bool:
    if x is y:
        return True
    if type(x) is type(y):
        if isinstance(x, (list, tuple)):
            return len(x) == len(y) and all(map(_equal, x, y))
        if isinstance(x, dict):
            return x.keys() == y.keys() and all(_equal(x[key], y[key]) for key in x)
        if isinstance(x, np.ndarray):
            return x.shape == y.shape and not changed(x.ravel(), y.ravel()).size
        if isinstance(x, (pd.DataFrame, pd.Series, pd.Index)):
            return bool(x.equals(y))
    if _missing(x) or _missing(y):
        return _missing(x) and _missing(y)
    return bool(np.all(x == y))


def _missing(value: Any) -> bool:
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))
