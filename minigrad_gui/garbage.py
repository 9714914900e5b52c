"""Cyclic garbage is collected only in the GUI thread.

Python collects in whichever thread happens to allocate. A widget that is part of a cycle would then be destroyed in the
training thread, which crashes Qt.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QObject, QTimer, Slot

INTERVAL_MS = 1000


@contextmanager
def collected_later() -> Iterator[None]:
    """Within this context nothing is collected: what a window is made of stays, and looking it through takes time."""
    before = gc.get_threshold()
    gc.set_threshold(0)
    try:
        yield
    finally:
        gc.set_threshold(*before)


class GarbageCollector(QObject):
    """Replaces Python's automatic collection until `stop`: about as often, but in the thread that created it."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_enabled = gc.isenabled()
        gc.disable()
        self._timer = QTimer(self, interval=INTERVAL_MS)
        self._timer.timeout.connect(self._collect)
        self._timer.start()

    @Slot()
    def _collect(self) -> None:
        """Collect the oldest generation that exceeds Python's own threshold."""
        due = [count > threshold for count, threshold in zip(gc.get_count(), gc.get_threshold(), strict=True)]
        if any(due):
            gc.collect(max(generation for generation, is_due in enumerate(due) if is_due))

    def stop(self) -> None:
        self._timer.stop()
        if self._was_enabled:
            gc.enable()
