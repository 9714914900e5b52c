"""Offers a run that another window left behind: resume it, delete it, or neither for now."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QDateTime, QLocale, Slot
from PySide6.QtWidgets import QMessageBox, QWidget

from minigrad_gui.recovery import RecoverableRun
from minigrad_gui.session import Session
from minigrad_gui.unsaved_work import Answer
from minigrad_gui.widgets.banner import Banner
from minigrad_gui.widgets.building import action
from minigrad_gui.widgets.questions import TITLE, choose
from minigrad_gui.wording import counted

DATE_FORMAT = "d MMM yyyy, HH:mm"
"""With English months in every locale, like the rest of the window."""


class RunOffer(Banner):
    """A banner that offers the newest run that was interrupted, or whose network was not saved.

    It appears by itself until the first run begins; after that, `action` shows it. may_discard: asks the person before
    unsaved work is replaced; its argument names the reason, as in "open another network".
    """

    def __init__(self, session: Session, may_discard: Callable[[str], Answer], parent: QWidget | None = None) -> None:
        super().__init__("offer", parent)
        self.session = session
        self.action = action(self, "An &interrupted run…", "recoverAction", self._on_asked_for)
        self._may_discard = may_discard
        self._appears = True
        self._resumed: RecoverableRun | None = None
        session.leftBehindChanged.connect(self._update)
        session.stateChanged.connect(self._update)

    @Slot()
    def _update(self) -> None:
        is_idle, left_behind = self.session.state == "idle", self.session.left_behind
        self.action.setEnabled(is_idle and bool(left_behind))
        if not is_idle:
            self._appears = False
        elif self._resumed in left_behind:  # it could not be resumed
            self._resumed, self._appears = None, True
        if self.action.isEnabled() and self._appears:
            self._offer(left_behind[0])
        else:
            self.dismiss()

    def _offer(self, run: RecoverableRun) -> None:
        resume = "Restore" if run.summary.is_finished else "Resume"
        choices: dict[str, Callable[[], None]] = {
            resume: partial(self._resume, run),
            "Delete": partial(self._delete, run),
            "Not now": self._on_not_now,
        }
        told = description(run)
        if self.session.lacks_data(run):
            told += f" Its data is not at {run.source}: put it back there first."
        self.say(told, choices)

    def _resume(self, run: RecoverableRun) -> None:
        answer = self._may_discard("resume another run")
        if answer is not Answer.CANCEL:
            self._resumed, self._appears = run, False
            self.session.resume_run(run, keep_checkpoint=answer is Answer.KEEP)
            self._update()

    def _delete(self, run: RecoverableRun) -> None:
        delete, roles = "Delete", QMessageBox.ButtonRole
        choices = {"Cancel": roles.RejectRole, delete: roles.DestructiveRole}
        if choose(self, TITLE, "Delete this run? This cannot be undone.", choices) == delete:
            self.session.delete_run(run)

    @Slot()
    def _on_asked_for(self) -> None:
        self._appears = True
        self._update()

    @Slot()
    def _on_not_now(self) -> None:
        self._appears = False
        self.dismiss()


def description(run: RecoverableRun) -> str:
    """One sentence: whether it was finished, its layers, its epochs, and when it was last written."""
    summary, config = run.summary, run.summary.config
    hidden = ", ".join(map(str, config.hidden)) or "none"
    when = QLocale.c().toString(QDateTime.fromSecsSinceEpoch(int(run.saved_at_s)), DATE_FORMAT)
    epochs = counted(config.epochs, "epoch")
    if summary.is_finished:
        return f"A trained network was not saved: hidden layers {hidden}, {epochs}, saved {when}."
    return f"A run was interrupted: hidden layers {hidden}, {summary.epochs_done:.1f} of {epochs}, saved {when}."
