"""The names of a million files in one piece of memory: as a list of texts they would take 60 bytes more each."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import overload


class Names(Sequence[str]):
    """Texts in order, to which others can be added."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._content = bytearray()
        self._ends = array("Q", [0])
        for name in names:
            self.append(name)

    def append(self, name: str) -> None:
        self._content += name.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._content))

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> "Names": ...
    def __getitem__(self, index: int | slice) -> "str | Names":
        bounds = range(len(self))[index]
        if isinstance(bounds, range):
            return Names(self[at] for at in bounds)
        return self._content[self._ends[bounds] : self._ends[bounds + 1]].decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        for start, end in pairwise(self._ends):
            yield self._content[start:end].decode("utf-8", "surrogatepass")
