"""Whether two frames are the same to the bit, judged with none of our own code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def assert_same_frame(a: Any, b: Any) -> None:
    """Compare classes, labels, values to the bit, kinds of objects, attrs and flags."""
    assert type(a) is type(b), f"{type(a)} is not {type(b)}"
    assert a.shape == b.shape, f"{a.shape} != {b.shape}"
    assert_same_index(a.index, b.index, "index")
    same_object(a.attrs, b.attrs, "attrs")
    assert a.flags.allows_duplicate_labels == b.flags.allows_duplicate_labels
    if type(a) not in (pd.DataFrame, pd.Series):
        for name in type(a)._metadata:
            same_object(getattr(a, name, None), getattr(b, name, None), name)
    if isinstance(a, pd.Series):
        same_object(a.name, b.name, "name")
        assert_same_array(a.array, b.array, "values")
        return
    assert_same_index(a.columns, b.columns, "columns")
    for i in range(a.shape[1]):
        assert_same_array(a.iloc[:, i].array, b.iloc[:, i].array, f"column {i}")


def assert_same_index(a: pd.Index, b: pd.Index, where: str) -> None:
    """Compare two indexes: class, names, frequency, levels and values."""
    assert type(a) is type(b), f"{where}: {type(a)} is not {type(b)}"
    assert len(a) == len(b), where
    for x, y in zip(a.names, b.names, strict=True):
        same_object(x, y, f"{where} name")
    freq, other = getattr(a, "freq", None), getattr(b, "freq", None)
    assert type(freq) is type(other) and freq == other, f"{where}: {freq} != {other}"
    if isinstance(a, pd.RangeIndex):
        assert (a.start, a.stop, a.step) == (b.start, b.stop, b.step)
    elif isinstance(a, pd.MultiIndex):
        assert a.nlevels == b.nlevels
        for i, (x, y) in enumerate(zip(a.levels, b.levels, strict=True)):
            assert_same_index(x, y, f"{where} level {i}")
        for x, y in zip(a.codes, b.codes, strict=True):
            assert_same_array(np.asarray(x), np.asarray(y), f"{where} codes")
    else:
        assert_same_array(a.array, b.array, where)


def assert_same_array(a: Any, b: Any, where: str) -> None:
    """Compare two 1-D arrays: dtype and bits."""
    assert type(a) is type(b), f"{where}: {type(a)} is not {type(b)}"
    assert repr(a.dtype) == repr(b.dtype), f"{where}: {a.dtype!r} != {b.dtype!r}"
    if type(a) is pd.arrays.NumpyExtensionArray:
        a, b = a.to_numpy(), b.to_numpy()
    dtype = a.dtype
    if isinstance(a, np.ndarray):
        same_numpy(a, b, where)
    elif isinstance(dtype, pd.CategoricalDtype):
        assert a.ordered == b.ordered, where
        same_numpy(np.asarray(a.codes), np.asarray(b.codes), where)
        assert_same_index(a.categories, b.categories, f"{where} categories")
    elif isinstance(dtype, pd.StringDtype):
        assert (dtype.storage, dtype.na_value is pd.NA) == (
            b.dtype.storage,
            b.dtype.na_value is pd.NA,
        )
        same_numpy(np.asarray(a, dtype=object), np.asarray(b, dtype=object), where)
    elif isinstance(dtype, pd.SparseDtype):
        same_object(dtype.fill_value, b.dtype.fill_value, where)
        assert type(a.sp_index) is type(b.sp_index), where
        assert a.sp_index.equals(b.sp_index), where
        same_numpy(np.asarray(a.sp_values), np.asarray(b.sp_values), where)
    elif isinstance(dtype, pd.ArrowDtype):
        x, y = a.__arrow_array__(), b.__arrow_array__()
        assert x.type == y.type, f"{where}: {x.type} != {y.type}"
        same_object(x.to_pylist(), y.to_pylist(), where)
    elif isinstance(dtype, pd.IntervalDtype):
        assert_same_index(a.left, b.left, where)
        assert_same_index(a.right, b.right, where)
        assert a.closed == b.closed
    elif hasattr(a, "_mask"):
        same_numpy(a._data, b._data, where)
        same_numpy(a._mask, b._mask, where)
    elif hasattr(a, "asi8"):
        same_numpy(a.asi8, b.asi8, where)
        assert str(getattr(dtype, "tz", "")) == str(getattr(b.dtype, "tz", "")), where
        assert type(getattr(dtype, "tz", None)) is type(getattr(b.dtype, "tz", None)), where
    else:
        same_numpy(np.asarray(a, dtype=object), np.asarray(b, dtype=object), where)


def same_numpy(a: np.ndarray, b: np.ndarray, where: str) -> None:
    """Compare two NumPy arrays to the bit; objects one by one."""
    assert a.dtype == b.dtype and a.dtype.str == b.dtype.str, f"{where}: {a.dtype} != {b.dtype}"
    assert a.shape == b.shape, where
    if a.dtype == object:
        for x, y in zip(a, b, strict=True):
            same_object(x, y, where)
    elif a.dtype in (np.longdouble, np.clongdouble):
        assert all(repr(x) == repr(y) for x, y in zip(a, b, strict=True)), where
    else:
        assert np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes(), where


def same_object(a: Any, b: Any, where: str) -> None:
    """Compare two Python objects: their classes and values, down to the leaves."""
    assert type(a) is type(b), f"{where}: {a!r} ({type(a)}) is not {b!r} ({type(b)})"
    if a is None or a is pd.NA or a is pd.NaT:
        assert a is b, where
    elif isinstance(a, float):
        assert np.float64(a).tobytes() == np.float64(b).tobytes(), f"{where}: {a!r} != {b!r}"
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b), where
        for x, y in zip(a, b, strict=True):
            same_object(x, y, where)
    elif isinstance(a, dict):
        for x, y in zip(a.items(), b.items(), strict=True):
            same_object(x, y, where)
    elif isinstance(a, (set, frozenset)):
        same_object(sorted(a, key=repr), sorted(b, key=repr), where)
    elif isinstance(a, np.ndarray):
        same_numpy(a, b, where)
    elif isinstance(a, (pd.DataFrame, pd.Series)):
        assert_same_frame(a, b)
    else:
        assert repr(a) == repr(b), f"{where}: {a!r} != {b!r}"
        if hasattr(a, "tzinfo"):
            assert type(a.tzinfo) is type(b.tzinfo), where
            assert getattr(a, "fold", 0) == getattr(b, "fold", 0), where
        if hasattr(a, "unit"):
            assert a.unit == b.unit, where
