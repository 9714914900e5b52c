"""The state of the laboratory as the views see it: one facade over the parts of the session.

Views display the session and call its methods; its signals tell them what has changed. Each part has a single
concern and does not know the others; this module connects them.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QDeadlineTimer, QObject, Signal, Slot

from engine import ConfigError, ModelFileError, TrainingConfig
from minigrad_gui import data, process
from minigrad_gui.analysis import Answer, Work
from minigrad_gui.analyst import Analyst
from minigrad_gui.dataset_cache import DatasetCache
from minigrad_gui.digits import Picture
from minigrad_gui.folders import data_folder
from minigrad_gui.handwriting import Drawing, Label, label_of
from minigrad_gui.insight.damage import Damage
from minigrad_gui.machine_code import MachineCode
from minigrad_gui.reader import Number, Prediction, Reader
from minigrad_gui.recovery import RecoverableRun
from minigrad_gui.runner import TrainingResult
from minigrad_gui.runs import Curve, Run, Which
from minigrad_gui.session.compiling import Compiling
from minigrad_gui.session.curves import curves_config
from minigrad_gui.session.damaged import DamagedNetwork
from minigrad_gui.session.datasets import KEY as OPENING
from minigrad_gui.session.datasets import Datasets
from minigrad_gui.session.drawing import Drawing as Canvas
from minigrad_gui.session.drawing import Strokes
from minigrad_gui.session.experiment import Experiment
from minigrad_gui.session.exporting import KEY as EXPORTING
from minigrad_gui.session.exporting import Exporting
from minigrad_gui.session.handwriting import Handwriting
from minigrad_gui.session.importing import KEY as IMPORTING
from minigrad_gui.session.importing import Imported, Importing
from minigrad_gui.session.run_list import KEY as RUN_LIST
from minigrad_gui.session.run_list import RunList
from minigrad_gui.session.sweep import Sweep

CLOSING_MS = 900
"""Longest wait for the threads of a closing window; a step of a very large network may take longer."""

T = TypeVar("T")


class _Of(Generic[T]):
    """A read-only attribute of the session that one of its parts holds."""

    def __init__(self, get: Callable[["Session"], T]) -> None:
        self._get = get

    def __get__(self, session: "Session", owner: type | None = None) -> T:
        return self._get(session)

    def __set__(self, session: "Session", value: T) -> None:
        raise AttributeError("the state of the session is read-only")


class Session(QObject):
    """The state of the laboratory. It lives in the GUI thread; training and teaching have threads of their own.

    folder: where drawings and checkpoints are stored; None is the user's data folder.
    """

    stateChanged = Signal(str)  # noqa: N815
    compilingChanged = Signal()  # noqa: N815
    configChanged = Signal()  # noqa: N815
    prepared = Signal()
    progressed = Signal()
    historyCleared = Signal()  # noqa: N815
    modelChanged = Signal()  # noqa: N815
    predictionChanged = Signal()  # noqa: N815
    documentChanged = Signal()  # noqa: N815
    handwritingChanged = Signal()  # noqa: N815
    leftBehindChanged = Signal()  # noqa: N815
    networkImporting = Signal(str)  # noqa: N815  the file's name; "" once that has ended, one way or the other
    networkImported = Signal(object)  # noqa: N815  Imported
    networkExporting = Signal(str)  # noqa: N815  the file's name; "" once that has ended, one way or the other
    networkExported = Signal(str)  # noqa: N815  the file's name
    datasetOpening = Signal(str)  # noqa: N815  the source; "" once that has ended, one way or the other
    datasetOpened = Signal(str)  # noqa: N815  the source
    recentDatasetsChanged = Signal()  # noqa: N815
    runListChanged = Signal()  # noqa: N815  by this window's person
    analysed = Signal(object)  # Answer
    failed = Signal(str)
    noticed = Signal(str)

    def __init__(self, parent: QObject | None = None, folder: Path | None = None) -> None:
        super().__init__(parent)
        folder = folder or data_folder()
        datasets = DatasetCache()
        self._run_list = RunList(folder, partial(self.analyse, urgent=True), self)
        self._machine_code = machine_code = MachineCode()
        self._compiling = Compiling(machine_code, self)
        self._experiment = experiment = Experiment(folder / "runs", self, datasets, self._run_list.store, machine_code)
        self._analyst = Analyst(datasets, self)
        self._datasets = Datasets(datasets, partial(self.analyse, urgent=True), self.withdraw, self)
        self._exporting = Exporting(partial(self.analyse, urgent=True), self)
        self._importing = Importing(partial(self.analyse, urgent=True), self.withdraw, self)
        self._settings, self._training, self._network = experiment.settings, experiment.training, experiment.network
        self._runs, self._previous = experiment.runs, experiment.previous
        self._sweep = Sweep(self._settings, self._training, partial(self._start, paused=False), self)
        self._handwriting = Handwriting(folder / "handwriting", self, datasets, machine_code)
        self._damaged = DamagedNetwork()
        self._drawing = Canvas(self.read, self.predict, self)
        self._process = ExitStack()
        self._process.enter_context(process.short_switch_interval())
        self._connect()

    def _connect(self) -> None:
        self._settings.changed.connect(self.configChanged)
        self._compiling.changed.connect(self.compilingChanged)
        self._experiment.begun.connect(self._drawing.read_again)
        self._experiment.previousRestored.connect(self.progressed)
        self._training.stateChanged.connect(self._on_state_changed)
        self._training.prepared.connect(self.prepared)
        self._training.progressed.connect(self.progressed)
        self._training.historyCleared.connect(self.historyCleared)
        self._training.ended.connect(self._on_ended)
        self._training.checkpointFailed.connect(self._on_checkpoint_failed)
        self._network.modelChanged.connect(self._on_model_changed)
        self._network.documentChanged.connect(self.documentChanged)
        self._runs.leftBehindChanged.connect(self.leftBehindChanged)
        self._runs.checkpointFailed.connect(self._on_checkpoint_failed)
        self._handwriting.readerChanged.connect(self._drawing.read_again)
        self._handwriting.changed.connect(self.handwritingChanged)
        self._handwriting.failed.connect(self.failed)
        self._drawing.predictionChanged.connect(self.predictionChanged)
        self._datasets.opening.connect(self.datasetOpening)
        self._datasets.opened.connect(self._on_dataset_opened)
        self._datasets.failed.connect(self.failed)
        self._datasets.recentChanged.connect(self.recentDatasetsChanged)
        self._exporting.exporting.connect(self.networkExporting)
        self._exporting.exported.connect(self.networkExported)
        self._exporting.failed.connect(self.failed)
        self._importing.importing.connect(self.networkImporting)
        self._importing.imported.connect(self.networkImported)
        self._importing.failed.connect(self.failed)
        self._run_list.changed.connect(self.runListChanged)
        self._run_list.noticed.connect(self.noticed)
        self._analyst.answered.connect(self._on_answered)

    # ------------------------------------------------------------ the settings of the next run

    config = _Of(lambda session: session._settings.config)
    config_error = _Of(lambda session: session._settings.error)
    source = _Of(lambda session: session._settings.source)
    choices = _Of(lambda session: session._settings.choices)
    """How the dataset of `source` is read: a data.Choices."""
    missing_dataset = _Of(lambda session: session._settings.missing)
    """The source and choices of a dataset that was to be taken over with its settings and is gone, until another is
    chosen or trained on; None if there is none."""
    obstacle_to_continue = _Of(
        lambda session: session._settings.obstacle_to_continue(session._network.now.model, session.class_count)
    )
    """Why no run with this config could continue from the current network, as a sentence about it; "" if one could."""
    continues = _Of(lambda session: session._settings.continues)
    """Whether the next run should continue from the current network if it can."""

    def set_continues(self, continues: bool) -> None:
        self._settings.set_continues(continues)

    def set_config(self, config: TrainingConfig, source: str, choices: data.Choices = data.ALL_GUESSED) -> None:
        """Set a valid config and a dataset. A run in progress takes over the learning rate and nothing else."""
        if source != self.source:
            self._datasets.cancel()
        self._settings.set(config, source, choices)

    def take_config(self, config: TrainingConfig, dataset: tuple[str, data.Choices] | None) -> None:
        """Take over a config and a dataset that were stored; `missing_dataset` tells of a dataset that is gone."""
        self._datasets.cancel()
        self._settings.take_over(config, dataset)

    def set_config_error(self, error: ConfigError) -> None:
        """The person entered an invalid setting."""
        self._settings.set_error(error)

    # ------------------------------------------------------------ datasets

    dataset = _Of(lambda session: session._datasets.loaded(session.source, session.choices))
    """The Dataset of the next run; None if it is not in memory."""
    opening_source = _Of(lambda session: session._datasets.source)
    """The source of the dataset that is being opened; "" if there is none."""
    recent_datasets = _Of(lambda session: session._datasets.recent)
    """The source and the choices of each dataset that was opened and is still there, the newest first."""

    @property
    def class_count(self) -> int | None:
        """Of that dataset; None if it is not known before a file is read."""
        if self.source in data.SOURCES:
            return len(data.DIGIT_NAMES)
        dataset: data.Dataset | None = self.dataset
        return None if dataset is None else len(dataset.class_names)

    def open_dataset(self, source: str | Path, choices: data.Choices = data.ALL_GUESSED) -> None:
        """Have a dataset opened in another thread. A second request takes the place of the first.

        It becomes that of the next run, and `datasetOpened` tells; or `failed` tells why not, and nothing has changed.
        """
        self._datasets.open(source, choices)

    def remember_datasets(self, datasets: Sequence[tuple[str, data.Choices]]) -> None:
        """Put these sources and choices before the other `recent_datasets`."""
        self._datasets.remember(*datasets)

    @Slot(str, object)
    def _on_dataset_opened(self, source: str, choices: data.Choices) -> None:
        self._settings.set_dataset(source, choices)
        self._handwriting.set_trained_on(self.trained_on)
        self.datasetOpened.emit(source)

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        if answer.key == OPENING:
            self._datasets.take(answer)
        elif answer.key == IMPORTING:
            self._importing.take(answer)
        elif answer.key.startswith(EXPORTING):
            self._exporting.take(answer)
        elif answer.key.startswith(RUN_LIST):
            self._run_list.take(answer)
        else:
            self.analysed.emit(answer)

    # ------------------------------------------------------------ training

    state = _Of(lambda session: session._training.state)
    can_keep_run = _Of(lambda session: session._training.can_be_kept)
    history = _Of(lambda session: session._training.curves.history)
    preparation = _Of(lambda session: session._training.curves.preparation)
    validation = _Of(lambda session: session._training.curves.validation)
    """What the network of the run in progress said of the validation digits after the last epoch: a Validation."""
    snapshots = _Of(lambda session: session._training.curves.snapshots)
    """Networks of the run that `history` shows, from its beginning to its newest."""
    diagnosis = _Of(lambda session: session._training.curves.diagnosis)
    """What went wrong in the run that `history` shows, once it has ended."""
    samples_per_second = _Of(lambda session: session._training.samples_per_second)
    epochs_done = _Of(lambda session: session._training.epochs_done)
    seconds_left = _Of(lambda session: session._training.seconds_left)
    shows_failed_run = _Of(lambda session: session._training.shows_failed_run)
    run_config = _Of(lambda session: session._training.job.config if session._training.job else None)
    """The config of the run in progress; None if there is none."""
    curves_config = _Of(lambda session: curves_config(session._training.curves, session._network.now.record))
    """The config of the run that `history` shows; None if it is not known."""

    is_compiling = _Of(lambda session: session._machine_code.is_preparing)
    """Whether machine code for training is compiled in the background, which a run waits for."""

    has_failed_to_compile = _Of(lambda session: session._machine_code.has_failed)
    """Whether that has ended in vain, so that the next run compiles."""

    def prepare_machine_code(self) -> None:
        """Compile in the background, unless this installation has done so before; `compilingChanged` tells."""
        self._compiling.start()

    @property
    def can_start(self) -> bool:
        """Whether a run can start: none is in progress, its settings are valid, and its dataset is not being opened."""
        return self._experiment.can_start and not self.opening_source

    def train(self) -> None:
        """Start a run if that is possible, or resume a paused one."""
        if self.state == "paused":
            self.resume()
        elif self.can_start:
            self._start(paused=False)

    def step(self) -> None:
        """Train on one mini-batch and stay paused; starts a run if there is none."""
        if self.can_start:
            self._start(paused=True)
        self._training.step()

    def pause(self) -> None:
        self._training.pause()

    def resume(self) -> None:
        self._training.resume()

    def stop(self) -> None:
        """End the run after the current mini-batch; the network stays as it is then. Without one, open no dataset."""
        if self.state == "idle":
            self._datasets.cancel()
        else:
            self._training.stop()

    def _start(self, *, paused: bool) -> None:
        if self._experiment.can_start:
            self._handwriting.cancel()
            self._experiment.start(paused=paused, classes=self.class_count)

    @Slot(str)
    def _on_state_changed(self, state: str) -> None:
        self._handwriting.set_training(state != "idle")
        self._analyst.set_considerate(state == "training")
        self.stateChanged.emit(state)

    @Slot(object)
    def _on_ended(self, result: TrainingResult) -> None:
        self._handwriting.learn()
        self._drawing.read_again()
        self.progressed.emit()
        if result.error:
            # In a sweep nobody may be there to close a message, and the next run begins.
            (self.noticed if self._sweep.owns(result.job) else self.failed).emit(result.error)

    @Slot(str)
    def _on_checkpoint_failed(self, reason: str) -> None:
        self.noticed.emit(f"Training continues, but the run would be lost if the program ended now: {reason}")

    # ------------------------------------------------------------ the network from before the last run

    can_restore_previous = _Of(lambda session: session._experiment.can_restore_previous)
    previous_name = _Of(lambda session: session._previous.name)
    """The name of the network that `restore_previous` would restore."""
    previous_is_unsaved = _Of(lambda session: session._previous.is_unsaved)
    """Whether `restore_previous` put aside a network that has not been saved."""

    def restore_previous(self) -> None:
        """Swap the current network, its curves, settings and file with those from before the last run."""
        self._experiment.restore_previous()

    # ------------------------------------------------------------ runs that were left behind

    left_behind = _Of(lambda session: session._runs.left_behind)

    def look_for_runs(self) -> None:
        """Find the runs that other windows left behind; `left_behind` lists them, newest first."""
        self._runs.look()

    def resume_run(self, run: RecoverableRun, *, keep_checkpoint: bool = False) -> None:
        """Resume a run where it stopped, with its own settings; the current run, if any, ends.

        If its data is gone, a finished run's network is restored as it was recorded; of another, `failed` tells what is
        missing, and nothing changes. keep_checkpoint: leave the checkpoint of the run that ends, for another window to
        resume.
        """
        recorded = self._recorded_network(run)
        if run.has_data:
            self._experiment.resume_run(run, keep_checkpoint=keep_checkpoint)
        elif recorded is None:
            self.failed.emit(f"The run needs its data, which is not at {run.source}. Put it back there first.")
        else:
            try:
                self._experiment.restore_run(run, recorded, keep_checkpoint=keep_checkpoint)
            except ModelFileError as error:
                self.failed.emit(str(error))

    def lacks_data(self, run: RecoverableRun) -> bool:
        """Whether `resume_run` needs data that is gone."""
        return not run.has_data and self._recorded_network(run) is None

    def _recorded_network(self, run: RecoverableRun) -> Path | None:
        """A finished run's network in the list of runs, which tells what it tells apart and how it was tested."""
        if run.id is None or not run.summary.is_finished:
            return None
        return self._run_list.store.network(run.id, "final")

    def delete_run(self, run: RecoverableRun) -> None:
        """Delete a run that was left behind."""
        self._runs.delete(run)

    # ------------------------------------------------------------ all runs

    run_list = _Of(lambda session: session._run_list)
    """Every run of every window: a RunList."""
    runs_to_come = _Of(lambda session: session._sweep.left)
    """How many runs of `train_several` follow the one in progress."""
    sweep_runs = _Of(lambda session: session._sweep.run_ids)
    """The runs that the last `train_several` has started so far, by the identifiers of their records."""

    def train_several(self, configs: Sequence[TrainingConfig]) -> None:
        """Start runs with these configs and the dataset of the settings, one after the other, each with a new network.

        `stop` ends all of them. Without effect unless `can_start`.
        """
        if self.can_start:
            self._sweep.begin(configs)

    def restore_settings(self, run: Run) -> None:
        """Take over the settings and the dataset of a run, as `take_config` does."""
        if run.config is not None:
            self.take_config(run.config, run.source)

    def load_run(self, run: Run, which: Which, curve: Curve) -> None:
        """Make a network of a run the current one, with the run's curve, if no run is in progress; `restore_previous`
        brings the one before it back. Raises ModelFileError and then changes nothing."""
        self._experiment.load_run(self._run_list.store.network(run.id, which), run, which, curve)

    # ------------------------------------------------------------ the network and its file

    model = _Of(lambda session: session._network.now.model)
    record = _Of(lambda session: session._network.now.record)
    """How the current network was trained: a TrainingRecord."""
    class_names = _Of(lambda session: session._network.now.class_names)
    """What the outputs of the current network stand for: names, by index of the class."""
    is_pretrained = _Of(lambda session: session._network.now.is_pretrained)
    path = _Of(lambda session: session._network.now.path)
    modified = _Of(lambda session: session._network.now.modified)
    name = _Of(lambda session: session._network.now.name)
    taught_drawings = _Of(lambda session: session._network.now.record.taught_drawings)

    def open_pretrained(self, *, keep_checkpoint: bool = False, take_settings: bool = True) -> None:
        """Open the network that comes with the project. Raises ModelFileError.

        take_settings: also take over its settings, which train for minutes. keep_checkpoint: see `open`.
        """
        self._experiment.open(None, keep_checkpoint=keep_checkpoint)
        if take_settings:
            self._experiment.take_settings()

    def open(self, path: Path, *, keep_checkpoint: bool = False) -> None:
        """Open the network in a file with the config that it was trained with, ending the current run.

        keep_checkpoint: leave the checkpoint of the run that ends, for another window to resume. Raises
        ModelFileError and then changes nothing.
        """
        self._experiment.open(path, keep_checkpoint=keep_checkpoint)
        self._experiment.take_settings()

    def import_network(self, path: Path, input: str | None = None) -> None:  # noqa: A002
        """Have a network of another program read in another thread. A second request takes the place of the first.

        `networkImported` gives what is then for `open_imported`, or `failed` tells why not; nothing else changes.
        input: what it expects of pictures, one of exchange.INPUTS; None has it measured.
        """
        self._importing.read(path, input)

    def open_imported(self, imported: Imported, *, keep_checkpoint: bool = False) -> None:
        """Make a network of another program the current one, ending the current run. keep_checkpoint: see `open`."""
        network = self._network.imported(imported.path, imported.model, imported.record)
        self._experiment.replace(network, keep_checkpoint=keep_checkpoint)
        self._experiment.take_settings()

    def save(self, path: Path) -> None:
        """Write the current network, as it was trained. Raises ModelFileError and then leaves the old file as it was.

        The suffix .npz is appended if it is missing.
        """
        self._experiment.save(path)

    def export(self, path: Path) -> None:
        """Have the current network written for another program, in the format of the suffix: one of exchange.EXPORTS.

        `networkExported` tells when it is, or `failed` why it is not, and an older file is then as it was. Whether the
        network counts as saved does not change.
        """
        if self.model is None:
            self.failed.emit("There is no network to export yet.")
        else:
            self._exporting.write(path, self.model, self._experiment.record().to_meta())

    def save_with_handwriting(self, path: Path) -> None:
        """Write the copy of the current network that has learnt the person's handwriting, with the number of drawings
        and the copy's test loss and accuracy. The current network does not change, nor whether it counts as saved.

        Raises ModelFileError and then leaves the old file as it was.
        """
        self._network.save_copy(path, self._handwriting.copy)

    @Slot()
    def _on_model_changed(self) -> None:
        self._damaged.repair()
        self._handwriting.set_network(self.model, self.class_names, self.trained_on, is_wanted=self.uses_handwriting)
        self.modelChanged.emit()
        self._drawing.read_again()

    # ------------------------------------------------------------ the drawing

    number = _Of(lambda session: session._drawing.number)
    """The drawing, read as a number of one or more digits."""
    pointed = _Of(lambda session: session._drawing.pointed)
    """The index of the selected digit: the last one unless `point_at` chose another; -1 for a blank canvas."""
    picture = _Of(lambda session: session._drawing.picture)
    """That digit, as the network sees it: float32 (28, 28)."""
    prediction = _Of(lambda session: session._drawing.prediction)
    """What that digit was read as; None for a blank canvas."""
    pointed_strokes = _Of(lambda session: session._drawing.pointed_strokes)
    """The strokes of the digit that is pointed at: (n, 2) each."""
    shown = _Of(lambda session: session._drawing.shown)
    """The picture that is read in place of a drawing, and its name; None if there is none."""

    def point_at(self, index: int) -> None:
        """Select a digit of the number; an index out of range selects the first or last."""
        self._drawing.point_at(index)

    def set_drawing(self, strokes: Strokes) -> None:
        """Read these strokes, (n, 2) each, within milliseconds; changes in between are read together."""
        self._handwriting.expect()
        self._drawing.set_strokes(strokes)

    def show_picture(self, picture: Picture, name: str) -> None:
        """Read a picture, float32 (28, 28) from 0 (paper) to 1 (ink), in place of the drawing, which it replaces.

        It is `shown` until the person draws again or clears the canvas. name: what it is, for the person.
        """
        self._drawing.show_picture(picture, name)

    intact_model = _Of(lambda session: session._handwriting.reading_model)
    """The current network, or its copy that has learnt the person's handwriting."""
    reading_model = _Of(lambda session: session._damaged.of(session.intact_model))
    """The network that reads the drawing: `intact_model`, or a copy of it with `damage`."""
    damage = _Of(lambda session: session._damaged.damage)

    def set_damage(self, damage: Damage) -> None:
        """Have a damaged copy read the drawing, until another network is the current one; `Damage()` repairs it.

        Without a network nothing happens. Raises ValueError if the network has no such layer or neuron.
        """
        if damage != self.damage and self.intact_model is not None:
            self._damaged.set(damage, self.intact_model)
            self._drawing.read_again()

    @property
    def _reader(self) -> Reader:
        with_handwriting = self.intact_model is not self.model
        return Reader(self.reading_model, self.record.calibration, self.class_names, with_handwriting)

    def predict(self, picture: Picture) -> Prediction | None:
        """How `reading_model` reads a 28 x 28 picture; None if it is blank or the probabilities are not finite."""
        return self._reader.predict(picture)

    def read(self, strokes: Strokes) -> Number:
        """How `reading_model` reads strokes, (n, 2) each."""
        return self._reader.read_number(strokes)

    def ask_to_read(self, key: str, array: NDArray[np.uint8]) -> None:
        """Read a picture, (height, width) or in colour, with the undamaged network in another thread.

        `analysed` delivers the digits in reading order, a list of ReadDigit, under this key. The drawing does not
        change.
        """
        reader = replace(self._reader, model=self.intact_model)
        self.analyse(key, lambda desk: reader.read_picture(array, desk.cancelled), urgent=True)

    def read_as_drawn(self) -> tuple[Picture, Prediction | None]:
        """The whole sheet scaled down, without centring or thickening, and how the network reads that."""
        return self._drawing.read_as_drawn()

    # ------------------------------------------------------------ the person's handwriting

    usable_drawings = _Of(lambda session: session._handwriting.usable)
    """The taught drawings that show classes of the current network."""
    drawing_store = _Of(lambda session: session._handwriting.drawings)
    uses_handwriting = _Of(lambda session: session._network.now.uses_handwriting)
    """Whether taught handwriting should be used when the current network reads."""
    handwriting_state = _Of(lambda session: session._handwriting.state)
    is_learning = _Of(lambda session: session._handwriting.is_learning)
    can_teach = _Of(lambda session: session._handwriting.can_teach(session._drawing.pointed_strokes))
    pretrained_uses_handwriting = _Of(lambda session: session._network.pretrained_uses_handwriting)
    """`uses_handwriting` for the pretrained network: the person's last choice."""
    handwriting_accuracy = _Of(lambda session: session._handwriting.accuracy)
    """Test accuracy of the copy that has learnt the person's handwriting; None if no copy is in use."""

    def set_pretrained_uses_handwriting(self, use: bool) -> None:
        """Takes effect the next time the pretrained network is opened."""
        self._network.set_pretrained_uses_handwriting(use)

    @property
    def taught_label(self) -> Label | None:
        """The label that the selected digit was taught with; None if it was not taught."""
        drawing = self._handwriting.taught(self._drawing.pointed_strokes)
        return None if drawing is None else drawing.label

    def use_handwriting(self, use: bool) -> None:
        """Set whether taught handwriting is used when the current network reads; during a run, once it has ended.
        For the pretrained network, `pretrained_uses_handwriting` remembers the choice."""
        if use != self.uses_handwriting:
            self._network.use_handwriting(use)
            self._handwriting.set_wanted(use)

    def teach(self, label: int) -> None:
        """Store the selected digit as one of the network's classes, by its index; a second one corrects the first. It
        is learnt if handwriting is used with the current network. A dot is not taught."""
        self._drawing.settle()
        self._handwriting.teach(self._drawing.pointed_strokes, label_of(self.class_names[label]))

    def relabel(self, drawings: Sequence[Drawing], label: Label) -> None:
        """Correct the label of taught drawings."""
        self._handwriting.relabel(drawings, label)

    def forget_drawings(self, drawings: Sequence[Drawing]) -> None:
        self._handwriting.remove(drawings)

    def undo_teaching(self) -> None:
        """Delete the drawing that was taught last."""
        self._handwriting.undo()

    def forget_handwriting(self) -> None:
        """Delete every taught drawing, including those of other windows."""
        self._handwriting.forget()

    # ------------------------------------------------------------ a look inside the network

    trained_on = _Of(lambda session: session._experiment.trained_on)
    """What the current network was trained on: a TrainedOn."""

    def analyse(self, key: str, work: Work, *, urgent: bool = False) -> None:
        """Compute something in another thread; `analysed` delivers the Answer with this key.

        This replaces pending work with the same key. During a run it may take a while, unless it is urgent: what the
        person waits for, such as an answer to a stroke.
        """
        self._analyst.ask(key, work, urgent=urgent)

    def withdraw(self, key: str) -> None:
        """Cancel this work; its result is no longer needed."""
        self._analyst.withdraw(key)

    # ------------------------------------------------------------ the end

    def close(self, *, keep_checkpoint: bool = False) -> bool:
        """Stop training and wait for its thread, at most a second; False if it has not ended by then.

        keep_checkpoint: leave the run's checkpoint for another session to resume; otherwise it is deleted. The
        session cannot be used afterwards.
        """
        self._experiment.abandon(keep_checkpoint=keep_checkpoint)
        self._drawing.close()
        self._compiling.end()
        self._training.quit()
        self._handwriting.quit()
        self._analyst.end()
        has_ended = self.wait(CLOSING_MS)
        self._experiment.close(keep_checkpoint=keep_checkpoint)
        if has_ended:  # else the run may still be written, and must not be offered to another window
            self._runs.release()
        self._process.close()
        return has_ended

    def wait(self, timeout_ms: int) -> bool:
        """Wait for the threads of a closed session; whether all have ended within this time."""
        deadline = QDeadlineTimer(timeout_ms)
        return all([part.wait(deadline) for part in (self._training, self._handwriting, self._analyst)])  # noqa: C419  waits for each
