"""MATLAB's .mat of versions 4 to 7: EMNIST, SVHN, USPS and MNIST as they were published.

MATLAB stores arrays column by column and likes to count samples in the last dimension. Files of version 7.3 are HDF5.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data import matlab_4_file, matlab_file
from minigrad_gui.data.columns import Columns
from minigrad_gui.data.labelling import MAX_CLASSES
from minigrad_gui.data.matlab_file import HEADER_BYTES
from minigrad_gui.data.pairing import in_splits, kind_of, pair_files, pair_up, split_of
from minigrad_gui.data.siblings import Files
from minigrad_gui.data.stored import Array, Found, Samples, as_pictures, samples_of
from minigrad_gui.data.streams import open_plain

OWN_HEADER = b"MATLAB 5.0 MAT-file,"
"""What MATLAB and Octave write; SciPy's has no comma here."""
CLASS_IN_NAME = re.compile(r"(.*?)_?(\d)")
USPS_LABELS = (*range(1, 10), 10)


def is_hdf5(start: bytes) -> bool:
    """Whether a .mat file that begins so is of version 7.3, by text or number: mat-io 1.0 writes 5.0 as the text."""
    number = {b"IM": start[125:126], b"MI": start[124:125]}.get(start[126:HEADER_BYTES])
    return start.startswith(b"MATLAB 7.3") or (start.startswith(b"MATLAB ") and number == b"\2")


def recognises(start: bytes) -> bool:
    is_5 = start.startswith(b"MATLAB 5.0 MAT-file") and not is_hdf5(start)
    return is_5 or matlab_4_file.recognises(start)


def read(files: Files) -> Found:
    """The dataset of .mat files."""
    if len(files) == 1 and (found := _special(*map(_arrays_in, files.values()))) is not None:
        return found
    with open_plain(next(iter(files.values()))) as file:
        is_own = file.read(HEADER_BYTES).startswith(OWN_HEADER)
    return pair_files(files, lambda file: upright(_arrays_in(file)), partial(_paired, is_own=is_own))


def _arrays_in(path: Path) -> Mapping[str, Columns | Array]:
    with open_plain(path) as file:
        is_old = matlab_4_file.recognises(file.read(HEADER_BYTES))
    return matlab_4_file.arrays_in(path) if is_old else matlab_file.arrays_in(path)


def _special(arrays: Mapping[str, Columns | Array]) -> Found | None:
    """USPS as Sam Roweis published it, or arrays named after their classes, as train0 to train9."""
    numbers = {name: array for name, array in arrays.items() if isinstance(array, Columns)}
    if len(numbers) < len(arrays):
        return None
    (first, *others) = numbers.values() or (None,)
    if first and not others and len(first.shape) == 3 and first.shape[2] == len(USPS_LABELS):
        pixels, count, classes = first.shape
        pictures = replace(first, shape=(pixels, count * classes)).last_first()
        return Found([samples_of(pictures, Array.of(np.repeat(USPS_LABELS, count)))], labels="10 is zero")
    matches = [CLASS_IN_NAME.fullmatch(name) for name in numbers]
    if not others or not all(match and len(numbers[match[0]].shape) == 2 for match in matches):
        return None
    splits: dict[str, list[Samples]] = {}
    for match, array in zip(matches, upright(numbers).values(), strict=True):
        assert match
        labels = np.repeat(int(match[2]), array.shape[0])
        splits.setdefault(split_of(match[1]) or "train", []).append(Samples(as_pictures(array), labels))
    return in_splits(splits, [])


def _paired(arrays: Mapping[str, Array], *, is_own: bool) -> Found:
    """The dataset in arrays. is_own: MATLAB wrote them, so that pictures in rows of numbers are column after column."""
    mapping = next((array for name, array in arrays.items() if name.endswith("mapping")), None)
    arrays = {name: array for name, array in arrays.items() if not name.endswith("mapping")}
    found = pair_up(arrays)
    is_svhn = any(len(array.shape) == 4 for array in arrays.values())
    is_emnist = any(name.endswith("writers") for name in arrays)
    in_rows = any(len(array.shape) == 2 and kind_of(name, array) == "pictures" for name, array in arrays.items())
    return replace(
        found,
        class_names=None if mapping is None else class_names(mapping.whole()),
        orientation="transposed" if is_emnist or (is_own and in_rows) else None,
        labels="10 is zero" if is_svhn else None,
    )


def class_names(mapping: NDArray[Any]) -> dict[int, str] | None:
    """EMNIST's names of labels: rows of a label and the character codes it stands for."""
    if (
        mapping.ndim != 2
        or mapping.shape[1] < 2
        or mapping.dtype.kind not in "iu"
        or not 1 < len(mapping) <= MAX_CLASSES
    ):
        return None
    return {int(row[0]): chr(int(row[1])) for row in mapping if 32 < row[1] < 127}


def upright(arrays: Mapping[str, Columns | Array]) -> dict[str, Array]:
    """The arrays with samples in the first dimension: that is the dimension as long as an array of labels.

    Without labels, it is the last one of square pictures. An `Array` already is so, and as long as there are labels.
    """
    counts = {each.shape[0] for each in arrays.values() if isinstance(each, Array) or len(each.shape) == 1}
    turned = {}
    for name, each in arrays.items():
        if isinstance(each, Array):
            turned[name] = each
            continue
        is_square = not counts and len(each.shape) == 3 and each.shape[0] == each.shape[1]
        is_last = len(each.shape) > 1 and each.shape[0] not in counts and each.shape[-1] in counts
        turned[name] = each.last_first() if is_square or is_last else each.as_it_is()
    return turned
