"""Results as HTML, for notebooks. Nothing of the user's gets in unescaped."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import Any

import pandas as pd

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
from dfbackup_jupyter.ui.text import preview
from dfbackup_jupyter.ui.view import view

_COLUMNS_SHOWN = 20
_CODE_LIMIT = 80

# The JupyterLab extension imports the same file: it shows results without styles of their own.
_STYLE = f"<style>{files(__package__).joinpath('results.css').read_text('utf-8')}</style>"


def html(record: object) -> str:
    """Return a result as one ``<div>``."""
    # MathJax must not take dollar signs in data for formulas.
    classes = "dfbackup tex2jax_ignore mathjax_ignore"
    return f'{_STYLE}<div class="{classes}">{"".join(map(_part, view(record)))}</div>'


def _part(part: Part) -> str:
    match part:
        case Heading(text, tone):
            return f'<div class="dfb-heading dfb-{tone}">{escape(text)}</div>'
        case Hint(text):
            return f'<div class="dfb-hint">{_with_commands(text)}</div>'
        case Warnings(lines):
            return "".join(f'<div class="dfb-warning">{escape(line)}</div>' for line in lines)
        case Pairs(rows):
            return _table(
                f"<th>{escape(label)}</th><td>{_cell(cell, full=True)}</td>"
                for label, cell in rows
                if cell
            )
        case Table(header, rows, right):
            head = "".join(f"<th{_side(i, right)}>{escape(header[i])}</th>" for i in part.filled)
            return _table(
                (
                    "".join(f"<td{_side(i, right)}>{_cell(row[i])}</td>" for i in part.filled)
                    for row in rows
                ),
                f'<thead><tr class="dfb-row">{head}</tr></thead>',
            )
        case Preview(caption, frame):
            return _folded(escape(caption), _frame(frame), open=True)


def _table(rows: Any, head: str = "") -> str:
    body = "".join(f'<tr class="dfb-row">{row}</tr>' for row in rows)
    return f'<table class="dfb-table">{head}<tbody>{body}</tbody></table>' if body else ""


def _cell(cell: Cell, *, full: bool = False) -> str:
    match cell:
        case Time(when):
            clock, ago = human.clock(when), human.ago(when)
            if full:
                return f"{clock} ({ago})"
            return f'<span class="dfb-time" title="{clock}">{ago}</span>'
        case Code(source, line):
            first = human.first_line(line or source, _CODE_LIMIT)
            short = f"<code>{escape(first)}</code>"
            whole = source.strip() == first
            return short if whole else _folded(short, f"<pre>{escape(source.strip())}</pre>")
        case Reference(id):
            return f'<code class="dfb-id">{escape(id)}</code>'
        case _:
            return escape(cell)


def _side(column: int, right: frozenset[int]) -> str:
    return ' class="dfb-right"' if column in right else ""


def _with_commands(text: str) -> str:
    pieces = map(escape, text.split("`"))
    return "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(pieces))


def _folded(title: str, content: str, *, open: bool = False) -> str:
    state = " open" if open else ""
    return f"<details{state}><summary>{title}</summary>{content}</details>"


def _frame(frame: Any) -> str:
    if isinstance(frame, pd.DataFrame):
        try:
            # DataFrame's own: that of a subclass need not escape.
            return str(pd.DataFrame.to_html(frame, border=0, max_cols=_COLUMNS_SHOWN, escape=True))
        except Exception:  # of an object of the user's that cannot be printed
            pass
    return f"<pre>{escape(preview(frame))}</pre>"
