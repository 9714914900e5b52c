"""The person presses the training buttons; a real network trains on the real MNIST."""

import re
import socket
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from filelock import FileLock
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QApplication, QLabel, QProgressBar, QPushButton
from some_views import every_panel, with_settings

from engine import MLP, evaluate, load_model
from engine.ending import best_epoch
from minigrad_gui import machine_code
from minigrad_gui.views.training_panel import duration

pytestmark = pytest.mark.panels("TrainingPanel")


def enabled(user) -> dict[str, bool]:
    names = ("trainButton", "pauseButton", "stepButton", "stopButton")
    return {name.removesuffix("Button"): user.widget(name).isEnabled() for name in names}


@with_settings
def test_train_uses_all_digits_and_tests_the_network(user):
    user.widget("validationSpin").setValue(0)
    user.train(hidden="32", epochs=2, batch_size=250)
    session = user.session
    assert len(session.history) == 2 * 60_000 // 250
    assert session.history.losses[0] > 2
    assert session.history.smoothed[-1] < 0.5
    assert session.record.test_accuracy > 0.9
    assert user.widget("accuracyLabel").text() == f"{session.record.test_accuracy:.2%}"
    assert user.widget("progressBar").value() == user.widget("progressBar").maximum()


def test_buttons_follow_the_state(user):
    assert enabled(user) == {"train": True, "pause": False, "step": True, "stop": False}
    user.configure(epochs=50)
    user.click("trainButton")
    assert user.session.state == "training"
    assert enabled(user) == {"train": False, "pause": True, "step": False, "stop": True}
    user.click("pauseButton")
    assert user.session.state == "paused"
    assert user.widget("pauseButton").text() == "Resume"
    assert enabled(user) == {"train": False, "pause": True, "step": True, "stop": True}
    user.click("pauseButton")
    assert user.session.state == "training"
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle")
    assert enabled(user) == {"train": True, "pause": False, "step": True, "stop": False}


@pytest.mark.tabs("datasetView")
def test_training_waits_for_a_dataset_that_is_being_opened_which_can_be_stopped(user, tmp_path):
    images = np.full((60, 28, 28), np.eye(28) * 255, np.uint8)
    np.savez(tmp_path / "own.npz", images=images, labels=np.arange(60) % 3)
    for is_stopped in (True, False):
        held = threading.Event()
        user.session.analyse("before it", lambda _, held=held: held.wait(), urgent=True)
        user.session.open_dataset(tmp_path / "own.npz")
        assert enabled(user) == {"train": False, "pause": False, "step": False, "stop": True}
        assert user.widget("statusLabel").text() == "Opening own.npz…"
        user.session.train()
        user.session.step()
        user.session.train_several([user.session.config])
        assert user.session.state == "idle"
        if is_stopped:
            user.click("stopButton")
            assert user.widget("statusLabel").text().startswith("Ready.")
        held.set()
        user.wait(lambda: user.session.opening_source == "")
        assert enabled(user) == {"train": True, "pause": False, "step": True, "stop": False}
        assert (user.session.source == "mnist") == is_stopped
    user.configure(epochs=1)
    user.click("trainButton")
    user.wait(lambda: user.session.model.sizes[-1] == 3)


def test_each_step_is_one_mini_batch(user, qtbot):
    user.configure(epochs=5)
    for count in (1, 2, 3):
        user.click("stepButton")
        user.wait(lambda expected=count: len(user.session.history) == expected)
        assert user.session.state == "paused"
    qtbot.wait(150)  # a loop that did not wait would have taken many more steps by now
    assert len(user.session.history) == 3


def test_pause_and_resume(user):
    user.configure(epochs=50)
    user.click("trainButton")
    user.wait(lambda: len(user.session.history) > 5)
    user.click("pauseButton")
    user.wait_until_still()
    assert user.session.state == "paused"
    held = len(user.session.history)
    user.click("pauseButton")
    user.wait(lambda: len(user.session.history) > held)


def test_stop_leaves_the_network_as_it_is_and_tests_it(user):
    user.configure(hidden="32", epochs=1000)
    user.click("trainButton")
    user.wait(lambda: len(user.session.history) > 20)
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle", timeout=3000)
    assert user.session.model.sizes == (784, 32, 10)
    assert 0.3 < user.session.record.test_accuracy < 1


@with_settings
def test_only_the_learning_rate_can_change_while_training(user):
    user.configure(hidden="32", epochs=1000)
    user.click("trainButton")
    assert user.widget("learningRateSpin").isEnabled()
    for name in ("epochsSpin", "hiddenLayersEdit", "datasetCombo", "defaultsButton"):
        assert not user.widget(name).isEnabled()


@with_settings
def test_typing_a_learning_rate_during_training_is_not_interrupted(user, qtbot):
    user.configure(epochs=1000)
    user.click("trainButton")
    spin = user.widget("learningRateSpin")
    qtbot.mouseClick(spin.lineEdit(), Qt.MouseButton.LeftButton)
    spin.setFocus()
    spin.selectAll()
    qtbot.keyClicks(spin, "0.00")
    seen = []
    user.session.modelChanged.connect(lambda: seen.append(user.window.focusWidget()))
    user.wait(lambda: len(seen) >= 3)
    assert seen[-1] is spin
    qtbot.keyClicks(spin, "2")
    qtbot.keyClick(spin, Qt.Key.Key_Return)
    assert user.session.config.learning_rate == 0.002
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle")


@with_settings
def test_a_changed_learning_rate_applies_from_the_next_step(user):
    def network_after(steps: int) -> MLP:
        user.click("stepButton")
        user.wait(lambda: any(each.batch == steps for each in user.session.snapshots))
        return user.session.snapshots[-1].model

    def distance(one: MLP, other: MLP) -> float:
        pairs = zip(one.parameters(), other.parameters(), strict=True)
        return max(float(np.abs(first.data - second.data).max()) for first, second in pairs)

    user.configure(hidden="64", epochs=10)
    first = network_after(1)
    user.widget("learningRateSpin").setValue(0.000001)
    second = network_after(2)
    user.widget("learningRateSpin").setValue(0.1)
    third = network_after(3)
    assert 0 < distance(first, second) < 0.0001
    assert distance(second, third) > 0.01


def test_the_percentage_speed_and_time_left_are_shown(user):
    user.configure(hidden="64", epochs=1000)
    user.click("trainButton")
    status = user.widget("statusLabel")
    user.wait(lambda: "left" in status.text())
    assert re.search(r"Epoch \d+ of 1000", status.text())
    assert "pictures/s" in status.text()
    assert any(label.text().endswith("%") for label in user.window.findChildren(QLabel) if label is not status)


def test_a_run_that_diverges_at_once_leaves_the_network_and_its_figures(user, explode):
    before, record = user.session.model, user.session.record
    explode(user)
    assert user.session.model is before
    assert user.session.record is record


@with_settings
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_divergence_stops_and_says_what_to_try(optimizer, user, warnings):
    user.widget("optimizerCombo").setCurrentIndex(user.widget("optimizerCombo").findData(optimizer))
    user.widget("learningRateSpin").setValue(1000)
    user.train(hidden="32, 32", epochs=20)
    assert len(warnings) == 1
    assert warnings[0].endswith(user.session.diagnosis.advice)
    assert user.widget("statusLabel").text().startswith("Diverged after ")
    assert 1 <= len(user.session.history) < 1000
    assert (user.session.history.losses < 1e6).all(), "the curve ends before the explosion"
    assert all(np.isfinite(parameter.data).all() for parameter in user.session.model.parameters())


@pytest.mark.usefixtures("few_digits")
def test_the_same_seed_gives_the_same_network(user):
    networks = []
    for _ in range(2):
        user.train(hidden="16", epochs=1)
        networks.append([parameter.data for parameter in user.session.model.parameters()])
    assert all(np.array_equal(first, second) for first, second in zip(*networks, strict=True))


@pytest.mark.usefixtures("few_digits")
def test_the_network_before_a_run_can_be_restored(user):
    user.train(hidden="16")
    trained, history = user.session.model, user.session.history
    accuracy = user.widget("accuracyLabel").text()
    user.configure(hidden="16", epochs=50)
    user.click("stepButton")
    user.wait(lambda: len(user.session.history) == 1)
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle")
    assert user.session.model is not trained
    user.trigger("backAction")
    assert user.session.model is trained
    assert user.session.history is history
    assert user.session.modified
    assert user.widget("accuracyLabel").text() == accuracy
    bar = user.widget("progressBar")
    user.wait(lambda: bar.value() == bar.maximum())


@with_settings
def test_a_changed_learning_rate_is_recorded(user, tmp_path):
    user.configure(epochs=50)
    user.click("stepButton")
    user.wait(lambda: len(user.session.history) == 1)
    user.widget("learningRateSpin").setValue(0.5)
    user.click("stepButton")
    user.wait(lambda: len(user.session.history) == 2)
    user.session.save(tmp_path / "m.npz")
    meta = load_model(tmp_path / "m.npz")[1]
    assert meta["config"]["learning_rate"] == 0.0005
    assert meta["learning_rate_changes"] == [{"mini_batches": 1, "learning_rate": 0.5}]


@with_settings
def test_a_rate_that_is_still_being_typed_is_used_when_training_starts(user, qtbot):
    spin = user.widget("learningRateSpin")
    spin.setFocus()
    spin.selectAll()
    qtbot.keyClicks(spin, "0,05")
    qtbot.keyClick(spin, Qt.Key.Key_F7)
    assert user.session.run_config.learning_rate == 0.05


def test_a_stop_says_how_far_training_got(user):
    user.configure(epochs=50)
    user.click("stepButton")
    user.wait(lambda: len(user.session.history) == 1)
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle")
    assert user.widget("statusLabel").text() == "Stopped after 1 mini-batch, in epoch 1."


@with_settings
def test_training_can_continue_from_the_current_network(user):
    user.train(hidden="32", epochs=1)
    first_end = user.session.history.smoothed[-1]
    user.click("continueCheck")
    assert user.widget("continueCheck").isChecked()
    user.train(hidden="32", epochs=1)
    assert user.session.history.losses[:10].mean() < first_end * 1.5
    user.train(hidden="32", epochs=2)
    assert user.session.record.earlier_epochs == 2, "those of the two runs before"
    user.widget("hiddenLayersEdit").setText("33")
    check = user.widget("continueCheck")
    assert not check.isEnabled()
    assert check.toolTip().endswith("<b>Not now:</b> It has the hidden layers 32, not 33.")


def choose_hugging_face(user, monkeypatch, tmp_path, address: str) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", address)
    user.widget("datasetCombo").setCurrentIndex(user.widget("datasetCombo").findData("ylecun/mnist"))


@with_settings
def test_a_download_that_hangs_can_be_stopped(user, monkeypatch, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        choose_hugging_face(user, monkeypatch, tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}")
        user.click("trainButton")
        assert user.widget("statusLabel").text() == "Loading the pictures…"
        user.click("stopButton")
        user.wait(lambda: user.session.state == "idle", timeout=3000)
    assert len(user.session.history) == 0


@with_settings
def test_an_unavailable_dataset_is_reported_and_the_network_stays(user, monkeypatch, tmp_path, warnings):
    before = user.session.model
    choose_hugging_face(user, monkeypatch, tmp_path, "http://127.0.0.1:1")
    user.click("trainButton")
    user.wait(lambda: user.session.state == "idle")
    assert warnings == [
        "ylecun/mnist could not be fetched: the hub cannot be reached and there is no copy in the cache."
    ]
    assert user.session.model is before


def test_a_run_says_that_it_waits_for_machine_code_and_can_be_stopped(user, monkeypatch, tmp_path):
    pytest.importorskip("numba")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv(machine_code.SWITCH)
    told = user.window.statusBar().currentMessage
    with FileLock(tmp_path / machine_code._LOCK):  # the child cannot begin
        user.session.prepare_machine_code()
        assert told() == "Preparing machine code for training, once after installation…"
        user.configure()
        user.click("trainButton")
        assert user.widget("statusLabel").text().startswith("Waiting for machine code, ")
        user.click("stopButton")
        user.wait(lambda: user.session.state == "idle")
        assert len(user.session.history) == 0
        assert user.session.is_compiling
        (tmp_path / machine_code._DONE).write_text(machine_code._version(), encoding="utf-8")
    user.wait(lambda: told() == "Machine code for training is ready.")


def test_loading_shows_a_busy_bar(user):
    user.configure()
    user.click("trainButton")
    assert isinstance(user.widget("progressBar"), QProgressBar)
    assert user.widget("progressBar").maximum() == 0
    assert user.widget("statusLabel").text() == "Loading the pictures…"
    user.wait(lambda: user.session.state == "idle")


class PaintWatch(QObject):
    """Records when a widget was last painted."""

    def __init__(self, widget):
        super().__init__(widget)
        self.last_s = time.monotonic()
        widget.installEventFilter(self)

    def eventFilter(self, _watched, event):
        if event.type() == QEvent.Type.Paint:
            self.last_s = time.monotonic()
        return False


def test_the_bar_stops_moving_once_the_digits_are_loaded(user):
    watch = PaintWatch(user.widget("progressBar"))
    user.configure(epochs=5000)
    user.click("stepButton")
    user.wait(lambda: len(user.session.history) == 1)
    user.wait(lambda: time.monotonic() - watch.last_s > 0.2)
    assert user.widget("progressBar").value() == 0
    assert user.widget("progressBar").maximum() > 0


@pytest.mark.usefixtures("few_digits")
def test_the_status_says_when_the_run_is_over(user):
    user.train(epochs=2)
    assert user.widget("statusLabel").text() == f"Trained on {len(user.session.history):,} mini-batches, 2 epochs."


@with_settings
@pytest.mark.usefixtures("few_digits")
def test_the_networks_of_a_committee_are_counted(user):
    seen = []
    user.session.progressed.connect(lambda *_: seen.append(user.widget("statusLabel").text()))
    user.train(hidden="4", epochs=6, members=3)
    told = [re.match(r"Epoch (\d) of 6  ·  network (\d) of 3", text) for text in seen]
    told = {(int(match[1]), int(match[2])) for match in told if match}
    assert told
    assert all(network == (epoch + 1) // 2 for epoch, network in told)


@with_settings
def test_the_epoch_that_is_kept_is_told(user):
    for keep_best in ("loss", "none"):
        user.train(hidden="8", epochs=3, keep_best=keep_best)
        kept = best_epoch(user.session.config, user.session.record.epochs).epoch + 1
        told = f"3 epochs; epoch {kept} is kept." if keep_best == "loss" else "3 epochs."
        assert user.widget("statusLabel").text().endswith(told)


@with_settings
@pytest.mark.usefixtures("few_digits")
def test_a_run_that_ends_early_says_why(user):
    user.widget("stopAccuracySpin").setValue(20)
    user.train(epochs=50)
    assert user.widget("statusLabel").text().endswith("epoch: the validation accuracy has reached 20%.")


@every_panel
@pytest.mark.usefixtures("few_digits")
def test_why_a_run_ended_early_fits_where_the_status_was(user):
    user.window.resize(1366, 768)
    QApplication.processEvents()
    status = user.widget("statusLabel")
    top_px, height_px = status.y(), status.height()
    user.train(epochs=200, batch_size=32, patience=1, keep_best="accuracy")
    assert re.fullmatch(r"Ended after \d+ epochs: no higher validation accuracy since epoch \d+\.", status.text())
    QApplication.processEvents()
    assert status.fontMetrics().horizontalAdvance(status.text()) <= status.width()
    assert (status.y(), status.height()) == (top_px, height_px)


@with_settings
def test_a_network_that_did_not_learn_gets_a_diagnosis(user):
    user.widget("learningRateSpin").setValue(1)
    user.train(hidden="64, 64", epochs=1, batch_size=250)
    status = user.widget("diagnosisLabel")
    assert "The loss exploded to" in status.text()
    assert "the network is no better than guessing" in status.text()
    assert "Try a learning rate of 0.001." in status.text()
    assert status.height() >= status.heightForWidth(status.width()), "the whole text is visible"
    user.widget("learningRateSpin").setValue(0.001)
    user.train(hidden="64, 64", epochs=1, batch_size=250)
    assert not status.isVisible()


@pytest.mark.usefixtures("few_digits")
def test_the_curves_of_a_failed_run_are_not_attributed_to_the_previous_network(user, explode):
    user.train(hidden="16")
    name, accuracy = user.session.name, user.widget("accuracyLabel").text()
    good = user.session.history
    explode(user)
    captions = [label.text() for label in user.window.findChildren(QLabel)]
    assert user.widget("accuracyLabel").text() == accuracy
    assert "earlier test accuracy" in captions
    assert f"The network is {name}, from before this run." in user.widget("diagnosisLabel").text()
    assert "The loss exploded and did not come back" in user.widget("diagnosisLabel").text()
    user.trigger("backAction")
    assert user.session.history is good
    assert "from before this run" not in user.widget("diagnosisLabel").text()
    assert "earlier test accuracy" not in [label.text() for label in user.window.findChildren(QLabel)]
    user.trigger("backAction")
    assert "from before this run" in user.widget("diagnosisLabel").text()


def test_training_actions_have_keys(user, qtbot):
    user.configure(epochs=50)
    user.window.activateWindow()
    qtbot.keyClick(user.window, Qt.Key.Key_F5)
    assert user.session.state == "training"
    qtbot.keyClick(user.window, Qt.Key.Key_F6)
    assert user.session.state == "paused"
    qtbot.keyClick(user.window, Qt.Key.Key_F8)
    user.wait(lambda: user.session.state == "idle")


def test_durations_read_as_a_person_says_them():
    assert [duration(seconds) for seconds in (7.6, 125, 4800)] == ["8 s", "2 min 05 s", "1 h 20 min"]


@every_panel
def test_every_button_has_an_explaining_tooltip(user):
    for button in user.window.findChildren(QPushButton):
        assert button.toolTip() or button.text(), button.objectName()


@with_settings
def test_the_panel_calls_the_setting_that_prevents_training_by_its_label(user):
    before, told = user.session.config, user.widget("statusLabel")
    user.widget("hiddenLayersEdit").setText("abc")
    assert told.text() == "Invalid setting: Hidden layers."
    user.widget("hiddenLayersEdit").setText("32")
    assert told.text().startswith("Ready. ")
    for name, label in (
        ("validation", "Validation"),
        ("l1", "L1 penalty"),
        ("labelSmoothing", "Soft labels"),
        ("stopAccuracy", "Stop at"),
        ("trainingSamples", "Samples"),
    ):
        user.type_into(user.widget(f"{name}Spin"), "-1")
        assert told.text() == f"Invalid setting: {label}."
        user.session.set_config(before, "mnist")
    user.widget("membersSpin").setValue(2)
    user.widget("patienceSpin").setValue(1)
    assert told.text() == "Invalid setting: Committee."


@every_panel
def test_the_panel_does_not_say_where_settings_are_that_may_be_folded_away(user):
    user.window.resize(1024, 540)
    user.wait(lambda: not user.widget("hiddenLayersEdit").isVisible())
    assert user.widget("statusLabel").text() == "Ready. Train uses the current settings."


@every_panel
def test_the_buttons_stay_as_wide_when_pause_becomes_resume(user):
    user.window.resize(1024, 540)
    user.configure(epochs=1000)
    user.click("trainButton")
    user.wait(lambda: len(user.session.history) > 0)
    names = ("trainButton", "pauseButton", "stepButton", "stopButton")

    def places():
        QApplication.processEvents()
        return [user.widget(name).geometry() for name in names]

    before = places()
    user.click("pauseButton")
    assert user.widget("pauseButton").text() == "Resume"
    assert places() == before


@with_settings
def test_a_run_that_explodes_shows_the_network_that_is_kept(user, warnings):
    best = replace(user.session.config, hidden=(32,), optimizer="sgd", learning_rate=0.1, keep_best="loss", epochs=50)
    user.session.set_config(best, "mnist")
    user.click("trainButton")
    user.wait(lambda: len(user.session.history.epochs) >= 2)
    user.widget("learningRateSpin").setValue(1000)
    user.wait(lambda: user.session.state == "idle")
    assert warnings == []
    assert "the best one, whose network is kept, the loss exploded." in user.widget("diagnosisLabel").text()
    record = user.session.record
    kept = best_epoch(best, record.epochs)
    assert user.widget("statusLabel").text().endswith(f"; epoch {kept.epoch + 1} is kept.")
    model, dataset = user.session.model, user.session.dataset
    assert evaluate(model, dataset.test_images, dataset.test_labels) == (record.test_loss, record.test_accuracy)
    assert kept.validation_accuracy > 0.5
    assert record.test_accuracy > 0.5
