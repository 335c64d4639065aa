"""What a cell waits for, as frames, columns, rows and backups grow; and what starting costs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import matplotlib
from jupyter_client.manager import start_new_kernel
from kernel import QUIET, BenchmarkKernel, kernel
from report import Table, note, seconds

from dfbackup_jupyter.store import Store
from dfbackup_jupyter.store.manifests import seal

FRAMES = (1, 10, 100, 1_000)
COLUMNS = (1, 10, 100, 1_000, 10_000)
ROWS = (10**3, 10**4, 10**5, 10**6, 10**7, 10**8)
BACKUPS = (10, 100, 1_000, 10_000)

_CELLS = 7
_PAUSE = 0.25  # seconds between cells
_STARTS = 15  # what is to be seen is less than they differ by
_YEAR = 365 * 86_400

_FRAME = "df = pd.DataFrame(np.zeros((100, {}))).add_prefix('c')"
_LOAD = """
import time, pandas
from IPython.core.interactiveshell import InteractiveShell
import ipykernel.ipkernel
load = InteractiveShell.instance().extension_manager.load_extension
start = time.perf_counter()
load("dfbackup_jupyter")
print(time.perf_counter() - start)
"""


@dataclass(frozen=True)
class Series:
    """Seconds against a number that grows.

    Attributes
    ----------
    grows : str
        What: ``frames``, ``columns``, ``rows`` or ``backups``.
    points : sequence of tuple
        The number, the median of what our hook took before a cell, and its worst.
    """

    grows: str
    points: Sequence[tuple[int, float, float]]


def measure(
    *,
    frames: Sequence[int] = FRAMES,
    columns: Sequence[int] = COLUMNS,
    rows: Sequence[int] = ROWS,
    backups: Sequence[int] = BACKUPS,
) -> list[Series]:
    """Measure the time before a cell that puts one frame at risk, each in a fresh kernel."""
    many = "for i in range({}):\n    globals()[f'f{{i}}'] = " + _FRAME.format(5)
    long = "df = pd.DataFrame({{'c0': np.zeros({})}})"
    return [
        Series("frames", [_point(n, many.format(n)) for n in frames]),
        Series("columns", [_point(n, _FRAME.format(n)) for n in columns]),
        Series("rows", [_point(n, long.format(n)) for n in rows]),
        Series("backups", [_point(n, _FRAME.format(5), backups=n) for n in backups]),
    ]


def tables(series: Sequence[Series], backups: Sequence[int] = BACKUPS) -> Iterator[Table]:
    """Return what `measure` found, what listing takes, and what starting costs."""
    for one in series:
        yield Table(
            f"Before a cell, as {one.grows} grow",
            [
                (one.grows, "median", "worst"),
                *((f"{n:,}", seconds(middle), seconds(worst)) for n, middle, worst in one.points),
            ],
        )
    yield Table(
        "Looking at many backups",
        [("backups", "%backup list --all", "%backup stats"), *map(_looking, backups)],
        "Each for the first time in a new kernel, after another kernel has listed them once.",
    )
    plain, ours = _kernel_starts()
    yield Table(
        "Starting",
        [
            ("", "median", "worst"),
            ("%load_ext, when pandas is imported", *_both(_loads())),
            ("a kernel, without the extension", *_both(plain)),
            ("a kernel that loads it by itself", *_both(ours)),
        ],
    )


def plot(series: Sequence[Series], file: Path) -> None:
    """Draw a panel for each series, with the limit of a millisecond."""
    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    style = {"svg.hashsalt": "dfbackup", "svg.fonttype": "none", "font.size": 9}
    style |= {"axes.spines.right": False, "axes.spines.top": False}
    with plt.rc_context(style):
        figure, axes = plt.subplots(1, len(series), figsize=(10, 2.8), sharey=True)
        for axis, one in zip(axes, series, strict=True):
            counts, middle, worst = zip(*one.points, strict=True)
            axis.loglog(counts, [1e3 * t for t in middle], "o-", color="#1976d2", label="median")
            axis.loglog(counts, [1e3 * t for t in worst], "_", color="#78909c", label="worst")
            axis.axhline(1, color="#c62828", linewidth=0.8, linestyle=":")
            axis.set_xlabel(one.grows)
        axes[0].set_ylabel("before a cell, ms")
        axes[0].legend(frameon=False)
        figure.tight_layout()
        figure.savefig(file, format="svg", metadata={"Date": None})
        plt.close(figure)


def _point(number: int, make: str, *, backups: int = 0) -> tuple[int, float, float]:
    note(f"before a cell: {make.splitlines()[0]}")
    with _store(backups) as store, kernel(store, load=True) as running:
        running.run(f"import numpy as np, pandas as pd\n{make}")
        took = list(_cells(running))
    return number, median(took), max(took)


def _cells(running: BenchmarkKernel) -> Iterator[float]:
    """Run cells that put a frame at risk and make next to nothing to write, with pauses."""
    for i in range(_CELLS + 1):
        time.sleep(_PAUSE)
        running.run(f"df = df.rename(columns={{'c0': 'c0'}})  # {i}")
        if i:  # the first one of a session also imports what reads cells
            yield running.hooks("pre_run_cell", 1)[0]


def _looking(backups: int) -> tuple[str, str, str]:
    note(f"listing {backups:,} backups")
    with _store(backups) as store:
        with kernel(store, load=True) as running:
            running.run("%backup list --all")
        with kernel(store, load=True) as running:
            took = [running.run(line) for line in ("%backup list --all", "%backup stats")]
    return f"{backups:,}", seconds(took[0]), seconds(took[1])


@contextmanager
def _store(backups: int) -> Iterator[Path]:
    """Make a store that holds some small backups of last year."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "store"
        if backups:
            with kernel(root, load=True) as running:
                running.run("import pandas as pd; old = pd.DataFrame({'x': [1]})")
                running.run("%backup quick")
            store = Store(root)
            manifest = store.manifest(store.ids()[0])
            past = time.time() - _YEAR
            for i in range(backups):
                id = f"auto_20200101_000000_{i:08x}"
                file = root / "manifests" / f"{id}.json"
                backup = {**manifest["backup"], "id": id}
                file.write_bytes(seal({**manifest, "id": id, "backup": backup}))
                os.utime(file, (past, past))
        yield root


def _loads() -> list[float]:
    """Load the extension in fresh processes, with compiled modules as after an installation."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    took = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(_STARTS + 1):
            note("loading the extension")
            done = subprocess.run(
                [sys.executable, "-c", _LOAD],
                env={**env, "DFBACKUP_STORE": str(Path(folder) / "store")},
                check=True,
                capture_output=True,
                text=True,
            )
            took.append(float(done.stdout))
    return took[1:]


def _kernel_starts() -> tuple[list[float], list[float]]:
    """Start kernels without the extension and such that load it by themselves, in turn."""
    took: dict[str, list[float]] = {"0": [], "1": []}
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "DFBACKUP_STORE": str(Path(folder) / "store")}
        for _ in range(_STARTS):
            for autoload, times in took.items():
                note("starting a kernel")
                start = time.perf_counter()
                manager, client = start_new_kernel(
                    env={**env, "DFBACKUP_AUTOLOAD": autoload}, extra_arguments=QUIET
                )
                client.execute_interactive("", silent=True)
                times.append(time.perf_counter() - start)
                client.stop_channels()
                manager.shutdown_kernel(now=True)
    return took["0"], took["1"]


def _both(values: Sequence[float]) -> tuple[str, str]:
    return seconds(median(values)), seconds(max(values))
