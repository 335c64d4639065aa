"""Files from strangers, imported and restored as a user would: no code of theirs runs."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dfbackup_jupyter import BackupManager
from dfbackup_jupyter.errors import BackupError
from dfbackup_jupyter.store.manifests import seal
from dfbackup_jupyter.ui.text import text
from tests.store.kit import files
from tests.waiting import settled

Run = Callable[[str], None]

EVIL = """
import pandas as pd
from pathlib import Path
class Evil:
    def __reduce__(self):
        return Path.touch, (Path({mark!r}),)
df = pd.DataFrame({{"n": [1, 2], "o": [Evil(), Evil()]}})
held = Evil()
harmless = 5
"""


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """What exists once the code in the file has run."""
    return tmp_path / "mark"


@pytest.fixture
def evil(run: Run, manager: BackupManager, mark: Path, tmp_path: Path) -> Path:
    """A file whose column and variable run code when unpickled, and which claims trust."""
    run(EVIL.format(mark=str(mark)))
    backup = manager.create("evil")
    file = manager.export(backup.id, tmp_path / "evil.zip")
    with zipfile.ZipFile(file) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    manifest: dict[str, Any] = json.loads(entries["manifest.json"])["manifest"]
    manifest["backup"] |= {"trusted": True, "kind": "manual"}
    for frame in manifest["backup"]["frames"]:
        frame["pickled"] = []
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("manifest.json", seal(manifest))
        archive.writestr("chunks.pack", entries["chunks.pack"])
    run("del df, held, harmless")
    mark.unlink(missing_ok=True)
    return file


def test_no_code_runs_without_trust(
    evil: Path, run: Run, manager: BackupManager, mark: Path, home: Path, store_path: Path
) -> None:
    def elsewhere() -> set[Path]:
        """Everything outside the store."""
        return {path for path in home.parent.rglob("*") if store_path not in path.parents}

    before = elsewhere()
    backup = manager.import_(evil)
    assert (backup.trusted, backup.kind) == (False, "import")
    done = manager.restore(backup.id)
    manager.verify()
    assert not mark.exists()
    told = " ".join(done.warnings)
    assert "held" in told and "--trust" in told
    run("assert df['n'].tolist() == [1, 2] and 'held' not in globals() and harmless == 5")
    assert elsewhere() == before


def test_with_trust_the_same_file_runs_its_code(
    evil: Path, manager: BackupManager, mark: Path
) -> None:
    backup = manager.import_(evil, trust=True)
    assert not mark.exists()  # importing alone unpickles nothing
    manager.restore(backup.id)
    assert mark.exists()


def test_a_file_within_a_file_is_refused(evil: Path, manager: BackupManager) -> None:
    nested = evil.with_name("nested.zip")
    with zipfile.ZipFile(nested, "w") as archive:
        archive.write(evil, "manifest.json")
        archive.write(evil, "chunks.pack")
    settled(manager)
    before = files(evil.parent)
    with pytest.raises(BackupError, match="damaged") as caught:
        manager.import_(nested)
    assert caught.value.hint
    assert files(evil.parent) == before


def test_trusting_says_what_may_run_code(evil: Path, manager: BackupManager) -> None:
    backup = manager.import_(evil, trust=True)
    for told in text(backup), text(manager.get(backup.id)):
        assert "can run any code" in told
        assert "df['o']" in told and "the variables" in told
    assert "can run any code" not in text(manager.import_(evil))


def test_trusting_says_where_code_may_hide(
    run: Run, manager: BackupManager, tmp_path: Path
) -> None:
    run("""
import pandas as pd, pathlib
odd = pathlib.PurePosixPath("odd")
plain = pd.DataFrame({"n": [1, 2]})
series = pd.Series([odd, odd], name="s")
labels = pd.DataFrame({"n": [1, 2]}, index=[odd, 3])
named = pd.DataFrame({"n": [1]})
named.attrs["odd"] = odd
""")
    file = manager.export(manager.create("all").id, tmp_path / "all.zip")
    found = {info.name: info.pickled for info in manager.import_(file, trust=True).frames}
    assert found == {
        "plain": (),
        "series": ("values",),
        "labels": ("labels or attrs",),
        "named": ("labels or attrs",),
    }
