"""Makes `quickstart.png`: JupyterLab with the quickstart, after an undo.

Run with what ``make test`` has made, chromium included: ``.venv/bin/python docs/screenshot.py``.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
PICTURE = Path(__file__).with_name("quickstart.png")
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
    """Start JupyterLab in an empty home, run the notebook, take the picture."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        shutil.copy(ROOT / "examples" / "quickstart.ipynb", home)
        port = free_port()
        server = start_server(home, port)
        try:
            wait_for(f"http://127.0.0.1:{port}/api")
            browser = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
            )
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            page.goto(f"http://127.0.0.1:{port}/lab/tree/quickstart.ipynb?reset")
            run_notebook(page)
            page.screenshot(path=str(PICTURE))
            browser.close()
        finally:
            server.terminate()
            server.wait()


def start_server(home: str, port: int) -> subprocess.Popen[bytes]:
    """Start JupyterLab with all its folders below `home`."""
    folders = {
        name: str(Path(home, ".folders", name.lower()))
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    }
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *(f"--ServerApp.root_dir={home}", f"--port={port}", "--IdentityProvider.token="),
            *("--LabApp.news_url=None", "--LabApp.expose_app_in_browser=True"),
        ],
        env={**os.environ, **folders, "DFBACKUP_STORE": str(Path(home, ".folders", "store"))},
        stderr=subprocess.DEVNULL,
    )


def run_notebook(page: Page) -> None:
    """Run the notebook's cells one by one, and bring the interesting ones into view."""
    page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.context?.isReady")
    page.wait_for_function(
        "window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'",
        timeout=60_000,
    )
    page.get_by_role("button", name="No", exact=True).click()  # no news
    page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
    page.evaluate(RUN, LAST_CELL)
    page.wait_for_timeout(2000)  # outputs take their place
    page.evaluate(SCROLL, TOP_CELL)
    page.wait_for_timeout(1000)


def wait_for(url: str) -> None:
    """Wait until a server answers."""
    for _ in range(300):
        try:
            urlopen(url).close()
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(url)


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    main()
