"""Frames are found wherever a user keeps them, and none of the user's code runs."""

from __future__ import annotations

from collections import defaultdict, namedtuple
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from dfbackup_jupyter.capture.namespace import find_frames

Pair = namedtuple("Pair", ["x", "y"])
DF = pd.DataFrame({"a": [1]})


@dataclass
class Box:
    df: Any


class Trap(dict):
    """Says what it should not be asked."""

    def __getitem__(self, key: Any) -> Any:
        raise AssertionError

    def __iter__(self) -> Any:
        raise AssertionError

    def __len__(self) -> int:
        raise AssertionError

    items = values = keys = __iter__


class Nasty:
    def __init__(self) -> None:
        self.df = DF

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError

    def __eq__(self, other: object) -> bool:
        raise AssertionError

    __hash__ = None  # type: ignore[assignment]

    @property
    def prop(self) -> Any:
        raise AssertionError


class Faked:
    __slots__ = ()

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        raise AssertionError


class Key:
    def __repr__(self) -> str:
        raise AssertionError


def found(**space: Any) -> list[str]:
    return [str(path) for path in find_frames(space).frames]


def test_everywhere() -> None:
    deep = {"p": {"q": DF}}
    assert found(
        df=DF,
        s=DF["a"],
        d={"a": DF, 1: DF, ("t", 2): DF, None: DF},
        e=[DF, (DF,)],
        p=Pair(DF, 1),
        n=SimpleNamespace(df=DF),
        b=Box(DF),
        dd=defaultdict(list, x=DF),
        deep=deep,
        nothing=1,
    ) == [
        "df",
        "s",
        "d['a']",
        "d[1]",
        "d[('t', 2)]",
        "d[None]",
        "e[0]",
        "p[0]",
        "n.df",
        "b.df",
        "dd['x']",
        "e[1][0]",
        "deep['p']['q']",
    ]


def test_numpy_keys_are_written_as_pythons() -> None:
    space = {"d": {np.int64(3): DF, np.str_("x"): DF, (np.int8(1), "b"): DF}}
    paths = list(find_frames(space).frames)
    assert list(map(str, paths)) == ["d[3]", "d['x']", "d[(1, 'b')]"]
    assert all(path.get(space) is DF for path in paths)


def test_names_that_are_not_the_users() -> None:
    names = ["_", "__", "___", "_5", "_i", "_ii", "_i7", "_oh", "_dh", "In", "Out", "__name__", "h"]
    assert not find_frames(dict.fromkeys(names, DF), hidden={"h"}).frames
    names = ["_tmp", "_init", "_x1", "Inner", "Outer", "_df_", "i", "données"]
    assert found(**dict.fromkeys(names, DF)) == names


def test_no_code_of_the_users_runs() -> None:
    trap = Trap()
    dict.__setitem__(trap, "a", DF)
    walked = find_frames({"t": trap, "n": Nasty(), "f": Faked(), "k": {Key(): DF}})
    assert list(map(str, walked.frames)) == ["t['a']", "n.df"]
    assert walked.unwatched == ("k[<Key>]",)


def test_cycles_end() -> None:
    cycle: dict[str, Any] = {"df": DF}
    cycle["self"] = cycle
    items: list[Any] = [DF]
    items.append(items)
    assert found(c=cycle, i=items) == ["c['df']", "i[0]"]


def test_each_name_of_a_container_counts() -> None:
    d = {"a": DF}
    assert found(x=d, y=d) == ["x['a']", "y['a']"]


def test_what_is_not_looked_into() -> None:
    module = ModuleType("m")
    module.df = DF  # type: ignore[attr-defined]

    class Config:
        df = DF

    def function() -> None: ...

    function.df = DF  # type: ignore[attr-defined]
    groups = DF.groupby("a")
    assert not found(m=module, c=Config, f=function, g=groups, r=DF.rolling(1))


def test_limits_are_named() -> None:
    walked = find_frames(
        {
            "big": [DF] * 1_001,
            "numbers": list(range(5_000)),
            "deep": [[[[DF]]]],
            "stamps": {pd.Timestamp("2024-01-01"): DF},
            "fits": [DF] * 1_000,
        }
    )
    assert len(walked.frames) == 1_000
    assert walked.unwatched == (
        "big",
        "stamps[Timestamp('2024-01-01 00:00:00')]",
        "deep[0][0][0]",
    )


def test_work_is_bounded() -> None:
    tree = [[[1] * 900 + [{}] for _ in range(900)] for _ in range(20)]
    walked = find_frames({"tree": tree, "df": DF})
    assert list(map(str, walked.frames)) == ["df"]
    assert walked.unwatched


def test_arrays_are_noted() -> None:
    array = np.zeros(3)
    walked = find_frames({"a": array, "d": {"e": DF["a"].array}})
    assert walked.memory[0] is array and len(walked.memory) == 2
