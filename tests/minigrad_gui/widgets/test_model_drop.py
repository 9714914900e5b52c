"""Which files can be dropped, and why others cannot, without a window."""

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QImage

from engine import MLP, save_model
from minigrad_gui.widgets.banner import Banner
from minigrad_gui.widgets.model_drop import ACCEPTED, NotOpenableError, answer_drag, dragged_path, kind_of


def urls(*addresses: str) -> QMimeData:
    dragged = QMimeData()
    dragged.setUrls([QUrl(address) for address in addresses])
    return dragged


def files(*paths) -> QMimeData:
    return urls(*(QUrl.fromLocalFile(str(path)).toString() for path in paths))


def image() -> QMimeData:
    dragged = QMimeData()
    dragged.setImageData(QImage(4, 4, QImage.Format.Format_RGB32))
    return dragged


def text() -> QMimeData:
    dragged = QMimeData()
    dragged.setText("digits.npz")
    return dragged


@pytest.mark.parametrize(
    "name", ["digits.npz", "DIGITS.NPZ", "two words.npz", "seven.PNG", "photo.heic", "face.pgm", "run.TOML", "a.onnx"]
)
def test_a_model_file_or_picture_is_accepted(tmp_path, name):
    assert dragged_path(files(tmp_path / name)) == tmp_path / name


@pytest.mark.parametrize(
    ("dragged", "reason"),
    [
        (files("/tmp/seven.svg"), "“seven.svg” cannot be opened."),
        (files("/tmp/notes.txt"), "“notes.txt” cannot be opened."),
        (files("/tmp/a.npz", "/tmp/b.npz"), "These are 2 files."),
        (urls("https://example.org/digits.npz"), "This is a link, not a file on this computer."),
        (image(), "Copy the picture and paste it here, or save it as a file."),
        (text(), "Drop one network, run, picture, dataset or settings file here."),
        (QMimeData(), "Drop one network, run, picture, dataset or settings file here."),
    ],
)
def test_anything_else_is_refused_with_the_reason(dragged, reason):
    with pytest.raises(NotOpenableError) as refusal:
        dragged_path(dragged)
    assert str(refusal.value).startswith(reason)
    assert str(refusal.value).endswith(ACCEPTED)


def test_a_folder_may_be_a_dataset_whatever_its_name(tmp_path):
    folder = tmp_path / "models.npz"
    folder.mkdir()
    assert dragged_path(files(folder)) == folder
    assert kind_of(folder) == "dataset"


def test_what_is_in_a_file_tells_what_it_is_opened_as(tmp_path):
    np.savez(tmp_path / "data.npz", x_train=np.zeros((4, 28, 28)), y_train=np.arange(4))
    save_model(tmp_path / "network.npz", MLP(784, [], 3))
    (tmp_path / "table.csv").write_text("1,2,3\n")
    (tmp_path / "notes.md").write_text("words")
    kinds = ("dataset", "network", "network", "dataset", None, None)
    names = ("data.npz", "network.npz", "nothing.npz", "table.csv", "notes.md", "nothing.txt")
    assert tuple(kind_of(tmp_path / name) for name in names) == kinds


@pytest.mark.filterwarnings("ignore:.*QDragEnterEvent:DeprecationWarning")  # Qt 6.12 wants a QPointF, 6.11 has none
def test_the_banner_appears_only_for_a_refusal(qtbot, tmp_path):
    banner = Banner("refusal")
    qtbot.addWidget(banner)
    for path, expected in ((tmp_path / "a.txt", None), (tmp_path / "a.npz", tmp_path / "a.npz")):
        dragged = files(path)
        event = QDragEnterEvent(
            QPoint(), Qt.DropAction.CopyAction, dragged, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
        event.setAccepted(expected is None)
        assert answer_drag(event, banner) == expected
        assert event.isAccepted() == (expected is not None)
        assert banner.has_something_to_say == (expected is None)
