"""Tables of figures: what every benchmark returns, on the terminal and in Markdown."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

REPEATS = 3
LONG = 5
"""Seconds after which peers are not measured again."""


@dataclass(frozen=True)
class Table:
    """Figures of one run, side by side.

    Attributes
    ----------
    title : str
    rows : sequence of tuple of str
        The first is the heading; all are of one length.
    note : str
        How they were measured, and what to think of when reading them.
    """

    title: str
    rows: Sequence[tuple[str, ...]]
    note: str = ""


def text(table: Table) -> str:
    """Return a table for a terminal."""
    widths = [max(map(len, column)) for column in zip(*table.rows, strict=True)]
    lines = [table.title]
    for first, *others in table.rows:
        cells = [text.rjust(width) for text, width in zip(others, widths[1:], strict=True)]
        lines.append("   ".join([first.ljust(widths[0]), *cells]).rstrip())
    return "\n".join([*lines, *filter(None, [table.note]), ""])


def markdown(table: Table) -> str:
    """Return a table for a page."""
    head, *rows = table.rows
    lines = [
        f"## {table.title}",
        "",
        _row(head),
        _row(["---", *["---:"] * (len(head) - 1)]),
        *map(_row, rows),
        "",
    ]
    return "\n".join([*lines, *([table.note, ""] if table.note else [])])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def seconds(value: float) -> str:
    """Return a time in the unit that reads best."""
    return f"{value:,.2f} s" if value >= 1 else f"{value * 1000:,.2f} ms"


def both(values: Sequence[float]) -> str:
    """Return the median and the worst."""
    return f"{seconds(median(values))}, {seconds(max(values))}" if values else "none"


def megabytes(value: float) -> str:
    """Return a size."""
    return f"{value / 1e6:,.1f} MB"


def rate(size: float, took: float) -> str:
    """Return a speed from bytes and seconds."""
    return f"{size / took / 1e6:,.0f} MB/s"


def note(text: str) -> None:
    """Tell who waits at a terminal what is being done."""
    if sys.stderr.isatty():
        print(f"\r{text[:78]:78}\r", end="", file=sys.stderr, flush=True)
