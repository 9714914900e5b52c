"""Compiled Adam gives the same numbers as `Adam.step`, bit for bit."""

import numpy as np
import pytest

from engine import MLP, SGD, Adam, Tensor, cross_entropy_loss
from engine.fast import compiled
from engine.fast import optimizers as optimizers_module
from engine.fast.optimizers import quick_step

STEPS = 5


def walk(shape, dtype, order, *, weight_decay=0.0):
    """A parameter and Adam's state after some steps with large, small and zero gradients."""
    rng = np.random.default_rng(0)
    parameter = Tensor(rng.normal(size=shape).astype(dtype, order=order), requires_grad=True)
    optimizer = Adam([parameter], lr=0.01, weight_decay=weight_decay)
    for scale in 10.0 ** np.arange(-STEPS, STEPS):
        gradient = (rng.normal(scale=scale, size=shape) * rng.integers(0, 2, shape)).astype(dtype, order=order)
        parameter.grad = gradient
        quick_step(optimizer)
    return [parameter.data, *optimizer.state().values()]


@pytest.fixture
def without_compiler(monkeypatch):
    """Calling it makes everything use NumPy from then on."""
    return lambda: monkeypatch.setattr(optimizers_module, "_compiled_adam", lambda _dtype: None)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(), (1,), (37,), (64, 33), (3, 4, 5), (0, 3)])
def test_the_compiled_loop_gives_numpys_numbers(shape, order, dtype, without_compiler):
    fast = walk(shape, dtype, order, weight_decay=0.1)
    without_compiler()
    plain = walk(shape, dtype, order, weight_decay=0.1)
    for a, b in zip(fast, plain, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_overflows_are_the_same(dtype, without_compiler):
    def walk():
        parameter = Tensor(np.ones(4, dtype), requires_grad=True)
        optimizer = Adam([parameter])
        with np.errstate(all="ignore"):
            for gradient in ([1e30, np.inf, np.nan, 0], [1.0, 1.0, 1.0, 0.0]):
                parameter.grad = np.array(gradient, dtype)
                quick_step(optimizer)
        return parameter.data

    fast = walk()
    without_compiler()
    np.testing.assert_array_equal(fast, walk())


def test_a_network_learns_the_same_either_way(without_compiler):
    def learn():
        rng = np.random.default_rng(0)
        model = MLP(20, [16, 8], 4, rng=rng, dtype=np.float32, init="he")
        images, labels = rng.normal(size=(64, 20)).astype(np.float32), rng.integers(0, 4, 64)
        optimizer = Adam(model.parameters(), lr=0.01)
        for _ in range(20):
            optimizer.zero_grad()
            cross_entropy_loss(model(images), labels).backward()
            quick_step(optimizer)
        return [parameter.data for parameter in model.parameters()]

    fast = learn()
    without_compiler()
    for a, b in zip(fast, learn(), strict=True):
        np.testing.assert_array_equal(a, b)


def step(data, grad):
    """The names of the loops that one step of Adam used."""
    taken = []
    with pytest.MonkeyPatch.context() as patch:
        loop = lambda *rows: (taken.append("adam"), compiled.adam(*rows))
        patch.setattr(optimizers_module, "_compiled_adam", lambda _dtype: loop)
        parameter = Tensor.around(data, requires_grad=True)
        parameter.grad = grad
        quick_step(Adam([parameter]))
    return taken


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_adam_takes_arrays_in_one_row_of_memory(dtype):
    data = np.ones((4, 6), dtype)
    assert step(data, np.ones_like(data)) == ["adam"]
    assert step(data.T, np.ones_like(data.T)) == ["adam"]


@pytest.mark.parametrize(
    ("data", "grad"),
    [
        (np.ones((4, 6))[:, ::2], np.ones((4, 3))),  # gaps
        (np.ones((4, 6)), np.ones((6, 4)).T),  # another order
        (np.ones(6), np.ones(6, np.float32)),  # another dtype
        (np.ones(6), np.ones(6, np.dtype(np.float64).newbyteorder())),
        (np.ones(6), np.broadcast_to(1.0, 6)),
    ],
    ids=["gaps", "order", "dtype", "byte order", "broadcast"],
)
def test_adam_leaves_other_arrays_to_numpy(data, grad):
    before = data.copy()
    assert step(data, grad) == []
    np.testing.assert_allclose(data, before - 1e-3)


def test_adam_notices_another_array_and_another_gradient():
    """Anything cached for a parameter's arrays is valid for these arrays only."""
    parameter = Tensor(np.ones((4, 6)), requires_grad=True)
    optimizer = Adam([parameter], lr=0.1)
    for data, grad in [
        (parameter.data, np.ones((4, 6))),
        (parameter.data, np.full((4, 6), 2.0)),
        (np.ones((4, 6)), np.ones((4, 6))),
        (np.asfortranarray(np.ones((4, 6))), np.asfortranarray(np.ones((4, 6)))),
        (np.ones((4, 6)), np.ones((6, 4)).T),
    ]:
        before = data.copy()
        parameter.adopt(data)
        parameter.grad = grad
        quick_step(optimizer)
        assert (data < before).all()
        assert parameter.data is data


def test_adam_has_no_loop_for_other_dtypes():
    parameter = Tensor(np.ones(3, np.float16), requires_grad=True)
    parameter.grad = np.ones(3, np.float16)
    quick_step(Adam([parameter], lr=0.5))
    np.testing.assert_allclose(parameter.data, 0.5, rtol=1e-2)


def test_other_optimizers_use_their_own_step():
    parameter = Tensor(np.ones(3), requires_grad=True)
    parameter.grad = np.ones(3)
    quick_step(SGD([parameter], lr=0.5))
    np.testing.assert_array_equal(parameter.data, 0.5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (37,), (64, 33)])
@pytest.mark.parametrize("size", [1, 1e-20, 1e-34])
def test_it_equals_adams_own_step(size, shape, dtype):
    def walk(take_step):
        rng = np.random.default_rng(0)
        parameter = Tensor((size * rng.normal(size=shape)).astype(dtype), requires_grad=True)
        optimizer = Adam([parameter], lr=0.01, weight_decay=0.1)
        for _ in range(STEPS):
            parameter.grad = np.asarray(size * rng.normal(size=shape), dtype)
            take_step(optimizer)
        return [parameter.data, *optimizer.state().values()]

    for ours, theirs in zip(walk(quick_step), walk(Adam.step), strict=True):
        np.testing.assert_array_equal(ours, theirs)
