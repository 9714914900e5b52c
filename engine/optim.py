"""Optimizers, simplest first: each turns the gradients of the parameters into a small step downhill.

All work in place, on the parameters' own arrays. A parameter whose `grad` is None is skipped.
"""

from collections.abc import Callable, Iterable, Mapping
from math import hypot, inf, sqrt
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
    "l1": (_is_finite, "a finite number from 0 on"),
    "l2": (_is_finite, "a finite number from 0 on"),
    "clip_norm": (_is_finite, "a finite number from 0 on"),
}
"""Valid settings, checked on every assignment. Other values would turn the parameters into NaN or never change them."""


class Optimizer:
    """The base class: the parameters, the learning rate `lr` (may change at any time) and decoupled weight decay.

    Decoupled: each step first multiplies the parameters by 1 - lr * weight_decay, regardless of their gradients
    (Loshchilov and Hutter, 2019, arXiv:1711.05101). A parameter that is given twice (tied weights) is updated once.
    Three attributes, 0 (off) at first, change the gradients that a step uses, not the parameters' own `grad`: l1 and l2
    add the gradients of the penalties l1 sum |W| and l2/2 sum W^2, for weight matrices but not for biases (Goodfellow,
    Bengio and Courville, Deep Learning, 2016, section 7.1); then clip_norm scales all gradients down if their common
    norm is larger than that (Pascanu, Mikolov and Bengio, ICML 2013, arXiv:1211.5063).
    From now on the parameters cannot change shape. A copy or pickle computes the same numbers as the original; it
    refers to the parameters that were copied with it and has its own memory.

    Raises ValueError for settings outside their range (see SETTINGS), on every assignment, and for a parameter that is
    a result of other Tensors; TypeError for anything that is not a Tensor.
    """

    def __init__(self, params: Iterable[Tensor], lr: float, weight_decay: float = 0.0) -> None:
        self.params = _each_once(params)
        self.memory: dict[str, list[Array]] = {}
        """State between calls of `step`: by name, an array for each parameter."""
        self.lr = lr
        self.weight_decay = weight_decay
        self.l1 = self.l2 = self.clip_norm = 0.0

    @property
    def changes_gradients(self) -> bool:
        """Whether a step uses other gradients than the parameters' own."""
        return bool(self.l1 or self.l2 or self.clip_norm)

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
        """Update every parameter that has a gradient.

        Raises ValueError, and changes nothing, if a gradient does not have its parameter's shape or is not real, if a
        parameter's array is read-only, or if a parameter has a different shape than when the optimizer was created.
        """
        self.step_by(self._update)

    def step_by(self, update: Callable[[int, Array, Array], None]) -> None:
        """Like `step`, but with `update(index, data, gradient)` instead of this optimizer's own formula."""
        gradients = [self._gradient(index, param) for index, param in enumerate(self.params)]
        if self.changes_gradients:
            gradients = self._changed(gradients)
        for index, (param, grad) in enumerate(zip(self.params, gradients, strict=True)):
            if grad is not None:
                data = param.data
                if self.weight_decay:
                    data *= 1 - self.lr * self.weight_decay
                update(index, data, grad)
                param.adopt(data)  # the same array, but the Tensor must know that it has changed

    def _gradient(self, index: int, param: Tensor) -> Array | None:
        """The parameter's gradient, after checking that the parameter can be updated with it."""
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
                    f"parameter {index}, of shape {shape}, does not fit this optimizer's memory: create a new optimizer"
                )
        if not data.flags.writeable:
            raise ValueError(f"parameter {index} cannot be changed: its array is read-only")
        return grad

    def _changed(self, gradients: list[Array | None]) -> list[Array | None]:
        """The gradients with those of the penalties, and clipped: new arrays wherever there is a difference."""
        if self.l1 or self.l2:
            gradients = [
                grad if grad is None or grad.ndim < 2 else grad + self._penalty_gradient(param.data)
                for param, grad in zip(self.params, gradients, strict=True)
            ]
        if self.clip_norm:
            wide = (grad.astype(np.float64, copy=False) for grad in gradients if grad is not None)  # squares are large
            norm = hypot(*(float(np.linalg.norm(grad)) for grad in wide))
            if not norm <= self.clip_norm:
                gradients = [grad if grad is None else grad * (self.clip_norm / norm) for grad in gradients]
        return gradients

    def _penalty_gradient(self, W: Array) -> Array:
        return self.l2 * W + self.l1 * np.sign(W)

    def _update(self, index: int, data: Array, grad: Array) -> None:
        raise NotImplementedError

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Give a copy its own memory."""
        vars(self).update(state)
        self.params = _each_once(self.params)
        self.memory = {name: [value.copy("K") for value in values] for name, values in self.memory.items()}

    def state(self) -> dict[str, Array]:
        """Named copies of everything that the next step depends on except parameters, gradients and settings."""
        return {
            f"{name}.{index}": np.array(value)
            for name, values in self.memory.items()
            for index, value in enumerate(values)
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore what `state()` returned. Raises ValueError, and changes nothing, if it is for other parameters."""
        current = self.state()
        if state.keys() != current.keys():
            raise ValueError(f"the names in this state do not match {type(self).__name__} with these parameters")
        for name, value in current.items():
            given = np.asarray(state[name])
            if given.shape != value.shape or given.dtype.kind not in "fiu":
                raise ValueError(f"{name} must be numbers of shape {value.shape}")
        for name, values in self.memory.items():
            for index, value in enumerate(values):
                value[...] = state[f"{name}.{index}"]


def _each_once(params: Iterable[Tensor]) -> list[Tensor]:
    """The parameters as a list without duplicates; their shapes become fixed."""
    if isinstance(params, Tensor):
        raise TypeError("an optimizer takes a list of Tensors, not a Tensor")
    tensors = list(params)
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"an optimizer takes Tensors, not {type(tensor).__name__}")
        if tensor.op:
            raise ValueError(f"the result of {tensor.op}() is not a parameter: it is recomputed each time")
        tensor.fix_shape()
    return list(dict.fromkeys(tensors))


def avoid_subnormals(values: Array) -> None:
    """Round values (...), in place, to multiples of 1000 times the smallest normal number, where they can be told.

    Without it, means that get nothing but zeros for long, as those of dead neurons do, become subnormal numbers, for
    which Intel's processors take 20 times as long. So small a mean moves no parameter. In float16 it would.
    """
    if values.itemsize > 2:
        limits = np.finfo(values.dtype)
        large = 1024 * limits.tiny / limits.eps  # so large that only such multiples can be added to it
        values += large
        values -= large


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
        avoid_subnormals(velocity)
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
        # Both bias corrections are scalars, which saves passes over the arrays.
        root = sqrt(1 - beta2 ** steps.item())
        data -= mean / (np.sqrt(square) + self.eps * root) * (self.lr * root / (1 - beta1 ** steps.item()))
        avoid_subnormals(mean)
        avoid_subnormals(square)


OPTIMIZERS: dict[str, type[SGD] | type[SGDMomentum] | type[Adam]] = {
    "sgd": SGD,
    "momentum": SGDMomentum,
    "adam": Adam,
}
