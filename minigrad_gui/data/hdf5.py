"""HDF5, if `h5py` is installed: usps.h5, and MATLAB's files of version 7.3."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from minigrad_gui.data import hdf5_child
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.guarded import read_guarded
from minigrad_gui.data.matlab import class_names
from minigrad_gui.data.pairing import pair_up
from minigrad_gui.data.stored import Found

MAX_ARRAYS = 64


def recognises(start: bytes) -> bool:
    return start.startswith((hdf5_child.SIGNATURE, hdf5_child.MATLAB_HEADER))


def read(path: Path) -> Found:
    """The dataset of an HDF5 file. Raises DataError if `h5py` is missing."""
    if find_spec("h5py") is None:
        raise DataError("reading HDF5 takes the package h5py.")
    arrays = read_guarded(hdf5_child.__file__, path).arrays
    if len(arrays) > MAX_ARRAYS:
        raise DataError(f"it holds more than {MAX_ARRAYS} arrays.")
    known = {name: array for name, array in arrays.items() if not name.endswith("mapping")}
    mapping = next((arrays[name].whole() for name in arrays if name.endswith("mapping")), None)
    found = pair_up(known)
    is_emnist = any(name.endswith("writers") for name in known)
    labelled = class_names(mapping.T.astype(np.int64)) if mapping is not None else None
    return Found(found.train, found.test, labelled, "transposed" if is_emnist else None, remarks=found.remarks)
