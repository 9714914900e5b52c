"""Whole training steps in machine code: for an MLP with ReLU and the cross-entropy loss, where Numba is installed.

No graph is built. Two workers (`compiled.work`) go forward and backward, each with half of the mini-batch, then each
takes half of the parameters: their gradient from all samples, and Adam's step. One is whoever trains, the other a
thread of its own. They do not need Python's lock for that, nor Python between the steps of a chunk, and the numbers are
the same whether there is a second thread or not.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from operator import is_
from typing import Any

import numpy as np

from engine.fast import compiled
from engine.fast.adam import adam_constants
from engine.fast.memory import aligned, pack, packed_view
from engine.fast.recording import parts_of
from engine.losses import class_indices, cross_entropy_loss
from engine.nn import MLP, Module, ReLU
from engine.ops import Array
from engine.optim import Adam, Optimizer
from engine.tensor import Tensor

MOSTLY_ZERO = 1 / 3
"""Where a larger share of the inputs' numbers is not 0, BLAS is the faster: it does not ask."""
SAMPLES_ASKED = 100
MOST_AT_ONCE = 64
"""Mini-batches of a chunk at most."""
PATIENCE, HELPERS_PATIENCE = 20_000, 100_000
"""Looks for the other's signal, some 0.5 and 2 ms. Then whoever trains wakes the helper, and the helper sleeps."""
ENDLESS = 1 << 60


class NotCompiledError(Exception):
    """There is no machine code: Numba is not installed."""


class FusedSteps:
    """Trains a network by one or several mini-batches with each call; `close()` ends the helping thread.

    images: (N, in_dim), uint8 (scaled to 0..1) or of the network's dtype; labels: intp (N,). batch_size: that of the
    largest mini-batch; with one thread there is no helper. `most_at_once`: so many mini-batches a call takes.
    """

    def __init__(
        self,
        model: MLP,
        optimizer: Optimizer,
        images: Array,
        labels: Array,
        batch_size: int,
        threads: int,
    ) -> None:
        self._model, self._optimizer = model, optimizer
        self._parameters = _parameters_of(model)
        parameters = _packed(self._parameters)
        self._parts, self._stepped = parts_of(model), list(optimizer.params)
        sizes = (model.layers[0].W.shape[1], *(len(layer.b) for layer in model.layers))
        rows = None
        if type(optimizer) is Adam and _same(optimizer.params, self._parameters):
            rows = _packed_memory(optimizer, parameters)
        self._adam = optimizer if isinstance(optimizer, Adam) and rows else None
        self.most_at_once = MOST_AT_ONCE if self._adam else 1
        self._gradients = pack([np.zeros_like(parameter.data) for parameter in self._parameters])
        some = images[:: len(images) // SAMPLES_ASKED + 1]
        nothing, no_pixels = np.empty(0, model.dtype), np.empty((0, 0), np.uint8)
        mean, square = rows or (nothing, nothing)
        are_pixels = images.dtype == np.uint8
        self._memory = compiled.Memory(
            pixels=images if are_pixels else no_pixels,
            numbers=no_pixels.astype(model.dtype) if are_pixels else images,
            labels=labels,
            is_sparse=bool(np.count_nonzero(some) < MOSTLY_ZERO * some.size),
            samples=np.zeros(min(batch_size * self.most_at_once, len(images)), np.intp),
            batch_size=batch_size,
            sizes=np.array(sizes),
            parameters=parameters,
            gradient=_view(self._gradients),
            mean=mean,
            square=square,
            outputs=aligned(batch_size * sum(sizes), model.dtype),
            output_gradients=aligned(batch_size * sum(sizes[1:]), model.dtype),
            targets=np.empty(batch_size, np.intp),
            constants=np.empty((self.most_at_once, 7), model.dtype),
            results=np.zeros((self.most_at_once, 2, 2)),
            signals=np.zeros((5, 8), np.int64),
        )
        loop = compiled.machine_code(compiled.work, 0, 0, -1, 0, self._memory)  # no steps: it is only compiled
        if loop is None:
            raise NotCompiledError
        self._loop, self._threads, self._has_begun, self._steps = loop, threads, False, 0
        self._helper: _Helper | None = None

    @property
    def fits(self) -> bool:
        """Whether the network is still made of what it was made of, and may be changed, and is all that is stepped."""
        return (
            _same(parts_of(self._model), self._parts)
            and _same(self._optimizer.params, self._stepped)
            and all(parameter.data.flags.writeable for parameter in self._parameters)
        )

    def __call__(self, samples: Array, learning_rates: Sequence[float], first: int) -> list[tuple[float, int]]:  # noqa: ARG002
        """See `engine.fast.steps.Steps`."""
        if not self._has_begun:
            self._begin()
        memory = self._memory
        begin, last = self._steps + 1, self._steps + len(learning_rates)
        memory.samples[: len(samples)] = samples
        memory.signals[compiled.ASKED, 1:3] = begin, len(samples)
        for index, rate in enumerate(learning_rates):
            self._optimizer.lr = rate
            if self._adam:
                steps = self._adam.memory["steps"]
                number = steps[0].item() + 1
                for each in steps:
                    each.fill(number)
                memory.constants[index] = adam_constants(self._adam, number)
        if self._helper is None:
            for step in range(begin, last + 1):
                for worker in (0, 1, 0):  # each goes as far as it can without the other
                    self._loop(worker, step, step, 1, memory)
        else:
            while not self._loop(0, begin, last, PATIENCE, memory):
                self._helper.wake()
        self._steps = last
        for parameter, gradient in zip(self._parameters, self._gradients, strict=True):
            parameter.grad = gradient
            if self._adam:
                parameter.adopt(parameter.data)  # the same array, but its Tensor shall know that it has changed
        if not self._adam:
            self._optimizer.step()
        sums = memory.results[: len(learning_rates)].sum(axis=1).tolist()
        starts = range(0, len(samples), memory.batch_size)
        counts = [min(memory.batch_size, len(samples) - start) for start in starts]
        return [(loss / count, int(correct)) for count, (loss, correct) in zip(counts, sums, strict=True)]

    def _begin(self) -> None:
        compiled.ONE_BLAS_THREAD.begin()
        self._has_begun = True
        if self._threads > 1:
            self._helper = _Helper(self._loop, self._memory)

    def close(self) -> None:
        if self._helper is not None:
            self._helper.end()
        if self._has_begun:
            compiled.ONE_BLAS_THREAD.end()


class _Helper:
    """Worker 1: a thread that looks out for steps, and sleeps where none comes."""

    def __init__(self, loop: compiled.Loop, memory: compiled.Memory) -> None:
        self._awake, self._is_ended = threading.Event(), False
        self._thread = threading.Thread(target=self._run, args=(loop, memory), name="training helper", daemon=True)
        self._thread.start()

    def _run(self, loop: compiled.Loop, memory: compiled.Memory) -> None:
        signals = memory.signals
        while not self._is_ended:
            step = int(signals[compiled.UPDATED + 1, 0]) + 1
            loop(1, step, ENDLESS, HELPERS_PATIENCE, memory)
            self._awake.clear()
            is_idle = signals[compiled.ASKED, 0] == signals[compiled.UPDATED + 1, 0]
            if is_idle and not self._is_ended:
                self._awake.wait()

    def wake(self) -> None:
        """Whoever has waited in vain calls this, and waits on."""
        self._awake.set()
        time.sleep(0)

    def end(self) -> None:
        self._is_ended = True
        self._awake.set()
        self._thread.join()


def _parameters_of(model: MLP) -> list[Tensor]:
    """W and b of each layer; a layer that is there twice has them twice."""
    return [parameter for layer in model.layers for parameter in (layer.W, layer.b)]


def _is_chain(arrays: Sequence[Array]) -> bool:
    """Whether these are W (fan_out, fan_in) and b (fan_out,) of layers that follow each other, all of one dtype."""
    shapes = [array.shape for array in arrays]
    widths = [shapes[0][1], *(shape[0] for shape in shapes[::2])]
    expected = [shape for pair in pairwise(widths) for shape in ((pair[1], pair[0]), (pair[1],))]
    return shapes == expected and len({array.dtype for array in arrays}) == 1


def _view(arrays: Sequence[Array]) -> Array:
    view = packed_view(arrays)
    assert view is not None
    return view


def _may_be_packed(arrays: Sequence[Array]) -> bool:
    """Whether nobody else can tell where these arrays lie in memory, or they are packed already."""
    return packed_view(arrays) is not None or all(array.flags.owndata for array in arrays)


def _packed(parameters: Sequence[Tensor]) -> Array:
    """The parameters in one array of one axis, which is from now on where their Tensors keep them."""
    arrays = [parameter.data for parameter in parameters]
    if packed_view(arrays) is None:
        arrays = pack(arrays, order="F")
        for parameter, array in zip(parameters, arrays, strict=True):
            parameter.adopt(array)
    return _view(arrays)


def _packed_memory(optimizer: Adam, parameters: Array) -> tuple[Array, Array] | None:
    """Adam's means and squares, packed as the parameters are; None if they do not fit or differ in age."""
    if len({steps.item() for steps in optimizer.memory["steps"]}) != 1:
        return None
    shapes = [parameter.shape for parameter in optimizer.params]
    rows = []
    for name in ("mean", "square"):
        values = optimizer.memory[name]
        if [value.shape for value in values] != shapes or {value.dtype for value in values} != {parameters.dtype}:
            return None
        if packed_view(values) is None:
            values[:] = pack(values, order="F")
        rows.append(_view(values))
    return rows[0], rows[1]


def _same(some: list[Any], others: list[Any]) -> bool:
    return len(some) == len(others) and all(map(is_, some, others))


def fused_steps(
    model: Module,
    optimizer: Optimizer,
    loss_fn: Callable[[Tensor, Any], Tensor],
    images: Array,
    labels: Array,
    batch_size: int,
    threads: int | None = None,
) -> FusedSteps | None:
    """What trains this network with mini-batches of these samples; None where that needs a graph.

    images: (N, ...); labels: (N,); threads: 1 or 2, None for as many as there are processors.
    """
    if loss_fn is not cross_entropy_loss or not isinstance(model, MLP) or type(model.activation) is not ReLU:
        return None
    rows = images.reshape(len(images), -1) if len(images) else images
    if not parts_of(model):
        return None
    parameters = _parameters_of(model)
    arrays = [parameter.data for parameter in parameters]
    if (
        not all(parameter.requires_grad and parameter.data.flags.writeable for parameter in parameters)
        or not _is_chain(arrays)
        or len({*map(id, arrays)}) != len(arrays)
        or not _may_be_packed(arrays)
        or model.dtype not in (np.float32, np.float64)
        or rows.dtype not in (np.uint8, model.dtype)
        or rows.shape[1:] != arrays[0].shape[1:]
        or not rows.flags.carray
    ):
        return None
    try:
        targets = class_indices(labels, (len(rows), len(arrays[-1])))  # a copy, which nobody else can change
        return FusedSteps(model, optimizer, rows, targets, batch_size, threads or os.cpu_count() or 1)
    except (IndexError, NotCompiledError, TypeError, ValueError):  # a graph will tell what is wrong with the labels
        return None
