"""What a screen reader gets: the accessible tree of the running window, and the announcements."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QDockWidget, QWidget
from some_views import every_panel, every_view

from minigrad_gui.views import VIEWS, loss_plot
from minigrad_gui.views.draw_panel import DrawPanel
from minigrad_gui.views.view import Docked
from minigrad_gui.widgets import accessibility

pytestmark = pytest.mark.panels("DrawPanel")

curves = pytest.mark.tabs("curvesView")
training, settings = pytest.mark.panels("TrainingPanel"), pytest.mark.panels("ConfigPanel")

Name, Description, Value = (getattr(QAccessible.Text, kind) for kind in ("Name", "Description", "Value"))
Role = QAccessible.Role
HOLDERS = {Role.Client, Role.LayeredPane, Role.Pane, Role.StaticText}
"""Roles that need no name unless focusable: containers, corners of tables, and texts, which are their own names."""


@pytest.fixture(autouse=True)
def assistive_technology() -> Iterator[None]:
    QAccessible.setActive(True)
    if not QAccessible.isActive():
        pytest.skip("before Qt 6.10 the offscreen platform takes no assistive technology")
    yield
    QAccessible.setActive(False)


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The announcements, which are still passed on to Qt."""
    told: list[str] = []

    class Event(accessibility.QAccessibleAnnouncementEvent):
        def __init__(self, widget: QWidget, message: str) -> None:
            super().__init__(widget, message)
            assert self.politeness() == QAccessible.AnnouncementPoliteness.Polite
            told.append(self.message())

    monkeypatch.setattr(accessibility, "QAccessibleAnnouncementEvent", Event)
    return told


class Heard(NamedTuple):
    """A copy of a node's properties. The node itself must not be stored: its widget deletes it."""

    role: QAccessible.Role
    name: str
    description: str
    value: str
    focusable: bool
    disabled: bool
    object_name: str


def node(widget: QWidget) -> QAccessibleInterface:
    return QAccessible.queryAccessibleInterface(widget)


def heard(found: QAccessibleInterface) -> Heard:
    texts = (found.text(kind) for kind in (Name, Description, Value))
    state, thing = found.state(), found.object()
    named = thing.objectName() if thing is not None else ""
    return Heard(found.role(), *texts, bool(state.focusable), bool(state.disabled), named)


def all_heard(top: QAccessibleInterface) -> list[Heard]:
    """All nodes that a person can reach, from the top down."""
    if top.state().invisible:
        return []
    told = [heard(top)]
    for index in range(top.childCount()):
        child = top.child(index)
        if child is not None and child.isValid():
            told.extend(all_heard(child))
    return told


def label_of(found: QAccessibleInterface) -> str:
    return " ".join(other.text(Name) for other, _ in found.relations(QAccessible.RelationFlag.Label))


def reading(user) -> None:
    user.draw(3)
    user.wait(lambda: user.session.prediction is not None)


# ---------------------------------------------------------------- names, roles, descriptions


@pytest.mark.usefixtures("few_digits")
@every_view
def test_everything_visible_has_a_name_without_tags(user):
    check_names(user.window, "blank")
    user.widget("hiddenLayersEdit").setText("a lot")
    check_names(user.window, "refused")
    user.widget("hiddenLayersEdit").setText("16")
    reading(user)
    check_names(user.window, "drawn")
    user.click("compareButton")
    check_names(user.window, "compared")
    user.click("compareButton")
    user.click("clearButton")
    user.train()
    check_names(user.window, "trained")


@pytest.mark.usefixtures("few_digits")
@every_view
def test_all_that_can_be_seen_in_each_tab_has_a_name_and_no_tags(user):
    user.train(hidden="32, 16")
    reading(user)
    docks = user.window.findChildren(QDockWidget)
    analyst = user.session._analyst
    for dock in docks:
        dock.bring_to_front()
        user.wait(lambda dock=dock: dock.widget().view is not None and dock.widget().view._is_seen)
        user.wait(lambda: not analyst._waiting and analyst._current is None)
        QApplication.processEvents()  # the answers
        check_names(user.window, dock.objectName())
    assert len(docks) == sum(isinstance(entry, Docked) for entry in VIEWS)


def check_names(window, state):
    told = all_heard(node(window))
    assert len(told) > 90
    for each in told:
        assert each.name or (each.role in HOLDERS and not each.focusable), (state, each)
        for text in (each.name, each.description, each.value):
            assert "<" not in text, (state, each)
            assert "&" not in text, (state, each)
        if each.role in (Role.Button, Role.CheckBox, Role.ComboBox, Role.SpinBox, Role.Slider, Role.EditableText):
            assert each.focusable or each.disabled, (state, each)


ROLES = {
    "drawingCanvas": (Role.Canvas, "Drawing canvas"),
    "networkPicture": (Role.Graphic, "What the network sees"),
    "variationPreview": (Role.Graphic, "Varied pictures"),
    "probabilityBars": (Role.Grouping, "Probability of each digit"),
    "progressBar": (Role.ProgressBar, "Training progress"),
    "undoButton": (Role.Button, "Undo"),
    "eraserButton": (Role.CheckBox, "Eraser"),
    "learningRateSpin": (Role.SpinBox, "Learning rate"),
    "shiftSlider": (Role.Slider, "Shift"),
}


@every_panel
def test_roles_fit(user):
    found = {name: heard(node(user.widget(name))) for name in ROLES}
    assert {name: (each.role, each.name) for name, each in found.items()} == ROLES


@every_view
def test_views_are_groups_and_combo_boxes_are_announced_by_their_labels(window):
    """On Linux, Qt names a combo box by its value and gives the label as a relation; elsewhere, as its name."""
    views = [heard(node(view)) for view in window._views]
    assert {"Drawing", "Training", "Learning curves", "Settings"} <= {view.name for view in views}
    assert len({view.name for view in views} - {""}) == len(views)
    assert {view.role for view in views} == {Role.Grouping}

    combos = window.findChildren(QComboBox)
    announced = {combo.objectName(): (label_of(node(combo)), combo.accessibleName()) for combo in combos}
    titles = {"preset": "Preset", "activation": "Activation", "optimizer": "Optimizer", "schedule": "Schedule"}
    titles |= {"normalization": "Normalization", "averaging": "Averaging", "keepBest": "Keep best"}
    titles |= {"dataset": "Dataset", "label": "Label"}
    assert announced == {f"{name}Combo": (title, title) for name, title in titles.items()}


@settings
def test_a_description_is_the_tool_tip_without_its_heading(user):
    described = node(user.widget("epochsSpin")).text(Description)
    assert described == "How often the network sees each training picture."
    assert user.widget("epochsSpin").toolTip().startswith("<b>Epochs</b>")


@settings
def test_an_amount_is_described_in_its_unit(user):
    slider = user.widget("shiftSlider")
    assert node(slider).text(Description).startswith("0 px. The maximum shift")
    slider.setValue(4)
    assert node(slider).text(Description).startswith("1 px. The maximum shift")


@settings
def test_the_error_of_a_setting_is_described_and_announced_once(user, announced):
    edit = user.widget("hiddenLayersEdit")
    edit.setText("a lot")
    complaint = user.widget("hiddenLayersError").text()
    assert complaint
    assert announced.count(complaint) == 1
    assert node(edit).text(Description).startswith(f"{complaint} The number of neurons")
    edit.setText("32")
    assert node(edit).text(Description).startswith("The number of neurons")


def test_the_canvas_describes_how_much_is_drawn(user):

    def described() -> str:
        return node(user.widget("drawingCanvas")).text(Description)

    assert described().startswith("Blank. ")
    user.draw(1)
    assert described().startswith("One stroke. ")
    user.draw(7)
    assert described().startswith("2 strokes. ")
    user.click("clearButton")
    assert described().startswith("Blank. ")


# ---------------------------------------------------------------- the ten bars


def bars_of(user) -> list[Heard]:
    return all_heard(node(user.widget("probabilityBars")))[1:]


def press(user, digit: int) -> None:
    """Press as assistive technology does."""
    action = node(user.widget("probabilityBars")).child(digit).actionInterface()
    action.doAction(action.pressAction())


def test_each_bar_is_a_button_that_describes_its_probability(user):
    bars = bars_of(user)
    assert [bar.name for bar in bars] == [f"digit {digit}" for digit in range(10)]
    assert {(bar.role, bar.focusable, bar.description) for bar in bars} == {(Role.Button, True, "")}
    reading(user)
    probabilities = user.session.prediction.probabilities
    assert [bar.description for bar in bars_of(user)] == [f"{value:.1%}" for value in probabilities]
    told = node(user.widget("probabilityBars")).text(Description)
    assert told == f"most likely 3, {probabilities[3]:.1%}"


def test_each_bar_is_accessible_at_its_position(user):
    widget = user.widget("probabilityBars")
    group = node(widget)
    for digit in range(10):
        at = widget.mapToGlobal(QPoint(widget.width() // 2, round((digit + 0.5) * widget.height() / 10)))
        assert group.childAt(at.x(), at.y()).text(Name) == f"digit {digit}"


@pytest.mark.usefixtures("few_digits")
def test_a_bar_that_is_pressed_by_assistive_technology_teaches(user):
    reading(user)
    with user.qtbot.waitSignal(user.widget("probabilityBars").chosen) as chosen:
        press(user, 5)
    assert chosen.args == [5]
    assert [drawing.label for drawing in user.session.drawing_store.drawings] == [5]


def test_no_bar_can_be_chosen_without_a_drawing(user):
    chosen: list[int] = []
    user.widget("probabilityBars").chosen.connect(chosen.append)
    press(user, 5)
    assert chosen == []


def focused() -> str:
    return node(QApplication.focusWidget()).text(Name)


def key(*keys: Qt.Key) -> None:
    for each in keys:
        QTest.keyClick(QApplication.focusWidget(), each)


def test_the_keyboard_moves_between_bars_and_one_tab_leaves_them(user):
    reading(user)
    user.widget("clearButton").setFocus()
    key(Qt.Key.Key_Tab)
    assert focused() == "digit 0"
    key(Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Up)
    assert focused() == "digit 2"
    key(Qt.Key.Key_End)
    assert focused() == "digit 9"
    key(Qt.Key.Key_Down)
    assert focused() == "digit 9"
    key(Qt.Key.Key_Home, Qt.Key.Key_Left)
    assert focused() == "digit 0"
    key(Qt.Key.Key_6)
    assert focused() == "digit 6"
    assert user.session.drawing_store.drawings == [], "moving there teaches nothing"
    key(Qt.Key.Key_Tab)
    assert not focused().startswith("digit ")
    key(Qt.Key.Key_Backtab)
    assert focused() == "digit 6", "Tab returns to the same bar"


@pytest.mark.usefixtures("few_digits")
def test_a_key_on_a_bar_teaches_like_a_click(user):
    reading(user)
    for digit, pressed in ((8, Qt.Key.Key_Return), (5, Qt.Key.Key_Enter), (2, Qt.Key.Key_Space)):
        user.widget("clearButton").setFocus()
        key(Qt.Key.Key_Tab, Qt.Key(Qt.Key.Key_0 + digit), pressed)
        assert [drawing.label for drawing in user.session.drawing_store.drawings] == [digit], pressed


@pytest.mark.usefixtures("few_digits")
def test_a_click_on_a_bar_does_not_take_the_focus(user):
    reading(user)
    user.widget("drawingCanvas").setFocus()
    bars = user.widget("probabilityBars")
    at = bars.mapTo(user.window, QPoint(5, round(4.5 * bars.height() / 10)))
    QTest.mouseClick(user.window.windowHandle(), Qt.MouseButton.LeftButton, pos=at)
    assert [drawing.label for drawing in user.session.drawing_store.drawings] == [4]
    assert user.widget("drawingCanvas").hasFocus()


# ---------------------------------------------------------------- the plots


@pytest.mark.usefixtures("few_digits")
@curves
@training
def test_the_plots_describe_the_loss_and_the_accuracy(user):
    plots = [user.widget(name) for name in ("lossPlot", "accuracyPlot")]
    assert [(heard(node(plot)).role, heard(node(plot)).name) for plot in plots] == [
        (Role.Chart, "Loss"),
        (Role.Chart, "Accuracy"),
    ]
    user.train()
    history = user.session.history
    loss = f"Loss {history.losses[-1]:.4f} at mini-batch {len(history):,}, "
    user.wait(lambda: node(plots[0]).text(Description).startswith(loss))
    (epoch,) = history.epochs
    assert f"Validation loss {epoch.validation_loss:.4f} after epoch 1." in node(plots[0]).text(Description)
    told = node(plots[1]).text(Description)
    assert (
        told
        == f"Training accuracy {epoch.accuracy:.2%} after epoch 1. Validation accuracy {epoch.validation_accuracy:.2%}."
    )


@curves
@training
def test_the_descriptions_of_the_plots_change_seldom_during_training(user, monkeypatch):
    plot = user.widget("lossPlot")
    monkeypatch.setattr(loss_plot, "DESCRIBING_S", 0)
    user.configure(epochs=1000)
    user.click("trainButton")
    user.wait(lambda: "at mini-batch" in node(plot).text(Description))
    monkeypatch.setattr(loss_plot, "DESCRIBING_S", 1e6)
    before, batches = node(plot).text(Description), len(user.session.history)
    user.wait(lambda: len(user.session.history) > batches + 100)
    assert node(plot).text(Description) == before
    monkeypatch.setattr(loss_plot, "DESCRIBING_S", 0)
    user.wait(lambda: node(plot).text(Description) != before)


@pytest.mark.usefixtures("few_digits")
@curves
@training
def test_the_arrow_keys_read_the_curve(user, announced):
    user.train()
    announced.clear()
    plot, readout, count = user.widget("lossPlot"), user.widget("plotReadout"), len(user.session.history)
    drawn = next(item for item in plot.listDataItems() if item.name() == "mini-batch")
    user.wait(lambda: drawn.xData is not None and len(drawn.xData) == count)

    def read(pressed: Qt.Key) -> str:
        QTest.keyClick(plot, pressed)
        assert announced[-1] == readout.text()
        return readout.text()

    plot.setFocus()
    assert f"{user.session.history.losses[-1]:.4f}" in read(Qt.Key.Key_Left)
    assert read(Qt.Key.Key_Left).startswith(f"Mini-batch {count - 1}")
    assert read(Qt.Key.Key_Home).startswith("Mini-batch 1 ")
    assert read(Qt.Key.Key_Left).startswith("Mini-batch 1 ")
    assert read(Qt.Key.Key_Right).startswith("Mini-batch 2 ")
    assert read(Qt.Key.Key_End).startswith(f"Mini-batch {count} ")


# ---------------------------------------------------------------- the Tab ring


def picture(widget: QWidget) -> QImage:
    return widget.grab().toImage()


@every_view
def test_each_tab_stop_shows_the_focus_and_the_ring_is_whole(user):
    user.window.activateWindow()
    user.wait(user.window.isActiveWindow)
    ring: list[QWidget] = []
    user.widget("presetCombo").setFocus()
    while (stop := QApplication.focusWidget()) not in ring:
        ring.append(stop)
        with_focus = picture(stop)
        stop.clearFocus()
        assert picture(stop) != with_focus, f"{stop.objectName() or stop} shows no focus"
        stop.setFocus(Qt.FocusReason.TabFocusReason)
        QTest.keyClick(stop, Qt.Key.Key_Tab)
    assert stop is ring[0]
    names = [each.objectName() for each in ring]
    expected = ["presetCombo", "hiddenLayersEdit", "shiftSlider", "trainButton", "logScaleCheck", "drawingCanvas"]
    assert sorted(expected, key=names.index) == expected, "from left to right"
    for each in ring:
        assert node(each).text(Name), each
        assert node(each).state().focusable


# ---------------------------------------------------------------- announcements


def shorten_silence(user):
    """What follows within it is one announcement, and the test need not wait long."""
    user.window.findChild(DrawPanel)._silence.setInterval(150)


def test_a_reading_is_announced_once_when_the_pen_rests(user, announced):
    shorten_silence(user)
    reading(user)
    user.wait(lambda: announced != [])
    assert announced == [f"3, {user.widget('verdictLabel').text()}"]
    user.click("clearButton")
    user.wait(lambda: len(announced) == 2)
    assert announced[1].startswith("The canvas is blank")


def test_a_number_and_its_selected_digit_are_announced(user, announced):
    shorten_silence(user)
    for x in (0.3, 0.6):
        user.stroke(np.array([[x, 0.2], [x, 0.5], [x, 0.8]]))
    user.wait(lambda: announced != [])
    assert announced[0].startswith("11, Digit 2 of 2: 1, ")
    canvas = user.widget("drawingCanvas")
    assert "2 digits: the arrow keys choose one" in canvas.accessibleDescription()
    QTest.keyClick(canvas, Qt.Key.Key_Left)
    assert announced[-1].startswith("Digit 1 of 2: 1, ")


def test_nothing_is_announced_while_the_pen_is_down(user, announced):
    shorten_silence(user)
    canvas = user.widget("drawingCanvas")
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(80, 60))
    QTest.mouseMove(canvas, QPoint(80, 200))
    panel = next(view for view in user.window._views if view.accessibleName() == "Drawing")
    assert panel._silence.isActive()
    panel._silence.stop()
    panel._announce_reading()
    assert announced == []
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(80, 200))
    user.wait(lambda: len(announced) == 1)


@training
def test_a_run_is_announced_when_it_begins_pauses_and_ends(user, announced):
    user.configure(epochs=1000)
    user.click("trainButton")
    user.wait(lambda: len(user.session.history) > 0)
    user.click("pauseButton")
    user.wait(lambda: user.session.state == "paused")
    user.click("pauseButton")
    user.wait(lambda: user.session.state == "training")
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle")
    assert [announced[0], announced[2]] == ["Training.", "Training."]
    assert "paused after" in announced[1]
    assert announced[-1].startswith(user.widget("statusLabel").text())
    assert f"accuracy: {user.widget('accuracyLabel').text()}." in announced[-1]
    assert len(announced) == 4, "and nothing in between"


def test_messages_at_the_foot_are_announced(user, announced, tmp_path):
    user.session.save(tmp_path / "a.npz")
    user.window.open(tmp_path / "a.npz")
    assert announced[-1] == "Opened a.npz"


@pytest.mark.usefixtures("few_digits")
@every_view
def test_without_assistive_technology_nothing_is_created_or_timed(user, monkeypatch):
    QAccessible.setActive(False)

    def refuse(*_: object) -> None:
        raise AssertionError("an event without assistive technology")

    monkeypatch.setattr(accessibility, "QAccessibleAnnouncementEvent", refuse)
    user.draw(1)
    user.train()
    panel = next(view for view in user.window._views if view.accessibleName() == "Drawing")
    assert not panel._silence.isActive()
