"""Measures the cost of augmentation: an epoch with every kind of variation, and one without, in turns.

    python tests/benchmarks/augmentation.py [--rounds N]

784-512-512-10, Adam, mini-batches of 128 of the 60,000 digits. Prints seconds (medians of the rounds) and their ratio.
"""

import argparse
import statistics
import time

from threadpoolctl import threadpool_limits

from engine import Augmentation, TrainingConfig
from engine.run import TrainingRun
from minigrad_gui.data import Dataset, load_mnist
from minigrad_gui.threads import fastest_blas_threads

ROUNDS = 5
EVERYTHING = Augmentation(shift_px=2, rotation_deg=15, scale=0.2, shear=0.2, elastic_px=1, thickness_px=0.5)


def new_run(mnist: Dataset, augmentation: Augmentation) -> TrainingRun:
    config = TrainingConfig(hidden=(512, 512), epochs=1, validation_share=0.0, augmentation=augmentation)
    return TrainingRun(config, mnist.train_images, mnist.train_labels, 10)


def seconds_per_epoch(run: TrainingRun, threads: int) -> float:
    run.threads = threads
    with threadpool_limits(threads, user_api="blas"):
        started = time.perf_counter()
        for _ in run.chunks():
            pass
        return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    mnist = load_mnist()
    variations = {"plain": Augmentation(), "every variation": EVERYTHING}
    threads = {name: fastest_blas_threads(new_run(mnist, augmentation)) for name, augmentation in variations.items()}
    seconds: dict[str, list[float]] = {name: [] for name in variations}
    for _ in range(rounds):
        for name, augmentation in variations.items():
            seconds[name].append(seconds_per_epoch(new_run(mnist, augmentation), threads[name]))
    plain, varied = (statistics.median(seconds[name]) for name in variations)
    for name in variations:
        print(f"{name:<16} {statistics.median(seconds[name]):6.2f} s an epoch, {threads[name]} threads")
    print(f"ratio of the medians {varied / plain:.2f}")


if __name__ == "__main__":
    main()
