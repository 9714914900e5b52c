"""The training loop inside a QThread: it iterates the engine's steps and reports what came of them 30 times a second.

The window steers the loop through a `TrainingControl`, which the loop reads between two chunks of steps, and hears of
it through signals alone. What a signal carries never changes afterwards.
"""

import logging
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, SignalInstance, Slot
from threadpoolctl import threadpool_limits

from engine import ConfigError, ModelFileError, Step, TrainingConfig, evaluate, load_checkpoint
from engine.calibration import Calibration, calibrate_run
from engine.checkpoint import Checkpoints
from engine.nn import MLP
from engine.training import CHUNK_S, DIVERGED, Chunk, EpochSummary, TrainingRun
from minigrad_gui import data
from minigrad_gui.diagnosis import Diagnosis, diagnose_run
from minigrad_gui.recovery import RecoverableRun
from minigrad_gui.threads import BLAS_TURN, fastest_blas_threads

REPORT_INTERVAL_S = 0.033
SNAPSHOT_INTERVAL_S = 0.1
SNAPSHOT_TIME_SHARE = 0.05
"""Copying a very large network may take at most this share of the time."""
RATE_WINDOW_S = 1.0
SWITCH_INTERVAL_S = 0.001
"""So long the loop waits for Python's lock while the window draws, at most; of itself it would be 5 ms."""

ADVICE = "Try a learning rate ten times smaller."


class TrainingControl:
    """What the person wants of a running loop: pause, single steps, stop, another learning rate. Thread-safe."""

    def __init__(self, learning_rate: float, *, paused: bool = False) -> None:
        self._changed = threading.Condition()
        self._learning_rate = learning_rate
        self._paused = paused
        self._stopped = False
        self._abandoned = False
        self._keeps_checkpoint = True
        self._steps_allowed = 0

    @property
    def learning_rate(self) -> float:
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = value

    @property
    def stopped(self) -> bool:
        return self._stopped

    @property
    def paused(self) -> bool:
        """Whether only single steps are wanted, if any."""
        return self._paused

    @property
    def must_wait(self) -> bool:
        return self._paused and not self._stopped and self._steps_allowed == 0

    def pause(self) -> None:
        with self._changed:
            self._paused, self._steps_allowed = True, 0

    def resume(self) -> None:
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def allow_step(self) -> None:
        """Let a paused loop take one more step."""
        with self._changed:
            self._steps_allowed += 1
            self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def abandon(self, *, keep: bool) -> None:
        """Stop, and spare the measuring: nobody waits for this run any more, or only for its checkpoint."""
        self._abandoned, self._keeps_checkpoint = True, keep
        self.stop()

    @property
    def keeps_checkpoint(self) -> bool:
        """Whether the run's checkpoint is still wanted."""
        return self._keeps_checkpoint

    @property
    def abandoned(self) -> bool:
        return self._abandoned

    def wait_for_step(self) -> bool:
        """Block while paused. True if the loop may take a step, False if it has to end."""
        with self._changed:
            self._changed.wait_for(lambda: not self.must_wait)
            if self._paused and not self._stopped:
                self._steps_allowed -= 1
            return not self._stopped


@dataclass(frozen=True)
class TrainingJob:
    """A run: what to train, on which of data.SOURCES, and from which network (None: a new one, from the seed).

    checkpoint_path: its checkpoint file, None to keep none; resumed: the run to go on with;
    rate_changes: when the person changed the learning rate, for the checkpoint; taught_drawings: how many drawings the
    network had learnt before.
    """

    config: TrainingConfig
    source: str
    control: TrainingControl
    start_from: MLP | None = None
    checkpoint_path: Path | None = None
    resumed: RecoverableRun | None = None
    rate_changes: list[dict[str, float]] = field(default_factory=list)
    taught_drawings: int = 0

    @property
    def about_handwriting(self) -> dict[str, int]:
        """What the files of this run tell of drawings that its network has learnt, if any."""
        return {"taught_drawings": self.taught_drawings} if self.taught_drawings else {}


@dataclass(frozen=True)
class Preparation:
    """All is ready: how many samples train and validate, how many mini-batches make an epoch, how many BLAS threads.

    losses, float32 (n,), and epochs: of a run that goes on, what is behind it.
    """

    job: TrainingJob
    training_count: int
    validation_count: int
    steps_per_epoch: int
    blas_threads: int
    losses: NDArray[np.float32]
    epochs: tuple[EpochSummary, ...]


@dataclass(frozen=True)
class Progress:
    """What happened since the last report; `model` is a frozen copy, when one was due."""

    job: TrainingJob
    steps: tuple[Step, ...]
    epochs: tuple[EpochSummary, ...]
    samples_per_second: float
    model: MLP | None


@dataclass(frozen=True)
class TrainingResult:
    """How a run ended. `error`: one sentence, or None if it was finished or stopped; `test`: loss and accuracy of the
    network as it is now on the test samples, and `calibration`: both None after an error; `diagnosis`: what is wrong
    with the run, if anything is."""

    job: TrainingJob
    error: str | None = None
    test: tuple[float, float] | None = None
    calibration: Calibration | None = None
    diagnosis: Diagnosis | None = None


@dataclass
class _Report:
    """Gathers steps until it is time to tell of them; knows the speed, pauses left out."""

    steps: list[Step] = field(default_factory=list)
    epochs: list[EpochSummary] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)
    samples_per_second: float = 0.0

    def due(self, now: float) -> bool:
        return now - self.started >= REPORT_INTERVAL_S

    def leave_out_the_pause(self) -> None:
        self.started = time.perf_counter()

    def take(self, job: TrainingJob, model: MLP | None) -> Progress:
        now = time.perf_counter()
        elapsed = max(now - self.started, 1e-9)
        rate = sum(step.count for step in self.steps) / elapsed
        weight = 1 - math.exp(-elapsed / RATE_WINDOW_S) if self.samples_per_second else 1.0
        self.samples_per_second += weight * (rate - self.samples_per_second)
        progress = Progress(job, tuple(self.steps), tuple(self.epochs), self.samples_per_second, model)
        self.steps, self.epochs, self.started = [], [], now
        return progress


class CheckpointWriter:
    """Keeps a run in its file while it goes on, and says so once if that fails."""

    def __init__(self, job: TrainingJob, run: TrainingRun, threads: int, failed: SignalInstance) -> None:
        self._job = job
        self._run = run
        self._threads = threads
        self._failed = failed
        self._has_failed = False
        self._file = Checkpoints(job.checkpoint_path, self._about) if job.checkpoint_path is not None else None
        self.keep()

    def _about(self) -> dict[str, Any]:
        changes = list(self._job.rate_changes)
        about = {"dataset": self._job.source, "blas_threads": self._threads, "learning_rate_changes": changes}
        return {**about, **self._job.about_handwriting}

    def after_step(self, *, milestone: bool) -> None:
        self._try(lambda file: file.after_step(self._run, milestone=milestone))

    def keep(self) -> None:
        self._try(lambda file: file.write(self._run))

    def _try(self, write: Callable[[Checkpoints], None]) -> None:
        if self._file is None or not self._job.control.keeps_checkpoint:
            return
        try:
            write(self._file)
            if not self._job.control.keeps_checkpoint:  # given up while it was written
                Path(self._file.path).unlink(missing_ok=True)
        except OSError:
            pass  # whoever gave it up has removed it, or will be offered it
        except ModelFileError as error:
            if not self._has_failed:
                self._has_failed = True
                self._failed.emit(str(error))


class TrainingWorker(QObject):
    """Lives in a QThread and trains one job at a time."""

    prepared = Signal(object)  # Preparation
    progressed = Signal(object)  # Progress
    ended = Signal(object)  # TrainingResult, once for each job
    checkpointFailed = Signal(str)  # noqa: N815  why a run that goes on is not kept, once for each job

    def __init__(self) -> None:
        super().__init__()
        self._source = ""
        self._dataset: data.Dataset | None = None
        self._blas_threads: dict[tuple[tuple[int, ...], int], int] = {}

    @Slot(object)
    def run(self, job: TrainingJob) -> None:
        """Train until the last epoch, a stop or an error; every way out ends in `ended`."""
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        try:
            outcome = self._train(job)
        except data.LoadingCancelledError:
            outcome = TrainingResult(job)
        except (data.DataError, ConfigError, ModelFileError) as error:
            outcome = TrainingResult(job, str(error))
        except MemoryError:
            outcome = TrainingResult(
                job, "There is not enough memory for this network and batch size. Try smaller ones."
            )
        except Exception as error:  # a slot that raises would leave the window waiting for ever
            logging.getLogger("minigrad").exception("Training stopped")
            outcome = TrainingResult(job, f"Training stopped because of an error in the program: {error!r}.")
        self.ended.emit(outcome)

    def _load(self, job: TrainingJob) -> data.Dataset:
        if self._dataset is None or self._source != job.source:
            self._dataset = data.load(job.source, lambda: job.control.stopped)
            self._source = job.source
        return self._dataset

    def _train(self, job: TrainingJob) -> TrainingResult:
        control = job.control
        if control.abandoned:
            return TrainingResult(job)
        state, about = load_checkpoint(job.resumed.path) if job.resumed is not None else (None, {})
        dataset = self._load(job)
        run = TrainingRun(
            job.config, dataset.train_images, dataset.train_labels, len(dataset.class_names), job.start_from
        )
        if state is not None:
            try:
                run.load_state(state)
            except ValueError as error:
                return TrainingResult(job, f"The run cannot go on: {error}.")
            del state  # as large as the network and its optimizer
        with BLAS_TURN:
            threads = self._threads(run, about.get("blas_threads"), job.control)
            counts = run.training_count, run.validation_count, run.steps_per_epoch
            # Of a very long run the first losses are not kept: a level line stands for them.
            losses = np.pad(run.losses, (run.steps_done - len(run.losses), 0), "edge") if run.steps_done else run.losses
            checkpoint_writer = CheckpointWriter(job, run, threads, self.checkpointFailed)
            self.prepared.emit(Preparation(job, *counts, threads, losses, tuple(run.epochs)))
            run.threads = threads
            with threadpool_limits(threads, user_api="blas"), closing(run.chunks()) as chunks:
                return self._iterate(job, run, chunks, dataset, checkpoint_writer)

    def _threads(self, run: TrainingRun, before: object, control: TrainingControl) -> int:
        """As many as before the run was interrupted, or those that prove fastest."""
        if type(before) is int and 1 <= before <= (os.cpu_count() or 1):
            return before
        # Asked for once: the same settings then give the same network again, to the last digit.
        shape = run.model.sizes, run.config.batch_size
        if shape in self._blas_threads:
            return self._blas_threads[shape]
        fastest = fastest_blas_threads(run, cancelled=lambda: control.stopped)
        if not control.stopped:
            self._blas_threads[shape] = fastest
        return fastest

    def _iterate(
        self,
        job: TrainingJob,
        run: TrainingRun,
        chunks: Iterator[Chunk],
        dataset: data.Dataset,
        checkpoint_writer: CheckpointWriter,
    ) -> TrainingResult:
        control = job.control
        report, next_snapshot = _Report(), 0.0
        while True:
            paused = control.must_wait
            if paused:
                self.progressed.emit(report.take(job, _finite_copy(run.model)))
                checkpoint_writer.after_step(milestone=True)
            may_step = control.wait_for_step()
            if paused:
                report.leave_out_the_pause()
            if control.learning_rate != run.learning_rate:
                run.learning_rate = control.learning_rate
                job.rate_changes.append({"mini_batches": run.steps_done, "learning_rate": run.learning_rate})
            run.chunk_s = 0.0 if control.paused else CHUNK_S
            chunk = next(chunks, None) if may_step else None
            if chunk is None:
                break
            steps, epoch = chunk
            diverged = next((index for index, step in enumerate(steps) if step.diverged), None)
            report.steps.extend(steps[:diverged])
            if diverged is not None:
                self.progressed.emit(report.take(job, None))
                return _diverged(job, run, dataset)
            if epoch is not None:
                report.epochs.append(epoch)
            now = time.perf_counter()
            if report.due(now):
                snapshot = _finite_copy(run.model) if now >= next_snapshot else None
                if snapshot:
                    copied = time.perf_counter()
                    next_snapshot = copied + max(SNAPSHOT_INTERVAL_S, (copied - now) / SNAPSHOT_TIME_SHARE)
                self.progressed.emit(report.take(job, snapshot))
            if not run.is_finished:
                checkpoint_writer.after_step(milestone=epoch is not None)

        final = _finite_copy(run.model)
        if not control.abandoned:  # the person first: keeping takes as long as some mini-batches
            self.progressed.emit(report.take(job, final))
        if final is not None:
            checkpoint_writer.keep()
        if control.abandoned:
            return TrainingResult(job)
        if final is None:
            return _diverged(job, run, dataset)
        test = evaluate(final, dataset.test_images, dataset.test_labels)
        diagnosis = diagnose_run(run, dataset.test_images, classes=len(dataset.class_names))
        return TrainingResult(job, None, test, calibrate_run(run), diagnosis)


def _diverged(job: TrainingJob, run: TrainingRun, dataset: data.Dataset) -> TrainingResult:
    diagnosis = diagnose_run(run, dataset.test_images, diverged=True, classes=len(dataset.class_names))
    return TrainingResult(job, f"{DIVERGED} {ADVICE}", diagnosis=diagnosis)


def _finite_copy(model: MLP) -> MLP | None:
    """A frozen copy, or None for a network that has just been blown up by its last step."""
    if all(np.isfinite(parameter.data).all() for parameter in model.parameters()):
        return model.copy()
    return None
