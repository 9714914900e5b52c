"""Products of matrices for `engine.fast.compiled`, faster than BLAS where matrices are as small as a mini-batch's.

Every sum of products is added in the order of k, whatever the size of the matrices and of their parts. So a part of a
product has the bits that it has in the whole, and numbers do not depend on how many workers share the rows. Whether
each product is rounded before it is added depends on the processor.

Four out of five pixels of a digit are 0, and as a network learns, so are ever more outputs of its hidden layers, if
their activation is ReLU: `sparse_product` skips them.

Matrices of float32 or float64 are in C order, or parts of such. `spare`: (SPARE,), at the start of a cache line.
"""

from typing import Any

import numpy as np

from engine.fast.intrinsics import (
    SPARSE_TILE_ROWS,
    TILE_ROWS,
    VECTOR_BYTES,
    VECTORS,
    narrow_sparse_tile,
    narrow_tile,
    nonzeros,
    ones,
    transpose,
    wide_sparse_tile,
    wide_tile,
)
from engine.ops import Array

START: Any = np.int64(0)
AS_IT_IS: Any = np.bool_(False)
TRANSPOSED: Any = np.bool_(True)
"""0, False and True. Numba would compile a function once more for each of Python's own that it is called with."""
DEPTH = 128
"""How much of k is added at a time. So many rows of b, as wide as a tile, are in the L1 cache."""
SPARSE_DEPTH, SPARSE_ROWS = 64, 256
"""The same for `sparse_product`: the bits of a number; and the most rows of its result."""
MOSTLY_NEEDED = 0.45
"""If a tile needs a larger share of the rows of b than this, dense products are faster."""
JUDGED_ROWS = 8
"""One tile in so many rows is asked."""
EDGE = TILE_ROWS * 64
SPARE = EDGE + max(DEPTH * 64, SPARSE_DEPTH * (128 + SPARSE_ROWS))
"""How many numbers a product needs memory for, meanwhile; EDGE for a tile that is wider than what is left of `out`."""


def fill(panel: Array, b: Array, is_transposed: bool, first: int, count: int, column: int, width: int) -> None:
    """panel (at least count, at least width) = b[first : first + count, column : column + width], or of b^T."""
    lanes = VECTOR_BYTES // b.itemsize
    if not is_transposed:
        for k in range(count):
            for j in range(width):
                panel[k, j] = b[first + k, column + j]
        return
    k_end, j_end = count - count % lanes, width - width % lanes
    for j in range(0, j_end, lanes):
        for k in range(0, k_end, lanes):
            transpose(b, column + j, first + k, panel, k, j)
    for j in range(width):
        for k in range(k_end if j < j_end else 0, count):
            panel[k, j] = b[column + j, first + k]


def copy(source: Array, target: Array) -> None:
    """As many of the first columns as both have."""
    width = source.shape[1] if source.shape[1] < target.shape[1] else target.shape[1]
    for row in range(len(source)):
        for column in range(width):
            target[row, column] = source[row, column]


def product(a: Array, b: Array, is_transposed: bool, out: Array, spare: Array) -> None:
    """out (n, m) = a (n, k) @ b (k, m), or a @ b^T for b (m, k)."""
    rows, inner, columns, lanes = a.shape[0], a.shape[1], out.shape[1], VECTOR_BYTES // a.itemsize
    wide = VECTORS * lanes
    edge, panel = spare[:EDGE].reshape(TILE_ROWS, -1), spare[EDGE : EDGE + DEPTH * wide].reshape(DEPTH, wide)
    for first in range(0, max(inner, 1), DEPTH):
        count = min(DEPTH, inner - first)
        factors, adds = a[:, first : first + count], first > 0
        column = START
        while column < columns:
            width = wide if column + wide <= columns else min(lanes, columns - column)
            sums = out[:, column : column + width]
            if is_transposed or width < lanes:
                fill(panel, b, is_transposed, first, count, column, width)
                needed = panel[:count, : max(width, lanes)]
            else:
                needed = b[first : first + count, column : column + width]
            for row in range(0, rows, TILE_ROWS):
                if width == wide:
                    wide_tile(factors, row, count, needed, sums, adds)
                elif width == lanes:
                    narrow_tile(factors, row, count, needed, sums, adds)
                else:
                    few, few_sums = factors[row : row + TILE_ROWS], sums[row : row + TILE_ROWS]
                    tile = edge[: len(few), :lanes]
                    if adds:
                        copy(few_sums, tile)
                    narrow_tile(few, 0, count, needed, tile, adds)
                    copy(tile, few_sums)
            column += width


def sparse_product(a: Array, a_is_transposed: bool, b: Array, b_is_transposed: bool, out: Array, spare: Array) -> None:
    """out (n, m) = a @ b, for a (n, k), which is mostly 0, and b (k, m); a is given as (k, n) and b as (m, k) if it is
    transposed.

    n: at most SPARSE_ROWS if a is. A tile has two rows, since neighbours need mostly the same rows of b.
    """
    rows, columns, inner, lanes = out.shape[0], out.shape[1], a.shape[1], VECTOR_BYTES // a.itemsize
    if a_is_transposed:
        inner = a.shape[0]
    wide = 2 * VECTORS * lanes
    edge, panel = spare[:EDGE].reshape(TILE_ROWS, -1), spare[EDGE : EDGE + SPARSE_DEPTH * wide].reshape(-1, wide)
    turned = spare[EDGE + SPARSE_DEPTH * wide :][: SPARSE_ROWS * SPARSE_DEPTH].reshape(SPARSE_ROWS, SPARSE_DEPTH)
    places = np.empty((rows + 1) // SPARSE_TILE_ROWS, np.uint64)
    for first in range(0, max(inner, 1), SPARSE_DEPTH):
        count = min(SPARSE_DEPTH, inner - first)
        if a_is_transposed:
            fill(turned, a, TRANSPOSED, START, rows, first, count)
            factors = turned[:rows, :count]
        else:
            factors = a[:, first : first + count]
        for pair in range(len(places)):
            row = pair * SPARSE_TILE_ROWS
            places[pair] = needed_places(factors, row, count)
        adds, column = first > 0, START
        while column < columns:
            width = wide if column + wide <= columns else min(lanes, columns - column)
            sums = out[:, column : column + width]
            if b_is_transposed or width < lanes:
                fill(panel, b, b_is_transposed, first, count, column, width)
                needed = panel[:count, : max(width, lanes)]
            else:
                needed = b[first : first + count, column : column + width]
            for pair in range(len(places)):
                row = pair * SPARSE_TILE_ROWS
                if adds and places[pair] == 0:
                    continue
                if width == wide:
                    wide_sparse_tile(factors, row, places[pair], needed, sums, adds)
                elif width == lanes:
                    narrow_sparse_tile(factors, row, places[pair], needed, sums, adds)
                else:
                    few, few_sums = factors[row : row + SPARSE_TILE_ROWS], sums[row : row + SPARSE_TILE_ROWS]
                    tile = edge[: len(few), :lanes]
                    if adds:
                        copy(few_sums, tile)
                    narrow_sparse_tile(few, 0, places[pair], needed, tile, adds)
                    copy(tile, few_sums)
            column += width


def needed_places(a: Array, row: int, count: int) -> np.uint64:
    """Which of the first `count` columns are not 0 in this row or the next, as bits; at most 64."""
    vectors = count * a.itemsize // VECTOR_BYTES
    places: np.uint64 = nonzeros(a, row, vectors)
    next_row = min(row + 1, a.shape[0] - 1)
    for column in range(vectors * VECTOR_BYTES // a.itemsize, count):
        if a[row, column] != 0 or a[next_row, column] != 0:
            places |= np.uint64(1) << np.uint64(column)
    return places


def is_sparse(a: Array) -> bool:
    """Whether `sparse_product` is faster for these factors (n, k), judged by some rows: whether few are not 0."""
    inner, needed, asked = a.shape[1], START, START
    for row in range(0, a.shape[0], JUDGED_ROWS):
        for first in range(0, inner, SPARSE_DEPTH):
            part = a[:, first : first + SPARSE_DEPTH]
            needed += ones(needed_places(part, row, part.shape[1]))
        asked += inner
    return bool(needed < MOSTLY_NEEDED * asked)


LOOPS = (fill, copy, product, needed_places, sparse_product, is_sparse)
"""Those to compile, each after those that it calls."""
