"""TrainingRun: training with a config on data; it can be interrupted and resumed to the same weights, bit for bit."""

import math
from array import array
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from engine.augment import Augmentation
from engine.averaging import WeightAverage
from engine.config import NO_AUGMENTATION, TrainingConfig, outliers_among
from engine.ending import kept_epoch, reason_to_stop
from engine.fast import one_blas_thread
from engine.in_training import MLPInTraining
from engine.losses import NO_CLASS, SmoothedLoss, cross_entropy_loss, outlier_exposure_loss
from engine.nn import MLP, Module, committee
from engine.normalization import folded, unfolded
from engine.ops import Array
from engine.optim import Optimizer
from engine.samples import as_pairs, as_rows, noisy_labels
from engine.tensor import Tensor
from engine.training import CHUNK_S, EpochMeter, EpochSummary, Step, TrainingLoop, evaluate_with_logits

MAX_KEPT_LOSSES = 1 << 24
NORMALIZING_SAMPLES, BETWEEN_EPOCHS = 4000, 500
"""Over so many training samples means and variances are taken for a network that is trained with normalization: after
an epoch, when it is judged, and between two, when it is only looked at."""

Loss = Callable[[Any, Any], Tensor]
"""Maps outputs and targets to a scalar."""
Trained = tuple[Step, EpochSummary | None]
"""A mini-batch, and the epoch's summary if it is the last one."""
Chunk = tuple[list[Step], EpochSummary | None]
"""Mini-batches of one epoch, and its summary if the last one is among them."""


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """What the network said of the validation samples after an epoch: its logits, (N, classes)."""

    epoch: int
    logits: Array


@dataclass(frozen=True, slots=True)
class RunState:
    """A run between two mini-batches: everything needed to continue as if it had never been interrupted.

    All randomness follows from the config's seed and the position, so no random state is stored. optimizer: from its
    `state()`; losses: float32, one for each mini-batch done, or for the last 16 million; training_count: the number of
    training samples; model: as it is trained; average: of its weights, None before its first update, and the number of
    updates; best: the network of the best epoch, None if it is not kept; members: those of a committee that are done.
    With normalization, the last two are `folded`, model and average are not.
    """

    config: TrainingConfig
    model: MLP
    optimizer: dict[str, Array]
    learning_rate: float
    training_count: int
    steps_done: int
    losses: Array
    epochs: tuple[EpochSummary, ...]
    epoch_so_far: EpochMeter
    average: MLP | None = None
    average_updates: int = 0
    best: MLP | None = None
    members: tuple[MLP, ...] = ()


class TrainingRun:
    """Training with a config on data. Iterating trains; items are a Step and, after an epoch's last one, its summary.

    Between two items `state()` returns everything that another run needs to continue to the same weights, bit for bit.

    images: (N, ...), which are not copied and must not change meanwhile, and integer labels: (N,). The validation share
    is held out, and as many of the others as the config says are trained on, with its label noise. classes: the number
    of classes; start_from: a network to continue from, with the config's layers, which is copied (None: a new one, from
    the seed); outliers: (M, ...), images of none of the classes, on which the network learns to be unsure
    (`outlier_exposure_loss`). Raises ValueError if there are no images, or these do not fit, or if the config is
    normalized and that network is not one of ReLUs, and TypeError for labels that are no integers.

    `learning_rate` may change between two steps; the config's schedule multiplies it. `threads`: see `training_steps`.
    `chunk_s`: how long the chunks of `chunks()` may take. `images`, `labels`: all samples, the outliers last;
    `training`: the indices of those to train on; `validation`: the images and labels that are held out.
    `latest_validation`: that of the last epoch since the run was begun or its state loaded; None before, and without
    samples. `trained`: the network that the steps change; `model`: the network of the run, which is evaluated and
    saved: the same, the average of its weights, or the committee of those that are done; while the run does not train,
    that of the best epoch if the config keeps it. With normalization it is a copy, `folded` anew after further steps.
    `ended_early`: why the run has ended before its last epoch, as the rest of a sentence; "" if it has not.
    """

    def __init__(
        self,
        config: TrainingConfig,
        images: Array,
        labels: Array,
        classes: int,
        start_from: MLP | None = None,
        outliers: Array | None = None,
    ) -> None:
        self.config = config
        images, labels = as_pairs(images, labels)
        if labels.dtype.kind not in "iu":
            raise TypeError(f"labels are whole numbers, not {labels.dtype}")
        if not len(images):
            raise ValueError("there are no images to train on")
        images, labels = np.ascontiguousarray(images), labels.astype(np.intp)
        self.training, held_out = config.split(labels)
        self.validation = images[held_out], labels[held_out]
        labels[self.training] = noisy_labels(labels[self.training], config.label_noise, classes, config.seed)
        loss: Loss = cross_entropy_loss
        if outliers is not None and len(outliers):
            if outliers.dtype != images.dtype or outliers.shape[1:] != images.shape[1:]:
                raise ValueError(f"outliers are images as the others, {images.dtype} of shape {images.shape[1:]}")
            outliers = outliers[: outliers_among(len(outliers), len(self.training), len(images) - len(held_out))]
            self.training = np.append(self.training, len(images) + np.arange(len(outliers)))
            images = np.concatenate([images, outliers])
            labels = np.append(labels, np.full(len(outliers), NO_CLASS, np.intp))
            loss = outlier_exposure_loss
        self._loss = SmoothedLoss(loss, config.label_smoothing) if config.label_smoothing else loss
        self.images, self.labels = images, labels
        if start_from and (mismatch := config.mismatch(start_from)):
            raise ValueError(f"the network to continue from {mismatch}")
        if start_from and len(start_from.parameters()) != 2 * len(start_from.layers):
            raise ValueError("the network to continue from has parameters that are frozen")
        self.trained = start_from.copy() if start_from else config.build_model(images[0].size, classes)
        if start_from and config.normalizes:
            with one_blas_thread():
                self.trained = unfolded(start_from, self._normalizing_samples(NORMALIZING_SAMPLES))
        self.optimizer = config.build_optimizer(self.trained)
        self._best: MLP | None = None
        self._members: list[MLP] = []
        self._committee: MLP | None = None
        self._folded: tuple[int, MLP] | None = None
        """The network as it read after so many steps, which takes time to compute."""
        self._is_training = False
        self.ended_early = ""
        self.learning_rate = config.learning_rate
        self.threads: int | None = None
        self.chunk_s = CHUNK_S
        self.steps_done = 0
        self.epochs: list[EpochSummary] = []
        self.latest_validation: Validation | None = None
        self._losses = array("f")
        self._meter = EpochMeter()
        self._average = self._new_average()

    def _new_average(self) -> WeightAverage | None:
        config = self.config
        if config.averaging == "none":
            return None
        per_epoch, (_, _, end) = self.steps_per_epoch, self._learning
        return WeightAverage(config.averaging, config.averaged_epochs, per_epoch, end * per_epoch)

    @property
    def _learning(self) -> tuple[int, int, int]:
        """Which network of a committee is trained, its first epoch, and the one after its last."""
        config = self.config
        member = config.member_at(self.steps_done // self.steps_per_epoch)
        return member, *config.epochs_of(member)

    @property
    def model(self) -> MLP:
        if self._best is not None and not self._is_training:
            return self._best
        return self._committee or self._member

    @property
    def _member(self) -> MLP:
        """The network that is being trained, as it reads."""
        network = (self._average and self._average.network) or self.trained
        if not self.config.normalizes:
            return network
        if self._folded is None or self._folded[0] != self.steps_done:
            between = self.steps_done % self.steps_per_epoch
            samples = self._normalizing_samples(BETWEEN_EPOCHS if between else NORMALIZING_SAMPLES)
            with one_blas_thread():  # a resumed run is to end with the same network, bit for bit
                self._folded = self.steps_done, folded(network, samples)
        return self._folded[1]

    def _normalizing_samples(self, count: int) -> Array:
        """So many of the training samples at most, drawn from the seed: (n, in_dim)."""
        return as_rows(self.images[self.training[self._drawn[:count]]], self.trained.dtype)

    @cached_property
    def _drawn(self) -> Array:
        """Which of the training samples means and variances are taken over."""
        return np.random.default_rng([self.config.seed, 9]).permutation(self.training_count)[:NORMALIZING_SAMPLES]

    @property
    def training_count(self) -> int:
        return len(self.training)

    @property
    def validation_count(self) -> int:
        return len(self.validation[0])

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(self.training_count / self.config.batch_size)

    @property
    def samples_into_epoch(self) -> int:
        """How many samples of the current epoch have been trained on."""
        return self._meter.count

    @property
    def is_finished(self) -> bool:
        return self.steps_done >= self.config.epochs * self.steps_per_epoch or bool(self.ended_early)

    @property
    def losses(self) -> Array:
        """The loss of each mini-batch so far, or of the last 16 million: float32 (n,)."""
        return np.array(self._losses[-MAX_KEPT_LOSSES:], np.float32)

    def state(self) -> RunState:
        """A copy of everything needed to continue from here. Must not be called during a step."""
        average, average_updates = (None, 0) if self._average is None else self._average.state()
        return RunState(
            config=self.config,
            model=self.trained.copy(),
            optimizer=self.optimizer.state(),
            learning_rate=self.learning_rate,
            training_count=self.training_count,
            steps_done=self.steps_done,
            losses=self.losses,
            epochs=tuple(self.epochs),
            epoch_so_far=replace(self._meter),
            average=average,
            average_updates=average_updates,
            best=self._best and self._best.copy(),
            members=tuple(self._members),
        )

    def load_state(self, state: RunState) -> None:
        """Continue from what `state()` returned. Raises ValueError if it is for another config, network or dataset."""
        has_same_shape = state.model.sizes == self.trained.sizes and self.config.describes(state.model)
        if state.config != self.config or not has_same_shape:
            raise ValueError("it belongs to a run with other settings")
        if state.training_count != self.training_count:
            raise ValueError(f"its run had {state.training_count:,} pictures to train on, not {self.training_count:,}")
        self.trained, self._folded = state.model.copy(), None
        self.optimizer = self.config.build_optimizer(self.trained)
        self.optimizer.load_state(state.optimizer)
        self.learning_rate = state.learning_rate
        self.steps_done = state.steps_done
        self.epochs = list(state.epochs)
        self._losses = array("f", state.losses)
        self._meter = replace(state.epoch_so_far)
        self._members = list(state.members)
        self._committee = committee(self._members) if self._members else None
        self._average = self._new_average()
        if self._average is not None:
            self._average.load_state(state.average, state.average_updates)
        self._best = state.best and state.best.copy()
        self.latest_validation = None
        self.ended_early = reason_to_stop(self.config, self.epochs)

    def rehearsal(self, threads: int | None = None) -> Generator[Step, None, None]:
        """Endless steps like those of the run, on a copy of its network, to measure how long they take."""
        model = self.trained.copy()
        optimizer = self.config.build_optimizer(model)
        varies = self.config.augmentation
        while True:
            with closing(self._loop(model, optimizer, threads, epochs=1, augmentation=varies).chunks()) as chunks:
                for (step,) in chunks:
                    yield step

    def _loop(
        self,
        model: MLP,
        optimizer: Optimizer,
        threads: int | None,
        epochs: int,
        augmentation: Augmentation,
        steps_done: int = 0,
    ) -> TrainingLoop:
        config = self.config
        network: Module = model
        seen = config.seen(model.sizes[0])
        if config.dropout or config.normalizes or seen is not None:
            network = MLPInTraining(
                model, config.dropout, config.seed, steps_done, normalizes=config.normalizes, seen=seen
            )
        return TrainingLoop(
            network,
            self.images,
            self.labels,
            optimizer,
            self._loss,
            epochs,
            config.batch_size,
            seed=config.seed,
            augmentation=augmentation,
            steps_done=steps_done,
            threads=threads,
            chosen=self.training,
            break_every=self._average.every if self._average is not None else 0,
        )

    def __iter__(self) -> Generator[Trained, None, None]:
        with closing(self._chunks(lambda: 0.0)) as chunks:
            for (step,), summary in chunks:
                yield step, summary

    def chunks(self) -> Generator[Chunk, None, None]:
        """Like iterating, but each item has all mini-batches of about `chunk_s` seconds, computed without a break."""
        return self._chunks(lambda: self.chunk_s)

    def _chunks(self, chunk_s: Callable[[], float]) -> Generator[Chunk, None, None]:
        if self.is_finished:
            return
        self._is_training = True
        try:
            for loop in self._loops():
                with closing(loop.chunks(chunk_s, learning_rate=self._rate)) as chunks:
                    for steps in chunks:
                        yield steps, self._add(steps)
                        if self.ended_early:
                            return
        finally:
            self._is_training = False

    def _rate(self, number: int) -> float:
        """The learning rate for the mini-batch with this number."""
        return self.learning_rate * self.config.rate_factor(number, self.steps_per_epoch)

    def _loops(self) -> Iterator[TrainingLoop]:
        """What is left of the run, for each network: the epochs whose pictures vary, then the plain ones."""
        config = self.config
        while not self.is_finished:
            member, first, end = self._learning
            if member and self.steps_done == first * self.steps_per_epoch:
                self._begin(member)
            varied = max(first, end - config.plain_epochs) if config.augmentation else first
            for augmentation, epochs in ((config.augmentation, varied), (NO_AUGMENTATION, end)):
                if self.steps_done < epochs * self.steps_per_epoch:
                    yield self._loop(self.trained, self.optimizer, self.threads, epochs, augmentation, self.steps_done)

    def _begin(self, member: int) -> None:
        """Begin with another network of the committee."""
        sizes = self.trained.sizes
        self.trained = self.config.build_model(sizes[0], sizes[-1], member, self.trained.dtype)
        self.optimizer = self.config.build_optimizer(self.trained)
        self._average = self._new_average()

    def _add(self, steps: list[Step]) -> EpochSummary | None:
        """Take account of mini-batches that were trained; the summary if they end an epoch."""
        self.steps_done += len(steps)
        if self._average is not None:
            self._average.after(self.steps_done, self.trained)
        for step in steps:
            self._losses.append(step.loss)
            self._meter.add(step)
        if not steps[-1].is_last:
            return None
        epoch = steps[-1].epoch
        if self.config.members_done(epoch + 1) > len(self._members):
            self._members.append(self._member.copy())
            self._committee = committee(self._members)
        summary = self._meter.summary(epoch, self._validate(epoch))
        self.epochs.append(summary)
        self._meter = EpochMeter()
        if kept_epoch(self.config, self.epochs) is summary:
            self._best = self.model.copy()
        self.ended_early = reason_to_stop(self.config, self.epochs)
        return summary

    def _validate(self, epoch: int) -> tuple[float, float] | None:
        """The loss and accuracy on the validation samples, if there are any."""
        if not self.validation_count:
            return None
        loss, accuracy, logits = evaluate_with_logits(self.model, *self.validation)
        self.latest_validation = Validation(epoch, logits)
        return loss, accuracy
