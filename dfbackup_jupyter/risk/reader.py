"""Reads a cell: what its calls and magics do to frames; `statements` reads the rest."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from dfbackup_jupyter.risk import rules
from dfbackup_jupyter.risk.model import Effect
from dfbackup_jupyter.risk.origins import ITEM, UNKNOWN, Origin, Origins, constant, dotted
from dfbackup_jupyter.risk.statements import Function, Statements

_ESCAPE = re.compile(r"(\\[\\'\"abfnrtv0-7xNuU\r\n])|\\")
_PARSE = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


def parse(source: str) -> ast.Module | None:
    r"""Parse Python source, or return None if it is none.

    Top-level ``await`` is allowed. Invalid escapes such as ``"\d"`` are left out: compiling them
    would show the user a warning, once more than without us.
    """
    if "\\" in source:
        source = _ESCAPE.sub(r"\1", source)
    try:
        tree = compile(source, "<cell>", "exec", _PARSE)
    except (SyntaxError, ValueError):
        return None
    assert isinstance(tree, ast.Module)
    return tree


def is_on(call: ast.Call, method: str) -> bool:
    """Whether a call may say ``inplace=True``."""
    for keyword in call.keywords:
        if keyword.arg in rules.INPLACE_WORDS:
            return constant(keyword.value) is not False
        if keyword.arg is None and method in rules.INPLACE_METHODS:
            if not isinstance(keyword.value, ast.Dict):
                return True
            if any(constant(key) in rules.INPLACE_WORDS for key in keyword.value.keys):
                return True
    return False


def mentions_inplace(call: ast.Call) -> bool:
    """Whether ``inplace`` occurs anywhere in a call, as in ``Thread(kwargs={"inplace": True})``."""
    for part in ast.walk(call):
        word = part.arg if isinstance(part, ast.keyword) else getattr(part, "value", None)
        if isinstance(word, str) and word in rules.INPLACE_WORDS:
            return True
    return False


class Reader(Statements):
    """Reads one cell.

    Parameters
    ----------
    frames : mapping of str to object
        The frames of the namespace, and the objects that hold frames, by name.
    transform : callable, optional
        IPython's ``shell.transform_cell``; used for source that is not plain Python.
    """

    def __init__(
        self, frames: Mapping[str, object], transform: Callable[[str], str] | None
    ) -> None:
        super().__init__(frames)
        self._transform = transform

    def read(self, source: str, first_line: int = 0) -> bool:
        """Note everything that a source text does.

        Parameters
        ----------
        source : str
            A cell, or the part of it that a magic runs.
        first_line : int
            The line before it.

        Returns
        -------
        bool
            False if it has a syntax error.
        """
        tree = parse(source)
        if tree is None and self._transform is not None:
            tree = parse(self._transform(source))
        if tree is None:
            return False
        outer, self.first_line = self.first_line, self.first_line + first_line
        self.visit(tree)
        self.first_line = outer
        return True

    # --- Calls -----------------------------------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> None:
        self.raw_memory |= node.id in rules.MEMORY_MODULES

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute):
            self.visit(node.func.value)
        else:
            self.visit(node.func)
        self.visit_all((*node.args, *node.keywords))
        passed = self._passed(node)
        if isinstance(node.func, ast.Attribute):
            bases = [(origin, node.func.attr) for origin in self.origins(node.func.value)]
        else:
            bound = (origin for origin in self.origins(node.func) if origin.way)
            bases = [(replace(origin, way=origin.way[:-1]), origin.way[-1]) for origin in bound]
        for origin, method in bases:
            self._call_method(node, origin, method, passed)
        if not bases:
            self._call_function(node, passed)
        for origin in passed:
            self._pass_method(node, origin)

    def _passed(self, node: ast.Call) -> Origins:
        values = (*node.args, *(keyword.value for keyword in node.keywords))
        return tuple(origin for value in values for origin in self.origins(value))

    def _pass_method(self, node: ast.Call, origin: Origin) -> None:
        method = origin.way[-1] if origin.way else ""
        if method in rules.MUTATORS or (method in rules.INPLACE_METHODS and mentions_inplace(node)):
            self.note_write(method, node, origin, Effect.UNKNOWN)

    def _call_method(self, node: ast.Call, origin: Origin, method: str, passed: Origins) -> None:
        way = origin.way
        if origin.boxed:
            return
        if not origin.root:
            self._call_namespace(node, method)
        elif origin.is_holder:
            self._call_holder(node, origin, method)
        elif origin.is_array:
            if method in rules.ARRAY_METHODS:
                self.note_write(f"array {method}", node, origin, Effect.BYPASSES)
        elif origin.is_cell and method in rules.CELL_MUTATORS:
            self.note_write("object cell", node, origin, Effect.BYPASSES)
        elif not way and (method in rules.MUTATORS or is_on(node, method)):
            self.note_write(method.strip("_"), node, origin, Effect.OVERWRITES)
        elif "attrs" in way and method in rules.CELL_MUTATORS:
            self.note_write("setting attrs", node, origin, Effect.OVERWRITES)
        elif way and way[-1] in rules.INDEXERS and method in rules.MUTATORS:
            self.note_write(rules.INDEXERS[way[-1]], node, origin, Effect.OVERWRITES)
        elif way and way[-1] in rules.NAMED_PARTS and is_on(node, method):
            self.note_write(method, node, origin, Effect.OVERWRITES)
        if method in rules.APPLYING and not origin.is_holder:
            part = origin if method == "pipe" else replace(origin, way=(*way, ITEM, ITEM))
            self._call_back(node, (part,))

    def _call_namespace(self, node: ast.Call, method: str) -> None:
        if method in rules.CONTAINER_MUTATORS:
            keys = {constant(key) for key in node.args[:1]}
            keys |= {keyword.arg for keyword in node.keywords}
            known = bool(keys) and all(isinstance(key, str) for key in keys)
            effect = Effect.OVERWRITES if method == "update" else Effect.LOSES
            names = [name for name in self.frames if name in keys or not known]
            self.note(method, effect, node, names)

    def _call_holder(self, node: ast.Call, origin: Origin, method: str) -> None:
        if isinstance(origin.live, (dict, list, tuple)):
            key = constant(node.args[0]) if node.args and method == "pop" else UNKNOWN
            if method in rules.CONTAINER_MUTATORS and any(self.item(origin, key)):
                self.note_write(method, node, origin, Effect.LOSES)
        elif method not in rules.SAFE_METHODS:
            self.note_write(f"{method}()", node, origin, Effect.UNKNOWN)

    def _call_back(self, node: ast.Call, args: Origins) -> None:
        """Read the functions of the cell that are passed on, as called with `args`."""
        for value in (*node.args, *(keyword.value for keyword in node.keywords)):
            function: Function | None = None
            if isinstance(value, ast.Lambda):
                function = value
            elif isinstance(value, ast.Name):
                function = self.functions.get(value.id)
            if function is not None:
                self.enter(function, [args] * len(function.args.args))

    def _call_function(self, node: ast.Call, passed: Origins) -> None:
        names = dotted(node.func)
        plain, name = isinstance(node.func, ast.Name), names[-1]
        if self._call_shell(node, names):
            return
        if name not in rules.COPYING:
            # copy=False and overwrite_x=True both ask for the caller's memory
            self.raw_memory |= any(
                keyword.arg in rules.NO_COPY
                and constant(keyword.value) is not (keyword.arg[:4] == "copy")
                for keyword in node.keywords
            )
        if plain and name in rules.EXECUTING_FUNCTIONS:
            self.note(name, Effect.UNKNOWN, node, self.frames)
        elif name in rules.WRITING_FUNCTIONS and len(node.args) > 1:
            self._call_writing(node, name)
        elif not rules.FRAME_TYPES.isdisjoint(names[:-1]) and node.args:
            for origin in self.origins(node.args[0]):
                self._call_method(node, origin, name, passed)
        elif passed and not self._writes_memory(node, name, passed):
            self._call_user(node, names, passed)
        elif plain and name in self.functions:
            self.enter(self.functions[name])
        else:
            self._call_back(node, ())

    def _call_writing(self, node: ast.Call, name: str) -> None:
        """Read ``setattr(df, "columns", ...)`` and its like as what they stand for."""
        where, key = node.args[0], node.args[1]
        word = constant(key)
        place: ast.Attribute | ast.Subscript
        delete = name.startswith("del")
        operation = "delete" if delete else "rebinding"
        effect = Effect.LOSES if delete else Effect.OVERWRITES
        if "attr" not in name:
            place = ast.copy_location(ast.Subscript(where, key, ast.Store()), node)
            self.write_item(place, operation, effect)
        elif isinstance(word, str):
            place = ast.copy_location(ast.Attribute(where, word, ast.Store()), node)
            self.write_attribute(place, operation, effect)
        else:
            for origin in self.origins(where):
                self.note_write(name, node, origin, Effect.UNKNOWN)

    def _writes_memory(self, node: ast.Call, name: str, passed: Origins) -> bool:
        """Note a call that may write into the memory of the frames it is given."""
        written: Origins = ()
        for keyword in node.keywords:
            if keyword.arg == "out":
                written += self.origins(keyword.value)
        if name in rules.ARRAY_WRITERS or (name == "at" and len(node.args) > 1):
            written += self.origins(node.args[0]) if node.args else ()
        if name in rules.TRANSFORMERS and isinstance(node.func, ast.Attribute):
            written += passed
        reads = rules.SAFE_FUNCTIONS | rules.COPYING
        if name in rules.MEMORY_FUNCTIONS or (self.raw_memory and name not in reads):
            written += passed
        for origin in written:
            self.note_write(f"{name}()", node, origin, Effect.BYPASSES)
        return bool(written)

    def _call_user(self, node: ast.Call, names: tuple[str, ...], passed: Origins) -> None:
        name, method = names[-1], len(names) > 1
        whole = tuple(replace(origin, boxed=False) for origin in passed if not origin.way)
        function = None if method else self.functions.get(name)
        if function is not None:
            named = {word.arg: self.origins(word.value) for word in node.keywords if word.arg}
            self.enter(function, [self.origins(value) for value in node.args], named)
            return
        self._call_back(node, whole)
        if is_on(node, name):
            for origin in whole:
                self.note_write(name, node, origin, Effect.OVERWRITES)
            return
        safe = name in rules.SAFE_FUNCTIONS or (
            method and (name in rules.SAFE_METHODS or names[0] in rules.SAFE_MODULES)
        )
        if not safe:
            for origin in whole:
                self.note_write(f"{name}()" if name else "call", node, origin, Effect.UNKNOWN)

    # --- The shell and its magics ----------------------------------------------------------------

    def _call_shell(self, node: ast.Call, names: tuple[str, ...]) -> bool:
        """Note what a call of IPython's shell does; False if it is none."""
        if len(names) != 2 or not isinstance(node.func, ast.Attribute):
            return False
        shell, method = node.func.value, names[-1]
        if not (
            names[0] in rules.SHELL_NAMES
            or (isinstance(shell, ast.Call) and dotted(shell.func)[-1] == "get_ipython")
        ):
            return False
        words = [constant(value) for value in node.args]
        texts = [word for word in words if isinstance(word, str)]
        if method in rules.SHELL_MAGICS and len(texts) == len(words) > 0:
            if method == "magic":
                texts = [*texts[0].partition(" ")[::2]]
            self._magic(node, *texts)
        elif method in rules.SHELL_SOURCES and texts:
            self.read(texts[0], node.lineno - 1)
        elif method in rules.SHELL_MAGICS | rules.SHELL_SOURCES | rules.EXECUTING_METHODS:
            self.note(f"{method}()", Effect.UNKNOWN, node, self.frames)
        return True

    def _magic(self, node: ast.Call, name: str, line: str = "", body: str = "") -> None:
        words = line.split()
        if name in rules.WRAPPERS:
            if name == "capture":
                self.note("%capture", Effect.LOSES, node, self.frames.keys() & set(words))
            self._magic_line(node, line)
            self.read(body, node.lineno)
        elif name in rules.UNKNOWN_MAGICS and rules.UNKNOWN_MAGICS[name] in ("", *words):
            self.note(f"%{name}", Effect.UNKNOWN, node, self.frames)
        elif name not in rules.SAFE_MAGICS:
            named = (word for word in words if word in self.frames)
            self.note(f"%{name}", Effect.UNKNOWN, node, named)

    def _magic_line(self, node: ast.Call, line: str) -> None:
        """Read the statement after the options of a line magic: ``%timeit -n 10 df.drop(...)``."""
        for _ in range(rules.OPTION_LIMIT):
            line = line.strip()
            if not line or (not line.startswith("-") and self.read(line, node.lineno - 1)):
                return
            line = line.partition(" ")[2]
