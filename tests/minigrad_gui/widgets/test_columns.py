"""Columns of the window: their widths, and the settings that fold away in a small window."""

import pytest
from layout import clipped, resized
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QLabel,
    QWidget,
)

from minigrad_gui.widgets.legend import Legend


@pytest.mark.tabs
def test_size_and_columns_are_remembered(make_window):
    window = make_window()
    window.resize(1500, 700)
    window._splitter.setSizes([300, 700, 450])
    sizes = window._splitter.sizes()
    window.close()
    again = make_window()
    assert (again.width(), again.height()) == (1500, 700)
    assert again._splitter.sizes() == sizes


@pytest.mark.parametrize(("size", "has_settings"), [((1280, 720), True), ((1024, 576), False)])
def test_no_view_rearranges_the_window_by_coming_to_the_front(user, size, has_settings):
    settings, canvas = user.widget("hiddenLayersEdit"), user.widget("drawingCanvas")
    resized(user.window, *size)
    before = canvas.width()
    arranged = {}
    for dock in user.window.findChildren(QDockWidget):
        dock.action.trigger()
        user.wait(dock.action.isChecked)
        resized(user.window, *size)
        arranged[dock.objectName()] = settings.isVisible(), canvas.width()
    assert arranged == dict.fromkeys(arranged, (has_settings, before))
    assert len(arranged) > 8
    assert before > 250


@pytest.mark.tabs
def test_the_settings_fold_away_in_a_small_window_and_reappear(user):
    window, panel = user.window, user.widget("hiddenLayersEdit")
    shows = window.findChild(QAction, "showSettingsAction")
    resized(window, 1400, 820)
    assert panel.isVisible()
    assert shows.isChecked()
    resized(window, 1024, 540)
    assert not panel.isVisible()
    assert not shows.isChecked()
    user.click("showSettingsButton")
    assert panel.isVisible()
    assert shows.isChecked()
    resized(window, 1024, 540)
    assert clipped(window) == []
    shows.trigger()
    assert not panel.isVisible()
    resized(window, 1400, 820)
    assert not panel.isVisible(), "the person folded them away"
    shows.trigger()
    assert panel.isVisible()
    resized(window, 1024, 540)
    resized(window, 1400, 820)
    assert panel.isVisible(), "the window folded them away"
    shows.trigger()
    shows.trigger()
    resized(window, 1024, 540)
    assert not panel.isVisible(), "there was room for them when they were asked for"


@pytest.mark.tabs("networkView")
def test_the_settings_show_on_request_however_narrow_the_window(user):
    window, panel = user.window, user.widget("hiddenLayersEdit")
    resized(window, 900, 900)
    assert not panel.isVisible()
    for view in ("Network", "Curves"):  # they need more and less room
        user.trigger(f"show{view}Action")
        resized(window, 900, 900)
        user.click("showSettingsButton")
        resized(window, 900, 900)
        assert panel.isVisible()
        user.click("showSettingsButton")
        resized(window, 900, 900)
        assert not panel.isVisible()
    user.click("showSettingsButton")
    user.trigger("showNetworkAction")
    for width in (900, 700, 900):
        resized(window, width, 900)
        assert panel.isVisible()


@pytest.mark.tabs
def test_whether_the_settings_show_is_remembered(make_window):
    window = make_window()
    window.findChild(QAction, "showSettingsAction").trigger()
    window.close()
    again = make_window()
    assert not again.findChild(QWidget, "hiddenLayersEdit").isVisible()
    again.findChild(QAction, "showSettingsAction").trigger()
    again.close()
    assert make_window().findChild(QWidget, "hiddenLayersEdit").isVisible()


@pytest.mark.tabs
def test_enlarging_the_window_again_restores_the_columns(user):
    window = user.window
    resized(window, 1600, 900)
    window._splitter.setSizes([330, 700, 500])
    before = window._splitter.sizes()
    for size in ((1024, 540), (700, 400), (3000, 1700), (1600, 900)):
        resized(window, *size)
    assert window._splitter.sizes() == before


@pytest.mark.usefixtures("few_digits")
def test_the_least_size_stays_when_a_run_starts(user):
    window = user.window
    least = window.minimumSizeHint()
    assert least.width() <= 683
    assert least.height() <= 356
    user.click("compareButton")
    user.configure(epochs=100_000)
    user.click("trainButton")
    user.wait(lambda: len(user.session.history) > 5)
    user.session.noticed.emit("Training continues, but the run would be lost if the program ended now.")
    QApplication.processEvents()
    assert window.minimumSizeHint() == least


def narrowed(user):
    """Make the window as narrow as possible with the settings shown."""
    settings, too_narrow, enough = user.widget("presetCombo"), 600, 1600
    while enough - too_narrow > 4:
        width = (too_narrow + enough) // 2
        resized(user.window, width, 724)
        too_narrow, enough = (too_narrow, width) if settings.isVisible() else (width, enough)
    resized(user.window, enough, 724)
    assert settings.isVisible()
    assert too_narrow > 600


@pytest.mark.usefixtures("few_digits")
@pytest.mark.tabs("curvesView")
def test_no_run_folds_the_settings_away(user, explode):
    """The status and the heading of one that fails are longer than those before."""
    title = next(label for label in user.window.findChildren(QLabel) if label.text() == "Learning curves")
    narrowed(user)
    user.configure(epochs=100_000)
    user.click("trainButton")
    user.wait(lambda: len(user.session.history.epochs) > 1)
    legend = user.window.findChild(Legend)
    user.wait(lambda: len(legend.entries) == 3)
    user.wait(lambda: legend.width() >= legend.minimumSizeHint().width())  # the layout is settled
    assert user.widget("presetCombo").isVisible()
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle")
    explode(user)
    user.wait(lambda: "from before this run" in user.widget("diagnosisLabel").text())
    user.wait(lambda: title.text() != "Learning curves")
    QApplication.sendPostedEvents()
    QApplication.processEvents()
    assert user.widget("presetCombo").isVisible()
