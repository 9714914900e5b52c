"""What a person types is computed as Python would, and nothing else can be done with it."""

import time
from contextlib import suppress

import numpy as np
import pytest

from engine import Tensor, concatenate, maximum, minimum, stack
from minigrad_gui.expressions import MAX_ELEMENTS, ExpressionError, evaluate, numbers


def leaves():
    return {"a": numbers("2"), "b": numbers("[-3, 0.5]"), "c": numbers("[[1, 2], [3, 4]]")}


@pytest.mark.parametrize(
    "text",
    [
        "(a * b + c).tanh()",
        "-a ** 2 / 3 + 1e-3 - +b",
        "c @ b + c.T @ b",
        "exp(a) * log(a) + b.sigmoid().sum()",
        "c.mean(axis=0) * c.sum(axis=-1, keepdims=True)",
        "c[0, 1] * c[:, 0] + c[[1, 1], [0, 1]] + b[::-1]",
        "maximum(a, b) + minimum(b, 0)",
        "concatenate([b, c[0]]) + stack([b, b], axis=1).flatten()",
        "c.reshape(4, 1).transpose().softmax(axis=-1) + c.clip(0, 2.5).reshape((1, 4))",
        "relu(b) + leaky_relu(b, 0.1) + c.var(ddof=1) + c.expand_dims(0).squeeze(0)",
        "2 * (3 - 1) * a",
    ],
)
def test_it_computes_what_python_computes(text):
    values = leaves()
    names = ("exp", "log", "relu", "leaky_relu")
    functions = {name: lambda x, *rest, name=name: getattr(x, name)(*rest) for name in names}
    known = {**values, **functions, "maximum": maximum, "minimum": minimum, "concatenate": concatenate}
    expected = eval(text, {**known, "stack": stack})  # the texts above
    np.testing.assert_array_equal(evaluate(text, values).data, expected.data)


def test_gradients_reach_the_values():
    values = leaves()
    evaluate("(a * b).sum()", values).backward()
    assert values["a"].grad == -2.5
    assert values["b"].grad.tolist() == [2, 2]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "Type an expression such as (a * b + c).tanh()."),
        ("a +", "This is not an expression: invalid syntax."),
        ("(a", "This is not an expression: '(' was never closed."),
        ("a; b", "This is not an expression: invalid syntax."),
        ("a" * 301, "An expression may have 300 characters, not 301."),
        ("d * 2", "There is no d: use a, b, c and numbers."),
        ("2 + 3", "The result depends on none of a, b, c."),
        ("c @ a", "This cannot be computed: matmul: numbers have no @, use *: shapes (2, 2) and () do not fit."),
        ("c.sum(axis=5)", "This cannot be computed: axis 5 is out of bounds for array of dimension 2."),
        ("1 / 0 + a", "This cannot be computed: float division by zero."),
        ("9.0 ** 9 ** 9 + a", "A number is too large."),
        ("(-8) ** 0.5 + a", "A root of a negative number is not real."),
        ("a.data", "a.data is not available here."),
        ("a.__class__", "a.__class__ is not available here."),
        ("a.backward()", "a.backward() is not available here."),
        ("a.exp", "a.exp is not available here."),
        ("().__class__.__bases__", "().__class__.__bases__ is not available here."),
        ("__import__('os')", "There is no function __import__ here."),
        ("open('x')", "There is no function open here."),
        ("(lambda: a)()", "(lambda: a)() is not available here."),
        ("[a for a in b]", "[a for a in b] is not available here."),
        ("a if b else c", "a if b else c is not available here."),
        ("a < b", "a < b is not available here."),
        ("f'{a}'", "f'{a}' is not available here."),
        ("'text' * a", "'text' is not available here."),
        ("True + a", "True is not available here."),
        ("a.sum(out=b)", "out is not an option here."),
        ("a.sum(**b)", "** is not an option here."),
        ("c.sum(axis=b)", "b is not an integer."),
        ("c[0:0]", "Nothing is left: an array has no elements."),
        ("c[c > 0]", "c > 0 is not an integer."),
        ("b.clip(b)", "Write a number such as 0.5, or a list such as [1, 2] or [[1, 2], [3, 4]]."),
        ("b.expand_dims((0, 1, 2, 3, 4, 5))", "An array may have 6 axes, not 7."),
    ],
)
def test_anything_else_is_refused_in_one_sentence(text, told):
    with pytest.raises(ExpressionError) as refused:
        evaluate(text, leaves())
    assert str(refused.value) == told


@pytest.mark.parametrize(
    "text",
    [
        "b.reshape(150, 1) * b",
        "b.reshape(150, 1) @ b.reshape(1, 150)",
        "maximum(b.reshape(150, 1), b)",
        "b.reshape(1, 150)[[" + "0, " * 80 + "]]",
        "stack([" + ", ".join(["b"] * 70) + "])",
    ],
)
def test_nothing_large_is_computed(text):
    values = {"b": Tensor(np.ones(150), requires_grad=True)}
    with pytest.raises(ExpressionError, match=rf"An array may have {MAX_ELEMENTS:,} elements here, not [12]\d,\d00"):
        evaluate(text, values)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 250 + "a",
        "-" * 299 + "a",
        "a" + ".T" * 149,
        "a" + "+a" * 149,
        "[" * 299,
        "9" * 300,
        "a[" * 99 + "0" + "]" * 99,
    ],
)
def test_deep_and_long_expressions_take_no_time(text):
    began_s = time.thread_time()
    with suppress(ExpressionError):
        evaluate(text, leaves())
    assert time.thread_time() - began_s < 0.5


@pytest.mark.parametrize(
    ("text", "expected"), [("2", 2), (" -0.5 ", -0.5), ("[1, -2]", [1, -2]), ("(1, 2)", [1, 2]), ("1, 2", [1, 2])]
)
def test_values_are_numbers_and_lists(text, expected):
    value = numbers(text)
    assert value.requires_grad
    assert value.dtype == np.float64
    assert value.tolist() == expected


@pytest.mark.parametrize(
    "text", ["a", "[]", "[1, 'x']", "1 + 1", "True", "[[1], [2, 3]]", "9" * 299 + "0" * 99, "1" + "0" * 299 + "e9"]
)
def test_other_values_are_refused(text):
    with pytest.raises(ExpressionError):
        numbers(text)
    with pytest.raises(ExpressionError, match=r"^Write a number such as 0\.5, or a list"):
        numbers("[x]")
