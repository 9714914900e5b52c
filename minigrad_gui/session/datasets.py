"""Opens datasets while the window stays responsive, and remembers which were opened."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from minigrad_gui import data
from minigrad_gui.analysis import Answer, Desk, Work
from minigrad_gui.dataset_cache import DatasetCache

MAX_RECENT = 5
KEY = "openDataset"
"""Of the work that opens a dataset."""

Opening = tuple[str, data.Choices]
"""The source of a dataset and how it is read."""


@dataclass(frozen=True, eq=False)
class _Opened:
    """What became of a request; error: one sentence, None if the dataset was opened."""

    request: Opening
    error: str | None = None


class Datasets(QObject):
    """ask: has work done in another thread, whose answer goes to `take`, under a key and at once; withdraw: cancels it.

    `opened` tells the source and the choices, `failed` one sentence; `opening` the source that is being opened, "" for
    none any more.
    """

    opening = Signal(str)
    opened = Signal(str, object)
    failed = Signal(str)
    recentChanged = Signal()  # noqa: N815

    def __init__(
        self,
        datasets: DatasetCache,
        ask: Callable[[str, Work], None],
        withdraw: Callable[[str], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._datasets = datasets
        self._ask = ask
        self._withdraw = withdraw
        self._request: Opening | None = None
        self._recent: tuple[Opening, ...] = ()

    @property
    def source(self) -> str:
        """The source that is being opened; "" if there is none."""
        return self._request[0] if self._request is not None else ""

    @property
    def recent(self) -> tuple[Opening, ...]:
        """Datasets that were opened and are still there, the newest first; those of data.SOURCES are not among them."""
        return tuple(each for each in self._recent if data.can_be_loaded(each[0]))

    def loaded(self, source: str, choices: data.Choices) -> data.Dataset | None:
        """The dataset if it is in memory."""
        return self._datasets.peek(source, choices)

    def open(self, source: str | Path, choices: data.Choices) -> None:
        """Open a dataset; a second request takes the place of the first."""
        key = data.source_key(source)
        self._withdraw(KEY)
        self._request = key, choices
        self._ask(KEY, partial(_open, self._request))
        self.opening.emit(key)

    def cancel(self) -> None:
        """Open nothing after all."""
        if self._request is not None:
            self._withdraw(KEY)
            self._request = None
            self.opening.emit("")

    def take(self, answer: Answer) -> None:
        """The answer to work that was asked for under KEY."""
        opened: _Opened | None = answer.result
        if self._request is None or (opened is not None and opened.request is not self._request):
            return  # the answer to an earlier request
        request, self._request = self._request, None
        error = answer.error if opened is None else opened.error
        self.opening.emit("")
        if error is not None:
            self.failed.emit(error)
            return
        self.remember(request)
        self.opened.emit(*request)

    def remember(self, *datasets: Opening) -> None:
        """Put these datasets before the others that were opened."""
        found: dict[str, data.Choices] = {}
        for source, choices in (*datasets, *self._recent):
            if source not in data.SOURCES:
                found.setdefault(source, choices)
        recent = tuple(found.items())[:MAX_RECENT]
        if recent != self._recent:
            self._recent = recent
            self.recentChanged.emit()


def _open(request: Opening, desk: Desk) -> _Opened:
    try:
        desk.open_dataset(*request)
    except (data.DataError, data.LoadingCancelledError) as error:
        return _Opened(request, str(error))
    return _Opened(request)


def datasets_to_json(datasets: Sequence[Opening]) -> str:
    return json.dumps([{"source": source, "choices": choices.to_dict()} for source, choices in datasets])


def datasets_from_json(text: str) -> list[Opening]:
    """The inverse of `datasets_to_json`; invalid text gives none."""
    try:
        return [(str(each["source"]), data.Choices.from_dict(each["choices"])) for each in json.loads(text)]
    except (AttributeError, TypeError, ValueError, KeyError, RecursionError):
        return []
