"""Functions of several tensors, compared with NumPy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as npst
from judge import away_from_zero, judge, modestly, positive

from engine import Tensor, concatenate, maximum, minimum, stack, where


@pytest.mark.parametrize(("join", "joined"), [(concatenate, [1, 2, 3, 4]), (stack, [[1, 2], [3, 4]])])
def test_tensors_are_joined_from_any_iterable(join, joined):
    parts = [Tensor([1.0, 2.0]), Tensor([3.0, 4.0])]
    assert join(part for part in parts).tolist() == joined


@pytest.mark.parametrize(("f", "reference"), [(maximum, np.maximum), (minimum, np.minimum)])
@given(shapes=npst.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3))
@modestly
def test_maximum_and_minimum_broadcast(f, reference, shapes):
    a, b = shapes.input_shapes
    judge(f, reference, away_from_zero(a, 1), away_from_zero(b, 2))


@given(shapes=npst.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3))
@modestly
def test_where_broadcasts(shapes):
    a, b, c = shapes.input_shapes
    condition = away_from_zero(c, 3) > 0
    judge(
        lambda s, t: where(condition, s, t), lambda s, t: np.where(condition, s, t), away_from_zero(a), positive(b, 1)
    )


@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_concatenate(axis):
    arrays = [away_from_zero((2, 3), 1), away_from_zero((2, 3), 2), away_from_zero((2, 3), 3)]
    judge(lambda *tensors: concatenate(tensors, axis), lambda *some: np.concatenate(some, axis), *arrays)
    judge(lambda t: concatenate([t, arrays[1], t], axis), lambda a: np.concatenate([a, arrays[1], a], axis), arrays[0])
    judge(lambda t: concatenate(t, axis), lambda a: np.concatenate(a, axis), away_from_zero((4, 2, 3)))


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_stack(axis):
    arrays = [away_from_zero((2, 3), 1), away_from_zero((2, 3), 2), away_from_zero((2, 3), 3)]
    judge(lambda *tensors: stack(tensors, axis), lambda *some: np.stack(some, axis), *arrays)
    judge(lambda t: stack([t, arrays[1], t], axis), lambda a: np.stack([a, arrays[1], a], axis), arrays[0])


@pytest.mark.parametrize("join", [concatenate, stack])
def test_joining_preserves_float32_and_rejects_shapes_that_do_not_fit(join):
    rows = [Tensor(np.ones(2, np.float32)), np.zeros(2, np.float32)]
    assert join(rows).dtype == np.float32
    assert stack([Tensor(np.float32(1)), 2]).dtype == np.float32
    for wrong in ([], [rows[0], np.ones((2, 3, 1))]):
        with pytest.raises(ValueError, match="array"):
            join(wrong)
    with pytest.raises(np.exceptions.AxisError):
        join(rows, 2)
