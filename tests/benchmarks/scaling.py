"""Measures how the cost of training grows with the work: over samples, layers, neurons, batch size and classes.

    python tests/benchmarks/scaling.py [--rounds N] [--only WORD ...]

One number at a time is changed in 6,000 samples, hidden layers of 256 and 128, mini-batches of 128 and 10 classes, with
Adam. Every measurement is a process of its own. Printed are the seconds of an epoch (the fastest of several, after one
that compiles), how many thousands of millions of weights are multiplied in a second, and by how many MB at most the
process grows once it has the samples; some 120 of them are Numba. Where the speed falls, something else than the matrix
products takes time.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import pairwise

import numpy as np

ROUNDS = 3
PIXELS = 784
LEAST_S = 0.3
"""So long each measurement of short epochs goes on."""


@dataclass(frozen=True)
class Work:
    samples: int = 6_000
    hidden: tuple[int, ...] = (256, 128)
    batch_size: int = 128
    classes: int = 10

    @property
    def multiplications(self) -> int:
        """Of weights in an epoch: forward, and backward for the weights and, but for the first layer, the inputs."""
        products = [rows * columns for rows, columns in pairwise((PIXELS, *self.hidden, self.classes))]
        return self.samples * (3 * sum(products) - products[0])


SIXTY = Work(samples=60_000)
LISTS = {
    "samples": {f"{count:,}": Work(samples=count) for count in (6_000, 60_000, 200_000, 800_000)},
    "layers of 128": {str(count): Work(hidden=(128,) * count) for count in (1, 2, 3, 5, 10, 20)},
    "neurons in a layer": {f"{count:,}": Work(hidden=(count,)) for count in (16, 64, 256, 1_024, 2_048, 4_096)},
    "neurons in two layers": {f"{count:,}": Work(hidden=(count,) * 2) for count in (16, 64, 256, 1_024, 2_048)},
    "batch size": {f"{size:,}": Work(batch_size=size) for size in (1, 8, 32, 128, 512, 2_048, 10_000)},
    "batch size, 60,000 samples": {f"{size:,}": replace(SIXTY, batch_size=size) for size in (32, 128, 512, 10_000)},
    "classes": {str(count): Work(classes=count) for count in (2, 10, 26, 62, 100)},
}


def measure(work: Work) -> tuple[float, float]:
    """In a process of its own: the seconds of an epoch, and by how many MB the process grew."""
    from engine import TrainingConfig
    from engine.run import TrainingRun
    from minigrad_gui import process
    from minigrad_gui.data import load_mnist
    from minigrad_gui.threads import fastest_blas_threads

    mnist = load_mnist()
    chosen = np.resize(np.arange(len(mnist.train_images)), work.samples)
    images, labels = mnist.train_images[chosen], np.arange(work.samples) % work.classes
    config = TrainingConfig(hidden=work.hidden, batch_size=work.batch_size, epochs=10_000, validation_share=0.0)
    before_mb = largest_mb()
    run = TrainingRun(config, images, labels, work.classes)
    run.threads = fastest_blas_threads(run)
    seconds: list[float] = []
    with process.blas_threads(run.threads):
        started = time.perf_counter()
        for _, epoch in run.chunks():
            if epoch:
                seconds.append(time.perf_counter() - started)
                if len(seconds) > 2 and sum(seconds[1:]) > LEAST_S:
                    break
                started = time.perf_counter()
    return min(seconds[1:]), largest_mb() - before_mb


def largest_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(work: Work) -> tuple[float, float]:
    command = [sys.executable, __file__, "--measure", json.dumps(asdict(work))]
    seconds, megabytes = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return seconds, megabytes


def lines(works: dict[str, Work], rounds: int) -> Iterator[str]:
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            found[name].append(measured(work))
    for name, work in works.items():
        seconds, megabytes = (statistics.median(values) for values in zip(*found[name], strict=True))
        yield f"{name:>10} {seconds:10.3f} {work.multiplications / seconds / 1e9:10.1f} {megabytes:10.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORD", help="lists with one of these words")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        work = json.loads(options.measure)
        print(json.dumps(measure(Work(**{**work, "hidden": tuple(work["hidden"])}))))
        return
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, medians of {options.rounds} processes")
    for title, works in LISTS.items():
        if any(word in title for word in options.only):
            print(f"\n{title:>10}    s/epoch  10^9 mul/s         MB")
            print("\n".join(lines(works, options.rounds)), flush=True)


if __name__ == "__main__":
    main()
