"""A network gets a table if every operation has a row in it, and otherwise an empty one."""

from dataclasses import dataclass

import numpy as np
import pytest

from engine import MLP, LeakyReLU, ReLU, Sigmoid, Tanh, cross_entropy_loss, mse_loss
from engine.fast.program import IDENTITY, RELU, SIGMOID, TANH, capture
from engine.nn import Linear


def network(hidden=(4, 3), activation=ReLU, **settings):
    return MLP(5, hidden, 2, activation, rng=np.random.default_rng(0), **settings)


def program(model, inputs=None, loss_fn=cross_entropy_loss):
    inputs = np.ones((1, 5)) if inputs is None else inputs
    return capture(model, loss_fn, inputs, np.zeros(len(inputs), int))


@pytest.mark.parametrize(("activation", "code"), [(ReLU, RELU), (Tanh, TANH), (Sigmoid, SIGMOID)])
def test_a_row_is_a_layer(activation, code):
    model = network(activation=activation)
    found = program(model)
    assert found.table.tolist() == [
        [code, 0, 0, 5, 5, 4],
        [code, 24, 5, 9, 4, 3],
        [IDENTITY, 39, 9, 12, 3, 2],
    ]
    assert list(map(id, found.parameters)) == [id(p) for layer in model.layers for p in (layer.W, layer.b)]


def test_softmax_regression_has_one_row():
    assert program(network(())).table.tolist() == [[IDENTITY, 0, 0, 5, 5, 2]]


def test_the_table_does_not_depend_on_the_mini_batch():
    model = network()
    np.testing.assert_array_equal(program(model).table, program(model, np.zeros((7, 5))).table)


def tied():
    model = network((2, 2))
    model.layers[2] = model.layers[1]
    return model


def frozen():
    model = network()
    model.layers[1].W.requires_grad = False
    return model


class Halving(MLP):
    def forward(self, x):
        return super().forward(x) * 0.5


class OwnLayer(Linear):
    pass


def own_layer():
    model = network()
    model.layers[0] = OwnLayer(5, 4)
    return model


@pytest.mark.parametrize(
    "build",
    [tied, frozen, own_layer, lambda: network(activation=LeakyReLU), lambda: Halving(5, [4], 2)],
    ids=["tied", "frozen", "own layer", "leaky", "subclass"],
)
def test_other_networks_have_no_rows(build):
    assert len(program(network()).table) == 3
    assert len(program(build()).table) == 0


def test_other_losses_dtypes_and_shapes_have_no_rows():
    def squared(outputs, target):
        return mse_loss(outputs, np.eye(2)[target])

    assert len(program(network(), loss_fn=squared).table) == 0
    assert len(program(network(), np.ones((1, 5), np.float32)).table) == 0
    assert len(capture(network(), cross_entropy_loss, np.ones(5), np.array(0)).table) == 0


def test_a_loss_need_not_be_hashable():
    @dataclass
    class Scaled:
        factor: float = 2.0

        def __call__(self, logits, target):
            return self.factor * cross_entropy_loss(logits, target)

    model = MLP(3, [4], 2)
    assert not len(capture(model, Scaled(), np.zeros((1, 3)), np.zeros(1, int)).table)


def test_a_program_fits_its_network_until_that_is_changed():
    model = network()
    found = program(model)
    model.layers[0].W.data *= 0.5
    assert found.is_of(model)
    model.layers[0].W.data = model.layers[0].W.data * 0.5
    assert not found.is_of(model)
    assert not found.is_of(network())
