"""Connects a run with the network that it trains: its settings, its checkpoint and the network it replaces."""

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from engine import ModelFileError
from engine.nn import MLP
from engine.record import TrainingRecord
from minigrad_gui import data
from minigrad_gui.analysis import TrainedOn
from minigrad_gui.dataset_cache import DatasetCache
from minigrad_gui.machine_code import MachineCode
from minigrad_gui.records import recorded_dataset
from minigrad_gui.recovery import RecoverableRun
from minigrad_gui.runner import TrainingJob, TrainingResult
from minigrad_gui.runs import Curve, Run, RunStore, Which
from minigrad_gui.session.curves import Curves, kept_curves, recorded_curves
from minigrad_gui.session.network import Network, NetworkSnapshot
from minigrad_gui.session.previous import PreviousNetwork
from minigrad_gui.session.runs import Runs
from minigrad_gui.session.settings import Settings
from minigrad_gui.session.training import Training


class Experiment(QObject):
    """Coordinates its parts, which do not know each other. folder: where checkpoints are stored; store: where runs are
    recorded, None for nowhere."""

    begun = Signal()
    previousRestored = Signal()  # noqa: N815

    def __init__(
        self,
        folder: Path,
        parent: QObject | None = None,
        datasets: DatasetCache | None = None,
        store: RunStore | None = None,
        machine_code: MachineCode | None = None,
    ) -> None:
        super().__init__(parent)
        self._datasets = datasets or DatasetCache()
        self.settings = Settings(self)
        self.training = Training(self._datasets, self, store, machine_code)
        self.network = Network(self)
        self.runs = Runs(folder, self)
        self.previous = PreviousNetwork()
        self.settings.changed.connect(self._on_settings_changed)
        self.training.networkTrained.connect(self._on_network_trained)
        self.training.ending.connect(self._on_ending)

    # ------------------------------------------------------------ runs

    @property
    def can_start(self) -> bool:
        return self.training.state == "idle" and self.settings.error is None

    def start(self, *, paused: bool, classes: int | None = None) -> None:
        """Start a run with the current settings. Requires `can_start`. classes: of the dataset, if that is known."""
        self.settings.accept_dataset()
        now, file = self.network.now, self.runs.claim()
        job = self.settings.job(now.model, now.record, file, paused=paused, classes=classes)
        self._begin(job)

    def resume_run(self, run: RecoverableRun, *, keep_checkpoint: bool) -> None:
        """Resume a run with its own settings. keep_checkpoint: see `abandon`."""
        if self.training.job is not None:
            self.abandon(keep_checkpoint=keep_checkpoint)
        checkpoint = self.runs.adopt(run)
        self.settings.set(run.config, run.source, run.choices)
        self._begin(TrainingJob.resuming(run.path, run.summary, checkpoint))

    def restore_run(self, run: RecoverableRun, path: Path, *, keep_checkpoint: bool) -> None:
        """Make the network of a finished run that was left behind the current one, as recorded in a file: its data is
        gone. keep_checkpoint: see `abandon`. Raises ModelFileError and then changes nothing."""
        network = self.network.restored(path)
        self.abandon(keep_checkpoint=keep_checkpoint)
        network = replace(network, checkpoint_path=self.runs.adopt(run))
        self._show(network, recorded_curves(network.record))
        self.take_settings()

    def _show(self, network: NetworkSnapshot, curves: Curves) -> None:
        """Make a network with its curves the current one; the one before it can be restored."""
        self.previous.remember(self.network.now, self.training.curves)
        self.training.show(curves)
        self.network.take(network)
        self._remove_unneeded_checkpoints()

    def _begin(self, job: TrainingJob) -> None:
        self.previous.remember(self.network.now, self.training.curves)
        self._remove_unneeded_checkpoints(job)
        self.training.start(job)
        self.begun.emit()

    def abandon(self, *, keep_checkpoint: bool) -> None:
        """End the current run, if any, at once. keep_checkpoint: leave its checkpoint for another window to resume."""
        job = self.training.abandon(keep=keep_checkpoint)
        if keep_checkpoint:
            self.runs.leave(self.network.now.checkpoint_path, job.checkpoint_path if job else None)
        self.network.forget_checkpoint()

    @Slot()
    def _on_settings_changed(self) -> None:
        self.training.set_learning_rate(self.settings.config.learning_rate)

    @Slot(object, object, bool)
    def _on_network_trained(self, model: MLP, job: TrainingJob, is_first: bool) -> None:
        self.network.take_trained(model, job, self.training.class_names, is_first=is_first)

    @Slot(object)
    def _on_ending(self, result: TrainingResult) -> None:
        has_network = self.training.curves.gave_a_network
        self.runs.settle(succeeded=has_network)
        self._remove_unneeded_checkpoints()
        if has_network:
            record = self.training.record(result)
            self.network.end_training(result.job.config, self.training.epochs_done, record)

    # ------------------------------------------------------------ networks

    @property
    def trained_on(self) -> TrainedOn:
        """What the current network was trained on, as far as that is known. If that is gone, the dataset of the next
        run stands for it, if it has the same classes: the person has opened it from where it is now."""
        job, record = self.training.job, self.network.now.record
        if job is not None and self.training.curves.gave_a_network:
            return TrainedOn(job.source, job.config, job.choices)
        dataset = recorded_dataset(record)
        # The classes of a network of other data are not MNIST's, even if that data is gone.
        if dataset is None or not (record.class_names or data.can_be_loaded(dataset[0])):
            return TrainedOn(config=record.config)
        settings = self.settings
        now = settings.source, settings.choices
        opened = self._datasets.peek(*now)
        if now != dataset and opened is not None and opened.class_names == record.class_names:
            dataset = dataset if data.can_be_loaded(dataset[0]) else now
        source, choices = dataset
        return TrainedOn(source, record.config, choices)

    @property
    def can_restore_previous(self) -> bool:
        return self.training.state == "idle" and self.previous.exists

    def restore_previous(self) -> None:
        """Swap the network, its curves, settings and file with those from before the run, if `can_restore_previous`."""
        if not self.can_restore_previous:
            return
        network, curves = self.previous.swap(self.network.now, self.training.curves)
        self.training.show(curves)
        self.network.take(network)
        if curves.preparation is not None:
            job = curves.preparation.job
            self.settings.set(job.config, job.source, job.choices)
        else:
            self.take_settings()
        self.previousRestored.emit()

    def open(self, path: Path | None, *, keep_checkpoint: bool) -> None:
        """Open the network in a file (None: the pretrained one), ending the current run.

        keep_checkpoint: see `abandon`. Raises ModelFileError and then changes nothing.
        """
        self.replace(self.network.read(path), keep_checkpoint=keep_checkpoint)

    def replace(self, network: NetworkSnapshot, *, keep_checkpoint: bool) -> None:
        """Make another network the current one, ending the current run. keep_checkpoint: see `abandon`."""
        self.abandon(keep_checkpoint=keep_checkpoint)
        self._remove_unneeded_checkpoints()
        self.training.show(recorded_curves(network.record))
        self.network.take(network)

    def load_run(self, path: Path | None, run: Run, which: Which, curve: Curve) -> None:
        """Make a recorded run's network the current one; the one before it can be restored. See `Session.load_run`."""
        if self.training.state != "idle":
            return
        if path is None:
            raise ModelFileError("This network is no longer kept: newer ones have taken its place.")
        when = f"epoch {run.best_epoch + 1}" if which == "best" and run.best_epoch is not None else "final"
        network = replace(self.network.read(path), path=None, name=f"{run.title} ({when})")
        self._show(network, kept_curves(curve, network.record))

    def take_settings(self) -> None:
        """Take over the settings that the current network was trained with, as far as they are known."""
        now = self.network.now
        assert now.model is not None
        self.settings.take(now.model, now.record)

    def save(self, path: Path) -> None:
        """Write the current network, and remove its checkpoint unless it is still training. See `Network.save`."""
        self.network.save(path, self.record())
        if self.training.job is None:
            self.network.forget_checkpoint()
            self._remove_unneeded_checkpoints()

    def record(self) -> TrainingRecord:
        """How the current network was trained, or is being trained."""
        has_begun = self.training.job is not None and len(self.training.curves.history)
        return self.training.record() if has_begun else self.network.now.record

    # ------------------------------------------------------------ checkpoints

    def _remove_unneeded_checkpoints(self, job: TrainingJob | None = None) -> None:
        """Remove the checkpoints of this window's runs that can be neither resumed nor restored."""
        job = job or self.training.job
        needed = self.network.now.checkpoint_path, self.previous.checkpoint_path
        self.runs.remove_all_but(*needed, job.checkpoint_path if job else None)

    def close(self, *, keep_checkpoint: bool) -> None:
        """After `abandon`: unless `keep_checkpoint`, also remove the checkpoint of the network that was put aside."""
        if not keep_checkpoint:
            self.previous.forget()
            self._remove_unneeded_checkpoints()
