"""Records a run while it trains, in a thread of its own, so that training never waits for the disk.

The training thread hands over its losses; every half second the recorder's thread writes what is new. A process that
is killed loses at most that. Whatever goes wrong is told once, and training continues. No Qt here.
"""

import json
import threading
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine import ModelFileError, Step, TrainingConfig
from engine.calibration import Calibration
from engine.nn import MLP
from engine.record import TrainingRecord
from engine.run import TrainingRun
from engine.training import EpochSummary
from minigrad_gui.runs import Ending, Run, RunsError, RunStore, Which, can_keep
from minigrad_gui.version import version

INTERVAL_S = 0.5
NETWORK_TIME_SHARE = 0.05
"""Writing the best networks may take at most this share of the time."""


def begun_run(run_id: str, config: TrainingConfig, dataset: str, run: TrainingRun) -> Run:
    """The record of a run that begins or is resumed now. dataset: its title."""
    now_s = time.time()
    return Run(
        id=run_id,
        began_s=now_s,
        updated_s=now_s,
        training_s=0.0,
        ending="",
        name="",
        note="",
        dataset=dataset,
        hidden="-".join(map(str, config.hidden)) + (f", {config.receptive_field_px} px" if config.has_windows else ""),
        activation=config.activation,
        optimizer=config.optimizer,
        learning_rate=config.learning_rate,
        batch_size=config.batch_size,
        epochs=config.epochs,
        seed=config.seed,
        steps=run.steps_done,
        steps_per_epoch=run.steps_per_epoch,
        loss=None,
        accuracy=None,
        validation_loss=None,
        validation_accuracy=None,
        best_epoch=None,
        test_loss=None,
        test_accuracy=None,
        settings="",
        message="",
    )


class Recorder:
    """The record of one run. run: as it begins; describe: says how its network is trained, in any thread;
    losses, float32 (n,), and epochs: those of a resumed run.

    `begin`, `add` and `end` are called by the training thread.
    """

    def __init__(
        self,
        store: RunStore,
        run: Run,
        describe: Callable[[], TrainingRecord],
        losses: NDArray[np.float32],
        epochs: Sequence[EpochSummary],
    ) -> None:
        self._store, self._run, self._describe = store, run, describe
        self._epochs = list(epochs)
        self._best = max(self._epochs, key=_merit, default=None)
        self._best_network: MLP | None = None
        self._is_best_written = True
        self._new_losses, self._written = array("f", losses), run.steps - len(losses)
        self._is_recorded = self._has_failed = self._was_deleted = False
        self._next_network_s = 0.0
        self._lock = threading.Lock()
        self._has_ended = threading.Event()
        self._thread = threading.Thread(target=self._write_repeatedly, name="recorder", daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def add(self, steps: Sequence[Step], epoch: EpochSummary | None, seconds: float, model: MLP | None = None) -> None:
        """Record mini-batches, the epoch that ended with them, and the seconds that they took. model: the network after
        the epoch, which is copied if it is the best so far."""
        with self._lock:
            self._new_losses.extend([step.loss for step in steps])
            run = self._run
            self._run = run._replace(steps=run.steps + len(steps), training_s=run.training_s + seconds)
            if epoch is not None:
                self._epochs.append(epoch)
                if epoch.validation_accuracy is not None and (self._best is None or _merit(epoch) > _merit(self._best)):
                    self._best, self._best_network = epoch, model.copy() if model and can_keep(model) else None
                    self._is_best_written = False

    def end(
        self,
        ending: Ending,
        message: str,
        record: TrainingRecord,
        model: MLP | None,
        calibrate: Callable[[MLP], Calibration] | None = None,
    ) -> None:
        """Record how the run ended, with its final network; None if that is not finite. calibrate: calibrates the
        network of the best epoch; None to leave it as it is."""
        self._has_ended.set()
        self._thread.join()
        self._run = self._run._replace(ending=ending, message=message)
        self._describe = lambda: record
        self._write()
        if calibrate is not None and self._best_network is not None:
            calibration = record.calibration if self._is_best_final() else calibrate(self._best_network)
            self._describe = lambda: replace(record, calibration=calibration)
            self._is_best_written = False
        self._write_best_network()
        if model is not None and self._run.steps and not self._was_deleted and can_keep(model):
            self._keep("final", model, record)

    def _is_best_final(self) -> bool:
        """Whether nothing was trained after the best epoch."""
        return self._epochs[-1] is self._best and self._run.steps == len(self._epochs) * self._run.steps_per_epoch

    # ------------------------------------------------------------ the recorder's thread

    def _write_repeatedly(self) -> None:
        self._write()
        while not self._has_ended.wait(INTERVAL_S):
            if len(self._new_losses):
                self._write()
                if time.monotonic() >= self._next_network_s:
                    self._write_best_network()

    def _write(self) -> None:
        if self._was_deleted:
            return
        with self._lock:
            losses, self._new_losses = self._new_losses, array("f")
            run, epochs = self._run, list(self._epochs)
        try:
            self._put(_with_figures(run, epochs, self._best, self._describe()), np.array(losses, np.float32), epochs)
            self._written += len(losses)
        except (RunsError, MemoryError) as error:
            with self._lock:
                self._new_losses = losses + self._new_losses
            self._tell(error)

    def _put(self, run: Run, losses: NDArray[np.float32], epochs: Sequence[EpochSummary]) -> None:
        if self._is_recorded:
            self._was_deleted = not self._store.extend(run, self._written, losses, epochs)
            return
        recorded = self._store.begin(run, self._written, losses, epochs)
        with self._lock:  # a resumed run is older, and its time counts
            total_s = self._run.training_s + recorded.training_s - run.training_s
            self._run = self._run._replace(began_s=recorded.began_s, training_s=total_s)
        self._is_recorded = True

    def _write_best_network(self) -> None:
        with self._lock:
            model = None if self._is_best_written else self._best_network
            self._is_best_written = True
            record = replace(self._describe(), epochs=tuple(self._epochs), test_loss=None, test_accuracy=None)
        if model is not None and not self._was_deleted:
            began_s = time.monotonic()
            self._keep("best", model, record)
            ended_s = time.monotonic()
            self._next_network_s = ended_s + (ended_s - began_s) / NETWORK_TIME_SHARE

    def _keep(self, which: Which, model: MLP, record: TrainingRecord) -> None:
        try:
            self._store.keep_network(self._run.id, which, model, record)
        except ModelFileError as error:
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        if not self._has_failed:
            self._has_failed = True
            self._store.tell(f"Training continues, but its record may be incomplete: {error}")


def _merit(epoch: EpochSummary) -> tuple[float, float]:
    """More is better."""
    if epoch.validation_accuracy is None or epoch.validation_loss is None:
        return -1.0, 0.0
    return epoch.validation_accuracy, -epoch.validation_loss


def _with_figures(run: Run, epochs: Sequence[EpochSummary], best: EpochSummary | None, record: TrainingRecord) -> Run:
    """The run as it is now, with what its epochs and its record say."""
    told = replace(record, epochs=(), versions={"minigrad": version(), **record.versions})
    run = run._replace(updated_s=time.time(), settings=json.dumps(told.to_meta()))
    run = run._replace(test_loss=record.test_loss, test_accuracy=record.test_accuracy)
    if epochs:
        run = run._replace(loss=epochs[-1].loss, accuracy=epochs[-1].accuracy)
    if best is not None and best.validation_accuracy is not None:
        run = run._replace(best_epoch=best.epoch, validation_loss=best.validation_loss)
        run = run._replace(validation_accuracy=best.validation_accuracy)
    return run
