"""Files that were changed at random: refused in a sentence, or read as what they were."""

from __future__ import annotations

import json
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from dfbackup_jupyter import BackupManager
from dfbackup_jupyter import capture as frames_of
from dfbackup_jupyter.backup import Restored
from dfbackup_jupyter.config import DFBackup
from dfbackup_jupyter.errors import BackupError
from dfbackup_jupyter.store import Store, manifests
from tests.data.frames import large, plain, selected
from tests.support.exact import assert_same_frame

from .conftest import LONG

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGALRM")

DATA = Path(__file__).parents[1] / "data"
SEED = DATA / "v1"
FOUND = DATA / "corpus"
"""Manifests that once did harm."""

SECONDS = 180 if LONG else 1
PATIENCE = 20

ODD: list[Any] = [
    None, True, -1, 0, 1, 2**31, 2**63, -(2**63), 1e308, "", "x", "../x", "\ud800", "object", "O",
    "<f8", "__main__:X", [], [0], [[]], {}, {"kind": "pickle"}, {"range": [0, 2**62, 1]}, "0" * 64,
]  # fmt: skip


def changed_bytes(data: bytes, rng: random.Random) -> bytes:
    """A file with a few bytes flipped, cut off, repeated, moved or set to zero."""
    new = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        place, length = rng.randrange(len(new) or 1), rng.choice([1, 1, 4, 32, 500])
        match rng.randrange(6):
            case 0 if new:
                new[place % len(new)] ^= 1 << rng.randrange(8)
            case 1:
                del new[place:]
            case 2:
                del new[place : place + length]
            case 3:
                new[place:place] = new[place : place + length]
            case 4:
                new[place : place + length] = bytes(length)
            case _:
                other = rng.randrange(len(new) or 1)
                new[place : place + length] = new[other : other + length]
    return bytes(new)


def changed_json(value: Any, rng: random.Random) -> Any:
    """A copy in which something at a random place is another thing, gone, or there twice."""
    value = json.loads(json.dumps(value))
    for _ in range(rng.choice([1, 1, 2, 4])):
        holder = value
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            if not keys:
                break
            key = rng.choice(keys)
            if isinstance(holder[key], dict | list) and rng.random() < 0.8:
                holder = holder[key]
                continue
            match rng.randrange(5):
                case 0:
                    del holder[key]
                case 1:
                    holder[key] = holder[rng.choice(keys)]
                case 2 if type(holder[key]) is int:
                    holder[key] += rng.choice([-1, 1, 1000])
                case 3:
                    holder[key] = [holder[key], holder[key]]
                case _:
                    holder[key] = rng.choice(ODD)
            break
    return value


@contextmanager
def in_time() -> Iterator[None]:
    def late(*_: Any) -> None:
        raise TimeoutError("it takes for ever")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def session(store: Path) -> tuple[BackupManager, dict[str, Any]]:
    namespace: dict[str, Any] = {}
    config = DFBackup(store=str(store))
    return BackupManager(namespace=namespace, hidden=tuple, transform=str, config=config), namespace


def assert_right(namespace: dict[str, Any], done: Restored) -> None:
    """What came back without a word is one of the two states that were saved."""
    right = {**plain(), "large": large()}
    for name in right.keys() & namespace.keys():
        if not done.warnings:
            try:
                assert_same_frame(namespace[name], right[name])
            except AssertionError:
                if name != "large":
                    raise
                assert_same_frame(namespace[name], selected())


def import_it(data: bytes, folder: Path) -> bool:
    """Import and restore a file, if it is taken; whether it was."""
    file = folder / "stranger.zip"
    file.write_bytes(data)
    manager, namespace = session(folder / "mine")
    try:
        found = manager.import_(file)
        done = manager.restore(found.id, data_only=True)
    except BackupError:
        return False
    finally:
        manager.close()
    assert_right(namespace, done)
    return True


def look_at_it(root: Path, *, lies: bool = False) -> bool:
    """List, show, compare, check and restore what is in a store; whether all was well.

    Parameters
    ----------
    lies : bool
        Whether it may say of one frame that it is another one.
    """
    manager, namespace = session(root)
    try:
        well = manager.verify().ok
        for backup in manager.list(all=True):
            for look in (manager.show, manager.diff):
                with suppress(BackupError):
                    look(backup.id)
            try:
                done = manager.restore(backup.id, data_only=True)
            except BackupError:
                well = False
            else:
                if not lies:
                    assert_right(namespace, done)
        return well
    finally:
        manager.close()


def fuzz(name: str, try_it: Callable[[random.Random], bool], figures: Counter[str]) -> None:
    """Try changed inputs until the time is over."""
    ends = time.monotonic() + SECONDS
    seed = time.time_ns() if LONG else 0
    while time.monotonic() < ends:
        seed += 1
        try:
            with in_time():
                taken = try_it(random.Random(seed))
        except Exception as error:
            raise AssertionError(f"{name}, seed {seed}: {error!r}") from error
        figures[
            f"changed {name} {'read as they were' if taken else 'refused or told as damaged'}"
        ] += 1


def test_files(tmp_path: Path, figures: Counter[str]) -> None:
    data = (SEED / "second.zip").read_bytes()
    fuzz("files", lambda rng: import_it(changed_bytes(data, rng), tmp_path), figures)


def test_packs(tmp_path: Path, figures: Counter[str]) -> None:
    def one(rng: random.Random) -> bool:
        root = shutil.copytree(SEED / "store", tmp_path / "store")
        pack = rng.choice(sorted((root / "packs").iterdir()))
        pack.write_bytes(changed_bytes(pack.read_bytes(), rng))
        try:
            return look_at_it(root)
        finally:
            shutil.rmtree(root)

    fuzz("packs", one, figures)


def test_manifests(tmp_path: Path, figures: Counter[str]) -> None:
    """With a checksum that is right, as somebody would make it who means harm."""

    def one(rng: random.Random) -> bool:
        root = shutil.copytree(SEED / "store", tmp_path / "store")
        file = rng.choice(sorted((root / "manifests").iterdir()))
        manifest = changed_json(json.loads(file.read_text())["manifest"], rng)
        try:
            file.write_bytes(manifests.seal(manifest))
            return look_at_it(root, lies=True)
        finally:
            shutil.rmtree(root)

    fuzz("manifests", one, figures)


def test_descriptions(tmp_path: Path, figures: Counter[str]) -> None:
    """Of frames, which come from a file that is sound otherwise."""
    store = Store(shutil.copytree(SEED / "store", tmp_path / "store"))
    objects = [
        store.read(hash, packs)
        for manifest in store.manifests()
        for hash, packs in manifest["objects"].items()
    ]

    def one(rng: random.Random) -> bool:
        stored = rng.choice(objects)
        try:
            frames_of.decode(changed_json(stored.meta, rng), stored.read, trust=False)
        except BackupError:
            return False
        return True

    fuzz("descriptions", one, figures)


@pytest.mark.parametrize("file", sorted(FOUND.iterdir()), ids=lambda path: path.stem)
def test_what_once_did_harm(file: Path, tmp_path: Path) -> None:
    root = shutil.copytree(SEED / "store", tmp_path / "store")
    id = json.loads(file.read_text())["manifest"]["id"]
    (root / "manifests" / f"{id}.json").write_bytes(file.read_bytes())
    with in_time():
        assert look_at_it(root, lies=True) == (file.stem == "listed-in-another-pack")
