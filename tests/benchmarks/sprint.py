"""Measures how soon a network reads MNIST how well: presets and settings files, each over several seeds.

    python tests/benchmarks/sprint.py [NAME ...] [--seeds N] [--choose]

A NAME is a preset or a settings file (.toml); without any, the presets that are named after a time. Seconds are those
from the first step to the last, with the digits loaded, the code compiled and the number of threads chosen. Prints
their median, and mean and standard deviation of the test accuracy over the seeds. With --choose each run holds out
10,000 of the training digits, and the accuracy is that on them: settings are chosen by it, never by test digits.
Differences below 0.1 points between single runs are chance.
"""

import argparse
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine import TrainingConfig, evaluate
from engine.run import TrainingRun
from minigrad_gui import exchange, process
from minigrad_gui.data import Dataset, load_mnist
from minigrad_gui.presets import PRESETS
from minigrad_gui.threads import fastest_blas_threads

SEEDS = 10
HELD_OUT = 1 / 6
SPRINTS = [name for name in PRESETS if name.endswith("-seconds")]


@dataclass(frozen=True)
class Result:
    seconds: float
    accuracy: float


def config_of(name: str) -> TrainingConfig:
    """The settings of this name: a preset's or a file's."""
    return PRESETS[name] if name in PRESETS else exchange.read_config(Path(name))


def result(config: TrainingConfig, digits: Dataset, threads: int, chooses: bool) -> Result:
    """Train; accuracy: 0 to 1, on the test digits, or with `chooses` on those that are held out."""
    run = TrainingRun(config, digits.train_images, digits.train_labels, len(digits.class_names))
    run.threads = threads
    with process.blas_threads(threads):
        started = time.perf_counter()
        for _ in run.chunks():
            pass
        seconds = time.perf_counter() - started
    images, labels = run.validation if chooses else (digits.test_images, digits.test_labels)
    return Result(seconds, evaluate(run.model, images, labels)[1])


def line(name: str, results: Iterable[Result]) -> str:
    seconds, accuracies = zip(*((each.seconds, 100 * each.accuracy) for each in results), strict=True)
    spread = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
    return f"{name:<16} {statistics.median(seconds):8.2f} s   {np.mean(accuracies):6.2f} ± {spread:.2f} %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", default=SPRINTS)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--choose", action="store_true", help="by held-out training digits, without the test digits")
    options = parser.parse_args()
    digits = load_mnist()
    for name in options.names:
        config = config_of(name)
        if options.choose:
            config = replace(config, validation_share=HELD_OUT)
        rehearsed = TrainingRun(config, digits.train_images, digits.train_labels, len(digits.class_names))
        threads = fastest_blas_threads(rehearsed)
        results = [result(replace(config, seed=seed), digits, threads, options.choose) for seed in range(options.seeds)]
        print(line(name, results), f"  {threads} threads", flush=True)


if __name__ == "__main__":
    main()
