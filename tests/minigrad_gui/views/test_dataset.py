"""The data of the next run can be seen before it is trained on, and wrong guesses corrected."""

import csv
import re
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QInputDialog

from minigrad_gui import data
from minigrad_gui.analysis import Answer
from minigrad_gui.data import Choices, Origin
from minigrad_gui.preview import Loaded

pytestmark = [pytest.mark.tabs("datasetView"), pytest.mark.panels()]

HUB = "ylecun/mnist"


@pytest.fixture
def own(few_digits, tmp_path):
    """An .npz file of the first digits, transposed and dark on light, without test pictures."""
    images, labels = few_digits.train_images[:600], few_digits.train_labels[:600]
    np.savez(tmp_path / "own.npz", x=255 - images.swapaxes(1, 2), y=labels)
    return tmp_path / "own.npz"


@pytest.fixture
def view(user, few_digits):  # noqa: ARG001
    user.trigger("showDatasetAction")
    view = user.widget("datasetView")
    user.wait(lambda: view._loaded is not None)
    return view


def heading(user):
    return user.widget("datasetHeading").text()


def rows(user):
    return user.widget("datasetClasses")


def shown(user):
    """Name and picture of everything in the mosaic."""
    mosaic = rows(user).mosaic
    return dict(zip(mosaic._descriptions, mosaic._pixels[..., 0], strict=True))


def assert_from(user, images, labels):
    """What is shown are these pictures, (N, 28, 28), under their numbers and labels."""
    names = shown(user)
    assert len(names) >= 30
    for name, picture in names.items():
        place, label = re.fullmatch(r"\w+ digit ([\d,]+), labelled (\d)", name).groups()
        place = int(place.replace(",", ""))
        np.testing.assert_array_equal(picture, images[place])
        assert labels[place] == int(label)


def opened(user, path, choices=data.ALL_GUESSED):
    user.session.open_dataset(path, choices)
    user.wait(lambda: not user.session.opening_source)
    view = user.widget("datasetView")
    user.wait(lambda: view._is_built and view._asked is None and not view._is_outdated)


def switch(user, field, text):
    combo = user.widget(f"{field}Combo")
    assert combo.isVisible()
    combo.setCurrentIndex(combo.findText(text))
    user.wait(lambda: not user.session.opening_source and user.widget("datasetView")._asked is None)


def test_the_pictures_of_the_next_run_are_seen_before_it(user, view, few_digits, choose, tmp_path):
    assert heading(user) == "MNIST: 3,000 training and 500 test pictures, 10 classes"
    assert not user.widget("datasetSwitches").isVisible(), "there is nothing to guess"
    assert_from(user, few_digits.train_images, few_digits.train_labels)
    assert [row.count for row in rows(user)._rows] == np.bincount(few_digits.train_labels).tolist()
    user.widget("datasetPartCombo").setCurrentIndex(1)
    assert_from(user, few_digits.test_images, few_digits.test_labels)
    counts = np.bincount(few_digits.test_labels)
    assert [row.count for row in rows(user)._rows] == counts.tolist()
    choose(tmp_path / "counts")
    user.trigger("datasetCsvAction")
    with open(tmp_path / "counts.csv", newline="") as file:
        assert [int(test) for _, _, test in list(csv.reader(file))[1:]] == counts.tolist()
    assert view._preview.counts["training"].sum() == 3000


def test_what_is_opened_comes_to_the_front_with_its_guesses_and_a_switch_turns_it(user, own, few_digits):
    opened(user, own)
    assert user.widget("datasetView").isVisible()
    assert heading(user) == "own.npz (NumPy .npz): 516 training and 84 test pictures, 10 classes"
    done = "Pictures transposed in the file are set upright. Dark ink is inverted."
    assert user.widget("datasetRemarks").text() == f"{done} For the test, 84 at random are held out."
    upright = shown(user)
    loaded = user.session.dataset
    assert_from(user, loaded.train_images, loaded.train_labels)
    assert set(map(bytes, upright.values())) <= set(map(bytes, few_digits.train_images[:600])), "as they were"
    assert user.widget("orientationCombo").currentText() == "guessed: transposed"
    switch(user, "orientation", "upright")
    assert user.session.choices == Choices(orientation="upright")
    turned = shown(user)
    assert turned.keys() == upright.keys()
    assert all(np.array_equal(turned[name], upright[name].T) for name in upright)
    switch(user, "orientation", "guess")
    assert user.session.choices == data.ALL_GUESSED
    assert all(np.array_equal(shown(user)[name], upright[name]) for name in upright)
    assert user.widget("orientationCombo").currentText() == "guessed: transposed"


def test_files_that_only_numbers_tell_apart_are_read_together_on_demand(user, few_digits, tmp_path):
    images, labels = few_digits.train_images[:600], few_digits.train_labels[:600]
    np.savez(tmp_path / "lone.npz", x=images, y=labels)
    for number in (1, 2):
        np.savez(tmp_path / f"part{number}.npz", x=images[number - 1 :: 2], y=labels[number - 1 :: 2])
    opened(user, tmp_path / "lone.npz")
    assert not user.widget("filesCombo").isVisible(), "there are no others"
    opened(user, tmp_path / "part2.npz")
    assert heading(user).startswith("part2.npz (NumPy .npz): 257 training and 43 test pictures")
    assert "choose Files: all alike" in user.widget("datasetRemarks").text()
    assert user.widget("filesCombo").currentText() == "guessed: alone"
    switch(user, "files", "all alike")
    assert heading(user).startswith("part2.npz (NumPy .npz): 516 training and 84 test pictures")
    assert user.widget("datasetRemarks").text().startswith("Read together: part1.npz and part2.npz.")
    (tmp_path / "part1.npz").unlink()
    opened(user, tmp_path / "part2.npz", Choices(files="all alike"))
    assert heading(user).startswith("part2.npz (NumPy .npz): 257 training"), "the others are gone"
    assert user.widget("filesCombo").currentText() == "all alike"
    switch(user, "files", "guess")
    assert user.session.choices == data.ALL_GUESSED
    assert not user.widget("filesCombo").isVisible()


def test_pictures_stay_while_a_switch_opens_them_anew(user, own):
    opened(user, own, Choices(orientation="transposed"))
    before = shown(user)
    pages = []
    user.widget("datasetView")._pages.currentChanged.connect(pages.append)
    switch(user, "polarity", "light ink")
    assert pages == []
    after = shown(user)
    assert all(np.array_equal(after[name], 255 - before[name]) for name in before)


def heading_is_seen(user):
    return user.widget("datasetHeading").isVisible()


def test_two_switches_in_a_row_count_both_and_do_not_jump_back(user, own):
    opened(user, own)
    wanted = {"orientation": "mirrored", "polarity": "light ink"}
    for field, text in wanted.items():
        combo = user.widget(f"{field}Combo")
        combo.setCurrentIndex(combo.findText(text))
        QCoreApplication.processEvents()
        assert combo.currentText() == text
    user.wait(lambda: user.session.choices == Choices(**wanted))
    assert [user.widget(f"{field}Combo").currentText() for field in wanted] == list(wanted.values())


def test_the_wheel_turns_a_switch_only_where_the_focus_is(user, own):
    opened(user, own)
    user.window.activateWindow()
    combo = user.widget("polarityCombo")
    user.wheel(combo, -120)
    assert combo.currentIndex() == 0
    combo.setFocus()
    user.wheel(combo, -120)
    assert combo.currentIndex() == 1
    user.wait(lambda: user.session.choices == Choices(polarity="light ink"))


def test_what_cannot_be_opened_changes_nothing(user, own, warnings):
    opened(user, own)
    before = shown(user)
    own.unlink()
    switch(user, "orientation", "upside down")
    user.wait(lambda: warnings != [])
    assert warnings == [f"There is no file or folder {own}."]
    user.wait(lambda: user.widget("orientationCombo").currentText() == "guessed: transposed")
    assert user.session.choices == data.ALL_GUESSED
    assert shown(user).keys() == before.keys()
    assert heading_is_seen(user)


def test_a_dataset_that_is_gone_is_told_and_mnist_offered(user, view, tmp_path):
    gone = str(tmp_path / "gone<b>.csv")
    user.session.set_config(user.session.config, gone)
    offer = user.widget("datasetOfferButton")
    user.wait(lambda: offer.isVisible() and offer.text() == "Use MNIST")
    assert view._empty._text.text() == f"There is no file or folder {gone}."
    assert view._empty._text.textFormat() == Qt.TextFormat.PlainText
    user.session.set_config(replace(user.session.config, epochs=7), gone)
    QTest.qWait(10)
    assert offer.text() == "Use MNIST", "another setting does not change that"
    view._on_opened()
    view.refresh()
    assert (view._empty._text.text(), offer.isVisible()) == ("Opening gone<b>.csv…", False)
    user.wait(offer.isVisible)
    user.click("datasetOfferButton")
    user.wait(lambda: heading_is_seen(user) and heading(user).startswith("MNIST: "))
    assert user.session.source == data.MNIST


def test_a_look_does_not_download(user, view, few_digits, monkeypatch):
    asked = []
    origin = Origin("Parquet", Choices("upright", "light ink", "as they are", "scaled"))

    def download():
        asked.append(HUB)
        return replace(few_digits, origin=origin)

    monkeypatch.setitem(data.SOURCES, HUB, replace(data.SOURCES[HUB], load=download))
    user.session.set_config(user.session.config, HUB)
    offer = user.widget("datasetOfferButton")
    user.wait(lambda: offer.isVisible() and offer.text() == "Download")
    assert asked == []
    user.click("datasetOfferButton")
    user.wait(lambda: heading_is_seen(user) and heading(user).startswith(f"{HUB} (Parquet): 3,000 "))
    assert asked == [HUB]
    assert view.isVisible()
    assert not user.widget("datasetSwitches").isVisible(), "it is read in one way only"


@pytest.mark.panels("DrawPanel")
def test_a_picture_that_is_clicked_takes_the_drawings_place(user, view, few_digits):
    mosaic = rows(user).mosaic
    place = rows(user)._places.index((4, 2))
    QTest.mouseClick(mosaic, Qt.MouseButton.LeftButton, pos=mosaic.rect_of(place).center())
    assert user.session.shown.name == mosaic._descriptions[place]
    np.testing.assert_allclose(user.session.shown.picture * 255, mosaic._pixels[place, ..., 0], atol=1e-3)
    assert few_digits.train_labels[int(user.session.shown.name.split()[2].replace(",", ""))] == 4
    assert mosaic.current == place
    user.widget("datasetPartCombo").setCurrentIndex(1)
    assert mosaic.current == -1
    user.widget("datasetPartCombo").setCurrentIndex(0)
    assert mosaic.current == place
    user.session.show_picture(1 - user.session.shown.picture, user.session.shown.name)
    user.wait(lambda: mosaic.current == -1)
    assert view.isVisible()


def test_the_exported_picture_shows_every_class(user, few_digits, choose, tmp_path):
    np.savez(tmp_path / "many.npz", x=few_digits.train_images[:600], y=np.arange(600) % 40)
    opened(user, tmp_path / "many.npz")
    area = rows(user)
    user.wait(lambda: area.verticalScrollBar().maximum() > 0)
    choose(tmp_path / "many.png")
    user.trigger("datasetPngAction")
    image = QImage(str(tmp_path / "many.png"))
    assert image.height() >= area.content.height() > area.height()


@pytest.mark.panels("ConfigPanel")
def test_behind_another_view_nothing_is_loaded_until_it_is_seen(user, view, own, few_digits):
    np.savez(own, x=few_digits.train_images[:600], y=few_digits.train_labels[:600] % 3)
    user.trigger("showCurvesAction")
    user.wait(lambda: not view._is_seen)
    user.session.set_config(user.session.config, str(own))
    QTest.qWait(20)
    assert view._asked is None
    assert user.session.dataset is None
    parameters = user.widget("parametersLabel")
    assert parameters.isHidden(), "it is not known how many classes there are"
    user.trigger("showDatasetAction")
    user.wait(lambda: heading(user).startswith("own.npz"))
    assert not parameters.isHidden()
    assert parameters.text() == f"{784 * 256 + 256 + 256 * 128 + 128 + 128 * 3 + 3:,} parameters"


def test_the_answer_to_an_earlier_request_is_ignored(user, view, own):
    user.session.set_config(user.session.config, str(own))
    view.refresh()
    view._soon.stop()
    view.take(Answer(f"{view.name}/preview", Loaded((data.MNIST, data.ALL_GUESSED), error="Too late.")))
    user.wait(lambda: heading(user).startswith("own.npz"))


def test_a_file_that_has_changed_is_read_again(user, own):
    opened(user, own)
    images, labels = np.load(own).values()
    np.savez(own, x=images[:300], y=labels[:300])
    opened(user, own)
    counts = user.widget("datasetView")._preview.counts
    assert sum(each.sum() for each in counts.values()) == 300


def test_experiments_with_the_data_are_told(user, view):
    assert not user.widget("datasetRemarks").isVisible()
    experiment = replace(user.session.config, training_samples=500, label_noise=0.2)
    user.session.set_config(experiment, data.MNIST)
    said = "The run will learn from at most 500 of the training pictures. 20% of the training labels will be wrong."
    user.wait(lambda: user.widget("datasetRemarks").text() == said)
    assert heading(user).startswith("MNIST: 3,000")
    assert view.isVisible()


def test_classes_are_renamed_and_the_names_remembered(user, view, own, warnings, monkeypatch):
    assert not user.widget("classNamesButton").isVisible(), "the program's own datasets have their names"
    opened(user, own)
    words = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

    def rename(text):
        monkeypatch.setattr(QInputDialog, "getMultiLineText", lambda *given: (asked.append(given[-1]), (text, True))[1])
        user.click("classNamesButton")
        user.wait(lambda: not user.session.opening_source and view._asked is None)

    asked = []
    rename("\n".join(words) + "\n")
    assert asked == ["\n".join("0123456789")]
    assert user.session.choices == Choices(class_names=words)
    assert user.session.dataset.class_names == tuple(row.name for row in rows(user)._rows) == words
    assert dict(user.session.recent_datasets)[str(own)].class_names == words
    assert user.widget("orientationCombo").currentText() == "guessed: transposed"
    rename("one\ntwo")
    assert warnings == [f"{own} cannot be opened: it has 10 classes, but names for 2 were given."]
    assert user.session.choices.class_names == words
    rename("")
    assert user.session.choices == data.ALL_GUESSED
    assert user.session.dataset.class_names == data.DIGIT_NAMES
