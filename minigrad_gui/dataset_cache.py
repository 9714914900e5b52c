"""The datasets that are in memory, shared by the threads of a session. No Qt here."""

from collections.abc import Callable
from threading import Lock

from minigrad_gui import data

CAPACITY = 2


class DatasetCache:
    """Loads each dataset once; forgets the one that was not used for longest. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._loaded: dict[str, data.Dataset] = {}

    def get(self, source: str, cancelled: Callable[[], bool] = lambda: False) -> data.Dataset:
        """The dataset of one of data.SOURCES; raises as `data.load` does."""
        found = self.peek(source)
        if found is None:
            found = data.load(source, cancelled)
        return self.put(source, found)

    def put(self, source: str, dataset: data.Dataset) -> data.Dataset:
        """Remember a dataset under its source, unless there is one; returns the one that is remembered."""
        with self._lock:
            found = self._loaded.pop(source, dataset)
            self._loaded[source] = found
            while len(self._loaded) > CAPACITY:
                del self._loaded[next(iter(self._loaded))]
        return found

    def peek(self, source: str) -> data.Dataset | None:
        """The dataset if it is in memory."""
        with self._lock:
            return self._loaded.get(source)
