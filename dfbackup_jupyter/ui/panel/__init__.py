"""The panel that ``%backup panel`` shows, of plain ipywidgets: for Jupyter, VS Code and Colab."""

from dfbackup_jupyter.ui.panel.panel import Panel

__all__ = ["Panel"]
