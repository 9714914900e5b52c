"""A paragraph shows any text in a few lines of any width."""

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from minigrad_gui.widgets.accessibility import plain
from minigrad_gui.widgets.building import column
from minigrad_gui.widgets.paragraph import Paragraph

WIDTH_PX = 200
LONG_WORD = "/home/" + "n" * 300


@pytest.fixture
def paragraph(qtbot):
    paragraph = Paragraph(3)
    qtbot.addWidget(paragraph)
    paragraph.resize(WIDTH_PX, 60)
    with qtbot.waitExposed(paragraph):
        paragraph.show()
    return paragraph


def tip_of(widget):
    spot = QPoint(3, 3)
    QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, spot, widget.mapToGlobal(spot)))
    return plain(QToolTip.text())


def test_it_wants_to_be_as_wide_as_a_short_text(paragraph):
    for text in ("Logit of 3: 15.95", "Layer 1, neuron 5: 2.31", "1"):
        paragraph.setText(text)
        assert paragraph.lines(paragraph.sizeHint().width()) == [text]
        assert paragraph.sizeHint().width() < WIDTH_PX


def test_words_are_parted_at_blanks(paragraph):
    paragraph.setText("It has no test pictures; some of them are held out.")
    lines = paragraph.lines(WIDTH_PX)
    assert len(lines) == 2
    assert " ".join(lines) == paragraph.text()
    assert paragraph.heightForWidth(WIDTH_PX) == 2 * paragraph.fontMetrics().lineSpacing()
    assert tip_of(paragraph) == ""


@pytest.mark.parametrize("text", [LONG_WORD, "many words" * 100])
def test_what_is_too_long_is_cut_and_whole_in_its_tip(paragraph, text):
    paragraph.setText(text)
    lines = paragraph.lines(WIDTH_PX)
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert max(map(paragraph.fontMetrics().horizontalAdvance, lines)) <= WIDTH_PX
    assert text.startswith(lines[0])
    assert tip_of(paragraph) == text
    QToolTip.hideText()


def test_it_asks_for_no_more_width_whatever_it_says(qtbot):
    parent, paragraph = QWidget(), Paragraph(3)
    qtbot.addWidget(parent)
    column(paragraph, parent=parent)
    parent.resize(WIDTH_PX, 100)
    with qtbot.waitExposed(parent):
        parent.show()
    paragraph.setText(LONG_WORD)
    QCoreApplication.sendPostedEvents()  # lay it out
    assert parent.minimumSizeHint().width() < 50
    assert parent.width() == WIDTH_PX


def test_tags_are_text(paragraph):
    paragraph.setText("<b>bold</b>")
    assert paragraph.lines(1000) == ["<b>bold</b>"]
    plain_image = paragraph.grab().toImage()
    paragraph.setText("bold")
    assert paragraph.grab().toImage() != plain_image


def test_too_little_room_takes_no_line_from_it_nor_height_from_others(qtbot):
    paragraph, other = Paragraph(3), QWidget()
    other.setMinimumHeight(50)
    page = QWidget()
    column(paragraph, other, spacing=0, parent=page)
    qtbot.addWidget(page)
    paragraph.setText("It has no test pictures; some of them are held out.")
    page.resize(WIDTH_PX, 10)
    with qtbot.waitExposed(page):
        page.show()
    line_px = paragraph.fontMetrics().lineSpacing()
    assert (paragraph.height(), other.height()) == (2 * line_px, 50)
    page.resize(WIDTH_PX // 2, 10)
    QCoreApplication.sendPostedEvents()
    qtbot.waitUntil(lambda: paragraph.height() == 3 * line_px)
    assert other.height() == 50
