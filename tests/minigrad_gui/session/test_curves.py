"""The course of a run, also if only a network's file records it."""

from engine import TrainingConfig
from engine.record import LearningRateChange, TrainingRecord
from engine.training import EpochSummary
from minigrad_gui.session.curves import curves_config, recorded_curves

CONFIG = TrainingConfig(hidden=(16,), batch_size=100, epochs=2)


def test_curves_are_restored_from_a_networks_file():
    record = TrainingRecord(CONFIG, "mnist", (EpochSummary(0, 0.5, 0.8),))
    curves = recorded_curves(record)
    assert curves.gave_a_network
    assert [epoch.loss for epoch in curves.history.epochs] == [0.5]
    assert curves.history.steps_per_epoch == 54_000 / CONFIG.batch_size
    assert curves_config(curves, record) == CONFIG
    assert curves_config(recorded_curves(TrainingRecord()), TrainingRecord()) is None


def test_of_own_data_it_is_not_known_when_the_learning_rate_was_changed():
    changes = (LearningRateChange(30, 0.01),)
    for dataset, known in (("mnist", 1), ("/my/digits.csv", 0)):
        record = TrainingRecord(CONFIG, dataset, (EpochSummary(0, 0.5, 0.8),), changes)
        history = recorded_curves(record).history
        assert (len(history.epochs), len(history.rate_changes)) == (1, known)
