"""The one place where a compiler helps: loops that Numba makes machine code of, where it is installed (extra `fast`).

`adam` crosses memory once where NumPy crosses it twelve times. The others are a whole training step of an MLP with
ReLU and the cross-entropy loss: the rules of `engine.ops` for this one graph, in place, by two workers
(`engine.fast.fused`). Four out of five pixels of a digit are 0: `sparse_product` skips them, while BLAS multiplies by
them. The workers run without the GIL and synchronise twice per step.

Arrays are in C order; a mini-batch has a row for each sample. `adam` gives NumPy's numbers, bit for bit; sums of
products are added up in another order than by BLAS, so their last digits differ, as those of two BLAS do.
"""

import os
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import cache
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from engine.ops import Array

Loop = Callable[..., Any]

CACHED = 32_768
"""Block size in elements: fits in the L2 cache."""


def adam(data: Array, grad: Array, mean: Array, square: Array, constants: Array) -> None:
    """A step of Adam. All (n,), but constants: those of `engine.fast.adam`, of which the last is not for it."""
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
                count += (p[k] != 0) | (q[k] != 0)  # else the next one is written over it
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


# ---------------------------------------------------------------- two workers

ASKED, COMPUTED, UPDATED = 0, 1, 3
"""Rows of `signals`: the step that is asked for, and for each worker the last whose gradients and update are done."""


class Memory(NamedTuple):
    """All that the workers read and write. Steps have numbers; some, one after another, make a chunk.

    pixels, uint8, or numbers: (N, in_dim), the inputs, of which one is empty; labels: (N,); is_sparse: whether most
    inputs are 0. samples: those of the chunk, for each step a mini-batch of batch_size, the last perhaps smaller.
    sizes: the layers', with input and output. parameters and gradient: of all layers, as `MLP` lays them in a row, and
    so mean and square, which are Adam's (empty: only the gradient is wanted). outputs: the inputs and each layer's
    outputs; output_gradients: the gradients of the latter; targets: (batch_size,). For each step of the chunk:
    constants, those of `adam` and the factor of the weight decay, and (2, 2) results, each worker's sum of losses and
    number of samples that are read right.
    """

    pixels: Array
    numbers: Array
    labels: Array
    is_sparse: bool
    samples: Array
    batch_size: int
    sizes: Array
    parameters: Array
    gradient: Array
    mean: Array
    square: Array
    outputs: Array
    output_gradients: Array
    targets: Array
    constants: Array
    results: Array
    signals: Array


def matrix_at(start: int, memory: Array, rows: int, columns: int) -> Array:
    """The numbers from `start` on as (rows, columns)."""
    return memory[start : start + rows * columns].reshape(rows, columns)


def layer_at(start: int, row: Array, fan_in: int, fan_out: int) -> tuple[Array, Array]:
    """W^T (fan_in, fan_out) and b (fan_out,) of the layer whose parameters, or their gradients, begin there."""
    end = start + fan_in * fan_out
    return matrix_at(start, row, fan_in, fan_out), row[end : end + fan_out]


def propagate(memory: Memory, samples: Array, first: int, end: int, result: Array) -> None:
    """Forward, and backward to the outputs of the first layer, with some of a mini-batch's samples: first to end."""
    sizes, parameters, capacity = memory.sizes, memory.parameters, memory.batch_size
    layers = len(sizes) - 1
    x, target = matrix_at(0, memory.outputs, capacity, sizes[0])[first:end], memory.targets[first:end]
    for i in range(end - first):
        sample = samples[first + i]
        target[i] = memory.labels[sample]
        if len(memory.pixels):
            for j in range(x.shape[1]):
                x[i, j] = x.dtype.type(memory.pixels[sample, j]) / x.dtype.type(255)
        else:
            for j in range(x.shape[1]):
                x[i, j] = memory.numbers[sample, j]
    place, start = 0, 0  # of a layer's parameters in the row, and of its inputs among the outputs
    for layer in range(layers):
        fan_in, fan_out = sizes[layer], sizes[layer + 1]
        start += capacity * fan_in
        W, b = layer_at(place, parameters, fan_in, fan_out)
        y = matrix_at(start, memory.outputs, capacity, fan_out)[first:end]
        if memory.is_sparse and layer == 0:
            sparse_product(x, W, y)
        else:
            np.dot(x, W, y)
        add_bias(y, b, layer < layers - 1)
        x, place = y, place + (fan_in + 1) * fan_out
    skipped = capacity * sizes[0]  # nobody needs the gradient of the inputs
    g = matrix_at(start - skipped, memory.output_gradients, capacity, sizes[layers])[first:end]
    cross_entropy(x, target, len(samples), g, result)
    for layer in range(layers - 1, 0, -1):
        fan_in, fan_out = sizes[layer], sizes[layer + 1]
        start, place = start - capacity * fan_in, place - (fan_in + 1) * fan_out
        W, _ = layer_at(place, parameters, fan_in, fan_out)
        x_gradient = matrix_at(start - skipped, memory.output_gradients, capacity, fan_in)[first:end]
        np.dot(g, W.T, x_gradient)
        relu_vjp(x_gradient, matrix_at(start, memory.outputs, capacity, fan_in)[first:end])
        g = x_gradient


def update(memory: Memory, worker: int, samples: Array, constants: Array) -> None:
    """The gradient of one worker's half of each layer's parameters, from all samples; if it is Adam, its step follows.

    The half has half of the layer's inputs, and of its biases.
    """
    sizes, n = memory.sizes, len(samples)
    place, start, skipped = 0, 0, memory.batch_size * sizes[0]
    for layer in range(len(sizes) - 1):
        fan_in, fan_out = sizes[layer], sizes[layer + 1]
        x = matrix_at(start, memory.outputs, n, fan_in)
        start += memory.batch_size * fan_in
        g = matrix_at(start - skipped, memory.output_gradients, n, fan_out)
        W_gradient, b_gradient = layer_at(place, memory.gradient, fan_in, fan_out)
        first, end = fan_in * worker // 2, fan_in * (worker + 1) // 2
        if memory.is_sparse and layer == 0:
            some = max(2, CACHED // fan_out)  # inputs at a time: Adam's step finds their gradient in the cache
            for i in range(first, end, some):
                until = min(i + some, end)
                sparse_product(x[:, i:until].T, g, W_gradient[i:until])
                optimize(memory, place + i * fan_out, place + until * fan_out, constants)
        else:
            np.dot(np.ascontiguousarray(x[:, first:end]).T, g, W_gradient[first:end])
            optimize(memory, place + first * fan_out, place + end * fan_out, constants)
        place += fan_in * fan_out
        first, end = fan_out * worker // 2, fan_out * (worker + 1) // 2
        bias_gradient(g[:, first:end], b_gradient[first:end])
        optimize(memory, place + first, place + end, constants)
        place += fan_out


def optimize(memory: Memory, start: int, end: int, constants: Array) -> None:
    """Adam's step of the parameters from start to end in the row, if it is Adam."""
    if memory.mean.size:
        values = memory.parameters[start:end]
        if constants[6] != 1:
            for i in range(values.size):
                values[i] *= constants[6]
        adam(values, memory.gradient[start:end], memory.mean[start:end], memory.square[start:end], constants)


def fence() -> None:
    """What was written before it is seen by other threads before what is written after it; in Python it always is."""


def yield_thread() -> None:
    """Let another thread have the processor, if one waits for it."""


def wait_until(signals: Array, row: int, step: int, patience: int) -> bool:
    """Whether a signal has come to this step, after so many looks."""
    for look in range(patience):
        if signals[row, 0] >= step:
            fence()
            return True
        if look % 64 == 63:
            yield_thread()
        fence()
    return False


def work(worker: int, first_step: int, last_step: int, patience: int, memory: Memory) -> bool:
    """One worker's part of these steps. False where it has lost its patience with the other: then call it again.

    Worker 0 asks for the steps, of a chunk that began with step signals[ASKED, 1] and has signals[ASKED, 2] samples.
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
"""Where the compiler may round otherwise than the loop says: a product and a sum in one."""
_LOOPS = (
    *(adam, sparse_product, add_bias, bias_gradient, relu_vjp, cross_entropy, matrix_at, layer_at),
    *(propagate, update, optimize, wait_until, work),
)


def machine_code(loop: Loop, *example: Any) -> Loop | None:
    """The loop in machine code, tried on the example; None where there is no Numba."""
    for is_cached in (True, False):
        with suppress(Exception):  # there is no folder to keep machine code in, or what lies there is damaged
            compiled: Loop = _compiled(is_cached)[loop.__name__]
            compiled(*example)
            return compiled
    return None


@cache
def _compiled(is_cached: bool) -> dict[str, Any]:
    """The loops, compiled when they are called first, or taken from where they were kept. Raises ImportError."""
    import scipy.linalg.cython_blas  # noqa: F401  the products of `np.dot` within a loop
    from numba import njit, types
    from numba.extending import intrinsic

    def generate(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    # Functions of the same code that see each other's machine code where these see each other.
    names: dict[str, Any] = dict(globals())
    names["yield_thread"] = types.ExternalFunction("SwitchToThread" if os.name == "nt" else "sched_yield", types.intc())
    names["fence"] = intrinsic(lambda _typing_context: (types.void(), generate))
    for loop in _LOOPS:
        # NumPy's rules for x / 0 let the loop use vector instructions.
        compile = njit(error_model="numpy", nogil=True, cache=is_cached, fastmath=_FREEDOM.get(loop, False))
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
