"""The compiled loops, each compared with NumPy."""

import numpy as np
import pytest

from engine import Augmentation, Tensor, cross_entropy_loss, ops
from engine.augment import Draws, Variations
from engine.config import MAX_AUGMENTATION
from engine.fast import compiled as seam
from engine.fast import fused
from engine.fast.compiler import machine_code
from engine.fast.program import IDENTITY, RELU, SIGMOID, TANH

# ---------------------------------------------------------------- each loop by itself

ACTIVATIONS = {IDENTITY: lambda a: a, RELU: ops.relu, TANH: ops.tanh, SIGMOID: ops.sigmoid}
NUMBERS = np.array([[3, -2, 0.0, -0.0, 1e-30, np.inf], [1, np.nan, 7, 2, -np.inf, np.inf]])


@pytest.fixture(params=["python", "machine"])
def loop(request):
    """Returns a loop as plain Python, or compiled for the arguments."""

    def run(function, *arguments):
        if request.param == "machine":
            pytest.importorskip("numba")
            function = machine_code(function, *(np.copy(a) if isinstance(a, np.ndarray) else a for a in arguments))
            assert function is not None
        return function(*arguments)

    return run


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.filterwarnings("ignore:invalid value", "ignore:overflow")
class TestLoops:
    @pytest.mark.parametrize("activation", ACTIVATIONS)
    def test_activate(self, activation, dtype, loop):
        y, b = NUMBERS.T.astype(dtype).copy(), np.array([0.1, -7], dtype)
        expected = ACTIVATIONS[activation](y + b)
        loop(seam.activate, y, b, activation)
        np.testing.assert_allclose(y, expected, rtol=4 * np.finfo(dtype).eps)

    def test_bias_gradient(self, dtype, loop):
        g = np.random.default_rng(0).normal(size=(9, 4)).astype(dtype)
        out = np.full(4, np.nan, dtype)
        loop(seam.bias_gradient, g, out)
        np.testing.assert_allclose(out, g.sum(axis=0), rtol=1e-5)

    def test_tanh_everywhere(self, dtype, loop):
        y = np.linspace(-12, 12, 4001).astype(dtype).reshape(1, -1)
        expected = np.tanh(y.astype(np.float64))
        loop(seam.activate, y, np.zeros(y.size, dtype), TANH)
        np.testing.assert_allclose(y, expected, rtol=2 * np.finfo(dtype).eps)

    @pytest.mark.parametrize("activation", ACTIVATIONS)
    def test_activation_vjp(self, activation, dtype, loop):
        a = np.random.default_rng(0).normal(size=(6, 4)).astype(dtype)
        x = Tensor(a, requires_grad=True)
        y = {RELU: x.relu, TANH: x.tanh, SIGMOID: x.sigmoid, IDENTITY: lambda: x * 1}[activation]()
        g = np.arange(24, dtype=dtype).reshape(6, 4)
        y.backward(g)
        loop(seam.activation_vjp, g, y.data, activation, 1.0)
        np.testing.assert_allclose(g, x.grad, rtol=4 * np.finfo(dtype).eps)

    @pytest.mark.parametrize("scale", [1e-3, 1, 1e3])
    def test_cross_entropy(self, scale, dtype, loop):
        rng = np.random.default_rng(0)
        logits, target = (rng.normal(size=(7, 10)) * scale).astype(dtype), rng.integers(0, 10, 7)
        logits[2, 3:] = logits[2].max()  # the first of several is the likeliest
        gradient, losses = np.empty_like(logits), np.zeros(7)
        correct = loop(seam.cross_entropy, logits, target, 14, 0.0, gradient, losses)
        tensor = Tensor(logits, requires_grad=True)
        loss = cross_entropy_loss(tensor, target)
        loss.backward()
        np.testing.assert_allclose(losses.mean(), loss.item(), rtol=1e-5)
        assert correct == (logits.argmax(axis=1) == target).sum()
        np.testing.assert_allclose(gradient, tensor.grad / 2, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", [*MAX_AUGMENTATION, "smooth", "trembling", "everything"])
@pytest.mark.parametrize("shape", [(5, 28, 28), (3, 9, 13), (2, 5, 3)])
def test_varied(name, shape):
    """As by NumPy to within rounding; an image's left and right neighbours in memory are not seen."""
    pytest.importorskip("numba")
    amounts = {
        "everything": MAX_AUGMENTATION,
        "smooth": {"elastic_px": 3, "elastic_sigma_px": 14},
        "trembling": {"elastic_px": 1, "elastic_sigma_px": 2},
    }
    augmentation = Augmentation(**(amounts[name] if name in amounts else {name: MAX_AUGMENTATION[name]}))
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    draws = augmentation.draw(len(images) + 1, np.random.default_rng(1))
    order = np.arange(len(images))[::-1].copy()
    out = np.full((len(images), images[0].size), np.nan, np.float32)
    form = fused._form(Variations(augmentation, 0, len(images), 1), shape)
    arguments = (seam.read_only(images.reshape(len(images), -1)), order, draws, 1, form, out)
    varied = machine_code(seam.varied, *arguments)
    assert varied is not None
    varied(*arguments)
    expected = augmentation.vary(images[order], Draws(*(rows[1:] for rows in draws)))
    np.testing.assert_allclose(out.reshape(shape), expected, atol=2e-4)
