"""A whole session brought back in a new kernel, beside what the disk and the codec can do."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import disk
import numpy as np
import workload
from formats import in_fresh_process
from kernel import kernel, settled
from limits import best, measure_disk
from report import REPEATS, Table, note, rate, seconds
from workload import Cell

from dfbackup_jupyter.parallel import in_parallel
from dfbackup_jupyter.store import pack
from dfbackup_jupyter.store.codecs import Chunk, decode

MEMORY = 4
"""How often the memory of the frame the new kernel has touched before."""

COLUMN = (
    "__import__('dfbackup_jupyter').BackupManager.current()"
    ".read('whole', {frame!r}, columns=['x3']);"
)


@dataclass(frozen=True)
class Measured:
    """Seconds of restoring everything, and of reading one column; bytes raw and stored, a rate."""

    restore: float
    column: float
    cold: bool
    raw: int
    stored: int
    codec: float


def tables(size: float, frames: int) -> Iterator[Table]:
    """Measure a frame of random doubles, as many bytes in several frames, and a mixed frame.

    Parameters
    ----------
    size : float
        Megabytes; the mixed frame has as many at most.
    frames : int
        How many frames of that size together the second session has.
    """
    speed = measure_disk(max(int(size * 1e6), 1)).read
    rows = [
        (
            "",
            "restore",
            "of raw data",
            "the disk reads",
            "the codec decodes",
            "of the slower",
            "one column",
        )
    ]
    cold = True
    doubles, mixed = workload.frames(size)
    many = f"{frames} frames of random doubles", workload.many_frames(size, frames)[0]
    for (title, cell), frame in ((doubles, "df"), (many, "f0"), (mixed, "df")):
        found = measure(cell, size, frame)
        cold &= found.cold
        from_disk = speed * found.raw / found.stored
        ours = found.raw / found.restore
        rows.append(
            (
                title,
                seconds(found.restore),
                rate(found.raw, found.restore),
                rate(from_disk, 1),
                rate(found.codec, 1),
                f"{ours / min(from_disk, found.codec):.0%}",
                seconds(found.column),
            )
        )
    yield Table(
        "A session brought back in a new kernel",
        rows,
        f"Median of {REPEATS}, from {'a cold disk' if cold else 'the system’s cache'}, into memory "
        "that the kernel has touched before; what the disk reads counts as the raw data in it, and "
        "the codec decodes the same chunks from memory on two cores, with all hashes. One column "
        "is read without the others.",
    )


def measure(cell: Cell, size: float, frame: str) -> Measured:
    """Back up what a cell makes in one kernel, and restore it, or a column, in others."""
    restores: list[float] = []
    columns: list[float] = []
    cold = True
    with tempfile.TemporaryDirectory() as name:
        store = Path(name)
        with kernel(store, load=True) as running:
            note("with dfbackup: what is to be restored")
            running.run(cell.source)
            running.run("%backup create whole")
            settled(running.bytes_written)
        disk.sync(store)
        for _ in range(REPEATS):
            column = COLUMN.format(frame=frame)
            for source, took in (("%backup restore whole", restores), (column, columns)):
                with kernel(store, load=True, memory=MEMORY * size * 1e6) as running:
                    note("with dfbackup: restoring")
                    running.run("import pandas as pd")  # the first cell of a kernel takes longer
                    cold &= disk.forget(store)
                    took.append(running.run(source))
        raw, stored, codec = in_fresh_process(decoding, store)
    return Measured(median(restores), median(columns), cold, raw, stored, codec)


def decoding(store: Path) -> tuple[int, int, float]:
    """Return the raw and the stored bytes of all chunks, and the raw bytes decoded in a second."""
    chunks = [chunk for file in sorted(store.rglob("*.pack")) for chunk in _chunks(file)]
    raw = sum(chunk.raw for chunk in chunks)
    out = np.ones(raw, np.uint8).data
    work, first = [], 0
    for chunk in chunks:
        work.append((chunk, out[first : first + chunk.raw]))
        first += chunk.raw
    took = best(lambda: in_parallel(lambda part: decode(*part), work))
    return raw, sum(len(chunk.data) for chunk in chunks), raw / took


def _chunks(file: Path) -> Iterator[Chunk]:
    source = _File(file)
    for name, entry in pack.load(source).entries.items():
        yield pack.read_chunk(source, name, entry)


class _File:
    def __init__(self, file: Path) -> None:
        self._data = file.read_bytes()
        self.size = len(self._data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]
