"""The optimizers' formulas for compiled loops. They give the same numbers as `Optimizer.step`, bit for bit.

Only what is remembered may differ where it is below 1e-20: see `engine.optim.avoid_subnormals`.
"""

from functools import cache, partial
from math import sqrt

import numpy as np

from engine.fast import compiled
from engine.fast.compiler import machine_code
from engine.fast.memory import alike
from engine.ops import Array
from engine.optim import SGD, Adam, Optimizer, SGDMomentum, avoid_subnormals

FORMULAS: dict[type[Optimizer], tuple[int, tuple[str, ...]]] = {
    SGD: (compiled.SGD, ()),
    SGDMomentum: (compiled.MOMENTUM, ("velocity",)),
    Adam: (compiled.ADAM, ("mean", "square")),
}
"""The code of each compiled formula, and the names of its optimizer's state for each parameter."""


def step_constants(optimizer: Optimizer, steps: int) -> tuple[float, ...]:
    """The constants (7,) of the compiled formula for this step, counted from 1; the last is the weight decay factor."""
    decay = 1 - optimizer.lr * optimizer.weight_decay
    if isinstance(optimizer, Adam):
        beta1, beta2 = optimizer.betas
        root = sqrt(1 - beta2**steps)
        step_size = optimizer.lr * root / (1 - beta1**steps)
        return beta1, 1 - beta1, beta2, 1 - beta2, optimizer.eps * root, step_size, decay
    momentum = optimizer.momentum if isinstance(optimizer, SGDMomentum) else 0.0
    return momentum, 0.0, 0.0, 0.0, 0.0, optimizer.lr, decay


def quick_step(optimizer: Optimizer) -> None:
    """`optimizer.step()`, compiled for Adam; raises as it does."""
    if type(optimizer) is Adam:
        optimizer.step_by(partial(_update, optimizer))
    else:
        optimizer.step()


def _update(optimizer: Adam, index: int, data: Array, grad: Array) -> None:
    mean, square, steps = (optimizer.memory[name][index] for name in ("mean", "square", "steps"))
    loop = _compiled_adam(data.dtype.char)
    rows = alike(data, grad, mean, square) if loop else None
    if loop is None or rows is None:
        optimizer._update(index, data, grad)
        return
    steps += 1
    loop(*rows, np.array(step_constants(optimizer, steps.item()), data.dtype))
    avoid_subnormals(mean)
    avoid_subnormals(square)


@cache
def _compiled_adam(dtype: str) -> compiled.Loop | None:
    if dtype not in "fd":
        return None
    return machine_code(compiled.adam, *np.ones((4, 1), dtype), np.ones(7, dtype))
