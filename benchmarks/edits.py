"""What an edit of a stored frame writes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import disk
import numpy as np
import pandas as pd
import workload
from formats import close_managers, in_fresh_process, manager
from report import Table, megabytes, note, seconds

Edit = Callable[[pd.DataFrame], pd.DataFrame]


def tables(size: float) -> Iterator[Table]:
    """Measure every edit of a frame of random doubles, `size` in megabytes."""
    yield in_fresh_process(table, size)


def table(size: float) -> Table:
    """Store a frame, and then each edit of it."""
    space: dict[str, Any] = {"df": workload.frame(workload.load(size))}
    frame = space["df"]
    whole = int(frame.memory_usage().sum())
    rows = [("", "written", "of the frame", "took")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = manager(space, folder)
        ours.create("whole", data_only=True)
        for title, edit in EDITS.items():
            note(f"stored: {title}")
            space["df"] = edit(frame)
            before = disk.size(folder)
            start = time.perf_counter()
            ours.create(title, data_only=True)
            disk.sync(folder)
            took = time.perf_counter() - start
            written = disk.size(folder) - before
            rows.append((title, megabytes(written), f"{written / whole:.3%}", seconds(took)))
        close_managers()
    return Table(
        f"What an edit of a stored frame of {size:g} MB writes",
        rows,
        "Random doubles and an integer key. Each edit, done once, is one of the whole frame, which "
        "the store has; all that the backup adds to it counts, its description too.",
    )


def _appended(frame: pd.DataFrame) -> pd.DataFrame:
    values = np.random.default_rng(1).standard_normal((len(frame) // 100, frame.shape[1]))
    more = pd.DataFrame(values, columns=frame.columns).astype({"key": "int64"})
    return pd.concat([frame, more], ignore_index=True)


def _one_cell(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.copy(deep=False)
    frame.iloc[len(frame) // 2, 3] = 0.0
    return frame


def _merged(frame: pd.DataFrame) -> pd.DataFrame:
    labels = pd.DataFrame({"key": range(1000), "group": np.arange(1000) % 7})
    return frame.merge(labels, on="key", how="left")


EDITS: dict[str, Edit] = {
    "append 1 % of the rows": _appended,
    "one cell": _one_cell,
    "rename a column": lambda df: df.rename(columns={"x6": "speed"}),
    "reorder the columns": lambda df: df[df.columns[::-1]],
    "drop a column": lambda df: df.drop(columns="x18"),
    "set_index": lambda df: df.set_index("key"),
    "sort_values": lambda df: df.sort_values("x3"),
    "filter, half of the rows": lambda df: df[df["x4"] > 0],
    "dropna": lambda df: df.dropna(),
    "sample, half of the rows": lambda df: df.sample(frac=0.5, random_state=0),
    "merge, one more column": _merged,
}
