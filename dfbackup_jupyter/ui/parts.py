"""What results are made of when shown. Text and HTML each know how to draw these parts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

Tone = Literal["plain", "good", "bad"]


@dataclass(frozen=True)
class Time:
    """When something was, shown as how long ago."""

    when: dt.datetime


@dataclass(frozen=True)
class Code:
    """Source of a cell, shown by one line, its first by default; the rest unfolds where it can."""

    source: str
    line: str = ""


@dataclass(frozen=True)
class Reference:
    """A backup's ID: what is shown of it must still find the backup."""

    id: str


Cell = str | Time | Code | Reference


@dataclass(frozen=True)
class Heading:
    """The first line: what happened, or what this is."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True)
class Pairs:
    """Labels and what is behind them; empty ones are left out."""

    rows: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True)
class Table:
    """Rows of cells.

    Attributes
    ----------
    right : frozenset of int
        The columns of numbers.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    right: frozenset[int] = frozenset()

    @property
    def filled(self) -> list[int]:
        """The columns in which something stands; the others need not be shown."""
        return [i for i in range(len(self.header)) if any(row[i] != "" for row in self.rows)]


@dataclass(frozen=True)
class Preview:
    """The first rows of a frame."""

    caption: str
    frame: Any


@dataclass(frozen=True)
class Warnings:
    """What did not go as it should."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Hint:
    """What to do next; commands stand between backticks."""

    text: str


Part = Heading | Pairs | Table | Preview | Warnings | Hint
