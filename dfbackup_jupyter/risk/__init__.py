"""What in a cell's source puts which frames at risk.

The answer decides only whether a backup must be committed before the cell, and what the operation
is called: a capture before every cell protects the frames whatever is found here. So the reading is
quick and errs on the side of caution; it follows the source once, from top to bottom, and never
runs code of the user.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dfbackup_jupyter.risk import rules
from dfbackup_jupyter.risk.model import Assessment, Effect, Operation
from dfbackup_jupyter.risk.reader import Reader

__all__ = ["Assessment", "Effect", "Operation", "analyse"]


def analyse(
    source: str,
    frames: Mapping[str, object],
    *,
    transform: Callable[[str], str] | None = None,
) -> Assessment:
    """Find what in a cell's source puts frames at risk.

    Parameters
    ----------
    source : str
        The cell as the user wrote it; IPython's syntax is understood if `transform` is given.
    frames : mapping of str to object
        The frames of the namespace, and the objects that hold frames, by top-level name.
    transform : callable, optional
        IPython's ``shell.transform_cell``.

    Returns
    -------
    Assessment
        Empty if nothing is at risk, or if the cell cannot run for a syntax error. A cell that is
        too long to be read is one operation that may touch every frame. Never raises.
    """
    if not frames:
        return Assessment()
    everything = Operation("long cell", tuple(frames), 1, Effect.UNKNOWN)
    if len(source) > rules.SOURCE_LIMIT:
        return Assessment((everything,))
    reader = Reader(frames, transform)
    try:
        reader.read(source)
    except Exception:  # a cell beyond our understanding may do anything, but must run
        return Assessment((*dict.fromkeys(reader.found), everything))
    return Assessment(tuple(dict.fromkeys(reader.found)))
