from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dfbackup_jupyter.errors import DamagedData, StoreError
from dfbackup_jupyter.parallel import in_parallel
from dfbackup_jupyter.store import AlreadyExists, PackVanished, Store, pack

from .kit import Bytes, files, load, publish, put, random_bytes, save

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def blobs(draw: st.DrawFn) -> Bytes:
    itemsize = draw(st.sampled_from([1, 2, 3, 4, 8, 16, 100, 300]))
    items = draw(st.integers(0, 12_000 // itemsize))
    style = draw(st.sampled_from(["random", "zeros", "counting", "text"]))
    size = items * itemsize
    if style == "random":
        data = random_bytes(size, draw(st.integers(0, 5)))
    elif style == "zeros":
        data = bytes(size)
    elif style == "counting":
        data = np.arange(size, dtype="<u4").tobytes()[:size]
    else:
        data = (b"some text that repeats itself " * 500)[:size]
    return Bytes(data, itemsize)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(meta=JSON, parts=st.lists(blobs(), max_size=4))
def test_what_is_put_is_read(store: Store, meta: object, parts: list[Bytes]) -> None:
    ref = put(store, meta, parts)
    stored = Store(store.root).read(ref.hash, ref.packs)
    assert stored.meta == meta
    assert stored.blobs == ref.blobs
    assert ref.bytes_raw == sum(part.nbytes for part in parts)
    for i, part in enumerate(parts):
        got = stored.read(i)
        assert bytes(got) == bytes(part.data)
        assert not got.readonly
    again = put(store, meta, parts)
    assert (again.hash, again.packs, again.bytes_new) == (ref.hash, ref.packs, 0)


def test_reading_gives_memory_of_its_own(store: Store) -> None:
    ref = put(store, None, [bytes(5000)])
    stored = store.read(ref.hash, ref.packs)
    stored.read(0)[:] = b"x" * 5000
    assert bytes(stored.read(0)) == bytes(5000)


def test_equal_content_has_equal_hashes_and_other_content_does_not(store: Store) -> None:
    ref = put(store, {"a": 1, "b": [2]}, [b"x" * 3000])
    assert put(store, {"b": [2], "a": 1}, [b"x" * 3000]).hash == ref.hash
    assert put(store, {"b": [2], "a": 2}, [b"x" * 3000]).hash != ref.hash
    assert put(store, {"b": [2], "a": 1}, [b"x" * 3001]).hash != ref.hash
    assert put(store, {"b": [2], "a": 1}, [Bytes(b"x" * 3000, 2)]).hash != ref.hash


def test_identical_object_writes_no_file(store: Store) -> None:
    save(store, "auto_1", random_bytes(9000))
    before = files(store.root)
    put(Store(store.root, chunk_bytes=1024), {"of": "auto_1"}, [random_bytes(9000)])
    assert files(store.root) == before


def test_editing_one_item_writes_one_chunk_and_the_recipe(store: Store) -> None:
    data = bytearray(random_bytes(50_000))
    save(store, "auto_1", bytes(data))
    data[20_000] ^= 1
    ref = put(store, {"of": "auto_1"}, [bytes(data)])
    assert 1024 <= ref.bytes_new < 1024 + 4000


def test_appending_rewrites_only_the_end(store: Store) -> None:
    save(store, "auto_1", random_bytes(50_000))
    ref = put(store, None, [random_bytes(50_000) + b"more"])
    assert ref.bytes_new < 1024 + 4000


def test_appended_items_write_the_short_end_anew(store: Store) -> None:
    whole = random_bytes(1024 * 4 + 512 + 256 + 100)
    before = save(store, "auto_1", whole[:-20])
    after = put(store, "auto_2", [whole])
    assert set(after.blobs[0].chunks) - set(before.blobs[0].chunks) == {after.blobs[0].chunks[-1]}
    assert bytes(store.read(after.hash, after.packs).read(0)) == whole


def test_blobs_with_one_key_are_read_once(store: Store) -> None:
    first, second = Bytes(random_bytes(3072), key=7), Bytes(random_bytes(3072), key=7)
    ref = put(store, None, [first, second])
    assert (first.reads, second.reads) == (3, 0)
    assert [bytes(store.read(ref.hash, ref.packs).read(i)) for i in (0, 1)] == [
        random_bytes(3072)
    ] * 2


def test_blob_refs_stand_for_their_bytes(store: Store) -> None:
    first = save(store, "auto_1", b"a" * 5120, random_bytes(5120))
    second = put(store, "other", [*first.blobs[1:], b"new"])
    assert second.bytes_new < 400
    stored = store.read(second.hash, second.packs)
    assert bytes(stored.read(0)) == random_bytes(5120)
    assert second.packs >= first.blobs[1].packs


def test_blob_refs_that_nothing_protects_are_copied(root: Path) -> None:
    ref = put(Store(root, chunk_bytes=1024), None, [random_bytes(5000)])
    other = Store(root, chunk_bytes=1024)  # its packs are neither named nor this process's own
    copy = put(other, None, ref.blobs)
    assert copy.packs.isdisjoint(ref.packs)
    assert bytes(other.read(copy.hash, copy.packs).read(0)) == random_bytes(5000)


def test_blob_refs_whose_bytes_are_gone_are_refused(root: Path) -> None:
    ref = put(Store(root), None, [random_bytes(5000)])
    for file in (root / "packs").iterdir():
        file.unlink()
    with pytest.raises(DamagedData, match="stored earlier is lost"):
        put(Store(root), None, ref.blobs)


def test_many_packs_are_one_object(store: Store) -> None:
    data = random_bytes(400_000)
    ref = save(store, "auto_1", data)
    assert len(ref.packs) >= 4
    assert max(file.stat().st_size for file in (store.root / "packs").iterdir()) < 80_000
    assert load(Store(store.root), "auto_1") == [data]


def test_memory_that_changes_meanwhile_never_makes_an_unreadable_chunk(store: Store) -> None:
    array = np.zeros(1_000_000, np.uint8)
    stop = threading.Event()

    def disturb() -> None:
        while not stop.is_set():
            array[:] += 1

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        blob = Bytes(b"")
        blob.data, blob.nbytes = memoryview(array), array.nbytes
        ref = put(Store(store.root), None, [blob])
    finally:
        stop.set()
        thread.join()
    store.read(ref.hash, ref.packs).read(0)


def test_ticks_add_up(store: Store) -> None:
    ticks: list[int] = []
    with store.write() as writer:
        blob = Bytes(random_bytes(10_000), key=1)
        ref = writer.put(None, [blob, blob, Bytes(b"end")], tick=ticks.append)
    assert sum(ticks) == ref.bytes_raw
    ticks.clear()
    stored = store.read(ref.hash, ref.packs)
    stored.read(0, tick=ticks.append)
    assert sum(ticks) == 10_000


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_cancelling_publishes_nothing(store: Store, error: type[BaseException]) -> None:
    before = files(store.root)
    calls = 0

    def tick(_: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 300:
            raise error

    with pytest.raises(error), store.write() as writer:
        writer.put(None, [Bytes(random_bytes(400_000))], tick=tick)
    assert files(store.root) == before
    save(store, "auto_1", b"the store still works")
    assert load(store, "auto_1") == [b"the store still works"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts /proc")
def test_cancelled_reading_leaves_no_open_file(store: Store) -> None:
    ref = save(store, "auto_1", random_bytes(100_000))

    def tick(_: int) -> None:
        raise KeyboardInterrupt

    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            store.read(ref.hash, ref.packs).read(0, tick=tick)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts /proc")
def test_no_file_descriptor_or_thread_leak(store: Store) -> None:
    threads = threading.active_count()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for i in range(20):
        save(store, f"auto_{i}", random_bytes(100_000, i))
        load(store, f"auto_{i}")
    store.verify()
    store.collect()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert threading.active_count() == threads


def test_what_is_damaged_keeps_no_other_thread_from_what_is_sound(store: Store) -> None:
    parts = [random_bytes(4000, i) for i in range(200)]
    ref = put(store, None, parts)
    chunk = store.read(ref.hash, ref.packs).blobs[0].chunks[0]
    where, entry = store.packs.locate(ref.packs).find(bytes.fromhex(chunk))
    path = store.root / "packs" / f"{where}.pack"
    data = bytearray(path.read_bytes())
    data[entry.offset + entry.stored // 2] ^= 1
    path.write_bytes(data)
    lost: list[int] = []

    def read(i: int) -> None:
        try:
            assert bytes(stored.read(i)) == parts[i]
        except DamagedData:
            lost.append(i)

    for _ in range(5):
        lost.clear()
        stored = store.read(ref.hash, ref.packs)
        # Every other one is the damaged one, which is looked for again and again.
        in_parallel(read, [i % 2 and i for i in range(200)])
        assert set(lost) == {0}


def test_reading_costs_the_same_whatever_else_is_in_the_packs(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Entries(dict[bytes, pack.Entry]):
        def gone_through(self) -> NoReturn:
            pytest.fail("all chunks of a pack were gone through")

        __iter__ = items = keys = values = gone_through  # type: ignore[assignment]

    load_index = pack.load

    def load_entries(source: pack.Source) -> pack.PackIndex:
        index = load_index(source)
        return replace(index, entries=Entries(index.entries))

    ref = save(store, "auto_1", b"one", random_bytes(4000))
    monkeypatch.setattr(pack, "load", load_entries)
    stored = Store(store.root).open().read(ref.hash, ref.packs)
    assert [bytes(stored.read(i)) for i in range(2)] == [b"one", random_bytes(4000)]


def test_readers_beside_a_writer(store: Store) -> None:
    ref = save(store, "auto_0", random_bytes(50_000))
    failures: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(10):
                stored = store.read(ref.hash, ref.packs)
                assert bytes(stored.read(0)) == random_bytes(50_000)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(1, 10):
        save(store, f"auto_{i}", random_bytes(50_000, i))
    for thread in threads:
        thread.join()
    assert not failures


def test_only_one_writer_at_a_time(store: Store) -> None:
    inside = 0
    most = 0

    def write(i: int) -> None:
        nonlocal inside, most
        with store.write() as writer:
            inside += 1
            most = max(most, inside)
            writer.put(i, [Bytes(random_bytes(20_000, i))])
            inside -= 1

    threads = [threading.Thread(target=write, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_an_id_is_taken_once(store: Store) -> None:
    save(store, "manual_1", b"first")
    with pytest.raises(AlreadyExists):
        save(store, "manual_1", b"second")
    assert load(store, "manual_1") == [b"first"]


def test_publishing_what_has_vanished_is_withdrawn(store: Store) -> None:
    ref = put(store, None, [random_bytes(3000)])
    for file in (store.root / "packs").iterdir():
        file.unlink()
    with pytest.raises(PackVanished):
        publish(store, "manual_1", ref)
    assert store.ids() == []
    again = put(store, None, [random_bytes(3000)])
    assert again.bytes_new >= 3000
    publish(store, "manual_1", again)
    assert load(store, "manual_1") == [random_bytes(3000)]


def test_writing_while_another_cleans_up_is_noticed(store: Store) -> None:
    """As after a computer has slept in the middle of it."""
    with pytest.raises(PackVanished), store.write() as writer:
        writer.put(None, [Bytes(random_bytes(3000))])
        for file in (store.root / "tmp").iterdir():
            file.unlink()
    save(store, "auto_1", random_bytes(3000))
    assert load(store, "auto_1") == [random_bytes(3000)]


def test_own_packs_are_relied_on_for_half_the_grace_only(root: Path) -> None:
    store = Store(root, grace=100)
    ref = put(store, None, [random_bytes(3000)])
    assert put(store, None, [random_bytes(3000)]).bytes_new == 0
    for file in (root / "packs").iterdir():
        past = file.stat().st_mtime - 60
        os.utime(file, (past, past))
    again = put(store, None, [random_bytes(3000)])
    assert again.bytes_new > 3000
    assert again.packs.isdisjoint(ref.packs)


def test_packs_that_only_a_deleted_backup_names_are_not_relied_on(root: Path) -> None:
    save(Store(root), "auto_1", random_bytes(3000))
    Store(root).delete("auto_1", by="test")
    assert put(Store(root), None, [random_bytes(3000)]).bytes_new >= 3000


def test_a_vanished_store_is_made_again(store: Store) -> None:
    save(store, "auto_1", b"first")
    shutil.rmtree(store.root)
    save(store, "auto_2", b"second")
    assert load(Store(store.root), "auto_2") == [b"second"]


def test_items_that_cannot_be_cut_are_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="too large"), store.write() as writer:
        writer.put(None, [Bytes(b"", 2**30)])


def test_meta_must_be_json(store: Store) -> None:
    with pytest.raises((TypeError, ValueError)), store.write() as writer:
        writer.put({"x": float("nan")}, [])


def test_usage_counts_what_is_there(store: Store) -> None:
    save(store, "auto_1", random_bytes(10_000))
    usage = store.usage()
    assert (usage.packs, usage.manifests) == (1, 1)
    assert 10_000 < usage.bytes_used < 20_000
    assert usage.bytes_free > 0


STREAM = """
import resource, sys
from pathlib import Path
import numpy as np
from dfbackup_jupyter.store import Store

class Endless:
    nbytes, itemsize, key = 300 * 2**20, 8, None
    def read(self, start, stop):
        return memoryview(np.random.default_rng(start).bytes(stop - start))

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

store = Store(Path(sys.argv[1]), pack_bytes=32 * 2**20)
with store.write() as writer:
    writer.put(None, [])
before = peak()
with store.write() as writer:
    ref = writer.put(None, [Endless()])
assert len(ref.packs) == 10, len(ref.packs)
print((peak() - before) // 2**20)
"""


def test_writing_needs_memory_for_a_few_chunks_only(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STREAM, str(root)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 32
