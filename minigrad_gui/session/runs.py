"""The checkpoints of this window's runs, and the runs that other windows left behind."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engine.archive import reason_of
from minigrad_gui.recovery import RecoverableRun, RunFolder


class Runs(QObject):
    """The folder of checkpoints as this window sees it. `left_behind`: what can be gone on with, newest first."""

    leftBehindChanged = Signal()  # noqa: N815
    checkpointFailed = Signal(str)  # noqa: N815  why a run has no checkpoint

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = RunFolder(folder)
        self._left_behind: list[RecoverableRun] = []
        self._taken_up: RecoverableRun | None = None

    @property
    def left_behind(self) -> list[RecoverableRun]:
        return self._left_behind

    def look(self) -> None:
        """Find the runs that other windows left behind."""
        self._left_behind = self._folder.left_behind()
        self.leftBehindChanged.emit()

    def claim(self) -> Path | None:
        """A checkpoint file for a new run; None where none can be written."""
        self._taken_up = None
        try:
            return self._folder.claim()
        except OSError as error:
            self.checkpointFailed.emit(f"{self._folder.folder} cannot be written to: {reason_of(error)}.")
            return None

    def take_up(self, run: RecoverableRun) -> Path | None:
        """The checkpoint file for going on with a run: its own, if it was left behind."""
        if run not in self._left_behind:
            return self.claim()
        self._left_behind.remove(run)
        self._folder.take(run)
        self._taken_up = run
        return run.path

    def settle(self, *, succeeded: bool) -> None:
        """The run at hand has ended; one that could not be taken up is left behind again, for another attempt."""
        if self._taken_up is not None and not succeeded:
            self._folder.leave(self._taken_up.path)
            self._left_behind.insert(0, self._taken_up)
        self._taken_up = None

    def throw_away(self, run: RecoverableRun) -> None:
        self._folder.remove(run.path)
        self._left_behind.remove(run)
        self.leftBehindChanged.emit()

    def leave(self, *paths: Path | None) -> None:
        """Once this window is closed, the next one offers these."""
        self._folder.leave(*paths)

    def remove_all_but(self, *needed: Path | None) -> None:
        """Remove the checkpoints of this window that nothing can go on with or back to."""
        self._folder.remove_all_but(set(needed))

    def release(self) -> None:
        """Leave every file to the next window."""
        self._folder.release()
