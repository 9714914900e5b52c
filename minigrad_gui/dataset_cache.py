"""The datasets that are in memory, shared by the threads of a session. No Qt here."""

from collections.abc import Callable
from threading import Lock

from minigrad_gui import data

CAPACITY = 2


class DatasetCache:
    """Loads each dataset once; forgets the one that was not used for longest. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._loaded: dict[tuple[str, data.Choices], data.Dataset] = {}

    def get(
        self,
        source: str,
        choices: data.Choices = data.ALL_GUESSED,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> data.Dataset:
        """The dataset that `data.load` loads from this source with these choices; raises as that does."""
        found = self.peek(source, choices)
        if found is None:
            found = data.load(source, choices, cancelled)
        return self.put(source, found, choices)

    def reload(
        self, source: str, choices: data.Choices = data.ALL_GUESSED, cancelled: Callable[[], bool] = lambda: False
    ) -> data.Dataset:
        """As `get`, but read again, as a file may have changed; data.SOURCES do not.

        Other readings of the same source are forgotten: each takes as much memory, and few come back to them.
        """
        if source not in data.SOURCES:
            found = data.load(source, choices, cancelled)
            with self._lock:
                others = {key: dataset for key, dataset in self._loaded.items() if key[0] != source}
                self._loaded = {**others, (source, choices): found}
        return self.get(source, choices, cancelled)

    def put(self, source: str, dataset: data.Dataset, choices: data.Choices = data.ALL_GUESSED) -> data.Dataset:
        """Remember a dataset under its source and choices, unless there is one; returns the one that is remembered."""
        key = source, choices
        with self._lock:
            found = self._loaded.pop(key, dataset)
            self._loaded[key] = found
            while len(self._loaded) > CAPACITY:
                del self._loaded[next(iter(self._loaded))]
        return found

    def peek(self, source: str, choices: data.Choices = data.ALL_GUESSED) -> data.Dataset | None:
        """The dataset if it is in memory."""
        with self._lock:
            return self._loaded.get((source, choices))
