"""Python objects in frames: which can change under us, and how they are frozen by pickling."""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import pathlib
import pickle
import re
import types
import uuid
import zoneinfo
from collections.abc import Iterable
from itertools import chain
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype

_ATOMS = (
    *(str, bytes, int, float, complex, bool, type(None), type(Ellipsis), type(NotImplemented)),
    *(decimal.Decimal, fractions.Fraction, uuid.UUID, range, slice, re.Pattern),
    *(datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo, zoneinfo.ZoneInfo),
    *(pd.Timestamp, pd.Timedelta, pd.Period, pd.Interval, type(pd.NaT), type(pd.NA)),
    *(pd.DateOffset, np.number, np.bool_, np.character, np.datetime64, np.timedelta64),
    *(enum.Enum, pathlib.PurePath, type, types.FunctionType, types.BuiltinFunctionType),
    *(types.ModuleType, np.dtype, pd.api.extensions.ExtensionDtype),
)
# What `infer_dtype` says of arrays that hold nothing else, found at C speed.
_PLAIN = frozenset(
    "string bytes integer floating boolean decimal complex date time datetime datetime64 "
    "timedelta timedelta64 period interval empty integer-na".split()
)
_MAIN = b"__main__"


def is_immutable(values: np.ndarray[Any, Any]) -> bool:
    """Whether no object in a 1-D object array can change, however deep one looks."""
    return infer_dtype(values, skipna=True) in _PLAIN or _all_immutable(values)


def _all_immutable(values: Iterable[Any], depth: int = 20) -> bool:
    values = values if isinstance(values, (list, np.ndarray)) else list(values)
    kinds = set(map(type, values))
    nested = {kind for kind in kinds if kind is tuple or kind is frozenset}
    if not all(issubclass(kind, _ATOMS) for kind in kinds - nested):
        return False
    if not nested:
        return True
    inner = chain.from_iterable(value for value in values if type(value) in nested)
    return depth > 0 and _all_immutable(inner, depth - 1)


class Frozen:
    """Any Python value as it is now.

    Parameters
    ----------
    value : object
        Pickled, unless nothing in it can change.
    """

    def __init__(self, value: Any) -> None:
        self._value = value
        self.reason = ""
        self._data: bytes | None = None
        self.pickled = not _all_immutable([value])
        if self.pickled:
            try:
                self._data = _dump(value)
            except Exception as error:
                self.reason = f"cannot be pickled: {error!s:.200}"
            else:
                self._value = None

    def same(self, live: Any) -> bool:
        """Whether a value is this one still; objects that cannot be pickled count as unchanged."""
        if self._data is None:
            return self._value is live
        try:
            return _dump(live) == self._data
        except Exception:
            return False

    def thaw(self) -> Any:
        """Return the value as it was."""
        return self._value if self._data is None else pickle.loads(self._data)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return len(self._data or b"")

    def portable(self) -> bytes:
        """Return the value pickled so that another process can read it."""
        if self._data is None or _MAIN not in self._data:
            return self._data if self._data is not None else pickled(self._value)
        try:
            return pickled(self.thaw())
        except Exception:
            return self._data


class FrozenColumn(Frozen):
    """The objects of one column; compared one by one if they cannot be pickled."""

    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        super().__init__(values)
        if self._data is None:
            self._value = values.copy()

    def same(self, live: Any) -> bool:
        """Whether the column holds these objects still."""
        if self._data is None:
            return len(live) == len(self._value) and all(map(_is, live, self._value))
        return super().same(live)


def _is(a: Any, b: Any) -> bool:
    return a is b


def _dump(value: Any) -> bytes:
    try:
        return pickle.dumps(value, protocol=5)
    except Exception:
        return cloudpickle.dumps(value, protocol=5)  # type: ignore[no-any-return]


def pickled(value: Any) -> bytes:
    """Pickle a value so that another process can read it: with the classes of ``__main__``.

    Raises
    ------
    Exception
        Whatever the value's own code raises.
    """
    try:
        data = pickle.dumps(value, protocol=5)
    except Exception:
        data = _MAIN
    if _MAIN in data:
        return cloudpickle.dumps(value, protocol=5)  # type: ignore[no-any-return]
    return data
