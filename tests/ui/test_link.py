"""The kernel's end of the connection to JupyterLab, in real kernels, as a front-end uses it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from queue import Empty
from typing import Any

import pytest

from dfbackup_jupyter.ui.protocol import METHODS, progressed, read
from tests.conftest import ROOT
from tests.kernels import Kernel
from tests.waiting import eventually

JSON = dict[str, Any]

MESSAGES = json.loads((ROOT / "tests" / "protocol" / "messages.json").read_text())

FRAMES = "import pandas as pd; df = pd.DataFrame({'a': range(4), 'b': list('wxyz')})"


class Page:
    """What a page does with the comms of its kernel.

    Parameters
    ----------
    kernel : Kernel
        Its kernel; nobody else may read what it publishes.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.client = kernel.client
        self.heard: list[JSON] = []
        self.subshell: str | None = None

    def open(self, target: str, data: JSON) -> str:
        """Open a comm, on the subshell if there is one, and return its ID."""
        comm = uuid.uuid4().hex
        message = self.client.session.msg(
            "comm_open", {"comm_id": comm, "target_name": target, "data": data}
        )
        message["header"]["subshell_id"] = self.subshell
        self.client.shell_channel.send(message)
        return comm

    def ask(self, method: str, *, timeout: float = 20, **params: Any) -> JSON:
        """Ask, and return the answer."""
        request = {"protocol": 1, "method": method, "params": params}
        return self.answer(self.open("dfbackup.request", request), timeout=timeout)

    def answer(self, comm: str, *, timeout: float = 20) -> JSON:
        """Wait for the message that closes a comm."""
        return self.wait(
            lambda kind, content: kind == "comm_close" and content["comm_id"] == comm, timeout
        )["data"]

    def result(self, method: str, **params: Any) -> Any:
        """Ask for something that works."""
        answer = self.ask(method, **params)
        assert answer["ok"], answer
        return answer["result"]

    def state(self, wanted: Callable[[JSON], object] = lambda _: True) -> JSON:
        """Wait for a pushed state."""
        return self.wait(
            lambda kind, content: (
                kind == "comm_msg"
                and content["data"].get("type") == "state"
                and wanted(content["data"])
            ),
            20,
        )["data"]

    def wait(self, wanted: Callable[[str, JSON], bool], timeout: float) -> JSON:
        """Wait for something that the kernel publishes."""
        end = time.monotonic() + timeout
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=max(end - time.monotonic(), 0.01))
            except Empty:
                raise TimeoutError(f"nothing for {timeout} s; before: {self.heard[-3:]}") from None
            content: JSON = message["content"]
            self.heard.append(message)
            if wanted(message["msg_type"], content):
                return content

    def make_subshell(self) -> None:
        """Have the kernel answer while a cell runs."""
        message = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(message)
        reply = self.client.get_control_msg(timeout=20)
        self.subshell = reply["content"]["subshell_id"]


@pytest.fixture
def page(start_kernel: Callable[..., Kernel]) -> Iterator[Page]:
    kernel = start_kernel()
    kernel.run(FRAMES)
    yield Page(kernel)


def test_the_state_is_pushed(page: Page) -> None:
    page.open("dfbackup.events", {"protocol": 1})
    first = page.state()
    assert first["protocol"] == 1
    assert first["status"]["frames"] == {"df": [4, 2]}
    page.kernel.submit("df = df.drop(columns='b')")
    later = page.state(lambda data: data["backups"] and data["status"]["undo"])
    assert later["backups"][0]["provenance"]["cell"] == "df = df.drop(columns='b')"
    assert later["backups"][0]["frames"][0]["columns"] == 2
    assert "drop" in later["status"]["undo"]


def test_every_method_answers(page: Page, tmp_path: Any) -> None:
    made = page.result("create", name="A", description="as it came", only=["df"])
    assert made["name"] == "A"
    assert page.result("quick")["kind"] == "quick"
    page.kernel.run("df['a'] = 0")
    preview = page.result("preview", id="A")
    assert preview["restored"]["restored"] == ["df"]
    assert preview["restored"]["dry_run"]
    assert "df" in preview["html"]
    assert page.result("undo")["restored"] == ["df"]
    assert page.result("redo")["restored"] == ["df"]
    assert page.kernel.value("int(df['a'].sum())") == 0
    assert page.result("restore", id="A", data_only=True)["restored"] == ["df"]
    assert page.kernel.value("int(df['a'].sum())") == 6
    assert page.result("restore", id="A", only=["df"], as_name="old")["restored"] == ["old"]
    assert page.result("status")["frames"].keys() == {"df", "old"}
    assert {b["name"] for b in page.result("list", kind="manual")} == {"A"}
    assert "as it came" in page.result("show", id="A")["html"]
    assert page.result("diff", id="A")["diff"]
    assert page.result("rename", id="A", name="B")["name"] == "B"
    assert page.result("pin", id="B", pinned=True)["pinned"]
    file = page.result("export", id="B", file=str(tmp_path / "b.zip"))["file"]
    assert file.endswith("b.zip")
    assert page.result("stats")["bytes_on_disk"] > 0
    assert page.result("verify")["ok"]
    assert page.result("auto", on=False)["auto"] is False
    assert [b["id"] for b in page.result("delete", ids=["B"])] == [made["id"]]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"protocol": 2, "method": "list", "params": {}}, "different versions"),
        ("nonsense", "different versions"),
        ({"protocol": 1, "method": "explode", "params": {}}, "knows no request"),
        ({"protocol": 1, "method": ["list"], "params": {}}, "knows no request"),
        ({"protocol": 1, "method": "show", "params": {}}, "needs 'id'"),
        ({"protocol": 1, "method": "show", "params": {"id": 5}}, "cannot be asked"),
        ({"protocol": 1, "method": "quick", "params": {"progress": 1}}, "cannot be asked"),
        ({"protocol": 1, "method": "delete", "params": {"ids": [1]}}, "cannot be asked"),
        ({"protocol": 1, "method": "show", "params": {"id": "nope"}}, "no backup 'nope'"),
    ],
)
def test_what_cannot_be_answered(page: Page, request_: Any, words: str) -> None:
    answer = page.answer(page.open("dfbackup.request", request_))
    assert not answer["ok"]
    assert words in answer["error"]["message"]
    assert answer["error"].keys() == {"type", "message", "hint"}


def test_a_running_cell_is_no_obstacle(page: Page) -> None:
    if page.kernel.value("__import__('ipykernel').version_info[0]") < 7:
        pytest.skip("this ipykernel has no subshells")
    page.make_subshell()
    page.kernel.run("df['a'] = 0")
    page.kernel.submit("import time; time.sleep(6); df['a'] = 1")
    page.wait(lambda kind, _: kind == "execute_input", 20)
    start = time.monotonic()
    assert page.result("status")["frames"] == {"df": [4, 2]}
    assert time.monotonic() - start < 4
    undo = page.open("dfbackup.request", {"protocol": 1, "method": "undo", "params": {}})
    assert eventually(lambda: page.result("list"), 4)
    assert time.monotonic() - start < 5
    answer = page.answer(undo)
    assert answer["ok"], answer
    assert "time.sleep(6)" in answer["result"]["action"]
    assert page.kernel.value("df['a'].tolist()") == [0, 0, 0, 0]


def test_what_draws_is_not_loaded_with_the_kernel(page: Page) -> None:
    drawing = {"dfbackup_jupyter.ui.html", "dfbackup_jupyter.ui.panel", "ipywidgets"}
    assert drawing.isdisjoint(page.kernel.value("list(__import__('sys').modules)"))


def test_unloading_closes_everything(page: Page) -> None:
    anchor = page.open("dfbackup.events", {"protocol": 1})
    page.state()
    page.kernel.submit("%unload_ext dfbackup_jupyter")
    page.answer(anchor)
    closed = page.answer(page.open("dfbackup.request", {"protocol": 1, "method": "status"}))
    assert "ok" not in closed
    names = "sorted(t.name for t in __import__('threading').enumerate())"
    assert not [name for name in page.kernel.value(names) if name.startswith("dfbackup-link")]


def test_the_messages_are_what_the_other_side_tests_against(page: Page) -> None:
    """`messages.json` is read by the front-end's tests, too."""
    page.open("dfbackup.events", {"protocol": 1})
    assert page.state().keys() == MESSAGES["state"].keys()
    assert METHODS.keys() == MESSAGES["requests"].keys()
    page.result("create", **MESSAGES["requests"]["create"]["params"])
    page.kernel.run("df['a'] = 0")
    for method, example in MESSAGES["requests"].items():
        read({"protocol": 1, "method": method, "params": example["params"]})
    for method in ("status", "stats", "verify", "undo", "redo", "quick"):
        assert page.result(method).keys() == MESSAGES["requests"][method]["result"].keys()
    assert page.ask("show", id="nope").keys() == MESSAGES["refusal"].keys()
    assert progressed("", "", 0, 0).keys() == MESSAGES["progress"].keys()


def test_before_pandas_the_page_is_told_to_wait(start_kernel: Callable[..., Kernel]) -> None:
    page = Page(start_kernel(load=False, DFBACKUP_AUTOLOAD="0"))
    hello = {"protocol": 1}
    assert page.answer(page.open("dfbackup.events", hello)) == {}
    page.kernel.run("import dfbackup_jupyter.autoload as a; a.attach(get_ipython())")
    assert page.answer(page.open("dfbackup.events", hello)) == MESSAGES["waiting"]
    page.kernel.run("import pandas")
    page.open("dfbackup.events", hello)
    assert page.state()["status"]["frames"] == {}
    page.kernel.run("%unload_ext dfbackup_jupyter")
    assert page.answer(page.open("dfbackup.events", hello)) == {}
