"""Training: shuffled mini-batches, one gradient step for each, and a record of how it went.

`training_steps` is a generator: whoever iterates it (a loop in a terminal, a thread under a window) decides what
happens between two steps. All randomness follows from the seed and the epoch's number, so a run can be repeated.
"""

import math
import platform
import re
import time
from array import array
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np

from engine import ops
from engine.augment import Augmentation
from engine.fast import quickest_steps
from engine.losses import cross_entropy_loss
from engine.nn import (
    ACTIVATIONS,
    MAX_HIDDEN_LAYERS,
    MAX_PARAMETERS,
    MLP,
    LeakyReLU,
    Linear,
    Module,
    ReLU,
    Sigmoid,
    Tanh,
    count_parameters,
)
from engine.ops import Array
from engine.optim import OPTIMIZERS, Optimizer
from engine.samples import as_pairs, as_rows, dtype_of, epoch_order, split_validation
from engine.tensor import Tensor, no_grad

EVALUATION_BATCH_SIZE = 1000
CHUNK_S = 1 / 60
"""A frame of the screen: nobody notices that a chunk cannot be interrupted, and Python takes a small share of it."""
DIVERGED_LOSS = 1e6
DIVERGED = "The loss exploded: the steps were so large that the weights grew without bound."
MAX_RECORDED_EPOCHS = 500
MAX_KEPT_LOSSES = 1 << 24
NO_AUGMENTATION = Augmentation()
PLAIN_MODULES = (MLP, Linear, ReLU, LeakyReLU, Tanh, Sigmoid)
"""Modules that do the same in training and out of it."""
MAX_AUGMENTATION = {
    "shift_px": 4.0,
    "rotation_deg": 45.0,
    "scale": 0.5,
    "shear": 0.5,
    "elastic_px": 3.0,
    "thickness_px": 2.0,
}

SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,  # noqa: ARG005
    "cosine": lambda done: 0.5 * (1 + math.cos(math.pi * done)),
}
"""What the learning rate is multiplied with, by how much of the run is done (0 to 1).

Cosine: Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts (2017), without the restarts.
"""


class ConfigError(ValueError):
    """A setting that cannot be used; `field` names it, the message says why in one sentence."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides a training run, but for the data. Raises ConfigError for what cannot be trained.

    hidden: sizes of the hidden layers; activation: "relu", "tanh" or "sigmoid"; optimizer: "sgd", "momentum" or
    "adam"; momentum matters to "momentum" alone; weight_decay is decoupled; schedule: "constant", or "cosine" for a
    learning rate that sinks to 0 (see SCHEDULES); validation_share: the part of the training samples, from 0 to 0.5,
    that is held back to validate on; augmentation: how the training pictures vary, an Augmentation or its fields.
    """

    hidden: tuple[int, ...] = (256, 128)
    activation: str = "relu"
    optimizer: str = "adam"
    learning_rate: float = 5e-4
    momentum: float = 0.9
    weight_decay: float = 0.0
    batch_size: int = 128
    epochs: int = 10
    seed: int = 0
    validation_share: float = 0.1
    schedule: str = "constant"
    augmentation: Augmentation = NO_AUGMENTATION

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))
        if isinstance(self.augmentation, dict):
            object.__setattr__(self, "augmentation", Augmentation(**self.augmentation))
        if len(self.hidden) > MAX_HIDDEN_LAYERS:
            raise ConfigError("hidden", f"At most {MAX_HIDDEN_LAYERS} hidden layers, not {len(self.hidden)}.")
        for size in self.hidden:
            self._check("hidden", isinstance(size, int) and size >= 1, "A hidden layer needs at least one neuron.")
        self._check("activation", self.activation in ACTIVATIONS, f"The activation is one of {_names(ACTIVATIONS)}.")
        self._check("optimizer", self.optimizer in OPTIMIZERS, f"The optimizer is one of {_names(OPTIMIZERS)}.")
        self._check("learning_rate", 0 < self.learning_rate <= 1000, "The learning rate is above 0, at most 1000.")
        self._check("momentum", 0 <= self.momentum < 1, "The momentum is from 0 to below 1.")
        self._check("weight_decay", 0 <= self.weight_decay <= 100, "The weight decay is from 0 to 100.")
        for field in ("batch_size", "epochs", "seed"):
            whole = isinstance(getattr(self, field), int)
            self._check(field, whole, f"The {field.replace('_', ' ')} is a whole number.")
        self._check("batch_size", 1 <= self.batch_size <= 100_000, "The batch size is from 1 to 100,000.")
        self._check("epochs", 1 <= self.epochs <= 100_000, "The number of epochs is from 1 to 100,000.")
        self._check("seed", 0 <= self.seed < 2**31, "The seed is from 0 to 2,147,483,647.")
        self._check("validation_share", 0 <= self.validation_share <= 0.5, "The validation share is from 0 to 0.5.")
        self._check("schedule", self.schedule in SCHEDULES, f"The schedule is one of {_names(SCHEDULES)}.")
        known = isinstance(self.augmentation, Augmentation)
        self._check("augmentation", known, "The augmentation is an Augmentation.")
        for name, most in MAX_AUGMENTATION.items():
            within = 0 <= getattr(self.augmentation, name) <= most
            self._check("augmentation", within, f"The augmentation's {name} is from 0 to {most:g}.")

    @staticmethod
    def _check(field: str, holds: bool, message: str) -> None:
        if not holds:
            raise ConfigError(field, message)

    def sizes(self, in_dim: int, out_dim: int) -> tuple[int, ...]:
        """The layer sizes with input and output. Raises ConfigError for more than 50 million parameters."""
        sizes = (in_dim, *self.hidden, out_dim)
        count = count_parameters(sizes)
        if count > MAX_PARAMETERS:
            raise ConfigError("hidden", f"{count:,} parameters are too many; at most {MAX_PARAMETERS:,} fit.")
        return sizes

    def build_model(self, in_dim: int, out_dim: int) -> MLP:
        """A new float32 network, its weights drawn from the seed at the scale that suits the activation."""
        self.sizes(in_dim, out_dim)
        return MLP(
            in_dim,
            self.hidden,
            out_dim,
            ACTIVATIONS[self.activation],
            rng=np.random.default_rng(self.seed),
            dtype=np.float32,
            init="he" if self.activation == "relu" else "xavier",
        )

    def build_optimizer(self, model: Module) -> Optimizer:
        own: dict[str, Any] = {"momentum": self.momentum} if self.optimizer == "momentum" else {}
        return OPTIMIZERS[self.optimizer](
            model.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay, **own
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON."""
        return {**asdict(self), "hidden": list(self.hidden)}


def parse_hidden(text: str) -> tuple[int, ...]:
    """Layer sizes from text such as "256, 128"; blank text is no hidden layer. Raises ConfigError with the reason."""
    if re.search(r",\s*,|^\s*,|,\s*$", text):
        raise ConfigError("hidden", "There is a comma without a number beside it.")
    words = re.split(r"[,;\s]+", text.strip()) if text.strip() else []
    for word in words:
        if not re.fullmatch(r"[0-9]{1,12}", word):
            raise ConfigError("hidden", f"“{word[:20]}” is not a whole number of neurons. Write, say, 256, 128.")
    return tuple(int(word) for word in words)


def _names(registry: dict[str, Any]) -> str:
    return ", ".join(f'"{name}"' for name in registry)


@dataclass(frozen=True, slots=True)
class Step:
    """One mini-batch: `loss` is its mean loss before the update; `correct` of its `count` samples were read right.

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


Trained = tuple[Step, EpochSummary | None]
"""A mini-batch, and with an epoch's last one its summary."""
Chunk = tuple[list[Step], EpochSummary | None]
"""Mini-batches of one epoch, and with its last one its summary."""


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

    images: (N, ...), uint8 (scaled to 0..1) or floating; labels: (N, ...), what loss_fn takes as its target.
    With a seed each epoch goes through the samples in a new order; without, in the given order. An augmentation gives
    every mini-batch of images (N, height, width) new variations. `correct` is counted for labels that are class
    indices and 0 for others. `steps_done` mini-batches, from the first on, are left out: they have been trained before.
    threads: how many train, 1 or 2 (None: as there are processors); the numbers do not depend on it.
    Raises ValueError, with the first step, if there are not as many labels as images.
    """
    with closing(
        training_chunks(
            model,
            images,
            labels,
            optimizer,
            loss_fn,
            epochs=epochs,
            batch_size=batch_size,
            seed=seed,
            augmentation=augmentation,
            steps_done=steps_done,
            threads=threads,
        )
    ) as chunks:
        for (step,) in chunks:
            yield step


def training_chunks(
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
    learning_rate: Callable[[int], float] | None = None,
    chunk_s: Callable[[], float] = lambda: 0.0,
) -> Generator[list[Step], None, None]:
    """As `training_steps`, but for each `next()` as many mini-batches of an epoch as take about `chunk_s()` seconds.

    That is one where a graph is needed, or chunk_s() is 0. The numbers do not depend on it. learning_rate: that of each
    mini-batch, by its number (None: the optimizer's own); it is asked as late as it can be.
    """
    images, labels = as_pairs(images, labels)
    if not isinstance(batch_size, Integral) or batch_size < 1:
        raise ValueError(f"a batch size is a whole number from 1 on, not {batch_size!r}")
    batches = math.ceil(len(images) / batch_size)

    def vary(images: Array, number: int) -> Array:
        assert augmentation is not None
        return augmentation(images, np.random.default_rng([seed or 0, 3, *divmod(number, batches)]))

    largest = min(batch_size, len(images))
    train_on = quickest_steps(
        model, optimizer, loss_fn, images, labels, largest, threads, vary if augmentation else None
    )
    step_s = math.inf
    with closing(train_on):
        for epoch in range(steps_done // batches if batches else 0, epochs):
            order = epoch_order(len(images), seed, epoch)
            index = max(0, steps_done - epoch * batches)
            while index < batches:
                count = max(1, int(min(chunk_s() / step_s, train_on.most_at_once, batches - index)))
                numbers = range(epoch * batches + index, epoch * batches + index + count)
                rates = [optimizer.lr if learning_rate is None else learning_rate(number) for number in numbers]
                samples = order[index * batch_size : (index + count) * batch_size]
                started_s = time.perf_counter()
                trained = train_on(samples, rates, numbers[0])
                step_s = (time.perf_counter() - started_s) / count
                yield [
                    Step(epoch, i, loss, correct, min(batch_size, len(images) - i * batch_size), i == batches - 1)
                    for i, (loss, correct) in enumerate(trained, index)
                ]
                index += count


@dataclass(frozen=True, slots=True)
class RunState:
    """A run between two mini-batches: all that it needs to go on as if nothing had been.

    All randomness follows from the config's seed and the position, so these two are the random state. `optimizer` is
    what its `state()` gave; losses: float32, one for each of the mini-batches done, or for the last 16 million of
    them; `training_count`: how many samples there are to train on.
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


class TrainingRun:
    """A config put to work on data. Iterating trains; each item is a Step, and with an epoch's last one its summary.

    Between two items `state()` is all that another run needs to go on from there, to the same weights bit for bit.

    images: (N, ...) and integer labels: (N,), of which a validation share is held back; classes: how many there are;
    start_from: a network to go on from, which is copied (None: a new one, from the seed). `learning_rate` may be
    changed between two steps; the config's schedule goes on from there. `threads`: what `training_steps` takes.
    `chunk_s`: how long the chunks of `chunks()` may take. `training`, `validation`: images and labels to train on, and
    those held back.
    """

    def __init__(
        self, config: TrainingConfig, images: Array, labels: Array, classes: int, start_from: MLP | None = None
    ) -> None:
        self.config = config
        images, labels = as_pairs(images, labels)
        training, held_back = split_validation(len(images), config.validation_share, config.seed)
        labels = labels.astype(np.intp)
        self.training = images[training], labels[training]
        self.validation = images[held_back], labels[held_back]
        self.model = start_from.copy() if start_from else config.build_model(images[0].size, classes)
        self.optimizer = config.build_optimizer(self.model)
        self.learning_rate = config.learning_rate
        self.threads: int | None = None
        self.chunk_s = CHUNK_S
        self.steps_done = 0
        self.epochs: list[EpochSummary] = []
        self._losses = array("f")
        self._meter = EpochMeter()

    @property
    def training_count(self) -> int:
        return len(self.training[0])

    @property
    def validation_count(self) -> int:
        return len(self.validation[0])

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(self.training_count / self.config.batch_size)

    @property
    def samples_into_epoch(self) -> int:
        """How many samples of the epoch at hand have been trained on."""
        return self._meter.count

    @property
    def is_finished(self) -> bool:
        return self.steps_done >= self.config.epochs * self.steps_per_epoch

    @property
    def losses(self) -> Array:
        """The loss of each mini-batch so far, or of the last 16 million: float32 (n,)."""
        return np.array(self._losses[-MAX_KEPT_LOSSES:], np.float32)

    def state(self) -> RunState:
        """A copy of all that the run needs to go on from here; not to be called while a step is under way."""
        return RunState(
            self.config,
            self.model.copy(),
            self.optimizer.state(),
            self.learning_rate,
            self.training_count,
            self.steps_done,
            self.losses,
            tuple(self.epochs),
            replace(self._meter),
        )

    def load_state(self, state: RunState) -> None:
        """Go on from what `state()` gave. Raises ValueError if it belongs to another config, network or dataset."""
        if state.config != self.config or state.model.sizes != self.model.sizes:
            raise ValueError("it belongs to a run with other settings")
        if state.training_count != self.training_count:
            raise ValueError(f"its run had {state.training_count:,} pictures to train on, not {self.training_count:,}")
        self.model = state.model.copy()
        self.optimizer = self.config.build_optimizer(self.model)
        self.optimizer.load_state(state.optimizer)
        self.learning_rate = state.learning_rate
        self.steps_done = state.steps_done
        self.epochs = list(state.epochs)
        self._losses = array("f", state.losses)
        self._meter = replace(state.epoch_so_far)

    def rehearsal(self, threads: int | None = None) -> Generator[Step, None, None]:
        """Steps like those of the run, without end, on a copy of its network: to see how long they take."""
        model = self.model.copy()
        optimizer = self.config.build_optimizer(model)
        while True:
            with closing(self._train(model, optimizer, threads, epochs=1)) as chunks:
                for (step,) in chunks:
                    yield step

    def _train(
        self, model: MLP, optimizer: Optimizer, threads: int | None, epochs: int, **others: Any
    ) -> Generator[list[Step], None, None]:
        config = self.config
        return training_chunks(
            model,
            *self.training,
            optimizer,
            epochs=epochs,
            batch_size=config.batch_size,
            seed=config.seed,
            augmentation=config.augmentation,
            threads=threads,
            **others,
        )

    def __iter__(self) -> Generator[Trained, None, None]:
        with closing(self._chunks(lambda: 0.0)) as chunks:
            for (step,), summary in chunks:
                yield step, summary

    def chunks(self) -> Generator[Chunk, None, None]:
        """As iterating, but each item has all mini-batches of some `chunk_s` seconds, between which nobody can look."""
        return self._chunks(lambda: self.chunk_s)

    def _chunks(self, chunk_s: Callable[[], float]) -> Generator[Chunk, None, None]:
        scheduled = SCHEDULES[self.config.schedule]
        total = self.config.epochs * self.steps_per_epoch
        with closing(
            self._train(
                self.model,
                self.optimizer,
                self.threads,
                self.config.epochs,
                steps_done=self.steps_done,
                learning_rate=lambda number: self.learning_rate * scheduled(number / total),
                chunk_s=chunk_s,
            )
        ) as chunks:
            for steps in chunks:
                self.steps_done += len(steps)
                for step in steps:
                    self._losses.append(step.loss)
                    self._meter.add(step)
                summary = None
                if steps[-1].is_last:
                    validation = evaluate(self.model, *self.validation) if self.validation_count else None
                    summary = self._meter.summary(steps[-1].epoch, validation)
                    self.epochs.append(summary)
                    self._meter = EpochMeter()
                yield steps, summary


def describe_run(
    config: TrainingConfig,
    dataset: str,
    epochs: list[EpochSummary],
    test: tuple[float, float] | None = None,
    blas_threads: int | None = None,
    calibration: dict[str, Any] | None = None,
    learning_rate_changes: Sequence[dict[str, float]] = (),
) -> dict[str, Any]:
    """What a trained network's file says of its training; `test` is what `evaluate` gave on the test samples.

    The number of BLAS threads is told because it may change the last digit of a product; the calibration, as a dict,
    if there is one, because whoever reads with the network needs it; learning_rate_changes: those during the run.
    Of a long run some 500 epochs are told, evenly spread, the last among them.
    """
    stride = math.ceil(len(epochs) / MAX_RECORDED_EPOCHS) or 1
    record = {
        "config": config.to_dict(),
        "dataset": dataset,
        "epochs": [asdict(epoch) for epoch in epochs[::-stride][::-1]],
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "blas_threads": blas_threads,
    }
    if calibration is not None:
        record["calibration"] = calibration
    if learning_rate_changes:
        record["learning_rate_changes"] = list(learning_rate_changes)
    return record if test is None else {**record, "test_loss": test[0], "test_accuracy": test[1]}


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
    for steps in training_chunks(
        model, data, labels, optimizer, loss_fn, epochs=epochs, batch_size=batch_size, chunk_s=lambda: CHUNK_S
    ):
        for step in steps:
            meter.add(step)
        if steps[-1].is_last:
            history.append(meter.summary(steps[-1].epoch).loss)
            print(f"epoch {steps[-1].epoch}: loss {history[-1]:.4f}", flush=True)
            meter = EpochMeter()
    return history


@contextmanager
def _not_training(model: Module) -> Iterator[None]:
    """Within this context what differs in training, as dropout, does not; what was in training is so again after.

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
