"""The one place where a compiler helps: loops that Numba makes machine code of, where it is installed (extra `fast`).

`adam` crosses memory once where NumPy crosses it twelve times. The others are a whole training step of an MLP with
ReLU and the cross-entropy loss: the rules of `engine.ops` for this one graph, in place, by two workers, each with half
of the mini-batch (`engine.fused`). Four of five pixels of a digit are 0: `sparse_product` passes over them where BLAS
multiplies by them. And the workers need neither Python nor its lock, and wait for each other but twice in a step.

Arrays are in C order; a mini-batch has a row for each sample. `adam` gives NumPy's numbers, bit for bit; sums of
products are added up in another order than by BLAS, so their last digits differ, as those of two BLAS do.
"""

import os
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np

from engine.ops import Array

Loop = Callable[..., Any]

CHUNK = 2048
"""So many numbers of a gradient are added up and used at once: they stay in the processor's first cache."""


def adam(data: Array, grad: Array, mean: Array, square: Array, constants: Array) -> None:
    """A step of Adam. All (n,), but constants: beta1, 1 - beta1, beta2, 1 - beta2, epsilon and the step's size."""
    keep, take, keep_square = constants[0], constants[1], constants[2]
    take_square, eps, step_size = constants[3], constants[4], constants[5]
    for i in range(data.size):
        m = mean[i] * keep + grad[i] * take
        v = square[i] * keep_square + grad[i] * grad[i] * take_square
        mean[i] = m
        square[i] = v
        data[i] -= m / (np.sqrt(v) + eps) * step_size


def sparse_product(a: Array, b: Array, out: Array) -> None:
    """out = a @ b, where a is mostly zero: each row is a sum of those rows of b whose factor is not.

    Two rows at a time, as neighbours need much the same rows of b; four rows of b at a time, to store sums less often.
    """
    rows, inner = a.shape
    places = np.empty(inner + 4, np.uintp)
    p, q = np.empty(inner + 4, a.dtype), np.empty(inner + 4, a.dtype)  # factors of the one row and of the other
    spare = np.empty((1, b.shape[1]), b.dtype)
    for first in range(0, rows, 2):
        second = min(first + 1, rows - 1)
        sums, row = (out, second) if second > first else (spare, 0)
        count = 0
        for k in range(inner):
            places[count], p[count], q[count] = k, a[first, k], a[second, k]
            count += (a[first, k] != 0) | (a[second, k] != 0)  # else the next one is written over it
        for i in range(count, count + 4):  # so that there are always four
            places[i], p[i], q[i] = 0, 0, 0
        for j in range(b.shape[1]):
            out[first, j] = 0
            sums[row, j] = 0
        for i in range(0, count, 4):
            k0, k1, k2, k3 = places[i], places[i + 1], places[i + 2], places[i + 3]
            p0, p1, p2, p3 = p[i], p[i + 1], p[i + 2], p[i + 3]
            q0, q1, q2, q3 = q[i], q[i + 1], q[i + 2], q[i + 3]
            for j in range(b.shape[1]):
                b0, b1, b2, b3 = b[k0, j], b[k1, j], b[k2, j], b[k3, j]
                first_sum = out[first, j] + p0 * b0 + p1 * b1 + p2 * b2 + p3 * b3
                second_sum = sums[row, j] + q0 * b0 + q1 * b1 + q2 * b2 + q3 * b3
                out[first, j] = first_sum
                sums[row, j] = second_sum


def add_bias(y: Array, b: Array, rectify: bool) -> None:
    """y (n, neurons) += b (neurons,), and with `rectify` y = max(y, 0)."""
    zero = y.dtype.type(0)
    for i in range(y.shape[0]):
        row = y[i]
        for j in range(b.size):
            a = row[j] + b[j]
            row[j] = zero if rectify and a <= zero else a


def bias_gradient(g: Array, out: Array) -> None:
    """out (neurons,) = the sum of g (n, neurons) over the samples."""
    out[:] = 0
    for i in range(g.shape[0]):
        row = g[i]
        for j in range(out.size):
            out[j] += row[j]


def relu_vjp(g: Array, y: Array) -> None:
    """g *= (y > 0), both (n, neurons)."""
    zero = y.dtype.type(0)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            g[i, j] = g[i, j] if y[i, j] > zero else zero


def cross_entropy(logits: Array, target: Array, batch_size: int, gradient: Array, result: Array) -> None:
    """The gradient of the mean loss of a mini-batch of which this is a share.

    logits, gradient: (n, classes); target: (n,); result: the sum of the share's losses and how many it reads right.
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
        loss += np.log(total) - (row[right] - row[likeliest])
        correct += likeliest == right
        for j in range(classes):
            g[j] = (g[j] / total - (j == right)) / batch_size
    result[0], result[1] = loss, correct


def matrix_at(start: int, memory: Array, rows: int, columns: int) -> Array:
    """The numbers from `start` on as (rows, columns)."""
    return memory[start : start + rows * columns].reshape(rows, columns)


def layer_at(start: int, row: Array, fan_in: int, fan_out: int) -> tuple[Array, Array]:
    """W^T (fan_in, fan_out) and b (fan_out,) of the layer whose parameters, or their gradients, begin there."""
    end = start + fan_in * fan_out
    return matrix_at(start, row, fan_in, fan_out), row[end : end + fan_out]


def gradients(
    samples: Array,
    pixels: Array,
    numbers: Array,
    labels: Array,
    is_sparse: bool,
    batch_size: int,
    sizes: Array,
    row: Array,
    share: Any,
) -> None:
    """Forward and backward for one share of a mini-batch, which has these samples.

    sizes: the layers', with input and output; row: all parameters, as `MLP` lays them in memory; share: where results
    go. That is the inputs and the outputs of the layers, the gradients of these outputs, those of the parameters (like
    row), the targets, and the sum of the losses with the number of samples that are read right.
    """
    outputs, output_gradients, gradient, targets, result = share
    n, layers, capacity = samples.size, len(sizes) - 1, targets.size
    x, target = matrix_at(0, outputs, n, sizes[0]), targets[:n]
    for i in range(n):
        sample = samples[i]
        target[i] = labels[sample]
        if len(pixels):
            for j in range(x.shape[1]):
                x[i, j] = x.dtype.type(pixels[sample, j]) / x.dtype.type(255)
        else:
            for j in range(x.shape[1]):
                x[i, j] = numbers[sample, j]
    place, start = 0, 0  # of a layer's parameters in the row, and of its inputs among the outputs
    for layer in range(layers):
        fan_in, fan_out = sizes[layer], sizes[layer + 1]
        start += capacity * fan_in
        W, b = layer_at(place, row, fan_in, fan_out)
        y = matrix_at(start, outputs, n, fan_out)
        if is_sparse and layer == 0:
            sparse_product(x, W, y)
        else:
            np.dot(x, W, y)
        add_bias(y, b, layer < layers - 1)
        x, place = y, place + W.size + fan_out
    skipped = capacity * sizes[0]  # nobody needs the gradient of the inputs
    g = matrix_at(start - skipped, output_gradients, n, sizes[layers])
    cross_entropy(x, target, batch_size, g, result)
    for layer in range(layers - 1, -1, -1):
        fan_in, fan_out = sizes[layer], sizes[layer + 1]
        start, place = start - capacity * fan_in, place - (fan_in + 1) * fan_out
        if layer < layers - 1:
            relu_vjp(g, x)
        x = matrix_at(start, outputs, n, fan_in)
        W_gradient, b_gradient = layer_at(place, gradient, fan_in, fan_out)
        bias_gradient(g, b_gradient)
        if is_sparse and layer == 0:
            sparse_product(x.T, g, W_gradient)
        else:
            np.dot(x.T, g, W_gradient)
        if layer > 0:
            W, _ = layer_at(place, row, fan_in, fan_out)
            x_gradient = matrix_at(start - skipped, output_gradients, n, fan_in)
            np.dot(g, W.T, x_gradient)
            g = x_gradient


def update(worker: int, row: Array, grad: Array, other: Array, mean: Array, square: Array, constants: Array) -> None:
    """One worker's half of the parameters: the shares' gradients become one, and if it is Adam, Adam's step follows.

    All (n,) but constants: those of `adam` and the factor of the weight decay, or none.
    """
    end = row.size * (worker + 1) // 2
    for start in range(row.size * worker // 2, end, CHUNK):
        chunk = slice(start, min(start + CHUNK, end))
        g, h = grad[chunk], other[chunk]
        for i in range(g.size):
            g[i] += h[i]
        if constants.size:
            values = row[chunk]
            if constants[6] != 1:
                for i in range(values.size):
                    values[i] *= constants[6]
            adam(values, g, mean[chunk], square[chunk], constants)


# ---------------------------------------------------------------- two workers

ASKED, COMPUTED, UPDATED = 0, 1, 3
"""Rows of `signals`: the step that is asked for, and for each worker the last whose gradients and update are done."""


def fence() -> None:
    """What was written before it is seen by other threads before what is written after it; in Python it always is."""


def give_way() -> None:
    """Let another thread have the processor, if one waits for it."""


def reached(signals: Array, row: int, step: int, patience: int) -> bool:
    """Whether a signal has come to this step, after so many looks."""
    for look in range(patience):
        if signals[row, 0] >= step:
            fence()
            return True
        if look % 64 == 63:
            give_way()
        fence()
    return False


def work(
    worker: int,
    first_step: int,
    steps: int,
    patience: int,
    signals: Array,
    batch: Any,
    sizes: Array,
    row: Array,
    shares: Any,
    memory: Any,
) -> bool:
    """So many steps of a worker. False where it has lost its patience with the other: then call it again.

    Worker 0 asks for a step, of signals[ASKED, 1] samples.
    """
    samples, pixels, numbers, labels, is_sparse = batch
    other = 1 - worker
    for step in range(first_step, first_step + steps):
        if worker == 0:
            fence()
            signals[ASKED, 0] = step
        elif not reached(signals, ASKED, step, patience):
            return False
        if signals[COMPUTED + worker, 0] < step:
            count = signals[ASKED, 1]
            middle = (count + 1) // 2
            mine = samples[middle:count] if worker else samples[:middle]
            gradients(mine, pixels, numbers, labels, is_sparse, count, sizes, row, shares[worker])
            fence()
            signals[COMPUTED + worker, 0] = step
        if not reached(signals, COMPUTED + other, step, patience):
            return False
        if signals[UPDATED + worker, 0] < step:
            update(worker, row, shares[0][2], shares[1][2], *memory)
            fence()
            signals[UPDATED + worker, 0] = step
        if not reached(signals, UPDATED + other, step, patience):
            return False
    return True


# ---------------------------------------------------------------- compiling

_FREEDOM: dict[Loop, set[str]] = {sparse_product: {"contract"}}
"""Where the compiler may round otherwise than the loop says: a product and a sum in one."""
_LOOPS = (
    *(adam, sparse_product, add_bias, bias_gradient, relu_vjp, cross_entropy, matrix_at, layer_at),
    *(gradients, update, reached, work),
)


def machine_code(loop: Loop, *example: Any) -> Loop | None:
    """The loop in machine code, tried on the example; None where there is no Numba."""
    for is_kept in (True, False):
        with suppress(Exception):  # there is no folder to keep machine code in, or what lies there is damaged
            compiled: Loop = _compiled(is_kept)[loop.__name__]
            compiled(*example)
            return compiled
    return None


@cache
def _compiled(is_kept: bool) -> dict[str, Any]:
    """The loops, compiled when they are called first, or taken from where they were kept. Raises ImportError."""
    import scipy.linalg.cython_blas  # noqa: F401  the products of `np.dot` within a loop
    from numba import njit, types
    from numba.extending import intrinsic

    def generate(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    # Functions of the same code that see each other's machine code where these see each other.
    names: dict[str, Any] = dict(globals())
    names["give_way"] = types.ExternalFunction("SwitchToThread" if os.name == "nt" else "sched_yield", types.intc())
    names["fence"] = intrinsic(lambda _typing_context: (types.void(), generate))
    for loop in _LOOPS:
        # NumPy's rules for x / 0 let the loop use vector instructions.
        compile = njit(error_model="numpy", nogil=True, cache=is_kept, fastmath=_FREEDOM.get(loop, False))
        names[loop.__name__] = compile(FunctionType(loop.__code__, names, loop.__name__))
    return names


class _OneBlasThread:
    """Between the first `begin()` and the last `end()` BLAS has one thread: each worker multiplies by itself.

    There is one number of threads for the whole process, so there is one of these.
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
