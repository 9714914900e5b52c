"""Adam's compiled loop and its NumPy passes: the same numbers, bit for bit."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine import MLP, Adam, Tensor, cross_entropy_loss
from engine import compiled as seam

STEPS = 5


def walk(shape, dtype, order, *, weight_decay=0.0):
    """A parameter and Adam's state after some steps with gradients large, small and zero."""
    rng = np.random.default_rng(0)
    parameter = Tensor(rng.normal(size=shape).astype(dtype, order=order), requires_grad=True)
    optimizer = Adam([parameter], lr=0.01, weight_decay=weight_decay)
    for scale in 10.0 ** np.arange(-STEPS, STEPS):
        gradient = (rng.normal(scale=scale, size=shape) * rng.integers(0, 2, shape)).astype(dtype, order=order)
        parameter.grad = gradient
        optimizer.step()
    return [parameter.data, *optimizer.state().values()]


@pytest.fixture
def without_compiler(monkeypatch):
    """Call it, and from then on Adam works in NumPy."""
    return lambda: monkeypatch.setattr(seam, "_compiled_adam", lambda _: None)


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
def test_what_overflows_overflows_alike(dtype, without_compiler):
    def walk():
        parameter = Tensor(np.ones(4, dtype), requires_grad=True)
        optimizer = Adam([parameter])
        with np.errstate(all="ignore"):
            for gradient in ([1e30, np.inf, np.nan, 0], [1.0, 1.0, 1.0, 0.0]):
                parameter.grad = np.array(gradient, dtype)
                optimizer.step()
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
            optimizer.step()
        return [parameter.data for parameter in model.parameters()]

    fast = learn()
    without_compiler()
    for a, b in zip(fast, learn(), strict=True):
        np.testing.assert_array_equal(a, b)


def update(data, grad, mean=None, square=None):
    mean = np.zeros_like(data) if mean is None else mean
    square = np.zeros_like(data) if square is None else square
    return seam.adam_update(data, grad, mean, square, (0.9, 0.999), 1e-8, 1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_takes_arrays_in_one_row_of_memory(dtype):
    data = np.ones((4, 6), dtype)
    assert update(data, np.ones_like(data))
    assert update(data.T, np.ones_like(data.T))


@pytest.mark.parametrize(
    ("data", "grad"),
    [
        (np.ones((4, 6))[:, ::2], np.ones((4, 3))),  # gaps
        (np.ones((4, 6)), np.ones((6, 4)).T),  # another order
        (np.ones(6), np.ones(6, np.float32)),  # another dtype
        (np.ones(6, np.float16), np.ones(6, np.float16)),
        (np.ones(6), np.broadcast_to(1.0, 6)),
    ],
    ids=["gaps", "order", "dtype", "half", "broadcast"],
)
def test_it_leaves_all_else_to_numpy_and_alone(data, grad):
    before = data.copy()
    assert not update(data, grad)
    np.testing.assert_array_equal(data, before)


@pytest.fixture
def compiled_anew():
    """Numba is asked for again, and once more afterwards."""
    seam._compiled_adam.cache_clear()
    yield
    seam._compiled_adam.cache_clear()


@pytest.mark.usefixtures("compiled_anew")
def test_without_numba_numpy_does_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)  # what an import of a missing package finds
    assert not update(np.ones(3), np.ones(3))


@pytest.mark.usefixtures("compiled_anew")
def test_without_a_folder_for_the_compiled_loop_it_is_compiled_anew(monkeypatch):
    monkeypatch.setattr("numba.core.caching.CompileResultCacheImpl._locator_classes", [])
    data = np.ones(3)
    assert update(data, np.ones(3))
    assert (data < 1).all()


def test_a_damaged_cache_is_passed_over(tmp_path):
    pytest.importorskip("numba")
    one_step = (
        "import numpy as np; from engine import Adam, Tensor; weight = Tensor(np.ones(3), requires_grad=True);"
        "weight.sum().backward(); Adam([weight]).step(); print(weight.data);"
        "from engine.compiled import _compiled_adam; print(_compiled_adam('d') is not None)"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}

    def said():
        done = subprocess.run([sys.executable, "-c", one_step], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    first = said()
    kept = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(kept) == 2
    for file in kept:
        file.write_bytes(file.read_bytes()[:-20])
    assert said() == first == "[0.999 0.999 0.999]\nTrue\n"
