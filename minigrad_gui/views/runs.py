"""Every run so far: sorted, filtered, named and deleted; the curves and the settings of some side by side."""

from collections.abc import Iterable, Sequence
from functools import partial
from time import monotonic
from typing import Any

from PySide6.QtCore import QByteArray, QPoint, QSettings, Qt, QTimer, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QLineEdit,
    QMenu,
    QMessageBox,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QWidget,
)

from engine import ModelFileError
from minigrad_gui.analysis import Answer, Desk
from minigrad_gui.run_comparison import (
    QUANTITIES,
    apart_from_seed,
    differences,
    line_of,
    mean_line,
    summary,
    summary_of_groups,
)
from minigrad_gui.runs import Curve, Run, RunStore, Which
from minigrad_gui.runs_report import table
from minigrad_gui.session import Session
from minigrad_gui.views.view import NONE_HELD_OUT, TRAIN, Docked, DockedView
from minigrad_gui.widgets.building import action, column, named, row, styled
from minigrad_gui.widgets.paragraph import Paragraph
from minigrad_gui.widgets.placeholder import Placeholder
from minigrad_gui.widgets.questions import choose, warn
from minigrad_gui.widgets.run_curves import PALETTE, Drawn, RunCurves
from minigrad_gui.widgets.runs_table import RunsTable
from minigrad_gui.widgets.settings_table import SettingsTable
from minigrad_gui.widgets.several_dialog import SeveralDialog

WATCH_MS = 2000
"""So often the file is looked at for what other windows and terminals have recorded."""
FOLLOW_S = 1.5
SPACING_PX, FILTER_PX, EQUAL_PX = 6, 90, 1000
CURVE_CHARS, CURVE_PX, MORE = 6, 190, 100
MOST_COMPARED, MOST_DRAWN = 20, 100
"""Of the selected runs; more could not be told apart, and would hold up the window."""
READING = "Reading the list…"
NONE_YET, LOOK_AGAIN = "No run has been recorded yet.", "Look again"
SELECT, NO_EPOCH = "Select runs to see their curves.", "The curve begins when the first epoch has ended."
NOT_FINITE = "There is no curve, as no value is finite."
DELETE = "Delete"


class RunsView(DockedView):
    sentence = "Select runs to compare them; double-click a name or a note to write it."

    def __init__(self, session: Session, entry: Docked, parent: QWidget | None = None) -> None:
        super().__init__(session, entry, parent)
        self._quantity, self._averages = "validation accuracy", False
        self._runs: list[Run] | None = None
        self._curves: dict[str, tuple[float, Curve]] = {}
        """Of the selected runs, by identifier, with the time of the record that it was read from."""
        self._places: dict[str, int] = {}
        """The selected runs' places in the palette."""
        self._followed: tuple[str, ...] = ()
        """The runs of a sweep, which were selected as they began."""
        self._written_s = self._asked_s = 0.0
        self._columns = QByteArray()
        """Order, widths and sorting of the table's columns, as they were left."""

    # ------------------------------------------------------------ building

    def build(self) -> None:
        self._filter = named(QLineEdit(placeholderText="Filter"), "runsFilterEdit", "Show only runs with all of these")
        self._filter.setToolTip("Show only runs whose name, note or settings contain all of these words: adam seed=3")
        self._filter.setAccessibleName("Filter")
        self._filter.setClearButtonEnabled(True)
        self._filter.setMinimumWidth(FILTER_PX)
        tip = "Start several runs that differ in one setting, one after the other"
        self._several = named(QPushButton("Several…"), "severalRunsButton", tip)
        self._table = named(RunsTable(), "runsTable")
        self._table.restore_columns(self._columns)
        self._plot = named(RunCurves(), "runsPlot")
        self._settings = named(SettingsTable(), "runsSettings")
        self._lower = QStackedWidget()
        self._no_curve = Placeholder("trainingCurveButton")
        for page in (self._plot, self._settings, self._no_curve):
            self._lower.addWidget(page)
        self._summary = named(styled(Paragraph(3), "muted"), "runsSummary")
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setChildrenCollapsible(False)
        below = QWidget()
        column(self._controls(), self._lower, self._summary, spacing=SPACING_PX, parent=below)
        for part in (self._table, below):
            splitter.addWidget(part)
            splitter.setStretchFactor(splitter.indexOf(part), 1)
        splitter.setAccessibleName("Table and chart")
        splitter.handle(1).setAccessibleName("Chart border")
        splitter.setSizes([EQUAL_PX, EQUAL_PX])
        self.fill(splitter, self._filter, self._several)
        self.show_instead(READING)
        self._watch = QTimer(self, interval=WATCH_MS)
        self._actions()
        self._connect()

    def _controls(self) -> QWidget:
        self._curve = named(QComboBox(), "runsCurveCombo", "What is drawn of the selected runs")
        self._curve.setAccessibleName("Curve")
        self._curve.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._curve.setMinimumContentsLength(CURVE_CHARS)
        self._curve.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._curve.setMaximumWidth(CURVE_PX)
        for quantity in QUANTITIES:
            self._curve.addItem(quantity.capitalize(), quantity)
        self._curve.setCurrentIndex(self._curve.findData(self._quantity))
        tip = "Draw runs that differ only in their seed as their mean, with a band of one standard deviation"
        self._average = named(QCheckBox("Mean"), "runsMeanCheck", tip)
        self._average.setChecked(self._averages)
        tip = "Show in which settings the selected runs differ; of a single run, all of its settings"
        self._compare = named(QCheckBox("Settings"), "runsSettingsCheck", tip)
        tip = "Take over the settings and the dataset of the selected run"
        self._restore = named(QPushButton("Restore"), "restoreRunButton", tip)
        self._restore.setAccessibleName("Restore settings")
        tip = "Load the network of the best epoch of the selected run, or the final one if nothing was validated"
        self._load = named(QPushButton("Load"), "loadRunButton", tip)
        controls = QWidget()
        items = self._curve, self._average, self._compare, 1, self._restore, self._load
        row(*items, spacing=SPACING_PX, parent=controls).setStretch(0, MORE)
        return controls

    def _actions(self) -> None:
        self._menu = QMenu(self)
        self._menu.setAccessibleName("Run")
        self._for_one = [
            action(self, "Re&name", "renameRunAction", self._on_rename),
            action(self, "Write a n&ote", "noteRunAction", self._on_note),
            action(self, "&Restore its settings", "restoreRunAction", self._on_restore),
        ]
        self._load_best = action(self, "Load the network of its &best epoch", "loadBestAction", self._on_load)
        self._load_final = action(self, "Load its &final network", "loadFinalAction", self._on_load_final)
        self._delete = action(self, "&Delete…", "deleteRunsAction", self._on_delete)
        self._menu.addActions([*self._for_one, self._load_best, self._load_final])
        self._menu.addSeparator()
        self._menu.addAction(self._delete)

    def _connect(self) -> None:
        self._filter.textChanged.connect(self._table.runs.set_words)
        self._several.clicked.connect(self._on_several)
        self._table.selected.connect(self._on_selected)
        self._table.written.connect(self._show_runs)
        self._table.deletion.connect(self._on_delete)
        self._table.runs.renamed.connect(self.session.run_list.rename)
        self._table.runs.annotated.connect(self.session.run_list.annotate)
        self._table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._table.customContextMenuRequested.connect(self._on_menu)
        self._curve.currentIndexChanged.connect(self._on_curve)
        self._average.toggled.connect(self._on_average)
        self._compare.toggled.connect(self._on_compare)
        self._no_curve.accepted.connect(self._on_training_curve)
        self._restore.clicked.connect(self._on_restore)
        self._load.clicked.connect(self._on_load)
        self._watch.timeout.connect(self._look)
        session = self.session
        session.stateChanged.connect(self.mark_soon)
        session.stateChanged.connect(self._show_enabled)
        session.datasetOpening.connect(self._show_enabled)
        session.prepared.connect(self.mark_soon)
        session.progressed.connect(self._on_progress)
        session.runListChanged.connect(self.mark_soon)

    def restyle(self) -> None:
        if self._is_built:
            self._plot.restyle()

    # ------------------------------------------------------------ session -> person

    def refresh(self) -> None:
        self._watch.start()
        self._asked_s = monotonic()
        store, is_waiting = self._store, self.session.state != "training"
        self.session.analyse(f"{self.name}/list", partial(_runs_in, store), urgent=is_waiting or self._runs is None)

    @Slot()
    def _on_progress(self) -> None:
        """Follow a run; its record is written only now and then."""
        if monotonic() >= self._asked_s + FOLLOW_S:
            self.mark()

    @property
    def _store(self) -> RunStore:
        return self.session.run_list.store

    def leave(self) -> None:
        self._watch.stop()
        self.mark()

    @Slot()
    def _look(self) -> None:
        """Whether another process has written something."""
        if _written_s(self._store) != self._written_s:
            self.mark()

    def take(self, answer: Answer) -> None:
        is_list = answer.key.endswith("/list")
        if answer.error is not None and is_list:
            self._runs = None
            self.show_instead(answer.error, LOOK_AGAIN)
        elif answer.error is not None:
            self.session.noticed.emit(answer.error)
            self.mark()
        elif is_list:
            self._written_s, self._runs = answer.result
            self._show_runs()
        else:
            chosen = {run.id for run in self._drawable}  # perhaps others by now
            self._curves |= {run_id: read for run_id, read in answer.result.items() if run_id in chosen}
            self._show_curves()

    @Slot()
    def _show_runs(self) -> None:
        if self._table.is_written_in:
            return  # until that is written
        runs = self._runs or []
        if not runs:
            self._table.show_runs(runs)
            self.show_instead(NONE_YET, TRAIN)
            return
        self.show_contents()
        has_chosen = bool(self._table.chosen)
        self._table.show_runs(runs)
        followed = self.session.sweep_runs
        if followed != self._followed and {run.id for run in runs}.issuperset(followed):
            self._followed = followed
            self._table.choose(followed)
        elif not has_chosen and self._table.runs.shown:
            self._table.choose([self._table.runs.shown[0].id])
        self._ask_for_curves()
        self._show_enabled()

    @Slot()
    def _on_selected(self) -> None:
        self._choose_colors()
        self._ask_for_curves()
        self._show_curves()
        self._show_settings()
        self._show_enabled()

    def _choose_colors(self) -> None:
        groups = self._groups(self._drawable)
        places = _places(self._places, [group[0].id for group in groups])
        self._places = {run.id: places[group[0].id] for group in groups for run in group}
        self._table.runs.set_colors({run.id: self._color(run) for group in groups for run in group})

    def _groups(self, runs: Sequence[Run]) -> list[list[Run]]:
        """The runs that are drawn as one curve."""
        return apart_from_seed(runs) if self._averages else [[run] for run in runs]

    def _color(self, run: Run) -> str:
        return PALETTE[self._places.get(run.id, 0) % len(PALETTE)]

    def _ask_for_curves(self) -> None:
        """Of the selected runs, those that have not been read as they are now."""
        chosen = {run.id: run.updated_s for run in self._drawable}
        self._curves = {run_id: read for run_id, read in self._curves.items() if run_id in chosen}
        wanted = {run_id: time_s for run_id, time_s in chosen.items() if self._curves.get(run_id, (0,))[0] != time_s}
        if wanted:
            is_new = not self._curves.keys() >= wanted.keys()
            work = partial(_curves_of, self._store, wanted)
            self.session.analyse(f"{self.name}/curves", work, urgent=is_new or self.session.state != "training")

    def _show_curves(self) -> None:
        drawable, chosen = self._drawable, self._table.chosen
        self._plot.draw(self._drawn(drawable))
        told = summary_of_groups(self._groups(drawable)) if self._averages else summary(chosen)
        if len(chosen) > len(drawable):
            told = f"The first {len(drawable)} of {len(chosen):,} runs are drawn. {told}"
        self._summary.setText(told)
        self._show_lower()

    def _show_lower(self) -> None:
        """The settings, the curves or, once all have been read, why there are none."""
        if self._compare.isChecked():
            self._lower.setCurrentWidget(self._settings)
        elif self._plot.drawn:
            self._lower.setCurrentWidget(self._plot)
        elif self._curves.keys() >= {run.id for run in self._drawable}:
            self._no_curve.say(*self._why_no_curve())
            self._lower.setCurrentWidget(self._no_curve)

    def _why_no_curve(self) -> tuple[str, str]:
        """In words, and what else can be shown; "" for nothing."""
        if not self._drawable:
            return SELECT, ""
        epochs = [epoch for _, curve in self._curves.values() for epoch in curve.epochs]
        if not epochs:
            return NO_EPOCH, ""
        if any(getattr(epoch, QUANTITIES[self._curve.currentData()]) is not None for epoch in epochs):
            return NOT_FINITE, ""
        told = NONE_HELD_OUT if len(self._drawable) == 1 else "None of these runs held pictures out for validation."
        return told, f"Show the {self._training_quantity}"

    @property
    def _training_quantity(self) -> str:
        return self._quantity.replace("validation", "training")

    def _show_settings(self) -> None:
        if self._compare.isChecked():
            compared = self._table.chosen[:MOST_COMPARED]
            titles, colors = [run.title for run in compared], [self._color(run) for run in compared]
            self._settings.show_settings(titles, colors, differences(compared))

    @property
    def _drawable(self) -> list[Run]:
        return self._table.chosen[:MOST_DRAWN]

    def _drawn(self, runs: Sequence[Run]) -> list[Drawn]:
        known = [run for run in runs if run.id in self._curves]
        drawn = []
        for group in self._groups(known):
            lines = [line_of(self._curves[run.id][1], self._curve.currentData()) for run in group]
            name = group[0].title if len(group) == 1 else f"mean of {len(group)} runs like {group[0].title}"
            drawn.append(Drawn(name, self._color(group[0]), mean_line(lines)))
        return drawn

    @property
    def _one(self) -> Run | None:
        """The selected run, if it is one."""
        chosen = self._table.chosen
        return chosen[0] if len(chosen) == 1 else None

    def _which(self, run: Run) -> Which:
        return "best" if self._store.network(run.id, "best") is not None else "final"

    @Slot()
    def _show_enabled(self) -> None:
        run, is_idle = self._one, self.session.state == "idle"
        has = {which: run is not None and self._store.network(run.id, which) is not None for which in _EACH}
        for act in self._for_one:
            act.setEnabled(run is not None)
        can_restore = is_idle and run is not None and run.config is not None
        self._restore.setEnabled(can_restore)
        self._for_one[-1].setEnabled(can_restore)
        self._load.setEnabled(is_idle and any(has.values()))
        self._load_best.setEnabled(is_idle and has["best"])
        self._load_final.setEnabled(is_idle and has["final"])
        self._delete.setEnabled(bool(self._table.chosen))
        self._several.setEnabled(self.session.can_start)
        left = self.session.runs_to_come
        self._several.setText(f"{left} to come" if left else "Several…")

    # ------------------------------------------------------------ person -> session

    @Slot()
    def fill_in(self) -> None:
        """Train a first run, or read the list again if that failed."""
        if self._runs is None:
            self.mark_soon()
        else:
            self.session.train()

    @Slot()
    def _on_curve(self) -> None:
        self._quantity = self._curve.currentData()
        self._show_curves()

    @Slot(bool)
    def _on_average(self, averages: bool) -> None:
        self._averages = averages
        self._choose_colors()
        self._show_curves()
        self._show_settings()

    @Slot(bool)
    def _on_compare(self, _: bool) -> None:
        self._show_settings()
        self._show_lower()

    @Slot()
    def _on_training_curve(self) -> None:
        self._curve.setCurrentIndex(self._curve.findData(self._training_quantity))

    @Slot(QPoint)
    def _on_menu(self, point: QPoint) -> None:
        self._menu.popup(self._table.viewport().mapToGlobal(point))

    @Slot()
    def _on_rename(self) -> None:
        self._edit("name")

    @Slot()
    def _on_note(self) -> None:
        self._edit("note")

    def _edit(self, column_name: str) -> None:
        run = self._one
        if run is not None:
            self._table.edit_cell(column_name, self._table.runs.shown.index(run))

    @Slot()
    def _on_restore(self) -> None:
        run = self._one
        if run is not None and self.session.state == "idle":
            self.session.restore_settings(run)

    @Slot()
    def _on_load(self) -> None:
        run = self._one
        if run is not None:
            self._load_network(run, self._which(run))

    @Slot()
    def _on_load_final(self) -> None:
        run = self._one
        if run is not None:
            self._load_network(run, "final")

    def _load_network(self, run: Run, which: Which) -> None:
        _, curve = self._curves.get(run.id, (0.0, Curve.nothing()))
        try:
            self.session.load_run(run, which, curve)
        except ModelFileError as error:
            warn(self, "Runs", str(error))

    @Slot()
    def _on_delete(self) -> None:
        chosen = self._table.chosen
        if not chosen:
            return
        what = f"these {len(chosen):,} runs" if len(chosen) > 1 else f"“{chosen[0].title}”"
        question = f"Delete {what}, with curves and networks? This cannot be undone."
        roles = {"Cancel": QMessageBox.ButtonRole.RejectRole, DELETE: QMessageBox.ButtonRole.DestructiveRole}
        if choose(self, "Delete runs", question, roles) == DELETE:
            self.session.run_list.delete([run.id for run in chosen])

    @Slot()
    def _on_several(self) -> None:
        dialog = SeveralDialog(self.session.config, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setModal(True)
        dialog.finished.connect(partial(self._on_answered, dialog))
        dialog.show()

    def _on_answered(self, dialog: SeveralDialog, result: int) -> None:
        if result == QDialog.DialogCode.Accepted:
            self._average.setChecked(self._average.isChecked() or dialog.has_means)
            self.session.train_several(dialog.configs)

    # ------------------------------------------------------------ settings and export

    def save_settings(self, settings: QSettings) -> None:
        settings.setValue("runs/curve", self._quantity)
        settings.setValue("runs/mean", self._averages)
        settings.setValue("runs/columns", self._table.columns if self._is_built else self._columns)

    def restore_settings(self, settings: QSettings) -> None:
        stored = str(settings.value("runs/curve", self._quantity))
        self._quantity = stored if stored in QUANTITIES else self._quantity
        self._averages = bool(settings.value("runs/mean", False, bool))
        columns = settings.value("runs/columns")
        self._columns = columns if isinstance(columns, QByteArray) else QByteArray()

    def table(self) -> Iterable[Sequence[Any]]:
        return table(self._table.runs.shown)


_EACH: tuple[Which, ...] = ("best", "final")


def _runs_in(store: RunStore, _: Desk) -> tuple[float, list[Run]]:
    """All runs, and when the file was last written before they were read."""
    return _written_s(store), store.runs()


def _written_s(store: RunStore) -> float:
    try:
        return store.path.stat().st_mtime
    except OSError:  # not there yet
        return 0.0


def _curves_of(store: RunStore, wanted: dict[str, float], desk: Desk) -> dict[str, tuple[float, Curve]]:
    """The curves of these runs, with the times of the records that they were asked for with."""
    return {run_id: (time_s, store.curve(run_id)) for run_id, time_s in wanted.items() if not desk.cancelled()}


def _places(before: dict[str, int], run_ids: Sequence[str]) -> dict[str, int]:
    """A place in the palette for each run: the one that it had, if no other has taken it, or the first that is free."""
    places: dict[str, int] = {}
    for run_id in run_ids:
        if run_id in before and before[run_id] not in places.values():
            places[run_id] = before[run_id]
    free = iter(sorted(set(range(len(run_ids))) - set(places.values())))
    return places | {run_id: next(free) for run_id in run_ids if run_id not in places}
