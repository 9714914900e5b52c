"""The next window knows the drawings; the network is saved without them, the copy on request."""

import shutil

import numpy as np
import pytest
from networks import same
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog
from some_views import every_panel
from taught_drawings import FLAGGED_ONE, captions, click_bar, click_check, draw, files, text, wait_until_learnt

from engine import ModelFileError, evaluate, load_model, save_model
from engine.training import predict
from minigrad_gui.resources import asset_path

pytestmark = pytest.mark.panels("TrainingPanel", "DrawPanel")


def test_the_next_window_knows_the_handwriting(user, make_window, folder):
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    user.window.close()  # at once, without waiting for learning
    assert len(files(folder)) == 1

    user = type(user)(make_window(), user.qtbot)
    user.wait(lambda: user.session.handwriting_state == "on")
    draw(user, FLAGGED_ONE)
    assert user.session.prediction.with_handwriting, "the pretrained network uses handwriting by default"
    assert user.session.prediction.digit == 1
    assert text(user, "accuracyLabel") == f"{user.session.record.test_accuracy:.2%}"
    user.click("undoTeachingButton")
    assert same(user.session.reading_model, load_model(asset_path("pretrained.npz"))[0])


def test_the_network_is_saved_as_it_was_trained(user, small_file, tmp_path):
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    wait_until_learnt(user, 1)
    user.session.save(tmp_path / "mine.npz")
    model, meta = load_model(tmp_path / "mine.npz")
    assert same(model, load_model(small_file)[0])
    assert meta == {"test_accuracy": 0.5}


@every_panel
def test_the_taught_copy_is_saved_on_request_and_its_file_says_so(user, tmp_path, monkeypatch, mnist):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "mine.npz"), ""))
    save = user.window.findChild(QAction, "saveWithHandwritingAction")
    assert not save.isEnabled()
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    assert not save.isEnabled(), "it has not been learnt yet"
    wait_until_learnt(user, 1)
    before, path = user.session.model, user.session.path
    save.trigger()
    assert user.session.model is before
    assert user.session.path == path
    assert not user.session.modified
    model, meta = load_model(tmp_path / "mine.npz")
    assert same(model, user.session.reading_model)
    assert predict(model, user.session.picture[np.newaxis]).argmax() == 1
    assert meta["taught_drawings"] == 1
    assert meta["test_accuracy"] == evaluate(model, mnist.test_images, mnist.test_labels)[1] > 0.5

    user.window.open(tmp_path / "mine.npz")
    assert text(user, "accuracyLabel") == f"{meta['test_accuracy']:.2%}"
    assert captions(user, "test accuracy, 1 drawing learnt")
    assert not user.widget("handwritingCheck").isChecked()
    user.click("continueCheck")
    user.train(hidden="64")
    assert user.session.taught_drawings == 1, "training continued from it starts with the handwriting"
    user.session.save(tmp_path / "later.npz")
    assert load_model(tmp_path / "later.npz")[1]["taught_drawings"] == 1


def test_saving_the_taught_copy_over_the_network_leaves_that_unsaved(user, small_file, tmp_path):
    shutil.copy(small_file, tmp_path / "mine.npz")
    user.window.open(tmp_path / "mine.npz")
    click_check(user)
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    wait_until_learnt(user, 1)
    user.session.save_with_handwriting(tmp_path / "mine.npz")
    assert user.window.isWindowModified(), "no file holds the network as it was trained any more"
    user.session.save(tmp_path / "mine.npz")
    assert same(load_model(tmp_path / "mine.npz")[0], load_model(small_file)[0])


def test_without_handwriting_there_is_no_taught_copy_to_save(user, tmp_path):
    with pytest.raises(ModelFileError, match="has not learnt"):
        user.session.save_with_handwriting(tmp_path / "mine.npz")
    assert not (tmp_path / "mine.npz").exists()


def test_an_invalid_number_of_drawings_in_a_file_is_ignored(user, tmp_path, small_file):
    model = load_model(small_file)[0]
    for told in ("3", 2.5, -1, True, None, [1]):
        save_model(tmp_path / f"{told}.npz", model, {"taught_drawings": told, "test_accuracy": 0.5})
        user.window.open(tmp_path / f"{told}.npz")
        assert user.session.name == f"{told}.npz"
        assert captions(user, "test accuracy"), told
