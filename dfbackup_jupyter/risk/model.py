"""What an analysis finds: operations, their effect, and the frames at risk."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    """What an operation does to the frames it names."""

    OVERWRITES = "overwrites"
    """The content changes, or the name stands for something else."""
    LOSES = "loses"
    """The name or element is deleted, or taken for another purpose."""
    BYPASSES = "bypasses"
    """Memory may be written behind Copy-on-Write, where no capture by reference survives."""
    UNKNOWN = "unknown"
    """The source does not tell; the frames named may be touched."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation found in a cell.

    Parameters
    ----------
    operation : str
        Its name in the user's words: ``"drop"``, ``"loc assignment"``, ``"%run"``.
    frames : tuple of str
        The top-level names of the frames at risk, aliases included.
    line : int
        The line of the cell, from 1.
    effect : Effect
        What it does to them.
    """

    operation: str
    frames: tuple[str, ...]
    line: int
    effect: Effect


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything that was found in a cell, in the order of the source."""

    operations: tuple[Operation, ...] = ()

    @property
    def risky(self) -> bool:
        """Whether a backup should be committed before the cell."""
        return bool(self.operations)

    @property
    def bypass(self) -> bool:
        """Whether frames should be staged before the cell."""
        return any(operation.effect is Effect.BYPASSES for operation in self.operations)

    @property
    def frames(self) -> frozenset[str]:
        """The top-level names of all frames at risk."""
        return frozenset(name for operation in self.operations for name in operation.frames)
