"""Stores and files of every released format are read for ever."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dfbackup_jupyter import BackupManager
from dfbackup_jupyter.config import DFBackup
from dfbackup_jupyter.errors import BackupError
from dfbackup_jupyter.store import manifests
from tests.data.frames import large, plain, selected
from tests.support.exact import assert_same_frame

VERSIONS = sorted(path for path in (Path(__file__).parent / "data").glob("v*"))
EXPECTED: dict[str, Callable[[], dict[str, Any]]] = {
    "first": lambda: {**plain(), "large": large()},
    "second": lambda: {**plain(), "large": selected()},
}

Read = Callable[[Path], tuple[BackupManager, dict[str, Any]]]

each_version = pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.name)


@pytest.fixture
def read() -> Iterator[Read]:
    """Have a new session use a store."""
    managers: list[BackupManager] = []

    def use(store: Path) -> tuple[BackupManager, dict[str, Any]]:
        namespace: dict[str, Any] = {}
        config = DFBackup(store=str(store))
        managers.append(
            BackupManager(namespace=namespace, hidden=tuple, transform=str, config=config)
        )
        return managers[-1], namespace

    yield use
    for manager in managers:
        manager.close()


@pytest.fixture
def store(version: Path, tmp_path: Path) -> Path:
    copy: Path = shutil.copytree(version / "store", tmp_path / "old")
    return copy


def assert_restored(namespace: dict[str, Any], expected: dict[str, Any]) -> None:
    assert namespace.keys() >= expected.keys()
    for name, frame in expected.items():
        assert_same_frame(namespace[name], frame)


@each_version
@pytest.mark.parametrize("name", EXPECTED)
def test_a_store_is_read(store: Path, read: Read, name: str) -> None:
    manager, namespace = read(store)
    assert manager.verify().ok
    assert manager.restore(name).warnings == ()
    assert_restored(namespace, EXPECTED[name]())


@each_version
def test_a_store_is_written_to(store: Path, read: Read) -> None:
    manager, namespace = read(store)
    manager.restore("first")
    namespace["large"] = namespace["large"].head(5)
    manager.create("third")
    manager.delete(["first"])
    again, found = read(store)
    assert again.verify().ok
    again.restore("third")
    assert_restored(found, {**plain(), "large": large().head(5)})


@each_version
def test_a_file_is_imported(version: Path, tmp_path: Path, read: Read) -> None:
    manager, namespace = read(tmp_path / "new")
    manager.restore(manager.import_(version / "second.zip", trust=True).id)
    assert_restored(namespace, EXPECTED["second"]())


class TestNewer:
    """What a later version wrote is refused in a sentence, and left as it is."""

    @pytest.fixture
    def version(self) -> Path:
        return VERSIONS[-1]

    def test_a_store(self, store: Path, read: Read) -> None:
        mark = store / "format"
        mark.write_text(re.sub(r"\d+", "99", mark.read_text()))
        before = {path: path.stat().st_mtime_ns for path in store.rglob("*")}
        manager, namespace = read(store)
        assert "newer version" in (manager.problem or "")
        namespace["df"] = large()
        with pytest.raises(BackupError, match="newer version"):
            manager.create("x")
        assert {path: path.stat().st_mtime_ns for path in store.rglob("*")} == before

    def test_one_backup(self, store: Path, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
        [file] = (store / "manifests").glob("*_second.json")
        file.chmod(0o600)
        with monkeypatch.context() as patch:
            patch.setattr(manifests, "FORMAT", 99)
            file.write_bytes(manifests.seal(json.loads(file.read_text())["manifest"]))
        manager, namespace = read(store)
        assert any("newer version" in damage.what for damage in manager.verify().damage)
        manager.restore("first")
        assert_restored(namespace, EXPECTED["first"]())
