"""What an AI agent and the user said to each other in a session."""

from __future__ import annotations

from dfbackup_jupyter.backup import JSON
from dfbackup_jupyter.session.records import Records


class ChatMemory(Records):
    """The messages of the session's conversations, oldest first."""

    name = "chat_memory"
    one, many = "chat message", "chat messages"
    needed = ("role", "content")

    def append(self, role: str, content: object, **details: object) -> str:
        """Add the newest message.

        Parameters
        ----------
        role : str
            Who says it: ``user``, ``assistant``, ``tool`` …
        content : str
            What is said. Blocks of plain JSON values are kept as they are.
        details
            Whatever else is to be kept with it. An `id` is the message's own: one that is there
            already is not added again. Its `time` is now, whatever is given.

        Returns
        -------
        str
            The message's ID.
        """
        return self._append({**details, "role": role, "content": content})

    @property
    def messages(self) -> list[JSON]:
        """Every message: ``id``, ``time`` (ISO 8601), ``role``, ``content``, and its details."""
        return self._copies()
