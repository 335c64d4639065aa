"""The notebook plain, with us and with Kishu, the strongest peer."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import nbformat
import workload
from kernel import BenchmarkKernel, kernel, settled, started
from protection import ABOUT_MEMORY, MEMORY, Run, by_turns, measure
from report import LONG, REPEATS, Table, both, megabytes, note, seconds
from workload import Cell

from dfbackup_jupyter import __version__

KISHU = "0.3.4"
SAME = ("numpy", "pandas", "pyarrow")
"""What its environment has in the version of ours."""

LONG_UNDO = 60
"""Seconds of undoing after which no other cell is undone."""

FRAMES = """
def _frames():
    from pandas import DataFrame
    from pandas.util import hash_pandas_object
    told = {}
    for name, value in list(get_ipython().user_ns.items()):
        if isinstance(value, DataFrame) and not name.startswith("_"):
            some = value.iloc[:: max(len(value) // 10_000, 1)]
            types = list(map(str, value.dtypes))
            told[name] = str(hash_pandas_object(some).sum()), value.shape, list(value), types
    return told
get_ipython()._frames = _frames
del _frames
"""
"""Tells whether two states hold the same frames, by ten thousand rows of each."""

# What Kishu asks of a front-end, such as to save the notebook, is left out as in its own tests.
# Otherwise it would wait a second for an answer after every cell.
WITHOUT_FRONT_END = "ENV_KISHU_TEST_MODE"


def environment(folder: Path) -> Path:
    """Make an environment with Kishu unless there is one, and return its Python."""
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        needs = [f"kishu=={KISHU}", *(f"{name}=={version(name)}" for name in SAME)]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *needs], check=True)
        (folder / "complete").touch()
    return python


def tables(sizes: Sequence[float], python: Path) -> Iterator[Table]:
    """Run the workload without pauses, on frames of random doubles and a mixed one.

    Parameters
    ----------
    sizes : sequence of float
        Of each frame of doubles, in megabytes; the mixed one has the last size, and a million rows
        at most.
    python : Path
        Of an environment with Kishu.
    """
    doubles = [(size, *workload.frames(size)[0]) for size in sizes]
    for size, title, first in (*doubles, (sizes[-1], *workload.frames(sizes[-1])[1])):
        cells = workload.cells(first)
        title = f"{len(cells)} cells on a frame of {title}, and Kishu"
        yield table(title, cells, MEMORY * size * 1e6, python)


def table(title: str, cells: Sequence[Cell], memory: float, python: Path) -> Table:
    """Run some cells in all three; `memory` is in bytes, as of `kernel`."""
    runs = by_turns(
        lambda: measure(cells, 0, load=False, memory=memory),
        lambda: measure(cells, 0, load=True, memory=memory),
        lambda: measure_kishu(cells, python, memory),
        longest=LONG,
    )
    new = [
        measure(cells, 0, load=False),
        measure(cells, 0, load=True),
        measure_kishu(cells, python),
    ]
    undone = [undo_ours(cells, memory), undo_kishu(cells, python, memory)]
    rows = [
        ("", "plain", f"dfbackup {__version__}", f"Kishu {KISHU}"),
        ("all cells together, memory kept", *(seconds(run.total) for run in runs)),
        ("× plain, memory kept", *(f"{run.total / runs[0].total:.2f}" for run in runs)),
        ("all cells together, new memory", *(seconds(run.total) for run in new)),
        ("× plain, new memory", *(f"{run.total / new[0].total:.2f}" for run in new)),
        ("bytes written", *(megabytes(run.written) for run in runs)),
        ("peak memory", *(megabytes(run.peak) for run in new)),
        ("peak memory above plain", "", *(megabytes(run.peak - new[0].peak) for run in new[1:])),
        ("overwritten by the cells", "", megabytes(new[1].overwritten), ""),
        ("undo of a cell, median, worst", "", *(both(each.took) for each in undone)),
        ("undone cells that came back right", "", *(each.told for each in undone)),
    ]
    return Table(
        title,
        rows,
        f"No pause between cells. By turns, the run of median time among {REPEATS}; what takes "
        f"more than {LONG} s is done once, and after {LONG_UNDO} s of undoing no other cell is "
        "undone. Kishu has an environment of its own with the same "
        "pandas, and is spared everything that it would ask of a front-end. " + ABOUT_MEMORY,
    )


@dataclass
class Undone:
    """Seconds of each undo, and how many brought back what was there."""

    took: list[float] = field(default_factory=list)
    right: int = 0

    @property
    def told(self) -> str:
        return f"{self.right} of {len(self.took)}"


def measure_kishu(cells: Sequence[Cell], python: Path, memory: float = 0) -> Run:
    """Run the cells in a fresh kernel with Kishu."""
    run = Run()
    with kishu(python, memory) as running:
        running.rehearse(cells[0].source)
        for cell in cells:
            note(f"with Kishu: {cell.name}")
            run.cells.append(running.run(cell.source))
        run.written = settled(running.bytes_written)
        run.peak = running.peak_memory()
    return run


@contextmanager
def kishu(python: Path, memory: float) -> Iterator[BenchmarkKernel]:
    """Start a kernel with Kishu; it keeps its files in a folder that goes with it."""
    with tempfile.TemporaryDirectory() as folder:
        notebook = Path(folder) / "notebook.ipynb"
        nbformat.write(nbformat.v4.new_notebook(), notebook)
        variables = {"KISHU_PATH_ROOT": folder, WITHOUT_FRONT_END: "1", "DFBACKUP_AUTOLOAD": "0"}
        setup = [f"import kishu; kishu.init_kishu({str(notebook)!r}); del kishu"]
        with started(variables, setup, memory, python) as running:
            yield running


def undo_ours(cells: Iterable[Cell], memory: float) -> Undone:
    """Undo every cell right after it, with us."""
    with (
        tempfile.TemporaryDirectory() as folder,
        kernel(Path(folder), load=True, memory=memory) as running,
    ):
        return _undo_each(
            running,
            cells,
            undo=lambda: running.run("%backup undo"),
            redo=lambda: running.run("%backup redo"),
        )


def undo_kishu(cells: Iterable[Cell], python: Path, memory: float) -> Undone:
    """Undo every cell right after it, by checking out the commit of the cell before."""
    commits: list[str] = []
    with kishu(python, memory) as running:

        def checkout(commit: str) -> float:
            return running.silently(f"_kishu.checkout({commit!r}, skip_notebook=True)")

        return _undo_each(
            running,
            cells,
            undo=lambda: checkout(commits[-2]),
            redo=lambda: checkout(commits[-1]),
            ran=lambda: commits.append(running.value("_kishu._kishu_graph.head()")),
        )


def _undo_each(
    running: BenchmarkKernel,
    cells: Iterable[Cell],
    *,
    undo: Callable[[], float],
    redo: Callable[[], object],
    ran: Callable[[], object] = lambda: None,
) -> Undone:
    """Undo and redo every cell that changed a frame that was there before it."""
    undone = Undone()
    running.silently(FRAMES)
    before: dict[str, object] = {}
    for cell in cells:
        if sum(undone.took) > LONG_UNDO:
            break
        note(f"undone at once: {cell.name}")
        running.run(cell.source)
        ran()
        after = running.value("get_ipython()._frames()")
        if not before.items() <= after.items():
            undone.took.append(undo())
            undone.right += before.items() <= running.value("get_ipython()._frames()").items()
            redo()
        before = after
    return undone
