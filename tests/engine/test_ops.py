"""Every operation before the judge, and the judge before wrong operations."""

# ruff: noqa: ARG005 - a rule takes what every rule takes

import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from judge import away_from_zero, judge, modestly, positive

from engine import Tensor, ops
from engine.ops import Op
from engine.tensor import apply

SHAPES = npst.array_shapes(min_dims=0, max_dims=3, max_side=4)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def cross_entropy(logits, target):
    return np.mean([np.log(np.exp(row).sum()) - row[chosen] for row, chosen in zip(logits, target, strict=True)])


# ---------------------------------------------------------------- the judge itself

TARGET = np.array([2, 0])
ONE_OF_EACH = {
    "add": (np.add, [(2, 3), (3,)]),
    "subtract": (np.subtract, [(2, 3), (3,)]),
    "multiply": (np.multiply, [(2, 3), (3,)]),
    "divide": (np.divide, [(2, 3), (3,)]),
    "power": (np.power, [(2, 3), (3,)]),
    "negative": (np.negative, [(2, 3)]),
    "exp": (np.exp, [(2, 3)]),
    "log": (np.log, [(2, 3)]),
    "tanh": (np.tanh, [(2, 3)]),
    "relu": (lambda a: np.maximum(a - 1, 0), [(2, 3)], lambda a: (a - 1).relu()),
    "sigmoid": (sigmoid, [(2, 3)]),
    "sum": (lambda a: a.sum(1), [(2, 3)], lambda a: a.sum(1)),
    "mean": (lambda a: a.mean(1), [(2, 3)], lambda a: a.mean(1)),
    "max": (lambda a: a.max(1), [(2, 3)], lambda a: a.max(1)),
    "reshape": (lambda a: a.reshape(3, 2), [(2, 3)], lambda a: a.reshape(3, 2)),
    "transpose": (np.transpose, [(2, 3)], lambda a: a.T),
    "broadcast_to": (lambda a: np.broadcast_to(a, (2, 3)), [(2, 1)], lambda a: a.broadcast_to(2, 3)),
    "getitem": (lambda a: a[:, [0, 0]], [(2, 3)], lambda a: a[:, [0, 0]]),
    "matmul": (np.matmul, [(2, 3), (3, 4)]),
    "linear": (lambda x, W, b: x @ W.T + b, [(2, 3), (4, 3), (4,)]),
    "cross_entropy": (
        lambda a: cross_entropy(a, TARGET),
        [(2, 3)],
        lambda a: apply(ops.cross_entropy, a, target=TARGET),
    ),
}


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_rule(name):
    reference, shapes, *f = ONE_OF_EACH[name]
    arguments = [positive(shape, seed) for seed, shape in enumerate(shapes)]
    judge(f[0] if f else lambda *tensors: apply(getattr(ops, name), *tensors), reference, *arguments)


def test_no_operation_escapes_the_judge():
    assert {op.name for op in vars(ops).values() if isinstance(op, Op)} == set(ONE_OF_EACH)


WRONG = {
    "a factor is missing": Op("wrong", np.exp, (lambda g, y, a: g,)),
    "the incoming gradient is ignored": Op("wrong", np.exp, (lambda g, y, a: y,)),
    "a little too large": Op("wrong", np.exp, (lambda g, y, a: 1.00001 * g * y,)),
    "the wrong sign": Op("wrong", np.exp, (lambda g, y, a: -g * y,)),
    "the wrong place": Op("wrong", np.exp, (lambda g, y, a: np.roll(g * y, 1),)),
    "argument 1 of two": Op("wrong", np.multiply, (lambda g, y, a, b: g * b, lambda g, y, a, b: g * b)),
}


@pytest.mark.parametrize("fault", WRONG)
def test_judge_rejects_a_wrong_rule(fault):
    op = WRONG[fault]
    arguments = [positive((3,), seed) for seed in range(len(op.vjps))]
    with pytest.raises(AssertionError, match=f"gradient {len(op.vjps) - 1}"):
        judge(lambda *tensors: apply(op, *tensors), op.forward, *arguments)


def test_judge_rejects_a_wrong_value():
    with pytest.raises(AssertionError, match="value"):
        judge(lambda a: a.exp(), np.exp2, positive((3,)))


def test_judge_rejects_a_wrong_shape():
    with pytest.raises(AssertionError, match="shape"):
        judge(lambda a: a.sum(), lambda a: a.sum(keepdims=True), positive((3,)))


def test_judge_rejects_an_operation_that_changes_its_argument():
    inplace = Op("inplace", lambda a: np.multiply(a, 2, out=a), (lambda g, y, a: 2 * g,))
    with pytest.raises(AssertionError, match="was changed"):
        judge(lambda a: apply(inplace, a), lambda a: 2 * a, positive((3,)))


# ---------------------------------------------------------------- element by element


@pytest.mark.parametrize("op", [operator.add, operator.sub, operator.mul, operator.truediv])
@given(shapes=npst.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3))
@modestly
def test_arithmetic_broadcasts(op, shapes):
    a, b = shapes.input_shapes
    judge(op, op, away_from_zero(a, 1), away_from_zero(b, 2))


@given(shapes=npst.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3))
@modestly
def test_power_broadcasts(shapes):
    a, b = shapes.input_shapes
    judge(operator.pow, operator.pow, positive(a, 1), away_from_zero(b, 2))


@given(shape=SHAPES)
@modestly
def test_functions_of_one_argument(shape):
    x = away_from_zero(shape)
    judge(operator.neg, operator.neg, x)
    judge(Tensor.exp, np.exp, x)
    judge(Tensor.log, np.log, np.abs(x))
    judge(Tensor.tanh, np.tanh, x)
    judge(Tensor.sigmoid, sigmoid, x)
    judge(Tensor.relu, lambda a: np.maximum(a, 0), x)


ROW = np.array([0.5, -2.0, 3.0])
LIST = [2, 3.5, 4]


@pytest.mark.parametrize("op", [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow])
@pytest.mark.parametrize(
    "other",
    [3, 2.5, np.float64(2.5), np.int64(3), ROW, np.array([1, 2, 3]), LIST],
    ids=["int", "float", "float64", "int64", "array", "int array", "list"],
)
def test_any_kind_of_operand_on_either_side(op, other):
    x = positive((2, 3))
    judge(lambda t: op(t, other), lambda a: op(a, other), x)
    base = np.abs(other) if op is operator.pow else other
    judge(lambda t: op(base, t), lambda a: op(base, a), x)


def test_matmul_takes_arrays_and_lists_on_either_side():
    square = away_from_zero((3, 3), 1)
    for other in (ROW, LIST, square, square.tolist()):
        judge(lambda t, other=other: t @ other, lambda a, other=other: a @ np.array(other), away_from_zero((2, 3)))
        judge(lambda t, other=other: other @ t, lambda a, other=other: np.array(other) @ a, away_from_zero((3, 2)))


@pytest.mark.parametrize("exponent", [-2, 0, 1, 2, 3])
def test_whole_powers_of_negative_numbers(exponent):
    judge(lambda t: t**exponent, lambda a: a ** float(exponent), -positive((4,)))


@pytest.mark.parametrize(("exponent", "slope"), [(0, 0), (1, 1), (2, 0), (3.5, 0)])
def test_powers_of_zero(exponent, slope):
    base, exponents = Tensor(0.0, requires_grad=True), Tensor(exponent, requires_grad=True)
    (base**exponents).backward()
    assert base.grad == slope
    assert exponents.grad == 0


def test_relu_is_flat_at_zero():
    x = Tensor([-1.0, 0.0, 2.0], requires_grad=True)
    x.relu().sum().backward()
    np.testing.assert_array_equal(x.grad, [0, 0, 1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_far_out(dtype):
    x = Tensor(np.array([-1000, -40, 0, 1000], dtype), requires_grad=True)
    y = x.sigmoid()
    y.sum().backward()
    tail = np.exp(dtype(-40))  # 1 + e^-40 is 1, in either precision
    np.testing.assert_allclose(y.data, np.array([0, tail, 0.5, 1], dtype), rtol=4 * np.finfo(dtype).eps, atol=0)
    np.testing.assert_allclose(x.grad, np.array([0, tail, 0.25, 0], dtype), rtol=4 * np.finfo(dtype).eps, atol=0)


# ---------------------------------------------------------------- reductions


@st.composite
def shape_and_axis(draw):
    """A shape, and for its axis: None, a number or a tuple, counted from either end."""
    shape = draw(SHAPES)
    choices = [st.none(), npst.valid_tuple_axes(len(shape))]
    if shape:
        choices.append(st.integers(-len(shape), len(shape) - 1))
    return shape, draw(st.one_of(choices))


@pytest.mark.parametrize("name", ["sum", "mean", "max"])
@given(shape_and_axis=shape_and_axis(), keepdims=st.booleans())
@modestly
def test_reductions_over_any_axis(name, shape_and_axis, keepdims):
    shape, axis = shape_and_axis
    judge(
        lambda t: getattr(t, name)(axis=axis, keepdims=keepdims),
        lambda a: getattr(a, name)(axis=axis, keepdims=keepdims),
        away_from_zero(shape),
    )


def test_max_shares_its_gradient_equally_among_ties():
    x = Tensor([[1, 3, 3], [2, 2, 2]], requires_grad=True)
    (x.max(axis=1) * [6, 30]).sum().backward()
    np.testing.assert_array_equal(x.grad, [[0, 3, 3], [10, 10, 10]])


def test_max_of_everything_shares_among_ties_in_all_rows():
    x = Tensor([[1, 3, 3], [2, 3, 3]], requires_grad=True)
    x.max().backward()
    np.testing.assert_array_equal(x.grad, [[0, 0.25, 0.25], [0, 0.25, 0.25]])


# ---------------------------------------------------------------- shape


@given(data=st.data(), shape=SHAPES)
@modestly
def test_transpose_by_any_axes(data, shape):
    axes = data.draw(st.permutations(range(len(shape))))
    if axes and data.draw(st.booleans()):
        axes[0] -= len(shape)
    judge(lambda t: t.transpose(tuple(axes)), lambda a: a.transpose(axes), away_from_zero(shape))


def test_transpose_in_its_spellings():
    x = away_from_zero((2, 3, 4))
    judge(lambda t: t.T, lambda a: a.T, x)
    judge(lambda t: t.transpose(), lambda a: a.T, x)
    judge(lambda t: t.transpose(1, 2, 0), lambda a: a.transpose(1, 2, 0), x)
    judge(lambda t: t.transpose([1, 2, 0]), lambda a: a.transpose(1, 2, 0), x)


@pytest.mark.parametrize("shape", [(6,), (3, 2), (-1,), (3, -1), (1, 6, 1)])
def test_reshape(shape):
    x = away_from_zero((2, 3))
    judge(lambda t: t.reshape(shape), lambda a: a.reshape(shape), x)
    judge(lambda t: t.reshape(*shape), lambda a: a.reshape(shape), x)


def test_reshape_to_and_from_a_scalar():
    judge(lambda t: t.reshape(()), lambda a: a.reshape(()), away_from_zero((1, 1)))
    judge(lambda t: t.reshape(1, 1), lambda a: a.reshape(1, 1), away_from_zero(()))


@given(shapes=npst.mutually_broadcastable_shapes(num_shapes=1, base_shape=(2, 1, 3), max_dims=3))
@modestly
def test_broadcast_to(shapes):
    (shape,) = shapes.input_shapes
    target = shapes.result_shape
    judge(lambda t: t.broadcast_to(target), lambda a: np.broadcast_to(a, target), away_from_zero(shape))
    judge(lambda t: t.broadcast_to(*target), lambda a: np.broadcast_to(a, target), away_from_zero(shape))


# ---------------------------------------------------------------- selection


@given(data=st.data(), shape=SHAPES)
@modestly
def test_basic_indexing(data, shape):
    index = data.draw(npst.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))
    judge(lambda t: t[index], lambda a: a[index], away_from_zero(shape))


@given(data=st.data(), shape=npst.array_shapes(max_dims=3, max_side=4))
@modestly
def test_fancy_indexing(data, shape):
    index = data.draw(npst.integer_array_indices(shape, result_shape=npst.array_shapes(max_dims=2, max_side=5)))
    judge(lambda t: t[index], lambda a: a[index], away_from_zero(shape))


@given(data=st.data(), shape=SHAPES)
@modestly
def test_boolean_masks(data, shape):
    mask = data.draw(npst.arrays(bool, shape))
    judge(lambda t: t[mask], lambda a: a[mask], away_from_zero(shape))


@pytest.mark.parametrize(
    "index",
    [
        -1,
        ...,
        None,
        slice(None, None, -2),
        (..., 0),
        (0, ..., None, slice(1, 3)),
        [0, 0, 1],
        (slice(None), [2, 2, 2, 0]),
        ([1, 0, 1], [2, 2, 2]),
        (0, [1, 1], slice(None, 2)),
        np.array([[0, 1], [1, 1]]),
        np.array([True, False]),
        (np.array([True, True]), [0, 0], -1),
    ],
    ids=str,
)
def test_indices_of_every_kind(index):
    judge(lambda t: t[index], lambda a: a[index], away_from_zero((2, 3, 4)))


def test_an_element_taken_twice_gets_both_gradients():
    x = Tensor([5.0, 6.0, 7.0], requires_grad=True)
    (x[[1, 1, 0]] * [1, 10, 100]).sum().backward()
    np.testing.assert_array_equal(x.grad, [100, 11, 0])


# ---------------------------------------------------------------- products of matrices

MATMUL_SHAPES = [
    ((3,), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3,)),
    ((2, 3), (3, 4)),
    ((3,), (5, 3, 4)),
    ((5, 2, 3), (3,)),
    ((5, 2, 3), (5, 3, 4)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((1, 2, 3), (5, 3, 4)),
    ((5, 1, 2, 3), (4, 3, 2)),
    ((2, 1, 2, 3), (1, 3, 3, 2)),
    ((3,), (2, 5, 3, 4)),
    ((2, 5, 2, 3), (3,)),
    ((1, 1), (1, 1)),
]


@pytest.mark.parametrize(("left", "right"), MATMUL_SHAPES, ids=str)
def test_matmul(left, right):
    judge(operator.matmul, np.matmul, away_from_zero(left, 1), away_from_zero(right, 2))


@given(shapes=npst.mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=2, min_side=0, max_side=3))
@modestly
def test_matmul_of_any_shapes(shapes):
    left, right = shapes.input_shapes
    judge(operator.matmul, np.matmul, away_from_zero(left, 1), away_from_zero(right, 2))


def test_matmul_of_a_matrix_with_itself():
    judge(lambda a: a @ a, lambda a: a @ a, away_from_zero((3, 3)))


@pytest.mark.parametrize(("left", "right"), [((2, 3), (2, 3)), ((), (3,)), ((3,), ()), ((2, 2, 3), (3, 3, 4))])
def test_matmul_refuses_what_numpy_refuses(left, right):
    with pytest.raises(ValueError, match=r"matmul|broadcast"):
        Tensor(np.ones(left)) @ Tensor(np.ones(right))


@pytest.mark.parametrize("shape", [(3,), (2, 3), (5, 2, 3), (0, 3)])
def test_linear_takes_samples_batches_and_more(shape):
    judge(
        lambda x, W, b: apply(ops.linear, x, W, b),
        lambda x, W, b: x @ W.T + b,
        away_from_zero(shape, 1),
        away_from_zero((4, 3), 2),
        away_from_zero((4,), 3),
    )


# ---------------------------------------------------------------- softmax


def test_softmax():
    x = away_from_zero((2, 4))
    np.testing.assert_allclose(ops.softmax(x), np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True), rtol=1e-14)


def test_softmax_of_huge_logits():
    np.testing.assert_array_equal(ops.softmax(np.array([1000.0, -1000.0])), [1, 0])
