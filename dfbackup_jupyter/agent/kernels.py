"""Calling a tool in a kernel from the Jupyter server that runs it."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from queue import Empty
from typing import Any
from weakref import WeakKeyDictionary

from dfbackup_jupyter.agent import messages
from dfbackup_jupyter.agent.answers import refused
from dfbackup_jupyter.backup import JSON

PATIENCE = 20.0
"""Seconds that a call waits for a running cell: most clients give up after thirty or sixty."""

_READY = 10.0
_LONGEST = 600.0
_SUBSHELLS = "kernel subshells"

Message = dict[str, Any]

_subshells: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


async def call(kernel: Any, tool: str, arguments: JSON, patience: float = PATIENCE) -> JSON:
    """Call a tool in a kernel, and return its answer.

    It goes through a subshell where the kernel has them, so that it arrives while a cell runs. A
    comm and no execute request: that would change what ``input()`` does in the running cell.

    Parameters
    ----------
    kernel : AsyncKernelManager
        The kernel's manager.
    patience : float
        Seconds for which the call may wait for its turn.
    """
    async with _client(kernel) as client:
        try:
            features = await _connect(client)
            subshell = await _subshell(kernel, client) if _SUBSHELLS in features else None
        except Empty:
            return refused(
                "The notebook's kernel does not answer.",
                "It may be starting, or in code that lets nothing else run: call again later, or "
                "tell the user to interrupt or restart it.",
            )
        until = time.time() + patience
        return await _ask(client, messages.question(tool, arguments, until=until), subshell)


@asynccontextmanager
async def _client(kernel: Any) -> AsyncIterator[Any]:
    client = kernel.client()
    client.start_channels(stdin=False, hb=False)
    try:
        yield client
    finally:
        client.stop_channels()


async def _connect(client: Any) -> list[str]:
    """Wait until the kernel hears us and we hear it, and return what it can do.

    The control channel answers while a cell runs. What it makes the kernel publish shows that our
    subscription has arrived: what is published before is lost to us.
    """
    end = time.monotonic() + _READY
    while True:
        try:
            reply = await _control(client, "kernel_info_request", timeout=1)
            await client.get_iopub_msg(timeout=1)
        except Empty:
            if time.monotonic() > end:
                raise
        else:
            return list(reply.get("supported_features", ()))


async def _subshell(kernel: Any, client: Any) -> str:
    """Return our subshell in a kernel: one for its whole life, since each one costs it a file."""
    known = _subshells.get(kernel)
    there = await _control(client, "list_subshell_request", timeout=_READY)
    if known is None or known not in there.get("subshell_id", ()):
        made = await _control(client, "create_subshell_request", timeout=_READY)
        known = _subshells[kernel] = str(made["subshell_id"])
    return known


async def _control(client: Any, kind: str, *, timeout: float) -> JSON:
    request = client.session.msg(kind, {})
    client.control_channel.send(request)
    reply = await _heard(
        client.get_control_msg, lambda message: _answers(message, request), timeout
    )
    found: JSON = reply["content"]
    return found


async def _ask(client: Any, question: JSON, subshell: str | None) -> JSON:
    comm = uuid.uuid4().hex
    opening = client.session.msg(
        "comm_open", {"comm_id": comm, "target_name": messages.TARGET, "data": question}
    )
    opening["header"]["subshell_id"] = subshell
    client.shell_channel.send(opening)

    def closed(message: Message) -> bool:
        content = message["content"]
        return message["msg_type"] == "comm_close" and bool(content.get("comm_id") == comm)

    try:
        # As soon as the kernel takes the call up, it says so. If it does not, the time that it has
        # for that is over, and it will never carry the call out.
        first = await _heard(
            client.get_iopub_msg,
            lambda message: closed(message) or _answers(message, opening),
            question["until"] - time.time() + 1,
        )
    except Empty:
        error = messages.busy()
        return refused(error.message, error.hint)
    try:
        last = first if closed(first) else await _heard(client.get_iopub_msg, closed, _LONGEST)
    except Empty:
        return refused(
            "The notebook's kernel has begun with this and has not ended it in ten minutes.",
            "Call list_backups later to see whether it has worked. Do not repeat it now.",
        )
    return _answer(last["content"].get("data") or {})


def _answer(data: JSON) -> JSON:
    if data.get("ok"):
        result: JSON = data["result"]
        return result
    if "error" in data:
        return refused(data["error"]["message"], data["error"]["hint"] or "Tell the user.")
    return refused(
        "Backups are not turned on in this notebook.",
        "They turn themselves on when it imports pandas. If it has done so, tell the user to "
        "install dfbackup-jupyter in the notebook's environment and to run: "
        "%load_ext dfbackup_jupyter",
    )


def _answers(message: Message, request: Message) -> bool:
    return bool(message["parent_header"].get("msg_id") == request["header"]["msg_id"])


async def _heard(
    receive: Callable[..., Any], wanted: Callable[[Message], bool], timeout: float
) -> Message:
    """Return the first message that is wanted; raises `Empty` after some seconds."""
    end = time.monotonic() + timeout
    while True:
        left = max(end - time.monotonic(), 0.01)
        message: Message = await asyncio.wait_for(receive(timeout=left), left + 1)
        if wanted(message):
            return message
