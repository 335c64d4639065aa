"""Labels, names, attrs and other single values as JSON: exact, and data only.

Strings, small integers, booleans and None stand for themselves; everything else is an object with
one key that names its kind. What has no such form raises `NotPlain`.
"""

from __future__ import annotations

import base64
import datetime
import json
import struct
import uuid
import zoneinfo
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from dfbackup_jupyter.capture import pandas_internals as internals

_SAFE_INTEGER = 2**53
_MAX_DEPTH = 50
NAN = struct.pack(">d", float("nan")).hex()


class NotPlain(Exception):
    """A value that has no form as data."""


def to_json(value: Any, depth: int = _MAX_DEPTH) -> Any:
    """Describe a value.

    Raises
    ------
    NotPlain
        It is of another class than those that this module knows.
    """
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is int:
        return value if abs(value) < _SAFE_INTEGER else {"int": format(value, "x")}
    if kind is str:
        return value if not _has_surrogates(value) else {"wtf8": _wtf8(value).hex()}
    if depth == 0:
        raise NotPlain("nested too deeply")
    write = _WRITE.get(kind)
    if write is not None:
        name, data = write(value)
        return {name: data}
    if kind in (tuple, list):
        return {kind.__name__: [to_json(item, depth - 1) for item in value]}
    if kind in (set, frozenset):
        return {kind.__name__: sorted((to_json(item, depth - 1) for item in value), key=json.dumps)}
    if kind is dict:
        items = value.items()
        return {"dict": [[to_json(k, depth - 1), to_json(v, depth - 1)] for k, v in items]}
    if isinstance(value, np.generic) and not value.dtype.hasobject and value.dtype.kind != "V":
        return {"numpy": [value.dtype.str, value.tobytes().hex()]}
    if isinstance(value, datetime.tzinfo):
        return {"tz": tz_to_json(value)}
    raise NotPlain(f"{kind.__name__} is not plain data")


def from_json(data: Any) -> Any:
    """Return the value that `to_json` described.

    Raises
    ------
    ValueError
        It is no such description.
    """
    if not isinstance(data, dict):
        if isinstance(data, list):
            raise ValueError("a list where a value was expected")
        return data
    ((name, content),) = data.items()
    if name == "dict":
        return {from_json(k): from_json(v) for k, v in content}
    if name not in _READ:
        raise ValueError(f"unknown kind of value: {name!r}")
    return _READ[name](content)


def tz_to_json(tz: datetime.tzinfo | None) -> Any:
    """Describe a time zone.

    Raises
    ------
    NotPlain
        It cannot be named.
    """
    if tz is None:
        return None
    if isinstance(tz, datetime.timezone):
        offset = tz.utcoffset(None)
        micros = (offset.days * 86_400 + offset.seconds) * 1_000_000 + offset.microseconds
        name = tz.tzname(None)
        return {"fixed": [micros, None if name == str(datetime.timezone(offset)) else name]}
    if isinstance(tz, zoneinfo.ZoneInfo) and tz.key is not None:
        return {"zoneinfo": tz.key}
    package = type(tz).__module__.partition(".")[0]
    if package == "pytz":
        minutes = getattr(tz, "_minutes", None)
        zone: Any = getattr(tz, "zone", None)
        return {"pytz": zone if zone is not None else minutes}
    if package == "dateutil" and (known := internals.tz_name(tz)) is not None:
        return {"named": known}
    raise NotPlain("an unknown kind of time zone")


def tz_from_json(data: Any) -> datetime.tzinfo | None:
    """Return the time zone that `tz_to_json` described."""
    if data is None:
        return None
    ((kind, content),) = data.items()
    if kind == "fixed":
        micros, name = content
        offset = datetime.timedelta(microseconds=micros)
        if not micros and name is None:
            return datetime.UTC
        return datetime.timezone(offset) if name is None else datetime.timezone(offset, name)
    if kind == "zoneinfo":
        return zoneinfo.ZoneInfo(content)
    if kind == "pytz":
        pytz: Any = import_module("pytz")
        zone: datetime.tzinfo = (
            pytz.FixedOffset(content) if isinstance(content, int) else pytz.timezone(content)
        )
        return zone
    named: datetime.tzinfo = internals.tz_named(content)
    return named


def _has_surrogates(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _wtf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _float(value: float) -> str:
    return struct.pack(">d", value).hex()


def _to_float(data: str) -> float:
    # The one NaN that everybody means is one object in NumPy and pandas.
    return np.nan if data == NAN else struct.unpack(">d", bytes.fromhex(data))[0]


def _moment(value: Any) -> list[Any]:
    return [value.replace(tzinfo=None, fold=0).isoformat(), value.fold, tz_to_json(value.tzinfo)]


def _to_datetime(data: list[Any]) -> datetime.datetime:
    text, fold, tz = data
    naive = datetime.datetime.fromisoformat(text)
    return naive.replace(fold=fold, tzinfo=tz_from_json(tz))


def _to_time(data: list[Any]) -> datetime.time:
    text, fold, tz = data
    return datetime.time.fromisoformat(text).replace(fold=fold, tzinfo=tz_from_json(tz))


def _timestamp(value: pd.Timestamp) -> list[Any]:
    return [int(value.asm8.view("i8")), value.unit, tz_to_json(value.tzinfo)]


def _to_timestamp(data: list[Any]) -> Any:
    number, unit, tz = data
    naive = pd.Timestamp(np.datetime64(number, unit))
    return naive if tz is None else naive.tz_localize("UTC").tz_convert(tz_from_json(tz))


def _interval(value: pd.Interval) -> list[Any]:
    return [to_json(value.left), to_json(value.right), value.closed]


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _numpy(data: list[str]) -> Any:
    dtype = np.dtype(data[0])
    if dtype.hasobject:
        raise ValueError("objects where plain numbers were expected")
    return np.frombuffer(bytes.fromhex(data[1]), dtype)[0]


_WRITE: dict[type, Callable[[Any], tuple[str, Any]]] = {
    float: lambda v: ("float", _float(v)),
    complex: lambda v: ("complex", [_float(v.real), _float(v.imag)]),
    bytes: lambda v: ("bytes", _b64(v)),
    Decimal: lambda v: ("decimal", str(v)),
    Fraction: lambda v: ("fraction", [format(v.numerator, "x"), format(v.denominator, "x")]),
    datetime.date: lambda v: ("date", v.isoformat()),
    datetime.datetime: lambda v: ("datetime", _moment(v)),
    datetime.time: lambda v: ("time", _moment(v)),
    datetime.timedelta: lambda v: ("timedelta", [v.days, v.seconds, v.microseconds]),
    uuid.UUID: lambda v: ("uuid", v.hex),
    range: lambda v: ("range", [v.start, v.stop, v.step]),
    pd.Timestamp: lambda v: ("Timestamp", _timestamp(v)),
    pd.Timedelta: lambda v: ("Timedelta", [int(v.asm8.view("i8")), v.unit]),
    pd.Period: lambda v: ("Period", [v.ordinal, v.freqstr]),
    pd.Interval: lambda v: ("Interval", _interval(v)),
    type(pd.NaT): lambda v: ("NaT", 0),
    type(pd.NA): lambda v: ("NA", 0),
    type(Ellipsis): lambda v: ("Ellipsis", 0),
}

_READ: dict[str, Callable[[Any], Any]] = {
    "int": lambda d: int(d, 16),
    "float": _to_float,
    "wtf8": lambda d: bytes.fromhex(d).decode("utf-8", "surrogatepass"),
    "complex": lambda d: complex(*(struct.unpack(">d", bytes.fromhex(part))[0] for part in d)),
    "bytes": base64.b64decode,
    "decimal": Decimal,
    "fraction": lambda d: Fraction(int(d[0], 16), int(d[1], 16)),
    "date": datetime.date.fromisoformat,
    "datetime": _to_datetime,
    "time": _to_time,
    "timedelta": lambda d: datetime.timedelta(*d),
    "uuid": uuid.UUID,
    "range": lambda d: range(*d),
    "Timestamp": _to_timestamp,
    "Timedelta": lambda d: pd.Timedelta(np.timedelta64(*d)),
    "Period": lambda d: pd.Period(ordinal=d[0], freq=d[1]),
    "Interval": lambda d: pd.Interval(from_json(d[0]), from_json(d[1]), d[2]),
    "NaT": lambda _: pd.NaT,
    "NA": lambda _: pd.NA,
    "Ellipsis": lambda _: ...,
    "numpy": _numpy,
    "tz": tz_from_json,
    "tuple": lambda d: tuple(map(from_json, d)),
    "list": lambda d: list(map(from_json, d)),
    "set": lambda d: set(map(from_json, d)),
    "frozenset": lambda d: frozenset(map(from_json, d)),
}
