"""What connects a run with the network that it gives: the settings it has, its checkpoint, and the way back."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from engine.nn import MLP
from minigrad_gui import data
from minigrad_gui.analysis import TrainedOn
from minigrad_gui.dataset_cache import DatasetCache
from minigrad_gui.recovery import RecoverableRun
from minigrad_gui.runner import TrainingJob, TrainingResult
from minigrad_gui.session.curves import recorded_curves
from minigrad_gui.session.network import Network
from minigrad_gui.session.runs import Runs
from minigrad_gui.session.settings import Settings
from minigrad_gui.session.training import Training
from minigrad_gui.session.way_back import WayBack


class Experiment(QObject):
    """Has its parts, which know nothing of each other, act together. folder: where checkpoints are stored."""

    begun = Signal()
    wentBack = Signal()  # noqa: N815

    def __init__(self, folder: Path, parent: QObject | None = None, datasets: DatasetCache | None = None) -> None:
        super().__init__(parent)
        self.settings = Settings(self)
        self.training = Training(datasets, self)
        self.network = Network(self)
        self.runs = Runs(folder, self)
        self.way_back = WayBack()
        self.settings.changed.connect(self._on_settings_changed)
        self.training.networkTrained.connect(self._on_network_trained)
        self.training.ending.connect(self._on_ending)

    # ------------------------------------------------------------ runs

    @property
    def can_start(self) -> bool:
        return self.training.state == "idle" and self.settings.error is None

    def start(self, *, paused: bool) -> None:
        """Start a run with the settings as they are. Only where it `can_start`."""
        now = self.network.now
        self._begin(self.settings.job(now.model, now.record.taught_drawings, self.runs.claim(), paused=paused))

    def go_on_with(self, run: RecoverableRun, *, keep_checkpoint: bool) -> None:
        """Take up a run with the settings that it had. keep_checkpoint: see `abandon`."""
        if self.training.job is not None:
            self.abandon(keep_checkpoint=keep_checkpoint)
        checkpoint = self.runs.take_up(run)
        self.settings.set(run.config, run.source)
        self._begin(TrainingJob.resuming(run.path, run.summary, checkpoint))

    def _begin(self, job: TrainingJob) -> None:
        self.way_back.begin_at(self.network.now, self.training.curves)
        self._remove_unneeded_checkpoints(job)
        self.training.start(job)
        self.begun.emit()

    def abandon(self, *, keep_checkpoint: bool) -> None:
        """Forget the run at hand, if any, at once. keep_checkpoint: another window may go on with it."""
        job = self.training.abandon(keep=keep_checkpoint)
        if keep_checkpoint:
            self.runs.leave(self.network.now.checkpoint_path, job.checkpoint_path if job else None)
        self.network.forget_checkpoint()

    @Slot()
    def _on_settings_changed(self) -> None:
        self.training.set_learning_rate(self.settings.config.learning_rate)

    @Slot(object, object, bool)
    def _on_network_trained(self, model: MLP, job: TrainingJob, is_first: bool) -> None:
        self.network.take_trained(model, job, is_first=is_first)

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
        """What the current network learned from, as far as that is known."""
        job, record = self.training.job, self.network.now.record
        if job is not None and self.training.curves.gave_a_network:
            return TrainedOn(job.source, job.config)
        return TrainedOn(record.dataset if record.dataset in data.SOURCES else "mnist", record.config)

    @property
    def can_go_back(self) -> bool:
        return self.training.state == "idle" and self.way_back.is_open

    def go_back(self) -> None:
        """Exchange the network, its curves, settings and file with those from before the run, if one can go back."""
        if not self.can_go_back:
            return
        network, curves = self.way_back.exchange(self.network.now, self.training.curves)
        self.training.show(curves)
        self.network.take(network)
        if curves.preparation is not None:
            self.settings.set(curves.preparation.job.config, curves.preparation.job.source)
        else:
            self.take_settings()
        self.wentBack.emit()

    def open(self, path: Path | None, *, keep_checkpoint: bool) -> None:
        """Take the network of a file (None: the pretrained one). A run that goes on ends.

        keep_checkpoint: see `abandon`. Raises ModelFileError, and nothing changes then.
        """
        network = self.network.read(path)
        self.abandon(keep_checkpoint=keep_checkpoint)
        self._remove_unneeded_checkpoints()
        self.training.show(recorded_curves(network.record))
        self.network.take(network)

    def take_settings(self) -> None:
        """Take the settings that the current network was trained with, as far as its file tells."""
        now = self.network.now
        assert now.model is not None
        self.settings.take(now.model, now.record)

    def save(self, path: Path) -> None:
        """Write the current network, and remove its checkpoint unless its run goes on. See `Network.save`."""
        in_training = self.training.job is not None
        has_begun = in_training and len(self.training.curves.history)
        self.network.save(path, self.training.record() if has_begun else self.network.now.record)
        if not in_training:
            self.network.forget_checkpoint()
            self._remove_unneeded_checkpoints()

    # ------------------------------------------------------------ checkpoints

    def _remove_unneeded_checkpoints(self, job: TrainingJob | None = None) -> None:
        """Of this window's runs those are needed that can be gone on with or back to."""
        job = job or self.training.job
        needed = self.network.now.checkpoint_path, self.way_back.checkpoint_path
        self.runs.remove_all_but(*needed, job.checkpoint_path if job else None)

    def close(self, *, keep_checkpoint: bool) -> None:
        """After `abandon`: remove the checkpoint of the network that was put aside as well, unless it is to stay."""
        if not keep_checkpoint:
            self.way_back.close()
            self._remove_unneeded_checkpoints()
