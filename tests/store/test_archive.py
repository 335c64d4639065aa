from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dfbackup_jupyter.errors import ArchiveError, BackupError, BackupNotFound, StoreTooNew
from dfbackup_jupyter.store import Store, archive, manifests, objects
from dfbackup_jupyter.store.codecs import digest, encode
from dfbackup_jupyter.store.manifests import seal
from dfbackup_jupyter.store.pack import PackEncoder

from .kit import files, load, random_bytes, save

BLOBS = [random_bytes(5000), b"lorem ipsum " * 1000, b""]


def rewrite(manifest: dict[str, Any]) -> dict[str, Any]:
    return {**manifest, "id": "import_1"}


@pytest.fixture
def exported(store: Store, tmp_path: Path) -> Path:
    save(store, "auto_1", *BLOBS)
    store.export("auto_1", tmp_path / "backup.zip")
    return tmp_path / "backup.zip"


@pytest.fixture
def target(tmp_path: Path) -> Store:
    return Store(tmp_path / "target", chunk_bytes=1024).open()


def refuse(target: Store, file: Path, words: str | None = None) -> None:
    """The file is refused, and nothing but that happens."""
    before = files(target.root.parent)
    with pytest.raises(ArchiveError, match=words) as caught:
        target.import_(file, rewrite=rewrite)
    assert str(caught.value)
    assert files(target.root.parent) == before


def packed(raws: list[bytes]) -> bytes:
    data = bytearray()
    encoder = PackEncoder(data.extend)
    for raw in raws:
        encoder.add(encode(raw, 1, digest(raw)))
    encoder.finish()
    return bytes(data)


def write_zip(
    file: Path, entries: list[tuple[str | zipfile.ZipInfo, bytes]], **options: Any
) -> None:
    with zipfile.ZipFile(file, "w", **options) as archive_file:
        for name, data in entries:
            archive_file.writestr(name, data)


def forge(file: Path, meta: bytes = b"null", blobs: bytes = b"[]", **manifest: Any) -> None:
    """A well-formed archive of one object whose description is `meta` and `blobs`."""
    recipe = b'{"blobs":' + blobs + b',"meta":' + meta + b"}"
    whole = {"id": "auto_1", "objects": {digest(recipe).hex(): ["a"]}, **manifest}
    write_zip(file, [("manifest.json", seal(whole)), ("chunks.pack", packed([recipe, b"data"]))])


def test_what_is_exported_is_imported(exported: Path, target: Store) -> None:
    ticks: list[int] = []
    manifest = target.import_(exported, rewrite=rewrite, tick=ticks.append)
    assert manifest == target.manifest("import_1")
    assert load(Store(target.root), "import_1") == BLOBS
    assert sum(ticks) > sum(map(len, BLOBS)) / 2
    assert target.verify() == []


def test_importing_twice_stores_once(exported: Path, target: Store) -> None:
    target.import_(exported, rewrite=rewrite)
    before = target.usage().packs
    target.import_(exported, rewrite=lambda m: {**m, "id": "import_2"})
    assert target.usage().packs == before
    assert load(target, "import_2") == BLOBS


def test_importing_into_the_store_it_came_from(exported: Path, store: Store) -> None:
    store.import_(exported, rewrite=rewrite)
    assert load(store, "import_1") == BLOBS
    assert store.usage().packs == 1


def test_rewriting_may_drop_objects(exported: Path, target: Store) -> None:
    target.import_(exported, rewrite=lambda m: {"id": "import_1", "objects": {}})
    assert target.manifest("import_1") == {"id": "import_1", "objects": {}}


def test_forged_but_harmless_is_imported(tmp_path: Path, target: Store) -> None:
    forge(tmp_path / "x.zip", meta=b'{"a":1}')
    target.import_(tmp_path / "x.zip", rewrite=rewrite)
    assert load(target, "import_1") == []


def test_exporting_replaces_the_file_as_a_whole(
    exported: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = exported.read_bytes()

    def cancel(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.export("auto_1", exported, tick=cancel)
    assert exported.read_bytes() == before
    assert [path.name for path in exported.parent.iterdir() if path.is_file()] == ["backup.zip"]
    store.export("auto_1", exported)


def test_exporting_what_is_not_there(store: Store, tmp_path: Path) -> None:
    with pytest.raises(BackupNotFound):
        store.export("auto_9", tmp_path / "x.zip")
    save(store, "auto_1", b"x")
    with pytest.raises(ArchiveError, match="cannot be used: no such file"):
        store.export("auto_1", tmp_path / "no" / "x.zip")


def test_no_archive_at_all(target: Store, tmp_path: Path) -> None:
    for name, data in {"empty": b"", "text": b"hello" * 100, "pickle": b"\x80\x04N."}.items():
        (tmp_path / name).write_bytes(data)
        refuse(target, tmp_path / name, "is not a backup")
    refuse(target, tmp_path / "missing.zip", "no such file")
    refuse(target, tmp_path, "is not a file")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArchiveError, match="is not a file"):
        target.import_(tmp_path / "pipe", rewrite=rewrite)


NAMES = ["../evil", "/tmp/evil", "C:\\evil", "manifest.json/", "x/manifest.json", "a.pkl",
         "inner.zip", "MANIFEST.JSON"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_other_entries_are_refused(exported: Path, target: Store, name: str) -> None:
    with zipfile.ZipFile(exported, "a") as archive_file:
        archive_file.writestr(name, b"evil")
    refuse(target, exported, "is not a backup")


def test_duplicate_entries_are_refused(exported: Path, target: Store) -> None:
    with (
        zipfile.ZipFile(exported, "a") as archive_file,
        pytest.warns(UserWarning, match="Duplicate"),
    ):
        archive_file.writestr("manifest.json", b"{}")
    refuse(target, exported, "is not a backup")


def entries_of(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive_file:
        return {name: archive_file.read(name) for name in archive_file.namelist()}


def test_missing_entries_are_refused(exported: Path, target: Store) -> None:
    for name, data in entries_of(exported).items():
        write_zip(exported, [(name, data)])
        refuse(target, exported, "is not a backup")


def test_links_are_refused(exported: Path, target: Store) -> None:
    entries = entries_of(exported)
    link = zipfile.ZipInfo("manifest.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    write_zip(exported, [(link, b"/etc/passwd"), ("chunks.pack", entries["chunks.pack"])])
    refuse(target, exported, "is not a backup")


def test_zip_compression_and_so_zip_bombs_are_refused(exported: Path, target: Store) -> None:
    write_zip(exported, list(entries_of(exported).items()), compression=zipfile.ZIP_DEFLATED)
    refuse(target, exported, "packed again")


def test_overlapping_entries_are_refused(exported: Path, target: Store) -> None:
    data = exported.read_bytes()
    second = data.rindex(b"PK\1\2")
    with zipfile.ZipFile(exported) as archive_file:
        first = archive_file.infolist()[0].header_offset
    forged = data[: second + 42] + first.to_bytes(4, "little") + data[second + 46 :]
    exported.write_bytes(forged)
    refuse(target, exported)


def test_a_huge_list_of_entries_is_not_read(
    tmp_path: Path, target: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_zip(tmp_path / "x.zip", [(f"{i}", b"") for i in range(1000)])
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("the list was read"))
    refuse(target, tmp_path / "x.zip", "is not a backup")


def test_a_lying_size_is_refused(exported: Path, target: Store) -> None:
    data = exported.read_bytes()
    at = data.index(b"PK\1\2") + 20
    for field in (0, 4):
        for value in (1, 0x7FFFFFFF):
            forged = bytearray(data)
            forged[at + field : at + field + 4] = value.to_bytes(4, "little")
            exported.write_bytes(forged)
            refuse(target, exported)


def test_a_huge_manifest_is_refused(
    tmp_path: Path, target: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_MANIFEST", 10_000)
    forge(tmp_path / "x.zip", padding="x" * 10_000)
    refuse(target, tmp_path / "x.zip", "far too large")


def test_deep_json_is_refused(tmp_path: Path, target: Store) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    write_zip(tmp_path / "x.zip", [("manifest.json", deep), ("chunks.pack", packed([]))])
    refuse(target, tmp_path / "x.zip", "nested too deeply")
    forge(tmp_path / "x.zip", meta=deep)
    refuse(target, tmp_path / "x.zip", "nested too deeply")
    forge(tmp_path / "x.zip", meta=json.dumps("[" * 1000).encode())
    target.import_(tmp_path / "x.zip", rewrite=rewrite)


DATA = digest(b"data").hex()


@pytest.mark.parametrize(
    "blobs",
    [
        "null",
        "[1]",
        '[{"nbytes": 4, "itemsize": 1}]',
        f'[{{"nbytes": 5, "itemsize": 1, "chunks": ["{DATA}"]}}]',
        f'[{{"nbytes": -4, "itemsize": 1, "chunks": ["{DATA}"]}}]',
        f'[{{"nbytes": 4.0, "itemsize": 1, "chunks": ["{DATA}"]}}]',
        f'[{{"nbytes": true, "itemsize": 1, "chunks": ["{DATA}"]}}]',
        f'[{{"nbytes": 4, "itemsize": 0, "chunks": ["{DATA}"]}}]',
        f'[{{"nbytes": 4, "itemsize": 3, "chunks": ["{DATA}"]}}]',
        f'[{{"nbytes": 4, "itemsize": 1, "chunks": ["{DATA[:-2]}"]}}]',
        f'[{{"nbytes": 4, "itemsize": 1, "chunks": ["{"0" * 64}"]}}]',
        f'[{{"nbytes": 4, "itemsize": 1, "chunks": "{DATA}"}}]',
    ],
)
def test_descriptions_that_lie_are_refused(tmp_path: Path, target: Store, blobs: str) -> None:
    forge(tmp_path / "x.zip", blobs=blobs.encode())
    refuse(target, tmp_path / "x.zip")


@pytest.mark.parametrize(
    "manifest",
    [
        {"id": "../../evil"},
        {"objects": {"a" * 64: ["a"]}},
        {"objects": {"../evil": ["a"]}},
        {"objects": {"a" * 64: ["../evil"]}},
        {"objects": 7},
    ],
)
def test_manifests_that_lie_are_refused(
    tmp_path: Path, target: Store, manifest: dict[str, Any]
) -> None:
    forge(tmp_path / "x.zip", **manifest)
    refuse(target, tmp_path / "x.zip")


def test_a_chunk_with_a_wrong_name_is_refused(tmp_path: Path, target: Store) -> None:
    data = bytearray()
    encoder = PackEncoder(data.extend)
    recipe = objects.write_recipe(None, [objects.BlobRef(4, 1, (DATA,), frozenset())])
    encoder.add(encode(recipe, 1, digest(recipe)))
    encoder.add(encode(b"evil", 1, digest(b"data")))
    encoder.finish()
    manifest = {"id": "auto_1", "objects": {digest(recipe).hex(): ["a"]}}
    write_zip(tmp_path / "x.zip", [("manifest.json", seal(manifest)), ("chunks.pack", bytes(data))])
    refuse(target, tmp_path / "x.zip", "damaged")


def test_chunks_that_unpack_to_far_too_much_are_refused(
    exported: Path, target: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "FREE_RAW", 1000)
    monkeypatch.setattr(archive, "MAX_RATIO", 1)
    refuse(target, exported, "far more data")


def test_newer_archives_ask_for_an_upgrade(
    tmp_path: Path, target: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifests, "FORMAT", 2)
    forge(tmp_path / "x.zip")
    monkeypatch.undo()
    with pytest.raises(StoreTooNew, match="pip install"):
        target.import_(tmp_path / "x.zip", rewrite=rewrite)


def test_nothing_is_ever_unpickled() -> None:
    package = Path(archive.__file__).parent
    for path in package.glob("*.py"):
        assert "import pickle" not in path.read_text()
        assert "extractall" not in path.read_text()


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_archives_are_refused_or_right(
    exported: Path, target: Store, data: st.DataObject
) -> None:
    whole = exported.read_bytes()
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(whole) - 1))
        changed[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del changed[data.draw(st.integers(0, len(whole))) :]
    file = exported.with_name("changed.zip")
    file.write_bytes(changed)
    try:
        target.import_(file, rewrite=rewrite)
    except BackupError:
        assert target.ids() == []
        return
    assert load(target, "import_1") == BLOBS
    target.discard("import_1")


def test_an_archive_can_be_read_by_any_zip_program(exported: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(exported.read_bytes())) as archive_file:
        assert archive_file.testzip() is None
        assert archive_file.namelist() == ["manifest.json", "chunks.pack"]
