"""Layers and networks."""

import copy
import pickle

import numpy as np
import pytest
from judge import judge

from engine import MLP, SGD, Adam, Dropout, LeakyReLU, Linear, Module, ReLU, Sigmoid, Tanh, Tensor, dropout
from engine.nn import ACTIVATIONS, count_parameters, is_finite


def rng(seed=0):
    return np.random.default_rng(seed)


def same(a, b):
    return all(
        np.array_equal(p.data, q.data) and p.dtype == q.dtype
        for p, q in zip(a.parameters(), b.parameters(), strict=True)
    )


# ---------------------------------------------------------------- Linear


@pytest.mark.parametrize("shape", [(3,), (1, 3), (5, 3), (2, 5, 3)])
def test_linear_maps_the_last_axis(shape):
    layer = Linear(3, 4, rng=rng())
    layer.b.data += [1, 2, 3, 4]
    x = rng(1).normal(size=shape)
    y = layer(x)
    assert y.shape == (*shape[:-1], 4)
    np.testing.assert_allclose(y.data, x @ layer.W.data.T + layer.b.data, rtol=1e-14)


def test_linear_has_W_and_b():
    layer = Linear(3, 4)
    assert [(name, p.shape) for name, p in layer.named_parameters()] == [("W", (4, 3)), ("b", (4,))]
    assert all(p.requires_grad for p in layer.parameters())
    assert not layer.b.data.any()
    assert layer.W.data.any()


def test_linear_refuses_another_width():
    for shape in ((2, 5), (5,), (0, 2), ()):
        with pytest.raises(
            ValueError, match=rf"matmul: .*Linear takes 3, the input has {shape[-1] if shape else 'none'}"
        ):
            Linear(3, 4)(np.ones(shape))


@pytest.mark.parametrize(("init", "variance"), [("normal", 0.0001), ("he", 2 / 300), ("xavier", 2 / 500)])
def test_init_scale(init, variance):
    W = Linear(300, 200, rng=rng(), init=init).W.data
    assert W.var() == pytest.approx(variance, rel=0.03)
    assert abs(W.mean()) < 4 * (variance / W.size) ** 0.5


def test_the_default_init_is_normal():
    assert same(Linear(3, 4, rng=rng()), Linear(3, 4, rng=rng(), init="normal"))


@pytest.mark.parametrize("init", ["", "kaiming", None])
def test_unknown_init(init):
    with pytest.raises(ValueError, match="init"):
        Linear(3, 4, init=init)
    with pytest.raises(ValueError, match="init"):
        MLP(3, [4], 2, init=init)


@pytest.mark.parametrize("source", [np.random.default_rng, np.random.RandomState])
def test_the_same_rng_gives_the_same_weights(source):
    assert same(MLP(3, [4], 2, rng=source(5)), MLP(3, [4], 2, rng=source(5)))
    assert not same(MLP(3, [4], 2, rng=source(5)), MLP(3, [4], 2, rng=source(6)))


def test_weights_are_drawn_layer_by_layer_in_the_order_of_their_shape():
    state = np.random.RandomState(0)
    first, second = state.normal(0, 0.01, (4, 3)), state.normal(0, 0.01, (2, 4))
    model = MLP(3, [4], 2, rng=np.random.RandomState(0))
    np.testing.assert_array_equal(model.layers[0].W.data, first)
    np.testing.assert_array_equal(model.layers[1].W.data, second)


def test_without_rng_every_network_is_different():
    assert not same(MLP(3, [4], 2), MLP(3, [4], 2))


def test_layers_of_one_network_differ():
    model = MLP(3, [3], 3)
    assert not np.array_equal(model.layers[0].W.data, model.layers[1].W.data)


# ---------------------------------------------------------------- dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_network_computes_in_its_dtype(dtype):
    model = MLP(3, [4], 2, dtype=dtype)
    x = Tensor(np.ones((5, 3), dtype))
    y = model(x)
    y.sum().backward()
    assert model.dtype == y.dtype == dtype
    for p in model.parameters():
        assert p.dtype == p.grad.dtype == dtype


def test_float64_is_the_default():
    assert MLP(3, [4], 2).dtype == Linear(3, 4).W.dtype == np.float64


def test_a_float32_network_has_float32_gradients_for_float64_input():
    model = MLP(3, [4], 2, dtype=np.float32)
    model(np.ones((5, 3))).sum().backward()
    assert {p.grad.dtype for p in model.parameters()} == {np.dtype(np.float32)}


# ---------------------------------------------------------------- activations


@pytest.mark.parametrize(
    ("activation", "expected"),
    [(ReLU, [0, 0, 2]), (Tanh, np.tanh([-1, 0, 2])), (Sigmoid, [1 / (1 + np.e), 0.5, 1 / (1 + np.exp(-2))])],
)
def test_activations(activation, expected):
    np.testing.assert_allclose(activation()([-1, 0, 2]).data, expected, rtol=1e-14)


def test_activations_have_no_parameters():
    assert [activation().parameters() for activation in ACTIVATIONS.values()] == [[], [], []]


def test_activations_by_name():
    assert {"relu": ReLU, "tanh": Tanh, "sigmoid": Sigmoid} == ACTIVATIONS


# ---------------------------------------------------------------- MLP


@pytest.mark.parametrize("shape", [(3,), (1, 3), (5, 3), (2, 5, 3)])
@pytest.mark.parametrize("hidden", [[], [4], [4, 6, 5]])
def test_mlp_maps_the_last_axis(shape, hidden):
    assert MLP(3, hidden, 2)(np.ones(shape)).shape == (*shape[:-1], 2)


def test_a_single_sample_gives_the_same_as_in_a_batch():
    model = MLP(3, [4], 2, rng=rng(), init="he")
    batch = rng(1).normal(size=(5, 3))
    np.testing.assert_allclose([model(row).data for row in batch], model(batch).data, rtol=1e-12)


@pytest.mark.parametrize(("activation", "f"), [(ReLU, lambda x: np.maximum(x, 0)), (Tanh, np.tanh)])
def test_the_activation_is_between_layers_and_not_after_the_last(activation, f):
    model = MLP(3, [4, 5], 2, activation, rng=rng(), init="xavier")
    for layer in model.layers:
        layer.b.data += rng(1).normal(size=layer.b.shape)
    model.layers[-1].b.data -= 4
    (W0, b0), (W1, b1), (W2, b2) = ((layer.W.data, layer.b.data) for layer in model.layers)
    x = rng(2).normal(size=(6, 3))
    expected = f(f(x @ W0.T + b0) @ W1.T + b1) @ W2.T + b2
    assert (expected < -1).any()
    np.testing.assert_allclose(model(x).data, expected, rtol=1e-12)


def test_relu_is_the_default_activation():
    assert type(MLP(3, [4], 2).activation) is ReLU


def test_mlp_without_hidden_layers_is_linear():
    model = MLP(3, [], 2, rng=rng())
    assert same(model, Linear(3, 2, rng=rng()))
    x = rng(1).normal(size=(4, 3))
    np.testing.assert_array_equal(model(-x).data, -model(x).data)


def test_mlp_names_its_parameters_in_order():
    model = MLP(3, [4, 5], 2)
    assert [(name, p.shape) for name, p in model.named_parameters()] == [
        ("layers.0.W", (4, 3)),
        ("layers.0.b", (4,)),
        ("layers.1.W", (5, 4)),
        ("layers.1.b", (5,)),
        ("layers.2.W", (2, 5)),
        ("layers.2.b", (2,)),
    ]
    assert [p for _, p in model.named_parameters()] == model.parameters()


@pytest.mark.parametrize("activation", [Tanh, Sigmoid])
def test_gradients_of_a_whole_network(activation):
    model = MLP(3, [4, 5], 2, activation, rng=rng(), init="xavier")

    def network(x, *parameters):
        pairs = list(zip(parameters[::2], parameters[1::2], strict=True))
        for layer, (W, b) in zip(model.layers, pairs, strict=True):
            layer.W, layer.b = W, b
        return model(x)

    arrays = [p.data for p in model.parameters()]
    judge(network, lambda *args: network(*map(Tensor, args)).data, rng(1).normal(size=(6, 3)), *arrays)


@pytest.mark.parametrize("sizes", [(3, 2), (3, 4, 2), (784, 256, 128, 10)])
def test_count_parameters_agrees_with_the_network(sizes):
    model = MLP(sizes[0], sizes[1:-1], sizes[-1])
    assert model.sizes == sizes
    assert count_parameters(sizes) == sum(p.data.size for p in model.parameters())


@pytest.mark.parametrize("number", [np.inf, -np.inf, np.nan])
def test_a_network_is_finite_if_all_its_numbers_are(number):
    model = MLP(3, [4], 2)
    assert is_finite(model)
    model.layers[1].b.data[1] = number
    assert not is_finite(model)


@pytest.mark.parametrize("hidden", [[], [4]])
def test_a_copy_is_the_same_network_with_its_own_parameters(hidden):
    model = MLP(3, hidden, 2, Tanh, rng=rng(), dtype=np.float32)
    copy = model.copy()
    assert same(copy, model)
    assert (copy.sizes, type(copy.activation)) == (model.sizes, Tanh)
    x = np.ones(3, np.float32)
    before = copy(x).data
    for p in model.parameters():
        p.data += 1
    np.testing.assert_array_equal(copy(x).data, before)
    copy(x).sum().backward()
    assert all(p.grad is None for p in model.parameters())


def test_from_parameters_copies():
    W, b = np.ones((2, 3)), np.zeros(2)
    model = MLP.from_parameters([(W, b)], Sigmoid)
    W[:] = b[:] = 7
    assert model.sizes == (3, 2)
    np.testing.assert_array_equal(model(np.ones(3)).data, [3, 3])


def test_weights_and_their_gradients_are_in_fortran_order():
    model = MLP(3, [4], 2)
    model(np.ones((5, 3))).sum().backward()
    for network in (model, model.copy()):
        assert all(layer.W.data.flags.f_contiguous for layer in network.layers)
    assert all(layer.W.grad.flags.f_contiguous for layer in model.layers)


# ---------------------------------------------------------------- Module


def test_zero_grad_clears_every_gradient():
    model = MLP(3, [4], 2)
    model(np.ones(3)).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_a_user_defined_module():
    class Residual(Module):
        def __init__(self):
            self.scale = Tensor(2.0, requires_grad=True)
            self.inner = Linear(3, 3)
            self.stack = [Linear(3, 3), Tanh()]
            self.constant = Tensor(1.0)
            self.name = "residual"

        def forward(self, x):
            return x * self.scale + self.inner(x) + self.constant

    module = Residual()
    names = [name for name, _ in module.named_parameters()]
    assert names == ["scale", "inner.W", "inner.b", "stack.0.W", "stack.0.b"]
    assert module([1, 2, 3]).shape == (3,)


def test_a_module_takes_tensors_arrays_and_lists():
    model = MLP(3, [4], 2)
    expected = model(Tensor([1.0, 2.0, 3.0])).data
    np.testing.assert_array_equal(model(np.array([1.0, 2.0, 3.0])).data, expected)
    np.testing.assert_array_equal(model([1, 2, 3]).data, expected)


def test_a_module_without_forward():
    with pytest.raises(NotImplementedError, match="Module has no forward"):
        Module()([1])


class Nested(Module):
    def __init__(self):
        self.first = Linear(3, 4)
        self.rest = (Dropout(0.25), [1], LeakyReLU())
        self.named = {"a": MLP(4, [5], 2)}

    def forward(self, x):
        return x


def test_repr_shows_the_layers():
    assert repr(Nested()) == (
        "Nested(\n  first: Linear(3, 4)\n  rest.0: Dropout(0.25)\n  rest.2: LeakyReLU(0.01)\n"
        "  named.a: MLP(\n    activation: ReLU()\n    layers.0: Linear(4, 5)\n    layers.1: Linear(5, 2)\n  )\n)"
    )


# ---------------------------------------------------------------- trained and used


def test_train_and_eval_reach_all_modules():
    model = Nested()
    assert all(module.training for module in model.modules())
    assert model.eval() is model
    assert [type(module).__name__ for module in model.modules() if module.training] == []
    assert model.train() is model
    assert len([module for module in model.modules() if module.training]) == 8
    assert not model.train(False).named["a"].layers[1].training


def test_dropout_drops_only_in_training_mode():
    layer, x = Dropout(0.25, rng=rng()), Tensor(np.ones((100, 100)), requires_grad=True)
    y = layer(x)
    y.sum().backward()
    retained = y.data != 0
    assert retained.mean() == pytest.approx(0.75, abs=0.02)
    np.testing.assert_allclose(y.data, retained / 0.75)
    np.testing.assert_array_equal(x.grad, y.data)
    assert not np.array_equal(layer(x).data, y.data)
    assert layer.eval()(x) is x


@pytest.mark.parametrize("source", [np.random.default_rng, np.random.RandomState])
def test_the_same_rng_drops_the_same(source):
    x = Tensor(np.ones(50, np.float32))
    assert dropout(x, 0.5, source(3)).tolist() == dropout(x, 0.5, source(3)).tolist()
    assert dropout(x, 0.5, source(3)).tolist() != dropout(x, 0.5, source(4)).tolist()
    assert dropout(x).dtype == np.float32


def test_dropout_of_nothing_and_of_all():
    assert dropout([1.0, 2.0], 0).tolist() == [1, 2]
    assert dropout([1.0, 2.0], 1).tolist() == [0, 0]


@pytest.mark.parametrize("p", [-0.1, 1.1, np.nan])
def test_dropout_takes_a_probability(p):
    for make in (Dropout, lambda p: dropout([1.0], p)):
        with pytest.raises(ValueError, match="probability"):
            make(p)


def test_leaky_relu():
    assert LeakyReLU(0.1)([-10, 0, 2]).tolist() == [-1, 0, 2]
    assert MLP(3, [4], 2, LeakyReLU)([1, 2, 3]).shape == (2,)


# ---------------------------------------------------------------- where parameters are found


def names(module):
    return [name for name, _ in module.named_parameters()]


def leaf(*shape):
    return Tensor(np.ones(shape), requires_grad=True)


class Holder(Module):
    """A module with these attributes."""

    def __init__(self, **parts):
        vars(self).update(parts)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ([leaf(), leaf()], ["part.0", "part.1"]),
        ((leaf(), leaf()), ["part.0", "part.1"]),
        ({"key": leaf(), "query": leaf()}, ["part.key", "part.query"]),
        ((Linear(1, 1), ReLU()), ["part.0.W", "part.0.b"]),
        ({"head": Linear(1, 1), 3: leaf()}, ["part.head.W", "part.head.b", "part.3"]),
        ([[leaf(), (leaf(),)], {"a": [Linear(1, 1)]}], ["part.0.0", "part.0.1.0", "part.1.a.0.W", "part.1.a.0.b"]),
        (Holder(inner=[leaf()]), ["part.inner.0"]),
        ([1, "text", None, np.ones(2), {"a": 1}, {2, "b"}, Tensor(1.0), leaf()], ["part.7"]),
    ],
    ids=["list", "tuple", "dict", "tuple of modules", "dict of modules", "nested", "module", "others"],
)
def test_parameters_are_found_in_containers(part, expected):
    module = Holder(part=part)
    assert names(module) == expected
    for parameter in module.parameters():
        parameter.grad = np.ones(parameter.shape)
    module.zero_grad()
    assert all(parameter.grad is None for parameter in module.parameters())


@pytest.mark.parametrize("part", [{leaf()}, frozenset([leaf()]), [{Linear(1, 1)}]])
def test_parameters_in_a_set_are_refused(part):
    with pytest.raises(TypeError, match="parameters in a set have no order: make part"):
        Holder(part=part).parameters()


def test_a_result_is_no_parameter():
    layer = Linear(2, 1)
    module = Holder(layer=layer, last=layer([1, 2]), losses=[layer([1, 2]).sum()])
    assert names(module) == ["layer.W", "layer.b"]


def test_tied_weights_are_listed_once_by_their_first_name():
    tied = leaf(2)
    inner = Linear(1, 1)
    module = Holder(a=tied, b=tied, first=inner, others=[tied, inner, Holder(again=tied)], last=leaf())
    assert names(module) == ["a", "first.W", "first.b", "last"]


@pytest.mark.parametrize("make", [lambda p: SGD(p, lr=0.1), lambda p: Adam(p, lr=0.1)])
def test_tied_weights_are_stepped_once(make):
    tied, alone = leaf(2), leaf(2)
    module = Holder(a=tied, b=tied)
    tied.grad = alone.grad = np.array([1.0, 2.0])
    make(module.parameters()).step()
    make([alone]).step()
    np.testing.assert_array_equal(tied.data, alone.data)


def test_modules_that_refer_to_each_other():
    parent = Holder(weight=leaf())
    parent.child = Holder(parent=parent, bias=leaf())
    parent.everything = [parent, parent.child]
    parent.everything.append(parent.everything)
    assert names(parent) == ["weight", "child.bias"]
    assert names(parent.child) == ["parent.weight", "bias"]
    assert len(list(parent.modules())) == 2
    parent.eval()
    assert not parent.child.training
    assert "..." in repr(parent)


def test_modes_reach_into_nested_containers():
    dropout = Dropout(0.5)
    module = Holder(part=[[{"deep": (dropout,)}]])
    module.eval()
    assert not dropout.training
    assert "part.0.0.deep.0: Dropout" in repr(module)


def test_a_long_chain_of_modules():
    module = first = Holder(weight=leaf())
    for _ in range(5000):
        module = Holder(inner=module)
    assert module.parameters() == [first.weight]


# ---------------------------------------------------------------- copies of networks


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)), MLP.copy], ids=["deepcopy", "pickle", "copy"]
)
def test_a_copied_network_has_the_memory_layout_of_a_new_one(copied):
    model = MLP(3, [4], 2, Tanh, rng=rng(), dtype=np.float32)
    twin = copied(model)
    assert same(twin, model)
    assert all(layer.W.data.flags.f_contiguous for layer in twin.layers)
    assert not any(np.shares_memory(p.data, q.data) for p, q in zip(twin.parameters(), model.parameters(), strict=True))


def test_a_copy_is_tied_and_frozen_as_the_network_is():
    model = MLP(3, [3, 3], 3)
    model.layers[1] = model.layers[0]
    model.layers[2].b.requires_grad = False
    model(np.ones(3)).sum().backward()
    twin = model.copy()
    assert twin.layers[1] is twin.layers[0]
    assert names(twin) == names(model) == ["layers.0.W", "layers.0.b", "layers.2.W"]
    assert all(parameter.grad is None for parameter in twin.parameters())
    np.testing.assert_array_equal(twin(np.ones(3)).data, model(np.ones(3)).data)


def test_around_does_not_copy():
    W, b = np.ones((2, 3)), np.zeros(2)
    layer = Linear.around(W, b)
    assert layer.W.data is W
    assert layer.b.data is b
