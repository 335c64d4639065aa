"""Every state of the notebook saved, by us and by what keeps versions of files."""

from __future__ import annotations

import importlib.util
import os
import pickle
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import disk
import pandas as pd
import workload
import zstandard
from blake3 import blake3
from formats import OURS, close_managers, in_fresh_process, manager
from report import Table, megabytes, note, seconds
from workload import Cell

Frames = dict[str, pd.DataFrame]

MIN_CHUNK, CHUNK, MAX_CHUNK = 2**19, 2**20, 2**23
"""What restic cuts files into, in bytes."""


class Saver(Protocol):
    """Saves one state after another."""

    def save(self, state: str, frames: Frames) -> object:
        """Write what a cell changed; it need not be on disk yet."""


class Ours:
    """A backup after every cell; what changed, it finds out itself."""

    def __init__(self, folder: Path, namespace: dict[str, Any]) -> None:
        self._manager = manager(namespace, folder)

    def save(self, state: str, frames: Frames) -> None:
        self._manager.create(state, data_only=True)


class Parquet:
    """A file for every frame of every state."""

    def __init__(self, folder: Path, namespace: dict[str, Any]) -> None:
        self._folder = folder

    def save(self, state: str, frames: Frames) -> None:
        for name, frame in frames.items():
            frame.to_parquet(self._folder / f"{state} {name}.parquet", compression="zstd")


class Deduplicated:
    """Pickles cut where their content says (FastCDC), each distinct chunk kept once with zstd.

    It is what backup tools such as restic and borg do with files, without their encryption,
    indexes and metadata: a lower bound of what they write.
    """

    def __init__(self, folder: Path, namespace: dict[str, Any]) -> None:
        from pyfastcdc import FastCDC

        self._folder = folder
        self._cut = FastCDC(avg_size=CHUNK, min_size=MIN_CHUNK, max_size=MAX_CHUNK).cut_buf
        self._known: set[bytes] = set()

    def save(self, state: str, frames: Frames) -> None:
        with (
            (self._folder / state).open("wb") as file,
            ThreadPoolExecutor(os.cpu_count()) as pool,
        ):
            for frame in frames.values():
                raw = memoryview(pickle.dumps(frame, protocol=5))
                pieces = [raw[cut.offset : cut.offset + cut.length] for cut in self._cut(raw)]
                names = list(pool.map(lambda piece: blake3(piece).digest(), pieces))
                new = {
                    name: piece
                    for name, piece in zip(names, pieces, strict=True)
                    if name not in self._known
                }
                self._known.update(new)
                for data in pool.map(_compress, new.values()):
                    file.write(data)
                file.write(b"".join(names))


SAVERS: dict[str, tuple[Callable[[Path, dict[str, Any]], Saver], str]] = {
    OURS: (Ours, "dfbackup_jupyter"),
    "to_parquet, zstd": (Parquet, "pyarrow"),
    "deduplicated pickles, zstd": (Deduplicated, "pyfastcdc"),
}
"""How each is made, and the package it needs."""


def tables(size: float) -> Iterator[Table]:
    """Save every state of the workload, for a frame of random doubles and a mixed one."""
    for title, first in workload.frames(size):
        cells = workload.cells(first)
        yield in_fresh_process(
            table, f"Every state of {len(cells)} cells on a frame of {title}, saved", cells
        )


def table(title: str, cells: Sequence[Cell]) -> Table:
    """Run the cells once; after each of them everyone saves what it changed."""
    namespace: dict[str, Any] = {}
    before: Frames = {}
    plain = 0
    with ExitStack() as stack:
        savers, folders, took, missing = {}, {}, {}, []
        for name, (make, package) in SAVERS.items():
            if importlib.util.find_spec(package) is None:
                missing.append(f"{name} ({package} is not installed)")
                continue
            folders[name] = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            savers[name] = make(folders[name], namespace)
            took[name] = 0.0
        for i, cell in enumerate(cells):
            exec(cell.source, namespace)
            frames = {k: v for k, v in namespace.items() if isinstance(v, pd.DataFrame)}
            changed = {
                k: v for k, v in frames.items() if k not in before or not _same(v, before[k])
            }
            before = {k: v.copy(deep=False) for k, v in frames.items()}
            if not changed:
                continue
            plain += sum(int(v.memory_usage(deep=True).sum()) for v in changed.values())
            for name, saver in savers.items():
                note(f"{cell.name}, {name}: {title}")
                start = time.perf_counter()
                saver.save(f"{i}", changed)
                disk.sync(folders[name])
                took[name] += time.perf_counter() - start
        close_managers()
        sizes = {name: disk.size(folder) for name, folder in folders.items()}
    ours = sizes[OURS]
    rows = [("", "write", "× ours", "size", "× ours")]
    for name in savers:
        rows.append(
            (
                name,
                seconds(took[name]),
                f"{took[name] / took[OURS]:.2f}",
                megabytes(sizes[name]),
                f"{sizes[name] / ours:.2f}",
            )
        )
    rows.append(("in memory", "", "", megabytes(plain), f"{plain / ours:.2f}"))
    return Table(
        title,
        rows,
        "After each cell, until all is on disk (fsync). The others are told, at no cost, which "
        "frames a cell changed. Deduplicated pickles are what tools such as restic and borg "
        "could write at least." + (f" Left out: {', '.join(missing)}." if missing else ""),
    )


def _same(frame: pd.DataFrame, other: pd.DataFrame) -> bool:
    return frame.columns.equals(other.columns) and frame.equals(other)


def _compress(piece: memoryview) -> bytes:
    return zstandard.ZstdCompressor(level=3).compress(piece)
