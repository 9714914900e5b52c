"""Pictures and tables are written whole, or not at all."""

import csv

from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QWidget

from minigrad_gui import theme
from minigrad_gui.widgets.building import column
from minigrad_gui.widgets.export import EXPORT_SCALE, picture_of, write_csv, write_png


def test_a_picture_shows_the_widgets_below_each_other_on_a_card(qtbot, tmp_path):
    widgets = []
    for color, height in (("#ff0000", 30), ("#0000ff", 50)):
        widget, child = QWidget(), QWidget()
        child.setStyleSheet(f"background: {color}")
        column(child, parent=widget)
        widget.resize(40, height)
        qtbot.addWidget(widget)
        widgets.append(widget)
    assert write_png(tmp_path / "p.png", picture_of(*widgets))
    image, margin = QImage(str(tmp_path / "p.png")), theme.SPACING_PX
    assert (image.width(), image.height()) == (EXPORT_SCALE * (40 + 2 * margin), EXPORT_SCALE * (80 + 3 * margin))
    assert image.pixelColor(EXPORT_SCALE * 20, EXPORT_SCALE * (margin + 15)) == QColor("#ff0000")
    assert image.pixelColor(EXPORT_SCALE * 20, EXPORT_SCALE * (2 * margin + 55)) == QColor("#0000ff")
    for between in (1, margin + 30 + margin // 2, 2 * margin + 81):
        assert image.pixelColor(EXPORT_SCALE * 20, EXPORT_SCALE * between) == QColor(theme.colors().card)


def test_a_table_can_be_read_again(tmp_path):
    rows = [["digit", "says"], [3, 'a "three", or so'], [8, ""]]
    assert write_csv(tmp_path / "t.csv", rows)
    with open(tmp_path / "t.csv", newline="") as file:
        assert list(csv.reader(file)) == [[str(each) for each in row] for row in rows]


def test_what_cannot_be_written_is_told(tmp_path):
    missing = tmp_path / "missing" / "t"
    assert not write_csv(missing, [[1]])
    assert not write_png(missing, QImage(2, 2, QImage.Format.Format_RGB32))
