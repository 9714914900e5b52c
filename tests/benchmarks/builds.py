"""Measures this checkout beside another commit: epochs of several networks, the memory of a run, the window's start.

    python tests/benchmarks/builds.py REVISION [--rounds N] [--only WORD ...]

The other commit is installed in an environment of its own, with the same versions of all libraries. Both have turns, in
changing order; each figure is the median of all rounds, each ratio that of the rounds' ratios. A row that adds work to
another has a second ratio: to that row, in this checkout. Round 0, which includes compilation, does not count. The
window needs a display, or xvfb-run.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROUNDS = 7
HERE = Path(__file__).parents[2]
VARIED = {"shift_px": 1, "rotation_deg": 11, "scale": 0.14, "shear": 0.14, "elastic_px": 1.1}
"""The variations of the preset Best."""
LATE_RATE = 1e-5
"""Of a run that goes on from the pretrained network, whose outputs are mostly 0: the end of a schedule."""
EPOCHS: dict[str, dict[str, Any]] = {
    "512-512, every variation of Best": {"hidden": (512, 512), "augmentation": VARIED},
    "512-512": {"hidden": (512, 512)},
    "512-512, from the pretrained network": {"hidden": (512, 512), "augmentation": VARIED, "learning_rate": LATE_RATE},
    "256-128, every variation of Best": {"augmentation": VARIED},
    "256-128 tanh": {"activation": "tanh"},
    "256-128 sigmoid": {"activation": "sigmoid"},
    "256-128 tanh, batch 32": {"activation": "tanh", "batch_size": 32},
    "256-128 ReLU, batch 32": {"batch_size": 32},
    "256-128 ReLU, batch 128": {},
    "256-128 ReLU, batch 512": {"batch_size": 512},
    "256-128 SGD": {"optimizer": "sgd"},
    "256-128 momentum": {"optimizer": "momentum"},
    "256-128 dropout": {"dropout": 0.2},
    "256-128 label smoothing": {"label_smoothing": 0.1},
    "256-128 weight decay": {"weight_decay": 0.01},
    "256-128 clipping": {"clip_norm": 1.0},
    "256-128 normalization": {"normalization": "batch"},
    "256-128 windows": {"receptive_field_px": 14},
    "256-128, eighth epoch": {"epochs": 8},
    "256-128 rate 0.03, eighth epoch": {"learning_rate": 0.03, "epochs": 8},
    "256-128 sigmoid rate 0.03, eighth epoch": {"activation": "sigmoid", "learning_rate": 0.03, "epochs": 8},
}
"""Settings of a run by name; Adam and batches of 128 if they say nothing else. Its last epoch is measured, of two."""
PLAIN = "256-128 ReLU, batch 128"
WITHOUT = {
    "512-512, every variation of Best": "512-512",
    "256-128 dropout": PLAIN,
    "256-128 label smoothing": PLAIN,
    "256-128 weight decay": PLAIN,
    "256-128 clipping": PLAIN,
    "256-128 normalization": PLAIN,
    "256-128 windows": PLAIN,
}
"""Rows and the same without what they add."""
WINDOW, PLOTS = "from the command to the window, usable", "from the command to the window, with its plots"
MEMORY = "memory of minigrad-gui train, MB"
SCRIPT_OF_START = """
import os, sys, time
from minigrad_gui import cli
from PySide6.QtWidgets import QApplication

def measure(app):
    window = next(widget for widget in app.topLevelWidgets() if type(widget).__name__ == "MainWindow")
    until_plots = sys.argv[2] == "plots"
    while not window.windowHandle().isExposed() or (until_plots and not getattr(window, "is_complete", True)):
        app.processEvents()
    if until_plots:
        app.processEvents()
    print(time.time() - float(sys.argv[1]), flush=True)
    os._exit(0)

QApplication.exec = measure
cli.main([])
"""
"""The command itself, until one can draw and train, or until everything is there."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision", nargs="?")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORD", help="rows with one of these words")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
    elif options.revision is None:
        parser.error("which commit?")
    else:
        rows = [row for row in [*EPOCHS, MEMORY, WINDOW, PLOTS] if any(word in row for word in options.only)]
        with tempfile.TemporaryDirectory() as folder:
            python = installed(options.revision, Path(folder))
            compare(options.revision, {options.revision: python, "here": sys.executable}, rows, options.rounds)


def installed(revision: str, folder: Path) -> str:
    """The Python of a new environment with a commit of this repository."""
    archive = subprocess.run(["git", "archive", revision], cwd=HERE, check=True, capture_output=True).stdout
    source = folder / "source"
    source.mkdir()
    subprocess.run(["tar", "-x", "-C", str(source)], input=archive, check=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder / "environment")], check=True)
    python = str(folder / "environment" / "bin" / "python")
    frozen = subprocess.run([sys.executable, "-m", "pip", "freeze"], check=True, capture_output=True, text=True).stdout
    same = [line for line in frozen.splitlines() if "==" in line and not line.startswith("minigrad")]
    (folder / "versions.txt").write_text("\n".join(same))
    install = [python, "-m", "pip", "install", "-q", "-c", str(folder / "versions.txt"), f"{source}[fast]"]
    subprocess.run(install, check=True)
    return python


def compare(revision: str, pythons: dict[str, str], rows: list[str], rounds: int) -> None:
    servers = {name: Server(python) for name, python in pythons.items()}
    seconds: dict[str, dict[str, list[float]]] = {row: {name: [] for name in servers} for row in rows}
    for number in range(rounds + 1):
        for row in rows:
            for name in sorted(servers, reverse=bool(number % 2)):
                seconds[row][name].append(servers[name].measure(row))
    for server in servers.values():
        server.close()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, medians of {rounds} rounds")
    print(f"{'':48} {revision[:10]:>10} {'here':>10} {'ratio':>7} {'to without':>11}")
    for row, by_name in seconds.items():
        before, after = (by_name[name][1:] for name in (revision, "here"))
        without = seconds.get(WITHOUT.get(row, ""))
        added = f"{ratio(without['here'][1:], after):11.2f}" if without else ""
        medians = f"{statistics.median(before):10.3f} {statistics.median(after):10.3f}"
        print(f"{row:48} {medians} {ratio(before, after):7.2f} {added}")


def ratio(before: list[float], after: list[float]) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(new / old for old, new in zip(before, after, strict=True))


class Server:
    """A process of a build, which measures what it is asked to."""

    def __init__(self, python: str) -> None:
        environment = {**os.environ}
        environment.pop("PYTHONPATH", None)
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self._process = subprocess.Popen(
            [python, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def measure(self, row: str) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(row), file=self._process.stdin, flush=True)
        return float(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.communicate()


def serve() -> None:
    """In the other process: a row's name on each line of the input, its figure on each line of the output."""
    from minigrad_gui.data import load_mnist

    mnist = load_mnist()
    measures: dict[str, Callable[[], float]] = {
        WINDOW: lambda: time_start("window"),
        PLOTS: lambda: time_start("plots"),
        MEMORY: measure_memory,
    }
    for line in sys.stdin:
        row = json.loads(line)
        print(measures[row]() if row in measures else time_epoch(mnist, EPOCHS[row]), flush=True)


def time_epoch(mnist: Any, settings: dict[str, Any]) -> float:
    """The seconds of a run's last epoch, as the app trains it."""
    from engine import Augmentation, TrainingConfig, load_model

    try:
        from engine.run import TrainingRun
    except ImportError:  # where it was before
        from engine.training import TrainingRun

    settings = {**settings, "augmentation": Augmentation(**settings.get("augmentation", {}))}
    settings = {name: value for name, value in settings.items() if hasattr(TrainingConfig, name)}  # as far as it knows
    config = TrainingConfig(**{"epochs": 2, "validation_share": 0.0, "batch_size": 128, **settings})
    start_from = load_model(HERE / "assets" / "pretrained.npz")[0] if config.learning_rate == LATE_RATE else None
    run = TrainingRun(config, mnist.train_images, mnist.train_labels, 10, start_from)
    chunks = run.chunks() if hasattr(run, "chunks") else run.bursts()  # their name until engine/run.py
    ends = [time.perf_counter() for _, epoch in chunks if epoch]
    return ends[-1] - ends[-2]


def time_start(until: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        here = {"XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder, "MINIGRAD_COMPILE_AHEAD": "0"}
        environment = {**os.environ, **here}
        command = [sys.executable, "-c", SCRIPT_OF_START, str(time.time()), until]
        output = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=folder).stdout
    return float(output)


def measure_memory() -> float:
    """The largest memory of a run in a terminal, in MB."""
    command = [sys.executable, "-m", "minigrad_gui", "train", "--epochs", "2"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError("the run failed")
    return usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
