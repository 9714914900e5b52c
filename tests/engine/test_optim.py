"""Optimizers against their formulas, one number at a time."""

import copy
import math
import pickle
from functools import partial

import numpy as np
import pytest

from engine import SGD, Adam, SGDMomentum, Tensor
from engine.fast.optimizers import quick_step
from engine.optim import OPTIMIZERS, Optimizer

START = 2.0
GRADIENTS = [0.5, -1.0, 3.0, 0.0, 1e-3, -0.25]


def sgd(p, gradients, lr):
    for g in gradients:
        p -= lr * g
        yield p


def momentum(p, gradients, lr, momentum):
    v = 0.0
    for g in gradients:
        v = momentum * v + g
        p -= lr * v
        yield p


def adam(p, gradients, lr, betas, eps):
    m = v = 0.0
    beta1, beta2 = betas
    for t, g in enumerate(gradients, 1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        p -= lr * (m / (1 - beta1**t)) / (math.sqrt(v / (1 - beta2**t)) + eps)
        yield p


def parameter(values=START, dtype=np.float64):
    return Tensor(np.array(values, dtype), requires_grad=True)


def walk(optimizer, gradients):
    """The first element of the first parameter after each step."""
    (p, *_) = optimizer.params
    for g in gradients:
        p.grad = np.full_like(p.data, g)
        optimizer.step()
        yield p.data.flat[0]


ALL = pytest.mark.parametrize("kind", [SGD, SGDMomentum, Adam])


# ---------------------------------------------------------------- formulas


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        (lambda p: SGD(p), sgd(START, GRADIENTS, 1e-3)),
        (lambda p: SGD(p, lr=0.3), sgd(START, GRADIENTS, 0.3)),
        (lambda p: SGDMomentum(p), momentum(START, GRADIENTS, 1e-2, 0.9)),
        (lambda p: SGDMomentum(p, lr=0.3, momentum=0.5), momentum(START, GRADIENTS, 0.3, 0.5)),
        (lambda p: SGDMomentum(p, momentum=0), sgd(START, GRADIENTS, 1e-2)),
        (lambda p: Adam(p), adam(START, GRADIENTS, 1e-3, (0.9, 0.999), 1e-8)),
        (lambda p: Adam(p, lr=0.3, betas=(0.5, 0.8), eps=1e-2), adam(START, GRADIENTS, 0.3, (0.5, 0.8), 1e-2)),
    ],
    ids=["SGD", "SGD lr", "SGDMomentum", "SGDMomentum lr momentum", "SGDMomentum 0", "Adam", "Adam lr betas eps"],
)
def test_formula(optimizer, expected):
    np.testing.assert_allclose(list(walk(optimizer([parameter()]), GRADIENTS)), list(expected), rtol=1e-13)


def test_adams_first_step_has_the_length_lr_whatever_the_gradient():
    for g in (1e-3, 1.0, 1e4):
        (after,) = walk(Adam([parameter()], lr=0.1), [g])
        assert after == pytest.approx(START - 0.1, rel=1e-5)


def test_elements_are_updated_independently():
    p = parameter([[1.0, 2.0], [3.0, 4.0]])
    optimizer = Adam([p], lr=0.1)
    gradients = np.array([[[0.5, -1], [0, 2]], [[1, 1], [3, -4]]])
    for gradient in gradients:
        p.grad = gradient
        optimizer.step()
    for place in np.ndindex(2, 2):
        start = 1.0 + 2 * place[0] + place[1]
        *_, expected = adam(start, gradients[:, *place], 0.1, (0.9, 0.999), 1e-8)
        assert p.data[place] == pytest.approx(expected, rel=1e-13)


@ALL
def test_weight_decay_shrinks_apart_from_the_gradient(kind):
    plain = list(walk(kind([parameter()], lr=0.1), GRADIENTS))
    decayed = list(walk(kind([parameter()], lr=0.1, weight_decay=0.5), GRADIENTS))
    p, moved_from = START, START
    for before_decay, after in zip(plain, decayed, strict=True):
        p = p * (1 - 0.1 * 0.5) + (before_decay - moved_from)  # the step itself is that of a run without decay
        moved_from = before_decay
        assert after == pytest.approx(p, rel=1e-12)


@ALL
def test_weight_decay_is_off_by_default(kind):
    (after,) = walk(kind([parameter()]), [0.0])
    assert after == START


@ALL
def test_defaults(kind):
    assert kind([]).lr == {SGD: 1e-3, SGDMomentum: 1e-2, Adam: 1e-3}[kind]


@ALL
@pytest.mark.parametrize("setting", ["lr", "weight_decay"])
def test_negative_settings_are_refused(kind, setting):
    with pytest.raises(ValueError, match=setting):
        kind([parameter()], **{setting: -0.1})


def test_optimizers_by_name():
    assert {"sgd": SGD, "momentum": SGDMomentum, "adam": Adam} == OPTIMIZERS


# ---------------------------------------------------------------- steps


@ALL
def test_lr_may_change_between_steps(kind):
    p = parameter()
    optimizer = kind([p], lr=0.1)
    (first,) = walk(optimizer, [1.0])
    optimizer.lr = 0.0
    assert list(walk(optimizer, [1.0])) == [first]
    optimizer.lr = 0.2
    (after,) = walk(optimizer, [1.0])
    assert after < first


def test_a_changed_lr_takes_effect_at_the_next_step():
    optimizer = SGDMomentum([parameter()], lr=0.1, momentum=0.5)
    list(walk(optimizer, [1.0]))
    optimizer.lr = 1.0
    assert list(walk(optimizer, [1.0])) == [pytest.approx(START - 0.1 * 1 - 1.0 * 1.5)]


@ALL
def test_a_parameter_without_gradient_is_skipped(kind):
    skipped, moved = parameter(), parameter()
    optimizer = kind([skipped, moved], weight_decay=0.1)
    before = optimizer.state()
    moved.grad = np.array(1.0)
    optimizer.step()
    assert skipped.data == START
    assert moved.data < START
    for name, value in optimizer.state().items():
        assert np.array_equal(value, before[name]) == name.endswith(".0")


def test_adam_counts_each_parameters_own_steps():
    late = parameter()
    optimizer = Adam([parameter(), late], lr=0.1)
    list(walk(optimizer, [1.0, 1.0, 1.0]))
    late.grad = np.array(5.0)
    optimizer.step()
    assert late.data == pytest.approx(START - 0.1, rel=1e-6)


@ALL
def test_zero_grad(kind):
    p = parameter()
    p.grad = np.array(1.0)
    kind([p]).zero_grad()
    assert p.grad is None


@ALL
def test_steps_work_in_place_and_leave_gradients_alone(kind):
    p = parameter([1.0, 2.0])
    data, gradient = p.data, np.array([3.0, 4.0])
    p.grad = gradient
    kind([p], weight_decay=0.1).step()
    assert p.data is data
    assert p.grad is gradient
    assert (data < [1, 2]).all()
    np.testing.assert_array_equal(gradient, [3, 4])


@ALL
def test_parameters_may_come_from_a_generator(kind):
    p = parameter()
    optimizer = kind(each for each in [p])
    list(walk(optimizer, [1.0, 1.0]))
    assert p.data < START


@ALL
@pytest.mark.parametrize("lr", [0.1, np.float64(0.1)])
def test_float32_stays_float32(kind, lr):
    p = parameter([1.0, 2.0], np.float32)
    optimizer = kind([p], lr=lr, weight_decay=0.1)
    list(walk(optimizer, GRADIENTS))
    assert p.dtype == np.float32
    assert all(value.dtype in (np.float32, np.int64) for value in optimizer.state().values())


@ALL
def test_scalar_parameters(kind):
    p = parameter()
    optimizer = kind([p])
    for _ in range(2):
        optimizer.zero_grad()
        (p * p).backward()
        optimizer.step()
    assert 0 < p.item() < START


@pytest.mark.parametrize(
    "optimizer", [lambda p: SGD(p, lr=0.1), lambda p: SGDMomentum(p, lr=0.05), lambda p: Adam(p, lr=0.1)]
)
def test_a_quadratic_is_solved(optimizer):
    x, goal = parameter([5.0, -3.0]), np.array([1.0, 2.0])
    optimizer = optimizer([x])
    for _ in range(500):
        optimizer.zero_grad()
        ((x - goal) ** 2 * [1, 3]).sum().backward()
        optimizer.step()
    np.testing.assert_allclose(x.data, goal, atol=1e-3)


# ---------------------------------------------------------------- state


def two_parameters():
    return [parameter([1.0, 2.0]), parameter([[3.0]], np.float32)]


def run(optimizer, steps, seed):
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        for p in optimizer.params:
            p.grad = rng.normal(size=p.shape).astype(p.dtype)
        optimizer.step()


def unchanged(state, other):
    return state.keys() == other.keys() and all(np.array_equal(state[name], other[name]) for name in state)


@ALL
def test_a_loaded_state_continues_bit_for_bit(kind):
    whole, resumed = kind(two_parameters()), kind(two_parameters())
    run(whole, 3, seed=0)
    resumed.load_state(whole.state())
    for p, q in zip(resumed.params, whole.params, strict=True):
        p.data[...] = q.data
    run(whole, 4, seed=1)
    run(resumed, 4, seed=1)
    for p, q in zip(resumed.params, whole.params, strict=True):
        np.testing.assert_array_equal(p.data, q.data)
    assert unchanged(resumed.state(), whole.state())


@pytest.mark.parametrize("dtype", [np.float32, np.float64, ">f4"])
@pytest.mark.parametrize("step", [Optimizer.step, quick_step])
@pytest.mark.parametrize("kind", [SGDMomentum, Adam])
def test_what_is_remembered_does_not_become_subnormal(kind, step, dtype):
    """Without gradient it shrinks; on Intel's processors a step would then take several times as long."""
    p = parameter(dtype=dtype)
    optimizer = kind([p], lr=1e-3)
    remembered = [values[0] for name, values in optimizer.memory.items() if name != "steps"]
    smallest = np.finfo(dtype).tiny
    for values in remembered:
        values[...] = 1e4 * smallest
    p.grad = np.zeros_like(p.data)
    for _ in range(200):
        step(optimizer)
        for values in remembered:
            assert values == 0 or values > 100 * smallest  # as it is multiplied by 0.9 and the like
    assert remembered[0] < 5e3 * smallest
    assert p.data == START


@pytest.mark.parametrize("kind", [SGDMomentum, partial(Adam, eps=1e-3)])
def test_in_half_precision_small_numbers_are_remembered(kind):
    """They are not rare there: 0.00006 is subnormal."""
    p = parameter(dtype=np.float16)
    optimizer = kind([p])
    p.grad = np.full_like(p.data, 1e-5)
    optimizer.step()
    assert next(iter(optimizer.memory.values()))[0] > 0


@ALL
def test_state_is_a_copy(kind):
    optimizer = kind(two_parameters())
    run(optimizer, 1, seed=0)
    state = optimizer.state()
    before = {name: value.copy() for name, value in state.items()}
    run(optimizer, 1, seed=1)
    assert unchanged(state, before)
    for value in state.values():
        value[...] = 99
    assert not any((value == 99).any() for value in optimizer.state().values())


@ALL
def test_load_state_copies(kind):
    source, optimizer = kind(two_parameters()), kind(two_parameters())
    run(source, 2, seed=0)
    state = source.state()
    optimizer.load_state(state)
    for value in state.values():
        value[...] = 99
    assert unchanged(optimizer.state(), source.state())


def test_names_of_the_state():
    assert set(SGD(two_parameters()).state()) == set()
    assert set(SGDMomentum(two_parameters()).state()) == {"velocity.0", "velocity.1"}
    names = [name for name in Adam(two_parameters()).state() if name.endswith(".1")]
    assert names == ["mean.1", "square.1", "steps.1"]


FOREIGN = {
    "of another optimizer": lambda _: SGDMomentum(two_parameters()).state(),
    "empty": lambda _: {},
    "with one too few": lambda state: dict(list(state.items())[:-1]),
    "with one too many": lambda state: state | {"mean.2": np.zeros(2)},
    "of another shape": lambda state: state | {"square.1": np.zeros((1, 2))},
    "with a number for an array": lambda state: state | {"square.0": 0.0},
    "with an array for a number": lambda state: state | {"steps.1": np.zeros(1)},
    "of text": lambda state: state | {"steps.1": np.array("three")},
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_state_of_other_parameters_is_rejected_and_changes_nothing(kind):
    optimizer, source = Adam(two_parameters()), Adam(two_parameters())
    run(optimizer, 2, seed=0)
    run(source, 3, seed=1)
    before = optimizer.state()
    with pytest.raises(ValueError):  # noqa: PT011
        optimizer.load_state(FOREIGN[kind](source.state()))
    assert unchanged(optimizer.state(), before)


@pytest.mark.parametrize("kind", [SGD, SGDMomentum])
def test_adams_state_is_rejected_by_others(kind):
    with pytest.raises(ValueError, match="names"):
        kind(two_parameters()).load_state(Adam(two_parameters()).state())


OUTSIDE = {
    "lr": [-0.1, float("nan"), float("inf"), -float("inf"), "0.1", None, np.array([0.1, 0.2])],
    "weight_decay": [-0.1, float("nan"), float("inf"), "0.1"],
    "momentum": [-0.1, 1.0, 1.5, float("nan"), float("inf")],
    "betas": [(1.0, 0.999), (0.9, 1.0), (-0.1, 0.9), (0.9, float("nan")), (0.9,), (0.9, 0.99, 0.999), 0.9],
    "eps": [-1e-8, float("nan"), float("inf")],
}
WHOLE = {name: [-0.1, float("nan"), float("inf"), "0.1"] for name in ("l1", "l2", "clip_norm")}
KINDS = {"lr": SGD, "weight_decay": SGD, "momentum": SGDMomentum, "betas": Adam, "eps": Adam}


@pytest.mark.parametrize(("setting", "value"), [(name, value) for name, values in OUTSIDE.items() for value in values])
def test_settings_that_cannot_train_are_refused_at_once_and_later(setting, value):
    p, kind = Tensor([1.0], requires_grad=True), KINDS[setting]
    with pytest.raises(ValueError, match=f"{setting} must be"):
        kind([p], **{setting: value})
    optimizer = kind([p])
    before = getattr(optimizer, setting)
    with pytest.raises(ValueError, match=f"{setting} must be"):
        setattr(optimizer, setting, value)
    assert getattr(optimizer, setting) == before


@pytest.mark.parametrize(("setting", "value"), [(name, value) for name, values in WHOLE.items() for value in values])
def test_penalties_and_clipping_that_make_no_sense_are_refused(setting, value):
    optimizer = SGD([Tensor([1.0], requires_grad=True)])
    with pytest.raises(ValueError, match=f"{setting} must be"):
        setattr(optimizer, setting, value)


def test_settings_at_their_borders():
    p = Tensor([1.0], requires_grad=True)
    Adam([p], lr=0, betas=(0.0, 0.0), eps=0)
    SGDMomentum([p], lr=np.float32(0.1), momentum=0, weight_decay=1).lr = 1000


# ---------------------------------------------------------------- penalties and clipping


def weight_and_bias():
    W = Tensor([[0.5, -2.0, 0.0], [1.5, 3.0, -0.25]], requires_grad=True)
    return W, Tensor([1.0, -1.0], requires_grad=True)


@ALL
def test_penalties_have_the_gradient_of_their_formula(kind):
    """The optimizer's penalties move the weights as penalties in the loss do, and spare the biases."""
    (W, b), (V, c) = weight_and_bias(), weight_and_bias()
    optimizer, plain = kind([W, b], lr=0.1), kind([V, c], lr=0.1)
    optimizer.l1, optimizer.l2 = 0.3, 0.2
    for _ in range(3):
        ((W * W * W).sum() + b.sum()).backward()
        ((V * V * V).sum() + c.sum() + 0.3 * abs(V).sum() + 0.1 * (V * V).sum()).backward()
        before = W.grad.copy()
        for each in (optimizer, plain):
            each.step()
        np.testing.assert_array_equal(W.grad, before)
        np.testing.assert_allclose(W.data, V.data, rtol=1e-12, atol=1e-15)
        np.testing.assert_array_equal(b.data, c.data)
        optimizer.zero_grad()
        plain.zero_grad()


def test_clipping_shortens_all_gradients_together():
    first, second, without = parameter([0.0, 0.0]), parameter(0.0), parameter(7.0)
    optimizer = SGD([first, second, without], lr=1.0)
    optimizer.clip_norm = 2.0
    first.grad, second.grad = np.array([2.0, -1.0]), np.array(2.0)  # of norm 3
    optimizer.step()
    np.testing.assert_allclose([*first.data, second.data], np.array([-2, 1, -2]) * 2 / 3)
    assert without.data == 7
    np.testing.assert_array_equal(first.grad, [2, -1])


@pytest.mark.parametrize(("dtype", "size"), [(np.float16, 100), (np.float32, 1e20)])
def test_gradients_whose_squares_overflow_are_clipped(dtype, size):
    p = parameter(np.zeros(20, dtype))
    optimizer = SGD([p], lr=1.0)
    optimizer.clip_norm = 1.0
    p.grad = np.full(20, size, dtype)
    optimizer.step()
    np.testing.assert_allclose(np.linalg.norm(p.data), 1, rtol=2e-3)


def test_short_gradients_are_not_clipped():
    p = parameter([0.0, 0.0])
    optimizer = SGD([p], lr=1.0)
    optimizer.clip_norm = 5.5
    p.grad = np.array([3.0, -4.0])
    optimizer.step()
    np.testing.assert_array_equal(p.data, [-3, 4])


def test_penalties_are_clipped_too():
    p = parameter([[30.0, 40.0]])
    optimizer = SGD([p], lr=1.0)
    optimizer.l2, optimizer.clip_norm = 1.0, 5.0
    p.grad = np.zeros((1, 2))
    optimizer.step()
    np.testing.assert_allclose(p.data, [[27, 36]])


# ---------------------------------------------------------------- what cannot be stepped is refused


def refuses(optimizer, match):
    """A step raises ValueError with this sentence and changes nothing."""
    before = [p.data.copy() for p in optimizer.params]
    state = optimizer.state()
    with pytest.raises(ValueError, match=match):
        optimizer.step()
    for p, data in zip(optimizer.params, before, strict=True):
        np.testing.assert_array_equal(p.data, data)
    assert unchanged(optimizer.state(), state)


WRONG_GRADIENTS = {
    "shorter": np.ones((2, 3)),
    "longer": np.ones((40_000, 3)),
    "of the same strides": np.ones((1000, 3))[:2],
    "one row": np.ones(3),
    "one column": np.ones((4, 1)),
    "one number": np.ones(()),
    "transposed": np.ones((3, 4)),
    "deeper": np.ones((1, 4, 3)),
    "empty": np.ones((0, 3)),
    "complex": np.ones((4, 3), complex),
    "of objects": np.ones((4, 3), object),
    "of text": np.full((4, 3), "1"),
    "a number": 1.0,
    "a list": [[1.0] * 3] * 2,
    "a Tensor": Tensor(np.ones((2, 3))),
}


@ALL
@pytest.mark.parametrize("wrong", WRONG_GRADIENTS)
def test_a_gradient_that_does_not_fit_is_refused(kind, wrong):
    first, second = parameter(np.ones((4, 3))), parameter(np.ones((4, 3)))
    optimizer = kind([first, second], weight_decay=0.1)
    first.grad, second.grad = np.ones((4, 3)), WRONG_GRADIENTS[wrong]
    refuses(optimizer, r"parameter 1 has shape \(4, 3\); a gradient of shape .* does not fit it")


FITTING_GRADIENTS = {
    "a list": [[1, 2], [3, 4]],
    "a Tensor": Tensor([[1.0, 2.0], [3.0, 4.0]]),
    "whole numbers": np.array([[1, 2], [3, 4]]),
    "bytes": np.array([[1, 2], [3, 4]], np.int8),
    "float64": np.array([[1.0, 2.0], [3.0, 4.0]]),
    "float16": np.array([[1, 2], [3, 4]], np.float16),
    "another order": np.array([[1, 3], [2, 4]], np.float32).T,
    "gaps": np.array([[1, 0, 2], [3, 0, 4]], np.float32)[:, ::2],
    "backwards": np.array([[4, 3], [2, 1]], np.float32)[::-1, ::-1],
    "another byte order": np.array([[1, 2], [3, 4]], np.dtype(np.float32).newbyteorder()),
}


@ALL
@pytest.mark.parametrize("make", FITTING_GRADIENTS)
def test_gradients_of_any_type_are_accepted(kind, make):
    p, plain = parameter([[1, 2], [3, 4]], np.float32), parameter([[1, 2], [3, 4]], np.float32)
    p.grad, plain.grad = FITTING_GRADIENTS[make], np.array([[1, 2], [3, 4]], np.float32)
    for each in (p, plain):
        kind([each], lr=0.1).step()
    assert p.dtype == np.float32
    np.testing.assert_allclose(p.data, plain.data, rtol=1e-6)


@ALL
@pytest.mark.parametrize("dtype", [np.int8, np.float16])
def test_a_gradient_of_small_numbers_does_not_overflow(kind, dtype):
    p, plain = parameter([1.0, 2.0], np.float32), parameter([1.0, 2.0], np.float32)
    p.grad, plain.grad = np.array([127, -100], dtype), np.array([127, -100], np.float32)
    for each in (p, plain):
        kind([each], lr=1e-3).step()
    np.testing.assert_array_equal(p.data, plain.data)


@ALL
def test_a_read_only_gradient_is_accepted(kind):
    p = parameter([1.0, 2.0])
    p.grad = np.ones(2)
    p.grad.flags.writeable = False
    kind([p]).step()
    assert (p.data < [1, 2]).all()


@ALL
def test_a_gradient_that_is_the_parameters_own_array(kind):
    p, plain = parameter([1.0, 2.0]), parameter([1.0, 2.0])
    p.grad, plain.grad = p.data, np.array([1.0, 2.0])
    for each in (p, plain):
        kind([each], lr=0.1).step()
    np.testing.assert_array_equal(p.data, plain.data)


@ALL
def test_a_read_only_parameter_is_refused(kind):
    p = parameter([1.0, 2.0])
    optimizer = kind([p])
    p.grad = np.ones(2)
    p.data.flags.writeable = False
    refuses(optimizer, "parameter 0 cannot be changed: its array is read-only")


def grow(p):
    p.data.resize(5_000_000, refcheck=False)
    p.grad = np.ones(5_000_000)


def bend(p):
    p.data.shape = (3, 4)
    p.grad = np.ones((3, 4))


@pytest.mark.parametrize("kind", [SGDMomentum, Adam])
@pytest.mark.parametrize(
    "change", [grow, pytest.param(bend, marks=pytest.mark.filterwarnings("ignore:Setting the shape"))]
)
def test_an_array_whose_shape_changes_behind_the_tensors_back_is_refused(kind, change):
    p = parameter(np.ones(12))
    optimizer = kind([p])
    p.grad = np.ones(12)
    optimizer.step()
    change(p)
    refuses(optimizer, "parameter 0, of shape .*, does not fit this optimizer")


@pytest.mark.parametrize("kind", [SGDMomentum, Adam])
@pytest.mark.parametrize(
    "change",
    [
        lambda o: setattr(o, "params", [parameter(np.ones(5_000_000))]),
        lambda o: o.params.append(parameter(np.ones(3))),
        lambda o: o.memory.update({name: [np.ones(2)] for name in o.memory}),
        lambda o: o.memory.update({name: [] for name in o.memory}),
    ],
    ids=["another parameter", "one more", "shorter memory", "no memory"],
)
def test_a_memory_of_other_parameters_is_refused(kind, change):
    optimizer = kind([parameter(np.ones(3))])
    change(optimizer)
    for p in optimizer.params:
        p.grad = np.ones_like(p.data)
    before = [p.data.copy() for p in optimizer.params]
    with pytest.raises(ValueError, match="memory: create a new optimizer"):
        optimizer.step()
    for p, data in zip(optimizer.params, before, strict=True):
        np.testing.assert_array_equal(p.data, data)


@ALL
def test_parameters_may_be_converted_during_training(kind):
    """A network may be converted to another dtype during training."""
    p = parameter([1.0, 2.0])
    optimizer = kind([p], lr=0.1)
    list(walk(optimizer, [1.0]))
    p.data = p.data.astype(np.float32)
    before = p.data.copy()
    list(walk(optimizer, [1.0]))
    assert p.dtype == np.float32
    assert (p.data < before).all()


@ALL
def test_a_parameter_in_another_byte_order(kind):
    p = parameter([1.0, 2.0], np.dtype(np.float64).newbyteorder())
    optimizer = kind([p], lr=0.1)
    p.grad = np.ones_like(p.data)
    optimizer.step()
    plain = parameter([1.0, 2.0])
    plain.grad = np.ones(2)
    kind([plain], lr=0.1).step()
    np.testing.assert_allclose(p.data, plain.data, rtol=1e-14)


@ALL
def test_an_assigned_number_is_updated(kind):
    x = parameter(2.0)
    optimizer = kind([x], lr=0.1)
    x.data = x.data - 0.1
    list(walk(optimizer, [1.0, 1.0]))
    assert x.item() < 1.9


# ---------------------------------------------------------------- what an optimizer takes


@ALL
@pytest.mark.parametrize("params", [parameter(1.0), parameter([1.0, 2.0])], ids=["number", "row"])
def test_a_tensor_alone_is_refused(kind, params):
    with pytest.raises(TypeError, match="a list of Tensors"):
        kind(params)


@ALL
@pytest.mark.parametrize("wrong", [np.ones(3), 1.0, [parameter()], ("W", parameter()), None])
def test_anything_but_a_tensor_is_rejected(kind, wrong):
    with pytest.raises(TypeError, match=f"Tensors, not {type(wrong).__name__}"):
        kind([parameter(), wrong])


@ALL
def test_a_result_is_refused(kind):
    with pytest.raises(ValueError, match=r"the result of multiply\(\) is not a parameter"):
        kind([parameter() * 2])


@ALL
def test_a_parameter_that_is_given_twice_is_stepped_once(kind):
    p, q, once = parameter(), parameter(), parameter()
    twice = kind([p, q, p], lr=0.1)
    assert len(twice.params) == 2
    assert list(walk(twice, GRADIENTS)) == list(walk(kind([once], lr=0.1), GRADIENTS))


# ---------------------------------------------------------------- copies

COPIES = {
    "copy": lambda pair: (pair[0], copy.copy(pair[1])),
    "deepcopy": copy.deepcopy,
    "pickle": lambda pair: pickle.loads(pickle.dumps(pair)),
}


@pytest.mark.parametrize("way", COPIES)
@ALL
def test_a_copied_optimizer_computes_the_same_numbers(kind, way):
    def parameters():
        return [parameter([[1.0, 2.0, 3.0]], np.float32), parameter([3.0], np.float32)]

    whole, half = kind(parameters(), lr=0.1, weight_decay=0.1), kind(parameters(), lr=0.1, weight_decay=0.1)
    for optimizer in (whole, half):
        run(optimizer, 3, seed=0)
    params, copied = COPIES[way]((half.params, half))
    assert all(p is q for p, q in zip(params, copied.params, strict=True))
    left = [p.data.copy() for p in half.params]
    run(whole, 4, seed=1)
    run(copied, 4, seed=1)
    for p, q in zip(params, whole.params, strict=True):
        np.testing.assert_array_equal(p.data, q.data)
    assert unchanged(copied.state(), whole.state())
    if way != "copy":
        for p, data in zip(half.params, left, strict=True):
            np.testing.assert_array_equal(p.data, data)


@pytest.mark.parametrize("way", COPIES)
@ALL
def test_a_copy_has_its_own_memory(kind, way):
    optimizer = kind(two_parameters())
    run(optimizer, 2, seed=0)
    state = optimizer.state()
    _, copied = COPIES[way]((optimizer.params, optimizer))
    run(copied, 2, seed=1)
    copied.params.pop()
    assert unchanged(optimizer.state(), state)
    assert len(optimizer.params) == 2


@pytest.mark.parametrize("way", ["deepcopy", "pickle"])
def test_a_copied_optimizer_holds_the_copied_parameters(way):
    (p, _), _ = COPIES[way]((two_parameters(), None))
    p.data = np.ones(7)
    optimizer = Adam(two_parameters())
    (p, _), _ = COPIES[way]((optimizer.params, optimizer))
    with pytest.raises(ValueError, match="an optimizer holds this tensor"):
        p.data = np.ones(7)
