"""A real kernel, driven as a notebook drives it."""

from __future__ import annotations

import ast
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager


@dataclass
class Outcome:
    """What one cell gave: its reply and everything it displayed."""

    status: str = ""
    count: int | None = None
    stdout: str = ""
    stderr: str = ""
    displays: list[dict[str, Any]] = field(default_factory=list)
    result: dict[str, Any] | None = None
    error: str = ""
    traceback: str = ""

    @property
    def text(self) -> str:
        """The plain text of the cell's result."""
        return "" if self.result is None else self.result["text/plain"]

    @property
    def shown(self) -> str:
        """All plain text a reader of the notebook sees."""
        displays = "\n".join(data.get("text/plain", "") for data in self.displays)
        return "\n".join(
            part for part in (self.stdout, self.stderr, displays, self.text, self.traceback) if part
        )


class Kernel:
    """A running ipykernel.

    Parameters
    ----------
    env : dict
        The kernel's whole environment.
    cwd : Path
        Where it runs.
    load : bool
        Whether to load the extension, as ``%load_ext`` does, at every start.
    """

    def __init__(self, env: dict[str, str], cwd: Path, *, load: bool = True) -> None:
        self.env = env
        self.cwd = cwd
        self.log = cwd / "kernel.log"
        self.load = load
        self.manager: KernelManager
        self.client: BlockingKernelClient
        self.start()

    def start(self) -> None:
        """Start a new process; what it prints by itself goes to `log`."""
        self.manager = KernelManager(kernel_name="python3")
        with self.log.open("ab") as log:
            self.manager.start_kernel(env=self.env, cwd=str(self.cwd), stdout=log, stderr=log)
        self._connect()

    def restart(self) -> None:
        """Restart as the notebook's button does."""
        self.shutdown()
        self.start()

    def restart_in_place(self, *, now: bool = False) -> None:
        """Restart as a Jupyter server does: the kernel keeps its identity.

        Parameters
        ----------
        now : bool
            Kill it, as the server finds it when memory has run out.
        """
        self.client.stop_channels()
        with self.log.open("ab") as log:
            self.manager.restart_kernel(now=now, stdout=log, stderr=log)
        self._connect()

    def kill(self) -> None:
        """End the kernel at once, as the system does when memory runs out."""
        self.client.stop_channels()
        self.manager.signal_kernel(signal.SIGKILL)
        while self.manager.is_alive():
            time.sleep(0.01)
        self.manager.shutdown_kernel(now=True)

    def shutdown(self) -> None:
        """Stop the kernel in good order."""
        self.client.stop_channels()
        self.manager.shutdown_kernel()

    def interrupt(self) -> None:
        self.manager.interrupt_kernel()

    def submit(self, code: str, **options: Any) -> str:
        """Send a cell and do not wait; `collect` waits."""
        # With stop_on_error, a kernel drops what it is sent soon after a cell that failed.
        return self.client.execute(code, allow_stdin=False, stop_on_error=False, **options)

    def collect(self, message: str, *, timeout: float = 60) -> Outcome:
        """Everything that the cell of this message gave."""
        outcome = Outcome()
        end = time.monotonic() + timeout
        while True:
            try:
                answer = self.client.get_iopub_msg(timeout=max(end - time.monotonic(), 0.01))
            except Empty:
                raise TimeoutError(f"the cell still ran after {timeout} s") from None
            if answer["parent_header"].get("msg_id") != message:
                continue
            kind, content = answer["msg_type"], answer["content"]
            if kind == "stream":
                setattr(
                    outcome,
                    content["name"],
                    getattr(outcome, content["name"]) + content["text"],
                )
            elif kind == "display_data":
                outcome.displays.append(content["data"])
            elif kind == "execute_result":
                outcome.result = content["data"]
            elif kind == "error":
                outcome.error = f"{content['ename']}: {content['evalue']}"
                outcome.traceback = "\n".join(content["traceback"])
            elif kind == "status" and content["execution_state"] == "idle":
                break
        reply = self._reply(message, end)
        outcome.status = reply["status"]
        outcome.count = reply.get("execution_count")
        return outcome

    def run(self, code: str, *, timeout: float = 60, **options: Any) -> Outcome:
        """Run a cell to its end."""
        return self.collect(self.submit(code, **options), timeout=timeout)

    def value(self, expression: str, *, timeout: float = 60) -> Any:
        """What a Python literal expression is in the kernel; it does not count as a cell."""
        message = self.client.execute(
            "", silent=True, user_expressions={"value": f"repr({expression})"}
        )
        answer = self._reply(message, time.monotonic() + timeout)["user_expressions"]["value"]
        if answer["status"] != "ok":
            raise RuntimeError(f"{answer['ename']}: {answer['evalue']}")
        return ast.literal_eval(ast.literal_eval(answer["data"]["text/plain"]))

    def _reply(self, message: str, end: float) -> dict[str, Any]:
        while True:
            reply = self.client.get_shell_msg(timeout=max(end - time.monotonic(), 0.01))
            if reply["parent_header"].get("msg_id") == message:
                return reply["content"]

    def _connect(self) -> None:
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        if self.load:
            loaded = self.run("%load_ext dfbackup_jupyter", silent=True)
            assert loaded.status == "ok", loaded.shown
