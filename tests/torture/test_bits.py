"""A bit flips anywhere in a store: it is found, what can be mended is, the rest restores."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from dfbackup_jupyter.errors import DamagedData, StoreTooNew
from dfbackup_jupyter.store import Store
from tests.store.kit import load, random_bytes, save

from .conftest import LONG

FLIPS = 2000 if LONG else 40


@pytest.mark.parametrize("folder", ["packs", "manifests"])
def test_a_flipped_bit_costs_at_most_what_it_is_in(
    tmp_path: Path, folder: str, figures: Counter[str]
) -> None:
    before, root = tmp_path / "before", tmp_path / "store"
    content = {f"auto_{i}": random_bytes(3000, i) for i in range(3)}
    store = Store(before, chunk_bytes=1024)
    for id, data in content.items():
        save(store, id, data)
    rng = random.Random(folder)
    for _ in range(FLIPS):
        shutil.copytree(before, root)
        file = rng.choice(sorted((root / folder).iterdir()))
        bit = rng.randrange(8 * file.stat().st_size)
        data = bytearray(file.read_bytes())
        data[bit // 8] ^= 1 << bit % 8
        file.write_bytes(data)
        figures["bits flipped"] += 1

        store = Store(root, chunk_bytes=1024)
        assert store.verify()
        lost = set()
        for id, right in content.items():
            try:
                assert load(store, id) == [right]
            except (DamagedData, StoreTooNew):
                lost.add(id)
        assert len(lost) <= 1
        store.repair()
        assert {damage.id for damage in store.verify()} <= lost
        for id in content.keys() - lost:
            assert load(store, id) == [content[id]]
        figures["flips in the only copy of something, told as lost"] += len(lost)
        shutil.rmtree(root)
