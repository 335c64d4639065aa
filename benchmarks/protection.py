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
from workload import COLUMNS, Cell, cells, load, many_frames, rows_for

NEXT_UNDO = "__import__('dfbackup_jupyter').BackupManager.current().status().undo"

MEMORY = 6
"""How often the memory of the frame a kernel has touched before; more than any of ours needs."""


@dataclass
class Run:
    """What was measured in one kernel: seconds, one number per cell, and bytes."""

    cells: list[float] = field(default_factory=list)
    before: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)
    overwritten: int = 0
    written: int = 0
    stored: int = 0
    peak: int = 0

    @property
    def total(self) -> float:
        """Seconds of all cells together."""
        return sum(self.cells)


@dataclass(frozen=True)
class Undo:
    """Seconds of undoing each cell that changed a frame: right after it, and in the end."""

    at_once: dict[str, float]
    walk_back: list[float]


@dataclass(frozen=True)
class Compared:
    """The same cells plain and with us.

    Attributes
    ----------
    plain, ours : Run
        In memory that the kernel has touched before; the ones of median time.
    new_plain, new_ours : Run
        In kernels that take memory from the system as they need it, and give it back.
    """

    plain: Run
    ours: Run
    new_plain: Run
    new_ours: Run


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
    work = cells(load(size))
    memory = MEMORY * size * 1e6
    one = compare(work, think, memory)
    many = compare(many_frames(size, frames), think, memory)
    undo = measure_undo(work, think, memory)
    where = (
        f"{len(work)} cells on a frame of {size:g} MB "
        f"({rows_for(size):,} × {COLUMNS}), {think:g} s between cells, memory kept"
    )
    yield by_cell(where, work, one, undo)
    yield summary(frames, one, many, undo)


def compare(work: Sequence[Cell], think: float, memory: float) -> Compared:
    """Run the cells in fresh kernels: by turns, and once more in new memory."""
    plain, ours = by_turns(
        lambda: measure(work, think, load=False, memory=memory),
        lambda: measure(work, think, load=True, memory=memory),
    )
    new = (measure(work, think, load=load) for load in (False, True))
    return Compared(plain, ours, *new)


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


def measure(work: Sequence[Cell], think: float, *, load: bool, memory: float = 0) -> Run:
    """Run the cells in a fresh kernel."""
    run = Run()
    who = "with dfbackup" if load else "plain"
    with (
        tempfile.TemporaryDirectory() as folder,
        kernel(Path(folder), load=load, memory=memory) as running,
    ):
        running.rehearse(work[0].source)
        for cell in work:
            note(f"{who}: {cell.name}")
            run.cells.append(running.run(cell.source))
            if load and not memory:
                run.overwritten += running.overwritten()
            time.sleep(think)
        run.before = running.hooks("pre_run_cell", len(work))
        run.after = running.hooks("post_run_cell", len(work))
        note(f"{who}: waiting for the writer")
        run.written = settled(running.bytes_written)
        run.stored = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
        run.peak = running.peak_memory()
    return run


def measure_undo(work: Iterable[Cell], think: float, memory: float) -> Undo:
    """Undo (and redo) every cell that changed a frame, right after it, and all in the end."""
    at_once: dict[str, float] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        kernel(Path(folder), load=True, memory=memory) as running,
    ):
        earlier = None
        for cell in work:
            note(f"with dfbackup, undone at once: {cell.name}")
            running.run(cell.source)
            time.sleep(think)
            newest = running.value(NEXT_UNDO)
            if newest != earlier:
                at_once[cell.name] = running.run("%backup undo")
                running.run("%backup redo")
            earlier = newest
        settled(running.bytes_written)
        return Undo(at_once, list(walk_back(running)))


def walk_back(running: BenchmarkKernel) -> Iterator[float]:
    """Undo until nothing is left to undo; the seconds of each step."""
    while running.value(NEXT_UNDO) is not None:
        note("with dfbackup: back to the start")
        yield running.run("%backup undo")


def by_cell(title: str, work: Iterable[Cell], runs: Compared, undo: Undo) -> Table:
    """One line per cell."""
    rows = [("", "plain", "with us", "before", "after", "undo at once")]
    for i, cell in enumerate(work):
        back = undo.at_once.get(cell.name)
        rows.append(
            (
                cell.name,
                seconds(runs.plain.cells[i]),
                seconds(runs.ours.cells[i]),
                seconds(runs.ours.before[i]),
                seconds(runs.ours.after[i]),
                "" if back is None else seconds(back),
            )
        )
    return Table(title, rows)


def summary(frames: int, one: Compared, many: Compared, undo: Undo) -> Table:
    """All cells together."""
    at_once = list(undo.at_once.values())
    ours = one.ours
    rows = [
        ("", "plain", "with us", ""),
        ("before a cell, median, worst", both(one.plain.before), both(ours.before), ""),
        (
            f"before a cell, {frames} frames",
            both(many.plain.before),
            both(many.ours.before),
            "",
        ),
        ("after a cell, median, worst", both(one.plain.after), both(ours.after), ""),
        ("all cells together, memory kept", *together(one.plain, ours)),
        (f"all cells together, {frames} frames, memory kept", *together(many.plain, many.ours)),
        ("all cells together, new memory", *together(one.new_plain, one.new_ours)),
        (
            f"all cells together, {frames} frames, new memory",
            *together(many.new_plain, many.new_ours),
        ),
        ("undo at once, median, worst", "", both(at_once), f"{len(at_once)} cells"),
        (
            "undo back to the start, per step",
            "",
            both(undo.walk_back),
            f"{len(undo.walk_back)} steps",
        ),
        ("bytes written", megabytes(one.plain.written), megabytes(ours.written), ""),
        ("store in the end", "", megabytes(ours.stored), ""),
        ("peak memory", *peaks(one.new_plain, one.new_ours)),
        (f"peak memory, {frames} frames", *peaks(many.new_plain, many.new_ours)),
    ]
    return Table(
        "What protection costs",
        rows,
        f"Of {REPEATS} runs each, by turns in fresh kernels, the one of median time, here and in "
        "the table before. " + ABOUT_MEMORY,
    )


ABOUT_MEMORY = (
    "The kernels have touched their memory before and keep it (*memory kept*). With *new memory*, "
    "once, they take it from the system and give it back as they like: on a virtual machine that "
    "hands it on to its host, to touch it again costs many times as much (see the limits). Peaks "
    "are of these, and beside them what the cells overwrote, which is kept so that it can be "
    "brought back at once."
)


def together(plain: Run, ours: Run) -> tuple[str, str, str]:
    """Return the seconds of all cells, and their ratio."""
    return seconds(plain.total), seconds(ours.total), f"× {ours.total / plain.total:.2f}"


def peaks(plain: Run, ours: Run) -> tuple[str, str, str]:
    """Return the peaks of memory, and what the cells overwrote."""
    more = f"+ {megabytes(ours.peak - plain.peak)}; overwritten {megabytes(ours.overwritten)}"
    return megabytes(plain.peak), megabytes(ours.peak), more
