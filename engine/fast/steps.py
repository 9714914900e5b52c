"""The seam: whoever trains asks `quickest_steps` for the quickest way, and gets `Steps`.

There are three ways. Fused steps are whole steps in machine code, for the networks that they know. A recorded graph is
worked off again for each mini-batch; a new graph is built for each where the network may do something else every time.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from engine.fast.fused import FusedSteps, fused_steps
from engine.fast.optimizers import quick_step
from engine.fast.recording import Gradients
from engine.nn import Module
from engine.ops import Array
from engine.optim import Optimizer
from engine.samples import as_rows, dtype_of
from engine.tensor import Tensor

Variation = Callable[[Array, int], Array]
"""Images (n, ...) of a mini-batch and its number, counted from 0, to the images that the network is to see."""


class Steps(Protocol):
    """Trains a network, one or several mini-batches with each call."""

    @property
    def most_at_once(self) -> int:
        """How many mini-batches the next call may take."""

    def __call__(self, samples: Array, learning_rates: Sequence[float], first: int) -> list[tuple[float, int]]:
        """Train with one mini-batch for each learning rate: all of the same size, but for the last one.

        samples: (n,), the indices of all their samples; first: the number of the first mini-batch, counted from 0.
        Returns for each mini-batch its mean loss and how many samples were classified correctly.
        """

    def close(self) -> None:
        """End what the steps have started."""


def quickest_steps(
    model: Module,
    optimizer: Optimizer,
    loss_fn: Callable[[Tensor, Any], Tensor],
    images: Array,
    labels: Array,
    batch_size: int,
    threads: int | None = None,
    vary: Variation | None = None,
) -> Steps:
    """The quickest way to train this network on these samples.

    images: (N, ...), uint8 or floating; labels: (N, ...), what loss_fn takes; batch_size: the largest; threads: 1 or 2,
    None for the number of processors.
    """
    graph = GraphSteps(model, optimizer, loss_fn, images, labels, vary)
    if vary is not None:  # BLAS makes the variations, and its threads would compete with those of fused steps
        return graph
    fused = fused_steps(model, optimizer, loss_fn, images, labels, batch_size, threads)
    return graph if fused is None else _FusedWhileTheyFit(fused, graph)


class GraphSteps:
    """Builds a graph for each mini-batch, or works off a recorded one."""

    most_at_once = 1

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        loss_fn: Callable[[Tensor, Any], Tensor],
        images: Array,
        labels: Array,
        vary: Variation | None,
    ) -> None:
        self._gradients, self._optimizer = Gradients(model, loss_fn), optimizer
        self._images, self._labels, self._vary, self._dtype = images, labels, vary, dtype_of(model)

    def __call__(self, samples: Array, learning_rates: Sequence[float], first: int) -> list[tuple[float, int]]:
        (self._optimizer.lr,) = learning_rates
        images, target = self._images[samples], self._labels[samples]
        if self._vary is not None:
            images = self._vary(images, first)
        self._optimizer.zero_grad()
        with np.errstate(over="ignore", invalid="ignore"):  # a network that explodes shows it in its loss
            loss, outputs = self._gradients(as_rows(images, self._dtype), target)
            quick_step(self._optimizer)
        are_classes = target.dtype.kind in "iu" and target.ndim == outputs.ndim - 1
        correct = int(np.count_nonzero(outputs.argmax(axis=-1) == target)) if are_classes else 0
        return [(loss.item(), correct)]

    def close(self) -> None:
        pass


class _FusedWhileTheyFit:
    """Fused steps, until somebody changes the network so that only a graph will do."""

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
