"""gradcheck: accepts right gradients, finds wrong ones, and changes nothing."""

import numpy as np
import pytest
from judge import WRONG, away_from_zero, positive

from engine import MLP, Tanh, Tensor, cross_entropy_loss, dropout, gradcheck
from engine.tensor import apply


def parameter(shape, seed=0):
    return Tensor(away_from_zero(shape, seed), requires_grad=True)


def test_right_gradients_pass():
    a, b = parameter((2, 3), 1), parameter((3,), 2)
    assert gradcheck(lambda a, b: (a * b).tanh() / (b * b + 1), a, b) is True
    assert gradcheck(lambda a: a.sum(), Tensor(3.0, requires_grad=True)) is True


@pytest.mark.parametrize("fault", WRONG)
def test_wrong_rules_are_found(fault):
    op = WRONG[fault]
    tensors = [Tensor(positive((3,), seed), requires_grad=True) for seed in range(len(op.vjps))]
    with pytest.raises(AssertionError, match=rf"argument {len(op.vjps) - 1} at \[0\] is .*, by differences .* differ"):
        gradcheck(lambda *tensors: apply(op, *tensors), *tensors)


def test_the_error_names_the_position():
    x = parameter((2, 3))

    def detached_in_one_place(x):
        return x[0].sum() + (x[1] * [1, 1, 0]).sum() + x.data[1, 2]

    with pytest.raises(AssertionError, match=r"argument 0 at \[1, 2\] is 0, by differences 1 \(1 of 6 differ\)"):
        gradcheck(detached_in_one_place, x)


def test_a_lost_gradient_is_found():
    with pytest.raises(ValueError, match="require a gradient"):
        gradcheck(lambda x: Tensor(x.data * 2), parameter((3,)))
    with pytest.raises(AssertionError, match="argument 1"):
        gradcheck(lambda x, y: x * y.data, parameter((3,)), parameter((3,), 1))


def test_a_whole_network_is_checked_by_its_parameters():
    model = MLP(3, [4], 2, Tanh, rng=np.random.default_rng(0), init="xavier")
    x = away_from_zero((5, 3))
    assert gradcheck(lambda *_: cross_entropy_loss(model(x), [0, 1, 1, 0, 1]), *model.parameters())


def test_constants_are_left_alone():
    constant = Tensor([0.0, 1.0])
    assert gradcheck(lambda x, c: x * c.relu(), parameter((2,)), constant)
    assert constant.grad is None


def test_gradients_and_data_are_restored():
    x = parameter((2, 2))
    before, grad = x.data.copy(), np.ones((2, 2))
    x.grad = grad
    gradcheck(lambda x: x.exp(), x)
    np.testing.assert_array_equal(x.data, before)
    assert x.grad is grad
    with pytest.raises(ZeroDivisionError):
        gradcheck(lambda x: x * 2 if np.array_equal(x.data, before) else 1 / 0, x)
    np.testing.assert_array_equal(x.data, before)


def test_a_kink_is_found():
    with pytest.raises(AssertionError, match=r"is 0, by differences 0\.5 "):
        gradcheck(Tensor.relu, Tensor([0.0], requires_grad=True))


def test_unsuitable_arguments_are_rejected():
    x = parameter((40,))
    with pytest.raises(ValueError, match="a different result each time"):
        gradcheck(dropout, x)
    with pytest.raises(ValueError, match="float64"):
        gradcheck(Tensor.exp, Tensor(np.ones(2, np.float32), requires_grad=True))
    with pytest.raises(ValueError, match="requires a gradient"):
        gradcheck(Tensor.exp, Tensor([1.0]))
    with pytest.raises(TypeError, match="must return a Tensor, not float"):
        gradcheck(lambda x: x.sum().item(), x)
