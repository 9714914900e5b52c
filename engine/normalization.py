"""Batch normalization: the weighted sum of each hidden neuron has mean 0 and variance 1 over each mini-batch.

Hardly any neuron then dies, however the weights before it change, and a larger learning rate is safe (Ioffe and
Szegedy, Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift, 2015). The bias
is added afterwards. There is no gain, as the next layer's weights can scale a ReLU's output just as well.

Once trained, a network reads one picture at a time, with means and variances over many training samples. They are then
constants and become part of the weights: `folded` gives a plain MLP.
"""

import numpy as np

from engine.nn import MLP, ReLU
from engine.ops import Array
from engine.tensor import Tensor

NORMALIZATIONS = ("none", "batch")
EPSILON = 1e-5
"""Is added to the variance, which may be 0."""

_allowing_overflow = np.errstate(over="ignore", invalid="ignore")
"""A decorator for networks that may have exploded."""


def normalized(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """A layer's weighted sums for a mini-batch x (n, in_dim), normalized over it, plus the bias: (n, out_dim).

    W: (out_dim, in_dim); b: (out_dim,).
    """
    z = x @ W.T
    centred = z - z.mean(axis=0)
    variance = (centred * centred).mean(axis=0)
    return centred / (variance + EPSILON).sqrt() + b


@_allowing_overflow
def folded(network: MLP, samples: Array) -> MLP:
    """The plain MLP that reads as a network does that was trained with normalization; it has parameters of its own.

    samples: (n, in_dim), two or more, in the network's dtype, over which means and variances are taken.
    """
    *hidden, last = network.layers
    parameters, x = [], samples
    for layer in hidden:
        z = x @ layer.W.data.T
        mean, deviation = _moments(z)
        parameters.append((layer.W.data / deviation[:, np.newaxis], layer.b.data - mean / deviation))
        x = network.activation((z - mean) / deviation + layer.b.data).data
    return MLP.from_parameters([*parameters, (last.W.data, last.b.data)], type(network.activation))


@_allowing_overflow
def unfolded(network: MLP, samples: Array) -> MLP:
    """The network whose `folded` over the same samples is this one, so that training with normalization can go on.

    A neuron's output gets another scale, which the next layer's weights make up for; only a ReLU allows that. Raises
    ValueError for other activations.
    """
    *hidden, last = network.layers
    if hidden and type(network.activation) is not ReLU:
        raise ValueError("a network can be normalized later on only if its activation is ReLU")
    parameters, x, scale = [], samples, np.ones(samples.shape[1], network.dtype)
    for layer in hidden:
        z = x @ layer.W.data.T
        mean, deviation = _moments(z)
        parameters.append((layer.W.data * scale, (layer.b.data + mean) / deviation))
        x, scale = network.activation(z + layer.b.data).data, deviation
    return MLP.from_parameters([*parameters, (last.W.data * scale, last.b.data)], type(network.activation))


def _moments(z: Array) -> tuple[Array, Array]:
    """The mean of each neuron over the samples, and the root of its variance and epsilon."""
    return z.mean(axis=0), np.sqrt(z.var(axis=0) + z.dtype.type(EPSILON))
