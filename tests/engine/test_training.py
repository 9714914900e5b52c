"""Training: steps, evaluation and the reference run."""

import numpy as np
import pytest
from mnist_digits import mnist
from networks import same
from small_runs import COUNT, VARIED, blobs, network, some_digits, steps, weights

from engine import (
    MLP,
    SGD,
    Adam,
    Augmentation,
    Dropout,
    Linear,
    Module,
    ReLU,
    TrainingConfig,
    cross_entropy_loss,
    evaluate,
    mse_loss,
    predict,
    train,
    training_steps,
)
from engine.run import TrainingRun

# ---------------------------------------------------------------- training_steps


def test_steps_count_epochs_batches_and_samples():
    taken = steps(epochs=2, batch_size=16)
    assert [(s.epoch, s.index, s.count, s.is_last) for s in taken] == [
        (epoch, index, count, index == 3) for epoch in (0, 1) for index, count in enumerate([16, 16, 16, 2])
    ]


@pytest.mark.parametrize(("batch_size", "counts"), [(25, [25, 25]), (50, [50]), (1000, [50]), (1, [1] * 50)])
def test_batches(batch_size, counts):
    taken = steps(epochs=1, batch_size=batch_size)
    assert [s.count for s in taken] == counts
    assert [s.is_last for s in taken] == [False] * (len(counts) - 1) + [True]


def test_training_learns():
    model = network()
    taken = steps(model, epochs=20, seed=0)
    assert taken[-1].loss < 0.1 * taken[0].loss
    assert evaluate(model, *blobs())[1] == 1


def test_a_step_reports_its_batch_before_the_update():
    model, (points, labels) = network(), blobs()
    before = model.copy()
    step = next(training_steps(model, points, labels, SGD(model.parameters(), lr=0.1), epochs=1, batch_size=16))
    loss, accuracy = evaluate(before, points[:16], labels[:16])
    assert step.loss == pytest.approx(loss, rel=1e-12)
    assert step.correct == round(accuracy * 16)
    assert not same(model, before)


def test_nothing_is_trained_until_the_next_step_is_asked_for():
    model = network()
    run = training_steps(model, *blobs(), SGD(model.parameters(), lr=0.1), epochs=1, batch_size=16)
    assert same(model, network())
    next(run)
    after = model.copy()
    assert not same(after, network())
    next(run)
    assert not same(after, model)


def test_a_step_equals_a_step_of_the_optimizer():
    model, (points, labels) = network(), blobs()
    twin = model.copy()
    list(training_steps(model, points, labels, SGD(model.parameters(), lr=0.1), epochs=1, batch_size=30))
    for rows in (slice(0, 30), slice(30, None)):
        twin.zero_grad()
        cross_entropy_loss(twin(points[rows]), labels[rows]).backward()
        SGD(twin.parameters(), lr=0.1).step()
    for ours, theirs in zip(weights(model), weights(twin), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("seed", [None, 0, 5])
def test_a_run_repeats_bit_for_bit(seed):
    a, b = network(np.float32), network(np.float32)
    assert steps(a, Adam(a.parameters()), seed=seed) == steps(b, Adam(b.parameters()), seed=seed)
    assert same(a, b)


def visited(seed, epochs=2):
    """The labels in training order, one list per epoch; every sample is its own label."""
    seen = []

    def loss_fn(outputs, target):
        seen.append(target[0])
        return cross_entropy_loss(outputs, target % 3)

    steps(data=(blobs()[0], np.arange(COUNT)), loss_fn=loss_fn, epochs=epochs, batch_size=1, seed=seed)
    return [seen[start : start + COUNT] for start in range(0, len(seen), COUNT)]


def test_without_a_seed_samples_come_in_order():
    assert visited(None) == [list(range(COUNT))] * 2


def test_with_a_seed_every_epoch_has_a_different_order():
    first, second = visited(0)
    assert sorted(first) == sorted(second) == list(range(COUNT))
    assert len({tuple(order) for order in (first, second, range(COUNT), visited(1)[0])}) == 4
    assert visited(0) == [first, second]


def test_bytes_are_scaled_to_0_to_1():
    images = np.random.default_rng(0).integers(0, 256, (COUNT, 3, 1), np.uint8)
    labels = blobs()[1]
    a, b = network(), network()
    assert steps(a, data=(images, labels)) == steps(b, data=(images.reshape(COUNT, 3) / 255, labels))
    assert same(a, b)
    assert evaluate(a, images, labels) == evaluate(a, images / 255, labels)
    np.testing.assert_array_equal(predict(a, images), predict(a, images / 255))


def test_other_numbers_stay_as_they_are():
    points, labels = blobs()
    assert steps(data=(points * 255, labels))[0] != steps(data=(points, labels))[0]


def test_images_are_not_changed():
    for images in (np.full((COUNT, 3), 255, np.uint8), *(blobs(dtype=dtype)[0] for dtype in (np.float32, np.float64))):
        before = images.copy()
        steps(data=(images, blobs()[1]))
        evaluate(network(), images, blobs()[1])
        np.testing.assert_array_equal(images, before)


def test_a_float32_network_is_trained_in_float32():
    model = network(np.float32)
    steps(model)
    assert {p.dtype for p in model.parameters()} == {p.grad.dtype for p in model.parameters()} == {np.dtype("f4")}


def test_targets_that_are_not_classes():
    points, labels = blobs()
    targets = np.eye(3)[labels]
    model = network()
    taken = steps(model, data=(points, targets), loss_fn=mse_loss, epochs=30)
    assert taken[-1].loss < 0.5 * taken[0].loss
    assert {s.correct for s in taken} == {0}


def test_no_epochs_no_steps():
    assert steps(epochs=0) == []


def test_an_exploding_network_shows_in_its_loss_without_warnings():
    model = network(np.float32)
    taken = steps(model, SGD(model.parameters(), lr=1e30), epochs=3)
    assert not np.isfinite(taken[-1].loss)
    assert not np.isfinite(evaluate(model, *blobs())[0])


# ---------------------------------------------------------------- training_steps with an augmentation


def reader(dtype=np.float32):
    return MLP(784, [16], 10, rng=np.random.default_rng(1), dtype=dtype, init="he")


def test_augmented_training_follows_from_the_seed():
    data = some_digits()
    models = [reader() for _ in range(4)]
    taken = [
        steps(model, data=data, seed=seed, augmentation=augmentation)
        for model, seed, augmentation in zip(models, (3, 3, 4, 3), (VARIED, VARIED, VARIED, None), strict=True)
    ]
    assert taken[0] == taken[1]
    assert same(models[0], models[1])
    assert len({run[0].loss for run in taken}) == 3
    assert not same(models[0], models[2])
    assert not same(models[0], models[3])


def test_an_empty_augmentation_is_none():
    data = some_digits()
    a, b, c = reader(), reader(), reader()
    plain = steps(a, data=data, seed=3)
    assert plain == steps(b, data=data, seed=3, augmentation=Augmentation())
    assert plain != steps(c, data=data, seed=3, augmentation=Augmentation(shift_px=0.01))
    assert same(a, b)


def variations(seed):
    """The inputs of a network when one digit, repeated 32 times, is trained for three epochs of four mini-batches."""
    seen = []

    class Spy(MLP):
        def forward(self, x):
            seen.append(x.data.copy())
            return super().forward(x)

    images = np.repeat(some_digits(1)[0], 32, axis=0)
    before = images.copy()
    model = Spy(784, [4], 10, dtype=np.float32)
    steps(model, data=(images, np.zeros(32, int)), seed=seed, epochs=3, batch_size=8, augmentation=VARIED)
    np.testing.assert_array_equal(images, before)
    return np.array(seen)


@pytest.mark.parametrize("seed", [None, 0, 5])
def test_every_mini_batch_has_different_variations(seed):
    pictures = variations(seed)
    assert (pictures.shape, pictures.dtype) == ((12, 8, 784), np.float32)
    assert len(np.unique(pictures.reshape(96, 784), axis=0)) == 96
    assert 0 <= pictures.min() < 0.5 < pictures.max() <= 1


def test_variations_follow_from_the_seed():
    np.testing.assert_array_equal(variations(5), variations(5))
    assert (variations(5) != variations(6)).any(axis=-1).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_augmented_training_stays_in_the_networks_dtype(dtype):
    model = reader(dtype)
    steps(model, data=some_digits(32), augmentation=VARIED)
    assert {p.dtype for p in model.parameters()} == {p.grad.dtype for p in model.parameters()} == {np.dtype(dtype)}


# ---------------------------------------------------------------- train


def test_train_prints_and_returns_each_epochs_mean_loss(capsys):
    taken = steps(epochs=3, batch_size=16)
    model = network()
    history = train(model, *blobs(), SGD(model.parameters(), lr=0.1), cross_entropy_loss, epochs=3, batch_size=16)
    lines = capsys.readouterr().out.splitlines()
    for epoch, line in enumerate(lines):
        loss = sum(s.loss * s.count for s in taken if s.epoch == epoch) / COUNT
        assert line == f"epoch {epoch}: loss {loss:.4f}"
        assert history[epoch] == pytest.approx(loss)
    assert len(lines) == len(history) == 3
    assert {type(loss) for loss in history} == {float}


def test_train_defaults_to_100_epochs_and_batches_of_32(capsys):
    model = network()
    sizes = []

    def loss_fn(outputs, target):
        sizes.append(len(target))
        return cross_entropy_loss(outputs, target)

    train(model, *blobs(), SGD(model.parameters()), loss_fn)
    assert sizes == [32, 18] * 100
    assert len(capsys.readouterr().out.splitlines()) == 100


def test_the_reference_run(capsys):
    digits = mnist()
    model = MLP(784, [256, 128, 10], 10, rng=np.random.RandomState(0))
    optimizer = Adam(model.parameters(), lr=1e-3)
    images = digits.train_images.reshape(60_000, 784) / 255
    train(model, images, digits.train_labels, optimizer, cross_entropy_loss, epochs=5, batch_size=32)
    losses = [line.split()[-1] for line in capsys.readouterr().out.splitlines()]
    assert losses == ["0.7274", "0.2214", "0.1289", "0.0890", "0.0639"]


# ---------------------------------------------------------------- evaluate and predict


def test_evaluate_gives_mean_loss_and_accuracy():
    model, (points, labels) = network(), blobs(2500)  # more than one batch of evaluation
    logits = model(points)
    loss, accuracy = evaluate(model, points, labels)
    assert loss == pytest.approx(cross_entropy_loss(logits, labels).item(), rel=1e-12)
    assert accuracy == (logits.data.argmax(axis=1) == labels).mean()


def test_evaluate_and_predict_record_nothing_and_change_nothing():
    recorded = []

    class Spy(MLP):
        def forward(self, x):
            y = super().forward(x)
            recorded.append(y.requires_grad)
            return y

    model = Spy(3, [8], 3)
    before = model.copy()
    evaluate(model, *blobs())
    predict(model, blobs()[0])
    assert recorded == [False, False]
    assert same(model, before)
    assert all(p.grad is None for p in model.parameters())
    assert model(blobs()[0]).requires_grad


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predict_gives_probabilities(dtype):
    model, points = network(dtype), blobs(2500)[0]
    probabilities = predict(model, points)
    assert (probabilities.shape, probabilities.dtype) == ((2500, 3), dtype)
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    logits = model(points.astype(dtype)).data
    np.testing.assert_array_equal(probabilities.argmax(axis=1), logits.argmax(axis=1))
    odds = np.log(probabilities[:, 1] / probabilities[:, 0])
    np.testing.assert_allclose(odds, logits[:, 1] - logits[:, 0], atol=1e-4)


def test_labels_of_any_whole_dtype():
    model, (points, labels) = network(), blobs()
    assert evaluate(model, points, labels.astype(np.uint8)) == evaluate(model, points, labels)
    assert steps(data=(points, labels.astype(np.uint8))) == steps(data=(points, labels))


def test_labels_between_classes_are_refused():
    with pytest.raises(TypeError):
        evaluate(network(), blobs()[0][:2], np.array([0.7, 1.2]))


def test_a_frozen_network_predicts_in_its_dtype():
    model = network(np.float32)
    for parameter in model.parameters():
        parameter.requires_grad = False
    assert predict(model, blobs()[0]).dtype == np.float32


def test_no_images_at_all():
    with pytest.raises(ValueError, match="at least one image"):
        evaluate(network(), np.zeros((0, 3)), np.zeros(0, int))
    with pytest.raises(ValueError, match="at least one"):
        predict(network(), np.zeros((0, 3)))


# ---------------------------------------------------------------- TrainingRun


# ---------------------------------------------------------------- TrainingRun: chunks


# ---------------------------------------------------------------- TrainingRun: schedule and augmentation


# ---------------------------------------------------------------- what does not fit, and networks of one's own


@pytest.mark.parametrize("labels", [5, 7], ids=["fewer", "more"])
def test_each_image_needs_a_label(labels):
    images, labels = np.zeros((6, 4)), np.zeros(labels, int)
    model = MLP(4, [], 2)
    optimizer = Adam(model.parameters())
    for attempt in (
        lambda: train(model, images, labels, optimizer, cross_entropy_loss, epochs=1),
        lambda: next(training_steps(model, images, labels, optimizer, epochs=1, batch_size=2)),
        lambda: evaluate(model, images, labels),
        lambda: TrainingRun(TrainingConfig(), images, labels, 2),
    ):
        with pytest.raises(ValueError, match=f"6 images and {len(labels)} labels"):
            attempt()


@pytest.mark.parametrize("batch_size", [0, -1, 2.5])
def test_invalid_batch_sizes_are_rejected(batch_size):
    model = MLP(4, [], 2)
    with pytest.raises(ValueError, match="batch size must be a positive whole number"):
        train(model, np.zeros((6, 4)), np.zeros(6, int), SGD(model.parameters()), cross_entropy_loss, 1, batch_size)


def test_lists_are_trained_on(capsys):
    model = MLP(2, [], 2)
    train(model, [[0.0, 1.0], [1.0, 0.0]], [0, 1], SGD(model.parameters()), cross_entropy_loss, epochs=1)
    assert capsys.readouterr().out.startswith("epoch 0: loss 0.")
    assert evaluate(model, [[0.0, 1.0]], [0])[1] in (0, 1)


class Dropping(Module):
    """A network that drops its whole input in training mode."""

    def __init__(self):
        self.dropout = Dropout(1.0)
        self.linear = Linear(2, 2)
        self.linear.W.data[...] = [[5, 0], [0, 5]]

    def forward(self, x):
        return self.linear(self.dropout(x))


def test_nothing_is_dropped_in_evaluation_mode():
    model = Dropping()
    images, labels = np.eye(2), np.arange(2)
    model.linear.training = False
    assert evaluate(model, images, labels)[1] == 1
    assert predict(model, images)[0, 0] > 0.9
    assert (model.dropout.training, model.linear.training) == (True, False)
    (step,) = training_steps(model, images, labels, SGD(model.parameters()), epochs=1, batch_size=2)
    assert step.loss == pytest.approx(np.log(2))


def test_a_network_without_parameters_is_evaluated():
    assert evaluate(ReLU(), np.eye(2), np.arange(2))[1] == 1


def test_predicting_does_not_change_a_plain_network():
    # Another thread may copy it meanwhile.
    model = MLP(4, [3], 2)
    before = [dict(vars(module)) for module in model.modules()]
    predict(model, np.zeros((1, 4)))
    assert [vars(module) for module in model.modules()] == before
