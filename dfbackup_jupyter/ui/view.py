"""What is shown of each result, whatever it is drawn with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import singledispatch
from itertools import groupby

from dfbackup_jupyter.backup import (
    Backup,
    Details,
    Kind,
    Restored,
    Stats,
    Status,
    Verification,
)
from dfbackup_jupyter.capture.paths import FramePath
from dfbackup_jupyter.diff import ColumnChange, Diff, FrameDiff
from dfbackup_jupyter.session import A_MODULE, Entry, FrameChange, Variables
from dfbackup_jupyter.ui.human import count, duration, line, sentence, shape, size
from dfbackup_jupyter.ui.parts import (
    Cell,
    Code,
    Heading,
    Hint,
    Pairs,
    Part,
    Preview,
    Reference,
    Table,
    Time,
    Tone,
    Warnings,
)
from dfbackup_jupyter.ui.results import (
    Backups,
    Candidates,
    DeletedBackups,
    Deletions,
    ExportedFile,
    Log,
    Settings,
)

_NAMES = 8
_DELETED = 20
_COLUMNS = 30


@singledispatch
def view(record: object) -> Iterator[Part]:
    """Give the parts of a result, from top to bottom."""
    raise TypeError(f"no view of {type(record).__name__}")


@view.register
def _(backup: Backup) -> Iterator[Part]:
    yield Heading(f"{sentence(backup.kind)} backup {line(backup.name)}".rstrip(), _tone(backup))
    yield from _about(backup, brief=True)
    yield _frames(backup)
    yield from _losses(backup)
    yield Hint(f"Bring it back: `%backup restore {backup.id}`")


@view.register
def _(found: Backups) -> Iterator[Part]:
    yield Heading(found.heading)
    if found:
        yield _listed(found)
    if found.next_step:
        yield Hint(found.next_step)


@view.register
def _(gone: DeletedBackups) -> Iterator[Part]:
    yield Heading(gone.heading)
    more = f"{len(gone) - _DELETED:,} more are not shown. " if len(gone) > _DELETED else ""
    if gone:
        yield _listed(gone[:_DELETED])
        yield Hint(more + gone.next_step)


@view.register
def _(found: Candidates) -> Iterator[Part]:
    yield Heading(found.heading)
    yield Table(
        ("ID", "when", "frames", "it was"),
        tuple(
            (Reference(one.backup.id), Time(one.backup.created), _contents(one.backup), one.why)
            for one in found
        ),
    )
    yield Hint(found.next_step)


@view.register
def _(file: ExportedFile) -> Iterator[Part]:
    yield Heading(f"Exported to {file}", "good")


@view.register
def _(details: Details) -> Iterator[Part]:
    backup = details.backup
    yield Heading(f"{sentence(backup.kind)} backup {line(backup.name)}".rstrip(), _tone(backup))
    yield from _about(backup)
    yield _frames(backup)
    for info in backup.frames:
        if info.name in details.previews:
            caption = f"{info.name}, first rows of {info.rows:,}"
            yield Preview(caption, details.previews[info.name])
    yield from _losses(backup)
    unreadable = tuple(f"{name}: {why}" for name, why in details.unreadable.items())
    if unreadable:
        yield Warnings(unreadable)
    yield Hint(f"Compare it with now: `%backup diff {backup.id}`")
    yield Hint(f"Bring it back: `%backup restore {backup.id}`")


@view.register
def _(diff: Diff) -> Iterator[Part]:
    yield Heading(
        f"From {diff.before} to {diff.after}: no differences"
        if diff.same
        else f"From {diff.before} to {diff.after}"
    )
    for frame in diff.frames:
        if frame.status != "same":
            yield from _difference(frame)
    if diff.session:
        yield Pairs((("session", "; ".join(diff.session)),))
    same = [frame.name for frame in diff.frames if frame.status == "same"]
    if same:
        yield Hint(f"The same: {_some(same, _COLUMNS)}")


@view.register
def _(done: Restored) -> Iterator[Part]:
    whole: Tone = "plain" if done.dry_run else "good"
    yield Heading(sentence(line(done.action)), "bad" if done.partial else whole)
    would = "would be " if done.dry_run else ""
    yield Pairs(
        (
            ("state of", Time(done.backup.created) if done.backup else ""),
            (f"{would}brought back", _some(done.restored)),
            (f"{would}removed", _some(done.removed)),
            ("not all of", _some(done.partial)),
            ("already there", _some(done.untouched)),
            ("session state", _some(done.state)),
            ("state before", Reference(done.safety) if done.safety else ""),
        )
    )
    if done.warnings:
        yield Warnings(done.warnings)
    if done.dry_run and done.backup:
        yield Hint(f"Nothing was changed. Do it: `%backup restore {done.backup.id}`")
    elif done.restored or done.removed:
        back = "redo" if done.action.startswith("undid") else "undo"
        yield Hint(f"Take this back: `%backup {back}`")


@view.register
def _(stats: Stats) -> Iterator[Part]:
    total = sum(stats.backups.values())
    yield Heading(f"{count(total, 'backup')} in {size(stats.bytes_on_disk)}")
    yield Pairs(
        (
            ("kinds", ", ".join(f"{number:,} {kind}" for kind, number in stats.backups.items())),
            ("this session", count(stats.session_backups, "backup")),
            ("oldest", Time(stats.oldest) if stats.oldest else ""),
            ("newest", Time(stats.newest) if stats.newest else ""),
            ("each stored whole", size(stats.bytes_raw)),
            ("free on the disk", size(stats.bytes_free)),
            ("store", stats.store),
        )
    )
    if stats.notebooks:
        ranked = sorted(stats.notebooks.items(), key=lambda item: -item[1])
        yield Table(
            ("notebook", "backups"),
            tuple((notebook, f"{number:,}") for notebook, number in ranked),
            frozenset({1}),
        )


@view.register
def _(status: Status) -> Iterator[Part]:
    if status.problem:
        yield Heading("Your data is not being backed up", "bad")
        yield Warnings((status.problem,))
    elif not status.auto:
        yield Heading("Automatic backups are off", "bad")
    else:
        watched = count(len(status.frames), "frame")
        yield Heading(f"Protected: {watched}, backed up before every risky cell", "good")
    last = status.last
    yield Pairs(
        (
            ("frames", _some([f"{name} {shape(*at)}" for name, at in status.frames.items()])),
            ("not watched", _some(status.unwatched)),
            ("this session", count(status.session_backups, "backup")),
            ("newest backup", Reference(last.id) if last else "none yet"),
            ("made", Time(last.created) if last else ""),
            ("waiting to be written", size(status.writing) if status.writing else ""),
            ("undo takes back", status.undo or ""),
            ("redo brings back", status.redo or ""),
            ("notebook", status.notebook),
            ("store", status.store),
        )
    )
    if status.recoverable:
        newest = status.recoverable[0]
        yield Pairs((("left by an earlier session", _contents(newest)), ("", Time(newest.created))))
        yield Hint("Bring it back: `%backup recover`")
    if not status.auto:
        yield Hint("Turn them on again: `%backup auto on`")
    elif status.undo:
        yield Hint("Take back the newest change: `%backup undo`. See every backup: `%backup list`")
    else:
        yield Hint("See every backup: `%backup list`. All commands: `%backup --help`")


@view.register
def _(found: Verification) -> Iterator[Part]:
    checked = count(found.checked, "backup")
    mended = f", {count(found.mended, 'thing')} mended" if found.mended else ""
    if found.ok:
        yield Heading(f"{checked} checked: every byte is sound{mended}", "good")
        return
    damaged = f"{count(len(found.damage), 'thing')} damaged{mended}"
    yield Heading(f"{checked} checked: {damaged}", "bad")
    yield Table(
        ("backup", "frames", "damage"),
        tuple(
            (
                Reference(damage.backup) if damage.backup else "none",
                _some(damage.frames) + (f": {_some(damage.columns)}" if damage.columns else ""),
                damage.what,
            )
            for damage in found.damage
        ),
    )
    yield Hint(
        "What is sound can still be restored. Other backups of a frame: "
        "`%backup list --all --frame NAME`"
    )
    if not found.mended:
        yield Hint("Mend what can be mended from memory and copies: `%backup verify --repair`")


@view.register
def _(gone: Deletions) -> Iterator[Part]:
    yield Heading(gone.heading)
    if gone:
        yield Table(
            ("deleted", "ID", "by"),
            tuple((Time(d.when), Reference(d.id), d.by) for d in gone),
        )


@view.register
def _(log: Log) -> Iterator[Part]:
    yield Heading(log.heading)
    if log:
        yield Table(
            ("cell", "took", "changed", "backup before it", "source"),
            tuple(_logged(entry, log) for entry in log),
            frozenset({0, 1}),
        )
        if any(entry.backup for entry in log):
            yield Hint("Go back to before a cell: `%backup restore ID`")


@view.register
def _(settings: Settings) -> Iterator[Part]:
    yield Table(
        ("setting", "value", "what it means"),
        tuple((key, str(value), settings.help[key]) for key, value in settings.items()),
    )
    yield Hint("Change one for this session: `%backup config KEY=VALUE`")


def _tone(backup: Backup) -> Tone:
    return "good" if backup.committed else "bad"


def _about(backup: Backup, *, brief: bool = False) -> Iterator[Part]:
    why = backup.provenance
    variables = [n for s in backup.state if s.recorder == Variables.name for n in s.captured]
    logs = [n for s in backup.state if s.recorder != Variables.name for n in s.captured]
    skipped = [
        f"{lost.name} ({lost.reason})"
        for state in backup.state
        for lost in state.skipped
        if not brief or not lost.reason.startswith(A_MODULE)
    ]
    yield Pairs(
        (
            ("ID", Reference(backup.id)),
            ("made", Time(backup.created)),
            ("description", backup.description),
            ("why", _reason(backup) if backup.kind in (Kind.AUTO, Kind.SAFETY) else ""),
            ("cell", Code(why.cell) if why.cell else ""),
            ("variables", _some(variables)),
            ("session", _some(logs)),
            ("left out", _some(skipped)),
            ("size", f"{size(backup.bytes_raw)}, {size(backup.bytes_stored)} on disk"),
            ("notebook", backup.notebook),
        )
    )


def _reason(backup: Backup) -> str:
    why = backup.provenance
    found = [
        f"{operation.operation} of {', '.join(operation.frames)} in line {operation.line}"
        for operation in why.operations
    ]
    return "; ".join([why.reason, *found])


def _frames(backup: Backup) -> Part:
    return Table(
        ("frame", "rows × columns", "size", "type", "also known as"),
        tuple(
            (f.name, shape(f.rows, f.columns), size(f.bytes), f.type, ", ".join(f.aliases))
            for f in backup.frames
        ),
        frozenset({1, 2}),
    )


def _losses(backup: Backup) -> Iterator[Part]:
    lines = [
        f"{info.name}: the column {lost.name} is not in the backup: {lost.reason}"
        for info in backup.frames
        for lost in info.lost
    ]
    lines += [f"Not watched: {name}" for name in backup.unwatched]
    if not backup.committed:
        lines.append("It is not on disk yet.")
    if not backup.trusted:
        lines.append(
            "Python objects in it are left out of a restore: it was imported without --trust."
        )
    elif backup.kind is Kind.IMPORT:
        names = [f"{info.name}[{column!r}]" for info in backup.frames for column in info.pickled]
        names += [f"the {state.recorder}" for state in backup.state]
        lines.append(
            "It is trusted: a restore unpickles what needs it, which can run any code. It may be "
            f"in: {', '.join(names)}."
            if names
            else "It is trusted, but nothing in it needs unpickling."
        )
    if lines:
        yield Warnings(tuple(lines))


def _listed(backups: Sequence[Backup]) -> Table:
    several = len({backup.notebook for backup in backups}) > 1
    return Table(
        ("ID", "when", "frames", "what it is", "notebook"),
        tuple(
            (
                Reference(b.id),
                Time(b.created),
                _contents(b),
                _purpose(b),
                b.notebook.rpartition("/")[2] if several else "",
            )
            for b in backups
        ),
    )


def _contents(backup: Backup) -> str:
    return _some([f"{f.name} {shape(f.rows, f.columns)}" for f in backup.frames])


def _purpose(backup: Backup) -> Cell:
    why = backup.provenance
    if backup.name:
        return f"{backup.name}: {backup.description}" if backup.description else backup.name
    if why.cell:
        number = "" if why.execution_count is None else f"[{why.execution_count}] "
        lines = why.cell.splitlines()
        at_risk = (lines[found.line - 1] for found in why.operations if found.line <= len(lines))
        return Code(f"{number}{why.cell.strip()}", f"{number}{next(at_risk, why.cell).strip()}")
    return why.reason


def _difference(frame: FrameDiff) -> Iterator[Part]:
    before = shape(frame.rows_before, frame.columns_before)
    after = shape(frame.rows_after, frame.columns_after)
    shapes = f"{before} → {after}" if before and after and before != after else before or after
    yield Heading(f"{frame.name} {frame.status}: {shapes}")
    retyped = frame.type_before != frame.type_after and frame.type_before and frame.type_after
    pairs = [
        (kind, str(number) if number else "")
        for kind, number in (
            ("rows added", frame.rows_added),
            ("rows dropped", frame.rows_dropped),
            ("rows changed", frame.rows_changed),
        )
    ]
    pairs.append(("type", f"{frame.type_before} → {frame.type_after}" if retyped else ""))
    for kind, changes in groupby(sorted(frame.columns, key=_kind), _kind):
        pairs.append((f"columns {kind}", _some([_column(change) for change in changes], _COLUMNS)))
    pairs += [("note", note) for note in frame.notes]
    yield Pairs(tuple(pairs))
    if frame.examples:
        yield Table(
            ("row", "column", "before", "after"),
            tuple((cell.row, cell.column, cell.before, cell.after) for cell in frame.examples),
        )


def _kind(change: ColumnChange) -> str:
    return change.kind


def _column(change: ColumnChange) -> str:
    if change.kind == "added":
        return f"{change.column} ({change.after})"
    if change.kind == "dropped":
        return f"{change.column} ({change.before})"
    dtypes = f" {change.before} → {change.after}" if change.kind == "retyped" else ""
    cells = f" ({count(change.cells, 'cell')})" if change.cells else ""
    return f"{change.column}{dtypes}{cells}"


def _logged(entry: Entry, log: Log) -> tuple[Cell, ...]:
    number = "" if entry.execution_count is None else f"[{entry.execution_count}]"
    if entry.session != log.session:
        number = f"{number} earlier session".strip()
    of_frame = log.frame and FramePath.canonical(log.frame)
    changed = [
        _frame_change(change) if of_frame else f"{change.name} {_frame_change(change)}"
        for change in entry.frames
        if of_frame in (None, change.name)
    ]
    failed = f"failed: {entry.error}" if entry.outcome == "error" else ""
    return (
        number,
        duration(entry.duration),
        "; ".join(filter(None, (_some(changed), failed))),
        Reference(entry.backup) if entry.backup else "",
        Code(entry.source),
    )


def _frame_change(change: FrameChange) -> str:
    before = shape(change.rows_before, change.columns_before)
    after = shape(change.rows_after, change.columns_after)
    if change.what != "changed":
        return f"{change.what}: {before or after}"
    columns = "; ".join(
        f"{_some(names, _COLUMNS)} {what}"
        for names, what in (
            (change.columns_added, "added"),
            (change.columns_dropped, "dropped"),
            (change.columns_modified, "modified"),
        )
        if names
    )
    shapes = f"{before} → {after}" if before != after else after
    return shapes + (f" ({columns})" if columns else "")


def _some(names: list[str] | tuple[str, ...], limit: int = _NAMES) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
