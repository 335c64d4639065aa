"""Places of frames: written, read, used."""

from __future__ import annotations

from collections import namedtuple
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfbackup_jupyter.capture.paths import FramePath, Step, is_usable_key

ATOMS = (
    st.text(st.characters(exclude_categories=[]))
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.none()
    | st.binary()
)
KEYS = st.recursive(ATOMS, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=4)
STEPS = st.one_of(
    st.builds(Step, st.just("item"), KEYS),
    st.builds(Step, st.just("attribute"), st.text(min_size=1)),
)


@given(st.text(min_size=1), st.lists(STEPS, max_size=3))
def test_what_is_written_is_read(root: str, steps: list[Step]) -> None:
    path = FramePath(root, tuple(steps))
    assert all(is_usable_key(step.key) for step in steps)
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return
    assert FramePath.parse(str(path)) == path
    assert str(FramePath.parse(str(path))) == str(path)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("df", FramePath("df")),
        ("dfs['a']", FramePath("dfs", (Step("item", "a"),))),
        ("model.df", FramePath("model", (Step("attribute", "df"),))),
        ("parts[0]", FramePath("parts", (Step("item", 0),))),
        ("d[-1]", FramePath("d", (Step("item", -1),))),
        ("d[('a', 1)]", FramePath("d", (Step("item", ("a", 1)),))),
        (
            "cfg['x'].frames[2]",
            FramePath("cfg", (Step("item", "x"), Step("attribute", "frames"), Step("item", 2))),
        ),
        ("globals()['my df']", FramePath("my df")),
        ("globals()['class']", FramePath("class")),
        ("getattr(model, 'x y')", FramePath("model", (Step("attribute", "x y"),))),
    ],
)
def test_they_look_like_python(text: str, path: FramePath) -> None:
    assert str(path) == text
    assert FramePath.parse(text) == path


@pytest.mark.parametrize(
    "text", ["", "1", "f()", "a[b]", "a[1:2]", "a + b", "a.b(", "[a]", "a[f()]", "a;b", "a[{}]"]
)
def test_nothing_else_is_read(text: str) -> None:
    with pytest.raises(ValueError, match="not the place of a frame"):
        FramePath.parse(text)


Pair = namedtuple("Pair", ["x", "y"])


def test_assigning_in_containers() -> None:
    space: dict[str, Any] = {
        "d": {"a": 1, "t": (1, (2, 3))},
        "l": [1, 2],
        "p": Pair(1, 2),
        "o": SimpleNamespace(x=1),
    }
    inner = space["d"]
    for text in ["d['a']", "d['t'][1][0]", "l[1]", "l[2]", "p[0]", "o.x", "o.new", "df"]:
        path = FramePath.parse(text)
        path.assign(space, "new")
        assert path.get(space) == "new"
    assert space["d"] is inner
    assert space["d"]["t"] == (1, ("new", 3))
    assert space["p"] == Pair("new", 2) and type(space["p"]) is Pair
    assert space["l"] == [1, "new", "new"]


def test_a_tuple_that_holds_the_value_already_stays() -> None:
    pair = (1, object())
    space = {"p": pair}
    FramePath.parse("p[1]").assign(space, pair[1])
    assert space["p"] is pair


def test_deleting() -> None:
    space: dict[str, Any] = {"d": {"a": 1}, "l": [1, 2], "p": (1, 2), "o": SimpleNamespace(x=1)}
    for text in ["d['a']", "l[0]", "p[1]", "o.x"]:
        FramePath.parse(text).delete(space)
    assert space == {"d": {}, "l": [2], "p": (1,), "o": SimpleNamespace()}
    FramePath("d").delete(space)
    assert "d" not in space


@pytest.mark.parametrize("text", ["gone", "d['x']", "l[5]", "o.y", "n[0]"])
def test_what_is_not_there(text: str) -> None:
    space = {"d": {}, "l": [], "o": SimpleNamespace(), "n": 5}
    with pytest.raises((LookupError, TypeError, AttributeError)):
        FramePath.parse(text).get(space)
    with pytest.raises((LookupError, TypeError, AttributeError)):
        FramePath.parse(text).delete(space)
