"""One frame, written and read back by us and by what people use."""

from __future__ import annotations

import gc
import importlib.util
import io
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import disk
import numpy as np
import pandas as pd
import workload
from IPython.core.interactiveshell import InteractiveShell
from kernel import KEEPS_MEMORY
from limits import Disk, measure_disk
from pandas.testing import assert_frame_equal
from report import LONG, REPEATS, Table, megabytes, note, seconds
from traitlets.config import Config
from workload import Cell

from dfbackup_jupyter import BackupManager
from dfbackup_jupyter.config import DFBackup

OURS = "dfbackup"

MEMORY = 3
"""How often the memory of the frame a process has touched before."""


@dataclass(frozen=True)
class Format:
    """How a frame is written to a folder, and read from it; the package it needs."""

    write: Callable[[pd.DataFrame, Path], object]
    read: Callable[[Path], pd.DataFrame]
    package: str = "pandas"


@dataclass(frozen=True)
class Measured:
    """Seconds and bytes; `cold` says whether it was read from the disk."""

    write: float
    size: int
    read: float
    cold: bool


def tables(size: float) -> Iterator[Table]:
    """Measure every format with a frame of random doubles and a mixed one.

    Parameters
    ----------
    size : float
        Of each frame, in megabytes; the mixed one has a million rows at most.
    """
    limit = measure_disk(max(int(size * 1e6), 1))
    for title, cell in workload.frames(size):
        yield table(f"One frame of {title}, written and read", cell, limit)


def table(title: str, cell: Cell, limit: Disk) -> Table:
    """Measure every format with the frame that a cell makes."""
    found, missing = {}, []
    memory = MEMORY * int(workload.frame(cell).memory_usage(deep=True).sum())
    for name, each in FORMATS.items():
        if importlib.util.find_spec(each.package) is None:
            missing.append(f"{name} (not installed)")
            continue
        note(f"{name}: {title}")
        found[name] = measure(name, cell, memory)
    ours = found[OURS]
    rows = [("", "write", "× ours", "size", "× ours", "read", "× ours")]
    for name, each in found.items():
        rows.append(
            (
                name,
                seconds(each.write),
                f"{each.write / ours.write:.2f}",
                megabytes(each.size),
                f"{each.size / ours.size:.2f}",
                seconds(each.read),
                f"{each.read / ours.read:.2f}",
            )
        )
    warm = [name for name, each in found.items() if not each.cold]
    return Table(
        title,
        rows,
        f"Median of {REPEATS}; what takes more than {LONG} s is done once. Written until all is "
        "on disk (fsync). Read in another process, "
        + (f"from the system's cache ({', '.join(warm)}). " if warm else "from a cold disk. ")
        + f"At best {limit}."
        + (f" Left out: {', '.join(missing)}." if missing else ""),
    )


def measure(name: str, cell: Cell, memory: int) -> Measured:
    """Write and read one format, in fresh processes that have touched so many bytes before."""
    with tempfile.TemporaryDirectory() as folder:
        write, size = in_fresh_process(_write, name, cell, Path(folder), memory)
        read, cold = in_fresh_process(_read, name, Path(folder), memory)
    return Measured(write, size, read, cold)


def in_fresh_process(function: Callable[..., Any], *arguments: object) -> Any:
    """Call a function in a process that has imported what takes long, and done nothing else.

    It gives no memory back to the system: see `KEEPS_MEMORY`.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["IPython", "dfbackup_jupyter.manager", "pandas", "pyarrow.feather", "pyarrow.parquet"]
    )
    with patch.dict(os.environ, KEEPS_MEMORY):
        forkserver.ensure_running()
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()


def _write(name: str, cell: Cell, folder: Path, memory: int) -> tuple[float, int]:
    """Return the seconds of writing and the bytes; the newest copy stays, and is right."""
    np.ones(memory, np.uint8)
    chosen = FORMATS[name]
    frame = workload.frame(cell)
    small, copy = folder / "small", folder / "copy"
    small.mkdir()
    chosen.write(frame.head(10), small)  # what it imports is not measured
    chosen.read(small)
    close_managers()
    took: list[float] = []
    while len(took) < REPEATS and sum(took) < LONG:
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        start = time.perf_counter()
        chosen.write(frame, copy)
        disk.sync(copy)
        took.append(time.perf_counter() - start)
        close_managers()
    size = disk.size(copy)
    assert_frame_equal(chosen.read(copy), frame)
    close_managers()
    return median(took), size


def _read(name: str, folder: Path, memory: int) -> tuple[float, bool]:
    """Return the seconds of reading, and whether it was from the disk."""
    np.ones(memory, np.uint8)
    read = FORMATS[name].read
    read(folder / "small")
    close_managers()
    took: list[float] = []
    cold = True
    while len(took) < REPEATS and sum(took) < LONG:
        cold &= disk.forget(folder / "copy")
        start = time.perf_counter()
        frame = read(folder / "copy")
        took.append(time.perf_counter() - start)
        del frame
        close_managers()
        gc.collect()  # what a manager knew, which others do not have
    return median(took), cold


_managers: list[BackupManager] = []


def manager(namespace: dict[str, Any], store: Path) -> BackupManager:
    """Return a manager of some variables, as a kernel has one of its own."""
    made = BackupManager(namespace, hidden=tuple, transform=str, config=DFBackup(store=str(store)))
    _managers.append(made)
    return made


def close_managers() -> None:
    """End what goes on in the background after a call has returned."""
    while _managers:
        _managers.pop().close()


def _write_ours(frame: pd.DataFrame, folder: Path) -> None:
    manager({"df": frame}, folder).create("frame")


def _read_ours(folder: Path) -> pd.DataFrame:
    namespace: dict[str, Any] = {}
    manager(namespace, folder).restore("frame")
    return namespace["df"]


def _write_joblib(frame: pd.DataFrame, folder: Path, **options: Any) -> None:
    import joblib

    joblib.dump(frame, folder / "df", **options)


def _read_joblib(folder: Path) -> pd.DataFrame:
    import joblib

    return joblib.load(folder / "df")


def _write_dill(frame: pd.DataFrame, folder: Path) -> None:
    import dill

    with (folder / "df").open("wb") as file:
        dill.dump({"df": frame}, file)


def _read_dill(folder: Path) -> pd.DataFrame:
    import dill

    with (folder / "df").open("rb") as file:
        return dill.load(file)["df"]


def _write_storemagic(frame: pd.DataFrame, folder: Path) -> None:
    shell = _shell(folder)
    shell.user_ns["df"] = frame
    _store(shell, "df")


def _read_storemagic(folder: Path) -> pd.DataFrame:
    shell = _shell(folder)
    _store(shell, "-r df")
    return shell.user_ns["df"]


def _shell(folder: Path) -> InteractiveShell:
    """Return the shell of this process, with its database in a folder."""
    shell = InteractiveShell.instance(
        ipython_dir=str(folder.parent / "ipython"), config=Config(HistoryManager={"enabled": False})
    )
    shell.extension_manager.load_extension("storemagic")
    shell.db = type(shell.db)(folder)
    return shell


def _store(shell: InteractiveShell, arguments: str) -> None:
    with redirect_stdout(io.StringIO()):  # it reports
        shell.run_line_magic("store", arguments)


FORMATS = {
    OURS: Format(_write_ours, _read_ours),
    "to_pickle, gzip (.pkl.gz)": Format(
        lambda frame, folder: frame.to_pickle(folder / "df.pkl.gz"),
        lambda folder: pd.read_pickle(folder / "df.pkl.gz"),
    ),
    "to_parquet, zstd": Format(
        lambda frame, folder: frame.to_parquet(folder / "df", compression="zstd"),
        lambda folder: pd.read_parquet(folder / "df"),
    ),
    "to_parquet, snappy": Format(
        lambda frame, folder: frame.to_parquet(folder / "df"),
        lambda folder: pd.read_parquet(folder / "df"),
    ),
    "to_feather, lz4": Format(
        lambda frame, folder: frame.to_feather(folder / "df"),
        lambda folder: pd.read_feather(folder / "df"),
    ),
    "to_feather, zstd": Format(
        lambda frame, folder: frame.to_feather(folder / "df", compression="zstd"),
        lambda folder: pd.read_feather(folder / "df"),
    ),
    "joblib": Format(_write_joblib, _read_joblib, "joblib"),
    "joblib, zlib 3": Format(
        lambda frame, folder: _write_joblib(frame, folder, compress=("zlib", 3)),
        _read_joblib,
        "joblib",
    ),
    "%store": Format(_write_storemagic, _read_storemagic),
    "dill": Format(_write_dill, _read_dill, "dill"),
}
"""Ours, what the founding guide asks for, and the rest."""
