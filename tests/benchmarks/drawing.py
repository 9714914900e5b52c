"""How well drawings are read, before and after a network has been taught a few by the same person.

    python tests/benchmarks/drawing.py [--model MODEL | --held-out] [--writers 1-15] [--taught at-random]

The drawings are the bundled pen strokes. Everything goes through the code that the canvas uses: `rasterize`, the
network's calibration, `teach`. For each writer 10, 20 and 40 drawings are taught, with equal numbers of each digit
(one, two or four) or chosen at random; the writer's other drawings are the test. All randomness follows from the seed.
"""

import argparse
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from engine import ModelFileError, evaluate, load_model, predict, save_model
from engine.calibration import Calibration, calibrate_run
from engine.nn import MLP
from engine.record import TrainingRecord
from engine.run import TrainingRun
from engine.training import logits_of
from minigrad_gui.data import Dataset, load_mnist, load_mnist_and_pen_digits
from minigrad_gui.digits import CLASSES, rasterize
from minigrad_gui.handwriting import teach
from minigrad_gui.non_digits import non_digits
from minigrad_gui.pen_digits import read_pen_digits
from minigrad_gui.presets import PRESETS
from minigrad_gui.resources import asset_path
from minigrad_gui.teaching import REPLAYED

TAUGHT = (10, 20, 40)


def confusions(labels: NDArray[Any], read: NDArray[Any]) -> str:
    """The most frequent errors, such as "1 as 7: 117"."""
    table = np.zeros((CLASSES, CLASSES), int)
    np.add.at(table, (labels, read), 1)
    np.fill_diagonal(table, 0)
    worst = np.argsort(table, axis=None)[::-1][:6]
    pairs = [(*divmod(int(at), CLASSES), int(table.flat[at])) for at in worst]
    return ", ".join(f"{label} as {digit}: {count}" for label, digit, count in pairs if count)


def trained_without(writers: Collection[int]) -> tuple[MLP, Calibration]:
    """The preset Best, trained without these people; it takes minutes."""
    digits = load_mnist_and_pen_digits(held_out=writers)
    samples = digits.train_images, digits.train_labels
    run = TrainingRun(PRESETS["best"], *samples, CLASSES, outliers=digits.outliers)
    run.threads = 1
    for _, epoch in run.chunks():
        if epoch is not None:
            print(f"epoch {epoch.epoch + 1} of {run.config.epochs}: {epoch.validation_accuracy:.2%}", file=sys.stderr)
    return run.model, calibrate_run(run)


def calibration_error(confidence: NDArray[Any], right: NDArray[Any], bins: int = 15) -> float:
    """The expected calibration error of Guo et al., On Calibration of Modern Neural Networks, 2017."""
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs((right[places == each] - confidence[places == each]).sum()) for each in np.unique(places)]
    return float(np.sum(gaps)) / len(right)


def print_rejection(model: MLP, calibration: Calibration, digits: NDArray[Any]) -> None:
    """How well the log-sum-exp separates correctly read digits, (n, 28, 28), from pictures without a digit.

    The latter are new pictures of the kinds that the preset Best learns from, and negatives of MNIST's test digits.
    """
    mnist, drawn = load_mnist(), read_pen_digits(asset_path("pen_digits.npz"))
    others = non_digits(2000, drawn.drawings, mnist.test_images, np.random.default_rng(1))
    known = log_sum_exp(logits_of(model, digits))
    for name, pictures in (("no digit", others), ("negatives", 255 - mnist.test_images[:2000])):
        logits = logits_of(model, pictures)
        score = log_sum_exp(logits)
        auroc = np.searchsorted(np.sort(score), known).mean() / len(score)
        false_positives = (score >= np.quantile(known, 0.05)).mean()
        turned_away = 1 - calibration.read(logits)[1].mean()
        print(f"{name}: {turned_away:.1%} turned away; AUROC {auroc:.4f}, FPR at 95%: {false_positives:.1%}")


def log_sum_exp(logits: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.logaddexp.reduce(logits, axis=1))


def shown_first(labels: NDArray[Any], rng: np.random.Generator, evenly: bool) -> NDArray[np.intp]:
    """The order in which drawings with these labels (n,) are taught: shuffled, or the digits in turn."""
    order = rng.permutation(len(labels))
    if not evenly:
        return order
    turn = np.empty(len(labels), int)  # how many of the same digit precede
    for digit in range(CLASSES):
        turn[labels[order] == digit] = np.arange((labels == digit).sum())
    return order[np.argsort(turn, kind="stable")]


def taught_row(
    model: MLP,
    pictures: NDArray[Any],
    labels: NDArray[Any],
    writers: NDArray[Any],
    mnist: Dataset,
    count: int,
    seed: int,
    evenly: bool,
) -> tuple[list[float], list[float], list[float]]:
    """For each writer after being taught `count` drawings: accuracy on the others, on MNIST's test digits, seconds."""
    accuracies, tests, seconds = [], [], []
    for writer in np.unique(writers):
        own = np.flatnonzero(writers == writer)
        own = own[shown_first(labels[own], np.random.default_rng([seed, int(writer)]), evenly)]
        shown, judged = own[:count], own[count:]
        started = time.perf_counter()
        replay = mnist.train_images[:REPLAYED], mnist.train_labels[:REPLAYED]
        taught = teach(model, pictures[shown], labels[shown], *replay)
        seconds.append(time.perf_counter() - started)
        accuracies.append(float((predict(taught, pictures[judged]).argmax(axis=1) == labels[judged]).mean()))
        tests.append(evaluate(taught, mnist.test_images, mnist.test_labels)[1])
    return accuracies, tests, seconds


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=asset_path("pretrained.npz"))
    parser.add_argument("--writers", default="", metavar="FIRST-LAST", help="only these (default: all)")
    held_out = "instead of --model, train the preset Best without these people of the bundled strokes"
    parser.add_argument("--held-out", action="store_true", help=held_out)
    parser.add_argument("--save", type=Path, metavar="FILE", help="where to save the network of --held-out")
    parser.add_argument("--seed", type=int, default=0, help="which drawings are taught")
    parser.add_argument("--taught", choices=("evenly", "at-random"), default="evenly", help="(default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        model, meta = load_model(options.model)
    except (ModelFileError, OSError) as error:
        print(f"drawing.py: {error}", file=sys.stderr)
        return 2
    pen = read_pen_digits(asset_path("pen_digits.npz"))
    drawings, labels, writers = pen.drawings, pen.labels.astype(np.intp), pen.writers
    first, last = (int(end) for end in (options.writers or f"{writers.min()}-{writers.max()}").split("-"))
    chosen = np.flatnonzero((writers >= first) & (writers <= last))
    labels, writers = labels[chosen], writers[chosen]
    mnist = load_mnist()
    calibration = TrainingRecord.from_meta(meta).calibration
    if options.held_out:
        model, calibration = trained_without(range(first, last + 1))
        if options.save is not None:
            save_model(options.save, model, TrainingRecord(calibration=calibration).to_meta())

    started = time.perf_counter()
    pictures = np.stack([rasterize(drawings[index]) for index in chosen])
    rasterize_ms = (time.perf_counter() - started) / len(chosen) * 1000
    probabilities, accepted = calibration.read(logits_of(model, pictures))
    read = probabilities.argmax(axis=1)
    right = read == labels
    turned_away = ~accepted

    print(f"{options.model.name}: {' -> '.join(map(str, model.sizes))}; {len(labels):,} drawings of {last - first + 1}")
    print(f"read right: {right.mean():.2%}; rasterize {rasterize_ms:.2f} ms a drawing")
    print("by digit:  " + "  ".join(f"{digit} {right[labels == digit].mean():.1%}" for digit in range(CLASSES)))
    print("by writer: " + "  ".join(f"{writer} {right[writers == writer].mean():.1%}" for writer in np.unique(writers)))
    print(f"misread most: {confusions(labels, read)}")
    away_right, away_wrong = turned_away[right].mean(), turned_away[~right].mean()
    print(f"not recognised: {away_right:.2%} of those read right, {away_wrong:.1%} of the others")
    print(f"expected calibration error: {calibration_error(probabilities.max(axis=1), right):.2%}")
    print_rejection(model, calibration, pictures[right])
    before = evaluate(model, mnist.test_images, mnist.test_labels)[1]
    by_writer = np.mean([right[writers == writer].mean() for writer in np.unique(writers)])
    print(f"{'taught':>7} {'read right':>11} {'worst writer':>13} {'MNIST test':>11} {'lost':>6} {'seconds':>8}")
    print(f"{0:>7} {by_writer:>11.2%} {'':>13} {before:>11.2%}")
    with threadpool_limits(1, user_api="blas"):
        for count in TAUGHT:
            drawn = model, pictures, labels, writers
            accuracies, tests, seconds = taught_row(*drawn, mnist, count, options.seed, options.taught == "evenly")
            test, took = float(np.mean(tests)), float(np.median(seconds))
            mean, worst = float(np.mean(accuracies)), min(accuracies)
            print(f"{count:>7} {mean:>11.2%} {worst:>13.2%} {test:>11.2%} {100 * (before - test):>6.2f} {took:>8.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
