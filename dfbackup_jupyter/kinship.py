"""Whether a notebook's file holds cells that ran in a session."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from pathlib import Path

Cells = Sequence[str] | str | None
"""The code cells of a notebook, or the text of another file; None if unknown."""

_LIMIT = 64 << 20
_NEWEST = 20


def cells_of(notebook: Path) -> Cells:
    """Return what a notebook's file holds."""
    try:
        if notebook.stat().st_size > _LIMIT:
            return None
        text = notebook.read_text("utf-8")
        if notebook.suffix != ".ipynb":
            return text
        cells = json.loads(text)["cells"]
        return [_normal("".join(c["source"])) for c in cells if c["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def shared(ran: Sequence[str], cells: Sequence[str] | str) -> tuple[int, int]:
    """Return how many of a session's newest telling cells a notebook has, and how many there are.

    Parameters
    ----------
    ran : sequence of str
        The cells that ran in the session, the newest last.
    """
    telling = list(dict.fromkeys(_normal(source) for source in ran if _is_telling(source)))[
        -_NEWEST:
    ]
    return sum(source in cells for source in telling), len(telling)


def _normal(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def _is_telling(source: str) -> bool:
    """Whether a cell tells its notebook from others: imports and magics are everywhere."""
    lines = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    try:
        body = ast.parse("\n".join(lines)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    return not all(isinstance(statement, (ast.Import, ast.ImportFrom)) for statement in body)
