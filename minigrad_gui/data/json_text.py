"""Reads JSON value by value, so that no more of the text is in memory than one of them."""

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from minigrad_gui.data.cancelling import check_cancelled
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.streams import open_plain

CHUNK_BYTES = 1 << 20
MAX_VALUE_CHARS = 128 << 20
SKIPPED = re.compile(r"[\s,]*")
MATCHED_CHARS = 1000


class JsonText:
    """The text of a file: it is asked for the next character, key or value."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._text, self._at = file, "", 0
        self._characters = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._decoder = json.JSONDecoder()

    def next(self) -> str:
        """The next character that is neither blank nor a comma; "" at the end."""
        while True:
            self._at = SKIPPED.match(self._text, self._at).end()  # type: ignore[union-attr]  # it matches nothing, too
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read(CHUNK_BYTES):
                return ""

    def skip(self, character: str) -> bool:
        """Go on behind this character, if it is next. Returns whether it is."""
        found = self.next() == character
        self._at += found
        return found

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """How a pattern of at most MATCHED_CHARS matches what is next."""
        self.next()
        while len(self._text) - self._at < MATCHED_CHARS and self._read(CHUNK_BYTES):
            pass
        return pattern.match(self._text, self._at)

    def key(self) -> str:
        """The key that is next, and the colon. Raises DataError if there is none."""
        key = self.value()
        if not isinstance(key, str) or not self.skip(":"):
            raise DataError("it is not JSON, or is cut.")
        return key

    def value(self) -> Any:
        """The value that is next. Raises DataError for damaged and very long ones, and at the end."""
        self.next()
        grown = CHUNK_BYTES
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
                if end == len(self._text) and not isinstance(value, dict | list):
                    raise ValueError  # a number may go on in the next chunk
            except ValueError as error:
                is_more = self._read(grown)
                if len(self._text) > 2 * MAX_VALUE_CHARS:
                    raise DataError("it has a record that is too long.") from error
                if not is_more:
                    raise DataError("it is not JSON, or is cut.") from error
                grown = min(2 * grown, MAX_VALUE_CHARS)
            else:
                self._at = end
                return value

    def _read(self, count: int) -> bool:
        """Read up to so many bytes more, and forget what has been read. Returns whether there were any."""
        check_cancelled()
        content = self._file.read(count)
        self._text, self._at = self._text[self._at :] + self._characters.decode(content), 0
        return bool(content)


def values(path: Path) -> Iterator[Any]:
    """The values in a file, those of a list one by one. Raises DataError for damaged or very long ones."""
    with open_plain(path) as file:
        text = JsonText(file)
        is_list = text.skip("[")
        while not (is_list and text.skip("]")):
            if not (is_list or text.next()):
                return
            yield text.value()
