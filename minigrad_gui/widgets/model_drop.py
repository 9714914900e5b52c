"""Dropping a model file or a picture on a window; anything else is refused, with the reason."""

from pathlib import Path

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QDropEvent

from minigrad_gui.pictures import PICTURE_SUFFIXES
from minigrad_gui.widgets.banner import Banner
from minigrad_gui.widgets.files import MODEL_KIND, MODEL_SUFFIX

ACCEPTED = f"Drop a single {MODEL_KIND}, run ({MODEL_SUFFIX}) or picture here."


class NoModelFileError(ValueError):
    """What is dragged is neither model file nor picture; the message says what it is and what can be dropped."""


def answer_drag(event: QDropEvent, refusal: Banner) -> Path | None:
    """Accept a drag of one model file or picture and return its path; ignore any other, and let the banner say why."""
    try:
        path = dragged_model(event.mimeData())
    except NoModelFileError as error:
        event.ignore()
        refusal.say(str(error), {"Close": refusal.dismiss})
        return None
    event.acceptProposedAction()
    refusal.dismiss()
    return path


def dragged_model(dragged: QMimeData) -> Path:
    """The one model file or picture that is dragged; it need not exist. Raises NoModelFileError for anything else."""
    urls = dragged.urls()
    if len(urls) == 1 and urls[0].isLocalFile():
        path = Path(urls[0].toLocalFile())
        if path.suffix.lower() in (MODEL_SUFFIX, *PICTURE_SUFFIXES) and not path.is_dir():
            return path
        raise NoModelFileError(f"{_what_it_is(path)} {ACCEPTED}")
    if len(urls) > 1:
        raise NoModelFileError(f"These are {len(urls)} files. {ACCEPTED}")
    if urls:
        raise NoModelFileError(f"This is a link, not a file on this computer. {ACCEPTED}")
    if dragged.hasImage():
        raise NoModelFileError(f"Copy the picture and paste it here, or save it as a file. {ACCEPTED}")
    raise NoModelFileError(ACCEPTED)


def _what_it_is(path: Path) -> str:
    if path.is_dir():
        return f"“{path.name}” is a folder."
    return f"“{path.name}” is neither a model file nor a picture that can be read."
