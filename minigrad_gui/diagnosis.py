"""What went wrong in a run, and what to try, so that a network that learned nothing does not look as if it had.

The thresholds are far from anything that good runs do. Measured on MNIST with every optimizer, activation and preset,
one to 40 epochs: their loss never exceeds 23 and ends below a tenth of that of guessing, and fewer than one ReLU in ten
is dead. No Qt here.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine import Tensor, TrainingConfig, no_grad
from engine.ending import has_reached_accuracy, kept_epoch, reason_to_stop
from engine.nn import MLP, ReLU, is_finite
from engine.ops import Array
from engine.run import TrainingRun
from engine.samples import as_rows
from engine.training import EpochSummary
from minigrad_gui.wording import counted, part_of

EXPLODED_LOSS = 100.0
"""Forty times the loss of guessing. A single digit misread with confidence costs 20 to 30 in a batch of one."""
LEARNED_SHARE = 0.97
"""Share of the loss of guessing, both counted from `least_loss`. Knowing only how frequent digits are gives 0.9993."""
POOR_SHARE = 0.5
UNFINISHED_SHARE, UNFINISHED_FALL = 1 / 3, 0.9
"""More training would help: the loss is above a third of that of guessing and fell by a tenth in the last epoch."""
STILL_FALLING = 0.1
"""Likewise if the loss is poor and the last mini-batches had this share of its whole fall."""
OVERFIT_RISE = 1.2
"""How far the validation loss may rise above its minimum. The mean over 6,000 digits fluctuates by some 5%."""
MOST_DEAD = 0.5
LAST = 100
"""Mini-batches whose median tells how a run began or ended, or a quarter of the run if that is less."""
PROBES = 500
"""Digits on which a neuron has to give 0 to count as dead."""
USUAL_RATES = {"sgd": 0.1, "momentum": 0.01, "adam": 0.001}
MOST_DECAY, MOST_PENALTY = 0.01, {"l1": 0.01, "l2": 0.1}
"""Weight decay times learning rate that shrinks every weight by a hundredth at each step, and penalties, that may be
why a network learns little. Measured: an L1 penalty of 0.01 costs 13 of 95% of the test digits, an L2 of 0.1 9."""
SMALL_WINDOW_PX = 4
"""Windows of the first hidden layer's neurons with which many are dead from the start: 13 to 62% with 3 to 1 px."""
DEEP = 3
"""Hidden layers from which on a saturating activation makes the gradient vanish on its way back."""


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a run and what to try, in one or two sentences each."""

    finding: str
    advice: str
    ended_run: bool = False
    """Whether it ended the run."""

    def __str__(self) -> str:
        return f"{self.finding} {self.advice}"


def diagnose_run(
    run: TrainingRun, images: Array, *, diverged: bool = False, classes: int = 10, rates: Sequence[float] = ()
) -> Diagnosis | None:
    """What is wrong with the network of a run that has ended, or None.

    images: uint8 (N, ...), not trained on; rates: the learning rates that the run had beside its config's.
    """
    config = replace(run.config, learning_rate=max(run.config.learning_rate, *rates, 0.0))
    losses = run.losses.astype(np.float64)
    kept = kept_epoch(config, run.epochs) if is_finite(run.model) else None
    if diverged and kept is None:
        return diagnose(config, losses, run.epochs, diverged=True, classes=classes)
    dead = dead_shares(run.model, images[:PROBES])
    if kept is None or (kept is run.epochs[-1] and not diverged):
        return diagnose(config, losses, run.epochs, dead, classes=classes)
    before, after = np.split(losses, [(kept.epoch + 1) * run.steps_per_epoch - run.steps_done])
    found = diagnose(config, before, run.epochs[: kept.epoch + 1], dead, classes=classes, went_on=True)
    if diverged or not found:
        return _spoilt(config, after, kept.epoch + 1, diverged=diverged, classes=classes)
    return found


def _spoilt(
    config: TrainingConfig, losses: NDArray[np.float64], kept: int, *, diverged: bool, classes: int
) -> Diagnosis | None:
    """What happened after the epoch with the number `kept`, if it was worse than no progress. losses: since then."""
    least = least_loss(config, classes)
    if diverged or losses.max() > EXPLODED_LOSS:
        how = "exploded"
    elif _medians(losses)[-1] - least >= LEARNED_SHARE * (math.log(classes) - least):
        how = "rose to that of guessing"
    else:
        return None
    what = f"After epoch {kept}, the best one, whose network is kept, the loss {how}."
    return Diagnosis(what, _smaller_rate(config), ended_run=diverged)


def dead_shares(model: MLP, images: Array) -> tuple[float, ...]:
    """The dead share of each hidden layer, 0 to 1: ReLUs that give 0 for every image, uint8 (N, ...).

    () for other activations, whose neurons do not die.
    """
    if not isinstance(model.activation, ReLU):
        return ()
    shares = []
    with no_grad(), np.errstate(over="ignore", invalid="ignore"):
        outputs = Tensor(as_rows(images, model.dtype))
        for layer in model.layers[:-1]:
            outputs = model.activation(layer(outputs))
            shares.append(float((outputs.data == 0).all(axis=0).mean()))
    return tuple(shares)


def diagnose(
    config: TrainingConfig,
    losses: NDArray[np.float64],
    epochs: Sequence[EpochSummary],
    dead: Sequence[float] = (),
    *,
    diverged: bool = False,
    classes: int = 10,
    went_on: bool = False,
) -> Diagnosis | None:
    """The most serious thing that is wrong with a run, or None.

    losses: one per mini-batch (n,); dead: what `dead_shares` returned; diverged: whether the run ended because its loss
    became useless; went_on: whether there were more epochs, but none better. A run that was stopped within its first
    epoch is checked for explosions only.
    """
    guessing = math.log(classes)  # the loss of equal probabilities
    least = least_loss(config, classes)
    room = max(guessing - least, 1e-9)  # none if the labels are as good as chance
    if diverged:
        what = "The loss exploded and did not come back: the steps were so large that the weights grew without bound."
        return Diagnosis(what, _smaller_rate(config), ended_run=True)
    if len(losses) == 0:
        return None
    begin, before, end = _medians(losses)
    has_learned = end - least < LEARNED_SHARE * room
    validated = epochs[-1].validation_loss if epochs else None
    is_poor = end - least > POOR_SHARE * room
    is_poor = is_poor and (validated is None or validated > POOR_SHARE * guessing)  # varied pictures are hard to read
    if losses.max() > EXPLODED_LOSS:
        what = f"The loss exploded to {losses.max():,.0f} at mini-batch {losses.argmax() + 1:,}"
        if not has_learned:
            what += " and never came back: the network is no better than guessing."
        elif is_poor:
            what += " and came back only in part."
        else:
            what += " and came back."
        more = _with_normalization(config) if _dead_layer(dead) else ""
        return Diagnosis(f"{what}{_dead_layer(dead)}", f"{_smaller_rate(config)}{more}")
    if not epochs:
        return None
    if not has_learned:
        return _stuck(config, len(losses), begin, end, dead)
    if dead and max(dead) >= MOST_DEAD:
        advice = _sees_little(config) or f"{_smaller_rate(config)}{_with_normalization(config)}"
        return Diagnosis(_dead_layer(dead).strip(), advice)
    overfitted = _overfitted(epochs) if config.keep_best == "none" else None
    if has_reached_accuracy(config, epochs):  # which was all that the person wanted
        return overfitted
    falls = is_poor and before - end > STILL_FALLING * (begin - end)
    falls = falls or _is_unfinished([epoch.loss - least for epoch in epochs], room)
    if falls and not went_on and not reason_to_stop(config, epochs):  # else the validation loss was not
        return Diagnosis(
            "The loss was still falling when training ended.",
            "Try more epochs, or a learning rate that is a little higher.",
        )
    return overfitted or (_poor(config, end, guessing) if is_poor else None)


def least_loss(config: TrainingConfig, classes: int) -> float:
    """The loss that a network ends at which knows every label, but neither which are wrong nor the smoothing.

    Label noise and label smoothing leave a label `known` of the probability; the other classes share the rest. No
    answer has a smaller mean cross-entropy than these probabilities, of which it is the entropy.
    """
    smoothing = config.label_smoothing
    known = (1 - config.label_noise) * (1 - smoothing) + smoothing / classes
    other = (1 - known) / max(classes - 1, 1)
    return -sum(count * p * math.log(p) for count, p in ((1, known), (classes - 1, other)) if p > 0)


def _medians(losses: NDArray[np.float64]) -> tuple[float, float, float]:
    """The loss when a run began, shortly before its end, and at its end. losses: one per mini-batch, at least one."""
    count = min(LAST, max(len(losses) // 4, 1))
    first, second_last, last = losses[:count], losses[-2 * count :][:count], losses[-count:]
    return float(np.median(first)), float(np.median(second_last)), float(np.median(last))


def _stuck(config: TrainingConfig, steps: int, begin: float, end: float, dead: Sequence[float]) -> Diagnosis:
    """Why the loss stays at that of guessing although it never exploded."""
    shrunk = _why_shrunk(config) or _sees_little(config)
    if dead and max(dead) >= MOST_DEAD:
        what = f"The network is no better than guessing.{_dead_layer(dead)}"
        advice = f"{_smaller_rate(config)}{_with_normalization(config) or ' Tanh neurons do not die.'}"
        return Diagnosis(what, shrunk or advice)
    flat = abs(begin - end) < (1 - LEARNED_SHARE) * begin
    how = "The loss was flat from the start" if flat else "The loss fell no lower than that of guessing"
    what = f"{how}: the network is no better than guessing."
    if shrunk:
        return Diagnosis(what, shrunk)
    usual = USUAL_RATES[config.optimizer]
    if config.learning_rate < usual / 10:
        return Diagnosis(what, f"The steps are too small. Try a learning rate of {usual:g}.")
    if config.learning_rate > usual * 10:
        return Diagnosis(what, _smaller_rate(config))
    if _saturates(config):
        why = "The gradient vanishes on its way back through so many layers."
        helps = "normalization, ReLU" if _could_normalize(config) else "ReLU"
        return Diagnosis(what, f"{why} Try {helps}, fewer layers, or Adam.")
    if steps < LAST:
        what = f"The loss hardly fell within {counted(steps, 'mini-batch')}."
        return Diagnosis(what, "Try more epochs, or smaller mini-batches.")
    return Diagnosis(what, "Try another learning rate, or other layers.")


def _is_unfinished(losses: Sequence[float], guessing: float) -> bool:
    """losses: the mean of each epoch, and that of guessing, both above the least that is possible."""
    return len(losses) > 1 and UNFINISHED_SHARE * guessing <= losses[-1] <= UNFINISHED_FALL * losses[-2]


def _overfitted(epochs: Sequence[EpochSummary]) -> Diagnosis | None:
    """Overfitting: the validation loss rises while the training loss still falls."""
    validated = [(epoch.validation_loss, epoch) for epoch in epochs if epoch.validation_loss is not None]
    if not validated:
        return None
    (lowest, best), (now, last) = min(validated, key=lambda pair: pair[0]), validated[-1]
    if now < OVERFIT_RISE * lowest or last.loss >= best.loss:
        return None
    rise = f"{now / lowest - 1:.0%}"
    return Diagnosis(
        f"The network overfits: after epoch {best.epoch + 1} the validation loss rose by {rise}, while the training "
        "loss went on falling.",
        "Try fewer epochs, pictures varied at random, or weight decay.",
    )


def _poor(config: TrainingConfig, end: float, guessing: float) -> Diagnosis:
    what = f"The network learnt little: its loss ended at {end:.2f}; that of guessing is {guessing:.2f}."
    if hindered := _why_shrunk(config) or _sees_little(config):
        return Diagnosis(what, hindered)
    instead = "smaller variations of the pictures" if config.augmentation else "another learning rate"
    if _saturates(config) and _could_normalize(config):
        instead = f"normalization, {instead}"
    return Diagnosis(what, f"Try {instead}, or more neurons.")


def _saturates(config: TrainingConfig) -> bool:
    """Whether the network has so many layers, and not of ReLUs, that gradients may vanish unless it is normalized."""
    return config.activation != "relu" and len(config.hidden) >= DEEP and config.normalization == "none"


def _why_shrunk(config: TrainingConfig) -> str:
    """What pulls the weights to 0 so strongly that the network may learn nothing, and what to try; "" if nothing."""
    names = [f"{name.upper()} penalty" for name, most in MOST_PENALTY.items() if getattr(config, name) >= most]
    if config.weight_decay * config.learning_rate > MOST_DECAY:
        names.append("weight decay")
    return f"The {names[0]} pulls its weights to 0. Try a smaller one." if names else ""


def _sees_little(config: TrainingConfig) -> str:
    """What to try if neurons see too little of the picture; "" if they do not."""
    if not config.has_windows or config.receptive_field_px > SMALL_WINDOW_PX:
        return ""
    return f"A window of {config.receptive_field_px} px shows a neuron too little. Try a larger one."


def _dead_layer(dead: Sequence[float]) -> str:
    """A sentence about the first mostly dead layer, with a leading space; empty if there is none."""
    layer = next((number for number, share in enumerate(dead, 1) if share >= MOST_DEAD), None)
    if layer is None:
        return ""
    reason = "they give 0 for every picture and no longer learn"
    return f" {part_of(dead[layer - 1])} ReLUs of hidden layer {layer} are dead: {reason}."


def _with_normalization(config: TrainingConfig) -> str:
    """A sentence about what else keeps neurons alive, with a leading space; empty if the run had it or could not."""
    return " With normalization hardly any neuron dies." if _could_normalize(config) else ""


def _could_normalize(config: TrainingConfig) -> bool:
    return config.normalization == "none" and config.batch_size > 1


def _smaller_rate(config: TrainingConfig) -> str:
    return f"Try a learning rate of {min(config.learning_rate / 10, USUAL_RATES[config.optimizer]):g}."
