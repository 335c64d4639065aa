"""Which earlier session a session goes on from.

A notebook's path alone does not tell: a new ``Untitled.ipynb`` takes the place of one that was
renamed or deleted, and a copy has another path. So a session counts as the previous one without
being asked about only if it ran in this very kernel before a restart, or if the notebook holds
cells that ran in it. All else is a choice for the user.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from dfbackup_jupyter import processes
from dfbackup_jupyter.backup import Backup, Kind
from dfbackup_jupyter.drafts import Session, began
from dfbackup_jupyter.errors import AmbiguousBackup, NothingToDo
from dfbackup_jupyter.kinship import Cells, cells_of, shared
from dfbackup_jupyter.session import A_MODULE

Sources = Callable[[Backup], Sequence[str]]

_LISTED = 8
_READ = 30  # sessions whose cells are compared, the newest ones

_SECOND = dt.timedelta(seconds=1)  # as exactly as a session's ID tells when it began
_MOST = 0.5  # of the cells that ran, for a notebook to be the same one under another name

_WHOLE = (Kind.AUTOSAVE, Kind.QUICK, Kind.MANUAL)


@dataclass(frozen=True)
class Candidate:
    """An ended session that may be the previous one.

    Attributes
    ----------
    states : tuple of Backup
        What it can be brought back from, the best first.
    why : str
        What speaks for it, or against it.
    related : bool
        Whether anything speaks for it at all.
    """

    states: tuple[Backup, ...]
    why: str
    related: bool = True

    @property
    def backup(self) -> Backup:
        """Its newest state."""
        return self.states[0]


@dataclass(frozen=True)
class Previous:
    """What may be the previous session.

    Attributes
    ----------
    candidates : tuple of Candidate
        The likeliest first.
    certain : bool
        Whether the first one is the right one beyond doubt.
    running : bool
        Whether another kernel of the same notebook runs at this moment.
    """

    candidates: tuple[Candidate, ...] = ()
    certain: bool = False
    running: bool = False


@dataclass(frozen=True)
class _Past:
    """A session as its backups show it."""

    session: str
    notebook: str
    kernel: str
    process: str
    states: tuple[Backup, ...]
    last: dt.datetime

    @property
    def has_notebook(self) -> bool:
        return Session(self.session, self.notebook).has_notebook

    @property
    def elsewhere(self) -> str:
        known = processes.is_running(self.process) is not None
        return "" if known else "; whether its kernel still runs cannot be seen from here"


def find(backups: Iterable[Backup], session: Session, sources: Sources) -> Previous:
    """Find the session that came before one.

    Parameters
    ----------
    backups : iterable of Backup
        All of the store.
    session : Session
        The present one.
    sources : callable
        Gives the cells that ran in a backup's session until then, the newest last.
    """
    all = [past for past in _pasts(backups) if past.session != session.id]
    pasts = [past for past in all if past.process == session.process or not _runs(past)]
    at_place = [past for past in pasts if past.notebook == session.notebook]
    running = len(at_place) < sum(past.notebook == session.notebook for past in all)
    mine = [past for past in pasts if _is_of(past, session)]
    if mine:
        return _certain(mine, "this kernel before its restart", running)
    if not session.has_notebook:
        loose = [past for past in pasts if not past.has_notebook]
        return _choice(loose, "a session without a notebook", running, related=False)
    cells = cells_of(Path(session.notebook))
    if at_place:
        newest = at_place[0]
        if not cells:
            why = "a notebook at this place, whose file does not show whether it is this one"
        elif not shared(_ran(newest, sources), cells)[0]:
            why = "a notebook at this place, but this one has none of the cells that ran in it"
        elif any(_overlap(newest, past) for past in at_place[1:]):
            why = "this notebook, which had more than one kernel at the time"
        else:
            return _certain(at_place, "this notebook", running)
        return _choice(at_place, why, running)
    return _moved(pasts, cells, sources)


def _moved(pasts: list[_Past], cells: Cells, sources: Sources) -> Previous:
    """Look for a notebook with the same cells that was elsewhere then."""
    if not cells:
        return Previous()
    found: list[tuple[_Past, int, int]] = []
    for past in pasts[:_READ]:
        same, all = shared(_ran(past, sources), cells)
        if same:
            found.append((past, same, all))
    newest = {past.notebook: past for past in reversed(pasts)}
    shares = {past.notebook: same / all for past, same, all in found if past in newest.values()}
    likeliest = max(shares, key=lambda notebook: shares[notebook], default="")
    lived = [past for past, *_ in found if past.notebook == likeliest]
    if (
        lived
        and lived[0].has_notebook
        and not Path(likeliest).exists()
        and shares[likeliest] >= _MOST
        and list(shares.values()).count(shares[likeliest]) == 1
        and not any(_overlap(lived[0], past) for past in lived[1:])
    ):
        return _certain(lived, f"this notebook, when it was {Path(likeliest).name}", False)
    candidates = []
    for past, same, _ in found[:_LISTED]:
        name = Path(past.notebook).name if past.has_notebook else "a session without a notebook"
        why = f"{name}, which has {same} of the same cells{past.elsewhere}"
        candidates.append(Candidate(past.states, why))
    return Previous(tuple(candidates))


def chosen(found: Previous, backup: Backup | None) -> tuple[Backup, ...]:
    """Return the states to bring back, the best first; the others are for when it cannot be read.

    Parameters
    ----------
    backup : Backup or None
        The one that the user chose.

    Raises
    ------
    AmbiguousBackup
        None was chosen, and it is not certain which is meant.
    NothingToDo
        There is none.
    """
    if backup is not None:
        states = [one.states for one in found.candidates if one.backup.id == backup.id]
        return states[0] if states else (backup,)
    if found.certain:
        return found.candidates[0].states
    if found.candidates:
        listed = "; ".join(f"{one.backup.id} ({one.why})" for one in found.candidates)
        raise AmbiguousBackup(
            f"It is not certain which session was this notebook's previous one: {listed}.",
            "Say which: %backup recover ID.",
        )
    raise NothingToDo(
        "No earlier session of this notebook has left a state to bring back.",
        "%backup list --all --kind autosave shows how all sessions ended.",
    )


def label(state: Backup) -> str:
    """Return what a session's state is called."""
    if Session(state.session, state.notebook).has_notebook:
        name = Path(state.notebook).name
    else:
        name = f"the session that began {began(state.session):%Y-%m-%d %H:%M}"
    if state.kind is Kind.AUTOSAVE:
        return f"{name} as it was {state.provenance.reason}".strip()
    return f"{name} as in {state.name or state.id}"


def remarks(found: Previous, state: Backup) -> list[str]:
    """Return what there is to know of a state that was brought back, in sentences."""
    said = []
    if found.running:
        said.append("Another kernel of this notebook is running. Its frames are not these.")
    if state.kind not in _WHOLE:
        said.append(
            "The state after the session's last cell is not there, or cannot be read. "
            "This is an earlier one."
        )
    names = {name for frame in state.frames for name in frame.names}
    for one in found.candidates[1:] if found.certain else ():
        more = [frame.name for frame in one.backup.frames if frame.name not in names]
        if more:
            said.append(
                f"An earlier session also had {', '.join(more[:_LISTED])}: "
                f"%backup recover {one.backup.id}"
            )
            break
    return said + left_out(state)


def left_out(backup: Backup) -> list[str]:
    """Return what a backup could not capture, in sentences."""
    lost = [skipped for state in backup.state for skipped in state.skipped]
    modules = [one.reason.removeprefix(A_MODULE) for one in lost if one.reason.startswith(A_MODULE)]
    others = [f"{one.name} ({one.reason})" for one in lost if not one.reason.startswith(A_MODULE)]
    others += [
        f"column {column.name} of {frame.name} ({column.reason})"
        for frame in backup.frames
        for column in frame.lost
    ]
    others += backup.unwatched
    more = f" and {len(others) - _LISTED} more (%backup show {backup.id})"
    sentences = [f"Not captured: {'; '.join(others[:_LISTED])}{more if others[_LISTED:] else ''}."]
    return [
        *(sentences if others else []),
        *([f"Import again: {'; '.join(modules)}"] if modules else []),
    ]


def _pasts(backups: Iterable[Backup]) -> list[_Past]:
    """Return the sessions, those with the newest states first."""
    own = sorted((b for b in backups if b.kind is not Kind.IMPORT), key=lambda b: b.session)
    found = []
    for session, group in groupby(own, key=lambda backup: backup.session):
        states = _states(list(group))
        best = states[0]
        past = _Past(session, best.notebook, best.kernel, best.process, states, best.created)
        found.append(past)
    return sorted(found, key=lambda past: past.last, reverse=True)


def _states(backups: list[Backup]) -> tuple[Backup, ...]:
    """Return a session's backups, the newest whole state first."""
    backups = sorted(backups, key=lambda backup: backup.created, reverse=True)
    autosave = next((b for b in backups if b.kind is Kind.AUTOSAVE), None)
    names = {name for frame in autosave.frames for name in frame.names} if autosave else set()

    def is_whole(backup: Backup) -> bool:
        held = {name for frame in backup.frames for name in frame.names}
        return backup.kind in _WHOLE and names <= held and bool(backup.state)

    # Others hold a part, or the state before something: they are for when these cannot be read.
    return (*filter(is_whole, backups), *(b for b in backups if not is_whole(b)))


def _certain(pasts: Sequence[_Past], why: str, running: bool) -> Previous:
    newest, *older = pasts
    candidates = [Candidate(newest.states, why + newest.elsewhere)]
    candidates += [Candidate(past.states, f"{why}, earlier") for past in older]
    return Previous(tuple(candidates[:_LISTED]), True, running)


def _choice(pasts: Sequence[_Past], why: str, running: bool, related: bool = True) -> Previous:
    found = [Candidate(past.states, why + past.elsewhere, related) for past in pasts[:_LISTED]]
    return Previous(tuple(found), False, running)


def _ran(past: _Past, sources: Sources) -> Sequence[str]:
    """Return the cells that ran in a session, as its newest state that can be read knows them."""
    return next(filter(None, map(sources, past.states[:_LISTED])), ())


def _is_of(past: _Past, session: Session) -> bool:
    """Whether a session ran in the same kernel, before a restart."""
    return (
        bool(session.kernel)
        and past.kernel == session.kernel
        and (past.notebook == session.notebook or not (past.has_notebook or session.has_notebook))
    )


def _runs(past: _Past) -> bool:
    return bool(processes.is_running(past.process))


def _overlap(one: _Past, other: _Past) -> bool:
    """Whether two sessions were alive at the same time, as far as is known."""
    if one.process == other.process:
        return False  # one after the other, within one kernel
    return began(one.session) + _SECOND < other.last and began(other.session) + _SECOND < one.last
