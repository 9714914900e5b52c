"""Folders of Parquet files that are parts of one dataset, as pandas, DuckDB, fastparquet, Dask and Spark write them.

The names of folders within may hold a column, whose values the files do not have: label=7/data_0.parquet.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

from minigrad_gui.data.cancelling import check_cancelled
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.label_tables import is_called_class
from minigrad_gui.data.pairing import SPLIT_WORDS
from minigrad_gui.data.parquet import column_names, read_files
from minigrad_gui.data.siblings import Files, visible
from minigrad_gui.data.stored import Found

SUFFIXES = (".parquet", ".parq", ".pq")
METADATA = ("_metadata", "_common_metadata")
MARKS = (*METADATA, "_SUCCESS")
DELTA = "_delta_log"
OTHER_SUFFIXES = (".md", ".yaml", ".yml")
PART = re.compile(r"part[-._]\d+.*", re.IGNORECASE)
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
MAX_PARTS = 1000


@dataclass(frozen=True)
class _Part:
    """A file, its split, and the values of the columns that its folders' names hold."""

    path: Path
    split: str
    values: Mapping[str, str]


def recognises(folder: Path) -> bool:
    """Whether a folder holds the parts of one dataset, and nothing else. Raises DataError for a Delta table."""
    return _parts_in(folder) is not None


def read(opened: Files) -> Found:
    """The dataset in a folder of parts. Raises DataError if it is not clear what the labels are."""
    (folder,) = opened.values()
    parts = _parts_in(folder)
    if not parts:
        raise DataError("it does not hold the parts of one dataset.")
    columns = column_names(parts[0].path)
    keys = [key for key in parts[0].values if key not in columns]
    labels = list(filter(is_called_class, keys))
    if not labels:
        try:
            return _found(parts, keys)
        except DataError:
            if len(keys) != 1:
                raise
        labels = keys
    if len(labels) > 1:
        raise DataError(f"it is not clear which of its folders' {', '.join(labels)} are the labels.")
    return _found(parts, keys, labels[0])


def _found(parts: list[_Part], keys: list[str], label: str | None = None) -> Found:
    files: dict[str, list[Path]] = {}
    for part in parts:
        files.setdefault(part.split, []).append(part.path)
    found = read_files(files, {part.path: part.values[label] for part in parts} if label else {})
    joined = [f"Its {len(parts):,} files are the parts of one dataset."]
    told = [f"Its labels are what its folders' names say of “{label}”."] if label else []
    others = [key for key in keys if key != label]
    left_out = [f"What its folders' names say of {', '.join(others)} is left out."] if others else []
    return replace(found, remarks=[*joined, *told, *left_out, *found.remarks])


def _parts_in(folder: Path) -> list[_Part] | None:
    """The parts in a folder; None if there are other files, or the parts are not those of one dataset."""
    parts: list[_Part] = []
    places, is_marked = set(), False
    for path in _files_in(folder):
        if path.name.startswith("_"):
            is_marked = is_marked or path.name in MARKS
        elif path.suffix.lower() in SUFFIXES and len(parts) < MAX_PARTS:
            names = path.relative_to(folder).parts[:-1]
            values = dict(_value_in(name) for name in names if "=" in name)
            is_marked = is_marked or bool(values)
            splits = [SPLIT_WORDS[each.lower()] for each in (*names, *values.values()) if each.lower() in SPLIT_WORDS]
            places.add(tuple(name for name in names if "=" not in name and name.lower() not in SPLIT_WORDS))
            values = {key: value for key, value in values.items() if value.lower() not in SPLIT_WORDS}
            parts.append(_Part(path, splits[-1] if splits else "train", values))
        elif path.suffix.lower() not in OTHER_SUFFIXES:
            return None
    if not parts or len(places) > 1 or any(part.values.keys() != parts[0].values.keys() for part in parts):
        return None
    return parts if is_marked or all(PART.fullmatch(part.path.name) for part in parts) else None


def _files_in(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        if DELTA in folders:
            raise DataError("it is a Delta table, of which some files may no longer count; write it as Parquet.")
        folders[:] = sorted(name for name in folders if visible(Path(name)))
        for name in sorted(files):
            check_cancelled()
            if visible(Path(name)):
                yield Path(root, name)


def _value_in(name: str) -> tuple[str, str]:
    key, _, value = name.partition("=")
    return unquote(key), "" if value == NO_VALUE else unquote(value)
