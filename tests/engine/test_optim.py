"""Optimizers against their formulas, one number at a time."""

import math

import numpy as np
import pytest

from engine import SGD, Adam, SGDMomentum, Tensor
from engine.optim import OPTIMIZERS

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


def test_elements_move_on_their_own():
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
def test_weight_decay_is_off_unless_asked_for(kind):
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


def test_a_changed_lr_counts_from_the_next_step_on():
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
def test_a_foreign_state_is_refused_and_changes_nothing(kind):
    optimizer, source = Adam(two_parameters()), Adam(two_parameters())
    run(optimizer, 2, seed=0)
    run(source, 3, seed=1)
    before = optimizer.state()
    with pytest.raises(ValueError):  # noqa: PT011
        optimizer.load_state(FOREIGN[kind](source.state()))
    assert unchanged(optimizer.state(), before)


@pytest.mark.parametrize("kind", [SGD, SGDMomentum])
def test_adams_state_is_foreign_to_others(kind):
    with pytest.raises(ValueError, match="names"):
        kind(two_parameters()).load_state(Adam(two_parameters()).state())


OUTSIDE = {
    "lr": [-0.1, float("nan"), float("inf"), -float("inf"), "0.1", None, np.array([0.1, 0.2])],
    "weight_decay": [-0.1, float("nan"), float("inf"), "0.1"],
    "momentum": [-0.1, 1.0, 1.5, float("nan"), float("inf")],
    "betas": [(1.0, 0.999), (0.9, 1.0), (-0.1, 0.9), (0.9, float("nan")), (0.9,), (0.9, 0.99, 0.999), 0.9],
    "eps": [-1e-8, float("nan"), float("inf")],
}
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


def test_settings_at_their_borders():
    p = Tensor([1.0], requires_grad=True)
    Adam([p], lr=0, betas=(0.0, 0.0), eps=0)
    SGDMomentum([p], lr=np.float32(0.1), momentum=0, weight_decay=1).lr = 1000
