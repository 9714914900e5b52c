"""The taught drawings. A separate thread writes and syncs their files, so the window never waits for the disk."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QObject, Signal, Slot

from minigrad_gui.handwriting import Drawing, DrawingStore, DrawingStoreError, Label, new_drawing

Strokes = Sequence[NDArray[np.float64]]
REMEMBERED = 100
"""Number of drawings that `find` finds: more digits than fit on one sheet."""


class Drawings(QObject):
    """A `DrawingStore` for the GUI thread: changes show at once and are written to disk later, in order.

    If a file cannot be changed, `failed` gives the reason in one sentence, and `changed` follows once `drawings` has
    been reset to what the store holds.
    """

    changed = Signal()
    failed = Signal(str)
    _done = Signal(object, object)  # str | None, list[Drawing]

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = DrawingStore(folder)
        self._drawings: list[Drawing] = []
        self._added: deque[tuple[str, Strokes]] = deque(maxlen=REMEMBERED)
        """The names and strokes of the drawings that were added last."""
        self._unread = self._store.unread
        self._pending = 0
        self._differs = False
        """Whether a change failed, so that `drawings` and the store differ."""
        self._is_closed = False
        self._writer = ThreadPoolExecutor(1, "drawings")
        self._done.connect(self._on_done)

    @property
    def folder(self) -> Path:
        return self._store.folder

    @property
    def drawings(self) -> list[Drawing]:
        """Those loaded so far, oldest first."""
        return self._drawings

    @property
    def unread(self) -> tuple[str, ...]:
        """The names of existing files that are not in `drawings` yet."""
        return self._unread

    def read(self, cancelled: Callable[[], bool]) -> list[Drawing]:
        """Read the unread files, for `include`. May run in any thread. See `DrawingStore.read`."""
        return self._store.read(cancelled)

    def include(self, read: Iterable[Drawing]) -> None:
        """Insert what `read` returned before what was added since, unless `forget` was called meanwhile."""
        if self._unread:
            found = list(read)
            self._drawings[:0] = found
            self._unread = ()
            self._change(self._store.include, found)

    def add(self, strokes: Strokes, label: Label) -> Drawing:
        drawing = new_drawing(strokes, label)
        self._drawings.append(drawing)
        self._added.append((drawing.name, strokes))
        self._change(self._store.put, drawing)
        return drawing

    def find(self, strokes: Strokes) -> Drawing | None:
        """The drawing that these strokes were added as recently, unless it was removed."""
        # Undo and redo on the canvas preserve each stroke's array, so identical arrays mean the same drawing.
        wanted = [*map(id, strokes)]
        name = next((name for name, added in reversed(self._added) if [*map(id, added)] == wanted), None)
        return next((drawing for drawing in reversed(self._drawings) if drawing.name == name), None)

    def remove(self, drawings: Sequence[Drawing]) -> None:
        gone = {drawing.name for drawing in drawings}
        self._drawings = [drawing for drawing in self._drawings if drawing.name not in gone]
        self._change(self._store.remove, *drawings)

    def relabel(self, drawings: Sequence[Drawing], label: Label) -> None:
        wrong = {drawing.name for drawing in drawings}
        self._drawings = [
            replace(drawing, label=label) if drawing.name in wrong else drawing for drawing in self._drawings
        ]
        self._change(self._store.relabel, list(drawings), label)

    def forget(self) -> None:
        """Delete every drawing, including those of other windows."""
        self._drawings, self._unread = [], ()
        self._change(self._store.forget)

    def flush(self) -> None:
        """Wait until every change is on disk or has been reported as failed."""
        if not self._is_closed:
            self._writer.submit(lambda: None).result()
        QCoreApplication.sendPostedEvents(self)

    def close(self) -> None:
        """Like `flush`; later changes are written synchronously."""
        self._unread = ()
        self._is_closed = True
        self._writer.shutdown()
        QCoreApplication.sendPostedEvents(self)

    def _change(self, change: Callable[..., object], *arguments: object) -> None:
        self._pending += 1
        if self._is_closed:
            self._apply(change, *arguments)
        else:
            self._writer.submit(self._apply, change, *arguments)

    def _apply(self, change: Callable[..., object], *arguments: object) -> None:
        """Runs in the writer thread; after `close`, in the caller's."""
        problem = None
        try:
            change(*arguments)
        except DrawingStoreError as error:
            problem = str(error)
        self._done.emit(problem, list(self._store.drawings))

    @Slot(object, object)
    def _on_done(self, problem: str | None, stored: list[Drawing]) -> None:
        self._pending -= 1
        if problem is not None:
            self._differs = True
            self.failed.emit(problem)
        if self._differs and not self._pending:
            self._drawings, self._differs = stored, False
            self.changed.emit()
