"""What differs between two sets of named frames."""

from dfbackup_jupyter.diff.frames import compare, compare_frames
from dfbackup_jupyter.diff.records import CellChange, ColumnChange, Diff, FrameDiff

__all__ = ["CellChange", "ColumnChange", "Diff", "FrameDiff", "compare", "compare_frames"]
