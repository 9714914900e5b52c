"""The person's handwriting: labelled drawings, and a copy of the network that learns them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QDeadlineTimer, QObject, QTimer, Signal, Slot

from engine.nn import MLP
from minigrad_gui.analysis import TrainedOn
from minigrad_gui.data import DIGIT_NAMES
from minigrad_gui.dataset_cache import DatasetCache
from minigrad_gui.handwriting import MAX_DRAWINGS, Drawing, Label, is_dot
from minigrad_gui.machine_code import MachineCode
from minigrad_gui.session.drawings import Drawings, Strokes
from minigrad_gui.session.teacher import Teacher
from minigrad_gui.teaching import TeachingJob, TeachingResult

HandwritingState = Literal["off", "learning", "on"]


class Handwriting(QObject):
    """Teaches all drawings to a copy of the current network, if that is wanted and no run is in progress.

    The copy always starts from the network as it was trained, so any drawing can be removed again.
    """

    changed = Signal()
    readerChanged = Signal()  # noqa: N815
    failed = Signal(str)

    def __init__(
        self,
        folder: Path,
        parent: QObject | None = None,
        datasets: DatasetCache | None = None,
        machine_code: MachineCode | None = None,
    ) -> None:
        super().__init__(parent)
        self._model: MLP | None = None
        self._class_names = DIGIT_NAMES
        self._trained_on = TrainedOn()
        self._is_wanted = False
        self._is_training = False
        self._copy: TeachingResult | None = None
        """The copy of the current network, whether it is in use or not."""
        self._job: TeachingJob | None = None
        self._drawings = Drawings(folder, self)
        self._drawings.changed.connect(self._on_drawings_changed)
        self._drawings.failed.connect(self.failed)
        self._teacher = Teacher(datasets, self, machine_code)
        self._teacher.drawingsRead.connect(self._on_drawings_read)
        self._teacher.taught.connect(self._on_taught)
        # Not before the window is shown: while Python reads in another thread, the window would have to wait.
        self._reading_timer = QTimer(self, singleShot=True, interval=0)
        self._reading_timer.timeout.connect(self._read_drawings)
        if self._drawings.unread:
            self._reading_timer.start()

    @property
    def drawings(self) -> Drawings:
        return self._drawings

    @property
    def copy(self) -> TeachingResult | None:
        """The copy that reads in place of the current network. During training, the network itself reads."""
        return self._copy if self._is_wanted and not self._is_training else None

    @property
    def reading_model(self) -> MLP | None:
        """The network that reads: the current one or its copy."""
        return self._model if self.copy is None else self.copy.model

    @property
    def accuracy(self) -> float | None:
        """Test accuracy of the copy; None if no copy is in use."""
        return None if self.copy is None or self.copy.test is None else self.copy.test[1]

    @property
    def state(self) -> HandwritingState:
        """Whether handwriting is used for reading, or is still being learnt."""
        if not self._is_wanted or self._is_training:
            return "off"
        if self.is_learning:
            return "learning"
        return "off" if self._copy is None else "on"

    @property
    def is_learning(self) -> bool:
        """Whether drawings are being learnt, or loaded in order to be learnt."""
        return self._job is not None or bool(self._drawings.unread)

    @property
    def usable(self) -> tuple[Drawing, ...]:
        """The drawings that show classes of the current network, oldest first: those that it can learn."""
        names = set(self._class_names)
        return tuple(drawing for drawing in self._drawings.drawings if str(drawing.label) in names)

    def set_network(
        self,
        model: MLP | None,
        class_names: tuple[str, ...] = DIGIT_NAMES,
        trained_on: TrainedOn = TrainedOn(),  # noqa: B008
        *,
        is_wanted: bool,
    ) -> None:
        """Another network is the current one. is_wanted: whether handwriting should be used when it reads."""
        self._model, self._is_wanted, self._copy = model, is_wanted, None
        self._class_names, self._trained_on = class_names, trained_on
        self.learn()

    def set_trained_on(self, trained_on: TrainedOn) -> None:
        """The data of the current network was found elsewhere."""
        if trained_on != self._trained_on:
            self._trained_on = trained_on
            self.learn()

    def set_wanted(self, wanted: bool) -> None:
        self._is_wanted = wanted
        self._on_drawings_changed()

    def set_training(self, training: bool) -> None:
        """Set whether the network is being trained. Meanwhile nothing is learnt; call `learn` afterwards."""
        self._is_training = training

    def cancel(self) -> None:
        """Cancel the teaching job in progress, as the network is about to change."""
        if self._job is not None:
            self._job.cancelled.set()

    def expect(self) -> None:
        """The person is drawing and may soon teach: load what teaching needs."""
        self._teacher.expect_job()

    def can_teach(self, strokes: Strokes) -> bool:
        """Whether there is a network and these strokes can be taught to it."""
        return self._model is not None and bool(strokes) and not is_dot(strokes)

    def taught(self, strokes: Strokes) -> Drawing | None:
        """The drawing that these strokes were stored as, if they were taught recently."""
        return self._drawings.find(strokes)

    def teach(self, strokes: Strokes, label: Label) -> None:
        """Store the strokes with this label; a second label corrects the first. A dot is not taught."""
        if not self.can_teach(strokes):
            return
        taught = self.taught(strokes)
        if taught is not None:
            self.relabel([taught], label)
            return
        self._drawings.add(strokes, label)
        self._on_drawings_changed()

    def relabel(self, drawings: Sequence[Drawing], label: Label) -> None:
        wrong = [drawing for drawing in drawings if drawing.label != label]
        if wrong:
            self._drawings.relabel(wrong, label)
            self._on_drawings_changed()

    def remove(self, drawings: Sequence[Drawing]) -> None:
        self._drawings.remove(drawings)
        self._on_drawings_changed()

    def undo(self) -> None:
        """Delete the drawing that was taught last."""
        if self._drawings.drawings:
            self.remove(self._drawings.drawings[-1:])

    def forget(self) -> None:
        """Delete every taught drawing, including those of other windows."""
        self._drawings.forget()
        self._on_drawings_changed()

    def quit(self) -> None:
        """Stop learning and ask the thread to end. All drawings are on disk afterwards."""
        self._reading_timer.stop()
        self.cancel()
        self._is_wanted = False  # so that no further job begins, whatever a running one reports
        self._teacher.quit()
        self._drawings.close()

    def wait(self, deadline: QDeadlineTimer) -> bool:
        """Wait for the thread; whether it has ended by the deadline."""
        return self._teacher.wait(deadline)

    def learn(self) -> None:
        """Teach all drawings to the copy, unless that is not wanted now or already done."""
        if self._job is not None:
            self._job.cancelled.set()  # the next job begins when it has ended
            return
        drawings = self.usable[-MAX_DRAWINGS:]
        if not drawings:
            self._copy = None
        if self._model is None or self._is_training or not self._is_wanted:
            return
        is_learnt = self._copy is not None and self._copy.job.drawings == drawings
        if drawings and not self._drawings.unread and not is_learnt:
            self._job = TeachingJob(self._model, drawings, self._class_names, self._trained_on)
            self._teacher.teach(self._job)
            self.changed.emit()

    @Slot()
    def _on_drawings_changed(self) -> None:
        self.learn()
        self.readerChanged.emit()
        self.changed.emit()

    @Slot()
    def _read_drawings(self) -> None:
        self._teacher.read(self._drawings.read)

    @Slot(object)
    def _on_drawings_read(self, read: list[Drawing]) -> None:
        self._drawings.include(read)
        self._on_drawings_changed()

    @Slot(object)
    def _on_taught(self, result: TeachingResult) -> None:
        self._job = None
        if result.job.cancelled.is_set():
            self.learn()
        elif result.model is not None:
            self._copy = result
            self.readerChanged.emit()
        self.changed.emit()
        if result.error is not None:
            self.failed.emit(result.error)
