"""NumPy functions with Tensors: they work on the data, or the error says what to call instead."""

import numpy as np
import pytest
from judge import parameter

from engine import Tensor

LOSING = {
    "np.concatenate": (lambda t: np.concatenate([t, t]), r"engine\.concatenate\(\)"),
    "np.stack": (lambda t: np.stack([t, t]), r"engine\.stack\(\)"),
    "np.vstack": (lambda t: np.vstack([t, t]), r"engine\.concatenate\(\)"),
    "np.where": (lambda t: np.where([True, False], t, 0), r"engine\.where\(\)"),
    "np.maximum": (lambda t: np.maximum(t, 0), r"engine\.maximum\(\)"),
    "np.reshape": (lambda t: np.reshape(t, (2, 1)), r"t\.reshape\(\)"),
    "np.dot": (lambda t: np.dot(t, t), "a @ b"),
    "np.dot, the array first": (lambda t: np.dot(np.ones(2), t), "a @ b"),
    "np.clip": (lambda t: np.clip(t, 0, 1), r"t\.clip\(\)"),
    "np.sum": (lambda t: np.sum(t), r"t\.sum\(\)"),
    "np.mean": (lambda t: np.mean(t, axis=0), r"t\.mean\(\)"),
    "np.var": (lambda t: np.var(t), r"t\.var\(\)"),
    "np.exp": (lambda t: np.exp(t), r"t\.exp\(\)"),
    "np.absolute": (lambda t: np.absolute(t), r"t\.abs\(\)"),
    "np.square": (lambda t: np.square(t), r"a \* a"),
    "np.add.reduce": (lambda t: np.add.reduce(t), "t.data"),
    "np.add into an array": (lambda t: np.add(t, t, out=np.zeros(2)), "t.data"),
    "np.sin": (lambda t: np.sin(t), "t.data for the numbers alone"),
    "np.linalg.norm": (lambda t: np.linalg.norm(t), "t.data for the numbers alone"),
    "np.asarray": (lambda t: np.asarray(t), r"t\.data for the numbers alone"),
    "np.array of several": (lambda t: np.array([t, t]), r"engine\.stack\(\)"),
    "Tensor of several": (lambda t: Tensor([t, t]), r"engine\.stack\(\)"),
    "a list of several": (lambda t: t * [t[0], t[1]], r"engine\.stack\(\)"),
    "an array's elements": (lambda t: np.zeros(2).__setitem__(slice(None), t), r"t\.data"),
}


@pytest.mark.parametrize("case", LOSING)
def test_functions_that_would_lose_a_gradient_name_the_right_call(case):
    f, right = LOSING[case]
    with pytest.raises(TypeError, match=right):
        f(parameter(1, 2))


@pytest.mark.parametrize("f", [np.concatenate, np.stack, np.sum, np.exp], ids=lambda f: f.__name__)
def test_constants_are_rejected_too(f):
    with pytest.raises(TypeError, match="does not compute gradients"):
        f(Tensor([[1.0], [2.0]]))


def test_numpy_functions_without_gradient_work():
    t = parameter(3, 1, 2)
    assert np.shape(t) == (3,)
    assert np.ndim(t) == 1
    assert np.size(t) == 3
    assert np.argmax(t) == 0
    assert np.argsort(t).tolist() == [1, 2, 0]
    assert np.isfinite(t).all()
    assert np.allclose(t, [3, 1, 2])
    assert np.array_equal(t, t)
    assert np.zeros_like(t).tolist() == [0, 0, 0]
    assert np.array_repr(t) == "array([3., 1., 2.])"
