"""Views in tabs: brought to the front, closed, torn off, remembered and put back."""

import pytest
from PySide6.QtCore import QByteArray, QCoreApplication, QEvent, QObject, Qt
from PySide6.QtWidgets import QLabel, QTabBar

from minigrad_gui.widgets.docks import Docks


@pytest.fixture
def docks(qtbot):
    docks = made()
    qtbot.addWidget(docks)
    with qtbot.waitExposed(docks):
        docks.show()
    return docks


def made():
    docks = Docks()
    for name in ("curvesView", "confusionView", "whyView"):
        docks.add(QLabel(name), QLabel(f"header of {name}"), name, name.removesuffix("View").title())
    docks.resize(600, 400)
    return docks


def in_front(docks):
    return [dock.action.text() for dock in docks.docks if dock.action.isChecked()]


def test_at_first_all_are_tabs_and_the_first_is_in_front(docks, qtbot):
    qtbot.waitUntil(lambda: in_front(docks) == ["Curves"])
    (tabs,) = docks.findChildren(QTabBar)
    assert [tabs.tabText(index) for index in range(tabs.count())] == ["Curves", "Confusion", "Why"]
    assert docks.docks[0].widget().visibleRegion().boundingRect().width() == 600


def test_in_a_narrow_window_the_tabs_scroll_and_their_names_stay_whole(docks, qtbot):
    for number in range(8):
        docks.add(QLabel(), QLabel(), f"view{number}", f"A view called {number}")
    (tabs,) = docks.findChildren(QTabBar)
    qtbot.waitUntil(lambda: tabs.count() == len(docks.docks))
    docks.docks[-1].bring_to_front()
    qtbot.waitUntil(lambda: tabs.rect().contains(tabs.tabRect(tabs.count() - 1)))
    assert docks.minimumSizeHint().width() <= docks.width()
    width_of = tabs.fontMetrics().horizontalAdvance
    assert all(tabs.tabRect(at).width() > width_of(tabs.tabText(at)) for at in range(tabs.count()))


def test_a_tab_may_have_a_shorter_title(docks):
    dock = docks.add(QLabel(), QLabel(), "curvesView", "Learning curves", "Plot")
    assert (dock.windowTitle(), dock.accessibleName(), dock.action.text()) == ("Plot", *["Learning curves"] * 2)


def test_behind_another_it_needs_no_room(docks, qtbot):
    confusion = docks.docks[1]
    for part in (confusion.widget(), confusion.titleBarWidget().findChild(QLabel)):
        part.setText("a wide line\n" * 40 if part is confusion.widget() else "a wide header" * 20)
    least = docks.minimumSizeHint()
    confusion.action.trigger()
    qtbot.waitUntil(lambda: docks.minimumSizeHint().width() > least.width() + 500)
    assert docks.minimumSizeHint().height() > least.height() + 300
    docks.docks[0].action.trigger()
    qtbot.waitUntil(lambda: docks.minimumSizeHint() == least)


def test_an_action_brings_its_view_to_the_front_and_tells(docks, qtbot):
    curves, confusion, _ = docks.docks
    told = []
    confusion.seen.connect(told.append)
    assert confusion.action.objectName() == "showConfusionAction"
    assert confusion.action.shortcut().toString() == "Ctrl+2"
    confusion.action.trigger()
    qtbot.waitUntil(lambda: in_front(docks) == ["Confusion"])
    assert told == [True]
    curves.action.trigger()
    qtbot.waitUntil(lambda: in_front(docks) == ["Curves"])
    assert told == [True, False]


def test_an_action_that_is_checked_closes_its_view_and_opens_it_again(docks, qtbot):
    curves = docks.docks[0]
    qtbot.waitUntil(curves.action.isChecked)
    curves.action.trigger()
    qtbot.waitUntil(lambda: not curves.isVisible())
    curves.action.trigger()
    qtbot.waitUntil(lambda: in_front(docks) == ["Curves"])


def test_side_by_side_both_are_in_front(docks, qtbot):
    why = docks.docks[2]
    docks.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, why)
    qtbot.waitUntil(lambda: in_front(docks) == ["Curves", "Why"])


def test_torn_off_from_behind_another_it_is_seen(docks, qtbot):
    why = docks.docks[2]
    told = []
    why.seen.connect(told.append)
    why.setFloating(True)
    qtbot.waitUntil(lambda: told == [True])
    assert in_front(docks) == ["Curves", "Why"]


def test_the_layout_is_remembered(docks, qtbot):
    confusion, why = docks.docks[1:]
    why.setFloating(True)
    confusion.action.trigger()
    qtbot.waitUntil(lambda: "Confusion" in in_front(docks))
    again = made()
    qtbot.addWidget(again)
    again.restore(docks.state())
    with qtbot.waitExposed(again):
        again.show()
    assert again.docks[2].isFloating()
    qtbot.waitUntil(lambda: "Confusion" in in_front(again))
    assert "Curves" not in in_front(again)


def test_restoring_the_layout_puts_all_back(docks, qtbot):
    confusion, why = docks.docks[1:]
    why.setFloating(True)
    confusion.close()
    docks.arrange()
    qtbot.waitUntil(lambda: in_front(docks) == ["Curves"])
    assert not why.isFloating()
    assert max(tabs.count() for tabs in docks.findChildren(QTabBar) if tabs.isVisible()) == 3


def test_at_rest_nothing_is_laid_out(docks, qtbot):
    class Layouts(QObject):
        count = 0

        def eventFilter(self, _watched, event):
            self.count += event.type() == QEvent.Type.LayoutRequest
            return False

    layouts = Layouts()
    docks.docks[1].bring_to_front()
    qtbot.waitUntil(lambda: in_front(docks) == ["Confusion"])
    QCoreApplication.processEvents()
    docks.installEventFilter(layouts)
    for _ in range(20):
        QCoreApplication.processEvents()
    assert layouts.count <= 2


@pytest.mark.parametrize("stored", [None, 7, "x", QByteArray(b"damaged"), QByteArray()])
def test_a_stored_layout_that_is_no_layout_is_ignored(docks, qtbot, stored):
    docks.restore(stored)
    qtbot.waitUntil(lambda: in_front(docks) == ["Curves"])


@pytest.mark.parametrize("damage", [lambda state: state[:60], lambda state: state[:-1] + b"?"], ids=["cut", "changed"])
def test_a_damaged_layout_never_reaches_qt(docks, qtbot, monkeypatch, damage):
    """Qt may crash on it."""
    docks.docks[2].setFloating(True)
    qtbot.waitUntil(lambda: in_front(docks) == ["Curves", "Why"])
    restored = []
    monkeypatch.setattr(Docks, "restoreState", lambda *arguments: restored.append(arguments))
    docks.restore(QByteArray(damage(docks.state().data())))
    assert restored == []
    assert in_front(docks) == ["Curves", "Why"]
    docks.restore(docks.state())
    assert len(restored) == 1
