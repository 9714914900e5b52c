"""Runs that a window leaves behind, and the messages of the next window."""

from pathlib import Path

from mnist_digits import mnist

from engine import TrainingConfig, save_checkpoint
from engine.run import TrainingRun


def recoverable_runs(runs: Path) -> list[Path]:
    return sorted(runs.glob("*.npz"))


def said(user, banner: str) -> str:
    return user.widget(f"{banner}Label").text() if user.widget(banner).isVisible() else ""


def leave_a_run(runs: Path, steps: int = 3, **config: object) -> Path:
    """Write a checkpoint like that of a window that was killed."""
    settings = TrainingConfig(hidden=(4,), batch_size=8, epochs=2, **config)
    digits = mnist()
    run = TrainingRun(settings, digits.train_images, digits.train_labels, 10)
    for _ in zip(range(steps), run, strict=False):
        pass
    runs.mkdir(parents=True, exist_ok=True)
    path = runs / f"left-{len(recoverable_runs(runs))}.npz"
    save_checkpoint(path, run.state(), {"dataset": "mnist", "blas_threads": 1})
    return path
