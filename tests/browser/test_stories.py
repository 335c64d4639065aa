"""What a person sees and clicks in JupyterLab, in a real Chromium."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.lab import Lab, Notebook

LOAD = "import pandas as pd; df = pd.DataFrame({'a': range(4), 'b': list('wxyz')})"
HOSTILE = "<img src=x onerror=window.hurt=1>"


@pytest.fixture
def notebook(lab: Lab, page: Page, request: pytest.FixtureRequest) -> Notebook:
    notebook = lab.open(page, lab.write(f"{request.node.name}.ipynb"))
    notebook.execute("dfbackup:show")
    notebook.run(LOAD)
    return notebook


KERNEL = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
CONSOLE_IDLE = (
    "window.jupyterapp.shell.currentWidget.console?.sessionContext.session?.kernel?.status"
    " === 'idle'"
)
PROTECTION = "#dfbackup-sidebar [role=status]"


def option(found: Locator, name: str) -> str:
    """The text of the entry of a list that begins with a name."""
    expect(found.locator("option", has_text=name)).to_have_count(1)
    text: str = found.locator("option", has_text=name).inner_text()
    return text


def shape(notebook: Notebook, name: str = "df") -> str:
    return notebook.run(f"print({name}.shape)").strip()


def test_break_something_and_get_it_back(notebook: Notebook, page: Page) -> None:
    expect(page.locator(PROTECTION)).to_contain_text("Protected")
    notebook.run("df = df.drop(columns='b')")
    expect(page.locator(".dfb-Badge")).to_be_visible()
    expect(page.locator("#dfbackup-sidebar .dfb-Entry")).to_have_count(1)
    page.locator("#dfbackup-sidebar").get_by_role("button", name="Undo").click()
    expect(page.locator(".jp-toast-button, .Toastify__toast").first).to_be_visible()
    assert shape(notebook) == "(4, 2)"


def test_a_named_backup_and_one_frame_under_another_name(notebook: Notebook, page: Page) -> None:
    notebook.run("%backup panel")
    panel = page.locator(".dfb-panel")
    panel.get_by_placeholder(re.compile("Name")).fill("before cleaning")
    panel.get_by_role("button", name="Create", exact=True).click()
    expect(panel).to_contain_text("manual_")
    expect(page.locator("#dfbackup-sidebar .dfb-Entry")).to_contain_text("before cleaning")
    notebook.run("df['a'] = 0")
    notebook.run("%backup restore 'before cleaning' --only df --as old")
    assert notebook.run("print(old['a'].sum(), df['a'].sum())").strip() == "6 0"


def test_the_panel_from_end_to_end(lab: Lab, notebook: Notebook, page: Page) -> None:
    notebook.run("%backup create 'to keep'")
    notebook.run("df = df.drop(columns='b'); df['a'] = 0")
    notebook.run("%backup panel")
    panel = page.locator(".dfb-panel")
    panel.get_by_role("tab", name="Restore").click()
    found = panel.locator("select").first
    found.select_option(label=option(found, "to keep"))
    expect(panel).to_contain_text("would be brought back")
    expect(panel).to_contain_text("columns dropped")
    panel.get_by_role("button", name="Export", exact=True).click()
    expect(panel.get_by_role("link")).to_have_attribute("download", re.compile("zip"))
    panel.get_by_role("button", name="Restore", exact=True).click()
    expect(panel).to_contain_text("safety_")
    assert shape(notebook) == "(4, 2)"

    panel.get_by_role("tab", name="Settings").click()
    panel.get_by_placeholder("type delete-all").fill("delete-all")
    panel.get_by_role("button", name="Delete all").click()
    expect(panel).to_contain_text("Deleted")
    expect(page.locator("#dfbackup-sidebar .dfb-Entry")).to_have_count(0)
    (file,) = lab.home.glob("*to_keep*.zip")
    with page.expect_file_chooser() as chooser:
        panel.get_by_role("button", name="Choose a file").click()
    chooser.value.set_files(file)
    expect(panel.get_by_role("button", name="Choose a file")).to_contain_text("(1)")
    panel.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator("#dfbackup-sidebar .dfb-Entry")).to_contain_text("to keep")
    notebook.run("df = None")
    notebook.run("%backup restore 'to keep'")
    assert shape(notebook) == "(4, 2)"


def test_arrows_move_in_the_list_of_the_panel(notebook: Notebook, page: Page) -> None:
    for name in ("one", "two", "three"):
        notebook.run(f"%backup create {name}")
    notebook.run("%backup panel")
    panel = page.locator(".dfb-panel")
    panel.get_by_role("tab", name="Restore").click()
    found = panel.locator("select").first
    found.select_option(label=option(found, "three"))
    found.focus()
    page.keyboard.press("ArrowDown")
    expect(found).to_have_value(re.compile("."))
    assert "two" in found.evaluate("list => list.selectedOptions[0].label")
    assert page.evaluate("document.activeElement.tagName") == "SELECT"


def test_the_sidebar_from_end_to_end(lab: Lab, notebook: Notebook, page: Page) -> None:
    notebook.run("%backup create first")
    notebook.run("df['a'] = 0")
    entry = page.locator("#dfbackup-sidebar .dfb-Entry", has_text="first")
    entry.locator(".dfb-Entry-head").click()
    dialog = page.locator(".jp-Dialog")

    entry.get_by_role("button", name="Rename…").click()
    dialog.get_by_role("textbox").fill("as it was")
    dialog.get_by_role("button", name="Rename").click()
    entry = page.locator("#dfbackup-sidebar .dfb-Entry", has_text="as it was")
    expect(entry).to_be_visible()

    entry.get_by_role("button", name="Pin", exact=True).click()
    expect(entry.get_by_role("button", name="Unpin")).to_be_visible()

    entry.get_by_role("button", name="Export…").click()
    dialog.get_by_role("textbox").fill("kept.zip")
    dialog.get_by_role("button", name="Export").click()
    expect(page.locator(".Toastify__toast", has_text="kept.zip")).to_be_visible()
    assert (lab.home / "kept.zip").stat().st_size > 0

    entry.get_by_role("button", name="Compare").click()
    expect(page.locator(".dfb-Result")).to_contain_text("rows changed")

    entry.get_by_role("button", name="Restore…").last.click()
    expect(dialog).to_contain_text("rows changed")
    dialog.get_by_role("button", name="Restore").click()
    expect(page.locator(".Toastify__toast", has_text="Restored as it was")).to_be_visible()

    entry.get_by_role("button", name="Delete…").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(entry).to_have_count(0)


def test_out_and_in_again(notebook: Notebook) -> None:
    notebook.run("%backup create keep")
    notebook.run("%backup export keep keep.zip")
    assert "Deleted" in notebook.run("%backup delete-all --yes")
    notebook.run("df = None")
    notebook.run("%backup import keep.zip")
    notebook.run("%backup restore keep")
    assert shape(notebook) == "(4, 2)"


def test_before_pandas_nothing_alarms(lab: Lab, page: Page) -> None:
    notebook = lab.open(page, lab.write("calm.ipynb"))
    notebook.execute("dfbackup:show")
    notebook.run("1 + 1")
    expect(page.locator(PROTECTION)).to_contain_text("Nothing to protect yet")
    notebook.run(LOAD)
    expect(page.locator(PROTECTION)).to_contain_text("Protected")


def test_answers_while_a_cell_runs(notebook: Notebook, page: Page) -> None:
    notebook.run("df = df.drop(columns='b')")
    entry = page.locator("#dfbackup-sidebar .dfb-Entry").first
    expect(entry).to_be_visible()
    notebook.start("import time; time.sleep(20)")
    page.wait_for_timeout(500)
    start = time.monotonic()
    entry.locator(".dfb-Entry-head").click()
    expect(entry).to_contain_text("drop")
    notebook.execute("dfbackup:refresh")
    assert time.monotonic() - start < 10
    notebook.execute("notebook:interrupt-kernel")
    notebook.idle()


def test_a_restarted_kernel_starts_afresh(notebook: Notebook, page: Page) -> None:
    notebook.run("df = df.drop(columns='b')")
    expect(page.locator("#dfbackup-sidebar .dfb-Entry")).to_have_count(1)
    page.evaluate(f"{KERNEL}.restart()")
    notebook.idle()
    notebook.run(LOAD)
    expect(page.locator(PROTECTION)).to_contain_text("Protected")
    expect(page.locator("#dfbackup-sidebar .dfb-Entry")).to_have_count(0)
    found = notebook.run("%backup list --all")
    assert "drop" in found


def test_after_a_crash_the_frames_are_offered(notebook: Notebook, page: Page) -> None:
    notebook.run("df['b'] = df['b'].str.upper(); note = 'kept'")
    notebook.run("%backup list")  # waits for what is being written
    notebook.start("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    page.get_by_role("dialog").get_by_role("button", name="Ok").click(timeout=60_000)
    notice = page.locator(".Toastify__toast", has_text="left df (4 × 2)")
    expect(notice).to_be_visible(timeout=60_000)
    notice.get_by_role("button", name="Bring back").click()
    expect(page.locator(".Toastify__toast", has_text="Restored")).to_be_visible(timeout=30_000)
    assert notebook.run("print(list(df['b']), note)").strip() == "['W', 'X', 'Y', 'Z'] kept"


def test_names_are_text(notebook: Notebook, page: Page) -> None:
    notebook.run(f"df = df.rename(columns={{'a': {HOSTILE!r}}})")
    notebook.run(f"df[{HOSTILE!r}] = 1")
    notebook.run(f"%backup create '{HOSTILE}'")
    expect(page.locator("#dfbackup-sidebar .dfb-Entry").first).to_contain_text(HOSTILE)
    for entry in page.locator("#dfbackup-sidebar .dfb-Entry .dfb-Entry-head").all():
        entry.click()
    notebook.run("%backup panel")
    notebook.run("%backup list")
    page.wait_for_timeout(1000)
    assert page.evaluate("window.hurt") is None


def test_the_sidebar_follows_the_notebook(lab: Lab, notebook: Notebook, page: Page) -> None:
    notebook.run("%backup create 'of the first'")
    expect(page.locator("#dfbackup-sidebar")).to_contain_text("of the first")
    second = lab.write("second.ipynb")
    notebook.execute("docmanager:open", path=second)
    page.wait_for_function(
        "name => window.jupyterapp.shell.currentWidget?.context?.path === name", arg=second
    )
    notebook.idle()
    notebook.run(LOAD)
    expect(page.locator("#dfbackup-sidebar")).not_to_contain_text("of the first")
    notebook.run("%backup create 'of the second'")
    expect(page.locator("#dfbackup-sidebar")).to_contain_text("of the second")


def test_a_console_is_followed(notebook: Notebook, page: Page) -> None:
    notebook.execute("console:create", kernelPreference={"name": "python3"})
    page.wait_for_function(CONSOLE_IDLE)
    page.evaluate("window.jupyterapp.shell.currentWidget.console.inject('import pandas as pd')")
    sidebar = page.locator("#dfbackup-sidebar")
    expect(sidebar).to_contain_text("Console 1")
    expect(page.locator(PROTECTION)).to_contain_text("Protected")
    sidebar.get_by_role("button", name="Quick backup").click()
    expect(page.locator(".Toastify__toast", has_text="There is no DataFrame")).to_be_visible()


def test_without_subshells_it_says_that_it_waits(notebook: Notebook, page: Page) -> None:
    notebook.run("df = df.drop(columns='b')")
    page.evaluate(f"{KERNEL}.commsOverSubshells = 'disabled'")
    page.evaluate(f"{KERNEL}.restart()")
    notebook.idle()
    notebook.run(LOAD)
    notebook.run("df = df.drop(columns='b')")
    entry = page.locator("#dfbackup-sidebar .dfb-Entry").first
    entry.locator(".dfb-Entry-head").click()
    notebook.start("import time; time.sleep(60)")
    entry.get_by_role("button", name="Look into it").click()
    busy = page.locator(".Toastify__toast", has_text="The kernel is busy")
    expect(busy).to_be_visible(timeout=20_000)
    notebook.execute("notebook:interrupt-kernel")
    notebook.idle()
    entry.get_by_role("button", name="Look into it").click()
    expect(page.locator(".dfb-Result")).to_contain_text("before drop")


@pytest.fixture
def notebook_7(page: Page, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    server = Lab(tmp_path_factory.mktemp("notebook"), "notebook")
    notebook = server.open(page, server.write("story.ipynb"))
    notebook.run(LOAD)
    yield notebook
    server.stop()


def test_in_notebook_7(notebook_7: Notebook, page: Page) -> None:
    notebook_7.run("df = df.drop(columns='b')")
    expect(page.locator(".dfb-Badge")).to_be_visible()
    page.locator(".jp-NotebookPanel-toolbar").get_by_role("button", name="Back up").click()
    notebook_7.execute("dfbackup:show")
    sidebar = page.locator("#dfbackup-sidebar")
    expect(sidebar.locator(".dfb-Entry")).to_have_count(2)
    sidebar.get_by_role("button", name="Backup management").click()
    panel = page.locator(".jp-Dialog .dfb-panel")
    expect(panel.get_by_role("tab")).to_have_count(4)
    page.locator(".jp-Dialog").get_by_role("button", name="Close").click()
    sidebar.get_by_role("button", name="Undo").click()
    expect(page.locator(".Toastify__toast", has_text="Undid cell [2]")).to_be_visible()
    assert shape(notebook_7) == "(4, 2)"
