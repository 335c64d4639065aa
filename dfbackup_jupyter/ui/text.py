"""Results as plain text, for terminals and for notebooks without HTML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from unicodedata import combining, east_asian_width

from dfbackup_jupyter.ui import human
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
    Warnings,
)
from dfbackup_jupyter.ui.view import view

_CELL_LIMIT = 60
_TABLE_WIDTH = 100
_LEAST = 12
_INDENT = "  "


def text(record: object) -> str:
    """Return a result as text; what could steer a terminal is spelled out."""
    return "\n".join(line.rstrip() for part in view(record) for line in _lines(part))


def preview(frame: Any) -> str:
    """Return the rows of a frame of any library as text."""
    try:
        shown = str(frame)
    except Exception as error:  # of an object of the user's that cannot be printed
        shown = f"cannot be shown: {type(error).__name__}: {error}"
    return "\n".join(_visible(shown))


def _lines(part: Part) -> Iterable[str]:
    match part:
        case Heading(text):
            return [human.line(text)]
        case Hint(text):
            return [human.line(text.replace("`", ""))]
        case Warnings(lines):
            return [f"{_INDENT}! {human.line(line)}" for line in lines]
        case Pairs(rows):
            said = [(label, _cell(cell)) for label, cell in rows if cell]
            return _aligned(said)
        case Table():
            return _table(part)
        case Preview(caption, frame):
            rows_shown = (f"{_INDENT * 2}{row}" for row in preview(frame).splitlines())
            return [f"{_INDENT}{human.line(caption)}:", *rows_shown]


def _cell(cell: Cell, limit: int | None = None) -> str:
    match cell:
        case Time(when):
            return human.ago(when) if limit else f"{human.clock(when)} ({human.ago(when)})"
        case Code(source, line):
            return human.first_line(line or source, limit)
        case Reference(id):
            return id
        case _:
            return human.line(cell)


def _table(table: Table) -> Iterable[str]:
    kept = table.filled
    cells = [[_cell(row[i], _CELL_LIMIT) for i in kept] for row in table.rows]
    rows = [[table.header[i] for i in kept], *cells]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    # An ID that is cut is of no use; anything else may be.
    flexible = [
        place
        for place, column in enumerate(kept)
        if not any(isinstance(row[column], Reference) for row in table.rows)
    ]
    while flexible and sum(widths) + len(_INDENT) * len(widths) > _TABLE_WIDTH:
        widest = max(flexible, key=widths.__getitem__)
        if widths[widest] <= _LEAST:
            break
        widths[widest] -= 1
    shortened = [
        [_cut(cell, width) for cell, width in zip(row, widths, strict=True)] for row in rows
    ]
    return _aligned(shortened, frozenset(kept.index(i) for i in table.right.intersection(kept)))


def _cut(cell: str, width: int) -> str:
    if _width(cell) <= width:
        return cell
    while _width(cell) >= width:
        cell = cell[:-1]
    return f"{cell}…"


def _aligned(rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> Iterator[str]:
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        shown = [
            _space(cell, widths[i]) + cell if i in right else cell + _space(cell, widths[i])
            for i, cell in enumerate(row)
        ]
        yield _INDENT + _INDENT.join(shown)


def _space(cell: str, width: int) -> str:
    return " " * (width - _width(cell))


def _width(text: str) -> int:
    return sum(
        0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text
    )


def _visible(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line.expandtabs(4))
