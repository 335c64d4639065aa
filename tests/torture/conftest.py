from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest

LONG = bool(os.environ.get("TORTURE"))
"""Whether this is `make torture`: everything, rather than what takes seconds."""

_figures: Counter[str] = Counter()
_notes: list[str] = []


@pytest.fixture(scope="session")
def figures() -> Counter[str]:
    """What is printed at the end: how often something was done, and survived."""
    return _figures


@pytest.fixture(scope="session")
def note() -> object:
    """Print a line of figures at the end."""
    return _notes.append


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the figures to the process that prints them, where several run the tests."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["torture"] = dict(_figures), _notes


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add up what one of several processes has found."""
    figures, notes = getattr(node, "workeroutput", {}).get("torture", ({}, []))
    _figures.update(figures)
    _notes.extend(notes)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _figures or _notes:
        terminalreporter.section("torture")
        for what, count in _figures.items():
            terminalreporter.line(f"{count:>10,}  {what}")
        for line in _notes:
            terminalreporter.line(line)
        lost = len(terminalreporter.stats.get("failed", ()))
        terminalreporter.line("nothing lost" if not lost else f"{lost} tests failed: see above")
