"""The current network and its file."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engine import MLP, ModelFileError, TrainingConfig, save_model
from engine.archive import npz_path
from engine.record import TrainingRecord
from minigrad_gui.data import DIGIT_NAMES
from minigrad_gui.reader import load_network
from minigrad_gui.records import names_of_classes, recorded_names
from minigrad_gui.resources import asset_path
from minigrad_gui.runner import TrainingJob
from minigrad_gui.teaching import TeachingResult
from minigrad_gui.wording import counted

PRETRAINED = "pretrained.npz"


@dataclass(frozen=True)
class NetworkSnapshot:
    """A network and everything that belongs to it.

    is_pretrained: whether it is the one that comes with the project; uses_handwriting: whether taught handwriting
    is used when it reads; modified: whether it has unsaved changes; name: differs from that of the previous network;
    checkpoint_path: the checkpoint of the run that produced it, while it is unsaved.
    """

    model: MLP | None = None
    record: TrainingRecord = field(default_factory=TrainingRecord)
    is_pretrained: bool = False
    uses_handwriting: bool = False
    path: Path | None = None
    modified: bool = False
    name: str = "No network"
    checkpoint_path: Path | None = None

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the network's outputs stand for; without a network the digits."""
        return DIGIT_NAMES if self.model is None else names_of_classes(self.record, self.model.sizes[-1])


class Network(QObject):
    """Holds the current network as an immutable snapshot, `now`. Only the methods below replace it."""

    modelChanged = Signal()  # noqa: N815
    documentChanged = Signal()  # noqa: N815

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._now = NetworkSnapshot()
        self._new_networks = 0
        self._pretrained_uses_handwriting = True

    @property
    def now(self) -> NetworkSnapshot:
        return self._now

    @property
    def pretrained_uses_handwriting(self) -> bool:
        """`uses_handwriting` for the pretrained network: the person's last choice."""
        return self._pretrained_uses_handwriting

    def set_pretrained_uses_handwriting(self, use: bool) -> None:
        """Takes effect the next time the pretrained network is read."""
        self._pretrained_uses_handwriting = use

    def read(self, path: Path | None) -> NetworkSnapshot:
        """Read the network in a file, for `take`; None is the pretrained one. Raises ModelFileError."""
        model, record = load_network(path or asset_path(PRETRAINED))
        if path is None:
            uses = self._pretrained_uses_handwriting
            return NetworkSnapshot(model, record, True, uses_handwriting=uses, name="Pretrained network")
        return NetworkSnapshot(model, record, path=path, name=path.name)

    def restored(self, path: Path) -> NetworkSnapshot:
        """A run's unsaved network, as it was recorded in a file, for `take`. Raises ModelFileError."""
        network = self.read(path)
        self._new_networks += 1
        config, epochs = network.record.config or TrainingConfig(), network.record.epochs
        name = self._run_name(None, config, counted(epochs[-1].epoch + 1 if epochs else 0, "epoch"))
        return replace(network, path=None, modified=True, name=name)

    def imported(self, path: Path, model: MLP, record: TrainingRecord) -> NetworkSnapshot:
        """A network from another program's file, for `take`; that file is not the one to save it to."""
        return NetworkSnapshot(model, record, name=path.name)

    def take(self, network: NetworkSnapshot) -> None:
        """Make another network the current one."""
        document = self._now.path, self._now.modified, self._now.name
        self._now = network
        self.modelChanged.emit()
        if document != (network.path, network.modified, network.name):
            self.documentChanged.emit()

    def take_trained(
        self, model: MLP, job: TrainingJob, class_names: tuple[str, ...] = DIGIT_NAMES, *, is_first: bool
    ) -> None:
        """Make a run's latest network the current one. is_first: it is the first that this run reports."""
        now = replace(
            self._now,
            model=model,
            record=TrainingRecord(class_names=recorded_names(class_names)),
            is_pretrained=False,
            uses_handwriting=self._now.uses_handwriting and not is_first,  # chosen for the network that is replaced
            modified=True,
            checkpoint_path=job.checkpoint_path,
        )
        if is_first:
            # A new network must not overwrite the file of the old one.
            now = replace(now, path=now.path if job.start_from is not None else None)
            self._new_networks += now.path is None
            now = replace(now, name=self._run_name(now.path, job.config, "in training"))
        self.take(now)

    def end_training(self, config: TrainingConfig, epochs: float, record: TrainingRecord) -> None:
        """Name the network after the run that trained it, and store the record of that run."""
        name = self._run_name(self._now.path, config, counted(epochs, "epoch", ".3g"))
        self._now = replace(self._now, record=record)
        self._set_document(self._now.path, modified=self._now.modified, name=name)

    def _run_name(self, path: Path | None, config: TrainingConfig, how_far: str) -> str:
        if path is not None:
            return f"{path.name}, trained further"
        layers = "-".join(map(str, config.hidden)) or "no hidden layer"
        return f"New network {self._new_networks} ({layers}, {how_far})"

    def save(self, path: Path, record: TrainingRecord) -> None:
        """Write the network, as it was trained. Raises ModelFileError and then leaves the old file as it was.

        The suffix .npz is appended if it is missing.
        """
        if self._now.model is None:
            raise ModelFileError("There is no network to save yet.")
        path = npz_path(path)
        save_model(path, self._now.model, record.to_meta())
        self._set_document(path, modified=False, name=path.name)

    def save_copy(self, path: Path, copy: TeachingResult | None) -> None:
        """Write a copy of the network that has learnt drawings, with their number and its test loss and accuracy.

        The current network does not change, nor whether it counts as saved. Raises ModelFileError if there is no
        copy or it cannot be written, and then leaves the old file as it was.
        """
        if copy is None or copy.model is None or copy.test is None:
            raise ModelFileError("This network has not learnt your handwriting.")
        record, (loss, accuracy) = self._now.record, copy.test
        drawings = record.taught_drawings + len(copy.job.drawings)
        record = replace(record, test_loss=loss, test_accuracy=accuracy, taught_drawings=drawings)
        path = npz_path(path)
        save_model(path, copy.model, record.to_meta())
        own = self._now.path
        if own is not None and path.resolve() == own.resolve():  # its file now holds the copy instead
            self._set_document(own, modified=True, name=self._now.name)

    def forget_checkpoint(self) -> None:
        self._now = replace(self._now, checkpoint_path=None)

    def use_handwriting(self, use: bool) -> None:
        """Set whether handwriting is used; for the pretrained network, the choice is remembered."""
        self._now = replace(self._now, uses_handwriting=use)
        if self._now.is_pretrained:
            self._pretrained_uses_handwriting = use

    def _set_document(self, path: Path | None, *, modified: bool, name: str) -> None:
        if (path, modified, name) != (self._now.path, self._now.modified, self._now.name):
            self._now = replace(self._now, path=path, modified=modified, name=name)
            self.documentChanged.emit()
