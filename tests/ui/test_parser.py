"""Lines, right and wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfbackup_jupyter.errors import InvalidRequest
from dfbackup_jupyter.ui.parser import parse, parse_cell
from dfbackup_jupyter.ui.splitting import closed, quote


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("create x", {"name": "x", "description": None, "only": None, "data_only": False}),
        ("create 'a b' -d \"it's\"", {"name": "a b", "description": "it's"}),
        ("create x --only df1,df2", {"only": ["df1", "df2"]}),
        ("create x --only df1, df2", {"only": ["df1", "df2"]}),
        ("create x --only dfs['a, b'],df", {"only": ["dfs['a, b']", "df"]}),
        ("create x --only=df", {"only": ["df"]}),
        ("create don't", {"name": "don't"}),
        ("list -n 5 --all", {"limit": 5, "all": True, "kind": None}),
        ("restore --dry-run last", {"reference": "last", "dry_run": True}),
        ("restore a --as b", {"as_name": "b"}),
        ("delete a b c --yes", {"references": ["a", "b", "c"], "yes": True}),
        (r"export a C:\new\x.zip", {"file": r"C:\new\x.zip", "format": None}),
        ("import x.zip --trust", {"file": "x.zip", "trust": True}),
        ("log --deleted", {"deleted": True}),
    ],
)
def test_understood(line: str, values: dict[str, object]) -> None:
    found = parse(line).values
    assert {key: found[key] for key in values} == values


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("lsit", "lsit", "Did you mean %backup list?"),
        ("frobnicate", "frobnicate", "create, quick, list"),
        ("create", "NAME", "Usage: %backup create NAME"),
        ("create a b", "'b'", "Usage"),
        ("create 'a", "quote", "Close it"),
        ("create x --onyl df", "--only", "Usage"),
        ("create x --only", "--only", "Usage"),
        ("list -n 0", "-n", "Usage"),
        ("list -n x", "-n", "Usage"),
        ("list --kind x", "--kind", "Usage"),
        ("auto maybe", "maybe", "on|off"),
        ("delete", "ID", "Usage"),
        ("undo 2", "'2'", "Usage"),
        ("--all", "--all", "create, quick, list"),
    ],
)
def test_mistakes_are_explained(line: str, message: str, hint: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        parse(line)
    assert message in raised.value.message
    assert hint in raised.value.hint


def test_the_line_of_a_cell() -> None:
    assert parse_cell("").values == {"name": None, "rollback": False}
    assert parse_cell("--rollback 'a b'").values == {"name": "a b", "rollback": True}
    with pytest.raises(InvalidRequest):
        parse_cell("a --rolback")


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_line_is_read_or_refused(line: str) -> None:
    try:
        parse(line)
    except InvalidRequest as error:
        assert error.message


@given(st.text(st.sampled_from("ab '[],=-\\"), min_size=1, max_size=12).filter(str.strip))
def test_a_quoted_word_is_one_word(text: str) -> None:
    assert [word.text for word in closed(quote(text))] == [text]
