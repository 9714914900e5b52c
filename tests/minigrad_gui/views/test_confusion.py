"""The confusion view, compared with a network computed by hand: it follows runs, and leads from cells to digits."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from layout import resized
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from some_views import with_settings

from engine import save_model
from engine.samples import split_validation
from minigrad_gui.widgets.confusion_matrix import Cell

pytestmark = [
    pytest.mark.usefixtures("few_digits"),
    pytest.mark.tabs("confusionView"),
    pytest.mark.panels("TrainingPanel"),
]


def read(model, images):
    """The logits of a ReLU network, in double precision."""
    hidden = images.reshape(len(images), -1) / 255
    for layer in model.layers[:-1]:
        hidden = np.maximum(hidden @ layer.W.data.T.astype(float) + layer.b.data, 0)
    return hidden @ model.layers[-1].W.data.T.astype(float) + model.layers[-1].b.data


def counted(labels, predicted):
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def expected(model, images, labels):
    return counted(labels, read(model, images).argmax(axis=1))


class Confusion:
    """What a person sees and does in the view."""

    def __init__(self, user):
        self.user = user
        user.trigger("showConfusionAction")
        user.wait(lambda: user.window.is_complete)
        self.view = user.widget("confusionView")
        self.matrix, self.mosaic = user.widget("confusionMatrix"), user.widget("confusionDigits")

    def wait(self):
        """Until digits have been read."""
        self.user.wait(lambda: self.matrix.readings is not None and self.matrix.isVisible())
        return self

    def text(self, name):
        return self.user.widget(name).text()

    def click(self, label=None, reading=None):
        """Click a cell; without a reading, on a row's name, and without a label, on a column's name."""
        spot = self.matrix.rect_of(Cell(label, reading)).center()
        if reading is None:
            spot.setX(4)
        if label is None:
            spot.setY(4)
        QTest.mouseClick(self.matrix, Qt.MouseButton.LeftButton, pos=spot.toPoint())

    def told(self):
        """The descriptions of the digits that are shown."""
        return list(self.mosaic._descriptions)


@pytest.fixture
def confusion(user):
    return Confusion(user).wait()


def test_the_matrix_counts_how_the_network_reads_the_test_digits(confusion, few):
    counts = expected(confusion.user.session.model, few.test_images, few.test_labels)
    np.testing.assert_array_equal(confusion.matrix.readings.counts, counts)
    assert confusion.text("confusionStatus") == "Pretrained network, 500 test digits"
    assert confusion.text("confusionHeading").startswith(f"{counts.trace()} of 500 read correctly")
    assert confusion.mosaic.count == 500 - counts.trace()


def test_it_follows_a_run_and_says_how_far_it_was(confusion, few):
    user = confusion.user
    user.train(epochs=2)
    user.wait(lambda: confusion.text("confusionStatus") == "New network 1 after 2.0 epochs, 500 test digits")
    counts = expected(user.session.model, few.test_images, few.test_labels)
    np.testing.assert_array_equal(confusion.matrix.readings.counts, counts)


def test_after_a_run_it_is_as_sure_as_the_calibrated_reading(confusion, few):
    user = confusion.user
    user.session.modelChanged.connect(confusion.view.refresh)  # so that the last network is read before its calibration
    user.train(epochs=2)
    logits = read(user.session.model, few.test_images) / user.session.record.calibration.temperature
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert user.session.record.calibration.temperature != 1
    user.wait(lambda: np.allclose(confusion.matrix.readings.confidence, probabilities.max(axis=1), atol=1e-4))


def test_it_follows_single_steps_and_another_network(confusion, few):
    user = confusion.user
    user.configure(batch_size=1350)  # half of the digits that are not held out
    for epochs in ("0.5", "1.0"):
        user.click("stepButton")
        user.wait(lambda part=f"after {epochs} epochs": part in confusion.text("confusionStatus"))
        counts = expected(user.session.model, few.test_images, few.test_labels)
        np.testing.assert_array_equal(confusion.matrix.readings.counts, counts)
    user.session.open_pretrained()
    user.wait(lambda: confusion.text("confusionStatus").startswith("Pretrained network, "))


def test_a_run_that_is_stopped_within_an_epoch_is_read_as_it_ended(confusion, few):
    user = confusion.user
    user.configure(hidden="512, 512", batch_size=1)
    before = user.session.model
    user.click("trainButton")
    user.wait(lambda: user.session.model is not before)
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle")
    counts = expected(user.session.model, few.test_images, few.test_labels)
    user.wait(lambda: np.array_equal(confusion.matrix.readings.counts, counts))
    assert f"after {user.session.epochs_done:.1f} epochs" in confusion.text("confusionStatus")


def test_held_out_digits_are_read_instead(confusion, few):
    user = confusion.user
    user.train()
    user.click("confusionValidationCheck")
    user.wait(lambda: confusion.text("confusionStatus").endswith("300 validation digits"))
    held_out = split_validation(3000, 0.1, user.session.config.seed)[1]
    counts = expected(user.session.model, few.train_images[held_out], few.train_labels[held_out])
    np.testing.assert_array_equal(confusion.matrix.readings.counts, counts)


def test_in_a_run_held_out_digits_are_shown_as_each_epoch_read_them(confusion):
    user, accuracies = confusion.user, {}
    user.click("confusionValidationCheck")
    user.configure(hidden="64", epochs=100_000, batch_size=100)
    user.click("trainButton")

    def has_followed():
        name, _, rest = confusion.text("confusionStatus").partition(" after ")
        if name == "New network 1" and rest.endswith(".0 epochs, 300 validation digits"):
            counts = confusion.matrix.readings.counts
            accuracies[round(float(rest.split()[0]))] = counts.trace() / counts.sum()
        return len(accuracies) == 3

    user.wait(has_followed)
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle")
    for epochs, accuracy in accuracies.items():
        assert accuracy == pytest.approx(user.session.history.epochs[epochs - 1].validation_accuracy)


@with_settings
def test_a_run_that_holds_nothing_out_says_so(confusion):
    user = confusion.user
    user.widget("validationSpin").setValue(0)
    user.train()
    user.click("confusionValidationCheck")
    user.wait(user.widget("confusionOfferButton").isVisible)
    texts = [label.text() for label in confusion.view.findChildren(QLabel) if label.isVisible()]
    assert "The run held no pictures out for validation." in texts


def test_where_nothing_was_held_out_the_test_digits_are_offered(user, tmp_path):
    save_model(tmp_path / "unknown.npz", user.session.model, {})
    user.window.open(tmp_path / "unknown.npz")
    confusion = Confusion(user).wait()
    user.click("confusionValidationCheck")
    user.wait(user.widget("confusionOfferButton").isVisible)
    user.click("confusionOfferButton")
    user.wait(confusion.matrix.isVisible)
    assert confusion.text("confusionStatus") == "unknown.npz, 500 test digits"


def test_the_cells_are_square_with_names_of_any_length(confusion):
    window, view, matrix = confusion.user.window, confusion.view, confusion.matrix
    resized(window, 500, 1000)
    digits = view._evaluation.digits
    for names in (digits.class_names, [f"class number {number}" for number in range(10)], digits.class_names):
        view._take(replace(view._evaluation, digits=replace(digits, class_names=names)))
        resized(window, 500, 1000)
        cell = matrix.rect_of(Cell(0, 0))
        assert cell.width() == pytest.approx(cell.height(), rel=0.05)
        assert cell.width() > 15


def test_words_stand_in_a_line_each_below_their_picture(confusion):
    view = confusion.view
    digits = view._evaluation.digits
    words = ["nought", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    view._take(replace(view._evaluation, digits=replace(digits, class_names=words)))
    label, _, reading = confusion.mosaic._captions[0].partition("\n→")
    assert f"labelled {label}" in confusion.told()[0]
    assert reading in words
    confusion.click(words.index(label), words.index(reading))
    assert confusion.mosaic._captions[0].startswith(f"{reading}\n")


@pytest.fixture
def trained(confusion, few):
    """A network that makes many mistakes, and its logits for the test digits."""
    user = confusion.user
    user.train()
    user.wait(lambda: "New network 1 after 1.0 epochs" in confusion.text("confusionStatus"))
    return confusion, read(user.session.model, few.test_images)


def test_a_cell_a_row_or_a_column_shows_its_digits_most_confidently_wrong_first(trained, few):
    confusion, logits = trained
    labels, predicted = few.test_labels, logits.argmax(axis=1)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    certainty = np.where(predicted != labels, 1, -1) * probabilities.max(axis=1)
    wrong = counted(labels, predicted) - np.diag(np.bincount(predicted[predicted == labels], minlength=10))
    label, reading = np.unravel_index(wrong.argmax(), wrong.shape)
    for clicked, chosen in (
        ((label, reading), (labels == label) & (predicted == reading)),
        ((label, None), labels == label),
        ((None, reading), predicted == reading),
    ):
        confusion.click(*clicked)
        samples = np.flatnonzero(chosen)
        samples = samples[np.argsort(-certainty[samples], kind="stable")]
        assert confusion.mosaic.count == len(samples) > 1
        for told, sample in zip(confusion.told(), samples[:3], strict=False):
            assert told.startswith(f"Test digit {sample}, labelled {labels[sample]}, read as {predicted[sample]}, ")
    confusion.click()
    assert confusion.mosaic.count == wrong.sum()


def test_the_keyboard_chooses_cells_too(trained):
    confusion, _ = trained
    matrix = confusion.matrix
    matrix.setFocus()
    for key in (Qt.Key.Key_Home, *[Qt.Key.Key_Down] * 3, *[Qt.Key.Key_Right] * 4, Qt.Key.Key_Up):
        QTest.keyClick(matrix, key)
    assert matrix.accessibleDescription().startswith("Labelled 1, read as 3: ")
    assert confusion.text("confusionHeading") == matrix.accessibleDescription()
    QTest.keyClick(matrix, Qt.Key.Key_Return)
    assert confusion.mosaic.count == matrix.readings.counts[1, 3]


@pytest.mark.panels("TrainingPanel", "DrawPanel")
def test_a_digit_that_is_clicked_is_read_like_a_drawing(trained, few):
    confusion, logits = trained
    user = confusion.user
    QTest.mouseClick(confusion.mosaic, Qt.MouseButton.LeftButton, pos=confusion.mosaic.rect_of(1).center())
    name = user.session.shown.name
    assert confusion.text("confusionHeading") == confusion.told()[1]
    sample = int(name.split(",")[0].removeprefix("Test digit "))
    assert confusion.told()[1].startswith(name)
    np.testing.assert_array_equal(user.widget("networkPicture").picture, few.test_images[sample] / np.float32(255))
    assert user.widget("predictionLabel").text() in (str(logits[sample].argmax()), "?")
    assert confusion.mosaic.current == 1
    confusion.click(few.test_labels[sample], logits[sample].argmax())
    assert confusion.told()[confusion.mosaic.current].startswith(name), "it stands out wherever it is shown"
    user.draw(1)
    user.wait(lambda: confusion.mosaic.current == -1)


def test_labels_made_wrong_are_suspected(few_digits, user):
    labels = few_digits.test_labels
    truth = labels[[5, 50]].copy()
    labels[[5, 50]] = (truth + 5) % 10
    try:
        confusion = Confusion(user).wait()
        user.click("suspectsButton")
        logits = read(user.session.model, few_digits.test_images) / user.session.record.calibration.temperature
        probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        sure = (probabilities.argmax(axis=1) != labels) & (probabilities.max(axis=1) >= 0.9)
        suspects = sorted(np.flatnonzero(sure), key=lambda sample: probabilities[sample, labels[sample]])
        assert {5, 50} <= set(suspects)
        assert [told.split(",")[0] for told in confusion.told()] == [f"Test digit {each}" for each in suspects]
        assert confusion.text("confusionHeading").endswith("labels may be wrong, most suspicious first")
        confusion.click(int(labels[5]))
        assert not user.widget("suspectsButton").isChecked()
    finally:
        labels[[5, 50]] = truth


def test_shares_and_figures_can_be_saved(confusion, choose, tmp_path, few):
    user = confusion.user
    user.click("confusionSharesCheck")
    choose(tmp_path / "confusion")
    user.trigger("confusionCsvAction")
    with open(tmp_path / "confusion.csv", newline="") as file:
        rows = list(csv.reader(file))
    counts = expected(user.session.model, few.test_images, few.test_labels)
    assert rows[0] == ["label \\ read as", *"0123456789", "recall"]
    shares = np.array([[float(cell) for cell in row[1:]] for row in rows[1:11]])
    np.testing.assert_allclose(shares[:, :10], counts / counts.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(shares[:, 10], counts.diagonal() / counts.sum(axis=1))
    np.testing.assert_allclose([float(cell) for cell in rows[11][1:11]], counts.diagonal() / counts.sum(axis=0))
    assert float(rows[11][11]) == counts.trace() / counts.sum()


def test_behind_another_view_nothing_is_read_and_then_caught_up_with(confusion):
    user = confusion.user
    user.trigger("showCurvesAction")
    before = confusion.matrix.readings
    user.train()
    user.wait_until_still()
    assert confusion.matrix.readings is before
    user.trigger("showConfusionAction")
    user.wait(lambda: "after 1.0 epochs" in confusion.text("confusionStatus"))


def test_what_was_asked_for_is_cancelled_when_another_view_comes_to_the_front(user):
    confusion = Confusion(user)
    user.trigger("showCurvesAction")
    with user.qtbot.waitSignal(user.session.analysed, check_params_cb=lambda answer: answer.key == "later"):
        user.session.analyse("later", lambda _: None)
    assert confusion.matrix.readings is None
    user.trigger("showConfusionAction")
    confusion.wait()


def test_choices_are_remembered(user):
    settings = user.window._settings
    settings.setValue("confusion/validation", True)
    settings.setValue("confusion/shares", True)
    confusion = Confusion(user).wait()
    assert confusion.text("confusionStatus").endswith(" validation digits")
    for name in ("confusionValidationCheck", "confusionSharesCheck"):
        assert user.widget(name).isChecked()
        user.click(name)
    confusion.view.save_settings(settings)
    assert [settings.value(f"confusion/{key}", True, bool) for key in ("validation", "shares")] == [False, False]
