"""What was searched for in the web in a session, and found."""

from __future__ import annotations

from dfbackup_jupyter.backup import JSON
from dfbackup_jupyter.session.records import Records


class WebSearches(Records):
    """The web searches of a session's agents and tools, oldest first."""

    name = "web_searches"
    one, many = "web search", "web searches"
    needed = ("query", "results")

    def append(self, query: str, results: object, **details: object) -> str:
        """Add the newest search.

        Parameters
        ----------
        query : str
            What was searched for.
        results : object
            What was found: text, or lists and dictionaries of plain values.
        details
            Whatever else is to be kept with it. An `id` is the search's own: one that is there
            already is not added again. Its `time` is now, whatever is given.

        Returns
        -------
        str
            The search's ID.
        """
        return self._append({**details, "query": query, "results": results})

    @property
    def entries(self) -> list[JSON]:
        """Every search: ``id``, ``time`` (ISO 8601), ``query``, ``results``, and its details."""
        return self._copies()
