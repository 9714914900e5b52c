"""The list of all runs, as a window changes it: never in the GUI thread, for another process may hold the file."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from minigrad_gui.analysis import Answer, Desk, Work
from minigrad_gui.runs import RunStore

KEY = "runList"
"""Of the work that changes the list."""


class RunList(QObject):
    """ask: has work done in another thread, in order, whose answer goes to `take`.

    `changed` tells that a change has been made, `noticed` a sentence about the file.
    """

    changed = Signal()
    noticed = Signal(str)

    def __init__(self, folder: Path, ask: Callable[[str, Work], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.store = RunStore(folder, self.noticed.emit)
        self._ask = ask
        self._asked = 0

    def rename(self, run_id: str, name: str) -> None:
        self._change(partial(self.store.rename, run_id, name))

    def annotate(self, run_id: str, note: str) -> None:
        self._change(partial(self.store.annotate, run_id, note))

    def delete(self, run_ids: Sequence[str]) -> None:
        """Delete these runs and their networks."""
        self._change(partial(self.store.delete, run_ids))

    def _change(self, change: Callable[[], None]) -> None:
        def work(_: Desk) -> None:
            change()

        self._asked += 1
        self._ask(f"{KEY}/{self._asked}", work)

    def take(self, answer: Answer) -> None:
        """The answer to work that was asked for."""
        if answer.error is not None:
            self.noticed.emit(answer.error)
        self.changed.emit()
