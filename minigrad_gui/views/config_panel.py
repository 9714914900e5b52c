"""The settings of a run. An invalid setting is marked at its field, with the reason."""

from contextlib import suppress
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings, QSignalBlocker, Qt, Slot
from PySide6.QtGui import QAction, QStandardItemModel
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QToolButton,
    QWidget,
)

from engine import Augmentation, ConfigError, TrainingConfig
from minigrad_gui import data, theme
from minigrad_gui.data import ALL_GUESSED, Choices
from minigrad_gui.digits import CLASSES, SIDE_PX
from minigrad_gui.presets import PRESETS, dataset_of, preset_of
from minigrad_gui.session import (
    Session,
    config_from_json,
    config_to_json,
    datasets_from_json,
    datasets_to_json,
)
from minigrad_gui.views.view import View
from minigrad_gui.widgets.accessibility import announce, explain, plain
from minigrad_gui.widgets.building import action, caption, column, named, restyled, row, scrolled
from minigrad_gui.widgets.dataset_box import COMMANDS, FILE, FOLDER, HUB, DatasetEditor, ask_for_dataset
from minigrad_gui.widgets.schedule_preview import SchedulePreview
from minigrad_gui.widgets.setting_editors import ChoiceEditor, SettingEditor
from minigrad_gui.widgets.setting_table import BY_FIELD, FOLDED, SETTINGS, Setting
from minigrad_gui.widgets.setting_texts import OWN, PRESET_TIPS, PRESET_TITLES, TIPS
from minigrad_gui.widgets.variation_preview import VariationPreview
from minigrad_gui.wording import shortened, unseen_text

PREVIEWED_LABELS = (0, 1, 2, 3, 4, 5, 7, 9)
MOST_NAME_CHARS = 20
VARIES_NOTHING = "No picture will vary: no other epochs are left."


class ConfigPanel(View):
    place = "left"
    stretch = 1

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.setAccessibleName("Settings")
        self._own: tuple[TrainingConfig, str] | None = None  # the last config and dataset that matched no preset
        self._editors: dict[str, SettingEditor] = {field: setting.make() for field, setting in BY_FIELD.items()}
        self._previewed: tuple[str, Choices] | None = None  # the dataset whose pictures are varied
        self._errors: dict[str, QLabel] = {}
        self._wrong: dict[str, str] = {}
        dataset = self._editors["dataset"]
        assert isinstance(dataset, DatasetEditor)
        self._dataset = dataset
        self._open_menu = QMenu("Open &data", self)
        self._open_menu.addActions(
            [
                action(self, "A &file…", "openDataFileAction", partial(self._open_data, COMMANDS[FILE])),
                action(self, "A f&older…", "openDataFolderAction", partial(self._open_data, COMMANDS[FOLDER])),
                action(self, "From the &hub…", "openDataHubAction", partial(self._open_data, COMMANDS[HUB])),
            ]
        )
        self._preset = ChoiceEditor("presetCombo", PRESET_TITLES, PRESET_TIPS).widget
        self._preset.setAccessibleName("Preset")
        self._parameters = named(caption(), "parametersLabel")
        self._preview = named(VariationPreview(), "variationPreview", TIPS["preview"])
        self._schedule = named(SchedulePreview(), "schedulePreview", TIPS["schedule"])
        self._folds: dict[str, QToolButton] = {}
        self._shuffle = named(QPushButton("Shuffle"), "shuffleButton", TIPS["shuffle"])
        self._continues = named(QCheckBox("Continue from current network"), "continueCheck", TIPS["continues"])
        tip = "Reset all settings on this panel to their defaults."
        self._reset = named(QPushButton("Reset to defaults"), "defaultsButton", tip)
        self._form = QFormLayout(
            fieldGrowthPolicy=QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow,
            rowWrapPolicy=QFormLayout.RowWrapPolicy.DontWrapRows,
            verticalSpacing=8,
            horizontalSpacing=theme.SPACING_PX,
        )
        self._lay_out()

        self._show_recent()
        self._show_config()
        self._dataset.on_wanted(self._on_data_wanted)
        session.recentDatasetsChanged.connect(self._show_recent)
        for editor in self._editors.values():
            editor.on_edited(self._on_edited)
        self._preset.currentIndexChanged.connect(self._on_preset)
        self._shuffle.clicked.connect(self._preview.shuffle)
        self._preview.needed.connect(self._fill_preview)
        self._continues.toggled.connect(self._on_continues)
        self._reset.clicked.connect(self._on_reset)
        session.configChanged.connect(self._show_config)
        session.modelChanged.connect(self._show_enabled)
        session.stateChanged.connect(self._show_enabled)
        session.datasetOpened.connect(self._forget_samples)
        for loaded in (session.datasetOpened, session.prepared):
            loaded.connect(self._show_config)
        session.analysed.connect(self._show_parameters)  # a view may have had the dataset read

    # ------------------------------------------------------------ building

    def _lay_out(self) -> None:
        body = named(QWidget(), "scrolled")
        scroll = scrolled(body, "Settings")
        panel = column(scroll, parent=self)
        panel.setContentsMargins(1, 1, 1, theme.SPACING_PX)
        body.setLayout(self._form)
        self._fill_form()
        panel.addLayout(row(1, self._reset, 1))  # after the form: the Tab key follows the order of making
        scroll.setMinimumWidth(body.minimumSizeHint().width() + scroll.verticalScrollBar().sizeHint().width())

    def _fill_form(self) -> None:
        form = self._form
        form.setContentsMargins(*4 * (theme.SPACING_PX,))
        self._heading(form, "Preset", "preset").setBuddy(self._preset)
        self._prepare(self._preset, "preset")
        form.addRow(self._preset)
        for title, settings in SETTINGS.items():
            if title == "Variations":
                self._heading(form, title, "variations", self._shuffle)
                form.addRow(self._preview)
            elif title in FOLDED:
                self._fold(form, title)
            else:
                self._heading(form, title)
            for setting in settings:
                self._row(form, setting)
                if setting.field == "schedule":
                    form.addRow("", self._schedule)
            if title == "Network":
                form.addRow("", self._parameters)
            elif title == "Data":
                form.addRow(self._continues)

    @staticmethod
    def _heading(form: QFormLayout, text: str, tip: str | None = None, *beside: QWidget) -> QLabel:
        heading = caption(text, role="title")
        explain(heading, TIPS[tip] if tip else "")
        form.addRow(row(heading, 1, *beside))
        return heading

    def _fold(self, form: QFormLayout, title: str) -> None:
        """A heading that shows and hides the settings below it."""
        heading = QToolButton(autoRaise=True)
        heading.setText(title)
        heading.setCheckable(True)
        heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        heading.setProperty("role", "title")
        named(heading, f"{FOLDED[title]}Fold", TIPS[FOLDED[title]])
        heading.toggled.connect(partial(self._show_fold, title))
        self._folds[title] = heading
        form.addRow(row(heading, 1))

    def _show_fold(self, title: str, is_open: bool) -> None:
        self._folds[title].setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        for setting in SETTINGS[title]:
            shown = self._editors[setting.field].shown
            assert isinstance(shown, QWidget)
            self._form.setRowVisible(shown, is_open)

    def _open_folds(self, wrong: dict[str, str]) -> None:
        """Show the settings that are in use or wrong."""
        current, default = self.session.config, TrainingConfig()
        for title, fold in self._folds.items():
            for field in (setting.field for setting in SETTINGS[title]):
                if field in wrong or getattr(current, field) != getattr(default, field):
                    fold.setChecked(True)
            self._show_fold(title, fold.isChecked())

    def _row(self, form: QFormLayout, setting: Setting) -> None:
        """Add a setting with its label."""
        editor = self._editors[setting.field]
        widget, shown = editor.widget, editor.shown
        label = QLabel(setting.label)
        explain(label, TIPS[setting.field])
        label.setBuddy(widget)
        widget.setAccessibleName(setting.name)
        self._prepare(widget, setting.field)
        form.addRow(label, shown)

    def _error_below(self, field: str) -> QLabel:
        """The line below a setting for its error, made when it is needed: most panels never show one."""
        if field not in self._errors:
            widget = self._editors[field].widget
            error = named(caption(role="error"), widget.objectName().removesuffix("Edit") + "Error")
            error.setWordWrap(True)
            place: Any = self._form.getWidgetPosition(widget)  # the row and the role
            self._form.insertRow(place[0] + 1, error)
            self._errors[field] = error
        return self._errors[field]

    def _prepare(self, widget: QWidget, field: str) -> None:
        """Set the tool tip, and pass dropped files to the window."""
        explain(widget, TIPS[field])
        widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for typed_in in (widget, *widget.findChildren(QLineEdit)):
            typed_in.setAcceptDrops(False)  # files are dropped on the window

    # ------------------------------------------------------------ user -> session

    @Slot()
    def _on_edited(self) -> None:
        try:
            for field, complaint in self._complaints().items():
                raise ConfigError(field, complaint)
            config, source = self._shown_config()
            config.sizes(SIDE_PX**2, self.session.class_count or CLASSES)
        except ConfigError as error:
            self.session.set_config_error(error)
        else:
            self.session.set_config(config, source, self._choices_of(source))
        self._show_enabled()

    def _complaints(self) -> dict[str, str]:
        return {field: text for field, editor in self._editors.items() if (text := editor.complaint())}

    def _shown_config(self) -> tuple[TrainingConfig, str]:
        """The config and the dataset shown. Raises ConfigError if they are invalid."""
        values: dict[str, Any] = {field: editor.value() for field, editor in self._editors.items()}
        source = values.pop("dataset")
        augmentation = Augmentation(**{each.name: values.pop(each.name) for each in fields(Augmentation)})
        return TrainingConfig(**values, augmentation=augmentation), source

    def menu_actions(self) -> dict[str, list[QAction]]:
        return {"&File": [self._open_menu.menuAction()]}

    @Slot(str)
    def _on_data_wanted(self, wanted: str) -> None:
        """A row of the dataset box was chosen: how to open another one, or one that was opened before."""
        if wanted in COMMANDS.values():
            self._open_data(wanted)
        else:
            self.session.open_dataset(wanted, self._choices_of(wanted))

    def _open_data(self, command: str) -> None:
        recent = (Path(source).parent for source, _ in self.session.recent_datasets if Path(source).is_absolute())
        source = ask_for_dataset(command, next(recent, Path.home()), self)
        if source is not None:
            self.session.open_dataset(source)

    def _choices_of(self, source: str) -> Choices:
        """How a dataset was read when it was opened."""
        if source == self.session.source:
            return self.session.choices
        return dict(self.session.recent_datasets).get(source, ALL_GUESSED)

    @Slot()
    def _on_preset(self) -> None:
        name = self._preset.currentData()
        chosen = self._own if name == OWN else (PRESETS[name], dataset_of(name, self.session.source))
        if chosen is not None:
            config, source = chosen
            self.session.set_config(config, source, self._choices_of(source))

    @Slot(bool)
    def _on_continues(self, continues: bool) -> None:
        self.session.set_continues(continues)

    @Slot()
    def _on_reset(self) -> None:
        self.session.set_config(TrainingConfig(), "mnist")
        self._continues.setChecked(False)

    # ------------------------------------------------------------ session -> user

    @Slot()
    def _show_config(self) -> None:
        error = self.session.config_error
        if error is None:
            self._fill(self.session.config)
        wrong = self._complaints()
        if self.session.missing_dataset is not None:
            wrong["dataset"] = _missing(self.session.missing_dataset[0])
        if error is not None:
            wrong[error.field] = str(error)
        else:
            if self.session.config.varies_nothing:
                wrong["plain_epochs"] = VARIES_NOTHING
            if unseen := self.session.config.count_unseen(SIDE_PX**2):
                wrong["receptive_field_px"] = unseen_text(unseen)
        self._mark_errors(wrong)
        self._open_folds(wrong)
        self._show_preset()
        schedule = self._editors["schedule"].value()
        self._schedule.set_schedule(schedule, self._editors["members"].value())
        self._form.setRowVisible(self._schedule, schedule != "constant")
        augmentation = Augmentation(**{each.name: self._editors[each.name].value() for each in fields(Augmentation)})
        self._preview.set_augmentation(augmentation)
        self._shuffle.setEnabled(bool(augmentation))
        if (self.session.source, self.session.choices) != self._previewed:
            self._forget_samples()
        self._show_parameters()
        self._show_enabled()

    @Slot()
    def _show_parameters(self) -> None:
        """How many parameters the network will learn, once it is known how many classes there are; and its pictures."""
        session, classes = self.session, self.session.class_count
        self._form.setRowVisible(self._parameters, classes is not None and not self._wrong.get("hidden"))
        if classes is not None and session.config_error is None:
            count = session.config.count_learning(SIDE_PX**2, classes)
            each = f"{session.config.members} x " if session.config.members > 1 else ""
            self._parameters.setText(f"{each}{count:,} parameters")
        if self._previewed is None:
            self._preview.update()  # which asks for its pictures

    def _mark_errors(self, wrong: dict[str, str]) -> None:
        """Show these errors, by field, and none at the other fields."""
        for field in dict.fromkeys([*self._wrong, *wrong]):
            complaint = wrong.get(field, "")
            widget, label = self._editors[field].widget, self._error_below(field)
            restyled(widget, "wrong", field in wrong)
            widget.setAccessibleDescription(" ".join(filter(None, [complaint, plain(TIPS[field])])))
            if label.text() != complaint:
                label.setText(complaint)
                announce(label, complaint)
            self._form.setRowVisible(label, field in wrong)
        self._wrong = wrong

    def _fill(self, config: TrainingConfig) -> None:
        values = {**vars(config), **vars(config.augmentation), "dataset": self.session.source}
        for field, editor in self._editors.items():
            editor.show(values[field])

    def _show_preset(self) -> None:
        """Show which preset the config matches, ignoring the seed."""
        current, shown = (self.session.config, self.session.source), OWN
        if self.session.config_error is None:
            shown = preset_of(*current) or OWN
            self._own = current if shown == OWN else self._own
        own = self._preset.findData(OWN)
        model = self._preset.model()
        assert isinstance(model, QStandardItemModel)
        model.item(own).setEnabled(shown == OWN or self._own is not None)
        with QSignalBlocker(self._preset):
            self._preset.setCurrentIndex(self._preset.findData(shown))

    @Slot()
    def _show_recent(self) -> None:
        self._dataset.set_recent([source for source, _ in self.session.recent_datasets])

    @Slot()
    def _forget_samples(self) -> None:
        """Another dataset will be trained on, or its file has changed."""
        self._previewed = None
        self._preview.forget_samples()

    @Slot()
    def _fill_preview(self) -> None:
        """Vary pictures of the dataset that will be trained on: of MNIST at once, of another when it is in memory."""
        session, dataset, samples = self.session, self.session.dataset, None
        if session.source in data.SOURCES:  # they contain MNIST
            with suppress(data.DataError):  # training will report it
                samples = data.sample_digits(PREVIEWED_LABELS)
        elif dataset is not None:
            from minigrad_gui.preview import some_pictures  # not needed to open the window

            samples = some_pictures(dataset, len(PREVIEWED_LABELS))
        if samples is not None:
            self._previewed = session.source, session.choices
            self._preview.set_samples(samples)

    @Slot()
    def _show_enabled(self) -> None:
        """Disable the settings that cannot change during training."""
        idle = self.session.state == "idle"
        for widget in (self._preset, self._reset):
            widget.setEnabled(idle)
        for field, editor in self._editors.items():
            setting = BY_FIELD[field]
            if setting.changes_in_run:  # disabling it, even for a moment, would take its focus
                continue
            is_used = setting.is_used(lambda other: self._editors[other].value())
            is_being_fixed = editor.widget.hasFocus() or bool(editor.complaint())
            editor.widget.setEnabled(idle and (is_used or is_being_fixed))
        # During training, a rate counts only once it is typed in full: 1e-4 begins with a 1.
        self._editors["learning_rate"].widget.setProperty("keyboardTracking", idle)
        obstacle = self.session.obstacle_to_continue
        self._continues.setEnabled(idle and not obstacle)
        explain(self._continues, TIPS["continues"] + (f"<br><b>Not now:</b> {obstacle}" if obstacle else ""))

    # ------------------------------------------------------------ settings

    def save_settings(self, settings: QSettings) -> None:
        settings.setValue("datasets", datasets_to_json(self.session.recent_datasets))
        dataset = self.session.missing_dataset or (self.session.source, self.session.choices)
        settings.setValue("config", config_to_json(self.session.config, *dataset))

    def restore_settings(self, settings: QSettings) -> None:
        self.session.remember_datasets(datasets_from_json(str(settings.value("datasets", ""))))
        config, source, choices = config_from_json(str(settings.value("config", "")))
        self.session.take_config(config, (source, choices))


def _missing(source: str) -> str:
    """That a dataset is gone and what to do, in a narrow column."""
    name = shortened(data.title_of(source), MOST_NAME_CHARS)
    return f"“{name}” was not found. Open it from where it is now."
