"""Model files, unsaved work, drag and drop, memory of settings, light and dark."""

import sys

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent, QPalette
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox

from engine import MLP, load_model, save_model
from minigrad_gui import theme
from minigrad_gui.data import asset_path
from minigrad_gui.views import VIEWS
from minigrad_gui.views.view import View

BUTTONS = QMessageBox.StandardButton


@pytest.fixture
def choose(monkeypatch):
    """The person picks this path in the next file dialogs."""

    def pick(path) -> None:
        for kind in ("getOpenFileName", "getSaveFileName"):
            monkeypatch.setattr(QFileDialog, kind, lambda *_: (str(path) if path else "", ""))

    return pick


def same(first: MLP, second: MLP) -> bool:
    return all(np.array_equal(a.data, b.data) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def other_model(path, sizes=(784, (12,), 10)):
    model = MLP(*sizes, dtype=np.float32, init="he", rng=np.random.default_rng(1))
    save_model(path, model, {"test_accuracy": 0.5})
    return model


def test_the_pretrained_network_is_there_at_the_first_start(window):
    assert window.session.model is not None
    assert window.session.meta["test_accuracy"] > 0.975
    assert window.windowTitle().startswith("Pretrained network")
    assert not window.isWindowModified()


def test_an_opened_model_brings_its_layers_to_the_panel(window, tmp_path):
    model = other_model(tmp_path / "mine.npz")
    window.open(tmp_path / "mine.npz")
    assert window.session.config.hidden == (12,)
    assert same(window.session.model, model)
    assert window.windowTitle().startswith("mine.npz")


def test_save_and_open_again(hand, choose, tmp_path):
    hand.train(hidden="20")
    trained = hand.session.model
    assert hand.window.isWindowModified()
    choose(tmp_path / "digits.npz")
    hand.trigger("saveAction")
    assert not hand.window.isWindowModified()
    assert hand.window.windowTitle().startswith("digits.npz")
    saved, meta = load_model(tmp_path / "digits.npz")
    assert same(saved, trained)
    assert meta["config"]["hidden"] == [20]
    assert meta["test_accuracy"] == hand.session.meta["test_accuracy"]
    assert meta["blas_threads"] == hand.session.preparation.blas_threads >= 1

    other_model(tmp_path / "other.npz")
    choose(tmp_path / "other.npz")
    hand.trigger("openAction")
    assert hand.session.model.sizes == (784, 12, 10)
    choose(tmp_path / "digits.npz")
    hand.trigger("openAction")
    assert same(hand.session.model, trained)


def test_save_goes_to_the_same_file_and_save_as_to_another(hand, choose, tmp_path):
    hand.train(hidden="8")
    choose(tmp_path / "one.npz")
    hand.trigger("saveAction")
    hand.click("keepWeightsCheck")
    hand.train(hidden="8")
    choose(None)
    hand.trigger("saveAction")
    assert same(load_model(tmp_path / "one.npz")[0], hand.session.model)
    choose(tmp_path / "two")
    hand.trigger("saveAsAction")
    assert (tmp_path / "two.npz").exists()


def test_a_new_network_does_not_overwrite_the_file_of_the_old_one(hand, choose, tmp_path):
    old = other_model(tmp_path / "old.npz")
    hand.window.open(tmp_path / "old.npz")
    hand.train(hidden="8")
    assert hand.session.path is None
    choose(tmp_path / "new.npz")
    hand.trigger("saveAction")
    assert same(load_model(tmp_path / "old.npz")[0], old)
    assert load_model(tmp_path / "new.npz")[0].sizes == (784, 8, 10)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"not a zip at all"])
def test_a_damaged_file_is_told_and_nothing_changes(hand, tmp_path, warnings, content):
    (tmp_path / "bad.npz").write_bytes(content)
    before = hand.session.model
    hand.window.open(tmp_path / "bad.npz")
    assert len(warnings) == 1
    assert "bad.npz" in warnings[0]
    assert "\n" not in warnings[0]
    assert hand.session.model is before


def test_a_network_for_other_pictures_is_refused(hand, tmp_path, warnings):
    other_model(tmp_path / "colour.npz", (3072, (8,), 10))
    hand.window.open(tmp_path / "colour.npz")
    assert "3072 inputs" in warnings[0]


def test_saving_where_one_cannot_is_told(hand, choose, tmp_path, warnings):
    choose(tmp_path / "missing" / "x.npz")
    hand.trigger("saveAsAction")
    assert len(warnings) == 1
    assert "could not be saved" in warnings[0]


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
def test_a_full_disk_is_told_and_the_older_file_stays(hand, choose, tmp_path, warnings):
    import resource

    path = tmp_path / "mine.npz"
    hand.window.open(asset_path("pretrained.npz"))
    other_model(path)
    before = path.read_bytes()
    choose(path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        hand.trigger("saveAsAction")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert len(warnings) == 1
    assert "could not be saved" in warnings[0]
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.glob("*.npz")] == ["mine.npz"]
    assert not list(tmp_path.glob(".*"))


def test_opening_during_training_ends_the_run(hand, answer, tmp_path):
    model = other_model(tmp_path / "other.npz")
    hand.configure(epochs=1000)
    hand.click("trainButton")
    hand.wait(lambda: len(hand.session.history) > 5)
    answer(BUTTONS.Discard)
    hand.window.open(tmp_path / "other.npz")
    assert hand.session.state == "idle"
    assert len(hand.session.history) == 0
    hand.train(hidden="8")
    assert not same(hand.session.model, model)


def test_unsaved_work_is_asked_about(hand, answer, choose, tmp_path):
    hand.train(hidden="8")
    other_model(tmp_path / "other.npz")
    trained = hand.session.model

    questions = answer(BUTTONS.Cancel)
    hand.window.open(tmp_path / "other.npz")
    assert hand.session.model is trained
    hand.window.close()
    assert hand.window.isVisible()
    assert len(questions) == 2

    answer(BUTTONS.Save)
    choose(None)
    hand.window.close()
    assert hand.window.isVisible(), "saving was cancelled, so the window stays"

    choose(tmp_path / "kept.npz")
    hand.window.close()
    assert not hand.window.isVisible()
    assert same(load_model(tmp_path / "kept.npz")[0], trained)


def test_closing_with_nothing_unsaved_asks_nothing(window):
    window.close()
    assert not window.isVisible()


@pytest.mark.filterwarnings("ignore:.*QDragEnterEvent:DeprecationWarning")  # Qt 6.12 wants a QPointF, 6.11 has none
def test_a_model_can_be_dropped_on_the_window(hand, tmp_path):
    model = other_model(tmp_path / "dropped.npz")

    def drop(path) -> bool:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        where, action, left = QPoint(50, 50), Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
        entered = QDragEnterEvent(where, action, data, left, Qt.KeyboardModifier.NoModifier)
        entered.ignore()
        QApplication.sendEvent(hand.window, entered)
        if entered.isAccepted():
            QApplication.sendEvent(hand.window, QDropEvent(where, action, data, left, Qt.KeyboardModifier.NoModifier))
        return entered.isAccepted()

    assert not drop(tmp_path / "picture.png")
    assert drop(tmp_path / "dropped.npz")
    assert same(hand.session.model, model)


def test_save_as_does_not_replace_a_file_unasked(hand, choose, answer, tmp_path):
    old = other_model(tmp_path / "digits.npz")
    choose(tmp_path / "digits")
    questions = answer(BUTTONS.No)
    hand.trigger("saveAsAction")
    assert questions == ["digits.npz exists already. Replace it?"]
    assert same(load_model(tmp_path / "digits.npz")[0], old)
    answer(BUTTONS.Yes)
    hand.trigger("saveAsAction")
    assert load_model(tmp_path / "digits.npz")[0].sizes != old.sizes


def test_a_recent_file_that_is_gone_is_forgotten(hand, tmp_path, warnings):
    other_model(tmp_path / "gone.npz")
    hand.window.open(tmp_path / "gone.npz")
    (tmp_path / "gone.npz").unlink()
    hand.window.open(tmp_path / "gone.npz")
    assert "no such file" in warnings[0]
    assert hand.window._recent_paths() == []


def test_a_stop_before_the_first_step_keeps_the_file(hand, tmp_path):
    other_model(tmp_path / "mine.npz")
    hand.window.open(tmp_path / "mine.npz")
    hand.click("trainButton")
    hand.click("stopButton")
    hand.wait(lambda: hand.session.state == "idle")
    assert len(hand.session.history) == 0
    assert hand.session.path == tmp_path / "mine.npz"


def test_weights_too_large_to_compute_with_give_no_answer(hand, tmp_path):
    model = MLP(784, (12,), 10, dtype=np.float32, init="he")
    for parameter in model.parameters():
        parameter.data[...] = 3e38
    save_model(tmp_path / "huge.npz", model)
    hand.draw(1)
    hand.window.open(tmp_path / "huge.npz")
    hand.wait(lambda: hand.widget("predictionLabel").text() == "No answer")
    assert hand.session.prediction is None


def test_recent_files(make_window, tmp_path):
    window = make_window()
    for name in ("a.npz", "b.npz", "a.npz"):
        other_model(tmp_path / name)
        window.open(tmp_path / name)
    window.close()
    window = make_window()
    window._recent.aboutToShow.emit()
    entries = window._recent.actions()
    assert [entry.text() for entry in entries] == [str(tmp_path / "a.npz"), str(tmp_path / "b.npz")]
    entries[1].trigger()
    assert window.session.path == tmp_path / "b.npz"


def test_size_and_columns_are_remembered(make_window):
    window = make_window()
    window.resize(1500, 700)
    window._splitter.setSizes([300, 700, 450])
    sizes = window._splitter.sizes()
    window.close()
    again = make_window()
    assert (again.width(), again.height()) == (1500, 700)
    assert again._splitter.sizes() == sizes


@pytest.mark.parametrize("name", ["light", "dark"])
def test_themes_are_chosen_and_remembered(make_window, name):
    window = make_window()
    next(action for action in window.findChildren(QAction) if action.data() == name).trigger()
    window_color = QApplication.palette().color(QPalette.ColorRole.Window)
    assert (window_color.lightness() < 128) == (name == "dark")
    assert theme.colors() == (theme.DARK if name == "dark" else theme.LIGHT)
    window.close()
    make_window()
    assert theme.colors() == (theme.DARK if name == "dark" else theme.LIGHT)


def test_plots_follow_the_theme(window):
    app = QApplication.instance()
    for dark, scheme in ((True, theme.DARK), (False, theme.LIGHT)):
        theme.apply(app, dark=dark)
        QApplication.processEvents()
        assert window.findChild(object, "lossPlot").backgroundBrush().color().name() == scheme.card


def test_every_view_stands_in_the_window(window):
    for view in VIEWS:
        assert window.findChild(view).isVisible()


def test_everything_has_a_name_for_screen_readers(window):
    from PySide6.QtWidgets import QPushButton

    for button in window.findChildren(QPushButton):
        assert button.text() or button.accessibleName(), button.objectName()


def test_the_event_loop_stays_lively_during_training(hand):
    import time

    from PySide6.QtCore import QTimer

    ticks: list[float] = []
    timer = QTimer(interval=5)
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    hand.configure(hidden="256, 128", epochs=1000, batch_size=32)
    hand.click("trainButton")
    hand.wait(lambda: len(hand.session.history) > 50)
    timer.start()
    hand.wait(lambda: len(hand.session.history) > 400)
    timer.stop()
    assert np.diff(ticks).max() < 0.5


def test_nothing_is_squeezed_in_the_smallest_window(hand, qtbot):
    window = hand.window
    window.resize(10, 10)
    qtbot.waitUntil(lambda: window.size() == window.minimumSizeHint())
    views = window.findChildren(View)
    assert len(views) == len(VIEWS)
    squeezed = [view for view in views if view.size() != view.size().expandedTo(view.minimumSizeHint())]
    assert not squeezed
