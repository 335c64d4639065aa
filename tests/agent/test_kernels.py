"""Calling a tool in a real kernel, as a Jupyter server does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.asynchronous.client import AsyncKernelClient

from dfbackup_jupyter.agent import kernels, messages
from dfbackup_jupyter.errors import InvalidRequest
from tests.agent.conftest import FRAMES, wait_for
from tests.kernels import Kernel

JSON = dict[str, Any]


class Manager:
    """What a server has of a kernel that a test started."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def client(self) -> AsyncKernelClient:
        client = AsyncKernelClient()
        client.load_connection_info(self._kernel.manager.get_connection_info())
        return client


def call(kernel: Kernel, tool: str, patience: float = 20, **arguments: Any) -> JSON:
    return asyncio.run(kernels.call(Manager(kernel), tool, arguments, patience))


@pytest.fixture
def notebook(kernel: Kernel) -> Kernel:
    kernel.run(FRAMES)
    return kernel


def running(kernel: Kernel, code: str) -> str:
    """Start a cell, and wait until it runs."""
    message = kernel.submit(code)
    while True:
        heard = kernel.client.get_iopub_msg(timeout=20)
        if heard["msg_type"] == "execute_input":
            return message


def needs_subshells(kernel: Kernel) -> None:
    if kernel.value("__import__('ipykernel').version_info[0]") < 7:
        pytest.skip("this ipykernel has no subshells")


@pytest.mark.parametrize("subshells", [True, False])
def test_a_backup_and_back(
    notebook: Kernel, monkeypatch: pytest.MonkeyPatch, subshells: bool
) -> None:
    if not subshells:
        monkeypatch.setattr(kernels, "_SUBSHELLS", "what no kernel has")
    made = call(notebook, "manual_backup", name="trước")
    assert made["ok"], made
    notebook.run("df = df.drop(columns='price')")
    assert [b["name"] for b in call(notebook, "list_backups")["backups"]] == ["trước"]
    assert call(notebook, "restore_backup", reference=made["backup"]["id"])["ok"]
    assert notebook.value("list(df)") == ["city", "price"]
    assert "no backup 'x'" in call(notebook, "delete_backup", reference="x")["error"]
    assert notebook.value("get_ipython().execution_count") == 3  # none of this was a cell


def test_a_running_cell_is_answered_beside(notebook: Kernel, tmp_path: Path) -> None:
    needs_subshells(notebook)
    call(notebook, "manual_backup", name="A")
    cell = running(notebook, f"{wait_for(tmp_path / 'gate')}; df['price'] = 0")
    assert call(notebook, "list_backups")["backups"]
    with ThreadPoolExecutor() as pool:
        undoing = pool.submit(call, notebook, "undo_last")
        (tmp_path / "gate").touch()
        assert undoing.result(60)["brought_back"] == ["df"]  # after the cell
    assert notebook.collect(cell).status == "ok"
    assert notebook.value("df['price'].sum().item()") == 7.5


@pytest.mark.parametrize("subshells", [True, False])
def test_what_waited_for_too_long_is_never_done(
    notebook: Kernel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, subshells: bool
) -> None:
    if subshells:
        needs_subshells(notebook)
    else:
        monkeypatch.setattr(kernels, "_SUBSHELLS", "what no kernel has")
    call(notebook, "manual_backup", name="A")
    cell = running(notebook, f"df['price'] = 0; {wait_for(tmp_path / 'gate')}")
    answer = call(notebook, "restore_backup", patience=0.5, reference="A")
    assert not answer["ok"]
    assert "running a cell" in answer["error"]
    (tmp_path / "gate").touch()
    notebook.collect(cell)
    assert notebook.value("df['price'].sum().item()") == 0


def test_a_cell_that_waits_for_input_still_can(notebook: Kernel) -> None:
    needs_subshells(notebook)
    client = notebook.client
    client.execute("name = input('Who? ')", allow_stdin=True)
    assert client.get_stdin_msg(timeout=20)["content"]["prompt"] == "Who? "
    assert call(notebook, "list_backups")["ok"]
    client.input("Ada")
    assert notebook.value("name") == "Ada"


def test_a_kernel_without_us(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel(load=False, DFBACKUP_AUTOLOAD="0")
    answer = call(kernel, "list_backups")
    assert "not turned on" in answer["error"]
    assert "pandas" in answer["next_step"]


def test_a_kernel_that_was_restarted(notebook: Kernel) -> None:
    manager = Manager(notebook)
    for _ in range(2):
        assert asyncio.run(kernels.call(manager, "quick_backup", {}))["ok"]
        notebook.restart()
        notebook.run(FRAMES)


def test_a_kernel_that_is_gone(notebook: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_READY", 0.1)
    manager = Manager(notebook)
    notebook.kill()
    answer = asyncio.run(kernels.call(manager, "list_backups", {}))
    assert "does not answer" in answer["error"]
    notebook.start()


def question(**changes: Any) -> JSON:
    return messages.question("list_backups", {}, until=time.time() + 9) | changes


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("nonsense", "different versions"),
        (question(protocol=2), "different versions"),
        (question(tool="explode"), "no tool 'explode'"),
        (question(tool=["list_backups"]), "no tool"),
        (question(arguments=None), "no tool"),
        (question(until="soon"), "no tool"),
        (question(arguments={"notebook": "a"}), "cannot be called like this"),
        (question(until=1.0), "running a cell"),
    ],
)
def test_calls_that_make_no_sense(data: Any, says: str) -> None:
    with pytest.raises(InvalidRequest, match=says) as raised:
        messages.read(data)
    assert raised.value.hint
