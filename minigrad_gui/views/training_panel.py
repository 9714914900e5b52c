"""The training buttons, the progress of the run, and the accuracy of the network."""

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QProgressBar, QPushButton, QWidget

from engine import TrainingConfig
from engine.ending import kept_epoch, reason_to_stop
from minigrad_gui import theme
from minigrad_gui.data import title_of
from minigrad_gui.session import Session
from minigrad_gui.views.view import View
from minigrad_gui.widgets.accessibility import announce
from minigrad_gui.widgets.building import action, caption, column, named, row, styled
from minigrad_gui.widgets.paragraph import Paragraph
from minigrad_gui.widgets.refresh_timer import RefreshTimer
from minigrad_gui.widgets.setting_table import BY_FIELD
from minigrad_gui.wording import counted

PROGRESS_STEPS = 1000
BUTTON_WIDTH_PX = 88
EARLIER = "earlier test accuracy"
LONGEST_CAPTION = EARLIER


class TrainingPanel(View):
    place = "centre"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.setAccessibleName("Training")
        self._announced = session.state
        self._train = named(QPushButton("Train"), "trainButton", "Train a new network with these settings (F5)")
        self._train.setProperty("primary", True)
        self._pause = named(QPushButton("Pause"), "pauseButton", "Pause training; Resume continues it (F6)")
        self._step = named(
            QPushButton("Step"),
            "stepButton",
            "Train on one mini-batch, then pause; starts a run if there is none (F7)",
        )
        tip = "End training; the network stays as it is now (F8). Before it, stop opening a dataset"
        self._stop = named(QPushButton("Stop"), "stopButton", tip)
        self._train_action = action(self, "&Train", "trainAction", self._on_train, "F5")
        self._pause_action = action(self, "&Pause", "pauseAction", self._on_pause, "F6")
        self._step_action = action(self, "&Step", "stepAction", session.step, "F7")
        self._stop_action = action(self, "St&op", "stopAction", session.stop, "F8")
        self._back_action = action(self, "&Restore previous network", "backAction", session.restore_previous, "Ctrl+B")
        self._train.clicked.connect(self._on_train)
        self._pause.clicked.connect(self._on_pause)
        self._step.clicked.connect(session.step)
        self._stop.clicked.connect(session.stop)

        right = Qt.AlignmentFlag.AlignRight
        self._accuracy = named(caption(role="figure", align=right), "accuracyLabel")
        self._accuracy_caption = caption(align=right)
        self._bar = named(QProgressBar(maximum=PROGRESS_STEPS, textVisible=False), "progressBar")
        self._bar.setAccessibleName("Training progress")
        self._status = named(styled(Paragraph(1), "muted"), "statusLabel")
        self._percent = caption(align=right)
        self._diagnosis = named(caption(role="body"), "diagnosisLabel")
        self._diagnosis.setWordWrap(True)

        buttons = row(self._train, self._pause, self._step, self._stop)
        figures = column(self._accuracy, self._accuracy_caption, 0, spacing=0)
        self._top = row(buttons, 1, figures)
        progress = row(self._status, self._percent)
        progress.setStretch(0, 1)
        self._buttons, self._figures = buttons, figures
        column(
            self._top,
            self._bar,
            progress,
            self._diagnosis,
            margin=theme.SPACING_PX,
            parent=self,
        )

        session.stateChanged.connect(self._show_state)
        session.configChanged.connect(self._show_state)
        session.datasetOpening.connect(self._show_state)
        self._refresh_timer = RefreshTimer(self)
        self._refresh_timer.timeout.connect(self._show_progress)
        session.progressed.connect(self._mark)
        session.prepared.connect(self._show_progress)
        session.compilingChanged.connect(self._show_progress)
        session.modelChanged.connect(self._show_accuracy)
        session.historyCleared.connect(self._show_state)
        session.documentChanged.connect(self._show_state)
        self.restyle()
        self._show_state()
        self._show_progress()
        self._show_accuracy()

    def minimumSizeHint(self) -> QSize:
        """The size with the accuracy below the buttons, where it goes if there is no room beside them."""
        least = sum(self._least_widths().values()) + 3 * self._buttons.spacing()
        width = max(least, self._figures.minimumSize().width())
        return QSize(width + 2 * (theme.SPACING_PX + 1), super().minimumSizeHint().height())

    def _least_widths(self) -> dict[QPushButton, int]:
        """The width in pixels that each button needs; for Pause or Resume, that of the longer word."""
        least = {button: button.minimumSizeHint().width() for button in (self._train, self._step, self._stop)}
        longer = self.fontMetrics().horizontalAdvance("Resume") - self.fontMetrics().horizontalAdvance("Pause")
        paused = self._pause.text() == "Resume"
        least[self._pause] = self._pause.minimumSizeHint().width() + (0 if paused else longer)
        return least

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        least = self._least_widths()
        widest = max(*least.values(), BUTTON_WIDTH_PX)
        beside = 4 * widest + self.fontMetrics().horizontalAdvance(LONGEST_CAPTION)
        is_narrow = self.width() < beside + 5 * theme.SPACING_PX
        directions = QBoxLayout.Direction
        self._top.setDirection(directions.TopToBottom if is_narrow else directions.LeftToRight)
        self._figures.setDirection(directions.RightToLeft if is_narrow else directions.TopToBottom)
        self._figures.setSpacing(theme.SPACING_PX if is_narrow else 0)
        for button, width in least.items():
            button.setMinimumWidth(width if is_narrow else widest)

    def menu_actions(self) -> dict[str, list[QAction]]:
        actions = [self._train_action, self._pause_action, self._step_action, self._stop_action, self._back_action]
        return {"&Training": actions}

    def restyle(self) -> None:
        colors = theme.colors()
        self._train.setIcon(theme.icon("play", colors.on_accent, colors.muted))
        self._pause_icons = {name: theme.icon(name, colors.text, colors.muted) for name in ("play", "pause")}
        self._show_pause_icon()
        self._step.setIcon(theme.icon("step", colors.text, colors.muted))
        self._stop.setIcon(theme.icon("stop", colors.text, colors.muted))

    def _show_pause_icon(self) -> None:
        self._pause.setIcon(self._pause_icons["play" if self.session.state == "paused" else "pause"])

    # ------------------------------------------------------------ user -> session

    @Slot()
    def _on_train(self) -> None:
        self.session.train()

    @Slot()
    def _on_pause(self) -> None:
        if self.session.state == "paused":
            self.session.resume()
        else:
            self.session.pause()

    # ------------------------------------------------------------ session -> user

    @Slot()
    def _show_state(self) -> None:
        session = self.session
        state = session.state
        idle = state == "idle"
        can_start, can_stop = session.can_start, not idle or bool(session.opening_source)
        paused = state == "paused"
        for control, enabled in (
            (self._train, can_start),
            (self._train_action, can_start),
            (self._pause, not idle),
            (self._pause_action, not idle),
            (self._step, can_start or paused),
            (self._step_action, can_start or paused),
            (self._stop, can_stop),
            (self._stop_action, can_stop),
            (self._back_action, self.session.can_restore_previous),
        ):
            control.setEnabled(enabled)
        before = (session.previous_name or "previous network").replace("&", "&&")
        self._back_action.setText(f"&Restore {before}")
        self._pause.setText("Resume" if paused else "Pause")
        self._pause_action.setText("&Resume" if paused else "&Pause")
        self._show_pause_icon()
        self._show_progress()
        if state != self._announced:
            self._announced = state
            self._announce()

    def _announce(self) -> None:
        """Announce that a run has started, paused or ended, and its result."""
        if self.session.state == "training":
            announce(self._status, "Training.")
        elif self.session.state == "paused":
            announce(self._status, self._status.text())
        else:
            result = f"{self._accuracy_caption.text()}: {self._accuracy.text()}."
            announce(self._status, f"{self._status.text()} {self._diagnosis.text()} {result}")

    @Slot()
    def _mark(self) -> None:
        self._refresh_timer.request()

    @Slot()
    def _show_progress(self) -> None:
        session = self.session
        config = session.run_config
        loading = config is not None and session.preparation is None
        self._show_busy(loading)
        planned = session.preparation.job.config.epochs if session.preparation else 1
        share = min(session.epochs_done / planned, 1.0)
        self._bar.setValue(round(share * PROGRESS_STEPS))
        if config is not None:
            self._percent.setText("" if loading else f"{share:.0%}")
            self._status.setText(self._loading_text() if loading else self._run_text(config))
        else:
            self._percent.setText("")
            self._status.setText(self._idle_text())
        diagnosis = self._diagnosis_text() if session.state == "idle" else ""
        self._diagnosis.setText(diagnosis)
        self._diagnosis.setVisible(bool(diagnosis))
        self._show_accuracy()

    def _show_busy(self, busy: bool) -> None:
        if busy:
            self._bar.setMaximum(0)
        elif self._bar.maximum() == 0:
            self._bar.setMaximum(PROGRESS_STEPS)
            self._bar.setValue(PROGRESS_STEPS)
            self._bar.grab()  # Qt animates a busy bar until its next painting, even if hidden

    def _loading_text(self) -> str:
        if self.session.is_compiling:
            return "Waiting for machine code, once after installation…"
        return "Loading the pictures…"

    def _run_text(self, config: TrainingConfig) -> str:
        session = self.session
        epoch = min(int(session.epochs_done) + 1, config.epochs)
        parts = [f"Epoch {epoch} of {config.epochs}"]
        if config.members > 1:
            parts.append(f"network {config.member_at(epoch - 1) + 1} of {config.members}")
        if session.state == "paused":
            parts.append(f"paused after {counted(len(session.history), 'mini-batch')}")
        elif session.samples_per_second:
            parts.append(f"{session.samples_per_second:,.0f} pictures/s")
            if session.seconds_left is not None:
                parts.append(f"{duration(session.seconds_left)} left")
        return "  ·  ".join(parts)

    def _diagnosis_text(self) -> str:
        session = self.session
        parts = [str(session.diagnosis)] if session.diagnosis is not None else []
        if session.shows_failed_run and session.model is not None:
            parts.append(f"The network is {session.name}, from before this run.")
        return " ".join(parts)

    def _idle_text(self) -> str:
        if self.session.opening_source:
            return f"Opening {title_of(self.session.opening_source)}…"
        error = self.session.config_error
        if error is not None:  # its field may be hidden or scrolled out of sight
            return f"Invalid setting: {BY_FIELD[error.field].name}."
        if self.session.missing_dataset is not None:
            return f"The dataset was not found: Train would use {title_of(self.session.source)}."
        return self._ended_text() if len(self.session.history) else "Ready. Train uses the current settings."

    def _ended_text(self) -> str:
        history = self.session.history
        batches, config = counted(len(history), "mini-batch"), self.session.curves_config
        kept = kept_epoch(config, history.epochs) if config is not None and not self.session.shows_failed_run else None
        network = "" if kept is None else f"; epoch {kept.epoch + 1} is kept"
        if len(history) % history.steps_per_epoch == 0:
            epochs = counted(self.session.epochs_done, "epoch", ",.0f")
            early = reason_to_stop(config, history.epochs) if config is not None else ""
            return f"Ended after {epochs}: {early}." if early else f"Trained on {batches}, {epochs}{network}."
        diagnosis = self.session.diagnosis
        ended = "Diverged" if diagnosis is not None and diagnosis.ended_run else "Stopped"
        return f"{ended} after {batches}, in epoch {int(self.session.epochs_done) + 1}{network}."

    @Slot()
    def _show_accuracy(self) -> None:
        session = self.session
        if session.model is not None:
            shape = " → ".join(map(str, session.model.sizes))
            self._accuracy.setToolTip(f"The current network: {shape}, {type(session.model.activation).__name__}")
        epochs = [] if session.shows_failed_run else session.history.epochs
        validated = [epoch.validation_accuracy for epoch in epochs]
        tested = session.record.test_accuracy
        if session.state == "idle" and tested is not None:
            self._accuracy.setText(f"{tested:.2%}")
            taught = session.taught_drawings
            learnt = f", {counted(taught, 'drawing')} learnt" if taught else ""
            self._accuracy_caption.setText(EARLIER if session.shows_failed_run else f"test accuracy{learnt}")
        elif validated and validated[-1] is not None:
            self._accuracy.setText(f"{validated[-1]:.2%}")
            self._accuracy_caption.setText("validation accuracy")
        elif epochs:
            self._accuracy.setText(f"{epochs[-1].accuracy:.2%}")
            self._accuracy_caption.setText("training accuracy")
        else:
            self._accuracy.setText("–")
            self._accuracy_caption.setText("accuracy")
        self._accuracy.setAccessibleName(f"{self._accuracy_caption.text()}: {self._accuracy.text()}")


def duration(seconds: float) -> str:
    """A time for people to read: 8 s, 2 min 05 s, 1 h 20 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
