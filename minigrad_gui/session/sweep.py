"""Several runs, one after the other, with the settings of a list."""

from collections import deque
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Qt, Slot

from engine import TrainingConfig
from minigrad_gui.runner import TrainingJob, TrainingResult
from minigrad_gui.session.settings import Settings
from minigrad_gui.session.training import Training


class Sweep(QObject):
    """Starts a run when the last one has ended, each with a new network. A run that fails does not end the sweep; the
    person's Stop does, and anything else that takes the place of its run. start: starts a run with the settings."""

    def __init__(
        self, settings: Settings, training: Training, start: Callable[[], None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._settings, self._training, self._start = settings, training, start
        self._waiting: deque[TrainingConfig] = deque()
        self._job: TrainingJob | None = None
        self._before = settings.config, False
        self.run_ids: tuple[str, ...] = ()
        """The runs so far, as they are recorded."""
        # Whoever else hears of the end of a run does so before the next one begins.
        training.ended.connect(self._on_ended, Qt.ConnectionType.QueuedConnection)

    @property
    def left(self) -> int:
        """How many runs follow the one in progress."""
        return len(self._waiting) if self.owns(self._training.job) else 0

    def owns(self, job: TrainingJob | None) -> bool:
        """Whether this is its latest run."""
        return job is not None and job is self._job

    def begin(self, configs: Sequence[TrainingConfig]) -> None:
        """Start the first of these runs, if no other is in progress."""
        if configs and self._training.state == "idle":
            self._before = self._settings.config, self._settings.continues
            self._settings.set_continues(False)
            self._waiting, self.run_ids = deque(configs), ()
            self._start_next()

    def _start_next(self) -> None:
        settings = self._settings
        settings.set(self._waiting.popleft(), settings.source, settings.choices)
        self._start()
        self._job = job = self._training.job
        if job is not None:
            self.run_ids += (job.run_id,)

    @Slot(object)
    def _on_ended(self, result: TrainingResult) -> None:
        if not self.owns(result.job):
            self._waiting.clear()
        elif self._waiting and not result.job.control.stopped and self._training.state == "idle":
            self._start_next()
        else:
            self._waiting.clear()
            self._job = None
            config, continues = self._before
            self._settings.set_continues(continues)
            if self._training.state == "idle":
                self._settings.set(config, self._settings.source, self._settings.choices)
