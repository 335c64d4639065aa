"""The disk is full, broken, read-only or forbidden, at every call in turn."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from dfbackup_jupyter import BackupManager
from dfbackup_jupyter.errors import ArchiveError, StoreError, StoreUnavailable
from dfbackup_jupyter.store import Store
from tests.store.kit import load, random_bytes, save
from tests.waiting import settled

from .conftest import LONG
from .faults import CHANGES, LOOKS, FaultyOS, fail, injected
from .test_crash import ACTS, MAY_GO, all_is_well, before  # noqa: F401

ERRORS = [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EMFILE]
STRIDE, PER_CALL = (1, 2) if LONG else (7, 1)

each_duration = pytest.mark.parametrize("lasting", [False, True], ids=["once", "for ever"])


@each_duration
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_an_error_at_each_call(
    before: Path,  # noqa: F811
    act: Any,
    lasting: bool,
    figures: Counter[str],
) -> None:
    root = before.with_name("store")
    errors = 0
    for nth in count(1, STRIDE):
        # All six at each call would take ten minutes; the next call meets the next two.
        for code in (ERRORS * 2)[(PER_CALL * nth) % 6 :][:PER_CALL]:
            shutil.copytree(before, root)
            told: list[str] = []
            files_open = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
            faulty = FaultyOS(nth, fail(code), CHANGES | LOOKS, lasting=lasting)
            with injected(faulty):
                try:
                    act(root, told.append)
                except (StoreError, ArchiveError) as error:
                    errors += 1
                    assert error.hint
                    if isinstance(error, StoreUnavailable):
                        assert str(root) in str(error) or "export.zip" in str(error)
            if sys.platform == "linux":
                assert len(os.listdir("/proc/self/fd")) == files_open
            figures["failing calls survived"] += faulty.struck
            all_is_well(root, told, MAY_GO.get(act, ()))
            shutil.rmtree(root)
        if not faulty.struck:
            break
    assert errors


@pytest.fixture
def disturbance(
    shell: InteractiveShell, manager: BackupManager, capsys: pytest.CaptureFixture[str]
) -> Callable[[FaultyOS], None]:
    """A session in which the store fails for a few cells, and then works again."""

    def run(source: str) -> Any:
        result = shell.run_cell(source, store_history=True)
        result.raise_error()
        return result.result

    run("import pandas as pd; df = pd.DataFrame({'a': [1, 2], 'b': ['x', 'y']})")
    safe = manager.create("safe").id
    settled(manager)

    numbers = count()

    def disturb(faulty: FaultyOS) -> None:
        # Other content each time, lest an earlier backup serve.
        run(f"df = pd.DataFrame({{'a': [{next(numbers)}, 2], 'b': ['x', 'y']}})")
        settled(manager)
        right = shell.user_ns["df"].copy()
        capsys.readouterr()
        with injected(faulty):
            assert run("df = df.drop(columns='a'); df.shape[1]") == 1
            settled(manager)
            run("pass")
            assert capsys.readouterr().err.count("not being backed up") <= 1
            shell.run_line_magic("backup", "undo")
            pd.testing.assert_frame_equal(shell.user_ns["df"], right)
            settled(manager)
        known = {backup.id for backup in manager.list(kind="auto")}
        run("df['c'] = 1.5")
        run("df = df.drop(columns='c')")
        settled(manager)
        new = {backup.id for backup in manager.list(kind="auto")} - known
        assert new
        assert manager.problem is None
        store = Store(Path(manager.stats().store))
        assert safe in store.ids()
        assert store.verify() == []

    return disturb


@each_duration
def test_a_session_goes_on(
    disturbance: Callable[[FaultyOS], None], lasting: bool, figures: Counter[str]
) -> None:
    # Every backup adds to the calls of the next one, so there is no last call.
    for nth in range(1, 150, 1 if LONG else 15):
        code = ERRORS[nth % len(ERRORS)]
        faulty = FaultyOS(nth, fail(code), CHANGES | LOOKS, lasting=lasting)
        disturbance(faulty)
        figures["failing calls survived"] += faulty.struck


def test_a_store_that_cannot_be_reached_says_so_once(
    shell: InteractiveShell,
    manager: BackupManager,
    run: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    run("import pandas as pd; df = pd.DataFrame({'a': [1, 2], 'b': ['x', 'y']})")
    settled(manager)
    with injected(FaultyOS(1, fail(errno.EIO), CHANGES | LOOKS, lasting=True)):
        for column in "ab":
            run(f"df.pop('{column}')")
            settled(manager)
        run("pass")
        assert capsys.readouterr().err.count("not being backed up") == 1
        assert manager.config.store in str(manager.problem)


MEGABYTES = 8


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of a few megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    if sys.platform != "linux" or shutil.which("mount") is None:
        pytest.skip("mounts a tmpfs, which is Linux's")
    options = ["-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(place)]
    mounted = subprocess.run(["mount", *options], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"this user may not mount a disk: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    root = small_disk / "store"
    store = Store(root, grace=0)
    sizes = iter(range(100))
    told: list[int] = []
    with pytest.raises(StoreUnavailable, match="is full") as caught:
        for i in sizes:
            save(store, f"auto_{i}", random_bytes(1_000_000, i))
            told.append(i)
    assert str(root) in str(caught.value)
    assert 4 <= len(told) <= MEGABYTES
    assert list((root / "tmp").iterdir()) == []
    for i in told:
        assert load(store, f"auto_{i}") == [random_bytes(1_000_000, i)]
    assert store.verify() == []

    # To the last byte, also the small files no longer fit.
    with (small_disk / "ballast").open("wb", buffering=0) as ballast, pytest.raises(OSError):
        while True:
            ballast.write(b"x" * 100)
    with pytest.raises(StoreUnavailable, match="is full"):
        save(store, "auto_more", b"more")
    assert [load(store, f"auto_{i}") for i in told]

    (small_disk / "ballast").unlink()
    for i in told[1:]:
        store.delete(f"auto_{i}", by="test")
    for _ in range(3):
        store.collect()
    save(store, "auto_last", random_bytes(2_000_000, 99))
    assert load(store, "auto_last") == [random_bytes(2_000_000, 99)]
    assert load(store, "auto_0") == [random_bytes(1_000_000, 0)]
