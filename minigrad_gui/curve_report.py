"""What the learning curves say, in words and as a table. No Qt here."""

from typing import Any

from engine import TrainingConfig
from engine.nn import ACTIVATIONS
from engine.training import EpochSummary
from minigrad_gui.history import History
from minigrad_gui.wording import counted

APART = "  ·  "
EPOCH_COLUMNS = {
    "training_loss": "loss",
    "training_accuracy": "accuracy",
    "validation_loss": "validation_loss",
    "validation_accuracy": "validation_accuracy",
}


def figure(loss: float) -> str:
    """A loss with a readable number of digits: 12,345 or 2.3026 or 4.1e-07."""
    if loss >= 1000:
        return f"{loss:,.0f}"
    return f"{loss:.4f}" if loss >= 0.001 or loss == 0 else f"{loss:.1e}"


def described(history: History) -> tuple[str, str]:
    """Where the losses and the accuracies have got to, a sentence each; empty for what is not known yet."""
    loss, accuracy = [], []
    if len(history):
        last, smoothed = figure(history.losses[-1]), figure(history.smoothed[-1])
        loss.append(f"Loss {last} at mini-batch {len(history):,}, smoothed {smoothed}.")
    if history.epochs:
        epoch = history.epochs[-1]
        after = f"after epoch {epoch.epoch + 1}"
        if not len(history):
            loss.append(f"Training loss {figure(epoch.loss)} {after}.")
        accuracy.append(f"Training accuracy {epoch.accuracy:.2%} {after}.")
        if epoch.validation_loss is not None and epoch.validation_accuracy is not None:
            loss.append(f"Validation loss {figure(epoch.validation_loss)} {after}.")
            accuracy.append(f"Validation accuracy {epoch.validation_accuracy:.2%}.")
    return " ".join(loss), " ".join(accuracy)


def batch_text(history: History, batch: int, config: TrainingConfig | None) -> str:
    """The values of a mini-batch, which are counted from 1; the learning rate, if it was not the same all the time.

    config: of the run, if it is known.
    """
    parts = [
        f"Mini-batch {batch:,}",
        f"epoch {(batch - 1) // history.steps_per_epoch + 1}",
        f"loss {figure(history.losses[batch - 1])}",
        f"smoothed {figure(history.smoothed[batch - 1])}",
    ]
    rates = [rate for done, rate in history.rate_changes if done < batch]
    if config is not None and (rates or config.schedule != "constant"):
        rate = [config.learning_rate, *rates][-1] * config.rate_factor(batch - 1, history.steps_per_epoch)
        parts.append(f"rate {rate:.3g}")
    ended = history.epochs_ended_by(batch)
    if ended and ended[-1].validation_accuracy is not None:
        parts.append(f"validated after epoch {len(ended)}: {ended[-1].validation_accuracy:.2%}")
    elif any(later.validation_accuracy is not None for later in history.epochs):
        parts.append("not validated yet")
    return APART.join(parts)


def epoch_text(epoch: EpochSummary) -> str:
    """The values of an epoch."""
    parts = [f"Epoch {epoch.epoch + 1}", f"training loss {figure(epoch.loss)}", f"accuracy {epoch.accuracy:.2%}"]
    if epoch.validation_loss is not None and epoch.validation_accuracy is not None:
        parts += [f"validation loss {figure(epoch.validation_loss)}", f"accuracy {epoch.validation_accuracy:.2%}"]
    return APART.join(parts)


def settings_of(config: TrainingConfig) -> list[str]:
    """A run's settings in words; those that are off are left out."""
    rate = f"learning rate {config.learning_rate:g}"
    parts = [
        f"hidden layers {', '.join(map(str, config.hidden)) or 'none'}",
        ACTIVATIONS[config.activation].__name__,
        {"sgd": "SGD", "momentum": f"SGD with momentum {config.momentum:g}", "adam": "Adam"}[config.optimizer],
        rate if config.schedule == "constant" else f"{rate}, {config.schedule} schedule",
        f"batch size {config.batch_size}",
        counted(config.epochs, "epoch"),
        f"seed {config.seed}",
    ]
    if config.has_windows:
        parts.insert(1, f"windows of {config.receptive_field_px} px")
    if config.training_samples:
        parts.append(f"at most {config.training_samples:,} pictures")
    if config.label_noise:
        parts.append(f"{100 * config.label_noise:.5g}% wrong labels")
    if config.weight_decay:
        parts.append(f"weight decay {config.weight_decay:g}")
    if config.dropout and config.hidden:
        parts.append(f"dropout {100 * config.dropout:.5g}%")
    if config.label_smoothing:
        parts.append(f"label smoothing {100 * config.label_smoothing:.5g}%")
    if config.normalization != "none":
        parts.append(f"{config.normalization} normalization")
    if config.l1:
        parts.append(f"L1 penalty {config.l1:g}")
    if config.l2:
        parts.append(f"L2 penalty {config.l2:g}")
    if config.clip_norm:
        parts.append(f"gradients clipped at {config.clip_norm:g}")
    if config.patience:
        parts.append(f"patience of {counted(config.patience, 'epoch')}")
    if config.stop_accuracy:
        parts.append(f"stops at {100 * config.stop_accuracy:.5g}%")
    if config.keep_best != "none":
        parts.append(f"keeps the epoch with the best {config.keep_best}")
    if config.averaging != "none":
        kind = {"ema": "moving average", "last": "average of the last part"}[config.averaging]
        parts.append(f"{kind} over {counted(config.averaged_epochs, 'epoch', 'g')}")
    if config.members > 1:
        parts.append(f"a committee of {config.members} networks")
    if config.augmentation:
        last = "epoch" if config.plain_epochs == 1 else counted(config.plain_epochs, "epoch")
        parts.append("randomly varied pictures" + (f", but for the last {last}" if config.plain_epochs else ""))
    return parts


def table_of(history: History) -> list[list[Any]]:
    """One row per mini-batch, with an epoch's values in its last row; one per epoch if only epochs are known."""
    ends = {history.end_of(epoch): epoch for epoch in history.epochs}
    rows: list[list[Any]] = [["mini_batch", "epoch", "loss", "smoothed_loss", *EPOCH_COLUMNS]]
    for index, (loss, smoothed) in enumerate(zip(history.losses, history.smoothed, strict=True)):
        summary = _figures(ends.get(index + 1))
        rows.append([index + 1, index // history.steps_per_epoch + 1, loss, smoothed, *summary])
    if not len(history):
        rows += [[None, epoch.epoch + 1, None, None, *_figures(epoch)] for epoch in history.epochs]
    return rows


def _figures(epoch: EpochSummary | None) -> list[float | None]:
    return [getattr(epoch, name, None) for name in EPOCH_COLUMNS.values()]
