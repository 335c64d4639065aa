"""A real JupyterLab or Notebook server, and a notebook in a real browser."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from playwright.sync_api import Browser, Page, Playwright

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

_READY = "window.jupyterapp?.shell?.currentWidget?.context?.isReady"
_IDLE = "window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'"
_RUN = """async source => {
    const {commands, shell} = window.jupyterapp;
    const notebook = shell.currentWidget.content;
    notebook.activeCellIndex = notebook.widgets.length - 1;
    notebook.activeCell.model.sharedModel.setSource(source);
    await commands.execute('notebook:run-cell-and-insert-below');
}"""
_START = _RUN.replace("await commands", "commands")
_OUTPUT = """() => {
    const cells = window.jupyterapp.shell.currentWidget.content.widgets;
    return cells[cells.length - 2].node.querySelector('.jp-OutputArea')?.innerText ?? '';
}"""


class Lab:
    """A running server whose files and settings all lie below one folder.

    Parameters
    ----------
    home : Path
        The folder; notebooks are opened from it.
    app : str
        ``jupyterlab`` or ``notebook``.
    """

    def __init__(self, home: Path, app: str = "jupyterlab") -> None:
        self.home = home
        self._app = app
        self._port = _free_port()
        folders = {
            name: str(home / ".folders" / name.lower())
            for name in (
                "JUPYTER_CONFIG_DIR",
                "JUPYTER_DATA_DIR",
                "JUPYTER_RUNTIME_DIR",
                "IPYTHONDIR",
            )
        }
        environment = {k: v for k, v in os.environ.items() if not k.startswith("DFBACKUP_")}
        self._server = subprocess.Popen(
            [
                *(sys.executable, "-m", app, "--no-browser", "--allow-root"),
                *(f"--ServerApp.root_dir={home}", f"--port={self._port}"),
                *("--IdentityProvider.token=", "--LabApp.news_url=None"),
                "--MCPExtensionApp.mcp_port=0",  # several servers may run at once
                "--LabApp.expose_app_in_browser=True",
                "--JupyterNotebookApp.expose_app_in_browser=True",
            ],
            env={**environment, **folders, "DFBACKUP_STORE": str(home / ".folders" / "store")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()

    def write(self, name: str, cells: Sequence[str] = ()) -> str:
        """Write a notebook, and return its name."""
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        content = {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"kernelspec": kernel},
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"cell-{number}",
                    "source": source,
                    "metadata": {},
                    "outputs": [],
                    "execution_count": None,
                }
                for number, source in enumerate([*cells, ""])
            ],
        }
        (self.home / name).write_text(json.dumps(content))
        return name

    def open(self, page: Page, name: str) -> Notebook:
        """Open a notebook in a page, with an empty workspace, and wait for its kernel."""
        route = "notebooks" if self._app == "notebook" else "lab/tree"
        reset = "" if self._app == "notebook" else "?reset"
        page.goto(f"http://127.0.0.1:{self._port}/{route}/{name}{reset}")
        page.wait_for_function(_READY, timeout=60_000)
        page.wait_for_function(_IDLE, timeout=60_000)
        return Notebook(page)

    def stop(self) -> None:
        """End the server and its kernels."""
        self._server.terminate()
        self._server.wait()

    def _wait(self) -> None:
        for _ in range(300):
            try:
                urlopen(f"http://127.0.0.1:{self._port}/api").close()
                return
            except OSError:
                time.sleep(0.2)
        raise TimeoutError("the server does not answer")


class Notebook:
    """The notebook that a page shows."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def run(self, source: str) -> str:
        """Run a new last cell, wait for its end, and return what it shows."""
        self.page.evaluate(_RUN, source)
        text: str = self.page.evaluate(_OUTPUT)
        return text

    def start(self, source: str) -> None:
        """Run a new last cell without waiting for it."""
        self.page.evaluate(_START, source)

    def execute(self, command: str, **arguments: Any) -> None:
        """Execute one of the application's commands."""
        self.page.evaluate(
            "([id, args]) => window.jupyterapp.commands.execute(id, args)", [command, arguments]
        )

    def idle(self) -> None:
        """Wait until the kernel has nothing to do."""
        self.page.wait_for_function(_IDLE, timeout=60_000)


@contextmanager
def browser_of(playwright: Playwright) -> Iterator[Browser]:
    """Start Chromium."""
    browser = playwright.chromium.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
    )
    try:
        yield browser
    finally:
        browser.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
