"""The curves in words and as a table: of a run, and of a file that has its epochs only."""

import re

from engine import TrainingConfig
from engine.augment import Augmentation
from engine.training import EpochSummary
from minigrad_gui.curve_report import batch_text, described, epoch_text, figure, settings_of, table_of
from minigrad_gui.history import History

FIRST, SECOND = EpochSummary(0, 0.5, 0.8, 0.6, 0.75), EpochSummary(1, 0.25, 0.9, None, None)


def of_a_run(losses: list[float], *epochs: EpochSummary) -> History:
    history = History(steps_per_epoch=2)
    history.extend(losses, list(epochs))
    return history


def test_a_run_is_described_by_its_last_loss_and_last_epoch():
    loss, accuracy = described(of_a_run([2.0, 2.0, 2.0], FIRST))
    assert loss == "Loss 2.0000 at mini-batch 3, smoothed 2.0000. Validation loss 0.6000 after epoch 1."
    assert accuracy == "Training accuracy 80.00% after epoch 1. Validation accuracy 75.00%."


def test_a_file_is_described_by_its_last_epoch():
    assert described(of_a_run([], FIRST, SECOND)) == (
        "Training loss 0.2500 after epoch 2.",
        "Training accuracy 90.00% after epoch 2.",
    )


def test_of_nothing_nothing_is_said():
    assert described(History()) == ("", "")


def test_a_mini_batch_is_read_with_the_latest_validation_and_rate():
    history = of_a_run([2.0, 1.0, 0.5], FIRST)
    history.rate_changes.append((2, 0.002))
    told = "Mini-batch 1  ·  epoch 1  ·  loss 2.0000  ·  smoothed 2.0000  ·  not validated yet"
    assert batch_text(history, 1, TrainingConfig()) == batch_text(history, 1, None) == told
    last = batch_text(history, 3, TrainingConfig())
    assert last.startswith("Mini-batch 3  ·  epoch 2  ·  loss 0.5000")
    assert last.endswith("rate 0.002  ·  validated after epoch 1: 75.00%")


def test_the_rate_is_the_one_that_a_mini_batch_was_trained_with():
    config = TrainingConfig(schedule="step", epochs=4, learning_rate=0.5)
    history = of_a_run([1.0] * 8, FIRST)
    history.rate_changes.append((5, 0.2))
    rates = [re.search(r"rate ([\d.]+)", batch_text(history, batch, config))[1] for batch in range(1, 9)]
    assert rates == ["0.5"] * 4 + ["0.05"] + ["0.02"] + ["0.002"] * 2


def test_an_epoch_is_read_with_its_validation_if_it_was_validated():
    trained = "training loss 0.5000  ·  accuracy 80.00%"
    assert epoch_text(FIRST) == f"Epoch 1  ·  {trained}  ·  validation loss 0.6000  ·  accuracy 75.00%"
    assert epoch_text(SECOND) == "Epoch 2  ·  training loss 0.2500  ·  accuracy 90.00%"


def test_an_epochs_values_are_in_the_row_of_its_last_mini_batch():
    head, *rows = table_of(of_a_run([2.0, 1.0, 0.5], FIRST))
    assert head[:3] == ["mini_batch", "epoch", "loss"]
    assert [row[:3] for row in rows] == [[1, 1, 2.0], [2, 1, 1.0], [3, 2, 0.5]]
    assert [row[4:] for row in rows] == [[None] * 4, [0.5, 0.8, 0.6, 0.75], [None] * 4]


def test_of_a_file_there_is_a_row_for_each_epoch():
    assert table_of(of_a_run([], FIRST, SECOND))[1:] == [
        [None, 1, None, None, 0.5, 0.8, 0.6, 0.75],
        [None, 2, None, None, 0.25, 0.9, None, None],
    ]


def test_settings_that_are_not_used_are_not_named():
    plain = settings_of(TrainingConfig(hidden=(), optimizer="momentum", schedule="constant", weight_decay=0.0))
    assert plain[:3] == ["hidden layers none", "ReLU", "SGD with momentum 0.9"]
    assert "10 epochs" in plain
    few = settings_of(TrainingConfig(training_samples=1500, label_noise=0.25))
    assert {"at most 1,500 pictures", "25% wrong labels"} < set(few)
    words = (
        "pictures",
        "labels",
        "schedule",
        "decay",
        "varied",
        "average",
        "keeps",
        "dropout",
        "smoothing",
        "penalty",
        "clipped",
        "normalization",
        "committee",
        "windows",
    )
    assert not any(word in part for part in plain for word in words)
    config = TrainingConfig(
        hidden=(64, 32),
        schedule="cosine",
        weight_decay=0.01,
        averaging="ema",
        averaged_epochs=2.5,
        patience=4,
        stop_accuracy=0.985,
        keep_best="loss",
        dropout=0.25,
        label_smoothing=0.1,
        normalization="batch",
        l1=0.001,
        l2=0.002,
        clip_norm=1.5,
        receptive_field_px=14,
        augmentation=Augmentation(shift_px=1),
        plain_epochs=3,
    )
    committee = settings_of(TrainingConfig(members=3))
    assert "a committee of 3 networks" in committee
    rich = ", ".join(settings_of(config))
    for part in (
        "hidden layers 64, 32",
        "windows of 14 px",
        "cosine schedule",
        "weight decay 0.01",
        "moving average over 2.5 epochs",
        "patience of 4 epochs",
        "stops at 98.5%",
        "keeps the epoch with the best loss",
        "dropout 25%",
        "label smoothing 10%",
        "batch normalization",
        "L1 penalty 0.001",
        "L2 penalty 0.002",
        "gradients clipped at 1.5",
        "randomly varied pictures, but for the last 3 epochs",
    ):
        assert part in rich


def test_one_epoch_is_in_the_singular():
    config = TrainingConfig(averaging="last", patience=1, augmentation=Augmentation(shift_px=1), plain_epochs=1)
    assert settings_of(config)[-3:] == [
        "patience of 1 epoch",
        "average of the last part over 1 epoch",
        "randomly varied pictures, but for the last epoch",
    ]


def test_numbers_have_a_readable_number_of_digits():
    assert [figure(loss) for loss in (95_986.4, 12.5, 2.30258, 0.0123456, 1.234e-7, 0)] == [
        "95,986",
        "12.5000",
        "2.3026",
        "0.0123",
        "1.2e-07",
        "0.0000",
    ]
