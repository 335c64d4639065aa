"""The notebook that is measured: fourteen cells as people write them, on one frame of any size.

The numbers are random doubles, the content that compresses least, so that bytes written are not
flattered.
"""

from __future__ import annotations

from dataclasses import dataclass

COLUMNS = 20
"""Columns of eight bytes each that the first cell makes."""


@dataclass(frozen=True)
class Cell:
    """One cell: a short name for the table, and its source."""

    name: str
    source: str


def rows_for(megabytes: float) -> int:
    """Return the number of rows that gives a frame of this size."""
    return max(int(megabytes * 1e6 / (8 * COLUMNS)), 10)


def cells(megabytes: float) -> list[Cell]:
    """Return the workload for a frame of this size in memory."""
    return [
        Cell("load", _load(rows_for(megabytes))),
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
    for i in range(min(count, 10)):
        steps += [
            Cell("look", f"f{i}.head()"),
            Cell("assignment", f"f{i}['x0'] = 0.0"),
            Cell("drop", f"f{i} = f{i}.drop(columns='x1')"),
        ]
    return steps


def _load(rows: int) -> str:
    return (
        "import numpy as np, pandas as pd\n"
        "rng = np.random.default_rng(0)\n"
        f"df = pd.DataFrame({{f'x{{i}}': rng.standard_normal({rows}) for i in range(19)}})\n"
        f"df['key'] = rng.integers(0, 1000, {rows})\n"
        "df.loc[df['x7'] > 2, ['x2', 'x7']] = np.nan\n"
        "labels = pd.DataFrame({'key': range(1000), 'weight': rng.standard_normal(1000)})"
    )
