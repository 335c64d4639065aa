"""The agents are an extra: without them, nothing of theirs is loaded."""

from __future__ import annotations

from tests.agent.conftest import FRAMES
from tests.kernels import Kernel

THEIRS = {"langchain", "langchain_core", "langgraph", "mcp", "fastmcp", "jupyter_server_mcp"}


def test_a_kernel_loads_nothing_of_the_frameworks(kernel: Kernel) -> None:
    kernel.run(FRAMES)
    kernel.run("%backup create x")
    kernel.run("df = df.drop(columns='price')")
    kernel.run("from dfbackup_jupyter.agent import list_backups; list_backups()")
    loaded = {name.partition(".")[0] for name in kernel.value("list(__import__('sys').modules)")}
    assert not loaded & THEIRS
    assert "dfbackup_jupyter" in loaded
