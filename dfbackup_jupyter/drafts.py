"""New backups before their frames are written: IDs, names, session and notebook."""

from __future__ import annotations

import datetime as dt
import os
import re
import secrets
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from dfbackup_jupyter import processes
from dfbackup_jupyter.backup import Backup, Kind, Provenance
from dfbackup_jupyter.errors import InvalidRequest

NAME_LIMIT = 200
LAST = "last"

_SLUG_LIMIT = 60
_WITHOUT = "kernel_"
_ID = re.compile(r"(manual|quick|auto|safety|autosave|import)_\d{8}_\d{6}_")


@dataclass(frozen=True)
class Session:
    """One kernel's life.

    Attributes
    ----------
    id : str
        Start time and eight hex digits.
    notebook : str
        Path of the notebook; a kernel without one is its own.
    kernel : str
        What stays the same when the kernel is restarted; empty where nothing does.
    """

    id: str
    notebook: str
    kernel: str = ""

    @classmethod
    def start(cls, namespace: Mapping[str, object], kernel: str = "") -> Session:
        """Return the session that begins now in a kernel with this namespace."""
        identifier = f"{_now():%Y%m%d_%H%M%S}_{secrets.token_hex(4)}"
        name = os.environ.get("JPY_SESSION_NAME") or namespace.get("__vsc_ipynb_file__")
        if not name:
            return cls(identifier, f"{_WITHOUT}{identifier}", kernel)
        # Older servers give the path below their own folder; the kernel runs in the notebook's.
        path = Path(str(name))
        return cls(identifier, str(path if path.is_absolute() else Path.cwd() / path.name), kernel)

    @property
    def has_notebook(self) -> bool:
        """Whether the kernel is a notebook's."""
        return self.notebook != f"{_WITHOUT}{self.id}"

    @property
    def process(self) -> str:
        """What tells the kernel's process from all others."""
        return processes.own()


@dataclass(frozen=True)
class Drafts:
    """Makes the drafts of one session's backups."""

    session: Session

    def draft(
        self,
        kind: Kind,
        *,
        name: str = "",
        description: str = "",
        provenance: Provenance | None = None,
        unwatched: tuple[str, ...] = (),
        at: float | None = None,
    ) -> Backup:
        """Return a backup with an ID of its own and no frames yet.

        Parameters
        ----------
        at : float, optional
            When its state was captured, in seconds since the epoch; now by default.

        Raises
        ------
        InvalidRequest
            The name is too long, or means something else.
        """
        name = checked_name(name)
        created = _now() if at is None else local_time(at)
        suffix = slug(name) if kind is Kind.MANUAL else ""
        return Backup(
            id=f"{kind}_{created:%Y%m%d_%H%M%S}_{suffix or secrets.token_hex(4)}",
            name=name,
            description=description.strip(),
            kind=kind,
            created=created,
            session=self.session.id,
            notebook=self.session.notebook,
            kernel=self.session.kernel,
            process=self.session.process,
            frames=(),
            provenance=provenance or Provenance(),
            unwatched=unwatched,
        )


def renamed(draft: Backup) -> Backup:
    """Return the draft under another ID, for when its own is taken."""
    return replace(draft, id=f"{draft.id}_{secrets.token_hex(4)}")


def checked_name(name: str) -> str:
    """Return a backup's name on one line.

    Raises
    ------
    InvalidRequest
        It is too long, or could be taken for an ID or for ``last``.
    """
    name = " ".join(name.split())
    if len(name) > NAME_LIMIT:
        raise InvalidRequest(
            f"A backup's name can have {NAME_LIMIT} characters; this one has {len(name)}.",
            "Choose a shorter one, and put the rest into the description: -d TEXT.",
        )
    if name == LAST or _ID.match(name):
        raise InvalidRequest(
            f"{name!r} cannot be a name, because it would be taken for another backup.",
            "Choose another one.",
        )
    return name


def began(session: str) -> dt.datetime:
    """Return when a session began, which its ID tells."""
    try:
        return dt.datetime.strptime(session[:15], "%Y%m%d_%H%M%S").astimezone()
    except ValueError:
        return dt.datetime.min.replace(tzinfo=dt.UTC)


def slug(name: str) -> str:
    """Return the part of a name that may stand in an ID: ASCII letters, digits, ``-`` and ``_``."""
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9-]+", "_", ascii_only)[:_SLUG_LIMIT].strip("_")


def local_time(seconds: float) -> dt.datetime:
    """Return seconds since the epoch as a time with this computer's zone."""
    return dt.datetime.fromtimestamp(seconds).astimezone()


def _now() -> dt.datetime:
    return local_time(time.time())
