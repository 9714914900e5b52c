"""Which training digits resemble the drawing most: to the network, and to the eye.

The digits are prepared for the search in another thread, for another network again: at once, but in training only now
and then. A search itself is short, and the person waits for it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

import numpy as np
from PySide6.QtCore import Slot

from engine.nn import MLP
from minigrad_gui import resembling
from minigrad_gui.analysis import Answer
from minigrad_gui.digits import Picture
from minigrad_gui.insight.neighbours import Space
from minigrad_gui.resembling import COUNT, DigitIndex, IndexBuilder, Resembling, Subject
from minigrad_gui.views.view import ANY_DIGIT, NO_NETWORK, TRAIN, DockedView
from minigrad_gui.widgets.digit_rows import DigitRow, DigitRows
from minigrad_gui.widgets.maps import ink

RENEWAL_S = 30
"""In training the digits are prepared again at most this often."""
TITLES: dict[Space, str] = {"hidden": "To the network", "pixels": "To the eye"}
BLANK = "Draw something to see which training pictures resemble it."
PREPARING = "Looking at the training pictures…"


@dataclass
class _Search:
    """What is compared in one way: its row, the index, and what builds the next one."""

    space: Space
    row: DigitRow
    index: DigitIndex | None = None
    builder: IndexBuilder | None = None
    began_s: float = 0.0
    failed: Subject | None = None
    """For which no index can be built."""
    error: str = ""
    """Why not."""
    found: Resembling | None = None


class NearestView(DockedView):
    sentence = "The training pictures that resemble your drawing most. Click one to see it in the drawing's place."

    # ------------------------------------------------------------ building

    def build(self) -> None:
        rows = {space: DigitRow(f"nearest{space.title()}", title) for space, title in TITLES.items()}
        self._searches: dict[str, _Search] = {space: _Search(space, row) for space, row in rows.items()}
        self._asked: tuple[Picture, dict[Space, DigitIndex]] | None = None
        """The drawing that was compared last, and with what."""
        self._rows = DigitRows(rows.values(), COUNT)
        self.fill(self._rows)
        self._searches["hidden"].row.chosen.connect(self._on_chosen_by_network)
        self._searches["pixels"].row.chosen.connect(self._on_chosen_by_eye)
        session = self.session
        session.predictionChanged.connect(self.mark_soon)
        session.modelChanged.connect(self.mark)
        session.handwritingChanged.connect(self.mark)
        session.stateChanged.connect(self.mark_soon)

    # ------------------------------------------------------------ session -> person

    def refresh(self) -> None:
        model = self.session.reading_model
        if model is None:
            self.show_instead(NO_NETWORK, TRAIN)
            return
        for search in self._searches.values():
            self._prepare(search, model)
        self._show_notes()
        first, *others = (search.failed and search.error for search in self._searches.values())
        if first and others == [first]:
            self.show_instead(first)
        elif self.session.picture.any():
            self.show_contents()
            self._ask()
        else:
            self.show_instead(BLANK, ANY_DIGIT)

    def _prepare(self, search: _Search, model: MLP) -> None:
        """Have an index built if there is none for this network, or if there may be a newer one by now."""
        session, trains = self.session, self.session.state == "training"
        subject = resembling.subject(model, session.trained_on, search.space)
        if search.failed == subject:
            return
        latest = search.builder or search.index
        if latest is not None:
            is_recent = trains and (search.builder is not None or monotonic() < search.began_s + RENEWAL_S)
            if latest.subject == subject or is_recent:
                return
        moment = session.history, session.epochs_done
        search.builder = IndexBuilder(model, session.trained_on, search.space, moment)
        search.began_s, search.failed = monotonic(), None
        session.withdraw(self._key(search.space))
        self._build_on(search)

    def _build_on(self, search: _Search) -> None:
        """For the first index a person waits; a newer one may take its time."""
        if search.builder is not None:
            self.session.analyse(self._key(search.space), search.builder, urgent=search.index is None)

    def _key(self, what: str) -> str:
        return f"{self.name}/{what}"

    def _ask(self) -> None:
        """Have the drawing compared, unless that was asked for."""
        searches = self._searches.values()
        indices = {search.space: search.index for search in searches if search.index is not None}
        picture = self.session.picture
        if indices and not (self._asked and self._asked[1] == indices and np.array_equal(self._asked[0], picture)):
            self._asked = picture, indices
            self.session.analyse(self._key("found"), partial(resembling.find, picture, indices), urgent=True)

    def take(self, answer: Answer) -> None:
        what = answer.key.split("/")[1]
        if what == "found":
            for space, found in (answer.result or {}).items():
                if self._searches[space].index is not None:
                    self._show(self._searches[space], found)
        elif answer.error is not None:
            self._give_up(self._searches[what], answer.error)
        else:
            self._take_index(self._searches[what], answer.result)

    def _take_index(self, search: _Search, index: DigitIndex | None) -> None:
        if index is None:
            self._build_on(search)
            return
        search.index, search.failed = index, None
        if search.builder is not None and search.builder.subject == index.subject:
            search.builder = None
        self.mark_soon()

    def _give_up(self, search: _Search, error: str) -> None:
        if search.builder is not None:
            search.failed = search.builder.subject
        search.builder = search.index = search.found = None
        search.error = error
        search.row.show_none(error)
        search.row.set_note("")
        self.mark_soon()

    def leave(self) -> None:
        for search in self._searches.values():
            self.session.withdraw(self._key(search.space))
            search.builder = search.failed = None  # another time its digits may be there
        self.session.withdraw(self._key("found"))
        self._asked = None
        self.mark()

    # ------------------------------------------------------------ what is shown

    def _show(self, search: _Search, found: Resembling) -> None:
        search.found = found
        search.row.show_digits(ink(found.pictures), found.labels, found.descriptions, found.summary)
        self._show_current()

    def _show_current(self) -> None:
        """The digit that is in the drawing's place stands out."""
        shown = self.session.shown
        for search in self._searches.values():
            names = search.found.names if search.found is not None and shown is not None else []
            search.row.mosaic.set_current(names.index(shown.name) if shown is not None and shown.name in names else -1)

    def _show_notes(self) -> None:
        """Which network compares, if it is no longer the current one."""
        model = self.session.reading_model
        for search in self._searches.values():
            if search.index is None and search.failed is None:
                search.row.show_none(PREPARING)
            is_old = search.index is not None and search.index.subject[0] not in (None, model)
            search.row.set_note(self._age(search.index) if is_old and search.index is not None else "")

    def _age(self, index: DigitIndex) -> str:
        """How old the network is that compares, in few words: the window may be narrow."""
        if self.session.state != "training":
            return "comparing again…"
        run, epochs = index.moment
        return f"after {epochs:.1f} epochs" if run is self.session.history else "before the run"

    # ------------------------------------------------------------ person -> session

    @Slot(int)
    def _on_chosen_by_network(self, index: int) -> None:
        self._show_digit(self._searches["hidden"].found, index)

    @Slot(int)
    def _on_chosen_by_eye(self, index: int) -> None:
        self._show_digit(self._searches["pixels"].found, index)

    def _show_digit(self, found: Resembling | None, index: int) -> None:
        if found is not None:
            self.session.show_picture(found.pictures[index], found.names[index])

    # ------------------------------------------------------------ export

    def table(self) -> Iterable[Sequence[Any]]:
        searches = self._searches.values()
        return resembling.table({search.space: search.found for search in searches if search.found is not None})
