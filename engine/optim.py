"""Optimizers, simplest first: each turns the gradients of the parameters into a small step downhill.

All work in place: a parameter's array stays the same array. A parameter whose `grad` is None is skipped.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from math import inf, sqrt
from typing import Any

import numpy as np

from engine import compiled
from engine.memory import alike, pack, packed_view
from engine.ops import Array
from engine.tensor import Tensor


def _is_finite(value: Any) -> bool:
    return bool(0 <= value < inf)


def _is_share(value: Any) -> bool:
    return bool(0 <= value < 1)


SETTINGS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "lr": (_is_finite, "a finite number from 0 on"),
    "weight_decay": (_is_finite, "a finite number from 0 on"),
    "momentum": (_is_share, "a number from 0 to below 1"),
    "betas": (lambda betas: len(betas) == 2 and all(map(_is_share, betas)), "two numbers from 0 to below 1"),
    "eps": (_is_finite, "a finite number from 0 on"),
}
"""What an optimizer may be set to, when it is made and later. Other values make every parameter NaN, or none move."""


class Optimizer:
    """What all optimizers share: the parameters, the learning rate `lr` (free to change), decoupled weight decay.

    Decoupled: each step first shrinks the parameters by the factor 1 - lr * weight_decay, whatever their gradient
    is (Loshchilov and Hutter, 2019, arXiv:1711.05101). A parameter that is given twice (tied weights) is stepped once.
    The parameters' shapes are fixed from now on. A copy or pickle goes on to the same numbers as the optimizer itself,
    with the parameters that were copied along, and a memory of its own.

    Raises ValueError for settings outside their range (see SETTINGS), whenever they are assigned, and for a parameter
    that is a result of other Tensors, TypeError for what are not Tensors.
    """

    def __init__(self, params: Iterable[Tensor], lr: float, weight_decay: float = 0.0) -> None:
        self.params = _each_once(params)
        self._memory: dict[str, list[Array]] = {}
        """The arrays that `step` keeps from one call to the next, by name, one a parameter."""
        self.lr = lr
        self.weight_decay = weight_decay

    def __setattr__(self, name: str, value: Any) -> None:
        if name in SETTINGS:
            is_allowed, allowed = SETTINGS[name]
            try:
                holds = is_allowed(value)
            except (TypeError, ValueError):
                holds = False
            if not holds:
                raise ValueError(f"{name} must be {allowed}, not {value!r}")
        super().__setattr__(name, value)

    def zero_grad(self) -> None:
        for param in self.params:
            param.grad = None

    def step(self) -> None:
        """Move every parameter that has a gradient.

        Raises ValueError, and moves nothing, if a gradient does not have its parameter's shape or is not real, or if
        this optimizer cannot work on a parameter, as its array was made read-only or it is not the one it was made for.
        """
        gradients = [self._gradient(index, param) for index, param in enumerate(self.params)]
        for index, (param, grad) in enumerate(zip(self.params, gradients, strict=True)):
            if grad is not None:
                data = param.data
                if self.weight_decay:
                    data *= 1 - self.lr * self.weight_decay
                self._update(index, data, grad)
                param.adopt(data)  # the same array, but its Tensor shall know that it has changed

    def _gradient(self, index: int, param: Tensor) -> Array | None:
        """The parameter's gradient, once it is known that a step can be made with it."""
        grad, data = param.grad, param.data
        if grad is None:
            return None
        shape = data.shape
        if grad.shape != shape or grad.dtype.kind not in "fiub":
            raise ValueError(
                f"parameter {index} has shape {shape}; a gradient of shape {grad.shape} and dtype {grad.dtype} "
                "does not fit it"
            )
        for values in self._memory.values():
            if index >= len(values) or values[index].shape not in (shape, ()):
                raise ValueError(
                    f"parameter {index}, of shape {shape}, is not what this optimizer was made for: make a new one"
                )
        if not data.flags.writeable:
            raise ValueError(f"parameter {index} cannot be changed, as its array is read-only")
        return grad

    def _update(self, index: int, data: Array, grad: Array) -> None:
        raise NotImplementedError

    def __setstate__(self, state: dict[str, Any]) -> None:
        """What is copied or unpickled gets arrays of its own, which lie in memory as those of a new optimizer do."""
        vars(self).update(state)
        self.params = _each_once(self.params)
        self._memory = {name: pack(values) for name, values in self._memory.items()}

    def state(self) -> dict[str, Array]:
        """All that the next step depends on besides parameters, gradients and settings, as named copies."""
        return {
            f"{name}.{index}": np.array(value)
            for name, values in self._memory.items()
            for index, value in enumerate(values)
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state()` gave. Raises ValueError if it belongs to other parameters; nothing changes then."""
        current = self.state()
        if state.keys() != current.keys():
            raise ValueError(f"this state has other names than {type(self).__name__} with these parameters")
        for name, value in current.items():
            given = np.asarray(state[name])
            if given.shape != value.shape or given.dtype.kind not in "fiu":
                raise ValueError(f"{name} must hold numbers in the shape {value.shape}")
        for name, values in self._memory.items():
            for index, value in enumerate(values):
                value[...] = state[f"{name}.{index}"]


def _each_once(params: Iterable[Tensor]) -> list[Tensor]:
    """The parameters as a list; their shapes are fixed."""
    if isinstance(params, Tensor):
        raise TypeError("an optimizer takes a list of Tensors, not a Tensor")
    tensors = list(params)
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"an optimizer takes Tensors, not {type(tensor).__name__}")
        if tensor.op:
            raise ValueError(f"the result of {tensor.op}() is no parameter: it would be computed anew each time")
        tensor.fix_shape()
    return list(dict.fromkeys(tensors))


class SGD(Optimizer):
    """Stochastic gradient descent: p <- p - lr g."""

    def __init__(self, params: Iterable[Tensor], lr: float = 1e-3, *, weight_decay: float = 0.0) -> None:
        super().__init__(params, lr, weight_decay)

    def _update(self, index: int, data: Array, grad: Array) -> None:  # noqa: ARG002
        data -= self.lr * grad.astype(data.dtype, copy=False)


class SGDMomentum(Optimizer):
    """SGD with a velocity: v <- momentum v + g, p <- p - lr v (Polyak, 1964; Sutskever et al., ICML 2013)."""

    def __init__(
        self, params: Iterable[Tensor], lr: float = 1e-2, momentum: float = 0.9, *, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, lr, weight_decay)
        self.momentum = momentum
        self._memory["velocity"] = [np.zeros_like(param.data) for param in self.params]

    def _update(self, index: int, data: Array, grad: Array) -> None:
        velocity = self._memory["velocity"][index]
        velocity *= self.momentum
        velocity += grad
        data -= self.lr * velocity


class Adam(Optimizer):
    """Steps scaled by running means of the gradient and of its square (Kingma and Ba, 2015, arXiv:1412.6980).

    m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2;  after t steps,
    p <- p - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps). With weight decay this is AdamW.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        *,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr, weight_decay)
        self.betas = betas
        self.eps = eps
        for name in ("mean", "square"):
            self._memory[name] = pack([np.zeros_like(param.data) for param in self.params])
        self._memory["steps"] = [np.zeros((), np.int64) for _ in self.params]
        self._kept_constants: tuple[Any, Array] = (), np.empty(0)
        self._scratch: dict[int, Array] = {}

    def _constants(self, steps: int) -> tuple[float, ...]:
        """Of the step with this number: beta1, 1 - beta1, beta2, 1 - beta2, epsilon and the step's size.

        Both bias corrections are in the last two, as scalars, so that they cost no pass over the arrays.
        """
        beta1, beta2 = self.betas
        root = sqrt(1 - beta2**steps)
        return beta1, 1 - beta1, beta2, 1 - beta2, self.eps * root, self.lr * root / (1 - beta1**steps)

    def begin_step(self) -> tuple[float, ...]:
        """For whoever carries out a step of all parameters elsewhere: its constants and the factor of weight decay."""
        number = self._memory["steps"][0].item() + 1
        for steps in self._memory["steps"]:
            steps.fill(number)
        return *self._constants(number), 1 - self.lr * self.weight_decay

    def memory_rows(self) -> tuple[Array, Array] | None:
        """The means and the squares of all parameters, each in a row; None if they do not lie so or differ in age."""
        mean, square = packed_view(self._memory["mean"]), packed_view(self._memory["square"])
        if mean is None or square is None or len({steps.item() for steps in self._memory["steps"]}) != 1:
            return None
        return mean, square

    def _update(self, index: int, data: Array, grad: Array) -> None:
        mean, square, steps = (self._memory[name][index] for name in ("mean", "square", "steps"))
        steps += 1
        constants = self._constants(steps.item())
        if (loop := _machine_adam(data.dtype.char)) and (rows := alike(data, grad, mean, square)):
            loop(*rows, self._row_of(constants, data.dtype))
            return

        grad = grad.astype(data.dtype, copy=False)  # the squares of small integers or of float16 would overflow
        scratch = self._scratch_like(index, mean)
        beta1, one_minus_beta1, beta2, one_minus_beta2, eps, step_size = constants
        mean *= beta1
        np.multiply(grad, one_minus_beta1, out=scratch)
        mean += scratch

        square *= beta2
        np.multiply(grad, grad, out=scratch)
        scratch *= one_minus_beta2
        square += scratch

        np.sqrt(square, out=scratch)
        scratch += eps
        np.divide(mean, scratch, out=scratch)
        scratch *= step_size
        data -= scratch

    def _scratch_like(self, index: int, array: Array) -> Array:
        """Memory for what is computed on the way, the same each time: new memory takes longer to get."""
        if index not in self._scratch or self._scratch[index].shape != array.shape:
            self._scratch[index] = np.empty_like(array)
        return self._scratch[index]

    def _row_of(self, constants: tuple[float, ...], dtype: np.dtype[Any]) -> Array:
        """The constants in the parameter's dtype: loose floats would be computed with in float64."""
        key = (constants, dtype)
        if self._kept_constants[0] != key:
            self._kept_constants = key, np.array(constants, dtype)
        return self._kept_constants[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_scratch": {}}


@cache
def _machine_adam(dtype: str) -> compiled.Loop | None:
    if dtype not in "fd":
        return None
    return compiled.machine_code(compiled.adam, *np.ones((4, 1), dtype), np.ones(6, dtype))


OPTIMIZERS: dict[str, type[SGD] | type[SGDMomentum] | type[Adam]] = {
    "sgd": SGD,
    "momentum": SGDMomentum,
    "adam": Adam,
}
