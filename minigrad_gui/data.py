"""Datasets: the bundled MNIST, and what the `datasets` library fetches from Hugging Face.

A download runs in a child process, because only a process can be stopped reliably; the child, `hugging_face`, writes
plain arrays. Those and every picture are untrusted input: sizes, counts and kinds are bounded. No Qt here.
"""

import glob
import io
import os
import stat
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

    from minigrad_gui.pen_digits import PenDigits

POLL_INTERVAL_S = 0.05
SPLITS = ("train", "test")
DIGIT_NAMES = tuple(str(digit) for digit in range(10))
PART = 500
"""Pictures that are drawn between two looks at whether loading was cancelled."""
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PHOTO_FORMATS = ("PNG", "JPEG", "MPO", "BMP", "WEBP", "TIFF", "GIF", "AVIF", "HEIF")
"""Pillow's names; MPO is a JPEG with a second picture, as telephones write it."""
HEIC_SUFFIXES = (".heic", ".heif")
PHOTO_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".avif", *HEIC_SUFFIXES)
MAX_PHOTO_PX = 40_000_000
MAX_SHRUNK_PX = 120_000_000
"""A JPEG of that many pixels is read at half its size."""
MAX_PHOTO_BYTES = 64 << 20
MAX_PHOTO_SCANNED_PX = 4_000_000_000
"""Pixels times scans: a progressive JPEG has about ten scans, each as costly as a picture, however few its bytes."""
MIN_SCAN_PX = 10_000
"""The fixed cost of a scan, in pixels."""
MAX_PHOTO_CHUNKS = 100_000
"""Chunks of a PNG, which has about one for every few kB."""

MAX_FILE_BYTES = 128 << 20
"""Limit for each file of a dataset, downloaded or unpacked; MNIST's largest has 55 MB."""
MAX_REASON_CHARS = 300

CHILD_ENVIRONMENT = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "HF_UPDATE_DOWNLOAD_COUNTS": "0",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",  # public digits need no token
    "HF_HUB_DISABLE_XET": "1",  # plain HTTP is enough for 20 MB, and its size can be bounded
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    # Otherwise each CPU and arena reserves memory, and the child would need more on larger machines.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}


class DataError(Exception):
    """A dataset or picture that could not be loaded; the message is one sentence for the user."""


class LoadingCancelledError(Exception):
    """Loading was cancelled."""


@dataclass(frozen=True)
class Dataset:
    """Images: uint8 (N, 28, 28), from 0 (paper) to 255 (ink); labels: uint8 (N,), indices into class_names.

    outliers: images likewise, of none of the classes, for a network to learn to be unsure of.
    """

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]
    name: str
    class_names: tuple[str, ...]
    outliers: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 28, 28), np.uint8))


@dataclass(frozen=True)
class Source:
    """A dataset to choose from: title, description, Hugging Face repository (None if bundled), and how many training
    samples and outliers it has."""

    title: str
    description: str
    repository: str | None = None
    training_count: int = 60_000
    outlier_count: int = 0


MNIST_AND_PEN = "mnist+pen"
PEN_COUNT, PEN_COPIES, OUTLIER_COUNT = 7_494, 3, 8_000
TEST_WRITERS = 6
"""The last of the 30 people, whose drawings are the test digits of the pen strokes alone."""

SOURCES = {
    "mnist": Source(
        "MNIST",
        "60,000 handwritten digits to learn from and 10,000 to test on. Needs no network.",
    ),
    MNIST_AND_PEN: Source(
        "MNIST and pen strokes",
        "MNIST, 7,494 digits that 30 people drew with a pen, two variations of each, and 8,000 pictures that show no "
        "digit: best for reading drawings. Of those pictures the network learns to be unsure, which leaves the "
        "training loss above the validation loss. The test digits are MNIST's. Needs no network.",
        training_count=60_000 + PEN_COUNT * PEN_COPIES,
        outlier_count=OUTLIER_COUNT,
    ),
    "ylecun/mnist": Source(
        "ylecun/mnist",
        "The same digits, downloaded once from huggingface.co/datasets/ylecun/mnist (about 20 MB) and cached.",
        "ylecun/mnist",
    ),
}


def asset_path(name: str) -> Path:
    """The path of a file in assets/, in a checkout and in an installation alike."""
    here = Path(__file__).resolve().parent
    installed = here / "assets"
    return (installed if installed.is_dir() else here.parent / "assets") / name


def read_image(path: Path) -> NDArray[np.uint8]:
    """The pixels of a picture file, upright: (height, width), or (height, width, 3 or 4) in colour.

    PNG, JPEG, BMP, WebP, TIFF, GIF and AVIF, and HEIC where `pillow-heif` is installed; of several frames the first.
    Photographs of more than 40 million pixels are shrunk as they are read. Raises DataError with one sentence for
    anything else, for JPEG of more than 120 million pixels, others of more than 40 million, and files of over 64 MB.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        content = _photo_content(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged parts; sizes are checked below
            with Image.open(io.BytesIO(content), formats=_photo_formats()) as image:
                _check_photo(path, image, content)
                return _pixels(image)
    except DataError:
        raise
    except UnidentifiedImageError as error:
        raise DataError(f"{path} is not a picture{_missing_reader(path)}.") from error
    except OSError as error:
        raise DataError(f"{path} could not be read: {(error.strerror or 'it is damaged').lower()}.") from error
    except Exception as error:  # damaged bytes make Pillow raise nearly anything
        raise DataError(f"{path} could not be read: it is damaged.") from error


def _photo_formats() -> list[str]:
    """Those of PHOTO_FORMATS that this machine's Pillow reads."""
    from PIL import Image

    with suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
    Image.init()
    return [name for name in PHOTO_FORMATS if name in Image.OPEN]


def _missing_reader(path: Path) -> str:
    """What to add where a picture is perhaps none only because nothing here can read it."""
    if path.suffix.lower() in HEIC_SUFFIXES and "HEIF" not in _photo_formats():
        return " that can be read without the package pillow-heif"
    return ""


def _check_photo(path: Path, image: "ImageFile", content: bytes) -> None:
    """Raise DataError if it would take too long or too much memory to read; let a large JPEG be shrunk as it is."""
    size_px = image.width * image.height
    is_jpeg = image.format in ("JPEG", "MPO")
    shrinks = is_jpeg and not image.info.get("progressive")  # of which all coefficients are held in memory
    if size_px > (MAX_SHRUNK_PX if shrinks else MAX_PHOTO_PX):
        raise DataError(f"{path} is too large: {image.width} x {image.height} pixels.")
    scans = content.count(b"\xff\xda") if is_jpeg else 0
    if scans * (size_px + MIN_SCAN_PX) > MAX_PHOTO_SCANNED_PX:
        raise DataError(f"{path} has too many scans.")
    if size_px > MAX_PHOTO_PX:
        image.draft(None, (image.width // 2, image.height // 2))


def _pixels(image: "ImageFile") -> NDArray[np.uint8]:
    """The pixels, upright, in whole numbers from 0 to 255."""
    from PIL import ImageOps

    ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith("I"):  # 16-bit grey, of which some cameras use 8, 10 or 12; `convert` would clip it
        values: NDArray[np.int64] = np.clip(np.asarray(image, np.int64), 0, None)
        return (values >> max(0, int(values.max(initial=0)).bit_length() - 8)).astype(np.uint8)
    if image.mode == "F":
        shades: NDArray[np.float32] = np.nan_to_num(np.asarray(image, np.float32))
        whole = np.clip(np.rint(shades * (255 if shades.max(initial=0) <= 1 else 1)), 0, 255)
        return np.asarray(whole, np.uint8)
    mode = "RGBA" if image.has_transparency_data else "L" if image.mode in ("1", "L") else "RGB"
    return np.asarray(image if image.mode == mode else image.convert(mode))


def pictures_in(path: Path) -> list[Path]:
    """The picture files in a folder, or that a wildcard matches, sorted; otherwise the path itself.

    Raises DataError if a folder holds no picture, or nothing matches.
    """
    if path.is_dir():
        found = sorted(file for file in path.iterdir() if file.suffix.lower() in PHOTO_SUFFIXES)
        if not found:
            raise DataError(f"{path} holds no pictures.")
        return found
    if path.exists() or not glob.has_magic(os.fspath(path)):
        return [path]
    found = sorted(Path(name) for name in glob.glob(os.fspath(path), recursive=True))
    if not found:
        raise DataError(f"{path} matches no file.")
    return found


def _photo_content(path: Path) -> bytes:
    """The bytes of a file. Raises DataError if it is not a regular file (a named pipe would block) or too large."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"{path} is not a file.")
    if status.st_size > MAX_PHOTO_BYTES:
        raise DataError(f"{path} is too large: more than {MAX_PHOTO_BYTES >> 20} MB.")
    with open(path, "rb") as file:
        content = file.read(MAX_PHOTO_BYTES)
    if content.startswith(PNG_SIGNATURE):
        at, chunks = len(PNG_SIGNATURE), 0
        while at < len(content) and chunks <= MAX_PHOTO_CHUNKS:
            at += 12 + int.from_bytes(content[at : at + 4])  # length, kind, content, checksum
            chunks += 1
        if chunks > MAX_PHOTO_CHUNKS:
            raise DataError(f"{path} has too many parts.")
    return content


def load(key: str, cancelled: Callable[[], bool] = lambda: False) -> Dataset:
    """One of SOURCES. Raises DataError if it cannot be loaded, LoadingCancelledError once `cancelled()` is true."""
    repository = SOURCES[key].repository
    if repository is not None:
        return load_hugging_face(repository, cancelled)
    return load_mnist_and_pen_digits(cancelled) if key == MNIST_AND_PEN else load_mnist()


def load_mnist() -> Dataset:
    """All 70,000 MNIST digits, from the project's own assets. Raises DataError if the file is missing or damaged."""
    path = asset_path("mnist.npz")
    try:
        return _read_arrays(path, "mnist")
    except Exception as error:  # a damaged zip raises nearly anything
        raise DataError(f"The bundled digits ({path}) are missing or damaged; install minigrad again.") from error


def load_pen_digits() -> Dataset:
    """The pen strokes as pictures, drawn as the canvas draws: of 24 people to train on, of 6 others to test on.

    Raises DataError if the file is missing or damaged.
    """
    from minigrad_gui.pen_digits import picture_of

    drawn = _pen_strokes()
    pictures = np.stack([picture_of(strokes) for strokes in drawn.drawings])
    tests = drawn.writers > drawn.writers.max() - TEST_WRITERS
    arrays = pictures[~tests], drawn.labels[~tests], pictures[tests], drawn.labels[tests]
    return Dataset(*arrays, "pen strokes", DIGIT_NAMES)


def load_mnist_and_pen_digits(cancelled: Callable[[], bool] = lambda: False, held_out: Collection[int] = ()) -> Dataset:
    """MNIST and the pen strokes of 30 people, plain and varied, with outliers; the test digits are MNIST's.

    held_out: people, from 1 to 30, to leave out, so that they can judge what was learned. It takes some seconds.
    Raises DataError as `load_mnist` does, LoadingCancelledError once `cancelled()` is true.
    """
    from minigrad_gui.non_digits import non_digits
    from minigrad_gui.pen_digits import picture_of, varied_pictures

    mnist, drawn = load_mnist(), _pen_strokes()
    chosen = np.flatnonzero(~np.isin(drawn.writers, list(held_out)))
    drawings, labels = [drawn.drawings[index] for index in chosen], drawn.labels[chosen]
    rng = np.random.default_rng(0)

    def in_parts(count: int, make: Callable[[slice], NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
        parts = []
        for start in range(0, count, PART):
            if cancelled():
                raise LoadingCancelledError
            parts.append(make(slice(start, min(start + PART, count))))
        return parts

    images = [mnist.train_images]
    images += in_parts(len(drawings), lambda part: np.stack([picture_of(strokes) for strokes in drawings[part]]))
    for _ in range(PEN_COPIES - 1):
        images += in_parts(len(drawings), lambda part: varied_pictures(drawings[part], rng))
    digits = mnist.train_images
    outliers = in_parts(OUTLIER_COUNT, lambda part: non_digits(part.stop - part.start, drawings, digits, rng))
    labels = np.concatenate([mnist.train_labels, np.tile(labels, PEN_COPIES)])
    tests = mnist.test_images, mnist.test_labels
    return Dataset(np.concatenate(images), labels, *tests, MNIST_AND_PEN, DIGIT_NAMES, np.concatenate(outliers))


def _pen_strokes() -> "PenDigits":
    from minigrad_gui.pen_digits import read_pen_digits

    path = asset_path("pen_digits.npz")
    try:
        return read_pen_digits(path)
    except Exception as error:  # a damaged zip raises nearly anything
        raise DataError(f"The bundled pen strokes ({path}) are missing or damaged; install minigrad again.") from error


def _read_arrays(path: Path, name: str) -> Dataset:
    """The dataset in an .npz file. Raises nearly anything, and DataError if the arrays are not such a dataset's."""
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for key in ARRAYS:
            info = archive.getinfo(f"{key}.npy")
            if info.file_size > MAX_FILE_BYTES:
                raise DataError("an array is too large.")
            content = io.BytesIO(archive.read(info))  # read whole, so that its checksum is verified
            arrays[key] = np.lib.format.read_array(content, allow_pickle=False)
    for split in SPLITS:
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
        if images.dtype != np.uint8 or images.shape != (len(labels), 28, 28):
            raise DataError("its pictures are not 28 x 28 bytes each, one to a label.")
        if labels.dtype != np.uint8 or labels.ndim != 1 or labels.max() > 9:  # max() raises if there are none
            raise DataError("its labels are not digits from 0 to 9.")
    return Dataset(**arrays, name=name, class_names=DIGIT_NAMES)


def load_hugging_face(repository: str, cancelled: Callable[[], bool] = lambda: False) -> Dataset:
    """An image dataset of ten digits from the Hugging Face hub or its cache.

    Raises DataError with one sentence if it cannot be loaded, LoadingCancelledError soon after `cancelled()` is true.
    """
    with tempfile.TemporaryDirectory(prefix="minigrad-") as folder:
        target = Path(folder) / "arrays.npz"
        command = [sys.executable, "-P", "-m", "minigrad_gui.hugging_face", repository, str(target)]
        with open(Path(folder) / "errors", "w+b") as errors:
            paths = (str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", ""))
            environment = {**os.environ, **CHILD_ENVIRONMENT, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
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
                raise DataError(f"{repository} could not be fetched: {_told(errors, child.returncode)}")
        try:
            return _read_arrays(target, repository)
        except Exception as error:
            raise DataError(f"{repository} could not be fetched: the download is damaged.") from error


def _told(errors: IO[bytes], status: int) -> str:
    """The last line of the child's stderr, shortened and made printable: it may quote untrusted text."""
    if status != 1:  # it was killed before it could say why
        return "it is damaged, or takes too much memory."
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - 4 * MAX_REASON_CHARS))
    lines = errors.read().decode("utf-8", "replace").strip().splitlines() or ["it gave no reason"]
    text = "".join(character for character in lines[-1] if character.isprintable())
    return text if len(text) <= MAX_REASON_CHARS else text[: MAX_REASON_CHARS - 1] + "…"
