"""Calibration: probabilities that mean what they say, and saying so when a picture shows nothing that is known.

A network that has been trained until it is nearly always right is too sure of itself. Dividing its logits by a
temperature, chosen on samples that it was not trained on, mends that (Guo, Pleiss, Sun and Weinberger, On Calibration
of Modern Neural Networks, 2017). But probabilities always add up to 1, over a scribble, too; a scribble shows
in small logits, and so in a small log-sum-exp of them, the negative energy of Liu, Wang, Owens and Li, Energy-based
Out-of-distribution Detection, 2020.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from engine import ops
from engine.augment import Augmentation
from engine.nn import Module
from engine.ops import Array
from engine.run import TrainingRun
from engine.training import logits_of

LOWEST, HIGHEST = 0.2, 20.0
"""Temperatures beyond these would not come from a trained network."""
MAX_LOG_SUM_EXP = 1e6
MAX_SAMPLES = 4000
"""Enough to measure on, and few enough to fit into memory beside a training run."""
MIN_HELD_BACK = 500
"""Of fewer, hardly one is read wrong, which says nothing about how sure to be."""
SEARCH_STEPS = 40
HARDER = Augmentation(shift_px=1, rotation_deg=8, scale=0.1, shear=0.1, elastic_px=0.6, thickness_px=0.3)
"""What people draw on a screen is about as much harder than MNIST's digits."""
LIKE_UNSEEN = Augmentation(**{field: 0.6 * most for field, most in asdict(HARDER).items()})
"""Varied so much, training digits ask for the temperature that unseen ones do. Measured for 20 networks on MNIST's test
digits: each kind of layer and optimizer, 1 to 40 epochs; the expected calibration error is 0.2 to 0.8%, and 2% for
softmax regression; that of held-back digits is 0.2 to 0.5%, without a temperature it is up to 1.4%.
"""
GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Calibration:
    """temperature: what the logits are divided by; least_log_sum_exp: what an answer needs to be accepted, None for no
    such limit; threshold: the least probability of an answer that is accepted, by default more than all others have.
    """

    temperature: float = 1.0
    least_log_sum_exp: float | None = None
    threshold: float = 0.5

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Calibration":
        """What `to_dict` gave. Raises TypeError or ValueError for anything that no calibration can be."""
        values = {**cls().to_dict(), **stored}
        temperature, least, threshold = (values.pop(name) for name in ("temperature", "least_evidence", "threshold"))
        is_sound = LOWEST <= temperature <= HIGHEST and 0 <= threshold <= 1
        is_sound = is_sound and (least is None or abs(least) < MAX_LOG_SUM_EXP)
        if values or not is_sound:
            raise ValueError("this is no calibration")
        return cls(temperature, least, threshold)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a model file, where the least log-sum-exp has an older name, "least_evidence"."""
        return {
            "temperature": self.temperature,
            "least_evidence": self.least_log_sum_exp,
            "threshold": self.threshold,
        }

    def read(self, logits: Array) -> tuple[Array, Array]:
        """The probabilities (N, classes) that logits (N, classes) come to, and whether each answer is accepted (N,)."""
        with np.errstate(invalid="ignore"):  # logits that are not finite give probabilities that are not
            probabilities = _probabilities(logits, self.temperature)
        accepted = probabilities.max(axis=-1) >= self.threshold
        if self.least_log_sum_exp is not None:
            accepted &= _log_sum_exp(logits) >= self.least_log_sum_exp
        return probabilities, accepted


def _probabilities(logits: Array, temperature: float) -> Array:
    return ops.softmax(logits / logits.dtype.type(temperature))


def _log_sum_exp(logits: Array) -> Array:
    """log(sum(exp(logits))) over the classes: (N,)."""
    highest = logits.max(axis=-1)
    return np.asarray(highest + np.log(np.exp(logits - highest[:, np.newaxis]).sum(axis=-1)))


def calibrate(
    model: Module, images: Array, labels: Array, harder: Array | None = None, turned_away: float = 0.01
) -> Calibration:
    """The temperature of the least cross-entropy loss on images (N, ...) with class labels (N,), not trained on, and
    the log-sum-exp below which this share of the rightly read ones would be turned away: of `harder` images of the same
    labels, if there are some, which are to the others as what the network will meet is to what it was trained on.

    Golden-section search over the logarithm: the loss has one minimum in 1 / temperature, since cross-entropy is convex
    in the logits.
    """
    rows, logits = np.arange(len(labels)), logits_of(model, images)

    def loss(temperature: float) -> float:
        return float(-np.log(_probabilities(logits, temperature)[rows, labels] + 1e-30).mean())

    low, high = np.log(LOWEST), np.log(HIGHEST)
    for _ in range(SEARCH_STEPS):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        low, high = (low, right) if loss(np.exp(left)) < loss(np.exp(right)) else (left, high)
    if harder is not None:
        logits = logits_of(model, harder)
    log_sum_exp = _log_sum_exp(logits)[logits.argmax(axis=-1) == labels]
    least = float(np.quantile(log_sum_exp, turned_away)) if log_sum_exp.size else None
    return Calibration(float(np.exp((low + high) / 2)), least)


def calibrate_run(run: TrainingRun) -> Calibration:
    """Calibrate a trained run's network on the samples that it held back, images (N, height, width).

    Where they are too few, on varied training samples: a network that knows a sample by heart does not know its
    variations, and is about as sure of them, and as often right, as of samples that it has never seen.
    """
    unseen = len(run.validation[0]) >= MIN_HELD_BACK
    images, labels = run.validation if unseen else run.training
    rows = np.linspace(0, len(images) - 1, min(len(images), MAX_SAMPLES)).astype(int)
    images, labels = images[rows], labels[rows]
    harder = HARDER(images, np.random.default_rng([run.config.seed, 4]))
    if not unseen:
        images = LIKE_UNSEEN(images, np.random.default_rng([run.config.seed, 5]))
    return calibrate(run.model, images, labels, harder)
