"""The current network, its file and its name."""

import numpy as np
import pytest

from engine import MLP, ModelFileError, TrainingConfig, load_model, save_model
from engine.record import TrainingRecord
from minigrad_gui.control import TrainingControl
from minigrad_gui.handwriting import Drawing, new_drawing
from minigrad_gui.runner import TrainingJob
from minigrad_gui.session.network import Network, NetworkSnapshot
from minigrad_gui.teaching import TeachingJob, TeachingResult

CONFIG = TrainingConfig(hidden=(16,))


def some_model() -> MLP:
    return MLP(784, [16], 10, dtype=np.float32)


def some_job(**others) -> TrainingJob:
    return TrainingJob(CONFIG, "mnist", TrainingControl(0.1), **others)


def some_drawings(count: int) -> tuple[Drawing, ...]:
    return tuple(new_drawing([np.array([[0.5, 0.1], [0.5, 0.9]])], 1) for _ in range(count))


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "digits.npz"
    save_model(path, some_model(), {"taught_drawings": 2})
    return path


def test_at_first_there_is_no_network(network, tmp_path):
    assert network.now == NetworkSnapshot()
    assert network.now.name == "No network"
    with pytest.raises(ModelFileError, match="no network to save"):
        network.save(tmp_path / "none.npz", TrainingRecord())


def test_a_network_is_read_from_a_file(network, file, qtbot):
    with qtbot.waitSignals([network.modelChanged, network.documentChanged]):
        network.take(network.read(file))
    now = network.now
    assert (now.path, now.name, now.modified, now.is_pretrained) == (file, "digits.npz", False, False)
    assert now.record.taught_drawings == 2
    assert not now.uses_handwriting
    with qtbot.assertNotEmitted(network.documentChanged):
        network.take(network.read(file))


def test_the_choice_of_handwriting_for_the_pretrained_network_is_remembered(network, file):
    network.take(network.read(None))
    assert network.now.is_pretrained
    assert network.now.uses_handwriting
    network.use_handwriting(False)
    network.take(network.read(file))
    network.use_handwriting(True)
    assert not network.pretrained_uses_handwriting, "that was another network"
    assert not network.read(None).uses_handwriting


def test_a_new_network_has_its_own_name_and_no_file(network, file, tmp_path):
    network.take(network.read(file))
    network.use_handwriting(True)
    job = some_job(checkpoint_path=tmp_path / "run.npz")
    network.take_trained(some_model(), job, is_first=True)
    now = network.now
    assert (now.path, now.modified, now.name) == (None, True, "New network 1 (16, in training)")
    assert (now.record, now.uses_handwriting, now.checkpoint_path) == (TrainingRecord(), False, job.checkpoint_path)
    network.use_handwriting(True)
    network.take_trained(some_model(), job, is_first=False)
    assert network.now.uses_handwriting, "it was chosen for the previous network"
    network.end_training(CONFIG, 1.0, TrainingRecord(test_accuracy=0.5))
    assert network.now.name == "New network 1 (16, 1 epoch)"
    assert network.now.record.test_accuracy == 0.5
    network.take_trained(some_model(), job, is_first=True)
    network.end_training(CONFIG, 2.5, TrainingRecord())
    assert network.now.name == "New network 2 (16, 2.5 epochs)"


def test_a_network_trained_further_stays_with_its_file(network, file):
    network.take(network.read(file))
    network.take_trained(some_model(), some_job(start_from=network.now.model), is_first=True)
    assert (network.now.path, network.now.name) == (file, "digits.npz, trained further")
    assert network.now.modified


def test_a_network_is_saved_with_its_record(network, tmp_path, qtbot):
    network.take_trained(some_model(), some_job(), is_first=True)
    with qtbot.waitSignal(network.documentChanged):
        network.save(tmp_path / "mine", TrainingRecord(dataset="mnist"))
    assert (network.now.path, network.now.modified) == (tmp_path / "mine.npz", False)
    model, meta = load_model(tmp_path / "mine.npz")
    assert meta == {"dataset": "mnist"}
    np.testing.assert_array_equal(model.layers[0].W.data, network.now.model.layers[0].W.data)


def test_saving_a_copy_over_the_file_leaves_the_network_unsaved(network, file, tmp_path):
    network.take(network.read(file))
    copy = TeachingResult(TeachingJob(some_model(), some_drawings(3)), some_model(), test=(0.5, 0.75))
    network.save_copy(tmp_path / "copy.npz", copy)
    assert not network.now.modified
    network.save_copy(file, copy)
    assert network.now.modified
    assert load_model(file)[1] == {"taught_drawings": 5, "test_loss": 0.5, "test_accuracy": 0.75}


@pytest.mark.parametrize("copy", [None, TeachingResult(TeachingJob(some_model(), ()), error="It diverged.")])
def test_a_copy_that_has_learnt_nothing_is_not_saved(network, tmp_path, copy):
    with pytest.raises(ModelFileError, match="not learnt"):
        network.save_copy(tmp_path / "copy.npz", copy)
    assert not (tmp_path / "copy.npz").exists()


def test_the_choice_for_the_pretrained_one_can_be_restored(network):
    network.set_pretrained_uses_handwriting(False)
    assert not network.read(None).uses_handwriting


def test_the_state_is_read_only(network):
    with pytest.raises(AttributeError):
        network.pretrained_uses_handwriting = False
    with pytest.raises(AttributeError):
        network.now = NetworkSnapshot()
    with pytest.raises(AttributeError):
        network.now.name = "another"
