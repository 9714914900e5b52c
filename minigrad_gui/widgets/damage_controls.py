"""The controls that damage a layer: which one, the noise on its weights, and a factor that scales it."""

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import QComboBox, QLabel, QWidget

from minigrad_gui.insight.damage import Damage
from minigrad_gui.widgets.amount_slider import AmountSlider
from minigrad_gui.widgets.building import named, row

MOST_NOISE, MOST_SCALE, STEP = 2.0, 3.0, 0.05


class DamageControls(QWidget):
    """Emits `noiseWanted` or `scaleWanted` with a layer and an amount when the person moves a slider."""

    noiseWanted = Signal(int, float)  # noqa: N815
    scaleWanted = Signal(int, float)  # noqa: N815

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._damage = Damage()
        self._layer = named(QComboBox(), "damageLayerCombo", "The layer that noise and scale are applied to")
        self._layer.setAccessibleName("Layer to damage")
        tip = "Noise added to the layer's weights, as a multiple of their standard deviation"
        self._noise = named(AmountSlider(MOST_NOISE, STEP, "x"), "damageNoiseSlider", tip)
        self._noise.setAccessibleName("Noise")
        tip = "The factor that the layer's weights and biases are multiplied by"
        self._scale = named(AmountSlider(MOST_SCALE, STEP, "x"), "damageScaleSlider", tip)
        self._scale.setAccessibleName("Scale")
        labels = QLabel("Noise"), QLabel("Scale")
        for label, slider in zip(labels, (self._noise, self._scale), strict=True):
            label.setBuddy(slider)
        items = self._layer, labels[0], self._noise, self._noise.readout, labels[1], self._scale, self._scale.readout
        row(*items, parent=self)
        self._layer.currentIndexChanged.connect(self._show_amounts)
        self._noise.amountChanged.connect(self._on_noise)
        self._scale.amountChanged.connect(self._on_scale)

    def show_damage(self, damage: Damage, layers: int) -> None:
        """Show what is done to a network with so many layers, the output's included."""
        self._damage = damage
        if self._layer.count() != layers:
            with QSignalBlocker(self._layer):
                self._layer.clear()
                self._layer.addItems([*(f"Layer {number}" for number in range(1, layers)), "Output"][:layers])
        self._show_amounts()

    @Slot()
    def _show_amounts(self) -> None:
        layer = self._layer.currentIndex()
        self._noise.set_amount(self._damage.noise.get(layer, 0.0))
        self._scale.set_amount(self._damage.scale.get(layer, 1.0))

    @Slot()
    def _on_noise(self) -> None:
        self.noiseWanted.emit(self._layer.currentIndex(), self._noise.amount)

    @Slot()
    def _on_scale(self) -> None:
        self.scaleWanted.emit(self._layer.currentIndex(), self._scale.amount)
