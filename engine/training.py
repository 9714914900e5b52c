"""Training: shuffled mini-batches, with one gradient step for each; and evaluation of the result.

`training_steps` is a generator: its caller (a loop in a terminal, a thread behind a window) decides what happens
between two steps. All randomness follows from the seed and the epoch number, so a run is reproducible.
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
from engine.augment import Augmentation, Variations
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
"""One frame of the screen: too short to notice that a chunk cannot be interrupted."""
DIVERGED_LOSS = 1e6

PLAIN_MODULES = (MLP, Linear, ReLU, LeakyReLU, Tanh, Sigmoid)
"""Modules that do the same in training and evaluation mode."""


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
        """Whether the loss is NaN, infinite or too large to recover from."""
        return not self.loss < DIVERGED_LOSS


@dataclass(frozen=True, slots=True)
class EpochSummary:
    """One epoch: mean loss and accuracy (0 to 1) over its mini-batches and, if there are any, on validation samples."""

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
        """The summary of the epoch; validation: the loss and accuracy from `evaluate`."""
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

    images: (N, ...), uint8 (scaled to 0..1) or floating; labels: (N, ...), the targets for loss_fn. With a seed each
    epoch visits the samples in a new order; without one, in the given order. An augmentation varies every mini-batch of
    images (N, height, width) anew. `correct` is counted for labels that are class indices and is 0 for others. The
    first `steps_done` mini-batches are skipped, to resume a run. threads: at most, 1 to 16 (None: two, or
    fewer if there is one processor or OMP_NUM_THREADS says so); the results do not depend on it.

    Raises ValueError, at the first step, if the numbers of images and labels differ, if an augmentation has no images
    (N, height, width) to vary, or for no threads.
    """
    data = images, labels
    loop = TrainingLoop(model, *data, optimizer, loss_fn, epochs, batch_size, seed, augmentation, steps_done, threads)
    with closing(loop.chunks()) as chunks:
        for (step,) in chunks:
            yield step


@dataclass(frozen=True)
class TrainingLoop:
    """The arguments of `training_steps`, and the loop itself. chosen: indices of the samples to train on, None for all:
    a copy of them would take as much memory again. break_every: a chunk ends after each multiple of so many
    mini-batches, 0 for no such end."""

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
    chosen: Array | None = None
    break_every: int = 0

    def chunks(
        self, chunk_s: Callable[[], float] = lambda: 0.0, learning_rate: Callable[[int], float] | None = None
    ) -> Generator[list[Step], None, None]:
        """Train; each item has as many mini-batches of an epoch as take about `chunk_s()` seconds, but at least one.

        It has exactly one if a graph is needed or chunk_s() is 0. The results do not depend on it. learning_rate: maps
        the number of a mini-batch to its rate (None: the optimizer's own); it is called as late as possible.
        """
        images, labels = as_pairs(self.images, self.labels)
        if not isinstance(self.batch_size, Integral) or self.batch_size < 1:
            raise ValueError(f"the batch size must be a positive whole number, not {self.batch_size!r}")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"training takes at least one thread, not {self.threads}")
        if self.augmentation and images.ndim != 3:
            raise ValueError(f"images that vary have the shape (N, height, width), not {images.shape}")
        chosen = np.arange(len(images)) if self.chosen is None else self.chosen
        batches = math.ceil(len(chosen) / self.batch_size)
        steps = quickest_steps(
            self.model,
            self.optimizer,
            self.loss_fn,
            images,
            labels,
            min(self.batch_size, len(chosen)),
            self.threads,
            self._variations(len(chosen)),
        )
        step_s = math.inf
        with closing(steps):
            for epoch in range(self.steps_done // batches if batches else 0, self.epochs):
                order = chosen[epoch_order(len(chosen), self.seed, epoch)]
                index = max(0, self.steps_done - epoch * batches)
                while index < batches:
                    count = max(1, int(min(chunk_s() / step_s, steps.most_at_once, batches - index)))
                    first = epoch * batches + index
                    if self.break_every:
                        count = min(count, self.break_every - first % self.break_every)
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

    def _variations(self, count: int) -> Variations | None:
        return Variations(self.augmentation, self.seed or 0, count, self.batch_size) if self.augmentation else None


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

    Returns the losses, one per epoch.
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
    """Within this context the network is in evaluation mode, so that dropout, for example, drops nothing.

    Modules without a difference between the modes are not touched, so that several threads can use a plain network.
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
    """The logits of batches of images, in evaluation mode and without a graph."""
    dtype = dtype_of(model)
    with no_grad(), _not_training(model), np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(images), EVALUATION_BATCH_SIZE):
            rows = slice(start, start + EVALUATION_BATCH_SIZE)
            yield rows, model(Tensor.around(as_rows(images[rows], dtype))).data


def evaluate(model: Module, images: Array, labels: Array) -> tuple[float, float]:
    """The mean cross-entropy loss and the accuracy (0 to 1) on images (N, ...) with class labels (N,).

    Uses evaluation mode: nothing is dropped out. Raises ValueError if there are no images, or if the numbers of images
    and labels differ.
    """
    loss, accuracy, _ = evaluate_with_logits(model, images, labels)
    return loss, accuracy


def evaluate_with_logits(model: Module, images: Array, labels: Array) -> tuple[float, float, Array]:
    """Like `evaluate`, and the logits that they follow from: (N, classes)."""
    images, labels = as_pairs(images, labels)
    if len(images) == 0:
        raise ValueError("evaluate() needs at least one image")
    loss_sum, correct, all_logits = 0.0, 0, []
    for rows, logits in _logits(model, images):
        target = labels[rows]
        loss_sum += cross_entropy_loss(Tensor.around(logits), target).item() * len(target)
        correct += int((logits.argmax(axis=-1) == target).sum())
        all_logits.append(logits)
    return loss_sum / len(images), correct / len(images), np.concatenate(all_logits)


def logits_of(model: Module, images: Array) -> Array:
    """The network's outputs before softmax for images (N, ...): (N, classes), in the network's dtype."""
    return np.concatenate([logits for _, logits in _logits(model, images)])


def predict(model: Module, images: Array) -> Array:
    """The probability of each class for images (N, ...): (N, classes), in the network's dtype."""
    with np.errstate(invalid="ignore"):  # logits that are not finite give probabilities that are not
        return ops.softmax(logits_of(model, images))
