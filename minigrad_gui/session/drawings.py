"""The drawings that were taught. A thread of its own writes and syncs their files, so that the window never waits."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from numpy.typing import ArrayLike
from PySide6.QtCore import QCoreApplication, QObject, Signal, Slot

from minigrad_gui.handwriting import Drawing, DrawingStore, DrawingStoreError, new_drawing


class Drawings(QObject):
    """A `DrawingStore` for the GUI's thread: every change shows at once, and its files follow in the order of changes.

    Where a file cannot be changed, `failed` tells why in one sentence, and `changed` that the drawings are again those
    of the store.
    """

    changed = Signal()
    failed = Signal(str)
    _done = Signal(object, object)  # str | None, list[Drawing]

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = DrawingStore(folder)
        self._drawings: list[Drawing] = []
        self._unread = self._store.unread
        self._pending = 0
        self._differs = False
        """Whether a change failed, so that the store holds other drawings than are shown."""
        self._is_closed = False
        self._writer = ThreadPoolExecutor(1, "drawings")
        self._done.connect(self._on_done)

    @property
    def folder(self) -> Path:
        return self._store.folder

    @property
    def drawings(self) -> list[Drawing]:
        """Those that are known so far, oldest first."""
        return self._drawings

    @property
    def unread(self) -> tuple[str, ...]:
        """The names of the files that were there already and are not in `drawings` yet."""
        return self._unread

    def read(self, cancelled: Callable[[], bool]) -> list[Drawing]:
        """What is in the unread files, for `include`; may run in any thread. See `DrawingStore.read`."""
        return self._store.read(cancelled)

    def include(self, read: Iterable[Drawing]) -> None:
        """Put what `read` gave before what was added since, unless all was forgotten meanwhile."""
        if self._unread:
            found = list(read)
            self._drawings[:0] = found
            self._unread = ()
            self._change(self._store.include, found)

    def add(self, strokes: Sequence[ArrayLike], label: int) -> Drawing:
        drawing = new_drawing(strokes, label)
        self._drawings.append(drawing)
        self._change(self._store.put, drawing)
        return drawing

    def remove(self, drawings: Sequence[Drawing]) -> None:
        gone = {drawing.name for drawing in drawings}
        self._drawings = [drawing for drawing in self._drawings if drawing.name not in gone]
        self._change(self._store.remove, *drawings)

    def relabel(self, drawings: Sequence[Drawing], label: int) -> None:
        wrong = {drawing.name for drawing in drawings}
        self._drawings = [
            replace(drawing, label=label) if drawing.name in wrong else drawing for drawing in self._drawings
        ]
        self._change(self._store.relabel, list(drawings), label)

    def forget(self) -> None:
        """Throw every drawing away, other windows' too."""
        self._drawings, self._unread = [], ()
        self._change(self._store.forget)

    def flush(self) -> None:
        """Wait until every change is on disk, or was told to have failed."""
        if not self._is_closed:
            self._writer.submit(lambda: None).result()
        QCoreApplication.sendPostedEvents(self)

    def close(self) -> None:
        """As `flush`; what is changed after that is written while the caller waits."""
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
        """In the writer's thread."""
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
