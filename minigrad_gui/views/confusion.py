"""The confusion matrix, the digits behind each of its cells, and labels that may be wrong."""

from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSettings, Qt, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QLabel,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from engine.nn import MLP
from engine.run import Validation
from minigrad_gui.analysis import Answer, Part, TrainedOn
from minigrad_gui.evaluation import Evaluation, evaluate, evaluation_of
from minigrad_gui.history import History
from minigrad_gui.insight.readings import Readings, label_suspects
from minigrad_gui.session import Session
from minigrad_gui.views.view import NO_NETWORK, NONE_HELD_OUT, TRAIN, Docked, DockedView
from minigrad_gui.widgets.building import caption, column, named
from minigrad_gui.widgets.confusion_matrix import ALL, Cell, ConfusionMatrix, described
from minigrad_gui.widgets.maps import ink
from minigrad_gui.widgets.matrix_area import MatrixArea
from minigrad_gui.widgets.mosaic import Mosaic, MosaicArea
from minigrad_gui.wording import counted

MOST_PICTURES = 500
RECENT = 3
"""So many epochs' readings tell whether a label is suspicious."""
SURE = 0.9
"""A suspect is read otherwise with at least this probability."""
SPACING_PX = 6
BESIDE_FROM, BESIDE_FROM_PX = 1.2, 640
"""A view this much wider than high, and this wide, shows the digits beside the matrix, another one below it."""
LEAST_DIGITS_PX, ROOM_FOR, MOST_LETTERS = 60, 60, 2


class ConfusionView(DockedView):
    longest_refresh_ms = 250
    """Fast runs have an epoch every half second."""
    sentence = "Each row is a label, each column a reading. Click a cell or an edge to see its pictures."

    def __init__(self, session: Session, entry: Docked, parent: QWidget | None = None) -> None:
        super().__init__(session, entry, parent)
        self._part: Part = "test"
        self._shows_shares = False
        self._run = session.history
        """That of the current network; a run that has just begun has a history, but no network yet."""
        self._epochs = session.epochs_done if len(session.history) else None
        self._asked: tuple[MLP | Validation | None, Part, float, TrainedOn] | None = None
        """What is read or has been read, the temperature, which is known only after a run, and the data."""
        self._asked_epoch: tuple[History, int] | None = None
        self._is_waiting = False
        self._evaluation: Evaluation | None = None
        self._recent: deque[Readings] = deque(maxlen=RECENT)
        self._cell: Cell | None = ALL
        self._samples: NDArray[np.intp] = np.empty(0, np.intp)
        self._is_cut = False
        session.modelChanged.connect(self._on_model)

    def build(self) -> None:
        tip = "Show the validation pictures, which the run held out and reads after every epoch, instead of the test "
        tip += "pictures, which are read every few seconds in a run"
        self._validation = named(QCheckBox("Validation"), "confusionValidationCheck", tip)
        tip = "Show shares of the pictures of a class, in percent, instead of numbers"
        self._shares = named(QCheckBox("Shares"), "confusionSharesCheck", tip)
        tip = f"Pictures whose labels may be wrong: each of the last {RECENT} evaluations of a run, or the only one, "
        tip += f"read them as one other class and was at least {SURE:.0%} sure"
        self._suspects = named(QPushButton("Suspects"), "suspectsButton", tip)
        self._suspects.setCheckable(True)
        self._validation.setChecked(self._part == "validation")
        self._shares.setChecked(self._shows_shares)
        self._status = named(_line(), "confusionStatus")
        self._heading = named(_line("text"), "confusionHeading")
        self._matrix = named(ConfusionMatrix(), "confusionMatrix")
        self._matrix.set_shares(self._shows_shares)
        self._mosaic = named(Mosaic("Pictures of the selection"), "confusionDigits")
        self._digits = area = MosaicArea(self._mosaic, "Pictures", ROOM_FOR, is_steady=True)
        area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        area.setMinimumHeight(LEAST_DIGITS_PX)
        self._page = _Page(self._status, MatrixArea(self._matrix), self._heading, area)
        self.fill(self._page, self._validation, self._shares, self._suspects)

        self._validation.toggled.connect(self._on_validation)
        self._shares.toggled.connect(self._on_shares)
        self._suspects.toggled.connect(self._on_suspects)
        self._matrix.chosen.connect(self._on_cell)
        self._matrix.hovered.connect(self._show_heading)
        self._mosaic.chosen.connect(self._on_digit)
        self._mosaic.hovered.connect(self._show_digit)
        self.session.stateChanged.connect(self._on_state)
        self.session.progressed.connect(self._on_progress)
        self.session.predictionChanged.connect(self._show_current)

    # ------------------------------------------------------------ when to read

    @Slot()
    def _on_model(self) -> None:
        """Another network; of a run, the first one after each epoch counts."""
        session = self.session
        self._run = session.history
        self._epochs = session.epochs_done if len(session.history) else None
        if session.state != "training":
            self.mark_soon()
        elif self._epoch and self._asked_epoch != (self._run, self._epoch) and self._validated is None:
            self.mark()

    @Slot()
    def _on_progress(self) -> None:
        """Of the validation digits every epoch counts, for the run reads them anyway."""
        if self._validated is not None and self._asked != self._wanted:
            self.mark()

    @property
    def _validated(self) -> Validation | None:
        """How the run has read the validation digits, if that is what is shown."""
        session = self.session
        is_shown = self._part == "validation" and session.state == "training"
        return session.validation if is_shown else None

    @property
    def _wanted(self) -> tuple[MLP | Validation | None, Part, float, TrainedOn]:
        session = self.session
        return self._validated or session.model, self._part, session.record.calibration.temperature, session.trained_on

    @Slot(str)
    def _on_state(self, state: str) -> None:
        if state != "training":
            self.mark_soon()  # the network that a run ended or was paused with

    @property
    def _epoch(self) -> int:
        return int(self._epochs or 0)

    def refresh(self) -> None:
        session = self.session
        model, validated = session.model, self._validated
        if model is None:
            self.show_instead(NO_NETWORK, TRAIN)
        elif self._wanted != self._asked:
            self._asked, self._asked_epoch, self._is_waiting = self._wanted, (self._run, self._epoch), True
            how = session.record.calibration.temperature, session.trained_on
            if validated is not None:
                of = self._network(validated.epoch + 1)
                from_logits = partial(evaluation_of, validated, *how, of, session.history)
                session.analyse(self._key, from_logits, urgent=True)  # for it takes no time
                return
            if session.state != "training":
                session.withdraw(self._key)  # in a run it would never come to an end
            of = self._network(self._epochs)
            is_first = self._evaluation is None  # for which a person waits
            work = partial(evaluate, model, *how, self._part, of, self._run)
            session.analyse(self._key, work, urgent=is_first)
            if is_first:
                self.show_instead(f"Reading the {self._part} pictures…")

    @property
    def _key(self) -> str:
        return f"{self.name}/{self._part}"

    def _network(self, epochs: float | None) -> str:
        """Which network it is now, in words."""
        session = self.session
        name: str = session.name if session.path is not None else session.name.partition(" (")[0]
        return name if epochs is None else f"{name} after {epochs:.1f} epochs"

    def leave(self) -> None:
        if self._is_waiting:
            self._withdraw()
            self.mark()

    def _withdraw(self) -> None:
        self.session.withdraw(self._key)
        self._is_waiting, self._asked = False, None

    def take(self, answer: Answer) -> None:
        if answer.key != self._key:
            return
        self._is_waiting = False
        if answer.error is not None:
            self._asked = self._evaluation = None
            self.show_instead(answer.error)
        elif answer.result is not None:
            self._take(answer.result)

    def _take(self, evaluation: Evaluation) -> None:
        count = len(evaluation.readings.labels)
        if not count:
            self._evaluation = None
            is_known = self.session.trained_on.config is not None
            reason = NONE_HELD_OUT if is_known else "It is not known which pictures were held out for validation."
            self.show_instead(reason, "Show the test pictures")
            return
        if self._evaluation is None or not evaluation.is_of_same_run(self._evaluation):
            self._recent.clear()
        self._evaluation = evaluation
        self._recent.append(evaluation.readings)
        self.show_contents()
        self._status.setText(f"{evaluation.of}, {count:,} {evaluation.part} {evaluation.digits.kind}s")
        self._matrix.set_readings(evaluation.readings, evaluation.names)
        self._page.arrange()
        self._show_digits()

    # ------------------------------------------------------------ what is shown

    @Slot(object)
    def _show_heading(self, pointed: Cell | None = None) -> None:
        """What the person points at; else what the digits below are."""
        cell = self._cell if pointed is None else pointed
        if self._evaluation is None:
            return
        if cell is None:
            text = f"{counted(len(self._samples), 'label')} may be wrong, most suspicious first"
        else:
            text = described(self._evaluation.readings, self._evaluation.names, cell)
        if pointed is None and self._is_cut:
            text += f"; {MOST_PICTURES} are shown"
        self._heading.setText(text)

    @Slot(int)
    def _show_digit(self, index: int) -> None:
        """The digit that the person points at, in words."""
        if index < 0 or self._evaluation is None:
            self._show_heading()
        else:
            self._heading.setText(self._evaluation.described(self._samples[index]))

    def _show_digits(self) -> None:
        """The digits of the selection; of all digits only those that are misread."""
        evaluation = self._evaluation
        if evaluation is None:
            return
        if self._cell is None:
            samples = label_suspects(self._recent, SURE)
        else:
            samples = evaluation.readings.samples(*self._cell)
            if self._cell == ALL:
                samples = samples[evaluation.readings.wrong[samples]]
        self._is_cut = len(samples) > MOST_PICTURES
        self._samples = samples = samples[:MOST_PICTURES]
        self._matrix.set_current(None if self._cell == ALL else self._cell)
        pictures = ink(evaluation.pictures(samples))
        captions = [self._caption(evaluation, sample) for sample in samples]
        self._digits.set_pictures(pictures, captions, [evaluation.described(sample) for sample in samples])
        self._show_heading()
        self._show_current()

    def _caption(self, evaluation: Evaluation, sample: int) -> str:
        """In two lines if classes are called by words, which would not fit into one."""
        reading, are_words = evaluation.reading(sample), max(map(len, evaluation.names)) > MOST_LETTERS
        if self._cell is not None and None not in self._cell:
            return ("\n" if are_words else "  ").join((reading, f"{evaluation.readings.confidence[sample]:.0%}"))
        label = evaluation.label(sample)
        return reading if label == reading else ("\n" if are_words else "").join((label, f"→{reading}"))

    @Slot()
    def _show_current(self) -> None:
        """The digit that is on the canvas stands out."""
        shown, evaluation = self.session.shown, self._evaluation
        names = [] if shown is None or evaluation is None else map(evaluation.called, self._samples)
        self._mosaic.set_current(next((at for at, name in enumerate(names) if shown and name == shown.name), -1))

    # ------------------------------------------------------------ user -> view

    @Slot(bool)
    def _on_validation(self, validation: bool) -> None:
        self._withdraw()
        self._part = "validation" if validation else "test"
        self.mark_soon()

    @Slot(bool)
    def _on_shares(self, shares: bool) -> None:
        self._shows_shares = shares
        self._matrix.set_shares(shares)

    @Slot(bool)
    def _on_suspects(self, suspects: bool) -> None:
        self._cell = None if suspects else self._cell or ALL
        self._show_digits()

    @Slot(object)
    def _on_cell(self, cell: Cell) -> None:
        self._cell = cell
        if self._suspects.isChecked():
            self._suspects.setChecked(False)
        else:
            self._show_digits()

    @Slot(int)
    def _on_digit(self, index: int) -> None:
        evaluation = self._evaluation
        if evaluation is not None:
            sample = self._samples[index]
            self.session.show_picture(evaluation.pictures(sample), evaluation.called(sample))

    @Slot()
    def fill_in(self) -> None:
        """Train a network if there is none, else show the test digits."""
        if self.session.model is None:
            self.session.train()
        else:
            self._validation.setChecked(False)

    # ------------------------------------------------------------ export and settings

    def table(self) -> Iterable[Sequence[Any]]:
        return [] if self._evaluation is None else self._evaluation.table(shares=self._shows_shares)

    def save_settings(self, settings: QSettings) -> None:
        settings.setValue("confusion/validation", self._part == "validation")
        settings.setValue("confusion/shares", self._shows_shares)

    def restore_settings(self, settings: QSettings) -> None:
        self._part = "validation" if settings.value("confusion/validation", False, bool) else "test"
        self._shows_shares = bool(settings.value("confusion/shares", False, bool))


def _line(role: str = "muted") -> QLabel:
    """One line of text that never asks for more width."""
    line = caption(role=role)
    line.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return line


class _Page(QWidget):
    """The matrix, and below or beside it the digits with their heading."""

    def __init__(self, status: QLabel, matrix: MatrixArea, heading: QLabel, digits: QWidget) -> None:
        super().__init__()
        self._matrix, self._heading = matrix, heading
        heading.setWordWrap(True)
        self._parts = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._parts.setSpacing(SPACING_PX)
        self._parts.addWidget(matrix, 3)
        below = column(heading, digits, spacing=SPACING_PX)
        below.setStretchFactor(digits, 1)
        self._parts.addLayout(below, 2)
        column(status, self._parts, spacing=SPACING_PX, parent=self).setStretchFactor(self._parts, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.arrange()

    def arrange(self) -> None:
        """Make room for the matrix with square cells, whose size depends on the names, and for the digits."""
        beside = self.width() > max(BESIDE_FROM * self.height(), BESIDE_FROM_PX)
        directions = QBoxLayout.Direction
        self._parts.setDirection(directions.LeftToRight if beside else directions.TopToBottom)
        self._matrix.setMaximumHeight(self.height() if beside else self._matrix.height_at(self.width()))
        lines = 2 if beside else 1
        self._heading.setFixedHeight(lines * self._heading.fontMetrics().lineSpacing())
