"""A notebook plain and with us, side by side."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kernel import BenchmarkKernel, kernel, settled
from report import REPEATS, Table, both, megabytes, note, seconds
from workload import COLUMNS, Cell, cells, many_frames, rows_for

NEXT_UNDO = "__import__('dfbackup_jupyter').BackupManager.current().status().undo"


@dataclass
class Run:
    """What was measured in one kernel: seconds, one number per cell, and bytes."""

    cells: list[float] = field(default_factory=list)
    before: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)
    written: int = 0
    stored: int = 0
    peak: int = 0
    walk_back: list[float] = field(default_factory=list)

    @property
    def total(self) -> float:
        """Seconds of all cells together."""
        return sum(self.cells)


def tables(size: float, frames: int, think: float) -> Iterator[Table]:
    """Run everything.

    Parameters
    ----------
    size : float
        Of the frame, in megabytes.
    frames : int
        How many frames of that size together the second run has.
    think : float
        Seconds between cells.
    """
    work = cells(size)
    many = many_frames(size, frames)
    plain, ours = by_turns(
        lambda: measure(work, think, load=False), lambda: measure(work, think, load=True)
    )
    undo = measure_undo(work, think)
    plain_many, ours_many = by_turns(
        lambda: measure(many, think, load=False), lambda: measure(many, think, load=True)
    )
    where = (
        f"{len(work)} cells on a frame of {size:g} MB "
        f"({rows_for(size):,} × {COLUMNS}), {think:g} s between cells"
    )
    yield by_cell(where, work, plain, ours, undo)
    yield summary(frames, plain, ours, plain_many, ours_many, undo)


def by_turns(*ways: Callable[[], Run], longest: float = math.inf) -> list[Run]:
    """Return each way's run of median time among several.

    Parameters
    ----------
    longest : float
        Seconds of cells after which a way is not run again.
    """
    done: list[list[Run]] = [[] for _ in ways]
    for _ in range(REPEATS):
        for way, runs in zip(ways, done, strict=True):
            if sum(run.total for run in runs) < longest:
                runs.append(way())
    return [sorted(runs, key=lambda run: run.total)[len(runs) // 2] for runs in done]


def measure(work: Sequence[Cell], think: float, *, load: bool) -> Run:
    """Run the cells in a fresh kernel; with us, undo them all in the end."""
    run = Run()
    who = "with dfbackup" if load else "plain"
    with tempfile.TemporaryDirectory() as folder, kernel(Path(folder), load=load) as running:
        running.rehearse(work[0].source)
        for cell in work:
            note(f"{who}: {cell.name}")
            run.cells.append(running.run(cell.source))
            run.before.append(running.hook("pre_run_cell"))
            run.after.append(running.hook("post_run_cell"))
            time.sleep(think)
        note(f"{who}: waiting for the writer")
        run.written = settled(running.bytes_written)
        run.stored = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
        run.peak = running.peak_memory()
        if load:
            run.walk_back = list(walk_back(running))
    return run


def measure_undo(work: Iterable[Cell], think: float) -> dict[str, float]:
    """Undo (and redo) every cell that changed a frame, right after it; seconds by cell."""
    took: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, kernel(Path(folder), load=True) as running:
        earlier = None
        for cell in work:
            note(f"with dfbackup, undone at once: {cell.name}")
            running.run(cell.source)
            time.sleep(think)
            newest = running.value(NEXT_UNDO)
            if newest != earlier:
                took[cell.name] = running.run("%backup undo")
                running.run("%backup redo")
            earlier = newest
    return took


def walk_back(running: BenchmarkKernel) -> Iterator[float]:
    """Undo until nothing is left to undo; the seconds of each step."""
    while running.value(NEXT_UNDO) is not None:
        note("with dfbackup: back to the start")
        yield running.run("%backup undo")


def by_cell(
    title: str, work: Iterable[Cell], plain: Run, ours: Run, undo: dict[str, float]
) -> Table:
    """One line per cell."""
    rows = [("", "plain", "with us", "before", "after", "undo at once")]
    for i, cell in enumerate(work):
        back = undo.get(cell.name)
        rows.append(
            (
                cell.name,
                seconds(plain.cells[i]),
                seconds(ours.cells[i]),
                seconds(ours.before[i]),
                seconds(ours.after[i]),
                "" if back is None else seconds(back),
            )
        )
    return Table(title, rows)


def summary(
    frames: int,
    plain: Run,
    ours: Run,
    plain_many: Run,
    ours_many: Run,
    undo: dict[str, float],
) -> Table:
    """All cells together."""
    at_once = list(undo.values())
    return Table(
        "What protection costs",
        [
            ("", "plain", "with us", ""),
            ("before a cell, median, worst", both(plain.before), both(ours.before), ""),
            (
                f"before a cell, {frames} frames",
                both(plain_many.before),
                both(ours_many.before),
                "",
            ),
            ("after a cell, median, worst", both(plain.after), both(ours.after), ""),
            (
                "all cells together",
                seconds(plain.total),
                seconds(ours.total),
                f"× {ours.total / plain.total:.2f}",
            ),
            (
                f"all cells together, {frames} frames",
                seconds(plain_many.total),
                seconds(ours_many.total),
                f"× {ours_many.total / plain_many.total:.2f}",
            ),
            ("undo at once, median, worst", "", both(at_once), f"{len(at_once)} cells"),
            (
                "undo back to the start, per step",
                "",
                both(ours.walk_back),
                f"{len(ours.walk_back)} steps",
            ),
            ("bytes written", megabytes(plain.written), megabytes(ours.written), ""),
            ("store in the end", "", megabytes(ours.stored), ""),
            (
                "peak memory",
                megabytes(plain.peak),
                megabytes(ours.peak),
                f"+ {megabytes(ours.peak - plain.peak)}",
            ),
        ],
        f"Of {REPEATS} runs each, by turns in fresh kernels, the one of median time, here and in "
        "the table before.",
    )
