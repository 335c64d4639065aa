"""Shared fixtures: nothing a test does reaches the user's own folders."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from dfbackup_jupyter import BackupManager
from tests.kernels import Kernel

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, with Jupyter's, IPython's and our own folders in it."""
    home = tmp_path / "home"
    home.mkdir()
    for name in [name for name in os.environ if name.startswith(("DFBACKUP_", "JUPYTER_", "JPY_"))]:
        monkeypatch.delenv(name)
    folders = {
        "HOME": home,
        "USERPROFILE": home,
        "IPYTHONDIR": home / ".ipython",
        "JUPYTER_CONFIG_DIR": home / ".jupyter",
        "JUPYTER_DATA_DIR": home / "jupyter",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "DFBACKUP_STORE": home / "store",
    }
    for name, folder in folders.items():
        monkeypatch.setenv(name, str(folder))
    # Kernels import the same package as the tests do.
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    return home


@pytest.fixture
def store_path(home: Path) -> Path:
    """Where this test's backups are; not made yet."""
    return home / "store"


@pytest.fixture
def bare_shell(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """A fresh IPython shell, without us."""
    for name in ("displayhook", "excepthook"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    config = Config()
    config.HistoryManager.enabled = False
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=config)
    yield shell
    shell.extension_manager.unload_extension("dfbackup_jupyter")
    shell.atexit_operations()
    atexit.unregister(shell.atexit_operations)
    shell.restore_sys_module_state()
    InteractiveShell.clear_instance()


@pytest.fixture
def shell(bare_shell: InteractiveShell) -> InteractiveShell:
    """A fresh IPython shell with the extension loaded."""
    bare_shell.extension_manager.load_extension("dfbackup_jupyter")
    return bare_shell


@pytest.fixture
def manager(shell: InteractiveShell) -> BackupManager:
    """The manager of the shell."""
    return BackupManager.current()


@pytest.fixture
def run(shell: InteractiveShell) -> Callable[[str], None]:
    """Run a cell in the shell; raises what it raised."""

    def run(source: str) -> None:
        shell.run_cell(source, store_history=True).raise_error()

    return run


@pytest.fixture
def start_kernel(home: Path, tmp_path: Path) -> Iterator[Callable[..., Kernel]]:
    """Start real kernels: ``start_kernel(load=True, **environment)``."""
    kernels: list[Kernel] = []

    def start(*, load: bool = True, **environment: str) -> Kernel:
        autoload = {"DFBACKUP_AUTOLOAD": "0"} if load else {}
        kernels.append(Kernel({**os.environ, **autoload, **environment}, tmp_path, load=load))
        return kernels[-1]

    yield start
    for kernel in kernels:
        kernel.client.stop_channels()
        kernel.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(start_kernel: Callable[..., Kernel]) -> Kernel:
    """A real kernel with the extension loaded."""
    return start_kernel()
