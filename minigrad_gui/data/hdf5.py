"""HDF5, if `h5py` is installed: usps.h5, and MATLAB's files of version 7.3."""

import os
from collections.abc import Mapping, Set
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data import hdf5_child, matlab
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.guarded import read_guarded
from minigrad_gui.data.hdf5_child import IS_OBJECT, PROPERTIES, SIGNATURE
from minigrad_gui.data.matlab_objects import Objects
from minigrad_gui.data.pairing import pair_files, pair_up
from minigrad_gui.data.siblings import Files
from minigrad_gui.data.stored import Array, Found

MAX_ARRAYS = 64
USER_BLOCK_BYTES = 512
"""What may come before HDF5: so many bytes, or that doubled some times."""


def recognises(start: bytes) -> bool:
    return start.startswith(hdf5_child.SIGNATURE) or matlab.is_hdf5(start)


def recognises_later(path: Path) -> bool:
    """Whether HDF5 begins after a user block, as in Julia's .jld2.

    A tar that begins with an HDF5 file looks like that, too.
    """
    with open(path, "rb") as file:
        size, at = file.seek(0, os.SEEK_END), USER_BLOCK_BYTES
        while at < size:
            file.seek(at)
            if file.read(len(SIGNATURE)) == SIGNATURE:
                return True
            at *= 2
    return False


def read(files: Files) -> Found:
    """The dataset of HDF5 files. Raises DataError if `h5py` is missing."""
    return pair_files(files, _arrays_in, _paired)


def _arrays_in(path: Path) -> dict[str, Array]:
    if find_spec("h5py") is None:
        raise DataError("reading HDF5 takes the package h5py.")
    held = read_guarded(hdf5_child.__file__, path)
    arrays = _with_labels_of_objects(held.arrays, {name for name in held.about if IS_OBJECT in held.about[name]})
    if len(arrays) > MAX_ARRAYS:
        raise DataError(f"it holds more than {MAX_ARRAYS} arrays.")
    return arrays


def _paired(arrays: Mapping[str, Array]) -> Found:
    known = {name: array for name, array in arrays.items() if not name.endswith("mapping")}
    mapping = next((arrays[name].whole() for name in arrays if name.endswith("mapping")), None)
    found = pair_up(known)
    is_emnist = any(name.endswith("writers") for name in known)
    labelled = matlab.class_names(mapping.T.astype(np.int64)) if mapping is not None else None
    return Found(found.train, found.test, labelled, "transposed" if is_emnist else None, remarks=found.remarks)


def _with_labels_of_objects(arrays: Mapping[str, Array], objects: Set[str]) -> dict[str, Array]:
    """The arrays without those that are about MATLAB's objects, but with the texts of these, if they can be labels."""
    found = {name: array for name, array in arrays.items() if not name.startswith(PROPERTIES) and name not in objects}

    def numbers(cell: int) -> NDArray[Any]:
        return arrays[f"{PROPERTIES}/{cell}"].whole()

    def texts(cell: int) -> list[str]:
        return [text.decode() for text in numbers(cell).tolist()]

    if f"{PROPERTIES}/0" in arrays:
        known = Objects(numbers(0).tobytes(), "little", numbers, texts)
        labels = {name: known.labels(arrays[name].whole()) for name in objects & arrays.keys()}
        found |= {name: array for name, array in labels.items() if array is not None}
    return found
