"""``%backup ask …?``: a line that ends with a question mark is IPython's own call for help.

So such a line becomes a call of ours before IPython looks at it.
"""

from __future__ import annotations

import re

_QUESTION = re.compile(r"\s*%backup\s+(?P<line>ask\s.*\?)\s*")


def spell_out(lines: list[str]) -> list[str]:
    """Turn a question at the beginning or the end of a cell into a call.

    It is one of IPython's cleanup transformers. Between other lines, it could be in a string.
    """
    filled = [number for number, line in enumerate(lines) if line.strip()]
    found = list(lines)
    for number in {*filled[:1], *filled[-1:]}:
        if question := _QUESTION.fullmatch(lines[number]):
            found[number] = f"get_ipython().run_line_magic('backup', {question['line']!r})\n"
    return found
