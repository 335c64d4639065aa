"""Columns that are rows of stored ones: an indexer is stored in their place.

See docs/design/0003-row-selection-deltas.md.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, cast

import numpy as np
import xxhash

from dfbackup_jupyter.backup import JSON
from dfbackup_jupyter.capture.base import Encoded, Snapshot
from dfbackup_jupyter.capture.blobs import ArrayBlob, BytesBlob, Rows, RowsBlob
from dfbackup_jupyter.capture.row_selection import (
    RangeBlob,
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
_SEED = secrets.randbits(64)  # nobody can make data of which two columns are mistaken for one


@dataclass(frozen=True, eq=False)
class Indexer:
    """Rows of a frame that had `of` of them: a range in `meta`, or positions in a blob."""

    rows: Rows
    of: int
    meta: JSON
    blob: Blob | BlobRef | None


@dataclass(frozen=True)
class Selected:
    """A blob that is stored as rows of another one, which is stored plainly.

    So are the lengths of that one's items, where they are not all as long.
    """

    base: Blob | BlobRef
    rows: Indexer
    meta: JSON
    lengths: BlobRef | None = None


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
    *,
    step: Callable[[], object],
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
    step : callable
        Called before each blob is compared, which may take a tenth of a second.
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
                chosen = _verified(proposal, fresh, other, bases, step)
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


def _of_rows(blobs: Sequence[object], rows: int) -> dict[int, RowsBlob]:
    """Return the blobs, by their place, that hold one item for each row."""
    return {
        i: blob
        for i, blob in enumerate(blobs)
        if isinstance(blob, RowsBlob) and blob.rows == rows and blob.nbytes
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
    nodes: dict[str, JSON] = {}
    for i, blob in chosen.items():
        nodes[str(i)] = {**blob.meta, "rows": numbers[blob.rows]}
        if blob.lengths is not None:
            if blob.lengths not in parts:
                parts.append(blob.lengths)
            nodes[str(i)]["lengths"] = parts.index(blob.lengths)
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
        replace(blob, base=ref, rows=indexers[blob.rows]) if isinstance(blob, Selected) else ref
        for blob, ref in zip(blobs, refs, strict=False)
    ]


def parts_of(stored: Stored) -> list[BlobRef]:
    """Return the stored blobs that reading one takes."""
    if isinstance(stored, BlobRef):
        return [stored]
    parts = (stored.base, stored.rows.blob, stored.lengths)
    return [part for part in parts if isinstance(part, BlobRef)]


def indexer_of(stored: Stored) -> np.ndarray[Any, Any] | None:
    """Return the positions that a selection holds in memory, if it does."""
    rows = stored.rows.rows if isinstance(stored, Selected) else None
    return rows if isinstance(rows, np.ndarray) else None


def digest(blob: Blob) -> int:
    """Return a fast hash of a blob's bytes, of use in this process only (xxh3, about 14 GB/s)."""
    step = max(_STEP // blob.itemsize, 1) * blob.itemsize
    hasher = xxhash.xxh3_128(seed=_SEED)
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
        self, old: Snapshot, fresh: dict[int, RowsBlob], bases: Sequence[StagedMemory]
    ) -> Iterator[_Proposal]:
        """Which rows they are if the labels have stayed with them."""
        if not any(same_labels(old.labels, seen) for seen in self._seen):
            self._seen.append(old.labels)
            rows = rows_by_label(self._labels, old.labels)
            if rows is not None:
                yield _Proposal(rows, old.rows)

    def by_column(
        self, old: Snapshot, fresh: dict[int, RowsBlob], bases: Sequence[StagedMemory]
    ) -> Iterator[_Proposal]:
        """Which rows they are, judged by a column whose values all differ."""
        if len({self._columns.get(i) for i in fresh}) == 1:
            return  # an edited column: most of its chunks are known
        known = {one.column: bits for one in bases if (bits := _bits(one.blob)) is not None}
        for i, blob in fresh.items():
            new, old_bits = _bits(blob), known.get(self._columns.get(i, ""))
            if new is None or old_bits is None or self._joins == _JOINS:
                continue
            self._joins += 1
            rows = rows_by_value(new, old_bits)
            if rows is not None:
                yield _Proposal(rows, old.rows)


def _verified(
    proposal: _Proposal,
    fresh: dict[int, RowsBlob],
    old: Snapshot,
    bases: Sequence[StagedMemory],
    step: Callable[[], object],
) -> dict[int, Stored]:
    """Return what is proven to be these rows of stored blobs; nothing where it does not pay."""
    known = _by_sample(proposal.rows, old, bases)
    plain = {id(one.blob): one for one in bases}
    sample = _sample(proposal.rows)
    groups: defaultdict[Indexer | None, dict[int, Any]] = defaultdict(dict)
    for i, blob in fresh.items():
        base = known.get(_key(blob, sample))
        if base is not None:
            stored = getattr(base, "stored", None)
            groups[stored.rows if isinstance(stored, Selected) else None][i] = base
    found: dict[int, Stored] = {}
    for indexer, pairs in groups.items():
        target = proposal.within(indexer)
        if target.of > _LEAST_SHARE * len(target.rows) or not target.pays(fresh[i] for i in pairs):
            continue
        chosen = {}
        for i, base in pairs.items():
            step()
            stored = _selected(base, fresh[i], proposal, target.indexer, plain)
            if stored is not None:
                chosen[i] = stored
        if target.pays(fresh[i] for i in chosen):
            target.cost = 0
            found |= chosen
    return found


def _selected(
    base: Any,
    new: RowsBlob,
    proposal: _Proposal,
    indexer: Indexer,
    plain: Mapping[int, StagedMemory],
) -> Stored | None:
    """Return how a blob is stored as rows of a base, or None when they differ in any byte."""
    content = selected_digest(_memory(base), new, proposal.rows)
    if content is None:
        return None
    if isinstance(base, RangeBlob):
        labels = [base.start, base.step, base.rows]
        return Selected(BytesBlob(b""), indexer, {"range": labels, "hash": content})
    if _disturbed(base):
        return None
    if proposal.whole:
        return cast("Stored", base.stored)
    if base.blob.lengths is not None and new.nbytes > base.blob.nbytes:
        return None  # readers refuse it, since such a description could ask for any size
    if isinstance(base.stored, Selected):
        if "range" in base.stored.meta and isinstance(indexer.rows, range):
            return None
        meta = {**base.stored.meta, "hash": content}
        return replace(base.stored, rows=indexer, meta=meta)
    if base.blob.lengths is None:
        return Selected(base.stored, indexer, {"itemsize": new.itemsize, "hash": content})
    lengths = plain.get(id(base.blob.lengths))
    if lengths is None or not isinstance(lengths.stored, BlobRef) or _disturbed(lengths):
        return None
    meta = {"itemsize": lengths.blob.itemsize, "hash": content}
    return Selected(base.stored, indexer, meta, lengths.stored)


def _disturbed(base: StagedMemory) -> bool:
    # Only now: whoever writes behind Copy-on-Write may have done so at any time before.
    return digest(base.blob) != base.digest


def _by_sample(
    rows: Rows, old: Snapshot, bases: Sequence[StagedMemory]
) -> dict[tuple[int, bool, bytes], Any]:
    """Return stored blobs by what they hold in a few of the rows."""
    sample = _sample(range(len(rows)))
    positions = np.asarray([rows[int(i)] for i in sample], np.int64)
    found: dict[tuple[int, bool, bytes], Any] = {
        _key(_memory(one), positions): one for one in reversed(bases)
    }
    labels = old.labels
    start, step = getattr(labels, "start", None), getattr(labels, "step", None)
    if isinstance(rows, np.ndarray) and isinstance(start, int) and isinstance(step, int):
        blob = RangeBlob(start, step, old.rows)
        found.setdefault(_key(blob, positions), blob)
    return found


def _key(blob: RowsBlob | RangeBlob, rows: Any) -> tuple[int, bool, bytes]:
    return blob.itemsize, blob.lengths is not None, bytes(blob.take(rows))


def _memory(base: StagedMemory | RangeBlob) -> Any:
    return base.blob if isinstance(base, StagedMemory) else base


def _sample(rows: Rows) -> Any:
    return np.linspace(0, len(rows) - 1, min(_SAMPLE, len(rows)), dtype=np.int64)


def _bits(blob: Blob) -> Any:
    """Return numbers that stand for items of eight bytes, or None."""
    if isinstance(blob, ArrayBlob) and blob.itemsize == 8:
        return blob.array.view(np.uint64)
    return None
