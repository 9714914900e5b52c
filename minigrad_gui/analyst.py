"""A thread for what is too slow for the GUI thread: how digits are read, which of them resemble a drawing.

During a run it uses only a small share of a core, so that training is not slowed down; but a person does not wait.
"""

import logging
import time
from threading import Condition

from PySide6.QtCore import QObject, QThread, Signal

from minigrad_gui import process
from minigrad_gui.analysis import Answer, Desk, Work
from minigrad_gui.data import DataError, LoadingCancelledError
from minigrad_gui.dataset_cache import DatasetCache

TIME_SHARE = 0.02
"""Share of one core's time during a run."""


class Analyst(QThread):
    """Does pieces of work one at a time, in the order of the requests."""

    answered = Signal(object)  # Answer

    def __init__(self, datasets: DatasetCache, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("analysis")
        self._datasets = datasets
        self._changed = Condition()
        self._waiting: dict[str, tuple[Work, bool]] = {}
        self._current: str | None = None
        self._is_withdrawn = self._is_ending = self._is_considerate = False
        self._rests_until_s = 0.0

    def ask(self, key: str, work: Work, *, urgent: bool = False) -> None:
        """Queue this work. It takes the place of pending work with the same key.

        urgent: a person waits for it, so it is next, and there is no rest before or after it.
        """
        with self._changed:
            self._waiting[key] = work, urgent
            self._changed.notify()
        if not self.isRunning():
            self.start(QThread.Priority.LowPriority)

    def withdraw(self, key: str) -> None:
        """Cancel this work."""
        with self._changed:
            self._waiting.pop(key, None)
            if self._current == key:
                self._is_withdrawn = True

    def set_considerate(self, considerate: bool) -> None:
        """Whether to use only a share of a core."""
        with self._changed:
            self._is_considerate = considerate
            self._changed.notify()

    def end(self) -> None:
        """Ask the thread to end."""
        with self._changed:
            self._is_ending = True
            self._changed.notify()

    def run(self) -> None:
        while (taken := self._take()) is not None:
            key, work, is_urgent = taken
            may_rest = self._is_considerate and not is_urgent  # what was done before a run costs it nothing
            began_s = time.thread_time()
            try:
                # A second BLAS thread would spin while it waits for a core that the window uses.
                with process.one_blas_thread_if_free():
                    answer = Answer(key, work(Desk(self._datasets, self._is_cancelled)))
            except DataError as error:  # such as that of a stick that was unplugged
                answer = Answer(key, error=str(error))
            # One view's fault must not end the thread that serves all of them.
            except (Exception, LoadingCancelledError) as error:
                if not self._is_cancelled():
                    logging.getLogger("minigrad").exception("The analysis %s failed", key)
                answer = Answer(key, error=str(error) or type(error).__name__)
            spent_s = time.thread_time() - began_s  # without what it waited for a core
            with self._changed:
                is_wanted = not (self._is_withdrawn or self._is_ending)
                self._current = None
                if may_rest:
                    self._rests_until_s = time.perf_counter() + spent_s / TIME_SHARE
            if is_wanted:
                self.answered.emit(answer)

    def _is_cancelled(self) -> bool:
        return self._is_withdrawn or self._is_ending

    def _take(self) -> tuple[str, Work, bool] | None:
        """Wait for the next piece of work and for its time; None if the thread must end."""
        with self._changed:
            while not self._is_ending:
                urgent = (key for key, (_, is_urgent) in self._waiting.items() if is_urgent)
                key = next(urgent, next(iter(self._waiting), None))
                if key is None:
                    self._changed.wait()
                    continue
                rest_s = self._rests_until_s - time.perf_counter()
                if rest_s <= 0 or self._waiting[key][1] or not self._is_considerate:
                    self._current, self._is_withdrawn = key, False
                    return key, *self._waiting.pop(key)
                self._changed.wait(rest_s)
            return None
