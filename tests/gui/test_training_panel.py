"""The person presses the training buttons; a real network trains on the real MNIST."""

import re
import socket
import sys
import time

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QApplication, QLabel, QProgressBar, QPushButton

from engine import TrainingConfig, load_model
from minigrad_gui.views.training_panel import duration
from minigrad_gui.worker import TrainingControl


def enabled(hand) -> dict[str, bool]:
    names = ("trainButton", "pauseButton", "stepButton", "stopButton")
    return {name.removesuffix("Button"): hand.widget(name).isEnabled() for name in names}


def test_train_goes_through_all_digits_and_tests_the_network(hand):
    hand.widget("validationSpin").setValue(0)
    hand.train(hidden="32", epochs=2, batch_size=250)
    session = hand.session
    assert len(session.history) == 2 * 60_000 // 250
    assert session.history.losses[0] > 2
    assert session.history.smoothed[-1] < 0.5
    assert session.meta["test_accuracy"] > 0.9
    assert hand.widget("accuracyLabel").text() == f"{session.meta['test_accuracy']:.2%}"
    assert hand.widget("progressBar").value() == hand.widget("progressBar").maximum()


def test_buttons_follow_the_state(hand):
    assert enabled(hand) == {"train": True, "pause": False, "step": True, "stop": False}
    hand.configure(epochs=50)
    hand.click("trainButton")
    assert hand.session.state == "training"
    assert enabled(hand) == {"train": False, "pause": True, "step": False, "stop": True}
    hand.click("pauseButton")
    assert hand.session.state == "paused"
    assert hand.widget("pauseButton").text() == "Resume"
    assert enabled(hand) == {"train": False, "pause": True, "step": True, "stop": True}
    hand.click("pauseButton")
    assert hand.session.state == "training"
    hand.click("stopButton")
    hand.wait(lambda: hand.session.state == "idle")
    assert enabled(hand) == {"train": True, "pause": False, "step": True, "stop": False}


def test_each_step_is_one_mini_batch(hand, qtbot):
    hand.configure(epochs=5)
    for count in (1, 2, 3):
        hand.click("stepButton")
        hand.wait(lambda expected=count: len(hand.session.history) == expected)
        assert hand.session.state == "paused"
    qtbot.wait(150)  # a loop that did not wait would have taken many more steps by now
    assert len(hand.session.history) == 3


def test_steps_asked_for_before_going_on_are_not_taken_after_the_next_pause():
    control = TrainingControl(0.1, paused=True)
    control.allow_step()
    assert not control.must_wait
    control.resume()
    control.pause()
    assert control.must_wait


def test_pause_holds_and_resume_goes_on(hand):
    hand.configure(epochs=50)
    hand.click("trainButton")
    hand.wait(lambda: len(hand.session.history) > 5)
    hand.click("pauseButton")
    hand.wait_until_still()
    assert hand.session.state == "paused"
    held = len(hand.session.history)
    hand.click("pauseButton")
    hand.wait(lambda: len(hand.session.history) > held)


def test_stop_keeps_the_network_and_measures_it(hand):
    hand.configure(hidden="32", epochs=1000)
    hand.click("trainButton")
    hand.wait(lambda: len(hand.session.history) > 20)
    hand.click("stopButton")
    hand.wait(lambda: hand.session.state == "idle", timeout=3000)
    assert hand.session.model.sizes == (784, 32, 10)
    assert 0.3 < hand.session.meta["test_accuracy"] < 1


def test_only_the_learning_rate_can_change_while_training(hand):
    hand.configure(hidden="32", epochs=1000)
    hand.click("trainButton")
    assert hand.widget("learningRateSpin").isEnabled()
    for name in ("epochsSpin", "hiddenLayersEdit", "datasetCombo", "defaultsButton"):
        assert not hand.widget(name).isEnabled()


def test_who_types_a_learning_rate_while_training_is_not_interrupted(hand, qtbot):
    hand.configure(epochs=1000)
    hand.click("trainButton")
    spin = hand.widget("learningRateSpin")
    qtbot.mouseClick(spin.lineEdit(), Qt.MouseButton.LeftButton)
    spin.setFocus()
    spin.selectAll()
    qtbot.keyClicks(spin, "0.00")
    seen = []
    hand.session.modelChanged.connect(lambda: seen.append(hand.window.focusWidget()))
    hand.wait(lambda: len(seen) >= 3)
    assert seen[-1] is spin
    qtbot.keyClicks(spin, "2")
    qtbot.keyClick(spin, Qt.Key.Key_Return)
    assert hand.session.config.learning_rate == 0.002
    hand.click("stopButton")
    hand.wait(lambda: hand.session.state == "idle")


def test_a_changed_learning_rate_counts_from_the_next_step(hand):
    def moved_by_a_step() -> float:
        before, steps = hand.session.model, len(hand.session.history)
        hand.click("stepButton")
        hand.wait(lambda: len(hand.session.history) > steps and hand.session.model is not before)
        pairs = zip(hand.session.model.parameters(), before.parameters(), strict=True)
        return max(float(np.abs(new.data - old.data).max()) for new, old in pairs)

    hand.configure(hidden="512, 512", epochs=10)  # the layers of the pretrained network, which is there before
    moved_by_a_step()
    hand.widget("learningRateSpin").setValue(0.000001)
    assert moved_by_a_step() < 0.0001
    hand.widget("learningRateSpin").setValue(0.1)
    assert moved_by_a_step() > 0.01


def test_the_percentage_speed_and_time_left_are_told(hand):
    hand.configure(hidden="64", epochs=1000)
    hand.click("trainButton")
    status = hand.widget("statusLabel")
    hand.wait(lambda: "left" in status.text())
    assert re.search(r"Epoch \d+ of 1000", status.text())
    assert "digits/s" in status.text()
    assert any(label.text().endswith("%") for label in hand.window.findChildren(QLabel) if label is not status)


def test_a_run_that_explodes_at_once_leaves_the_network_and_what_is_known_of_it(hand, warnings):
    before, meta = hand.session.model, hand.session.meta
    hand.session.set_config(TrainingConfig(optimizer="sgd", learning_rate=1000.0), "mnist")
    hand.click("trainButton")
    hand.wait(lambda: bool(warnings))
    assert hand.session.model is before
    assert hand.session.meta is meta


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_divergence_stops_and_says_what_to_try(optimizer, hand, warnings):
    hand.widget("optimizerCombo").setCurrentIndex(hand.widget("optimizerCombo").findData(optimizer))
    hand.widget("learningRateSpin").setValue(1000)
    hand.train(hidden="32, 32", epochs=20)
    assert len(warnings) == 1
    assert "learning rate ten times smaller" in warnings[0]
    assert 1 <= len(hand.session.history) < 1000
    assert (hand.session.history.losses < 1e6).all(), "the curve ends before it explodes"
    assert all(np.isfinite(parameter.data).all() for parameter in hand.session.model.parameters())


def test_the_same_seed_gives_the_same_network(hand):
    networks = []
    for _ in range(2):
        hand.train(hidden="16", epochs=1)
        networks.append([parameter.data for parameter in hand.session.model.parameters()])
    assert all(np.array_equal(first, second) for first, second in zip(*networks, strict=True))


def test_the_network_before_a_run_comes_back(hand):
    hand.train(hidden="16")
    trained, history = hand.session.model, hand.session.history
    accuracy = hand.widget("accuracyLabel").text()
    hand.configure(hidden="16", epochs=50)
    hand.click("stepButton")
    hand.wait(lambda: len(hand.session.history) == 1)
    hand.click("stopButton")
    hand.wait(lambda: hand.session.state == "idle")
    assert hand.session.model is not trained
    hand.trigger("backAction")
    assert hand.session.model is trained
    assert hand.session.history is history
    assert hand.session.modified
    assert hand.widget("accuracyLabel").text() == accuracy
    bar = hand.widget("progressBar")
    hand.wait(lambda: bar.value() == bar.maximum())


def test_the_loop_does_not_wait_long_for_pythons_lock(hand):
    sys.setswitchinterval(0.005)
    hand.train(hidden="16", epochs=1, batch_size=1000)
    assert sys.getswitchinterval() == pytest.approx(0.001)


def test_a_changed_learning_rate_is_recorded(hand, tmp_path):
    hand.configure(epochs=50)
    hand.click("stepButton")
    hand.wait(lambda: len(hand.session.history) == 1)
    hand.widget("learningRateSpin").setValue(0.5)
    hand.click("stepButton")
    hand.wait(lambda: len(hand.session.history) == 2)
    hand.session.save(tmp_path / "m.npz")
    meta = load_model(tmp_path / "m.npz")[1]
    assert meta["config"]["learning_rate"] == 0.0005
    assert meta["learning_rate_changes"] == [{"mini_batches": 1, "learning_rate": 0.5}]


def test_a_rate_that_is_still_being_typed_counts_when_training_starts(hand, qtbot):
    spin = hand.widget("learningRateSpin")
    spin.setFocus()
    spin.selectAll()
    qtbot.keyClicks(spin, "0,05")
    qtbot.keyClick(spin, Qt.Key.Key_F7)
    assert hand.session.run_config.learning_rate == 0.05


def test_a_stop_says_where(hand):
    hand.configure(epochs=50)
    hand.click("stepButton")
    hand.wait(lambda: len(hand.session.history) == 1)
    hand.click("stopButton")
    hand.wait(lambda: hand.session.state == "idle")
    assert hand.widget("statusLabel").text() == "Stopped after 1 mini-batch, in epoch 1."


def test_go_on_from_the_current_network(hand):
    hand.train(hidden="32", epochs=1)
    first_end = hand.session.history.smoothed[-1]
    hand.click("keepWeightsCheck")
    assert hand.widget("keepWeightsCheck").isChecked()
    hand.train(hidden="32", epochs=1)
    assert hand.session.history.losses[:10].mean() < first_end * 1.5
    hand.widget("hiddenLayersEdit").setText("33")
    assert not hand.widget("keepWeightsCheck").isEnabled()


def choose_hugging_face(hand, monkeypatch, tmp_path, address: str) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", address)
    hand.widget("datasetCombo").setCurrentIndex(hand.widget("datasetCombo").findData("ylecun/mnist"))


def test_a_download_that_hangs_can_be_stopped(hand, monkeypatch, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        choose_hugging_face(hand, monkeypatch, tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}")
        hand.click("trainButton")
        assert hand.widget("statusLabel").text() == "Loading the digits…"
        hand.click("stopButton")
        hand.wait(lambda: hand.session.state == "idle", timeout=3000)
    assert len(hand.session.history) == 0


def test_a_dataset_that_cannot_be_had_is_told_and_the_network_stays(hand, monkeypatch, tmp_path, warnings):
    before = hand.session.model
    choose_hugging_face(hand, monkeypatch, tmp_path, "http://127.0.0.1:1")
    hand.click("trainButton")
    hand.wait(lambda: hand.session.state == "idle")
    assert warnings == [
        "ylecun/mnist could not be fetched: the hub cannot be reached and there is no copy in the cache."
    ]
    assert hand.session.model is before


def test_loading_shows_a_busy_bar(hand):
    hand.configure()
    hand.click("trainButton")
    assert isinstance(hand.widget("progressBar"), QProgressBar)
    assert hand.widget("progressBar").maximum() == 0
    assert hand.widget("statusLabel").text() == "Loading the digits…"
    hand.wait(lambda: hand.session.state == "idle")


class PaintWatch(QObject):
    """Knows when a widget was last painted."""

    def __init__(self, widget):
        super().__init__(widget)
        self.last_s = time.monotonic()
        widget.installEventFilter(self)

    def eventFilter(self, _watched, event):
        if event.type() == QEvent.Type.Paint:
            self.last_s = time.monotonic()
        return False


def test_the_bar_is_still_once_the_digits_are_loaded(hand):
    watch = PaintWatch(hand.widget("progressBar"))
    hand.configure(epochs=5000)
    hand.click("stepButton")
    hand.wait(lambda: len(hand.session.history) == 1)
    hand.wait(lambda: time.monotonic() - watch.last_s > 0.2)
    assert hand.widget("progressBar").value() == 0
    assert hand.widget("progressBar").maximum() > 0


def test_the_status_tells_when_it_is_over(hand):
    hand.train(epochs=2)
    assert hand.widget("statusLabel").text() == f"Trained on {len(hand.session.history):,} mini-batches, 2 epochs."


def test_a_network_that_did_not_learn_is_told_in_words(hand):
    hand.widget("learningRateSpin").setValue(1)
    hand.train(hidden="64, 64", epochs=1, batch_size=250)
    status = hand.widget("diagnosisLabel")
    assert "The loss exploded to" in status.text()
    assert "the network is no better than guessing" in status.text()
    assert "Try a learning rate of 0.001." in status.text()
    assert status.height() >= status.heightForWidth(status.width()), "all of it can be read"
    hand.widget("learningRateSpin").setValue(0.001)
    hand.train(hidden="64, 64", epochs=1, batch_size=250)
    assert not status.isVisible()


def test_a_failed_run_does_not_pass_for_the_run_of_the_network_from_before(hand, warnings):
    hand.train(hidden="16")
    name, accuracy = hand.session.name, hand.widget("accuracyLabel").text()
    good = hand.session.history
    hand.session.set_config(TrainingConfig(optimizer="sgd", learning_rate=1000.0), "mnist")
    hand.click("trainButton")
    hand.wait(lambda: bool(warnings))
    captions = [label.text() for label in hand.window.findChildren(QLabel)]
    assert hand.widget("accuracyLabel").text() == accuracy
    assert "earlier test accuracy" in captions
    assert f"The network is {name}, from before this run." in hand.widget("diagnosisLabel").text()
    assert "The loss exploded and did not come back" in hand.widget("diagnosisLabel").text()
    hand.trigger("backAction")
    assert hand.session.history is good
    assert "from before this run" not in hand.widget("diagnosisLabel").text()
    assert "earlier test accuracy" not in [label.text() for label in hand.window.findChildren(QLabel)]
    hand.trigger("backAction")
    assert "from before this run" in hand.widget("diagnosisLabel").text()


def test_training_actions_have_keys(hand, qtbot):
    hand.configure(epochs=50)
    hand.window.activateWindow()
    qtbot.keyClick(hand.window, Qt.Key.Key_F5)
    assert hand.session.state == "training"
    qtbot.keyClick(hand.window, Qt.Key.Key_F6)
    assert hand.session.state == "paused"
    qtbot.keyClick(hand.window, Qt.Key.Key_F8)
    hand.wait(lambda: hand.session.state == "idle")


def test_durations_read_as_a_person_says_them():
    assert [duration(seconds) for seconds in (7.6, 125, 4800)] == ["8 s", "2 min 05 s", "1 h 20 min"]


def test_tooltips_teach(hand):
    for button in hand.window.findChildren(QPushButton):
        assert button.toolTip() or button.text(), button.objectName()


def test_it_says_which_setting_keeps_train_from_starting(hand):
    hand.widget("hiddenLayersEdit").setText("abc")
    assert hand.widget("statusLabel").text() == "This setting cannot be used: hidden layers."
    hand.widget("hiddenLayersEdit").setText("32")
    assert hand.widget("statusLabel").text().startswith("Ready: ")
    spin = hand.widget("validationSpin")
    spin.selectAll()
    hand.qtbot.keyClicks(spin, "80")
    assert hand.widget("statusLabel").text() == "This setting cannot be used: validation share."


def test_the_buttons_stay_as_wide_when_pause_becomes_resume(hand):
    hand.window.resize(1024, 540)
    hand.configure(epochs=1000)
    hand.click("trainButton")
    hand.wait(lambda: len(hand.session.history) > 0)
    names = ("trainButton", "pauseButton", "stepButton", "stopButton")

    def places():
        QApplication.processEvents()
        return [hand.widget(name).geometry() for name in names]

    before = places()
    hand.click("pauseButton")
    assert hand.widget("pauseButton").text() == "Resume"
    assert places() == before
