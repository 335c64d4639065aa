# Attaches dfbackup-jupyter to every Jupyter kernel; `dfbackup-jupyter disable` turns that off.
# Installed as etc/ipython/startup/50-dfbackup-jupyter.py, which IPython runs in the user's
# namespace: so it binds no name there (not even __doc__), and nothing in it stops a kernel.
# ruff: noqa: D100
try:
    # Once uninstalled, a copy of this file in a profile stays behind.
    if __import__("importlib.util").util.find_spec("dfbackup_jupyter"):
        __import__("dfbackup_jupyter.autoload").autoload.start(
            get_ipython()  # type: ignore[name-defined]  # noqa: F821
        )
except Exception:
    print(
        "dfbackup: your data is not being backed up.",
        repr(__import__("sys").exc_info()[1]),
        file=__import__("sys").__stderr__,  # the server's log: no cell is there yet to show it
    )
