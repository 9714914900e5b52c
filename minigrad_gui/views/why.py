"""Why?: what in the drawing speaks for a digit, what little would make it another, and what each stroke is for."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import QPushButton, QWidget

from engine.nn import MLP
from minigrad_gui.analysis import Answer
from minigrad_gui.digits import Picture, blank
from minigrad_gui.insight import prototype, saliency, toward
from minigrad_gui.insight.why import change_norm, contribution, without_each_stroke
from minigrad_gui.reader import Prediction
from minigrad_gui.views.view import ANY_DIGIT, NO_NETWORK, TRAIN, DockedView
from minigrad_gui.widgets.accessibility import announce
from minigrad_gui.widgets.building import caption, column, named
from minigrad_gui.widgets.class_choice import ClassChoice
from minigrad_gui.widgets.maps import Pixels, ink, signed
from minigrad_gui.widgets.mosaic import Mosaic, MosaicArea
from minigrad_gui.wording import percentage, with_article

SCALE, ROOM_FOR = 4, 8
MOST_STROKES = 9
MOST_NAME_PX = 90
"""Of the name of a class on the button; a longer one is cut."""
STEPS = 100
STEP_INTERVAL_MS = 30
Tile = tuple[str, str, Pixels]
"""A caption, a description and a picture."""
Explained = tuple[Picture, int]
"""A drawing and a digit."""
UNREAD = "?"
BLANK = "Draw something to see why it is read so."


class WhyView(DockedView):
    sentence = "What speaks for a reading (blue) and against it (orange), and what little would make it another."

    def build(self) -> None:
        self._prototypes: tuple[MLP | None, dict[int, Picture]] = None, {}
        self._asked: set[int] = set()
        """The digits whose prototypes were asked for."""
        self._explained: Explained | None = None
        """What is explained."""
        self._steps: Iterator[Picture] = iter(())
        self._changed: Picture | None = None
        self._reasons: list[Tile] = []
        self._left_out: list[Tile] = []
        self._digit = named(ClassChoice(), "whyDigitCombo", "The reading that is explained")
        self._digit.setAccessibleName("Reading")
        self._names = self.session.class_names
        self._digit.show_classes(self._names)
        self._digit.currentIndexChanged.connect(self.mark_soon)
        self._make = named(QPushButton("Make it an 8"), "whyMakeButton", "Change the drawing until it is read as this")
        self._least_make_px = self._make.sizeHint().width()
        self._make.clicked.connect(self._on_make)
        self._verdict = named(caption(role="body"), "whyVerdict")
        self._verdict.setWordWrap(True)
        self._verdict.setMinimumHeight(2 * self._verdict.fontMetrics().lineSpacing())
        self._mosaic = named(Mosaic("Reasons", SCALE), "whyMosaic")
        self._pictures = MosaicArea(self._mosaic, "Reasons", ROOM_FOR)
        contents = QWidget()
        column(self._verdict, self._pictures, parent=contents).setStretch(1, 1)
        self.fill(contents, self._digit, self._make)
        self._timer = QTimer(self, interval=STEP_INTERVAL_MS)
        self._timer.timeout.connect(self._on_step)
        self.session.predictionChanged.connect(self.mark_soon)
        self.session.modelChanged.connect(self.mark)
        self.session.handwritingChanged.connect(self.mark)

    # ------------------------------------------------------------ session -> person

    def refresh(self) -> None:
        self._names = self.session.class_names
        self._digit.show_classes(self._names)
        prediction, model = self.session.prediction, self.session.reading_model
        self._make.setEnabled(False)
        if prediction is None or model is None:
            self._explained = None
            self.show_instead(*((NO_NETWORK, TRAIN) if model is None else (BLANK, ANY_DIGIT)))
            return
        if len(prediction.probabilities) != model.sizes[-1]:
            return  # the network has just been replaced, and has not read the drawing yet
        self.show_contents()
        digit = self._digit.chosen(prediction.digit)
        explained = self.session.picture, digit
        if self._explained is None or not _same(self._explained, explained):
            self._give_up()
        self._explained = explained
        name = self.fontMetrics().elidedText(self._names[digit], Qt.TextElideMode.ElideMiddle, MOST_NAME_PX)
        self._make.setText(f"Make it {with_article(name)}".replace("&", "&&"))
        self._make.setMinimumWidth(max(self._make.sizeHint().width(), self._least_make_px))
        self._make.setEnabled(digit != prediction.digit and not self._timer.isActive())
        if self._changed is None:
            self._verdict.setText(verdict(prediction, digit))
        self._ask_for_prototype(model, digit)
        self._explain(model, digit, rival_of(prediction, digit))
        self._show()

    def _explain(self, model: MLP, digit: int, rival: int) -> None:
        picture, name = self.session.picture, self._names[digit]
        contributed, slope = contribution(model, picture, digit).pixels, saliency(model, picture, digit)
        a_class, other = with_article(name), self._names[rival]
        difference = contributed - contribution(model, picture, rival).pixels
        self._reasons = [
            (f"speaks for {name}", f"What each pixel contributes to {name}", signed(contributed)),
            (f"for {name}, not {other}", f"What speaks for {name} rather than {other}", signed(difference)),
            ("more ink helps", f"Where more ink would speak for {name}", signed(slope)),
            (f"its idea of {name}", f"What the network thinks {a_class} looks like", ink(self._prototype(digit))),
        ]
        self._left_out = self._without_strokes()

    def _show(self) -> None:
        tiles = [*self._reasons, *self._change(), *self._left_out]
        captions, descriptions, pixels = zip(*tiles, strict=True)
        self._pictures.set_pictures(np.stack(pixels), captions, descriptions)

    def _change(self) -> list[Tile]:
        """The drawing that is being made another digit, and how it differs."""
        if self._changed is None:
            return []
        read = f"reads {self._read(self._changed)}"
        return [
            (read, f"The changed drawing: {read}", ink(self._changed)),
            ("the change", "Ink that was added and removed, amplified", signed(self._changed - self.session.picture)),
        ]

    def _without_strokes(self) -> list[Tile]:
        """The drawing without each of its strokes, if it has several."""
        strokes = self.session.pointed_strokes
        if not 1 < len(strokes) <= MOST_STROKES:
            return []
        tiles = []
        for number, left in enumerate(without_each_stroke(self.session.read, strokes), start=1):
            digits = left.digits
            reading = "".join(each.text for each in digits)
            picture = digits[0].picture if digits else blank()
            caption = f"no stroke {number}: {reading}"
            tiles.append((caption, f"Without stroke {number} it reads {reading}", ink(picture)))
        return tiles

    def _read(self, picture: Picture) -> str:
        prediction = self.session.predict(picture)
        if prediction is None:
            return UNREAD
        return f"{prediction.name} ({percentage(prediction.probabilities[prediction.digit])})"

    # ------------------------------------------------------------ the network's own picture

    def _prototype(self, digit: int) -> Picture:
        return self._prototypes[1].get(digit, blank())

    def _ask_for_prototype(self, model: MLP, digit: int) -> None:
        if self._prototypes[0] is not model:
            self._prototypes = model, dict(self._prototypes[1])  # the last ones stay until there are new ones
            self._asked = set()
        if digit not in self._asked:
            self._asked.add(digit)
            self.session.analyse(f"{self.name}/{digit}", partial(_prototype, model, digit))

    def take(self, answer: Answer) -> None:
        if answer.error is None:
            model, digit, picture = answer.result
            if model is self._prototypes[0]:
                self._prototypes[1][digit] = picture
                self.mark_soon()

    # ------------------------------------------------------------ make it another digit

    @Slot()
    def _on_make(self) -> None:
        model = self.session.reading_model
        if model is None or self._explained is None:
            return
        picture, digit = self._explained
        self._steps = toward(model, picture, digit, STEPS)
        self._changed = picture
        self._make.setEnabled(False)
        self._timer.start()

    @Slot()
    def _on_step(self) -> None:
        if self._explained is None:
            self._give_up()
            return
        picture, digit = self._explained
        changed = next(self._steps, None)
        if changed is not None:
            self._changed = changed
        else:
            self._timer.stop()
            assert self._changed is not None
            self._verdict.setText(self._outcome(picture, self._changed, digit))
            announce(self._verdict, self._verdict.text())
        self._show()

    def _outcome(self, picture: Picture, changed: Picture, digit: int) -> str:
        """What it took to make the drawing this digit, or that it could not be done."""
        amount, prediction = change_norm(picture, changed), self.session.predict(changed)
        a_class = with_article(self._names[digit])
        if amount == 0:
            return f"No pixel makes a difference: it cannot be made {a_class}."
        if prediction is None or prediction.digit != digit:
            return f"Even a change as large as {amount:.1f} black pixels does not make it {a_class}."
        return f"A change as large as {amount:.1f} black pixels makes it {self._read(changed)}."

    def _give_up(self) -> None:
        self._timer.stop()
        self._steps, self._changed = iter(()), None

    def leave(self) -> None:
        self._give_up()

    def restyle(self) -> None:
        self.mark_soon()

    def picture_parts(self) -> Sequence[QWidget]:
        return [self._verdict, self._mosaic]

    def table(self) -> Iterable[Sequence[Any]]:
        yield ["row", "column", "ink", "contribution", "difference", "gradient"]
        model, prediction = self.session.reading_model, self.session.prediction
        if self._explained is not None and model is not None and prediction is not None:
            picture, digit = self._explained
            contributed = contribution(model, picture, digit).pixels
            difference = contributed - contribution(model, picture, rival_of(prediction, digit)).pixels
            parts = picture, contributed, difference, saliency(model, picture, digit)
            for place in np.ndindex(picture.shape):
                yield [*place, *(float(part[place]) for part in parts)]


def _same(first: Explained, second: Explained) -> bool:
    return first[1] == second[1] and np.array_equal(first[0], second[0])


def rival_of(prediction: Prediction, digit: int) -> int:
    """The digit that is read instead; the next most likely one, if this is the one that is read."""
    if digit != prediction.digit:
        return prediction.digit
    return int(np.argsort(-prediction.probabilities, kind="stable")[1])


def verdict(prediction: Prediction, digit: int) -> str:
    """How sure the network is of its reading, and of this digit or of the next most likely one."""
    probabilities, names = prediction.probabilities, prediction.class_names
    begun = "Read as" if prediction.recognised else "Not recognised. Closest match:"
    sure = f"{begun} {prediction.name} ({percentage(probabilities[prediction.digit])})."
    if digit != prediction.digit:
        return f"{sure} {names[digit]} has {percentage(probabilities[digit])}: change the drawing until it is read so."
    second = rival_of(prediction, digit)
    return f"{sure} The next most likely is {names[second]} ({percentage(probabilities[second])})."


def _prototype(model: MLP, digit: int, desk: object) -> tuple[MLP, int, Picture]:  # noqa: ARG001
    picture = np.asarray(prototype(model, digit), np.float32)
    return model, digit, picture / max(picture.max(), 1e-6)  # as dark as a digit, to compare the shapes
