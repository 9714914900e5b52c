"""One neuron in detail: what it looks for, how it comes to its output, and which digits excite it most."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QPushButton, QWidget

from minigrad_gui.digits import SIDE_PX
from minigrad_gui.insight.glance import NeuronGlance
from minigrad_gui.widgets.building import caption, column, named, row, styled
from minigrad_gui.widgets.maps import Pixels, signed_weights
from minigrad_gui.widgets.mosaic import Mosaic
from minigrad_gui.widgets.paragraph import Paragraph
from minigrad_gui.widgets.sum_table import SumTable

EXCITING_IN_A_ROW = 4
WIDEST_SUM_PX = 280
SCALES = {640: (5, 2), 401: (3, 1), 0: (2, 1)}
"""Screen pixels for each pixel of the weights and of the digits, in a panel of at least so many pixels."""
SPACING_PX = 8
NO_PICTURES: Pixels = np.empty((0, SIDE_PX, SIDE_PX, 3), np.uint8)
HINT = "Point at a neuron to see how it comes to its output."


class NeuronPanel(QWidget):
    """Emits `digitChosen` with the number of the exciting digit that was clicked, and `accepted` for its offer."""

    digitChosen = Signal(int)  # noqa: N815
    accepted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = named(styled(Paragraph(1), "title"), "neuronTitle")
        self._share = named(styled(Paragraph(1, Qt.AlignmentFlag.AlignRight), "muted"), "neuronShare")
        self._title.setText(HINT)
        tip = "The neuron's weights: blue where ink excites it, orange where ink calms it, grey where it does not see "
        tip += "the picture. Those of a deeper layer are the pictures of the layer before, weighted and added up."
        self._looks_for = named(Mosaic("What the neuron looks for"), "neuronWeights", tip)
        self._sum = named(SumTable(), "neuronSum")
        self._exciting_caption = named(caption(), "excitingCaption")
        self._exciting = named(Mosaic("Pictures that excite the neuron most"), "neuronExciting")
        self._looks_for_caption = caption()
        self._offer = named(QPushButton(), "networkOfferButton")
        self._offer.clicked.connect(self.accepted)
        column(1, row(1, self._offer, 1), 1, parent=self._sum)
        self._sum.setMaximumWidth(WIDEST_SUM_PX)
        looks_for = column(self._looks_for_caption, self._looks_for, 1, spacing=2)
        exciting = column(self._exciting_caption, self._exciting, 1, spacing=2)
        details = row(looks_for, self._sum, 1, exciting, spacing=SPACING_PX)
        details.setStretchFactor(self._sum, 100)
        column(row(self._title, self._share), details, spacing=4, parent=self)
        self._set_scales()
        self._exciting.chosen.connect(self.digitChosen)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._set_scales()

    def minimumSizeHint(self) -> QSize:
        """Its pictures become smaller before it is too narrow for them."""
        width = sum(self._widths(SCALES[0])) + self._sum.minimumSizeHint().width() + 2 * SPACING_PX
        return QSize(width, super().minimumSizeHint().height())

    def _widths(self, scales: tuple[int, int]) -> tuple[int, int]:
        looks_for, exciting = map(Mosaic.tile_at, (self._looks_for, self._exciting), scales)
        return looks_for.width(), EXCITING_IN_A_ROW * exciting.width()

    def _set_scales(self) -> None:
        scales = next(scales for least_px, scales in SCALES.items() if self.width() >= least_px)
        for mosaic, scale, width in zip((self._looks_for, self._exciting), scales, self._widths(scales), strict=True):
            mosaic.set_scale(scale)
            mosaic.setFixedWidth(width)

    def show_neuron(self, neuron: NeuronGlance, title: str, share: str, activation: str) -> None:
        """activation: the name of the network's activation."""
        self._offer.hide()
        self._title.setText(title)
        self._share.setText(share)
        self._looks_for_caption.setText("Looks for")
        self._sum.show_sum(neuron.arithmetic, neuron.layer, activation if neuron.share is not None else "")
        self._looks_for.set_pictures(signed_weights(neuron.looks_for)[None], (), [f"The weights of {title}"])

    def show_none(self, offer: str) -> None:
        """No neuron is shown. offer: what the button does that leads further; empty for no button."""
        self._offer.setText(offer)
        self._offer.setVisible(bool(offer))
        self._title.setText(HINT)
        self._share.setText("")
        self._looks_for_caption.setText("")
        self._sum.show_sum(None)
        self._looks_for.set_pictures(NO_PICTURES)
        self.show_exciting("")

    def show_exciting(self, told: str, pictures: Pixels = NO_PICTURES, descriptions: Sequence[str] = ()) -> None:
        """told: above the pictures, (n, 28, 28, 3), such as how many digits were looked at."""
        self._exciting_caption.setText(told)
        self._exciting.set_pictures(pictures, (), descriptions)
        self._exciting.set_current(-1)
