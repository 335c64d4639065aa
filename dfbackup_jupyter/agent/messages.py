"""A tool's call on its way from a Jupyter server to the kernel whose frames are meant.

It opens a comm to `TARGET`, which is closed with the answer.
"""

from __future__ import annotations

import inspect
import time
from dataclasses import dataclass

from dfbackup_jupyter.agent.tools import TOOLS, Tool
from dfbackup_jupyter.backup import JSON
from dfbackup_jupyter.errors import InvalidRequest

VERSION = 1
TARGET = "dfbackup.tool"


@dataclass(frozen=True)
class Called:
    """A call that makes sense.

    Attributes
    ----------
    patience : float
        Seconds for which it may wait for its turn. After that, whoever sent it has given up, and it
        must not be carried out any more.
    """

    tool: Tool
    arguments: JSON
    patience: float

    def run(self) -> JSON:
        """Return the tool's answer."""
        return self.tool.function(**self.arguments)


def question(tool: str, arguments: JSON, *, until: float) -> JSON:
    """Return what opens the comm.

    Parameters
    ----------
    until : float
        When the call ends if it has not begun, in seconds since the epoch.
    """
    return {"protocol": VERSION, "tool": tool, "arguments": arguments, "until": until}


def read(data: object) -> Called:
    """Read what opened a comm.

    Raises
    ------
    InvalidRequest
        It is no call of a tool that there is, or it has come too late.
    """
    if not isinstance(data, dict) or data.get("protocol") != VERSION:
        raise InvalidRequest(
            "The Jupyter server's dfbackup-jupyter and the notebook's are of different versions.",
            "Tell the user to install the same version in both environments.",
        )
    name, arguments, until = data.get("tool"), data.get("arguments"), data.get("until")
    tool = TOOLS.get(name) if isinstance(name, str) else None
    if tool is None or not isinstance(arguments, dict) or not isinstance(until, (int, float)):
        raise InvalidRequest(
            f"The notebook's kernel knows no tool {name!r:.80}.",
            "Tell the user to install a newer dfbackup-jupyter in the notebook's environment.",
        )
    try:
        inspect.signature(tool.function).bind(**arguments)
    except TypeError as error:
        raise InvalidRequest(
            f"{name} cannot be called like this: {error}.", "Call it as its description says."
        ) from error
    patience = until - time.time()
    if patience <= 0:
        raise busy()
    return Called(tool, arguments, patience)


def busy() -> InvalidRequest:
    """Return what is said when a call had to wait for too long."""
    return InvalidRequest(
        "The notebook is running a cell, and this has to wait for its end. Nothing was done.",
        "Call again when the cell has ended, or tell the user to interrupt it.",
    )
