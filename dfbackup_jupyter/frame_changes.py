"""What a cell or a restore did to each frame, for the execution log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dfbackup_jupyter.capture.base import Snapshot
from dfbackup_jupyter.capture.capture import Capture, CapturedFrame, compare
from dfbackup_jupyter.capture.paths import FramePath
from dfbackup_jupyter.session import FrameChange
from dfbackup_jupyter.session.execution_log import What
from dfbackup_jupyter.staging import same_content, same_encoding


def find(before: Capture, after: Capture) -> tuple[FrameChange, ...]:
    """Return the frames that differ, with their shapes. It takes microseconds.

    A frame may be among them whose arrays moved without a change: `explained` finds that out.
    """
    changes = compare(before, after)
    whats: tuple[tuple[What, tuple[FramePath, ...]], ...] = (
        ("changed", changes.changed),
        ("removed", changes.removed),
        ("added", changes.added),
    )
    found = [
        _change(str(path), what, before.by_path.get(path), after.by_path.get(path))
        for what, paths in whats
        for path in paths
    ]
    return tuple(sorted(found, key=lambda change: change.name))


def explained(
    changes: Iterable[FrameChange], before: Capture, after: Capture
) -> tuple[FrameChange, ...]:
    """Return the changes with the columns that they are about, without those that are none.

    It reads the content of frames (see `Snapshot.encode`), so it is for the background.
    """
    # By name: reading a path parses Python, which on this thread could disturb a cell that is being
    # parsed (bugs of CPython: "AST constructor recursion depth mismatch").
    olds, news = _by_name(before), _by_name(after)
    found = []
    for change in changes:
        if change.what != "changed":
            found.append(change)
            continue
        old, new = olds[change.name], news[change.name]
        if not same_content(old, new):
            found.append(_explained(change, old, new))
    return tuple(found)


def _by_name(capture: Capture) -> dict[str, Snapshot]:
    return {str(path): frame.snapshot for path, frame in capture.by_path.items()}


def _explained(change: FrameChange, old: Snapshot, new: Snapshot) -> FrameChange:
    before, after = old.encode_columns(), new.encode_columns()
    modified: tuple[str, ...] = ()
    # Where rows came or went, every column is another one, and says nothing.
    if old.rows == new.rows:
        common = (label for label in before if label in after)
        modified = tuple(n for n in common if not same_encoding(before[n], after[n]))
    return replace(
        change,
        columns_added=tuple(label for label in after if label not in before),
        columns_dropped=tuple(label for label in before if label not in after),
        columns_modified=modified,
    )


def _change(
    name: str, what: What, before: CapturedFrame | None, after: CapturedFrame | None
) -> FrameChange:
    old = before.snapshot if before else None
    new = after.snapshot if after else None
    return FrameChange(
        name,
        what,
        rows_before=old.rows if old else None,
        rows_after=new.rows if new else None,
        columns_before=old.columns if old else None,
        columns_after=new.columns if new else None,
    )
