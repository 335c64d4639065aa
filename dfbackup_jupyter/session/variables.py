"""The user's variables: plain values as JSON, everything else as one pickle each."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from dfbackup_jupyter.backup import JSON
from dfbackup_jupyter.errors import BackupError
from dfbackup_jupyter.session import pickling, values
from dfbackup_jupyter.session.base import MIB, BytesBlob, Context, Read, Recalled, State
from dfbackup_jupyter.session.names import is_users, looks_secret
from dfbackup_jupyter.session.sizes import guess

A_MODULE = "a module: "
"""Why modules are not captured; the line that imports it again follows."""

_COSTLY = 0.25  # of the time that there is
_REASON_LIMIT = 120
_PYTHON = list(sys.version_info[:2])


@dataclass
class _Item:
    """One object, and all the names it has."""

    names: list[str]
    value: Any
    size: int = 0
    entry: JSON = field(default_factory=dict)
    data: bytes | None = None
    reason: str = ""

    @property
    def identity(self) -> tuple[object, ...]:
        """What an object that has changed or made room for another one hardly has again."""
        return type(self.value), id(self.value), self.size


class Variables:
    """Keeps variables, one by one, so that one that fails costs only itself.

    Left out, and listed with the reason: modules, what cannot be pickled, what is over the budget,
    and what has a name like a secret's. Not listed: watched frames, which have their own place in a
    backup, and the names that IPython makes.
    """

    name = "variables"

    def __init__(self) -> None:
        # What failed at a high cost is not tried again after every cell.
        self._refused: dict[tuple[object, ...], str] = {}

    def snapshot(self, context: Context) -> State:
        """Return the variables as they are; the small ones first, while the budget lasts."""
        paths = {id(frame): path for path, frame in context.frames.items()}
        skipped: dict[str, str] = {}
        items: dict[int, _Item] = {}
        for name, value in list(context.namespace.items()):
            if not is_users(name, context.hidden) or id(value) in paths:
                continue
            if isinstance(value, ModuleType):
                skipped[name] = f"{A_MODULE}{_import_of(value, name)}"
            elif looks_secret(name):
                skipped[name] = "its name suggests a secret"
            else:
                items.setdefault(id(value), _Item([], value)).names.append(name)
        self._save(list(items.values()), paths, context)
        blobs: list[BytesBlob] = []
        entries: list[JSON] = []
        for item in items.values():
            if item.reason:
                skipped |= dict.fromkeys(item.names, item.reason)
                continue
            if item.data is not None:
                item.entry["blob"] = len(blobs)
                blobs.append(BytesBlob(item.data))
            entries.append({"names": item.names, "type": _type(item.value), **item.entry})
        return State(
            recorder=self.name,
            meta={"version": 1, "python": _PYTHON, "variables": entries},
            blobs=blobs,
            captured=tuple(name for entry in entries for name in entry["names"]),
            skipped=tuple(skipped.items()),
        )

    def restore(self, meta: JSON, read: Read, context: Context, *, trust: bool) -> Recalled:
        """Put variables back under their names; those that are as they were stay untouched.

        All are read before the first is put back, so an interruption leaves everything as it is.
        """
        paths = {id(frame): path for path, frame in context.frames.items()}
        found: dict[str, Any] = {}
        warnings: list[str] = []
        untrusted: list[str] = []
        for names, entry in _entries(meta, context):
            try:
                if entry["form"] == "pickle" and not trust:
                    untrusted += names
                    continue
                if _is_foreign_code(meta, entry, read):
                    warnings.append(
                        f"{', '.join(names)} has code of another version of Python in it and "
                        "stayed in the backup. Run the cell that defines it."
                    )
                    continue
                found |= dict.fromkeys(names, _value(names[0], entry, read, context, paths))
            except BackupError as error:
                warnings.append(f"{', '.join(names)} could not be read: {error}")
            except Exception as error:
                warnings.append(f"{', '.join(names)} could not be brought back: {_plainly(error)}")
        if untrusted:
            warnings.append(
                f"{', '.join(untrusted)} stayed in the backup: bringing them back can run code, "
                "and this backup is not trusted. Import it again with --trust if you know where it "
                "comes from."
            )
        space = context.namespace
        changed = {n: v for n, v in found.items() if n not in space or space[n] is not v}
        space.update(changed)
        return Recalled(tuple(changed), tuple(warnings))

    def _save(self, items: list[_Item], paths: dict[int, str], context: Context) -> None:
        """Give every item its entry and bytes, or the reason why it has none."""
        budget = context.budget
        deadline = None if budget.seconds is None else time.monotonic() + budget.seconds
        left = budget.nbytes
        refused: dict[tuple[object, ...], str] = {}
        for item in items:
            item.size = guess(item.value, paths)
        for item in sorted(items, key=lambda item: item.size):
            began = time.monotonic()
            if deadline is not None and item.identity in self._refused:
                item.reason = refused[item.identity] = self._refused[item.identity]
                continue
            try:
                item.entry, item.data = _saved(item, paths, context, left, deadline)
            except Exception as error:
                item.reason = _reason(error, item.size, budget.nbytes)
                if budget.seconds and time.monotonic() - began > _COSTLY * budget.seconds:
                    refused[item.identity] = item.reason
            left -= len(item.data or b"")
        if deadline is not None:
            self._refused = refused


def _import_of(module: ModuleType, name: str) -> str:
    full = module.__name__
    return f"import {full}" if full == name else f"import {full} as {name}"


def _saved(
    item: _Item, paths: dict[int, str], context: Context, limit: int, deadline: float | None
) -> tuple[JSON, bytes | None]:
    if item.size > limit:
        raise pickling.TooLarge
    if plain := values.encoded(item.value):
        return plain
    if deadline is not None and time.monotonic() > deadline:
        raise pickling.TooSlow
    data = pickling.dumps(item.value, context.namespace, paths, limit=limit, deadline=deadline)
    return {"form": "pickle"}, data


def _entries(meta: JSON, context: Context) -> Iterator[tuple[list[str], JSON]]:
    """Give the entries that name variables of the user; others were not written by us."""
    entries = meta.get("variables")
    for entry in entries if isinstance(entries, list) else ():
        names = entry.get("names") if isinstance(entry, dict) else None
        if isinstance(names, list) and "form" in entry:
            names = [name for name in names if is_users(name, context.hidden)]
            if names:
                yield names, entry


def _is_foreign_code(meta: JSON, entry: JSON, read: Read) -> bool:
    """Return whether an entry has bytecode that this Python would crash on."""
    return (
        entry["form"] == "pickle"
        and meta.get("python") != _PYTHON
        and pickling.holds_code(read(entry["blob"]))
    )


def _value(name: str, entry: JSON, read: Read, context: Context, paths: dict[int, str]) -> Any:
    """Return what an entry holds: the live object itself when that is the same still."""
    data = read(entry["blob"]) if "blob" in entry else b""
    live = context.namespace.get(name)
    if entry["form"] != "pickle":
        value = values.decoded(entry, data)
        return live if values.same(live, value) else value
    if name in context.namespace and _type(live) == entry.get("type"):
        try:
            now = pickling.dumps(live, context.namespace, paths, limit=len(data))
        except Exception:
            now = b""
        if now == data:
            return live
    return pickling.loads(data, context.namespace, context.frames)


def _reason(error: Exception, size: int, limit: int) -> str:
    if isinstance(error, pickling.TooLarge):
        about = f" (about {size / MIB:,.0f} MB)" if size > MIB else ""
        return f"too large{about}: all variables together may take {limit / MIB:,.0f} MB"
    if isinstance(error, pickling.TooSlow):
        return "would take too long after a cell; a manual backup keeps it"
    return f"cannot be pickled: {_plainly(error)}"


def _plainly(error: Exception) -> str:
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = ""
    if not text:
        return type(error).__name__
    return text if len(text) <= _REASON_LIMIT else text[: _REASON_LIMIT - 1] + "…"


def _type(value: object) -> str:
    cls = type(value)
    return f"{cls.__module__}.{cls.__qualname__}"
