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
_INDENT = "  "


def text(record: object) -> str:
    """Return a result as text; what could steer a terminal is spelled out."""
    return "\n".join(line.rstrip() for part in view(record) for line in _lines(part))


def preview(frame: Any) -> str:
    """Return the rows of a frame of any library as text."""
    return "\n".join(_visible(str(frame)))


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
            return _aligned(said, frozenset())
        case Table(header, rows, right):
            cells = [[_cell(cell, _CELL_LIMIT) for cell in row] for row in rows]
            return _aligned([header, *cells], right)
        case Preview(caption, frame):
            rows_shown = (f"{_INDENT * 2}{row}" for row in preview(frame).splitlines())
            return [f"{_INDENT}{human.line(caption)}:", *rows_shown]


def _cell(cell: Cell, limit: int | None = None) -> str:
    match cell:
        case Time(when):
            return human.ago(when) if limit else f"{human.clock(when)} ({human.ago(when)})"
        case Code(source):
            return human.first_line(source, limit)
        case Reference(id):
            return id
        case _:
            return human.line(cell)


def _aligned(rows: Sequence[Sequence[str]], right: frozenset[int]) -> Iterator[str]:
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
