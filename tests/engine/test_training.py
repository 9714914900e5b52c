"""Training, from a setting to the reference run."""

import importlib.util
import itertools
import json
import math
from contextlib import closing
from dataclasses import fields, replace

import numpy as np
import pytest

from engine import (
    MLP,
    SGD,
    Adam,
    Augmentation,
    ConfigError,
    Dropout,
    Linear,
    Module,
    ReLU,
    SGDMomentum,
    Sigmoid,
    Tanh,
    TrainingConfig,
    cross_entropy_loss,
    evaluate,
    mse_loss,
    predict,
    train,
    training_steps,
)
from engine.config import MAX_AUGMENTATION
from engine.run import TrainingRun
from engine.samples import split_validation
from engine.training import EpochSummary
from minigrad_gui.data import load_mnist

COUNT = 50


def blobs(count=COUNT, dtype=np.float64):
    """Points of three classes, far apart: easy to learn."""
    rng = np.random.default_rng(7)
    labels = rng.integers(0, 3, count)
    points = np.eye(3)[labels] * 4 + rng.normal(0, 0.5, (count, 3))
    return points.astype(dtype), labels


def network(dtype=np.float64):
    return MLP(3, [8], 3, rng=np.random.default_rng(1), dtype=dtype, init="he")


def steps(model=None, optimizer=None, data=None, loss_fn=cross_entropy_loss, **settings):
    model = model or network()
    optimizer = optimizer or SGD(model.parameters(), lr=0.1)
    return list(
        training_steps(model, *(data or blobs()), optimizer, loss_fn, **{"epochs": 2, "batch_size": 16, **settings})
    )


def weights(model):
    return [p.data for p in model.parameters()]


def same(a, b):
    return all(np.array_equal(p, q) for p, q in zip(weights(a), weights(b), strict=True))


# ---------------------------------------------------------------- TrainingConfig


NAN, INFINITY = float("nan"), float("inf")
VARIED = Augmentation(shift_px=2, rotation_deg=15, scale=0.15, shear=0.15, elastic_px=1, thickness_px=0.5)
REFUSED = {
    "hidden": [(0,), (-1,), (4, 0), (2.5,), ("4",), (None,), (1,) * 17],
    "activation": ["", "ReLU", "gelu", None],
    "optimizer": ["", "Adam", "lion", None],
    "learning_rate": [0, -1e-3, 1001, NAN, INFINITY],
    "momentum": [-0.1, 1, 2, NAN],
    "weight_decay": [-0.1, 101, NAN, INFINITY],
    "batch_size": [0, -1, 100_001, NAN, 2.5],
    "epochs": [0, -1, 100_001, NAN, 2.5],
    "seed": [-1, 2**31, NAN, 0.5],
    "validation_share": [-0.1, 0.51, NAN],
    "schedule": ["", "Cosine", "linear", None],
    "augmentation": [None, 1.0, Augmentation(shift_px=-1), Augmentation(scale=0.6), Augmentation(elastic_px=NAN)],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in REFUSED.items() for value in values])
def test_config_refuses(field, value):
    with pytest.raises(ConfigError) as caught:
        TrainingConfig(**{field: value})
    assert caught.value.field == field
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_every_setting_is_checked():
    assert set(REFUSED) == {field.name for field in fields(TrainingConfig)}


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden": ()},
        {"hidden": [4, 5]},
        {"hidden": (1,) * 16},
        {"activation": "tanh"},
        {"optimizer": "momentum", "momentum": 0},
        {"learning_rate": 1000},
        {"weight_decay": 0},
        {"batch_size": 100_000},
        {"epochs": 100_000},
        {"seed": 2**31 - 1},
        {"validation_share": 0},
        {"validation_share": 0.5},
    ],
    ids=str,
)
def test_config_accepts(settings):
    config = TrainingConfig(**settings)
    for name, value in settings.items():
        assert getattr(config, name) == (tuple(value) if name == "hidden" else value)


def test_a_config_error_is_a_value_error():
    assert issubclass(ConfigError, ValueError)


def test_config_is_frozen_and_hashable():
    config = TrainingConfig(hidden=[4])
    with pytest.raises(AttributeError):
        config.epochs = 3
    assert hash(config) == hash(TrainingConfig(hidden=(4,)))


def test_config_survives_json():
    config = TrainingConfig(hidden=(4, 5), optimizer="momentum", seed=9)
    back = json.loads(json.dumps(config.to_dict()))
    assert back == config.to_dict()
    assert TrainingConfig(**back) == config


@pytest.mark.parametrize("augmentation", [Augmentation(), Augmentation(shift_px=1, scale=0.25), VARIED])
def test_an_augmentation_survives_json(augmentation):
    config = TrainingConfig(schedule="cosine", augmentation=augmentation)
    back = TrainingConfig(**json.loads(json.dumps(config.to_dict(), allow_nan=False)))
    assert back == config
    assert back.augmentation == augmentation
    assert hash(back) == hash(config)


def test_a_config_from_before_there_were_schedules_and_augmentations():
    old = TrainingConfig(seed=9).to_dict()
    del old["schedule"], old["augmentation"]
    assert TrainingConfig(**old) == TrainingConfig(seed=9, schedule="constant", augmentation=Augmentation())


def test_every_augmentation_has_a_limit():
    assert set(MAX_AUGMENTATION) == {field.name for field in fields(Augmentation)}


@pytest.mark.parametrize(("name", "most"), MAX_AUGMENTATION.items())
def test_an_augmentation_goes_from_0_to_its_limit(name, most):
    for accepted in (0.0, most / 2, most):
        config = TrainingConfig(augmentation=Augmentation(**{name: accepted}))
        assert getattr(config.augmentation, name) == accepted
    for refused in (-0.01, most * 1.01, NAN, INFINITY):
        with pytest.raises(ConfigError, match=f"{name} is from 0 to {most:g}\\.$") as caught:
            TrainingConfig(augmentation={name: refused})
        assert caught.value.field == "augmentation"


def test_sizes_have_a_limit():
    assert TrainingConfig(hidden=(4, 5)).sizes(3, 2) == (3, 4, 5, 2)
    with pytest.raises(ConfigError, match="parameters are too many") as caught:
        TrainingConfig(hidden=(10_000, 10_000)).sizes(784, 10)
    assert caught.value.field == "hidden"
    with pytest.raises(ConfigError):
        TrainingConfig(hidden=(10**9,) * 2).build_model(784, 10)


@pytest.mark.parametrize(("name", "activation"), [("relu", ReLU), ("tanh", Tanh), ("sigmoid", Sigmoid)])
def test_config_builds_a_float32_network_from_its_seed(name, activation):
    config = TrainingConfig(hidden=(30, 20), activation=name, seed=3)
    model = config.build_model(200, 100)
    assert (model.sizes, type(model.activation), model.dtype) == ((200, 30, 20, 100), activation, np.float32)
    scale = 2 / 200 if name == "relu" else 2 / 230
    assert model.layers[0].W.data.std() == pytest.approx(scale**0.5, rel=0.05)
    assert same(model, config.build_model(200, 100))
    assert not same(model, TrainingConfig(hidden=(30, 20), activation=name, seed=4).build_model(200, 100))


@pytest.mark.parametrize(("name", "kind"), [("sgd", SGD), ("momentum", SGDMomentum), ("adam", Adam)])
def test_config_builds_an_optimizer(name, kind):
    model = network()
    config = TrainingConfig(optimizer=name, learning_rate=0.25, momentum=0.5, weight_decay=0.125)
    optimizer = config.build_optimizer(model)
    assert type(optimizer) is kind
    assert (optimizer.lr, optimizer.weight_decay) == (0.25, 0.125)
    assert optimizer.params == model.parameters()
    assert getattr(optimizer, "momentum", 0.5) == 0.5


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


def test_a_step_is_that_of_the_optimizer():
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
    """The labels in the order in which training saw them, one list an epoch; every sample is its own label."""
    seen = []

    def loss_fn(outputs, target):
        seen.append(target[0])
        return cross_entropy_loss(outputs, target % 3)

    steps(data=(blobs()[0], np.arange(COUNT)), loss_fn=loss_fn, epochs=epochs, batch_size=1, seed=seed)
    return [seen[start : start + COUNT] for start in range(0, len(seen), COUNT)]


def test_without_a_seed_samples_come_in_order():
    assert visited(None) == [list(range(COUNT))] * 2


def test_with_a_seed_every_epoch_has_an_order_of_its_own():
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


def test_targets_that_are_no_classes():
    points, labels = blobs()
    targets = np.eye(3)[labels]
    model = network()
    taken = steps(model, data=(points, targets), loss_fn=mse_loss, epochs=30)
    assert taken[-1].loss < 0.5 * taken[0].loss
    assert {s.correct for s in taken} == {0}


def test_no_epochs_no_steps():
    assert steps(epochs=0) == []


def test_a_network_that_blows_up_shows_it_in_its_loss_and_warns_of_nothing():
    model = network(np.float32)
    taken = steps(model, SGD(model.parameters(), lr=1e30), epochs=3)
    assert not np.isfinite(taken[-1].loss)
    assert not np.isfinite(evaluate(model, *blobs())[0])


# ---------------------------------------------------------------- training_steps with an augmentation


def some_digits(count=256):
    digits = load_mnist()
    return digits.train_images[:count], digits.train_labels[:count]


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


def test_an_augmentation_of_nothing_is_none():
    data = some_digits()
    a, b, c = reader(), reader(), reader()
    plain = steps(a, data=data, seed=3)
    assert plain == steps(b, data=data, seed=3, augmentation=Augmentation())
    assert plain != steps(c, data=data, seed=3, augmentation=Augmentation(shift_px=0.01))
    assert same(a, b)


def variations(seed):
    """What a network sees of one digit, 32 times the same, in three epochs of four mini-batches."""
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
def test_every_mini_batch_has_variations_of_its_own(seed):
    pictures = variations(seed)
    assert (pictures.shape, pictures.dtype) == ((12, 8, 784), np.float32)
    assert len(np.unique(pictures.reshape(96, 784), axis=0)) == 96
    assert 0 <= pictures.min() < 0.5 < pictures.max() <= 1


def test_variations_follow_from_the_seed():
    np.testing.assert_array_equal(variations(5), variations(5))
    assert (variations(5) != variations(6)).any(axis=-1).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_augmented_training_keeps_the_networks_dtype(dtype):
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


def test_train_goes_100_epochs_of_32_unless_told(capsys):
    model = network()
    sizes = []

    def loss_fn(outputs, target):
        sizes.append(len(target))
        return cross_entropy_loss(outputs, target)

    train(model, *blobs(), SGD(model.parameters()), loss_fn)
    assert sizes == [32, 18] * 100
    assert len(capsys.readouterr().out.splitlines()) == 100


def test_the_reference_run(capsys):
    digits = load_mnist()
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


def test_no_images_at_all():
    with pytest.raises(ValueError, match="at least one image"):
        evaluate(network(), np.zeros((0, 3)), np.zeros(0, int))
    with pytest.raises(ValueError, match="at least one"):
        predict(network(), np.zeros((0, 3)))


# ---------------------------------------------------------------- TrainingRun


@pytest.mark.parametrize(
    ("count", "share", "held_back"), [(50, 0.1, 5), (50, 0, 0), (7, 0.5, 4), (1, 0.5, 0), (3, 0.1, 0)]
)
def test_validation_samples_are_split_off(count, share, held_back):
    training, validation = split_validation(count, share, seed=3)
    assert len(validation) == held_back
    assert sorted([*training, *validation]) == list(range(count))
    assert (np.diff(training) > 0).all()
    assert (np.diff(validation) > 0).all()


def test_the_split_follows_from_the_seed():
    first, again, other = (split_validation(100, 0.2, seed)[1] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, np.arange(20))
    assert not np.array_equal(first, np.arange(80, 100))


CONFIG = TrainingConfig(hidden=(8,), batch_size=16, epochs=3, learning_rate=0.01, validation_share=0.2, seed=4)


def test_a_run_counts_its_samples():
    run = TrainingRun(CONFIG, *blobs(), 3)
    assert (run.training_count, run.validation_count, run.steps_per_epoch) == (40, 10, 3)
    assert run.model.sizes == (3, 8, 3)
    assert len(list(run)) == 9


def test_a_run_sums_up_each_epoch_on_its_last_step():
    points, labels = blobs()
    run = TrainingRun(CONFIG, points, labels, 3)
    _, validation = split_validation(COUNT, 0.2, 4)
    epoch = []
    summaries = []
    for step, summary in run:
        epoch.append(step)
        assert (summary is not None) == step.is_last
        if summary:
            loss = sum(s.loss * s.count for s in epoch) / 40
            accuracy = sum(s.correct for s in epoch) / 40
            tested = evaluate(run.model, points[validation], labels[validation])
            assert summary == EpochSummary(step.epoch, loss, accuracy, *tested)
            summaries.append(summary)
            epoch.clear()
    assert [summary.epoch for summary in summaries] == [0, 1, 2]


def test_a_run_never_trains_on_its_validation_samples():
    points, labels = blobs()
    training, validation = split_validation(COUNT, 0.2, 4)
    spoiled = points.copy()
    spoiled[validation] = 1e6
    a, b = TrainingRun(CONFIG, points, labels, 3), TrainingRun(CONFIG, spoiled, labels, 3)
    assert [step for step, _ in a] == [step for step, _ in b]
    assert same(a.model, b.model)
    assert len(training) == a.training_count


def test_a_run_without_validation():
    run = TrainingRun(TrainingConfig(hidden=(8,), epochs=1, validation_share=0), *blobs(), 3)
    *_, (_, summary) = run
    assert run.training_count == COUNT
    assert (summary.validation_loss, summary.validation_accuracy) == (None, None)
    assert 0 <= summary.accuracy <= 1


def test_a_run_from_the_same_config_repeats_bit_for_bit():
    a, b = TrainingRun(CONFIG, *blobs(), 3), TrainingRun(CONFIG, *blobs(), 3)
    assert list(a) == list(b)
    assert same(a.model, b.model)


def test_a_run_goes_on_from_a_network_without_changing_it():
    start = CONFIG.build_model(3, 3)
    for p in start.parameters():
        p.data += 0.5
    before = start.copy()
    run = TrainingRun(CONFIG, *blobs(), 3, start_from=start)
    assert same(run.model, start)
    list(run)
    assert same(start, before)
    assert not same(run.model, start)


def test_a_run_takes_images_of_bytes():
    images = np.random.default_rng(0).integers(0, 256, (COUNT, 4, 5), np.uint8)
    run = TrainingRun(CONFIG, images, blobs()[1].astype(np.uint8), 3)
    assert run.model.sizes == (20, 8, 3)
    assert all(np.isfinite(step.loss) for step, _ in run)


def test_integers_that_are_no_classes_are_not_counted():
    one_hot = np.eye(3, dtype=int)[[0, 1, 2, 0]]
    model = MLP(2, [4], 3, rng=np.random.default_rng(0))
    steps = training_steps(model, np.ones((4, 2)), one_hot, SGD(model.parameters()), mse_loss, epochs=1, batch_size=2)
    assert [step.correct for step in steps] == [0, 0]


def test_a_rehearsal_has_no_end_and_leaves_the_network_alone():
    run = TrainingRun(CONFIG, *blobs(), 3)
    before = [parameter.data.copy() for parameter in run.model.parameters()]
    steps = list(itertools.islice(run.rehearsal(), 3 * run.steps_per_epoch))
    assert steps[-1].loss < steps[0].loss
    for parameter, old in zip(run.model.parameters(), before, strict=True):
        np.testing.assert_array_equal(parameter.data, old)


# ---------------------------------------------------------------- TrainingRun: chunks


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_run_in_bursts_is_the_run_step_by_step(schedule):
    config = replace(CONFIG, schedule=schedule, batch_size=2)
    single, run = TrainingRun(config, *blobs(dtype=np.float32), 3), TrainingRun(config, *blobs(dtype=np.float32), 3)
    run.chunk_s = 60.0
    told, chunks = list(single), list(run.chunks())
    assert [step for steps, _ in chunks for step in steps] == [step for step, _ in told]
    assert [summary for _, summary in chunks if summary] == [summary for _, summary in told if summary]
    assert all((summary is not None) == steps[-1].is_last for steps, summary in chunks)
    assert same(single.model, run.model)
    assert run.is_finished
    assert run.optimizer.lr == single.optimizer.lr
    np.testing.assert_array_equal(run.losses, single.losses)


def test_between_two_bursts_a_run_can_be_left_and_gone_on_with():
    whole, run, rest = (TrainingRun(replace(CONFIG, batch_size=2), *blobs(dtype=np.float32), 3) for _ in range(3))
    list(whole)
    run.chunk_s = 60.0
    with closing(run.chunks()) as chunks:
        done = sum(len(steps) for steps, _ in itertools.islice(chunks, 2))
        assert run.steps_done == len(run.losses) == done
        assert run.samples_into_epoch == 2 * done % run.training_count
        rest.load_state(run.state())
    list(rest)
    assert same(rest.model, whole.model)
    assert rest.epochs == whole.epochs


def test_bursts_of_no_time_are_single_steps():
    run = TrainingRun(replace(CONFIG, batch_size=2), *blobs(dtype=np.float32), 3)
    run.chunk_s = 0.0
    with closing(run.chunks()) as chunks:
        assert [len(steps) for steps, _ in itertools.islice(chunks, 10)] == [1] * 10
        run.chunk_s = 60.0
        longer = len(next(chunks)[0])
    assert longer == (10 if importlib.util.find_spec("numba") else 1)  # the rest of the epoch, where it is compiled


# ---------------------------------------------------------------- TrainingRun: schedule and augmentation


def learning_rates(run):
    return [run.optimizer.lr for _ in run]


def test_a_constant_learning_rate_stays():
    assert learning_rates(TrainingRun(CONFIG, *blobs(), 3)) == [0.01] * 9


def test_a_cosine_learning_rate_sinks_to_nearly_nothing():
    config = replace(CONFIG, schedule="cosine", epochs=20)
    rates = np.array(learning_rates(TrainingRun(config, *blobs(), 3)))
    assert rates[0] == config.learning_rate
    assert (np.diff(rates) < 0).all()
    assert 0 < rates[-1] < 0.001 * config.learning_rate
    done = np.arange(60) / 60
    np.testing.assert_allclose(rates, config.learning_rate * 0.5 * (1 + np.cos(np.pi * done)), rtol=1e-12)


def test_a_schedule_makes_a_difference_from_the_second_step_on():
    constant, cosine = (
        list(TrainingRun(replace(CONFIG, schedule=name), *blobs(), 3)) for name in ("constant", "cosine")
    )
    assert constant[:2] == cosine[:2]
    assert constant[2] != cosine[2]


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_new_learning_rate_takes_effect_at_once_and_the_schedule_goes_on(schedule):
    run = TrainingRun(replace(CONFIG, schedule=schedule), *blobs(), 3)
    rates = []
    for index, _ in enumerate(run):
        rates.append(run.optimizer.lr)
        if index == 3:
            run.learning_rate = 0.5
    parts = [0.5 * (1 + math.cos(math.pi * step / 9)) if schedule == "cosine" else 1 for step in range(9)]
    assert rates == pytest.approx([(0.01 if step <= 3 else 0.5) * part for step, part in enumerate(parts)])


def test_an_augmented_run_repeats_bit_for_bit():
    config = replace(CONFIG, augmentation=VARIED, schedule="cosine")
    a, b, plain = (
        TrainingRun(c, *some_digits(), 10) for c in (config, config, replace(config, augmentation=Augmentation()))
    )
    taken = list(a)
    assert taken == list(b)
    assert same(a.model, b.model)
    assert taken[0] != next(iter(plain))


def test_a_rehearsal_has_the_runs_augmentation():
    run = TrainingRun(replace(CONFIG, augmentation=VARIED), *some_digits(), 10)
    rehearsed = next(run.rehearsal())
    assert rehearsed == next(iter(run))[0]


def test_an_augmented_run_learns_to_read_digits_as_they_are():
    config = TrainingConfig(
        hidden=(64,), learning_rate=3e-3, batch_size=32, epochs=8, schedule="cosine", augmentation=VARIED
    )
    run = TrainingRun(config, *some_digits(2000), 10)
    epochs = [summary for _, summary in run if summary]
    assert epochs[-1].loss < 0.7 * epochs[0].loss
    assert epochs[-1].validation_accuracy > 0.85
    assert epochs[-1].validation_loss < epochs[-1].loss
    digits = load_mnist()
    assert evaluate(run.model, digits.test_images, digits.test_labels)[1] > 0.85


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
        with pytest.raises(ValueError, match=f"6 images and {len(labels)} labels do not fit"):
            attempt()


@pytest.mark.parametrize("batch_size", [0, -1, 2.5])
def test_a_batch_has_a_size(batch_size):
    model = MLP(4, [], 2)
    with pytest.raises(ValueError, match="batch size is a whole number from 1 on"):
        train(model, np.zeros((6, 4)), np.zeros(6, int), SGD(model.parameters()), cross_entropy_loss, 1, batch_size)


def test_lists_are_trained_on(capsys):
    model = MLP(2, [], 2)
    train(model, [[0.0, 1.0], [1.0, 0.0]], [0, 1], SGD(model.parameters()), cross_entropy_loss, epochs=1)
    assert capsys.readouterr().out.startswith("epoch 0: loss 0.")
    assert evaluate(model, [[0.0, 1.0]], [0])[1] in (0, 1)


class Dropping(Module):
    """All of the input is dropped in training."""

    def __init__(self):
        self.dropout = Dropout(1.0)
        self.linear = Linear(2, 2)
        self.linear.W.data[...] = [[5, 0], [0, 5]]

    def forward(self, x):
        return self.linear(self.dropout(x))


def test_nothing_is_dropped_while_a_network_is_used():
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


def test_a_network_is_not_changed_by_whoever_reads_with_it():
    # Another thread may copy it meanwhile.
    model = MLP(4, [3], 2)
    before = [dict(vars(module)) for module in model.modules()]
    predict(model, np.zeros((1, 4)))
    assert [vars(module) for module in model.modules()] == before
