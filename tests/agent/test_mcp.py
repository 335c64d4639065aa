"""A real MCP client, a real Jupyter server, and two notebooks in it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from dfbackup_jupyter.agent.tools import TOOLS
from tests.agent.conftest import FRAMES, wait_for
from tests.conftest import ROOT
from tests.waiting import eventually

JSON = dict[str, Any]
T = TypeVar("T")

pytest.importorskip("jupyter_server_mcp")
pytestmark = pytest.mark.skipif(
    not entry_points(group="jupyter_server_mcp.tools", name="dfbackup_jupyter"),
    reason="the package is not installed here: make test",
)

NOTEBOOKS = ("sales.ipynb", "deep/costs.ipynb")


class Server:
    """A running Jupyter server with its MCP extension.

    Parameters
    ----------
    home : Path
        The folder of its notebooks, settings and backups.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._port, mcp = _free_port(), _free_port()
        self._url = f"http://127.0.0.1:{self._port}/api"
        self.mcp = f"http://127.0.0.1:{mcp}/mcp"
        names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
        folders = {name: str(home / ".folders" / name.lower()) for name in (*names, "HOME")}
        self._runtime = Path(folders["JUPYTER_RUNTIME_DIR"])
        (home / ".folders" / "home").mkdir(parents=True)
        self.log = home / ".folders" / "log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
                    *(f"--ServerApp.root_dir={home}", f"--port={self._port}"),
                    *("--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True"),
                    f"--MCPExtensionApp.mcp_port={mcp}",
                ],
                env={
                    **{k: v for k, v in os.environ.items() if not k.startswith("DFBACKUP_")},
                    **folders,
                    "DFBACKUP_STORE": str(home / ".folders" / "store"),
                    "PYTHONPATH": str(ROOT),
                },
                stdout=log,
                stderr=log,
            )
        assert eventually(self._answers, 60), self.log.read_text()

    def open(self, path: str) -> BlockingKernelClient:
        """Open a notebook with a kernel of its own, as a page does."""
        (self.home / path).parent.mkdir(exist_ok=True)
        (self.home / path).write_text('{"cells":[],"metadata":{},"nbformat":4,"nbformat_minor":5}')
        session = self.ask(
            "/sessions",
            {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}},
        )
        client = BlockingKernelClient(
            connection_file=str(self._runtime / f"kernel-{session['kernel']['id']}.json")
        )
        client.load_connection_file()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        return client

    def ask(self, path: str, data: JSON | None = None) -> Any:
        body = None if data is None else json.dumps(data).encode()
        with urlopen(Request(self._url + path, body)) as reply:
            return json.load(reply)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)

    def _answers(self) -> bool:
        try:
            urlopen(self._url).close()
        except OSError:
            return False
        try:
            urlopen(self.mcp).close()
        except HTTPError:
            return True  # it wants a client's headers
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def notebooks(server: Server) -> Iterator[list[BlockingKernelClient]]:
    """The kernels of two notebooks that are open: the frame of the second has other columns."""
    clients = [server.open(path) for path in NOTEBOOKS]
    for client in clients:
        execute(client, f"%load_ext dfbackup_jupyter\n{FRAMES}")
    execute(clients[1], "df['cost'] = 1")
    yield clients
    for client in clients:
        client.stop_channels()


def execute(client: BlockingKernelClient, code: str) -> None:
    reply = client.execute_interactive(code, timeout=60, output_hook=lambda _: None)
    assert reply["content"]["status"] == "ok", reply["content"]


def asked(client: BlockingKernelClient, expression: str) -> str:
    reply = client.execute_interactive(
        "", silent=True, user_expressions={"value": expression}, timeout=60
    )
    return reply["content"]["user_expressions"]["value"]["data"]["text/plain"]


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 90))


def call(server: Server, tool: str, **arguments: Any) -> JSON:
    """Call a tool as any MCP client does."""
    from fastmcp import Client

    async def calling() -> JSON:
        async with Client(server.mcp) as client:
            result = await client.call_tool(tool, arguments)
            (block,) = result.content
            return json.loads(block.text)

    return run(calling())


def test_a_client_is_told_of_every_tool(server: Server) -> None:
    from fastmcp import Client

    async def listing() -> list[Any]:
        async with Client(server.mcp) as client:
            return await client.list_tools()

    listed = {tool.name: tool.model_dump(by_alias=True) for tool in run(listing())}
    assert listed.keys() >= TOOLS.keys()
    for name in TOOLS:
        schema = listed[name]["inputSchema"]
        assert schema["properties"]["notebook"]["type"] == "string"
        assert "notebook" not in schema.get("required", [])
        assert "notebook: " in listed[name]["description"] or (
            "description" in schema["properties"]["notebook"]
        )
    restore = listed["restore_backup"]["inputSchema"]
    assert restore["required"] == ["reference"]
    assert restore["properties"]["data_only"]["type"] == "boolean"


def test_the_notebook_that_is_named_is_the_one(
    server: Server, notebooks: list[BlockingKernelClient]
) -> None:
    sales, costs = notebooks
    nobody = call(server, "quick_backup")
    assert not nobody["ok"]
    assert all(path in nobody["error"] for path in NOTEBOOKS)
    assert nobody["notebooks"] == sorted(NOTEBOOKS)
    assert "`notebook`" in nobody["next_step"]
    assert "No notebook 'x.ipynb'" in call(server, "quick_backup", notebook="x.ipynb")["error"]

    made = call(server, "manual_backup", name="đầy đủ", notebook="costs.ipynb")
    assert made["notebook"] == "deep/costs.ipynb"
    assert made["backup"]["notebook"].endswith("costs.ipynb")
    assert made["backup"]["frames"] == {"df": "3 rows x 3 columns"}
    assert call(server, "list_backups", notebook="sales.ipynb")["backups"] == []

    for client in notebooks:
        execute(client, "df = df.drop(columns='price')")
    answer = call(
        server, "restore_backup", reference="đầy đủ", frames=["df"], notebook="deep/costs.ipynb"
    )
    assert answer["brought_back"] == ["df"]
    assert asked(costs, "list(df)") == "['city', 'price', 'cost']"
    assert asked(sales, "list(df)") == "['city']"
    assert call(server, "undo_last", notebook="sales.ipynb")["brought_back"] == ["df"]
    assert asked(sales, "list(df)") == "['city', 'price']"


def test_a_running_cell_is_no_obstacle(
    server: Server, notebooks: list[BlockingKernelClient]
) -> None:
    sales = notebooks[0]
    if asked(sales, "__import__('ipykernel').version_info[0]") < "7":
        pytest.skip("this ipykernel has no subshells")
    call(server, "manual_backup", name="trước", notebook="sales.ipynb")
    gate = server.home / "gate"
    sales.execute(f"{wait_for(gate)}; df['price'] = 0")
    while sales.get_iopub_msg(timeout=20)["msg_type"] != "execute_input":
        pass
    listed = call(server, "list_backups", notebook="sales.ipynb")
    assert "trước" in [backup.get("name") for backup in listed["backups"]]
    with ThreadPoolExecutor() as pool:
        undoing = pool.submit(call, server, "undo_last", notebook="sales.ipynb")
        gate.touch()  # which the cell has waited for all the time
        undone = undoing.result(60)
    assert "df['price'] = 0" in undone["message"]
    assert asked(sales, "df['price'].tolist()") == "[1.5, 2.5, 3.5]"


def test_deleting_takes_two_calls(server: Server, notebooks: list[BlockingKernelClient]) -> None:
    here = {"notebook": "costs.ipynb"}
    call(server, "manual_backup", name="cũ", **here)
    first = call(server, "delete_backup", reference="cũ", **here)
    assert not first["ok"]
    assert first["would_delete"][0]["name"] == "cũ"
    again = call(server, "delete_backup", reference="cũ", confirmation="12345678", **here)
    assert not again["ok"]
    second = call(
        server, "delete_backup", reference="cũ", confirmation=first["confirmation"], **here
    )
    assert second["deleted"] == [first["would_delete"][0]["id"]]
    execute(notebooks[1], "%backup config agent_confirmation=True")
    refused = call(server, "delete_all_backups", **here)
    assert "%backup delete-all" in refused["next_step"]
    assert "confirmation" not in refused


def test_the_server_does_not_load_pandas() -> None:
    code = "import sys, dfbackup_jupyter.agent.server; sys.exit('pandas' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
