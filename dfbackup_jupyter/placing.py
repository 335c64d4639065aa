"""Bringing frames back into a namespace: minimal, alias-keeping, and all or nothing."""

from __future__ import annotations

import ast
import re
import weakref
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import SimpleNamespace
from typing import Any

from dfbackup_jupyter import capture as frames_of
from dfbackup_jupyter.capture.base import Decoded
from dfbackup_jupyter.capture.capture import Capture
from dfbackup_jupyter.capture.paths import FramePath
from dfbackup_jupyter.errors import DamagedData, RestoreError

_MISSING = object()


@dataclass(frozen=True)
class Wanted:
    """One frame that is to come back.

    Attributes
    ----------
    paths : tuple of FramePath
        Every place that is to have it; all get one and the same object.
    load : callable
        Gives the frame.
    same : callable
        Whether the live object at a path has this content already.
    origin : weakref or None
        The object that bore the content when it was captured.
    elsewhere : tuple of FramePath
        Places that had the same object and are left alone: one that still has it shares it.
    """

    paths: tuple[FramePath, ...]
    load: Callable[[], Decoded]
    same: Callable[[FramePath, Any], bool]
    origin: weakref.ref[Any] | None = None
    elsewhere: tuple[FramePath, ...] = ()

    def at(self, paths: Collection[FramePath]) -> Wanted:
        """Return the same frame, wanted only at those of its places."""
        here = tuple(path for path in self.paths if path in paths)
        others = tuple(path for path in self.paths if path not in paths)
        return replace(self, paths=here, elsewhere=(*self.elsewhere, *others))


@dataclass
class Outcome:
    """What changed in the namespace."""

    restored: list[str] = field(default_factory=list)
    untouched: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    partial: list[str] = field(default_factory=list)
    rebuilt: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Planned:
    """A frame and the places that it goes to.

    Attributes
    ----------
    origin : weakref or None
        The object that is to get the frame's content, if it can.
    """

    places: tuple[FramePath, ...]
    frame: Any
    paths: tuple[FramePath, ...] = ()
    origin: weakref.ref[Any] | None = None


def bring_back(
    namespace: dict[str, Any],
    wanted: Iterable[Wanted],
    *,
    gone: Iterable[FramePath] = (),
    live: Capture,
    roots: Mapping[str, Any],
    holders: Mapping[FramePath, Any],
    others: Mapping[FramePath, Any],
    dry_run: bool = False,
) -> Outcome:
    """Put frames back where they belong, or leave everything as it is.

    Parameters
    ----------
    namespace : dict
        The user's variables.
    wanted : iterable of Wanted
        What to bring back.
    gone : iterable of FramePath
        What to take away.
    live : Capture
        The frames as they are now.
    roots : mapping of str to object
        Containers that frames lived in, used where a variable is gone.
    holders : mapping of FramePath to list, tuple or dict
        What was in those containers, for those whose items were moved.
    others : mapping of FramePath to object
        What takes the place of what is taken away.
    dry_run : bool
        Only say what would happen.

    Raises
    ------
    RestoreError
        A frame could not be put back; the namespace is as it was.
    """
    outcome = Outcome()
    # Whatever may fail while it is read is read before the first change.
    plan = [step for item in wanted for step in _plan(namespace, item, outcome, dry_run=dry_run)]
    doomed = [path for path in gone if _get(namespace, path) is not _MISSING]
    outcome.restored += [str(path) for path in doomed if path in others]
    outcome.removed += [str(path) for path in doomed if path not in others]
    if dry_run:
        return outcome
    revert: list[Callable[[], None]] = []
    places = [path for step in plan for path in step.places]
    try:
        values = [_into_origin(step, live, revert) for step in plan]
        laid_out = _lay_out(namespace, holders, places, doomed, revert)
        for step, value in zip(plan, values, strict=True):
            for path in step.places:
                _assign(namespace, path, value, roots, outcome, revert)
        for path in sorted(doomed, key=_position, reverse=True):
            if not laid_out.isdisjoint(holder for holder, _ in _way(path)):
                continue  # there is again what was there before
            _take_away(namespace, path, others, revert)
    except BaseException as error:
        for undo in reversed(revert):
            undo()
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        raise RestoreError(
            f"The frames could not be put back ({error}); everything is as it was.",
            "Bring one frame back under a new name: %backup restore ID --only NAME --as NEW_NAME.",
        ) from error
    return outcome


def _plan(
    namespace: dict[str, Any],
    item: Wanted,
    outcome: Outcome,
    *,
    dry_run: bool,
) -> list[_Planned]:
    present = {path: _get(namespace, path) for path in (*item.paths, *item.elsewhere)}
    same = (old for path, old in present.items() if old is not _MISSING and item.same(path, old))
    value = next(same, _MISSING)
    places = [path for path in item.paths if value is _MISSING or present[path] is not value]
    outcome.untouched += [str(path) for path in item.paths if path not in places]
    if not places or dry_run:
        outcome.restored += map(str, places)
        return []
    planned = _Planned(tuple(places), value)
    if value is _MISSING:
        try:
            decoded = item.load()
        except DamagedData as error:
            outcome.damaged += map(str, item.paths)
            outcome.warnings.append(f"{item.paths[0]} could not be read: {error}")
            return []
        outcome.warnings += decoded.warnings
        outcome.warnings += [
            f"{item.paths[0]}: column {lost.column} could not be read: {lost.reason}"
            for lost in decoded.damaged
        ]
        if decoded.damaged:
            outcome.partial += map(str, places)
        planned = _Planned(tuple(places), decoded.frame, item.paths, item.origin)
    outcome.restored += map(str, places)
    return [planned]


def _into_origin(planned: _Planned, live: Capture, revert: list[Callable[[], None]]) -> Any:
    """Return the original object with its content put back, so that all who hold it see it.

    Only when every watched name of that object is to be restored too: otherwise another variable
    would change under the user's hands.
    """
    frame = planned.frame
    origin = planned.origin() if planned.origin is not None else None
    if origin is None or type(origin) is not type(frame):
        return frame
    bearers = [f for f in live.frames if f.origin is not None and f.origin() is origin]
    if any(path not in planned.paths for bearer in bearers for path in bearer.paths):
        return frame
    before = frames_of.snapshot(origin)
    frames_of.put_back(origin, frame)
    revert.append(lambda: frames_of.put_back(origin, before.thaw()))
    return origin


def _lay_out(
    namespace: dict[str, Any],
    holders: Mapping[FramePath, Any],
    places: Iterable[FramePath],
    doomed: Iterable[FramePath],
    revert: list[Callable[[], None]],
) -> set[FramePath]:
    """Put the items of containers back in their old order where they were moved or taken out.

    A list is addressed by position, so a frame put back at its old position would otherwise
    overwrite what has moved there.

    Returns
    -------
    set of FramePath
        The lists and tuples that are as they were.
    """
    needed: dict[FramePath, set[Any]] = {holder: set() for p in doomed for holder, _ in _way(p)}
    for path in places:
        for holder, key in _way(path):
            needed.setdefault(holder, set()).add(key)
    laid_out = set()
    for place in sorted(needed.keys() & holders.keys(), key=lambda place: len(place.steps)):
        old, now, keys = holders[place], _get(namespace, place), needed[place]
        if isinstance(old, dict) and isinstance(now, dict):
            _fill_in(now, old, keys, revert)
        elif isinstance(old, list) and isinstance(now, list) and _is_moved(now, old, keys):
            revert.append(partial(now.__setitem__, slice(None), list.copy(now)))
            now[:] = old
            laid_out.add(place)
        elif isinstance(old, tuple) and isinstance(now, tuple) and _is_moved(now, old, keys):
            revert.append(_reverter(namespace, place))
            place.assign(namespace, old)
            laid_out.add(place)
    return laid_out


def _way(path: FramePath) -> list[tuple[FramePath, Any]]:
    """Return the containers that a path leads through, each with the key that it goes on with."""
    return [
        (FramePath(path.root, path.steps[:length]), key)
        for length, (_, key) in enumerate(path.steps)
    ]


def _fill_in(
    now: dict[Any, Any], old: dict[Any, Any], keys: set[Any], revert: list[Callable[[], None]]
) -> None:
    """Give a dict the keys that it lacks, each at its old position."""
    if keys.isdisjoint(old.keys() - now.keys()):
        return
    before = dict.copy(now)

    def refill(items: dict[Any, Any]) -> None:
        now.clear()
        now.update(items)

    revert.append(partial(refill, before))
    kept = {key: before.get(key, old[key]) for key in old if key in before or key in keys}
    refill(kept | before)


def _is_moved(now: Sequence[Any], old: Sequence[Any], keys: set[Any]) -> bool:
    """Whether frames are, or are wanted, at positions where there was something else."""
    return any(key >= len(now) for key in keys) or any(
        frames_of.is_frame(a) != frames_of.is_frame(b) for a, b in zip(now, old, strict=False)
    )


def _assign(
    namespace: dict[str, Any],
    path: FramePath,
    value: Any,
    roots: Mapping[str, Any],
    outcome: Outcome,
    revert: list[Callable[[], None]],
) -> None:
    revert.append(_reverter(namespace, path))
    for make_room in (_no_room_needed, _old_container, _new_containers):
        try:
            make_room(namespace, path, roots, outcome)
            path.assign(namespace, value)
        except (LookupError, TypeError, AttributeError, ValueError):
            continue
        return
    name = plain_name(str(path))
    revert.append(_reverter(namespace, FramePath(name)))
    namespace[name] = value
    outcome.warnings.append(f"{path} has no place any more; it came back as {name}.")


def _no_room_needed(*_: object) -> None:
    pass


def _old_container(
    namespace: dict[str, Any], path: FramePath, roots: Mapping[str, Any], _: Outcome
) -> None:
    namespace[path.root] = roots[path.root]


def _new_containers(
    namespace: dict[str, Any], path: FramePath, _: Mapping[str, Any], outcome: Outcome
) -> None:
    for length in range(len(path.steps)):
        place = FramePath(path.root, path.steps[:length])
        if _get(namespace, place) is _MISSING:
            kind, key = path.steps[length]
            if kind == "attribute":
                place.assign(namespace, SimpleNamespace())
            else:
                place.assign(namespace, [] if isinstance(key, int) else {})
            outcome.rebuilt.add(path.root)


def _take_away(
    namespace: dict[str, Any],
    path: FramePath,
    others: Mapping[FramePath, Any],
    revert: list[Callable[[], None]],
) -> None:
    if _get(namespace, path) is _MISSING:
        return  # its container has made room for another one
    revert.append(_reverter(namespace, path))
    root = FramePath(path.root)
    if path in others:
        path.assign(namespace, others[path])
    elif root in others and others[root] is not namespace[path.root]:
        namespace[path.root] = others[root]
    else:
        path.delete(namespace)


def others_at(namespace: dict[str, Any], paths: Iterable[FramePath]) -> dict[FramePath, Any]:
    """Return what is at these places, or else what is in place of the containers they were in."""
    found = {}
    for path in paths:
        place = path if _get(namespace, path) is not _MISSING else FramePath(path.root)
        value = _get(namespace, place)
        if value is not _MISSING:
            found[place] = value
    return found


def holders_of(namespace: dict[str, Any], paths: Iterable[FramePath]) -> dict[FramePath, Any]:
    """Return shallow copies of the lists, tuples and dicts that these paths lead through."""
    places = {
        FramePath(path.root, path.steps[:length])
        for path in paths
        for length in range(len(path.steps))
    }
    found: dict[FramePath, Any] = {}
    for place in places:
        holder = _get(namespace, place)
        # The built-ins' own way to copy: a subclass may have one that runs code.
        if isinstance(holder, list):
            found[place] = list.copy(holder)
        elif isinstance(holder, dict):
            found[place] = dict.copy(holder)
        elif isinstance(holder, tuple):
            found[place] = holder
    return found


def _position(path: FramePath) -> list[int]:
    # The last item of a list goes first: taking an earlier one away would move it.
    return [key if isinstance(key, int) else 0 for _, key in path.steps]


def _reverter(namespace: dict[str, Any], path: FramePath) -> Callable[[], None]:
    root, old = namespace.get(path.root, _MISSING), _get(namespace, path)

    def put_old_back() -> None:
        if path.steps and old is not _MISSING:
            path.assign(namespace, old)
        elif path.steps and _get(namespace, path) is not _MISSING:
            path.delete(namespace)
        if root is _MISSING:
            namespace.pop(path.root, None)
        else:
            namespace[path.root] = root

    return put_old_back


def plain_name(path: str) -> str:
    """Return a variable name for a frame that lived in a container: ``dfs['a']`` as ``dfs_a``."""
    return re.sub(r"\W+", "_", path).strip("_")


def checked_variable(name: str) -> str:
    """Return a name that can be given to a restored frame.

    Raises
    ------
    RestoreError
        It is no Python variable name.
    """
    try:
        tree = ast.parse(name, mode="eval").body
    except (SyntaxError, ValueError):
        tree = None
    if not isinstance(tree, ast.Name) or tree.id != name:
        raise RestoreError(
            f"{name!r} is not a name that a variable can have; nothing was restored.",
            "Give a plain one after --as, for example: --as df_before.",
        )
    return name


def _get(namespace: dict[str, Any], path: FramePath) -> Any:
    try:
        return path.get(namespace)
    except (LookupError, TypeError, AttributeError):
        return _MISSING
