"""HDF5, if `h5py` is installed: usps.h5, tables of PyTables and pandas, and MATLAB's files of version 7.3."""

import os
import re
from collections.abc import Mapping, Set
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data import hdf5_child, matlab
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.fields import columns_of, fields_of
from minigrad_gui.data.guarded import MAX_BYTES, read_guarded
from minigrad_gui.data.hdf5_child import CLASS, COLUMN_NAMES, FRAME, IS_OBJECT, PROPERTIES, SIGNATURE, UNREAD
from minigrad_gui.data.matlab_objects import Objects
from minigrad_gui.data.pairing import pair_files, pair_up, split_of
from minigrad_gui.data.siblings import Files
from minigrad_gui.data.stored import Array, Found
from minigrad_gui.data.streams import TemporaryFolder, plain_file

MAX_ARRAYS = 64
BLOCK = re.compile(r"(.*)/(block\d+)_values")
"""Columns of one type in a table of pandas in the form “fixed”."""
PARTS_OF_TABLE = re.compile(r"block\d+_values|table|values")
"""What else than numbers and names of rows and columns pandas has in the group of a table, or of a single column."""
OF_UNNAMED = re.compile(r".*/table/values_block_\d+")
"""Columns of one type in the form “table”; their names are pickled."""
CATEGORIES = re.compile(r"(.*)/meta/(.*)/meta/table/values")
"""Where pandas has the names of the categories that are the numbers in a field of GROUP/table."""
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
    """The dataset of HDF5 files. Raises DataError if `h5py` is missing, also because what is missing is not read."""
    unread: dict[str, str] = {}
    try:
        return pair_files(files, partial(_arrays_in, unread=unread), _paired)
    except DataError as error:
        if not unread:
            raise
        name, reason = next(iter(unread.items()))
        raise DataError(f"{str(error).removesuffix('.')}; “{name}” {reason}") from error


def _arrays_in(path: Path, unread: dict[str, str]) -> dict[str, Array]:
    """The arrays in a file. unread: gets those that are not read, and why."""
    if find_spec("h5py") is None:
        raise DataError("reading HDF5 takes the package h5py.")
    folder = TemporaryFolder()
    held = read_guarded(hdf5_child.__file__, plain_file(path, folder, MAX_BYTES))
    if UNREAD in held.about[""]:
        raise DataError(f"it {held.about[''][UNREAD]}")
    unread |= {name: of_node[UNREAD] for name, of_node in held.about.items() if UNREAD in of_node}
    arrays = _with_labels_of_objects(held.arrays, {name for name in held.about if IS_OBJECT in held.about[name]})
    arrays = _columns(arrays, {name for name in held.about if FRAME in held.about[name]})
    arrays = {part: each for name, array in arrays.items() for part, each in fields_of(name, array).items()}
    arrays = _with_categories(arrays)
    if len(arrays) > MAX_ARRAYS:
        raise DataError(f"it holds more than {MAX_ARRAYS} arrays.")
    return arrays


def _paired(arrays: Mapping[str, Array]) -> Found:
    known = {name: array for name, array in arrays.items() if not name.endswith("mapping")}
    mapping = next((arrays[name].whole() for name in arrays if name.endswith("mapping")), None)
    by_group = [name for name in known if name.endswith(CLASS)]
    if any(map(split_of, {name for each in by_group for name in _texts(np.unique(known[each].whole()))})):
        raise DataError("its pictures have no labels.")  # but are in groups that are called so for what they are for
    found = pair_up(known)
    remarks = [*found.remarks, *(["Its groups are taken for its classes."] if by_group else [])]
    if any(OF_UNNAMED.fullmatch(name) and len(array.shape) > 1 and array.shape[1] > 1 for name, array in known.items()):
        remarks.append("Its pixels are in the order in which they are stored, as pandas' names of them are not read.")
    is_emnist = any(name.endswith("writers") for name in known)
    labelled = matlab.class_names(mapping.T.astype(np.int64)) if mapping is not None else None
    return Found(found.train, found.test, labelled, "transposed" if is_emnist else None, remarks=remarks)


def _columns(arrays: Mapping[str, Array], frames: Set[str]) -> dict[str, Array]:
    """The arrays with the columns of pandas' tables, which are in these groups, by their names.

    Raises DataError if the pixels of a table are of several types, so that their order is not known.
    """
    found: dict[str, Array] = {}
    for name, array in arrays.items():
        frame = max((frame for frame in frames if name.startswith(f"{frame}/")), key=len, default=None)
        if frame is not None and not PARTS_OF_TABLE.fullmatch(name.removeprefix(f"{frame}/")):
            continue
        block = BLOCK.fullmatch(name) if frame is not None else None
        names = arrays.get(f"{block[1]}/{block[2]}{COLUMN_NAMES}") if block else None
        if block is None or names is None or len(array.shape) != 2 or names.shape != array.shape[1:]:
            found[name] = array
            continue
        columns = columns_of(block[1], array, _texts(names.whole()))
        if not found.keys().isdisjoint(columns):
            raise DataError(
                "its columns of pixels are of several types; give them one with `astype` and save it again."
            )
        found |= columns
    return found


def _with_categories(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays with the names of pandas' categories in place of their numbers. Raises DataError if one is missing."""
    found = {name: array for name, array in arrays.items() if not CATEGORIES.fullmatch(name)}
    for match in filter(None, map(CATEGORIES.fullmatch, arrays)):
        numbers = found.get(field := f"{match[1]}/table/{match[2]}")
        if numbers is not None and numbers.shape[1:] in ((), (1,)):
            names, places = arrays[match[0]].whole(), numbers.whole()
            if not np.isin(places, np.arange(len(names))).all():
                raise DataError("a label is missing.")
            found[field] = Array.of(names[places])
    return found


def _texts(names: NDArray[Any]) -> list[str]:
    return [name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in names.tolist()]


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
