"""The panel, driven by its buttons, with a real shell and a real store."""

from __future__ import annotations

import base64
import datetime as dt
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from ipywidgets import HTML, Widget
from traitlets import Bunch

from dfbackup_jupyter import BackupManager
from dfbackup_jupyter.backup import Kind
from dfbackup_jupyter.ui.panel import Panel, history, pictures, restore, section
from tests.kernels import Kernel
from tests.waiting import eventually, settled

Run = Callable[[str], None]

HOSTILE = "<img src=x onerror=alert(1)>"

FRAMES = """
import pandas as pd
df = pd.DataFrame({"city": ["Rome", "Oslo"], "n": [1, 2]})
other = pd.DataFrame({"x": [1.5, 2.5, 3.5]})
"""


@pytest.fixture
def panel(
    run: Run, manager: BackupManager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Panel]:
    """An open panel of a session with two frames."""
    monkeypatch.setattr(section, "DOUBLE_CLICK", 0.0)
    monkeypatch.chdir(tmp_path)
    run(FRAMES)
    panel = Panel(manager)
    yield panel
    panel.close()


def open_tab(panel: Panel, tab: Any) -> Any:
    panel.tab.selected_index = panel.tabs.index(tab)
    return tab


def wait_until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.02)


def names(panel: Panel) -> list[str]:
    """The frames that can be backed up."""
    return [box.description.split("   ")[0] for box in panel.create.frames.widget.children]


def all_widgets(widget: Widget) -> Iterator[Any]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from all_widgets(child)


def shown(panel: Panel) -> str:
    """All HTML in the panel."""
    return "".join(one.value for one in all_widgets(panel.widget) if isinstance(one, HTML))


def plain(html: str) -> str:
    return re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL)


def test_it_is_a_tab_of_four(panel: Panel) -> None:
    assert panel.tab.titles == ("Create", "Restore", "History", "Settings")
    assert "Protected: 2 frames" in panel.status.value


def test_a_backup_is_created_of_what_is_chosen(panel: Panel, manager: BackupManager) -> None:
    create = panel.create
    boxes = create.frames.widget.children
    assert names(panel) == ["df", "other"]
    assert "2 × 2" in boxes[0].description and "bytes" in boxes[0].description
    create.name.value, create.description.value = "mine", "as it came"
    boxes[1].value = False
    create.state.value = False
    create.create_button.click()
    made = manager.get("mine")
    assert made.description == "as it came"
    assert [info.name for info in made.frames] == ["df"]
    assert not made.state
    assert made.id in create.message.value
    assert create.name.value == "" and not create.create_button.disabled
    assert create.progress.widget.layout.display == "none"


def test_a_quick_backup_takes_one_click(panel: Panel, manager: BackupManager) -> None:
    panel.create.quick_button.click()
    (made,) = manager.list(kind="quick")
    assert made.id in panel.create.message.value
    assert len(made.frames) == 2 and made.state


def test_errors_are_shown_where_they_happen(panel: Panel, manager: BackupManager) -> None:
    panel.create.create_button.click()
    assert "A manual backup needs a name." in panel.create.message.value
    assert not panel.create.create_button.disabled
    for box in panel.create.frames.widget.children:
        box.value = False
    panel.create.name.value = "none of them"
    panel.create.create_button.click()
    assert "No frame is chosen." in panel.create.message.value
    panel.redo_button.click()
    assert 'role="alert"' in panel.message.value
    assert manager.list() == []


def test_a_fault_of_ours_is_shown_and_logged(
    panel: Panel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError(HOSTILE)

    monkeypatch.setattr(panel.manager, "quick", broken)
    with caplog.at_level(logging.ERROR):
        panel.create.quick_button.click()
    assert "RuntimeError" in panel.create.message.value
    assert HOSTILE not in panel.create.message.value
    assert not panel.create.quick_button.disabled
    assert "a handler of the panel failed" in caplog.text


def test_a_frame_comes_back(panel: Panel, run: Run, shell: InteractiveShell) -> None:
    panel.create.name.value = "before"
    panel.create.create_button.click()
    run("df['n'] = 0")
    tab = open_tab(panel, panel.restore)
    tab.search.value = "before"
    assert eventually(lambda: tab.found.options)
    tab.found.value = next(id for text, id in tab.found.options if "before  ·" in text)
    assert "pandas.DataFrame" in tab.details.value
    planned = plain(tab.preview.value)
    assert re.search(r"would be brought back\s+df", planned)
    assert re.search(r"already there\s+other", planned)
    assert re.search(r"rows changed\s+2", planned)
    assert shell.user_ns["df"]["n"].tolist() == [0, 0]
    tab.restore_button.click()
    assert shell.user_ns["df"]["n"].tolist() == [1, 2]
    assert "safety_" in tab.message.value
    panel.undo_button.click()
    assert shell.user_ns["df"]["n"].tolist() == [0, 0]
    panel.redo_button.click()
    assert shell.user_ns["df"]["n"].tolist() == [1, 2]


def test_one_frame_comes_back_under_another_name(
    panel: Panel, run: Run, shell: InteractiveShell
) -> None:
    panel.create.quick_button.click()
    run("df['n'] = 0")
    tab = open_tab(panel, panel.restore)
    tab.choose(tab.manager.list(kind="quick")[0].id)
    tab.as_name.value = "old"
    tab.restore_button.click()
    assert "Only one frame can be restored under another name." in tab.message.value
    tab.frames.widget.children[1].value = False
    tab.restore_button.click()
    assert shell.user_ns["old"]["n"].tolist() == [1, 2]
    assert shell.user_ns["df"]["n"].tolist() == [0, 0]


def test_only_chosen_frames_come_back(panel: Panel, run: Run, shell: InteractiveShell) -> None:
    panel.create.quick_button.click()
    run("df['n'] = 0\nother['x'] = 0.0")
    tab = open_tab(panel, panel.restore)
    tab.choose(tab.manager.list(kind="quick")[0].id)
    tab.frames.widget.children[0].value = False
    assert "dfb-stale" in tab.preview.value
    tab.preview_button.click()
    assert "dfb-stale" not in tab.preview.value
    tab.restore_button.click()
    assert shell.user_ns["df"]["n"].tolist() == [0, 0]
    assert shell.user_ns["other"]["x"].tolist() == [1.5, 2.5, 3.5]


def test_a_preview_ages_with_the_frames(panel: Panel, run: Run) -> None:
    panel.create.quick_button.click()
    tab = open_tab(panel, panel.restore)
    tab.choose(tab.manager.list()[0].id)
    assert "dfb-stale" not in tab.preview.value
    run("df['n'] = 5")
    wait_until(lambda: "dfb-stale" in tab.preview.value)


def test_a_large_backup_is_compared_on_request(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.create.quick_button.click()
    monkeypatch.setattr(restore, "AT_ONCE", 10)
    tab = open_tab(panel, panel.restore)
    tab.choose(tab.manager.list()[0].id)
    assert tab.details.value and not tab.preview.value
    tab.preview_button.click()
    assert "Would restore" in plain(tab.preview.value)


def test_the_search_looks_everywhere(panel: Panel, run: Run) -> None:
    run("df = df.rename(columns={'n': 'number'})")
    for name in ("alpha", "beta"):
        panel.create.name.value = name
        panel.create.create_button.click()
    tab = open_tab(panel, panel.restore)
    for words, found in {"alpha": 1, "ALPHA manual": 1, "rename(columns": 1, "zzz": 0}.items():
        tab.search.value = words
        assert eventually(lambda n=found: len(tab.found.options) == n), words
    assert "Nothing is found." in shown(panel)
    tab.everywhere.value = True
    tab.search.value = ""
    assert eventually(lambda: len(tab.found.options) == 3)


def test_an_export_can_be_downloaded_and_imported(
    panel: Panel, manager: BackupManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.create.quick_button.click()
    tab = open_tab(panel, panel.restore)
    tab.choose(manager.list()[0].id)
    tab.export_button.click()
    (file,) = tmp_path.glob("quick_*.zip")
    assert str(file) in tab.link.value
    found = re.search(r"base64,([^\"]+)", tab.link.value)
    assert found and base64.b64decode(found[1]) == file.read_bytes()
    tab.export_button.click()
    assert "exists already" in tab.message.value
    monkeypatch.setattr(restore, "LINK_LIMIT", 10)
    tab.format.value = "parquet"
    tab.export_button.click()
    assert "_parquet.zip" in tab.link.value and "base64" not in tab.link.value

    settings = open_tab(panel, panel.settings)
    upload(settings, "../../evil <b>.zip", file.read_bytes())
    settings.import_button.click()
    (imported,) = manager.list(kind="import")
    assert imported.id in settings.message.value
    assert not imported.trusted
    upload(settings, "again.zip", file.read_bytes())
    settings.trust.value = True
    settings.import_button.click()
    assert manager.list(kind="import")[0].trusted
    assert not settings.trust.value  # the next file has to earn it
    settings.import_button.click()
    assert "No file is chosen." in settings.message.value
    upload(settings, "x.zip", b"not a zip")
    settings.import_button.click()
    assert 'role="alert"' in settings.message.value


def upload(settings: Any, name: str, content: bytes) -> None:
    settings.upload.value = (
        Bunch(
            name=name,
            type="application/zip",
            size=len(content),
            content=memoryview(content),
            last_modified=dt.datetime.now(dt.UTC),
        ),
    )


def test_the_history_folds_automatic_backups(panel: Panel, run: Run) -> None:
    timeline = open_tab(panel, panel.history)
    assert "No backup in this session yet" in shown(panel)
    for value in range(3):
        run(f"df['n'] = {value + 10}")
    panel.create.name.value = "named"
    panel.create.create_button.click()
    run("df['n'] = 99")
    run("df['n'] = 100")
    wait_until(lambda: len(timeline.timeline.children) == 3)
    _newest, named, fold = timeline.timeline.children
    assert "named" in named.children[0].children[0].value
    switch = fold.children[0]
    assert "3 automatic backups" in switch.description
    assert fold.children[1].children == ()
    switch.click()
    assert len(fold.children[1].children) == 3
    assert "<svg" in timeline.picture.value and "manual: named" in timeline.picture.value
    switch.click()
    assert fold.children[1].children == ()


def test_a_long_history_is_shown_page_by_page(
    panel: Panel, run: Run, manager: BackupManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_PAGE", 2)
    timeline = open_tab(panel, panel.history)
    timeline._limit = 2
    for value in range(5):
        run(f"df['n'] = {value + 10}")
    for name in ("one", "two"):
        panel.create.name.value = name
        panel.create.create_button.click()
    wait_until(lambda: len(timeline.timeline.children) == 2)
    assert timeline.more_button.layout.display == ""
    timeline.more_button.click()
    assert len(timeline.timeline.children) == 3
    assert timeline.more_button.layout.display == "none"
    fold = timeline.timeline.children[-1]
    wait_until(lambda: "5 automatic" in fold.children[0].description)
    fold.children[0].click()
    assert len(fold.children[1].children) == 3  # two, and a button for more
    fold.children[1].children[-1].click()
    fold.children[1].children[-1].click()
    assert len(fold.children[1].children) == 5
    manager.cleanup()
    wait_until(lambda: timeline.timeline.children == ())


def test_an_entry_unfolds_compares_restores_and_deletes(
    panel: Panel, run: Run, manager: BackupManager
) -> None:
    run("df = df.assign(m=3)")
    for name in ("one", "two"):
        panel.create.name.value = name
        panel.create.create_button.click()
        run(f"df['{name}'] = 1")
    timeline = open_tab(panel, panel.history)
    wait_until(lambda: manager.get("two").id in timeline.entries)
    entry = timeline.entries[manager.get("two").id]
    entry.details_button.click()
    assert "pandas.DataFrame" in entry.widget.children[2].children[0].value
    entry.details_button.click()
    assert entry.widget.children[2].children == ()
    entry.compare_button.click()
    assert "two (int64)" in entry.difference.value
    entry.other.value = manager.get("one").id
    assert "columns dropped" in entry.difference.value
    entry.restore_button.click()
    assert panel.tab.selected_index == 1
    assert panel.restore.found.value == manager.get("two").id
    open_tab(panel, timeline)
    entry.delete_button.click()
    entry.keep_button.click()
    assert manager.get("two")
    entry.delete_button.click()
    entry.sure_button.click()
    assert "two" not in [backup.name for backup in manager.list()]
    wait_until(lambda: entry.backup.id not in timeline.entries)


def test_the_cell_is_highlighted(panel: Panel, run: Run, manager: BackupManager) -> None:
    run("for i in range(1):\n    df.loc[0, 'n'] = 7  # seven")
    tab = open_tab(panel, panel.restore)
    tab.choose(manager.list(kind="auto")[0].id)
    assert '<span class="dfb-k">for</span>' in tab.details.value
    assert "# seven" in plain(tab.details.value)


def test_settings_are_changed(panel: Panel, manager: BackupManager) -> None:
    settings = open_tab(panel, panel.settings)
    controls = {key: setting.control for key, setting in settings.controls.items()}
    controls["auto"].value = False
    assert manager.auto is False
    assert "Automatic backups are off" in panel.status.value
    manager.auto = True
    assert controls["auto"].value is True
    controls["durability"].value = "strict"
    controls["memory_limit"].value = 100.0
    controls["exit_timeout"].value = 2.5
    assert manager.settings() == {
        **manager.settings(),
        "durability": "strict",
        "memory_limit": 100 << 20,
        "exit_timeout": 2.5,
    }
    controls["exit_timeout"].value = -1.0
    assert "exit_timeout cannot be" in settings.controls["exit_timeout"].message.value
    assert controls["exit_timeout"].value == 2.5


def test_the_store_is_shown_verified_and_emptied(panel: Panel, manager: BackupManager) -> None:
    panel.create.quick_button.click()
    settings = open_tab(panel, panel.settings)
    assert str(manager.stats().store) in settings.usage.value
    assert settings.usage.value.count("<svg") == 2
    settings.verify_button.click()
    assert "every byte is sound" in settings.message.value
    settings.cleanup_button.click()
    settings.keep_button.click()
    assert manager.list()
    settings.cleanup_button.click()
    settings.sure_button.click()
    assert not manager.list()
    settings.cleanup_button.click()
    assert "no backup to delete" in settings.message.value
    panel.create.quick_button.click()
    settings.word.value = "delete"
    settings.delete_all_button.click()
    assert "Nothing was deleted." in settings.message.value
    assert manager.list()
    settings.word.value = "delete-all"
    settings.delete_all_button.click()
    assert not manager.list(all=True)
    assert "%backup log --deleted" in settings.message.value
    assert settings.word.value == ""


class Elements(HTMLParser):
    """Gathers the elements of some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.handlers: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.handlers.update(name for name, _ in attrs if name.startswith("on"))


def test_names_are_text_whatever_is_in_them(panel: Panel, run: Run, manager: BackupManager) -> None:
    run(
        f"frames = {{{HOSTILE!r}: pd.DataFrame({{{HOSTILE!r}: ['</style>{HOSTILE}']}})}}\n"
        f"df = df.rename(columns={{'n': {HOSTILE!r}}})"
    )
    panel.create.name.value = panel.create.description.value = HOSTILE
    panel.create.create_button.click()
    made = manager.list(kind="manual")[0]
    assert made.name == HOSTILE
    seen = shown(panel)
    run(f"frames[{HOSTILE!r}][{HOSTILE!r}] = '\"{HOSTILE}'  # {HOSTILE}")
    for tab in panel.tabs:
        open_tab(panel, tab)
        seen += shown(panel)
    open_tab(panel, panel.restore).choose(made.id)
    seen += shown(panel)
    panel.restore.restore_button.click()
    seen += shown(panel)
    timeline = open_tab(panel, panel.history)
    for entry in list(timeline.entries.values()):
        for button in (entry.details_button, entry.compare_button, entry.delete_button):
            button.click()
            seen += shown(panel)
    panel.settings.verify_button.click()
    seen += shown(panel)
    assert "&lt;img src=x onerror=alert(1)&gt;" in seen
    elements = Elements(seen)
    assert "img" not in elements.found
    assert not elements.handlers
    assert not any(
        getattr(one, "description_allow_html", False) for one in all_widgets(panel.widget)
    )


def test_it_follows_what_cells_do(panel: Panel, run: Run) -> None:
    run("third = df.copy()")
    wait_until(lambda: names(panel) == ["df", "other", "third"])
    boxes = panel.create.frames.widget.children
    timeline = open_tab(panel, panel.history)
    run("df.drop(columns='n', inplace=True)")
    wait_until(lambda: "before drop" in shown(panel))
    assert len(timeline.timeline.children) == 1
    boxes[0].value = False
    run("del third")
    open_tab(panel, panel.create)
    assert names(panel) == ["df", "other"]
    assert [box.value for box in panel.create.frames.widget.children] == [False, True]


def test_a_double_click_counts_once(
    panel: Panel, manager: BackupManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(section, "DOUBLE_CLICK", 60.0)
    panel.create.quick_button.click()
    panel.create.quick_button.click()
    assert len(manager.list(kind="quick")) == 1


def test_a_button_is_disabled_while_it_works(
    panel: Panel, manager: BackupManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    verify = manager.verify

    def slow(**options: Any) -> Any:
        begun.set()
        assert go_on.wait(10)
        return verify(**options)

    monkeypatch.setattr(manager, "verify", slow)
    button = panel.settings.verify_button
    thread = threading.Thread(target=button.click)
    thread.start()
    assert begun.wait(10)
    assert button.disabled
    button.click()  # ends at once
    go_on.set()
    thread.join(10)
    assert not button.disabled
    assert "every byte is sound" in panel.settings.message.value


def test_closing_it_ends_what_it_follows(panel: Panel, manager: BackupManager, run: Run) -> None:
    open_tab(panel, panel.history)
    run("df['n'] = 3")
    listeners = manager._listeners._listeners
    assert listeners
    before = panel.status.value
    panel.close()
    assert not manager._listeners._listeners
    run("df['n'] = 4")
    assert panel.status.value == before
    assert all(one.comm is None for one in all_widgets(panel.widget))


def test_a_store_that_fails_is_said(
    panel: Panel, manager: BackupManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(manager)  # a write that succeeds would take the problem away
    manager.problem = f"The disk is full {HOSTILE}"
    manager._listeners.call()
    assert eventually(lambda: "Your data is not being backed up." in panel.status.value)
    assert HOSTILE not in panel.status.value

    def broken(**_: object) -> None:
        raise RuntimeError("gone")

    manager.problem = None
    monkeypatch.setattr(manager, "list", broken)
    open_tab(panel, panel.restore)
    assert eventually(lambda: "RuntimeError: gone" in panel.status.value)


def test_the_picture_needs_something_to_draw() -> None:
    assert pictures.session([], [], {}) == ""
    assert pictures.bars("none", {}) == ""
    assert "4 more" in pictures.bars("x", {str(i): (i, str(i)) for i in range(12)})


def test_the_command_shows_one_panel(shell: InteractiveShell, run: Run) -> None:
    run(FRAMES)
    run("a = %backup panel\nb = %backup panel")
    panel = shell.user_ns["a"]
    assert isinstance(panel, Panel) and shell.user_ns["b"] is panel
    data = panel._repr_mimebundle_()
    assert "needs a notebook" in data["text/plain"]
    panel.close()
    run("c = %backup panel")
    assert shell.user_ns["c"] is not panel
    shell.user_ns["c"].close()


def test_in_a_kernel_a_backup_appears_by_itself(kernel: Kernel) -> None:
    assert kernel.run(FRAMES + "panel = %backup panel\npanel").status == "ok"
    kernel.run("panel.tab.selected_index = 2")
    kernel.run("df['n'] = 5")
    wait_until(lambda: "auto_" in str(kernel.value("list(panel.history.entries)")))


def test_a_click_on_another_thread_waits_for_the_cell(kernel: Kernel) -> None:
    kernel.run(FRAMES + "panel = %backup panel")
    kernel.run(
        "import threading, time\n"
        "clicker = threading.Thread(target=panel.create.quick_button.click)\n"
        "clicker.start(); clicker.join()\n"
        "time.sleep(.2)\n"
        "during = (panel.create.quick_button.disabled, panel.create.message.value)"
    )
    disabled, message = kernel.value("during")
    assert disabled and "Waiting for the running cell" in message
    wait_until(lambda: not kernel.value("panel.create.quick_button.disabled"))
    assert "quick_" in kernel.value("panel.create.message.value")


def test_every_kind_is_made_by_hand_or_by_itself() -> None:
    by_hand = {Kind.MANUAL, Kind.QUICK, Kind.IMPORT}
    assert frozenset(Kind) - by_hand == history._BY_ITSELF
