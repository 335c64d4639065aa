"""What is in the distributions, and that a kernel of this environment finds it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import dfbackup_jupyter
from dfbackup_jupyter.cli import STARTUP_FILE
from tests.conftest import ROOT
from tests.kernels import Kernel

FRONT_END = ROOT / "dfbackup_jupyter" / "labextension"
EXTENSION = Path("share", "jupyter", "labextensions", "dfbackup-jupyter")

needs_front_end = pytest.mark.skipif(
    not (FRONT_END / "package.json").exists(), reason="the front-end is not built: make test"
)
needs_installation = pytest.mark.skipif(
    not Path(sys.prefix, "etc", "ipython", "startup", STARTUP_FILE).exists(),
    reason="the package is not installed here: make test",
)


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel and the sdist, made of the front-end as it is now."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)],
        cwd=ROOT,
        env={**os.environ, "SKIP_JUPYTER_BUILDER": "1"},
        check=True,
        capture_output=True,
    )
    return folder


@needs_front_end
def test_the_wheel_holds_what_jupyter_and_ipython_look_for(distributions: Path) -> None:
    with zipfile.ZipFile(next(distributions.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
        data = f"dfbackup_jupyter-{dfbackup_jupyter.__version__}.data/data"
        for name in ("package.json", "install.json", "static/style.js"):
            assert f"{data}/{EXTENSION.as_posix()}/{name}" in names
        assert any("/static/remoteEntry." in name for name in names)
        assert (
            wheel.read(f"{data}/etc/ipython/startup/{STARTUP_FILE}")
            == (ROOT / "dfbackup_jupyter" / "kernel_startup.py").read_bytes()
        )
        assert "dfbackup_jupyter/py.typed" in names
        # The front-end once, and nothing of what it was made from.
        assert not [name for name in names if name.startswith("dfbackup_jupyter/labextension")]
        assert not [name for name in names if "node_modules" in name or "tests/" in name]


@needs_front_end
def test_the_sdist_installs_without_node(distributions: Path) -> None:
    with tarfile.open(next(distributions.glob("*.tar.gz"))) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert "dfbackup_jupyter/labextension/static/style.js" in names
    assert "labextension/src/index.ts" in names
    assert not [name for name in names if "node_modules" in name]


def test_both_sides_have_one_version() -> None:
    package = json.loads((ROOT / "labextension" / "package.json").read_text())
    assert package["version"] == dfbackup_jupyter.__version__


def test_the_lock_file_names_no_host() -> None:
    assert "://" not in (ROOT / "labextension" / "yarn.lock").read_text()


@needs_installation
def test_the_installed_kernel_attaches_by_itself(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel(load=False)
    kernel.run("import pandas")
    assert kernel.value("'dfbackup_jupyter' in get_ipython().extension_manager.loaded")


@needs_installation
def test_jupyterlab_lists_the_extension_as_enabled() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "jupyter", "labextension", "list"],
        capture_output=True,
        text=True,
        check=True,
    )
    line = next(
        line
        for line in (listed.stdout + listed.stderr).splitlines()
        if "dfbackup-jupyter v" in line
    )
    assert "enabled" in line
    assert "OK" in line
