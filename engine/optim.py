"""Optimizers, simplest first: each turns the gradients of the parameters into a small step downhill.

All work in place: a parameter's array stays the same array. A parameter whose `grad` is None is skipped.
"""

from collections.abc import Callable, Iterable, Mapping
from math import inf, sqrt
from typing import Any

import numpy as np

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
        self.memory: dict[str, list[Array]] = {}
        """What `step` remembers from one call to the next: by name, an array for each parameter."""
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
        self.step_by(self._update)

    def step_by(self, update: Callable[[int, Array, Array], None]) -> None:
        """`step`, computed by `update(index, data, gradient)` instead of this optimizer's own formula."""
        gradients = [self._gradient(index, param) for index, param in enumerate(self.params)]
        for index, (param, grad) in enumerate(zip(self.params, gradients, strict=True)):
            if grad is not None:
                data = param.data
                if self.weight_decay:
                    data *= 1 - self.lr * self.weight_decay
                update(index, data, grad)
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
        for values in self.memory.values():
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
        """A copy gets a memory of its own."""
        vars(self).update(state)
        self.params = _each_once(self.params)
        self.memory = {name: [value.copy("K") for value in values] for name, values in self.memory.items()}

    def state(self) -> dict[str, Array]:
        """All that the next step depends on besides parameters, gradients and settings, as named copies."""
        return {
            f"{name}.{index}": np.array(value)
            for name, values in self.memory.items()
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
        for name, values in self.memory.items():
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
        self.memory["velocity"] = [np.zeros_like(param.data) for param in self.params]

    def _update(self, index: int, data: Array, grad: Array) -> None:
        velocity = self.memory["velocity"][index]
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
            self.memory[name] = [np.zeros_like(param.data) for param in self.params]
        self.memory["steps"] = [np.zeros((), np.int64) for _ in self.params]

    def _update(self, index: int, data: Array, grad: Array) -> None:
        mean, square, steps = (self.memory[name][index] for name in ("mean", "square", "steps"))
        grad = grad.astype(data.dtype, copy=False)  # the squares of small integers or of float16 would overflow
        beta1, beta2 = self.betas
        steps += 1
        mean *= beta1
        mean += (1 - beta1) * grad
        square *= beta2
        square += (1 - beta2) * (grad * grad)
        # Both bias corrections as scalars: they cost no pass over the arrays.
        root = sqrt(1 - beta2 ** steps.item())
        data -= mean / (np.sqrt(square) + self.eps * root) * (self.lr * root / (1 - beta1 ** steps.item()))


OPTIMIZERS: dict[str, type[SGD] | type[SGDMomentum] | type[Adam]] = {
    "sgd": SGD,
    "momentum": SGDMomentum,
    "adam": Adam,
}
