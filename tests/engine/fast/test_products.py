"""Products of matrices, as plain Python and as machine code."""

from functools import cache

import numpy as np
import pytest

from engine.fast import products
from engine.fast.compiler import machine_code

SHAPES = [(0, 3, 2), (1, 1, 1), (3, 0, 5), (5, 130, 20), (7, 65, 300), (300, 9, 16)]
"""Rows, products in each sum, columns: with and without edges, parts and a second part."""


@pytest.fixture(params=["python", "machine"])
def multiply(request):
    """Returns what a product writes, as plain Python or compiled."""

    def run(product, *factors, shape):
        dtype = factors[0].dtype
        function = _compiled(product, dtype.char) if request.param == "machine" else product
        out = np.full(shape, np.nan, dtype)
        spare = np.full(products.SPARE, np.nan, dtype)
        function(*factors, out, spare)
        return out

    return run


@cache
def _compiled(product, dtype):
    """The code that the engine runs, which takes parts of arrays. Called by its types, for which arrays in one piece
    do, too: Numba's own choice would be to compile it anew for each order of their numbers."""
    numba = pytest.importorskip("numba")
    a, b, out = np.ones((3, 2, 3), dtype)[..., :2]
    as_it_is = products.AS_IT_IS
    factors = (a, b, as_it_is) if product is products.product else (a, as_it_is, b, as_it_is)
    example = *factors, out, np.empty(products.SPARE, dtype)
    function = machine_code(product, *example)
    assert function is not None
    return function.overloads[tuple(map(numba.typeof, example))].entry_point


def matrices(shape, dtype, density=1.0):
    rng = np.random.default_rng(0)
    rows, inner, columns = shape
    a = rng.normal(size=(rows, inner)) * (rng.random((rows, inner)) < density)
    return a.astype(dtype), rng.normal(size=(inner, columns)).astype(dtype)


def transposed(a):
    return np.ascontiguousarray(a.T)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_product(shape, dtype, multiply):
    a, b = matrices(shape, dtype)
    expected = a.astype(np.float64) @ b
    out = multiply(products.product, a, b, False, shape=expected.shape)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1000 * np.finfo(dtype).eps)
    for factors in ((a, transposed(b), True), (transposed(a).T, b, False)):
        np.testing.assert_array_equal(multiply(products.product, *factors, shape=out.shape), out)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("density", [0, 0.2, 1])
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape[0] <= products.SPARSE_ROWS])
def test_a_sparse_product_has_the_bits_of_a_product(shape, density, dtype, multiply):
    a, b = matrices(shape, dtype, density)
    out = multiply(products.product, a, b, False, shape=(shape[0], shape[2]))
    left, right = ((a, False), (transposed(a), True)), ((b, False), (transposed(b), True))
    for factors in (left[0] + right[0], left[1] + right[0], left[0] + right[1], left[1] + right[1]):
        np.testing.assert_array_equal(multiply(products.sparse_product, *factors, shape=out.shape), out)


@pytest.mark.parametrize("rows", [1, 2, 64, 65])
def test_few_numbers_are_sparse_and_many_are_not(rows):
    rng = np.random.default_rng(0)
    for columns in (10, 64, 300):
        drawn = rng.random((rows, columns))
        assert [products.is_sparse((drawn < share) * drawn) for share in (0, 0.1, 0.9, 1)] == [True, True, False, False]


def test_a_part_has_the_bits_that_it_has_in_the_whole(multiply):
    """So that numbers do not depend on how many workers share the rows."""
    a, b = matrices((23, 200, 70), np.float32)
    whole = multiply(products.product, a, b, False, shape=(23, 70))
    for first, end in [(0, 1), (1, 6), (6, 23)]:
        part = multiply(products.product, a[first:end], b, False, shape=(end - first, 70))
        np.testing.assert_array_equal(part, whole[first:end])
