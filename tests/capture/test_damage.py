"""What is damaged or not trusted costs only itself."""

from __future__ import annotations

import collections
import copy
import enum
import json
import pathlib
import sys
import threading
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dfbackup_jupyter import capture
from dfbackup_jupyter.capture import pandas_codec
from dfbackup_jupyter.errors import DamagedData
from tests.capture.kit import Stored
from tests.support.exact import assert_same_frame


@pytest.fixture(autouse=True, params=[1, 2], ids=["one column", "two columns"])
def columns_at_a_time(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == 2:
        monkeypatch.setattr(pandas_codec, "_TWO_AT_A_TIME", range(10**9))


class Special(pd.DataFrame):
    _metadata = ["unit"]

    @property
    def _constructor(self) -> type:
        return Special


class Where:
    """Knows the thread that it was unpickled on."""

    def __setstate__(self, _: object) -> None:
        self.thread = threading.get_ident()

    def __getstate__(self) -> object:
        return 1


class Colour(enum.Enum):
    RED = 1


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {"a": [1, 2, 3], "b": [1.5, None, 2.5], "c": [4, 5, 6], "s": ["x", None, "z"]},
        index=["i", "j", "k"],
    )


def blobs_of(node: Any) -> list[int]:
    if isinstance(node, dict):
        found = node.get("blobs", []) + [node["tags"]] if "tags" in node else node.get("blobs", [])
        return [*found, *(b for key, n in node.items() if key != "blobs" for b in blobs_of(n))]
    return [b for part in node for b in blobs_of(part)] if isinstance(node, list) else []


@pytest.mark.parametrize("column", [0, 1, 2, 3])
def test_a_damaged_column_costs_only_itself(column: int) -> None:
    df = frame()
    stored = Stored(df)
    read = stored.read(broken=blobs_of(stored.encoded.meta["data"][column])[:1])
    assert [lost.column for lost in read.damaged] == [df.columns[column]]
    assert "is damaged" in read.damaged[0].reason
    assert_same_frame(read.frame, df.drop(columns=df.columns[column]))


def test_damaged_labels_become_numbers() -> None:
    df = frame()
    stored = Stored(df)
    for what in ("index", "columns"):
        read = stored.read(broken=blobs_of(stored.encoded.meta[what]))
        assert not read.damaged and len(read.warnings) == 1
        setattr(df, what, pd.RangeIndex(len(getattr(df, what))))
        assert_same_frame(read.frame, df)
        df = frame()


def test_nothing_left_is_an_error() -> None:
    stored = Stored(frame())
    with pytest.raises(DamagedData):
        stored.read(broken=range(len(stored.blobs)))
    series = Stored(frame()["b"])
    with pytest.raises(DamagedData):
        series.read(broken=[0])


def test_every_single_broken_blob_is_survived_or_reported() -> None:
    df = frame()
    df["k"] = pd.Categorical(["u", "v", "u"])
    df["o"] = np.array([1, "x", None], dtype=object)
    df["p"] = pd.array([1, None, 2], dtype="Int64")
    df["l"] = [[1], [2], [3]]
    stored = Stored(df)
    for i in range(len(stored.blobs)):
        read = stored.read(broken=[i])
        assert len(read.damaged) + len(read.warnings) == 1
        assert len(read.frame) == 3


def test_pickled_columns_need_trust() -> None:
    df = frame()
    df["l"] = [[1], {}, None]
    df["e"] = [Colour.RED, Colour.RED, None]
    stored = Stored(df)
    assert stored.encoded.pickled == ("l", "e")
    assert_same_frame(stored.read(trust=True).frame, df)
    read = stored.read(trust=False)
    assert [lost.column for lost in read.damaged] == ["l", "e"]
    assert all("needs --trust" in lost.reason for lost in read.damaged)
    assert_same_frame(read.frame, frame())
    only = Stored(df[["l"]]).read(trust=False)
    assert only.frame.shape == (3, 0) and len(only.damaged) == 1
    with pytest.raises(DamagedData, match="--trust"):
        Stored(df["l"]).read(trust=False)


def test_columns_are_unpickled_on_the_users_thread() -> None:
    df = pd.concat([frame(), pd.DataFrame({f"o{i}": [Where()] * 3 for i in range(9)})], axis=1)
    read = Stored(df).read().frame
    assert {read[f"o{i}"][0].thread for i in range(9)} == {threading.get_ident()}


def test_without_trust_nothing_is_unpickled_or_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    special = Special({"l": [[1]], "a": [1]})
    special.unit = pathlib.PurePosixPath("x")
    special.attrs = {"f": Colour.RED}
    special.index.name = Colour.RED
    stored = Stored(special)

    def forbidden(*_: Any) -> Any:
        raise AssertionError

    import pickle

    import cloudpickle

    for module in (pickle, cloudpickle):
        monkeypatch.setattr(module, "loads", forbidden)
        monkeypatch.setattr(module, "load", forbidden)
    from dfbackup_jupyter.capture import pandas_codec

    monkeypatch.setattr(pandas_codec, "import_module", forbidden)
    read = stored.read(trust=False)
    assert type(read.frame) is pd.DataFrame
    assert len(read.warnings) == 3


def test_columns_without_pickle_are_not_flagged() -> None:
    df = pd.DataFrame(
        {"o": np.array([1, "x", None, (1, "y"), 2**70, b"z", np.float32(1)], dtype=object)}
    )
    assert Stored(df).encoded.pickled == ()


def test_a_class_of_main_comes_back() -> None:
    main: Any = sys.modules["__main__"]
    kind = type("Mine", (pd.DataFrame,), {"__module__": "__main__", "_metadata": ["unit"]})
    main.Mine = kind
    try:
        df = kind({"a": [1]})
        df.unit = "kg"
        stored = Stored(df)
        read = stored.read()
        assert type(read.frame) is kind and read.frame.unit == "kg"
        assert type(stored.read(trust=False).frame) is pd.DataFrame
    finally:
        del main.Mine
    read = stored.read()
    assert type(read.frame) is pd.DataFrame
    assert len(read.warnings) == 1 and "Mine" in read.warnings[0]
    assert_same_frame(read.frame, pd.DataFrame({"a": [1]}))


def test_a_class_that_is_something_else_now() -> None:
    module: Any = ModuleType("some_module_of_a_test")
    module.Mine = type("Mine", (pd.DataFrame,), {"__module__": module.__name__})
    sys.modules[module.__name__] = module
    stored = Stored(module.Mine({"a": [1]}))
    module.Mine = print
    read = stored.read()
    del sys.modules[module.__name__]
    assert type(read.frame) is pd.DataFrame and read.warnings


def test_objects_of_main_come_back_in_another_process() -> None:
    import pickle
    import subprocess

    main: Any = sys.modules["__main__"]
    main.Point = type("Point", (), {"__module__": "__main__", "__slots__": ("x",)})
    point = main.Point()
    point.x = 5
    try:
        stored = Stored(pd.Series([point]))
    finally:
        del main.Point
    code = "import pickle,sys; print(pickle.loads(sys.stdin.buffer.read())[0].x)"
    found = subprocess.run(
        [sys.executable, "-c", code], input=stored.blobs[0], capture_output=True, check=True
    )
    assert found.stdout.strip() == b"5"
    assert pickle.loads(stored.blobs[0])[0].x == 5


@pytest.mark.parametrize("seed", range(150))
def test_any_nonsense_is_refused_with_one_error(seed: int) -> None:
    random = np.random.default_rng(seed)
    df = frame()
    df["k"] = pd.Categorical(["u", "v", "u"])
    df["o"] = np.array([1, "x", None], dtype=object)
    df["ar"] = pd.array(
        [[1], None, [2]],
        dtype=pd.ArrowDtype(__import__("pyarrow").list_(__import__("pyarrow").int8())),
    )
    df["sp"] = pd.arrays.SparseArray([0, 1, 0])
    stored = Stored(df)
    meta = json.loads(stored.meta)
    for _ in range(random.integers(1, 4)):
        _spoil(meta, random)
    blobs = [bytearray(blob) for blob in stored.blobs]
    if random.random() < 0.5:
        victim = blobs[random.integers(len(blobs))]
        if random.random() < 0.5:
            del victim[len(victim) // 2 :]
        elif victim:
            victim[random.integers(len(victim))] ^= 1 << int(random.integers(8))
    try:
        read = capture.decode(copy.deepcopy(meta), blobs.__getitem__, trust=False)
    except DamagedData:
        return
    repr(read.frame)


def _spoil(meta: Any, random: Any) -> None:
    places: list[tuple[Any, Any]] = []
    todo: collections.deque[Any] = collections.deque([meta])
    while todo:
        node = todo.popleft()
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            places.append((node, key))
            if isinstance(value, (dict, list)):
                todo.append(value)
    node, key = places[random.integers(len(places))]
    values = [None, -1, 0, 1, 10**6, "x", [], {}, [1], {"a": 1}, True, "pickle", 1.5]
    node[key] = values[random.integers(len(values))]


def repeated() -> Stored:
    """A column of strings that has codes; its blobs are codes, lengths and bytes."""
    words = pd.Series(["ab", "c", None], dtype="str")
    return Stored(words.take(np.arange(3_000) % 3).reset_index(drop=True).to_frame("s"))


@pytest.mark.parametrize(
    ("number", "data"),
    [
        (0, b"\3" * 3_000),
        (0, b"\0" * 2_999),
        (0, b"\0" * 12_000),
        (0, b""),
        (1, b""),
        (1, np.array([2, 2], np.int32).tobytes()),
        (1, np.array([-9, 12], np.int32).tobytes()),
        (1, b"\1"),
        (2, b"ab"),
        (2, b"a\xff\xff"),
    ],
)
def test_codes_that_make_no_sense_are_damage(number: int, data: bytes) -> None:
    stored = repeated()
    assert len(stored.blobs[0]) == 3_000 and bytes(stored.blobs[2]) == b"abc"
    stored.blobs[number] = data
    with pytest.raises(DamagedData):
        stored.read(trust=False)
