"""What the logs of chat and of web searches share: records of plain JSON with an ID and a time."""

from __future__ import annotations

import copy
import datetime as dt
import json
import math
import secrets
from collections.abc import Mapping
from typing import Any

from dfbackup_jupyter.backup import JSON
from dfbackup_jupyter.session.journal import Journal

_DEPTH = 20
_LENGTH = 100_000
"""Characters of one text, and of one value of a record."""


class Records(Journal[JSON]):
    """A log of dictionaries, each with an ``id``, a ``time``, and more."""

    needed: tuple[str, ...] = ()
    """What every record has besides."""

    def _append(self, fields: Mapping[str, object]) -> str:
        given = fields.get("id")
        record = {key: bounded(value) for key, value in fields.items()}
        record["id"] = str(given) if given else secrets.token_hex(8)
        record["time"] = dt.datetime.now().astimezone().isoformat()
        self._add(record)
        return str(record["id"])

    def _copies(self) -> list[JSON]:
        return [copy.deepcopy(record) for record in self._items()]

    def _to_json(self, item: JSON) -> JSON:
        return item

    def _from_json(self, data: Any) -> JSON:
        if not isinstance(data, dict) or not {"id", "time", *self.needed} <= data.keys():
            raise ValueError("not a record")
        record = {key: bounded(value) for key, value in data.items()}
        if not isinstance(record["id"], str) or not isinstance(record["time"], str):
            raise ValueError("not a record")
        if dt.datetime.fromisoformat(record["time"]).utcoffset() is None:
            raise ValueError("a time without its zone")
        return record

    def _key(self, item: JSON) -> str:
        return str(item["id"])

    def _time(self, item: JSON) -> dt.datetime:
        return dt.datetime.fromisoformat(item["time"])


def bounded(value: object) -> Any:
    """Return a value as plain JSON of a bounded size; what JSON does not have becomes text."""
    found = _plain(value, _DEPTH)
    if isinstance(found, (dict, list)):
        written = json.dumps(found, ensure_ascii=False)
        return found if len(written) <= _LENGTH else _cut(written)
    return found


def _plain(value: object, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _cut(str.__str__(value))
    if isinstance(value, int) and value.bit_length() <= 64:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if depth and isinstance(value, Mapping):
        return {_text(key): _plain(item, depth - 1) for key, item in value.items()}
    if depth and isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, depth - 1) for item in value]
    return _text(value)


def _text(value: object) -> str:
    try:
        return _cut(str(value))
    except Exception:  # an object of the user's that cannot be printed
        return f"<{type(value).__name__}>"


def _cut(text: str) -> str:
    return text if len(text) <= _LENGTH else f"{text[: _LENGTH - 1]}…"
