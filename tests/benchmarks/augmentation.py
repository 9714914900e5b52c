"""Measures an epoch on varied pictures: this engine, and PyTorch, if installed, which varies whole mini-batches too.

    python tests/benchmarks/augmentation.py [--rounds N]

784-512-512-10, Adam, mini-batches of 128 of the 60,000 digits, with the variations of the preset Best, with those and
other pen widths, and without. PyTorch resamples by affine_grid, smoothed noise and grid_sample, which is how its users
vary pictures in batches. Each contender is a process of its own; in each round each has one turn, in rotating order;
round 0, which includes compilation, does not count. Prints seconds (medians of the rounds) and how they compare.
"""

import argparse
import math
import multiprocessing
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from functools import cache, partial
from importlib.util import find_spec
from itertools import pairwise

from threadpoolctl import threadpool_limits

from engine import Augmentation, TrainingConfig
from engine.run import TrainingRun
from minigrad_gui.data import load_mnist
from minigrad_gui.presets import PRESETS
from minigrad_gui.threads import fastest_blas_threads

ROUNDS = 5
HIDDEN, BATCH_SIZE, SIDE_PX = (512, 512), 128, 28
BEST = PRESETS["best"].augmentation
VARIATIONS = {
    "plain": Augmentation(),
    "the variations of Best": BEST,
    "those and the pen's width": replace(BEST, thickness_px=0.5),
}
VARIED = "the variations of Best"


def settings(variations: str) -> TrainingConfig:
    return TrainingConfig(
        hidden=HIDDEN, batch_size=BATCH_SIZE, epochs=1, validation_share=0.0, augmentation=VARIATIONS[variations]
    )


@cache
def fastest_threads(variations: str) -> int:
    mnist = load_mnist()
    return fastest_blas_threads(TrainingRun(settings(variations), mnist.train_images, mnist.train_labels, 10))


def engine_seconds(variations: str) -> float:
    """Of an epoch of the app's loop."""
    mnist, threads = load_mnist(), fastest_threads(variations)
    run = TrainingRun(settings(variations), mnist.train_images, mnist.train_labels, 10)
    run.threads = threads
    with threadpool_limits(threads, user_api="blas"):
        started = time.perf_counter()
        for _ in run.chunks():
            pass
        return time.perf_counter() - started


def pytorch_seconds(threads: int) -> float:
    """Of an epoch with the variations of Best."""
    import torch
    from torch.nn import functional

    torch.set_num_threads(threads)
    mnist = load_mnist()
    images, labels = torch.from_numpy(mnist.train_images), torch.from_numpy(mnist.train_labels.astype("int64"))
    sizes = (SIDE_PX * SIDE_PX, *HIDDEN, 10)
    layers = [layer for ends in pairwise(sizes) for layer in (torch.nn.Linear(*ends), torch.nn.ReLU())]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    reach = math.ceil(2 * BEST.elastic_sigma_px)
    bump = torch.exp(-(torch.arange(-reach, reach + 1) ** 2) / (2 * BEST.elastic_sigma_px**2))
    bump = bump / (bump**2).sum().sqrt()  # smoothed noise has the deviation of the noise
    px = 2 / SIDE_PX  # grids go from -1 to 1

    def uniform(count: int, most: float) -> torch.Tensor:
        return (torch.rand(count) * 2 - 1) * most

    def varied(pictures: torch.Tensor) -> torch.Tensor:
        """Pictures (N, 1, height, width) in [0, 1]."""
        count = len(pictures)
        angle, shear = uniform(count, math.radians(BEST.rotation_deg)), uniform(count, BEST.shear)
        wider, higher = 1 + uniform(count, BEST.scale), 1 + uniform(count, BEST.scale)
        cos, sin = torch.cos(angle), torch.sin(angle)
        x = torch.stack([cos / wider, (shear * cos - sin) / wider, uniform(count, BEST.shift_px * px)], 1)
        y = torch.stack([sin / higher, (shear * sin + cos) / higher, uniform(count, BEST.shift_px * px)], 1)
        grid = functional.affine_grid(torch.stack([x, y], 1), list(pictures.shape), align_corners=False)
        noise = torch.randn(2 * count, 1, SIDE_PX, SIDE_PX)
        noise = functional.conv2d(noise, bump.view(1, 1, 1, -1), padding=(0, reach))
        noise = functional.conv2d(noise, bump.view(1, 1, -1, 1), padding=(reach, 0))
        moves = noise.view(count, 2, SIDE_PX, SIDE_PX).permute(0, 2, 3, 1) * (BEST.elastic_px * px)
        return functional.grid_sample(pictures, grid + moves, align_corners=False)

    started = time.perf_counter()
    order = torch.randperm(len(images))
    for start in range(0, len(images), BATCH_SIZE):
        batch = order[start : start + BATCH_SIZE]
        pictures = varied(images[batch].unsqueeze(1).float() / 255)
        loss = functional.cross_entropy(model(pictures.flatten(1)), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    contenders = {f"minigrad, {name}": partial(engine_seconds, name) for name in VARIATIONS}
    if find_spec("torch"):
        for threads in (1, 2):
            contenders[f"PyTorch, {VARIED}, threads: {threads}"] = partial(pytorch_seconds, threads)
    context = multiprocessing.get_context("spawn")
    processes = {name: ProcessPoolExecutor(1, context) for name in contenders}
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        first = number % len(contenders)
        for name in [*contenders][first:] + [*contenders][:first]:
            seconds[name].append(processes[name].submit(contenders[name]).result())
    for process in processes.values():
        process.shutdown()
    medians = {name: statistics.median(taken[1:]) for name, taken in seconds.items()}
    for name, taken in medians.items():
        print(f"{name:<46} {taken:6.2f} s an epoch")
    varied = medians[f"minigrad, {VARIED}"]
    print(f"{VARIED} cost {varied / medians['minigrad, plain']:.2f} x the plain epoch: {asdict(BEST)}")
    if rivals := [taken for name, taken in medians.items() if name.startswith("PyTorch")]:
        print(f"{min(rivals) / varied:.1f} x as fast as PyTorch's best")


if __name__ == "__main__":
    main()
