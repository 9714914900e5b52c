"""Tables in one array: records with named fields, as in NumPy and PyTables, or numbers in named columns, as in pandas.

Columns for single pixels become pictures, and what is called a label becomes an array of its own.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.pairing import ROW_NUMBER_NAMES, in_order, is_called_label
from minigrad_gui.data.stored import FEWEST_SIDE_PX, Array


def fields_of(name: str, array: Array) -> dict[str, Array]:
    """An array by its name, or the fields of one of records by both names; many single numbers as NAME/pixels."""
    if array.dtype.names is None or array.dtype.hasobject:
        return {name: array}
    kinds = {field: array.dtype[field] for field in array.dtype.names if field.lower() not in ROW_NUMBER_NAMES}
    pixels = [field for field, kind in kinds.items() if kind.kind in "buif" and not is_called_label(field)]
    pixels = [pixels[at] for at in in_order(pixels)] if len(pixels) >= FEWEST_SIDE_PX**2 else []
    others = kinds.keys() - set(pixels)
    found = {
        f"{name}/{field}": Array((*array.shape, *kind.shape), kind.base, partial(_field, array, field))
        for field, kind in kinds.items()
        if field in others
    }
    if pixels:
        dtype = np.result_type(*(kinds[field] for field in pixels))
        found[f"{name}/pixels"] = Array((*array.shape, len(pixels)), dtype, partial(_side_by_side, array, pixels))
    return found


def columns_of(name: str, array: Array, columns: Sequence[str]) -> dict[str, Array]:
    """An array (N, C) whose columns are called so: what is called a label alone, NAME/COLUMN, and the rest together.

    That is NAME/pixels if it is of many columns; those that count the rows are left out. Labels only may be one-hot.
    """
    labels = {at: column for at, column in enumerate(columns) if is_called_label(column)}
    if len(labels) == len(columns):
        return {f"{name}/label": array}
    rest = [at for at, column in enumerate(columns) if at not in labels and column.lower() not in ROW_NUMBER_NAMES]
    names = [columns[at] for at in rest]
    called = " ".join(names)
    if len(rest) >= FEWEST_SIDE_PX**2:
        rest, called = [rest[at] for at in in_order(names)], "pixels"
    found = {f"{name}/{column}": _columns(array, [at]) for at, column in labels.items()}
    return found | {f"{name}/{called}": _columns(array, rest)} if rest else found


def _field(array: Array, field: str) -> Iterator[NDArray[Any]]:
    return (block[field] for block in array.blocks())


def _side_by_side(array: Array, fields: Sequence[str]) -> Iterator[NDArray[Any]]:
    return (np.stack([block[field] for field in fields], axis=-1) for block in array.blocks())


def _columns(array: Array, places: Sequence[int]) -> Array:
    if list(places) == list(range(array.shape[1])):
        return array
    return Array((array.shape[0], len(places)), array.dtype, lambda: (block[:, places] for block in array.blocks()))
