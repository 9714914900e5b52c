"""What EMNIST's files do not say of themselves: pictures are transposed, and a file beside them names the classes."""

import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.siblings import Files
from minigrad_gui.data.stored import Found
from minigrad_gui.data.streams import lines_of


def completed(found: Found, files: Files) -> Found:
    """What was found in IDX files or tables, with what is usual and known for them if they are called EMNIST's."""
    path = next(iter(files.values()))
    if "emnist" not in path.name.lower():
        return found
    return replace(found, class_names=_class_names(path), orientation="transposed")


def _class_names(path: Path) -> dict[int, str] | None:
    """The names of classes, from the file of labels and character codes that comes with EMNIST."""
    if match := re.match(r"(emnist-\w+)-(?:train|test)\b", path.name):
        mapping = path.with_name(f"{match[1]}-mapping.txt")
        with suppress(OSError, ValueError, DataError):
            rows = [[int(field) for field in line.split()] for line in lines_of(mapping)]
            return {row[0]: chr(row[1]) for row in rows if len(row) > 1 and 32 < row[1] < 127} or None
    return None
