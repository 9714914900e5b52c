"""The entry points: `quickest_steps` returns the fastest `Steps` for a network; `prepare` compiles in advance.

There are three kinds. Fused steps run in machine code, for networks that they support. A recorded graph is executed
again for each mini-batch. A new graph is built for each mini-batch if the network may do something different each time.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike

from engine.augment import Variations
from engine.fast.compiler import compile_apart, expect_apart
from engine.fast.fused import FusedSteps, fused_steps
from engine.fast.optimizers import quick_step
from engine.fast.recording import Gradients
from engine.losses import count_correct, cross_entropy_loss
from engine.nn import MLP, Module
from engine.ops import Array
from engine.optim import Adam, Optimizer
from engine.samples import as_rows, dtype_of
from engine.tensor import Tensor


class Steps(Protocol):
    """Trains a network by one or several mini-batches per call."""

    @property
    def most_at_once(self) -> int:
        """The maximum number of mini-batches for the next call."""

    def __call__(self, samples: Array, learning_rates: Sequence[float], first: int) -> list[tuple[float, int]]:
        """Train with one mini-batch for each learning rate; all have the same size, except perhaps the last.

        samples: (n,), the indices of all their samples; first: the number of the first mini-batch, counted from 0. All
        are in one epoch.
        Returns the mean loss and the number of correctly classified samples of each mini-batch.
        """

    def close(self) -> None:
        """Stop threads and restore the parameters' own arrays. Must be called after the last step."""


def quickest_steps(
    model: Module,
    optimizer: Optimizer,
    loss_fn: Callable[[Tensor, Any], Tensor],
    images: Array,
    labels: Array,
    batch_size: int,
    threads: int | None = None,
    vary: Variations | None = None,
) -> Steps:
    """The fastest way to train this network on these samples.

    images: (N, ...), uint8 or floating; labels: (N, ...), the targets for loss_fn; batch_size: the largest; threads: at
    most, None for two; vary: augmentation of images (N, height, width).
    """
    graph = GraphSteps(model, optimizer, loss_fn, images, labels, vary)
    fused = fused_steps(model, optimizer, loss_fn, images, labels, batch_size, threads, vary)
    return graph if fused is None else _FusedWhileTheyFit(fused, graph)


def prepare(dtype: DTypeLike = np.float32) -> None:
    """Compile what every network of this dtype is trained by, or load it if any process has compiled it before."""
    samples = np.zeros((2, 1), np.uint8), np.zeros(2, np.intp)
    model = MLP(1, [1], 2, dtype=dtype)
    quickest_steps(model, Adam(model.parameters()), cross_entropy_loss, *samples, batch_size=2).close()


def prepare_loops() -> None:
    """Compile half of what `prepare` compiles. Raises if that fails, for example because Numba is not installed."""
    compile_apart()


def prepare_callers() -> None:
    """Compile the other half, in a process which must not train: it does not have all that is called."""
    expect_apart()
    prepare()


class GraphSteps:
    """Builds a graph for each mini-batch, or executes a recorded one."""

    most_at_once = 1

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        loss_fn: Callable[[Tensor, Any], Tensor],
        images: Array,
        labels: Array,
        vary: Variations | None,
    ) -> None:
        self._gradients, self._optimizer = Gradients(model, loss_fn), optimizer
        self._images, self._labels, self._vary, self._dtype = images, labels, vary, dtype_of(model)

    def __call__(self, samples: Array, learning_rates: Sequence[float], first: int) -> list[tuple[float, int]]:
        (self._optimizer.lr,) = learning_rates
        images, target = self._images[samples], self._labels[samples]
        if self._vary is not None:
            images = self._vary(images, first)
        self._optimizer.zero_grad()
        with np.errstate(over="ignore", invalid="ignore"):  # the loss shows when a network explodes
            loss, outputs = self._gradients(as_rows(images, self._dtype), target)
            quick_step(self._optimizer)
            are_classes = target.dtype.kind in "iu" and target.ndim == outputs.ndim - 1
            return [(loss.item(), count_correct(outputs, target) if are_classes else 0)]

    def close(self) -> None:
        pass


class _FusedWhileTheyFit:
    """Fused steps, until the network is changed in a way that needs a graph."""

    def __init__(self, fused: FusedSteps, graph: GraphSteps) -> None:
        self._fused: FusedSteps | None = fused
        self._graph = graph

    @property
    def most_at_once(self) -> int:
        if self._fused is not None and not self._fused.fits:
            self.close()
        return self._graph.most_at_once if self._fused is None else self._fused.most_at_once

    def __call__(self, samples: Array, learning_rates: Sequence[float], first: int) -> list[tuple[float, int]]:
        return (self._fused or self._graph)(samples, learning_rates, first)

    def close(self) -> None:
        if self._fused is not None:
            self._fused.close()
            self._fused = None
