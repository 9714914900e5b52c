"""What is known of a run, also from a network's file alone."""

from engine import TrainingConfig
from minigrad_gui.session.curves import curves_config, recorded_curves

CONFIG = TrainingConfig(hidden=(16,), batch_size=100, epochs=2)


def test_a_networks_file_tells_of_its_run():
    epochs = [{"epoch": 0, "loss": 0.5, "accuracy": 0.8, "validation_loss": None, "validation_accuracy": None}]
    meta = {"config": CONFIG.to_dict(), "dataset": "mnist", "epochs": epochs}
    curves = recorded_curves(meta)
    assert curves.gave_a_network
    assert [epoch.loss for epoch in curves.history.epochs] == [0.5]
    held_back = round(60_000 * CONFIG.validation_share)
    assert curves.history.steps_per_epoch == -(-(60_000 - held_back) // CONFIG.batch_size)
    assert curves_config(curves, meta) == CONFIG
    assert curves_config(recorded_curves({}), {}) is None
