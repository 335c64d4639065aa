"""Names of the comm targets at which a front-end finds us; this module must stay free of imports.

The other side is `labextension/src/protocol.ts`.
"""

EVENTS = "dfbackup.events"
"""A front-end holds one comm to it, on which the kernel pushes what changed."""

REQUESTS = "dfbackup.request"
"""Each question opens a comm to it, and the answer closes that."""
