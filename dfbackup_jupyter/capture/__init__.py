"""Frames to columns of bytes and back: the only room that knows the libraries they come from."""

from dfbackup_jupyter.capture.adapters import (
    ADAPTERS,
    decode,
    is_frame,
    put_back,
    snapshot,
)

__all__ = ["ADAPTERS", "decode", "is_frame", "put_back", "snapshot"]
