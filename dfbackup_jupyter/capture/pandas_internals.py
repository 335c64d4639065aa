"""The only module that uses what pandas keeps to itself, with a way out where it is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from dfbackup_jupyter.capture.blobs import Array

Frame = pd.DataFrame | pd.Series


def parts(frame: Frame) -> tuple[Any, ...] | None:
    """Return the objects whose identity tells that a frame's content is the same.

    The value arrays of the blocks, what columns they hold, and the axes. Any write through pandas'
    API replaces one of them while another frame shares the memory (Copy-on-Write). None when
    pandas has become another one: then nothing can be told.
    """
    try:
        manager = frame._mgr
        return (
            *[block.values for block in manager.blocks],
            *[block.mgr_locs for block in manager.blocks],
            *manager.axes,
        )
    except AttributeError:
        return None


def block_arrays(frame: Frame) -> list[Any]:
    """Return the arrays that hold a frame's content, some with several columns."""
    try:
        return [block.values for block in frame._mgr.blocks]
    except AttributeError:
        return columns(frame)


def columns(frame: Frame) -> list[Any]:
    """Return each column's array without copying: numpy arrays and extension arrays."""
    if isinstance(frame, pd.Series):
        return [plain(frame.array)]
    try:
        manager = frame._mgr
        found: list[Any] = [None] * len(frame.columns)
        for block in manager.blocks:
            for i, place in enumerate(block.mgr_locs.as_array.tolist()):
                values = block.values
                found[place] = values[i] if values.ndim == 2 else values
        return found
    except AttributeError:
        return [plain(frame.iloc[:, i].array) for i in range(frame.shape[1])]


def plain(array: Any) -> Any:
    """Return the numpy array behind pandas' thin wrapper of one; other arrays as they are."""
    return array.to_numpy() if isinstance(array, pd.arrays.NumpyExtensionArray) else array


def numpy_parts(array: Any) -> list[Array]:
    """Return the numpy arrays behind an array, as far as they are known."""
    if isinstance(array, np.ndarray):
        return [array]
    found = []
    for name in ("_ndarray", "_data", "_mask", "_codes"):
        part = getattr(array, name, None)
        if isinstance(part, np.ndarray):
            found.append(part)
    if hasattr(array, "sp_values"):
        found.append(array.sp_values)
    return found


def metadata(kind: type[Any]) -> list[str]:
    """Return the attributes that a class of frames keeps beside its data."""
    return list(getattr(kind, "_metadata", ()))


def masked(array: Any) -> tuple[Array, Array]:
    """Return the values and the mask of a nullable array, also what is under the mask."""
    try:
        return array._data, array._mask
    except AttributeError:
        mask = np.asarray(array.isna())
        return array.to_numpy(array.dtype.numpy_dtype, na_value=0), mask


def arrow(array: Any) -> Any:
    """Return the pyarrow ChunkedArray behind an array."""
    return array.__arrow_array__()


def put_back(live: Frame, frame: Frame) -> None:
    """Give a live frame the content, attributes and flags of another, in place."""
    target: Any = live
    target._update_inplace(frame)
    target.attrs = frame.attrs
    target.flags.allows_duplicate_labels = allows_duplicates(frame)


def forbid_duplicates(frame: Frame) -> None:
    """Set the one flag that frames have."""
    flags: Any = frame.flags
    flags.allows_duplicate_labels = False


def allows_duplicates(frame: Frame) -> bool:
    """Return the one flag that frames have."""
    flags: Any = frame.flags
    return bool(flags.allows_duplicate_labels)


def of_class(kind: type[Any], frame: Frame) -> Frame:
    """Return the frame as an object of a subclass, without calling the subclass's constructor."""
    try:
        made: Frame = kind._from_mgr(frame._mgr, frame.axes)
    except AttributeError:
        made = kind(frame)
    return made


def sparse_parts(array: Any) -> tuple[str, list[Array]]:
    """Return the kind of a sparse array's index and the arrays that describe it."""
    index = array.sp_index
    if hasattr(index, "blocs"):
        return "block", [np.asarray(index.blocs), np.asarray(index.blengths)]
    return "integer", [np.asarray(index.indices)]


def sparse(kind: str, parts: list[Array], length: int, values: Array, dtype: Any) -> Any:
    """Return a sparse array made of what `sparse_parts` gave."""
    from pandas._libs.sparse import BlockIndex, IntIndex

    make: Any = BlockIndex if kind == "block" else IntIndex
    index = make(length, *parts)
    return pd.arrays.SparseArray(values, sparse_index=index, dtype=dtype)
