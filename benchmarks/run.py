"""Measure a notebook plain and with us, side by side: ``python benchmarks/run.py --help``."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import pandas as pd
from kernel import BenchmarkKernel, kernel, settled
from workload import COLUMNS, Cell, cells, many_frames, rows_for

import dfbackup_jupyter

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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run everything and print the tables."""
    options = _options(arguments)
    work = cells(options.megabytes)
    many = many_frames(options.megabytes, options.frames)
    print(
        f"dfbackup-jupyter {dfbackup_jupyter.__version__}, pandas {pd.__version__}, "
        f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores\n"
        f"{len(work)} cells on a frame of {options.megabytes:g} MB "
        f"({rows_for(options.megabytes):,} × {COLUMNS}), {options.think:g} s between cells"
    )
    plain = measure(work, options.think, load=False)
    ours = measure(work, options.think, load=True)
    undo = measure_undo(work, options.think)
    plain_many = measure(many, options.think, load=False)
    ours_many = measure(many, options.think, load=True)
    _note("")
    print_cells(work, plain, ours, undo)
    print_summary(options.frames, plain, ours, plain_many, ours_many, undo)


def measure(work: Iterable[Cell], think: float, *, load: bool) -> Run:
    """Run the cells in a fresh kernel; with us, undo them all in the end."""
    run = Run()
    who = "with dfbackup" if load else "plain"
    with tempfile.TemporaryDirectory() as folder, kernel(Path(folder), load=load) as running:
        for cell in work:
            _note(f"{who}: {cell.name}")
            run.cells.append(running.run(cell.source))
            run.before.append(running.hook("pre_run_cell"))
            run.after.append(running.hook("post_run_cell"))
            time.sleep(think)
        _note(f"{who}: waiting for the writer")
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
            _note(f"with dfbackup, undone at once: {cell.name}")
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
        _note("with dfbackup: back to the start")
        yield running.run("%backup undo")


def print_cells(work: Iterable[Cell], plain: Run, ours: Run, undo: dict[str, float]) -> None:
    """Print one line per cell."""
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
    _print_table(rows)


def print_summary(
    frames: int,
    plain: Run,
    ours: Run,
    plain_many: Run,
    ours_many: Run,
    undo: dict[str, float],
) -> None:
    """Print the figures side by side."""
    total, ours_total = sum(plain.cells), sum(ours.cells)
    at_once = list(undo.values())
    _print_table(
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
                seconds(total),
                seconds(ours_total),
                f"× {ours_total / total:.2f}",
            ),
            (
                f"all cells together, {frames} frames",
                seconds(sum(plain_many.cells)),
                seconds(sum(ours_many.cells)),
                f"× {sum(ours_many.cells) / sum(plain_many.cells):.2f}",
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
        ]
    )


def seconds(value: float) -> str:
    """Return a time in the unit that reads best."""
    return f"{value:,.2f} s" if value >= 1 else f"{value * 1000:,.2f} ms"


def both(values: Sequence[float]) -> str:
    """Return the median and the worst."""
    return f"{seconds(median(values))}, {seconds(max(values))}" if values else "none"


def megabytes(value: int) -> str:
    """Return a size."""
    return f"{value / 1e6:,.1f} MB"


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print()
    for first, *others in rows:
        cells = [text.rjust(width) for text, width in zip(others, widths[1:], strict=True)]
        print("   ".join([first.ljust(widths[0]), *cells]).rstrip())


def _note(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text[:78]:78}\r", end="", file=sys.stderr, flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Run a notebook of fourteen cells in fresh kernels, plain and with us, and "
        "print what protection costs."
    )
    parser.add_argument("--megabytes", type=float, default=800, help="size of the frame (800)")
    parser.add_argument("--frames", type=int, default=50, help="frames of the second run (50)")
    parser.add_argument("--think", type=float, default=2, help="seconds between cells (2)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
