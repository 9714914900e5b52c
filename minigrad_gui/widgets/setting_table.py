"""The settings of a run, one per row. A new setting needs a row here and a tip in `setting_texts`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine import ConfigError
from engine.config import ELASTIC_SIGMA_PX, MAX_AUGMENTATION, MAX_FIELD_PX, MAX_MEMBERS
from minigrad_gui.widgets.accessibility import without_mnemonic
from minigrad_gui.widgets.dataset_box import DatasetEditor
from minigrad_gui.widgets.number_spin import count_spin, decimal_spin
from minigrad_gui.widgets.setting_editors import AmountEditor, ChoiceEditor, LayersEditor, NumberEditor, SettingEditor
from minigrad_gui.widgets.setting_texts import (
    ACTIVATION_TITLES,
    AVERAGING_TITLES,
    KEEP_BEST_TITLES,
    NORMALIZATION_TITLES,
    OPTIMIZER_TITLES,
    SCHEDULE_TITLES,
)

Values = Callable[[str], Any]
"""Gives the value of a setting, by its field."""


@dataclass(frozen=True)
class Setting:
    """A row of the form."""

    field: str
    """The name of a field of TrainingConfig or Augmentation, or "dataset"."""
    label: str
    make: Callable[[], SettingEditor]
    changes_in_run: bool = False
    is_used: Callable[[Values], bool] = lambda _: True
    """Whether it makes a difference, given the values of other settings."""

    @property
    def name(self) -> str:
        """The label as it is read."""
        return without_mnemonic(self.label)


def _number(
    name: str, low: float, high: float, step: float | None = None, suffix: str = "", zero: str = ""
) -> Callable[[], NumberEditor]:
    return lambda: NumberEditor(decimal_spin(name, low, high, decimals=6, step=step, suffix=suffix, zero=zero))


def _count(name: str, low: int, high: int, suffix: str = "", zero: str = "") -> Callable[[], NumberEditor]:
    return lambda: NumberEditor(count_spin(name, low, high, suffix=suffix, zero=zero))


def _percentage(name: str, high: int, decimals: int = 1, zero: str = "") -> Callable[[], NumberEditor]:
    return lambda: NumberEditor(
        decimal_spin(name, 0, high, decimals=decimals, step=1, suffix="%", zero=zero), factor=100
    )


def _choice(name: str, titles: dict[str, str], tips: dict[str, str] | None = None) -> Callable[[], ChoiceEditor]:
    return partial(ChoiceEditor, name, titles, tips)


def _amount(field: str, label: str, name: str, step: float, unit: str = "", factor: int = 1) -> Setting:
    return Setting(field, label, partial(AmountEditor, name, MAX_AUGMENTATION[field], step, unit, factor))


def _has_hidden_layers(value: Values) -> bool:
    try:
        return bool(value("hidden"))
    except ConfigError:  # they are being typed
        return True


def _validates(value: Values) -> bool:
    return bool(value("validation_share") > 0)


def _varies(value: Values) -> bool:
    return any(value(amount) for amount in MAX_AUGMENTATION)


SETTINGS: dict[str, tuple[Setting, ...]] = {
    "Network": (
        Setting("hidden", "Hidden &layers", partial(LayersEditor, "hiddenLayersEdit")),
        Setting("activation", "&Activation", _choice("activationCombo", ACTIVATION_TITLES)),
        Setting(
            "receptive_field_px",
            "Window",
            _count("receptiveFieldSpin", 0, MAX_FIELD_PX, suffix=" px", zero="off"),
            is_used=_has_hidden_layers,
        ),
    ),
    "Learning": (
        Setting("optimizer", "&Optimizer", _choice("optimizerCombo", OPTIMIZER_TITLES)),
        Setting("learning_rate", "Learning &rate", _number("learningRateSpin", 1e-6, 1000.0), changes_in_run=True),
        Setting("schedule", "S&chedule", _choice("scheduleCombo", SCHEDULE_TITLES)),
        Setting(
            "momentum",
            "&Momentum",
            _number("momentumSpin", 0.0, 0.999999, step=0.05),
            is_used=lambda value: value("optimizer") == "momentum",
        ),
        Setting("weight_decay", "&Weight decay", _number("weightDecaySpin", 0.0, 100.0)),
        Setting("batch_size", "&Batch size", _count("batchSizeSpin", 1, 100_000)),
        Setting("epochs", "E&pochs", _count("epochsSpin", 1, 100_000)),
        Setting("seed", "See&d", _count("seedSpin", 0, 2**31 - 1)),
    ),
    "Regularization": (
        Setting("dropout", "Dropout", _percentage("dropoutSpin", 90)),
        Setting("label_smoothing", "Soft labels", _percentage("labelSmoothingSpin", 90)),
        Setting(
            "normalization",
            "Normalization",
            _choice("normalizationCombo", NORMALIZATION_TITLES),
            is_used=_has_hidden_layers,
        ),
        Setting("l1", "L1 penalty", _number("l1Spin", 0.0, 100.0)),
        Setting("l2", "L2 penalty", _number("l2Spin", 0.0, 100.0)),
        Setting("clip_norm", "Clip norm", _number("clipNormSpin", 0.0, 1_000_000.0, step=0.5, zero="off")),
    ),
    "Ending": (
        Setting("patience", "Patience", _count("patienceSpin", 0, 100_000, zero="off"), is_used=_validates),
        Setting(
            "stop_accuracy", "Stop at", _percentage("stopAccuracySpin", 100, decimals=2, zero="off"), is_used=_validates
        ),
        Setting("keep_best", "Keep best", _choice("keepBestCombo", KEEP_BEST_TITLES), is_used=_validates),
        Setting("averaging", "Averaging", _choice("averagingCombo", AVERAGING_TITLES)),
        Setting(
            "averaged_epochs",
            "Over epochs",
            _number("averagedEpochsSpin", 1e-6, 100_000.0, step=1),
            is_used=lambda value: value("averaging") != "none",
        ),
        Setting("members", "Committee", _count("membersSpin", 1, MAX_MEMBERS)),
    ),
    "Data": (
        Setting("dataset", "Data&set", partial(DatasetEditor, "datasetCombo")),
        Setting("validation_share", "&Validation", _percentage("validationSpin", 50)),
    ),
    "Variations": (
        _amount("shift_px", "Sh&ift", "shiftSlider", 0.25, " px"),
        _amount("rotation_deg", "Rotatio&n", "rotationSlider", 1, "°"),
        _amount("scale", "Si&ze", "scaleSlider", 0.01, "%", factor=100),
        _amount("shear", "Slant", "shearSlider", 0.01),
        _amount("elastic_px", "Elastic", "elasticSlider", 0.1, " px"),
        Setting(
            "elastic_sigma_px",
            "Elastic bumps",
            _number("elasticSigmaSpin", *ELASTIC_SIGMA_PX, step=0.5, suffix=" px"),
            is_used=lambda value: value("elastic_px") > 0,
        ),
        _amount("thickness_px", "Thic&kness", "thicknessSlider", 0.05, " px"),
        Setting("plain_epochs", "Plain epochs", _count("plainEpochsSpin", 0, 100_000), is_used=_varies),
    ),
    "Experiments": (
        Setting("training_samples", "Samples", _count("trainingSamplesSpin", 0, 10_000_000, zero="all")),
        Setting("label_noise", "Label noise", _percentage("labelNoiseSpin", 100)),
    ),
}
"""By heading, in display order."""
BY_FIELD = {setting.field: setting for settings in SETTINGS.values() for setting in settings}
FOLDED = {"Regularization": "regularization", "Ending": "ending"}
"""Headings whose settings are seldom used, and are shown on request; each with its key in TIPS."""
