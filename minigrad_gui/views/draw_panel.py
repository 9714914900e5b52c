"""The canvas, and what the network makes of the drawing: the digit, ten probabilities, and the picture it sees."""

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QPushButton, QWidget

from minigrad_gui import theme
from minigrad_gui.session import Session
from minigrad_gui.views.view import View
from minigrad_gui.widgets.building import action, caption, column, named, restyled, row
from minigrad_gui.widgets.canvas import Canvas
from minigrad_gui.widgets.digit_picture import DigitPicture
from minigrad_gui.widgets.probability_bars import ProbabilityBars


class DrawPanel(View):
    place = "right"
    stretch = 1

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._canvas = named(Canvas(), "drawingCanvas")
        self._canvas.setAccessibleName("Drawing canvas")
        self._undo = named(QPushButton(), "undoButton")
        self._redo = named(QPushButton(), "redoButton")
        self._eraser = named(QPushButton(), "eraserButton", "Rub out parts of the drawing")
        self._clear = named(QPushButton("Clear"), "clearButton")
        self._eraser.setCheckable(True)
        for button, name in ((self._undo, "Undo"), (self._redo, "Redo"), (self._eraser, "Eraser")):
            button.setAccessibleName(name)
            button.setFixedWidth(40)
        keys = QKeySequence.StandardKey
        self._undo_action = action(self, "&Undo", "undoAction", self._canvas.undo, keys.Undo)
        self._redo_action = action(self, "&Redo", "redoAction", self._canvas.redo, keys.Redo)
        self._clear_action = action(self, "&Clear the drawing", "clearAction", self._canvas.clear, keys.Delete)
        self._eraser_action = action(self, "&Eraser", "eraserAction", None, "E", checkable=True)
        for button, tied, tip in (
            (self._undo, self._undo_action, "Take back the last change"),
            (self._redo, self._redo_action, "Bring it back"),
            (self._eraser, self._eraser_action, "Rub out parts of the drawing"),
            (self._clear, self._clear_action, "An empty sheet"),
        ):
            keys_told = tied.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            button.setToolTip(f"{tip} ({keys_told})" if keys_told else tip)
        self._undo.clicked.connect(self._canvas.undo)
        self._redo.clicked.connect(self._canvas.redo)
        self._clear.clicked.connect(self._canvas.clear)
        self._eraser.toggled.connect(self._eraser_action.setChecked)
        self._eraser_action.toggled.connect(self._eraser.setChecked)
        self._eraser_action.toggled.connect(self._on_eraser)
        self._canvas.strokesChanged.connect(self._on_strokes)
        self._canvas.undoChanged.connect(self._show_undo)

        centre = Qt.AlignmentFlag.AlignCenter
        tip = "Your drawing as the network gets it: 28 x 28 pixels, scaled and centred like MNIST's digits."
        self._picture = named(DigitPicture(), "networkPicture", tip)
        self._digit = named(caption(align=centre), "predictionLabel")
        self._verdict = named(caption(align=centre), "verdictLabel")
        self._verdict.setWordWrap(True)
        self._bars = named(ProbabilityBars(tuple("0123456789")), "probabilityBars")
        self._bars.setAccessibleName("Probability of each digit")

        seen = column(self._picture, caption("What the network sees", align=centre), spacing=4)
        seen.setAlignment(self._picture, Qt.AlignmentFlag.AlignHCenter)
        verdict = column(1, self._digit, self._verdict, 1, spacing=0)
        reading = row(seen, verdict, spacing=theme.SPACING_PX)
        reading.setStretchFactor(verdict, 1)
        tools = row(self._undo, self._redo, self._eraser, 1, self._clear)
        parts = column(self._canvas, tools, reading, self._bars, 1, spacing=10, margin=theme.SPACING_PX, parent=self)
        parts.setStretchFactor(self._canvas, 1000)

        session.predictionChanged.connect(self._show_prediction)
        self.restyle()
        self._show_undo(False, False)
        self._show_prediction()

    def menu_actions(self) -> dict[str, list[QAction]]:
        return {"&Edit": [self._undo_action, self._redo_action, self._eraser_action, self._clear_action]}

    def restyle(self) -> None:
        colors = theme.colors()
        for button, name in (
            (self._undo, "undo"),
            (self._redo, "redo"),
            (self._eraser, "eraser"),
            (self._clear, "clear"),
        ):
            button.setIcon(theme.icon(name, colors.text, colors.muted))

    # ------------------------------------------------------------ person -> session

    @Slot()
    def _on_strokes(self) -> None:
        self.session.set_drawing(self._canvas.strokes)

    @Slot(bool)
    def _on_eraser(self, erasing: bool) -> None:
        self._canvas.erasing = erasing

    # ------------------------------------------------------------ session -> person

    @Slot(bool, bool)
    def _show_undo(self, can_undo: bool, can_redo: bool) -> None:
        for control in (self._undo, self._undo_action):
            control.setEnabled(can_undo)
        for control in (self._redo, self._redo_action):
            control.setEnabled(can_redo)

    @Slot()
    def _show_prediction(self) -> None:
        prediction = self.session.prediction
        self._picture.set_picture(self.session.picture)
        self._bars.set_probabilities(prediction.probabilities if prediction else None)
        restyled(self._digit, "role", "digit" if prediction else "muted")
        if prediction is not None:
            self._digit.setText(str(prediction.digit))
            sure = float(prediction.probabilities[prediction.digit])
            self._verdict.setText("over 99.9% sure" if sure > 0.999 else f"{sure:.1%} sure")
        elif self.session.picture.any():
            self._digit.setText("No network yet" if self.session.model is None else "No answer")
            self._verdict.setText("Train one, or open a model.")
        else:
            self._digit.setText("The canvas is blank")
            self._verdict.setText("Draw a digit from 0 to 9.")
