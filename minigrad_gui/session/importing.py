"""Imports networks of other programs while the window stays responsive."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engine import MLP
from engine.record import TrainingRecord
from minigrad_gui.analysis import Answer, Desk, Work
from minigrad_gui.exchange import INPUTS, ExchangeError, import_model

KEY = "importNetwork"
"""Of the work that imports a network."""


@dataclass(frozen=True)
class Imported:
    """A network of another program, which reads pictures as this one makes them.

    input: what it was found to expect of them, one of exchange.INPUTS; None if its file says so.
    """

    path: Path
    model: MLP
    record: TrainingRecord
    input: str | None = None

    @property
    def is_usual(self) -> bool:
        """Whether it expects what this program makes."""
        return self.input in (None, INPUTS[0])

    @property
    def is_measured(self) -> bool:
        """Whether what it expects could be measured, or did not need to be."""
        return self.input is None or self.record.test_accuracy is not None


@dataclass(frozen=True, eq=False)
class _Request:
    """What is asked for: a file, and what its network expects if that is known."""

    path: Path
    input: str | None


@dataclass(frozen=True)
class _Outcome:
    """What came of a request: a network, or else one sentence."""

    request: _Request
    imported: Imported | None = None
    error: str = ""


class Importing(QObject):
    """ask: has work done in another thread, whose answer goes to `take`, under a key and at once; withdraw: cancels it.

    `importing` tells the name of the file that is being read, "" for none any more; `imported` what it holds, and
    `failed` one sentence if it cannot be read.
    """

    importing = Signal(str)
    imported = Signal(object)
    failed = Signal(str)

    def __init__(
        self, ask: Callable[[str, Work], None], withdraw: Callable[[str], None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._ask = ask
        self._withdraw = withdraw
        self._request: _Request | None = None

    def read(self, path: Path, input: str | None) -> None:  # noqa: A002
        """Read a network; a second request takes the place of the first."""
        self._withdraw(KEY)
        self._request = _Request(path, input)
        self._ask(KEY, partial(_imported, self._request))
        self.importing.emit(path.name)

    def take(self, answer: Answer) -> None:
        """The answer to work that was asked for under KEY."""
        outcome: _Outcome | None = answer.result
        if self._request is None or (outcome is not None and outcome.request is not self._request):
            return  # the answer to an earlier request
        self._request = None
        self.importing.emit("")
        if outcome is None or outcome.imported is None:
            self.failed.emit(outcome.error if outcome is not None else answer.error)
        else:
            self.imported.emit(outcome.imported)


def _imported(request: _Request, _: Desk) -> _Outcome:
    try:
        model, meta = import_model(request.path, request.input)
    except ExchangeError as error:
        return _Outcome(request, error=str(error))
    found = meta.get("imported")
    wanted = str(found["input"]) if isinstance(found, dict) and found.get("input") in INPUTS else None
    return _Outcome(request, Imported(request.path, model, TrainingRecord.from_meta(meta), wanted))
