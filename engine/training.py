"""Training: shuffled mini-batches, with one gradient step for each; and evaluating what was trained.

`training_steps` is a generator: whoever iterates it (a loop in a terminal, a thread under a window) decides what
happens between two steps. All randomness follows from the seed and the epoch's number, so a run can be repeated.
"""

import math
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from engine import ops
from engine.augment import Augmentation
from engine.fast import quickest_steps
from engine.losses import cross_entropy_loss
from engine.nn import (
    MLP,
    LeakyReLU,
    Linear,
    Module,
    ReLU,
    Sigmoid,
    Tanh,
)
from engine.ops import Array
from engine.optim import Optimizer
from engine.samples import as_pairs, as_rows, dtype_of, epoch_order
from engine.tensor import Tensor, no_grad

EVALUATION_BATCH_SIZE = 1000
CHUNK_S = 1 / 60
"""One frame of the screen: too short for anyone to notice that a chunk cannot be interrupted."""
DIVERGED_LOSS = 1e6

PLAIN_MODULES = (MLP, Linear, ReLU, LeakyReLU, Tanh, Sigmoid)
"""Modules that do the same in training and out of it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One mini-batch: its mean `loss` before the update; `correct` of its `count` samples were classified correctly.

    `epoch` and `index` (the mini-batch within the epoch) count from 0; `is_last` marks an epoch's last mini-batch.
    """

    epoch: int
    index: int
    loss: float
    correct: int
    count: int
    is_last: bool

    @property
    def diverged(self) -> bool:
        """Whether the loss is NaN, infinite or so large that nothing good can come of it."""
        return not self.loss < DIVERGED_LOSS


@dataclass(frozen=True, slots=True)
class EpochSummary:
    """One epoch: mean loss and accuracy (0 to 1) over its mini-batches, and on validation samples, if any."""

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None


@dataclass(slots=True)
class EpochMeter:
    """Adds up the steps of an epoch."""

    loss_sum: float = 0.0
    correct: int = 0
    count: int = 0

    def add(self, step: Step) -> None:
        self.loss_sum += step.loss * step.count
        self.correct += step.correct
        self.count += step.count

    def summary(self, epoch: int, validation: tuple[float, float] | None = None) -> EpochSummary:
        """What the epoch came to; `validation` is what `evaluate` gave."""
        return EpochSummary(epoch, self.loss_sum / self.count, self.correct / self.count, *(validation or (None, None)))


def training_steps(
    model: Module,
    images: Array,
    labels: Array,
    optimizer: Optimizer,
    loss_fn: Callable[[Tensor, Any], Tensor] = cross_entropy_loss,
    *,
    epochs: int,
    batch_size: int,
    seed: int | None = None,
    augmentation: Augmentation | None = None,
    steps_done: int = 0,
    threads: int | None = None,
) -> Generator[Step, None, None]:
    """Train, one mini-batch for each `next()`.

    images: (N, ...), uint8 (scaled to 0..1) or floating; labels: (N, ...), what loss_fn takes as its target. With a
    seed each epoch goes through the samples in a new order; without one, in the given order. An augmentation gives
    every mini-batch of images (N, height, width) new variations. `correct` is counted for labels that are class indices
    and is 0 for others. The first `steps_done` mini-batches are skipped: they have been trained on before. threads: 1
    or 2 (None: the number of processors); the numbers do not depend on it.

    Raises ValueError, with the first step, if there are not as many labels as images.
    """
    data = images, labels
    loop = TrainingLoop(model, *data, optimizer, loss_fn, epochs, batch_size, seed, augmentation, steps_done, threads)
    with closing(loop.chunks()) as chunks:
        for (step,) in chunks:
            yield step


@dataclass(frozen=True)
class TrainingLoop:
    """What is trained on which samples, and how: see `training_steps`."""

    model: Module
    images: Array
    labels: Array
    optimizer: Optimizer
    loss_fn: Callable[[Tensor, Any], Tensor]
    epochs: int
    batch_size: int
    seed: int | None = None
    augmentation: Augmentation | None = None
    steps_done: int = 0
    threads: int | None = None

    def chunks(
        self, chunk_s: Callable[[], float] = lambda: 0.0, learning_rate: Callable[[int], float] | None = None
    ) -> Generator[list[Step], None, None]:
        """Train; each item has as many mini-batches of an epoch as take about `chunk_s()` seconds, but at least one.

        It has exactly one where a graph is needed, or chunk_s() is 0. The numbers do not depend on it. learning_rate:
        that of each mini-batch, by its number (None: the optimizer's own); it is asked for as late as possible.
        """
        images, labels = as_pairs(self.images, self.labels)
        if not isinstance(self.batch_size, Integral) or self.batch_size < 1:
            raise ValueError(f"a batch size is a whole number from 1 on, not {self.batch_size!r}")
        batches = math.ceil(len(images) / self.batch_size)
        steps = quickest_steps(
            self.model,
            self.optimizer,
            self.loss_fn,
            images,
            labels,
            min(self.batch_size, len(images)),
            self.threads,
            self._variation(batches),
        )
        step_s = math.inf
        with closing(steps):
            for epoch in range(self.steps_done // batches if batches else 0, self.epochs):
                order = epoch_order(len(images), self.seed, epoch)
                index = max(0, self.steps_done - epoch * batches)
                while index < batches:
                    count = max(1, int(min(chunk_s() / step_s, steps.most_at_once, batches - index)))
                    first = epoch * batches + index
                    numbers = range(first, first + count)
                    rates = [learning_rate(number) if learning_rate else self.optimizer.lr for number in numbers]
                    samples = order[index * self.batch_size : (index + count) * self.batch_size]
                    started_s = time.perf_counter()
                    trained = steps(samples, rates, first)
                    step_s = (time.perf_counter() - started_s) / count
                    sizes = [min(self.batch_size, len(samples) - i * self.batch_size) for i in range(count)]
                    yield [
                        Step(epoch, index + i, loss, correct, size, index + i == batches - 1)
                        for i, ((loss, correct), size) in enumerate(zip(trained, sizes, strict=True))
                    ]
                    index += count

    def _variation(self, batches: int) -> Callable[[Array, int], Array] | None:
        """How the images of the mini-batch with a given number vary; None if they do not."""
        augmentation, seed = self.augmentation, self.seed or 0
        if not augmentation:
            return None
        return lambda images, number: augmentation(images, np.random.default_rng([seed, 3, *divmod(number, batches)]))


def train(
    model: Module,
    data: Array,
    labels: Array,
    optimizer: Optimizer,
    loss_fn: Callable[[Tensor, Any], Tensor],
    epochs: int = 100,
    batch_size: int = 32,
) -> list[float]:
    """Train in the given order, without shuffling, and print each epoch's mean loss: `epoch 0: loss 0.7274`.

    Returns these losses, one for each epoch.
    """
    history: list[float] = []
    meter = EpochMeter()
    loop = TrainingLoop(model, data, labels, optimizer, loss_fn, epochs, batch_size)
    for steps in loop.chunks(lambda: CHUNK_S):
        for step in steps:
            meter.add(step)
        if steps[-1].is_last:
            history.append(meter.summary(steps[-1].epoch).loss)
            print(f"epoch {steps[-1].epoch}: loss {history[-1]:.4f}", flush=True)
            meter = EpochMeter()
    return history


@contextmanager
def _not_training(model: Module) -> Iterator[None]:
    """Within this context the network is not in training, so that dropout, for instance, drops nothing.

    Modules in which nothing differs stay untouched: several threads may use and copy a plain network at once.
    """
    in_training = [module for module in model.modules() if module.training and type(module) not in PLAIN_MODULES]
    for module in in_training:
        module.training = False
    try:
        yield
    finally:
        for module in in_training:
            module.training = True


def _logits(model: Module, images: Array) -> Iterator[tuple[slice, Array]]:
    """What the network, not being trained, says of batches of images, without a graph."""
    dtype = dtype_of(model)
    with no_grad(), _not_training(model), np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(images), EVALUATION_BATCH_SIZE):
            rows = slice(start, start + EVALUATION_BATCH_SIZE)
            yield rows, model(Tensor.around(as_rows(images[rows], dtype))).data


def evaluate(model: Module, images: Array, labels: Array) -> tuple[float, float]:
    """The mean cross-entropy loss and the accuracy (0 to 1) on images (N, ...) with class labels (N,).

    The network is not in training meanwhile: nothing is dropped out. Raises ValueError for no images at all, and if
    there are not as many labels as images.
    """
    images, labels = as_pairs(images, labels)
    if len(images) == 0:
        raise ValueError("evaluate() needs at least one image")
    loss_sum, correct = 0.0, 0
    for rows, logits in _logits(model, images):
        target = labels[rows].astype(np.intp)
        loss_sum += cross_entropy_loss(Tensor.around(logits), target).item() * len(target)
        correct += int((logits.argmax(axis=-1) == target).sum())
    return loss_sum / len(images), correct / len(images)


def logits_of(model: Module, images: Array) -> Array:
    """What the network says of images (N, ...) before it is made into probabilities: (N, classes), its own dtype."""
    return np.concatenate([logits for _, logits in _logits(model, images)])


def predict(model: Module, images: Array) -> Array:
    """The probability of each class, (N, classes), for images (N, ...); the network's own floating dtype."""
    with np.errstate(invalid="ignore"):  # logits that are not finite give probabilities that are not
        return ops.softmax(logits_of(model, images))
