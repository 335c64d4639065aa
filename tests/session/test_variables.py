from __future__ import annotations

import collections
import itertools
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dfbackup_jupyter.errors import DamagedData
from dfbackup_jupyter.session import Budget, Context, Recorder, State, Variables
from dfbackup_jupyter.session.names import is_users, looks_secret
from dfbackup_jupyter.session.sizes import guess
from tests.session.kit import bring_back, notebook, reader

MANUAL = Budget(seconds=None)

ATOMS = [
    True,
    None,
    0,
    -1,
    2**53,
    -(2**80),
    10**5000,
    0.1,
    -0.0,
    float("inf"),
    5e-324,
    "",
    "naïve ✓\n\0",
    "\ud800",
    "x" * 5000,
    "\udfff" * 5000,
    b"",
    b"\0\xff",
]


def snapshot(namespace: dict[str, Any], **frames: Any) -> State:
    return Variables().snapshot(Context(namespace, frames=frames, budget=MANUAL))


def round_trip(namespace: dict[str, Any], *, trust: bool = True, **frames: Any) -> dict[str, Any]:
    fresh: dict[str, Any] = notebook()
    context = Context(fresh, frames=frames)
    said = bring_back(Variables(), snapshot(namespace, **frames), context, trust=trust)
    assert said.warnings == ()
    return fresh


def forms(state: State) -> dict[str, str]:
    return {name: e["form"] for e in state.meta["variables"] for name in e["names"]}


def test_it_is_a_recorder() -> None:
    assert isinstance(Variables(), Recorder)


@pytest.mark.parametrize("value", ATOMS, ids=lambda v: str(type(v).__name__))
def test_plain_values_come_back_without_trust(value: Any) -> None:
    back = round_trip({"x": value}, trust=False)["x"]
    assert type(back) is type(value)
    assert back == value
    if isinstance(value, float):
        assert back.hex() == value.hex()


def test_nan_comes_back() -> None:
    assert np.isnan(round_trip({"x": float("nan")}, trust=False)["x"])


def test_subclasses_of_plain_types_keep_their_class() -> None:
    back = round_trip({"x": np.float64(1.5), "c": collections.Counter("aab")})
    assert type(back["x"]) is np.float64
    assert back["c"] == {"a": 2, "b": 1}
    assert type(back["c"]) is collections.Counter


def test_containers_and_arrays_come_back() -> None:
    values = {"a": np.arange(10), "d": {"x": [1, (2,)]}, "s": {1, 2}}
    back = round_trip(values)
    np.testing.assert_array_equal(back["a"], values["a"])
    assert back["d"] == values["d"]
    assert back["s"] == values["s"]


def test_two_names_of_one_object_stay_one_object() -> None:
    shared = [1]
    back = round_trip({"a": shared, "b": shared, "c": [1]})
    assert back["a"] is back["b"]
    assert back["a"] is not back["c"]


def test_what_is_not_the_users_is_left_out_silently() -> None:
    space = {"__name__": "__main__", "_": 1, "_3": 2, "_i3": "x", "In": [], "h": 1, "mine": 1}
    space |= {"a b": 1, 7: 1}  # type: ignore[dict-item]
    state = Variables().snapshot(Context(space, hidden={"h"}))
    assert state.captured == ("mine",)
    assert state.skipped == ()


def test_what_is_left_out_is_listed_with_the_reason() -> None:
    space = {
        "np": np,
        "github_token": "abc",
        "lock": threading.Lock(),
        "rows": (i for i in range(3)),
        "fine": 1,
    }
    state = snapshot(space)
    reasons = dict(state.skipped)
    assert state.captured == ("fine",)
    assert reasons["np"] == "a module: import numpy as np"
    assert reasons["github_token"] == "its name suggests a secret"
    assert reasons["lock"].startswith("cannot be pickled: ")
    assert "generator" in reasons["rows"]
    assert all(isinstance(entry, tuple) and len(entry) == 2 for entry in state.skipped)


@pytest.mark.parametrize(
    "name",
    "token hf_token githubToken API_KEY openai_api_key apikey AWS_SECRET_ACCESS_KEY db_password "
    "dbPassword pwd passphrase credentials client_secret private_key "
    "AUTH_TOKEN accesstoken mytoken".split(),
)
def test_names_of_secrets(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name",
    "tokens tokenizer n_tokens author secretary key keys api monkey passengers compass df "
    "primary_key access authors pattern".split(),
)
def test_names_of_no_secrets(name: str) -> None:
    assert not looks_secret(name)


def test_users_names() -> None:
    assert is_users("_private", ())
    assert not is_users("__vsc_ipynb_file__", ())


class Explosive:
    def __reduce__(self) -> Any:
        raise ValueError("no, thanks")


class Unreadable:
    def __reduce__(self) -> Any:
        return _fail, ()


def _fail() -> None:
    raise ImportError("No module named 'gone'")


class Strange:
    @property
    def nbytes(self) -> int:
        raise RuntimeError

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


def test_one_bad_variable_costs_only_itself() -> None:
    state = snapshot({"a": [1], "bad": Explosive(), "worse": Unreadable(), "z": [2]})
    assert dict(state.skipped) == {"bad": "cannot be pickled: no, thanks"}
    fresh: dict[str, Any] = {}
    said = bring_back(Variables(), state, Context(fresh))
    assert fresh == {"a": [1], "z": [2]}
    assert said.names == ("a", "z")
    assert said.warnings == ("worse could not be brought back: No module named 'gone'",)


def test_deep_recursion_and_strange_objects_do_no_harm() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    state = snapshot({"deep": deep, "strange": Strange(), "fine": 1})
    assert "fine" in state.captured
    assert "deep" in dict(state.skipped)


def test_damaged_bytes_cost_only_their_variable() -> None:
    state = snapshot({"a": [1], "b": [2]})

    def read(i: int) -> bytearray:
        if i == 0:
            raise DamagedData("A chunk is damaged.")
        return reader(state)(i)

    fresh: dict[str, Any] = {}
    said = Variables().restore(state.meta, read, Context(fresh), trust=True)
    assert fresh == {"b": [2]}
    assert said.warnings == ("a could not be read: A chunk is damaged.",)


def test_without_trust_nothing_is_unpickled() -> None:
    state = snapshot({"n": 1, "evil": Unreadable(), "text": "y" * 4000})
    fresh: dict[str, Any] = {}
    said = bring_back(Variables(), state, Context(fresh), trust=False)
    assert set(fresh) == {"n", "text"}
    [warning] = said.warnings
    assert warning.startswith("evil stayed in the backup")
    assert "--trust" in warning


@pytest.mark.parametrize(
    "meta",
    [
        {},
        {"variables": None},
        {"variables": [None, 3, {}, {"names": "x", "form": "json"}]},
        {"variables": [{"names": [1, "a b", "__builtins__", "In"], "form": "json", "value": 1}]},
    ],
)
def test_meta_that_we_did_not_write_changes_nothing(meta: Any) -> None:
    fresh: dict[str, Any] = {}
    said = Variables().restore(meta, lambda i: b"", Context(fresh), trust=False)
    assert fresh == {}
    assert said.names == ()


@pytest.mark.parametrize(
    "entry",
    [
        {"form": "json"},
        {"form": "json", "value": [1]},
        {"form": "int", "value": "zz"},
        {"form": "other"},
        {"form": "text", "blob": 9},
        {"form": ["pickle"]},
    ],
)
def test_entries_that_we_did_not_write_are_reported(entry: Any) -> None:
    fresh: dict[str, Any] = {}
    meta = {"variables": [{"names": ["x"], **entry}]}
    said = Variables().restore(meta, [].__getitem__, Context(fresh), trust=False)
    assert fresh == {}
    assert len(said.warnings) == 1


def test_what_is_as_it_was_stays_untouched() -> None:
    space = notebook("config = {'a': 1}\nlog = []\nn = 5\ndef f(): return n")
    state = snapshot(space)
    config, f = space["config"], space["f"]
    space["log"].append(1)
    space["n"] = 6
    said = bring_back(Variables(), state, Context(space))
    assert set(said.names) == {"log", "n"}
    assert space["config"] is config
    assert space["f"] is f
    assert space["log"] == []
    assert f() == 5


# Functions and classes of the notebook

FUNCTIONS = """
big = list(range(100_000))
factor = 2
def scale(x, by=3, *, shift=0):
    "Scales."
    return x * factor * by + shift
scale.note = 'hi'
def counter():
    n = 0
    def up():
        nonlocal n
        n += 1
        return n
    return up
up = counter(); up()
def fact(n): return n * fact(n - 1) if n else 1
def size(): return len(big)
class Model:
    rate: float = .5
    def __init__(self): self.w = [factor]
    def fit(self): return scale(self.w[0])
class Child(Model):
    def fit(self): return super().fit() + 1
model = Child()
double = lambda v: v * factor
"""


def test_functions_read_the_globals_of_the_notebook_they_come_back_to() -> None:
    back = round_trip(notebook(FUNCTIONS))
    assert back["scale"](1) == 6
    back["factor"] = 10
    assert back["scale"](1, shift=1) == 31
    assert back["double"](1) == 10
    assert back["model"].fit() == 61
    assert back["scale"].__globals__ is back
    assert (back["scale"].__doc__, back["scale"].note) == ("Scales.", "hi")
    assert back["fact"](5) == 120
    assert back["up"]() == 2
    assert isinstance(back["model"], back["Child"])


def test_functions_do_not_carry_the_globals_they_mention() -> None:
    state = snapshot(notebook(FUNCTIONS))
    sizes = {
        entry["names"][0]: state.blobs[entry["blob"]].nbytes
        for entry in state.meta["variables"]
        if "blob" in entry
    }
    assert sizes["size"] < 1000
    assert sizes["big"] > 100_000


def test_it_all_comes_back_in_another_process(tmp_path: Path) -> None:
    state = snapshot(notebook(FUNCTIONS))
    stored = state.meta, [reader(state)(i) for i in range(len(state.blobs))]
    (tmp_path / "state").write_bytes(pickle.dumps(stored))
    script = f"""
import pickle
from dfbackup_jupyter.session import Context, Variables
meta, blobs = pickle.load(open({str(tmp_path / "state")!r}, "rb"))
said = Variables().restore(meta, blobs.__getitem__, Context(globals()), trust=True)
assert not said.warnings, said.warnings
assert model.fit() == 13 and isinstance(model, Child) and up() == 2 and size() == 100_000
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_code_of_another_python_is_not_run() -> None:
    state = snapshot(notebook("def f(): return 1\nclass A:\n  def m(self): pass\nx = [1]"))
    state.meta["python"] = [3, 99]
    fresh = notebook()
    said = bring_back(Variables(), state, Context(fresh))
    assert said.names == ("x",)
    assert len(said.warnings) == 2
    assert said.warnings[0].startswith("f has code of another version of Python in it")


# Frames


def test_watched_frames_are_referred_to_not_copied() -> None:
    df = pd.DataFrame({"a": np.zeros(100_000)})
    space = {"df": df, "alias": df, "dfs": {"x": df, "n": 1}, "model": SimpleNamespace(df=df)}
    state = snapshot(space, df=df)
    assert set(state.captured) == {"dfs", "model"}
    assert sum(blob.nbytes for blob in state.blobs) < 20_000
    other = pd.DataFrame({"a": [1.0]})
    fresh: dict[str, Any] = {}
    bring_back(Variables(), state, Context(fresh, frames={"df": other}))
    assert fresh["dfs"]["x"] is other
    assert fresh["model"].df is other


def test_a_variable_whose_frame_is_gone_is_reported() -> None:
    df = pd.DataFrame({"a": [1]})
    fresh: dict[str, Any] = {}
    said = bring_back(Variables(), snapshot({"dfs": [df]}, df=df), Context(fresh))
    assert fresh == {}
    assert "it holds the frame df, which is not there" in said.warnings[0]


# Budgets


def automatic(space: dict[str, Any], **budget: Any) -> State:
    return Variables().snapshot(Context(space, budget=Budget(**budget)))


def test_small_variables_come_first_and_large_ones_are_not_even_tried() -> None:
    class Array(np.ndarray):
        def __reduce__(self) -> Any:
            raise AssertionError("it was tried")

    big = np.zeros(2 << 20, "u1").view(Array)
    state = automatic({"big": big, "text": "x" * (2 << 20), "small": [1]}, nbytes=1 << 20)
    assert state.captured == ("small",)
    assert dict(state.skipped)["big"] == (
        "too large (about 2 MB): all variables together may take 1 MB"
    )


def test_the_budget_is_for_all_variables_together() -> None:
    space = {name: np.ones(400, "u1") for name in "abcd"}
    state = automatic(space, nbytes=1500)
    assert state.captured == ("a", "b")
    assert sum(blob.nbytes for blob in state.blobs) <= 1500


class Sly:
    """Looks small."""

    pickled = 0

    def __getstate__(self) -> Any:
        Sly.pickled += 1
        return {"data": bytes(8 << 20)}


class Slow:
    """Takes its time, in many small pieces."""

    pickled = 0

    def __reduce__(self) -> Any:
        Slow.pickled += 1
        return list, (), None, (self._piece(i) for i in itertools.count())

    @staticmethod
    def _piece(i: int) -> bytes:
        time.sleep(0.0002)
        return bytes(1000)


def test_size_is_limited_while_pickling() -> None:
    state = automatic({"sly": Sly(), "a": 1}, nbytes=1 << 20)
    assert state.captured == ("a",)
    assert dict(state.skipped)["sly"].startswith("too large")


def test_time_is_limited_while_pickling_and_failures_are_not_repeated() -> None:
    space = {"slow": Slow(), "a": [1]}
    variables, context = Variables(), Context(space, budget=Budget(seconds=0.1))
    began = time.monotonic()
    state = variables.snapshot(context)
    assert time.monotonic() - began < 1
    assert state.captured == ("a",)
    assert (
        "takes too long" in dict(state.skipped)["slow"] or "too long" in dict(state.skipped)["slow"]
    )
    tried = Slow.pickled
    for _ in range(3):
        assert dict(variables.snapshot(context).skipped) == dict(state.skipped)
    assert Slow.pickled == tried
    space["slow"] = Slow()
    variables.snapshot(context)
    assert Slow.pickled == tried + 1


def test_plain_values_are_kept_when_time_is_over() -> None:
    state = automatic({"a": 1, "b": "x", "c": [1]}, seconds=0.0)
    assert state.captured == ("a", "b")
    assert "manual backup" in dict(state.skipped)["c"]


def test_equal_states_are_stored_once() -> None:
    space = notebook(FUNCTIONS)
    one, two = snapshot(space), snapshot(space)
    assert one.meta == two.meta
    assert [reader(one)(i) for i in range(len(one.blobs))] == [
        reader(two)(i) for i in range(len(two.blobs))
    ]


def test_guesses() -> None:
    assert guess(np.zeros(1000)) == 8000
    assert 500_000 < guess(list(range(10_000)) * 10) < 20_000_000
    assert guess({"a": np.zeros(1000), "b": 1}) > 8000
    assert guess(pd.Series(np.zeros(1000))) >= 8000
    assert guess(Strange()) == 0
    frame = pd.DataFrame({"a": np.zeros(1000)})
    assert guess([frame]) > 8000
    assert guess([frame], {id(frame)}) < 100
    began = time.perf_counter()
    guess([[list(range(1000))] * 1000] * 1000)
    assert time.perf_counter() - began < 0.05


def test_many_small_variables_are_quick() -> None:
    space = {f"v{i}": [i, str(i)] for i in range(300)}
    state = automatic(space)
    assert len(state.captured) == 300
