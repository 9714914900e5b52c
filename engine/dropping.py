"""Dropout in an MLP: a network for training that shares its parameters with the one that is evaluated and saved."""

import numpy as np

from engine.functions import dropout
from engine.nn import MLP, Module
from engine.tensor import Tensor


class DroppingNetwork(Module):
    """An MLP of which each mini-batch drops other outputs of the hidden layers, each with probability p.

    No neuron can then rely on a particular other one (Srivastava et al., JMLR 15 (2014), 1929-1958). Which are dropped
    follows from the seed and the number of the mini-batch, so that a resumed run drops the same. Each call is a
    mini-batch; mini_batches_done: the number of those before the first call.
    """

    def __init__(self, network: MLP, p: float, seed: int, mini_batches_done: int = 0) -> None:
        self.network, self.p = network, p
        self._seed, self._number = seed, mini_batches_done

    def forward(self, x: Tensor) -> Tensor:
        rng = np.random.default_rng([self._seed, 8, self._number])
        self._number += 1
        *hidden, last = self.network.layers
        for layer in hidden:
            x = dropout(self.network.activation(layer(x)), self.p, rng)
        return last(x)
