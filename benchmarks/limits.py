"""What this machine can do at best, measured in the same run as what is compared with it."""

from __future__ import annotations

import mmap
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import disk
import numpy as np
import workload
import xxhash
from blake3 import blake3
from report import Table, note, rate

from dfbackup_jupyter.store import codecs

BYTES = 200 * 10**6
REPEATS = 5
CHUNK = 2**20
BLOCK = 8 * 2**20
HANDED_ON = 4
"""Seconds after which a virtual machine has given free memory to its host, if it does."""


@dataclass(frozen=True)
class Disk:
    """What it does in a second, in bytes.

    Attributes
    ----------
    write : float
        One file from its beginning to the end of its fsync.
    read : float
        One file from its beginning.
    cold : bool
        Whether it was read from the disk, rather than from the system's cache.
    """

    write: float
    read: float
    cold: bool

    def __str__(self) -> str:
        source = "cold" if self.cold else "from the cache"
        return f"the disk writes {rate(self.write, 1)} and reads {rate(self.read, 1)} ({source})"


def tables(size: int = BYTES) -> Iterator[Table]:
    """Measure it; `size` is in bytes."""
    note("limits: memory and hashes")
    doubles = np.random.default_rng(0).standard_normal(size // 8)
    raw = doubles.tobytes()
    copy = np.empty_like(doubles)
    rows = [
        ("", "one core", "all cores"),
        ("memcpy", rate(size, best(lambda: np.copyto(copy, doubles))), ""),
        *(
            (f"memory, touched {when}", rate(size, took), "")
            for when, took in zip(
                ("for the first time", "again"), measure_memory(size), strict=True
            )
        ),
        ("xxh3", rate(size, best(lambda: xxhash.xxh3_128(raw).digest())), ""),
        ("blake3", *_on_cores(_pieces(raw), lambda piece: blake3(piece).digest())),
    ]
    note("limits: codecs")
    for title, content, itemsize in (("random doubles", raw, 8), ("words", _words(size), 1)):
        pieces = _pieces(content[: size // 4])
        chunks = [_encode(piece, itemsize) for piece in pieces]
        small = sum(len(chunk.data) for chunk in chunks) / (size // 4)
        write = _on_cores(pieces, lambda piece, item=itemsize: _encode(piece, item))
        read = _on_cores(chunks, codecs.decode, size // 4)
        rows.append((f"codec, {title} to {small:.0%}, write", *write))
        rows.append((f"codec, {title} to {small:.0%}, read", *read))
    measured = measure_disk(size)
    rows.append(("disk, write and fsync", rate(measured.write, 1), ""))
    where = "disk, read" if measured.cold else "disk, read from the system's cache"
    rows.append((where, rate(measured.read, 1), ""))
    yield Table(
        "The machine's limits",
        rows,
        f"Median of {REPEATS}, {size / 1e6:,.0f} MB at a time. The codecs are the "
        "store's own, with the hashes that it computes.",
    )


def measure_memory(size: int = BYTES) -> tuple[float, float]:
    """Return the seconds of writing to memory from the system, and of writing there again.

    What others gave back a moment ago would be there at once, so there is a pause before each.
    """
    first, again = [], []
    for _ in range(REPEATS):
        time.sleep(HANDED_ON)
        with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
            memory.madvise(mmap.MADV_HUGEPAGE)  # as NumPy does
            for took in (first, again):
                array = np.frombuffer(memory, np.uint8)
                start = time.perf_counter()
                array[:] = 1
                took.append(time.perf_counter() - start)
                del array  # the mapping cannot end before
    return median(first), median(again)


def measure_disk(size: int = BYTES) -> Disk:
    """Write and read one file of random bytes, several times."""
    note("limits: disk")
    raw = np.random.default_rng(0).bytes(size)
    buffer = bytearray(BLOCK)
    writes, reads, cold = [], [], True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for i in range(REPEATS):
            file = folder / str(i)
            start = time.perf_counter()
            with file.open("wb", buffering=0) as opened:
                for first in range(0, size, BLOCK):
                    opened.write(raw[first : first + BLOCK])
                os.fsync(opened.fileno())
            writes.append(time.perf_counter() - start)
            cold &= disk.forget(folder)
            start = time.perf_counter()
            with file.open("rb", buffering=0) as opened:
                while opened.readinto(buffer):
                    pass
            reads.append(time.perf_counter() - start)
            file.unlink()
    return Disk(size / median(writes), size / median(reads), cold)


def best(work: Callable[[], object]) -> float:
    """Return the seconds that something takes: the median of several, after one to warm up."""
    work()
    took = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return median(took)


def _pieces(raw: bytes) -> list[bytes]:
    return [raw[first : first + CHUNK] for first in range(0, len(raw), CHUNK)]


def _words(size: int) -> bytes:
    text = workload.frame(workload.mixed(1 + size // 32))["text"]  # each of 32 bytes or so
    return (" ".join(text).encode() * 2)[:size]


def _encode(piece: bytes, itemsize: int) -> codecs.Chunk:
    return codecs.encode(piece, itemsize, codecs.digest(piece))


def _on_cores(
    work: list[object], one: Callable[[object], object], size: int = 0
) -> tuple[str, str]:
    size = size or sum(map(len, work))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        alone = best(lambda: [one(piece) for piece in work])
        together = best(lambda: list(pool.map(one, work)))
    return rate(size, alone), rate(size, together)
