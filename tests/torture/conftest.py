from __future__ import annotations

import os
from collections import Counter

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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _figures or _notes:
        terminalreporter.section("torture")
        for what, count in _figures.items():
            terminalreporter.line(f"{count:>10,}  {what}")
        for line in _notes:
            terminalreporter.line(line)
        lost = len(terminalreporter.stats.get("failed", ()))
        terminalreporter.line("nothing lost" if not lost else f"{lost} tests failed: see above")
