"""Frames as captures in memory, as bytes, and back."""

from dfbackup_jupyter.capture.adapters import decode, is_frame, put_back, snapshot

__all__ = ["decode", "is_frame", "put_back", "snapshot"]
