"""JSON row by row: a list of records, a record to each line, or a table as pandas' `to_json` writes it.

pandas writes the rows of `orient="records"` and `"values"` as plain lists, those of `"index"`, `"split"` and `"table"`
within an object. The columns of `"columns"` are those of `json_columns`.
"""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.json_text import JsonText, values
from minigrad_gui.data.pairing import LABEL_WORDS
from minigrad_gui.data.streams import open_plain


def records(path: Path) -> Iterator[Any]:
    """The values in a file one by one, or the rows of a table by the names of its columns. Raises DataError."""
    with open_plain(path) as file:
        rows = _rows(JsonText(file))
        yield from values(path) if rows is None else rows


def label_key(record: Mapping[str, Any]) -> str | None:
    """The key of a record's label."""
    return next((key for key in record if key.lower() in LABEL_WORDS), None)


def _rows(text: JsonText) -> Iterator[Any] | None:
    """The rows of a table in an object; None for anything else."""
    if not text.skip("{"):
        return None
    before: dict[str, Any] = {}
    while text.next() == '"':
        key = text.key()
        if key == "data" and isinstance(names := before.get("columns"), list) and text.skip("["):
            return _split_rows(text, list(map(str, names)))
        if key == "data" and "schema" in before and text.skip("["):
            return _table_rows(text)
        if key not in ("columns", "index", "schema"):
            return _index_rows(text)
        before[key] = text.value()
    return None


def _index_rows(text: JsonText) -> Iterator[Any] | None:
    """orient="index": the key of the first row has been read."""
    if text.next() != "{":
        return None
    first = text.value()
    label = label_key(first)
    if label is None or isinstance(first[label], list | dict):
        return None
    return itertools.chain([first], (row for _, row in members(text)))


def members(text: JsonText) -> Iterator[tuple[str, Any]]:
    """The rest of an object."""
    while not text.skip("}"):
        yield text.key(), text.value()


def _table_rows(text: JsonText) -> Iterator[Any]:
    """orient="table": each row is a record, with its name."""
    while not text.skip("]"):
        row = text.value()
        yield {name: cell for name, cell in row.items() if name != "index"} if isinstance(row, dict) else row


def _split_rows(text: JsonText, names: list[str]) -> Iterator[Any]:
    """orient="split": each row is a list."""
    while not text.skip("]"):
        row = text.value()
        if not isinstance(row, list) or len(row) != len(names):
            raise DataError("its rows are not of one length.")
        yield dict(zip(names, row, strict=True))
