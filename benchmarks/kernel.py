"""A fresh Jupyter kernel that is measured from outside and from inside."""

from __future__ import annotations

import ast
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
from jupyter_client.manager import KernelManager

PROBE = """
def _probe():
    import time
    events, took = get_ipython().events, {}
    trigger = events.trigger
    def timed(event, *args, **kwargs):
        start = time.perf_counter()
        trigger(event, *args, **kwargs)
        took.setdefault(event, []).append(time.perf_counter() - start)
    events.trigger = timed
    return took
get_ipython()._took = _probe()
del _probe
"""
"""Times what hooks cost. It is in the plain kernel too, so both pay for it alike."""


QUIET = ["--log-level=ERROR"]
"""Arguments of a kernel that does not warn of how it is reached."""

KEEPS_MEMORY = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**40),
}
"""Variables with which a process that uses glibc gives no memory back to the system.

Many a virtual machine hands what its processes give back to its host within seconds, and to touch
it again then takes up to twenty times as long. Whoever keeps what a cell overwrote, as we do, needs
new memory where the plain kernel uses the old again, so the host would be measured.
"""

OVERWRITTEN = """
def _overwritten():
    from dfbackup_jupyter import BackupManager
    pieces = {}
    def overwritten():
        gone = dict(pieces)
        pieces.clear()
        pieces.update(BackupManager.current().watcher.newest.memory())
        return sum(size for piece, size in gone.items() if piece not in pieces)
    return overwritten
get_ipython()._overwritten = _overwritten()
del _overwritten
"""
"""Tells the bytes of the pieces of memory that frames consisted of at the last call and no more."""


class BenchmarkKernel:
    """One running kernel; `run` runs a cell as a notebook does."""

    def __init__(self, client: Any, process: psutil.Process) -> None:
        self._client = client
        self._process = process
        self._start = self.bytes_written()

    def run(self, source: str) -> float:
        """Run a cell and return the seconds until its answer came."""
        return self._execute(source, silent=False)

    def silently(self, source: str) -> float:
        """Run source that is not a cell, which no hook sees; return the seconds it took."""
        return self._execute(source, silent=True)

    def rehearse(self, source: str) -> None:
        """Run source as `silently` does, and throw away all that it makes and imports first."""
        self.silently(f"exec({source!r}, {{}})")

    def touch_memory(self, size: float) -> None:
        """Have the process use that many bytes once, which it keeps if it `KEEPS_MEMORY`."""
        self.silently(f"numpy.ones({int(size)}, 'u1')")

    def overwritten(self) -> int:
        """Return the bytes of the frames' memory at the last call that are not theirs any more."""
        return self.value("get_ipython()._overwritten()")

    def _execute(self, source: str, *, silent: bool) -> float:
        start = time.perf_counter()
        reply = self._client.execute_interactive(
            source, silent=silent, allow_stdin=False, output_hook=lambda _: None, timeout=None
        )
        took = time.perf_counter() - start
        content = reply["content"]
        if content["status"] != "ok":
            raise RuntimeError(f"{source}\n{content['ename']}: {content['evalue']}")
        return took

    def value(self, expression: str) -> Any:
        """Return what a Python literal expression is in the kernel."""
        reply = self._client.execute_interactive(
            "", silent=True, user_expressions={"value": expression}, output_hook=lambda _: None
        )
        answer = reply["content"]["user_expressions"]["value"]
        if answer["status"] != "ok":
            raise RuntimeError(f"{expression}\n{answer['ename']}: {answer['evalue']}")
        return ast.literal_eval(answer["data"]["text/plain"])

    def hooks(self, event: str, cells: int) -> list[float]:
        """Return the seconds that the hooks of each of the newest cells took."""
        return self.value(f"get_ipython()._took[{event!r}][-{cells}:]")

    def peak_memory(self) -> int:
        """Return the most memory that the kernel has had, in bytes.

        From Linux's own account of the process, as ``ru_maxrss`` begins with what the process had
        that started it.
        """
        status = Path(f"/proc/{self._process.pid}/status")
        if status.exists():
            return int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024
        return self.value("__import__('resource').getrusage(0).ru_maxrss")  # bytes on macOS

    def bytes_written(self) -> int:
        """Return how much the process has handed to the system to write, since the start."""
        counters = self._process.io_counters()
        written = getattr(counters, "write_chars", counters.write_bytes)
        return written - getattr(self, "_start", 0)


@contextmanager
def kernel(store: Path, *, load: bool, memory: float = 0) -> Iterator[BenchmarkKernel]:
    """Start a kernel of this Python, with or without the extension; stop it at the end.

    Parameters
    ----------
    memory : float
        Bytes that it has touched before and keeps; by default it takes and gives back as it likes.
    """
    setup = ["%load_ext dfbackup_jupyter", OVERWRITTEN] if load else []
    variables = {"DFBACKUP_STORE": str(store), "DFBACKUP_AUTOLOAD": "0"}
    with started(variables, setup, memory) as running:
        yield running


@contextmanager
def started(
    environment: dict[str, str],
    setup: Iterable[str],
    memory: float = 0,
    python: Path = Path(sys.executable),
) -> Iterator[BenchmarkKernel]:
    """Start a kernel and stop it at the end.

    pandas is imported already, since that takes longer than anything that is measured.

    Parameters
    ----------
    environment : dict
        Variables beyond those of this process.
    setup : iterable of str
        What runs first, and is not measured.
    memory : float
        As of `kernel`.
    python : Path
        Whose kernel it is.
    """
    with tempfile.TemporaryDirectory() as folder:
        # Named as servers name it, which Kishu relies on.
        manager = KernelManager(connection_file=f"{folder}/kernel-{uuid4()}.json")
        assert manager.kernel_spec is not None
        manager.kernel_spec.argv[0] = str(python)
        variables = {**os.environ, **environment, **(KEEPS_MEMORY if memory else {})}
        manager.start_kernel(env=variables, extra_arguments=QUIET)
        client = manager.blocking_client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=60)
            running = BenchmarkKernel(client, psutil.Process(manager.provisioner.pid))
            for source in ("import numpy, pandas", *setup, PROBE):
                running.silently(source)
            if memory:
                running.touch_memory(memory)
            yield running
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


def settled(read: Callable[[], int], *, pause: float = 0.5, longest: float = 300) -> int:
    """Return a growing number once it has stopped growing."""
    end = time.monotonic() + longest
    before = read()
    while time.monotonic() < end:
        time.sleep(pause)
        now = read()
        if now - before < 65536:  # a kernel's own messages
            return now
        before = now
    return before
