"""What a front-end and the kernel say to each other.

The other side is `labextension/src/protocol.ts`.

A front-end holds one long-lived comm to `targets.EVENTS`, on which only the kernel speaks, and
opens a comm to `targets.REQUESTS` for each question: it is opened with the question and closed with
the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from dfbackup_jupyter.agent import messages
from dfbackup_jupyter.backup import JSON, Backup, Status
from dfbackup_jupyter.errors import BackupError, InvalidRequest
from dfbackup_jupyter.manager import BackupManager, Progress
from dfbackup_jupyter.ui.render import html_of

VERSION = 1


class Where(Enum):
    """Where a method may run.

    Attributes
    ----------
    AT_ONCE
        On the thread that the question came on: it only reads the store.
    ASIDE
        On a thread of its own: it may take long, but leaves the user's frames alone.
    MAIN
        On the thread that runs the cells, after the present one: it needs the user's frames.
    """

    AT_ONCE = "at once"
    ASIDE = "aside"
    MAIN = "main"


@dataclass(frozen=True)
class Method:
    """One thing that can be asked for.

    Attributes
    ----------
    where : Where
        Where it may run.
    params : mapping of str to type
        What it can be given.
    required : tuple of str
        What it must be given.
    run : callable
        Does it, and gives the answer as JSON.
    """

    where: Where
    params: Mapping[str, type]
    required: tuple[str, ...]
    run: Callable[[BackupManager, JSON, Progress], Any]


@dataclass(frozen=True)
class Call:
    """A question that makes sense.

    Attributes
    ----------
    patience : float or None
        Seconds for which it may wait for its turn; after that it must not run any more.
    """

    method: Method
    params: JSON
    patience: float | None = None

    def run(self, manager: BackupManager, progress: Progress) -> Any:
        """Return the answer as JSON."""
        return self.method.run(manager, self.params, progress)


def read(data: object) -> Call:
    """Read a question.

    Raises
    ------
    InvalidRequest
        It is none of this protocol.
    """
    if not isinstance(data, dict) or data.get("protocol") != VERSION:
        raise InvalidRequest(
            "JupyterLab's part of dfbackup-jupyter and the kernel's are of different versions.",
            "Install the same version in both environments, restart the kernel, and reload the "
            "page.",
        )
    name, params = data.get("method"), data.get("params", {})
    method = METHODS.get(name) if isinstance(name, str) else None
    if method is None or not isinstance(params, dict):
        raise InvalidRequest(
            f"The kernel knows no request {name!r:.80}.", "Update dfbackup-jupyter in the kernel."
        )
    given = {key: value for key, value in params.items() if value is not None}
    for key, value in given.items():
        kind = method.params.get(key)
        if kind is None or not _is(value, kind):
            raise InvalidRequest(f"{name} cannot be asked for with {key!r:.80} = {value!r:.80}.")
    for key in method.required:
        if key not in given:
            raise InvalidRequest(f"{name} needs {key!r}.")
    return Call(method, given)


def read_tool(data: object) -> Call:
    """Read an AI agent's call of a tool.

    Raises
    ------
    InvalidRequest
        There is no such tool, it cannot be called like this, or the call has come too late.
    """
    called = messages.read(data)
    where = Where.MAIN if called.tool.touches_frames else Where.ASIDE
    return Call(Method(where, {}, (), lambda m, p, _: called.run()), {}, called.patience)


def state(version: str, status: Status, backups: list[JSON]) -> JSON:
    """Return the event that says how things stand."""
    return {
        "type": "state",
        "protocol": VERSION,
        "version": version,
        "status": status.to_dict(),
        "backups": backups,
    }


def progressed(request: str, label: str, done: int, total: int) -> JSON:
    """Return the event that says how far a request is."""
    return {"type": "progress", "request": request, "label": label, "done": done, "total": total}


def answer(result: Any) -> JSON:
    """Return what closes a request."""
    return {"ok": True, "result": result}


def refusal(error: BaseException) -> JSON:
    """Return what closes a request that failed."""
    if isinstance(error, BackupError):
        message, hint = error.message, error.hint
    else:
        message = f"An error inside dfbackup-jupyter: {type(error).__name__}: {error!s:.500}"
        hint = "Your data is as it was. The kernel's log has the details."
    return {"ok": False, "error": {"type": type(error).__name__, "message": message, "hint": hint}}


def _is(value: object, kind: type) -> bool:
    if kind is list:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return type(value) is kind  # a bool is no number here


def _plain(found: list[Backup]) -> list[JSON]:
    return [backup.to_dict() for backup in found]


def _show(manager: BackupManager, params: JSON, _: Progress) -> JSON:
    details = manager.show(params["id"])
    return {"backup": details.backup.to_dict(), "html": html_of(details)}


def _create(manager: BackupManager, params: JSON, progress: Progress) -> JSON:
    return manager.create(**params, progress=progress).to_dict()


def _restore(manager: BackupManager, params: JSON, progress: Progress) -> JSON:
    options = {key: value for key, value in params.items() if key != "id"}
    return manager.restore(params["id"], **options, progress=progress).to_dict()


def _recover(manager: BackupManager, params: JSON, progress: Progress) -> JSON:
    return manager.recover(params.get("id"), progress=progress).to_dict()


def _preview(manager: BackupManager, params: JSON, progress: Progress) -> JSON:
    restored = manager.restore(
        params["id"], only=params.get("only"), dry_run=True, progress=progress
    )
    return {"restored": restored.to_dict(), "html": html_of(manager.diff(params["id"]))}


def _diff(manager: BackupManager, params: JSON, _: Progress) -> JSON:
    found = manager.diff(params["id"], params.get("other"))
    return {"html": html_of(found), "diff": found.to_dict()}


def _export(manager: BackupManager, params: JSON, progress: Progress) -> JSON:
    return {"file": str(manager.export(params["id"], params["file"], progress=progress))}


def _auto(manager: BackupManager, params: JSON, _: Progress) -> JSON:
    manager.auto = params["on"]
    return manager.status().to_dict()


_ID: dict[str, type] = {"id": str}
_NEEDS_ID = ("id",)

METHODS: Mapping[str, Method] = {
    "status": Method(Where.AT_ONCE, {}, (), lambda m, p, _: m.status().to_dict()),
    "list": Method(
        Where.AT_ONCE,
        {"all": bool, "kind": str, "frame": str, "limit": int},
        (),
        lambda m, p, _: _plain(m.list(**p)),
    ),
    "show": Method(Where.AT_ONCE, _ID, _NEEDS_ID, _show),
    "stats": Method(Where.AT_ONCE, {}, (), lambda m, p, _: m.stats().to_dict()),
    "auto": Method(Where.AT_ONCE, {"on": bool}, ("on",), _auto),
    "rename": Method(
        Where.ASIDE,
        {**_ID, "name": str},
        ("id", "name"),
        lambda m, p, _: m.rename(p["id"], p["name"]).to_dict(),
    ),
    "pin": Method(
        Where.ASIDE,
        {**_ID, "pinned": bool},
        ("id", "pinned"),
        lambda m, p, _: m.pin(p["id"], p["pinned"]).to_dict(),
    ),
    "delete": Method(
        Where.ASIDE, {"ids": list}, ("ids",), lambda m, p, _: _plain(m.delete(p["ids"]))
    ),
    "export": Method(Where.ASIDE, {**_ID, "file": str}, ("id", "file"), _export),
    "verify": Method(
        Where.ASIDE, _ID, (), lambda m, p, tick: m.verify(p.get("id"), progress=tick).to_dict()
    ),
    "quick": Method(Where.MAIN, {}, (), lambda m, p, tick: m.quick(progress=tick).to_dict()),
    "create": Method(
        Where.MAIN,
        {"name": str, "description": str, "only": list, "data_only": bool},
        ("name",),
        _create,
    ),
    "recover": Method(Where.MAIN, _ID, (), _recover),
    "undo": Method(Where.MAIN, {}, (), lambda m, p, _: m.undo().to_dict()),
    "redo": Method(Where.MAIN, {}, (), lambda m, p, _: m.redo().to_dict()),
    "preview": Method(Where.MAIN, {**_ID, "only": list}, _NEEDS_ID, _preview),
    "restore": Method(
        Where.MAIN,
        {**_ID, "only": list, "as_name": str, "data_only": bool, "exact": bool},
        _NEEDS_ID,
        _restore,
    ),
    "diff": Method(Where.MAIN, {**_ID, "other": str}, _NEEDS_ID, _diff),
}
