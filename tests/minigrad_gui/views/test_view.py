"""What every view has: it is styled anew once for each change of the theme.

A view in a dock is built when it comes to the front, and idle while it is behind another.
"""

import csv
import sys

import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAccessible, QAction, QImage
from PySide6.QtWidgets import QLabel, QWidget
from some_views import EMPTY_TAB

from minigrad_gui import theme
from minigrad_gui.session import Session
from minigrad_gui.views import VIEWS
from minigrad_gui.views.draw_panel import DrawPanel
from minigrad_gui.views.training_panel import TrainingPanel
from minigrad_gui.views.view import Docked, DockedView, View


class Restyled(View):
    place = "centre"
    restyled = 0

    def restyle(self) -> None:
        self.restyled += 1


@pytest.fixture
def view(qtbot, qapp):
    theme.apply(qapp, dark=False)
    session = Session()
    view = Restyled(session)
    qtbot.addWidget(view)
    view.show()
    yield view
    session.close()
    assert session.wait(30_000)


def test_a_view_is_styled_once_for_each_change_of_the_theme(view, qapp):
    for count, dark in enumerate((True, True, False)):
        theme.apply(qapp, dark=dark)
        QCoreApplication.sendPostedEvents()
        assert view.restyled == (1, 1, 2)[count]


def test_a_view_is_a_group_and_works_without_overrides(view):
    assert QAccessible.queryAccessibleInterface(view).role() == QAccessible.Role.Grouping
    assert view.menu_actions() == {}
    assert view.wanted_width(500) == 0


def test_every_view_has_a_place():
    assert {each.place for each in VIEWS} == {"left", "centre", "docks", "right"}


class Counting(DockedView):
    """Shows how many mini-batches the run has had, and asks for twice their number."""

    sentence = "How many mini-batches there were."

    def build(self):
        self.count, self.refreshed, self.taken = QLabel(), 0, None
        self.fill(self.count)
        self.session.progressed.connect(self.mark)
        self.session.predictionChanged.connect(self.mark_soon)

    def refresh(self):
        self.refreshed += 1
        batches = len(self.session.history)
        self.count.setText(f"{batches}")
        self.session.analyse(f"{self.name}/double", lambda _: 2 * batches)

    def take(self, answer):
        self.taken = answer.result

    def table(self):
        return [["batches"], [len(self.session.history)]]


@pytest.fixture
def views(monkeypatch):
    monkeypatch.setitem(sys.modules, "minigrad_gui.views.counting", sys.modules[__name__])
    return TrainingPanel, EMPTY_TAB, Docked("countingView", "Counting", "counting", "Counting"), DrawPanel


@pytest.fixture
def counting(make_user):
    """A window with this view, and its user."""
    return make_user()


def show(user, name="showCountingAction"):
    user.trigger(name)
    user.wait(user.window.findChild(QAction, name).isChecked)
    return user.window.findChild(QWidget, "countingView")


def test_nothing_is_made_before_the_view_comes_to_the_front(counting):
    user = counting
    assert user.window.findChild(QWidget, "countingView") is None
    view = show(user)
    user.wait(view.count.isVisible)
    assert view.refreshed == 1


@pytest.mark.usefixtures("few_digits")
def test_it_follows_a_run_and_a_stroke_while_it_is_in_front(counting):
    user, view = counting, show(counting)
    user.train()
    user.wait(lambda: view.count.text() == str(len(user.session.history)))
    user.wait(lambda: view.taken == 2 * len(user.session.history))
    refreshed = view.refreshed
    user.draw(1)
    user.wait(lambda: view.refreshed > refreshed)


@pytest.mark.usefixtures("few_digits")
def test_behind_another_it_does_nothing_and_catches_up(counting):
    user, view = counting, show(counting)
    show(user, "showCurvesAction")
    refreshed = view.refreshed
    user.train()
    user.draw(1)
    user.reading()
    assert view.refreshed == refreshed
    show(user)
    assert view.count.text() == str(len(user.session.history))


def test_its_figures_and_its_picture_can_be_saved(counting, choose, tmp_path):
    user = counting
    show(user)
    choose(tmp_path / "counted")
    user.trigger("countingCsvAction")
    with open(tmp_path / "counted.csv", newline="") as file:
        assert list(csv.reader(file)) == [["batches"], ["0"]]
    user.trigger("countingPngAction")
    assert not QImage(str(tmp_path / "counted.png")).isNull()


def test_what_cannot_be_saved_is_told(counting, choose, warnings, tmp_path):
    user = counting
    show(user)
    choose(tmp_path / "missing" / "counted")
    user.trigger("countingCsvAction")
    user.trigger("countingPngAction")
    assert warnings == ["Could not write counted.csv.", "Could not write counted.png."]
