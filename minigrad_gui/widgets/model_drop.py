"""Dropping a network, a picture, a dataset or settings on a window; anything else is refused, with the reason."""

from pathlib import Path
from typing import Literal

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QDropEvent

from engine.archive import SUFFIX, is_archive
from minigrad_gui.data import may_be_dataset
from minigrad_gui.exchange import is_network
from minigrad_gui.pictures import PICTURE_SUFFIXES
from minigrad_gui.widgets.banner import Banner
from minigrad_gui.widgets.files import SETTINGS_SUFFIX

ACCEPTED = "Drop one network, run, picture, dataset or settings file here."

Kind = Literal["network", "picture", "dataset", "settings"]


class NotOpenableError(ValueError):
    """What is dragged cannot be opened; the message says what it is and what can be dropped."""


def answer_drag(event: QDropEvent, refusal: Banner) -> Path | None:
    """Accept a drag of one file or folder that can be opened and return its path; ignore any other, and let the banner
    say why."""
    try:
        path = dragged_path(event.mimeData())
    except NotOpenableError as error:
        event.ignore()
        refusal.say(str(error), {"Close": refusal.dismiss})
        return None
    event.acceptProposedAction()
    refusal.dismiss()
    return path


def dragged_path(dragged: QMimeData) -> Path:
    """What is dragged, if it is one thing that can be opened. Raises NotOpenableError for anything else."""
    urls = dragged.urls()
    if len(urls) == 1 and urls[0].isLocalFile():
        path = Path(urls[0].toLocalFile())
        if kind_of(path) is not None:
            return path
        raise NotOpenableError(f"“{path.name}” cannot be opened. {ACCEPTED}")
    if len(urls) > 1:
        raise NotOpenableError(f"These are {len(urls)} files. {ACCEPTED}")
    if urls:
        raise NotOpenableError(f"This is a link, not a file on this computer. {ACCEPTED}")
    if dragged.hasImage():
        raise NotOpenableError(f"Copy the picture and paste it here, or save it as a file. {ACCEPTED}")
    raise NotOpenableError(ACCEPTED)


def kind_of(path: Path) -> Kind | None:
    """What a file or folder is to be opened as; it need not exist. None for nothing that can be opened."""
    suffix = path.suffix.lower()
    if suffix in PICTURE_SUFFIXES and not path.is_dir():
        return "picture"
    if suffix == SETTINGS_SUFFIX and not path.is_dir():
        return "settings"
    if is_network(path):
        return "network"
    if may_be_dataset(path) and not is_archive(path):
        return "dataset"
    return "network" if suffix == SUFFIX and not path.is_dir() else None
