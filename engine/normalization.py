"""Batch normalization: what a hidden neuron adds up has mean 0 and variance 1 over each mini-batch.

So no neuron can die or explode, however the weights before it change, and a larger learning rate is safe (Ioffe and
Szegedy, Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift, 2015). The bias
is added afterwards. There is no gain, as the next layer's weights can scale a ReLU's output just as well.

Once trained, a network reads one picture at a time, with means and variances over many training samples. They are then
constants and become part of the weights: `folded` gives a plain MLP.
"""

import numpy as np

from engine.nn import MLP, Linear, ReLU
from engine.ops import Array
from engine.tensor import Tensor

NORMALIZATIONS = ("none", "batch")
EPSILON = 1e-5
"""Is added to the variance, which may be 0."""


def normalized(layer: Linear, x: Tensor) -> Tensor:
    """What a layer adds up for a mini-batch x (n, in_dim), normalized over its samples, plus the bias: (n, out_dim)."""
    z = x @ layer.W.T
    centred = z - z.mean(axis=0)
    variance = (centred * centred).mean(axis=0)
    return centred / (variance + EPSILON).sqrt() + layer.b


def folded(network: MLP, samples: Array) -> MLP:
    """The plain MLP that reads as a network does that was trained with normalization.

    samples: (n, in_dim), in the network's dtype, over which means and variances are taken.
    """
    *hidden, last = network.layers
    parameters, x = [], samples
    with np.errstate(over="ignore", invalid="ignore"):  # of a network that has exploded
        for layer in hidden:
            mean, deviation = _moments(x @ layer.W.data.T)
            W, b = layer.W.data / deviation[:, np.newaxis], layer.b.data - mean / deviation
            parameters.append((W, b))
            x = network.activation(x @ W.T + b).data
    return MLP.from_parameters([*parameters, (last.W.data, last.b.data)], type(network.activation))


def unfolded(network: MLP, samples: Array) -> MLP:
    """The network whose `folded` is this one, so that training with normalization can go on with it.

    A neuron's output gets another scale, which the next layer's weights make up for; only a ReLU allows that. Raises
    ValueError for other activations.
    """
    if type(network.activation) is not ReLU:
        raise ValueError("a network can be normalized later on only if its activation is ReLU")
    *hidden, last = network.layers
    parameters, x, scale = [], samples, np.ones(samples.shape[1], network.dtype)
    for layer in hidden:
        z = x @ layer.W.data.T
        mean, deviation = _moments(z)
        parameters.append((layer.W.data * scale, (layer.b.data + mean) / deviation))
        x, scale = network.activation(z + layer.b.data).data, deviation
    return MLP.from_parameters([*parameters, (last.W.data * scale, last.b.data)], ReLU)


def _moments(z: Array) -> tuple[Array, Array]:
    """The mean of each neuron over the samples, and the root of its variance and epsilon."""
    return z.mean(axis=0), np.sqrt(z.var(axis=0) + z.dtype.type(EPSILON))
