"""The checkpoints of this window's runs, and the runs that other windows left behind."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engine.archive import reason_of
from minigrad_gui.recovery import RecoverableRun, RunFolder


class Runs(QObject):
    """The folder of checkpoints as this window sees it. `left_behind`: the runs that can be resumed, newest first."""

    leftBehindChanged = Signal()  # noqa: N815
    checkpointFailed = Signal(str)  # noqa: N815  why a run has no checkpoint

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = RunFolder(folder)
        self._left_behind: list[RecoverableRun] = []
        self._adopted: RecoverableRun | None = None

    @property
    def left_behind(self) -> list[RecoverableRun]:
        return self._left_behind

    def look(self) -> None:
        """Find the runs that other windows left behind."""
        self._left_behind = self._folder.left_behind()
        self.leftBehindChanged.emit()

    def claim(self) -> Path | None:
        """A checkpoint file for a new run; None where none can be written."""
        self._adopted = None
        try:
            return self._folder.claim()
        except OSError as error:
            self.checkpointFailed.emit(f"{self._folder.folder} cannot be written to: {reason_of(error)}.")
            return None

    def adopt(self, run: RecoverableRun) -> Path | None:
        """The checkpoint file for a run that is resumed: its own if it was left behind, else a new one."""
        if run not in self._left_behind:
            return self.claim()
        self._left_behind.remove(run)
        self._folder.adopt(run)
        self._adopted = run
        self.leftBehindChanged.emit()
        return run.path

    def settle(self, *, succeeded: bool) -> None:
        """The current run has ended. One that could not be resumed is left behind again, for another attempt."""
        if self._adopted is not None and not succeeded:
            self._folder.leave(self._adopted.path)
            self._left_behind.insert(0, self._adopted)
        self._adopted = None

    def delete(self, run: RecoverableRun) -> None:
        self._folder.remove(run.path)
        self._left_behind.remove(run)
        self.leftBehindChanged.emit()

    def leave(self, *paths: Path | None) -> None:
        """Leave these files for the next window, which offers them once this one is closed."""
        self._folder.leave(*paths)

    def remove_all_but(self, *needed: Path | None) -> None:
        """Remove this window's other checkpoints."""
        self._folder.remove_all_but(set(needed))

    def release(self) -> None:
        """Leave every file for the next window."""
        self._folder.release()
