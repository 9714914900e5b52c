"""Runs survive the program: each window writes its run to a file, and offers the runs that other windows left behind.

Next to the file the window holds a lock, which the operating system releases when the process ends, for whatever
reason. So a run that is still in progress in another window is never mistaken for one left behind. No Qt here.
"""

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine import ModelFileError, TrainingConfig
from engine.archive import SUFFIX, remove_old_drafts
from engine.checkpoint import CheckpointSummary, summarize_checkpoint
from engine.record import TrainingRecord
from minigrad_gui import data
from minigrad_gui.records import recorded_dataset

if TYPE_CHECKING:
    from filelock import FileLock

LOCK_SUFFIX = ".lock"
MAX_OFFERED = 20


@dataclass(frozen=True)
class RecoverableRun:
    """A run in a file: its summary, its dataset and how that is read, and when it was last written, in seconds since
    1970."""

    path: Path
    summary: CheckpointSummary
    source: str
    saved_at_s: float
    choices: data.Choices = data.ALL_GUESSED

    @property
    def id(self) -> str | None:
        """Of its record in the list of runs, if that is known."""
        return TrainingRecord.from_meta(self.summary.meta).run_id

    @property
    def has_data(self) -> bool:
        """Whether what it was trained on is still where it was."""
        return data.can_be_loaded(self.source)

    @property
    def config(self) -> TrainingConfig:
        """With the learning rate that it had last."""
        return replace(self.summary.config, learning_rate=self.summary.learning_rate)


def run_in(path: Path) -> RecoverableRun | None:
    """The run in a file, if a window can resume it; its data may be gone."""
    try:
        summary = summarize_checkpoint(path)
        dataset = recorded_dataset(TrainingRecord.from_meta(summary.meta))
        if dataset is None:
            return None
        source, choices = dataset
        return RecoverableRun(path, summary, source, path.stat().st_mtime, choices)
    except (ModelFileError, OSError):  # damaged, of a newer version, something else, or just deleted
        return None


def _written_s(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:  # another window has just deleted it
        return 0.0


class RunFolder:
    """The folder of checkpoints, as one window sees it: its own, those it offers, and those of other windows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._locks: dict[Path, FileLock] = {}
        self._own: set[Path] = set()

    def claim(self) -> Path:
        """A new file name for a run of this window. Raises OSError if nothing can be written there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{os.urandom(8).hex()}{SUFFIX}"
        if not self._lock(path):
            raise OSError(None, "its lock cannot be acquired")
        self._own.add(path)
        return path

    def adopt(self, run: RecoverableRun) -> None:
        """Make a run that was left behind this window's own."""
        self._own.add(run.path)

    def leave(self, *paths: Path | None) -> None:
        """Leave these files for the next window; no other offers them until this one is closed."""
        self._own.difference_update(paths)

    def remove_all_but(self, needed: set[Path | None]) -> None:
        """Delete this window's other runs."""
        for path in self._own - needed:
            self.remove(path)

    def left_behind(self) -> list[RecoverableRun]:
        """The runs of windows that have closed, newest first. Locks them, so no other window offers them."""
        try:
            files = sorted(self.folder.iterdir(), key=_written_s, reverse=True)
        except OSError:
            return []
        remove_old_drafts(self.folder)
        for file in files:
            self._remove_idle_lock(file)
        found = []
        for path in [file for file in files if file.suffix == SUFFIX][:MAX_OFFERED]:
            if path not in self._locks and self._lock(path):
                run = run_in(path)
                if run is None:
                    self._release(path)
                else:
                    found.append(run)
        return found

    def remove(self, path: Path) -> None:
        """Delete a run if it exists; a file that cannot be deleted stays."""
        with suppress(OSError):
            path.unlink(missing_ok=True)
        self._own.discard(path)
        self._release(path)

    def release(self) -> None:
        """Leave every file for the next window."""
        for path in list(self._locks):
            self._release(path)

    def _lock(self, path: Path) -> bool:
        from filelock import FileLock, Timeout  # not needed to open the window

        lock = FileLock(path.with_suffix(LOCK_SUFFIX), timeout=0)
        try:
            lock.acquire()
        except (Timeout, OSError, NotImplementedError):
            return False
        self._locks[path] = lock
        return True

    def _release(self, path: Path) -> None:
        lock = self._locks.pop(path, None)
        if lock is not None:
            with suppress(OSError):
                if not path.exists():
                    path.with_suffix(LOCK_SUFFIX).unlink(missing_ok=True)
                lock.release()

    def _remove_idle_lock(self, file: Path) -> None:
        """Remove the lock of a process that ended before it wrote its file."""
        path = file.with_suffix(SUFFIX)
        if file.suffix == LOCK_SUFFIX and path not in self._locks and not path.exists() and self._lock(path):
            self._release(path)
