"""The canvas and the network's reading of it: the digit, ten probabilities and the picture the network sees.

After each drawing the panel asks whether the reading is right. Pressing the right digit's key or clicking its bar
teaches the drawing. Of more than ten classes the likeliest have bars, and a box lists all. If "With your handwriting"
is ticked, taught drawings help with reading.
Of several digits, one is pointed at: the bars, the picture and what is taught are about that one.
"""

from typing import Literal

from PySide6.QtCore import QSettings, QSize, Qt, QTimer, Slot
from PySide6.QtGui import QAccessible, QAction, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QComboBox,
    QLabel,
    QLayout,
    QMenu,
    QMessageBox,
    QPushButton,
    QSizePolicy,
    QSpacerItem,
    QWidget,
)

from minigrad_gui import theme
from minigrad_gui.data import DIGIT_NAMES
from minigrad_gui.handwriting import MAX_DRAWINGS, Label, is_dot
from minigrad_gui.reader import Prediction
from minigrad_gui.session import Session, ShownPicture
from minigrad_gui.views.view import View
from minigrad_gui.widgets.accessibility import announce, with_mnemonic
from minigrad_gui.widgets.building import action, caption, column, named, row, scrolled
from minigrad_gui.widgets.canvas import DIGIT_HINT, Canvas
from minigrad_gui.widgets.digit_keys import DigitKeys
from minigrad_gui.widgets.drawing_tools import DrawingTools
from minigrad_gui.widgets.handwriting_dialog import HandwritingDialog
from minigrad_gui.widgets.probability_bars import MOST_ROWS, ProbabilityBars
from minigrad_gui.widgets.questions import choose
from minigrad_gui.widgets.reading import Reading, sureness
from minigrad_gui.wording import with_article

ASKING_MS = 20_000
"""How long after the last change to a drawing a digit key still labels it."""
WITH_HANDWRITING = "With your handwriting"

SPACING_PX = 10
SILENCE_MS = 600
"""Delay after the last change to a drawing before its reading is announced to assistive technology."""
MARGINS = QSize(2 * theme.SPACING_PX + 2, 2 * theme.SPACING_PX + 2)
EASY_SIDE_PX = 220
LEAST_HEIGHT_PX = 200
LEAST_PIXEL_PX, MOST_PIXEL_PX = 3, 10
PICTURE_SHARE = (85, 170)
"""A pixel of the small pictures is at most the panel's width and height divided by these."""
Arrangement = Literal["stacked", "bars beside", "answer beside"]
"""All in one column; the bars beside the rest; the bars and all words beside the canvas and its tools."""


class DrawPanel(View):
    place = "right"
    stretch = 1

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.setAccessibleName("Drawing")
        self._canvas = named(Canvas(), "drawingCanvas")
        self._keys = DigitKeys(self._canvas)
        self._asking = QTimer(self, singleShot=True, interval=ASKING_MS)
        self._has_dropped_keys = False
        self._shown: ShownPicture | None = None
        self._tools = DrawingTools(self._canvas)
        self._canvas.strokesChanged.connect(self._on_strokes)
        self._canvas.pointed.connect(self._on_pointed)
        self._silence = QTimer(self, singleShot=True, interval=SILENCE_MS)
        self._silence.timeout.connect(self._announce_reading)

        self._reading = Reading()
        self._class_names: tuple[str, ...] = ()
        self._bars = named(ProbabilityBars(DIGIT_NAMES), "probabilityBars")
        self._labels = named(QComboBox(), "labelCombo", "Teach the drawing as any of the classes")
        self._labels.setAccessibleName("Label")
        self._labels.setPlaceholderText("teach another class")
        self._labels.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._labels.activated.connect(self._on_label)
        self._labels_row = QWidget()
        label = QLabel("Label")
        label.setBuddy(self._labels)
        row(label, self._labels, parent=self._labels_row).setStretch(1, 1)
        self._teach_actions: list[QAction] = []
        self._teach_menu = QMenu("T&each this drawing", self)
        self._taught = named(caption(), "taughtLabel")
        self._taught.setWordWrap(True)
        self._taught.setMinimumHeight(2 * self._taught.fontMetrics().lineSpacing())  # the bars must not move
        self._untaught = named(QPushButton("Undo teaching"), "undoTeachingButton", "Delete the last taught drawing")
        tip = "View, correct or delete the drawings you taught"
        self._handwriting_button = named(QPushButton("Drawings…"), "handwritingButton", tip)
        self._handwriting = named(QCheckBox(WITH_HANDWRITING), "handwritingCheck")
        self._handwriting_action = action(
            self, "Read with your &handwriting", "handwritingAction", None, "Ctrl+Shift+H", checkable=True
        )
        self._untaught_action = action(
            self, "&Undo the last taught drawing", "undoTeachingAction", session.undo_teaching, "Ctrl+Shift+T"
        )
        self._handwriting_dialog_action = action(
            self, "&My drawings…", "drawingsAction", self._on_handwriting, "Ctrl+H"
        )
        self._dialog: HandwritingDialog | None = None
        self._bars.chosen.connect(self._on_teach)
        self._untaught.clicked.connect(session.undo_teaching)
        self._handwriting_button.clicked.connect(self._on_handwriting)
        for control in (self._handwriting, self._handwriting_action):
            control.toggled.connect(session.use_handwriting)
        self._keys.pressed.connect(self._show_answer)
        self._keys.answered.connect(self._on_key)
        self._keys.dropped.connect(self._on_keys_dropped)
        self._keys.focusChanged.connect(self._show_answer)
        self._asking.timeout.connect(self._on_asked_long_ago)
        for clickable in (self._untaught, self._handwriting):
            clickable.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the focus on the canvas
        self._tools.compareToggled.connect(self._show_prediction)

        self._handwriting.setText(f"{WITH_HANDWRITING} (not learnt)")
        self._handwriting.setMinimumWidth(self._handwriting.sizeHint().width())  # for its longest text
        self._teaching = QWidget()
        column(self._handwriting, row(1, self._untaught, self._handwriting_button), parent=self._teaching)
        self._left = column(self._canvas, self._tools, spacing=SPACING_PX)
        self._left.setStretchFactor(self._canvas, 1000)
        self._below = QSpacerItem(0, 0)
        self._left.addItem(self._below)
        self._right = column(
            self._reading, self._taught, self._bars, self._labels_row, self._teaching, 1, spacing=SPACING_PX
        )
        self._right.setStretchFactor(self._bars, 10)
        self._scroll(self._left, self._right)

        session.modelChanged.connect(self._show_classes)
        session.predictionChanged.connect(self._show_prediction)
        session.predictionChanged.connect(self._show_handwriting)
        session.modelChanged.connect(self._show_handwriting)
        session.stateChanged.connect(self._show_handwriting)
        session.handwritingChanged.connect(self._show_handwriting)
        session.handwritingChanged.connect(self._fill_dialog)
        self.restyle()
        self._show_classes()
        self._show_prediction()
        self._show_handwriting()

    # ------------------------------------------------------------ arranging

    def _scroll(self, *parts: QLayout) -> None:
        content = named(_Content(), "scrolled")
        self._parts = column(*parts, spacing=SPACING_PX, margin=theme.SPACING_PX, parent=content)
        self._area = scrolled(content, "Drawing and its reading")
        column(self._area, margin=1, parent=self)
        self._reading.reserve_width()
        self._arrange()

    def _least_sizes(self, side: int) -> dict[Arrangement, QSize]:
        """The smallest size of each arrangement with a canvas large enough to draw on comfortably, of this width."""
        canvas = QSize(max(self._canvas.minimumWidth(), side), EASY_SIDE_PX)
        sheet = _stacked(canvas, self._tools.minimumSizeHint())
        classes = self._bars.minimumSizeHint()
        if not self._labels_row.isHidden():
            classes = _stacked(classes, self._labels_row.minimumSizeHint())
        words = [part.minimumSizeHint().expandedTo(part.minimumSize()) for part in self._words]
        return {
            "stacked": _stacked(sheet, classes, *words) + MARGINS,
            "bars beside": _beside(_stacked(sheet, *words), classes) + MARGINS,
            "answer beside": _beside(sheet, _stacked(classes, *words)) + MARGINS,
        }

    @property
    def _words(self) -> tuple[QWidget, QWidget, QWidget]:
        return self._reading, self._taught, self._teaching

    def wanted_width(self, height: int) -> int:
        least = self._least_sizes(EASY_SIDE_PX)
        if height >= least["stacked"].height():
            return 0
        return least["bars beside" if height >= least["bars beside"].height() else "answer beside"].width()

    def minimumSizeHint(self) -> QSize:
        bar = self._area.verticalScrollBar().sizeHint().width()
        return QSize(self._least_sizes(0)["stacked"].width() + bar, LEAST_HEIGHT_PX)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrangement(self) -> Arrangement:
        least = self._least_sizes(0)
        is_low = self.height() < least["stacked"].height()
        if is_low and least["bars beside"].boundedTo(self.size()) == least["bars beside"]:
            return "bars beside"
        return "answer beside" if is_low and self.width() >= least["answer beside"].width() else "stacked"

    def _arrange(self) -> None:
        """Take the first arrangement for which there is room. If there is none, the panel scrolls."""
        arrangement = self._arrangement()
        beside = arrangement != "stacked"
        words, places = (self._left, (2, 3, 4)) if arrangement == "bars beside" else (self._right, (0, 1, 4))
        if words.indexOf(self._reading) < 0:
            for place, part in zip(places, self._words, strict=True):
                words.insertWidget(place, part)
        directions = QBoxLayout.Direction
        self._parts.setDirection(directions.LeftToRight if beside else directions.TopToBottom)
        policies = QSizePolicy.Policy
        self._below.changeSize(0, 0, policies.Minimum, policies.Expanding if beside else policies.Fixed)
        self._left.invalidate()
        self._parts.setStretch(0, 3 if beside else 1000)
        self._parts.setStretch(1, 2 if beside else 1)
        pixel = min(self.width() // PICTURE_SHARE[0], self.height() // PICTURE_SHARE[1])
        self._reading.set_pixel_px(min(max(pixel, LEAST_PIXEL_PX), MOST_PIXEL_PX))

    def menu_actions(self) -> dict[str, list[QAction]]:
        return {
            "&Edit": self._tools.menu_actions(),
            "&Training": [
                self._teach_menu.menuAction(),
                self._untaught_action,
                self._handwriting_action,
                self._handwriting_dialog_action,
            ],
        }

    def restyle(self) -> None:
        self._tools.restyle()

    # ------------------------------------------------------------ user -> session

    @Slot()
    def _on_strokes(self) -> None:
        self._keys.settle()  # the answer was meant for the drawing as it was
        self.session.set_drawing(self._canvas.strokes)
        self._keys.listens = self.session.can_teach and not self._canvas.is_drawing
        self._has_dropped_keys = False
        self._asking.start()
        self._show_handwriting()
        if QAccessible.isActive():
            self._silence.start()

    @Slot(int)
    def _on_pointed(self, index: int) -> None:
        self._keys.settle()  # the answer was meant for the digit that was pointed at
        self.session.point_at(index)
        self._keys.listens = self.session.can_teach
        self._asking.start()
        self._show_answer()
        self._reading.announce(number=False)

    @Slot()
    def _on_asked_long_ago(self) -> None:
        self._keys.listens = False
        self._show_answer()

    @Slot()
    def _on_keys_dropped(self) -> None:
        self._has_dropped_keys = True
        self._show_answer()

    @Slot(int)
    def _on_teach(self, digit: int) -> None:
        self._has_dropped_keys = False
        self.session.teach(digit)
        self._asking.start()  # for a while, another key corrects it
        self._show_answer()

    @Slot(int)
    def _on_key(self, digit: int) -> None:
        if str(digit) in self._class_names:  # the network may have been replaced since the key was pressed
            self._on_teach(self._class_names.index(str(digit)))

    @Slot(int)
    def _on_label(self, row: int) -> None:
        self._labels.setCurrentIndex(-1)
        self._on_teach(row)

    @Slot()
    def _on_teach_action(self) -> None:
        chosen = self.sender()
        if isinstance(chosen, QAction):
            self._on_teach(int(chosen.data()))

    @Slot()
    def _on_handwriting(self) -> None:
        if self._dialog is None:
            self._dialog = self._made_dialog()
        self._dialog.show()
        self._fill_dialog()
        self._dialog.raise_()
        self._dialog.activateWindow()

    def _made_dialog(self) -> HandwritingDialog:
        dialog = HandwritingDialog(self)
        dialog.set_classes(self._class_names)
        dialog.deleted.connect(self.session.forget_drawings)
        dialog.corrected.connect(self.session.relabel)
        dialog.forgotten.connect(self._on_forget)
        return dialog

    @Slot()
    def _on_forget(self) -> None:
        count = len(self.session.drawing_store.drawings)
        question = f"Delete {'the drawing' if count == 1 else f'all {count:,} drawings'}? This cannot be undone."
        forget, roles = "Forget", QMessageBox.ButtonRole
        choices = {"Cancel": roles.RejectRole, forget: roles.DestructiveRole}
        if choose(self._dialog or self, "Forget my handwriting", question, choices) == forget:
            self.session.forget_handwriting()

    # ------------------------------------------------------------ session -> user

    @Slot()
    def _show_classes(self) -> None:
        """Another network may tell other classes apart."""
        names = self.session.class_names
        if names == self._class_names:
            return
        self._class_names = names
        self._bars.set_classes(names)
        self._bars.setAccessibleName(f"Probability of each {self._kind}")
        self._canvas.set_hint(DIGIT_HINT if self._reads_digits else "Draw here")
        self._keys.answers = frozenset(names) & frozenset(DIGIT_NAMES)
        self._labels.clear()
        self._labels.addItems(names)
        self._labels.setCurrentIndex(-1)
        self._labels_row.setVisible(len(names) > MOST_ROWS)
        self._arrange()
        if self._dialog is not None:
            self._dialog.set_classes(names)
        for teach in self._teach_actions:
            self._teach_menu.removeAction(teach)
            teach.deleteLater()
        self._teach_actions = []
        for index, name in enumerate(names):
            teach = action(self, f"It is {with_mnemonic(name)}", f"teach{index}Action", self._on_teach_action)
            teach.setData(index)
            self._teach_actions.append(teach)
        self._teach_menu.addActions(self._teach_actions)
        self._show_handwriting()

    @Slot()
    def _show_prediction(self) -> None:
        session = self.session
        prediction = session.prediction
        self._show_shown()
        self._bars.set_probabilities(prediction.probabilities if prediction else None)
        self._show_comparison()
        self._show_boxes()
        if prediction is not None:
            self._reading.show_number(session.picture, session.number.text, self._verdict_on(prediction))
        elif session.picture.any():
            text = "No network yet" if session.model is None else "No answer"
            self._reading.show_hint(session.picture, text, "Train one, or open a model.")
        else:
            self._reading.show_hint(session.picture, "The canvas is blank", self._what_to_draw())

    @property
    def _reads_digits(self) -> bool:
        return self._class_names == DIGIT_NAMES

    @property
    def _kind(self) -> str:
        """What the network tells apart."""
        return "digit" if self._reads_digits else "class"

    def _what_to_draw(self) -> str:
        names = self._class_names
        if self._reads_digits:
            return "Draw a digit from 0 to 9."
        return f"Draw one of {len(names)} classes, from {names[0]} to {names[-1]}."

    def _show_shown(self) -> None:
        """A picture that is read in place of a drawing lies on the canvas."""
        shown = self.session.shown
        if shown is not self._shown:
            self._shown = shown
            if shown is not None:
                self._canvas.lay_picture(shown.picture)
                self._keys.listens = False
                announce(self._canvas, shown.name)

    def _show_boxes(self) -> None:
        """The boxes of several digits; while the pen is down they stay, since a digit may not be complete yet."""
        found = self.session.number.digits
        if not self._canvas.is_drawing:
            self._canvas.set_boxes([digit.box for digit in found] if len(found) > 1 else [], self.session.pointed)

    def _verdict_on(self, prediction: Prediction) -> str:
        """What is said about the digit that is pointed at, and which one it is if there are several."""
        session = self.session
        if prediction.recognised:
            verdict = sureness(prediction) + self._reader(prediction)
        else:
            verdict = f"Not recognised. Closest match: {prediction.name}{self._damaged()}"
        count = len(session.number.digits)
        if count == 1:
            return verdict
        read = f"{prediction.name}, " if prediction.recognised else ""
        kind = "Digit" if self._reads_digits else "Drawing"
        return f"{kind} {session.pointed + 1} of {count}: {read}{verdict}"

    def _reader(self, prediction: Prediction) -> str:
        """A second line that says who is reading, if there is room for it."""
        with_handwriting = prediction.with_handwriting and not self._tools.compares
        return self._damaged() or ("\nwith your handwriting" if with_handwriting else "")

    def _damaged(self) -> str:
        return "\nby the damaged copy" if self.session.damage else ""

    @Slot()
    def _announce_reading(self) -> None:
        """Announce the reading once the pen has been up for a while: a digit may have several strokes."""
        if not self._canvas.is_drawing:
            self._reading.announce(number=True)

    def _show_comparison(self) -> None:
        """Beside what the network sees, show what it would see without preprocessing."""
        if self._tools.compares:
            self._reading.compare(self.session.prediction, *self.session.read_as_drawn())
        else:
            self._reading.stop_comparing()

    @Slot()
    def _show_handwriting(self) -> None:
        session = self.session
        count = len(session.drawing_store.drawings)
        can_teach = session.can_teach
        self._bars.set_choosable(can_teach)
        self._bars.setToolTip(f"Click the {self._kind} you drew to teach it." if can_teach else "")
        self._labels.setEnabled(can_teach)
        for teach in self._teach_actions:
            teach.setEnabled(can_teach)
        for control in (self._untaught, self._untaught_action):
            control.setEnabled(count > 0)
        for check in (self._handwriting, self._handwriting_action):
            check.setChecked(session.uses_handwriting)
        self._handwriting.setText(self._handwriting_text(min(len(session.usable_drawings), MAX_DRAWINGS)))
        self._handwriting.setToolTip(self._handwriting_tip())
        self._show_answer()

    def _handwriting_text(self, count: int) -> str:
        session = self.session
        if session.handwriting_state == "learning" and (count or session.drawing_store.unread):
            return "Learning your handwriting…"
        if not count:
            return f"{WITH_HANDWRITING} (none yet)"
        if session.uses_handwriting and session.state != "idle":
            return "Your handwriting (after the run)"
        if session.uses_handwriting and session.handwriting_state == "off":
            return f"{WITH_HANDWRITING} (not learnt)"
        return f"{WITH_HANDWRITING} ({count:,})"

    def _handwriting_tip(self) -> str:
        accuracy = self.session.handwriting_accuracy
        tip = "A copy of the network learns the drawings you taught and reads in its place. The network itself, its "
        tip += "accuracy and its file do not change. During training, the network reads without the copy."
        if accuracy is not None:
            which = "MNIST test digits" if self._reads_digits else "test pictures"
            tip += f" The copy reads {accuracy:.2%} of the {which} correctly."
        return tip

    @Slot()
    def _show_answer(self) -> None:
        self._taught.setText(self._answer_text())

    def _answer_text(self) -> str:
        """The question which digit was drawn, or what was done with the answer."""
        session, strokes = self.session, self._canvas.strokes
        if session.shown is not None:
            return f"{session.shown.name}.\nDraw or press Clear to remove it."
        if not strokes or session.model is None or self._canvas.is_drawing:
            return ""
        if is_dot(strokes):
            return "A dot alone is not taught."
        if self._keys.pending is not None:
            return f"Teaching it as {with_article(self._keys.pending)}… Esc cancels."
        if self._has_dropped_keys:
            return "Nothing taught. Press a single digit."
        if session.taught_label is not None:
            return self._taught_text(session.taught_label)
        if not self._keys.listens:
            return f"Wrong? Click the bar of the right {self._kind}."
        prediction = session.prediction
        guess = prediction.name if prediction and prediction.recognised and session.state == "idle" else None
        asked = f"Which {self._kind} is it?" if guess is None else f"Is it {with_article(guess)}?"
        if len(self._class_names) > MOST_ROWS:
            return f"{asked} Click its bar, or choose its label."
        has_keys = self._reads_digits and self._canvas.hasFocus()
        return f"{asked} {'Press its key or click its bar.' if has_keys else 'Click its bar.'}"

    def _taught_text(self, label: Label) -> str:
        session, digit = self.session, with_article(label)
        if str(label) not in self._class_names:
            return f"Saved as {digit}, which is no class of this network."
        if not session.uses_handwriting:
            return f"Saved as {digit}. Tick “{WITH_HANDWRITING}” to use it."
        if session.state != "idle":
            return f"Saved as {digit}. It will be used after the run."
        return f"Taught as {digit}."

    # ------------------------------------------------------------ settings

    def save_settings(self, settings: QSettings) -> None:
        settings.setValue("handwriting", self.session.pretrained_uses_handwriting)

    def restore_settings(self, settings: QSettings) -> None:
        self.session.set_pretrained_uses_handwriting(bool(settings.value("handwriting", True, bool)))

    @Slot()
    def _fill_dialog(self) -> None:
        if self._dialog is not None and self._dialog.isVisible():
            drawing_store = self.session.drawing_store
            self._dialog.set_drawings(drawing_store.drawings, is_reading=bool(drawing_store.unread))


def _stacked(*sizes: QSize) -> QSize:
    height = sum(size.height() for size in sizes) + SPACING_PX * (len(sizes) - 1)
    return QSize(max(size.width() for size in sizes), height)


def _beside(left: QSize, right: QSize) -> QSize:
    return QSize(left.width() + SPACING_PX + right.width(), max(left.height(), right.height()))


class _Content(QWidget):
    """QScrollArea takes heightForWidth() of its content for the minimum height."""

    def heightForWidth(self, width: int) -> int:  # noqa: ARG002
        return self.minimumSizeHint().height()
