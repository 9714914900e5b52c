"""Asks what to do with an unsaved run or network before something replaces it."""

from collections.abc import Callable
from enum import Enum, auto

from PySide6.QtWidgets import QMessageBox, QWidget

from minigrad_gui.session import Session
from minigrad_gui.widgets.questions import TITLE, choose


class Answer(Enum):
    CANCEL = auto()
    """Do nothing."""
    PROCEED = auto()
    """Proceed: nothing is lost, or the person does not mind."""
    KEEP = auto()
    """Proceed, but keep the checkpoint for the next window to offer."""


def ask_before(what: str, session: Session, window: QWidget, save: Callable[[], bool]) -> Answer:
    """Ask only if there is something to lose.

    what: what comes next, as in "open another network"; save: saves the network, and returns False if that was
    cancelled or failed.
    """
    if session.can_keep_run:
        question = (
            f"{what[0].upper()}{what[1:]} while the network is training? If you keep the run, minigrad will offer "
        )
        return _ask_to_keep(f"{question}to resume it the next time it starts.", "the run", window)
    if not session.modified:
        return Answer.PROCEED
    question = f"The trained network has not been saved. Save it before you {what}?"
    buttons = QMessageBox.StandardButton
    choices = buttons.Save | buttons.Discard | buttons.Cancel
    pressed = QMessageBox.question(window, "Unsaved network", question, choices, buttons.Save)
    proceeds = save() if pressed == buttons.Save else pressed == buttons.Discard
    return Answer.PROCEED if proceeds else Answer.CANCEL


def ask_before_leaving(session: Session, window: QWidget, save: Callable[[], bool]) -> Answer:
    """Like `ask_before`, and also about an unsaved network that was put aside to restore the previous one."""
    answer = ask_before("quit", session, window, save)
    if answer is Answer.CANCEL or session.modified or not session.previous_is_unsaved:
        return answer
    question = "You restored the previous network without saving the newly trained one. If you keep it, minigrad will "
    return _ask_to_keep(f"{question}offer to restore it the next time it starts.", "it", window)


def _ask_to_keep(question: str, what: str, window: QWidget) -> Answer:
    keep, discard, roles = f"Keep {what}", f"Discard {what}", QMessageBox.ButtonRole
    choices = {keep: roles.AcceptRole, discard: roles.DestructiveRole, "Cancel": roles.RejectRole}
    pressed = choose(window, TITLE, question, choices)
    return {keep: Answer.KEEP, discard: Answer.PROCEED}.get(pressed or "", Answer.CANCEL)
