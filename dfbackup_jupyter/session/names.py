"""Which of a namespace's names are the user's, and which look like secrets."""

from __future__ import annotations

import re
from collections.abc import Collection

from dfbackup_jupyter.capture.namespace import is_history

# Functions and the like that IPython puts into the namespace by itself.
_IPYTHONS = frozenset("exit quit get_ipython open _exit_code".split())

_SECRET_WORDS = frozenset("token pwd passphrase passcode auth".split())
_SECRET_PAIRS = frozenset(
    {"api key", "access key", "private key", "account key", "auth key", "ssh key", "signing key"}
)
_SECRET_PARTS = re.compile(r"passw|secret(?!ar)|credential|apikey|accesskey|privatekey|token$")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def is_users(name: object, hidden: Collection[str]) -> bool:
    """Return whether something is a variable's name, and given by the user."""
    return (
        isinstance(name, str)
        and name.isidentifier()
        and name not in hidden
        and name not in _IPYTHONS
        and not is_history(name)
    )


def looks_secret(name: str) -> bool:
    """Return whether a name suggests a password, a token or the like.

    Whole words are compared where parts of words would be found in harmless names too:
    ``github_token`` is one, ``tokenizer`` and ``tokens`` are not.
    """
    words = [word.lower() for word in _WORDS.findall(name)]
    pairs = {f"{a} {b}" for a, b in zip(words, words[1:], strict=False)}
    return (
        not _SECRET_WORDS.isdisjoint(words)
        or not _SECRET_PAIRS.isdisjoint(pairs)
        or _SECRET_PARTS.search("".join(words)) is not None
    )
