"""Asking before something is lost."""

from __future__ import annotations

from IPython.core.error import StdinNotImplementedError

from dfbackup_jupyter.errors import InvalidRequest


def agreed(question: str) -> bool:
    """Return whether the user says yes."""
    return _ask(f"{question} [y/N] ").lower() in ("y", "yes")


def typed(word: str, warning: str) -> bool:
    """Return whether the user types a word."""
    return _ask(f"{warning} To go on, type {word}: ") == word


def _ask(question: str) -> str:
    try:
        return input(question).strip()
    except (StdinNotImplementedError, EOFError):
        raise InvalidRequest(
            "Nothing was deleted: this must be confirmed, and questions cannot be asked here.",
            "Add --yes to the command.",
        ) from None
