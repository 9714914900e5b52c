"""Parquet as the Hugging Face hub holds it, and Arrow files as `datasets` saves them: pictures and labels in columns.

A picture is a file in bytes, rows of numbers, or a number in each of many columns, as OpenML has them. The names of
classes are in the schema's metadata.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui import process
from minigrad_gui.data.cancelling import check_cancelled
from minigrad_gui.data.columns import PixelColumns
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.label_tables import is_called_class
from minigrad_gui.data.labelling import MAX_CLASSES
from minigrad_gui.data.pairing import (
    LABEL_WORDS,
    PICTURE_WORDS,
    ROW_NUMBER_NAMES,
    in_order,
    in_splits,
    is_called_label,
    pair_up,
    split_of,
)
from minigrad_gui.data.siblings import Files
from minigrad_gui.data.stored import (
    FEWEST_SIDE_PX,
    Array,
    Found,
    Pictures,
    Samples,
    check_count,
    picture_in,
    picture_of,
)

PARQUET_MAGIC, ARROW_MAGIC = b"PAR1", b"ARROW1"
ARROW_STREAM_MAGIC = b"\xff\xff\xff\xff"
ROWS_AT_ONCE, ROWS_OF_NUMBERS = 128, 1 << 14
READ_BYTES = 1 << 16
NESTED = 3
PANDAS_INDEX = "__index_level_0__"
SPLITS, STATE, INFO = "dataset_dict.json", "state.json", "dataset_info.json"
"""What folders that `datasets` saved have beside the Arrow files: the names of the splits, each in a folder of its own;
the names of the files of a split, beside which others may be left over, as cache-*.arrow; what the schema says, too."""
UNLABELLED = -1
"""What `datasets` writes for a label that is kept secret."""


@dataclass(frozen=True)
class Table:
    """A file's schema and number of rows, and `columns(names, rows)`: columns, each in parts of at most so many rows.

    The parts of a column are to be read before the next column. label: of all rows, if it is not in the file.
    """

    schema: Any
    count: int
    columns: Callable[[list[str], int], Iterator[Iterator[Any]]]
    label: str | None = None


def recognises(start: bytes) -> bool:
    return start.startswith((PARQUET_MAGIC, ARROW_MAGIC, ARROW_STREAM_MAGIC))


def read(files: Files) -> Found:
    """The dataset of Parquet or Arrow files, each a split or a part of one."""
    splits: dict[str, list[Path]] = {}
    for name, file in files.items():
        if any(is_called_class(key) and key not in column_names(file) for key in _keys_above(file)):
            raise DataError("its label is in the name of its folder; open the folder above.")
        splits.setdefault(split_of(name) or "train", []).append(file)
    return read_files(splits)


def _keys_above(path: Path) -> list[str]:
    """What the names of its folders are values of, in parts of a dataset: label=7/data_0.parquet."""
    return [folder.partition("=")[0] for folder in path.absolute().parts[:-1] if "=" in folder]


def is_saved(folder: Path) -> bool:
    """Whether `datasets` saved this folder, by `save_to_disk`."""
    return (folder / SPLITS).is_file() or all((folder / name).is_file() for name in (STATE, INFO))


def read_saved(opened: Files) -> Found:
    """The dataset of a folder that `datasets` saved."""
    (folder,) = opened.values()
    splits = _listed(folder / SPLITS, "splits") if (folder / SPLITS).is_file() else [""]
    return read_files({split or "train": _saved_files(folder / split) for split in splits})


def _saved_files(folder: Path) -> list[Path]:
    return [folder / name for name in _listed(folder / STATE, "_data_files", "filename")]


def _listed(path: Path, key: str, field: str = "") -> list[str]:
    """Names of files or folders beside a JSON file, which it lists. Raises DataError if it lists anything else."""
    try:
        entries = json.loads(path.read_bytes())[key]
        names = [entry[field] if field else entry for entry in entries]
        if names and all(name and Path(name).name == name for name in names):
            return names
    except (KeyError, TypeError, ValueError, RecursionError):
        pass
    raise DataError(f"{path.name} is damaged.")


def column_names(path: Path) -> list[str]:
    """The columns of a Parquet or Arrow file."""
    return list(_opened(path).schema.names)


def read_files(files: Mapping[str, Sequence[Path]], labels: Mapping[Path, str] = MappingProxyType({})) -> Found:
    """The dataset whose splits are in these files; the names of the splits contain "train", "test" and the like.

    labels: of all rows of files that do not hold them.
    """
    splits: dict[str, list[Samples]] = {}
    remarks = []
    tables = {split: [_opened(part, labels.get(part)) for part in parts] for split, parts in files.items()}
    tables = {split: [table for table in parts if table.count] for split, parts in tables.items()}
    known = [_class_names(table.schema) for parts in tables.values() for table in parts]
    differ = any(each != known[0] for each in known)  # then the numbers mean nothing without their own names
    names = known[0] if known and not differ else None
    for split, parts in tables.items():
        samples = [_samples(table) for table in parts]
        if samples and any(known) and all((each.labels == UNLABELLED).all() for each in samples):
            remarks.append(f"The pictures “{split}” have no labels and are left out.")
            continue
        if differ:
            samples = [_named(each, _class_names(table.schema)) for each, table in zip(samples, parts, strict=True)]
        if samples:
            splits.setdefault(split_of(split) or "train", []).extend(samples)
    if not splits:
        raise DataError("it holds no pictures.")
    return replace(in_splits(splits, remarks), class_names=names)


def _named(samples: Samples, names: Mapping[int, str] | None) -> Samples:
    """The samples with the names of their classes as labels. Raises DataError for labels without a name."""
    values, places = np.unique(samples.labels, return_inverse=True)
    if names is None:
        return samples
    if any(value not in names for value in values.tolist()):
        raise DataError("a label has no name.")
    return replace(samples, labels=np.array([names[value] for value in values.tolist()])[places])


def _opened(path: Path, label: str | None = None) -> Table:
    check_cancelled()
    process.load_arrow()
    with open(path, "rb") as file:
        start = file.read(6)
    table = _open_parquet(path) if start.startswith(PARQUET_MAGIC) else _open_arrow(path, start)
    return replace(table, label=label)


def _open_parquet(path: Path) -> Table:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        schema, metadata = file.schema_arrow, file.metadata

    def columns(names: list[str], rows: int) -> Iterator[Iterator[Any]]:
        # By default, all of a column would be read ahead, and stay in memory.
        with pq.ParquetFile(path, metadata=metadata, buffer_size=READ_BYTES, pre_buffer=False) as file:
            for name in names:
                batches = file.iter_batches(rows, columns=[name], use_threads=False)
                yield (batch.column(name) for batch in batches)

    return Table(schema, metadata.num_rows, columns)


def _open_arrow(path: Path, start: bytes) -> Table:
    import pyarrow as pa

    def opened(source: Any, *fields: int) -> tuple[Any, Iterator[Any]]:
        """Its schema and batches, with these fields only (none: all of them)."""
        options = pa.ipc.IpcReadOptions(included_fields=list(fields))
        source.seek(0)
        if start.startswith(ARROW_MAGIC):
            reader = pa.ipc.open_file(source, options=options)
            return reader.schema, (reader.get_batch(index) for index in range(reader.num_record_batches))
        reader = pa.ipc.open_stream(source, options=options)
        return reader.schema, iter(reader)

    def parts(source: Any, name: str, rows: int) -> Iterator[Any]:
        for batch in opened(source, schema.get_field_index(name))[1]:
            batch.validate(full=True)  # its offsets may point anywhere
            for at in range(0, batch.num_rows, rows):
                yield batch.column(0).slice(at, rows)

    def columns(names: list[str], rows: int) -> Iterator[Iterator[Any]]:
        with pa.memory_map(str(path)) as source:
            for name in names:
                yield parts(source, name, rows)

    with pa.memory_map(str(path)) as source:
        schema = opened(source)[0]
        count = sum(batch.num_rows for batch in opened(source, 0)[1])
    return Table(schema, count, columns)


def _samples(table: Table) -> Samples:
    check_count(table.count)
    if not any(_holds_pictures(field.type) for field in table.schema) and (pixels := _pixel_columns(table)):
        return _of_pixels(table, pixels)
    in_json = all(not _holds_pictures(field.type) for field in table.schema) and any(map(_is_json, table.schema.types))
    picture = _column(table, PICTURE_WORDS, _is_json if in_json else _holds_pictures, "pictures")
    labels = _given(table)
    if labels is None:
        labels = _labels_in(table, _column(table, LABEL_WORDS, _holds_labels, "labels"))
    encoded = not in_json and not _is_list(_storage(table.schema.field(picture).type))
    blocks = partial(_blocks, table, picture)
    return Samples(Pictures(table.count, blocks, are_encoded=encoded, are_slow=True), labels)


def _given(table: Table) -> NDArray[Any] | None:
    return None if table.label is None else np.repeat([table.label], table.count)


def _labels_in(table: Table, column: str) -> NDArray[Any]:
    found = []
    for parts in table.columns([column], ROWS_AT_ONCE):
        for part in parts:
            check_cancelled()
            found.append(_labels(part))
    labels = np.concatenate(found)
    if len(labels) != table.count:
        raise DataError("it does not hold as many rows as it says.")
    return labels


def _pixel_columns(table: Table) -> list[str]:
    """The columns of numbers, if they are so many that each may be a pixel; not those that count the rows."""
    names = [field.name for field in table.schema if _holds_numbers(field.type)]
    names = [name for name in names if name.lower() not in (*ROW_NUMBER_NAMES, PANDAS_INDEX)]
    return names if len(names) >= FEWEST_SIDE_PX**2 else []


def _of_pixels(table: Table, pixels: list[str]) -> Samples:
    """The pictures of a table with a column for each pixel. The label is named, or in the first or last column."""
    texts = [field.name for field in table.schema if _holds_labels(field.type) and not _holds_numbers(field.type)]
    named = [name for name in (*texts, *pixels) if is_called_label(name)]
    labels = named if len(named) == 1 else texts
    if (given := _given(table)) is not None:
        labels = []
    if len(labels) > 1:
        raise DataError(f"it is not clear which of {', '.join(labels[:5])} are the labels.")
    columns, pixels = PixelColumns(), [name for name in pixels if name not in labels]
    for parts in table.columns([pixels[at] for at in in_order(pixels)], ROWS_OF_NUMBERS):
        if not columns.add(np.concatenate([_pixels(part) for part in parts])):
            raise DataError("its columns have different rows.")
    arrays = {"pictures": columns.as_array()}
    if labels:
        given = _labels_in(table, labels[0])
    if given is not None:
        arrays["labels"] = Array.of(given)
    return pair_up(arrays).train[0]


def _pixels(column: Any) -> NDArray[Any]:
    if column.null_count:
        raise DataError("a pixel is missing.")
    return _array(column)


def _column(table: Table, words: tuple[str, ...], suits: Callable[[Any], bool], what: str) -> str:
    """The column of pictures or labels: the only one that can be, or the first of those with a usual name."""
    fitting = [field.name for field in table.schema if suits(field.type)]
    usual = [name for name in fitting if name.lower() in words]
    if len(fitting) == 1 or usual:
        return str((usual or fitting)[0])
    if not fitting:
        raise DataError(f"it has no column of {what}.")
    raise DataError(f"it is not clear which of {', '.join(fitting[:5])} are the {what}.")


def _storage(kind: Any) -> Any:
    """The type that an extension type, such as `datasets`' Array2D, is stored as."""
    return getattr(kind, "storage_type", kind)


def _is_list(kind: Any) -> bool:
    import pyarrow.types as pt

    return bool(pt.is_list(kind) or pt.is_fixed_size_list(kind) or pt.is_large_list(kind))


def _is_json(kind: Any) -> bool:
    """Whether cells are texts of JSON, as which fastparquet writes lists."""
    return getattr(kind, "extension_name", "") == "arrow.json"


def _holds_pictures(kind: Any) -> bool:
    import pyarrow.types as pt

    kind = _storage(kind)
    if pt.is_struct(kind):
        return any(kind.field(at).name == "bytes" for at in range(kind.num_fields))
    return bool(pt.is_binary(kind) or pt.is_large_binary(kind) or _is_list(kind))


def _holds_labels(kind: Any) -> bool:
    import pyarrow.types as pt

    return bool(_holds_numbers(kind) or pt.is_string(kind) or pt.is_large_string(kind) or pt.is_dictionary(kind))


def _holds_numbers(kind: Any) -> bool:
    import pyarrow.types as pt

    return bool(pt.is_integer(kind) or pt.is_floating(kind) or pt.is_boolean(kind))


def _array(column: Any) -> NDArray[Any]:
    """The numbers of a column without nulls. `to_numpy` would import pandas, which takes 28 MB (pyarrow 26)."""
    import pyarrow.types as pt

    return np.from_dlpack(column.cast("uint8") if pt.is_boolean(column.type) else column)


def _labels(column: Any) -> NDArray[Any]:
    """Whole numbers or text; categories by their names, for their numbers may differ from file to file."""
    import pyarrow.types as pt

    if column.null_count:
        raise DataError("a label is missing.")
    if pt.is_dictionary(column.type):
        column = column.dictionary_decode()
    if _holds_numbers(column.type):
        return _array(column).copy()
    return np.array([str(label)[:200] for label in column.to_pylist()])


def _blocks(table: Table, picture: str, step: int) -> Iterator[list[NDArray[Any]]]:
    start = 0
    for parts in table.columns([picture], ROWS_AT_ONCE):
        for column in parts:
            cells = getattr(column, "storage", column)
            yield [_picture(cells[at]) for at in range(-start % step, len(cells), step)]
            start += len(cells)


def _picture(cell: Any) -> NDArray[Any]:
    if not cell.is_valid:
        raise DataError("a picture is missing.")
    if _is_list(cell.type):
        return _numbers(cell)
    content = cell.as_py()
    if isinstance(content, str):
        return _in_json(content)
    if isinstance(content, dict):
        content = content.get("bytes")
    if not isinstance(content, bytes):  # a path would name a file on this machine
        raise DataError("a cell contains no picture.")
    return picture_in(content)


def _in_json(text: str) -> NDArray[Any]:
    try:
        return picture_of(np.array(json.loads(text)))
    except (ValueError, RecursionError) as error:
        raise DataError("a cell contains no picture.") from error


def _numbers(cell: Any) -> NDArray[Any]:
    """Nested lists as an array, whose rows must be of one length."""
    shape: list[int] = []
    values = cell.values
    while _is_list(values.type) and len(shape) < NESTED:
        shape.append(len(values))
        values = values.flatten()
    if not _holds_numbers(values.type) or len(values) == 0 or values.null_count:
        raise DataError("a cell contains no picture.")
    flat = _array(values)
    if not shape:
        side = round(len(flat) ** 0.5)
        shape = [side]
    sizes = [shape[0], *(b // a for a, b in zip(shape, [*shape[1:], len(flat)], strict=True))]
    if int(np.prod(sizes)) != len(flat) or len(sizes) < 2:
        raise DataError("the rows of a picture are not of one length.")
    return np.asarray(flat.reshape(sizes))


def _class_names(schema: Any) -> dict[int, str] | None:
    """The names that `datasets` gives the labels, from the schema's metadata."""
    try:
        features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
        found = [feature["names"] for feature in features.values() if feature.get("_type") == "ClassLabel"]
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    if len(found) != 1 or not isinstance(found[0], list) or not 1 < len(found[0]) <= MAX_CLASSES:
        return None
    return {index: str(name) for index, name in enumerate(found[0])}
