"""Backups for AI agents: the tools as plain functions, and thin adapters to frameworks.

Only the adapters need packages beyond the product's own: those of the extra ``agents``.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from dfbackup_jupyter.agent.tools import (
    TOOLS,
    Tool,
    backup_stats,
    delete_all_backups,
    delete_backup,
    diff_backup,
    list_backups,
    manual_backup,
    quick_backup,
    restore_backup,
    session_cleanup,
    undo_last,
)
from dfbackup_jupyter.errors import AgentError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from dfbackup_jupyter.agent.confirmation import Person
    from dfbackup_jupyter.agent.langchain import langchain_tools
    from dfbackup_jupyter.agent.middleware import BackupMiddleware
    from dfbackup_jupyter.manager import BackupManager

__all__ = [
    "TOOLS",
    "BackupMiddleware",
    "Tool",
    "ask",
    "backup_stats",
    "delete_all_backups",
    "delete_backup",
    "diff_backup",
    "langchain_tools",
    "list_backups",
    "manual_backup",
    "quick_backup",
    "restore_backup",
    "session_cleanup",
    "undo_last",
    "use_model",
]

_HOMES = {
    "BackupMiddleware": "dfbackup_jupyter.agent.middleware",
    "langchain_tools": "dfbackup_jupyter.agent.langchain",
}


_model: BaseChatModel | None = None


def use_model(model: BaseChatModel | None) -> None:
    """Have ``%backup ask`` use a chat model of your own; None means that of the setting again.

    Parameters
    ----------
    model : BaseChatModel
        For models that need more than a name: another address, a temperature, no network.
    """
    global _model
    _model = model


def ask(
    manager: BackupManager, request: str, *, confirm: Person, show: Callable[[str], None]
) -> str:
    """Have the agent do what is asked for, and return its answer.

    Parameters
    ----------
    confirm : callable
        Asks the user before anything is deleted.
    show : callable
        Shows the user a step, in a line or more.

    Raises
    ------
    AgentError
        There is no model, the extra is not installed, the model does not work, or it goes round in
        circles.
    """
    assistant = _imported("dfbackup_jupyter.agent.assistant")
    answer: str = assistant.ask(manager, request, model=_model, confirm=confirm, show=show)
    return answer


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(_imported(_HOMES[name]), name)
    return value


def _imported(module: str) -> ModuleType:
    """Import a module that needs the extra.

    Raises
    ------
    AgentError
        The extra is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("dfbackup_jupyter"):
            raise
        raise AgentError(
            f"This needs LangChain, and {error.name} is not installed here.",
            'Run: %pip install "dfbackup-jupyter[agents]", and restart the kernel.',
        ) from None
