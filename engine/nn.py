"""Networks: a layer is a function with parameters, a network is a sequence of layers."""

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from itertools import pairwise
from reprlib import recursive_repr
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from engine import ops
from engine.functions import dropout
from engine.ops import Array
from engine.tensor import Tensor, apply, as_tensor

MAX_HIDDEN_LAYERS = 20
MAX_PARAMETERS = 50_000_000
"""Limits for configs and for model files."""

RandomSource: TypeAlias = "np.random.Generator | np.random.RandomState"
"""A string: NumPy imports `np.random` when it is first needed."""


class Module:
    """The base class of layers and networks.

    Its parameters are leaf Tensors that require a gradient. They are found in attributes, in modules among these, and
    in lists, tuples and dicts, at any depth.

    training: whether the module is in training mode, which matters to `Dropout`, for example. `train()` and `eval()`
    set it for all submodules. `evaluate` and `predict` always use evaluation mode and restore the mode afterwards.
    """

    training = True

    def __call__(self, x: Any) -> Tensor:
        return self.forward(as_tensor(x))

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no forward(self, x)")

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Each parameter with its path, such as "layers.0.W"; a shared one appears once, under its first path.

        Raises TypeError for parameters in a set: it has no order to name them by.
        """
        for path, value in _within(self):
            if isinstance(value, Tensor) and value.requires_grad and not value.op:
                yield path, value
            if isinstance(value, (set, frozenset)) and any(isinstance(part, (Tensor, Module)) for part in value):
                raise TypeError(f"parameters in a set have no order: make {path} a list")

    def tensors(self) -> list[Tensor]:
        """The parameters, with those that are frozen, and any other Tensor."""
        return [value for _, value in _within(self) if isinstance(value, Tensor)]

    def children(self) -> Iterator[tuple[str, "Module"]]:
        """Direct submodules, in attributes and in lists, tuples and dicts there, each with its path: "layers.0"."""
        return ((path, value) for path, value in _within(self, into_modules=False) if isinstance(value, Module))

    def modules(self) -> Iterator["Module"]:
        """This module and all its submodules, each once."""
        yield self
        yield from (value for _, value in _within(self) if isinstance(value, Module))

    def train(self, mode: bool = True) -> Self:
        """Set training mode, or evaluation mode for mode False, for all submodules too. Returns self."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set evaluation mode, for all submodules too. Returns self."""
        return self.train(False)

    @recursive_repr()
    def __repr__(self) -> str:
        """The submodules, one per line: "layers.0: Linear(784, 256)"."""
        lines = [f"{name}: {child!r}".replace("\n", "\n  ") for name, child in self.children()]
        inside = "".join(f"\n  {line}" for line in lines)
        return f"{type(self).__name__}({inside}\n)" if lines else f"{type(self).__name__}()"

    def parameters(self) -> list[Tensor]:
        return [parameter for _, parameter in self.named_parameters()]

    def zero_grad(self) -> None:
        """Set the `grad` of each parameter to None."""
        for parameter in self.parameters():
            parameter.grad = None


_SEARCHED = (Tensor, Module, dict, list, tuple, set, frozenset)


def _within(module: Module, *, into_modules: bool = True) -> Iterator[tuple[str, Any]]:
    """Everything that can be or contain parameters and modules, each once, with its path, in attribute order."""
    seen, stack = {id(module)}, [(name, part) for name, part in reversed(_parts(module))]
    while stack:
        path, value = stack.pop()
        if id(value) not in seen:
            seen.add(id(value))
            yield path, value
            if into_modules or not isinstance(value, Module):
                stack += [(f"{path}.{name}", part) for name, part in reversed(_parts(value))]


def _parts(value: Any) -> list[tuple[Any, Any]]:
    """The parts of a module, list, tuple or dict that are worth searching, with their names."""
    named: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Module):
        named = vars(value).items()
    elif isinstance(value, dict):
        named = value.items()
    elif isinstance(value, (list, tuple)):
        named = enumerate(value)
    return [(name, part) for name, part in named if isinstance(part, _SEARCHED)]


def standard_deviation(init: str, in_dim: int, out_dim: int) -> float:
    if init == "normal":
        return 0.01
    if init == "he":
        return float(np.sqrt(2 / in_dim))
    if init == "xavier":
        return float(np.sqrt(2 / (in_dim + out_dim)))
    raise ValueError(f'init must be "normal", "he" or "xavier", not {init!r}')


class Linear(Module):
    """y = x W^T + b, for x of shape (..., in_dim); y has shape (..., out_dim).

    W has shape (out_dim, in_dim); b has shape (out_dim,) and starts at zero. W is drawn from a normal distribution:
    "normal": N(0, 0.01^2); "he": N(0, 2 / in_dim), for ReLU (He et al., 2015, arXiv:1502.01852);
    "xavier": N(0, 2 / (in_dim + out_dim)) (Glorot and Bengio, AISTATS 2010).
    """

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        *,
        rng: "RandomSource | None" = None,
        dtype: DTypeLike = np.float64,
        init: str = "normal",
    ) -> None:
        rng = np.random.default_rng() if rng is None else rng
        weights = rng.normal(0.0, standard_deviation(init, in_dim, out_dim), (out_dim, in_dim))
        # W^T is contiguous in Fortran order, which makes x W^T 1.5 times as fast.
        self._set_parameters(weights.astype(dtype, order="F"), np.zeros(out_dim, dtype))

    @classmethod
    def around(cls, W: Array, b: Array) -> "Linear":
        """A layer that uses these arrays without copying: W (out_dim, in_dim), best in Fortran order, b (out_dim,)."""
        layer = cls.__new__(cls)
        layer._set_parameters(W, b)
        return layer

    def _set_parameters(self, W: Array, b: Array) -> None:
        self.W = Tensor.around(W, requires_grad=True)
        self.b = Tensor.around(b, requires_grad=True)

    def forward(self, x: Tensor) -> Tensor:
        return apply(ops.linear, x, self.W, self.b)

    def __repr__(self) -> str:
        out_dim, in_dim = self.W.shape
        return f"Linear({in_dim}, {out_dim})"


class ReLU(Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.relu()


class LeakyReLU(Module):
    """x above 0, slope * x elsewhere, so that no neuron ever stops learning."""

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
    """`dropout` with probability p in training mode; otherwise the identity. rng chooses the dropped elements."""

    def __init__(self, p: float = 0.5, *, rng: "RandomSource | None" = None) -> None:
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
    """A multilayer perceptron: Linear layers with an activation between them; (..., in_dim) -> (..., out_dim)."""

    def __init__(
        self,
        in_dim: int,
        hidden: Sequence[int],
        out_dim: int,
        activation: type[Module] = ReLU,
        *,
        rng: "RandomSource | None" = None,
        dtype: DTypeLike = np.float64,
        init: str = "normal",
    ) -> None:
        rng = np.random.default_rng() if rng is None else rng
        self.sizes = (in_dim, *hidden, out_dim)
        self.activation = activation()
        self.layers = [
            Linear(fan_in, fan_out, rng=rng, dtype=dtype, init=init) for fan_in, fan_out in pairwise(self.sizes)
        ]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.layers[0].W.dtype

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return self.layers[-1](x)

    @classmethod
    def from_parameters(cls, parameters: Sequence[tuple[Array, Array]], activation: type[Module] = ReLU) -> "MLP":
        """A network with copies of these (W, b) pairs, first layer first."""
        model = cls.__new__(cls)
        model.sizes = (parameters[0][0].shape[1], *(len(b) for _, b in parameters))
        model.activation = activation()
        model.layers = [Linear.around(np.array(W, order="F"), np.array(b)) for W, b in parameters]
        return model

    def copy(self) -> "MLP":
        """A copy with its own parameters, without gradients."""
        return deepcopy(self, {id(parameter.grad): None for parameter in self.parameters()})


def committee(networks: Sequence[MLP]) -> MLP:
    """One network whose logits are the mean of theirs: their neurons side by side, with no weights between them.

    They have the same inputs, outputs, activation and number of layers. Hansen and Salamon, Neural Network Ensembles
    (1990).
    """
    parameters = []
    for layers in zip(*(network.layers for network in networks), strict=True):
        weights, biases = [layer.W.data for layer in layers], [layer.b.data for layer in layers]
        is_first, is_last = layers[0] is networks[0].layers[0], layers[0] is networks[0].layers[-1]
        if is_first and is_last:
            W = np.mean(weights, axis=0)
        elif is_first:
            W = np.concatenate(weights)
        elif is_last:
            W = np.concatenate(weights, axis=1) / len(networks)
        else:
            W = _block_diagonal(weights)
        parameters.append((W, np.mean(biases, axis=0) if is_last else np.concatenate(biases)))
    return MLP.from_parameters(parameters, type(networks[0].activation))


def _block_diagonal(matrices: Sequence[Array]) -> Array:
    rows, columns = (sum(matrix.shape[axis] for matrix in matrices) for axis in (0, 1))
    out, row, column = np.zeros((rows, columns), matrices[0].dtype), 0, 0
    for matrix in matrices:
        out[row : row + len(matrix), column : column + matrix.shape[1]] = matrix
        row, column = row + len(matrix), column + matrix.shape[1]
    return out


def is_finite(model: Module) -> bool:
    """Whether all parameters are finite; those of a network whose training has exploded may be infinite or NaN."""
    return all(bool(np.isfinite(parameter.data).all()) for parameter in model.tensors())


def count_parameters(sizes: Sequence[int]) -> int:
    """Weights and biases of an MLP with these layer sizes, input and output included."""
    return sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(sizes))
