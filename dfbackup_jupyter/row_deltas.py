"""Columns that are rows of stored ones: an indexer is stored in their place.

See docs/design/0003-row-selection-deltas.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, cast

import numpy as np
import xxhash

from dfbackup_jupyter.backup import JSON
from dfbackup_jupyter.capture.base import Encoded, Snapshot
from dfbackup_jupyter.capture.blobs import ArrayBlob, BytesBlob
from dfbackup_jupyter.capture.row_selection import (
    RangeBlob,
    Rows,
    composed,
    is_arithmetic,
    rows_by_label,
    rows_by_value,
    same_labels,
    selected_digest,
    write_rows,
)
from dfbackup_jupyter.store import Blob, BlobRef, estimate

WORTHWHILE = 64 << 10
"""Frames with less than this to write, in bytes, are written."""

_LEAST_SHARE = 4
"""A selection is at least one of so many rows: whoever reads or exports it needs all of them."""

_CANDIDATES = 16
_JOINS = 3
_SAMPLE = 64
_STEP = 4 << 20


@dataclass(frozen=True, eq=False)
class Indexer:
    """Rows of a frame that had `of` of them: a range in `meta`, or positions in a blob."""

    rows: Rows
    of: int
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
    fresh = _of_rows(found, snapshot.rows)
    if sum(blob.nbytes for blob in fresh.values()) < WORTHWHILE:
        return found
    near = list(islice(_near(snapshot, encoded.columns, candidates), _CANDIDATES))
    near.sort(key=lambda candidate: not is_arithmetic(candidate[0].labels))
    search = _Search(snapshot.labels, encoded.columns)
    used: list[_Proposal] = []
    for ways in (search.by_label, search.by_column):  # the cheap way for all of them first
        for other, bases in near:
            # What was edited in one frame may be found in an older one, at the same rows.
            again = [proposal for proposal in used if proposal.of == other.rows]
            for proposal in chain(again, ways(other, fresh, bases)):
                chosen = _verified(proposal, fresh, other, bases)
                if not chosen:
                    continue
                if proposal not in used:
                    used.append(proposal)
                found = [chosen.get(i, blob) for i, blob in enumerate(found)]
                fresh = {i: blob for i, blob in fresh.items() if i not in chosen}
                if sum(blob.nbytes for blob in fresh.values()) < WORTHWHILE:
                    return found
                if len(chosen) >= len(fresh):
                    break
    return found


def _near(
    snapshot: Snapshot, columns: Collection[str], candidates: Candidates
) -> Iterator[tuple[Snapshot, list[StagedMemory]]]:
    """Give the candidates that a frame may be a selection of, and what they have for each row."""
    for other, memory in candidates:
        # Rows that come twice are not looked for, except by chunks.
        if snapshot.rows <= other.rows <= _LEAST_SHARE * snapshot.rows:
            bases = [one for one in memory if _of_rows([one.blob], other.rows)]
            if any(one.column in columns for one in bases):
                yield other, bases


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
    return {**meta, "selected": {"rows": rows, "blobs": nodes}}, parts, places


def stored(
    blobs: Sequence[Blob | Stored], refs: Sequence[BlobRef], places: dict[Indexer, int]
) -> list[Stored]:
    """Return where each blob is, after `describe` and the writing of what it gave."""
    indexers = {
        one.rows: replace(one.rows, blob=refs[places[one.rows]]) if one.rows in places else one.rows
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


class _Proposal:
    """Rows that may be those of a frame, among the rows of one with `of` rows."""

    def __init__(self, rows: Rows, of: int) -> None:
        self.rows = rows
        self.of = of
        self.whole = isinstance(rows, range) and rows == range(of)
        meta, blob = write_rows(rows)
        self.indexer = Indexer(rows, of, meta, blob)
        self.cost = 0 if blob is None else estimate(blob)
        self._composed: dict[Indexer, _Proposal] = {}

    def within(self, indexer: Indexer | None) -> _Proposal:
        """Return the same rows in the frame of which an indexer selected; without one, as here."""
        if indexer is None or self.whole:
            return self
        if indexer not in self._composed:
            self._composed[indexer] = _Proposal(composed(self.rows, indexer.rows), indexer.of)
        return self._composed[indexer]

    def pays(self, blobs: Iterable[Blob]) -> bool:
        """Whether the indexer is smaller than what it stands for; it is written only once."""
        return self.cost < sum(map(estimate, blobs))


class _Search:
    """Looks for the rows of one frame in others."""

    def __init__(self, labels: Any, columns: Sequence[str]) -> None:
        self._labels = labels
        self._columns = dict(enumerate(columns))
        self._seen: list[Any] = []
        self._joins = 0

    def by_label(
        self, old: Snapshot, fresh: dict[int, ArrayBlob], bases: Sequence[StagedMemory]
    ) -> Iterator[_Proposal]:
        """Which rows they are if the labels have stayed with them."""
        if not any(same_labels(old.labels, seen) for seen in self._seen):
            self._seen.append(old.labels)
            rows = rows_by_label(self._labels, old.labels)
            if rows is not None:
                yield _Proposal(rows, old.rows)

    def by_column(
        self, old: Snapshot, fresh: dict[int, ArrayBlob], bases: Sequence[StagedMemory]
    ) -> Iterator[_Proposal]:
        """Which rows they are, judged by a column whose values all differ."""
        if len(fresh) == 1:
            return  # an edited column: most of its chunks are known
        known = {one.column: one.blob for one in bases if one.blob.itemsize == 8}
        for i, blob in fresh.items():
            base = known.get(self._columns.get(i, ""))
            if base is None or blob.itemsize != 8 or self._joins == _JOINS:
                continue
            self._joins += 1
            rows = rows_by_value(_bits(blob), _bits(base))
            if rows is not None:
                yield _Proposal(rows, old.rows)


def _verified(
    proposal: _Proposal,
    fresh: dict[int, ArrayBlob],
    old: Snapshot,
    bases: Sequence[StagedMemory],
) -> dict[int, Stored]:
    """Return what is proven to be these rows of stored blobs; nothing where it does not pay."""
    known = _by_sample(proposal.rows, old, bases)
    sample = _sample(proposal.rows)
    groups: defaultdict[Indexer | None, dict[int, Any]] = defaultdict(dict)
    for i, blob in fresh.items():
        base = known.get((blob.itemsize, bytes(blob.take(sample))))
        if base is not None:
            stored = getattr(base, "stored", None)
            groups[stored.rows if isinstance(stored, Selected) else None][i] = base
    found: dict[int, Stored] = {}
    for indexer, pairs in groups.items():
        target = proposal.within(indexer)
        if target.of > _LEAST_SHARE * len(target.rows) or not target.pays(fresh[i] for i in pairs):
            continue
        chosen = {
            i: stored
            for i, base in pairs.items()
            if (stored := _selected(base, fresh[i], proposal, target.indexer)) is not None
        }
        if target.pays(fresh[i] for i in chosen):
            target.cost = 0
            found |= chosen
    return found


def _selected(base: Any, new: ArrayBlob, proposal: _Proposal, indexer: Indexer) -> Stored | None:
    """Return how a blob is stored as rows of a base, or None when they differ in any byte."""
    content = selected_digest(_memory(base), new, proposal.rows)
    if content is None:
        return None
    if isinstance(base, RangeBlob):
        rows = base.nbytes // base.itemsize
        return Selected(
            BytesBlob(b""), indexer, {"range": [base.start, base.step, rows], "hash": content}
        )
    if digest(base.blob) != base.digest:
        # Only now: whoever writes behind Copy-on-Write may have done so at any time before.
        return None
    if proposal.whole:
        return cast("Stored", base.stored)
    if isinstance(base.stored, Selected):
        if "range" in base.stored.meta and isinstance(indexer.rows, range):
            return None
        return Selected(base.stored.base, indexer, {**base.stored.meta, "hash": content})
    return Selected(base.stored, indexer, {"itemsize": new.itemsize, "hash": content})


def _by_sample(
    rows: Rows, old: Snapshot, bases: Sequence[StagedMemory]
) -> dict[tuple[int, bytes], Any]:
    """Return stored blobs by what they hold in a few of the rows."""
    sample = _sample(range(len(rows)))
    positions = np.asarray([rows[int(i)] for i in sample], np.int64)
    found: dict[tuple[int, bytes], Any] = {
        (one.blob.itemsize, bytes(_memory(one).take(positions))): one for one in reversed(bases)
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
