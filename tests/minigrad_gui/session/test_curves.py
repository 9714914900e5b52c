"""The course of a run, also if only a network's file records it."""

from engine import TrainingConfig
from engine.record import TrainingRecord
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
