"""The steps of the two passes, checked by doing them: they must lead to what Tensor itself computes."""

import numpy as np
import pytest

from engine import MLP, Tensor, cross_entropy_loss, stack
from engine.graph import Graph, GraphStep, shape_text, summary


@pytest.fixture
def expression():
    """(a * b + a).tanh() with its leaves, after backward()."""
    leaves = {name: Tensor(value, requires_grad=True) for name, value in (("a", 0.5), ("b", -3.0))}
    result = (leaves["a"] * leaves["b"] + leaves["a"]).tanh()
    result.backward()
    return result, leaves


@pytest.fixture
def network():
    """The graph of a loss of a small network, whose input needs a gradient, too, and the network."""
    model = MLP(6, [5, 4], 3, rng=np.random.default_rng(0), init="he")
    loss = cross_entropy_loss(model(Tensor(np.linspace(-1, 1, 6), requires_grad=True)), 1)
    loss.backward()
    return Graph(loss, dict(model.named_parameters())), model


def test_nodes_come_after_their_inputs_and_have_names(expression):
    result, leaves = expression
    graph = Graph(result, leaves)
    assert sorted(node.title for node in graph.nodes) == ["a", "add", "b", "multiply", "tanh"]
    assert graph.nodes[-1].tensor is result
    for index, node in enumerate(graph.nodes):
        assert all(source < index for source in node.inputs)
    titles = [(graph.nodes[start].title, graph.nodes[end].title) for start, end in graph.edges]
    assert sorted(titles) == [("a", "add"), ("a", "multiply"), ("add", "tanh"), ("b", "multiply"), ("multiply", "add")]


def test_a_tensor_without_a_name_is_a_leaf_or_a_constant():
    a = Tensor(2.0, requires_grad=True)
    assert [node.title for node in Graph(a * 3).nodes] == ["leaf", "constant", "multiply"]


def test_the_steps_forward_compute_the_result(network):
    graph, _ = network
    values = {index: node.tensor.data for index, node in enumerate(graph.nodes) if not node.origin}
    forward = [step for step in graph.steps if step.is_forward]
    for step in forward:
        node = graph.nodes[step.target]
        values[step.target] = node.origin.op(*(values[source] for source in node.inputs), **node.origin.options)
    assert len(forward) == 3 + 2 + 1  # linear, relu and the loss
    assert values[len(graph.nodes) - 1] == graph.nodes[-1].tensor.data


def test_the_steps_backward_add_up_to_the_gradients(network):
    graph, model = network
    gradients = {}
    for step in graph.steps:
        if not step.is_forward:
            gradients[step.target] = gradients.get(step.target, 0) + graph.contribution(step)
    found = {graph.nodes[index].name: gradient for index, gradient in gradients.items()}
    for name, parameter in model.named_parameters():
        np.testing.assert_array_equal(found[name], parameter.grad)
    assert len(gradients) == len(graph.nodes)


def test_each_step_backward_is_a_rule_of_its_own(expression):
    result, leaves = expression
    graph = Graph(result, leaves)
    backward = [step for step in graph.steps if not step.is_forward]
    told = [(graph.nodes[step.target].title, rule and rule.at_work) for step in backward for rule in [graph.rule(step)]]
    passing_on, product = "lambda g, y, a, b: g", "lambda g, y, a, b: g * "
    assert told[0] == ("tanh", None)  # the gradient that the pass starts with
    assert told[1] == ("add", "lambda g, y, a: g * (1 - y * y)")
    assert sorted(told[2:4]) == [("a", passing_on), ("multiply", passing_on)]
    assert told[4:] == [("a", product + "b"), ("b", product + "a")]


def test_values_and_gradients_appear_step_by_step(expression):
    result, leaves = expression
    graph = Graph(result, leaves)
    a = next(index for index, node in enumerate(graph.nodes) if node.name == "a")
    last, count = len(graph.nodes) - 1, len(graph.steps)
    assert graph.value(a, 0) == 0.5
    assert graph.value(last, 2) is None
    assert graph.value(last, 3) == result.data
    assert graph.gradient(last, 3) is None
    assert graph.gradient(last, 4) == 1
    seen = [graph.gradient(a, done) for done in range(count + 1)]
    slope = 1 - result.data**2
    assert next(each for each in seen if each is not None) == pytest.approx(slope)  # of the sum; the product follows
    assert seen[count] == leaves["a"].grad == pytest.approx(slope * (1 + -3.0))


def test_a_broadcast_input_gets_a_gradient_of_its_own_shape():
    a, b = Tensor([[1.0], [2.0]], requires_grad=True), Tensor([1.0, 2.0, 3.0], requires_grad=True)
    result = (a * b).sum()
    result.backward()
    graph = Graph(result, {"a": a, "b": b})
    shapes = [graph.contribution(step).shape for step in graph.steps if not step.is_forward]
    assert shapes == [(), (2, 3), (2, 1), (3,)]


def test_a_rule_is_told_with_what_it_works_with():
    a, b = Tensor(2.0, requires_grad=True), Tensor([1.0, 3.0], requires_grad=True)
    result = stack([(a * b).sum(axis=0), a], axis=0).var()
    result.backward()
    graph = Graph(result, {"a": a, "b": b})
    steps = reversed(graph.steps)  # the last of one key is then the one forward
    told = {(graph.nodes[step.node].title, step.argument): dict(graph.arguments(step)) for step in steps}
    assert list(told["multiply", None]) == ["a", "b"]
    assert told["multiply", 1]["a"] == 2
    assert told["multiply", 1]["y"].tolist() == [2, 6]
    assert told["multiply", 1]["g"] is graph.nodes[graph.edges[0][1]].tensor.grad
    assert told["sum", 0] == {
        "g": told["sum", 0]["g"],
        "y": 8,
        "a": told["sum", None]["a"],
        "axis": 0,
        "keepdims": False,
    }
    assert list(told["stack", 1]) == ["g", "y", "axis"]
    assert list(told["var", None]) == ["a", "axis", "ddof", "keepdims"]


def test_a_gradient_that_was_deleted_is_missed(expression):
    result, leaves = expression
    graph = Graph(result, leaves)
    graph.nodes[-1].tensor.grad = None
    step = next(step for step in graph.steps if not step.is_forward and step.argument is not None)
    with pytest.raises(ValueError, match="was deleted"):
        graph.contribution(step)


def test_before_backward_there_are_only_steps_forward():
    a = Tensor(2.0, requires_grad=True)
    assert Graph(a.exp()).steps == (GraphStep(True, 1, 1),)


def test_a_deep_graph_needs_no_recursion():
    result = Tensor(1.0, requires_grad=True)
    for _ in range(3000):
        result = result * 1.0
    assert len(Graph(result).steps) == 3000


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.array(0.123456), "0.1235"),
        (np.array([[1.0, 2.5], [3.0, np.nan]]), "[[1, 2.5], [3, nan]]"),
        (np.linspace(-1, 3, 101), "101 numbers, -1 to 3, mean 1"),
        (np.array([*[2.0] * 20, np.inf]), "21 numbers, 2 to 2, mean 2, 1 not finite"),
        (np.full(20, np.nan), "20 numbers, none of them finite"),
        (np.empty((0, 3)), "[]"),
    ],
)
def test_small_arrays_are_told_in_full_and_large_ones_in_short(array, told):
    assert summary(array) == told


def test_shapes_are_told_as_one_says_them():
    assert [shape_text(Tensor(np.ones(shape))) for shape in ((), (7,), (2, 3))] == ["number", "7", "2 x 3"]
