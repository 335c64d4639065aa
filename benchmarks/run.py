"""Measure it all, and write docs/performance.md: ``python benchmarks/run.py --help``."""

from __future__ import annotations

import argparse
import compileall
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import edits
import growth
import kishu_peer
import limits
import pandas as pd
import peers
import protection
import report
import restoring
from report import Table

import dfbackup_jupyter

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"

INTRODUCTION = """# What it costs, and what others cost

{where}. Written by `{command}`. Measure your own
machine with `make bench` (about five minutes) or `make bench BENCH=--full` (40 minutes, with
Kishu). All figures are of one run, one after the other: compare them with each other only.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what was asked for, print the tables and write the page."""
    options = _options(arguments)
    where = (
        f"dfbackup-jupyter {dfbackup_jupyter.__version__}, pandas {pd.__version__}, "
        f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores"
    )
    print(where)
    # As pip does with what it installs, so that no kernel is found compiling our sources.
    compileall.compile_dir(dfbackup_jupyter.__path__[0], quiet=1)
    given = " ".join(sys.argv[1:] if arguments is None else arguments)
    command = f'make bench BENCH="{given}"' if given else "make bench"
    page = [INTRODUCTION.format(where=where, command=command)]
    for name in options.only:
        for table in PARTS[name](options):
            print(report.text(table), flush=True)
            page.append(report.markdown(table))
        if name == "growth":
            page.append(
                f"![What a cell waits for, as things grow]({_picture(options.page).name})\n"
            )
        options.page.write_text("\n".join(page), "utf-8")


def _limits(_: argparse.Namespace) -> Iterator[Table]:
    return limits.tables()


def _protection(options: argparse.Namespace) -> Iterator[Table]:
    return protection.tables(options.megabytes, options.frames, options.think)


def _store(options: argparse.Namespace) -> Iterator[Table]:
    yield from edits.tables(options.megabytes)
    yield from restoring.tables(options.megabytes, options.frames)


def _growth(options: argparse.Namespace) -> Iterator[Table]:
    most = options.most
    sizes = {
        "frames": [n for n in growth.FRAMES if n <= most],
        "columns": [n for n in growth.COLUMNS if n <= most],
        "rows": [n for n in growth.ROWS if n <= 1_000 * most],
        "backups": [n for n in growth.BACKUPS if n <= most],
    }
    series = growth.measure(**sizes)
    growth.plot(series, _picture(options.page))
    yield from growth.tables(series, sizes["backups"])


def _peers(options: argparse.Namespace) -> Iterator[Table]:
    kishu = kishu_peer.environment(ROOT / ".venv-kishu") if options.full else None
    return peers.tables(options.megabytes, kishu)


PARTS: dict[str, Callable[[argparse.Namespace], Iterator[Table]]] = {
    "limits": _limits,
    "protection": _protection,
    "store": _store,
    "growth": _growth,
    "peers": _peers,
}


def _picture(page: Path) -> Path:
    return page.with_suffix(".svg")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Measure what protection costs, how that grows, and what peers cost, and write "
        "it all to a page."
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="some parts")
    parser.add_argument("--full", action="store_true", help="800 MB, and Kishu: takes 40 minutes")
    parser.add_argument("--megabytes", type=float, help="size of a frame (20; 800 if full)")
    parser.add_argument("--frames", type=int, default=50, help="frames of the second run (50)")
    parser.add_argument("--think", type=float, help="seconds between cells (0.1; 2 if full)")
    parser.add_argument(
        "--most", type=int, help="frames, columns, backups, thousands of rows (1,000; 100,000)"
    )
    parser.add_argument("--page", type=Path, default=PAGE, help="where to write it")
    options = parser.parse_args(arguments)
    options.megabytes = options.megabytes or (800 if options.full else 20)
    options.most = options.most or (100_000 if options.full else 1_000)
    if options.think is None:
        options.think = 2 if options.full else 0.1
    return options


if __name__ == "__main__":
    main()
