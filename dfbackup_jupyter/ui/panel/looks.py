"""How the panel looks: its style sheet, and small pieces of HTML. Nothing gets in unescaped."""

from __future__ import annotations

from dataclasses import replace
from html import escape

from pygments import highlight  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers.python import PythonLexer  # type: ignore[import-untyped]

from dfbackup_jupyter.backup import Backup, Details
from dfbackup_jupyter.previous import label
from dfbackup_jupyter.ui import human
from dfbackup_jupyter.ui.html import html

_TITLE = 70

# JupyterLab's variables, else VS Code's, else what can be read on light and dark pages.
STYLE = """<style>
.dfb-panel{
--dfb-text:var(--jp-ui-font-color1,var(--vscode-foreground,currentColor));
--dfb-soft:var(--jp-ui-font-color2,var(--vscode-descriptionForeground,#7a7a7a));
--dfb-line:var(--jp-border-color2,var(--vscode-panel-border,rgba(127,127,127,.35)));
--dfb-ground:rgba(127,127,127,.09);
--dfb-brand:var(--jp-brand-color1,var(--vscode-textLink-foreground,#1976d2));
--dfb-good:var(--jp-success-color1,#388e3c);
--dfb-warn:var(--jp-warn-color1,#f57c00);
--dfb-bad:var(--jp-error-color1,#d32f2f);
border:1px solid var(--dfb-line);border-radius:6px;padding:8px 12px;color:var(--dfb-text)}
.dfb-panel .widget-html,.dfb-panel .widget-html-content{line-height:1.5;min-height:0;height:auto}
.dfb-panel .widget-html-content{font-size:var(--jp-ui-font-size1,13px);overflow-wrap:anywhere}
.dfb-panel .jupyter-button{border-radius:4px}
.dfb-panel .dfb-section{font-weight:600;margin:8px 0 2px}
.dfb-panel .dfb-note{color:var(--dfb-soft)}
.dfb-panel .dfb-box{border-left:3px solid var(--dfb-line);background:var(--dfb-ground);\
padding:6px 10px;margin:4px 0;border-radius:0 4px 4px 0;overflow-x:auto}
.dfb-panel .dfb-box.dfb-fault{border-left-color:var(--dfb-bad)}
.dfb-panel .dfb-box.dfb-risk{border-left-color:var(--dfb-warn)}
.dfb-panel .dfb-stale{opacity:.55}
.dfb-panel .dfb-dot{display:inline-block;width:8px;height:8px;border-radius:50%;margin-right:6px}
.dfb-panel .dfb-kind{display:inline-block;min-width:4.6em;text-align:center;font-size:85%;\
border:1px solid var(--dfb-line);border-radius:9px;padding:0 7px;margin-right:8px;\
color:var(--dfb-soft)}
.dfb-panel .dfb-kind-manual,.dfb-panel .dfb-kind-quick\
{color:var(--dfb-brand);border-color:var(--dfb-brand)}
.dfb-panel .dfb-when{color:var(--dfb-soft);font-variant-numeric:tabular-nums;margin-right:8px}
.dfb-panel .dfb-frames{color:var(--dfb-soft);font-size:92%}
.dfb-panel pre.dfb-code{background:var(--jp-cell-editor-background,var(--dfb-ground));\
border:1px solid var(--dfb-line);border-radius:4px;padding:6px 8px;margin:4px 0;max-height:16em;\
overflow:auto;line-height:1.4;font-family:var(--jp-code-font-family,monospace);\
font-size:var(--jp-code-font-size,13px);white-space:pre}
.dfb-panel .dfb-code .dfb-k,.dfb-panel .dfb-code .dfb-kn,.dfb-panel .dfb-code .dfb-kc,\
.dfb-panel .dfb-code .dfb-ow{color:var(--jp-mirror-editor-keyword-color,#a347ba);font-weight:bold}
.dfb-panel .dfb-code [class^="dfb-s"]{color:var(--jp-mirror-editor-string-color,#c05a4a)}
.dfb-panel .dfb-code [class^="dfb-m"]{color:var(--jp-mirror-editor-number-color,#2e8b57)}
.dfb-panel .dfb-code [class^="dfb-c"]\
{color:var(--jp-mirror-editor-comment-color,#7f8c8d);font-style:italic}
.dfb-panel .dfb-code .dfb-nb{color:var(--jp-mirror-editor-builtin-color,#5f8a1d)}
.dfb-panel .dfb-code .dfb-o{color:var(--jp-mirror-editor-operator-color,#8a5bd6)}
.dfb-panel table.dataframe{border-collapse:collapse;margin:4px 0;font-size:92%}
.dfb-panel table.dataframe th,.dfb-panel table.dataframe td\
{padding:1px 10px 1px 0;text-align:right;border:0;max-width:24em}
.dfb-panel table.dataframe thead th{border-bottom:1px solid var(--dfb-line)}
.dfb-panel .dfb-entry{border-top:1px solid var(--dfb-line);padding:3px 0}
.dfb-panel .dfb-folded>button{text-align:left;padding-left:0}
.dfb-panel .dfb-folded .dfb-entry{border-top-style:dotted;margin-left:18px}
.dfb-panel svg.dfb-picture{display:block;max-width:100%;height:auto;margin:4px 0}
.dfb-panel svg text{font-family:var(--jp-ui-font-family,sans-serif);font-size:11px;\
fill:var(--dfb-soft)}
.dfb-panel svg .dfb-label{fill:var(--dfb-text)}
.dfb-panel a.dfb-download{color:var(--dfb-brand);font-weight:600}
</style>"""

_LEXER = PythonLexer()
_FORMATTER = HtmlFormatter(nowrap=True, classprefix="dfb-")


def result(record: object) -> str:
    """Return a result of the manager in a box."""
    return f'<div class="dfb-box">{html(record)}</div>'


def details(found: Details) -> str:
    """Return what is in a backup, with the cell that it was made for highlighted."""
    why = found.backup.provenance
    bare = replace(found.backup, provenance=replace(why, cell=None))
    shown = result(replace(found, backup=bare))
    if why.cell is None:
        return shown
    number = "" if why.execution_count is None else f" [{why.execution_count}]"
    return shown + section(f"Made before this cell{number}") + code(why.cell)


def error(message: str, hint: str) -> str:
    """Return what went wrong, and what to do next."""
    further = f'<div class="dfb-note">{escape(hint)}</div>' if hint else ""
    return f'<div class="dfb-box dfb-fault" role="alert">{escape(message)}{further}</div>'


def warning(text: str) -> str:
    """Return what to think of before something is done."""
    return f'<div class="dfb-box dfb-risk">{escape(text)}</div>'


def note(text: str) -> str:
    """Return a remark."""
    return f'<div class="dfb-note">{escape(text)}</div>'


def section(text: str) -> str:
    """Return a heading."""
    return f'<div class="dfb-section">{escape(text)}</div>'


def protection(tone: str, text: str) -> str:
    """Return the state of protection in one line, with a coloured dot."""
    return (
        f'<div role="status"><span class="dfb-dot" style="background:var(--dfb-{tone})"></span>'
        f"{escape(text)}</div>"
    )


def code(source: str) -> str:
    """Return the source of a cell, highlighted."""
    return f'<pre class="dfb-code">{highlight(source.strip(), _LEXER, _FORMATTER)}</pre>'


def entry(backup: Backup) -> str:
    """Return a backup in one line of the timeline."""
    clock, ago = human.clock(backup.created), human.ago(backup.created)
    pinned = "📌 " if backup.pinned else ""
    return (
        f'<div><span class="dfb-when" title="{clock}">{clock[11:]}</span>'
        f'<span class="dfb-kind dfb-kind-{backup.kind}">{backup.kind}</span>'
        f"{pinned}{escape(title(backup))} "
        f'<span class="dfb-frames" title="{escape(backup.id)}">'
        f"{escape(frames(backup))} · {ago}</span></div>"
    )


def option(backup: Backup) -> str:
    """Return a backup in one line of plain text, for a list to choose from."""
    return (
        f"{human.clock(backup.created)}  ·  {backup.kind}  ·  "
        f"{title(backup)}  ·  {frames(backup, 3)}"
    )


def left_behind(backup: Backup, number: int) -> str:
    """Return what an earlier session has left, the likeliest of some."""
    others = f" It is the likeliest of {number}: %backup recover lists them." if number > 1 else ""
    left = frames(backup) or "variables"
    ago = human.ago(backup.created)
    return f"An earlier session left {left} ({human.line(label(backup), _TITLE)}; {ago}).{others}"


def title(backup: Backup) -> str:
    """Return what a backup is called, or else why it was made."""
    if backup.name:
        return human.line(backup.name, _TITLE)
    return human.line(backup.provenance.reason or str(backup.kind), _TITLE)


def frames(backup: Backup, limit: int = 4) -> str:
    """Return the frames of a backup and their shapes."""
    shown = [
        f"{human.line(info.name, 40)} {human.shape(info.rows, info.columns)}"
        for info in backup.frames[:limit]
    ]
    more = len(backup.frames) - len(shown)
    return ", ".join([*shown, f"{more} more"] if more else shown)
