"""The base classes of all views: a place in the window, menu actions and saved settings."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from PySide6.QtCore import QEvent, QSettings, QTimer, Slot
from PySide6.QtGui import QAccessible, QAction
from PySide6.QtWidgets import QFrame, QMenu, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from minigrad_gui import theme
from minigrad_gui.analysis import Answer, any_digit
from minigrad_gui.session import Session
from minigrad_gui.widgets.building import Item, action, caption, column, named, row
from minigrad_gui.widgets.export import picture_of, write_csv, write_png
from minigrad_gui.widgets.files import ask_where_to_save
from minigrad_gui.widgets.placeholder import Placeholder
from minigrad_gui.widgets.questions import warn
from minigrad_gui.widgets.refresh_timer import RefreshTimer
from minigrad_gui.widgets.title import Title

Place = Literal["left", "centre", "docks", "right"]


class View(QFrame):
    """A card in the window. It shows the session and passes the user's requests on to it."""

    place: ClassVar[Place]
    stretch: ClassVar[int] = 0
    """Its share of the column's spare height."""
    ACCESSIBLE_ROLE = QAccessible.Role.Grouping
    _colors: theme.Colors | None = None
    """The colours it was last styled with; None during construction."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setProperty("card", True)
        self._colors = theme.colors()

    def menu_actions(self) -> dict[str, list[QAction]]:
        """Actions for the menu bar, by menu title."""
        return {}

    def wanted_width(self, height: int) -> int:  # noqa: ARG002
        """The ideal width in pixels of a column of this height; 0 if any width will do."""
        return 0

    def save_settings(self, settings: QSettings) -> None:
        """Store what the user has set."""

    def restore_settings(self, settings: QSettings) -> None:
        """Restore stored settings; ignore invalid ones."""

    def restyle(self) -> None:
        """Apply the theme's colours where the palette and the style sheet have no effect."""

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        # Qt sends several of these for one change of theme, and some without any change.
        if event.type() == QEvent.Type.PaletteChange and self._colors not in (None, theme.colors()):
            self._colors = theme.colors()
            self.restyle()


@dataclass(frozen=True)
class Docked:
    """An entry of VIEWS for a view in the middle of the window.

    name: of the widget, such as "confusionView"; title: above it and on its tab; tab: a shorter title for the tab, if
    that is needed; module and class_name: where it is, in this folder.
    """

    name: str
    title: str
    module: str
    class_name: str
    tab: str = ""

    place: ClassVar[Place] = "docks"

    def load(self) -> "type[DockedView]":
        """Import the view."""
        view: type[DockedView] = getattr(import_module(f"minigrad_gui.views.{self.module}"), self.class_name)
        return view


HEADER_MARGIN_PX = 4
AT_ONCE_PARAMETERS = 2_000_000
"""A larger network is looked into in another thread: it would keep the window waiting."""
NO_NETWORK, TRAIN = "There is no network yet.", "Train"
NONE_HELD_OUT = "The run held no pictures out for validation."
ANY_DIGIT = "Show a test picture"
OFFERED = "any digit"


class DockedView(View):
    """A view in the middle of the window. It is built when it first comes to the front, and idle while it is not there.

    sentence: says what one sees.
    """

    place = "docks"
    longest_refresh_ms: ClassVar[int] = 700
    """So often at least it follows a run, unless refreshing takes less than a small share of the time."""
    sentence: ClassVar[str]

    def __init__(self, session: Session, entry: Docked, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.name, self.title = entry.name, entry.title
        self.setObjectName(self.name)
        self.setAccessibleName(self.title)
        self.header = QWidget()
        self._is_seen = self._is_built = False
        self._is_stale = True
        self._seen_picture = session.picture
        self._colors = None  # there is nothing to style yet
        self._refresh_timer = RefreshTimer(self, self.longest_refresh_ms)
        self._refresh_timer.timeout.connect(self._refresh_if_stale)
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._refresh_if_stale)
        session.analysed.connect(self._on_analysed)
        session.datasetOpened.connect(self.mark_soon)  # it may be the data of the network, which was not there

    # ------------------------------------------------------------ what a view has to say

    def build(self) -> None:
        """Make the contents, with `fill`, and connect the session's signals to `mark` or `mark_soon`."""

    def refresh(self) -> None:
        """Show the session as it is now."""
        raise NotImplementedError

    def take(self, answer: Answer) -> None:
        """Show what was asked for with `analyse`."""

    def table(self) -> Iterable[Sequence[Any]]:
        """What is shown as rows, the first with the names of the columns; for the CSV file."""
        return []

    def picture_parts(self) -> Sequence[QWidget]:
        """The parts of the contents that make the PNG picture, one below the other; what is scrolled away as well."""
        return [self._contents]

    def leave(self) -> None:
        """It is no longer in front."""

    # ------------------------------------------------------------ what it can use

    def fill(self, contents: QWidget, *controls: Item) -> None:
        """Put the contents below the sentence, and the controls into the header."""
        self._contents = contents
        self._sentence = caption(self.sentence)
        self._sentence.setWordWrap(True)
        export = named(QPushButton("Export"), f"{self.name}ExportButton", "Save the picture or its figures")
        self._exports = menu = QMenu(export)
        menu.setAccessibleName(f"Export {self.title.lower()}")
        stem = self.name.removesuffix("View")
        menu.addAction(action(self, "As a picture (&PNG)…", f"{stem}PngAction", self._on_export_png))
        menu.addAction(action(self, "As a table (&CSV)…", f"{stem}CsvAction", self._on_export_csv))
        export.setMenu(menu)
        row(Title(self.title), 1, *controls, export, margin=HEADER_MARGIN_PX, parent=self.header)
        self._empty = Placeholder(f"{stem}OfferButton")
        self._empty.accepted.connect(self.fill_in)
        self._pages = QStackedWidget()
        self._pages.addWidget(contents)
        self._pages.addWidget(self._empty)
        layout = column(self._sentence, self._pages, margin=theme.SPACING_PX, parent=self)
        assert isinstance(layout, QVBoxLayout)
        layout.setStretch(1, 1)

    def show_contents(self) -> None:
        """Show the contents again, after `show_instead`."""
        self._pages.setCurrentWidget(self._contents)

    def show_instead(self, text: str, offer: str = "") -> None:
        """Say in place of the contents why there are none. offer: what the button does; empty for no button."""
        self._empty.say(text, offer)
        self._pages.setCurrentWidget(self._empty)

    @Slot()
    def mark(self) -> None:
        """Something has changed: refresh before long, while in front; in training rarely enough to cost little."""
        self._is_stale = True
        if self._is_seen:
            self._refresh_timer.request()

    @Slot()
    def mark_soon(self) -> None:
        """The person has changed something: refresh at once, while in front."""
        self._is_stale = True
        if self._is_seen:
            self._soon.start()

    @Slot()
    def mark_reading(self) -> None:
        """The reading has changed: at once for another drawing; in training the same one is read again and again."""
        before, self._seen_picture = self._seen_picture, self.session.picture
        if np.array_equal(before, self._seen_picture):
            self.mark()
        else:
            self.mark_soon()

    @Slot(bool)
    def set_seen(self, seen: bool) -> None:
        """Whether it is in front."""
        self._is_seen = seen
        if seen:
            self.ensure_built()
            self._refresh_if_stale()
        else:
            self._refresh_timer.stop()
            self._soon.stop()
            self.leave()

    @property
    def is_built(self) -> bool:
        """Whether its contents have been made."""
        return self._is_built

    def ensure_built(self) -> None:
        """Build the contents, unless that has been done."""
        if not self._is_built:
            self._is_built = True
            self.build()
            self.restyle()
            self._colors = theme.colors()

    @Slot()
    def _refresh_if_stale(self) -> None:
        if self._is_stale:
            self._is_stale = False
            self.refresh()

    @Slot()
    def fill_in(self) -> None:
        """Do what an empty view offers: train a network if there is none, else show a digit for the network to read."""
        if self.session.model is None:
            self.session.train()
        else:
            work = partial(any_digit, self.session.trained_on)
            self.session.analyse(f"{self.name}/{OFFERED}", work, urgent=True)

    @Slot(object)
    def _on_analysed(self, answer: Answer) -> None:
        name, _, what = answer.key.partition("/")
        if not self._is_built or name != self.name:
            return
        if what != OFFERED:
            self._is_stale |= answer.error is not None  # another time it may be there
            self.take(answer)
        elif answer.error is None:
            self.session.show_picture(*answer.result)
        else:
            self.session.failed.emit(answer.error)

    # ------------------------------------------------------------ export

    def add_export(self, text: str, name: str, slot: object) -> None:
        """Offer to save it in one more way; `slot` is a bound method."""
        self._exports.addAction(action(self, text, name, slot))

    def export(self, kind: str, suffix: str, write: Callable[[Path], bool]) -> None:
        """Ask where to save it, and have it written. kind: of the file, such as "CSV table"."""
        export_as(self, f"Export {self.title.lower()}", self.name.removesuffix("View"), kind, suffix, write)

    @Slot()
    def _on_export_png(self) -> None:
        is_empty = self._pages.currentWidget() is self._empty
        parts = [self._empty] if is_empty else self.picture_parts()
        self.export("PNG picture", ".png", lambda path: write_png(path, picture_of(*parts)))

    @Slot()
    def _on_export_csv(self) -> None:
        self.export("CSV table", ".csv", lambda path: write_csv(path, self.table()))


def export_as(parent: QWidget, title: str, name: str, kind: str, suffix: str, write: Callable[[Path], bool]) -> None:
    """Ask where to save a file, and have it written; say so if it cannot be.

    name: proposed for the file, without its suffix; kind: of the file, such as "CSV table"; write: returns whether it
    could be written.
    """
    path = ask_where_to_save(parent, title, f"{name}{suffix}", kind, suffix)
    if path is not None and not write(path):
        warn(parent, "Export", f"Could not write {path.name}.")
