"""How results look, in a terminal and in a notebook."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

EVIL = "<img src=x onerror=alert(1)>\x1b[2J"
Look = Callable[[str], tuple[str, str]]


@pytest.fixture
def look(shell: InteractiveShell, cell: Callable[[str], Any]) -> Look:
    """What a line shows: plain text and HTML."""

    def shown(line: str) -> tuple[str, str]:
        data, _ = shell.display_formatter.format(cell(line))
        return data["text/plain"], data["text/html"]

    shell.display_formatter.active_types = ["text/plain", "text/html"]
    return shown


LINES = [
    "",
    "create other",
    "list --all",
    "show first",
    "diff first",
    "restore first --dry-run",
    "restore first",
    "stats",
    "verify",
    "log",
    "config",
    "delete first --yes",
    "log --deleted",
]


class _Elements(HTMLParser):
    _VOID = frozenset({"br", "img", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        if tag not in self._VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def elements(html: str) -> set[str]:
    """Names of the elements; every one must be closed."""
    parser = _Elements()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser.names


def test_what_users_write_neither_runs_nor_steers(look: Look, shell: InteractiveShell) -> None:
    shell.user_ns["evil"] = EVIL
    shell.run_cell(
        "dfs[evil] = pd.DataFrame({evil: [evil]}).rename_axis(evil)\n"
        "%backup create first -d '{evil}'"
    )
    shell.run_cell("%backup create '{evil}'")
    shell.run_cell("dfs[evil] = dfs[evil].assign(y=evil)  # <img src=x>\ndf.loc[0, 'city'] = evil")
    allowed = set("style div span table thead tbody tr th td pre code details summary p".split())
    text, html = look("%backup show '{evil}'")
    assert "backup <img src=x onerror=alert(1)>" in text
    assert "backup &lt;img src=x onerror=alert(1)&gt;" in html
    for line in LINES:
        text, html = look(f"%backup {line}")
        assert elements(html) <= allowed, line
        assert text.strip()
        assert "\x1b" not in text


def test_what_is_shown(look: Look, cell: Callable[[str], Any], shell: InteractiveShell) -> None:
    cell("s = pd.Series([7, 8], name='unit')")
    cell("%backup create 日本")
    cell("%backup create first")
    head, *rows = look("%backup list")[0].splitlines()[1:4]
    assert len({row.index("just now") for row in rows}) == 1
    assert not any(row != row.rstrip() for row in [head, *rows])

    text, html = look("%backup show first")
    for word in ("Rome", "1.5", "unit", "2 × 2"):
        assert word in text
        assert word in html

    cell("b = %backup show first")
    within_another = shell.display_formatter.format([shell.user_ns["b"].backup])[0]["text/plain"]
    assert "\n" not in within_another


def test_damage_is_shown(
    look: Look, cell: Callable[[str], Any], shell: InteractiveShell, store_path: Any
) -> None:
    cell("%backup create first")
    shell.run_line_magic("unload_ext", "dfbackup_jupyter")
    for pack in [p for p in store_path.rglob("*") if p.is_file() and "pack" in str(p)]:
        pack.chmod(0o600)
        data = bytearray(pack.read_bytes())
        data[len(data) // 2] ^= 0xFF
        pack.write_bytes(data)
    shell.run_line_magic("load_ext", "dfbackup_jupyter")
    text, html = look("%backup verify")
    assert "damaged" in text
    assert "manual_" in html
