"""The logs of chat and of web searches, by themselves."""

from __future__ import annotations

import json
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfbackup_jupyter.session import Budget, ChatMemory, Context, Recorder, WebSearches
from tests.session.kit import bring_back, reader

CONTEXT = Context({})

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=10,
)


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError


def chat(*contents: str) -> ChatMemory:
    memory = ChatMemory()
    for content in contents:
        memory.append("user", content)
    return memory


def test_they_are_recorders() -> None:
    assert isinstance(ChatMemory(), Recorder)
    assert isinstance(WebSearches(), Recorder)


def test_what_was_said_is_kept_in_order_with_all_that_was_given() -> None:
    memory = ChatMemory()
    first = memory.append("user", "Xóa cột x", thread="t1")
    memory.append("assistant", [{"type": "text", "text": "đã xóa"}], tokens=3, tool_calls=({"a"},))
    one, two = memory.messages
    assert one == {
        "id": first, "time": one["time"], "role": "user", "content": "Xóa cột x", "thread": "t1",
    }  # fmt: skip
    assert two["content"] == [{"type": "text", "text": "đã xóa"}]
    assert (two["tokens"], two["tool_calls"]) == (3, [["a"]])
    assert one["time"] <= two["time"]


def test_what_is_given_out_is_a_copy() -> None:
    searches = WebSearches()
    found = [{"title": "pandas"}]
    searches.append("pandas merge", found)
    found[0]["title"] = "changed"
    searches.entries[0]["results"].clear()
    assert searches.entries[0]["results"] == [{"title": "pandas"}]


def test_one_with_an_id_is_added_once() -> None:
    memory = ChatMemory()
    assert memory.append("user", "hi", id="m1") == "m1"
    memory.append("user", "hi again", id="m1")
    assert [message["content"] for message in memory.messages] == ["hi"]


@given(anything, anything)
@settings(max_examples=100, deadline=None)
def test_whatever_is_given_becomes_plain_json_and_comes_back(content: Any, detail: Any) -> None:
    memory = ChatMemory()
    memory.append("tool", content, detail=detail, other=detail)
    assert json.loads(json.dumps(memory.messages, allow_nan=False)) == memory.messages
    fresh = ChatMemory()
    bring_back(fresh, memory.snapshot(CONTEXT), CONTEXT, trust=False)
    assert fresh.messages == memory.messages


def test_what_json_does_not_have_becomes_text() -> None:
    loop: list[Any] = []
    loop.append(loop)
    values = [np.float64(1.5), np.int64(2), float("nan"), 1 << 100, Unprintable(), {1: b"x"}]
    searches = WebSearches()
    searches.append("q", values, loop=loop)
    assert searches.entries[0]["results"] == [
        1.5, "2", "nan", str(1 << 100), "<Unprintable>", {"1": "b'x'"},
    ]  # fmt: skip
    searches.append("q", 10**5000)
    assert searches.entries[1]["results"] == "<int>"


def test_one_message_cannot_fill_the_memory() -> None:
    memory = ChatMemory(nbytes=1_000_000)
    memory.append("tool", "x" * 10_000_000)
    memory.append("tool", [["y" * 1000] * 1000])
    for message in memory.messages:
        assert len(message["content"]) == 100_000
        assert message["content"].endswith("…")


def test_the_oldest_make_room() -> None:
    memory = ChatMemory(nbytes=10_000)
    for number in range(100):
        memory.append("user", f"{number} " + "x" * 500)
    numbers = [int(message["content"].split()[0]) for message in memory.messages]
    assert numbers == list(range(100 - len(numbers), 100))
    assert 10 <= len(numbers) <= 20


def test_a_new_kernel_gets_it_back_and_loses_nothing() -> None:
    old = chat("one", "two")
    state = old.snapshot(CONTEXT)
    assert state.captured == ("2 chat messages",)
    fresh = chat("three")
    said = bring_back(fresh, state, CONTEXT, trust=False)
    assert said.names == ("2 chat messages",)
    assert [message["content"] for message in fresh.messages] == ["one", "two", "three"]
    assert bring_back(fresh, state, CONTEXT).names == ()
    assert len(fresh.messages) == 3


def test_one_that_is_full_still_takes_what_is_restored() -> None:
    state = chat(*"abcdefghij").snapshot(CONTEXT)
    small = ChatMemory(limit=3)
    for content in "xyz":
        small.append("user", content)
    bring_back(small, state, CONTEXT)
    assert [message["content"] for message in small.messages] == [*"abcdefghijxyz"]


def test_one_that_is_empty_holds_nothing() -> None:
    assert ChatMemory().snapshot(CONTEXT).empty
    assert WebSearches().snapshot(CONTEXT).empty


def test_a_snapshot_keeps_to_its_bytes() -> None:
    memory = chat(*(f"{n}" + "x" * 1000 for n in range(100)))
    state = memory.snapshot(Context({}, budget=Budget(nbytes=20_000)))
    assert 15_000 < state.blobs[0].nbytes <= 20_000
    kept = json.loads(bytes(reader(state)(0)))
    assert kept == memory.messages[-len(kept) :]
    assert state.skipped[0][1] == "only the newest are kept"


def test_how_two_states_differ() -> None:
    memory = chat("one")
    before = memory.snapshot(CONTEXT)
    assert memory.differences(before, before) == []
    memory.append("user", "two")
    assert memory.differences(before, memory.snapshot(CONTEXT)) == ["1 chat message more"]
    assert memory.differences(memory.snapshot(CONTEXT), None) == ["2 chat messages fewer"]


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[" * 100_000, b"\xff"],
)
def test_bytes_that_are_no_log_are_reported(data: bytes) -> None:
    memory = chat("one")
    said = memory.restore({}, lambda i: data, CONTEXT, trust=False)
    assert len(said.warnings) == 1
    assert len(memory.messages) == 1


def test_one_bad_record_costs_only_itself() -> None:
    good = chat("one").messages[0]
    bad: list[Any] = [
        1,
        {},
        {**good, "id": 5},
        {**good, "id": "x", "time": "noon"},
        {**good, "id": "x", "time": "2026-01-01T12:00:00"},
        {key: value for key, value in good.items() if key != "role"},
    ]
    data = json.dumps([good, *bad]).encode()
    memory = ChatMemory()
    said = memory.restore({}, lambda i: data, CONTEXT, trust=False)
    assert memory.messages == [good]
    assert said.warnings == ("6 chat messages could not be read.",)


def test_many_threads_may_add() -> None:
    searches = WebSearches()

    def search(name: int) -> None:
        for number in range(50):
            searches.append(f"{name}-{number}", [])
            searches.snapshot(CONTEXT)

    threads = [threading.Thread(target=search, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({entry["query"] for entry in searches.entries}) == 200
