"""Steps become layers, and what is no MLP is refused."""

import numpy as np
import pytest
from exported import TOLERANCE, apart

from minigrad_gui.exchange.chain import Chain, Found, checked
from minigrad_gui.exchange.portable import ExchangeError

RNG = np.random.default_rng(0)
W1, W2, W3 = (RNG.normal(size=shape).astype(np.float32) for shape in ((6, 4), (6, 6), (3, 6)))
B1, B3 = RNG.normal(size=6).astype(np.float32), RNG.normal(size=3).astype(np.float32)
X = RNG.normal(size=(5, 4)).astype(np.float32)


def test_steps_between_activations_become_one_layer():
    chain = Chain()
    chain.term(np.array(-0.5))
    chain.factor(np.array([2.0]))
    chain.product(W1)
    chain.term(B1[np.newaxis])
    chain.product(W2)
    chain.factor(np.array(0.5))
    chain.activation("relu")
    chain.product(W3)
    chain.term(B3)
    chain.activation("softmax")
    found = chain.found()
    assert found.activation == "relu"
    (first, first_b), (last, last_b) = found.layers
    hidden = np.maximum(((2 * (X - 0.5)) @ W1.T + B1) @ W2.T * 0.5, 0)
    expected = hidden @ W3.T + B3
    assert apart(np.maximum(X @ first.T + first_b, 0) @ last.T + last_b, expected) < TOLERANCE


def test_a_product_alone_is_unchanged():
    chain = Chain()
    chain.product(W3)
    (W, b), *others = chain.found().layers
    np.testing.assert_array_equal(W, W3)
    assert (b.tolist(), others) == ([0, 0, 0], [])


def several_activations(chain):
    chain.product(W1)
    chain.activation("relu")
    chain.product(W2)
    chain.activation("tanh")
    chain.product(W3)


def ends_in_relu(chain):
    chain.product(W1)
    chain.activation("relu")


def unknown(chain):
    chain.product(W1)
    chain.activation("LeakyRelu")


def goes_on(chain):
    chain.product(W1)
    chain.activation("softmax")
    chain.product(W2)


def begins_with_relu(chain):
    chain.activation("relu")


def found_after(steps):
    chain = Chain()
    steps(chain)
    return chain.found()


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (several_activations, r"has several activations \(relu, tanh\)"),
        (ends_in_relu, "does not end in logits"),
        (unknown, "uses LeakyRelu where"),
        (goes_on, "computes with probabilities"),
        (begins_with_relu, "uses relu where"),
        (lambda _: None, "does not end in logits"),
    ],
)
def test_what_is_no_mlp_is_told(steps, told):
    with pytest.raises(ExchangeError, match=told):
        found_after(steps)


def test_sigmoid_outputs_have_the_order_of_the_logits():
    chain = Chain()
    chain.product(W1)
    chain.activation("tanh")
    chain.product(W3)
    chain.activation("sigmoid")
    assert chain.found().activation == "tanh"


def layer(outputs, inputs, dtype=np.float32):
    return np.ones((outputs, inputs), dtype), np.ones(outputs, dtype)


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ([], "holds 0 layers"),
        ([layer(4, 4)] * 22, "holds 22 layers"),
        ([layer(10, 100)], "has 100 inputs and 10 outputs; reading pictures takes 4 inputs"),
        ([layer(1, 4)], "4 inputs and 1 output;"),
        ([layer(5, 4), layer(10, 6)], "do not fit one another"),
        ([(np.ones((3, 4)), np.ones(4))], "weights and biases that do not fit"),
        ([layer(3, 4, np.int64)], "no floating-point numbers"),
        ([(np.full((3, 4), np.nan), np.ones(3))], "not finite"),
        ([(np.full((3, 4), 1e39), np.ones(3, np.float32))], "not finite"),
    ],
)
def test_layers_that_cannot_be_are_told(layers, told):
    with np.errstate(over="ignore"), pytest.raises(ExchangeError, match=told):
        checked(Found(tuple(layers), "relu"), 4)


def test_half_precision_becomes_float32_and_float64_stays():
    for dtype, expected in ((np.float16, np.float32), (np.float64, np.float64), (">f4", np.float32)):
        ((W, b),) = checked(Found((layer(3, 4, dtype),)), 4).layers
        assert W.dtype == b.dtype == expected
        assert W.dtype.isnative
