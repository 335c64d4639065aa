"""Single values as JSON, exactly: labels, names, fill values, attributes.

A value is ``None``, a bool, an int or a string as it is; anything else is ``[kind, ...]``.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import struct
import zoneinfo
from collections.abc import Callable
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd

from dfbackup_jupyter.capture.base import JSON

UNTRUSTED = "it can only be read by running code from the file, which needs --trust"


class NotTrusted(Exception):
    """A part that only unpickling could read, in a file that is not trusted."""

    def __init__(self) -> None:
        super().__init__(UNTRUSTED)


def write(value: Any) -> JSON:
    """Return the JSON form of a value."""
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return ["float", struct.pack("<d", value).hex()]
    if kind is complex:
        return ["complex", struct.pack("<dd", value.real, value.imag).hex()]
    if kind is bytes:
        return ["bytes", base64.b85encode(value).decode()]
    if kind in (tuple, list):
        return [kind.__name__, [write(item) for item in value]]
    if kind is dict:
        return ["dict", [[write(k), write(v)] for k, v in value.items()]]
    if value is pd.NaT:
        return ["NaT"]
    if value is pd.NA:
        return ["NA"]
    if isinstance(value, np.generic) and value.dtype.kind in "biufcSmM":
        return ["numpy", value.dtype.str, value.tobytes().hex()]
    if kind is pd.Timestamp:
        zone = write_zone(value.tz)
        if zone is None or zone[0] != "pickle":
            return ["Timestamp", value.asm8.view("i8").item(), value.unit, zone, value.fold]
    if kind is pd.Timedelta:
        return ["Timedelta", value.asm8.view("i8").item(), value.unit]
    if kind is pd.Period:
        return ["Period", value.ordinal, value.freqstr]
    if kind is pd.Interval:
        return ["Interval", write(value.left), write(value.right), value.closed]
    if kind is decimal.Decimal:
        return ["Decimal", str(value)]
    if kind is dt.date:
        return ["date", value.isoformat()]
    return ["pickle", base64.b85encode(cloudpickle.dumps(value)).decode()]


def read(data: JSON, *, trust: bool) -> Any:
    """Return the value of a JSON form.

    Raises
    ------
    NotTrusted
        Only unpickling could read it.
    ValueError, TypeError, KeyError, IndexError
        It is none.
    """
    if not isinstance(data, list):
        return data
    kind, *rest = data
    if kind == "pickle":
        if not trust:
            raise NotTrusted
        return cloudpickle.loads(base64.b85decode(rest[0]))
    return _READERS[kind](rest, trust)


def pickles(data: JSON) -> bool:
    """Whether reading a JSON form takes unpickling."""
    if isinstance(data, dict):
        return any(map(pickles, data.values()))
    if not isinstance(data, list):
        return False
    return data[:1] == ["pickle"] or any(map(pickles, data))


def write_zone(zone: dt.tzinfo | None) -> JSON:
    """Return the JSON form of a time zone."""
    if zone is None:
        return None
    if isinstance(zone, zoneinfo.ZoneInfo) and zone.key:
        return ["zoneinfo", zone.key]
    if type(zone) is dt.timezone:
        offset = zone.utcoffset(None)
        if zone == dt.timezone(offset) and repr(zone) == repr(dt.timezone(offset)):
            return ["offset", offset / dt.timedelta(microseconds=1)]
    return write_pickle(zone)


def write_pickle(value: Any) -> JSON:
    """Return the JSON form of a value that has no other."""
    return ["pickle", base64.b85encode(cloudpickle.dumps(value)).decode()]


def read_zone(data: JSON, *, trust: bool) -> dt.tzinfo | None:
    """Return the time zone of a JSON form; raises as `read` does."""
    if data is None:
        return None
    if data[0] == "zoneinfo":
        return zoneinfo.ZoneInfo(data[1])
    if data[0] == "offset":
        if not data[1]:
            return dt.UTC
        return dt.timezone(dt.timedelta(microseconds=data[1]))
    zone: dt.tzinfo = read(data, trust=trust)
    return zone


def _timestamp(rest: list[Any], trust: bool) -> pd.Timestamp:
    value, unit, zone, fold = rest
    stamp = pd.Timestamp(np.datetime64(value, unit))
    if zone is not None:
        stamp = stamp.tz_localize("UTC").tz_convert(read_zone(zone, trust=trust))
    return stamp if stamp.fold == fold else stamp.replace(fold=fold)


_READERS: dict[str, Callable[[list[Any], bool], Any]] = {
    "float": lambda rest, _: struct.unpack("<d", bytes.fromhex(rest[0]))[0],
    "complex": lambda rest, _: complex(*struct.unpack("<dd", bytes.fromhex(rest[0]))),
    "bytes": lambda rest, _: base64.b85decode(rest[0]),
    "tuple": lambda rest, trust: tuple(read(item, trust=trust) for item in rest[0]),
    "list": lambda rest, trust: [read(item, trust=trust) for item in rest[0]],
    "dict": lambda rest, trust: {
        read(key, trust=trust): read(value, trust=trust) for key, value in rest[0]
    },
    "NaT": lambda _rest, _trust: pd.NaT,
    "NA": lambda _rest, _trust: pd.NA,
    "numpy": lambda rest, _: np.frombuffer(bytes.fromhex(rest[1]), np.dtype(rest[0]))[0],
    "Timestamp": _timestamp,
    "Timedelta": lambda rest, _: pd.Timedelta(np.timedelta64(rest[0], rest[1])),
    "Period": lambda rest, _: pd.Period(ordinal=rest[0], freq=rest[1]),
    "Interval": lambda rest, trust: pd.Interval(
        read(rest[0], trust=trust), read(rest[1], trust=trust), rest[2]
    ),
    "Decimal": lambda rest, _: decimal.Decimal(rest[0]),
    "date": lambda rest, _: dt.date.fromisoformat(rest[0]),
}
