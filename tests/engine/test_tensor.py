"""Tensor: kinds of data, the graph and its lifetime, backward()."""

import copy
import gc
import math
import operator
import pickle
import threading
import weakref
from decimal import Decimal

import numpy as np
import pytest
from judge import parameter

from engine import SGD, Adam, Linear, Module, SGDMomentum, Tensor, cross_entropy_loss, no_grad, ops, where
from engine.tensor import apply

F32, F64 = np.float32, np.float64


def assigned(data):
    """A Tensor whose data were assigned later."""
    tensor = Tensor(0.0)
    tensor.data = data
    return tensor


# ---------------------------------------------------------------- data


@pytest.mark.parametrize(
    "data", [3, 2.5, True, [1, 2], [[1.5], [2]], np.arange(3), np.array([True]), np.uint8(3), np.array([], np.uint64)]
)
def test_numbers_lists_and_integer_arrays_become_float64(data):
    tensor = Tensor(data)
    assert tensor.dtype == F64
    np.testing.assert_array_equal(tensor.data, data)


@pytest.mark.parametrize("dtype", [np.float16, F32, F64, np.longdouble])
def test_floating_arrays_stay_in_their_dtype(dtype):
    assert Tensor(np.ones(3, dtype)).dtype == dtype
    assert Tensor(dtype(1)).dtype == dtype


@pytest.mark.parametrize(
    "data", [1j, np.ones(2, np.complex64), "text", [Decimal(1)], None, np.array(["2020-01-01"], "M8[D]")]
)
def test_anything_but_real_numbers_is_rejected(data):
    with pytest.raises(TypeError, match="real numbers"):
        Tensor(data)


def test_a_complex_operand_is_refused():
    with pytest.raises(TypeError, match="real numbers"):
        Tensor([1.0]) * 1j


def test_shape_ndim_dtype_and_length():
    tensor = Tensor(np.ones((2, 3), F32))
    assert (tensor.shape, tensor.ndim, tensor.dtype, len(tensor)) == ((2, 3), 2, F32, 2)


def test_a_new_tensor_is_a_leaf_without_gradient():
    tensor = Tensor(1)
    assert (tensor.requires_grad, tensor.grad, tensor.op) == (False, None, "")


def test_item_is_a_python_number():
    assert type(Tensor([[2.5]]).item()) is float
    assert Tensor(np.array(2.5, F32)).item() == 2.5
    with pytest.raises(ValueError, match="size 1"):
        Tensor([1, 2]).item()


def test_numpy_gives_the_data_themselves():
    tensor = Tensor([1.0, 2.0])
    assert tensor.numpy() is tensor.data


def test_numpy_functions_take_tensors():
    np.testing.assert_array_equal(np.asarray(Tensor([1.0, 2.0])), [1, 2])


def test_iteration_goes_over_the_first_axis():
    rows = list(parameter([1, 2], [3, 4]))
    assert [row.shape for row in rows] == [(2,), (2,)]
    assert all(row.requires_grad for row in rows)


def test_one_number_cannot_be_iterated_over():
    for use in (list, iter, sum, lambda t: [*t]):
        with pytest.raises(TypeError, match="without axes"):
            use(Tensor(2.0, requires_grad=True))
    a, b = parameter(1, 2)
    (a * 3 + b).backward()
    assert sum(parameter(1, 2)).item() == 3


# ---------------------------------------------------------------- what NumPy asks for

ROW = np.array([1.0, 2.0])


def test_arrays_are_made_where_no_gradient_is_lost():
    t = parameter(1, 2)
    with no_grad():
        np.testing.assert_array_equal(np.array([t, t]), [[1, 2], [1, 2]])
    assert np.asarray(t.detach(), np.float32).dtype == F32
    np.testing.assert_array_equal(np.array([Tensor(1), Tensor(2)]), [1, 2])


@pytest.mark.parametrize("op", [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow])
def test_arrays_and_numpy_numbers_on_the_left_give_tensors(op):
    t = parameter(1, 2)
    for left in (ROW, ROW.astype(F32), F64(3), F32(3), np.arange(1, 3)):
        result = op(left, t)
        assert type(result) is Tensor
        assert result.requires_grad
    assert type(ROW @ t) is Tensor


def test_an_array_that_a_tensor_is_added_to_becomes_a_tensor():
    t, array = parameter(1, 2), np.zeros(2)
    total = array
    total += t
    total.sum().backward()
    assert t.grad.tolist() == [1, 1]
    assert array.tolist() == [0, 0]


# ---------------------------------------------------------------- what one types first


def test_one_number_is_a_number():
    loss = parameter(2.567)[0]
    assert float(loss) == 2.567
    assert int(loss) == 2
    assert (round(loss), round(loss, 1)) == (3, 2.6)
    assert f"{loss:.2f}|{loss}|{Tensor(F32(0.5)):8.3f}" == "2.57|2.567|   0.500"
    assert math.sqrt(Tensor(4)) == 2
    for use in (float, int, round, "{:.2f}".format):
        with pytest.raises(TypeError):
            use(parameter(1, 2))
    assert f"{parameter(1, 2)}" == repr(parameter(1, 2))


def test_truth_is_that_of_an_array():
    assert Tensor(2.0)
    assert not Tensor([[0.0]])
    for many in (Tensor([1.0, 2.0]), Tensor(np.zeros(0))):
        with pytest.raises(ValueError, match="truth value"):
            bool(many)


def test_signs():
    t = parameter(-1, 2)
    assert abs(t).tolist() == [1, 2]
    assert (+t).tolist() == [-1, 2]
    (abs(t) + +t).sum().backward()
    assert t.grad.tolist() == [0, 2]


COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]


@pytest.mark.parametrize("op", COMPARISONS)
@pytest.mark.parametrize("other", [2, 2.0, F32(2), [3.0, 2.0, 1.0], np.array([[1.0], [2.0]])], ids=str)
def test_comparisons_give_boolean_arrays(op, other):
    t, array = parameter(1, 2, 3), np.array([1.0, 2.0, 3.0])
    for found, expected in [(op(t, other), op(array, other)), (op(other, t), op(other, array))]:
        assert type(found) is np.ndarray
        assert found.dtype == bool
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(op(t, Tensor(other)), op(array, other))


def test_a_tensor_compared_with_what_is_no_number():
    assert (Tensor([1.0, 2.0]) == None).tolist() == [False, False]  # noqa: E711
    with pytest.raises(ValueError, match="shape"):
        operator.eq(Tensor([1.0, 2.0]), [1, 2, 3])


def test_tensors_are_keys_by_identity():
    a, b = parameter(1, 2), parameter(1, 2)
    assert {a: 1, b: 2}[a] == 1
    assert len({a, b, a}) == 2
    assert a in [b, a][1:]


def test_contains_looks_at_the_elements():
    assert 2.0 in Tensor([1.0, 2.0])
    assert 3 not in Tensor([[1.0, 2.0]])


def test_a_mask_selects():
    t = parameter(-1, 2, 3)
    t[t > 0].sum().backward()
    assert t.grad.tolist() == [0, 1, 1]


@pytest.mark.parametrize("index", [lambda t: t, lambda t: (0, t)])
def test_a_tensor_is_no_index(index):
    t = parameter([0, 1], [1, 0])
    with pytest.raises(IndexError, match=r"needs integers.*astype\(int\)"):
        t[index(t)]


def test_elements_cannot_be_assigned():
    with pytest.raises(TypeError, match=r"engine\.where"):
        parameter(1, 2)[0] = 3


def test_argmax_and_argmin():
    t = parameter([1, 5, 2], [7, 0, 3])
    assert t.argmax() == 3
    assert t.argmax(axis=1).tolist() == [1, 0]
    assert t.argmin(-1, keepdims=True).tolist() == [[0], [1]]
    assert (t.size, t.tolist()) == (6, [[1, 5, 2], [7, 0, 3]])


UPDATES = [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow]


@pytest.mark.parametrize("update", UPDATES)
def test_a_parameter_is_not_replaced_by_a_result(update):
    w = parameter(1, 2)
    with pytest.raises(RuntimeError, match=r"write t\.data"):
        update(w, 2)
    with no_grad():
        changed = update(w, 4)
    assert changed is w
    assert w.requires_grad
    assert w.op == ""
    assert w.tolist() == update(np.array([1.0, 2.0]), 4).tolist()


def test_a_parameter_is_multiplied_by_a_matrix_in_place():
    w = parameter(1, 2)
    with no_grad():
        w @= np.array([[0.0, 1.0], [1.0, 0.0]])
    assert w.requires_grad
    assert w.tolist() == [2, 1]


def test_a_parameter_keeps_its_shape_and_dtype():
    w = Tensor(np.ones(2, F32), requires_grad=True)
    with no_grad():
        w -= np.array([0.5, 0.5])
        assert w.dtype == F32
        with pytest.raises(ValueError, match="would change the parameter's shape"):
            w -= np.ones((3, 2))
    assert w.tolist() == [0.5, 0.5]


def test_whole_numbers_may_be_of_any_size():
    assert (parameter(2) * 10**20).tolist() == [2e20]


def test_results_and_constants_are_summed_up_in_place():
    w, total = parameter(1, 2), Tensor(0.0)
    for _ in range(3):
        total += (w * w).sum()
    total.backward()
    assert total.item() == 15
    assert w.grad.tolist() == [6, 12]


# ---------------------------------------------------------------- backward with a gradient


@pytest.mark.parametrize("kind", [np.array, list, Tensor, lambda g: np.array(g, F32)])
def test_backward_of_a_gradient_is_a_vector_jacobian_product(kind):
    x = parameter(1, 2, 3)
    y = x * x
    y.backward(kind([1.0, 10.0, 100.0]))
    assert x.grad.tolist() == [2, 40, 600]
    assert y.grad.tolist() == [1, 10, 100]


def test_the_given_gradient_is_not_changed():
    gradient, x = np.array([1.0, 2.0]), parameter(1, 2)
    x.backward(gradient)
    y = x.reshape(2)
    y.backward(gradient)
    x.grad *= 5
    y.grad *= 5
    assert gradient.tolist() == [1, 2]


def test_backward_of_a_scalar_with_a_gradient():
    x = Tensor(3.0, requires_grad=True)
    (x * x).backward(2)
    assert x.grad == 12


@pytest.mark.parametrize("gradient", [1.0, [1.0], [[1.0, 1.0]], [1.0, 1.0, 1.0]])
def test_backward_refuses_a_gradient_of_another_shape(gradient):
    x = parameter(1, 2)
    with pytest.raises(ValueError, match=r"does not fit a tensor of shape \(2,\)"):
        (x * 2).backward(gradient)
    with pytest.raises(TypeError, match="real numbers"):
        (x * 2).backward([1j, 1])
    assert x.grad is None


def test_repr_names_data_and_operation():
    assert repr(Tensor(2.0)) == "Tensor(2.0, dtype=float64, requires_grad=False)"
    assert "op='exp'" in repr(parameter(1).exp())


def test_detach_shares_the_data_and_leaves_the_graph():
    y = parameter(1, 2) * 3
    detached = y.detach()
    assert np.shares_memory(detached.data, y.data)
    assert not detached.requires_grad
    assert detached.op == ""


# ---------------------------------------------------------------- dtypes meet

ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]


@pytest.mark.parametrize("op", ARITHMETIC)
@pytest.mark.parametrize("dtype", [np.float16, F32, F64])
@pytest.mark.parametrize("number", [2, 2.5, True, F64(2.5), np.int64(2)])
def test_a_number_takes_the_tensors_dtype(op, dtype, number):
    tensor = Tensor(np.ones(3, dtype))
    assert op(tensor, number).dtype == dtype
    assert op(number, tensor).dtype == dtype


def test_integer_arrays_and_lists_with_a_float32_tensor_become_float64():
    tensor = Tensor(np.ones(2, F32))
    for numbers in (np.array([1, 2]), [1, 2]):
        assert (tensor + numbers).dtype == (numbers + tensor).dtype == F64


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.exp(),
        lambda x: x.log(),
        lambda x: x.tanh(),
        lambda x: x.relu(),
        lambda x: x.sigmoid(),
        lambda x: -x,
        lambda x: x.sum(0),
        lambda x: x.mean(),
        lambda x: x.max(1),
        lambda x: x[0],
        lambda x: x.T,
        lambda x: x.reshape(-1),
        lambda x: x.broadcast_to(2, 2, 2),
        lambda x: x @ x,
        lambda x: x @ x[0],
        lambda x: 1 / x**0.5 - x * x,
    ],
)
@pytest.mark.parametrize("dtype", [F32, F64])
def test_results_and_gradients_have_the_dtype(f, dtype):
    x = parameter([1, 2], [3, 4], dtype=dtype)
    y = f(x)
    y.sum().backward()
    assert y.dtype == y.grad.dtype == x.grad.dtype == dtype
    assert (y.grad.shape, x.grad.shape) == (y.shape, x.shape)


@pytest.mark.parametrize("op", [*ARITHMETIC, operator.matmul])
def test_gradients_have_their_own_tensors_dtype_when_dtypes_mix(op):
    a, b = parameter(1, 2, dtype=F32), parameter(3, 4, dtype=F64)
    half = a * 2
    y = op(half, b)
    y.sum().backward()
    assert y.dtype == y.grad.dtype == F64
    assert a.grad.dtype == half.dtype == half.grad.dtype == F32
    assert b.grad.dtype == F64


def test_a_gradient_from_two_dtypes_has_the_tensors_own():
    a = parameter(1, 2, dtype=F32)
    (a * np.ones(2) + a).sum().backward()
    assert a.grad.dtype == F32


def test_gradients_have_the_data_shape_after_broadcasting():
    a, b, c = parameter([1], [2]), parameter(1, 2, 3), Tensor(1, requires_grad=True)
    row = b * 1
    (a * row + c).sum().backward()
    for tensor in (a, b, c, row):
        assert tensor.grad.shape == tensor.shape


@pytest.mark.parametrize(
    "f",
    [lambda x: x * x, lambda x: x + 1, lambda x: x.exp(), lambda x: x.reshape(1).sum()],
    ids=["multiply", "add", "exp", "sum"],
)
def test_gradients_of_scalars_are_arrays_too(f):
    x = Tensor(2.0, requires_grad=True)
    y = f(x)
    for _ in range(2):
        (y * 3).backward()
        assert isinstance(y.grad, np.ndarray)
        assert isinstance(x.grad, np.ndarray)


# ---------------------------------------------------------------- backward


def test_backward_needs_a_scalar():
    x = parameter(1, 2)
    for tensor in (x * 2, (x * 2)[:1]):
        with pytest.raises(ValueError, match="scalar"):
            tensor.backward()
    assert x.grad is None


def test_backward_needs_something_that_requires_a_gradient():
    with pytest.raises(ValueError, match="require a gradient"):
        (Tensor([1.0, 2.0]) * 2).sum().backward()


def test_backward_of_a_leaf():
    x = Tensor(3.0, requires_grad=True)
    x.backward()
    assert x.grad == 1


def test_tensors_that_require_no_gradient_get_none():
    x, constant = parameter(1, 2), Tensor([3.0, 4.0])
    fixed = constant * 2
    (x * fixed).sum().backward()
    assert constant.grad is None
    assert fixed.grad is None
    np.testing.assert_array_equal(x.grad, [6, 8])


def test_gradients_of_leaves_add_up_over_calls_until_cleared():
    x = parameter(1, 2)
    for times in (1, 2, 3):
        (x * 5).sum().backward()
        np.testing.assert_array_equal(x.grad, [5 * times] * 2)
    x.grad = None
    (x * 5).sum().backward()
    np.testing.assert_array_equal(x.grad, [5, 5])


def test_gradients_of_intermediates_are_those_of_the_last_call():
    x = parameter(1, 2)
    middle = x * 3
    loss = (middle * middle).sum()
    for times in (1, 2):
        loss.backward()
        np.testing.assert_array_equal(middle.grad, [6, 12])
        np.testing.assert_array_equal(x.grad, [18 * times, 36 * times])
    assert loss.grad == 1


def test_two_losses_over_one_intermediate():
    x = parameter(1, 2)
    middle = x * 3
    (middle * 10).sum().backward()
    (middle * 100).sum().backward()
    np.testing.assert_array_equal(middle.grad, [100, 100])
    np.testing.assert_array_equal(x.grad, [330, 330])


def test_a_tensor_used_many_times_gets_the_sum():
    x = Tensor(3.0, requires_grad=True)
    (x * x + x * x * x + x).backward()
    assert x.grad == 2 * 3 + 3 * 3**2 + 1


def test_diamonds_are_walked_once():
    x = Tensor(1.0, requires_grad=True)
    y = x
    for _ in range(200):  # 2^200 paths
        y = (y + y) * 0.5
    y.backward()
    assert x.grad == 1


def test_a_diamond_with_sides_of_different_length():
    x = Tensor(2.0, requires_grad=True)
    middle = x * x
    (middle * (middle.exp().log() + middle)).backward()  # 2 x^4
    assert x.grad == pytest.approx(8 * 2**3)


def test_derivatives_through_a_long_formula():
    x = Tensor(0.7, requires_grad=True)
    ((x * 2).tanh() / (1 + x.exp()) - x**3 * x.log()).backward()
    e, t = math.exp(0.7), math.tanh(1.4)
    expected = 2 * (1 - t * t) / (1 + e) - t * e / (1 + e) ** 2 - 3 * 0.7**2 * math.log(0.7) - 0.7**2
    assert x.grad == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    "f",
    [
        lambda a, b: (a + b).sum(),
        lambda a, b: (a - b).sum(),
        lambda a, b: (a + b + a).sum(),
        lambda a, b: (a.reshape(2) + b.T).sum(),
        lambda a, b: a.sum() + b.sum(),
        lambda a, b: (a[:] + b.broadcast_to(2)).mean(),
        lambda a, b: (a.sum() + b.sum()) * 2,
        lambda a, b: (a.sum(0, keepdims=True) + b).sum() / 2,
    ],
    ids=["add", "subtract", "twice", "views", "sums", "copies", "sums, scaled", "kept dims"],
)
def test_leaf_gradients_may_be_changed(f):
    a, b = parameter(1, 2), parameter(3, 4)
    loss = f(a, b)
    loss.backward()
    before = b.grad.copy()
    a.grad *= 2
    a.grad[0] = 99
    np.testing.assert_array_equal(b.grad, before)
    assert loss.grad == 1
    b.grad *= 0


def test_changing_a_leaf_gradient_leaves_intermediates_alone():
    a = parameter(1, 2)
    y = a.reshape(2, 1)
    y.sum().backward()
    a.grad *= 5
    np.testing.assert_array_equal(y.grad, [[1], [1]])


def test_changing_a_gradient_leaves_data_alone():
    a, b = parameter(1, 2), parameter(3, 4)
    (a * b).sum().backward()
    a.grad *= 0
    b.grad *= 0
    np.testing.assert_array_equal([a.data, b.data], [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("f", "name"),
    [
        (lambda x: x + 1, "add"),
        (lambda x: 1 - x, "subtract"),
        (lambda x: x * x, "multiply"),
        (lambda x: 1 / x, "divide"),
        (lambda x: x**2, "power"),
        (lambda x: -x, "negative"),
        (lambda x: x @ x, "matmul"),
        (lambda x: x.exp(), "exp"),
        (lambda x: x.log(), "log"),
        (lambda x: x.relu(), "relu"),
        (lambda x: x.sigmoid(), "sigmoid"),
        (lambda x: x.tanh(), "tanh"),
        (lambda x: x.sum(), "sum"),
        (lambda x: x.mean(), "mean"),
        (lambda x: x.max(), "max"),
        (lambda x: x.reshape(2, 1), "reshape"),
        (lambda x: x.T, "transpose"),
        (lambda x: x.broadcast_to(3, 2), "broadcast_to"),
        (lambda x: x[0], "getitem"),
    ],
)
def test_op_names_the_operation(f, name):
    assert f(parameter(1, 2)).op == name
    assert f(Tensor([1.0, 2.0])).op == ""


# ---------------------------------------------------------------- the graph's life


def test_a_chain_of_100_000_results():
    x = Tensor(1.0, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y + x
    y.backward()
    assert x.grad == 100_001
    del y  # freeing it must not recurse either


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("backward", [False, True])
def test_a_dropped_graph_is_freed_at_once(backward):
    x = parameter(1, 2, 3)
    hidden = (x * 2).tanh()
    product = hidden @ hidden[::-1]
    loss = (product - hidden.max()).exp().sigmoid()
    if backward:
        loss.backward()
    results = [weakref.ref(tensor) for tensor in (hidden, product, loss)]
    arrays = [weakref.ref(tensor.data) for tensor in (hidden, product, loss)]
    del hidden, product, loss
    assert [reference() for reference in results + arrays] == [None] * 6


def test_constants_have_no_graph():
    constant = Tensor([1.0, 2.0])
    reference = weakref.ref(constant)
    result = constant * 2
    del constant
    assert reference() is None
    assert result.op == ""


# ---------------------------------------------------------------- no_grad


def test_no_grad_records_nothing():
    x = parameter(1, 2)
    with no_grad():
        y = (x * 2).sum()
    assert not y.requires_grad
    assert y.op == ""
    with pytest.raises(ValueError, match="require a gradient"):
        y.backward()


def test_recording_resumes_after_no_grad():
    x = parameter(1, 2)
    with no_grad():
        pass
    assert (x * 2).requires_grad


def test_no_grad_nests():
    x = parameter(1, 2)
    with no_grad():
        with no_grad():
            pass
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_no_grad_ends_with_an_exception():
    x = parameter(1, 2)
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert (x * 2).requires_grad


def test_backward_works_inside_no_grad():
    x = parameter(1, 2)
    loss = (x * 2).sum()
    with no_grad():
        loss.backward()
    np.testing.assert_array_equal(x.grad, [2, 2])


def test_a_leaf_made_inside_no_grad_may_require_a_gradient():
    with no_grad():
        x = parameter(1, 2)
    assert (x * 2).requires_grad


def test_no_grad_affects_its_own_thread_only():
    x = parameter(1, 2)
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append((x * 2).requires_grad))
        thread.start()
        thread.join()
        assert not (x * 2).requires_grad
    assert seen == [True]


def test_another_threads_no_grad_does_not_affect_this_one():
    x = parameter(1, 2)
    inside, done = threading.Event(), threading.Event()

    def other():
        with no_grad():
            inside.set()
            done.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(10)
    recorded = (x * 2).requires_grad
    done.set()
    thread.join()
    assert recorded


# ---------------------------------------------------------------- between forward and backward


def test_a_graph_can_be_walked_again():
    a = Tensor([1.0, 2.0], requires_grad=True)
    loss = (a * a).sum()
    loss.backward()
    loss.backward()
    np.testing.assert_array_equal(a.grad, [4.0, 8.0])


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.__setattr__("data", p.data - 1),
        lambda p: p.__setattr__("data", p.data),  # what `p.data -= 1` does in the end
        lambda p: SGD([p], lr=0.1).step(),
        lambda p: SGDMomentum([p], lr=0.1).step(),
        lambda p: Adam([p], lr=0.1).step(),
    ],
    ids=["assigned", "in place", "SGD", "SGDMomentum", "Adam"],
)
def test_backward_refuses_when_an_input_has_changed_since(change):
    p = Tensor([1.0, 2.0], requires_grad=True)
    loss = (p * p).sum()
    p.grad = np.ones(2)
    change(p)
    p.grad = None
    with pytest.raises(RuntimeError, match=r"an input of multiply\(\) has been changed since"):
        loss.backward()
    assert p.grad is None
    again = (p * p).sum()
    again.backward()
    np.testing.assert_allclose(p.grad, 2 * p.data)


def test_a_change_outside_the_graph_is_allowed():
    p, other = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0], requires_grad=True)
    loss = (p * p).sum()
    other.data = other.data + 1
    loss.backward()
    np.testing.assert_array_equal(p.grad, [2.0, 4.0])


# ---------------------------------------------------------------- arrays of every make


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[::2, ::3],
        lambda a: a[::-1, ::-1],
        lambda a: a.T,
        lambda a: np.asfortranarray(a),
        lambda a: np.broadcast_to(a[0], (3, a.shape[1])),
        lambda a: a[1:5, 2:7],
    ],
    ids=["strided", "reversed", "transposed", "Fortran", "broadcast", "window"],
)
def test_memory_order_makes_no_difference(view, dtype):
    a = view(np.random.default_rng(0).normal(size=(8, 9)).astype(dtype))

    def value_and_gradients(array):
        x, W, b = (Tensor(v, requires_grad=True) for v in (array, array[:4] * 2, array[:4, 0]))
        hidden = apply(ops.linear, x, W, b).tanh()
        loss = ((hidden @ W).exp().mean(axis=0) * x[0]).sum() + x.max()
        loss.backward()
        return [loss.data, x.grad, W.grad, b.grad]

    for ours, plain in zip(value_and_gradients(a), value_and_gradients(np.ascontiguousarray(a)), strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, plain, rtol=1e-5 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 4)])
@pytest.mark.parametrize(
    "f",
    [
        lambda a: a + 1,
        lambda a: 2 / a,
        lambda a: a**2,
        lambda a: a.exp(),
        lambda a: a.log(),
        lambda a: a.relu(),
        lambda a: a.sigmoid(),
        lambda a: a.tanh(),
        lambda a: a.reshape(-1),
        lambda a: a.T,
        lambda a: a[..., np.newaxis].broadcast_to(*a.shape, 3),
        lambda a: a[:0],
        lambda a: a[..., np.newaxis] @ a[..., np.newaxis, :],
        lambda a: a.sum(axis=0),
    ],
)
def test_empty_arrays_have_empty_gradients(f, shape):
    a = Tensor(np.ones(shape, np.float32), requires_grad=True)
    loss = f(a).sum()
    loss.backward()
    assert loss.item() == 0
    assert a.grad.shape == shape
    assert a.grad.dtype == np.float32


def test_a_layer_takes_no_samples():
    layer = Linear(3, 2, dtype=np.float32)
    loss = layer(np.ones((0, 3), np.float32)).sum()
    loss.backward()
    np.testing.assert_array_equal(layer.W.grad, np.zeros((2, 3)))
    np.testing.assert_array_equal(layer.b.grad, np.zeros(2))


@pytest.mark.parametrize(("shape", "axis"), [((0,), None), ((0,), 0), ((2, 0), 1), ((2, 0), -1), ((0, 3), (0, 1))])
@pytest.mark.parametrize("reduction", ["mean", "max"])
def test_reductions_without_a_value_for_no_elements_raise(reduction, shape, axis):
    with pytest.raises(ValueError, match=r"no elements|zero-size"):
        getattr(Tensor(np.ones(shape)), reduction)(axis=axis)


@pytest.mark.parametrize("reduction", ["sum", "mean", "max"])
def test_reductions_of_empty_arrays_over_their_other_axes(reduction):
    a = Tensor(np.ones((0, 3)), requires_grad=True)
    result = getattr(a, reduction)(axis=1)
    result.sum().backward()
    assert result.shape == (0,)
    assert a.grad.shape == (0, 3)


@pytest.mark.parametrize("axis", [np.int64(0), np.intp(-1)])
def test_an_axis_may_be_a_numpy_integer(axis):
    a = Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    a.mean(axis=axis).sum().backward()
    np.testing.assert_allclose(a.grad, 1 / a.shape[axis])


# ---------------------------------------------------------------- arrays belong to one Tensor


@pytest.mark.parametrize(
    "make", [lambda a: Tensor(a), lambda a: Tensor(Tensor(a)), assigned], ids=["array", "Tensor", "data"]
)
def test_the_given_data_are_copied(make):
    array = np.arange(6.0).reshape(2, 3)
    one, other = make(array), make(array)
    one.data += 1
    np.testing.assert_array_equal(array, np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(other.data, array)


def test_two_parameters_from_one_array_are_independent():
    zeros = np.zeros(3)
    a, b = Tensor(zeros, requires_grad=True), Tensor(zeros, requires_grad=True)
    (a.sum() - b.sum()).backward()
    SGD([a, b], lr=1.0).step()
    np.testing.assert_array_equal([a.data, b.data, zeros], [[-1] * 3, [1] * 3, [0] * 3])


@pytest.mark.parametrize("make", [Tensor, assigned], ids=["Tensor", "data"])
def test_a_copy_has_the_same_order_in_memory_and_can_be_written_to(make):
    array = np.asfortranarray(np.ones((3, 4), F32))
    array.flags.writeable = False
    data = make(array).data
    assert data.flags.f_contiguous
    assert data.flags.writeable
    assert data.flags.owndata


@pytest.mark.parametrize("array", [np.arange(3.0), np.arange(3.0)[::-1], np.broadcast_to(1.0, 3)])
def test_around_shares(array):
    assert np.shares_memory(Tensor.around(array).data, array)


@pytest.mark.parametrize("f", [lambda w, a: w * a, lambda w, a: a * w, lambda w, a: w @ a, lambda w, a: w / a])
def test_an_array_that_is_changed_between_forward_and_backward(f):
    w, array = parameter(1, 2), np.array([3.0, 4.0])
    right, result = f(w, Tensor(array)), f(w, array)
    right.sum().backward()
    expected, w.grad = w.grad, None
    array[:] = 99
    result.sum().backward()
    np.testing.assert_array_equal(w.grad, expected)


def test_a_batch_that_is_changed_between_forward_and_backward():
    layer, batch = Linear(2, 1), np.array([[3.0, 4.0]])
    result = layer(batch)
    batch[:] = 99
    result.sum().backward()
    np.testing.assert_array_equal(layer.W.grad, [[3.0, 4.0]])


def test_a_batch_is_not_copied_where_there_is_no_graph():
    class Same(Module):
        def forward(self, x):
            return x

    batch = np.ones((2, 3))
    with no_grad():
        assert Same()(batch).data is batch


# ---------------------------------------------------------------- data that are assigned


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("data", [3, 2.5, True, [1, 2], [[1.5], [2]], np.arange(3), np.float16(1.5), np.ones((), F32)])
def test_data_accepts_whatever_the_constructor_accepts(data, dtype):
    tensor = Tensor(np.ones(2, dtype))
    tensor.data = data
    made = Tensor(data)
    assert type(tensor.data) is np.ndarray
    assert tensor.dtype == made.dtype
    np.testing.assert_array_equal(tensor.data, made.data)


def test_data_may_be_a_tensor():
    tensor, other = parameter(1, 2), parameter(3, 4) * 2
    tensor.data = other
    np.testing.assert_array_equal(tensor.data, [6, 8])
    assert not np.shares_memory(tensor.data, other.data)


@pytest.mark.parametrize("data", [1j, "text", None, [1j], np.array(["2020-01-01"], "M8[D]")])
def test_data_that_are_not_real_numbers_are_rejected(data):
    tensor = parameter(1, 2)
    before = tensor.data
    with pytest.raises(TypeError, match="real numbers"):
        tensor.data = data
    assert tensor.data is before


def test_gradients_of_assigned_whole_numbers_are_not_rounded():
    x = parameter(1, 2)
    x.data = np.array([1, 2])
    (x * 0.5).sum().backward()
    np.testing.assert_array_equal(x.grad, [0.5, 0.5])


def test_reassigning_the_same_array_does_not_copy():
    x = parameter(1, 2)
    data = x.data
    x.data = data
    x.data *= 2
    assert x.data is data


def test_data_may_take_another_shape_until_an_optimizer_holds_them():
    x = parameter(1, 2)
    x.data = np.ones(3)
    assert x.shape == (3,)
    Adam([x])
    before = x.data
    with pytest.raises(ValueError, match=r"an optimizer holds this tensor.*\(3,\).*\(4,\)"):
        x.data = np.ones(4)
    assert x.data is before
    x.data = [7, 8, 9]
    np.testing.assert_array_equal(x.data, [7, 8, 9])


# ---------------------------------------------------------------- gradients that are assigned


@pytest.mark.parametrize(
    "gradient", [[1, 2], (1.0, 2.0), Tensor([1.0, 2.0]), Tensor([1.0, 2.0], True), np.ma.array([1, 2])]
)
def test_a_gradient_is_an_array_or_none(gradient):
    x = parameter(1, 2)
    x.grad = gradient
    assert type(x.grad) is np.ndarray
    np.testing.assert_array_equal(x.grad.ravel(), [1, 2])
    x.grad = None
    assert x.grad is None


def test_the_gradient_of_a_scalar_may_be_scaled():
    x = Tensor(3.0, requires_grad=True)
    (x * x).backward()
    x.grad = x.grad * 0.5
    assert type(x.grad) is np.ndarray
    (x * x).backward()
    assert x.grad == 9


def test_a_deleted_gradient_is_none():
    x = parameter(1, 2)
    x.sum().backward()
    del x.grad
    assert x.grad is None
    x.sum().backward()
    np.testing.assert_array_equal(x.grad, [1, 1])


def test_nothing_is_added_to_a_gradient_of_another_shape():
    x = parameter(1, 2)
    x.grad = np.ones((3, 2))
    with pytest.raises(ValueError, match=r"shape \(2,\) have a gradient of shape \(3, 2\)"):
        x.sum().backward()


# ---------------------------------------------------------------- results between forward and backward


@pytest.mark.parametrize(
    "change",
    [lambda y: setattr(y, "data", np.array(7.0)), lambda y: setattr(y, "data", y.data), lambda y: y.adopt(y.data * 2)],
    ids=["assigned", "in place", "adopted"],
)
@pytest.mark.parametrize("after", [lambda y: y, lambda y: y * 2, lambda y: (y + 1).exp()])
def test_backward_refuses_when_a_result_has_changed_since(after, change):
    x = Tensor(2.0, requires_grad=True)
    y = x.exp()
    change(y)
    z = after(y)
    with pytest.raises(RuntimeError, match=r"the result of exp\(\) has been changed since"):
        z.backward()
    assert x.grad is None
    x.exp().backward()
    assert x.grad == np.exp(2.0)


@pytest.mark.parametrize(
    ("index", "change"),
    [
        (np.array([0, 2]), lambda i: i.fill(1)),
        (np.array([True, False, True]), lambda i: i.fill(True)),
        ([0, 2], lambda i: i.reverse() or i.append(1)),
        ((np.array([0, 2]), slice(None)), lambda i: i[0].fill(1)),
        (([0, 2], np.newaxis), lambda i: i[0].clear()),
    ],
    ids=["integers", "booleans", "list", "tuple of arrays", "tuple of lists"],
)
def test_an_index_that_is_changed_between_forward_and_backward(index, change):
    x = Tensor(np.ones((3, 2)), requires_grad=True)
    y = x[index].sum()
    change(index)
    y.backward()
    np.testing.assert_array_equal(x.grad, [[1, 1], [0, 0], [1, 1]])


def test_classes_that_are_changed_between_forward_and_backward():
    x, target = Tensor(np.zeros((1, 2)), requires_grad=True), np.array([0])
    loss = cross_entropy_loss(x, target)
    target[:] = 1
    loss.backward()
    np.testing.assert_array_equal(x.grad, [[-0.5, 0.5]])


def test_a_condition_and_bounds_that_are_changed_between_forward_and_backward():
    x, condition, low = parameter(1, 2), np.array([True, False]), np.array([0.0, 3.0])
    y = where(condition, x, 0.0).sum() + x.clip(min=low).sum()
    condition[:] = False
    low[:] = 9
    y.backward()
    np.testing.assert_array_equal(x.grad, [2, 0])


def test_a_result_cannot_be_frozen():
    x = parameter(1, 2)
    middle = x * 2
    result = (middle * 3).sum()
    with pytest.raises(RuntimeError, match=r"a result of multiply\(\) requires a gradient; detach\(\)"):
        middle.requires_grad = False
    middle.requires_grad = True
    result.backward()
    np.testing.assert_array_equal(x.grad, [6, 6])


def test_a_leaf_that_is_frozen_after_forward_gets_no_gradient():
    x, w = parameter(1, 2), parameter(3, 4)
    result = (x * w).sum()
    x.requires_grad = False
    result.backward()
    assert x.grad is None
    np.testing.assert_array_equal(w.grad, [1, 2])


def test_a_leaf_that_requires_a_gradient_too_late_does_not_get_a_part():
    x, w = Tensor([1.0, 2.0]), parameter(3, 4)
    result = (x * w + (x * 5) * w).sum()
    x.requires_grad = True
    with pytest.raises(RuntimeError, match="compute the result again"):
        result.backward()
    assert x.grad is None
    (x * w).sum().backward()
    np.testing.assert_array_equal(x.grad, [3, 4])


# ---------------------------------------------------------------- copies and pickles

COPIES = pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))], ids=["copy", "deepcopy", "pickle"]
)


@COPIES
@pytest.mark.parametrize("dtype", [F32, F64])
def test_a_copied_leaf_is_independent(copied, dtype):
    x = Tensor(np.asfortranarray(np.arange(6, dtype=dtype).reshape(2, 3)), requires_grad=True)
    (x * x).sum().backward()
    twin = copied(x)
    assert (twin.dtype, twin.requires_grad, twin.op) == (dtype, True, "")
    assert twin.data.flags.f_contiguous
    np.testing.assert_array_equal(twin.grad, x.grad)
    twin.data += 1
    twin.grad += 1
    np.testing.assert_array_equal(x.data, np.arange(6).reshape(2, 3))
    np.testing.assert_array_equal(x.grad, 2 * x.data)


@COPIES
def test_a_copied_result_has_its_values_and_not_its_graph(copied):
    x = parameter(1, 2)
    y = (x * 3).sum()
    twin = copied(y)
    assert (twin.item(), twin.requires_grad, twin.op) == (9, False, "")
    with pytest.raises(ValueError, match="require a gradient"):
        twin.backward()
    y.backward()
    np.testing.assert_array_equal(x.grad, [3, 3])


@COPIES
def test_a_result_of_a_long_graph_is_copied(copied):
    x = Tensor(1.0, requires_grad=True)
    y = x
    for _ in range(20_000):
        y = y + x
    assert copied(y).item() == 20_001


def test_what_is_copied_together_stays_together():
    x = parameter(1, 2)
    first, second = copy.deepcopy([x, x])
    assert first is second


def test_a_comparison_does_not_ignore_out():
    with pytest.raises(TypeError, match=r"np\.isnan"):
        np.isnan(Tensor([1.0]), out=np.ones(1, bool))
