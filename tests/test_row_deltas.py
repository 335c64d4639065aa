"""Frames whose rows are rows of a stored one: exact always, small mostly, and never a guess."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dfbackup_jupyter import BackupManager, capture, row_deltas
from dfbackup_jupyter.capture import pandas_codec, strings
from dfbackup_jupyter.capture.base import Decoded
from dfbackup_jupyter.capture.capture import CapturedFrame, take
from dfbackup_jupyter.config import DFBackup
from dfbackup_jupyter.errors import DamagedData
from dfbackup_jupyter.row_deltas import Selected
from dfbackup_jupyter.staging import Stager
from dfbackup_jupyter.store import ObjectRef, Store, StoredObject, Worker
from tests.capture.strategies import frames
from tests.support.exact import assert_same_frame
from tests.waiting import settled

Run = Callable[[str], None]


class Bench:
    """A stager, its store, and the captures that a session would hold for undo."""

    def __init__(self, root: Path) -> None:
        self.store = Store(root)
        self.stager = Stager(self.store, Worker())
        self._held: list[Any] = []

    def stage(self, **space: Any) -> dict[str, ObjectRef]:
        """Store some variables; returns where each is."""
        shot = take(space, previous=self._held[-1] if self._held else None)
        self._held.append(shot)
        self.stager._stage(shot, (), None, None)
        return {str(frame.paths[0]): self._object(frame) for frame in shot.frames}

    def forget(self) -> None:
        """Drop what undo would hold."""
        del self._held[:-1]

    def selected(self, ref: ObjectRef) -> set[str]:
        """Names of the columns of a stored frame that are kept as rows of another one."""
        (found,) = [kept for kept in self.stager._staged.values() if kept.object == ref]
        return {one.column for one in found.memory if isinstance(one.stored, Selected)}

    def read(self, ref: ObjectRef) -> Decoded:
        stored = self.store.read(ref.hash, ref.packs)
        return capture.decode(stored.meta, stored.read, trust=True)

    def _object(self, frame: CapturedFrame) -> ObjectRef:
        found = self.stager.object_of(frame.snapshot)
        assert found is not None
        return found


@pytest.fixture
def bench(store_path: Path) -> Bench:
    return Bench(store_path)


@pytest.fixture(scope="module")
def benches(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Bench]:
    """Give stagers that know nothing of each other, on one store."""
    root = tmp_path_factory.mktemp("deltas") / "store"
    return lambda: Bench(root)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let frames of any size be looked at, and nothing go wrong unnoticed."""
    select = row_deltas.select
    failures: list[Exception] = []

    def watched(*given: Any, **more: Any) -> Any:
        try:
            return select(*given, **more)
        except Exception as error:
            failures.append(error)
            raise

    monkeypatch.setattr(row_deltas, "WORTHWHILE", 1)
    monkeypatch.setattr(row_deltas, "select", watched)
    yield
    assert not failures


def mixed(seed: int, rows: int) -> pd.DataFrame:
    """Every kind of column; floats with all sorts of NaN, and both zeros; texts of any length."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2**64, rows, np.uint64)
    odd = np.array([0x7FF8000000000001, 0xFFF0000000000002, 0, 1 << 63], np.uint64)
    bits[::5] = rng.choice(odd, len(bits[::5]))
    frame = pd.DataFrame(
        {
            "bits": bits.view(np.float64),
            "real": rng.standard_normal(rows),
            "f32": rng.standard_normal(rows).astype(np.float32),
            "count": rng.integers(-(2**62), 2**62, rows),
            "small": rng.integers(0, 3, rows).astype(np.int8),
            "flag": rng.random(rows) < 0.5,
            "when": pd.to_datetime(rng.integers(0, 2**60, rows), utc=True),
            "kind": pd.Categorical(rng.choice(list("abc"), rows)),
            "maybe": pd.array(rng.integers(0, 2**60, rows), "Int64"),
            "text": [f"t{n}" for n in rng.integers(0, 999, rows)],
            "complex": rng.standard_normal(rows) + 1j,
            "name": ["é" * n + str(n) for n in rng.integers(0, 20, rows)],
            "bytes": pd.Series([b"x" * n for n in rng.integers(0, 9, rows)], dtype="object"),
            "arrow": pd.array(rng.integers(0, 2**60, rows), "int64[pyarrow]"),
        }
    )
    frame.loc[::7, ["maybe", "arrow"]] = pd.NA
    frame.loc[::5, "name"] = pd.NA
    frame.loc[1::5, "name"] = ""
    return frame


LABELS: list[Callable[[pd.DataFrame], Any]] = [
    lambda f: f.index,
    lambda f: pd.RangeIndex(7, 7 + 3 * len(f), 3),
    lambda f: pd.RangeIndex(len(f), 0, -1),
    lambda f: f["count"].to_numpy(),
    lambda f: f["small"].to_numpy(),  # not unique
    lambda f: pd.date_range("2024-01-01", periods=len(f), freq="min"),
    lambda f: f["text"],
]
OPERATIONS: list[Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]] = [
    lambda f, rng: f.iloc[rng.permutation(len(f))],
    lambda f, rng: f[rng.random(len(f)) < 0.6],
    lambda f, rng: f.sample(frac=0.5, random_state=1),
    lambda f, rng: f.iloc[rng.integers(0, len(f), len(f))],  # some rows twice
    lambda f, rng: f.iloc[::-1],
    lambda f, rng: f.iloc[len(f) // 3 :],
    lambda f, rng: f.iloc[5:-5:2].copy(),
    lambda f, rng: f.sort_values("real").rename(columns={"real": "x"}),
    lambda f, rng: f.sort_values("count", ignore_index=True),
    lambda f, rng: f.dropna().reset_index(drop=True),
    lambda f, rng: f.drop_duplicates("small"),
    lambda f, rng: pd.concat([f, f.iloc[:3]]),
    lambda f, rng: pd.concat([f.iloc[50:], f.iloc[:50]]),
    lambda f, rng: f.iloc[:0],
    lambda f, rng: f.sort_values("real").set_index("count"),
    lambda f, rng: f.merge(pd.DataFrame({"small": [0, 1], "w": [0.5, 1.5]}), on="small"),
]


def test_the_writer_steps_aside_before_it_compares_a_column(
    bench: Bench, eager: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = mixed(0, 300)
    bench.stage(df=frame)
    done: list[str] = []
    compare = row_deltas.selected_digest

    def compared(*given: Any) -> str | None:
        done.append("compared")
        return compare(*given)

    monkeypatch.setattr(row_deltas, "selected_digest", compared)
    monkeypatch.setattr(bench.stager.worker, "give_way", lambda *_: done.append("aside"))
    ref = bench.stage(df=frame.sort_values("real"))["df"]
    assert len(bench.selected(ref)) > 5
    before = {done[i - 1] for i, what in enumerate(done) if what == "compared"}
    assert before == {"aside"}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(60, 300),
    labels=st.sampled_from(LABELS),
    operations=st.lists(st.sampled_from(OPERATIONS), min_size=1, max_size=3),
    forgetful=st.booleans(),
)
def test_whatever_was_selected_comes_back_to_the_bit(
    benches: Callable[[], Bench],
    eager: None,
    seed: int,
    rows: int,
    labels: Any,
    operations: list[Any],
    forgetful: bool,
) -> None:
    bench, rng = benches(), np.random.default_rng(seed)
    frame = mixed(seed, rows)
    frame.index = pd.Index(labels(frame))
    refs = [(frame, bench.stage(df=frame)["df"])]
    for operation in operations:
        if forgetful:
            bench.forget()
        try:
            frame = operation(frame, rng)
        except KeyError:
            continue  # an operation before has taken the column away
        refs.append((frame, bench.stage(df=frame)["df"]))
    for wanted, ref in refs:
        assert_same_frame(bench.read(ref).frame, wanted)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(frame=frames(), data=st.data())
def test_frames_of_every_dtype_come_back_to_the_bit(
    benches: Callable[[], Bench], eager: None, frame: pd.DataFrame, data: st.DataObject
) -> None:
    bench = benches()
    rows = data.draw(st.lists(st.integers(0, max(len(frame) - 1, 0)), max_size=len(frame)))
    try:
        chosen = frame.iloc[rows]
    except Exception:
        return  # pandas itself cannot
    refs = bench.stage(df=frame, chosen=chosen)
    for name, wanted in (("df", frame), ("chosen", chosen)):
        if wanted.shape[1]:
            assert_same_frame(bench.read(refs[name]).frame, wanted)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32 - 1),
    column=st.sampled_from(
        ["bits", "real", "count", "when", "maybe", "kind", "flag", "name", "arrow"]
    ),
    place=st.integers(0, 199),
    bit=st.integers(0, 63),
)
def test_a_near_miss_is_stored_as_it_is(
    benches: Callable[[], Bench], eager: None, seed: int, column: str, place: int, bit: int
) -> None:
    bench = benches()
    frame = mixed(seed, 200)
    rows = np.random.default_rng(seed).permutation(200)
    near = frame.iloc[rows].copy()
    values = near[column].array.copy()
    match column:
        case "kind":
            values[place] = "a" if values[place] != "a" else "b"
        case "flag":
            values[place] = not values[place]
        case "when":
            values[place] += pd.Timedelta(1, "us")
        case "name":
            # Letters of which one is changed, and what is missing instead of empty.
            text = values[place]
            missing = text is pd.NA or text != text
            values[place] = "" if missing else chr(ord(text[0]) + 1) + text[1:] if text else pd.NA
        case "maybe" | "arrow":
            values[place] = 5 if values[place] is pd.NA else pd.NA
        case _:
            words = np.asarray(values).view(np.uint64)
            words[place] ^= np.uint64(1 << bit)
    near[column] = values
    ref = bench.stage(df=frame, near=near)["near"]
    assert_same_frame(bench.read(ref).frame, near)
    selected = bench.selected(ref)
    assert "real" in selected or column == "real"
    if column not in ("maybe", "name", "arrow"):  # a part of these may well be the same
        assert column not in selected


def doubles(rows: int = 20_000) -> pd.DataFrame:
    return pd.DataFrame(
        np.random.default_rng(0).standard_normal((rows, 8)), columns=list("abcdefgh")
    )


def texts(rows: int = 20_000) -> pd.DataFrame:
    """Texts that hardly compress, some of them missing; texts that repeat; objects; Arrow."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "text": [rng.bytes(n).hex() for n in rng.integers(10, 30, rows)],
            "object": pd.Series([rng.bytes(20).hex() for _ in range(rows)], dtype="object"),
            "word": rng.choice(["alpha", "beta", "gamma"], rows),
            "arrow": pd.array(rng.integers(0, 2**60, rows), "int64[pyarrow]"),
            "when": pd.array(rng.integers(0, 2**60, rows), "timestamp[ns][pyarrow]"),
            "number": rng.standard_normal(rows),
        }
    )
    frame.loc[::7, ["text", "arrow"]] = pd.NA
    return frame


@pytest.mark.parametrize(
    ("change", "share"),
    [
        (lambda f: f.sort_values("number"), 0.05),
        (lambda f: f[f["number"] > 0], 0.01),
        (lambda f: f.dropna().reset_index(drop=True), 0.01),
        (lambda f: f.sort_values("number").iloc[::-2], 0.05),
        (lambda f: pd.concat([f.iloc[9_000:], f.iloc[:9_000]]).sort_values("text"), 0.05),
    ],
)
def test_texts_and_arrow_columns_are_selected(
    bench: Bench, change: Callable[[pd.DataFrame], pd.DataFrame], share: float
) -> None:
    frame = texts()
    whole = bench.stage(df=frame)["df"]
    changed = change(frame)
    ref = bench.stage(df=changed)["df"]
    assert bench.selected(ref) >= set(frame)
    assert ref.bytes_new < share * whole.bytes_raw
    assert_same_frame(bench.read(ref).frame, changed)


def test_texts_are_selected_when_only_a_selection_of_them_is_left(bench: Bench) -> None:
    bench.stage(df=texts())
    once = texts().sort_values("number")
    bench.stage(df=once)
    bench.forget()
    twice = once[once["number"] > 0]
    ref = bench.stage(df=once, twice=twice)["twice"]
    assert bench.selected(ref) >= set(once)
    assert_same_frame(bench.read(ref).frame, twice)


def test_texts_stay_readable_when_columns_around_them_change(bench: Bench) -> None:
    bench.stage(df=texts())
    frame = texts().sort_values("number")
    bench.stage(df=frame)
    frame = frame[["when", "text"]].assign(new=1.5)[["new", "text", "when"]]
    ref = bench.stage(df=frame)["df"]
    assert bench.selected(ref) >= {"text", "when"}
    assert_same_frame(bench.read(ref).frame, frame)


@pytest.mark.parametrize(
    ("change", "share"),
    [
        (lambda f: f.sort_values("a"), 0.05),
        (lambda f: f.sort_values("a", ignore_index=True), 0.05),
        (lambda f: f[f["b"] > 0], 0.02),
        (lambda f: f[f["b"] > 0].reset_index(drop=True), 0.02),
        (lambda f: f.sample(frac=0.5, random_state=0), 0.05),
        (lambda f: f.iloc[3:15_000].copy(), 0.01),
        (lambda f: f.iloc[::-1], 0.01),
        (lambda f: f.drop_duplicates("c").sort_values("d").query("e < 1"), 0.05),
        (lambda f: f.set_index("a").sort_index(), 0.05),
    ],
)
def test_a_selection_writes_little(
    bench: Bench, change: Callable[[pd.DataFrame], pd.DataFrame], share: float
) -> None:
    frame = doubles()
    bench.stage(df=frame)
    changed = change(frame)
    ref = bench.stage(df=changed)["df"]
    assert ref.bytes_new < share * changed.size * 8
    assert ref.bytes_raw >= changed.size * 8
    assert_same_frame(bench.read(ref).frame, changed)


def test_a_selection_of_a_selection_refers_to_plain_data(bench: Bench) -> None:
    frame = doubles()
    bench.stage(df=frame)
    once = frame.sort_values("a")
    bench.stage(df=once)
    twice = once[once["b"] > 0]
    ref = bench.stage(df=twice)["df"]
    assert bench.selected(ref) >= set("abcdefgh")
    assert_same_frame(bench.read(ref).frame, twice)


def test_a_selection_of_a_selection_is_one_when_the_first_frame_is_gone(bench: Bench) -> None:
    bench.stage(df=doubles())
    once = doubles().sort_values("a")
    ref = bench.stage(df=once)["df"]
    bench.forget()
    assert bench.stage(df=once)["df"] == ref
    twice = once[once["b"] > 0]
    ref = bench.stage(df=once, twice=twice)["twice"]
    assert bench.selected(ref) >= set("abcdefgh")
    assert_same_frame(bench.read(ref).frame, twice)
    thrice = twice.iloc[::-1]
    ref = bench.stage(df=once, twice=twice, thrice=thrice)["thrice"]
    assert bench.selected(ref) >= set("abcdefgh")
    assert_same_frame(bench.read(ref).frame, thrice)


def test_columns_that_share_a_selection_with_an_earlier_frame_use_it_again(bench: Bench) -> None:
    frame = doubles()
    bench.stage(df=frame)
    frame = frame.sort_values("a")
    bench.stage(df=frame)
    frame["new"] = 1.5
    ref = bench.stage(df=frame)["df"]
    assert ref.bytes_new < 10_000
    assert bench.selected(ref) >= set("abcdefgh")
    assert_same_frame(bench.read(ref).frame, frame)


def test_a_small_part_of_a_frame_does_not_hold_on_to_the_whole(bench: Bench) -> None:
    frame = doubles()
    bench.stage(df=frame)
    ref = bench.stage(df=frame, few=frame.sample(2_000, random_state=0))["few"]
    assert not bench.selected(ref)


def test_rows_that_were_back_in_order_are_the_frame_itself(bench: Bench) -> None:
    frame = doubles()
    first = bench.stage(df=frame)["df"]
    again = frame.sort_values("a").sort_index()
    again.index = frame.index
    assert bench.stage(df=again)["df"].hash == first.hash


def test_what_was_written_behind_copy_on_write_is_no_base(bench: Bench) -> None:
    frame = doubles()
    bench.stage(df=frame)
    for i in range(8):
        values = frame.iloc[:, i].to_numpy()
        values.setflags(write=True)
        values[:] += 1  # the store has other values than these
    changed = frame.sort_values("a")
    ref = bench.stage(other=changed)["other"]
    assert not bench.selected(ref) & set("abcdefgh")
    assert_same_frame(bench.read(ref).frame, changed)


def test_when_the_search_fails_the_frame_is_stored_all_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(row_deltas, "rows_by_label", fail)
    frame = doubles()
    changed = frame.sort_values("a")
    ref = bench.stage(df=frame, changed=changed)["changed"]
    assert not bench.selected(ref)
    assert_same_frame(bench.read(ref).frame, changed)


@pytest.mark.parametrize("what", ["base", "indexer"])
def test_damage_costs_the_columns_that_need_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    frame = doubles()
    bench.stage(df=frame)
    ref = bench.stage(df=frame.sort_values("a").assign(new=range(len(frame))))["df"]
    stored = bench.store.read(ref.hash, ref.packs)
    nodes = stored.meta["selected"]
    blob = 1 if what == "base" else nodes["rows"][0]["blob"]
    (victim,) = {stored.blobs[blob].chunks[0]}
    read = StoredObject.read

    def broken(self: StoredObject, i: int, *args: Any, **more: Any) -> memoryview:
        if victim in self.blobs[i].chunks:
            raise DamagedData("A part of the stored data is lost.")
        return read(self, i, *args, **more)

    monkeypatch.setattr(StoredObject, "read", broken)
    found = bench.read(ref)
    lost = {one.column for one in found.damaged}
    assert lost == ({"b"} if what == "base" else set("abcdefgh"))
    assert "new" in found.frame


def test_a_version_that_knows_no_selections_says_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = doubles()
    bench.stage(df=frame)
    ref = bench.stage(df=frame.sort_values("a"))["df"]
    monkeypatch.setattr(pandas_codec, "VERSION", 1)
    with pytest.raises(DamagedData, match="newer version"):
        bench.read(ref)


NONSENSE: list[Callable[[Any], Any]] = [
    lambda s: s["rows"].clear(),
    lambda s: s["rows"].__setitem__(0, {"range": [0, 10**15, 1]}),
    lambda s: s["rows"].__setitem__(0, {"range": [-5, 10, 1]}),
    lambda s: s["rows"].__setitem__(0, {"range": [0, 10, 0]}),
    lambda s: s["rows"].__setitem__(0, {"blob": -(10**6)}),
    lambda s: s["rows"][0].update(dtype="O"),
    lambda s: s["rows"][0].update(dtype="<i2"),
    lambda s: s["rows"][0].update(growing=True),
    lambda s: [node.update(itemsize=3) for node in s["blobs"].values()],
    lambda s: [node.update(itemsize=-8) for node in s["blobs"].values()],
    lambda s: [node.update(itemsize=10**12) for node in s["blobs"].values()],
    lambda s: [node.update(hash="") for node in s["blobs"].values()],
    lambda s: [node.update(rows="x") for node in s["blobs"].values()],
    lambda s: [node.update(range=[0, 1, 5]) for node in s["blobs"].values()],
    lambda s: [node.update(range=[0, 1]) for node in s["blobs"].values()],
    lambda s: s["blobs"].update({"0": 7}),
]


@pytest.mark.parametrize("spoil", NONSENSE)
def test_a_description_that_lies_costs_columns_and_nothing_else(
    bench: Bench, spoil: Callable[[Any], Any]
) -> None:
    frame = doubles(2_000)
    bench.stage(df=frame)
    ref = bench.stage(df=frame.sort_values("a").assign(new=range(2_000)))["df"]
    stored = bench.store.read(ref.hash, ref.packs)
    meta = copy.deepcopy(stored.meta)
    spoil(meta["selected"])
    found = capture.decode(json.loads(json.dumps(meta)), stored.read, trust=False)
    assert "a" in {one.column for one in found.damaged}
    assert list(found.frame["new"]) == list(range(2_000))


TEXT_NONSENSE: list[Callable[[Any], Any]] = [
    lambda node: node.update(lengths=-1),
    lambda node: node.update(lengths=10**6),
    lambda node: node.update(lengths="x"),
    lambda node: node.update(itemsize=8),
    lambda node: node.update(itemsize=10**9),
    lambda node: node.update(hash=""),
    lambda node: node.pop("lengths"),
]


@pytest.mark.parametrize("spoil", TEXT_NONSENSE)
def test_a_description_that_lies_about_texts_costs_these(
    bench: Bench, spoil: Callable[[Any], Any]
) -> None:
    frame = texts(2_000)[["text", "number"]]
    bench.stage(df=frame)
    changed = frame.sort_values("number")
    ref = bench.stage(df=changed)["df"]
    stored = bench.store.read(ref.hash, ref.packs)
    meta = copy.deepcopy(stored.meta)
    (node,) = [node for node in meta["selected"]["blobs"].values() if "lengths" in node]
    spoil(node)
    found = capture.decode(json.loads(json.dumps(meta)), stored.read, trust=False)
    assert {one.column for one in found.damaged} == {"text"}
    assert list(found.frame["number"]) == list(changed["number"])


def test_rows_that_would_read_a_long_text_many_times_are_refused() -> None:
    lengths, data = np.array([10, 1], np.int32), b"x" * 11
    assert bytes(strings.selected(lengths, data, np.array([1, 0]))) == data
    with pytest.raises(DamagedData, match="larger than what it selects from"):
        strings.selected(lengths, data, np.array([0, 0]))


def reread(backup: str) -> pd.DataFrame:
    """What another session reads of a backup's `df`."""
    space: dict[str, Any] = {}
    reader = BackupManager(namespace=space, hidden=tuple, transform=str, config=DFBackup())
    try:
        reader.restore(backup)
        found: pd.DataFrame = space["df"]
        return found
    finally:
        reader.close()


@pytest.fixture
def sorted_backup(manager: BackupManager, run: Run) -> BackupManager:
    """Somebody with a backup `one`, and one `two` that is only an order of its rows."""
    run("import numpy as np, pandas as pd")
    run("df = pd.DataFrame(np.random.default_rng(0).random((20_000, 8))).add_prefix('x')")
    manager.create("one", data_only=True)
    run("df = df.sort_values('x3')")
    backup = manager.create("two", data_only=True)
    settled(manager)
    assert backup.bytes_new < 100_000
    return manager


def expected() -> pd.DataFrame:
    frame = pd.DataFrame(np.random.default_rng(0).random((20_000, 8))).add_prefix("x")
    return frame.sort_values("x3")


def test_deleting_the_base_keeps_what_is_needed(
    sorted_backup: BackupManager, store_path: Path
) -> None:
    store = Store(store_path, grace=0)
    for identifier in store.ids():
        if store.manifest(identifier)["backup"]["name"] != "two":
            store.discard(identifier)
    sizes = store.usage().bytes_used
    for _ in range(3):
        store.collect()
    assert store.usage().bytes_used < sizes
    assert len(store.ids()) == 1
    assert not store.verify()
    pd.testing.assert_frame_equal(reread("two"), expected())


def test_an_exported_selection_is_whole(
    sorted_backup: BackupManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sorted_backup.export("two", tmp_path / "two.zip")
    monkeypatch.setenv("DFBACKUP_STORE", str(tmp_path / "elsewhere"))
    space: dict[str, Any] = {}
    other = BackupManager(namespace=space, hidden=tuple, transform=str, config=DFBackup())
    try:
        imported = other.import_(tmp_path / "two.zip")
        assert other.verify().ok
        other.restore(imported.id)
        pd.testing.assert_frame_equal(space["df"], expected())
    finally:
        other.close()
