from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dfbackup_jupyter.errors import BackupError, StoreUnavailable
from dfbackup_jupyter.store import Store, filesystem

from .kit import files, load, random_bytes, save


class FaultyOS:
    """The `os` module, one call of which fails: the Nth, or that one and all later ones."""

    def __init__(self, call: str, nth: int, code: int, *, ever: bool) -> None:
        self.calls = 0
        self._call, self._nth, self._code, self._ever = call, nth, code, ever

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name != self._call:
            return real

        def faulty(*args: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls == self._nth or (self._ever and self.calls > self._nth):
                raise OSError(self._code, os.strerror(self._code))
            return real(*args, **options)

        return faulty


@pytest.fixture
def umask() -> Any:
    old = os.umask(0)
    yield os.umask
    os.umask(old)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o777])
def test_private_whatever_the_umask(root: Path, umask: Any, mask: int) -> None:
    umask(mask)
    store = Store(root)
    save(store, "auto_1", random_bytes(1000))
    store.delete("auto_1", by="test")
    found = [root, *root.rglob("*")]
    assert len(found) > 8
    for path in found:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_an_open_folder_is_closed(root: Path) -> None:
    root.mkdir()
    root.chmod(0o755)
    Store(root).open()
    assert stat.S_IMODE(root.stat().st_mode) == 0o700


def test_a_linked_store_is_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    root.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreUnavailable, match="is a link"):
        Store(root).open()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_file_is_no_store(root: Path) -> None:
    root.write_text("hello")
    with pytest.raises(StoreUnavailable, match="is a link or a file"):
        Store(root).open()


def test_another_users_store_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(root)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(StoreUnavailable, match="belongs to another user"):
        Store(root).open()


def test_a_folder_of_something_else_is_refused(root: Path) -> None:
    root.mkdir()
    (root / "thesis.docx").write_text("years of work")
    mode = root.stat().st_mode
    with pytest.raises(StoreUnavailable, match="holds other files"):
        Store(root).open()
    assert [path.name for path in root.iterdir()] == ["thesis.docx"]
    assert root.stat().st_mode == mode


def test_linked_files_in_a_store_are_not_followed(store: Store, tmp_path: Path) -> None:
    save(store, "auto_1", b"x")
    path = store.root / "manifests" / "auto_1.json"
    path.rename(tmp_path / "target")
    path.symlink_to(tmp_path / "target")
    with pytest.raises(BackupError):
        store.manifest("auto_1")


def test_without_links_files_are_renamed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystem, "os", FaultyOS("link", 1, errno.EPERM, ever=True))
    store = Store(root)
    save(store, "auto_1", b"x")
    with pytest.raises(filesystem.AlreadyExists):
        save(store, "auto_1", b"y")
    assert load(Store(root), "auto_1") == [b"x"]


def test_a_link_whose_answer_was_lost_counts(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(source: Any, target: Any) -> None:
        os.link(source, target)
        raise FileExistsError(errno.EEXIST, "exists")

    store = Store(root)
    fake = SimpleNamespace(**{name: getattr(os, name) for name in dir(os)} | {"link": link})
    monkeypatch.setattr(filesystem, "os", fake)
    save(store, "auto_1", b"x")
    assert load(store, "auto_1") == [b"x"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "disk .* is full"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "not allowed"),
        (errno.EMFILE, "Too many files"),
        (errno.EIO, "reports an error"),
        (errno.ESTALE, "cannot be used"),
    ],
)
def test_each_error_has_a_sentence(
    store: Store, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    monkeypatch.setattr(filesystem, "os", FaultyOS("write", 1, code, ever=True))
    with pytest.raises(StoreUnavailable, match=words) as caught:
        save(store, "auto_1", random_bytes(1000))
    assert caught.value.hint


@pytest.mark.parametrize("nth", [1, 3])
def test_a_fault_leaves_no_temporary_file(
    store: Store, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    before = files(store.root)
    with monkeypatch.context() as patch:
        patch.setattr(filesystem, "os", FaultyOS("write", nth, errno.ENOSPC, ever=True))
        with pytest.raises(StoreUnavailable):
            save(store, "auto_1", random_bytes(5000))
    assert files(store.root) == before


def test_a_read_only_store_can_be_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    save(store, "auto_1", random_bytes(5000))
    for call in ("write", "link", "mkdir", "unlink", "utime", "rename"):
        with monkeypatch.context() as patch:
            patch.setattr(filesystem, "os", FaultyOS(call, 1, errno.EROFS, ever=True))
            assert load(Store(store.root), "auto_1") == [random_bytes(5000)]


@pytest.mark.parametrize("verb", ["create", "replace"])
def test_a_small_file_is_written_though_another_process_cleans_up(
    store: Store, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """As after a computer has slept in the middle of it."""
    fs, real, cleaned = store.fs, os.fsync, 0

    def cleaning_up(fd: int) -> None:
        nonlocal cleaned
        real(fd)
        cleaned += 1
        if cleaned == 1:
            for file in (store.root / "tmp").iterdir():
                file.unlink()

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", cleaning_up)
        getattr(fs, verb)("", "small", b"content")
    assert fs.read("", "small") == b"content"
    assert os.listdir(store.root / "tmp") == []


def test_the_storage_tells_the_time_though_another_process_cleans_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = store.fs.now()
    temporary = filesystem.Filesystem.temporary

    def swept(self: filesystem.Filesystem) -> filesystem.TemporaryFile:
        made = temporary(self)
        os.unlink(made.path)
        return made

    monkeypatch.setattr(filesystem.Filesystem, "temporary", swept)
    assert store.fs.now() == pytest.approx(expected, abs=60)
