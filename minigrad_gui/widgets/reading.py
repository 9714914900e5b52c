"""How a drawing is read: the picture that the network sees, the digit or number, and a verdict in words.

In place of the words there can be a comparison with the drawing merely scaled down.
"""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy, QWidget

from minigrad_gui import theme
from minigrad_gui.digits import Picture
from minigrad_gui.reader import Prediction
from minigrad_gui.widgets.accessibility import announce
from minigrad_gui.widgets.building import caption, column, named, restyled, row, styled
from minigrad_gui.widgets.digit_picture import DigitPicture
from minigrad_gui.widgets.paragraph import Paragraph
from minigrad_gui.wording import percentage

CAPTION_SPACING_PX = 4
CAPTION_LINES, VERDICT_LINES, NAME_LINES = 2, 3, 3
DIGIT_HEIGHT_PX = 76
NUMBER_ROLES = {"digit": 2, "number": 4}
"""So many digits at most are shown in these sizes."""
SEEN = "What the network sees"


class Reading(QWidget):
    """Its height depends on the size of the pictures alone, so that nothing moves while somebody draws."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        centre = Qt.AlignmentFlag.AlignCenter
        tip = "Your drawing as the network sees it: 28 x 28 pixels, scaled and centred like the digits of MNIST."
        self._picture = named(DigitPicture(), "networkPicture", tip)
        self._picture.setAccessibleName(SEEN)
        self._seen_caption = named(caption(SEEN, align=centre), "seenCaption")
        tip = "The whole canvas scaled down to 28 x 28 pixels, without cropping and centring the digit."
        self._picture_as_drawn = named(DigitPicture(), "drawnPicture", tip)
        self._picture_as_drawn.setAccessibleName("The drawing as drawn")
        self._drawn_caption = named(caption(align=centre), "drawnCaption")
        self._digit = named(styled(Paragraph(NAME_LINES, centre), "muted"), "predictionLabel")
        self._digit.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # a number moves nothing
        self._verdict = named(caption(align=centre), "verdictLabel")
        self._verdict.setWordWrap(True)
        for label in (self._seen_caption, self._drawn_caption):
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)

        self._drawn, self._said = QWidget(), QWidget()
        seen = column(self._picture, self._seen_caption, 1, spacing=CAPTION_SPACING_PX)
        drawn = column(self._picture_as_drawn, self._drawn_caption, 1, spacing=CAPTION_SPACING_PX, parent=self._drawn)
        for pictures, picture in ((seen, self._picture), (drawn, self._picture_as_drawn)):
            pictures.setAlignment(picture, Qt.AlignmentFlag.AlignHCenter)
        column(1, self._digit, self._verdict, 1, spacing=0, parent=self._said)
        layout = row(seen, self._drawn, self._said, spacing=theme.SPACING_PX, parent=self)
        layout.setStretchFactor(self._drawn, 1)
        layout.setStretchFactor(self._said, 1)

    def reserve_width(self) -> None:
        """Make room for the captions, in the font that the style sheet gives once the widget is in its window."""
        for label in (self._seen_caption, self._drawn_caption):
            label.setMinimumWidth(label.fontMetrics().horizontalAdvance("What the network ") + 4)
            label.setFixedHeight(CAPTION_LINES * label.fontMetrics().lineSpacing() + 2)
        self.setMinimumWidth(2 * self._seen_caption.minimumWidth() + theme.SPACING_PX)

    def set_pixel_px(self, pixel_px: int) -> None:
        """The side of a pixel of the pictures, in pixels of the screen; makes room for any verdict beside them."""
        for picture in (self._picture, self._picture_as_drawn):
            picture.set_pixel_px(pixel_px)
        pictures = self._picture.height() + CAPTION_SPACING_PX + self._seen_caption.height()
        self.setFixedHeight(max(pictures, DIGIT_HEIGHT_PX + VERDICT_LINES * self._verdict.fontMetrics().lineSpacing()))

    def show_number(self, picture: Picture, number: str, verdict: str) -> None:
        """The number that was read, and the digit that the verdict is about as the network sees it, (28, 28)."""
        self._show(picture, number, _number_role(number), verdict)

    def show_hint(self, picture: Picture, text: str, hint: str) -> None:
        """Why nothing was read, and what to do."""
        self._show(picture, text, "muted", hint)

    def _show(self, picture: Picture, text: str, role: str, verdict: str) -> None:
        self._picture.set_picture(picture)
        restyled(self._digit, "role", role)
        self._digit.setText(text)
        self._verdict.setText(verdict)

    def compare(self, seen: Prediction | None, picture_as_drawn: Picture, drawn: Prediction | None) -> None:
        """Show both pictures, (28, 28), with what the network reads in each; the captions repeat the verdict."""
        self._set_comparing(True)
        self._picture_as_drawn.set_picture(picture_as_drawn)
        self._drawn_caption.setText(_captioned("As drawn", drawn))
        self._seen_caption.setText(_captioned("As seen", seen))

    def stop_comparing(self) -> None:
        self._set_comparing(False)
        self._seen_caption.setText(SEEN)

    def _set_comparing(self, compares: bool) -> None:
        self._drawn.setVisible(compares)
        self._said.setVisible(not compares)

    def announce(self, *, number: bool) -> None:
        """Tell assistive technology the verdict, after the number if that is wanted."""
        announce(self._digit, f"{self._digit.text()}, {self._verdict.text()}" if number else self._verdict.text())


def sureness(prediction: Prediction) -> str:
    return f"{percentage(prediction.probabilities[prediction.digit])} sure"


def _number_role(number: str) -> str:
    """As large as fits."""
    return next((role for role, digits in NUMBER_ROLES.items() if len(number) <= digits), "figure")


def _captioned(text: str, prediction: Prediction | None) -> str:
    if prediction is None:
        return f"{text}\n–"
    return f"{text}\n{prediction.name if prediction.recognised else '?'}, {sureness(prediction)}"
