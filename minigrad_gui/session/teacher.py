"""The thread that learns handwriting."""

from collections.abc import Callable

from PySide6.QtCore import QDeadlineTimer, QObject, QThread, Signal

from minigrad_gui.dataset_cache import DatasetCache
from minigrad_gui.handwriting import Drawing
from minigrad_gui.machine_code import MachineCode
from minigrad_gui.teaching import TeachingJob, TeachingWorker


class Teacher(QObject):
    """Passes jobs to a `TeachingWorker` in a thread of its own, and reports their results."""

    drawingsRead = Signal(object)  # noqa: N815  list[Drawing]
    taught = Signal(object)  # TeachingResult
    _readingAsked = Signal(object)  # noqa: N815
    _jobQueued = Signal(object)  # noqa: N815
    _jobExpected = Signal()  # noqa: N815

    def __init__(
        self,
        datasets: DatasetCache | None = None,
        parent: QObject | None = None,
        machine_code: MachineCode | None = None,
    ) -> None:
        super().__init__(parent)
        self._is_expecting = False
        self._thread = QThread(self)
        self._thread.setObjectName("teaching")
        self._worker = TeachingWorker(datasets, machine_code)
        self._worker.moveToThread(self._thread)
        self._readingAsked.connect(self._worker.read_drawings)
        self._jobQueued.connect(self._worker.run)
        self._jobExpected.connect(self._worker.prepare)
        self._worker.drawingsRead.connect(self.drawingsRead)
        self._worker.taught.connect(self.taught)

    def expect_job(self) -> None:
        """Load in advance what the first job needs."""
        if not self._is_expecting:
            self._is_expecting = True
            self._thread.start()
            self._jobExpected.emit()

    def teach(self, job: TeachingJob) -> None:
        self._thread.start()
        self._jobQueued.emit(job)

    def read(self, read: Callable[[Callable[[], bool]], list[Drawing]]) -> None:
        """Load drawings with this function; it is passed a callback that tells whether to stop."""
        self._thread.start()
        self._readingAsked.emit(read)

    def quit(self) -> None:
        """Ask the thread to end."""
        self._thread.requestInterruption()
        self._thread.quit()

    def wait(self, deadline: QDeadlineTimer) -> bool:
        """Wait for the thread; whether it has ended by the deadline."""
        return self._thread.wait(deadline)
