"""What was written once is found again by its content, and is written again when it is gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dfbackup_jupyter import BackupManager, capture, contents
from dfbackup_jupyter.capture.blobs import BytesBlob
from dfbackup_jupyter.capture.capture import take
from dfbackup_jupyter.config import DFBackup
from dfbackup_jupyter.contents import Contents
from dfbackup_jupyter.row_deltas import Indexer, Selected
from dfbackup_jupyter.staging import Stager
from dfbackup_jupyter.store import BlobRef, ObjectRef, Store, Worker, writer
from tests.support.exact import assert_same_frame


def numbers(rows: int = 50_000) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({f"x{i}": rng.standard_normal(rows) for i in range(4)})


def stage(stager: Stager, frame: pd.DataFrame) -> ObjectRef:
    """Store a frame of which nothing else is in memory afterwards."""
    shot = take({"df": frame})
    stager._stage(shot, (), None, None)
    found = stager.object_of(shot.frames[0].snapshot)
    assert found is not None
    return found


def test_a_frame_that_comes_back_is_not_written_again(store_path: Path) -> None:
    stager = Stager(Store(store_path), Worker())
    frame = numbers()
    first = take({"df": frame})
    stager._stage(first, (), None, None)
    ordered = stage(stager, frame.sort_values("x1"))
    assert ordered.bytes_new < frame.memory_usage().sum() / 4, "as rows of the first one"
    del first

    again = stage(stager, frame.sort_values("x1"))

    assert again.bytes_new == 0
    assert again.hash == ordered.hash, "though what it is a selection of is no longer in memory"


def test_what_the_store_has_lost_is_written_again(tmp_path: Path) -> None:
    config = DFBackup(store=str(tmp_path / "store"))
    space: dict[str, Any] = {"df": numbers(), "other": pd.DataFrame({"a": [1]})}
    manager = BackupManager(space, hidden=tuple, transform=str, config=config)
    manager.create("first")
    before = space["df"].copy()
    space["df"] = before.copy()  # other memory
    for pack in (tmp_path / "store" / "packs").rglob("*.pack"):
        pack.unlink()

    manager.create("second")
    manager.close()

    space = {}
    manager = BackupManager(space, hidden=tuple, transform=str, config=config)
    manager.restore("second")
    manager.close()
    assert_same_frame(space["df"], before)


def test_what_was_written_to_while_it_was_stored_is_not_remembered(store_path: Path) -> None:
    stager = Stager(Store(store_path), Worker())
    frame = numbers()
    good = frame.copy()
    shot = take({"df": frame})
    values = frame["x0"].array._ndarray
    encode = writer.encode

    def meanwhile(raw: bytes, *given: Any) -> Any:
        values.flags.writeable = True
        values[:] = 0.0
        return encode(raw, *given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "encode", meanwhile)
        stager._stage(shot, (), None, None)

    again = stage(stager, good)

    stored = stager.store.read(again.hash, again.packs)
    assert_same_frame(capture.decode(stored.meta, stored.read, trust=True).frame, good)


def test_what_is_remembered_but_gone_is_not_relied_on(store_path: Path) -> None:
    stager = Stager(Store(store_path), Worker())
    frame = numbers()
    first = stage(stager, frame.copy())
    for pack in (store_path / "packs").rglob("*.pack"):
        pack.unlink()

    again = stage(stager, frame.copy())

    assert again.bytes_new == first.bytes_new
    stored = stager.store.read(again.hash, again.packs)
    assert_same_frame(capture.decode(stored.meta, stored.read, trust=True).frame, frame)


def test_what_has_not_been_met_for_longest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "_BUDGET", 2000)
    known = Contents()
    blob = BytesBlob(b"abc")
    where = [BlobRef(3, 1, (f"{i:064x}",), frozenset()) for i in range(4)]
    for digest in range(3):
        known.add(blob, digest, where[digest])
    assert known.find(blob, 0) == where[0]
    known.add(blob, 3, where[3])
    assert [known.find(blob, i) for i in range(4)] == [where[0], None, where[2], where[3]]
    assert known.find(BytesBlob(b"ab"), 0) is None, "of another length"


def test_rows_of_selections_count_once_and_take_a_bounded_part_of_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(contents, "_BUDGET", 7600)
    known = Contents()
    blob = BytesBlob(b"abc")
    base = BlobRef(3, 1, ("00" * 32,), frozenset())

    def selected(rows: np.ndarray[Any, Any]) -> Selected:
        return Selected(base, Indexer(rows, 100, {}, base), {})

    shared, other = np.zeros(500, np.uint32), np.zeros(500, np.uint32)
    for digest in range(4):
        known.add(blob, digest, selected(shared))
    assert all(known.find(blob, i) for i in range(4))
    for digest in range(4, 8):
        known.add(blob, digest, selected(other))
    assert [bool(known.find(blob, i)) for i in range(8)] == [False] * 4 + [True] * 4
    known.add(blob, 8, selected(np.zeros(2000, np.uint32)))
    assert known.find(blob, 8) is None, "it alone would take the place of all others"
    assert known.find(blob, 7)
