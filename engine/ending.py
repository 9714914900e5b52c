"""When a run ends before its last epoch, and which of its epochs was the best.

Both follow from the config and the summaries of the epochs alone, so a resumed run decides as the original would.
Early stopping: Prechelt, Early Stopping - But When? (1998).
"""

import math
from collections.abc import Callable, Sequence

from engine.config import TrainingConfig
from engine.training import EpochSummary


def _loss_merit(epoch: EpochSummary) -> tuple[float, ...]:
    loss = epoch.validation_loss
    return (-math.inf if loss is None or math.isnan(loss) else -loss,)


def _accuracy_merit(epoch: EpochSummary) -> tuple[float, ...]:
    accuracy = epoch.validation_accuracy
    return (-1.0 if accuracy is None else accuracy, *_loss_merit(epoch))


_MERITS: dict[str, Callable[[EpochSummary], tuple[float, ...]]] = {
    "none": _loss_merit,
    "loss": _loss_merit,
    "accuracy": _accuracy_merit,
}
"""By `keep_best`: more is better. Of equal accuracies the one with the lower loss is better."""


def best_epoch(config: TrainingConfig, epochs: Sequence[EpochSummary]) -> EpochSummary | None:
    """The first epoch with the lowest validation loss, or with the highest accuracy if the config says so.

    None if nothing was validated.
    """
    validated = [epoch for epoch in epochs if epoch.validation_loss is not None]
    return max(validated, key=_MERITS[config.keep_best], default=None)


def kept_epoch(config: TrainingConfig, epochs: Sequence[EpochSummary]) -> EpochSummary | None:
    """The epoch whose network is that of the run, if the config keeps the best one."""
    return best_epoch(config, epochs) if config.keep_best != "none" else None


def has_reached_accuracy(config: TrainingConfig, epochs: Sequence[EpochSummary]) -> bool:
    """Whether the last epoch has the validation accuracy at which the config wants a run to end."""
    accuracy = epochs[-1].validation_accuracy if epochs else None
    return bool(config.stop_accuracy) and accuracy is not None and accuracy >= config.stop_accuracy


def reason_to_stop(config: TrainingConfig, epochs: Sequence[EpochSummary]) -> str:
    """Why a run ends after these epochs, as the rest of a sentence; "" if it goes on."""
    best = best_epoch(config, epochs)
    if best is None or len(epochs) >= config.epochs:
        return ""
    if has_reached_accuracy(config, epochs):
        return f"the validation accuracy has reached {100 * config.stop_accuracy:.5g}%"
    if config.patience and epochs[-1].epoch - best.epoch >= config.patience:
        what = "higher validation accuracy" if config.keep_best == "accuracy" else "lower validation loss"
        return f"no {what} since epoch {best.epoch + 1}"
    return ""
