"""Measures one epoch: this engine compared with PyTorch and JAX, if installed, and a plain float64 NumPy loop.

    python tests/benchmarks/training.py [--rounds N] [--batch-sizes 32 128 512] [--only WORD ...]

All train 784-256-128-10-10 with Adam (learning rate 0.001) on the 60,000 MNIST digits from the same weights, in the
same order, except for the app's loop, which shuffles. Their mean losses are printed to show that all do the same work.
Each contender runs in a separate process, so that thread pools do not disturb each other. In each round each has one
turn, in rotating order; round 0, which includes compilation, does not count. The window needs a display, or xvfb-run.
"""

import argparse
import atexit
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from engine import MLP, Adam, TrainingConfig, cross_entropy_loss, train
from engine.ops import Array
from engine.run import TrainingRun
from minigrad_gui import data

SIZES = (784, 256, 128, 10, 10)
LEARNING_RATE = 1e-3
SEED = 0
BATCH_SIZES = (32, 128, 512)
ROUNDS = 5

Epoch = Callable[[int], tuple[float, float]]
"""Trains for one epoch with the given batch size and returns the seconds that it took and the mean loss."""


def new_model() -> MLP:
    """The initial weights, the same for all."""
    rng = np.random.default_rng(SEED)
    return MLP(SIZES[0], SIZES[1:-1], SIZES[-1], rng=rng, dtype=np.float32, init="he")


def settings(batch_size: int) -> TrainingConfig:
    """What the app trains with: the same initial weights, since they are drawn from the seed."""
    return TrainingConfig(
        hidden=SIZES[1:-1],
        learning_rate=LEARNING_RATE,
        batch_size=batch_size,
        epochs=1,
        seed=SEED,
        validation_share=0.0,
    )


def digits() -> tuple[Array, Array]:
    """Float32 rows in 0..1 and integer labels."""
    dataset = data.load_mnist()
    images = dataset.train_images.reshape(len(dataset.train_images), -1).astype(np.float32) / 255
    return images, dataset.train_labels.astype(np.int64)


# ---------------------------------------------------------------- the contenders


def engine_train() -> Epoch:
    """`engine.train`: the given order."""
    images, labels = digits()

    def epoch(batch_size: int) -> tuple[float, float]:
        model = new_model()
        optimizer = Adam(model.parameters(), lr=LEARNING_RATE)
        started = time.perf_counter()
        with redirect_stdout(io.StringIO()) as told:
            train(model, images, labels, optimizer, cross_entropy_loss, epochs=1, batch_size=batch_size)
        return time.perf_counter() - started, float(told.getvalue().split()[-1])

    return epoch


def engine_app_loop() -> Epoch:
    """The loop beneath the app: bytes, shuffled anew in each epoch."""
    dataset = data.load_mnist()

    def epoch(batch_size: int) -> tuple[float, float]:
        run = TrainingRun(settings(batch_size), dataset.train_images, dataset.train_labels, SIZES[-1])
        started = time.perf_counter()
        for _ in run.chunks():
            pass
        return time.perf_counter() - started, run.epochs[0].loss

    return epoch


def engine_in_the_window() -> Epoch:
    """The same loop, driven and plotted by the open window."""
    from PySide6.QtCore import QEventLoop, QSettings
    from PySide6.QtWidgets import QApplication

    folder = tempfile.TemporaryDirectory()
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder.name)
    os.environ["XDG_DATA_HOME"] = folder.name  # without taught drawings
    app = QApplication([])
    from minigrad_gui.main_window import MainWindow

    window = MainWindow()
    window.show()
    while not window.windowHandle().isExposed():
        app.processEvents()
    atexit.register(lambda: (window.session.close(), app, folder))  # no step may be missed before that
    session, loop = window.session, QEventLoop()
    session.stateChanged.connect(lambda state: loop.quit() if state == "idle" else None)
    starts: list[float] = []
    session.prepared.connect(lambda: starts.append(time.perf_counter()))
    ends: list[float] = []
    session.progressed.connect(lambda: ends.append(time.perf_counter()) if session.history.epochs else None)

    def epoch(batch_size: int) -> tuple[float, float]:
        starts.clear()
        ends.clear()
        session.set_config(settings(batch_size), "mnist")
        session.train()
        loop.exec()
        return ends[0] - starts[0], session.history.epochs[0].loss

    return epoch


def reference_loop() -> Epoch:
    """Float64 NumPy written plainly: weights as (out, in), a new array for every result, Adam by its formula."""
    images32, labels = digits()
    images = images32.astype(np.float64)

    def epoch(batch_size: int) -> tuple[float, float]:
        weights, biases = [], []
        for layer in new_model().layers:
            weights.append(np.ascontiguousarray(layer.W.data, np.float64))
            biases.append(layer.b.data.astype(np.float64))
        parameters = weights + biases
        means = [np.zeros_like(p) for p in parameters]
        squares = [np.zeros_like(p) for p in parameters]
        started = time.perf_counter()
        loss_sum = 0.0
        for steps, start in enumerate(range(0, len(images), batch_size), 1):
            x, target = images[start : start + batch_size], labels[start : start + batch_size]
            rows = np.arange(len(x))
            inputs = []
            for W, b in zip(weights, biases, strict=True):
                inputs.append(x)
                z = x @ W.T + b
                x = np.maximum(z, 0) if len(inputs) < len(weights) else z
            shifted = x - x.max(axis=1, keepdims=True)
            log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
            loss_sum += -log_probabilities[rows, target].sum()
            g = np.exp(log_probabilities)
            g[rows, target] -= 1
            g = g / len(x)
            weight_gradients, bias_gradients = [], []
            for W, x in zip(reversed(weights), reversed(inputs), strict=True):
                weight_gradients.insert(0, g.T @ x)
                bias_gradients.insert(0, g.sum(axis=0))
                g = (g @ W) * (x > 0)
            gradients = weight_gradients + bias_gradients
            for i, (p, gradient) in enumerate(zip(parameters, gradients, strict=True)):
                means[i] = 0.9 * means[i] + 0.1 * gradient
                squares[i] = 0.999 * squares[i] + 0.001 * gradient**2
                mean, square = means[i] / (1 - 0.9**steps), squares[i] / (1 - 0.999**steps)
                p -= LEARNING_RATE * mean / (np.sqrt(square) + 1e-8)
        return time.perf_counter() - started, loss_sum / len(images)

    return epoch


def pytorch(threads: int, fused: bool) -> Epoch:
    import torch

    torch.set_num_threads(threads)
    images, labels = (torch.from_numpy(array) for array in digits())

    def epoch(batch_size: int) -> tuple[float, float]:
        layers: list[Any] = []
        for layer in new_model().layers:
            linear = torch.nn.Linear(*reversed(layer.W.shape))
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(layer.W.data))
                linear.bias.copy_(torch.from_numpy(layer.b.data))
            layers += [linear, torch.nn.ReLU()]
        model = torch.nn.Sequential(*layers[:-1])
        optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=fused)
        started = time.perf_counter()
        loss_sum = 0.0
        for start in range(0, len(images), batch_size):
            target = labels[start : start + batch_size]
            loss = torch.nn.functional.cross_entropy(model(images[start : start + batch_size]), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss_sum += loss.item() * len(target)
        return time.perf_counter() - started, loss_sum / len(images)

    return epoch


def jax_scan() -> Epoch:
    """JAX: the whole epoch is one compiled `lax.scan` with donated buffers; optax's Adam."""
    import jax
    import jax.numpy as jnp
    import optax

    images, labels = digits()
    optimizer = optax.adam(LEARNING_RATE)

    def loss_of(parameters: Any, x: Any, target: Any) -> Any:
        for i, (W, b) in enumerate(parameters):
            x = x @ W + b
            x = jax.nn.relu(x) if i < len(parameters) - 1 else x
        return optax.softmax_cross_entropy_with_integer_labels(x, target).mean()

    def step(carry: Any, batch: Any) -> Any:
        parameters, state = carry
        loss, gradients = jax.value_and_grad(loss_of)(parameters, *batch)
        updates, state = optimizer.update(gradients, state)
        return (optax.apply_updates(parameters, updates), state), loss

    scan = jax.jit(lambda carry, batches: jax.lax.scan(step, carry, batches), donate_argnums=0)
    single = jax.jit(step, donate_argnums=0)
    batched: dict[int, Any] = {}

    def epoch(batch_size: int) -> tuple[float, float]:
        full = len(images) // batch_size
        if batch_size not in batched:
            batched[batch_size] = (
                jnp.asarray(images[: full * batch_size].reshape(full, batch_size, -1)),
                jnp.asarray(labels[: full * batch_size].reshape(full, batch_size)),
            )
        parameters = [(jnp.asarray(layer.W.data.T.copy()), jnp.asarray(layer.b.data)) for layer in new_model().layers]
        carry = jax.block_until_ready((parameters, optimizer.init(parameters)))
        started = time.perf_counter()
        carry, losses = scan(carry, batched[batch_size])
        loss_sum = float(losses.sum()) * batch_size
        if rest := len(images) - full * batch_size:
            carry, loss = single(carry, (jnp.asarray(images[-rest:]), jnp.asarray(labels[-rest:])))
            loss_sum += float(loss) * rest
        jax.block_until_ready(carry)
        return time.perf_counter() - started, loss_sum / len(images)

    return epoch


TRAIN, APP, WINDOW = "engine, train()", "engine, the app's loop", "engine, the app's loop, window open"
JAX, REFERENCE = "JAX, the epoch as one lax.scan", "reference loop, float64"


def contenders() -> dict[str, Callable[[], Epoch]]:
    """The contenders by name, without those whose library is not installed."""
    found: dict[str, Callable[[], Epoch]] = {TRAIN: engine_train, APP: engine_app_loop}
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        found[WINDOW] = engine_in_the_window
    if find_spec("torch"):
        found["PyTorch, Adam, 1 thread"] = partial(pytorch, 1, fused=False)
        found["PyTorch, Adam, 2 threads"] = partial(pytorch, 2, fused=False)
        found["PyTorch, fused Adam, 1 thread"] = partial(pytorch, 1, fused=True)
        found["PyTorch, fused Adam, 2 threads"] = partial(pytorch, 2, fused=True)
    if find_spec("jax") and find_spec("optax"):
        found[JAX] = jax_scan
    found[REFERENCE] = reference_loop
    return found


# ---------------------------------------------------------------- taking turns


class Child:
    """A contender in its own process, which trains an epoch for each batch size it is sent."""

    def __init__(self, name: str) -> None:
        command = [sys.executable, __file__, "--contender", name]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def epoch(self, batch_size: int) -> tuple[float, float]:
        """Seconds and mean loss of an epoch."""
        print(batch_size, file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args} ended early")
        seconds, loss = json.loads(line)
        return seconds, loss

    def end(self) -> None:
        self._process.communicate()


def serve(name: str) -> None:
    """In the child: one epoch for each line on stdin."""
    epoch = contenders()[name]()
    for line in sys.stdin:
        print(json.dumps(epoch(int(line))), flush=True)


def ratios(seconds: dict[str, float]) -> dict[str, float]:
    """How many times as fast as the others: ratios of medians."""
    best = {TRAIN: seconds.get(TRAIN), WINDOW: seconds.get(WINDOW)}
    rivals = {
        "PyTorch's best": min((s for name, s in seconds.items() if name.startswith("PyTorch")), default=None),
        "JAX": seconds.get(JAX),
        "the reference loop": seconds.get(REFERENCE),
    }
    found = {f"train() to {name}": rival / best[TRAIN] for name, rival in rivals.items() if rival and best[TRAIN]}
    if best[WINDOW] and APP in seconds:
        found["the app's loop: window open to without"] = seconds[APP] / best[WINDOW]
    return found


def table(rows: dict[str, list[str]]) -> str:
    width = max(map(len, rows))
    return "\n".join(f"{name:{width}}" + "".join(f"{cell:>24}" for cell in cells) for name, cells in rows.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=BATCH_SIZES)
    parser.add_argument(
        "--only", nargs="+", default=[""], metavar="WORD", help="contenders with such a word in the name"
    )
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        serve(options.contender)
        return

    children = {name: Child(name) for name in contenders() if any(word in name for word in options.only)}
    times: dict[str, list[str]] = {"seconds an epoch: median (fastest to slowest)": []}
    faster: dict[str, list[str]] = {"ratio of speeds": []}
    losses: dict[str, list[str]] = {"mean loss": []}
    for batch_size in options.batch_sizes:
        seconds: dict[str, list[float]] = {name: [] for name in children}
        for round in range(options.rounds + 1):
            first = round % len(children)
            for name in [*children][first:] + [*children][:first]:
                taken, loss = children[name].epoch(batch_size)
                if round:
                    seconds[name].append(taken)
                else:
                    losses.setdefault(name, []).append(f"{loss:.4f}")
        medians = {name: statistics.median(values) for name, values in seconds.items()}
        for rows in (times, faster, losses):
            next(iter(rows.values())).append(f"batch {batch_size}")
        for name, values in seconds.items():
            times.setdefault(name, []).append(f"{medians[name]:.2f} ({min(values):.2f} to {max(values):.2f})")
        for name, ratio in ratios(medians).items():
            faster.setdefault(name, []).append(f"{ratio:.2f} x")
        print(f"batch {batch_size} measured", file=sys.stderr)
    for child in children.values():
        child.end()
    accelerator = "with" if find_spec("numba") else "without"
    print(
        f"Python {platform.python_version()}, NumPy {np.__version__}, {accelerator} Numba, {os.cpu_count()} cores, ",
        end="",
    )
    print(f"{options.rounds} rounds\n")
    print(table(times), table(faster), table(losses), sep="\n\n")


if __name__ == "__main__":
    main()
