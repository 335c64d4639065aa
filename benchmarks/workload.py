"""The notebook that is measured: fourteen cells as people write them, on one frame of any size.

The numbers are random doubles, the content that compresses least, so that bytes written are not
flattered. A second frame has every kind of column, as frames in notebooks have.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

_LABELS = (
    "df.loc[df['x7'] > 2, ['x2', 'x7']] = np.nan\n"
    "labels = pd.DataFrame({'key': range(1000), 'weight': rng.standard_normal(1000)})"
)

COLUMNS = 20
"""Columns of eight bytes each that the first cell makes."""


MIXED_BYTES = 223
"""Bytes in memory of a row of the mixed frame."""

MIXED_ROWS = 1_000_000
"""The most that it has."""


@dataclass(frozen=True)
class Cell:
    """One cell: a short name for the table, and its source."""

    name: str
    source: str


_STEPS = [
    Cell("look", "df.head()"),
    Cell("add column", "df['total'] = df['x0'] + df['x1']"),
    Cell("fillna", "df['x2'] = df['x2'].fillna(0)"),
    Cell("drop", "df = df.drop(columns='x18')"),
    Cell("groupby", "means = df.groupby('key')[['x0', 'x1']].mean()"),
    Cell("merge", "df = df.merge(labels, on='key', how='left')"),
    Cell("sort", "df = df.sort_values('x3')"),
    Cell("loc assignment", "df.loc[df['x4'] < 0, 'x4'] = 0.0"),
    Cell("transform", "df['x5'] = df['x5'] - df.groupby('key')['x5'].transform('mean')"),
    Cell("rename", "df = df.rename(columns={'x6': 'speed'})"),
    Cell("astype", "df['key'] = df['key'].astype('int32')"),
    Cell("dropna", "df = df.dropna()"),
    Cell("insert in place", "df.insert(0, 'row', range(len(df)))"),
]
"""All but the first, which loads."""


def rows_for(megabytes: float) -> int:
    """Return the number of rows that gives a frame of this size."""
    return max(int(megabytes * 1e6 / (8 * COLUMNS)), 10)


def mixed_rows_for(megabytes: float) -> int:
    """Return the number of rows that gives a mixed frame of this size, up to `MIXED_ROWS`."""
    return min(max(int(megabytes * 1e6 / MIXED_BYTES), 10), MIXED_ROWS)


def frames(megabytes: float) -> list[tuple[str, Cell]]:
    """Return what the two frames of this size are, and the cells that make them.

    One is of random doubles, the other, of `MIXED_ROWS` at most, of every kind of column.
    """
    rows = mixed_rows_for(megabytes)
    return [
        (f"random doubles ({rows_for(megabytes):,} rows)", load(megabytes)),
        (f"columns of every kind ({rows:,} rows)", mixed(rows)),
    ]


def cells(first: Cell) -> list[Cell]:
    """Return the workload on the frame that the first cell makes."""
    return [first, *_STEPS]


def many_frames(megabytes: float, count: int) -> list[Cell]:
    """Return cells that work on a few of `count` frames, of this size together."""
    rows = rows_for(megabytes / count)
    load = (
        "import numpy as np, pandas as pd\n"
        "rng = np.random.default_rng(0)\n"
        f"for i in range({count}):\n"
        f"    values = rng.standard_normal(({rows}, {COLUMNS}))\n"
        "    globals()[f'f{i}'] = pd.DataFrame(values).add_prefix('x')\n"
        "del i, values"
    )
    steps = [Cell("load", load)]
    for i in range(min(count, 5)):
        steps += [
            Cell("look", f"f{i}.head()"),
            Cell("assignment", f"f{i}['x0'] = 0.0"),
            Cell("drop", f"f{i} = f{i}.drop(columns='x1')"),
        ]
    return steps


def load(megabytes: float) -> Cell:
    """Return the cell that makes the frame of random doubles."""
    rows = rows_for(megabytes)
    return Cell(
        "load",
        "import numpy as np, pandas as pd\n"
        "rng = np.random.default_rng(0)\n"
        f"df = pd.DataFrame({{f'x{{i}}': rng.standard_normal({rows}) for i in range(19)}})\n"
        f"df['key'] = rng.integers(0, 1000, {rows})\n"
        f"{_LABELS}",
    )


def mixed(rows: int) -> Cell:
    """Return the cell that makes the mixed frame.

    It has four columns of strings, a categorical, two of times with their zone, a nullable
    integer, integers, floats and bools. Names and cities repeat, sentences and identifiers do
    not; one count in twenty is missing.
    """
    return Cell(
        "load",
        "import numpy as np, pandas as pd\n"
        "rng = np.random.default_rng(0)\n"
        f"rows = {rows}\n"
        "pick = lambda words: pd.Series(words, dtype='str').take(rng.integers(0, len(words), rows))"
        ".reset_index(drop=True)\n"
        "syllables = ['ka', 'lo', 'mi', 'ren', 'su', 'ta', 'vel', 'zo']\n"
        "words = [a + b + c for a in syllables for b in syllables for c in syllables]\n"
        "day = pd.Timestamp('2024-01-01', tz='Europe/Vienna')\n"
        "df = pd.DataFrame({\n"
        "    'name': pick([w.title() for w in words]) + ' ' + pick([w.title() for w in words]),\n"
        "    'city': pick([w.title() + 'burg' for w in words[:200]]),\n"
        "    'text': pick(words) + ' ' + pick(words) + ' ' + pick(words) + ' ' + pick(words),\n"
        "    'id': pd.Series(rng.permutation(rows)).map('ID-{:09d}'.format).astype('str'),\n"
        "    'grade': pd.Categorical(pick(list('ABCDE'))),\n"
        "    'opened': day + pd.to_timedelta(np.sort(rng.integers(0, 31_536_000, rows)), 's'),\n"
        "    'closed': day + pd.to_timedelta(rng.integers(0, 31_536_000, rows), 's'),\n"
        "    'count': pd.Series(rng.poisson(9, rows), dtype='Int64'),\n"
        "    'key': rng.integers(0, 1000, rows),\n"
        "    'year': rng.integers(1990, 2025, rows),\n"
        "    'price': rng.lognormal(3, 1, rows).round(2),\n"
        "    'paid': rng.random(rows) < 0.8,\n"
        "    'new': rng.random(rows) < 0.1,\n"
        "    'x18': rng.integers(0, 100, rows),\n"
        "    **{f'x{i}': rng.standard_normal(rows) for i in range(8)},\n"
        "})\n"
        "df.loc[rng.random(rows) < 0.05, 'count'] = pd.NA\n"
        f"{_LABELS}\n"
        "del rows, pick, syllables, words, day",
    )


def frame(cell: Cell) -> pd.DataFrame:
    """Return the frame that a cell makes."""
    namespace: dict[str, pd.DataFrame] = {}
    exec(cell.source, namespace)
    return namespace["df"]
