"""Measure it all, and write docs/performance.md: ``python benchmarks/run.py --help``."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Sequence

import pandas as pd
import protection
import report

import dfbackup_jupyter


def main(arguments: Sequence[str] | None = None) -> None:
    """Run everything and print the tables."""
    options = _options(arguments)
    print(
        f"dfbackup-jupyter {dfbackup_jupyter.__version__}, pandas {pd.__version__}, "
        f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores"
    )
    for table in protection.tables(options.megabytes, options.frames, options.think):
        print(report.text(table))


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
