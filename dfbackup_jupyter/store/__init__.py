"""Durable storage that knows nothing of frames: objects in packs, named by manifests."""

from dfbackup_jupyter.store.blob import Blob
from dfbackup_jupyter.store.codecs import estimate
from dfbackup_jupyter.store.collect import Collected
from dfbackup_jupyter.store.filesystem import AlreadyExists
from dfbackup_jupyter.store.manifests import Version
from dfbackup_jupyter.store.objects import BlobRef, ObjectRef, StoredObject, no_tick
from dfbackup_jupyter.store.store import Store, Usage
from dfbackup_jupyter.store.verify import Damage
from dfbackup_jupyter.store.worker import Worker
from dfbackup_jupyter.store.writer import PackVanished, PackWriter

__all__ = [
    "AlreadyExists",
    "Blob",
    "BlobRef",
    "Collected",
    "Damage",
    "ObjectRef",
    "PackVanished",
    "PackWriter",
    "Store",
    "StoredObject",
    "Usage",
    "Version",
    "Worker",
    "estimate",
    "no_tick",
]
