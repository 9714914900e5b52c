"""Whole training steps in machine code: workers execute a network's program, if Numba is installed.

Each worker goes forward and backward with a part of the mini-batch, then takes a part of the parameters: it computes
their gradient from all samples and updates them. One worker is the training thread, the others are helper threads. They
run without the GIL, and without Python between the steps of a chunk. Any number of threads gives the same numbers.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from operator import is_
from typing import Any

import numpy as np

from engine.augment import Draws, Variations, bumps
from engine.fast import compiled
from engine.fast.compiler import machine_code
from engine.fast.memory import aligned, pack, packed_view
from engine.fast.optimizers import FORMULAS, quick_step, step_constants
from engine.fast.products import SPARE
from engine.fast.program import FAN_IN, FAN_OUT, INPUTS, OUTPUTS, Program, capture, parts_of
from engine.in_training import MAX_LAYERS, MLPInTraining
from engine.losses import LOWEST_TARGET, SmoothedLoss, class_indices
from engine.nn import Module
from engine.ops import Array
from engine.optim import Optimizer
from engine.samples import as_rows, dtype_of
from engine.tensor import Tensor

MOST_AT_ONCE = 64
"""Maximum number of mini-batches in a chunk."""
PATIENCE, HELPERS_PATIENCE = 20_000, 100_000
"""How often a worker polls for another's signal, some 0.5 and 2 ms. After that the trainer wakes the helpers, and a
helper sleeps."""
MAX_THREADS = 16
ENDLESS = 1 << 60


class NotCompiledError(Exception):
    """There is no machine code, for example because Numba is not installed."""


class FusedSteps:
    """Trains a network by one or several mini-batches per call. Until `close()` the parameters are in its own arrays.

    images: (N, ...), uint8 (scaled to 0..1) or of the network's dtype; labels: intp (N,). batch_size: the size of the
    largest mini-batch. With one thread there is no helper. vary: for images (N, height, width), uint8. in_training:
    what the network is trained as; smoothing: see `engine.losses.SmoothedLoss`.
    """

    def __init__(
        self,
        model: Module,
        program: Program,
        optimizer: Optimizer,
        images: Array,
        labels: Array,
        batch_size: int,
        threads: int,
        vary: Variations | None = None,
        in_training: MLPInTraining | None = None,
        smoothing: float = 0.0,
    ) -> None:
        self._in_training = in_training
        self._model, self._optimizer = model, optimizer
        self._parameters, self._stepped = program.parameters, list(optimizer.params)
        dtype = program.parameters[0].dtype
        self._own = [parameter.data for parameter in program.parameters]
        """The parameters' arrays before and after; in between they are packed."""
        self._packed = pack(self._own, order="F")
        formula, remembered = _formula(optimizer, program.parameters)
        self._has_formula = formula != compiled.NO_FORMULA
        self._vary = vary
        self._drawn_epoch = -1
        self.most_at_once = MOST_AT_ONCE if self._has_formula else 1
        shape, images = images.shape, images.reshape(len(images), -1)
        self._gradients = pack([np.zeros_like(array) for array in self._packed])
        nothing, no_pixels = np.empty(0, dtype), np.empty((0, 0), np.uint8)
        are_pixels = images.dtype == np.uint8
        values = int(program.table[-1, OUTPUTS] + program.table[-1, FAN_OUT])
        hidden = int(program.table[-1, INPUTS] + program.table[-1, FAN_IN]) if len(program.table) > 1 else 0
        sums = hidden if in_training is not None and in_training.normalizes else 0
        self._memory = compiled.Memory(
            pixels=compiled.read_only(images if are_pixels else no_pixels),
            numbers=compiled.read_only(no_pixels.astype(dtype) if are_pixels else images),
            labels=labels,
            samples=np.zeros(min(batch_size * self.most_at_once, len(images)), np.intp),
            batch_size=batch_size,
            table=program.table,
            parameters=_view(self._packed),
            gradient=_view(self._gradients),
            optimizer=formula,
            first=remembered[0] if remembered else nothing,
            second=remembered[1] if len(remembered) > 1 else nothing,
            values=aligned(batch_size * values, dtype),
            value_gradients=aligned(batch_size * values, dtype),
            targets=np.empty(batch_size, np.intp),
            spare=aligned(threads * SPARE, dtype).reshape(threads, SPARE),
            pieces=aligned(threads * compiled.CACHED, dtype),
            constants=np.empty((self.most_at_once, 10), dtype),
            correct=np.zeros((self.most_at_once, threads), np.int64),
            losses=np.zeros((self.most_at_once, batch_size)),
            squares=np.zeros(int(program.table[:, [FAN_IN, FAN_OUT]].sum())),
            signals=np.zeros((1 + 4 * threads, 8), np.int64),
            draws=_no_draws(0 if vary is None else vary.count),
            form=_form(vary, shape),
            dropout=_dropout(in_training),
            smoothing=float(smoothing),
            sums=aligned(batch_size * sums, dtype),
            sum_gradients=aligned(batch_size * sums, dtype),
            moments=aligned(4 * threads * sums, dtype).reshape(4 * threads, sums),
            seen=_seen(in_training),
        )
        loop = machine_code(compiled.work, 0, 0, -1, 0, self._memory)  # no steps, only to compile it
        if loop is None:
            raise NotCompiledError
        for parameter, array in zip(self._parameters, self._packed, strict=True):
            parameter.adopt(array)
        self._program = Program(program.table, program.parameters, parts_of(model))  # of the packed arrays
        self._loop, self._threads, self._has_begun, self._steps = loop, threads, False, 0
        self._helpers: list[_Helper] = []

    @property
    def fits(self) -> bool:
        """Whether the network's parts and the optimizer's parameters are unchanged, and all parameters writable."""
        return (
            self._program.is_of(self._model)
            and _same(self._optimizer.params, self._stepped)
            and all(parameter.data.flags.writeable for parameter in self._parameters)
        )

    def __call__(self, samples: Array, learning_rates: Sequence[float], first: int) -> list[tuple[float, int]]:
        """See `engine.fast.steps.Steps`."""
        if not self._has_begun:
            self._begin()
        memory = self._memory
        begin, last = self._steps + 1, self._steps + len(learning_rates)
        memory.samples[: len(samples)] = samples
        memory.signals[compiled.ASKED, 1:5] = begin, len(samples), self._draw(first), self._mini_batch(first)
        for index, rate in enumerate(learning_rates):
            self._optimizer.lr = rate
            memory.constants[index] = self._constants()
        while not self._loop(0, begin, last, PATIENCE, memory):
            for helper in self._helpers:
                helper.wake()
        self._steps = last
        for parameter, gradient in zip(self._parameters, self._gradients, strict=True):
            parameter.grad = gradient
            if self._has_formula:
                parameter.adopt(parameter.data)  # the same array, but its Tensor must know that it has changed
        if not self._has_formula:
            with np.errstate(over="ignore", invalid="ignore"):  # the loss shows when a network explodes
                quick_step(self._optimizer)
        if self._in_training is not None:
            self._in_training.mini_batches_done += len(learning_rates)
        correct = memory.correct[: len(learning_rates)].sum(axis=1).tolist()
        starts = range(0, len(samples), memory.batch_size)
        counts = [min(memory.batch_size, len(samples) - start) for start in starts]
        losses = [float(row[:count].sum()) / count for row, count in zip(memory.losses, counts, strict=False)]
        return list(zip(losses, correct, strict=True))

    def _mini_batch(self, first: int) -> int:
        """The number of the first mini-batch, by which outputs are dropped."""
        return first if self._in_training is None else self._in_training.mini_batches_done

    def _draw(self, number: int) -> int:
        """Draw how the epoch's pictures are varied, as for a graph. Returns a mini-batch's first position in them."""
        if self._vary is None:
            return 0
        epoch, start = self._vary.place(number)
        if epoch != self._drawn_epoch:
            drawn, draws = self._vary.draw(epoch), self._memory.draws
            draws.affine[:], draws.seeds[:], draws.thicker_px[:] = drawn
            self._drawn_epoch = epoch
        return start

    def _constants(self) -> tuple[float, ...]:
        """The next step's constants for the compiled formula, if there is one."""
        if not self._has_formula:
            return (0.0,) * 10
        counts = self._optimizer.memory.get("steps", [])
        number = counts[0].item() + 1 if counts else 1
        for count in counts:
            count.fill(number)
        optimizer = self._optimizer
        return *step_constants(optimizer, number), optimizer.l1, optimizer.l2, optimizer.clip_norm

    def _begin(self) -> None:
        compiled.ONE_BLAS_THREAD.begin()
        self._has_begun = True
        for worker in range(1, self._threads):
            self._helpers.append(_Helper(worker, self._loop, self._memory))

    def close(self) -> None:
        for helper in self._helpers:
            helper.end()
        if self._has_begun:
            compiled.ONE_BLAS_THREAD.end()
        for parameter, own, packed in zip(self._parameters, self._own, self._packed, strict=True):
            if parameter.data is packed and packed.flags.writeable:  # otherwise the caller has replaced or frozen it
                np.copyto(own, packed)
                parameter.adopt(own)


class _Helper:
    """A worker from 1 on: a thread that polls for steps and sleeps if there are none."""

    def __init__(self, worker: int, loop: compiled.Loop, memory: compiled.Memory) -> None:
        self._awake, self._is_ended = threading.Event(), False
        arguments = (worker, loop, memory)
        self._thread = threading.Thread(target=self._run, args=arguments, name="training helper", daemon=True)
        self._thread.start()

    def _run(self, worker: int, loop: compiled.Loop, memory: compiled.Memory) -> None:
        signals, done = memory.signals, compiled.updated(worker, len(memory.spare))
        while not self._is_ended:
            step = int(signals[done, 0]) + 1
            loop(worker, step, ENDLESS, HELPERS_PATIENCE, memory)
            self._awake.clear()
            is_idle = signals[compiled.ASKED, 0] == signals[done, 0]
            if is_idle and not self._is_ended:
                self._awake.wait()

    def wake(self) -> None:
        """Wake the thread, after waiting for it too long."""
        self._awake.set()
        time.sleep(0)

    def end(self) -> None:
        self._is_ended = True
        self._awake.set()
        self._thread.join()


def _form(vary: Variations | None, shape: tuple[int, ...]) -> compiled.Form:
    """The form of pictures (N, height, width), if they are varied."""
    if vary is None:
        nothing = np.empty((0, 0), np.float32)
        return compiled.Form(0, nothing, nothing, 0.0)
    elastic_px = vary.augmentation.elastic_px
    profiles = []
    for size, bumped in zip(shape[1:], bumps(shape[1], shape[2], vary.augmentation.elastic_sigma_px), strict=True):
        affine = [np.ones(size), np.arange(size) - (size - 1) / 2]
        profiles.append(np.vstack([bumped[: len(bumped) if elastic_px else 0], *affine]).astype(np.float32))
    down, across = profiles
    across = np.pad(across, ((0, 0), (0, -across.shape[1] % compiled.WHOLE_TILE)))
    return compiled.Form(shape[2], np.ascontiguousarray(down.T), across, float(elastic_px))


def _dropout(in_training: MLPInTraining | None) -> compiled.Dropout:
    if in_training is None:
        return compiled.Dropout(np.uint64(0), 0, 1.0)
    return compiled.Dropout(np.uint64(in_training.key), in_training.threshold, in_training.scale)


def _seen(in_training: MLPInTraining | None) -> Array:
    if in_training is None or in_training.seen is None:
        return np.empty((0, 0), np.uint8)
    return np.ascontiguousarray(in_training.seen.T, np.uint8)


def _no_draws(count: int) -> Draws:
    """Memory for the draws of this many pictures."""
    return Draws(np.zeros((count, 6), np.float32), np.zeros(count, np.int64), np.zeros(count, np.float32))


def _view(arrays: Sequence[Array]) -> Array:
    view = packed_view(arrays)
    assert view is not None
    return view


def _formula(optimizer: Optimizer, parameters: Sequence[Tensor]) -> tuple[int, list[Array]]:
    """The code of the optimizer's compiled formula, and its state, packed in the order of the parameters."""
    code, names = FORMULAS.get(type(optimizer), (compiled.NO_FORMULA, ()))
    memory = [optimizer.memory[name] for name in names]
    shapes, dtype = [parameter.shape for parameter in parameters], parameters[0].dtype
    fits = all([value.shape for value in values] == shapes for values in memory)
    fits = fits and all(value.dtype == dtype for values in memory for value in values)
    is_of_one_age = len({steps.item() for steps in optimizer.memory.get("steps", [])}) <= 1
    if not fits or not is_of_one_age or not _same(optimizer.params, parameters):
        return compiled.NO_FORMULA, []
    for values in memory:
        if packed_view(values) is None or not all(value.flags.f_contiguous for value in values):
            values[:] = pack(values, order="F")
    return code, [_view(values) for values in memory]


def _same(some: Sequence[Any], others: Sequence[Any]) -> bool:
    return len(some) == len(others) and all(map(is_, some, others))


def default_threads() -> int:
    """Two, if there are two processors and OMP_NUM_THREADS, which BLAS heeds as well, allows it."""
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    return min(int(allowed) or 2 if allowed.isdecimal() else 2, 2, os.cpu_count() or 1)


def fused_steps(
    model: Module,
    optimizer: Optimizer,
    loss_fn: Callable[[Tensor, Any], Tensor],
    images: Array,
    labels: Array,
    batch_size: int,
    threads: int | None = None,
    vary: Variations | None = None,
) -> FusedSteps | None:
    """Fused steps for this network and these samples; None if they need a graph.

    images: (N, ...); labels: (N,); threads: at most MAX_THREADS are used, None for `default_threads()`. Variations need
    pictures of bytes and a network in float32.
    """
    in_training = model if isinstance(model, MLPInTraining) else None
    model = in_training.network if in_training is not None else model
    smoothing, loss_fn = (loss_fn.smoothing, loss_fn.loss_fn) if isinstance(loss_fn, SmoothedLoss) else (0.0, loss_fn)
    rows = images.reshape(len(images), -1) if len(images) else images
    try:
        program = capture(model, loss_fn, as_rows(images[:1], dtype_of(model)), labels[:1])
        if not 0 < len(program.table) <= MAX_LAYERS:
            return None
        arrays = [parameter.data for parameter in program.parameters]
        classes = len(arrays[-1])
        targets = class_indices(labels, (len(rows), classes), LOWEST_TARGET[loss_fn])  # a copy, which no one can change
    except (IndexError, TypeError, ValueError):  # the graph will report what is wrong
        return None
    if (
        not all(array.flags.writeable for array in arrays)
        or len({*map(id, arrays)}) != len(arrays)
        or not all(array.flags.owndata for array in arrays)  # otherwise other arrays may share the memory
        or arrays[0].dtype not in (np.float32, np.float64)
        or rows.dtype not in (np.uint8, arrays[0].dtype)
        or not (rows.flags.c_contiguous and rows.flags.aligned)
        or (vary is not None and (images.ndim != 3 or rows.dtype != np.uint8 or arrays[0].dtype != np.float32))
    ):
        return None
    try:
        count = min(threads or default_threads(), MAX_THREADS)
        data = images, targets, batch_size
        return FusedSteps(model, program, optimizer, *data, count, vary, in_training, smoothing)
    except NotCompiledError:
        return None
