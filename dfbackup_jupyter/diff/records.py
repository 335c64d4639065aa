"""What a comparison finds, as plain immutable data, and its form in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from dfbackup_jupyter.backup import JSON, plain

_COLUMNS_SHOWN = 12


@dataclass(frozen=True)
class ColumnChange:
    """How one column differs.

    Attributes
    ----------
    column : str
        Its label as shown; the second of two columns with one label is ``label #2``.
    before, after : str or None
        Its dtype; None where it does not exist.
    cells : int or None
        How many of its cells differ among the rows that are on both sides.
    """

    column: str
    kind: Literal["added", "dropped", "retyped", "changed"]
    before: str | None
    after: str | None
    cells: int | None = None

    def __str__(self) -> str:
        if self.kind == "added":
            return f"+ {self.column} ({self.after})"
        if self.kind == "dropped":
            return f"- {self.column} ({self.before})"
        dtypes = [f"{self.before} → {self.after}"] if self.kind == "retyped" else []
        cells = [f"{_count(self.cells, 'cell')} changed"] if self.cells else []
        return f"~ {self.column}: {', '.join(dtypes + cells)}"


@dataclass(frozen=True)
class CellChange:
    """One cell that differs, as short text."""

    row: str
    column: str
    before: str
    after: str


@dataclass(frozen=True)
class FrameDiff:
    """How one frame differs.

    Attributes
    ----------
    name : str
        Where it lives: ``df``, ``dfs['a']``.
    type_before, type_after : str or None
        Its class, as ``pandas.DataFrame``; None where it does not exist. So with the shapes.
    rows_added, rows_dropped, rows_changed : int or None
        None where only one side exists, or the two cannot be compared.
    columns : tuple of ColumnChange
        The columns that differ, in their order before, then the added ones.
    notes : tuple of str
        Whatever else differs: renamed and reordered columns, the index, attrs.
    examples : tuple of CellChange
        A few of the cells that differ.
    """

    name: str
    status: Literal["added", "dropped", "changed", "same"]
    type_before: str | None = None
    type_after: str | None = None
    rows_before: int | None = None
    rows_after: int | None = None
    columns_before: int | None = None
    columns_after: int | None = None
    rows_added: int | None = None
    rows_dropped: int | None = None
    rows_changed: int | None = None
    columns: tuple[ColumnChange, ...] = ()
    notes: tuple[str, ...] = ()
    examples: tuple[CellChange, ...] = ()

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """Give the text form line by line."""
        yield f"{self.name}  {self.status}  {self._shapes()}"
        rows = [
            f"{count:,} {what}"
            for count, what in (
                (self.rows_added, "added"),
                (self.rows_dropped, "dropped"),
                (self.rows_changed, "changed"),
            )
            if count
        ]
        if rows:
            yield f"  rows: {', '.join(rows)}"
        for column in self.columns[:_COLUMNS_SHOWN]:
            yield f"  {column}"
        if len(self.columns) > _COLUMNS_SHOWN:
            yield f"  … and {_count(len(self.columns) - _COLUMNS_SHOWN, 'more column')}"
        for note in self.notes:
            yield f"  {note}"
        for cell in self.examples:
            yield f"    [{cell.row}] {cell.column}: {cell.before} → {cell.after}"

    def _shapes(self) -> str:
        before = _shape(self.rows_before, self.columns_before)
        after = _shape(self.rows_after, self.columns_after)
        if before and after and before != after:
            return f"{before} → {after}"
        return before or after


@dataclass(frozen=True, repr=False)
class Diff:
    """What differs between two states.

    Attributes
    ----------
    before, after : str
        A backup's ID, or ``now``.
    frames : tuple of FrameDiff
        Every frame of either state, the equal ones too.
    session : tuple of str
        What differs in the session state, a line each.
    """

    before: str
    after: str
    frames: tuple[FrameDiff, ...]
    session: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.session and all(frame.status == "same" for frame in self.frames)

    def to_dict(self) -> JSON:
        """Return plain JSON types."""
        return {"same": self.same, **plain(self)}

    def __repr__(self) -> str:
        lines = [f"{self.before} → {self.after}"]
        for frame in self.frames:
            if frame.status != "same":
                lines += frame.lines()
        if self.session:
            lines += ["session", *(f"  {line}" for line in self.session)]
        same = [frame.name for frame in self.frames if frame.status == "same"]
        if self.same:
            lines.append("no differences" + (f" in {', '.join(same)}" if same else ""))
        elif same:
            lines.append(f"the same: {', '.join(same)}")
        return "\n".join(lines)

    __str__ = __repr__


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _shape(rows: int | None, columns: int | None) -> str:
    return "" if rows is None else f"{rows:,} × {columns:,}"
