"""An MLP as it is trained, with dropout, normalization and receptive fields.

It shares its parameters with the network that it makes of them.
"""

import numpy as np

from engine import ops
from engine.hashing import HASH_STEP, mixed
from engine.nn import MLP, Module
from engine.normalization import normalized
from engine.ops import Array
from engine.tensor import Tensor, apply

LAYER_STEP = 1 << 32
"""How many positions of hashes each layer of each mini-batch has."""
MAX_LAYERS = 1 << 5
"""How many layers have positions of their own."""


class MLPInTraining(Module):
    """An MLP of which each mini-batch drops other outputs of the hidden layers, each with probability `dropout`.

    No neuron can then rely on a particular other one (Srivastava et al., JMLR 15 (2014), 1929-1958). Which are dropped
    follows from the seed and the number of the mini-batch, so that a resumed run drops the same. Each call is a
    mini-batch; mini_batches_done: the number of those before the next call. normalizes: whether the hidden layers are
    normalized over each mini-batch: see `engine.normalization`. seen: which inputs each neuron of the first hidden
    layer sees, bool (neurons, in_dim), or None for all; the weights of the others do not learn: see
    `engine.receptive_fields`.
    """

    def __init__(
        self,
        network: MLP,
        dropout: float,
        seed: int,
        mini_batches_done: int = 0,
        *,
        normalizes: bool = False,
        seen: Array | None = None,
    ) -> None:
        self.network, self.dropout, self.mini_batches_done = network, dropout, mini_batches_done
        self.normalizes, self.seen = normalizes, seen if len(network.layers) > 1 else None
        self.key = int(np.random.SeedSequence([seed, 8]).generate_state(1, np.uint64)[0])

    @property
    def threshold(self) -> int:
        """An output is dropped if 16 random bits are a number below this."""
        return round(self.dropout * 65536)

    @property
    def scale(self) -> float:
        """What the other outputs are multiplied by, which preserves the mean."""
        return 65536 / (65536 - self.threshold or 1)

    def forward(self, x: Tensor) -> Tensor:
        *hidden, last = self.network.layers
        for number, layer in enumerate(hidden):
            W = layer.W if number or self.seen is None else layer.W * self.seen.astype(layer.W.dtype)
            z = normalized(x, W, layer.b) if self.normalizes else apply(ops.linear, x, W, layer.b)
            x = self.network.activation(z)
            if self.threshold:
                factors = self._is_retained(number, x.shape) * x.dtype.type(self.scale)
                x = apply(ops.dropout, x, scale=factors.astype(x.dtype))
        self.mini_batches_done += 1
        return last(x)

    def _is_retained(self, layer: int, shape: tuple[int, ...]) -> Array:
        """Which outputs of a hidden layer are not dropped: bool, of this shape. Four outputs share a hash."""
        hashes = -(-shape[-1] // 4)
        first = self.mini_batches_done * MAX_LAYERS + layer
        rows = int(np.prod(shape[:-1]))
        positions = np.arange(1, rows * hashes + 1, dtype=np.uint64) + np.uint64(first * LAYER_STEP % (1 << 64))
        parts = mixed(np.uint64(self.key) + positions * HASH_STEP).view(np.uint16).reshape(rows, 4 * hashes)
        return np.asarray(parts[:, : shape[-1]] >= self.threshold).reshape(shape)
