"""Follows the statements of a cell from top to bottom and notes what they do to frames."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain, zip_longest
from types import MappingProxyType

from dfbackup_jupyter.risk import rules
from dfbackup_jupyter.risk.model import Effect, Operation
from dfbackup_jupyter.risk.origins import (
    UNKNOWN,
    Origin,
    Origins,
    Resolver,
    constant,
    dotted,
    has_column,
    holders,
    is_series,
)

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def assigned(body: Iterable[ast.AST]) -> set[str]:
    """The names that a function or class body binds in its own scope."""
    names: set[str] = set()
    outer: set[str] = set()
    todo = list(body)
    while todo:
        node = todo.pop()
        match node:
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ):
                names.add(name)
                continue
            case ast.Lambda():
                continue
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.ExceptHandler(name=str(name)):
                names.add(name)
            case ast.Global() | ast.Nonlocal():
                outer.update(node.names)
            case ast.alias():
                names.add(node.asname or node.name.partition(".")[0])
        names.update(captured(node))
        todo.extend(ast.iter_child_nodes(node))
    return names - outer


def captured(node: ast.AST) -> tuple[str, ...]:
    """The name that a part of a ``case`` pattern binds."""
    match node:
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return (name,)
        case ast.MatchMapping(rest=str(name)):
            return (name,)
    return ()


class Statements(Resolver, ast.NodeVisitor):
    """Reads the statements of one cell.

    Parameters
    ----------
    frames : mapping of str to object
        The frames of the namespace, and the objects that hold frames, by name.

    Attributes
    ----------
    found : list of Operation
        What was found so far.
    functions : dict of str to Function
        The functions that the cell has defined so far.
    raw_memory : bool
        Whether the cell has named a library or option that writes into memory that it is given.
    first_line : int
        What to add to the line numbers of the source that is being read.
    """

    def __init__(self, frames: Mapping[str, object]) -> None:
        super().__init__(frames)
        self.found: list[Operation] = []
        self.functions: dict[str, Function] = {}
        self.raw_memory = False
        self.first_line = 0
        self._locals: dict[str, Origins] | None = None
        self._entered: list[Function] = []

    def visit(self, node: ast.AST) -> None:
        self.step()
        super().visit(node)

    def visit_all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    # --- Notes -----------------------------------------------------------------------------------

    def note(self, operation: str, effect: Effect, node: ast.AST, frames: Iterable[str]) -> None:
        names = tuple(dict.fromkeys(frames))
        if names:
            line = self.first_line + getattr(node, "lineno", 1)
            self.found.append(Operation(operation, names, line, effect))

    def note_write(self, operation: str, node: ast.AST, origin: Origin, effect: Effect) -> None:
        """Note what happens to a live object: every name that leads to it is at risk."""
        if not origin.root:
            self.note(operation, effect, node, self.frames)
        elif origin.live is UNKNOWN:
            self.note(operation, effect, node, (origin.root,))
        else:
            self.note(operation, effect, node, (origin.root, *holders(origin.live, self.frames)))

    # --- Names -----------------------------------------------------------------------------------

    def _bind(
        self,
        name: str,
        value: Origins,
        operations: Iterable[str],
        node: ast.AST,
        effect: Effect = Effect.LOSES,
    ) -> None:
        if self._locals is not None and name in self._locals:
            self._locals[name] = value
            return
        if name in self.frames:
            if len(value) == 1 and value[0].is_object(self.frames[name]):
                return
            for operation in operations:
                self.note(operation, effect, node, (name,))
            value = (Origin(name, UNKNOWN), *value)
        self.scopes[0][name] = value
        self.functions.pop(name, None)

    def _store(
        self,
        target: ast.expr,
        value: Origins,
        operations: Iterable[str],
        effect: Effect = Effect.LOSES,
    ) -> None:
        match target:
            case ast.Name():
                self._bind(target.id, value, operations, target, effect)
            case ast.Tuple() | ast.List():
                parts = tuple(replace(origin, boxed=False) for origin in value)
                for element in target.elts:
                    self._store(element, parts, operations, effect)
            case ast.Starred():
                self._store(target.value, value, operations, effect)
            case ast.Attribute():
                self.visit(target.value)
                self.write_attribute(target, "rebinding", effect)
            case ast.Subscript():
                self.visit_all((target.value, target.slice))
                self.write_item(target, "rebinding", effect)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        pairs = [(target, value)]
        if (
            isinstance(target, (ast.Tuple, ast.List))
            and isinstance(value, (ast.Tuple, ast.List))
            and len(target.elts) == len(value.elts)
        ):
            pairs = list(zip(target.elts, value.elts, strict=True))
        before = [self.origins(part) for _, part in pairs]
        for (place, part), origins in zip(pairs, before, strict=True):
            self._store(place, origins, self._labels(place, part), Effect.OVERWRITES)
            if isinstance(place, ast.Name) and isinstance(part, ast.Lambda):
                self.functions[place.id] = part

    def _labels(self, target: ast.expr, value: ast.expr) -> list[str]:
        """What the user calls the making of a new value: the methods of its chain."""
        labels: list[str] = []
        node: ast.expr = value
        while True:
            match node:
                case ast.Call(func=ast.Attribute(attr=name, value=inner)):
                    labels.append(name)
                    node = inner
                case ast.Call(func=ast.Name(id=name)):
                    labels.append(f"{name}()")
                    break
                case ast.Attribute(attr="T", value=inner):
                    labels.append("transpose")
                    node = inner
                case ast.Attribute(value=inner):
                    node = inner
                case ast.Subscript(slice=ast.Slice() | ast.Tuple(), value=inner):
                    labels.append("slice")
                    node = inner
                case ast.Subscript(slice=ast.List() | ast.Constant(), value=inner):
                    labels.append("column selection")
                    node = inner
                case ast.Subscript(value=inner):
                    labels.append("filter")
                    node = inner
                case ast.BinOp() | ast.UnaryOp():
                    labels.append("arithmetic")
                    break
                case ast.Name(id=name):
                    if isinstance(target, ast.Name) and name == target.id and labels:
                        return [label for label in reversed(labels) if label != "copy"]
                    break
                case _:
                    break
        uses = (part.id for part in ast.walk(value) if isinstance(part, ast.Name))
        if not labels or not any(self.lookup(name) for name in uses):
            return ["rebinding"]
        return [label for label in reversed(labels) if label != "copy"] or ["rebinding"]

    # --- Writing into objects --------------------------------------------------------------------

    def write_item(self, target: ast.Subscript, operation: str, effect: Effect) -> None:
        key = constant(target.slice)
        delete = "delete" if operation == "delete" else ""
        for origin in self.origins(target.value):
            way = origin.way
            if origin.boxed:
                continue
            if not origin.root:
                names = (held.root for held in self.item(origin, key))
                self.note(operation, effect, target, names)
            elif origin.is_holder:
                if any(True for _ in self.item(origin, key)):
                    self.note_write(operation, target, origin, effect)
            elif origin.is_array:
                self.note_write("array assignment", target, origin, Effect.BYPASSES)
            elif "attrs" in way:
                self.note_write(delete or "setting attrs", target, origin, Effect.OVERWRITES)
            elif not way:
                kind = "item assignment" if is_series(origin.live) else "column assignment"
                self.note_write(delete or kind, target, origin, Effect.OVERWRITES)
            elif way[-1] in rules.INDEXERS and len(way) == 1:
                label = delete or rules.INDEXERS[way[-1]]
                self.note_write(label, target, origin, Effect.OVERWRITES)
            elif origin.is_cell:
                self.note_write("object cell", target, origin, Effect.BYPASSES)

    def write_attribute(self, target: ast.Attribute, operation: str, effect: Effect) -> None:
        name = target.attr
        delete = "delete" if operation == "delete" else ""
        for origin in self.origins(target.value):
            way = origin.way
            if origin.boxed:
                continue
            if not origin.root:
                self.note(operation, effect, target, {name} & self.frames.keys())
            elif origin.is_holder:
                if any(True for _ in self.attribute(origin, name)):
                    self.note_write(operation, target, origin, effect)
            elif origin.is_array:
                self.note_write("array assignment", target, origin, Effect.BYPASSES)
            elif name in rules.ATTRIBUTES and (not way or way[-1] in rules.NAMED_PARTS):
                label = delete or rules.ATTRIBUTES[name]
                self.note_write(label, target, origin, Effect.OVERWRITES)
            elif not way and has_column(origin.live, name):
                label = delete or "column assignment"
                self.note_write(label, target, origin, Effect.OVERWRITES)
            elif origin.is_cell:
                self.note_write("object cell", target, origin, Effect.BYPASSES)

    # --- Statements ------------------------------------------------------------------------------

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self._assign(target, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
            self._assign(node.target, node.value)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._assign(node.target, node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        if isinstance(node.target, ast.Name):
            for origin in self.origins(node.target):
                if not origin.boxed and (origin.is_frame or isinstance(origin.live, dict)):
                    self.note_write("augmented assignment", node, origin, Effect.OVERWRITES)
        else:
            self._store(node.target, (), (), Effect.OVERWRITES)

    def visit_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            match target:
                case ast.Name():
                    self._bind(target.id, (), ["delete"], target)
                case ast.Attribute():
                    self.write_attribute(target, "delete", Effect.LOSES)
                case ast.Subscript():
                    self.write_item(target, "delete", Effect.LOSES)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self._store(node.target, self.iterated(node.iter), ["for target"])
        self.visit_all(chain(node.body, node.orelse))

    visit_AsyncFor = visit_For

    def visit_withitem(self, node: ast.withitem) -> None:
        self.visit(node.context_expr)
        if node.optional_vars is not None:
            self._store(node.optional_vars, self.origins(node.context_expr), ["with target"])

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name is not None:
            self._bind(node.name, (), ["except target"], node)
        self.generic_visit(node)

    def visit_Match(self, node: ast.Match) -> None:
        self.visit(node.subject)
        value = tuple(replace(origin, boxed=False) for origin in self.origins(node.subject))
        for case in node.cases:
            for part in ast.walk(case.pattern):
                for name in captured(part):
                    self._bind(name, value, ["match target"], part)
            self.visit_all((case.guard, *case.body))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            module = alias.name.partition(".")[0]
            self.raw_memory |= module in rules.MEMORY_MODULES
            value = self.lookup(module) if module == rules.NAMESPACE_MODULE else ()
            self._bind(alias.asname or module, value, ["import"], node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        self.raw_memory |= module.partition(".")[0] in rules.MEMORY_MODULES
        for alias in node.names:
            if alias.name != "*":
                self._bind(alias.asname or alias.name, (), ["import"], node)
            elif module in sys.modules:
                names = self.frames.keys() & vars(sys.modules[module]).keys()
                self.note("star import", Effect.LOSES, node, sorted(names))
            else:
                self.note("star import", Effect.UNKNOWN, node, self.frames)

    # --- Scopes ----------------------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.visit_all((*node.decorator_list, *node.args.defaults, *node.args.kw_defaults))
        self._bind(node.name, (), ["def"], node)
        self.functions[node.name] = node
        decorators = {dotted(getattr(item, "func", item))[-1] for item in node.decorator_list}
        if decorators - rules.PLAIN_DECORATORS:
            self.enter(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.visit_all((*node.decorator_list, *node.bases, *node.keywords))
        self._in_scope(dict.fromkeys(assigned(node.body), ()), node.body)
        self._bind(node.name, (), ["class"], node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.visit_all((*node.args.defaults, *node.args.kw_defaults))
        self.enter(node)

    def visit_ListComp(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
    ) -> None:
        self.scopes.append({})
        for generator in node.generators:
            self.visit(generator.iter)
            value = self.iterated(generator.iter)
            for part in ast.walk(generator.target):
                if isinstance(part, ast.Name):
                    self.scopes[-1][part.id] = tuple(replace(o, boxed=False) for o in value)
            self.visit_all(generator.ifs)
        parts = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
        self.visit_all(parts)
        self.scopes.pop()

    visit_SetComp = visit_GeneratorExp = visit_DictComp = visit_ListComp

    def _in_scope(self, names: dict[str, Origins], body: Iterable[ast.AST]) -> None:
        outer = self._locals
        self._locals = names
        self.scopes.append(names)
        self.visit_all(body)
        self.scopes.pop()
        self._locals = outer

    def enter(
        self,
        function: Function,
        args: Iterable[Origins] = (),
        named: Mapping[str, Origins] = MappingProxyType({}),
    ) -> None:
        """Read the body of a function as it is called.

        Parameters
        ----------
        function : ast.FunctionDef or ast.AsyncFunctionDef or ast.Lambda
            The function.
        args : iterable of tuple of Origin
            What its positional parameters stand for.
        named : mapping of str to tuple of Origin
            What its named parameters stand for.
        """
        if function in self._entered:
            return
        body = [function.body] if isinstance(function, ast.Lambda) else function.body
        names: dict[str, Origins] = dict.fromkeys(assigned(body), ())
        spec = function.args
        for parameter, value in zip_longest((*spec.posonlyargs, *spec.args), args):
            if parameter is not None:
                names[parameter.arg] = value or named.get(parameter.arg, ())
        for parameter in (*spec.kwonlyargs, spec.vararg, spec.kwarg):
            if parameter is not None:
                names[parameter.arg] = named.get(parameter.arg, ())
        self._entered.append(function)
        self._in_scope(names, body)
        self._entered.pop()
