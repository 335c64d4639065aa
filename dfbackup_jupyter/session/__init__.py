"""Session state: what a notebook has besides its frames, and how it is kept and brought back.

Each recorder keeps one part of it. Others may be added with `register`, or by a package's entry
point in the group ``dfbackup_jupyter.recorders``.
"""

from dfbackup_jupyter.session.base import (
    Budget,
    BytesBlob,
    Comparing,
    Context,
    Kept,
    Recalled,
    Recorder,
    State,
)
from dfbackup_jupyter.session.chat_memory import ChatMemory
from dfbackup_jupyter.session.execution_log import Entry, ExecutionLog, FrameChange
from dfbackup_jupyter.session.registry import look_up, recorders, register, unregister
from dfbackup_jupyter.session.variables import A_MODULE, Variables
from dfbackup_jupyter.session.web_searches import WebSearches

__all__ = [
    "A_MODULE",
    "Budget",
    "BytesBlob",
    "ChatMemory",
    "Comparing",
    "Context",
    "Entry",
    "ExecutionLog",
    "FrameChange",
    "Kept",
    "Recalled",
    "Recorder",
    "State",
    "Variables",
    "WebSearches",
    "look_up",
    "recorders",
    "register",
    "unregister",
]
