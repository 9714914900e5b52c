"""Every operation passes the judge, and the judge rejects wrong operations."""

# ruff: noqa: ARG005 - a rule takes what every rule takes

import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from judge import WRONG, away_from_zero, judge, modestly, positive

from engine import Tensor, concatenate, maximum, minimum, ops, stack, where
from engine.ops import Op
from engine.tensor import apply

SHAPES = npst.array_shapes(min_dims=0, max_dims=3, max_side=4)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x, axis=-1):
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


def cross_entropy(logits, target):
    return np.mean([np.log(np.exp(row).sum()) - row[chosen] for row, chosen in zip(logits, target, strict=True)])


# ---------------------------------------------------------------- the judge itself

TARGET = np.array([2, 0])
MASK = np.array([[True, False, True], [False, False, True]])
SCALE = np.array([[0, 1.25, 0], [1.25, 1.25, 0]])
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
    "sqrt": (np.sqrt, [(2, 3)]),
    "abs": (lambda a: np.abs(a - 1), [(2, 3)], lambda a: (a - 1).abs()),
    "relu": (lambda a: np.maximum(a - 1, 0), [(2, 3)], lambda a: (a - 1).relu()),
    "leaky_relu": (
        lambda a: np.where(a > 1, a - 1, 0.1 * (a - 1)),
        [(2, 3)],
        lambda a: (a - 1).leaky_relu(0.1),
    ),
    "maximum": (np.maximum, [(2, 3), (3,)]),
    "minimum": (np.minimum, [(2, 3), (3,)]),
    "where": (lambda a, b: np.where(MASK, a, b), [(2, 3), (3,)], lambda a, b: where(MASK, a, b)),
    "clip": (lambda a: np.clip(a, 0.5, 1.5), [(2, 3)], lambda a: a.clip(0.5, 1.5)),
    "dropout": (lambda a: a * SCALE, [(2, 3)], lambda a: apply(ops.dropout, a, scale=SCALE)),
    "sigmoid": (sigmoid, [(2, 3)]),
    "sum": (lambda a: a.sum(1), [(2, 3)], lambda a: a.sum(1)),
    "mean": (lambda a: a.mean(1), [(2, 3)], lambda a: a.mean(1)),
    "var": (lambda a: a.var(1), [(2, 3)], lambda a: a.var(1)),
    "std": (lambda a: a.std(1), [(2, 3)], lambda a: a.std(1)),
    "max": (lambda a: a.max(1), [(2, 3)], lambda a: a.max(1)),
    "min": (lambda a: a.min(1), [(2, 3)], lambda a: a.min(1)),
    "prod": (lambda a: a.prod(1), [(2, 3)], lambda a: a.prod(1)),
    "cumsum": (lambda a: a.cumsum(1), [(2, 3)], lambda a: a.cumsum(1)),
    "reshape": (lambda a: a.reshape(3, 2), [(2, 3)], lambda a: a.reshape(3, 2)),
    "transpose": (np.transpose, [(2, 3)], lambda a: a.T),
    "swapaxes": (lambda a: a.swapaxes(0, 2), [(2, 3, 4)], lambda a: a.swapaxes(0, 2)),
    "expand_dims": (lambda a: a[:, None], [(2, 3)], lambda a: a.expand_dims(1)),
    "squeeze": (lambda a: a[:, 0], [(2, 1, 3)], lambda a: a.squeeze(1)),
    "pad": (lambda a: np.pad(a, ((1, 2), (0, 3))), [(2, 3)], lambda a: a.pad(((1, 2), (0, 3)))),
    "concatenate": (lambda a, b: np.concatenate([a, b], 1), [(2, 3), (2, 1)], lambda a, b: concatenate([a, b], 1)),
    "stack": (lambda a, b: np.stack([a, b], 1), [(2, 3), (2, 3)], lambda a, b: stack([a, b], 1)),
    "broadcast_to": (lambda a: np.broadcast_to(a, (2, 3)), [(2, 1)], lambda a: a.broadcast_to(2, 3)),
    "getitem": (lambda a: a[:, [0, 0]], [(2, 3)], lambda a: a[:, [0, 0]]),
    "matmul": (np.matmul, [(2, 3), (3, 4)]),
    "linear": (lambda x, W, b: x @ W.T + b, [(2, 3), (4, 3), (4,)]),
    "softmax": (softmax, [(2, 3)], lambda a: a.softmax()),
    "log_softmax": (lambda a: np.log(softmax(a)), [(2, 3)], lambda a: a.log_softmax()),
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


def test_every_operation_is_judged():
    of_any_number = {ops.concatenate(2).name, ops.stack(2).name}
    assert {op.name for op in vars(ops).values() if isinstance(op, Op)} | of_any_number == set(ONE_OF_EACH)


@pytest.mark.parametrize("fault", WRONG)
def test_the_judge_rejects_a_wrong_rule(fault):
    op = WRONG[fault]
    arguments = [positive((3,), seed) for seed in range(len(op.vjps))]
    with pytest.raises(AssertionError, match=f"gradient {len(op.vjps) - 1}"):
        judge(lambda *tensors: apply(op, *tensors), op.forward, *arguments)


def test_the_judge_rejects_a_wrong_value():
    with pytest.raises(AssertionError, match="value"):
        judge(lambda a: a.exp(), np.exp2, positive((3,)))


def test_the_judge_rejects_a_wrong_shape():
    with pytest.raises(AssertionError, match="shape"):
        judge(lambda a: a.sum(), lambda a: a.sum(keepdims=True), positive((3,)))


def test_the_judge_rejects_an_operation_that_changes_its_argument():
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
    judge(Tensor.leaky_relu, lambda a: np.maximum(a, 0.01 * a), x)
    judge(abs, abs, x)
    judge(Tensor.sqrt, np.sqrt, np.abs(x))
    judge(lambda t: t.clip(-1, 0.9), lambda a: a.clip(-1, 0.9), x)
    judge(lambda t: t.clip(max=0.9), lambda a: a.clip(max=0.9), x)
    judge(lambda t: t.clip(0.9), lambda a: a.clip(0.9), x)


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


def gradients(f, *values, dtype=np.float64):
    """The gradients of the sum of f."""
    tensors = [Tensor(np.array(value, dtype), requires_grad=True) for value in values]
    with np.errstate(all="ignore"):
        f(*tensors).sum().backward()
    return [tensor.grad.tolist() for tensor in tensors]


INF, NAN = np.inf, np.nan

# What PyTorch 2.13 gives, tried with it: the result's function, the arguments, the gradient of each.
CONVENTIONS = {
    "equals share": (maximum, [[1, 2, 3], [2, 2, 2]], [[0, 0.5, 1], [1, 0.5, 0]]),
    "equals share a minimum": (minimum, [[1, 2, 3], [2, 2, 2]], [[1, 0.5, 0], [0, 0.5, 1]]),
    "NaN is everyone's": (maximum, [[NAN, 1], [1, NAN]], [[1, 1], [1, 1]]),
    "the smallest share": (Tensor.min, [[1, 3, 1]], [[0.5, 0, 0.5]]),
    "NaN is the largest": (Tensor.max, [[NAN, 3, 1]], [[1, 0, 0]]),
    "at a bound": (lambda t: t.clip(-1, 1), [[-2, -1, 0, 1, 2, NAN]], [[0, 1, 1, 1, 0, 0]]),
    "abs at 0": (abs, [[-2, 0, 2, -INF]], [[-1, 0, 1, -1]]),
    "sqrt at 0": (Tensor.sqrt, [[0, 4, INF]], [[INF, 0.25, 0]]),
    "relu of NaN": (Tensor.relu, [[-1, 0, NAN, INF]], [[0, 0, 1, 1]]),
    "leaky at 0": (lambda t: t.leaky_relu(0.1), [[-2, 0, 2]], [[0.1, 0.1, 1]]),
    "std of equals": (Tensor.std, [[3, 3, 3]], [[0, 0, 0]]),
    "prod with a zero": (Tensor.prod, [[2, 0, 3]], [[0, 6, 0]]),
    "prod with zeros": (Tensor.prod, [[0, 0, 3]], [[0, 0, 0]]),
    "power 0": (operator.pow, [[INF, NAN, 0, 2], [0, 0, 0, 0]], [[0, 0, 0, 0], [INF, NAN, 0, float(np.log(2))]]),
    "powers of 0": (operator.pow, [[0, 0, 0], [2, 0, -1]], [[0, 0, -INF], [0, 0, -INF]]),
    "only what was taken": (lambda a, b: where([True, False], a, b).sqrt(), [[4, 0], [0, 4]], [[0.25, 0], [0, 0.25]]),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CONVENTIONS)
def test_gradients_where_there_is_no_derivative_are_as_in_pytorch(case, dtype):
    f, arguments, expected = CONVENTIONS[case]
    for found, right in zip(gradients(f, *arguments, dtype=dtype), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-6)


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


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "var", "std", "prod"])
@given(shape_and_axis=shape_and_axis(), keepdims=st.booleans())
@modestly
def test_reductions_over_any_axis(name, shape_and_axis, keepdims):
    shape, axis = shape_and_axis
    judge(
        lambda t: getattr(t, name)(axis=axis, keepdims=keepdims),
        lambda a: getattr(a, name)(axis=axis, keepdims=keepdims),
        away_from_zero(shape),
    )


REDUCTIONS = ["sum", "mean", "max", "min", "var", "std", "prod"]


@pytest.mark.parametrize("name", ["sum", "max", "min"])  # NumPy allows it for these
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [0, -1])
def test_a_scalar_may_be_reduced_over_its_axis_0(name, axis, keepdims):
    judge(
        lambda t: getattr(t, name)(axis=axis, keepdims=keepdims),
        lambda a: getattr(a, name)(axis=axis, keepdims=keepdims),
        3.0,
    )


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize(("shape", "axis"), [((2, 3), 2), ((2, 3), -3), ((), 1), ((2, 3), (0, 2)), ((), (0, 0))])
def test_an_axis_out_of_range(name, shape, axis):
    with pytest.raises(np.exceptions.AxisError):
        getattr(Tensor(np.ones(shape)), name)(axis)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_an_axis_named_twice(name):
    with pytest.raises(ValueError, match=r"duplicate|repeated"):
        getattr(Tensor(np.ones((2, 3))), name)((0, -2))


@pytest.mark.parametrize("name", ["var", "std"])
@pytest.mark.parametrize("ddof", [0, 1, 2])
def test_degrees_of_freedom(name, ddof):
    judge(lambda t: getattr(t, name)(0, ddof), lambda a: getattr(a, name)(0, ddof=ddof), away_from_zero((4, 2)))
    with pytest.raises(ValueError, match="too few"):
        getattr(Tensor(np.ones((ddof, 2))), name)(0, ddof)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("shape", [(3, 4), (0, 2), (1, 1)])
def test_cumsum(shape, axis):
    judge(lambda t: t.cumsum(axis), lambda a: a.cumsum(axis), away_from_zero(shape))


@pytest.mark.parametrize("axis", [None, 0, -2, (0, 2)])
def test_prod_with_zeros(axis):
    x = away_from_zero((2, 3, 4))
    x[0, 0, 0] = x[0, 1, 1] = x[1, 1, 1] = 0
    judge(lambda t: t.prod(axis), lambda a: a.prod(axis), x)


HALF = np.float16


@pytest.mark.parametrize("count", [4096, 70_000])
def test_float16_sums_do_not_stop_at_2048(count):
    x = Tensor(np.full((count, 2), 0.5, HALF), requires_grad=True)
    x.mean().backward()
    np.testing.assert_allclose(x.grad, 0.5 / count, rtol=1e-2)
    assert x.mean().item() == 0.5
    np.testing.assert_array_equal((x * HALF(0.5)).sum(0).data, HALF(count / 4))
    np.testing.assert_array_equal((x * HALF(0.5)).cumsum(0).data[-1], HALF(count / 4))
    bias = Tensor(np.zeros(2, HALF), requires_grad=True)
    ((x + bias) * HALF(0.25)).sum().backward()
    np.testing.assert_array_equal(bias.grad, HALF(count / 4))
    row = Tensor(np.zeros(1, HALF), requires_grad=True)
    (row[np.zeros(count, int)] * HALF(0.25)).sum().backward()
    np.testing.assert_array_equal(row.grad, HALF(count / 4))


def test_float16_variance_of_large_numbers():
    numbers = np.arange(0, 6000, 1.0).astype(HALF)
    result = Tensor(numbers).std()
    assert result.dtype == HALF
    assert result.item() == pytest.approx(numbers.astype(float).std(), rel=1e-3)


def test_the_gradient_of_a_large_half_precision_std():
    a = Tensor(np.array([-60000, 60000], np.float16), requires_grad=True)
    a.std().backward()
    assert a.grad.tolist() == [-0.5, 0.5]


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


@pytest.mark.parametrize("axes", [(), (None,)])
def test_transpose_without_axes_reverses_them(axes):
    judge(lambda t: t.transpose(*axes), lambda a: a.transpose(*axes), away_from_zero((2, 3, 4)))


@pytest.mark.parametrize(("axis1", "axis2"), [(0, 1), (0, -1), (2, 1), (1, 1)])
def test_swapaxes(axis1, axis2):
    judge(lambda t: t.swapaxes(axis1, axis2), lambda a: a.swapaxes(axis1, axis2), away_from_zero((2, 3, 4)))


@pytest.mark.parametrize("axis", [None, 0, -2, (0, 2)])
def test_squeeze(axis):
    judge(lambda t: t.squeeze(axis), lambda a: a.squeeze(axis), away_from_zero((1, 3, 1, 1)))


@pytest.mark.parametrize("axis", [0, -1, 1, (0, 3), (1, -1)])
def test_expand_dims(axis):
    judge(lambda t: t.expand_dims(axis), lambda a: np.expand_dims(a, axis), away_from_zero((2, 3)))


@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3), (2, 3, 4)])
def test_flatten(shape):
    judge(Tensor.flatten, lambda a: a.flatten(), away_from_zero(shape))
    if len(shape) > 1:
        judge(lambda t: t.flatten(1), lambda a: a.reshape(shape[0], np.prod(shape[1:])), away_from_zero(shape))


@pytest.mark.parametrize("pad_width", [0, 2, (1, 2), ((1, 2), (3, 0)), ((1,), (2,))])
def test_pad(pad_width):
    judge(lambda t: t.pad(pad_width), lambda a: np.pad(a, pad_width), away_from_zero((2, 3)))
    judge(
        lambda t: t.pad(pad_width, -1.5), lambda a: np.pad(a, pad_width, constant_values=-1.5), away_from_zero((2, 3))
    )


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


def test_matmul_with_a_number_names_what_to_use():
    for product in (lambda t: t @ 2, lambda t: 2 @ t, lambda t: t @ np.float64(2)):
        with pytest.raises(ValueError, match=r"matmul: numbers have no @, use \*"):
            product(Tensor([1.0, 2.0]))
    with pytest.raises(ValueError, match=r"matmul: shapes \(2, 3\) and \(2, 3\) do not fit"):
        Tensor(np.ones((2, 3))) @ np.ones((2, 3))


@pytest.mark.parametrize(("x", "W"), [((5, 4, 0), (2, 0)), ((0, 0), (2, 0)), ((0,), (2, 0)), ((5, 4, 3), (0, 3))])
def test_linear_without_inputs_or_outputs(x, W):
    judge(
        lambda x, W, b: apply(ops.linear, x, W, b), lambda x, W, b: x @ W.T + b, np.ones(x), np.ones(W), np.ones(W[0])
    )


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


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2)])
def test_softmax_over_any_axis(axis):
    x = away_from_zero((2, 3, 4))
    judge(lambda t: t.softmax(axis), lambda a: softmax(a, axis), x)
    judge(lambda t: t.log_softmax(axis), lambda a: np.log(softmax(a, axis)), x)


def test_log_softmax_is_right_where_softmax_is_0():
    x = Tensor([0.0, -1000.0], requires_grad=True)
    x.log_softmax()[1].backward()
    assert x.log_softmax().tolist() == [0, -1000]
    assert x.grad.tolist() == [-1, 1]


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_of_many_classes_in_float16(name):
    x = Tensor(np.zeros(70_000, HALF), requires_grad=True)
    y = getattr(x, name)()
    expected = 1 / 70_000 if name == "softmax" else -np.log(70_000)
    assert y.dtype == HALF
    np.testing.assert_allclose(y.data, expected, rtol=1e-2)


def test_softmax_of_huge_logits():
    np.testing.assert_array_equal(ops.softmax(np.array([1000.0, -1000.0])), [1, 0])
