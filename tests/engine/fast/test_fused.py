"""Fused steps train as a graph does, with one thread or two, and give way if a graph is needed."""

import copy
import gc
import pickle
import platform
import threading
import time
from contextlib import closing
from itertools import islice

import numpy as np
import pytest

from engine import (
    MLP,
    SGD,
    Adam,
    ReLU,
    SGDMomentum,
    Sigmoid,
    Tanh,
    Tensor,
    cross_entropy_loss,
    mse_loss,
    training_steps,
)
from engine.augment import Augmentation, Variations
from engine.fast import compiled, compiler
from engine.fast import fused as fused_module
from engine.fast import steps as steps_module
from engine.fast.fused import fused_steps
from engine.fast.memory import pack, packed_view
from engine.in_training import MLPInTraining
from engine.losses import NO_CLASS, SmoothedLoss, outlier_exposure_loss
from engine.nn import Linear
from engine.training import TrainingLoop

pytest.importorskip("numba")
threadpoolctl = pytest.importorskip("threadpoolctl")

SIDE, CLASSES = 12, 10


def network(hidden=(16, 8), activation=ReLU, dtype=np.float64):
    return MLP(SIDE * SIDE, hidden, CLASSES, activation, rng=np.random.default_rng(1), dtype=dtype, init="he")


def samples(count=40, kind=np.float64, density=0.2):
    """Images with many zero pixels, and a class for each."""
    rng = np.random.default_rng(2)
    images = rng.random((count, SIDE, SIDE)) * (rng.random((count, SIDE, SIDE)) < density)
    images = (images * 255).astype(np.uint8) if kind == np.uint8 else images.astype(kind)
    return images, rng.integers(0, CLASSES, count)


@pytest.fixture
def by_graph(monkeypatch):
    """Calling it makes training build a graph from then on."""
    return lambda: monkeypatch.setattr(steps_module, "fused_steps", lambda *_: None)


def learn(model, data, optimizer=None, loss_fn=cross_entropy_loss, between=lambda _step: None, **settings):
    """Each step with its gradients, and the final parameters."""
    optimizer = optimizer or Adam(model.parameters(), lr=0.01)
    steps, gradients = [], []
    settings = {"epochs": 2, "batch_size": 16, **settings}
    for step in training_steps(model, *data, optimizer, loss_fn, **settings):
        steps.append(step)
        gradients += [np.array(parameter.grad) for parameter in model.parameters()]
        between(step)
    return steps, gradients + [parameter.data for parameter in model.parameters()]


def assert_close(fused, graphs, rtol):
    for ours, theirs in zip(fused[0], graphs[0], strict=True):
        assert (ours.epoch, ours.index, ours.count, ours.is_last) == (
            theirs.epoch,
            theirs.index,
            theirs.count,
            theirs.is_last,
        )
        assert ours.loss == pytest.approx(theirs.loss, rel=rtol)
        assert ours.correct == theirs.correct
    for a, b in zip(fused[1], graphs[1], strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * max(np.abs(b).max(), 1e-3))


def is_fused(model, data=None, loss_fn=cross_entropy_loss, optimizer=None):
    optimizer = optimizer or SGD(model.parameters())
    steps = fused_steps(model, optimizer, loss_fn, *(data or samples(kind=model.parameters()[0].dtype)), 8)
    if steps:
        steps.close()
    return steps is not None


# ---------------------------------------------------------------- the graph's numbers


@pytest.mark.parametrize("kind", [np.float64, np.uint8], ids=["numbers", "pixels"])
@pytest.mark.parametrize("density", [0.2, 1.0])
@pytest.mark.parametrize("hidden", [(), (1,), (16, 8), (20, 20, 5)])
@pytest.mark.parametrize("batch_size", [1, 2, 7, 40, 100])
def test_a_run_is_that_of_a_graph(batch_size, hidden, density, kind, by_graph):
    data = samples(kind=kind, density=density)
    assert is_fused(network(hidden), data)
    fused = learn(network(hidden), data, batch_size=batch_size)
    by_graph()
    assert_close(fused, learn(network(hidden), data, batch_size=batch_size), rtol=1e-7)


@pytest.mark.parametrize("activation", [Tanh, Sigmoid])
@pytest.mark.parametrize("hidden", [(1,), (16, 8), (20, 20, 5)])
def test_with_any_activation(activation, hidden, by_graph):
    assert is_fused(network(hidden, activation))
    fused = learn(network(hidden, activation), samples())
    by_graph()
    assert_close(fused, learn(network(hidden, activation), samples()), rtol=1e-7)


def test_layers_larger_than_the_cache(by_graph):
    fused = learn(network((9000,)), samples(), epochs=1)
    by_graph()
    assert_close(fused, learn(network((9000,)), samples(), epochs=1), rtol=1e-7)


@pytest.mark.parametrize("make", [SGD, SGDMomentum, Adam])
@pytest.mark.parametrize("weight_decay", [0, 0.1])
def test_with_any_optimizer(make, weight_decay, by_graph):
    def run():
        model = network()
        return learn(model, samples(), make(model.parameters(), lr=0.01, weight_decay=weight_decay), seed=3)

    fused = run()
    by_graph()
    assert_close(fused, run(), rtol=1e-7)


@pytest.mark.parametrize("make", [SGD, SGDMomentum, Adam])
@pytest.mark.parametrize("changes", [{"l1": 0.01}, {"l2": 0.1}, {"clip_norm": 0.05}], ids=str)
def test_with_penalties_and_clipping(make, changes, by_graph):
    def run():
        model = network()
        optimizer = make(model.parameters(), lr=0.01)
        for name, value in changes.items():
            setattr(optimizer, name, value)
        return learn(model, samples(), optimizer, seed=3)

    fused = run()
    by_graph()
    assert_close(fused, run(), rtol=1e-7)


def test_clipped_gradients_with_more_threads_than_processors_are_those_of_one():
    def run(threads):
        model = network(dtype=np.float32)
        optimizer = Adam(model.parameters(), lr=0.01)
        optimizer.l1, optimizer.clip_norm = 0.01, 0.05
        return learn(model, samples(kind=np.float32), optimizer, batch_size=7, threads=threads)

    assert_the_same(run(3), run(1))


def test_a_network_stays_fused_while_its_gradients_are_clipped():
    model = network()
    optimizer = Adam(model.parameters())
    optimizer.clip_norm = 1.0
    steps = fused_steps(model, optimizer, cross_entropy_loss, *samples(), 8)
    with closing(steps):
        assert steps.most_at_once > 1
        steps(np.arange(8), [0.01], 0)
        assert steps.fits


def test_clipping_may_begin_during_a_run(by_graph):
    def run():
        model = network()
        optimizer = SGD(model.parameters(), lr=0.1)
        return learn(model, samples(), optimizer, between=lambda _: setattr(optimizer, "clip_norm", 0.05))

    fused = run()
    by_graph()
    assert_close(fused, run(), rtol=1e-7)


def test_with_samples_of_no_class(by_graph):
    images, labels = samples()
    data = images, np.where(np.arange(len(labels)) % 3, labels, NO_CLASS)
    assert is_fused(network(), data, outlier_exposure_loss)
    by_machine_code = learn(network(), data, loss_fn=outlier_exposure_loss)
    by_graph()
    assert_close(by_machine_code, learn(network(), data, loss_fn=outlier_exposure_loss), 1e-9)


def test_in_single_precision(by_graph):
    """Rounding errors grow over a long training, so this compares single steps."""
    data = samples(kind=np.float32)
    fused = [learn(network(dtype=np.float32), (a[:16], b[:16]), epochs=1) for a, b in [data]]
    by_graph()
    assert_close(fused[0], learn(network(dtype=np.float32), (data[0][:16], data[1][:16]), epochs=1), rtol=2e-4)


@pytest.mark.parametrize("make", [SGD, SGDMomentum, Adam])
def test_the_optimizers_step_is_its_own_to_the_last_bit(make):
    model = network(dtype=np.float32)
    twin = model.copy()
    optimizer, twins = (make(m.parameters(), lr=0.01, weight_decay=0.1) for m in (model, twin))
    run = training_steps(model, *samples(kind=np.float32), optimizer, epochs=2, batch_size=7)
    for step in range(12):
        optimizer.lr = twins.lr = 0.01 / (step + 1)
        next(run)
        for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
            theirs.grad = ours.grad
        twins.step()
        for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
            np.testing.assert_array_equal(ours.data, theirs.data)
    for name, value in optimizer.state().items():
        np.testing.assert_array_equal(value, twins.state()[name])


@pytest.mark.skipif(platform.machine().lower() not in {"x86_64", "amd64"}, reason="the workers' mode is that of x86")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("make", [SGDMomentum, Adam])
def test_the_memory_of_dead_neurons_does_not_become_subnormal(make, threads):
    """After some 900 steps without gradient, on Intel's processors, each step would take several times as long."""
    images, labels = samples(kind=np.float32)
    model = network(activation=ReLU, dtype=np.float32)
    model.layers[0].b.data[:8] = -100
    optimizer = make(model.parameters(), lr=1e-3)
    steps = training_steps(model, images, labels, optimizer, epochs=500, batch_size=20, threads=threads)
    next(steps)
    remembered = optimizer.memory["velocity" if make is SGDMomentum else "mean"][0]
    remembered[:8] = 1e-3
    for _ in steps:
        pass
    assert ((remembered == 0) | (np.abs(remembered) >= np.finfo(np.float32).tiny)).all()
    assert (remembered[:8] == 0).all()
    assert np.float32(1e-39) * np.ones(9, np.float32)[0] > 0  # only the workers take such numbers for 0


VARIED = {"augmentation": Augmentation(shift_px=1, rotation_deg=10, elastic_px=1, thickness_px=0.5), "seed": 4}


def varied_samples(count=40):
    """Pictures that are higher than wide."""
    images, labels = samples(count, np.uint8)
    return np.ascontiguousarray(images.reshape(count, 16, 9)), labels


@pytest.mark.parametrize("threads", [1, 2])
def test_varied_pictures_are_those_of_a_graph(threads, by_graph):
    """The first step's gradients show the pictures; the others, that each mini-batch of each epoch has its own."""
    fused = learn(network(dtype=np.float32), varied_samples(), batch_size=7, threads=threads, **VARIED)
    by_graph()
    graphs = learn(network(dtype=np.float32), varied_samples(), batch_size=7, **VARIED)
    assert_close((fused[0][:1], fused[1][:6]), (graphs[0][:1], graphs[1][:6]), rtol=1e-4)
    np.testing.assert_allclose([s.loss for s in fused[0]], [s.loss for s in graphs[0]], rtol=1e-3)


def test_whole_numbers_in_the_settings_are_not_compiled_for_anew():
    compiled_for = []
    for elastic_px in (1.0, 1):
        vary = {**VARIED, "augmentation": Augmentation(elastic_px=elastic_px)}
        learn(network(dtype=np.float32), varied_samples(), threads=1, **vary)
        compiled_for.append(len(compiler._compiled(True).loops["work"].signatures))
    assert compiled_for[0] == compiled_for[1]


@pytest.mark.parametrize("thing", ["numbers", "network"])
def test_varied_pictures_in_other_precision_are_left_to_a_graph(thing):
    (images, labels), model = varied_samples(), network(dtype=np.float64 if thing == "network" else np.float32)
    images = images.astype(np.float32) if thing == "numbers" else images
    vary = Variations(VARIED["augmentation"], 0, 40, 8)
    assert fused_steps(model, SGD(model.parameters()), cross_entropy_loss, images, labels, 8, 1, vary) is None


def assert_the_same(run, other):
    assert run[0] == other[0]
    for ours, theirs in zip(run[1], other[1], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_two_threads_give_the_numbers_of_one():
    """Many small steps, so that the threads wait for each other a thousand times."""
    runs = [
        learn(network(dtype=np.float32), samples(300, np.float32), threads=t, epochs=20, batch_size=4) for t in (1, 2)
    ]
    assert len(runs[0][0]) == 1500
    assert_the_same(*runs)


@pytest.mark.parametrize(
    ("allowed", "threads"), [("1", 1), ("2", 2), ("8", 2), ("0", 2), ("", 2), ("many", 2), ("1,2", 2)]
)
def test_the_variable_that_limits_blas_limits_the_default_too(monkeypatch, allowed, threads):
    monkeypatch.setattr(fused_module.os, "cpu_count", lambda: 4)
    monkeypatch.setenv("OMP_NUM_THREADS", allowed)
    assert fused_module.default_threads() == threads


@pytest.mark.parametrize("threads", [3, 5, 16])
def test_more_threads_than_processors_or_samples_give_the_numbers_of_one(threads):
    settings = {"epochs": 1, "batch_size": 9, **VARIED}
    alone, together = (
        learn(
            network(dtype=np.float32),
            varied_samples(),
            threads=t,
            loss_fn=SmoothedLoss(cross_entropy_loss, 0.1),
            **settings,
        )
        for t in (1, threads)
    )
    assert_the_same(together, alone)


@pytest.mark.parametrize("loss_fn", [cross_entropy_loss, outlier_exposure_loss])
def test_with_smoothed_labels(loss_fn, by_graph):
    smoothed = SmoothedLoss(loss_fn, 0.2)
    assert is_fused(network(), loss_fn=smoothed)
    fused = learn(network(), samples(), loss_fn=smoothed)
    by_graph()
    assert_close(fused, learn(network(), samples(), loss_fn=smoothed), rtol=1e-7)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("activation", [ReLU, Tanh, Sigmoid])
def test_with_dropout(activation, threads, by_graph):
    def run():
        model = network((17, 8), activation)
        dropping = MLPInTraining(model, 0.4, seed=3, mini_batches_done=5)
        optimizer = Adam(model.parameters(), lr=0.01)
        steps, _ = learn(dropping, samples(), optimizer, batch_size=7, threads=threads)
        assert dropping.mini_batches_done == 5 + len(steps)
        return steps, [parameter.data for parameter in model.parameters()]

    assert is_fused(MLPInTraining(network(), 0.4, 3))
    fused = run()
    by_graph()
    assert_close(fused, run(), rtol=1e-7)


@pytest.mark.parametrize("clip_norm", [0, 0.1])
@pytest.mark.parametrize("dropout", [0, 0.4])
@pytest.mark.parametrize("activation", [ReLU, Tanh, Sigmoid])
@pytest.mark.parametrize("hidden", [(), (17,), (17, 8, 5)])
@pytest.mark.parametrize("threads", [1, 2])
def test_with_normalization(threads, hidden, activation, dropout, clip_norm, by_graph):
    def run():
        model = network(hidden, activation)
        optimizer = Adam(model.parameters(), lr=0.01, weight_decay=0.1)
        optimizer.l2, optimizer.clip_norm = 0.01, clip_norm
        in_training = MLPInTraining(model, dropout, seed=3, normalizes=True)
        data = samples(41)  # a single one in the last mini-batch
        steps, _ = learn(in_training, data, optimizer, batch_size=8, threads=threads)
        return steps, [parameter.data for parameter in model.parameters()]

    assert is_fused(MLPInTraining(network(hidden, activation), dropout, 3, normalizes=True))
    fused = run()
    by_graph()
    assert_close(fused, run(), rtol=1e-6)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("clip_norm", [0, 0.1])
@pytest.mark.parametrize("density", [0.2, 1.0])
@pytest.mark.parametrize("settings", [{}, {"dropout": 0.4}, {"normalizes": True}])
def test_with_receptive_fields(settings, density, clip_norm, threads, by_graph):
    seen = np.random.default_rng(4).random((17, SIDE * SIDE)) < 0.3

    def in_training():
        model = network((17, 8))
        model.layers[0].W.data *= seen
        return MLPInTraining(model, **{"dropout": 0.0, "seed": 3, **settings}, seen=seen)

    def run():
        model = in_training()
        optimizer = Adam(model.parameters(), lr=0.01, weight_decay=0.1)
        optimizer.l1, optimizer.clip_norm = 0.01, clip_norm
        learned = learn(model, samples(density=density), optimizer, batch_size=7, threads=threads)
        assert np.all(model.network.layers[0].W.data[~seen] == 0)
        return learned

    assert is_fused(in_training())
    fused = run()
    by_graph()
    assert_close(fused, run(), rtol=1e-6)


def test_with_more_layers_than_meetings_a_graph_is_built():
    assert is_fused(MLPInTraining(network((2,) * 31), 0, 3, normalizes=True))
    assert not is_fused(MLPInTraining(network((2,) * 32), 0, 3, normalizes=True))


@pytest.mark.parametrize("patience", [(1, 1), (1, 100_000), (20_000, 1)])
def test_workers_that_time_out_normalize_alike(patience, monkeypatch):
    def run(threads):
        model = network((17, 8, 5), dtype=np.float32)
        in_training = MLPInTraining(model, 0.2, seed=3, normalizes=True)
        optimizer = Adam(model.parameters(), lr=0.01)
        optimizer.clip_norm = 0.1
        settings = {"epochs": 4, "batch_size": 4, "threads": threads}
        steps, _ = learn(in_training, samples(200, np.float32), optimizer, **settings)
        return steps, [parameter.data for parameter in model.parameters()]

    alone = run(1)
    monkeypatch.setattr(fused_module, "PATIENCE", patience[0])
    monkeypatch.setattr(fused_module, "HELPERS_PATIENCE", patience[1])
    for threads in (2, 3):
        assert_the_same(run(threads), alone)


class Observed(threading.Event):
    """Tells when a thread begins to wait for it."""

    def __init__(self):
        super().__init__()
        self.is_awaited = False

    def wait(self, timeout=None):
        self.is_awaited = True
        return super().wait(timeout)


def test_an_interruption_leaves_no_worker_waiting(monkeypatch):
    """For worker 0, which would have met them."""

    def until(condition):
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0)

    def wake(helper):
        helper._awake.set()
        until(lambda: signals[compiled.updated(1, 2) + 2, 0] >= 2 * compiled.MEETINGS)  # it has come to the meeting
        raise KeyboardInterrupt

    model = network((17, 8), dtype=np.float32)
    in_training = MLPInTraining(model, 0, seed=3, normalizes=True)
    data = samples(8, np.float32)
    steps = fused_steps(in_training, SGD(model.parameters()), cross_entropy_loss, *data, 8, 2)
    signals = steps._memory.signals
    with monkeypatch.context() as patched:
        patched.setattr(threading, "Event", Observed)
        steps(np.arange(8), [0.1], 0)
    until(lambda: steps._helpers[0]._awake.is_awaited)
    monkeypatch.setattr(fused_module, "PATIENCE", 1)
    monkeypatch.setattr(fused_module._Helper, "wake", wake)
    with pytest.raises(KeyboardInterrupt):
        steps(np.arange(8), [0.1], 1)
    steps.close()


@pytest.mark.parametrize("threads", [2, 3, 5, 16])
def test_any_number_of_threads_normalizes_alike(threads):
    def run(threads):
        model = network((17, 8, 5), dtype=np.float32)
        in_training = MLPInTraining(model, 0.2, seed=3, normalizes=True)
        assert is_fused(in_training)
        settings = {"epochs": 4, "batch_size": 9, "threads": threads, **VARIED}
        steps, _ = learn(in_training, varied_samples(), Adam(model.parameters(), lr=0.01), **settings)
        return steps, [parameter.data for parameter in model.parameters()]

    assert_the_same(run(threads), run(1))


def test_no_thread_is_left_if_the_next_cannot_start(monkeypatch):
    start, started = threading.Thread.start, []

    def start_one(thread):
        started.append(thread)
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_one)
    model = network()
    with pytest.raises(RuntimeError, match="can't start"):
        learn(model, samples(), SGD(model.parameters()), threads=3)
    monkeypatch.undo()
    assert not started[0].is_alive()


def test_an_exploding_network_shows_in_its_loss():
    model = network()
    steps, _ = learn(model, samples(), SGD(model.parameters(), lr=1e30), epochs=3)
    assert not steps[0].diverged
    assert steps[-1].diverged


def test_a_tensor_counts_its_update_as_a_change():
    model = network()
    loss = cross_entropy_loss(model(Tensor(samples()[0].reshape(40, -1))), samples()[1])
    learn(model, samples(), epochs=1)
    with pytest.raises(RuntimeError):
        loss.backward()


# ---------------------------------------------------------------- chunks


def chunked(make=Adam, data=None, dtype=np.float64, chunk_s=lambda: 60.0, learning_rate=None, **settings):
    """A network, and the chunks in which it is trained, each of maximum length."""
    model = network(dtype=dtype)
    optimizer = make(model.parameters(), lr=0.01)
    settings = {"epochs": 2, "batch_size": 16, **settings}
    loop = TrainingLoop(model, *(data or samples(kind=dtype)), optimizer, cross_entropy_loss, **settings)
    return model, loop.chunks(chunk_s, learning_rate)


def rate(number):
    return 0.01 / (number + 1)


def test_chunks_are_the_single_steps_to_the_last_bit(monkeypatch):
    """Even if both workers time out all the time."""
    data = samples(403, np.float32)
    settings = {"dtype": np.float32, "data": data, "batch_size": 4, "epochs": 15, "seed": 3, "learning_rate": rate}
    model, single = chunked(**settings, threads=1, chunk_s=lambda: 0.0)
    steps = [step for (step,) in single]
    gradients = [parameter.grad for parameter in model.parameters()]
    monkeypatch.setattr(fused_module, "PATIENCE", 1)
    monkeypatch.setattr(fused_module, "HELPERS_PATIENCE", 1)
    for threads in (1, 2):
        twin, run = chunked(**settings, threads=threads)
        chunks = list(run)
        assert [step for chunk in chunks for step in chunk] == steps, threads
        assert len(chunks) < len(steps) / 10
        for ours, theirs in zip(twin.parameters(), model.parameters(), strict=True):
            np.testing.assert_array_equal(ours.data, theirs.data)
        for parameter, gradient in zip(twin.parameters(), gradients, strict=True):
            np.testing.assert_array_equal(parameter.grad, gradient)


@pytest.mark.parametrize("make", [SGD, SGDMomentum, Adam])
def test_each_step_has_its_learning_rate(make, by_graph):
    def parameters():
        model, run = chunked(make, learning_rate=rate)
        list(run)
        return [parameter.data for parameter in model.parameters()]

    fused = parameters()
    by_graph()
    for ours, theirs in zip(fused, parameters(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)


def test_a_chunk_ends_with_its_epoch():
    _, run = chunked(data=samples(160), epochs=3)
    lengths = [(chunk[0].epoch, chunk[-1].epoch, len(chunk)) for chunk in run]
    assert lengths == [(0, 0, 1), (0, 0, 9), (1, 1, 10), (2, 2, 10)]  # the first step measures how long steps take


def test_a_chunk_takes_about_as_long_as_it_may():
    _, run = chunked(data=samples(4000), batch_size=10, chunk_s=lambda: allowed_s, epochs=100, threads=1)
    with closing(run):
        allowed_s = 0.0
        assert [len(chunk) for chunk in islice(run, 20)] == [1] * 20
        allowed_s = 0.01
        lengths = [len(chunk) for chunk in islice(run, 20)]
        assert max(lengths) > 5
        allowed_s = 0.0
        assert len(next(run)) == 1


class OwnFormula(SGD):
    pass


@pytest.mark.parametrize("settings", [{"make": OwnFormula}, {"augmentation": Augmentation(shift_px=1.0)}])  # of numbers
def test_a_step_that_needs_python_is_a_chunk_of_its_own(settings):
    _, run = chunked(**settings)
    assert [len(chunk) for chunk in run] == [1] * 6


# ---------------------------------------------------------------- memory


def test_parameters_and_adams_memory_are_packed():
    model = network(dtype=np.float32)
    optimizer = Adam(model.parameters(), lr=0.01)
    run = training_steps(model, *samples(kind=np.float32), optimizer, epochs=1, batch_size=16)
    next(run)
    for arrays in ([p.data for p in model.parameters()], optimizer.memory["mean"], optimizer.memory["square"]):
        packed = packed_view(arrays)
        assert packed is not None
        assert packed.size == sum(p.size for p in model.parameters())
    run.close()


@pytest.mark.parametrize("way", ["to its end", "closed", "dropped"])
def test_after_a_run_the_parameters_are_in_their_own_arrays_again(way):
    """References to these arrays see the trained values."""
    model, twin = network(), network()
    own = [parameter.data for parameter in model.parameters()]
    run, expected = (training_steps(m, *samples(), SGD(m.parameters()), epochs=1, batch_size=40) for m in (model, twin))
    next(run), next(expected)
    if way == "to its end":
        list(run)
    elif way == "closed":
        run.close()
    else:
        del run
        gc.collect()
    for parameter, array, learnt in zip(model.parameters(), own, twin.parameters(), strict=True):
        assert parameter.data is array
        np.testing.assert_array_equal(array, learnt.data)


def test_an_array_that_is_assigned_during_a_run_stays():
    model = network()
    run = training_steps(model, *samples(), SGD(model.parameters()), epochs=1, batch_size=16)
    next(run)
    W = model.layers[0].W
    W.data = np.zeros_like(W.data)
    assigned = W.data
    run.close()
    assert W.data is assigned
    assert not assigned.any()


def c_ordered():
    model = network()
    for layer in model.layers:
        layer.W.data = np.ascontiguousarray(layer.W.data)
    return model


def test_a_network_in_another_memory_order_learns_the_same():
    assert is_fused(c_ordered())
    expected, found = (learn(model, samples()) for model in (network(), c_ordered()))
    assert found[0] == expected[0]
    for ours, theirs in zip(found[1], expected[1], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_arrays_that_two_parameters_share_are_left_alone():
    model = network((8, 8))
    shared_bias = np.zeros(8)
    for layer in model.layers[:2]:
        layer.b.adopt(shared_bias)
    assert not is_fused(model)
    assert all(layer.b.data is shared_bias for layer in model.layers[:2])


# ---------------------------------------------------------------- where only a graph will do


class Halving(MLP):
    def forward(self, x):
        return super().forward(x) * 0.5


class Own(Linear):
    pass


def halving():
    return Halving(SIDE * SIDE, [8], CLASSES, rng=np.random.default_rng(1))


def own_layer():
    model = network()
    model.layers[1] = Own(16, 8)
    return model


def shared():
    model = network((8, 8, 8))
    model.layers[2] = model.layers[1]
    return model


def frozen():
    model = network()
    model.layers[0].b.requires_grad = False
    return model


def parts_of_one_array():
    """In C order, one after another: not the layout that machine code expects."""
    model = network()
    arrays = pack([np.ascontiguousarray(parameter.data) for parameter in model.parameters()])
    for parameter, array in zip(model.parameters(), arrays, strict=True):
        parameter.adopt(array)
    return model


def part_of_another_array():
    model = network()
    model.layers[0].b.adopt(np.zeros(20)[2:18])
    return model


@pytest.mark.parametrize(
    "build",
    [
        halving,
        own_layer,
        shared,
        frozen,
        part_of_another_array,
        parts_of_one_array,
        lambda: network(dtype=np.float16),
    ],
    ids=["subclass", "layer", "shared", "frozen", "part", "parts", "float16"],
)
def test_other_networks_are_left_to_a_graph(build):
    assert is_fused(network())
    assert not is_fused(build())


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (np.zeros((4, 5)), np.zeros(4, int)),
        (np.zeros((4, SIDE * SIDE), np.float32), np.zeros(4, int)),
        (np.zeros((4, SIDE * SIDE), np.int64), np.zeros(4, int)),
        (np.zeros((8, SIDE * SIDE))[::2], np.zeros(4, int)),
        (np.zeros((0, SIDE * SIDE)), np.zeros(0, int)),
        (np.zeros((4, SIDE * SIDE)), np.zeros(3, int)),
        (np.zeros((4, SIDE * SIDE)), np.full(4, CLASSES)),
        (np.zeros((4, SIDE * SIDE)), np.full(4, -1)),
        (np.zeros((4, SIDE * SIDE)), np.zeros(4)),
        (np.zeros((4, SIDE * SIDE)), np.zeros((4, CLASSES), int)),
    ],
    ids=["size", "precision", "integers", "gaps", "empty", "few labels", "no class", "negative", "floats", "one-hot"],
)
def test_other_data_are_left_to_a_graph(images, labels):
    assert not is_fused(network(), (images, labels))


def test_another_loss_is_left_to_a_graph():
    assert not is_fused(network(), samples(), loss_fn=mse_loss)


@pytest.mark.parametrize("kind", [np.uint8, np.float64])
def test_read_only_images_are_like_others_and_not_compiled_for_anew(kind):
    images, labels = samples(kind=kind)
    writable = learn(network(), (images, labels))
    compiled_for = list(compiler._compiled(True).loops["work"].signatures)
    images.flags.writeable = False
    assert_the_same(learn(network(), (images, labels)), writable)
    assert list(compiler._compiled(True).loops["work"].signatures) == compiled_for


def test_an_invalid_label_is_reported_at_its_mini_batch():
    images, labels = samples()
    labels[30] = CLASSES
    model = network()
    run = training_steps(model, images, labels, SGD(model.parameters()), epochs=1, batch_size=16)
    next(run)
    with pytest.raises(IndexError, match="targets must be from 0 to 9"):
        next(run)


def test_later_changes_of_the_labels_do_no_harm():
    """Machine code would read out of bounds."""
    images, labels = samples()
    right = learn(network(), (images, labels.copy()))
    spoilt = learn(network(), (images, labels), between=lambda _step: labels.fill(1 << 40))
    assert spoilt[0] == right[0]


def new_weights(model):
    model.layers[1].W.data = model.layers[1].W.data * 0.5


def new_activation(model):
    model.activation = Tanh()


def new_layer(model):
    model.layers.insert(1, Linear(16, 16, rng=np.random.default_rng(4), init="he"))


def weights_in_place(model):
    model.layers[1].W.data *= 0.5


@pytest.mark.parametrize("change", [new_weights, new_activation, new_layer, weights_in_place])
def test_a_network_may_change_between_two_mini_batches(change, by_graph):
    def run():
        model = network()
        optimizer = SGD(model.parameters(), lr=0.01)
        return learn(
            model, samples(), optimizer, between=lambda s: change(model) if (s.epoch, s.index) == (0, 1) else 0
        )

    fused = run()
    by_graph()
    assert_close(fused, run(), rtol=1e-7)


def test_an_optimizer_of_some_of_the_parameters(by_graph):
    def run():
        model = network()
        return learn(model, samples(), Adam(model.parameters()[:2], lr=0.01))

    fused = run()
    by_graph()
    graphs = run()
    assert_close((fused[0], fused[1][-6:]), (graphs[0], graphs[1][-6:]), rtol=1e-7)


# ---------------------------------------------------------------- the helping thread


def helpers():
    return [thread for thread in threading.enumerate() if thread.name == "training helper"]


def blas_threads():
    return [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]


def run_of(model, **settings):
    return training_steps(
        model, *samples(), SGD(model.parameters()), **{"epochs": 50, "batch_size": 16, "threads": 2, **settings}
    )


def test_the_helper_exists_during_the_run():
    with closing(run_of(network(), epochs=1)) as run:
        next(run)
        assert len(helpers()) == 1
        list(run)
        assert not helpers()


@pytest.fixture
def two_blas_threads():
    """On any number of processors, and after any other test."""
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        yield


@pytest.mark.usefixtures("two_blas_threads")
@pytest.mark.parametrize("way", ["closed", "dropped", "failed"])
def test_an_abandoned_run_leaves_no_thread(way):
    model = network()
    run = run_of(model)
    next(run)
    assert len(helpers()) == 1
    assert set(blas_threads()) == {1}
    if way == "closed":
        run.close()
    elif way == "dropped":
        del run
        gc.collect()
    else:
        model.layers[0].W = Tensor(np.ones((16, 3)), requires_grad=True)
        with pytest.raises(ValueError, match="the widths differ"):
            next(run)
    assert not helpers()
    assert set(blas_threads()) == {2}


def test_one_thread_has_no_helper():
    with closing(run_of(network(), threads=1)) as run:
        next(run)
        assert not helpers()


@pytest.mark.usefixtures("two_blas_threads")
def test_two_runs_at_once():
    alone = list(islice(run_of(network()), 20))
    with closing(run_of(network())) as one, closing(run_of(network())) as other:
        assert [(next(one), next(other)) for _ in range(20)] == [(step, step) for step in alone]
        assert len(helpers()) == 2
        one.close()
        assert set(blas_threads()) == {1}
    assert set(blas_threads()) == {2}


def test_a_helper_with_nothing_to_do_sleeps_and_wakes_again():
    with closing(run_of(network())) as run:
        next(run)
        deadline = time.monotonic() + 20
        while True:
            cpu, wall = time.process_time(), time.monotonic()
            while time.monotonic() < wall + 0.05:
                time.sleep(0.01)
            if time.process_time() - cpu < 0.025:
                break
            assert time.monotonic() < deadline, "the helper still spins"
        assert next(run).index == 1


# ---------------------------------------------------------------- nothing is out of bounds


def short_row():
    """Tied so that its parameters are contiguous, but shorter than machine code would read."""
    model = network((CLASSES, CLASSES))
    model.layers[2] = model.layers[1]
    parameters = model.parameters()
    for parameter, array in zip(parameters, pack([parameter.data for parameter in parameters], "F"), strict=True):
        parameter.adopt(array)
    assert packed_view([parameter.data for parameter in parameters]) is not None
    return model


def wider():
    model = network()
    parts = pack([np.zeros(shape) for shape in [(16, SIDE * SIDE), (16,), (8, 4), (8,), (CLASSES, 8), (CLASSES,)]], "F")
    for parameter, array in zip(model.parameters(), parts, strict=True):
        parameter.adopt(array)
    return model


def read_only():
    model = network()
    model.layers[1].b.data.flags.writeable = False
    return model


@pytest.mark.parametrize("build", [short_row, wider, read_only], ids=["short row", "wider", "read-only"])
def test_what_does_not_fit_is_left_to_a_graph(build):
    assert is_fused(network((CLASSES, CLASSES)))
    assert not is_fused(build())


@pytest.mark.parametrize("make", [SGD, Adam])
def test_a_tied_network_learns_as_by_a_graph(make, by_graph):
    def run():
        model = short_row()
        assert len(model.parameters()) == 4
        return learn(model, samples(), make(model.parameters(), lr=0.01))

    tied = run()
    by_graph()
    assert_close(tied, run(), rtol=1e-12)


@pytest.mark.parametrize("sizes", [(SIDE * SIDE, 5_000_000, CLASSES), (3, 2), (), None])
def test_sizes_come_from_the_arrays(sizes):
    model, twin = network(), network()
    model.sizes = sizes
    steps, twins = (learn(each, samples(), epochs=1) for each in (model, twin))
    assert steps[0] == twins[0]


@pytest.mark.parametrize("name", ["mean", "square"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_optimizer_whose_memory_does_not_fit_is_refused(name, dtype):
    model = network(dtype=dtype)
    optimizer = Adam(model.parameters())
    optimizer.memory[name] = pack([np.zeros(2, dtype) for _ in optimizer.params])
    with pytest.raises(ValueError, match="does not fit this optimizer"):
        learn(model, samples(kind=dtype), optimizer)


def test_a_parameter_that_is_made_read_only_is_not_changed():
    model = network()
    run = training_steps(model, *samples(), Adam(model.parameters()), epochs=2, batch_size=16)
    next(run)
    W = model.layers[1].W
    before = W.data.copy()
    W.data.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        next(run)
    np.testing.assert_array_equal(W.data, before)


@pytest.mark.parametrize("make", [SGD, Adam])
def test_a_parameter_removed_from_the_optimizer_is_not_updated(make):
    model = network()
    optimizer = make(model.parameters(), lr=0.1)
    run = training_steps(model, *samples(), optimizer, epochs=2, batch_size=16)
    next(run)
    last = optimizer.params.pop()
    before, first = last.data.copy(), optimizer.params[0].data.copy()
    list(run)
    np.testing.assert_array_equal(last.data, before)
    assert not np.array_equal(optimizer.params[0].data, first)


@pytest.mark.parametrize(
    "way", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))], ids=["deepcopy", "pickle"]
)
@pytest.mark.parametrize("make", [SGD, SGDMomentum, Adam])
def test_a_copied_network_and_optimizer_compute_the_same_numbers(make, way):
    model = network(dtype=np.float32)
    optimizer = make(model.parameters(), lr=0.01)
    data = samples(kind=np.float32)
    learn(model, data, optimizer)
    twin, twins = way((model, optimizer))
    assert is_fused(twin, optimizer=twins)
    whole, copied = learn(model, data, optimizer), learn(twin, data, twins)
    assert whole[0] == copied[0]
    for a, b in zip(whole[1], copied[1], strict=True):
        np.testing.assert_array_equal(a, b)
