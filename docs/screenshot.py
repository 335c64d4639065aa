"""Makes the pictures: JupyterLab with the quickstart after an undo, light and dark, and the panel.

Run with what ``make test`` has made, chromium included:
``PYTHONPATH=. .venv/bin/python docs/screenshot.py``.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.lab import Lab, browser_of

ROOT = Path(__file__).parents[1]
LAST_CELL = "list-again"
"""ID of the cell that is run last."""

TOP_CELL = "story-4"
"""ID of the cell at the top of the picture."""

RUN = """async last => {
    const {commands, shell} = window.jupyterapp;
    const notebook = shell.currentWidget.content;
    const end = notebook.widgets.findIndex(cell => cell.model.id === last);
    for (let i = 0; i <= end; i++) {
        notebook.activeCellIndex = i;
        await commands.execute('notebook:run-cell');
    }
}"""

SCROLL = """top => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    const cell = notebook.widgets.find(cell => cell.model.id === top);
    notebook.outerNode.scrollTop += cell.node.getBoundingClientRect().top
        - notebook.outerNode.getBoundingClientRect().top;
}"""


def main() -> None:
    """Start JupyterLab in an empty home, run the notebook, take the pictures."""
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        shutil.copy(ROOT / "examples" / "quickstart.ipynb", home)
        lab = Lab(Path(home))
        try:
            with browser_of(playwright) as browser:
                page = browser.new_page(viewport={"width": 1400, "height": 900})
                notebook = lab.open(page, "quickstart.ipynb")
                page.get_by_role("button", name="No", exact=True).click()  # no news
                notebook.execute("application:toggle-left-area")
                notebook.execute("dfbackup:show")
                page.locator("#dfbackup-sidebar").get_by_text("Storage", exact=True).click()
                page.evaluate(RUN, LAST_CELL)
                page.wait_for_timeout(3000)  # outputs take their place
                page.evaluate(SCROLL, TOP_CELL)
                take(page, "quickstart.png")
                notebook.execute("apputils:change-theme", theme="JupyterLab Dark")
                page.wait_for_timeout(2000)
                page.evaluate(SCROLL, TOP_CELL)
                take(page, "quickstart-dark.png")
                notebook.execute("apputils:change-theme", theme="JupyterLab Light")
                notebook.execute("dfbackup:manage")
                page.locator(".dfb-panel").get_by_text("History", exact=True).click()
                take(page, "panel.png")
        finally:
            lab.stop()


def take(page: Page, name: str) -> None:
    """Take one picture, once everything is drawn."""
    page.wait_for_timeout(2000)
    page.screenshot(path=str(Path(__file__).with_name(name)))


if __name__ == "__main__":
    main()
