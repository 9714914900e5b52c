"""The sliders that vary the training digits, and the preview of the variations."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QSlider

from engine import Augmentation
from minigrad_gui import data
from minigrad_gui.presets import PRESETS
from minigrad_gui.views.config_panel import PREVIEWED_LABELS
from minigrad_gui.widgets.amount_slider import AmountSlider
from minigrad_gui.widgets.variation_preview import COLUMNS, ROWS, VariationPreview

pytestmark = pytest.mark.panels("ConfigPanel", "TrainingPanel")

KEYS = Qt.Key


@pytest.fixture
def preview(user):
    preview = user.widget("variationPreview")
    assert preview.pictures is None, "it has not been seen yet"
    picture(preview)
    return preview


def picture(preview) -> QImage:
    return preview.grab().toImage()


def pixels(image: QImage) -> np.ndarray:
    grey = image.convertToFormat(QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(grey.constBits(), np.uint8).reshape(grey.height(), grey.bytesPerLine())
    return rows[:, : grey.width()].copy()


def sheet(samples: np.ndarray, zoom: int) -> np.ndarray:
    """The digits side by side, each pixel as a square."""
    side = samples.shape[-1]
    flat = samples.reshape(ROWS, COLUMNS, side, side).swapaxes(1, 2).reshape(ROWS * side, COLUMNS * side)
    return flat.repeat(zoom, axis=0).repeat(zoom, axis=1)


def test_editing_another_field_leaves_the_best_presets_variations(user, qtbot):
    qtbot.keyClicks(user.widget("presetCombo"), "B")
    assert user.session.config == PRESETS["best"]
    assert user.widget("scaleSlider").readout.text() == "14%"
    assert user.widget("elasticSlider").readout.text() == "1.1 px"
    epochs = user.widget("epochsSpin")
    qtbot.keyClick(epochs, KEYS.Key_Up)
    assert user.session.config.augmentation == PRESETS["best"].augmentation
    qtbot.keyClick(epochs, KEYS.Key_Down)
    assert user.session.config == PRESETS["best"]
    qtbot.keyClick(user.widget("elasticSlider"), KEYS.Key_Left)
    assert user.session.config.augmentation.elastic_px == 1.0
    assert user.widget("presetCombo").currentText() == "Custom"
    qtbot.keyClick(user.widget("elasticSlider"), KEYS.Key_Right)
    assert user.session.config == PRESETS["best"]


def test_sliders_presets_and_schedule_are_disabled_during_training(user):
    resting = [*user.window.findChildren(AmountSlider), user.widget("presetCombo"), user.widget("scheduleCombo")]
    user.configure()
    user.click("stepButton")
    assert user.session.state == "paused"
    assert not any(widget.isEnabled() for widget in resting)
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle")
    assert all(widget.isEnabled() for widget in resting)


def test_variations_are_restored_in_the_next_window(make_window, qtbot):
    first = make_window()
    qtbot.keyClick(first.findChild(QSlider, "thicknessSlider"), KEYS.Key_Right)
    qtbot.keyClick(first.findChild(QSlider, "scaleSlider"), KEYS.Key_End)
    first.close()
    second = make_window()
    assert second.session.config.augmentation == Augmentation(scale=0.5, thickness_px=0.05)
    assert second.findChild(QSlider, "scaleSlider").readout.text() == "50%"


def test_without_variation_the_digits_are_shown_as_they_are(user, preview):
    assert np.array_equal(np.rint(preview.pictures * 255), data.sample_digits(PREVIEWED_LABELS))
    assert not user.widget("shuffleButton").isEnabled()


def test_the_preview_follows_a_slider_and_returns_with_it(user, qtbot, preview):
    slider, before = user.widget("rotationSlider"), picture(preview)
    originals = preview.pictures
    qtbot.keyClick(slider, KEYS.Key_Right)
    user.wait(lambda: picture(preview) != before)
    a_little = picture(preview)
    assert np.abs(preview.pictures - originals).max() < 0.5, "one degree changes little"
    qtbot.keyClick(slider, KEYS.Key_End)
    user.wait(lambda: picture(preview) != a_little)
    assert np.abs(preview.pictures - originals).max() > 0.5
    qtbot.keyClick(slider, KEYS.Key_Home)
    qtbot.keyClick(slider, KEYS.Key_Right)
    user.wait(lambda: picture(preview) == a_little)
    qtbot.keyClick(slider, KEYS.Key_Home)
    user.wait(lambda: picture(preview) == before)


def test_the_width_of_bumps_is_for_elastic_distortion_and_shows_in_the_preview(user, qtbot, preview):
    width, before = user.widget("elasticSigmaSpin"), picture(preview)
    assert not width.isEnabled()
    qtbot.keyClick(user.widget("elasticSlider"), KEYS.Key_End)
    user.wait(lambda: picture(preview) != before)
    assert (width.isEnabled(), width.text()) == (True, "4 px")
    trembling = picture(preview)
    user.type_into(width, "0")
    assert not user.widget("trainButton").isEnabled()
    qtbot.keyClick(user.widget("shearSlider"), KEYS.Key_Right)
    user.wait(lambda: picture(preview) != trembling)
    slanted = picture(preview)
    user.type_into(width, "9")
    user.wait(lambda: picture(preview) != slanted)
    assert user.session.config.augmentation == Augmentation(shear=0.01, elastic_px=3, elastic_sigma_px=9)


def test_the_preview_follows_while_another_field_is_wrong(user, qtbot, preview):
    before = picture(preview)
    user.widget("hiddenLayersEdit").setText("abc")
    qtbot.keyClick(user.widget("shiftSlider"), KEYS.Key_End)
    user.wait(lambda: picture(preview) != before)


def test_shuffle_draws_new_variations(user, qtbot, preview):
    originals = picture(preview)
    qtbot.keyClick(user.widget("shearSlider"), KEYS.Key_End)
    user.wait(lambda: picture(preview) != originals)
    before = picture(preview)
    user.click("shuffleButton")
    assert picture(preview) != before
    qtbot.keyClick(user.widget("shearSlider"), KEYS.Key_Home)
    user.wait(lambda: picture(preview) == originals)


@pytest.mark.tabs("datasetView")
def test_it_varies_pictures_of_the_dataset_that_will_be_trained_on(user, preview, tmp_path):
    images, labels = np.zeros((20, 28, 28), np.uint8), np.arange(20) % 2
    images[:, 9:19, 9:19] = np.where(labels, 200, 100)[:, None, None]
    np.savez(tmp_path / "own.npz", images=images, labels=labels)
    digits = picture(preview)
    with user.qtbot.waitSignal(user.session.datasetOpened, timeout=30_000):
        user.session.open_dataset(tmp_path / "own.npz", data.Choices(polarity="light ink"))
    own = user.session.source, user.session.choices
    picture(preview)
    assert np.rint(preview.pictures[:, 14, 14] * 255).tolist() == [100] * 4 + [200] * 4
    user.session.set_config(user.session.config, "mnist")
    assert picture(preview) == digits
    user.session._datasets._datasets._loaded.clear()  # as when the window has just opened
    user.session.set_config(user.session.config, *own)
    assert not pixels(picture(preview))[1:-1, 1:-1].any()
    with user.qtbot.waitSignal(user.session.analysed, timeout=30_000):
        user.session.analyse("a view", lambda desk: desk.dataset(*own))
    picture(preview)
    assert preview.pictures is not None


def test_many_changes_are_painted_at_once(qtbot, monkeypatch):
    preview = VariationPreview()
    qtbot.addWidget(preview)
    preview.set_samples(np.zeros((8, 28, 28), np.uint8))
    asked = []
    vary = Augmentation.__call__
    monkeypatch.setattr(Augmentation, "__call__", lambda *given: asked.append(given[0]) or vary(*given))
    for degrees in range(1, 31):
        preview.set_augmentation(Augmentation(rotation_deg=degrees))
    qtbot.waitUntil(lambda: len(asked) > 0)
    assert asked == [Augmentation(rotation_deg=30)]


def test_changes_are_painted_on_the_screen(qtbot):
    painted = []

    class Watched(VariationPreview):
        def paintEvent(self, event):
            painted.append(event)
            super().paintEvent(event)

    preview = Watched()
    qtbot.addWidget(preview)
    with qtbot.waitExposed(preview):
        preview.show()
    qtbot.waitUntil(lambda: len(painted) > 0)
    painted.clear()
    preview.set_samples(np.zeros((8, 28, 28), np.uint8))
    qtbot.waitUntil(lambda: len(painted) > 0)
    painted.clear()
    preview.set_augmentation(Augmentation(scale=0.1))
    qtbot.waitUntil(lambda: len(painted) > 0)


@pytest.mark.parametrize("ratio", [1, 2])
def test_each_pixel_is_a_sharp_square(qtbot, ratio):
    preview = VariationPreview()
    qtbot.addWidget(preview)
    preview.resize(preview.sizeHint())
    image = QImage(preview.size() * ratio, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    preview.render(image)
    assert not pixels(image)[ratio:-ratio, ratio:-ratio].any(), "black until there are digits"
    samples = np.random.default_rng(0).integers(0, 256, (8, 28, 28)).astype(np.uint8)
    preview.set_samples(samples)
    preview.render(image)
    assert np.array_equal(pixels(image)[ratio:-ratio, ratio:-ratio], sheet(samples, 2 * ratio))


def test_a_wide_preview_spreads_its_digits(qtbot):
    preview = VariationPreview()
    qtbot.addWidget(preview)
    preview.resize(preview.sizeHint().width() + 80, preview.sizeHint().height())
    preview.set_samples(np.full((8, 28, 28), 255, np.uint8))
    columns = pixels(picture(preview))[5, 1:-1] == 255
    assert columns.sum() == COLUMNS * 56
    assert np.abs(np.diff(columns.astype(int))).sum() == 2 * COLUMNS
    assert np.array_equal(columns, columns[::-1])
