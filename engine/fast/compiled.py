"""Loops that `engine.fast.compiler` compiles to machine code, if Numba is installed.

`adam` reads and writes each array once, where NumPy does so a dozen times. The other loops make up a whole training
step: they execute the table of a network's `Program` in place, with several workers (`engine.fast.fused`), which run
without the GIL and synchronise twice per step, and more often if layers are normalized.

Arrays are in C order; a mini-batch has a row for each sample. `adam` gives the same numbers as NumPy, bit for bit;
sums of products are added in a different order than in BLAS, so their last digits differ, as between two versions of
BLAS.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from engine.augment import PARTS_DEVIATION, PARTS_MEAN, Draws
from engine.fast.intrinsics import WITHOUT_SUBNORMALS, exchange_float_mode, signal, signalled
from engine.fast.products import AS_IT_IS, SPARE, SPARSE_ROWS, TRANSPOSED, is_sparse, product, sparse_product
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
from engine.hashing import HASH_STEP, mixed
from engine.in_training import LAYER_STEP, MAX_LAYERS
from engine.normalization import EPSILON
from engine.ops import Array

Loop = Callable[..., Any]

CACHED = 32_768
"""Block size in elements: fits in the L2 cache."""
PIECE = 4096
"""Block size in elements: fits in the L1 cache."""


TANHF = tuple(
    np.float32(number)
    for number in (-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1, 0.625)
)
"""The coefficients of Cephes' polynomial, and the largest argument it is used for."""
EVEN_PARTS = np.uint64(0x0000FFFF0000FFFF)
"""Two of a number's four parts of 16 bits."""
NO_FORMULA, SGD, MOMENTUM, ADAM = range(4)
"""Codes of the optimizers' formulas."""


def adam(data: Array, grad: Array, mean: Array, square: Array, constants: Array) -> None:
    """A step of Adam. Arrays (n,); constants (7 or more,): see `engine.fast.optimizers.step_constants`."""
    beta1, one_minus_beta1, beta2 = constants[0], constants[1], constants[2]
    one_minus_beta2, eps, step_size = constants[3], constants[4], constants[5]
    for i in range(data.size):
        m = mean[i] * beta1 + grad[i] * one_minus_beta1
        v = square[i] * beta2 + grad[i] * grad[i] * one_minus_beta2
        mean[i] = m
        square[i] = v
        data[i] -= m / (np.sqrt(v) + eps) * step_size


def momentum(data: Array, grad: Array, velocity: Array, constants: Array) -> None:
    """A step of SGD with momentum. Arrays (n,); constants (7 or more,): [0] is the momentum, [5] the learning rate."""
    for i in range(data.size):
        v = velocity[i] * constants[0] + grad[i]
        velocity[i] = v
        data[i] -= constants[5] * v


def sgd(data: Array, grad: Array, constants: Array) -> None:
    """A step of SGD. Arrays (n,); constants (7 or more,): [5] is the learning rate."""
    for i in range(data.size):
        data[i] -= constants[5] * grad[i]


def tanh_single(a: Any) -> Any:
    """tanh of a float32 number, within 1.3 ulp: Cephes' tanhf (S. L. Moshier), in a third of libm's time."""
    z, one, two = a * a, np.float32(1), np.float32(2)
    near_0 = ((((TANHF[0] * z + TANHF[1]) * z + TANHF[2]) * z + TANHF[3]) * z + TANHF[4]) * z * a + a
    beyond = one - two / (np.exp(two * np.abs(a)) + one)
    if np.abs(a) < TANHF[5]:
        return near_0
    return beyond if a > 0 else -beyond


class Dropout(NamedTuple):
    """See `engine.in_training.MLPInTraining`; threshold: 0 if nothing is dropped."""

    key: np.uint64
    threshold: int
    scale: float


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


def activation_vjp(g: Array, y: Array, activation: int, kept: float) -> None:
    """Replace g = dL/dy by dL/dx, both (n, neurons), where kept y = f(x)."""
    zero, one, share = y.dtype.type(0), y.dtype.type(1), y.dtype.type(kept)
    for i in range(y.shape[0]):
        g_row, row = g[i], y[i]
        if activation == RELU:
            for j in range(row.size):
                g_row[j] = g_row[j] if row[j] > zero else zero
        elif activation == TANH:
            for j in range(row.size):
                f = row[j] * share
                g_row[j] *= one - f * f
        elif activation == SIGMOID:
            for j in range(row.size):
                f = row[j] * share
                g_row[j] *= f * (one - f)


def drop(values: Array, first: int, layer: int, mini_batch: int, dropout: Dropout) -> None:
    """Drop some of a hidden layer's outputs, or of their gradients, and scale the others: see `engine.in_training`.

    values: (n, neurons); first: the first one's position in the mini-batch.
    """
    neurons, zero, scale = values.shape[1], values.dtype.type(0), values.dtype.type(dropout.scale)
    hashes = (neurons + 3) // 4
    random = np.empty(hashes, np.uint64)
    parts = random.view(np.uint16)
    start = np.uint64(dropout.key) + np.uint64(mini_batch * MAX_LAYERS + layer) * np.uint64(LAYER_STEP) * HASH_STEP
    for i in range(values.shape[0]):
        row, row_start = values[i], start + np.uint64((first + i) * hashes + 1) * HASH_STEP
        for k in range(hashes):
            random[k] = mixed(row_start + np.uint64(k) * HASH_STEP)
        for j in range(neurons):
            row[j] = row[j] * scale if parts[j] >= dropout.threshold else zero


def cross_entropy(
    logits: Array, target: Array, batch_size: int, smoothing: float, gradient: Array, losses: Array
) -> int:
    """The gradient of a mini-batch's mean loss with respect to the logits of n of its samples. Returns how many are
    correct.

    logits, gradient: (n, classes); target: (n,), below 0 for no class; smoothing: see `engine.losses.SmoothedLoss`;
    losses: (n,), each sample's.
    """
    classes, correct = logits.shape[1], 0
    equal, target_share = logits.dtype.type(smoothing / classes), logits.dtype.type(1 - smoothing)
    for i in range(target.size):
        row, g, right = logits[i], gradient[i], target[i]
        likeliest = 0
        for j in range(1, classes):
            likeliest = j if row[j] > row[likeliest] else likeliest
        total = sum_of_logits = row[0] * 0
        for j in range(classes):
            g[j] = np.exp(row[j] - row[likeliest])
            total += g[j]
            sum_of_logits += row[j]
        mean = sum_of_logits / classes
        if right >= 0:
            losses[i] = np.log(total) - (row[right] - row[likeliest])
            if smoothing > 0:
                losses[i] += smoothing * (row[right] - mean)
            correct += likeliest == right
            for j in range(classes):
                g[j] = (g[j] / total - equal - (target_share if j == right else 0)) / batch_size
        else:  # no class: all should be equally likely
            losses[i] = np.log(total) - (mean - row[likeliest])
            correct += total > 2
            for j in range(classes):
                g[j] = (g[j] / total - row.dtype.type(1 / classes)) / batch_size
    return correct


# ---------------------------------------------------------------- varied pictures


WHOLE_TILE = 16
"""Products of fewer columns take longer: see `product`."""


class Form(NamedTuple):
    """The form of varied pictures: float32 matrices down (height, n) and across (m, width or more), in pixels.

    down @ C @ across are the positions of a picture's pixels, either all x or all y, where C (n, m) is drawn for each
    picture. The first of down's columns and of across's rows are the profiles of the bumps (`engine.augment.bumps`), if
    there is elastic distortion; the last two of each are 1 and the position from the centre. Further columns of across,
    up to a multiple of WHOLE_TILE, are 0. width: 0 if pictures are not varied. elastic_px: see
    `engine.augment.Augmentation`.
    """

    width: int
    down: Array
    across: Array
    elastic_px: float


def bump_height(seed: Any, number: int) -> Any:
    """One of a picture's random numbers: see `engine.augment.normal`."""
    z = mixed(seed + np.uint64(number + 1) * HASH_STEP)
    halves = (z & EVEN_PARTS) + (z >> np.uint64(16) & EVEN_PARTS)
    parts = np.int32(halves & np.uint64(0xFFFFFFFF)) + np.int32(halves >> np.uint64(32))
    return np.float32(parts - PARTS_MEAN) / PARTS_DEVIATION


def coefficients(draws: Draws, first: int, form: Form, out: Array) -> None:
    """out (pictures * n * 2, m) = the rows of the coefficients C of x and of y for each picture: see `Form`."""
    rows, columns = form.down.shape[1] - 2, out.shape[1] - 2
    bumps, elastic_px = rows * columns, np.float32(form.elastic_px)
    out[:] = 0
    for picture in range(len(out) // (2 * (rows + 2))):
        seed, affine = np.uint64(draws.seeds[first + picture]), draws.affine[first + picture]
        start = picture * 2 * (rows + 2)
        for row in range(rows):
            for axis in range(2):
                C = out[start + 2 * row + axis]
                for column in range(columns):
                    C[column] = elastic_px * bump_height(seed, axis * bumps + row * columns + column)
        for axis in range(2):
            out[start + 2 * rows + axis, columns] = affine[3 * axis]
            out[start + 2 * rows + axis, columns + 1] = affine[3 * axis + 1]
            out[start + 2 * (rows + 1) + axis, columns] = affine[3 * axis + 2]


def resample(
    picture: Array, height: int, width: int, x: Array, y: Array, squares: Array, places: Array, out: Array
) -> None:
    """out (height * width,) = the picture (height * width,), uint8, at x, y of the framed picture, as numbers in 0..1.

    Four neighbouring pixels are read as one number of 32 bits, since reading at scattered places takes the longest.
    squares: uint32 ((height + 2) * (width + 3),); places: uint32 (height * width,); x, y: are overwritten.
    """
    stride = width + 3
    framed = np.empty(squares.size + stride + 1, np.uint8)
    for i in range(framed.size):
        framed[i] = 0  # 1 pixel above and left of the picture, 2 below and right
    for i in range(height):
        row, copied = framed[(i + 1) * stride + 1 :], picture[i * width :]
        for j in range(width):
            row[j] = copied[j]
    right, below, diagonal = framed[1:], framed[stride:], framed[stride + 1 :]
    for i in range(squares.size):
        upper = np.uint32(framed[i]) | np.uint32(right[i]) << np.uint32(8)
        squares[i] = upper | np.uint32(below[i]) << np.uint32(16) | np.uint32(diagonal[i]) << np.uint32(24)
    zero, most_x, most_y = np.float32(0), np.float32(width + 1), np.float32(height + 1)
    for i in range(places.size):
        at_x, at_y = min(max(x[i], zero), most_x), min(max(y[i], zero), most_y)
        column, line = np.int32(at_x), np.int32(at_y)
        x[i], y[i] = at_x - np.float32(column), at_y - np.float32(line)
        places[i] = np.uint32(line * np.int32(stride) + column)
    for i in range(places.size):
        places[i] = squares[np.uintp(places[i])]
    byte, white = np.uint32(255), np.float32(255)
    for i in range(places.size):
        square = places[i]
        p, q = np.float32(np.int32(square & byte)), np.float32(np.int32(square >> np.uint32(8) & byte))
        r, s = np.float32(np.int32(square >> np.uint32(16) & byte)), np.float32(np.int32(square >> np.uint32(24)))
        p += x[i] * (q - p)
        r += x[i] * (s - r)
        out[i] = (p + y[i] * (r - p)) / white


def varied(pixels: Array, samples: Array, draws: Draws, first: int, form: Form, out: Array) -> None:
    """out (n, in_dim) = pictures varied as `engine.augment` does, to within rounding.

    pixels: uint8 (N, in_dim); samples: (n,), indices of pictures; draws: the first picture's are in row `first`.
    """
    n, width, height, rows, columns, stride = len(samples), form.width, *form.down.shape, *form.across.shape
    C, waves = np.empty((n * rows * 2, columns), np.float32), np.empty((n * rows * 2, stride), np.float32)
    moves, spare = np.empty((height, 2 * stride), np.float32), np.empty(SPARE, np.float32)
    coefficients(draws, first, form, C)
    product(C[:, :columns], form.across, AS_IT_IS, waves, spare)
    x, y = np.empty(height * width, np.float32), np.empty(height * width, np.float32)
    squares, places = np.empty((height + 2) * (width + 3), np.uint32), np.empty(height * width, np.uint32)
    middle_x, middle_y = np.float32((width + 1) / 2), np.float32((height + 1) / 2)  # counted from the frame's corner
    for picture in range(n):
        start = picture * rows * 2
        product(form.down[:, :rows], waves[start : start + rows * 2].reshape(rows, 2 * stride), AS_IT_IS, moves, spare)
        for i in range(height):
            row_x, row_y, move = x[i * width : (i + 1) * width], y[i * width : (i + 1) * width], moves[i]
            for j in range(width):
                row_x[j] = move[j] + middle_x
                row_y[j] = move[stride + j] + middle_y
        resample(pixels[samples[picture]], height, width, x, y, squares, places, out[picture])
        if draws.thicker_px[first + picture] != 0:
            change_pen_width(out[picture].reshape(height, width), draws.thicker_px[first + picture], x)


def change_pen_width(picture: Array, thicker_px: Any, spare: Array) -> None:
    """Make lines thicker, or thinner if thicker_px < 0, as `engine.augment` does. spare: (pixels or more,), float32."""
    height, width = picture.shape
    sign = np.float32(1) if thicker_px > 0 else np.float32(-1)
    blend = min(abs(thicker_px) / np.float32(2), np.float32(1))
    for i in range(height):
        above, below = picture[max(i - 1, 0)], picture[min(i + 1, height - 1)]
        row = picture[i]
        for j in range(width):
            beside = max(sign * row[max(j - 1, 0)], sign * row[min(j + 1, width - 1)])
            extreme = sign * max(max(sign * row[j], beside), max(sign * above[j], sign * below[j]))
            spare[i * width + j] = row[j] + blend * (extreme - row[j])
    for i in range(height):
        for j in range(width):
            picture[i, j] = spare[i * width + j]


# ---------------------------------------------------------------- workers

ASKED: Any = np.int64(0)
COMPUTED: Any = np.int64(1)
"""Rows of `signals`: the last requested step; then, for each worker, the last step whose values and their gradients are
computed; then, those whose gradients are known, if they are clipped; then, those whose update is done (`updated`);
then, how far they are, in MEETINGS a step, if hidden layers are normalized (`meet`)."""
MEETINGS: Any = np.int64(2 * MAX_LAYERS)
PATIENT: Any = np.int64(1 << 60)
TURNS: Any = np.arange(3)
AT_ONCE, GRADIENTS, PARAMETERS_CLIPPED = TURNS
"""The turns of an update."""
WEIGHTS: Any = np.bool_(True)
BIASES: Any = np.bool_(False)
"""What is updated: weights have penalties."""


class Memory(NamedTuple):
    """Everything that the workers read and write. Steps are numbered; a chunk has consecutive steps.

    pixels (uint8) or numbers: (N, in_dim), the inputs; the other one is empty. labels: (N,). samples: indices for the
    chunk, batch_size per step, perhaps fewer for the last. table: from the network's `Program`. parameters, gradient:
    of all layers, packed; first, second: the optimizer's state, packed in the same way (empty if it has less). values:
    the inputs and each layer's outputs, at offset times batch_size; value_gradients: likewise. targets: (batch_size,).
    spare: (workers, SPARE), for products. pieces: CACHED numbers for each worker, for gradients that are not kept.
    optimizer: the code of its formula. For each step of the chunk: constants (10,): those of the formula (7,), l1, l2
    and clip_norm; correct (workers,), how many samples each worker classified correctly; and losses (batch_size,), each
    sample's. squares: sums of squares of gradients, for each input and each bias of each layer. draws: how the pictures
    of an epoch are varied, if they are; form: of these pictures. dropout, smoothing: see `drop`, `cross_entropy`.
    If hidden layers are normalized, sums holds what they add up, and sum_gradients the gradients of their normalized
    sums, both in the places of the layers' outputs among the values; moments (4 workers, values): each worker's, for
    `normalize_vjp`. Otherwise these are empty. seen: uint8 (in_dim, neurons), 0 where a neuron of the first layer does
    not see an input; empty if all are seen.
    """

    pixels: Array
    numbers: Array
    labels: Array
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
    spare: Array
    pieces: Array
    constants: Array
    correct: Array
    losses: Array
    squares: Array
    signals: Array
    draws: Draws
    form: Form
    dropout: Dropout
    smoothing: float
    sums: Array
    sum_gradients: Array
    moments: Array
    seen: Array


def read_only(array: Array) -> Array:
    """A view of an array that cannot be written to. Numba would compile the loops once more for one that can."""
    view = array.view()
    view.flags.writeable = False
    return view


def no_memory(dtype: DTypeLike) -> Memory:
    """Memory for nothing, of the types that the memory of every network of this dtype has."""
    numbers, row, losses = np.empty((0, 0), dtype), np.empty(0, dtype), np.empty((0, 0))
    indices, counts, singles = np.empty(0, np.intp), np.empty((0, 0), np.int64), np.empty((0, 0), np.float32)
    return Memory(
        pixels=read_only(np.empty((0, 0), np.uint8)),
        numbers=read_only(numbers),
        labels=indices,
        samples=indices,
        batch_size=0,
        table=counts,
        parameters=row,
        gradient=row,
        optimizer=NO_FORMULA,
        first=row,
        second=row,
        values=row,
        value_gradients=row,
        targets=indices,
        spare=numbers,
        pieces=row,
        constants=numbers,
        correct=counts,
        losses=losses,
        squares=np.empty(0),
        signals=counts,
        draws=Draws(singles, np.empty(0, np.int64), np.empty(0, np.float32)),
        form=Form(0, singles, singles, 0.0),
        dropout=Dropout(np.uint64(0), 0, 1.0),
        smoothing=0.0,
        sums=row,
        sum_gradients=row,
        moments=numbers,
        seen=np.empty((0, 0), np.uint8),
    )


def values_at(offset: int, memory: Array, batch_size: int, rows: int, columns: int) -> Array:
    """A mini-batch's values at an offset from the table: (rows, columns)."""
    start = offset * batch_size
    return memory[start : start + rows * columns].reshape(rows, columns)


def layer_at(start: int, packed: Array, fan_in: int, fan_out: int) -> tuple[Array, Array]:
    """W^T (fan_in, fan_out) and b (fan_out,), or their gradients, of the layer that starts at this position."""
    end = start + fan_in * fan_out
    return packed[start:end].reshape(fan_in, fan_out), packed[end : end + fan_out]


def read_inputs(memory: Memory, samples: Array, first_draw: int, x: Array) -> None:
    """x (n, in_dim) = the inputs of these samples (n,), varied if they have a form."""
    if memory.form.width:
        varied(memory.pixels, samples, memory.draws, first_draw, memory.form, x)
        return
    for i in range(len(samples)):
        sample = samples[i]
        if len(memory.pixels):
            for j in range(x.shape[1]):
                x[i, j] = x.dtype.type(memory.pixels[sample, j]) / x.dtype.type(255)
        else:
            for j in range(x.shape[1]):
                x[i, j] = memory.numbers[sample, j]


def meet(memory: Memory, worker: int, step: int, number: int) -> None:
    """Wait until all workers have come to this meeting of a step that all have begun: see `do_steps`."""
    workers = len(memory.spare)
    first, reached = updated(0, workers) + workers, step * MEETINGS + number
    signal(memory.signals, first + worker, reached)
    wait_until(memory.signals, first, first + workers, reached, PATIENT)


def moments_at(memory: Memory, worker: int, which: int, offset: int, neurons: int) -> Array:
    """A worker's mean (0) or factor (1) of each of a layer's sums, or mean (2) or slope (3) of their gradients."""
    row: Array = memory.moments[4 * worker + which]
    return row[offset : offset + neurons]


def normalize(memory: Memory, worker: int, step: int, number: int, offset: int, n: int, begin: int, y: Array) -> None:
    """y (own samples, neurons) = a hidden layer's sums from sample `begin` on, normalized over all n samples.

    Every worker computes means and factors, from all samples in the same order, which takes less time than to wait for
    others once more. number: of the meeting before; offset: of the layer's outputs. See `engine.normalization`.
    """
    meet(memory, worker, step, number)
    z = values_at(offset, memory.sums, memory.batch_size, n, y.shape[1])
    mean, factor = moments_at(memory, worker, 0, offset, y.shape[1]), moments_at(memory, worker, 1, offset, y.shape[1])
    count, one, epsilon = y.dtype.type(n), y.dtype.type(1), y.dtype.type(EPSILON)
    mean[:] = 0
    factor[:] = 0
    for i in range(n):
        row = z[i]
        for j in range(mean.size):
            mean[j] += row[j]
    for j in range(mean.size):
        mean[j] /= count
    for i in range(n):
        row = z[i]
        for j in range(mean.size):
            centred = row[j] - mean[j]
            factor[j] += centred * centred
    for j in range(mean.size):
        factor[j] = one / np.sqrt(factor[j] / count + epsilon)
    for i in range(y.shape[0]):
        row, y_row = z[begin + i], y[i]
        for j in range(mean.size):
            y_row[j] = (row[j] - mean[j]) * factor[j]


def normalize_vjp(
    memory: Memory, worker: int, step: int, number: int, offset: int, n: int, begin: int, z_gradient: Array
) -> None:
    """z_gradient (own samples, neurons) = dL/d(sums) of a hidden layer, from dL/d(normalized sums) of all n samples."""
    meet(memory, worker, step, number)
    neurons = z_gradient.shape[1]
    z = values_at(offset, memory.sums, memory.batch_size, n, neurons)
    g = values_at(offset, memory.sum_gradients, memory.batch_size, n, neurons)
    mean, factor = moments_at(memory, worker, 0, offset, neurons), moments_at(memory, worker, 1, offset, neurons)
    g_mean, slope = moments_at(memory, worker, 2, offset, neurons), moments_at(memory, worker, 3, offset, neurons)
    count = z.dtype.type(n)
    g_mean[:] = 0
    slope[:] = 0
    for i in range(n):
        row, g_row = z[i], g[i]
        for j in range(neurons):
            g_mean[j] += g_row[j]
            slope[j] += g_row[j] * ((row[j] - mean[j]) * factor[j])
    for j in range(neurons):
        g_mean[j] /= count
        slope[j] /= count
    for i in range(z_gradient.shape[0]):
        row, g_row, out = z[begin + i], g[begin + i], z_gradient[i]
        for j in range(neurons):
            normalized = (row[j] - mean[j]) * factor[j]
            out[j] = (g_row[j] - g_mean[j] - normalized * slope[j]) * factor[j]


def propagate(
    memory: Memory,
    worker: int,
    step: int,
    samples: Array,
    first_draw: int,
    mini_batch: int,
    begin: int,
    end: int,
    losses: Array,
) -> int:
    """Forward, and backward to the outputs of the first layer, for samples begin to end of a mini-batch.

    first_draw: the row of `draws` for the mini-batch's first sample; mini_batch: its number in the run. Fills in the
    losses of these samples, and returns how many are correct.
    """
    table, parameters, batch_size = memory.table, memory.parameters, memory.batch_size
    last, spare, n, normalizes = len(table) - 1, memory.spare[worker], len(samples), memory.sums.size > 0
    x = values_at(table[0, INPUTS], memory.values, batch_size, batch_size, table[0, FAN_IN])[begin:end]
    target = memory.targets[begin:end]
    for i in range(end - begin):
        target[i] = memory.labels[samples[begin + i]]
    read_inputs(memory, samples[begin:end], first_draw + begin, x)
    for layer in range(last + 1):
        fan_in, fan_out = table[layer, FAN_IN], table[layer, FAN_OUT]
        W, b = layer_at(table[layer, PARAMETERS], parameters, fan_in, fan_out)
        offset = table[layer, OUTPUTS]
        y = values_at(offset, memory.values, batch_size, batch_size, fan_out)[begin:end]
        is_normalized = normalizes and layer < last
        sums = memory.sums if is_normalized else memory.values
        z = values_at(offset, sums, batch_size, batch_size, fan_out)[begin:end]
        if is_sparse(x[:, :fan_in]):
            sparse_product(x[:, :fan_in], AS_IT_IS, W, AS_IT_IS, z, spare)
        else:
            product(x[:, :fan_in], W, AS_IT_IS, z, spare)
        if is_normalized:
            normalize(memory, worker, step, layer + 1, offset, n, begin, y)
        activate(y, b, table[layer, ACTIVATION])
        if layer < last and memory.dropout.threshold > 0:
            drop(y, begin, layer, mini_batch, memory.dropout)
        x = y
    g = values_at(table[last, OUTPUTS], memory.value_gradients, batch_size, batch_size, table[last, FAN_OUT])[begin:end]
    correct = cross_entropy(x, target, len(samples), memory.smoothing, g, losses[begin:end])
    for layer in range(last, 0, -1):  # the gradient of the inputs is not needed
        offset, fan_in, fan_out = table[layer, INPUTS], table[layer, FAN_IN], table[layer, FAN_OUT]
        W, _ = layer_at(table[layer, PARAMETERS], parameters, fan_in, fan_out)
        x_gradients = memory.sum_gradients if normalizes else memory.value_gradients
        x_gradient = values_at(offset, x_gradients, batch_size, batch_size, fan_in)[begin:end]
        if is_sparse(g[:, :fan_out]):
            sparse_product(g[:, :fan_out], AS_IT_IS, W, TRANSPOSED, x_gradient, spare)
        else:
            product(g[:, :fan_out], W, TRANSPOSED, x_gradient, spare)
        y = values_at(offset, memory.values, batch_size, batch_size, fan_in)[begin:end]
        if memory.dropout.threshold > 0:
            drop(x_gradient, begin, layer - 1, mini_batch, memory.dropout)
        activation_vjp(x_gradient, y, table[layer - 1, ACTIVATION], 1 / memory.dropout.scale)
        g = x_gradient
        if normalizes:
            g = values_at(offset, memory.value_gradients, batch_size, batch_size, fan_in)[begin:end]
            normalize_vjp(memory, worker, step, 2 * last + 1 - layer, offset, n, begin, g)
    return correct


def mask(W_gradient: Array, seen: Array) -> None:
    """Set to 0 the gradients of weights (inputs, neurons) of inputs that a neuron does not see: uint8, as they are."""
    zero = W_gradient.dtype.type(0)
    for i in range(len(seen)):
        row, sees = W_gradient[i], seen[i]
        for j in range(row.size):
            row[j] = row[j] if sees[j] else zero


def update(memory: Memory, worker: int, samples: Array, constants: Array, turn: int, keeps: bool) -> None:
    """Compute the gradient of one worker's part of each layer's parameters, from all samples, and update that part.

    A part has the weights of some of the layer's inputs, and some of its biases. turn: AT_ONCE, or first GRADIENTS,
    with their squares, and then PARAMETERS_CLIPPED, since clipping needs the norm of all gradients. keeps: whether the
    gradient is needed afterwards; otherwise that of the weights, a piece at a time, never leaves the cache.
    """
    workers, square_at = len(memory.spare), 0
    factor = clip_factor(memory.squares, constants[9]) if turn == PARAMETERS_CLIPPED else 1.0
    n, batch_size, spare = len(samples), memory.batch_size, memory.spare[worker]
    piece_size = len(memory.pieces) // workers
    for layer in range(len(memory.table)):
        place, fan_in, fan_out = (
            memory.table[layer, PARAMETERS],
            memory.table[layer, FAN_IN],
            memory.table[layer, FAN_OUT],
        )
        x = values_at(memory.table[layer, INPUTS], memory.values, batch_size, n, fan_in)
        g = values_at(memory.table[layer, OUTPUTS], memory.value_gradients, batch_size, n, fan_out)
        skips = turn != PARAMETERS_CLIPPED and is_sparse(x[:, :fan_in])
        begin, end = fan_in * worker // workers, fan_in * (worker + 1) // workers
        some = min(max(2, CACHED // fan_out), SPARSE_ROWS)  # inputs at a time: their gradient stays in the cache
        for i in range(begin, end, some):
            until = min(i + some, end)
            start, stop = place + i * fan_out, place + until * fan_out
            gradient = memory.gradient[start:stop]
            if not keeps and gradient.size <= piece_size:
                gradient = memory.pieces[worker * piece_size : worker * piece_size + gradient.size]
            W_gradient = gradient.reshape(until - i, fan_out)
            if skips:
                sparse_product(x[:, i:until], TRANSPOSED, g, AS_IT_IS, W_gradient, spare)
            elif turn != PARAMETERS_CLIPPED:
                product(x[:, i:until].T, g, AS_IT_IS, W_gradient, spare)
            if layer == 0 and len(memory.seen) > 0 and turn != PARAMETERS_CLIPPED:
                mask(W_gradient, memory.seen[i:until])
            if turn == GRADIENTS:
                for row in range(i, until):
                    row_at = place + row * fan_out
                    memory.squares[square_at + row] = squares(memory, row_at, row_at + fan_out, constants, WEIGHTS)
            else:
                optimize(memory, gradient, spare, start, stop, constants, WEIGHTS, factor)
        place += fan_in * fan_out
        begin, end = fan_out * worker // workers, fan_out * (worker + 1) // workers
        b_gradient = memory.gradient[place + begin : place + end]
        if turn != PARAMETERS_CLIPPED:
            if memory.sums.size > 0 and layer < len(memory.table) - 1:  # the bias is added after normalization
                g = values_at(memory.table[layer, OUTPUTS], memory.sum_gradients, batch_size, n, fan_out)
            bias_gradient(g[:, begin:end], b_gradient)
        if turn == GRADIENTS:
            for i in range(begin, end):
                memory.squares[square_at + fan_in + i] = squares(memory, place + i, place + i + 1, constants, BIASES)
        else:
            optimize(memory, b_gradient, spare, place + begin, place + end, constants, BIASES, factor)
        square_at += fan_in + fan_out


def penalised(gradient: Any, value: Any, constants: Array) -> Any:
    """A weight's gradient with those of the penalties: see `engine.optim.Optimizer`."""
    l1, l2 = constants[7], constants[8]
    if value > 0:
        return gradient + (l2 * value + l1)
    return gradient + (l2 * value - l1 if value < 0 else l2 * value)


def squares(memory: Memory, start: int, end: int, constants: Array, are_weights: bool) -> Any:
    """The sum of the squares of the gradients, with those of the penalties, of the packed parameters start to end."""
    total, has_penalties = memory.gradient.dtype.type(0), are_weights and (constants[7] != 0 or constants[8] != 0)
    for i in range(start, end):
        g = memory.gradient[i]
        if has_penalties:
            g = penalised(g, memory.parameters[i], constants)
        total += g * g
    return total


def clip_factor(squares: Array, clip_norm: float) -> float:
    """What all gradients are multiplied by."""
    total = 0.0
    for i in range(squares.size):
        total += squares[i]
    norm = np.sqrt(total)
    return 1.0 if norm <= clip_norm else clip_norm / norm


def optimize(
    memory: Memory,
    gradients: Array,
    spare: Array,
    start: int,
    end: int,
    constants: Array,
    are_weights: bool,
    factor: float,
) -> None:
    """Update the packed parameters from start to end, if the optimizer has a compiled formula.

    gradients: (end - start,), theirs; factor: multiplies them, with those of the penalties.
    """
    if memory.optimizer == NO_FORMULA:
        return
    has_penalties = are_weights and (constants[7] != 0 or constants[8] != 0)
    for at in range(start, end, PIECE):
        until = min(at + PIECE, end)
        values, gradient = memory.parameters[at:until], gradients[at - start : until - start]
        if has_penalties or factor != 1:
            used, scale = spare[: until - at], values.dtype.type(factor)
            for i in range(used.size):
                g = gradient[i]
                if has_penalties:
                    g = penalised(g, values[i], constants)
                used[i] = g * scale
            gradient = used
        if constants[6] != 1:
            for i in range(values.size):
                values[i] *= constants[6]
        if memory.optimizer == ADAM:
            adam(values, gradient, memory.first[at:until], memory.second[at:until], constants)
        elif memory.optimizer == MOMENTUM:
            momentum(values, gradient, memory.first[at:until], constants)
        else:
            sgd(values, gradient, constants)


def yield_thread() -> None:
    """Yield the processor to another waiting thread."""


def wait_until(signals: Array, first: int, end: int, step: int, patience: int) -> bool:
    """Poll the signals in rows first to end, at most `patience` times each. Returns whether all have reached this
    step.
    """
    for row in range(first, end):
        looks = 0
        while signalled(signals, row) < step:
            looks += 1
            if looks >= patience:
                return False
            if looks % 64 == 0:
                yield_thread()
    return True


def updated(worker: int, workers: int) -> int:
    """The row of a worker's signal that it has updated its part of the parameters."""
    return 1 + 2 * workers + worker


def work(worker: int, first_step: int, last_step: int, patience: int, memory: Memory) -> bool:
    """`do_steps`, without subnormal numbers."""
    mode = exchange_float_mode(WITHOUT_SUBNORMALS)
    is_done = do_steps(worker, first_step, last_step, patience, memory)
    exchange_float_mode(mode)
    return is_done


def do_steps(worker: int, first_step: int, last_step: int, patience: int, memory: Memory) -> bool:
    """Do one worker's part of these steps. Returns False if it timed out waiting for another: then call it again.

    Worker 0 requests the steps. Their chunk began with step signals[ASKED, 1], has signals[ASKED, 2] samples,
    its first sample is the one at signals[ASKED, 3] in its epoch, and its first mini-batch has the number
    signals[ASKED, 4].
    """
    signals, batch_size, workers = memory.signals, memory.batch_size, len(memory.spare)
    own, known = updated(worker, workers), COMPUTED + workers
    first_updated = own - worker
    if worker == 0:
        signal(signals, ASKED, last_step)
    for step in range(first_step, last_step + 1):
        if not (
            wait_until(signals, ASKED, COMPUTED, step, patience)
            and wait_until(signals, first_updated, first_updated + workers, step - 1, patience)
        ):
            return False
        index = step - signals[ASKED, 1]
        samples = memory.samples[index * batch_size : min((index + 1) * batch_size, signals[ASKED, 2])]
        if signals[COMPUTED + worker, 0] < step:
            if memory.sums.size > 0:
                # Who propagates cannot time out, as it could not go on in the middle. So all must have come before one
                # begins; worker 0, which an exception may end where it times out, then opens the meeting.
                begun, reached = first_updated + workers, step * MEETINGS
                if worker > 0:
                    signal(signals, begun + worker, reached)
                first, end = (begun + 1, len(signals)) if worker == 0 else (begun, begun + 1)
                if not wait_until(signals, first, end, reached, patience):
                    return False
                if worker == 0:
                    signal(signals, begun, reached)
            n, draw, number = len(samples), signals[ASKED, 3] + index * batch_size, signals[ASKED, 4] + index
            begin, end = n * worker // workers, n * (worker + 1) // workers
            memory.correct[index, worker] = propagate(
                memory, worker, step, samples, draw, number, begin, end, memory.losses[index]
            )
            signal(signals, COMPUTED + worker, step)
        if not wait_until(signals, COMPUTED, known, step, patience):
            return False
        constants = memory.constants[index]
        first_turn, last_turn = (AT_ONCE, AT_ONCE) if constants[9] == 0 else (GRADIENTS, PARAMETERS_CLIPPED)
        for turn in range(first_turn, last_turn + 1):
            done = known + worker if turn == GRADIENTS else own
            if signals[done, 0] < step:
                update(memory, worker, samples, constants, turn, turn != AT_ONCE or step == signals[ASKED, 0])
                signal(signals, done, step)
            if turn == GRADIENTS and not wait_until(signals, known, first_updated, step, patience):
                return False
    return wait_until(signals, first_updated, first_updated + workers, last_step, patience)


# ---------------------------------------------------------------- the processor


class _OneBlasThread:
    """Limits BLAS to one thread between the first `begin()` and the last `end()`.

    The workers do not use it, and what others multiply meanwhile should leave them their processors. The number of BLAS
    threads belongs to the whole process, so there is one instance.
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


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """BLAS uses one thread, if threadpoolctl is installed: with more, products have other last digits."""
    try:
        ONE_BLAS_THREAD.begin()
    except ImportError:
        yield
        return
    try:
        yield
    finally:
        ONE_BLAS_THREAD.end()
