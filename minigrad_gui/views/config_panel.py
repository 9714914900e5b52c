"""The settings of a run. What cannot be trained is marked at its field, with the reason."""

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSettings, Qt, Slot
from PySide6.QtGui import QShowEvent, QStandardItemModel
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QFrame,
    QLabel,
    QLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QWidget,
)

from engine import Augmentation, ConfigError, TrainingConfig
from engine.config import MAX_AUGMENTATION
from engine.nn import count_parameters
from minigrad_gui import theme
from minigrad_gui.data import SOURCES
from minigrad_gui.digits import CLASSES, SIDE_PX
from minigrad_gui.layer_sizes import parse_hidden
from minigrad_gui.presets import PRESETS
from minigrad_gui.session import Session, config_from_json, config_to_json
from minigrad_gui.views.view import View
from minigrad_gui.widgets.accessibility import announce, explain, name_scroll_area, plain, without_mnemonic
from minigrad_gui.widgets.amount_slider import AmountSlider
from minigrad_gui.widgets.building import caption, column, named, restyled, row
from minigrad_gui.widgets.number_spin import CountSpin, DecimalSpin, count_spin, decimal_spin
from minigrad_gui.widgets.variation_preview import VariationPreview

ACTIVATION_TITLES = {"relu": "ReLU", "tanh": "Tanh", "sigmoid": "Sigmoid"}
OPTIMIZER_TITLES = {"adam": "Adam", "momentum": "SGD with momentum", "sgd": "SGD"}
SCHEDULE_TITLES = {"constant": "Constant", "cosine": "Cosine: sinks to 0"}
OWN = "own"
PRESET_TITLES = {
    "quick": "Quick",
    "reference": "As in the reference",
    "best": "Best",
    OWN: "My own settings",
}
PRESET_TIPS = {
    "quick": "What the program starts with: reads some 98 % of the test digits after ten epochs, some ten seconds.",
    "reference": "The classic exercise: layers 784-256-128-10-10, Adam at 0.001, batches of 32, 5 epochs. "
    "About as long as Quick.",
    "best": "For reading what you draw, and how the pretrained network was made: a larger network, digits that vary, "
    "and a learning rate that sinks. Takes some minutes.",
    OWN: "Settings that are none of the presets; those you had last come back.",
}

TIPS = {
    "preset": "<b>Preset</b><br>Sets everything below but the dataset at once."
    + "".join(f"<br><b>{PRESET_TITLES[name]}</b>: {tip}" for name, tip in PRESET_TIPS.items()),
    "hidden": "<b>Hidden layers</b><br>How many neurons each layer between picture and answer has, from first to last: "
    "“256, 128” is two layers. More neurons can learn more and take longer. None at all is softmax regression.",
    "activation": "<b>Activation</b><br>What a neuron does with its sum. Without it, many layers could do no more than "
    "one. ReLU cuts off below zero and learns fast; Tanh and Sigmoid squash, and learn slowly in deep networks.",
    "optimizer": "<b>Optimizer</b><br>How a gradient becomes a step. SGD walks straight downhill; momentum keeps some "
    "of its speed; Adam also gives each weight a step size of its own.",
    "learning_rate": "<b>Learning rate</b><br>How large a step is. Too small learns slowly, too large makes the loss "
    "jump or explode. Good starts: 0.0005 for Adam, 0.01 for momentum, 0.1 for SGD. You may change it while it trains.",
    "schedule": "<b>Schedule</b><br>How the learning rate goes on from where it begins. Constant stays there; Cosine "
    "sinks, at last to 0, so that the last steps of a run are small and careful. Good for long runs.",
    "momentum": "<b>Momentum</b><br>How much of the last step is kept in the next, from 0 to below 1. Used by SGD with "
    "momentum.",
    "weight_decay": "<b>Weight decay</b><br>Shrinks all weights a little at each step, which keeps a network from "
    "learning its examples by heart. 0 turns it off; 0.01 is a good try.",
    "batch_size": "<b>Batch size</b><br>How many digits are looked at before each step. Small batches make noisy, "
    "frequent steps; large ones make smooth, rare steps and use the processor better.",
    "epochs": "<b>Epochs</b><br>How many times the network sees every training digit.",
    "seed": "<b>Seed</b><br>Where the random numbers begin: first weights and order of the digits. The same seed and "
    "settings give the same network again.",
    "validation_share": "<b>Validation share</b><br>Digits that are held back from training, to see how well the "
    "network reads what it has not seen. With 0 %, all of the training digits are learnt from, and how sure to be is "
    "measured on variations of them.",
    "dataset": "<b>Dataset</b><br>What to learn from. “MNIST” comes with the program: 60,000 digits to learn from and "
    "10,000 to test on. “ylecun/mnist” fetches the same digits from Hugging Face.",
    "variations": "<b>Variations</b> (augmentation)<br>Changes each training digit a little, at random and anew in "
    "every epoch, as if another hand had written it with another pen. The network then learns what makes a 3 a 3 and "
    "reads drawings better, but needs more epochs for that. The digits that it is tested on stay as they are.",
    "shift_px": "<b>Shift</b><br>How far a digit is moved at most, sideways and up or down, in pixels of its 28.",
    "rotation_deg": "<b>Rotation</b><br>How far a digit is turned at most, either way.",
    "scale": "<b>Size</b><br>How much larger or smaller a digit gets at most, width and height each by itself.",
    "shear": "<b>Slant</b><br>How far a digit leans at most, either way: pixels to the side for each pixel up.",
    "elastic_px": "<b>Elastic</b><br>How far the points of a digit are moved, neighbours together, as if it were "
    "drawn on rubber. Makes the shakes and bends of handwriting.",
    "thickness_px": "<b>Thickness</b><br>How much thicker or thinner the lines get at most.",
    "shuffle": "Vary these digits in another way. Training varies them on and on.",
    "preview": "Eight of the training digits as the network would get them with the sliders set like this.",
    "continues": "<b>Go on from the current network</b><br>Train the network that is there, instead of a new one. "
    "It must have these hidden layers and this activation.",
}


class ConfigPanel(View):
    place = "left"
    stretch = 1

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.setAccessibleName("Settings")
        self._own: TrainingConfig | None = None  # the last config that was none of the presets
        self._preset = _combo("presetCombo", PRESET_TITLES, PRESET_TIPS)
        self._preset.setAccessibleName("Preset")
        self._hidden = named(QLineEdit(placeholderText="none: softmax regression"), "hiddenLayersEdit")
        self._errors: dict[str, QLabel] = {}
        self._filled: dict[str, tuple[float, float]] = {}
        """What each spin box was made to show, and the setting that this stands for."""
        self._parameters = named(caption(), "parametersLabel")
        self._activation = _combo("activationCombo", ACTIVATION_TITLES)
        self._optimizer = _combo("optimizerCombo", OPTIMIZER_TITLES)
        self._learning_rate = decimal_spin("learningRateSpin", 0.000001, 1000.0, decimals=6)
        self._schedule = _combo("scheduleCombo", SCHEDULE_TITLES)
        self._momentum = decimal_spin("momentumSpin", 0.0, 0.999999, decimals=6, step=0.05)
        self._weight_decay = decimal_spin("weightDecaySpin", 0.0, 100.0, decimals=6)
        self._batch_size = count_spin("batchSizeSpin", 1, 100_000)
        self._epochs = count_spin("epochsSpin", 1, 100_000)
        self._seed = count_spin("seedSpin", 0, 2**31 - 1)
        self._validation = count_spin("validationSpin", 0, 50, suffix=" %")
        titles = {key: source.title for key, source in SOURCES.items()}
        self._dataset = _combo("datasetCombo", titles, {key: source.description for key, source in SOURCES.items()})
        self._sliders = {
            "shift_px": _slider("shiftSlider", "shift_px", 0.25, " px"),
            "rotation_deg": _slider("rotationSlider", "rotation_deg", 1, "°"),
            "scale": _slider("scaleSlider", "scale", 0.01, " %", factor=100),
            "shear": _slider("shearSlider", "shear", 0.01),
            "elastic_px": _slider("elasticSlider", "elastic_px", 0.1, " px"),
            "thickness_px": _slider("thicknessSlider", "thickness_px", 0.05, " px"),
        }
        self._preview = named(VariationPreview(), "variationPreview", TIPS["preview"])
        self._shuffle = named(QPushButton("Shuffle"), "shuffleButton", TIPS["shuffle"])
        keep = QCheckBox("Go on from the current network")
        self._continues = named(keep, "continueCheck", TIPS["continues"])
        tip = "Set everything on this panel back to where it was at first."
        self._reset = named(QPushButton("Back to the defaults"), "defaultsButton", tip)

        self._form = form = QFormLayout(
            fieldGrowthPolicy=QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow,
            rowWrapPolicy=QFormLayout.RowWrapPolicy.DontWrapRows,
            verticalSpacing=8,
            horizontalSpacing=theme.SPACING_PX,
        )
        form.setContentsMargins(*4 * (theme.SPACING_PX,))
        self._heading(form, "Preset", "preset").setBuddy(self._preset)
        self._prepare(self._preset, "preset")
        form.addRow(self._preset)
        self._heading(form, "Network")
        self._row(form, "Hidden &layers", self._hidden, "hidden")
        self._row(form, "&Activation", self._activation, "activation")
        form.addRow("", self._parameters)
        self._heading(form, "Learning")
        self._row(form, "&Optimizer", self._optimizer, "optimizer")
        self._row(form, "Learning &rate", self._learning_rate, "learning_rate")
        self._row(form, "S&chedule", self._schedule, "schedule")
        self._row(form, "&Momentum", self._momentum, "momentum")
        self._row(form, "&Weight decay", self._weight_decay, "weight_decay")
        self._row(form, "&Batch size", self._batch_size, "batch_size")
        self._row(form, "E&pochs", self._epochs, "epochs")
        self._row(form, "See&d", self._seed, "seed")
        self._heading(form, "Digits")
        self._row(form, "Data&set", self._dataset, "dataset")
        self._row(form, "&Validation", self._validation, "validation_share")
        form.addRow(self._continues)
        self._heading(form, "Variations", "variations", self._shuffle)
        form.addRow(self._preview)
        for text, (field, slider) in zip(
            ("Sh&ift", "Rotatio&n", "Si&ze", "Slant", "Elastic", "Thic&kness"), self._sliders.items(), strict=True
        ):
            self._labelled(form, text, slider, field, row(slider, slider.readout))

        body = named(QWidget(), "scrolled")
        body.setLayout(form)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        name_scroll_area(scroll, "Settings")
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(body)
        scroll.setMinimumWidth(body.minimumSizeHint().width() + scroll.verticalScrollBar().sizeHint().width())
        column(scroll, row(1, self._reset, 1), parent=self).setContentsMargins(1, 1, 1, theme.SPACING_PX)

        self._show_config()
        self._hidden.textChanged.connect(self._on_edited)
        self._preset.currentIndexChanged.connect(self._on_preset)
        for combo in (self._activation, self._optimizer, self._schedule, self._dataset):
            combo.currentIndexChanged.connect(self._on_edited)
        for slider in self._sliders.values():
            slider.amountChanged.connect(self._on_edited)
        self._shuffle.clicked.connect(self._preview.shuffle)
        for spin in self._spins().values():
            spin.valueChanged.connect(self._on_edited)
            spin.editingFinished.connect(self._on_edited)
            spin.lineEdit().textEdited.connect(self._on_edited)
        self._continues.toggled.connect(self._on_continues)
        self._reset.clicked.connect(self._on_reset)
        session.configChanged.connect(self._show_config)
        session.modelChanged.connect(self._show_enabled)
        session.stateChanged.connect(self._show_enabled)
        session.samplesReady.connect(self._show_samples)

    @staticmethod
    def _heading(form: QFormLayout, text: str, tip: str | None = None, *beside: QWidget) -> QLabel:
        heading = caption(text, role="title")
        explain(heading, TIPS[tip] if tip else "")
        form.addRow(row(heading, 1, *beside))
        return heading

    def _row(self, form: QFormLayout, text: str, widget: QWidget, field: str) -> None:
        """A setting with its label, and below it room for what is wrong with it."""
        self._labelled(form, text, widget, field, widget)
        error = named(caption(role="error"), widget.objectName().removesuffix("Edit") + "Error")
        error.setWordWrap(True)
        self._errors[field] = error
        form.addRow(error)

    def _labelled(self, form: QFormLayout, text: str, widget: QWidget, field: str, shown: QWidget | QLayout) -> None:
        """A setting beside its label; it is shown by itself, or with what belongs to it."""
        label = QLabel(text)
        explain(label, TIPS[field])
        label.setBuddy(widget)
        widget.setAccessibleName(without_mnemonic(text))
        self._prepare(widget, field)
        form.addRow(label, shown)

    def _prepare(self, widget: QWidget, field: str) -> None:
        """Explain a setting, and keep from it what is for the panel or the window."""
        explain(widget, TIPS[field])
        widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for typed_in in (widget, *widget.findChildren(QLineEdit)):
            typed_in.setAcceptDrops(False)  # a file that is dropped here is for the window
        widget.installEventFilter(self)

    def eventFilter(self, widget: QObject, event: QEvent) -> bool:
        """The wheel scrolls the panel; it turns a field only where the person has put the cursor."""
        if event.type() == QEvent.Type.Wheel and isinstance(widget, QWidget) and not widget.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(widget, event)

    def _spins(self) -> dict[str, CountSpin | DecimalSpin]:
        return {
            "learning_rate": self._learning_rate,
            "momentum": self._momentum,
            "weight_decay": self._weight_decay,
            "batch_size": self._batch_size,
            "epochs": self._epochs,
            "seed": self._seed,
            "validation_share": self._validation,
        }

    # ------------------------------------------------------------ person -> session

    @Slot()
    def _on_edited(self) -> None:
        try:
            for field, spin in self._spins().items():
                if complaint := spin.complaint():
                    raise ConfigError(field, complaint)
            config = TrainingConfig(
                hidden=parse_hidden(self._hidden.text()),
                activation=self._activation.currentData(),
                optimizer=self._optimizer.currentData(),
                schedule=self._schedule.currentData(),
                augmentation=self._augmentation(),
                **{field: self._setting(field) for field in self._spins()},
            )
            config.sizes(SIDE_PX**2, CLASSES)
        except ConfigError as error:
            self.session.set_config_error(error)
        else:
            self.session.set_config(config, self._dataset.currentData())
        self._show_enabled()

    def _setting(self, field: str) -> Any:
        """What the spin box shows, or the setting itself as long as that is what it shows, rounded."""
        spin, (shown, exact) = self._spins()[field], self._filled[field]
        if spin.value() == shown:
            return exact
        return spin.value() / 100 if spin is self._validation else spin.value()

    def _augmentation(self) -> Augmentation:
        return Augmentation(**{field: slider.amount for field, slider in self._sliders.items()})

    @Slot()
    def _on_preset(self) -> None:
        name = self._preset.currentData()
        chosen = self._own if name == OWN else PRESETS[name]
        if chosen is not None:
            self.session.set_config(chosen, self.session.source)

    @Slot(bool)
    def _on_continues(self, keep: bool) -> None:
        self.session.continues = keep

    @Slot()
    def _on_reset(self) -> None:
        self.session.set_config(TrainingConfig(), "mnist")
        self._continues.setChecked(False)

    # ------------------------------------------------------------ session -> person

    @Slot()
    def _show_config(self) -> None:
        error = self.session.config_error
        if error is None:
            self._fill(self.session.config)
        wrong = {field: complaint for field, spin in self._spins().items() if (complaint := spin.complaint())}
        if error is not None:
            wrong[error.field] = str(error)
        for field, widget in {"hidden": self._hidden, **self._spins()}.items():
            restyled(widget, "wrong", field in wrong)
            widget.setAccessibleDescription(" ".join([*filter(None, [wrong.get(field)]), plain(TIPS[field])]))
        for field, label in self._errors.items():
            if label.text() != wrong.get(field, ""):
                label.setText(wrong.get(field, ""))
                announce(label, label.text())
            self._form.setRowVisible(label, field in wrong)
        self._form.setRowVisible(self._parameters, "hidden" not in wrong)
        self._show_preset()
        augmentation = self._augmentation()
        self._preview.set_augmentation(augmentation)
        self._shuffle.setEnabled(bool(augmentation))
        if error is None:
            count = count_parameters((SIDE_PX**2, *self.session.config.hidden, CLASSES))
            self._parameters.setText(f"{count:,} parameters")
        self._show_enabled()

    def _fill(self, config: TrainingConfig) -> None:
        """Show a config, and leave alone what shows it already: the person may be typing there."""
        combos = (self._activation, self._optimizer, self._schedule, self._dataset)
        widgets = (self._hidden, *combos, *self._spins().values())
        before = [widget.blockSignals(True) for widget in widgets]
        try:
            shown = parse_hidden(self._hidden.text())
        except ConfigError:
            shown = None
        if shown != config.hidden:
            self._hidden.setText(", ".join(str(size) for size in config.hidden))
        self._activation.setCurrentIndex(self._activation.findData(config.activation))
        self._optimizer.setCurrentIndex(self._optimizer.findData(config.optimizer))
        self._schedule.setCurrentIndex(self._schedule.findData(config.schedule))
        self._dataset.setCurrentIndex(self._dataset.findData(self.session.source))
        for field, spin in self._spins().items():
            value = getattr(config, field)
            shown_value: Any = round(value * 100) if spin is self._validation else value
            if spin.value() != shown_value or spin.complaint():
                spin.setValue(shown_value)
            self._filled[field] = spin.value(), value
        for field, slider in self._sliders.items():
            slider.set_amount(getattr(config.augmentation, field))
        for widget, blocked in zip(widgets, before, strict=True):
            widget.blockSignals(blocked)

    def _show_preset(self) -> None:
        """The preset that the config is, whatever its seed, or that it is none."""
        config, shown = self.session.config, OWN
        if self.session.config_error is None:
            same = (name for name, preset in PRESETS.items() if replace(config, seed=preset.seed) == preset)
            shown = next(same, OWN)
            self._own = config if shown == OWN else self._own
        own = self._preset.findData(OWN)
        model = self._preset.model()
        assert isinstance(model, QStandardItemModel)
        model.item(own).setEnabled(shown == OWN or self._own is not None)
        before = self._preset.blockSignals(True)
        self._preset.setCurrentIndex(self._preset.findData(shown))
        self._preset.blockSignals(before)

    @Slot()
    def _show_samples(self) -> None:
        if self.session.samples is not None:
            self._preview.set_samples(self.session.samples)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.session.ask_for_samples()

    @Slot()
    def _show_enabled(self) -> None:
        """While training, only the learning rate can be changed."""
        idle = self.session.state == "idle"
        combos = (self._preset, self._activation, self._optimizer, self._schedule, self._dataset)
        for widget in (self._hidden, *combos, *self._spins().values(), *self._sliders.values(), self._reset):
            if widget is not self._learning_rate:  # not even for a moment: it would lose the focus
                widget.setEnabled(idle)
        # A rate that is being typed into a running training counts when it is finished: 1e-4 begins with a 1.
        self._learning_rate.setKeyboardTracking(idle)
        is_used = self._optimizer.currentData() == "momentum"
        is_being_mended = self._momentum.hasFocus() or bool(self._momentum.complaint())
        self._momentum.setEnabled(idle and (is_used or is_being_mended))
        self._continues.setEnabled(idle and self.session.can_continue)

    # ------------------------------------------------------------ settings

    def save_settings(self, settings: QSettings) -> None:
        settings.setValue("config", config_to_json(self.session.config, self.session.source))

    def restore_settings(self, settings: QSettings) -> None:
        config, source = config_from_json(str(settings.value("config", "")))
        self.session.set_config(config, source)


def _slider(name: str, field: str, step: float, unit: str = "", *, factor: int = 1) -> AmountSlider:
    return named(AmountSlider(MAX_AUGMENTATION[field], step, unit, factor), name)


def _combo(name: str, titles: dict[str, str], tips: dict[str, str] | None = None) -> QComboBox:
    combo = named(QComboBox(), name)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    for index, (key, title) in enumerate(titles.items()):
        combo.addItem(title, key)
        combo.setItemData(index, (tips or {}).get(key), Qt.ItemDataRole.ToolTipRole)
    return combo
