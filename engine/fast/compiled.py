"""Loops that Numba compiles to machine code, if it is installed (extra `fast`). No other module uses a compiler.

`adam` reads and writes each array once, where NumPy does so a dozen times. The other loops make up a whole training
step: they execute the table of a network's `Program` in place, with two workers (`engine.fast.fused`). Four out of five
pixels of a digit are 0: `sparse_product` skips them, while BLAS multiplies by them. The workers run without the GIL and
synchronise twice per step.

Arrays are in C order; a mini-batch has a row for each sample. `adam` gives the same numbers as NumPy, bit for bit;
sums of products are added in a different order than in BLAS, so their last digits differ, as between two versions of
BLAS.
"""

import logging
import os
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from engine.fast.program import (
    ACTIVATION,
    FAN_IN,
    FAN_OUT,
    INPUTS,
    OUTPUTS,
    PARAMETERS,
    RELU,
    SIGMOID,
    TANH,
)
from engine.ops import Array

Loop = Callable[..., Any]

CACHED = 32_768
"""Block size in elements: fits in the L2 cache."""


TANHF = tuple(
    np.float32(number)
    for number in (-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1, 0.625)
)
"""The coefficients of Cephes' polynomial, and the largest argument it is used for."""
NO_FORMULA, SGD, MOMENTUM, ADAM = range(4)
"""Codes of the optimizers' formulas."""


def adam(data: Array, grad: Array, mean: Array, square: Array, constants: Array) -> None:
    """A step of Adam. Arrays (n,); constants (7,): see `engine.fast.optimizers.step_constants`."""
    beta1, one_minus_beta1, beta2 = constants[0], constants[1], constants[2]
    one_minus_beta2, eps, step_size = constants[3], constants[4], constants[5]
    for i in range(data.size):
        m = mean[i] * beta1 + grad[i] * one_minus_beta1
        v = square[i] * beta2 + grad[i] * grad[i] * one_minus_beta2
        mean[i] = m
        square[i] = v
        data[i] -= m / (np.sqrt(v) + eps) * step_size


def momentum(data: Array, grad: Array, velocity: Array, constants: Array) -> None:
    """A step of SGD with momentum. Arrays (n,); constants (7,): [0] is the momentum, [5] the learning rate."""
    for i in range(data.size):
        v = velocity[i] * constants[0] + grad[i]
        velocity[i] = v
        data[i] -= constants[5] * v


def sgd(data: Array, grad: Array, constants: Array) -> None:
    """A step of SGD. Arrays (n,); constants (7,): [5] is the learning rate."""
    for i in range(data.size):
        data[i] -= constants[5] * grad[i]


def sparse_product(a: Array, b: Array, out: Array) -> None:
    """out = a @ b, where a is mostly zero: each row of out is a sum of the rows of b with a nonzero factor.

    Computes two rows at a time, since neighbours need mostly the same rows of b, and adds four rows of b at a time, to
    store sums less often.
    """
    rows, inner = a.shape
    columns, zero = b.shape[1], a.dtype.type(0)
    block = max(4, CACHED // max(columns, 1))
    places = np.empty(block, np.uintp)
    spare = np.empty((1, columns), b.dtype)
    out[:] = 0
    for start in range(0, inner, block):
        for first in range(0, rows, 2):
            p, p_sums = a[first], out[first]
            q, q_sums = (a[first + 1], out[first + 1]) if first + 1 < rows else (p, spare[0])
            count = 0
            for k in range(start, min(start + block, inner)):
                places[count] = k
                count += (p[k] != 0) | (q[k] != 0)  # if both are zero, the next k overwrites this one
            for i in range(0, count, 4):
                has1, has2, has3 = i + 1 < count, i + 2 < count, i + 3 < count
                k0 = places[i]
                k1 = places[i + 1] if has1 else k0
                k2 = places[i + 2] if has2 else k0
                k3 = places[i + 3] if has3 else k0
                p0, p1, p2, p3 = p[k0], p[k1] if has1 else zero, p[k2] if has2 else zero, p[k3] if has3 else zero
                q0, q1, q2, q3 = q[k0], q[k1] if has1 else zero, q[k2] if has2 else zero, q[k3] if has3 else zero
                row0, row1, row2, row3 = b[k0], b[k1], b[k2], b[k3]
                for j in range(columns):
                    b0, b1, b2, b3 = row0[j], row1[j], row2[j], row3[j]
                    p_sum = p_sums[j] + p0 * b0 + p1 * b1 + p2 * b2 + p3 * b3
                    q_sum = q_sums[j] + q0 * b0 + q1 * b1 + q2 * b2 + q3 * b3
                    p_sums[j] = p_sum
                    q_sums[j] = q_sum


def tanh_single(a: Any) -> Any:
    """tanh of a float32 number, within 1.3 ulp: Cephes' tanhf (S. L. Moshier), in a third of libm's time."""
    z, one, two = a * a, np.float32(1), np.float32(2)
    near_0 = ((((TANHF[0] * z + TANHF[1]) * z + TANHF[2]) * z + TANHF[3]) * z + TANHF[4]) * z * a + a
    beyond = one - two / (np.exp(two * np.abs(a)) + one)
    if np.abs(a) < TANHF[5]:
        return near_0
    return beyond if a > 0 else -beyond


def activate(y: Array, b: Array, activation: int) -> None:
    """y (n, neurons) = f(y + b), b (neurons,), where f is the activation with this code."""
    zero, one = y.dtype.type(0), y.dtype.type(1)
    for i in range(y.shape[0]):
        row = y[i]
        if activation == RELU:
            for j in range(b.size):
                a = row[j] + b[j]
                row[j] = zero if a <= zero else a
        elif activation == TANH and y.itemsize == 4:
            for j in range(b.size):
                row[j] = tanh_single(row[j] + b[j])
        elif activation == TANH:
            for j in range(b.size):
                row[j] = np.tanh(row[j] + b[j])
        elif activation == SIGMOID:
            for j in range(b.size):
                a = row[j] + b[j]
                e = np.exp(-np.abs(a))
                row[j] = (one if a >= zero else e) / (one + e)
        else:
            for j in range(b.size):
                row[j] += b[j]


def bias_gradient(g: Array, out: Array) -> None:
    """out (neurons,) = the sum of g (n, neurons) over the samples."""
    out[:] = 0
    for i in range(g.shape[0]):
        row = g[i]
        for j in range(out.size):
            out[j] += row[j]


def activation_vjp(g: Array, y: Array, activation: int) -> None:
    """Replace g = dL/dy by dL/dx, both (n, neurons), where y = f(x)."""
    zero, one = y.dtype.type(0), y.dtype.type(1)
    for i in range(y.shape[0]):
        g_row, row = g[i], y[i]
        if activation == RELU:
            for j in range(row.size):
                g_row[j] = g_row[j] if row[j] > zero else zero
        elif activation == TANH:
            for j in range(row.size):
                g_row[j] *= one - row[j] * row[j]
        elif activation == SIGMOID:
            for j in range(row.size):
                g_row[j] *= row[j] * (one - row[j])


def cross_entropy(logits: Array, target: Array, batch_size: int, gradient: Array, result: Array) -> None:
    """The gradient of a mini-batch's mean loss with respect to the logits of n of its samples.

    logits, gradient: (n, classes); target: (n,), below 0 for no class; result: the sum of these samples' losses, and
    how many are correct.
    """
    classes = logits.shape[1]
    loss, correct = 0.0, 0
    for i in range(target.size):
        row, g, right = logits[i], gradient[i], target[i]
        likeliest = 0
        for j in range(1, classes):
            likeliest = j if row[j] > row[likeliest] else likeliest
        total = row[0] * 0
        for j in range(classes):
            g[j] = np.exp(row[j] - row[likeliest])
            total += g[j]
        if right >= 0:
            loss += np.log(total) - (row[right] - row[likeliest])
            correct += likeliest == right
            for j in range(classes):
                g[j] = (g[j] / total - (j == right)) / batch_size
        else:  # no class: all should be equally likely
            loss += np.log(total) - (row.mean() - row[likeliest])
            correct += total > 2
            for j in range(classes):
                g[j] = (g[j] / total - row.dtype.type(1 / classes)) / batch_size
    result[0], result[1] = loss, correct


# ---------------------------------------------------------------- two workers

ASKED, COMPUTED, UPDATED = 0, 1, 3
"""Rows of `signals`: the last requested step; then, for each worker, the last step with gradients and update done."""


class Memory(NamedTuple):
    """Everything that the workers read and write. Steps are numbered; a chunk has consecutive steps.

    pixels (uint8) or numbers: (N, in_dim), the inputs; the other one is empty. labels: (N,). is_sparse: whether most
    inputs are 0. samples: indices for the chunk, batch_size per step, perhaps fewer for the last. table: from the
    network's `Program`. parameters, gradient: of all layers, packed; first, second: the optimizer's state, packed in
    the same way (empty if it has less). values: the inputs and each layer's outputs, at offset times batch_size;
    value_gradients: likewise. targets: (batch_size,). optimizer: the code of its formula. For each step of the chunk:
    constants (7,) of the formula and the weight decay, and results (2, 2), each worker's sum of losses and number of
    correctly classified samples.
    """

    pixels: Array
    numbers: Array
    labels: Array
    is_sparse: bool
    samples: Array
    batch_size: int
    table: Array
    parameters: Array
    gradient: Array
    optimizer: int
    first: Array
    second: Array
    values: Array
    value_gradients: Array
    targets: Array
    constants: Array
    results: Array
    signals: Array


def values_at(offset: int, memory: Array, batch_size: int, rows: int, columns: int) -> Array:
    """A mini-batch's values at an offset from the table: (rows, columns)."""
    start = offset * batch_size
    return memory[start : start + rows * columns].reshape(rows, columns)


def layer_at(start: int, packed: Array, fan_in: int, fan_out: int) -> tuple[Array, Array]:
    """W^T (fan_in, fan_out) and b (fan_out,), or their gradients, of the layer that starts at this position."""
    end = start + fan_in * fan_out
    return packed[start:end].reshape(fan_in, fan_out), packed[end : end + fan_out]


def propagate(memory: Memory, samples: Array, begin: int, end: int, result: Array) -> None:
    """Forward, and backward to the outputs of the first layer, for samples begin to end of a mini-batch."""
    table, parameters, batch_size = memory.table, memory.parameters, memory.batch_size
    last = len(table) - 1
    x = values_at(0, memory.values, batch_size, batch_size, table[0, FAN_IN])[begin:end]
    target = memory.targets[begin:end]
    for i in range(end - begin):
        sample = samples[begin + i]
        target[i] = memory.labels[sample]
        if len(memory.pixels):
            for j in range(x.shape[1]):
                x[i, j] = x.dtype.type(memory.pixels[sample, j]) / x.dtype.type(255)
        else:
            for j in range(x.shape[1]):
                x[i, j] = memory.numbers[sample, j]
    for layer in range(last + 1):
        fan_in, fan_out = table[layer, FAN_IN], table[layer, FAN_OUT]
        W, b = layer_at(table[layer, PARAMETERS], parameters, fan_in, fan_out)
        y = values_at(table[layer, OUTPUTS], memory.values, batch_size, batch_size, fan_out)[begin:end]
        if memory.is_sparse and layer == 0:
            sparse_product(x, W, y)
        else:
            np.dot(x, W, y)
        activate(y, b, table[layer, ACTIVATION])
        x = y
    g = values_at(table[last, OUTPUTS], memory.value_gradients, batch_size, batch_size, table[last, FAN_OUT])[begin:end]
    cross_entropy(x, target, len(samples), g, result)
    for layer in range(last, 0, -1):  # the gradient of the inputs is not needed
        offset, fan_in = table[layer, INPUTS], table[layer, FAN_IN]
        W, _ = layer_at(table[layer, PARAMETERS], parameters, fan_in, table[layer, FAN_OUT])
        x_gradient = values_at(offset, memory.value_gradients, batch_size, batch_size, fan_in)[begin:end]
        np.dot(g, W.T, x_gradient)
        y = values_at(offset, memory.values, batch_size, batch_size, fan_in)[begin:end]
        activation_vjp(x_gradient, y, table[layer - 1, ACTIVATION])
        g = x_gradient


def update(memory: Memory, worker: int, samples: Array, constants: Array) -> None:
    """Compute the gradient of one worker's half of each layer's parameters, from all samples, and update that half.

    A half has the weights of half of the layer's inputs, and half of its biases.
    """
    n, batch_size = len(samples), memory.batch_size
    for layer in range(len(memory.table)):
        place, fan_in, fan_out = (
            memory.table[layer, PARAMETERS],
            memory.table[layer, FAN_IN],
            memory.table[layer, FAN_OUT],
        )
        x = values_at(memory.table[layer, INPUTS], memory.values, batch_size, n, fan_in)
        g = values_at(memory.table[layer, OUTPUTS], memory.value_gradients, batch_size, n, fan_out)
        W_gradient, b_gradient = layer_at(place, memory.gradient, fan_in, fan_out)
        begin, end = fan_in * worker // 2, fan_in * (worker + 1) // 2
        if memory.is_sparse and layer == 0:
            some = max(2, CACHED // fan_out)  # inputs at a time, so that their gradient is still in the cache
            for i in range(begin, end, some):
                until = min(i + some, end)
                sparse_product(x[:, i:until].T, g, W_gradient[i:until])
                optimize(memory, place + i * fan_out, place + until * fan_out, constants)
        else:
            np.dot(np.ascontiguousarray(x[:, begin:end]).T, g, W_gradient[begin:end])
            optimize(memory, place + begin * fan_out, place + end * fan_out, constants)
        place += fan_in * fan_out
        begin, end = fan_out * worker // 2, fan_out * (worker + 1) // 2
        bias_gradient(g[:, begin:end], b_gradient[begin:end])
        optimize(memory, place + begin, place + end, constants)


def optimize(memory: Memory, start: int, end: int, constants: Array) -> None:
    """Update the packed parameters from start to end, if the optimizer has a compiled formula."""
    if memory.optimizer == NO_FORMULA:
        return
    values, gradient = memory.parameters[start:end], memory.gradient[start:end]
    if constants[6] != 1:
        for i in range(values.size):
            values[i] *= constants[6]
    if memory.optimizer == ADAM:
        adam(values, gradient, memory.first[start:end], memory.second[start:end], constants)
    elif memory.optimizer == MOMENTUM:
        momentum(values, gradient, memory.first[start:end], constants)
    else:
        sgd(values, gradient, constants)


def fence() -> None:
    """A memory barrier: other threads see earlier writes before later ones. Python needs none."""


def yield_thread() -> None:
    """Yield the processor to another waiting thread."""


def wait_until(signals: Array, row: int, step: int, patience: int) -> bool:
    """Poll a signal at most `patience` times. Returns whether it has reached this step."""
    for look in range(patience):
        if signals[row, 0] >= step:
            fence()
            return True
        if look % 64 == 63:
            yield_thread()
        fence()
    return False


def work(worker: int, first_step: int, last_step: int, patience: int, memory: Memory) -> bool:
    """Do one worker's part of these steps. Returns False if it timed out waiting for the other: then call it again.

    Worker 0 requests the steps. Their chunk began with step signals[ASKED, 1] and has signals[ASKED, 2] samples.
    """
    signals, batch_size, other = memory.signals, memory.batch_size, 1 - worker
    if worker == 0:
        fence()
        signals[ASKED, 0] = last_step
    for step in range(first_step, last_step + 1):
        if not (
            wait_until(signals, ASKED, step, patience) and wait_until(signals, UPDATED + other, step - 1, patience)
        ):
            return False
        index = step - signals[ASKED, 1]
        samples = memory.samples[index * batch_size : min((index + 1) * batch_size, signals[ASKED, 2])]
        if signals[COMPUTED + worker, 0] < step:
            n = len(samples)
            middle = (n + 1) // 2
            first, end = (middle, n) if worker else (0, middle)
            propagate(memory, samples, first, end, memory.results[index, worker])
            fence()
            signals[COMPUTED + worker, 0] = step
        if not wait_until(signals, COMPUTED + other, step, patience):
            return False
        if signals[UPDATED + worker, 0] < step:
            update(memory, worker, samples, memory.constants[index])
            fence()
            signals[UPDATED + worker, 0] = step
    return wait_until(signals, UPDATED + other, last_step, patience)


# ---------------------------------------------------------------- compiling

_FREEDOM: dict[Loop, set[str]] = {sparse_product: {"contract"}}
"""Loops in which the compiler may fuse a product and a sum into one operation, which rounds differently."""
_LOOPS = (
    *(adam, momentum, sgd, sparse_product, tanh_single, activate, bias_gradient, activation_vjp, cross_entropy),
    *(values_at, layer_at, propagate, update, optimize, wait_until, work),
)


def machine_code(loop: Loop, *example: Any) -> Loop | None:
    """The compiled loop, tested on the example. None without Numba, or if compiling fails, which is logged."""
    reason = ""
    for is_cached in (True, False):
        try:
            compiled: Loop = _compiled(is_cached)[loop.__name__]
            compiled(*example)
        except ModuleNotFoundError:
            return None
        except Exception as error:  # with the cache: its folder cannot be created, or its files are damaged
            reason = f"{type(error).__name__}: {error}"
        else:
            return compiled
    _log_failure(loop.__name__, reason)
    return None


@cache  # once
def _log_failure(name: str, reason: str) -> None:
    logging.getLogger("minigrad").warning("Training is slow because %r cannot be compiled: %s", name, reason)


@cache
def _compiled(is_cached: bool) -> dict[str, Any]:
    """The loops, compiled on their first call or loaded from the cache. Raises ImportError without Numba."""
    import scipy.linalg.cython_blas  # noqa: F401  the products of `np.dot` within a loop
    from numba import njit, types
    from numba.extending import intrinsic

    def generate(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    # Functions with the same code, whose globals are the compiled loops instead of the Python ones.
    names: dict[str, Any] = dict(globals())
    names["yield_thread"] = types.ExternalFunction("SwitchToThread" if os.name == "nt" else "sched_yield", types.intc())
    names["fence"] = intrinsic(lambda _typing_context: (types.void(), generate))
    for loop in _LOOPS:
        # NumPy's rules for x / 0 let the loop use vector instructions.
        compile = njit(error_model="numpy", nogil=True, cache=is_cached, fastmath=_FREEDOM.get(loop, False))
        names[loop.__name__] = compile(FunctionType(loop.__code__, names, loop.__name__))
    return names


class _OneBlasThread:
    """Limits BLAS to one thread between the first `begin()` and the last `end()`, since each worker multiplies itself.

    The number of BLAS threads belongs to the whole process, so there is one instance.
    """

    def __init__(self) -> None:
        self._lock, self._users, self._limit = threading.Lock(), 0, ExitStack()

    def begin(self) -> None:
        from threadpoolctl import threadpool_limits

        with self._lock:
            self._users += 1
            if self._users == 1:
                self._limit.enter_context(threadpool_limits(1, user_api="blas"))

    def end(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._limit.close()


ONE_BLAS_THREAD = _OneBlasThread()
