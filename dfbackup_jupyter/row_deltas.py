"""Columns that are rows of stored ones: an indexer is stored in their place.

See docs/design/0003-row-selection-deltas.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import xxhash

from dfbackup_jupyter.backup import JSON
from dfbackup_jupyter.capture.base import Encoded, Snapshot
from dfbackup_jupyter.capture.blobs import ArrayBlob, BytesBlob
from dfbackup_jupyter.capture.row_selection import (
    VERSION,
    RangeBlob,
    Rows,
    rows_by_label,
    rows_by_value,
    selected_digest,
    write_rows,
)
from dfbackup_jupyter.store import Blob, BlobRef, estimate

WORTHWHILE = 64 << 10
"""Frames with less than this to write, in bytes, are written."""

_LEAST_SHARE = 4
"""A selection is at least one of so many rows: whoever reads or exports it needs all of them."""

_CANDIDATES = 16
_COLUMNS = 3
_SAMPLE = 64
_STEP = 4 << 20


@dataclass(frozen=True, eq=False)
class Indexer:
    """Which rows: a range in `meta`, or positions in a blob."""

    meta: JSON
    blob: Blob | BlobRef | None


@dataclass(frozen=True)
class Selected:
    """A blob that is stored as rows of another one, which is stored plainly."""

    base: Blob | BlobRef
    rows: Indexer
    meta: JSON


Stored = BlobRef | Selected


@dataclass(frozen=True)
class StagedMemory:
    """A live array whose bytes are stored, its hash when they were, and its column's name."""

    blob: Blob
    digest: int
    stored: Stored
    column: str = ""


Candidates = Iterable[tuple[Snapshot, Sequence[StagedMemory]]]
"""Frames in the store, the newest first."""


def select(
    encoded: Encoded,
    blobs: Sequence[Blob | Stored],
    snapshot: Snapshot,
    candidates: Candidates,
) -> list[Blob | Stored]:
    """Replace blobs whose content is a selection of the rows of a stored frame.

    Parameters
    ----------
    encoded : Encoded
        The frame that is about to be stored.
    blobs : sequence
        Its blobs, or what is stored of them already.
    snapshot : Snapshot
        The frame.
    candidates : iterable
        Frames that are stored.
    """
    found = list(blobs)
    names = dict(enumerate(encoded.columns))
    looked = 0
    for other, memory in candidates:
        fresh = _of_rows(found, snapshot.rows)
        if looked == _CANDIDATES or sum(blob.nbytes for blob in fresh.values()) < WORTHWHILE:
            break
        if not snapshot.rows <= other.rows <= _LEAST_SHARE * snapshot.rows:
            # Rows that come twice are not looked for, except by chunks.
            continue
        plain = [
            one
            for one in memory
            if isinstance(one.stored, BlobRef) and _of_rows([one.blob], other.rows)
        ]
        columns = {names[i] for i in fresh if i in names}
        if columns.isdisjoint(one.column for one in plain):
            continue
        looked += 1
        for rows in _proposals(snapshot, other, fresh, names, plain):
            chosen = _verified(rows, fresh, other, plain)
            found = [chosen.get(i, blob) for i, blob in enumerate(found)]
            if 2 * sum(fresh[i].nbytes for i in chosen) >= sum(b.nbytes for b in fresh.values()):
                break
    return found


def _of_rows(blobs: Sequence[object], rows: int) -> dict[int, ArrayBlob]:
    """Return the blobs, by their place, that hold one item for each row."""
    return {
        i: blob
        for i, blob in enumerate(blobs)
        if isinstance(blob, ArrayBlob) and blob.nbytes == rows * blob.itemsize > 0
    }


def describe(
    meta: JSON, blobs: Sequence[Blob | Stored]
) -> tuple[JSON, list[Blob | BlobRef], dict[Indexer, int]]:
    """Return a description and the blobs to be stored for it, and where the indexers are."""
    chosen = {i: blob for i, blob in enumerate(blobs) if isinstance(blob, Selected)}
    parts = [blob.base if isinstance(blob, Selected) else blob for blob in blobs]
    if not chosen:
        return meta, parts, {}
    places: dict[Indexer, int] = {}
    numbers: dict[Indexer, int] = {}
    rows: list[JSON] = []
    for indexer in dict.fromkeys(blob.rows for blob in chosen.values()):
        numbers[indexer] = len(rows)
        rows.append(indexer.meta)
        if indexer.blob is not None:
            rows[-1] = {**indexer.meta, "blob": len(parts)}
            places[indexer] = len(parts)
            parts.append(indexer.blob)
    nodes = {str(i): {**blob.meta, "rows": numbers[blob.rows]} for i, blob in chosen.items()}
    meta = {**meta, "version": VERSION, "selected": {"rows": rows, "blobs": nodes}}
    return meta, parts, places


def stored(
    blobs: Sequence[Blob | Stored], refs: Sequence[BlobRef], places: dict[Indexer, int]
) -> list[Stored]:
    """Return where each blob is, after `describe` and the writing of what it gave."""
    indexers = {
        one.rows: Indexer(one.rows.meta, refs[places[one.rows]]) if one.rows in places else one.rows
        for one in blobs
        if isinstance(one, Selected)
    }
    return [
        Selected(ref, indexers[blob.rows], blob.meta) if isinstance(blob, Selected) else ref
        for blob, ref in zip(blobs, refs, strict=False)
    ]


def digest(blob: Blob) -> int:
    """Return a fast hash of a blob's bytes (xxh3, about 14 GB/s)."""
    step = max(_STEP // blob.itemsize, 1) * blob.itemsize
    hasher = xxhash.xxh3_128()
    for start in range(0, blob.nbytes, step):
        hasher.update(blob.read(start, min(start + step, blob.nbytes)))
    return hasher.intdigest()


def _proposals(
    new: Snapshot,
    old: Snapshot,
    fresh: dict[int, ArrayBlob],
    names: dict[int, str],
    plain: Sequence[StagedMemory],
) -> Iterator[Rows]:
    """Which rows they may be: by the labels, or else by a column whose values all differ."""
    rows = rows_by_label(new.labels, old.labels)
    if rows is not None:
        yield rows
    if len(fresh) == 1:
        return  # an edited column: most of its chunks are known
    known = {one.column: one.blob for one in plain if one.blob.itemsize == 8}
    pairs = ((blob, known.get(names.get(i, ""))) for i, blob in fresh.items() if blob.itemsize == 8)
    for blob, base in islice(((a, b) for a, b in pairs if b is not None), _COLUMNS):
        rows = rows_by_value(_bits(blob), _bits(base))
        if rows is not None:
            yield rows


def _verified(
    rows: Rows, fresh: dict[int, ArrayBlob], old: Snapshot, plain: Sequence[StagedMemory]
) -> dict[int, Stored]:
    """Return what is proven to be these rows of stored blobs; nothing where it does not pay."""
    whole = rows == range(old.rows) if isinstance(rows, range) else False
    bases = _by_sample(rows, old, plain)
    sample = _sample(rows)
    pairs = {
        i: bases[key]
        for i, blob in fresh.items()
        if (key := (blob.itemsize, bytes(blob.take(sample)))) in bases
    }
    meta, indexer = write_rows(rows)
    cost = 0 if indexer is None else estimate(indexer)
    if not pairs or not whole and cost >= sum(estimate(fresh[i]) for i in pairs):
        return {}
    shared = Indexer(meta, indexer)
    chosen: dict[int, Stored] = {}
    for i, base in pairs.items():
        content = selected_digest(_memory(base), fresh[i], rows)
        if content is None:
            continue
        if isinstance(base, RangeBlob):
            label = {"range": [base.start, base.step, old.rows], "hash": content}
            chosen[i] = Selected(BytesBlob(b""), shared, label)
        elif digest(base.blob) == base.digest:
            # Only now: whoever writes behind Copy-on-Write may have done so at any time before.
            assert isinstance(base.stored, BlobRef)
            node = {"itemsize": fresh[i].itemsize, "hash": content}
            chosen[i] = base.stored if whole else Selected(base.stored, shared, node)
    if not whole and cost >= sum(estimate(fresh[i]) for i in chosen):
        return {}
    return chosen


def _by_sample(
    rows: Rows, old: Snapshot, plain: Sequence[StagedMemory]
) -> dict[tuple[int, bytes], Any]:
    """Return stored blobs by what they hold in a few of the rows."""
    sample = _sample(range(len(rows)))
    positions = np.asarray([rows[int(i)] for i in sample], np.int64)
    found: dict[tuple[int, bytes], Any] = {
        (one.blob.itemsize, bytes(_memory(one).take(positions))): one for one in reversed(plain)
    }
    labels = old.labels
    start, step = getattr(labels, "start", None), getattr(labels, "step", None)
    if isinstance(rows, np.ndarray) and isinstance(start, int) and isinstance(step, int):
        blob = RangeBlob(start, step, old.rows)
        found.setdefault((blob.itemsize, bytes(blob.take(positions))), blob)
    return found


def _memory(base: StagedMemory | RangeBlob) -> Any:
    return base.blob if isinstance(base, StagedMemory) else base


def _sample(rows: Rows) -> Any:
    return np.linspace(0, len(rows) - 1, min(_SAMPLE, len(rows)), dtype=np.int64)


def _bits(blob: Any) -> Any:
    return blob.array.view(np.uint64)
