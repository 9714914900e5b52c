"""Measures how long it takes to look into the bundled network (784-512-512-10), and checks that neighbours are exact.

    python tests/benchmarks/insight.py [--queries N]

Prints milliseconds (medians and maxima). The neighbours are the twelve nearest of the 60,000 training digits; queries
are MNIST's test digits.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from engine import MLP, load_model
from engine.ops import Array
from minigrad_gui.data import load_mnist
from minigrad_gui.insight import activations, confusion, nearest, prototype, saliency
from minigrad_gui.insight.damage import Damage
from minigrad_gui.insight.layer_statistics import layer_statistics, order_of_units
from minigrad_gui.insight.neighbours import NearestIndex, Space
from minigrad_gui.insight.neurons import contributions, most_exciting, shares_of_answer
from minigrad_gui.resources import asset_path

REPEATS = 7
COMPARED = 5
"""Queries whose neighbours are compared with those that looking at all 60,000 gives."""


def report(name: str, *calls: Callable[[], object]) -> None:
    took_ms = []
    for call in calls:
        started = time.perf_counter()
        call()
        took_ms.append((time.perf_counter() - started) * 1000)
    print(f"{name:<44} median {np.median(took_ms):8.2f} ms, most {max(took_ms):8.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=200)
    queries = parser.parse_args().queries
    model, _ = load_model(asset_path("pretrained.npz"))
    mnist = load_mnist()
    images = mnist.train_images
    pictures = (mnist.test_images[:queries] / 255).astype(np.float32)
    picture, sample = pictures[0], (mnist.test_images[:300], mnist.test_labels[:300])
    damage = Damage().toggled(0, 3).with_noise(0, 0.3).with_scale(2, 2.0)
    for name, call in {
        "activations": lambda: activations(model, picture),
        "the 200 strongest connections of each layer": lambda: contributions(model, picture, 200),
        "shares of the answer": lambda: shares_of_answer(model, picture, 7),
        "saliency": lambda: saliency(model, picture, 7),
        "prototype": lambda: prototype(model, 7),
        "damage": lambda: damage.apply(model),
        "statistics of all layers on 300 digits": lambda: layer_statistics(model, *sample),
        "order by similarity": lambda: order_of_units(model, "similarity"),
        "confusion of 10,000 digits": lambda: confusion(model, mnist.test_images, mnist.test_labels),
    }.items():
        report(name, *[call] * REPEATS)
    report("most exciting of 60,000, for every neuron", lambda: most_exciting(model, images, 12))
    spaces: tuple[Space, ...] = ("pixels", "hidden")
    for space in spaces:
        measure_neighbours(model, images, pictures, space)


def measure_neighbours(model: MLP, images: Array, pictures: Array, space: Space) -> None:
    started = time.perf_counter()
    *_, index = NearestIndex.build(model, images, space)
    assert index is not None
    arrays = (*index.coarse, *index.fine, index.rest, index.further, index.squares, index.directions)
    print(
        f"{space}: index built in {time.perf_counter() - started:.1f} s, {sum(a.nbytes for a in arrays) / 1e6:.1f} MB"
    )
    report(f"{space}: the nearest of 60,000", *[partial(index.nearest, picture, 12) for picture in pictures])
    exact = [
        np.array_equal(index.nearest(picture, 12)[0], nearest(model, picture, images, 12, space)[0])
        for picture in pictures[:COMPARED]
    ]
    print(f"{space}: {sum(exact)} of {COMPARED} as found by looking at all")


if __name__ == "__main__":
    main()
