"""The loops that Numba compiles, each by itself, beside NumPy; and what there is where they cannot be compiled."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine import MLP, Adam, Tensor, cross_entropy_loss, optim
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
    """Call it, and from then on all is done in NumPy."""
    return lambda: monkeypatch.setattr(optim, "_machine_adam", lambda _dtype: None)


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


def step(data, grad):
    """The loops that one step of Adam took, by name."""
    taken = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(optim, "_machine_adam", lambda _dtype: lambda *rows: (taken.append("adam"), seam.adam(*rows)))
        parameter = Tensor.around(data, requires_grad=True)
        parameter.grad = grad
        Adam([parameter]).step()
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
def test_adam_leaves_all_else_to_numpy(data, grad):
    before = data.copy()
    assert step(data, grad) == []
    np.testing.assert_allclose(data, before - 1e-3)


def test_adam_notices_another_array_and_another_gradient():
    """What it keeps of a parameter's arrays holds for these arrays alone."""
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
        optimizer.step()
        assert (data < before).all()
        assert parameter.data is data


def test_adam_has_no_loop_for_other_dtypes():
    parameter = Tensor(np.ones(3, np.float16), requires_grad=True)
    parameter.grad = np.ones(3, np.float16)
    Adam([parameter], lr=0.5).step()
    np.testing.assert_allclose(parameter.data, 0.5, rtol=1e-2)


# ---------------------------------------------------------------- where nothing can be compiled, or kept

ROWS = (*np.ones((4, 3)), np.ones(6))


@pytest.fixture
def compiled_anew():
    """Numba is asked for again, and once more afterwards."""
    seam._compiled.cache_clear()
    yield
    seam._compiled.cache_clear()


@pytest.mark.usefixtures("compiled_anew")
def test_without_numba_there_is_no_machine_code(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)  # what an import of a missing package finds
    assert seam.machine_code(seam.adam, *ROWS) is None


@pytest.mark.usefixtures("compiled_anew")
def test_without_a_folder_for_the_compiled_loop_it_is_compiled_anew(monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr("numba.core.caching.CompileResultCacheImpl._locator_classes", [])
    adam = seam.machine_code(seam.adam, *ROWS)
    assert adam is not None
    data = np.ones(3)
    adam(data, *np.ones((3, 3)), np.ones(6))
    assert (data < 1).all()


def test_a_damaged_cache_is_passed_over(tmp_path):
    pytest.importorskip("numba")
    one_step = (
        "import numpy as np; from engine import Adam, Tensor; weight = Tensor(np.ones(3), requires_grad=True);"
        "weight.sum().backward(); Adam([weight]).step(); print(weight.data);"
        "from engine.optim import _machine_adam; print(_machine_adam('d') is not None)"
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


# ---------------------------------------------------------------- each loop by itself

NUMBERS = np.array([[3, -2, 0.0, -0.0, 1e-30, np.inf], [1, np.nan, 7, 2, -np.inf, np.inf]])


@pytest.fixture(params=["python", "machine"])
def loop(request):
    """Gives a loop as it is written, or compiled and tried on the arguments."""

    def run(function, *arguments):
        if request.param == "machine":
            pytest.importorskip("numba")
            function = seam.machine_code(function, *(np.copy(a) if isinstance(a, np.ndarray) else a for a in arguments))
            assert function is not None
        function(*arguments)

    return run


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.filterwarnings("ignore:invalid value", "ignore:overflow")
class TestLoops:
    @pytest.mark.parametrize("density", [0, 0.2, 1])
    @pytest.mark.parametrize(
        "shape", [(0, 3, 2), (1, 5, 4), (2, 9, 16), (7, 0, 3), (7, 30, 1), (8, 33, 20), (2, 9, 9000)]
    )
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_sparse_product(self, shape, density, order, dtype, loop):
        rng = np.random.default_rng(0)
        rows, inner, columns = shape
        a = np.asarray(rng.normal(size=(rows, inner)) * (rng.random((rows, inner)) < density), dtype, order)
        b, out = rng.normal(size=(inner, columns)).astype(dtype), np.full((rows, columns), np.nan, dtype)
        loop(seam.sparse_product, a, b, out)
        np.testing.assert_allclose(out, a @ b, rtol=100 * np.finfo(dtype).eps, atol=100 * np.finfo(dtype).eps)

    @pytest.mark.parametrize("rectify", [False, True])
    def test_add_bias(self, rectify, dtype, loop):
        y, b = NUMBERS.T.astype(dtype).copy(), np.array([0.1, -7], dtype)
        expected = np.maximum(y + b, 0) if rectify else y + b
        loop(seam.add_bias, y, b, rectify)
        np.testing.assert_array_equal(y, expected)

    def test_bias_gradient(self, dtype, loop):
        g = np.random.default_rng(0).normal(size=(9, 4)).astype(dtype)
        out = np.full(4, np.nan, dtype)
        loop(seam.bias_gradient, g, out)
        np.testing.assert_allclose(out, g.sum(axis=0), rtol=1e-5)

    def test_relu_vjp(self, dtype, loop):
        y, g = NUMBERS.astype(dtype), np.arange(12, dtype=dtype).reshape(2, 6)
        expected = g * (y > 0)
        loop(seam.relu_vjp, g, y)
        np.testing.assert_array_equal(g, expected)

    @pytest.mark.parametrize("scale", [1e-3, 1, 1e3])
    def test_cross_entropy(self, scale, dtype, loop):
        rng = np.random.default_rng(0)
        logits, target = (rng.normal(size=(7, 10)) * scale).astype(dtype), rng.integers(0, 10, 7)
        logits[2, 3:] = logits[2].max()  # the first of several is the likeliest
        gradient, result = np.empty_like(logits), np.zeros(2)
        loop(seam.cross_entropy, logits, target, 14, gradient, result)
        tensor = Tensor(logits, requires_grad=True)
        loss = cross_entropy_loss(tensor, target)
        loss.backward()
        np.testing.assert_allclose(result[0] / 7, loss.item(), rtol=1e-5)
        assert result[1] == (logits.argmax(axis=1) == target).sum()
        np.testing.assert_allclose(gradient, tensor.grad / 2, rtol=1e-4, atol=1e-7)
