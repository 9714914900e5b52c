"""Model files, unsaved work, drag and drop, stored settings, light and dark."""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from foreign import nearest_mean
from layout import clipped, resized
from networks import same, save_other_network
from PIL import Image, ImageDraw, ImageFont
from PySide6.QtCore import QEvent, QMimeData, QPoint, Qt, QTimer, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent, QImage, QPalette
from PySide6.QtWidgets import QApplication, QDockWidget, QLabel, QMessageBox, QPushButton, QWidget
from some_views import every_panel, every_view, with_settings

from engine import MLP, load_model, save_model
from minigrad_gui import data, theme
from minigrad_gui.presets import PRESETS
from minigrad_gui.resources import asset_path
from minigrad_gui.views import VIEWS
from minigrad_gui.views.view import Docked, View
from minigrad_gui.widgets.picture_dialog import PictureDialog

pytestmark = [pytest.mark.tabs(), pytest.mark.panels()]
training = pytest.mark.panels("TrainingPanel")

BUTTONS = QMessageBox.StandardButton


@every_view
def test_the_first_start_opens_the_pretrained_network(window):
    assert window.session.model is not None
    assert window.session.record.test_accuracy > 0.975
    assert window.windowTitle().startswith("Pretrained network")
    assert not window.isWindowModified()


@pytest.mark.panels("ConfigPanel")
def test_opening_a_model_shows_its_layers_in_the_panel(window, tmp_path):
    model = save_other_network(tmp_path / "mine.npz")
    window.open(tmp_path / "mine.npz")
    assert window.session.config.hidden == (12,)
    assert same(window.session.model, model)
    assert window.windowTitle().startswith("mine.npz")


@pytest.mark.usefixtures("few_digits")
@training
def test_save_and_open_again(user, choose, tmp_path):
    user.train(hidden="20")
    trained = user.session.model
    assert user.window.isWindowModified()
    choose(tmp_path / "digits.npz")
    user.trigger("saveAction")
    assert not user.window.isWindowModified()
    assert user.window.windowTitle().startswith("digits.npz")
    saved, meta = load_model(tmp_path / "digits.npz")
    assert same(saved, trained)
    assert meta["config"]["hidden"] == [20]
    assert meta["test_accuracy"] == user.session.record.test_accuracy
    assert meta["blas_threads"] == user.session.preparation.blas_threads >= 1

    save_other_network(tmp_path / "other.npz")
    choose(tmp_path / "other.npz")
    user.trigger("openAction")
    assert user.session.model.sizes == (784, 12, 10)
    choose(tmp_path / "digits.npz")
    user.trigger("openAction")
    assert same(user.session.model, trained)


@pytest.mark.usefixtures("few_digits")
@with_settings
def test_save_goes_to_the_same_file_and_save_as_to_another(user, choose, tmp_path):
    user.train(hidden="8")
    choose(tmp_path / "one.npz")
    user.trigger("saveAction")
    user.click("continueCheck")
    user.train(hidden="8")
    choose(None)
    user.trigger("saveAction")
    assert same(load_model(tmp_path / "one.npz")[0], user.session.model)
    choose(tmp_path / "two")
    user.trigger("saveAsAction")
    assert (tmp_path / "two.npz").exists()


@pytest.mark.usefixtures("few_digits")
@training
def test_a_new_network_does_not_overwrite_the_file_of_the_old_one(user, choose, tmp_path):
    old = save_other_network(tmp_path / "old.npz")
    user.window.open(tmp_path / "old.npz")
    user.train(hidden="8")
    assert user.session.path is None
    choose(tmp_path / "new.npz")
    user.trigger("saveAction")
    assert same(load_model(tmp_path / "old.npz")[0], old)
    assert load_model(tmp_path / "new.npz")[0].sizes == (784, 8, 10)


def test_a_damaged_file_is_reported_and_changes_nothing(user, tmp_path, warnings):
    before = user.session.model
    for content in (b"", b"PK\x03\x04 cut", b"not a zip at all"):
        warnings.clear()
        (tmp_path / "bad.npz").write_bytes(content)
        user.window.open(tmp_path / "bad.npz")
        assert len(warnings) == 1, content
        assert "bad.npz" in warnings[0], content
        assert "\n" not in warnings[0], content
        assert user.session.model is before, content


def test_a_network_for_other_pictures_is_refused(user, tmp_path, warnings):
    save_other_network(tmp_path / "colour.npz", (3072, (8,), 10))
    user.window.open(tmp_path / "colour.npz")
    assert "3072 inputs" in warnings[0]


def test_a_failed_save_is_reported(user, choose, tmp_path, warnings):
    choose(tmp_path / "missing" / "x.npz")
    user.trigger("saveAsAction")
    assert len(warnings) == 1
    assert "could not be saved" in warnings[0]


def test_a_network_is_exported(user, choose, tmp_path, warnings):
    choose(tmp_path / "page.html")
    user.trigger("exportAction")
    user.wait(lambda: user.window.statusBar().currentMessage() == "Exported page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    choose(tmp_path / "missing" / "page.html")
    user.trigger("exportAction")
    user.wait(lambda: len(warnings) == 1)
    assert "could not be saved" in warnings[0]
    choose(None)
    user.trigger("exportAction")


@pytest.mark.panels("ConfigPanel")
def test_settings_go_out_and_come_in(user, choose, tmp_path, warnings):
    path = tmp_path / "run.toml"
    choose(path)
    user.trigger("exportAction")
    user.wait(path.exists)
    assert user.session.config.epochs != 3
    path.write_text(path.read_text().replace("epochs =", "epochs = 3 #"))
    user.trigger("openSettingsAction")
    assert (user.session.config.epochs, user.session.config.hidden) == (3, PRESETS["best"].hidden)
    assert user.widget("epochsSpin").value() == 3
    path.write_text("epochs = 0")
    user.window.open_settings(path)
    assert len(warnings) == 1
    assert user.session.config.epochs == 3


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
def test_a_full_disk_is_reported_and_the_old_file_stays(user, choose, tmp_path, warnings):
    import resource

    path = tmp_path / "mine.npz"
    user.window.open(asset_path("pretrained.npz"))
    save_other_network(path)
    before = path.read_bytes()
    choose(path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        user.trigger("saveAsAction")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert len(warnings) == 1
    assert "could not be saved" in warnings[0]
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.glob("*.npz")] == ["mine.npz"]
    assert not list(tmp_path.glob(".*"))


@every_view
def test_opening_during_training_ends_the_run(user, answer, tmp_path):
    model = save_other_network(tmp_path / "other.npz")
    user.configure(epochs=1000)
    user.click("trainButton")
    user.wait(lambda: len(user.session.history) > 5)
    answer(BUTTONS.Discard)
    user.window.open(tmp_path / "other.npz")
    assert user.session.state == "idle"
    assert len(user.session.history) == 0
    user.train(hidden="8")
    assert not same(user.session.model, model)


def test_save_as_asks_before_it_replaces_a_file(user, choose, answer, tmp_path):
    old = save_other_network(tmp_path / "digits.npz")
    choose(tmp_path / "digits")
    questions = answer(BUTTONS.No)
    user.trigger("saveAsAction")
    assert questions == ["digits.npz already exists. Replace it?"]
    assert same(load_model(tmp_path / "digits.npz")[0], old)
    answer(BUTTONS.Yes)
    user.trigger("saveAsAction")
    assert load_model(tmp_path / "digits.npz")[0].sizes != old.sizes


@training
def test_a_stop_before_the_first_step_does_not_change_the_file(user, tmp_path):
    save_other_network(tmp_path / "mine.npz")
    user.window.open(tmp_path / "mine.npz")
    user.click("trainButton")
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle")
    assert len(user.session.history) == 0
    assert user.session.path == tmp_path / "mine.npz"


@pytest.mark.panels("DrawPanel")
def test_weights_too_large_to_compute_with_give_no_answer(user, tmp_path):
    model = MLP(784, (12,), 10, dtype=np.float32, init="he")
    for parameter in model.parameters():
        parameter.data[...] = 3e38
    save_model(tmp_path / "huge.npz", model)
    user.draw(1)
    user.window.open(tmp_path / "huge.npz")
    user.wait(lambda: user.widget("predictionLabel").text() == "No answer")
    assert user.session.prediction is None


@every_view
def test_every_view_is_in_the_window_and_its_actions_and_buttons_have_names(window):
    for button in window.findChildren(QPushButton):
        assert button.text() or button.accessibleName(), button.objectName()
    for entry in VIEWS:
        if isinstance(entry, Docked):
            window.findChild(QDockWidget, f"{entry.name}Dock").bring_to_front()
            assert window.findChild(QWidget, entry.name).isVisible()
        else:
            assert window.findChild(entry).isVisible()
    names = Counter(action.objectName() for action in window.findChildren(QAction))
    assert [name for name, count in names.items() if name.endswith("Action") and count > 1] == [], "no two have one"


@every_view
def test_the_event_loop_runs_during_training(user):
    ticks: list[int] = []
    timer = QTimer(interval=5)
    timer.timeout.connect(lambda: ticks.append(len(user.session.history)))
    user.configure(hidden="256, 128", epochs=1000, batch_size=32)
    user.click("trainButton")
    user.wait(lambda: len(user.session.history) > 50)
    timer.start()
    user.wait(lambda: len(user.session.history) > 2000)
    timer.stop()
    assert len(ticks) >= 20
    assert np.diff(ticks).max() < 1000, "mini-batches between two iterations of the event loop"


@every_view
def test_nothing_is_clipped_in_the_smallest_window(user, qtbot):
    window = user.window
    window.resize(10, 10)
    qtbot.waitUntil(lambda: window.size() == window.minimumSizeHint())
    views = window.findChildren(View)
    assert len(views) == sum(not isinstance(entry, Docked) for entry in VIEWS) + 1

    def squeezed() -> list[View]:
        return [
            view for view in views if view.isVisible() and view.size() != view.size().expandedTo(view.minimumSizeHint())
        ]

    qtbot.waitUntil(lambda: not squeezed())


# ---------------------------------------------------------------- screens


SIZES = [(1024, 540), (1093, 580), (1280, 680), (1366, 728), (1536, 824), (1920, 1040), (2560, 1400), (3840, 2120)]


@every_view
def test_nothing_is_clipped_at_any_size_and_the_canvas_grows(user):
    def assert_nothing_clipped() -> None:
        for size in SIZES:
            resized(window, *size)
            assert clipped(window) == [], size
            assert window.centralWidget().widget().width() <= window.width(), size
            sides[size] = min(canvas.width(), canvas.height())

    window, canvas, sides = user.window, user.widget("drawingCanvas"), {}
    assert_nothing_clipped()
    growing = [sides[size] for size in ((1024, 540), (1920, 1040), (3840, 2120))]
    assert growing == sorted(set(growing))
    assert 0.2 * 3840 <= growing[-1] <= 0.3 * 3840
    user.draw(3)
    user.wait(lambda: user.session.prediction is not None)
    user.click("compareButton")
    user.widget("hiddenLayersEdit").setText("256, abc")
    assert_nothing_clipped()


@every_view
def test_a_large_font_is_not_clipped(make_window):
    app = QApplication.instance()
    before = app.font()
    large = app.font()
    large.setPointSizeF(1.5 * before.pointSizeF())
    app.setFont(large)
    try:
        window = make_window()
        for size in ((1366, 728), (1920, 1040)):
            resized(window, *size)
            assert clipped(window) == []
    finally:
        app.setFont(before)


@pytest.mark.usefixtures("few_digits")
@with_settings
def test_the_menu_opens_the_pretrained_network_with_its_settings(user, answer):
    pretrained = user.session.model
    user.train(hidden="8")
    trained = user.session.model
    questions = answer(BUTTONS.Cancel)
    user.trigger("openPretrainedAction")
    assert len(questions) == 1
    assert "Save it before you open the pretrained network?" in questions[0]
    assert user.session.model is trained
    answer(BUTTONS.Discard)
    user.trigger("openPretrainedAction")
    assert same(user.session.model, pretrained)
    assert user.window.windowTitle().startswith("Pretrained network")
    assert user.session.config == PRESETS["best"]
    assert user.widget("hiddenLayersEdit").text() == "512, 512"
    assert not user.window.isWindowModified()


@pytest.mark.usefixtures("few_digits")
@with_settings
def test_each_network_has_its_own_name(user, tmp_path):
    titles = [user.window.windowTitle()]
    for hidden in ("8", "12, 9"):
        user.train(hidden=hidden)
        titles.append(user.window.windowTitle())
    assert [title.removesuffix("[*] – minigrad") for title in titles] == [
        "Pretrained network",
        "New network 1 (8, 1 epoch)",
        "New network 2 (12-9, 1 epoch)",
    ]
    back = user.window.findChild(QAction, "backAction")
    assert back.text() == "&Restore New network 1 (8, 1 epoch)"
    user.trigger("backAction")
    assert user.window.windowTitle() == titles[1]
    assert back.text() == "&Restore New network 2 (12-9, 1 epoch)"
    user.session.save(tmp_path / "mine.npz")
    assert user.window.windowTitle().startswith("mine.npz[*]")
    user.widget("continueCheck").click()
    user.train(hidden="8")
    assert user.window.windowTitle().startswith("mine.npz, trained further[*]")


@pytest.mark.usefixtures("few_digits")
@with_settings
def test_restoring_a_network_restores_its_settings(user):
    user.train(hidden="8", batch_size=1000)
    first = user.session.config
    user.widget("seedSpin").setValue(5)
    user.train(hidden="12, 9", epochs=2, batch_size=500)
    second = user.session.config
    user.trigger("backAction")
    assert user.session.config == first
    assert user.widget("hiddenLayersEdit").text() == "8"
    assert user.widget("seedSpin").value() == 0
    user.trigger("backAction")
    assert user.session.config == second
    assert user.widget("batchSizeSpin").value() == 500


@pytest.mark.usefixtures("few_digits")
@with_settings
def test_an_opened_network_shows_the_epochs_of_its_file(user, tmp_path):
    user.widget("validationSpin").setValue(10)
    user.train(hidden="8", epochs=2, batch_size=1000)
    epochs = user.session.history.epochs
    user.session.save(tmp_path / "mine.npz")
    user.window.open(tmp_path / "mine.npz")
    assert user.session.history.epochs == epochs
    assert user.session.history.steps_per_epoch == 54
    assert len(user.session.history) == 0


@every_panel
def test_an_invalid_training_record_is_ignored(user, tmp_path):
    model = MLP(784, (8,), 10, dtype=np.float32, init="he")
    about = {"config": 3, "epochs": [{"epoch": 0}], "learning_rate_changes": [{"mini_batches": "x"}, 3]}
    save_model(tmp_path / "odd.npz", model, about)
    user.window.open(tmp_path / "odd.npz")
    assert user.session.path == tmp_path / "odd.npz"
    assert user.session.history.epochs == []
    assert user.session.history.rate_changes == []
    user.window.grab()


@pytest.mark.usefixtures("few_digits")
@training
def test_unsaved_work_is_asked_about(user, answer, choose, tmp_path):
    user.train(hidden="8")
    save_other_network(tmp_path / "other.npz")
    trained = user.session.model

    questions = answer(BUTTONS.Cancel)
    user.window.open(tmp_path / "other.npz")
    assert user.session.model is trained
    user.window.close()
    assert user.window.isVisible()
    assert len(questions) == 2

    answer(BUTTONS.Save)
    choose(None)
    user.window.close()
    assert user.window.isVisible(), "saving was cancelled, so the window stays open"

    choose(tmp_path / "saved.npz")
    user.window.close()
    assert not user.window.isVisible()
    assert same(load_model(tmp_path / "saved.npz")[0], trained)


@every_view
def test_closing_with_nothing_unsaved_asks_nothing(window):
    window.close()
    assert not window.isVisible()


@pytest.fixture
def drop(user):
    """`drop(mime data)`: drags it over the window and drops it if accepted; returns whether it was."""

    def drag_and_drop(dragged: QMimeData) -> bool:
        where, action, left = QPoint(50, 50), Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
        entered = QDragEnterEvent(where, action, dragged, left, Qt.KeyboardModifier.NoModifier)
        entered.ignore()
        QApplication.sendEvent(user.window, entered)
        if entered.isAccepted():
            dropped = QDropEvent(where, action, dragged, left, Qt.KeyboardModifier.NoModifier)
            QApplication.sendEvent(user.window, dropped)
        return entered.isAccepted()

    return drag_and_drop


def files(*paths) -> QMimeData:
    dragged = QMimeData()
    dragged.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return dragged


def refusal(user) -> str:
    return user.widget("refusalLabel").text() if user.widget("refusal").isVisible() else ""


DRAGS = pytest.mark.filterwarnings(
    "ignore:.*QDragEnterEvent:DeprecationWarning"
)  # Qt 6.12 wants a QPointF, 6.11 has none


@DRAGS
def test_a_model_can_be_dropped_on_the_window(user, drop, tmp_path):
    model = save_other_network(tmp_path / "dropped.npz")
    assert not drop(files(tmp_path / "picture.svg"))
    assert drop(files(tmp_path / "dropped.npz"))
    assert same(user.session.model, model)
    assert refusal(user) == ""


@DRAGS
@training
def test_networks_of_other_programs_are_dropped_or_opened(user, drop, choose, answer, tmp_path, warnings):
    (tmp_path / "turned.pt").write_bytes(nearest_mean(transposed=True))
    (tmp_path / "upright.pt").write_bytes(nearest_mean())
    (tmp_path / "cut.onnx").write_bytes(b"")
    before = user.session.model
    assert drop(files(tmp_path / "turned.pt"))
    assert user.window.statusBar().currentMessage() == "Reading turned.pt…"
    user.wait(lambda: user.session.model is not before)
    notice = user.widget("noticeLabel")
    assert "turned.pt reads MNIST better if pixels are from 0 to 1, transposed" in notice.accessibleName()
    assert (user.session.name, user.session.path, user.session.modified) == ("turned.pt", None, False)
    before = user.session.model
    user.click("noticeLeavePixelsAsTheyAreButton")
    user.wait(lambda: user.session.model is not before)
    assert "recognises no digits of MNIST" in notice.accessibleName()

    user.configure(epochs=1000)
    user.click("trainButton")
    user.wait(lambda: len(user.session.history) > 5)
    questions = answer(BUTTONS.Cancel)
    choose(tmp_path / "upright.pt")
    user.trigger("openAction")
    user.wait(lambda: len(questions) == 1)
    assert user.session.state == "training", "nothing is lost without a question"
    answer(BUTTONS.Discard)
    user.trigger("openAction")
    user.wait(lambda: user.session.name == "upright.pt")
    assert not user.widget("notice").isVisible()
    assert user.session.state == "idle"

    assert drop(files(tmp_path / "cut.onnx"))
    user.wait(lambda: bool(warnings))
    assert len(warnings) == 1
    assert warnings[0].startswith("cut.onnx ")
    assert user.session.name == "upright.pt"


@pytest.fixture
def number(tmp_path) -> Path:
    """A picture file that shows 2026."""
    sheet = Image.new("L", (320, 120), 255)
    font = ImageFont.truetype("DejaVuSans.ttf", 75)
    ImageDraw.Draw(sheet).text((160, 60), "2026", 0, font=font, anchor="mm")
    sheet.save(tmp_path / "number.png")
    return tmp_path / "number.png"


def read_number(user) -> str:
    """The reading shown in the picture dialog, which is then closed."""
    (dialog,) = user.window.findChildren(PictureDialog)
    number = dialog.findChild(QLabel, "pictureNumber")
    user.wait(lambda: number.text() != "")
    text = number.text()
    dialog.close()
    dialog.deleteLater()
    QApplication.sendPostedEvents(dialog, QEvent.Type.DeferredDelete)
    return text


@DRAGS
def test_a_picture_can_be_dropped_pasted_or_opened(user, drop, number, choose):
    before = user.session.model
    assert drop(files(number))
    assert read_number(user) == "2026"
    QApplication.clipboard().setImage(QImage(str(number)))
    user.trigger("pastePictureAction")
    assert read_number(user) == "2026"
    QApplication.clipboard().setMimeData(files(number))
    user.trigger("pastePictureAction")
    assert read_number(user) == "2026"
    choose(number)
    user.trigger("readPictureAction")
    assert read_number(user) == "2026"
    assert user.session.model is before


def test_a_picture_may_be_closed_while_it_is_being_read(user, tmp_path):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (1500, 1500), np.uint8)).save(tmp_path / "large.bmp")
    user.window.read_picture(tmp_path / "large.bmp")
    (dialog,) = user.window.findChildren(PictureDialog)
    assert dialog.findChild(QLabel, "pictureNote").text() == "Reading…"
    dialog.close()
    user.wait(lambda: not user.window.findChildren(PictureDialog))


def test_without_a_picture_on_the_clipboard_nothing_is_read(user):
    QApplication.clipboard().clear()
    user.trigger("pastePictureAction")
    assert not user.window.findChildren(PictureDialog)
    QApplication.clipboard().setText("2026")
    user.trigger("pastePictureAction")
    assert not user.window.findChildren(PictureDialog)


def test_a_file_that_is_not_a_picture_is_reported(user, number, warnings):
    number.write_text("2026")
    user.window.read_picture(number)
    assert warnings == [f"{number} is not a picture."]
    assert not user.window.findChildren(PictureDialog)


@DRAGS
@pytest.mark.panels("TrainingPanel", "DrawPanel")
def test_what_cannot_be_dropped_is_refused_with_the_reason(user, drop, tmp_path):
    user.draw(1)
    before, strokes = user.session.model, user.widget("drawingCanvas").strokes
    for state in ("idle", "training"):
        if state == "training":
            user.configure(epochs=1000)
            user.click("trainButton")
        assert not drop(files(tmp_path / "notes.txt")), state
        assert "“notes.txt” cannot be opened." in refusal(user), state
        assert user.session.state == state
        assert state == "training" or user.session.model is before
        assert len(user.widget("drawingCanvas").strokes) == len(strokes), state
        user.click("refusalCloseButton")
        assert refusal(user) == "", state


@DRAGS
@training
def test_a_model_dropped_during_a_run_is_asked_about(user, drop, answer, tmp_path):
    model = save_other_network(tmp_path / "dropped.npz")
    user.configure(epochs=1000)
    user.click("trainButton")
    user.wait(lambda: len(user.session.history) > 5)
    questions = answer(BUTTONS.Cancel)
    assert drop(files(tmp_path / "dropped.npz"))
    assert questions == [], "the question waits until the drop has been answered"
    user.wait(lambda: len(questions) == 1)
    assert user.session.state == "training"
    answer(BUTTONS.Discard)
    assert drop(files(tmp_path / "dropped.npz"))
    user.wait(lambda: user.session.state == "idle")
    assert same(user.session.model, model)


@DRAGS
@pytest.mark.tabs("datasetView")
@pytest.mark.panels("ConfigPanel")
def test_a_dataset_can_be_dropped_or_opened_from_the_menu(user, drop, few, choose, tmp_path, warnings):
    for name in ("dropped", "opened"):
        np.savez(tmp_path / f"{name}.npz", x_train=few.train_images[:300], y_train=few.train_labels[:300])
    assert drop(files(tmp_path / "dropped.npz"))
    assert "Opening dropped.npz" in user.window.statusBar().currentMessage()
    user.wait(lambda: user.session.source == str(tmp_path / "dropped.npz"))
    assert user.widget("datasetCombo").currentText() == "dropped.npz"
    choose(tmp_path / "opened.npz")
    user.trigger("openDataFileAction")
    user.wait(lambda: user.session.source == str(tmp_path / "opened.npz"))
    assert warnings == []
    (tmp_path / "empty").mkdir()
    assert drop(files(tmp_path / "empty"))
    user.wait(lambda: warnings != [])
    assert "neither pictures nor a dataset" in warnings[0]
    assert user.session.source == str(tmp_path / "opened.npz")
    box = user.widget("datasetCombo")
    box.setCurrentIndex(box.findData(str(tmp_path / "dropped.npz")))
    user.wait(lambda: user.session.source == str(tmp_path / "dropped.npz"))


@pytest.mark.tabs("datasetView")
@pytest.mark.panels("ConfigPanel")
def test_opened_datasets_are_remembered_by_the_next_window(make_user, few, tmp_path):
    path = tmp_path / "own.npz"
    np.savez(path, x_train=few.train_images[:300], y_train=few.train_labels[:300])
    first = make_user()
    turned = data.Choices(orientation="transposed")
    first.session.open_dataset(path, turned)
    first.wait(lambda: first.session.source == str(path))
    first.window.close()
    second = make_user()
    assert (second.session.source, second.session.choices) == (str(path), turned)
    assert second.session.recent_datasets == ((str(path), turned),)


def test_a_missing_recent_file_is_removed_from_the_menu(user, tmp_path, warnings):
    save_other_network(tmp_path / "gone.npz")
    user.window.open(tmp_path / "gone.npz")
    (tmp_path / "gone.npz").unlink()
    user.window.open(tmp_path / "gone.npz")
    assert "no such file" in warnings[0]
    assert user.window._recent.paths() == []


def test_recent_files(make_window, tmp_path):
    window = make_window()
    for name in ("a.npz", "b.npz", "a.npz"):
        save_other_network(tmp_path / name)
        window.open(tmp_path / name)
    window.close()
    window = make_window()
    window._recent.aboutToShow.emit()
    entries = window._recent.actions()
    assert [entry.text() for entry in entries] == [str(tmp_path / "a.npz"), str(tmp_path / "b.npz")]
    entries[1].trigger()
    assert window.session.path == tmp_path / "b.npz"


@every_view
def test_themes_are_chosen_followed_by_plots_and_remembered(make_window):
    window = make_window()
    for name, colors in (("dark", theme.DARK), ("light", theme.LIGHT)):
        next(action for action in window.findChildren(QAction) if action.data() == name).trigger()
        window_color = QApplication.palette().color(QPalette.ColorRole.Window)
        assert (window_color.lightness() < 128) == (name == "dark")
        assert theme.colors() == colors
        QApplication.processEvents()
        assert window.findChild(object, "lossPlot").backgroundBrush().color().name() == colors.card
        window.close()
        window = make_window()
        assert theme.colors() == colors
