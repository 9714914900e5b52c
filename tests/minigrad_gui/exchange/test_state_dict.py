"""Names as PyTorch gives them, out and in."""

import numpy as np
import pytest
from networks import small_network

from engine.nn import ReLU
from minigrad_gui.exchange.portable import ExchangeError, Portable
from minigrad_gui.exchange.state_dict import arrays_of, layers_of

RNG = np.random.default_rng(0)


def linear(outputs, inputs):
    return {"weight": RNG.normal(size=(outputs, inputs)), "bias": RNG.normal(size=outputs)}


def state(**layers):
    """A state dict of these layers, whose names have __ for a dot."""
    return {f"{name.replace('__', '.')}.{kind}": a for name, parts in layers.items() for kind, a in parts.items()}


def test_activations_count_as_in_sequential():
    found = arrays_of(Portable.of(small_network(ReLU), {}))
    assert list(found) == ["0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"]
    assert found["2.weight"].shape == (12, 20)


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "_orig_mod.module.net.", "model_state_dict "])
def test_prefixes_and_gaps_mean_nothing(prefix):
    layers = {f"{prefix}{number}": linear(*shape) for number, shape in ((0, (5, 784)), (3, (6, 5)), (11, (10, 6)))}
    found = layers_of(dict(reversed(state(**layers).items())))
    assert [W.shape for W, _ in found] == [(5, 784), (6, 5), (10, 6)]


def test_numbers_in_names_count_as_numbers():
    """layers.10 sorts before layers.2, and safetensors has no order at all."""
    layers = [linear(784, 784) for _ in range(12)]
    named = {f"layers__{number}": parts for number, parts in enumerate(layers)}
    arrays = state(**named)
    shuffled = {name: arrays[name] for name in sorted(arrays)}
    for (W, _), parts in zip(layers_of(shuffled), layers, strict=True):
        np.testing.assert_array_equal(W, parts["weight"])


def test_the_order_of_torch_files_counts_before_names():
    first, second = linear(784, 784), linear(784, 784)
    found = layers_of(state(zeta=first, alpha=second), in_order=True)
    np.testing.assert_array_equal(found[0][0], first["weight"])


def test_where_names_do_not_tell_shapes_do():
    found = layers_of(state(out=linear(10, 6), hidden=linear(6, 5), start=linear(5, 784)))
    assert [W.shape for W, _ in found] == [(5, 784), (6, 5), (10, 6)]
    found = layers_of(state(a_out=linear(10, 5), b=linear(5, 5), start=linear(5, 784)))
    assert [W.shape for W, _ in found] == [(5, 784), (5, 5), (10, 5)]


def test_a_layer_without_bias_has_none():
    ((_, b),) = layers_of({"fc.weight": np.ones((10, 784), np.float32)})
    assert b.tolist() == [0] * 10


@pytest.mark.parametrize(
    "names", [("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1")]
)
def test_weight_normalisation_is_computed(names):
    length, direction = RNG.normal(size=(10, 1)), RNG.normal(size=(10, 784))
    ((W, _),) = layers_of({f"0.{names[0]}": length, f"0.{names[1]}": direction, "0.bias": np.zeros(10)})
    np.testing.assert_allclose(np.linalg.norm(W, axis=1), np.abs(length[:, 0]))
    np.testing.assert_allclose(W / W[:, :1], direction / direction[:, :1])


def test_an_optimizers_state_is_left_out():
    arrays = {f"optimizer_state_dict state {name}": array for name, array in state(fc=linear(9, 784)).items()}
    arrays |= {f"model {name}": array for name, array in state(fc=linear(10, 784)).items()}
    assert [W.shape for W, _ in layers_of(arrays)] == [(10, 784)]


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({}, "holds no layers"),
        ({"a": np.ones(3)}, "holds no layers"),
        (state(conv1={"weight": np.ones((6, 1, 5, 5))}, fc=linear(10, 784)), "“conv1” is not a linear layer"),
        (state(fc=linear(10, 784), bn={"weight": np.ones(10), "running_mean": np.ones(10)}), "“bn” is not a linear"),
        (state(fc=linear(10, 784), fc2=linear(10, 11)), "none of the others takes 10 numbers"),
        (state(fc=linear(10, 100)), None),
    ],
)
def test_what_is_no_mlp_is_told(arrays, told):
    if told is None:  # that it does not read pictures is found later
        assert len(layers_of(arrays)) == 1
        return
    with pytest.raises(ExchangeError, match=told):
        layers_of(arrays)


def norm(size):
    return {
        "weight": RNG.uniform(1, 2, size),
        "bias": RNG.normal(size=size),
        "running_mean": RNG.normal(size=size),
        "running_var": RNG.uniform(1, 2, size),
        "num_batches_tracked": np.array(3),
    }


def through(x, parts, *, relu=False):
    """What PyTorch computes of x in a layer."""
    if "running_var" in parts:
        x = parts["weight"] * (x - parts["running_mean"]) / np.sqrt(parts["running_var"] + 1e-5) + parts["bias"]
    else:
        x = x @ parts["weight"].T + parts["bias"]
    return np.maximum(x, 0) if relu else x


@pytest.mark.parametrize(
    ("names", "is_after_activation"),
    [
        (("0", "1", "3", "4", "6"), False),
        (("0", "2", "3", "5", "6"), True),
        (("fc1", "bn1", "fc2", "bn2", "fc3"), False),
        (("blocks__0__0", "blocks__0__1", "blocks__1__0", "blocks__1__1", "out"), False),
    ],
)
def test_batch_normalisation_becomes_part_of_a_layer(names, is_after_activation):
    parts = [linear(6, 784), norm(6), linear(6, 6), norm(6), linear(10, 6)]
    x = expected = RNG.normal(size=(20, 784))
    for index, each in enumerate(parts):
        expected = through(expected, each, relu=index < 4 and index % 2 != is_after_activation)
    for W, b in (found := layers_of(state(**dict(zip(names, parts, strict=True))))):
        x = np.maximum(x @ W.T + b, 0) if W is not found[-1][0] else x @ W.T + b
    np.testing.assert_allclose(x, expected, rtol=1e-5)


def test_a_normalisation_that_fits_no_layer_is_told():
    with pytest.raises(ExchangeError, match="“bn” follows no linear layer"):
        layers_of(state(fc=linear(10, 784), bn=norm(5)))
