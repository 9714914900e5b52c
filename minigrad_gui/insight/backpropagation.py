"""One forward and one backward pass of a network with a picture, as the graph that backpropagation walks."""

import numpy as np

from engine import Tensor, cross_entropy_loss
from engine.graph import Graph
from engine.nn import MLP, Linear
from engine.ops import Array
from minigrad_gui.insight.trace import allowing_overflow, row_of

DRAWING = "drawing"


@allowing_overflow
def passes(model: MLP, picture: Array, digit: int) -> Graph:
    """The graph of the loss, the cross-entropy of the logits and this digit, with the gradients of all that it is of.

    Leaves are called "drawing", "W1", "b1", "W2" and so on. Nothing is written into the network: its arrays are shared.
    """
    x = Tensor(row_of(model, picture), requires_grad=True)
    names = {DRAWING: x}
    shared = MLP.__new__(MLP)
    shared.sizes, shared.activation = model.sizes, model.activation
    shared.layers = [Linear.around(layer.W.data, layer.b.data) for layer in model.layers]
    for number, layer in enumerate(shared.layers, start=1):
        names |= {f"W{number}": layer.W, f"b{number}": layer.b}
    loss = cross_entropy_loss(shared(x), np.intp(digit))
    loss.backward()
    return Graph(loss, names)


@allowing_overflow
def passes_of(result: Tensor, leaves: dict[str, Tensor]) -> Graph:
    """The graph of a result that was computed with these leaves. If it is no single number, that of its sum's gradient:
    each element of the result then has the gradient 1.
    """
    result.backward(np.ones(result.shape))
    return Graph(result, leaves)
