"""Networks of other programs, in files that need no package to write."""

from collections.abc import Mapping, Sequence

import numpy as np
from exported import digits
from mnist_digits import mnist
from numpy.typing import NDArray
from torch_bytes import pt_bytes, tensor, text


def state_dict(layers: Sequence[Mapping[str, NDArray[np.float32]]], build: bytes = b"") -> bytes:
    """A file as torch.save writes a state dict: `build` may set its attributes."""
    arrays = {f"{2 * at}.{kind}": array for at, layer in enumerate(layers) for kind, array in layer.items()}
    code = b"".join(text(name) + tensor(str(at), array) for at, (name, array) in enumerate(arrays.items()))
    return pt_bytes(b"}(" + code + b"u" + build, list(arrays.values()))


def nearest_mean(*, transposed: bool = False) -> bytes:
    """A state dict of one layer that reads eight of ten digits: as the one whose mean picture is nearest."""
    x, y = digits(2000), mnist().test_labels[:2000]
    means = np.stack([x[y == digit].mean(axis=0) for digit in range(10)])
    bias = -(means**2).sum(axis=1) / 2
    if transposed:
        means = means.reshape(10, 28, 28).swapaxes(1, 2).reshape(10, 784).copy()
    return state_dict([{"weight": means, "bias": bias}])
