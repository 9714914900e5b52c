"""A whole training step in machine code: for an MLP with ReLU and the cross-entropy loss, where Numba is installed.

No graph is built. Two workers go forward and backward, each with half of the mini-batch, then each updates half of the
parameters (`compiled.work`). One is whoever trains, the other a thread of its own. They do not need Python's lock for
that, and the numbers are the same whether there is a second thread or not.
"""

import os
import threading
import time
from collections.abc import Callable
from operator import is_
from typing import Any

import numpy as np

from engine import compiled
from engine.losses import class_indices, cross_entropy_loss
from engine.memory import row_of, side_by_side
from engine.nn import MLP, Module, ReLU
from engine.ops import Array
from engine.optim import Adam, Optimizer
from engine.recording import parts_of
from engine.tensor import Tensor

MOSTLY_ZERO = 1 / 3
"""Where a larger share of the inputs' numbers is not 0, BLAS is the faster: it does not ask."""
SAMPLES_ASKED = 100
PATIENCE, HELPERS_PATIENCE = 4_000, 100_000
"""Looks for the other's signal, some 0.1 and 2 ms. Then whoever trains wakes the helper, and the helper sleeps."""
ENDLESS = 1 << 60


class NotCompiledError(Exception):
    """There is no machine code: Numba is not installed."""


class FusedSteps:
    """Trains a network by a mini-batch with each call; `close()` ends the helping thread.

    images: (N, in_dim), uint8 (scaled to 0..1) or of the network's dtype; labels: intp (N,). batch_size: that of the
    largest mini-batch; with one thread there is no helper.
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
        self._parts = parts_of(model)
        self._parameters = model.parameters()
        arrays = [parameter.data for parameter in self._parameters]
        memory = None
        if type(optimizer) is Adam and _same(optimizer.params, self._parameters):
            memory = optimizer.memory_rows()
        self._adam = optimizer if isinstance(optimizer, Adam) and memory else None
        self._constants = np.empty(7 if memory else 0, model.dtype)
        # Each share of a mini-batch has gradients of its own; those of the first become those of both.
        gradients = [side_by_side([np.zeros_like(array) for array in arrays]) for _ in range(2)]
        self._gradients, self._results = gradients[0], np.zeros((2, 2))
        most = (batch_size + 1) // 2
        shares = tuple(
            (
                np.empty(most * sum(model.sizes), model.dtype),
                np.empty(most * sum(model.sizes[1:]), model.dtype),
                row_of(gradient),
                np.empty(most, np.intp),
                result,
            )
            for gradient, result in zip(gradients, self._results, strict=True)
        )
        pixels, numbers = np.empty((0, 0), np.uint8), np.empty((0, 0), model.dtype)  # one of them stays empty
        if images.dtype == np.uint8:
            pixels = images
        else:
            numbers = images
        some = images[:: len(images) // SAMPLES_ASKED + 1]
        is_sparse = bool(np.count_nonzero(some) < MOSTLY_ZERO * some.size)
        self._step = 0
        self._signals = np.zeros((5, 8), np.int64)
        self._samples = np.zeros(batch_size, np.intp)
        self._arguments = (
            self._signals,
            (self._samples, pixels, numbers, labels, is_sparse),
            np.array(model.sizes),
            row_of(arrays),
            shares,
            (*(memory or (self._constants, self._constants)), self._constants),
        )
        loop = compiled.machine_code(compiled.work, 0, 0, 0, 0, *self._arguments)  # no steps: it is only compiled
        if loop is None:
            raise NotCompiledError
        self._loop, self._threads, self._has_begun = loop, threads, False
        self._helper: _Helper | None = None

    @property
    def fits(self) -> bool:
        """Whether the network is still made of what it was made of."""
        return _same(parts_of(self._model), self._parts)

    def __call__(self, samples: Array) -> tuple[float, int]:
        """Train with these samples, by their indices. Returns their mean loss and how many were read right."""
        if not self._has_begun:
            self._begin()
        count = len(samples)
        self._samples[:count] = samples
        self._signals[compiled.ASKED, 1] = count
        if self._adam:
            self._constants[:] = self._adam.begin_step()
        self._step += 1
        if self._helper is None:
            for worker in (0, 1, 0):  # each goes as far as it can without the other
                self._loop(worker, self._step, 1, 1, *self._arguments)
        else:
            while not self._loop(0, self._step, 1, PATIENCE, *self._arguments):
                self._helper.wake()
        for parameter, gradient in zip(self._parameters, self._gradients, strict=True):
            parameter.grad = gradient
            if self._adam:
                parameter.data = parameter.data  # the same array, but its Tensor shall know that it has changed
        if not self._adam:
            self._optimizer.step()
        (loss, correct), (other_loss, other_correct) = self._results.tolist()
        return (loss + other_loss) / count, int(correct + other_correct)

    def _begin(self) -> None:
        compiled.ONE_BLAS_THREAD.begin()
        self._has_begun = True
        if self._threads > 1:
            self._helper = _Helper(self._loop, self._arguments)

    def close(self) -> None:
        if self._helper is not None:
            self._helper.end()
        if self._has_begun:
            compiled.ONE_BLAS_THREAD.end()


class _Helper:
    """Worker 1: a thread that looks out for steps, and sleeps where none comes."""

    def __init__(self, loop: compiled.Loop, arguments: tuple[Any, ...]) -> None:
        self._awake, self._is_ended = threading.Event(), False
        self._thread = threading.Thread(target=self._run, args=(loop, arguments), name="training helper", daemon=True)
        self._thread.start()

    def _run(self, loop: compiled.Loop, arguments: tuple[Any, ...]) -> None:
        signals = arguments[0]
        while not self._is_ended:
            step = int(signals[compiled.UPDATED + 1, 0]) + 1
            loop(1, step, ENDLESS, HELPERS_PATIENCE, *arguments)
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
    arrays = [parameter.data for parameter in model.parameters()]
    in_dim, classes = model.sizes[0], model.sizes[-1]
    if (
        not parts_of(model)
        or row_of(arrays) is None
        or model.dtype.char not in "fd"
        or not all(layer.W.data.flags.f_contiguous for layer in model.layers)
        or rows.dtype not in (np.uint8, model.dtype)
        or rows.shape[1:] != (in_dim,)
        or not rows.flags.carray
    ):
        return None
    try:
        targets = class_indices(labels, (len(rows), classes))  # a copy: machine code does not look at them again
        return FusedSteps(model, optimizer, rows, targets, batch_size, threads or os.cpu_count() or 1)
    except (IndexError, NotCompiledError, TypeError, ValueError):  # a graph will tell what is wrong with the labels
        return None
