"""Pictures as SVG: how a session went, and what fills the store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate

from dfbackup_jupyter.backup import Backup, Kind
from dfbackup_jupyter.session import Entry
from dfbackup_jupyter.ui import human

_WIDTH = 720
_LEFT, _RIGHT = 150, 120
_ROW = 34
_FRAMES = 10
_BARS = 8

Scale = Callable[[dt.datetime], float]
Size = tuple[int, int]


@dataclass(frozen=True)
class Point:
    """A size at a moment, and how it is said; None for a frame that is not there."""

    when: dt.datetime
    value: float | None
    said: str


def session(
    backups: Sequence[Backup], log: Sequence[Entry], now: Mapping[str, tuple[int, int]]
) -> str:
    """Draw how each frame and the store grew, with the backups marked.

    Parameters
    ----------
    backups : sequence of Backup
        Those of the session, in any order.
    log : sequence of Entry
        The cells of the session.
    now : mapping of str to tuple of int
        Rows and columns of the live frames.
    """
    backups = sorted(backups, key=lambda backup: backup.created)
    end = dt.datetime.now(dt.UTC)
    lines = _frames(backups, log, now, end)
    if not lines:
        return ""
    busiest = sorted(lines, key=lambda name: -len(lines[name]))[:_FRAMES]
    rows = [(name, lines[name]) for name in lines if name in busiest]
    if backups:
        rows.append(("on disk", _on_disk(backups, end)))
    begin = min(points[0].when for _, points in rows)
    span = max((end - begin).total_seconds(), 1.0)
    across = _WIDTH - _LEFT - _RIGHT

    def x(when: dt.datetime) -> float:
        return _LEFT + across * min(max((when - begin).total_seconds() / span, 0), 1)

    height = _ROW * len(rows) + 30
    drawn = [_marks(backups, x, height - 24)]
    drawn += [_line(name, points, x, _ROW * i + 6) for i, (name, points) in enumerate(rows)]
    drawn.append(f'<text x="{_LEFT}" y="{height - 4}">{begin.astimezone():%H:%M:%S}</text>')
    drawn.append(f'<text x="{_LEFT + across}" y="{height - 4}" text-anchor="end">now</text>')
    left_out = len(lines) - len(busiest)
    more = f'<div class="dfb-note">{human.count(left_out, "more frame")}</div>' if left_out else ""
    label = "Rows times columns of each frame over time, with the backups marked"
    return _svg(height, label, drawn) + more


def bars(title: str, amounts: Mapping[str, tuple[int, str]]) -> str:
    """Draw amounts as bars, the largest first.

    Parameters
    ----------
    amounts : mapping of str to tuple of (int, str)
        How much, and how it is said, by label.
    """
    ranked = sorted(amounts.items(), key=lambda item: -item[1][0])
    if not ranked:
        return ""
    most = max(ranked[0][1][0], 1)
    drawn = []
    for i, (label, (amount, said)) in enumerate(ranked[:_BARS]):
        y, width = i * 20 + 4, max((_WIDTH - 420) * amount / most, 2)
        drawn.append(
            f"<g><title>{escape(human.line(label))}: {escape(said)}</title>"
            f'<text class="dfb-label" x="0" y="{y + 11}">{escape(human.line(label, 34))}</text>'
            f'<rect x="230" y="{y}" width="{width:.1f}" height="14" rx="2" '
            f'fill="var(--dfb-brand)" fill-opacity=".55"/>'
            f'<text x="{236 + width:.1f}" y="{y + 11}">{escape(said)}</text></g>'
        )
    more = len(ranked) - len(drawn)
    if more > 0:
        drawn.append(f'<text x="0" y="{len(drawn) * 20 + 15}">{more:,} more</text>')
    return _svg(len(drawn) * 20 + 6, title, drawn)


def _frames(
    backups: Sequence[Backup],
    log: Sequence[Entry],
    now: Mapping[str, tuple[int, int]],
    end: dt.datetime,
) -> dict[str, list[Point]]:
    seen: list[tuple[dt.datetime, str, Size | None]] = [
        (backup.created, info.name, (info.rows, info.columns))
        for backup in backups
        for info in backup.frames
    ]
    for entry in log:
        after = entry.time + dt.timedelta(seconds=entry.duration)
        seen += [
            (after, change.name, _size(change.rows_after, change.columns_after))
            for change in entry.frames
        ]
    seen.sort(key=lambda one: one[0])
    names = dict.fromkeys([*sorted({name for _, name, _ in seen}), *now])
    seen += [(end, name, now.get(name)) for name in names]
    lines: dict[str, list[Point]] = {name: [] for name in names}
    last: dict[str, Size | None] = {}
    for when, name, size in seen:
        # Most looks find a frame as it was: only what changed is drawn, and the end.
        if when is end or name not in last or last[name] != size:
            value = None if size is None else float(size[0] * size[1])
            lines[name].append(Point(when, value, human.shape(*size) if size else "not there"))
            last[name] = size
    return {
        name: points
        for name, points in lines.items()
        if any(point.value is not None for point in points)
    }


def _size(rows: int | None, columns: int | None) -> Size | None:
    return None if rows is None or columns is None else (rows, columns)


def _on_disk(backups: Sequence[Backup], end: dt.datetime) -> list[Point]:
    totals = list(accumulate(backup.bytes_new for backup in backups))
    moments = [*(backup.created for backup in backups), end]
    return [
        Point(when, float(total), human.size(total))
        for when, total in zip(moments, [*totals, totals[-1]], strict=True)
    ]


def _line(name: str, points: Sequence[Point], x: Scale, top: int) -> str:
    most = max((point.value or 0 for point in points), default=0) or 1
    floor = top + _ROW - 10

    def y(value: float | None) -> float:
        return floor - (floor - top - 2) * (value or 0) / most

    path, height = [f"M{x(points[0].when):.1f} {y(points[0].value):.1f}"], points[0].value
    for point in points[1:]:
        path.append(f"H{x(point.when):.1f}")
        if point.value != height:
            path.append(f"V{y(point.value):.1f}")
            height = point.value
    changes = [p for p, before in zip(points[1:], points, strict=False) if p.value != before.value]
    dots = "".join(
        f'<circle cx="{x(p.when):.1f}" cy="{y(p.value):.1f}" r="2.5" fill="var(--dfb-brand)">'
        f"<title>{escape(human.line(name))}: {p.said}, {human.clock(p.when)[11:]}</title></circle>"
        for p in changes
    )
    d = " ".join(path)
    area = f"{d} V{floor} H{x(points[0].when):.1f} Z"
    return (
        f'<g><text class="dfb-label" x="{_LEFT - 10}" y="{floor - 4}" text-anchor="end">'
        f"{escape(human.line(name, 22))}</text>"
        f'<path d="{area}" fill="var(--dfb-brand)" fill-opacity=".12"/>'
        f'<path d="{d}" fill="none" stroke="var(--dfb-brand)" stroke-width="1.5"/>{dots}'
        f'<text x="{_WIDTH - _RIGHT + 8}" y="{floor - 4}">{points[-1].said}</text></g>'
    )


def _marks(backups: Sequence[Backup], x: Scale, bottom: int) -> str:
    drawn = []
    for backup in backups:
        by_hand = backup.kind in (Kind.MANUAL, Kind.QUICK)
        at, colour = (
            f"{x(backup.created):.1f}",
            "var(--dfb-brand)" if by_hand else "var(--dfb-line)",
        )
        what = human.line(backup.name or backup.provenance.reason, 80)
        drawn.append(
            f"<g><title>{escape(f'{backup.kind}: {what}')}, {human.clock(backup.created)[11:]}"
            f'</title><line x1="{at}" x2="{at}" y1="4" y2="{bottom}" stroke="{colour}" '
            f'stroke-dasharray="{"none" if by_hand else "2 3"}"/>'
            f'<circle cx="{at}" cy="{bottom}" r="{4 if by_hand else 2.5}" fill="{colour}"/></g>'
        )
    return "".join(drawn)


def _svg(height: int, label: str, drawn: Sequence[str]) -> str:
    return (
        f'<svg class="dfb-picture" role="img" aria-label="{escape(label)}" '
        f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" xmlns="http://www.w3.org/2000/svg">'
        f"{''.join(drawn)}</svg>"
    )
