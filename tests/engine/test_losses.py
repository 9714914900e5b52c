"""Losses against their definitions."""

import math

import numpy as np
import pytest
from judge import away_from_zero, judge

from engine import Tensor, cross_entropy_loss, mse_loss
from engine.losses import NO_CLASS, SmoothedLoss, count_correct, outlier_exposure_loss


def surprise(logits, target):
    """-log of the target's probability, written out."""
    return -math.log(math.exp(logits[target]) / sum(math.exp(logit) for logit in logits))


def mean_surprise(logits, targets):
    return np.mean([surprise(row, target) for row, target in zip(logits, targets, strict=True)])


# ---------------------------------------------------------------- mse


@pytest.mark.parametrize("shape", [(), (4,), (3, 4)])
def test_mse(shape):
    target = away_from_zero(shape, 1)
    judge(lambda p: mse_loss(p, target), lambda p: np.mean((p - target) ** 2), away_from_zero(shape))
    judge(mse_loss, lambda p, t: np.mean((p - t) ** 2), away_from_zero(shape), target)


def test_mse_of_a_perfect_prediction():
    pred = Tensor([1.0, 2.0], requires_grad=True)
    loss = mse_loss(pred, np.array([1.0, 2.0]))
    loss.backward()
    assert loss.item() == 0
    np.testing.assert_array_equal(pred.grad, [0, 0])


def test_mse_preserves_float32():
    assert mse_loss(Tensor(np.ones(3, np.float32)), np.zeros(3, np.float32)).dtype == np.float32


def test_mse_refuses_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="shape"):
        mse_loss(Tensor(np.ones(3)), np.ones(4))


# ---------------------------------------------------------------- cross entropy


@pytest.mark.parametrize("target", [0, 1, 2, np.int64(1), np.uint8(2), np.array(1)])
def test_cross_entropy_of_one_sample(target):
    logits = away_from_zero((3,))
    judge(lambda x: cross_entropy_loss(x, target), lambda x: surprise(x, int(target)), logits)


@pytest.mark.parametrize("kind", [list, np.array, lambda t: np.array(t, np.uint8), lambda t: np.array(t, np.uint64)])
def test_cross_entropy_of_a_batch_is_the_mean(kind):
    targets = [2, 0, 2, 1]
    judge(lambda x: cross_entropy_loss(x, kind(targets)), lambda x: mean_surprise(x, targets), away_from_zero((4, 3)))


def test_cross_entropy_of_a_batch_of_batches():
    targets = np.array([[0, 1], [2, 2], [1, 0]])
    judge(
        lambda x: cross_entropy_loss(x, targets),
        lambda x: mean_surprise(x.reshape(6, 3), targets.ravel()),
        away_from_zero((3, 2, 3)),
    )


def test_a_batch_of_one_is_the_sample():
    logits = away_from_zero((3,))
    alone, batch = cross_entropy_loss(Tensor(logits), 2), cross_entropy_loss(Tensor(logits[None]), [2])
    assert alone.shape == batch.shape == ()
    assert alone.item() == batch.item()


def test_equal_logits_are_a_uniform_guess():
    assert cross_entropy_loss(Tensor(np.zeros((5, 10))), [3] * 5).item() == pytest.approx(math.log(10), rel=1e-15)


def test_the_gradient_is_softmax_minus_one_hot():
    logits = Tensor(away_from_zero((2, 3)), requires_grad=True)
    cross_entropy_loss(logits, [2, 0]).backward()
    softmax = np.exp(logits.data) / np.exp(logits.data).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(logits.grad, (softmax - [[0, 0, 1], [1, 0, 0]]) / 2, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("target", "loss", "gradient"), [(0, 0, [0, 0, 0]), (1, 2e4, [1, -1, 0]), (2, 1e4, [1, 0, -1])]
)
def test_huge_logits_are_exact(dtype, target, loss, gradient):
    logits = Tensor(np.array([1e4, -1e4, 0], dtype), requires_grad=True)
    result = cross_entropy_loss(logits, target)
    result.backward()
    assert result.item() == loss
    np.testing.assert_array_equal(logits.grad, gradient)


def test_a_shift_of_all_logits_changes_nothing():
    logits = np.array([[1.0, 2.0, 4.0]])
    assert cross_entropy_loss(Tensor(logits + 2**20), [1]).item() == cross_entropy_loss(Tensor(logits), [1]).item()


def test_cross_entropy_preserves_float32():
    logits = Tensor(np.ones((2, 3), np.float32), requires_grad=True)
    loss = cross_entropy_loss(logits, [0, 1])
    loss.backward()
    assert loss.dtype == logits.grad.dtype == np.float32


def test_later_changes_of_the_targets_do_not_affect_the_gradient():
    logits, targets = Tensor(np.zeros((1, 2)), requires_grad=True), np.array([0])
    loss = cross_entropy_loss(logits, targets)
    targets[0] = 1
    loss.backward()
    np.testing.assert_array_equal(logits.grad, [[-0.5, 0.5]])


@pytest.mark.parametrize(
    ("shape", "targets"), [((3,), [0]), ((2, 3), 0), ((2, 3), [0]), ((2, 3), [0, 1, 2]), ((2, 3), [[0], [1]]), ((), 0)]
)
def test_cross_entropy_refuses_shapes_that_do_not_fit(shape, targets):
    with pytest.raises(ValueError, match="do not fit"):
        cross_entropy_loss(Tensor(np.ones(shape)), targets)


@pytest.mark.parametrize("targets", [[0.0, 1.0], np.array([0, 1], np.float32), [True, False], ["0", "1"]])
def test_targets_must_be_whole_numbers(targets):
    with pytest.raises(TypeError, match="integers"):
        cross_entropy_loss(Tensor(np.ones((2, 3))), targets)


@pytest.mark.parametrize("targets", [[0, 3], [-1, 0], [0, 2**40], np.array([0, 2**63], np.uint64)])
def test_targets_must_be_classes(targets):
    with pytest.raises(IndexError, match="from 0 to 2"):
        cross_entropy_loss(Tensor(np.ones((2, 3))), targets)


def test_a_loss_needs_samples():
    with pytest.raises(ValueError, match="at least one sample"):
        cross_entropy_loss(Tensor(np.ones((0, 10))), np.zeros(0, int))


def test_float16_takes_many_samples():
    logits, targets = np.zeros((70_000, 2), np.float16), np.zeros(70_000, int)
    x = Tensor(logits, requires_grad=True)
    loss = cross_entropy_loss(x, targets)
    loss.backward()
    assert loss.item() == np.float16(math.log(2))
    np.testing.assert_allclose(x.grad[0], [-0.5 / 70_000, 0.5 / 70_000], rtol=0.01)
    y = Tensor(logits + 1, requires_grad=True)
    mse_loss(y, logits).backward()
    np.testing.assert_allclose(y.grad, 1 / 70_000, rtol=0.01)


def test_losses_take_arrays_lists_and_tensors():
    logits, targets = away_from_zero((2, 3)), [2, 0]
    expected = cross_entropy_loss(Tensor(logits), targets).item()
    assert cross_entropy_loss(logits, targets).item() == expected
    assert cross_entropy_loss(logits.tolist(), targets).item() == expected
    p = Tensor(logits, requires_grad=True)
    mse_loss(np.zeros((2, 3)), p).backward()
    np.testing.assert_allclose(p.grad, logits / 3)
    assert mse_loss([1, 2], [1, 4]).item() == 2


def test_one_hot_targets_get_a_hint():
    with pytest.raises(ValueError, match="the index of a class"):
        cross_entropy_loss(np.zeros((2, 3)), np.eye(3, dtype=int)[:2])
    with pytest.raises(TypeError, match="integers"):
        cross_entropy_loss(np.zeros((2, 3)), Tensor([0.0, 1.0], requires_grad=True))


# ---------------------------------------------------------------- samples of no class


def test_a_sample_of_no_class_asks_for_equal_probabilities():
    logits = Tensor([[2.0, -1.0, 0.5]], requires_grad=True)
    loss = outlier_exposure_loss(logits, [NO_CLASS])
    each = [cross_entropy_loss(logits, [target]).item() for target in range(3)]
    assert loss.item() == pytest.approx(np.mean(each), rel=1e-12)
    loss.backward()
    probabilities = np.exp(logits.data) / np.exp(logits.data).sum()
    np.testing.assert_allclose(logits.grad, probabilities - 1 / 3, rtol=1e-12)


def test_among_others_it_counts_like_one_of_them():
    logits = away_from_zero((4, 5))
    targets = np.array([3, NO_CLASS, 0, NO_CLASS])

    def reference(rows):
        each = [[surprise(row, wanted) for wanted in range(5)] for row in rows]
        return np.mean([np.mean(row) if target < 0 else row[target] for row, target in zip(each, targets, strict=True)])

    judge(lambda x: outlier_exposure_loss(x, targets), reference, logits)


def test_without_any_it_is_the_cross_entropy_to_the_last_bit():
    logits, targets = away_from_zero((4, 5)), [3, 1, 0, 4]
    assert outlier_exposure_loss(logits, targets).item() == cross_entropy_loss(logits, targets).item()


@pytest.mark.parametrize("loss_fn", [cross_entropy_loss, outlier_exposure_loss])
def test_label_smoothing_asks_for_a_share_of_equal_probabilities(loss_fn):
    logits, targets, smoothing = away_from_zero((4, 5)), np.array([3, 1, 0, 4]), 0.2
    wanted = (1 - smoothing) * np.eye(5)[targets] + smoothing / 5

    def reference(rows):
        each = [[surprise(row, index) for index in range(5)] for row in rows]
        return (wanted * np.array(each)).sum() / 4

    judge(lambda x: SmoothedLoss(loss_fn, smoothing)(x, targets), reference, logits)


def test_a_sample_of_no_class_is_not_changed_by_smoothing():
    logits, targets = away_from_zero((2, 5)), [NO_CLASS, NO_CLASS]
    smoothed = SmoothedLoss(outlier_exposure_loss, 0.3)(logits, targets)
    assert smoothed.item() == pytest.approx(outlier_exposure_loss(logits, targets).item())


@pytest.mark.parametrize("target", [-2, 5])
def test_no_other_number_is_no_class(target):
    with pytest.raises(IndexError, match="from -1 to 4"):
        outlier_exposure_loss(np.zeros((1, 5)), [target])


def test_a_sample_of_no_class_is_classified_correctly_if_no_class_is_likely():
    logits = np.array([[0.0, 0.1, 0.2], [9.0, 0.0, 0.0], [9.0, 0.0, 0.0], [0.0, 9.0, 0.0]])
    assert count_correct(logits, np.array([NO_CLASS, NO_CLASS, 0, 0])) == 2
