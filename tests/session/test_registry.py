from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dfbackup_jupyter.errors import InvalidRequest
from dfbackup_jupyter.session import (
    BytesBlob,
    Context,
    Recalled,
    State,
    recorders,
    register,
    registry,
    unregister,
)
from dfbackup_jupyter.store.blob import Blob

told: list[str] = []


class Notes:
    name = "notes"

    def snapshot(self, context: Context) -> State:
        return State(self.name, {})

    def restore(self, meta: Any, read: Any, context: Context, *, trust: bool) -> Recalled:
        return Recalled()


@pytest.fixture(autouse=True)
def fresh_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_registered", {})
    monkeypatch.setattr(registry, "_discovered", False)
    monkeypatch.setattr(registry, "_looked_up", None)
    told.clear()
    yield


def test_a_recorder_can_be_added_and_taken_away() -> None:
    notes = Notes()
    register(notes)
    register(notes)
    assert recorders(told.append) == (notes,)
    with pytest.raises(InvalidRequest, match="already"):
        register(Notes())
    unregister("notes")
    unregister("notes")
    assert recorders(told.append) == ()


def test_what_is_no_recorder_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no recorder"):
        register(object())  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", None, "variables", "chat_memory"])
def test_names_that_cannot_be(name: Any) -> None:
    notes = Notes()
    notes.name = name
    with pytest.raises(InvalidRequest):
        register(notes)
    assert recorders(told.append) == ()


def test_packages_add_theirs_by_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "notes_plugin-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: notes-plugin\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        f"[{registry.GROUP}]\nbroken = no_such_module:Recorder\nnotes = {__name__}:Notes\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert [type(recorder) for recorder in recorders(told.append)] == [Notes]
    assert recorders(told.append) == recorders(told.append)
    [sentence] = told
    assert "'broken' (no_such_module:Recorder)" in sentence


def test_damaged_packages_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: str) -> Any:
        raise UnicodeDecodeError("utf-8", b"", 0, 1, "damaged")

    monkeypatch.setattr(registry, "entry_points", fail)
    assert recorders(told.append) == ()
    [sentence] = told
    assert "damaged" in sentence


def test_bytes_are_a_blob() -> None:
    blob = BytesBlob(b"abcdef")
    assert isinstance(blob, Blob)
    assert (blob.nbytes, bytes(blob.read(2, 4))) == (6, b"cd")
