"""A recording gives the same numbers as the graph, bit for bit, and notices every change of the network."""

import gc
import weakref
from itertools import pairwise

import numpy as np
import pytest

from engine import MLP, SGD, Adam, ReLU, Sigmoid, Tanh, Tensor, cross_entropy_loss, mse_loss, no_grad
from engine.fast.recording import Gradients
from engine.nn import Linear

FEATURES, CLASSES = 300, 10
HIDDEN = [(), (1,), (16, 8), (20, 20, 5)]


def network(hidden=(16, 8), activation=ReLU, dtype=np.float32):
    return MLP(FEATURES, hidden, CLASSES, activation, rng=np.random.default_rng(1), dtype=dtype, init="he")


def batches(sizes, dtype=np.float32):
    """Inputs with many zeros, like pixels, and a class for each."""
    rng = np.random.default_rng(2)
    for size in sizes:
        inputs = rng.random((size, FEATURES))
        yield (inputs * (inputs > 0.7)).astype(dtype), rng.integers(0, CLASSES, size)


class Graph:
    """What `Gradients` is equivalent to."""

    def __init__(self, model, loss_fn):
        self.model, self.loss_fn = model, loss_fn

    def __call__(self, inputs, target):
        outputs = self.model(Tensor(inputs))
        loss = self.loss_fn(outputs, target)
        loss.backward()
        return loss.data, outputs.data


def learn(kind, model, sizes, lr=0.01, loss_fn=cross_entropy_loss, between=lambda _step: None):
    """Every loss, output and gradient, and the final parameters."""
    gradients, optimizer, seen = kind(model, loss_fn), Adam(model.parameters(), lr=lr), []
    with np.errstate(all="ignore"):
        for step, (inputs, target) in enumerate(batches(sizes, model.dtype)):
            optimizer.zero_grad()
            seen += [array.copy() for array in gradients(inputs, target)]
            seen += [np.array(parameter.grad) for parameter in model.parameters()]
            optimizer.step()
            between(step)
    return seen + [parameter.data for parameter in model.parameters()]


def assert_same(recorded, graphs):
    for a, b in zip(recorded, graphs, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@pytest.fixture
def forwards(monkeypatch):
    """How often an MLP has been called."""
    calls = []
    original = MLP.forward
    monkeypatch.setattr(MLP, "forward", lambda self, x: (calls.append(x.shape), original(self, x))[1])
    return calls


# ---------------------------------------------------------------- the same numbers


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("activation", [ReLU, Tanh, Sigmoid])
@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("sizes", [(1, 1, 1), (2, 2, 2), (7, 7, 3, 7, 3), (33, 33, 33)])
def test_a_recording_gives_the_graphs_numbers(sizes, hidden, activation, dtype):
    recorded, graphs = (learn(kind, network(hidden, activation, dtype), sizes) for kind in (Gradients, Graph))
    assert_same(recorded, graphs)


def test_an_exploding_network_gives_the_same_numbers():
    recorded, graphs = (learn(kind, network(), (7,) * 8, lr=1e30) for kind in (Gradients, Graph))
    assert not np.isfinite(recorded[-1]).all()
    assert_same(recorded, graphs)


def test_inputs_that_are_not_finite():
    def gradients(kind):
        model = network()
        inputs, target = next(batches([4]))
        work = kind(model, cross_entropy_loss)
        work(inputs, target)
        model.zero_grad()
        inputs[0, 0], inputs[1, 1] = np.nan, np.inf
        with np.errstate(invalid="ignore"):
            return [array.copy() for array in work(inputs, target)] + [
                parameter.grad for parameter in model.parameters()
            ]

    recorded = gradients(Gradients)
    assert np.isnan(recorded[0])
    assert_same(recorded, gradients(Graph))


# ---------------------------------------------------------------- a graph for each shape, of an MLP with cross-entropy


def test_a_graph_is_built_once(forwards):
    learn(Gradients, network(), (5, 5, 5, 3, 5, 3))
    assert forwards == [(5, FEATURES)]


def test_other_losses_build_a_graph_each_time(forwards):
    def loss_fn(outputs, target):
        return mse_loss(outputs, np.eye(CLASSES)[target])

    recorded, graphs = (learn(kind, network(), (5, 5, 5), loss_fn=loss_fn) for kind in (Gradients, Graph))
    assert len(forwards) == 6
    assert_same(recorded, graphs)


class Halving(MLP):
    """A network that gives a different answer each time."""

    def forward(self, x):
        self.factor = getattr(self, "factor", 1.0) / 2
        return super().forward(x) * self.factor


class Noisy(ReLU):
    def __init__(self):
        self.rng = np.random.default_rng(3)

    def forward(self, x):
        return super().forward(x) * self.rng.integers(0, 2, x.shape).astype(np.float32)


class Alternating(Linear):
    """A layer with a tanh every other time."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        return super().forward(x) if self.calls % 2 else super().forward(x).tanh()


def halving():
    return Halving(FEATURES, [8], CLASSES, rng=np.random.default_rng(1), dtype=np.float32)


def noisy():
    return network(activation=Noisy)


def alternating():
    model = network((8,))
    model.layers[0] = Alternating(FEATURES, 8, rng=np.random.default_rng(1), dtype=np.float32)
    return model


def sharing():
    model = network((8, 8, 8))
    model.layers[2] = model.layers[1]
    return model


def frozen(layer, *names):
    model = network()
    for name in names:
        getattr(model.layers[layer], name).requires_grad = False
    return model


def mixed():
    model = network()
    model.layers[1].b.data = model.layers[1].b.data.astype(np.float64)
    return model


def rows_first():
    model = network()
    model.layers[0].W.data = np.ascontiguousarray(model.layers[0].W.data)
    return model


def with_gaps():
    model = network()
    model.layers[0].W.data = np.repeat(model.layers[0].W.data, 2, axis=1)[:, ::2]
    return model


@pytest.mark.parametrize(
    "build",
    [
        halving,
        noisy,
        alternating,
        sharing,
        mixed,
        rows_first,
        with_gaps,
        lambda: frozen(0, "W"),
        lambda: frozen(1, "W"),
        lambda: frozen(1, "b"),
        lambda: frozen(0, "W", "b"),
    ],
    ids=[
        *("subclass", "activation", "layer", "shared", "mixed", "rows", "gaps"),
        *("first W", "second W", "second b", "first layer"),
    ],
)
def test_networks_of_other_kinds_give_the_graphs_numbers(build):
    assert_same(*(learn(kind, build(), (5, 5, 5, 5)) for kind in (Gradients, Graph)))


@pytest.mark.parametrize("shape", [(4, 3, FEATURES), (1, 1, FEATURES), (FEATURES,)])
def test_inputs_of_other_shapes_give_the_graphs_numbers(shape):
    def gradients(kind):
        rng, model = np.random.default_rng(5), network()
        work = kind(model, cross_entropy_loss)
        for _ in range(3):
            model.zero_grad()
            work(rng.random(shape, np.float32), rng.integers(0, CLASSES, shape[:-1]))
        return [parameter.grad for parameter in model.parameters()]

    assert_same(gradients(Gradients), gradients(Graph))


# ---------------------------------------------------------------- what has changed is seen


def new_weights(model):
    model.layers[1].W.data = model.layers[1].W.data * 0.5


def new_bias(model):
    model.layers[0].b = Tensor(np.ones_like(model.layers[0].b.data), requires_grad=True)


def new_tensor(model):
    bias = model.layers[0].b
    bias.grad = None
    model.layers[0].b = Tensor(bias.data, requires_grad=True)


def new_layer(model):
    model.layers.insert(1, Linear(16, 16, rng=np.random.default_rng(4), dtype=np.float32, init="he"))


def new_activation(model):
    model.activation = Tanh()


def freeze(model):
    model.layers[0].W.requires_grad = False


def weights_in_place(model):
    model.layers[1].W.data *= 0.5


@pytest.mark.parametrize(
    "change", [new_weights, new_bias, new_tensor, new_layer, new_activation, freeze, weights_in_place]
)
def test_a_network_may_change_between_two_mini_batches(change):
    def learn_and_change(kind):
        model = network()
        work = kind(model, cross_entropy_loss)
        seen = []
        for step, (inputs, target) in enumerate(batches((5, 5, 5, 5))):
            if step == 2:
                change(model)
            for parameter in [parameter for layer in model.layers for parameter in (layer.W, layer.b)]:
                parameter.grad = None
            seen += [array.copy() for array in work(inputs, target)]
            for layer in model.layers:
                seen += [np.array(layer.W.grad, np.float32), np.array(layer.b.grad, np.float32)]
        return seen

    assert_same(learn_and_change(Gradients), learn_and_change(Graph))


def test_gradients_are_added_to_existing_ones():
    def added(kind):
        model = network()
        work = kind(model, cross_entropy_loss)
        for inputs, target in batches((5, 5, 5)):
            work(inputs, target)
        return [parameter.grad for parameter in model.parameters()]

    assert_same(added(Gradients), added(Graph))


def test_two_kinds_of_optimizers_share_a_network():
    """Only some gradients are cleared, as when part of a network is trained."""

    def learn_in_part(kind):
        model = network()
        work, optimizer = kind(model, cross_entropy_loss), SGD(model.parameters()[:2], lr=0.1)
        for inputs, target in batches((5, 5, 5)):
            optimizer.zero_grad()
            work(inputs, target)
            optimizer.step()
        return [array for parameter in model.parameters() for array in (parameter.data, parameter.grad)]

    assert_same(learn_in_part(Gradients), learn_in_part(Graph))


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("target", "error"),
    [
        (np.array([0, 1, 2, CLASSES]), IndexError),
        (np.array([0, 1, 2, -1]), IndexError),
        (np.zeros(4), TypeError),
        (np.zeros(3, int), ValueError),
        (np.zeros((4, 1), int), ValueError),
    ],
)
@pytest.mark.parametrize("steps_before", [0, 2])
def test_wrong_targets_raise_the_same_errors(target, error, steps_before):
    model = network()
    work = Gradients(model, cross_entropy_loss)
    for inputs, right in batches([4] * steps_before):
        model.zero_grad()
        work(inputs, right)
    model.zero_grad()
    inputs, right = next(batches([4]))
    with pytest.raises(error) as ours:
        work(inputs, target)
    with pytest.raises(error) as theirs:
        Graph(model, cross_entropy_loss)(inputs, target)
    assert str(ours.value) == str(theirs.value)
    assert all(parameter.grad is None for parameter in model.parameters())
    work(inputs, right)


def test_without_a_graph_there_is_nothing_to_record():
    model = network()
    with no_grad(), pytest.raises(ValueError, match="require a gradient"):
        Gradients(model, cross_entropy_loss)(*next(batches([4])))


# ---------------------------------------------------------------- memory


def test_recordings_share_the_gradients_of_the_parameters():
    model = network()
    work = Gradients(model, cross_entropy_loss)
    found = []
    for inputs, target in batches((5, 3, 5, 3)):
        model.zero_grad()
        work(inputs, target)
        found.append(model.layers[0].W.grad)
    assert all(a is b for a, b in pairwise(found))


def test_a_recording_is_freed_at_once():
    model = network()
    work = Gradients(model, cross_entropy_loss)
    gc.disable()
    try:
        _, outputs = work(*next(batches([4])))
        gradient, outputs = weakref.ref(model.layers[0].W.grad), weakref.ref(outputs)
        model.zero_grad()
        del work
        assert gradient() is None
        assert outputs() is None
    finally:
        gc.enable()


def test_a_tied_network_is_left_to_a_graph():
    def tied():
        model = MLP(CLASSES, (CLASSES, CLASSES), CLASSES, rng=np.random.default_rng(1), dtype=np.float32, init="he")
        model.layers[2] = model.layers[1]
        return model

    def learn_tied(kind):
        model, rng = tied(), np.random.default_rng(2)
        work, optimizer = kind(model, cross_entropy_loss), Adam(model.parameters(), lr=0.01)
        for _ in range(3):
            optimizer.zero_grad()
            work(rng.random((5, CLASSES), np.float32), rng.integers(0, CLASSES, 5))
            optimizer.step()
        return [array for parameter in model.parameters() for array in (parameter.data, parameter.grad)]

    assert_same(learn_tied(Gradients), learn_tied(Graph))
