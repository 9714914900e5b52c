"""Everything works where Numba has no wheels: NumPy trains."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np

from engine import load_model

ROOT = Path(__file__).parents[2]
TRAIN = """\
import importlib.util, sys
from minigrad_gui.cli import main
assert importlib.util.find_spec("numba") is None
sys.exit(main(sys.argv[1:]))
"""


def test_training_in_the_terminal(tmp_path):
    packages = tmp_path / "packages"
    packages.mkdir()
    for folder in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for package in Path(folder).iterdir():
            if not package.name.startswith(("numba", "llvmlite")) and not (packages / package.name).exists():
                (packages / package.name).symlink_to(package)
    labels = np.random.default_rng(0).integers(0, 4, 400, np.uint8)
    images = np.zeros((400, 28, 28), np.uint8)
    images[np.arange(400), 7 * labels + 3] = 255  # a line at another height for each class
    np.savez(tmp_path / "data.npz", images=images, labels=labels)
    settings = ["--hidden", "16", "--epochs", "3", "--batch-size", "16", "--threads", "1"]
    files = ["--data", str(tmp_path / "data.npz"), "--save", str(tmp_path / "network.npz")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(packages)]),
        "XDG_DATA_HOME": str(tmp_path),
    }
    command = [sys.executable, "-S", "-c", TRAIN, "train", *settings, *files]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert "minigrad-gui" not in done.stderr  # nothing to complain of
    _, meta = load_model(tmp_path / "network.npz")
    assert meta["test_accuracy"] > 0.9
