"""Labels, values and dtypes as short text that is safe to show."""

from __future__ import annotations

import reprlib
from typing import Any

import pandas as pd

_WIDTH = 40

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _WIDTH


def value(cell: Any) -> str:
    """Return a cell's value: strings in quotes, the rest as it prints, shortened."""
    try:
        if isinstance(cell, (str, bytes, list, tuple, dict, set, frozenset)):
            text = _short.repr(cell)
        else:
            text = str(cell)
    except Exception:
        text = f"<{type(cell).__name__}>"
    return _on_one_line(text)


def pair(before: Any, after: Any) -> tuple[str, str]:
    """Return two values that differ; floats with as many digits as it takes to see it."""
    if isinstance(before, float) and isinstance(after, float):
        short = f"{before:.6g}", f"{after:.6g}"
        if short[0] != short[1]:
            return short
    return value(before), value(after)


def label(name: Any) -> str:
    """Return a row's or a column's label; strings without quotes."""
    return _on_one_line(name) if isinstance(name, str) else value(name)


def dtype(kind: Any) -> str:
    """Return a dtype's name; categories with their number, which tells two kinds apart."""
    if isinstance(kind, pd.CategoricalDtype) and kind.categories is not None:
        ordered = ", ordered" if kind.ordered else ""
        return f"category ({len(kind.categories)}{ordered})"
    return _on_one_line(str(kind))


def type_name(frame: Any) -> str:
    """Return the name of a frame's class, as ``pandas.DataFrame``."""
    cls = type(frame)
    return f"{cls.__module__.partition('.')[0]}.{cls.__qualname__}"


def _on_one_line(text: str) -> str:
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[: _WIDTH + 1])
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
