"""A dataset from one process to another, through a file: its arrays, the names of its classes, and its origin.

The process that writes has read untrusted files, so that what it says is checked like any file.
"""

import json
import zipfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from minigrad_gui.data.choices import Choices, Origin
from minigrad_gui.data.dataset import ARRAYS, DataError, Dataset, read_arrays
from minigrad_gui.data.labelling import MAX_CLASSES, shown

MAX_ARRAY_BYTES = 1 << 30
"""More than a million pictures."""
MAX_TEXT_BYTES = 1 << 16
MAX_REMARKS, MAX_REMARK_CHARS = 20, 500
ABOUT = "about.json"


def write_dataset(path: Path, dataset: Dataset) -> None:
    """Write an .npz file with a page of JSON in it. Raises OSError."""
    about = {"class_names": dataset.class_names, "origin": dataset.origin and asdict(dataset.origin)}
    with zipfile.ZipFile(path, "w") as archive:
        for key in ARRAYS:
            with archive.open(f"{key}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, getattr(dataset, key), allow_pickle=False)
        archive.writestr(ABOUT, json.dumps(about))


def read_dataset(path: Path, name: str) -> Dataset:
    """What `write_dataset` wrote. Raises DataError for unsuitable arrays or text, almost anything for damage."""
    with zipfile.ZipFile(path) as archive:
        if archive.getinfo(ABOUT).file_size > MAX_TEXT_BYTES:
            raise DataError("its description is too long.")
        about: dict[str, Any] = json.loads(archive.read(ABOUT))
    names = tuple(shown(str(each)) for each in about["class_names"])
    if not 1 < len(names) <= MAX_CLASSES:
        raise DataError(f"it has {len(names)} classes.")
    return replace(read_arrays(path, name, names, MAX_ARRAY_BYTES), origin=_origin(about["origin"], names))


def _origin(told: dict[str, Any], names: tuple[str, ...]) -> Origin:
    choices = Choices(**{**told["choices"], "class_names": names})
    remarks = [_printable(str(remark)) for remark in told["remarks"][:MAX_REMARKS]]
    size = told.get("size_px")
    size_px = None if size is None else (int(size[0]), int(size[1]))
    return Origin(_printable(str(told["format"])), choices, tuple(remarks), size_px)


def _printable(text: str) -> str:
    return "".join(character for character in text[:MAX_REMARK_CHARS] if character.isprintable())
