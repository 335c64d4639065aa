"""A kernel that dies for memory, in the middle of a cell."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kernels import Kernel
from tests.test_recover import WRITTEN, write_notebook
from tests.waiting import eventually

LOAD = """
import pandas as pd
df = pd.DataFrame({"city": ["Rome", "Oslo"], "n": [1, 2]})
"""

DIE = """
import os, resource, signal
own = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
resource.setrlimit(resource.RLIMIT_AS, (own + (256 << 20),) * 2)
df = df.drop(columns="n")
hoard = []
try:
    while True:
        hoard.append(bytearray(16 << 20))
except MemoryError:
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_AS and /proc")
def test_frames_outlive_a_kernel_that_ran_out_of_memory(
    start_kernel: Callable[..., Kernel],
    tmp_path: Path,
) -> None:
    """The limit makes allocation fail; the cell then does to itself what the OOM killer does.

    A process under a limit gets an error where the system's killer sends SIGKILL, and to bring
    the killer about takes a cgroup, which few users may make. What is the same: memory is used up
    while our thread writes, and nothing of ours runs at the end.
    """
    notebook = write_notebook(tmp_path / "analysis.ipynb", LOAD, DIE)
    kernel = start_kernel(JPY_SESSION_NAME=str(notebook))
    assert kernel.run(LOAD).status == "ok"
    assert kernel.value(WRITTEN)
    kernel.submit(DIE)
    kernel.client.stop_channels()
    assert eventually(lambda: not kernel.manager.is_alive(), 60)
    kernel.manager.shutdown_kernel(now=True)

    kernel.start()
    assert kernel.run("%backup recover").status == "ok"
    assert kernel.value("df.to_dict('list')") == {"city": ["Rome", "Oslo"], "n": [1, 2]}
