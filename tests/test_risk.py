"""What is found in a cell's source, and that reading it is quick, silent and never fails."""

from __future__ import annotations

import random
import timeit
import types
import warnings

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager

from dfbackup_jupyter.risk import Assessment, Effect, analyse, rules

TRANSFORM = TransformerManager().transform_cell
ALL = {"df", "other", "alias", "dfs", "parts", "model", "s"}


class Model:
    """An object with a frame and a property that must not be read."""

    def __init__(self, df: pd.DataFrame) -> None:
        self.df = df
        self.depth = 3

    @property
    def trap(self) -> pd.DataFrame:
        raise AssertionError("the analysis ran code of the user")


@pytest.fixture
def frames() -> dict[str, object]:
    df = pd.DataFrame({"a": [1, 2], "b": [3.0, None], "o": [[1], {}]})
    other = pd.DataFrame({"a": [1]})
    return {
        "df": df,
        "alias": df,
        "other": other,
        "dfs": {"a": other, "n": 1, "deep": {"x": other.copy()}},
        "parts": [pd.DataFrame({"a": [1]}), 5],
        "model": Model(pd.DataFrame({"a": [1]})),
        "s": pd.Series([1, 2], name="s"),
    }


def read(cell: str, frames: dict[str, object]) -> Assessment:
    return analyse(cell, frames, transform=TRANSFORM)


# cell, operation, effect, frames
OVERWRITES, LOSES = Effect.OVERWRITES, Effect.LOSES
BYPASSES, UNKNOWN = Effect.BYPASSES, Effect.UNKNOWN
BOTH = {"df", "alias"}
RISKY: list[tuple[str, str, Effect, set[str]]] = [
    ("df = df.drop(columns='a')", "drop", OVERWRITES, {"df"}),
    ("df = df.merge(other, on='a')", "merge", OVERWRITES, {"df"}),
    ("df = pd.merge(df, other, on='a')", "merge", OVERWRITES, {"df"}),
    ("df = pd.concat([df, other])", "concat", OVERWRITES, {"df"}),
    ("df = df.join(other)", "join", OVERWRITES, {"df"}),
    ("df = df.groupby('a').transform('sum')", "transform", OVERWRITES, {"df"}),
    ("df = df[df.a > 1]", "filter", OVERWRITES, {"df"}),
    ("df = df[['a']]", "column selection", OVERWRITES, {"df"}),
    ("df = df.loc[1:]", "slice", OVERWRITES, {"df"}),
    ("df = df.T", "transpose", OVERWRITES, {"df"}),
    ("df = df * 2", "arithmetic", OVERWRITES, {"df"}),
    ("df = clean(df)", "clean()", OVERWRITES, {"df"}),
    ("df = pd.read_csv('x.csv')", "rebinding", OVERWRITES, {"df"}),
    ("df: object = 1", "rebinding", OVERWRITES, {"df"}),
    ("df, other = other, df", "rebinding", OVERWRITES, {"df", "other"}),
    ("x = y = df = 0", "rebinding", OVERWRITES, {"df"}),
    ("df.drop(columns='a', inplace=True)", "drop", OVERWRITES, BOTH),
    ("df.fillna(0, inplace=flag)", "fillna", OVERWRITES, BOTH),
    ("df.rename(**{'columns': {}, 'inplace': True})", "rename", OVERWRITES, BOTH),
    ("df.drop(**options)", "drop", OVERWRITES, BOTH),
    ("pd.DataFrame.drop(df, columns='a', inplace=True)", "drop", OVERWRITES, BOTH),
    ("getattr(df, 'drop')(columns='a', inplace=True)", "drop", OVERWRITES, BOTH),
    ("df.pop('a')", "pop", OVERWRITES, BOTH),
    ("df.insert(0, 'c', 1)", "insert", OVERWRITES, BOTH),
    ("df.update(other)", "update", OVERWRITES, BOTH),
    ("df.isetitem(0, 1)", "isetitem", OVERWRITES, BOTH),
    ("df['c'] = 1", "column assignment", OVERWRITES, BOTH),
    ("df[['a', 'b']] = 1", "column assignment", OVERWRITES, BOTH),
    ("df['a'] += 1", "column assignment", OVERWRITES, BOTH),
    ("df.a = 1", "column assignment", OVERWRITES, BOTH),
    ("setattr(df, 'a', 1)", "column assignment", OVERWRITES, BOTH),
    ("operator.setitem(df, 'a', 1)", "column assignment", OVERWRITES, BOTH),
    ("s[0] = 5", "item assignment", OVERWRITES, {"s"}),
    ("df.loc[0, 'a'] = 1", "loc assignment", OVERWRITES, BOTH),
    ("df.iloc[0, 0] = 1", "iloc assignment", OVERWRITES, BOTH),
    ("df.at[0, 'a'] = 1", "at assignment", OVERWRITES, BOTH),
    ("df.iat[0, 0] += 1", "iat assignment", OVERWRITES, BOTH),
    ("del df['a']", "delete", OVERWRITES, BOTH),
    ("df.columns = ['x', 'y', 'z']", "setting columns", OVERWRITES, BOTH),
    ("df.index = [1, 2]", "setting index", OVERWRITES, BOTH),
    ("df.index.name = 'i'", "setting name", OVERWRITES, BOTH),
    ("df.columns.names = ['i']", "setting names", OVERWRITES, BOTH),
    ("s.name = 'i'", "setting name", OVERWRITES, {"s"}),
    ("df.attrs['k'] = 1", "setting attrs", OVERWRITES, BOTH),
    ("df.attrs.update(k=1)", "setting attrs", OVERWRITES, BOTH),
    ("df.flags.allows_duplicate_labels = False", "setting flags", OVERWRITES, BOTH),
    ("df += 1", "augmented assignment", OVERWRITES, BOTH),
    ("del df", "delete", LOSES, {"df"}),
    ("(df := 3)", "rebinding", OVERWRITES, {"df"}),
    ("[df := i for i in range(3)]", "rebinding", OVERWRITES, {"df"}),
    ("for df in range(3): pass", "for target", LOSES, {"df"}),
    ("for i, (df, k) in []: pass", "for target", LOSES, {"df"}),
    ("with open('x') as df: pass", "with target", LOSES, {"df"}),
    ("try: pass\nexcept ValueError as df: pass", "except target", LOSES, {"df"}),
    ("import pandas as df", "import", LOSES, {"df"}),
    ("from x import y as df", "import", LOSES, {"df"}),
    ("from nowhere_to_be_found import *", "star import", UNKNOWN, ALL),
    ("def df(): pass", "def", LOSES, {"df"}),
    ("class df: pass", "class", LOSES, {"df"}),
    ("match 1:\n case df: pass", "match target", LOSES, {"df"}),
    ("match 1:\n case {'a': 1, **df}: pass", "match target", LOSES, {"df"}),
    ("match 1:\n case [1, *df]: pass", "match target", LOSES, {"df"}),
    ("x = df\nx.drop(columns='a', inplace=True)", "drop", OVERWRITES, BOTH),
    ("drop = df.drop\ndrop(columns='a', inplace=True)", "drop", OVERWRITES, BOTH),
    (
        "for d in [df, other]: d['z'] = 1",
        "column assignment",
        OVERWRITES,
        ALL - {"model", "parts", "s"},
    ),
    ("[d.pop('a') for d in (df,)]", "pop", OVERWRITES, BOTH),
    ("for i, d in enumerate([df]): d.pop('a')", "pop", OVERWRITES, BOTH),
    ("for n, d in dfs.items(): d.pop('a')", "pop", OVERWRITES, {"dfs", "other"}),
    ("dfs['a'].drop(columns='a', inplace=True)", "drop", OVERWRITES, {"dfs", "other"}),
    ("dfs.get('a')['x'] = 1", "column assignment", OVERWRITES, {"dfs", "other"}),
    ("dfs['deep']['x'].pop('a')", "pop", OVERWRITES, {"dfs"}),
    ("dfs[key].pop('a')", "pop", OVERWRITES, {"dfs", "other"}),
    ("dfs['a'] = 3", "rebinding", OVERWRITES, {"dfs"}),
    ("dfs[key] = 3", "rebinding", OVERWRITES, {"dfs"}),
    ("del dfs['a']", "delete", LOSES, {"dfs"}),
    ("dfs.pop('a')", "pop", LOSES, {"dfs"}),
    ("dfs.clear()", "clear", LOSES, {"dfs"}),
    ("parts[0].pop('a')", "pop", OVERWRITES, {"parts"}),
    ("parts[0] = 1", "rebinding", OVERWRITES, {"parts"}),
    ("parts.reverse()", "reverse", LOSES, {"parts"}),
    ("model.df = 1", "rebinding", OVERWRITES, {"model"}),
    ("model.df['a'] = 1", "column assignment", OVERWRITES, {"model"}),
    ("del model.df", "delete", LOSES, {"model"}),
    ("model.clean()", "clean()", UNKNOWN, {"model"}),
    ("clean(df)", "clean()", UNKNOWN, BOTH),
    ("clean([df], x=1)", "clean()", UNKNOWN, BOTH),
    ("clean(data=df)", "clean()", UNKNOWN, BOTH),
    ("x = await fetch(df)", "fetch()", UNKNOWN, BOTH),
    ("def f(x):\n    x.pop('a')\nf(df)", "pop", OVERWRITES, BOTH),
    ("def f():\n    global df\n    df = 1\nf()", "rebinding", OVERWRITES, {"df"}),
    ("def f(*, function):\n    function.pop('a')\nf(function=df)", "pop", OVERWRITES, BOTH),
    ("f = lambda x: x.pop('a')\nf(df)", "pop", OVERWRITES, BOTH),
    ("@run_now\ndef f(): df.pop('a')", "pop", OVERWRITES, BOTH),
    ("df.pipe(lambda d: d.pop('a'))", "pop", OVERWRITES, BOTH),
    ("def f(d): d.pop('a')\nlist(map(f, [df]))", "pop", OVERWRITES, BOTH),
    ("partial(df.drop, inplace=True)()", "drop", UNKNOWN, BOTH),
    ("Thread(target=df.pop, args=('a',)).start()", "pop", UNKNOWN, BOTH),
    ("pool.submit(f, df)", "submit()", UNKNOWN, BOTH),
    ("class A:\n    df.pop('a')", "pop", OVERWRITES, BOTH),
    ("globals()['df'] = 1", "rebinding", OVERWRITES, {"df"}),
    ("del globals()['df']", "delete", LOSES, {"df"}),
    ("globals().pop('df')", "pop", LOSES, {"df"}),
    ("globals().update(df=1)", "update", OVERWRITES, {"df"}),
    ("get_ipython().user_ns['df'] = 1", "rebinding", OVERWRITES, {"df"}),
    ("import __main__\n__main__.df = 1", "rebinding", OVERWRITES, {"df"}),
    ("globals()[name].pop('a')", "pop", OVERWRITES, {*BOTH, "other", "dfs", "s"}),
    ("exec('x')", "exec", UNKNOWN, ALL),
    ("eval(x)", "eval", UNKNOWN, ALL),
    ("%run x.py", "%run", UNKNOWN, ALL),
    ("%reset -f", "%reset", UNKNOWN, ALL),
    ("%reset_selective -f df", "%reset_selective", UNKNOWN, ALL),
    ("%xdel df", "%xdel", UNKNOWN, ALL),
    ("%store -r", "%store", UNKNOWN, ALL),
    ("%sql df << select 1", "%sql", UNKNOWN, {"df"}),
    ("%%bash --out df\nls", "%bash", UNKNOWN, {"df"}),
    ("%%time\ndf['c'] = 1", "column assignment", OVERWRITES, BOTH),
    ("%%capture out\n%time df.pop('a')", "pop", OVERWRITES, BOTH),
    ("%%backup before --rollback\n!ls\ndf.pop('a')", "pop", OVERWRITES, BOTH),
    ("%time df = df.dropna()", "dropna", OVERWRITES, {"df"}),
    ("%timeit -n 10 -r3 df.pop('a')", "pop", OVERWRITES, BOTH),
    ("%prun -s cumulative df.pop('a')", "pop", OVERWRITES, BOTH),
    ("df = !ls", "rebinding", OVERWRITES, {"df"}),
    ("/clean df", "clean()", UNKNOWN, BOTH),
    ("get_ipython().run_cell('df.pop(1)')", "pop", OVERWRITES, BOTH),
    ("get_ipython().run_cell(text)", "run_cell()", UNKNOWN, ALL),
    ("get_ipython().magic('reset -f')", "%reset", UNKNOWN, ALL),
    ("get_ipython().reset()", "reset()", UNKNOWN, ALL),
    ("df['a'].array[0] = 5", "array assignment", BYPASSES, BOTH),
    ("df['a'].values[0] = 5", "array assignment", BYPASSES, BOTH),
    ("v = df.a.to_numpy()\nv.setflags(write=True)", "array setflags", BYPASSES, BOTH),
    ("v = df.a.values\nv.flags.writeable = True", "array assignment", BYPASSES, BOTH),
    ("df['a'].values.sort()", "array sort", BYPASSES, BOTH),
    ("np.asarray(df['a'])[0] = 1", "array assignment", BYPASSES, BOTH),
    ("np.add.at(df['a'].values, [0], 1)", "at()", BYPASSES, BOTH),
    ("np.put(df.a.values, 0, 1)", "put()", BYPASSES, BOTH),
    ("np.add(1, 2, out=df['a'].values)", "add()", BYPASSES, BOTH),
    ("rng.shuffle(df['a'].values)", "shuffle()", BYPASSES, BOTH),
    ("torch.from_numpy(df.values)", "from_numpy()", BYPASSES, BOTH),
    ("StandardScaler(copy=False).fit_transform(df[['a']])", "fit_transform()", BYPASSES, BOTH),
    ("X = df[['a']]\nscale(X, copy=False)", "scale()", BYPASSES, BOTH),
    ("import ctypes\nfill(df['a'].values)", "fill()", BYPASSES, BOTH),
    ("@numba.njit\ndef f(x): x[0] = 1\nkernel(df.a.values)", "kernel()", BYPASSES, BOTH),
    ("pd.eval('c = a', target=df, inplace=True)", "eval", OVERWRITES, BOTH),
    ("Thread(target=lambda: df.pop('a')).start()", "pop", OVERWRITES, BOTH),
    ("def f(): df.pop('a')\nThread(target=f).start()", "pop", OVERWRITES, BOTH),
    ("dfs |= {'a': 1}", "augmented assignment", OVERWRITES, {"dfs"}),
    ("vars(model)['df'] = 1", "rebinding", OVERWRITES, {"model"}),
    ("sys.modules['__main__'].__dict__['df'] = 1", "rebinding", OVERWRITES, {"df"}),
    ("df.attrs['k'].append(1)", "setting attrs", OVERWRITES, BOTH),
    ("%%capture df\nprint(1)", "%capture", LOSES, {"df"}),
    ("scaler.fit_transform(df)", "fit_transform()", BYPASSES, BOTH),
    ("scaler.transform(df[['a']])", "transform()", BYPASSES, BOTH),
    ("df.at[0, 'o'].append(1)", "object cell", BYPASSES, BOTH),
    ("df['o'].iloc[0]['k'] = 1", "object cell", BYPASSES, BOTH),
    ("del df['o'][1]['k']", "object cell", BYPASSES, BOTH),
    ("for x in df['o']: x.clear()", "object cell", BYPASSES, BOTH),
    ("df['o'].apply(lambda x: x.append(1))", "object cell", BYPASSES, BOTH),
    ("for i, row in df.iterrows(): row['o'].append(1)", "object cell", BYPASSES, BOTH),
]

SAFE = [
    "df.drop(columns='a')",
    "new = df.drop(columns='a')",
    "new = df.copy(); new['x'] = 1; new.drop(columns='x', inplace=True)",
    "df.drop(columns='a', inplace=False)",
    "df = df",
    "df = df.copy()",
    "df.transform(lambda x: x + 1); df.apply(len); df.pipe(len)",
    "for i, row in df.iterrows(): print(row)",
    "for df2 in (1, 2): pass",
    "[df for df in range(3)]",
    "lambda df: df",
    "def f(df):\n    df = df.dropna()\n    return df",
    "def f(df):\n    df.pop('a')",
    "df['a'].fillna(0, inplace=True)",
    "other['a'][0] = 1",
    "other[other.a > 1]['a'] = 2",
    "df.new_attribute = 1",
    "df.merge(other, on='a').groupby('a').agg('sum').plot()",
    "pd.concat([df, other]); pd.merge(df, other); np.log(df)",
    "sns.lineplot(data=df); plt.plot(df); ax.plot(df); px.line(df)",
    "model2.fit(df, s); model2.predict(df); train_test_split(df, s)",
    "print(df, len(df), display(df), type(df), id(df))",
    "x = [df]; x.append(df); d = {'a': df}",
    "dfs['new'] = df; dfs['n'] = 2; parts.append(df); model.depth = 4",
    "clean(df['a']); clean(df.a.sum())",
    "from os.path import *",
    "%matplotlib inline",
    "%store df",
    "%load_ext autoreload",
    "df?",
    "!ls df",
    "%%writefile x.py\ndf = 1",
    "df.head()\nthis is not python",
    "x = 1",
    "",
    "pd.eval('a + 1'); df.eval('a + 1'); df.query('a > 1')",
    "df.astype('str', copy=False)",
    "df.copy().merge(other).eval('a + 1')",
]


@pytest.mark.parametrize(("cell", "operation", "effect", "names"), RISKY)
def test_risky(
    cell: str, operation: str, effect: Effect, names: set[str], frames: dict[str, object]
) -> None:
    found = read(cell, frames)
    same = [o for o in found.operations if o.operation == operation and o.effect is effect]
    assert same, found
    assert {name for o in same for name in o.frames} == names
    assert found.risky
    assert found.bypass == (effect is Effect.BYPASSES)


@pytest.mark.parametrize("cell", SAFE)
def test_safe(cell: str, frames: dict[str, object]) -> None:
    assert read(cell, frames) == Assessment()


def test_lines_are_those_of_the_cell(frames: dict[str, object]) -> None:
    cell = "%%time\nx = 1\n\ndf.pop('a')\ndef f():\n    other.pop('a')\nf()"
    assert [o.line for o in read(cell, frames).operations] == [4, 6]


def test_chain_names_every_step_in_order(frames: dict[str, object]) -> None:
    found = read("df = df.copy().dropna().merge(other).reset_index()", frames)
    assert [o.operation for o in found.operations] == ["dropna", "merge", "reset_index"]


def test_plain_python_is_not_transformed(frames: dict[str, object]) -> None:
    def transform(source: str) -> str:
        raise AssertionError(source)

    assert analyse("df.pop('a')", frames, transform=transform).risky


def test_nothing_to_protect() -> None:
    assert analyse("%reset -f", {}, transform=TRANSFORM) == Assessment()


def test_long_cell_may_do_anything(frames: dict[str, object]) -> None:
    cell = "x = 1\n" * rules.SOURCE_LIMIT
    assert read(cell, frames).frames == frames.keys()


@pytest.mark.parametrize("cell", ["f(" * 3000 + ")" * 3000, "x" + ".a()" * 5000, "[" * 9000])
def test_deep_cells(cell: str, frames: dict[str, object]) -> None:
    assert analyse(cell, frames).frames <= frames.keys()


def test_recursive_functions_end(frames: dict[str, object]) -> None:
    cell = "def f(x):\n    g(x)\ndef g(x):\n    f(x)\n    x.pop('a')\nf(df)"
    assert [o.operation for o in read(cell, frames).operations] == ["pop"]


def test_star_import_of_a_loaded_module(frames: dict[str, object], monkeypatch) -> None:  # type: ignore[no-untyped-def]
    module = types.ModuleType("loaded")
    vars(module)["df"] = 1
    monkeypatch.setitem(__import__("sys").modules, "loaded", module)
    assert read("from loaded import *", frames).frames == {"df"}


def test_no_code_of_the_user_runs(frames: dict[str, object]) -> None:
    assert not read("model.trap['a'] = 1\nmodel.trap.pop('a')", frames).bypass


def test_no_warning_is_shown_twice(frames: dict[str, object]) -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        found = read(r"df = df[df.a.str.match('\d\.\w')]", frames)
    assert found.risky
    assert not shown


def test_speed(frames: dict[str, object]) -> None:
    cell = """import numpy as np
df = df.drop(columns='b')
df['x'] = df['a'] * 2
other = df.merge(other, on='a', how='left')
other.loc[other.a > 3, 'b'] = 0
print(other.describe())
g = df.groupby('a').agg({'x': 'mean'})
g.plot(kind='bar')
df.fillna(0, inplace=True)
display(g.head())
"""
    seconds = min(timeit.repeat(lambda: read(cell, frames), number=20, repeat=5)) / 20
    assert seconds < 0.002  # 0.3 ms on an idle machine


@given(st.text(max_size=200))
@settings(deadline=None, max_examples=150)
def test_never_raises_on_text(text: str) -> None:
    frames: dict[str, object] = {"df": pd.DataFrame({"a": [1]}), "x": [1]}
    for transform in (None, TRANSFORM):
        assert analyse(text, frames, transform=transform).frames <= frames.keys()


@given(st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=150)
def test_never_raises_on_mutated_cells(rng: random.Random) -> None:
    other = pd.DataFrame({"a": [1]})
    frames: dict[str, object] = {"df": other, "dfs": {"a": other}, "model": Model(other)}
    cells = [row[0] for row in RISKY] + SAFE
    text = list("\n".join(rng.sample(cells, 4)))
    for _ in range(rng.randrange(12)):
        place = rng.randrange(len(text))
        match rng.randrange(3):
            case 0:
                del text[place : place + rng.randrange(6)]
            case 1:
                text.insert(place, rng.choice("()[]{}.,:='\"\\ \n%!?*@dfx0\x00é"))
            case 2:
                start = rng.randrange(len(text))
                text[place:place] = text[start : start + 20]
        text = text or ["\n"]
    assert analyse("".join(text), frames, transform=TRANSFORM).frames <= frames.keys()
