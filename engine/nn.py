"""Networks: a layer is a function with parameters, a network is layers in a row."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from engine import ops
from engine.functions import dropout
from engine.memory import side_by_side
from engine.ops import Array
from engine.tensor import Tensor, apply

MAX_HIDDEN_LAYERS = 16
MAX_PARAMETERS = 50_000_000
"""What can be configured, and what a model file may declare."""

RandomSource = np.random.Generator | np.random.RandomState


class Module:
    """Anything with parameters: Tensors that require a gradient, in attributes, in modules or in lists of modules.

    training: whether it is being trained; what differs then, as `Dropout`, looks at it. `train()` and `eval()` set it
    for all modules within. `evaluate` and `predict` ask a network in the mode for that, whatever mode it is in.
    """

    training = True

    def __call__(self, x: Any) -> Tensor:
        return self.forward(x if isinstance(x, Tensor) else Tensor(x))

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no forward(self, x)")

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Each parameter with its path, such as "layers.0.W"."""
        for name, value in vars(self).items():
            if isinstance(value, Tensor) and value.requires_grad:
                yield name, value
            children = enumerate(value) if isinstance(value, list) else [("", value)]
            for index, child in children:
                if isinstance(child, Module):
                    path = name if index == "" else f"{name}.{index}"
                    for child_name, parameter in child.named_parameters():
                        yield f"{path}.{child_name}", parameter

    def children(self) -> Iterator[tuple[str, "Module"]]:
        """The modules in its attributes, and in lists, tuples and dicts there, each with its path: "layers.0"."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value
            elif isinstance(value, (list, tuple, dict)):
                for key, child in value.items() if isinstance(value, dict) else enumerate(value):
                    if isinstance(child, Module):
                        yield f"{name}.{key}", child

    def modules(self) -> Iterator["Module"]:
        """Itself and all modules within."""
        yield self
        for _, child in self.children():
            yield from child.modules()

    def train(self, mode: bool = True) -> Self:
        """Make it, and all within, ready to be trained; mode False: to be used. Returns itself."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Make it, and all within, ready to be used. Returns itself."""
        return self.train(False)

    def __repr__(self) -> str:
        """The modules within, one a line: "layers.0: Linear(784, 256)"."""
        lines = [f"{name}: {child!r}".replace("\n", "\n  ") for name, child in self.children()]
        inside = "".join(f"\n  {line}" for line in lines)
        return f"{type(self).__name__}({inside}\n)" if lines else f"{type(self).__name__}()"

    def parameters(self) -> list[Tensor]:
        return [parameter for _, parameter in self.named_parameters()]

    def zero_grad(self) -> None:
        """Forget all gradients: each parameter's `grad` becomes None."""
        for parameter in self.parameters():
            parameter.grad = None


def _standard_deviation(init: str, in_dim: int, out_dim: int) -> float:
    if init == "normal":
        return 0.01
    if init == "he":
        return float(np.sqrt(2 / in_dim))
    if init == "xavier":
        return float(np.sqrt(2 / (in_dim + out_dim)))
    raise ValueError(f'init must be "normal", "he" or "xavier", not {init!r}')


class Linear(Module):
    """y = x W^T + b, for x of shape (..., in_dim); y has shape (..., out_dim).

    W has shape (out_dim, in_dim), b (out_dim,) and begins at zero. `init` draws W from a normal distribution:
    "normal": N(0, 0.01^2); "he": N(0, 2 / in_dim), for ReLU (He et al., 2015, arXiv:1502.01852);
    "xavier": N(0, 2 / (in_dim + out_dim)) (Glorot and Bengio, AISTATS 2010).
    """

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        *,
        rng: RandomSource | None = None,
        dtype: DTypeLike = np.float64,
        init: str = "normal",
    ) -> None:
        rng = np.random.default_rng() if rng is None else rng
        weights = rng.normal(0.0, _standard_deviation(init, in_dim, out_dim), (out_dim, in_dim))
        # W is kept in Fortran order: W^T is then contiguous, and x W^T is 1.5 times as fast.
        self._set_parameters(weights.astype(dtype, order="F"), np.zeros(out_dim, dtype))

    @classmethod
    def around(cls, W: Array, b: Array) -> "Linear":
        """A layer with this weight matrix (out_dim, in_dim), best in Fortran order, and this bias (out_dim,)."""
        layer = cls.__new__(cls)
        layer._set_parameters(W, b)
        return layer

    def _set_parameters(self, W: Array, b: Array) -> None:
        self.W = Tensor(W, requires_grad=True)
        self.b = Tensor(b, requires_grad=True)

    def forward(self, x: Tensor) -> Tensor:
        return apply(ops.linear, x, self.W, self.b)

    def __repr__(self) -> str:
        out_dim, in_dim = self.W.shape
        return f"Linear({in_dim}, {out_dim})"


class ReLU(Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.relu()


class LeakyReLU(Module):
    """x above 0, slope x elsewhere: no neuron is ever dead."""

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        return x.leaky_relu(self.slope)

    def __repr__(self) -> str:
        return f"LeakyReLU({self.slope})"


class Tanh(Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.tanh()


class Sigmoid(Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sigmoid()


class Dropout(Module):
    """In training `dropout`, with probability p; otherwise the input as it is. rng decides what is dropped."""

    def __init__(self, p: float = 0.5, *, rng: RandomSource | None = None) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"p is a probability, from 0 to 1, not {p}")
        self.p = p
        self._rng = np.random.default_rng() if rng is None else rng

    def forward(self, x: Tensor) -> Tensor:
        return dropout(x, self.p, self._rng) if self.training else x

    def __repr__(self) -> str:
        return f"Dropout({self.p})"


ACTIVATIONS: dict[str, type[Module]] = {"relu": ReLU, "tanh": Tanh, "sigmoid": Sigmoid}


class MLP(Module):
    """A multilayer perceptron: Linear layers with an activation between each two; (..., in_dim) -> (..., out_dim)."""

    def __init__(
        self,
        in_dim: int,
        hidden: Sequence[int],
        out_dim: int,
        activation: type[Module] = ReLU,
        *,
        rng: RandomSource | None = None,
        dtype: DTypeLike = np.float64,
        init: str = "normal",
    ) -> None:
        rng = np.random.default_rng() if rng is None else rng
        self.sizes = (in_dim, *hidden, out_dim)
        self.activation = activation()
        layers = [Linear(fan_in, fan_out, rng=rng, dtype=dtype, init=init) for fan_in, fan_out in pairwise(self.sizes)]
        self.layers = _side_by_side([(layer.W.data, layer.b.data) for layer in layers])

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.layers[0].W.dtype

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return self.layers[-1](x)

    @classmethod
    def from_parameters(cls, parameters: Sequence[tuple[Array, Array]], activation: type[Module] = ReLU) -> "MLP":
        """A network around copies of given (W, b) pairs, first layer first."""
        model = cls.__new__(cls)
        model.sizes = (parameters[0][0].shape[1], *(len(b) for _, b in parameters))
        model.activation = activation()
        model.layers = _side_by_side(parameters)
        return model

    def copy(self) -> "MLP":
        """The same network with parameters of its own."""
        return MLP.from_parameters([(layer.W.data, layer.b.data) for layer in self.layers], type(self.activation))


def _side_by_side(parameters: Sequence[tuple[Array, Array]]) -> list[Linear]:
    """Layers with copies of given (W, b) pairs, all in one row of memory: `engine.fused` goes through them at once."""
    arrays = side_by_side([array for pair in parameters for array in pair], order="F")
    return [Linear.around(W, b) for W, b in zip(arrays[::2], arrays[1::2], strict=True)]


def count_parameters(sizes: Sequence[int]) -> int:
    """Weights and biases of an MLP with these layer sizes, input and output included."""
    return sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(sizes))
