"""Datasets: the bundled MNIST, and what the `datasets` library fetches from Hugging Face.

A download runs in a child process (`python -m minigrad_gui.data REPOSITORY TARGET`), because nothing else can be
stopped for certain; the child leaves plain arrays behind. No Qt here.
"""

import io
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

CONNECT_TIMEOUT_S = 3.0
POLL_INTERVAL_S = 0.05
MAX_IMAGE_PX = 1 << 20
MAX_PHOTO_PX = 40_000_000
DEFAULT_ENDPOINT = "https://huggingface.co"


class DataError(Exception):
    """A dataset that could not be had; the message is one sentence for the person who asked for it."""


class LoadingCancelledError(Exception):
    """The person no longer wants the dataset that was being fetched."""


@dataclass(frozen=True)
class Dataset:
    """Images uint8 (N, 28, 28), 0 for paper to 255 for ink; labels uint8 (N,), indices into class_names."""

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]
    name: str
    class_names: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """A dataset that can be chosen: a short title, what it is, and its Hugging Face repository unless it is bundled."""

    title: str
    description: str
    repository: str | None = None


SOURCES = {
    "mnist": Source(
        "MNIST",
        "60,000 handwritten digits to learn from and 10,000 to test on. Needs no network.",
    ),
    "ylecun/mnist": Source(
        "ylecun/mnist",
        "The same digits, fetched once from huggingface.co/datasets/ylecun/mnist (about 20 MB) and kept in its cache.",
        "ylecun/mnist",
    ),
}


def asset_path(name: str) -> Path:
    """Where a file of assets/ is, in a checkout and in an installation alike."""
    here = Path(__file__).resolve().parent
    installed = here / "assets"
    return (installed if installed.is_dir() else here.parent / "assets") / name


def read_image(path: Path) -> NDArray[np.uint8]:
    """The pixels of a PNG or JPEG file, upright: (height, width), or (height, width, 3 or 4) in colour.

    Raises DataError with one sentence for anything else, and for pictures of more than 40 million pixels.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the size is checked below
            with Image.open(path, formats=("PNG", "JPEG")) as image:
                if image.width * image.height > MAX_PHOTO_PX:
                    raise DataError(f"{path} is too large: {image.width} x {image.height} pixels.")
                upright = ImageOps.exif_transpose(image)
                if upright.mode.startswith("I"):  # 16 bits of grey, which `convert` would cut off instead of scaling
                    return (np.asarray(upright).astype(np.uint32) >> 8).astype(np.uint8)
                mode = "RGBA" if upright.has_transparency_data else "L" if upright.mode in ("1", "L") else "RGB"
                return np.asarray(upright.convert(mode))
    except DataError:
        raise
    except UnidentifiedImageError as error:
        raise DataError(f"{path} is not a PNG or JPEG picture.") from error
    except OSError as error:
        raise DataError(f"{path} could not be read: {(error.strerror or 'it is damaged').lower()}.") from error
    except Exception as error:  # damaged bytes raise nearly anything on their way through Pillow
        raise DataError(f"{path} could not be read: it is damaged.") from error


def load(key: str, cancelled: Callable[[], bool] = lambda: False) -> Dataset:
    """One of SOURCES. Raises DataError if it cannot be had, LoadingCancelledError when `cancelled()` turns true."""
    repository = SOURCES[key].repository
    return load_mnist() if repository is None else load_hugging_face(repository, cancelled)


def load_mnist() -> Dataset:
    """All 70,000 MNIST digits, from the project's own assets. Raises DataError if the file is missing or damaged."""
    path = asset_path("mnist.npz")
    try:
        return _read_arrays(path, "mnist")
    except Exception as error:  # a damaged zip raises nearly anything
        raise DataError(f"The bundled digits ({path}) are missing or damaged; install minigrad again.") from error


def _read_arrays(path: Path, name: str) -> Dataset:
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
        digits = {key: arrays[key] for key in ("train_images", "train_labels", "test_images", "test_labels")}
    return Dataset(**digits, name=name, class_names=tuple(str(digit) for digit in range(10)))


def load_hugging_face(repository: str, cancelled: Callable[[], bool] = lambda: False) -> Dataset:
    """An image dataset of ten digits from the Hugging Face hub or its cache.

    Raises DataError with one sentence if it cannot be had, LoadingCancelledError soon after `cancelled()` turns true.
    """
    with tempfile.TemporaryDirectory(prefix="minigrad-") as folder:
        target = Path(folder) / "arrays.npz"
        command = [sys.executable, "-P", "-m", "minigrad_gui.data", repository, str(target)]
        with open(Path(folder) / "errors", "w+", encoding="utf-8", errors="replace") as errors:
            paths = (str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", ""))
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
            child = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
            )
            try:
                while child.poll() is None:
                    if cancelled():
                        raise LoadingCancelledError
                    time.sleep(POLL_INTERVAL_S)
            finally:
                child.kill()
                child.wait()
            if child.returncode:
                errors.seek(0)
                lines = errors.read().strip().splitlines() or ["it gave no reason"]
                raise DataError(f"{repository} could not be fetched: {lines[-1]}")
        return _read_arrays(target, repository)


# ---------------------------------------------------------------- in the child process


def _offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def _reach(endpoint: str) -> None:
    """Fail within seconds where there is no way to the hub; left alone, a silent network takes minutes."""
    address = urlsplit(endpoint)
    if address.scheme in urllib.request.getproxies():
        return  # the way leads through a proxy, which is not ours to judge
    port = address.port or (443 if address.scheme == "https" else 80)
    with socket.create_connection((address.hostname or "", port), timeout=CONNECT_TIMEOUT_S):
        pass


def fetch(repository: str) -> dict[str, NDArray[np.uint8]]:
    """The arrays of a dataset with columns `image` and `label`, from the hub or, out of its reach, from the cache."""
    if not _offline():
        try:
            _reach(os.environ.get("HF_ENDPOINT", DEFAULT_ENDPOINT))
        except OSError:
            os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    from datasets import load_dataset

    splits = load_dataset(repository)
    arrays = {}
    for split in ("train", "test"):
        table = splits[split].with_format("arrow")[:]
        cells = table.column("image").to_pylist()
        arrays[f"{split}_images"] = np.stack([_decode(cell["bytes"]) for cell in cells])
        arrays[f"{split}_labels"] = table.column("label").to_numpy().astype(np.uint8)
    return arrays


def _decode(content: bytes) -> NDArray[np.uint8]:
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        if image.width * image.height > MAX_IMAGE_PX:
            raise ValueError(f"a picture of {image.width} x {image.height} pixels is too large")
        pixels = np.asarray(image.convert("L"))
    if pixels.shape != (28, 28):
        raise ValueError(f"a picture of {pixels.shape[1]} x {pixels.shape[0]} pixels, where 28 x 28 was expected")
    return pixels


def _main(repository: str, target: str) -> int:
    """Fetch and save; the last line on stderr says what went wrong."""
    try:
        arrays: dict[str, Any] = fetch(repository)
        with open(target, "wb") as file:
            np.savez(file, **arrays)
    except Exception as error:
        not_there = _offline() and isinstance(error, (ConnectionError, FileNotFoundError))
        print(
            "the hub cannot be reached and there is no copy in the cache." if not_there else _first_line(error),
            file=sys.stderr,
        )
        return 1
    return 0


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
