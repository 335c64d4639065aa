"""Cells that damage frames in every way we could think of; data only, run by `test_adversarial`."""

from __future__ import annotations

from dataclasses import dataclass

FRAMES = """
import numpy as np
import pandas as pd
df = pd.DataFrame({'a': [1, 2, 3], 'b': [1.5, None, -0.0], 's': ['x', None, 'z']})
other = pd.DataFrame({'a': [1, 1, 2], 'w': [10, 20, 30]})
"""


@dataclass(frozen=True)
class Case:
    """One cell and the frames that it damages.

    Parameters
    ----------
    name : str
        What it tries.
    cell : str
        The cell.
    setup : str
        Makes frames, after `FRAMES`; run as a cell of its own.
    lost : tuple of str
        Exactly the places whose frames are gone or different after the cell.
    raises : str or None
        The name of the exception that the cell ends with.
    limit : str
        Why the frames cannot be brought back, if so. The same text is in the docs.
    staged : bool
        Whether the user paused before the cell, so that the frames were written.
    """

    name: str
    cell: str
    setup: str = ""
    lost: tuple[str, ...] = ("df",)
    raises: str | None = None
    limit: str = ""
    staged: bool = False


ALIAS = "alias = df\n"
DICT = "dfs = {'x': df.copy(), 'y': other.copy()}\n"
LIST = "parts = [df.copy(), other.copy()]\n"
TUPLE = "pair = (df.copy(), other.copy())\n"
MODEL = """
class Model:
    def __init__(self, df):
        self.df = df
    def clean(self):
        self.df.drop(columns='a', inplace=True)
    def replace(self):
        self.df = self.df.head(1)
model = Model(df.copy())
"""
CELLS = "cells = pd.DataFrame({'k': [1, 2], 'o': [[1], {'n': [1]}]})\n"
CATEGORY = "cat = pd.DataFrame({'c': pd.Categorical(['u', 'v', 'u'])})\n"
MULTI = """
multi = pd.DataFrame(
    {('p', 'x'): [1, 2], ('q', 'y'): [3, 4]},
    index=pd.MultiIndex.from_tuples([('i', 1), ('j', 2)], names=['l', 'n']),
)
"""
SERIES = "ser = pd.Series([3, 1, 2], index=list('abc'), name='ser')\n"
DATES = """
dates = pd.DataFrame(
    {'v': [1, 2, 3]}, index=pd.date_range('2024-03-30', periods=3, freq='D', tz='Europe/Berlin')
)
"""
SUBCLASS = """
class Special(pd.DataFrame):
    _metadata = ['unit']
    @property
    def _constructor(self):
        return Special
special = Special({'a': [1, 2]})
special.unit = 'kg'
"""
HELPER = "def spoil(frame):\n    frame.drop(columns='a', inplace=True)\n"
SCRIPT = "from pathlib import Path\nPath('script.py').write_text('''{}''')\n"

CASES: list[Case] = [
    # --- the same name stands for something else -------------------------------------------------
    Case("drop", "df = df.drop(columns='a')"),
    Case("dropna", "df = df.dropna()"),
    Case("merge", "df = df.merge(other, on='a', how='left')"),
    Case("merge explodes", "df = pd.merge(df, other, how='cross')"),
    Case("join", "df = df.join(other, rsuffix='_r')"),
    Case("concat", "df = pd.concat([df, df])"),
    Case("filter", "df = df[df['a'] > 1]"),
    Case("query", "df = df.query('a > 1')"),
    Case("head", "df = df.head(1)"),
    Case("astype", "df = df.astype({'a': 'float64'})"),
    Case("replace", "df = df.replace(1, 100)"),
    Case("rename", "df = df.rename(columns={'a': 'A'})"),
    Case("set_index", "df = df.set_index('a')"),
    Case("sort_values", "df = df.sort_values('a', ascending=False)"),
    Case("melt", "df = df.melt(id_vars='a')"),
    Case("pivot", "df = df.pivot_table(index='a', values='b', dropna=False)"),
    Case("groupby transform", "df = df.groupby('s')[['a', 'b']].transform('sum')"),
    Case("apply", "df = df[['a', 'b']].apply(lambda c: c * 2)"),
    Case("pipe", "df = df.pipe(lambda d: d.tail(1))"),
    Case("assign", "df = df.assign(z=1)"),
    Case("transpose", "df = df.T"),
    Case("to a number", "df = 5"),
    Case("to a column", "df = df['a']"),
    Case("to None by tuple", "df, other = None, df", lost=("df", "other")),
    Case("swapped", "df, other = other, df", lost=("df", "other")),
    Case("chained targets", "x = df = other.copy()"),
    Case("annotated", "df: int = 3"),
    Case("walrus", "if (df := df.head(1)) is not None: pass"),
    Case("walrus in a comprehension", "[df := i for i in range(3)]"),
    Case("for target", "for df in range(3): pass"),
    Case("for target unpacked", "for i, (df, other) in [(1, (2, 3))]: pass", lost=("df", "other")),
    Case("with target", "import io\nwith io.StringIO() as df: pass"),
    Case("except target", "try:\n    1 / 0\nexcept ZeroDivisionError as df:\n    pass"),
    Case("import", "import math as df"),
    Case("from import", "from math import pi as df"),
    Case("def", "def df(): pass"),
    Case("class", "class df: pass"),
    Case("match", "match [1, 2]:\n    case [df, *other]: pass", lost=("df", "other")),
    Case("match mapping", "match {'k': 1}:\n    case {**df}: pass"),
    Case(
        "star import",
        "from starred import *",
        "import sys\nsys.path.insert(0, '')\nsys.modules.pop('starred', None)\n"
        "from pathlib import Path\nPath('starred.py').write_text('df = 1')",
    ),
    Case("global in a function", "def f():\n    global df\n    df = df.head(1)\nf()"),
    Case("read back from a file", "df.to_csv('x.csv'); df = pd.read_csv('x.csv')"),
    Case("concat in a loop", "for i in range(3):\n    df = pd.concat([df, other])"),
    # --- written into ----------------------------------------------------------------------------
    Case("drop in place", "df.drop(columns='a', inplace=True)"),
    Case("drop rows in place", "df.drop(index=1, inplace=True)"),
    Case("dropna in place", "df.dropna(inplace=True)"),
    Case("fillna in place", "df.fillna({'b': 0}, inplace=True)"),
    Case("rename in place", "df.rename(columns=str.upper, inplace=True)"),
    Case("rename_axis in place", "df.rename_axis('i', inplace=True)"),
    Case("reset_index in place", "df.reset_index(inplace=True)"),
    Case("set_index in place", "df.set_index('a', inplace=True)"),
    Case("sort_values in place", "df.sort_values('a', ascending=False, inplace=True)"),
    Case("query in place", "df.query('a > 1', inplace=True)"),
    Case("eval in place", "df.eval('c = a + b', inplace=True)"),
    Case("pd.eval in place", "pd.eval('c = df.a * 2', target=df, inplace=True)"),
    Case("replace in place", "df.replace(1, 9, inplace=True)"),
    Case("mask in place", "df.mask(df['a'] > 1, inplace=True)"),
    Case("interpolate in place", "other.clip(upper=15, inplace=True)", lost=("other",)),
    Case("drop_duplicates in place", "other.drop_duplicates('a', inplace=True)", lost=("other",)),
    Case("pop", "df.pop('a')"),
    Case("insert", "df.insert(0, 'n', 1)"),
    Case("update", "df.update(pd.DataFrame({'a': [7, 8, 9]}))"),
    Case("isetitem", "df.isetitem(0, [7, 8, 9])"),
    Case("new column", "df['n'] = df['a'] * 2"),
    Case("column", "df['a'] = 0"),
    Case("columns", "df[['a', 'b']] = 0"),
    Case("column by attribute", "df.a = 0"),
    Case("boolean rows", "df[df['a'] > 1] = 0", raises="TypeError", lost=("df",)),
    Case("loc", "df.loc[0, 'a'] = 99"),
    Case("loc enlarges", "df.loc[10] = [1, 2.0, 'n']"),
    Case("loc with a mask", "df.loc[df['a'] > 1, 'b'] = 0"),
    Case("iloc", "df.iloc[0, 0] = 99"),
    Case("at", "df.at[0, 'a'] = 99"),
    Case("iat", "df.iat[0, 0] = 99"),
    Case("one value in a hidden place", "df.loc[df.index[-1], 'b'] = 0.0"),
    Case("sign of zero", "df.loc[2, 'b'] = 0.0"),
    Case("None to NaN", "df['s'] = df['s'].astype(object)"),
    Case("del column", "del df['a']"),
    Case("columns renamed", "df.columns = ['x', 'y', 'z']"),
    Case("index replaced", "df.index = [5, 6, 7]"),
    Case("index name", "df.index.name = 'i'"),
    Case("columns name", "df.columns.name = 'c'"),
    Case("attrs", "df.attrs['unit'] = 'kg'"),
    Case("attrs nested", "df.attrs['d'].append(2)", "df.attrs['d'] = [1]"),
    Case("flags", "df.flags.allows_duplicate_labels = False"),
    Case("set_flags", "df = df.set_flags(allows_duplicate_labels=False)"),
    Case("augmented", "other += 1", lost=("other",)),
    Case("augmented column", "df['a'] *= 2"),
    Case("dunder", "df.__setitem__('a', 0)"),
    Case("setattr", "setattr(df, 'columns', list('xyz'))"),
    Case("operator", "import operator\noperator.setitem(df, 'a', 0)"),
    Case("operator.iadd", "import operator\noperator.iadd(other, 1)", lost=("other",)),
    Case("unbound method", "pd.DataFrame.drop(df, columns='a', inplace=True)"),
    Case("reinitialised", "df.__init__({'z': [1]})"),
    Case("keywords in a dict", "df.drop(**{'columns': 'a', 'inplace': True})"),
    Case("one method after another", "df.pop('a'); df['b'] = 0; del df['s']"),
    Case("dtype changes on the way", "df['a'] = df['a'].astype('int8')"),
    # --- deleted ---------------------------------------------------------------------------------
    Case("del", "del df"),
    Case("del several", "del df, other", lost=("df", "other")),
    Case("del globals()", "del globals()['df']"),
    Case("globals().pop", "globals().pop('df')"),
    Case("globals()", "globals()['df'] = 1"),
    Case("globals().update", "globals().update(df=None)"),
    Case("locals()", "locals()['df'] = 1"),
    Case("vars()", "vars()['df'] = 1"),
    Case("user_ns", "get_ipython().user_ns['df'] = 1"),
    Case("user_ns deleted", "del get_ipython().user_ns['df']"),
    Case("del_var", "get_ipython().del_var('df')"),
    Case("push", "get_ipython().push({'df': 1})"),
    Case("__main__", "import sys\nsys.modules['__main__'].__dict__['df'] = 1"),
    Case(
        "all frames found by type",
        "for n in [n for n, v in globals().items() if "
        "isinstance(v, pd.DataFrame)]: del globals()[n]",
        lost=("df", "other"),
    ),
    # --- source in text, magics ------------------------------------------------------------------
    Case("exec", "exec('df = df.head(1)')"),
    Case("exec in place", "exec('df.pop(\"a\")')"),
    Case("eval", "eval('df.pop(\"a\")')"),
    Case("compiled", "exec(compile('del df', 'x', 'exec'))"),
    Case("%run -i", "%run -i script.py", SCRIPT.format("df.pop('a')")),
    Case("%run", "%run script.py", SCRIPT.format("df = 1")),
    Case("%reset", "%reset -f", lost=("df", "other")),
    Case("%reset_selective", "%reset_selective -f df"),
    Case("%xdel", "%xdel df"),
    Case("shell reset", "get_ipython().reset()", lost=("df", "other")),
    Case("%time", "%time df.pop('a')"),
    Case("%time rebinds", "%time df = df.head(1)"),
    Case("%timeit", "%timeit -n 1 -r 1 df.pop('a')"),
    Case("%%time", "%%time\ndf = df.head(1)"),
    Case("%%capture", "%%capture\ndf.pop('a')"),
    Case("%%capture into a frame's name", "%%capture df\nprint(1)"),
    Case("%%time in %%capture", "%%capture\n%time df.pop('a')"),
    Case("%prun", "%prun -q df.pop('a')"),
    Case("run_cell", "get_ipython().run_cell('df = df.head(1)')"),
    Case("run_cell of run_cell", "get_ipython().run_cell(\"get_ipython().run_cell('del df')\")"),
    Case(
        "run_cell twice",
        "get_ipython().run_cell('df.pop(\"a\")')\nget_ipython().run_cell('other.pop(\"w\")')",
        lost=("df", "other"),
    ),
    Case("run_line_magic", "get_ipython().run_line_magic('reset', '-f')", lost=("df", "other")),
    Case("assigned from the system", "df = !echo 1"),
    Case("autocall", "/spoil df", HELPER),
    # --- cells that do not end well --------------------------------------------------------------
    Case("raises half way", "df.pop('a')\n1 / 0\ndf.pop('b')", raises="ZeroDivisionError"),
    Case("raises in a loop", "for c in ['a', 'nope']:\n    df.pop(c)", raises="KeyError"),
    Case("raises in a magic", "%%time\ndf.pop('a')\n1 / 0", raises="ZeroDivisionError"),
    Case("interrupted", "df.pop('a')\nraise KeyboardInterrupt", raises="KeyboardInterrupt"),
    Case("exits", "df.pop('a')\nraise SystemExit", raises="SystemExit"),
    Case("assertion", "df = df.head(1)\nassert len(df) == 3", raises="AssertionError"),
    Case(
        "raises in a thread",
        "import threading\ndef f():\n    df.pop('a')\n    raise SystemExit\n"
        "t = threading.Thread(target=f); t.start(); t.join()",
    ),
    Case("await", "import asyncio\nawait asyncio.sleep(0)\ndf.pop('a')"),
    Case(
        "async function",
        "import asyncio\nasync def f():\n    global df\n    df = df.head(1)\n"
        "await asyncio.gather(f(), asyncio.sleep(0))",
    ),
    Case(
        "async raises",
        "import asyncio\nawait asyncio.sleep(0)\ndf.pop('a')\n1 / 0",
        raises="ZeroDivisionError",
    ),
    # --- other names of the same frame -----------------------------------------------------------
    Case("alias", "alias.drop(columns='a', inplace=True)", ALIAS, ("df", "alias")),
    Case("original of an alias", "df.pop('a')", ALIAS, ("df", "alias")),
    Case("alias and rebinding", "df.pop('a'); df = df.head(1)", ALIAS, ("df", "alias")),
    Case("alias left behind", "df = df.head(1)", ALIAS),
    Case("alias deleted", "del alias", ALIAS, ("alias",)),
    Case("alias inside the cell", "x = df\nx.pop('a')"),
    Case("alias by walrus", "(x := df).pop('a')"),
    Case("three names", "third.loc[0, 'a'] = 9", ALIAS + "third = df", ("df", "alias", "third")),
    Case("a frame that is also in a dict", "df.pop('a')", "dfs = {'x': df}", ("df", "dfs['x']")),
    Case("chosen at run time", "(df if True else other).pop('a')"),
    Case("loop over frames", "for d in (df, other): d.pop('a')", lost=("df", "other")),
    Case(
        "loop over names", "for n in ['df', 'other']: globals()[n].pop('a')", lost=("df", "other")
    ),
    Case("comprehension", "[d.pop('a') for d in [df]]"),
    Case("getattr", "getattr(df, 'dr' + 'op')(columns='a', inplace=True)"),
    Case("bound method", "pop = df.pop\npop('a')"),
    Case("bound method from before", "pop('a')", "pop = df.pop"),
    Case("partial", "from functools import partial\npartial(df.drop, columns='a', inplace=True)()"),
    Case(
        "partial from before",
        "go()",
        "from functools import partial\ngo = partial(df.drop, columns='a', inplace=True)",
    ),
    Case("methodcaller", "from operator import methodcaller\nmethodcaller('pop', 'a')(df)"),
    Case("lambda", "(lambda d: d.pop('a'))(df)"),
    Case("map", "list(map(lambda d: d.pop('a'), [df]))"),
    Case("callback", "def on(f, *args): f(*args)\non(df.pop, 'a')"),
    Case("callback in a dict", "steps['go']()", "steps = {'go': lambda: df.pop('a')}"),
    Case("closure", "go()", "def make(frame):\n    return lambda: frame.pop('a')\ngo = make(df)"),
    Case("default argument", "go()", "def go(frame=df): frame.pop('a')"),
    Case("function from before", "spoil(df)", HELPER),
    Case("function that rebinds a global", "go()", "def go():\n    global df\n    df = None"),
    Case("generator", "next(go())", "def go():\n    df.pop('a')\n    yield"),
    Case("generator expression", "list(d.pop('a') for d in [df])"),
    Case(
        "context manager",
        "with spoiling(df): pass",
        "from contextlib import contextmanager\n@contextmanager\ndef spoiling(d):\n    yield\n"
        "    d.pop('a')",
    ),
    Case("decorator", "@now\ndef f(): df.pop('a')", "def now(f):\n    f()\n    return f"),
    Case(
        "property",
        "spoiler.go",
        "class S:\n    @property\n    def go(self): df.pop('a')\nspoiler = S()",
    ),
    Case("class body", "class C:\n    df.pop('a')"),
    Case("__del__", "del guard", "class G:\n    def __del__(self): df.pop('a')\nguard = G()"),
    Case(
        "operator overloaded",
        "spoiler + 1",
        "class S:\n    def __add__(self, o): df.pop('a')\nspoiler = S()",
    ),
    Case(
        "thread",
        "import threading\nt = threading.Thread(target=df.pop, args=('a',))\nt.start(); t.join()",
    ),
    Case(
        "pool",
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor() as pool: list(pool.map(lambda d: d.pop('a'), [df, other]))",
        lost=("df", "other"),
    ),
    Case(
        "garbage collector",
        "import gc\n[o.pop('a') for o in gc.get_objects() if o is globals()['df']]",
    ),
    Case("weak reference", "ref().pop('a')", "import weakref\nref = weakref.ref(df)"),
    Case(
        "apply writes outside",
        "other.apply(lambda r: df.drop(columns='a', inplace=True, errors='ignore'), axis=1)",
    ),
    # --- in containers and objects ---------------------------------------------------------------
    Case("dict value in place", "dfs['x'].drop(columns='a', inplace=True)", DICT, ("dfs['x']",)),
    Case("dict value replaced", "dfs['x'] = dfs['x'].head(1)", DICT, ("dfs['x']",)),
    Case("dict value deleted", "del dfs['x']", DICT, ("dfs['x']",)),
    Case("dict pop", "dfs.pop('y')", DICT, ("dfs['y']",)),
    Case("dict cleared", "dfs.clear()", DICT, ("dfs['x']", "dfs['y']")),
    Case("dict updated", "dfs.update(x=1)", DICT, ("dfs['x']",)),
    Case("dict merged", "dfs |= {'x': 1}", DICT, ("dfs['x']",)),
    Case("dict rebound", "dfs = {}", DICT, ("dfs['x']", "dfs['y']")),
    Case("dict deleted", "del dfs", DICT, ("dfs['x']", "dfs['y']")),
    Case(
        "dict items",
        "for n, d in dfs.items(): d.drop(columns='a', inplace=True)",
        DICT,
        ("dfs['x']", "dfs['y']"),
    ),
    Case(
        "dict comprehension",
        "dfs = {n: d.head(1) for n, d in dfs.items()}",
        DICT,
        ("dfs['x']", "dfs['y']"),
    ),
    Case(
        "dict of dicts",
        "deep['p']['q'].pop('a')",
        "deep = {'p': {'q': df.copy()}}",
        ("deep['p']['q']",),
    ),
    Case("list item in place", "parts[0].pop('a')", LIST, ("parts[0]",)),
    Case("list item replaced", "parts[0] = 1", LIST, ("parts[0]",)),
    Case("list reversed", "parts.reverse()", LIST, ("parts[0]", "parts[1]")),
    Case("list shortened", "parts.pop()", LIST, ("parts[1]",)),
    Case("list emptied", "parts[:] = []", LIST, ("parts[0]", "parts[1]")),
    Case("list rebound", "parts = [p.head(1) for p in parts]", LIST, ("parts[0]", "parts[1]")),
    Case("tuple item in place", "pair[0].pop('a')", TUPLE, ("pair[0]",)),
    Case("tuple rebound", "pair = ()", TUPLE, ("pair[0]", "pair[1]")),
    Case(
        "tuple in a dict",
        "deep['p'][0].pop('a')",
        "deep = {'p': (df.copy(), 1)}",
        ("deep['p'][0]",),
    ),
    Case("attribute in place", "model.df.pop('a')", MODEL, ("model.df",)),
    Case("attribute replaced", "model.df = None", MODEL, ("model.df",)),
    Case("attribute deleted", "del model.df", MODEL, ("model.df",)),
    Case("method in place", "model.clean()", MODEL, ("model.df",)),
    Case("method replaces", "model.replace()", MODEL, ("model.df",)),
    Case("object rebound", "model = None", MODEL, ("model.df",)),
    Case("setattr on an object", "setattr(model, 'df', 1)", MODEL, ("model.df",)),
    Case("__dict__", "vars(model)['df'] = 1", MODEL, ("model.df",)),
    Case(
        "SimpleNamespace",
        "ns.df.pop('a')",
        "from types import SimpleNamespace\nns = SimpleNamespace(df=df.copy())",
        ("ns.df",),
    ),
    Case(
        "dataclass",
        "box.df.pop('a')",
        "from dataclasses import dataclass\n@dataclass\n"
        "class Box:\n    df: object\nbox = Box(df.copy())",
        ("box.df",),
    ),
    Case(
        "list in an object",
        "model.df[0].pop('a')",
        MODEL + "model.df = [df.copy()]",
        ("model.df[0]",),
    ),
    Case(
        "defaultdict",
        "dd['x'].pop('a')",
        "from collections import defaultdict\ndd = defaultdict(list, x=df.copy())",
        ("dd['x']",),
    ),
    # --- behind Copy-on-Write --------------------------------------------------------------------
    Case(".array", "df['a'].array[0] = 99"),
    Case("setflags", "v = df['a'].values\nv.setflags(write=True)\nv[0] = 99"),
    Case("writeable flag", "v = df['a'].to_numpy()\nv.flags.writeable = True\nv[:] = 0"),
    Case("np.add.at", "np.add.at(df['a'].array._ndarray, [0], 50)"),
    Case("np.put", "v = df['a'].values; v.flags.writeable = True\nnp.put(v, [0], 99)"),
    Case("out=", "v = df['a'].values; v.flags.writeable = True\nnp.add(v, 1, out=v)"),
    Case(
        "shuffle",
        "v = many['w'].values; v.flags.writeable = True\nnp.random.default_rng(1).shuffle(v)",
        "many = pd.DataFrame({'w': range(50)})",
        ("many",),
    ),
    Case(
        "array sort",
        "v = dates['v'].values; v.flags.writeable = True; v[::-1].sort()",
        DATES,
        ("dates",),
    ),
    Case(
        "extension array",
        "nulls['a'].array[0] = 99",
        "nulls = pd.DataFrame({'a': pd.array([1, None], dtype='Int64')})",
        ("nulls",),
    ),
    Case("categorical codes", "cat['c'].array[0] = 'v'", CATEGORY, ("cat",)),
    Case("bypass, then an error", "df['a'].array[0] = 99\n1 / 0", raises="ZeroDivisionError"),
    Case("bypass and more", "df['a'].array[0] = 99\ndf = df.head(1)"),
    Case("bypass of an alias", "alias['a'].array[0] = 99", ALIAS, ("df", "alias")),
    Case(
        "bypass in a function from before",
        "sneak(df)",
        "def sneak(d):\n    v = d['a'].values\n    v.flags.writeable = True\n    v[0] = 99",
        staged=True,
    ),
    Case(
        "bypass in a function without arguments",
        "sneak()",
        "def sneak():\n    v = df['a'].values\n    v.flags.writeable = True\n    v[0] = 99",
        staged=True,
    ),
    Case(
        "memory opened in an earlier cell",
        "v[0] = 99",
        "v = df['a'].values\nv.flags.writeable = True",
    ),
    Case(
        "StandardScaler(copy=False)",
        "StandardScaler(copy=False).fit_transform(floats)",
        "from sklearn.preprocessing import StandardScaler\n"
        "floats = pd.DataFrame(np.arange(12.0).reshape(6, 2), columns=list('pq'))",
        ("floats",),
    ),
    Case(
        "MinMaxScaler(copy=False)",
        "scaler.fit_transform(floats)",
        "from sklearn.preprocessing import MinMaxScaler\nscaler = MinMaxScaler(copy=False)\n"
        "floats = pd.DataFrame(np.arange(12.0).reshape(6, 2), columns=list('pq'))",
        ("floats",),
    ),
    Case("ctypes", "import ctypes\nctypes.memset(df['a'].values.ctypes.data, 0, 8)"),
    Case(
        "foreign memory",
        "memory[0, 0] = 99",
        "memory = np.zeros((2, 2))\nshared = pd.DataFrame(memory, copy=False)",
        ("shared",),
    ),
    Case(
        "foreign memory of a Series",
        "memory[0] = 99",
        "memory = np.zeros(3)\nshared = pd.Series(memory, copy=False)",
        ("shared",),
    ),
    Case(
        "foreign memory through a view",
        "memory[2] = 99",
        "memory = np.zeros(6)\nshared = pd.DataFrame(memory.reshape(3, 2), copy=False)",
        ("shared",),
    ),
    Case("object cell list", "cells.at[0, 'o'].append(2)", CELLS, ("cells",)),
    Case("object cell dict", "cells['o'].iloc[1]['n'] = 2", CELLS, ("cells",)),
    Case("object cell deep", "cells.at[1, 'o']['n'].append(2)", CELLS, ("cells",)),
    Case(
        "object cell by another name",
        "inner.append(2)",
        CELLS + "inner = cells.at[0, 'o']",
        ("cells",),
    ),
    Case("object cells by apply", "cells['o'].apply(lambda x: x.clear())", CELLS, ("cells",)),
    Case(
        "object cells by iteration",
        "for i, row in cells.iterrows(): row['o'].clear()",
        CELLS,
        ("cells",),
    ),
    Case(
        "object with attributes",
        "things.at[0, 'o'].x = 2",
        "from types import SimpleNamespace\n"
        "things = pd.DataFrame({'o': [SimpleNamespace(x=1), None]})",
        ("things",),
    ),
    Case("set in a Series", "sets[0].add(2)", "sets = pd.Series([{1}, None])", ("sets",)),
    Case(
        "dict in a column of a dict's frame",
        "dfs['c'].at[0, 'o'].append(1)",
        CELLS + "dfs = {'c': cells.copy()}",
        ("cells", "dfs['c']"),
    ),
    # --- kinds of frames -------------------------------------------------------------------------
    Case("Series in place", "ser.sort_values(inplace=True)", SERIES, ("ser",)),
    Case("Series item", "ser['a'] = 99", SERIES, ("ser",)),
    Case("Series new item", "ser['new'] = 99", SERIES, ("ser",)),
    Case("Series name", "ser.name = 'x'", SERIES, ("ser",)),
    Case("Series index", "ser.index = [1, 2, 3]", SERIES, ("ser",)),
    Case("Series pop", "ser.pop('a')", SERIES, ("ser",)),
    Case("Series augmented", "ser += 1", SERIES, ("ser",)),
    Case("Series deleted", "del ser", SERIES, ("ser",)),
    Case("MultiIndex column", "multi[('p', 'x')] = 0", MULTI, ("multi",)),
    Case("MultiIndex level names", "multi.index.names = ['r', 's']", MULTI, ("multi",)),
    Case("MultiIndex swap", "multi = multi.swaplevel()", MULTI, ("multi",)),
    Case("MultiIndex reset", "multi.reset_index(level='l', inplace=True)", MULTI, ("multi",)),
    Case("MultiIndex loc", "multi.loc[('i', 1), ('p', 'x')] = 9", MULTI, ("multi",)),
    Case(
        "categories renamed",
        "cat['c'] = cat['c'].cat.rename_categories({'u': 'U'})",
        CATEGORY,
        ("cat",),
    ),
    Case("category added", "cat['c'] = cat['c'].cat.add_categories('w')", CATEGORY, ("cat",)),
    Case("category order", "cat['c'] = cat['c'].cat.as_ordered()", CATEGORY, ("cat",)),
    Case("time zone", "dates.index = dates.index.tz_convert('UTC')", DATES, ("dates",)),
    Case("freq lost", "dates.index = pd.DatetimeIndex(list(dates.index))", DATES, ("dates",)),
    Case("resampled", "dates = dates.resample('2D').sum()", DATES, ("dates",)),
    Case("subclass in place", "special['a'] = 0", SUBCLASS, ("special",)),
    Case("subclass lost", "special = pd.DataFrame(special)", SUBCLASS, ("special",)),
    Case("subclass metadata", "special.unit = 'g'", SUBCLASS, ("special",)),
    Case("empty frame", "empty['x'] = [1]", "empty = pd.DataFrame()", ("empty",)),
    Case(
        "no rows",
        "none.loc[0] = [1, 'x']",
        "none = pd.DataFrame({'a': pd.Series(dtype='int32'), 's': pd.Series(dtype='str')})",
        ("none",),
    ),
    Case("no columns", "bare['x'] = 1", "bare = pd.DataFrame(index=[3, 1])", ("bare",)),
    Case(
        "duplicate names",
        "twins['x'] = 0",
        "twins = pd.DataFrame([[1, 2.5]], columns=['x', 'x'])",
        ("twins",),
    ),
    Case("duplicate names made", "df.columns = ['a', 'a', 'a']"),
    Case(
        "numbers as names",
        "nums[0] = 'x'",
        "nums = pd.DataFrame([[1, 2]], columns=[0, 1])",
        ("nums",),
    ),
    Case(
        "NaN as a name",
        "odd.pop(None)",
        "odd = pd.DataFrame([[1, 2]], columns=pd.Index([None, "
        "('t', 1)], dtype=object, tupleize_cols=False))",
        ("odd",),
    ),
    Case(
        "Period and Interval",
        "pi = pi.astype(str)",
        "pi = pd.DataFrame({'p': pd.period_range("
        "'2024', periods=2, freq='M'), 'i': pd.interval_range(0, 2)})",
        ("pi",),
    ),
    Case(
        "Sparse",
        "sp['v'] = sp['v'].sparse.to_dense()",
        "sp = pd.DataFrame({'v': pd.arrays.SparseArray([0, 0, 1])})",
        ("sp",),
    ),
    Case(
        "Arrow strings",
        "ar.loc[0, 's'] = 'y'",
        "ar = pd.DataFrame({'s': pd.array(['x', None], dtype='string[pyarrow]')})",
        ("ar",),
    ),
    Case(
        "Arrow lists",
        "ar = ar.iloc[::-1]",
        "import pyarrow as pa\nar = pd.DataFrame({'l': "
        "pd.array([[1], None], dtype=pd.ArrowDtype(pa.list_(pa.int64())))})",
        ("ar",),
    ),
    Case(
        "wide frame", "wide.loc[3, 250] = 1", "wide = pd.DataFrame(np.zeros((5, 300)))", ("wide",)
    ),
    Case(
        "fragmented frame",
        "frag['c7'] = 0",
        "frag = pd.DataFrame({'c0': [1]})\nfor i in range(1, 20): frag[f'c{i}'] = i",
        ("frag",),
    ),
    Case("view of a frame", "part.loc[1, 'a'] = 9", "part = df[['a']]", ("part",)),
    Case("frame under a hidden name", "del _tmp", "_tmp = df.copy()", ("_tmp",)),
    Case("name in another alphabet", "del données", "données = df.copy()", ("données",)),
    # --- what cannot be brought back -------------------------------------------------------------
    Case(
        "a closure's frame",
        "go()",
        "def make():\n    inner = pd.DataFrame({'a': [1]})\n"
        "    def go(): inner.pop('a')\n    go.frame = lambda: inner\n    return go\ngo = make()",
        ("go.frame()",),
        limit="A frame that only a closure can reach is not watched.",
    ),
    Case(
        "a frame in a deque",
        "queue[0].pop('a')",
        "from collections import deque\nqueue = deque([df.copy()])",
        ("queue[0]",),
        limit="Frames in containers other than dict, list and tuple are not watched.",
    ),
    Case(
        "a frame in an array",
        "array[0].pop('a')",
        "array = np.empty(1, dtype=object)\narray[0] = df.copy()",
        ("array[0]",),
        limit="Frames in containers other than dict, list and tuple are not watched.",
    ),
    Case(
        "a frame in a slot",
        "slotted.df.pop('a')",
        "class Slotted:\n    __slots__ = ('df',)\nslotted = Slotted()\nslotted.df = df.copy()",
        ("slotted.df",),
        limit="Frames in attributes without a __dict__ are not watched.",
    ),
    Case(
        "a class attribute",
        "Config.df.pop('a')",
        "class Config:\n    df = df.copy()",
        ("Config.df",),
        limit="Frames that are attributes of a class are not watched.",
    ),
    Case(
        "a module's frame",
        "holder.df.pop('a')",
        "import types\nholder = types.ModuleType('holder')\nholder.df = df.copy()",
        ("holder.df",),
        limit="Frames that are attributes of a module are not watched.",
    ),
    Case(
        "bypass in a function before staging",
        "sneak()",
        "big = pd.DataFrame({'v': np.random.default_rng(1).random(2_000_000)})\n"
        "def sneak():\n    v = big['v'].values\n    v.flags.writeable = True\n    v[:] = 0",
        ("big",),
        limit="A frame that is written behind Copy-on-Write by code that shows no sign of it in "
        "the cell, before the frame has been staged, is not seen to change.",
    ),
]
