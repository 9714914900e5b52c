"""Asks what is to become of a run or a network that is not saved, before something takes its place."""

from collections.abc import Callable
from enum import Enum, auto

from PySide6.QtWidgets import QMessageBox, QWidget

from minigrad_gui.session import Session
from minigrad_gui.widgets.questions import TITLE, choose


class Answer(Enum):
    CANCEL = auto()
    """Nothing is to happen."""
    PROCEED = auto()
    """Nothing is lost, or the person does not mind."""
    KEEP = auto()
    """Proceed, but keep the checkpoint: the next window offers it."""


def ask_before(what: str, session: Session, window: QWidget, save: Callable[[], bool]) -> Answer:
    """Ask only if there is something to lose.

    what: what comes next, as in "open another network". save: saves the network; False if that was cancelled or failed.
    """
    if session.state != "idle":
        question = (
            f"{what[0].upper()}{what[1:]} while the network is in training? If you keep the run, minigrad offers "
        )
        return _ask_to_keep(f"{question}to resume it the next time you start it.", "the run", window)
    if not session.modified:
        return Answer.PROCEED
    question = f"The trained network has not been saved. Save it before you {what}?"
    buttons = QMessageBox.StandardButton
    choices = buttons.Save | buttons.Discard | buttons.Cancel
    pressed = QMessageBox.question(window, "Unsaved network", question, choices, buttons.Save)
    proceeds = save() if pressed == buttons.Save else pressed == buttons.Discard
    return Answer.PROCEED if proceeds else Answer.CANCEL


def ask_before_leaving(session: Session, window: QWidget, save: Callable[[], bool]) -> Answer:
    """The same, and about the network that the person went back from, if that alone would be lost."""
    answer = ask_before("leave", session, window, save)
    if answer is Answer.CANCEL or session.modified or not session.has_unsaved_way_back:
        return answer
    question = "The trained network that you went back from has not been saved. If you keep it, minigrad offers it "
    return _ask_to_keep(f"{question}the next time you start it.", "it", window)


def _ask_to_keep(question: str, what: str, window: QWidget) -> Answer:
    keep, discard, roles = f"Keep {what}", f"Discard {what}", QMessageBox.ButtonRole
    choices = {keep: roles.AcceptRole, discard: roles.DestructiveRole, "Cancel": roles.RejectRole}
    pressed = choose(window, TITLE, question, choices)
    return {keep: Answer.KEEP, discard: Answer.PROCEED}.get(pressed or "", Answer.CANCEL)
