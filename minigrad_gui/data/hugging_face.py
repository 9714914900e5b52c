"""Fetches a dataset from the Hugging Face hub, as a child process: `-m minigrad_gui.data.hugging_face NAME TARGET`.

All of it is untrusted. Counts and kinds are checked here; the system and Python itself limit how much this process may
use and where it may write. The last line on stderr says what went wrong.
"""

import errno
import io
import os
import socket
import sys
import urllib.request
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.dataset import MAX_FILE_BYTES, SPLITS, DataError

CONNECT_TIMEOUT_S = 3.0
DEFAULT_ENDPOINT = "https://huggingface.co"
MAX_DATA_FILES = 4
MAX_MEMORY_BYTES = 3 << 29
"""Memory limit of this process; MNIST needs 350 MB."""
MAX_PICTURES = 150_000
MAX_PICTURE_BYTES = 16 << 10
OUTSIDE = "the hub names a file outside of the cache"


def _offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def _reach(endpoint: str) -> None:
    """Raise OSError within seconds if the hub cannot be reached; otherwise a silent network takes minutes."""
    address = urlsplit(endpoint)
    if address.scheme in urllib.request.getproxies():
        return  # there is a proxy, which decides
    port = address.port or (443 if address.scheme == "https" else 80)
    with socket.create_connection((address.hostname or "", port), timeout=CONNECT_TIMEOUT_S):
        pass


def fetch(repository: str) -> dict[str, NDArray[np.uint8]]:
    """The arrays of a dataset with columns `image` and `label`, from the hub, or from the cache if it is unreachable.

    Raises DataError for any other kind of dataset, and whatever `datasets` raises.
    """
    from datasets import load_dataset_builder
    from datasets.exceptions import DatasetGenerationError
    from huggingface_hub.constants import HF_HOME

    damaged = DataError(f"its files, or their copies in {HF_HOME}, are damaged or not what they should be.")
    try:
        builder = load_dataset_builder(repository)
        _check_files(builder.config.data_files or {}, repository)
        builder.download_and_prepare()
    except (DatasetGenerationError, ValueError) as error:
        raise damaged from error
    try:
        return _digits(builder.as_dataset())
    except (OSError, ValueError) as error:
        raise damaged from error


def _digits(splits: Any) -> dict[str, NDArray[np.uint8]]:
    if missing := [split for split in SPLITS if split not in splits]:
        raise DataError(f"it has no split “{missing[0]}”.")
    if sum(splits[split].num_rows for split in SPLITS) > MAX_PICTURES:
        raise DataError(f"it has more than {MAX_PICTURES:,} pictures.")
    arrays = {}
    for split in SPLITS:
        table = splits[split].with_format("arrow")[:]
        if missing := [column for column in ("image", "label") if column not in table.column_names]:
            raise DataError(f"it has no column “{missing[0]}”.")
        arrays[f"{split}_images"] = _images(table.column("image"))
        arrays[f"{split}_labels"] = _labels(table.column("label"))
    return arrays


def _check_files(data_files: Mapping[str, Iterable[str]], repository: str) -> None:
    """Before anything is downloaded: only a few files, all from this repository, all Parquet, which holds no code."""
    names = [str(name) for files in data_files.values() for name in files]
    if len(names) > MAX_DATA_FILES:
        raise DataError(f"it has more than {MAX_DATA_FILES} files of data.")
    for name in names:
        if not (name.startswith(f"hf://datasets/{repository}@") and name.endswith(".parquet")):
            raise DataError("it contains files other than its own Parquet files.")


def _images(column: Any) -> NDArray[np.uint8]:
    images = np.empty((len(column), 28, 28), np.uint8)
    for image, cell in zip(images, column, strict=True):
        value = cell.as_py()
        content = value.get("bytes") if isinstance(value, dict) else None
        if not isinstance(content, bytes):  # a path would name a file on this machine
            raise DataError("a cell contains no picture.")
        image[:] = _decode(content)
    return images


def _labels(column: Any) -> NDArray[np.uint8]:
    labels = column.to_numpy()  # floats, if one is missing
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() > 9:
        raise DataError("its labels are not digits from 0 to 9.")
    return np.asarray(labels, np.uint8)


def _decode(content: bytes) -> NDArray[np.uint8]:
    from PIL import Image, UnidentifiedImageError

    if len(content) > MAX_PICTURE_BYTES:
        raise DataError(f"a picture of 28 x 28 pixels has more than {MAX_PICTURE_BYTES >> 10} kB.")
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            if image.size != (28, 28):
                width, height = image.size
                raise DataError(f"a picture of {width} x {height} pixels, where 28 x 28 was expected.")
            return np.asarray(image.convert("L"))
    except DataError:
        raise
    except UnidentifiedImageError as error:
        raise DataError("a picture is neither PNG nor JPEG.") from error
    except Exception as error:  # damaged bytes raise nearly anything on their way through Pillow
        raise DataError("a picture is damaged.") from error


def _bound() -> None:
    """Have the system enforce limits on files (POSIX) and memory (Linux only)."""
    if sys.platform != "win32":
        import resource

        for kind, most in ((resource.RLIMIT_FSIZE, MAX_FILE_BYTES), (resource.RLIMIT_DATA, MAX_MEMORY_BYTES)):
            hard = resource.getrlimit(kind)[1]
            with suppress(OSError, ValueError):
                resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _confine(places: Iterable[str]) -> None:
    """From now on Python writes nowhere else: the hub supplies file names (ETag), and the library trusts them."""
    allowed = [os.path.realpath(place) for place in places]
    written = {"open": 0, "os.rename": 1, "os.link": 1, "os.symlink": 1}  # which argument is written to

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in written or (event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
            return
        name = arguments[written[event]]
        if not isinstance(name, int):  # a file descriptor
            path = Path(os.path.realpath(os.fsdecode(name)))
            if not any(path.is_relative_to(place) for place in allowed):
                raise PermissionError(errno.EACCES, OUTSIDE, str(path))

    sys.addaudithook(watch)


def _main(repository: str, target: str) -> int:
    """Fetch and save; returns the exit status."""
    try:
        if not _offline():
            try:
                _reach(os.environ.get("HF_ENDPOINT", DEFAULT_ENDPOINT))
            except OSError:
                os.environ["HF_HUB_OFFLINE"] = "1"
        import datasets
        from huggingface_hub.constants import HF_HUB_CACHE

        names = (f"datasets--{repository.replace('/', '--')}", ".locks", "CACHEDIR.TAG")
        cache = [str(datasets.config.HF_DATASETS_CACHE), *(os.path.join(HF_HUB_CACHE, name) for name in names)]
        _confine([*cache, os.path.dirname(target), os.devnull])
        _bound()
        arrays: dict[str, Any] = fetch(repository)
        with open(target, "wb") as file:
            np.savez(file, **arrays)
    except Exception as error:
        print(_reason(error), file=sys.stderr)
        return 1
    return 0


def _reason(error: BaseException) -> str:
    """The error in one line for the user."""
    if _offline() and isinstance(error, (ConnectionError, FileNotFoundError)):
        return "the hub cannot be reached and there is no copy in the cache."
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror == OUTSIDE:
            return f"{OUTSIDE}."
        if isinstance(cause, MemoryError) or (isinstance(cause, OSError) and cause.errno == errno.EFBIG):
            return "it is too large."
        cause = cause.__cause__ or cause.__context__
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
