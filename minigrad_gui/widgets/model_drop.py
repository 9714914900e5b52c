"""Dropping a model file on a window; anything else is refused, with the reason."""

from pathlib import Path

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QDropEvent

from minigrad_gui.widgets.banner import Banner
from minigrad_gui.widgets.files import MODEL_KIND, MODEL_SUFFIX

PICTURE_SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".svg", ".heic"}
ACCEPTED = f"Drop a single {MODEL_KIND} or run ({MODEL_SUFFIX}) here."


class NoModelFileError(ValueError):
    """What is dragged is not a model file; the message says what it is and what can be dropped."""


def answer_drag(event: QDropEvent, refusal: Banner) -> Path | None:
    """Accept a drag of one model file and return its path; ignore any other, and let the banner say why."""
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
    """The one model file that is dragged; it need not exist. Raises NoModelFileError if it is anything else."""
    urls = dragged.urls()
    if len(urls) == 1 and urls[0].isLocalFile():
        path = Path(urls[0].toLocalFile())
        if path.suffix.lower() == MODEL_SUFFIX and not path.is_dir():
            return path
        raise NoModelFileError(f"{_what_it_is(path)} {ACCEPTED}")
    if len(urls) > 1:
        raise NoModelFileError(f"These are {len(urls)} files. {ACCEPTED}")
    if urls:
        raise NoModelFileError(f"This is a link, not a file on this computer. {ACCEPTED}")
    if dragged.hasImage():
        raise NoModelFileError(f"To read pictures, save them as files and use the predict command. {ACCEPTED}")
    raise NoModelFileError(ACCEPTED)


def _what_it_is(path: Path) -> str:
    if path.is_dir():
        return f"“{path.name}” is a folder."
    if path.suffix.lower() in PICTURE_SUFFIXES:
        command = f"minigrad-gui predict MODEL.npz {path.name}"
        return f"“{path.name}” is a picture. Read pictures with the command {command}."
    return f"“{path.name}” is not a model file."
