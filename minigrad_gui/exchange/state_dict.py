"""Networks as PyTorch names their arrays in a `torch.nn.Sequential`: 0.weight, 0.bias, 2.weight, ... (1 is a ReLU)."""

from typing import Any

from numpy.typing import NDArray

from minigrad_gui.exchange.portable import Portable

Arrays = dict[str, NDArray[Any]]


def arrays_of(network: Portable) -> Arrays:
    """Each layer's weight (out, in) and bias (out,)."""
    return {
        f"{2 * index}.{name}": array
        for index, layer in enumerate(network.layers)
        for name, array in zip(("weight", "bias"), layer, strict=True)
    }
