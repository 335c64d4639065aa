"""Sizes, times and text for people."""

from __future__ import annotations

import datetime as dt

_UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB")
_AGES = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def size(number: int) -> str:
    """Return bytes as ``1.2 MB``; a KB is 1,000 bytes, as in the file managers of today."""
    if number < 1_000:
        return count(number, "byte")
    value, unit = float(number), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1_000, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if value < 9.95 else f"{value:.0f} {_UNITS[unit]}"


def ago(when: dt.datetime) -> str:
    """Return how long ago it was, as ``3 minutes ago``."""
    seconds = (dt.datetime.now(dt.UTC) - when).total_seconds()
    for length, unit in _AGES:
        if seconds >= length:
            return f"{count(int(seconds // length), unit)} ago"
    return "just now"


def clock(when: dt.datetime) -> str:
    """Return date and time as the clock of this machine shows it."""
    return f"{when.astimezone():%Y-%m-%d %H:%M:%S}"


def duration(seconds: float) -> str:
    """Return ``340 ms``, ``2.1 s`` or ``3 min 5 s``."""
    if seconds < 0.9995:
        return f"{seconds * 1_000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:,} min {rest} s"


def count(number: int, what: str) -> str:
    """Return ``1 backup`` or ``2 backups``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def shape(rows: int | None, columns: int | None) -> str:
    """Return ``5 × 2``; nothing for a frame that is not there."""
    return "" if rows is None or columns is None else f"{rows:,} × {columns:,}"


def sentence(text: str) -> str:
    """Return a text that begins with a capital letter."""
    return text[:1].upper() + text[1:]


def line(text: str, limit: int | None = None) -> str:
    """Return a text on one line, with what could steer a terminal spelled out, cut to a length."""
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in " ".join(text.split()))
    return shown if limit is None or len(shown) <= limit else shown[: limit - 1] + "…"


def first_line(source: str, limit: int | None = None) -> str:
    """Return the first line of code of a cell."""
    lines = [stripped for row in source.splitlines() if (stripped := row.strip())]
    code = next((row for row in lines if not row.startswith("#")), lines[0] if lines else "")
    return line(code, limit)
