"""Exports networks while the window stays responsive: importing another program's package alone may take seconds."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from engine import MLP
from minigrad_gui.analysis import Answer, Desk, Work
from minigrad_gui.exchange import ExchangeError, export_model

KEY = "exportNetwork "
"""Begins the keys of the work that exports networks."""


class Exporting(QObject):
    """ask: has work done in another thread, whose answer goes to `take`, under a key and at once.

    `exporting` tells the name of the file that is being written, "" for none any more; `exported` that it is, `failed`
    one sentence.
    """

    exporting = Signal(str)
    exported = Signal(str)
    failed = Signal(str)

    def __init__(self, ask: Callable[[str, Work], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ask = ask

    def write(self, path: Path, model: MLP, meta: Mapping[str, Any]) -> None:
        """Export a network that does not change. A second request for a file takes the place of the first."""
        self._ask(f"{KEY}{path}", partial(_written, path, model, meta))
        self.exporting.emit(path.name)

    def take(self, answer: Answer) -> None:
        """The answer to work that was asked for under a key that begins with KEY."""
        self.exporting.emit("")
        error = answer.error or answer.result
        if error:
            self.failed.emit(error)
        else:
            self.exported.emit(Path(answer.key.removeprefix(KEY)).name)


def _written(path: Path, model: MLP, meta: Mapping[str, Any], _: Desk) -> str:
    """Why it could not be written, in one sentence; "" if it was."""
    try:
        export_model(path, model, meta)
    except ExchangeError as error:
        return str(error)
    return ""
