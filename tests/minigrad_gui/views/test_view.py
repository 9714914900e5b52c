"""What every view has: it is styled anew once for each change of the theme."""

import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAccessible

from minigrad_gui import theme
from minigrad_gui.session import Session
from minigrad_gui.views import VIEWS
from minigrad_gui.views.view import View


class Counting(View):
    place = "centre"
    restyled = 0

    def restyle(self) -> None:
        self.restyled += 1


@pytest.fixture
def view(qtbot, qapp):
    theme.apply(qapp, dark=False)
    session = Session()
    view = Counting(session)
    qtbot.addWidget(view)
    view.show()
    yield view
    session.close()
    assert session.wait(30_000)


def test_it_is_styled_anew_once_for_each_change_of_the_theme(view, qapp):
    for count, dark in enumerate((True, True, False)):
        theme.apply(qapp, dark=dark)
        QCoreApplication.sendPostedEvents()
        assert view.restyled == (1, 1, 2)[count]


def test_it_is_a_group_that_needs_nothing_else(view):
    assert QAccessible.queryAccessibleInterface(view).role() == QAccessible.Role.Grouping
    assert view.menu_actions() == {}
    assert view.wanted_width(500) == 0


def test_every_view_says_where_it_stands():
    assert {each.place for each in VIEWS} == {"left", "centre", "right"}
