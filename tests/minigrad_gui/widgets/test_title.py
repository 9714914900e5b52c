"""A title makes way for the controls beside it."""

from PySide6.QtWidgets import QPushButton, QWidget

from minigrad_gui.widgets.building import row
from minigrad_gui.widgets.title import Title


def test_a_title_is_whole_or_left_out(qtbot):
    header, title, button = QWidget(), Title("Confusion"), QPushButton("Export")
    qtbot.addWidget(header)
    row(title, 1, button, spacing=0, parent=header)
    with qtbot.waitExposed(header):
        header.show()
    for room in (title.sizeHint().width(), title.sizeHint().width() - 1, 0):
        header.resize(button.minimumSizeHint().width() + room, header.height())
        assert title.width() == room
        picture = header.grab(title.geometry()).toImage() if room else None
        colours = picture and {picture.pixel(x, picture.height() // 2) for x in range(room)}
        assert bool(colours and len(colours) > 1) == (room == title.sizeHint().width())
