"""The dataset of the next run, before anything is trained on it: pictures and counts of each class, and every guess.

Whoever sees mirrored or wrongly labelled pictures here corrects the guess, and the pictures follow.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QComboBox, QInputDialog, QPushButton, QWidget

from minigrad_gui import data, preview
from minigrad_gui.analysis import Answer
from minigrad_gui.preview import PARTS, Loaded, Preview, Request
from minigrad_gui.session import Session
from minigrad_gui.views.view import Docked, DockedView
from minigrad_gui.widgets.building import column, named, styled
from minigrad_gui.widgets.class_rows import ClassRow, ClassRows
from minigrad_gui.widgets.guess_switches import GuessSwitches
from minigrad_gui.widgets.paragraph import Paragraph

SPACING_PX = 6
DOWNLOAD, USE_MNIST = "Download", "Use MNIST"


class DatasetView(DockedView):
    sentence = "What the next run learns from. Click a picture to have it read."

    def __init__(self, session: Session, entry: Docked, parent: QWidget | None = None) -> None:
        super().__init__(session, entry, parent)
        self._asked: Request | None = None
        self._loaded: Loaded | None = None
        """The answer to a request; it may be another one than was asked for last."""
        self._is_outdated = False
        """The dataset was opened again; its file may have changed."""
        self._chosen: data.Choices | None = None
        """What the person has just chosen, while the file is read again."""
        session.datasetOpened.connect(self._on_opened)

    # ------------------------------------------------------------ building

    def build(self) -> None:
        self._part = named(QComboBox(), "datasetPartCombo", "Show the pictures to train on, or those to test on")
        self._part.setAccessibleName("Pictures")
        for part in PARTS:
            self._part.addItem(part.capitalize(), part)
        tip = "Call the classes by other names, in the model file, too"
        self._rename = named(QPushButton("Class names…"), "classNamesButton", tip)
        self._heading = named(styled(Paragraph(2), "text"), "datasetHeading")
        self._remarks = named(styled(Paragraph(3), "muted"), "datasetRemarks")
        self._switches = named(GuessSwitches(), "datasetSwitches")
        self._rows = named(ClassRows("Pictures of each class"), "datasetClasses")
        page = QWidget()
        texts = column(self._heading, self._remarks, spacing=0)
        column(texts, self._switches, self._rows, spacing=SPACING_PX, parent=page).setStretchFactor(self._rows, 1)
        self.fill(page, self._rename, self._part)
        self._part.currentIndexChanged.connect(self._show_part)
        self._switches.chosen.connect(self._on_choices)
        self._rename.clicked.connect(self._on_rename)
        self._rows.chosen.connect(self._on_picture)
        session = self.session
        session.configChanged.connect(self.mark_soon)
        session.prepared.connect(self.mark_soon)
        session.datasetOpening.connect(self.mark_soon)
        session.predictionChanged.connect(self._show_current)

    # ------------------------------------------------------------ session -> person

    def refresh(self) -> None:
        session, shown = self.session, self._loaded
        wanted = session.source, session.choices
        if shown is not None and shown.request == wanted and not self._is_outdated:
            self._show_settings()
        elif data.is_downloaded(session.source) and session.dataset is None:
            self._asked = self._loaded = None
            self.show_instead(f"{data.title_of(session.source)} will be downloaded when you train on it.", DOWNLOAD)
        elif wanted != self._asked:
            self._withdraw()
            self._asked = wanted
            session.analyse(self._key, partial(preview.load, wanted), urgent=True)
            if shown is None or shown.preview is None or shown.request[0] != session.source:
                self.show_instead(f"Opening {data.title_of(session.source)}…")

    @property
    def _key(self) -> str:
        return f"{self.name}/preview"

    def _withdraw(self) -> None:
        self.session.withdraw(self._key)
        self._asked = None

    def leave(self) -> None:
        if self._asked is not None:
            self._withdraw()
            self.mark()

    @Slot()
    def _on_opened(self) -> None:
        """Even the same dataset may have changed in its file."""
        self._withdraw()
        self._is_outdated = True
        self.mark_soon()

    def take(self, answer: Answer) -> None:
        if self._asked is None or (answer.result is not None and answer.result.request != self._asked):
            return  # the answer to an earlier request
        loaded: Loaded = answer.result or Loaded(self._asked, error=answer.error)
        self._asked, self._loaded, self._is_outdated = None, loaded, False
        if loaded.preview is None:
            self.show_instead(loaded.error or "", USE_MNIST)
        else:
            self._heading.setText(loaded.preview.heading)
            self._show_settings()
            self._show_part()
            self.show_contents()

    @property
    def _preview(self) -> Preview | None:
        return None if self._loaded is None else self._loaded.preview

    def _show_settings(self) -> None:
        """What the settings of the next run make of the dataset."""
        session, shown = self.session, self._preview
        if shown is None:
            return
        remarks = " ".join(filter(None, (shown.remarks, preview.experiment(session.config))))
        self._remarks.setText(remarks)
        self._remarks.setVisible(bool(remarks))
        origin = None if session.source in data.SOURCES else shown.origin
        self._switches.setVisible(origin is not None)
        self._rename.setVisible(origin is not None)
        if origin is not None:
            if session.opening_source != session.source:
                self._chosen = None
            now = vars(session.choices)
            guessed = {field: made for field, made in vars(origin.choices).items() if now[field] is None}
            self._switches.show_choices(self._chosen or session.choices, guessed, shown.useless_choices)

    @Slot()
    def _show_part(self) -> None:
        shown = self._preview
        if shown is not None:
            part = self._part.currentData()
            columns = shown.class_names, shown.counts[part].tolist(), shown.samples[part]
            rows = [
                ClassRow(name, count, samples.pictures, samples.names)
                for name, count, samples in zip(*columns, strict=True)
            ]
            self._rows.set_rows(rows)
            self._show_current()

    @Slot()
    def _show_current(self) -> None:
        """The picture that is in the drawing's place stands out."""
        where, shown, dataset = (-1, -1), self.session.shown, self._preview
        if shown is not None and dataset is not None:
            for index, samples in enumerate(dataset.samples[self._part.currentData()]):
                if shown.name in samples.names:
                    number = samples.names.index(shown.name)
                    if np.array_equal(shown.picture, samples.picture(number)):
                        where = index, number
        self._rows.set_current(*where)

    # ------------------------------------------------------------ person -> session

    @Slot(object)
    def _on_choices(self, choices: data.Choices) -> None:
        self._chosen = choices
        self.session.open_dataset(self.session.source, choices)

    @Slot()
    def _on_rename(self) -> None:
        if (shown := self._preview) is None:
            return
        question = "A name to each line, in the order of the classes; none for those in the file:"
        text, accepted = QInputDialog.getMultiLineText(self, "Class names", question, "\n".join(shown.class_names))
        names = tuple(filter(None, map(str.strip, text.splitlines())))
        if accepted and names != shown.class_names:
            self._on_choices(replace(self._chosen or self.session.choices, class_names=names or None))

    @Slot(int, int)
    def _on_picture(self, index: int, number: int) -> None:
        if self._preview is not None:
            samples = self._preview.samples[self._part.currentData()][index]
            self.session.show_picture(samples.picture(number), samples.names[number])

    @Slot()
    def fill_in(self) -> None:
        """Download the dataset, or go back to the one that is always there."""
        is_missing = data.is_downloaded(self.session.source) and self.session.dataset is None
        source, choices = (self.session.source, self.session.choices) if is_missing else (data.MNIST, data.ALL_GUESSED)
        self.session.open_dataset(source, choices)

    # ------------------------------------------------------------ export

    def picture_parts(self) -> Sequence[QWidget]:
        return [part for part in (self._heading, self._remarks, self._rows.content) if not part.isHidden()]

    def table(self) -> Iterable[Sequence[Any]]:
        return [] if self._preview is None else self._preview.table()
