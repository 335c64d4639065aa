"""What the words in a cell mean for frames: data only, read by `risk`.

One table a question. The words are the ones that a user writes, so that an operation can be named
back to them as they know it.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SOURCE_LIMIT = 40_000
"""Characters; a longer cell is not read, it may do anything."""

STEP_LIMIT = 20_000
"""Visits of syntax nodes; a cell that needs more may do anything."""

ELEMENT_LIMIT = 100
"""Elements of one container that are looked at."""

# --- What is a frame -----------------------------------------------------------------------------

FRAME_TYPES = frozenset({"DataFrame", "Series", "LazyFrame", "Table"})
FRAME_LIBRARIES = frozenset({"pandas", "polars", "pyarrow", "dask", "pyspark", "geopandas"})

# --- Writing into a frame ------------------------------------------------------------------------

MUTATORS = _words(
    """
    pop insert update isetitem __setitem__ __delitem__ __setattr__ __delattr__ __init__
    __setstate__ __iadd__ __isub__ __imul__ __itruediv__ __ifloordiv__ __imod__ __ipow__
    __iand__ __ior__ __ixor__ _set_value _set_item insert_column replace_column drop_in_place
    extend append scatter set_at_idx
    """
)
"""Methods of a frame that write into it whatever their arguments (pandas, polars)."""

INPLACE_METHODS = _words(
    """
    drop drop_duplicates dropna eval query rename rename_axis reset_index set_index sort_index
    sort_values bfill ffill fillna clip interpolate mask replace where hstack vstack sort
    shrink_to_fit set_names
    """
)
"""Methods that write into the frame when told ``inplace=True`` (``in_place=True`` in polars)."""

INPLACE_WORDS = frozenset({"inplace", "in_place"})

INDEXERS = {
    "loc": "loc assignment",
    "iloc": "iloc assignment",
    "at": "at assignment",
    "iat": "iat assignment",
}
"""``df.loc[...] = value`` and its like."""

ATTRIBUTES = {
    "columns": "setting columns",
    "index": "setting index",
    "attrs": "setting attrs",
    "flags": "setting flags",
    "name": "setting name",
    "allows_duplicate_labels": "setting flags",
    "names": "setting names",
}
"""``df.columns = value`` and its like."""

NAMED_PARTS = frozenset({"index", "columns", "axes", "flags"})
"""Parts of a frame whose own attributes and in-place methods write into the frame."""

# --- Writing behind Copy-on-Write ----------------------------------------------------------------

ARRAYS = _words(
    """
    values array to_numpy _values _data _ndarray __array__ asi8 __array_interface__ ctypes
    """
)
"""Attributes and methods that hand out a frame's own memory."""

ARRAY_METHODS = _words(
    """
    setflags sort fill partition put itemset resize byteswap __setitem__ setfield setitem
    """
)
"""Methods of an array that write into it."""

ARRAY_VIEWS = _words("view ravel reshape squeeze swapaxes transpose get iterrows items")
"""Methods whose result shares memory or cells with what they are called on."""

ARRAY_FUNCTIONS = frozenset({"asarray", "asanyarray", "array", "ascontiguousarray", "memoryview"})
"""Functions whose result may share memory with their first argument."""

ARRAY_WRITERS = _words(
    """
    put copyto place putmask put_along_axis fill_diagonal shuffle memmove memset
    """
)
"""Functions that write into the array that they are given."""

MEMORY_FUNCTIONS = _words(
    """
    from_numpy as_tensor from_dlpack as_strided frombuffer from_buffer from_address as_array
    as_ctypes data_as guvectorize
    """
)
"""Functions that open a frame's memory to code that knows nothing of Copy-on-Write."""

MEMORY_MODULES = frozenset({"ctypes", "numba", "cffi", "cython", "numexpr"})
"""Modules whose compiled code may write into any array that it is given."""

COPYING = _words(
    """
    astype merge rename reindex concat join array to_numpy DataFrame Series Index set_axis align
    tz_convert tz_localize infer_objects transpose to_timestamp to_period
    """
)
"""Functions of pandas and numpy for which ``copy=False`` harms nothing that is there."""

TRANSFORMERS = _words("fit_transform transform inverse_transform")
"""Methods of scikit-learn that write into their argument if made with ``copy=False``."""

NO_COPY = frozenset({"copy", "copy_X", "copy_x", "overwrite_x", "overwrite_a", "overwrite_b"})
"""Keywords that tell a library to work in the caller's memory (scikit-learn, scipy)."""

# --- Containers ----------------------------------------------------------------------------------

CONTAINER_MUTATORS = _words(
    """
    pop popitem clear update remove insert sort reverse discard __setitem__ __delitem__
    appendleft popleft rotate move_to_end
    """
)
"""Methods that replace, move or lose what a dict, list or the like already holds."""

CELL_MUTATORS = CONTAINER_MUTATORS | _words(
    """
    append extend add setdefault __iadd__ difference_update intersection_update
    """
)
"""Methods that change a dict, list or set which is itself a cell of a frame."""

ELEMENT_METHODS = frozenset({"values", "items", "copy", "popitem", "popleft"})
KEY_METHODS = frozenset({"get", "pop", "setdefault", "__getitem__"})

PASS_THROUGH = _words(
    """
    list tuple dict set zip enumerate sorted reversed iter next filter chain tqdm
    """
)
"""Functions whose result holds the very objects that they were given."""

APPLYING = frozenset({"apply", "map", "applymap", "transform", "agg", "aggregate", "pipe"})
"""Methods of a frame that call a function with parts of it (``pipe``: with all of it)."""

# --- Names that open the whole namespace ---------------------------------------------------------

NAMESPACE_FUNCTIONS = frozenset({"globals", "locals", "vars"})
NAMESPACE_ATTRIBUTES = frozenset({"user_ns", "user_global_ns"})
NAMESPACE_MODULE = "__main__"

EXECUTING_FUNCTIONS = frozenset({"exec", "eval", "execfile"})
WRITING_FUNCTIONS = _words(
    """
    setattr delattr __setattr__ __delattr__ setitem delitem __setitem__ __delitem__
    """
)
"""Functions that stand for an assignment to an attribute or item of their first argument."""

SHELL_NAMES = frozenset({"ip", "ipython", "shell", "ipy"})
"""Names that users give to the result of ``get_ipython()``."""

SHELL_MAGICS = frozenset({"run_line_magic", "run_cell_magic", "magic"})
SHELL_SOURCES = frozenset({"run_cell", "run_cell_async", "ex"})
"""Methods of the shell that run source, their first argument."""

EXECUTING_METHODS = _words(
    """
    safe_execfile safe_execfile_ipy reset del_var drop_by_id push runcode safe_run_module
    """
)
"""Methods of the shell that may touch any name."""

# --- Magics --------------------------------------------------------------------------------------

WRAPPERS = _words(
    """
    time timeit capture prun backup memit mprun lprun snakeviz pyinstrument scalene
    """
)
"""Magics that run the Python source they are given."""

OPTION_LIMIT = 10
"""Words of a magic's line that may come before its statement."""

UNKNOWN_MAGICS = {
    "run": "",
    "reset": "",
    "reset_selective": "",
    "xdel": "",
    "store": "-r",
    "rerun": "",
    "recall": "",
    "edit": "",
    "pylab": "",
    "debug": "",
    "Rpull": "",
    "Rget": "",
}
"""Magics that may touch any frame, and the option without which they do not."""

SAFE_MAGICS = _words(
    """
    store who whos who_ls pinfo pinfo2 psearch pdoc pfile psource page matplotlib load_ext
    reload_ext unload_ext autoreload config pip conda cd pwd ls env set_env writefile html
    javascript js latex markdown svg history hist load lsmagic precision
    """
)
"""Magics that leave frames alone even when they name one."""

# --- Calls that only read the frames they are given ----------------------------------------------

SAFE_MODULES = _words(
    """
    pd pandas np numpy plt matplotlib mpl sns seaborn px go plotly alt altair hv pl polars pa
    pyarrow pq sm smf statsmodels scipy stats sp math json pickle joblib os sys ggplot p9 bokeh
    copy cloudpickle cudf dask dd duckdb warnings logging logger log time itertools collections
    sklearn metrics
    """
)

SAFE_FUNCTIONS = _words(
    """
    print len display isinstance issubclass type id repr str int float bool list dict tuple set
    frozenset sum min max abs round range zip enumerate sorted reversed iter next map filter any
    all hash dir vars getattr hasattr callable format slice super deepcopy copy getsizeof tqdm
    HTML Markdown Image train_test_split cross_val_score cross_validate cross_val_predict
    learning_curve accuracy_score mean_squared_error mean_absolute_error r2_score f1_score
    precision_score recall_score roc_auc_score confusion_matrix classification_report
    silhouette_score ggplot sqldf assert_frame_equal assert_series_equal partial
    """
)

SAFE_METHODS = _words(
    """
    append add put extend setdefault get join format write writerow writelines fit partial_fit
    predict predict_proba predict_log_proba decision_function transform fit_transform
    fit_predict inverse_transform score merge concat combine combine_first compare equals isin
    assign corrwith cov dot where mask align reindex_like sub mul div truediv floordiv mod pow
    radd rsub rmul rdiv eq ne lt le gt ge plot scatter bar barh hist hist2d boxplot violinplot
    pie imshow matshow pcolormesh contour contourf fill_between step stem errorbar heatmap
    add_trace add_traces data encode map map_dataframe display info debug warning error
    exception to_sql execute register read_sql sql assertEqual assertIs assert_frame_equal
    assert_series_equal
    """
)

# --- What a new value is called ------------------------------------------------------------------

PLAIN_DECORATORS = _words(
    """
    staticmethod classmethod property cache lru_cache wraps dataclass contextmanager overload
    abstractmethod cached_property total_ordering fixture
    """
)
"""Decorators that do not call what they decorate."""
