"""The training loop inside a QThread: it drives a `Runner` and reports its progress 30 times a second.

The window controls the loop through a `TrainingControl`, which the loop reads between two chunks of steps, and receives
only signals from it. The objects that signals carry are immutable.
"""

import logging
import math
import time
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, Slot

from engine import ConfigError, ModelFileError, Step
from engine.nn import MLP
from engine.run import Chunk, TrainingRun, Validation
from engine.training import CHUNK_S, EpochSummary
from minigrad_gui import data
from minigrad_gui.dataset_cache import DatasetCache
from minigrad_gui.machine_code import MachineCode
from minigrad_gui.runner import DivergedError, RunCache, Runner, TrainingJob, TrainingResult, open_run
from minigrad_gui.runs import RunStore

REPORT_INTERVAL_S = 0.033
SNAPSHOT_INTERVAL_S = 0.1
SNAPSHOT_TIME_SHARE = 0.05
"""Copying a very large network may take at most this share of the time."""
MOMENT_RATIO = 1.2
"""The mini-batches after which the run can be looked back at grow by this factor."""
MOMENTS_S, MOMENTS_TIME_SHARE = 0.02, 0.01
"""Copying networks for this may take so long, and then at most this share of the time."""
SINGLE_STEPS = 32
"""At first chunks are single mini-batches, for that is when a network changes fastest."""
RATE_WINDOW_S = 1.0


@dataclass(frozen=True)
class Preparation:
    """A run is ready: its numbers of training and validation samples, mini-batches per epoch and BLAS threads.

    losses, float32 (n,), and epochs: those of a resumed run before the interruption; class_names: of the dataset.
    """

    job: TrainingJob
    training_count: int
    validation_count: int
    steps_per_epoch: int
    blas_threads: int
    losses: NDArray[np.float32]
    epochs: tuple[EpochSummary, ...]
    class_names: tuple[str, ...] = data.DIGIT_NAMES


@dataclass(frozen=True)
class Progress:
    """What happened since the last report.

    model: a frozen copy, when one was due; validation: that of the last of the epochs, if there are any; moments: more
    frozen copies, each with the number of mini-batches that it was trained on, to look back at.
    """

    job: TrainingJob
    steps: tuple[Step, ...]
    epochs: tuple[EpochSummary, ...]
    samples_per_second: float
    model: MLP | None
    validation: Validation | None
    moments: tuple[tuple[int, MLP], ...] = ()


@dataclass
class _Report:
    """Collects steps until the next report is due; measures the speed without pauses."""

    steps: list[Step] = field(default_factory=list)
    epochs: list[EpochSummary] = field(default_factory=list)
    validation: Validation | None = None
    moments: list[tuple[int, MLP]] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)
    samples_per_second: float = 0.0

    @property
    def is_due(self) -> bool:
        return time.perf_counter() - self.started >= REPORT_INTERVAL_S

    def add(self, chunk: Chunk, run: TrainingRun) -> None:
        """Add what a run has just done."""
        steps, epoch = chunk
        self.steps.extend(steps)
        if epoch is not None:
            self.epochs.append(epoch)
            self.validation = run.latest_validation

    def leave_out_the_pause(self) -> None:
        self.started = time.perf_counter()

    def take(self, job: TrainingJob, model: MLP | None) -> Progress:
        now = time.perf_counter()
        elapsed = max(now - self.started, 1e-9)
        rate = sum(step.count for step in self.steps) / elapsed
        weight = 1 - math.exp(-elapsed / RATE_WINDOW_S) if self.samples_per_second else 1.0
        self.samples_per_second += weight * (rate - self.samples_per_second)
        steps, epochs = tuple(self.steps), tuple(self.epochs)
        moments = tuple(self.moments)
        progress = Progress(job, steps, epochs, self.samples_per_second, model, self.validation, moments)
        self.steps, self.epochs, self.validation, self.moments, self.started = [], [], None, [], now
        return progress


class _Snapshots:
    """Frozen copies of the network, rare enough that copying takes a small share of the time."""

    def __init__(self) -> None:
        self._next = 0.0

    def take(self, runner: Runner) -> MLP | None:
        """A copy if one is due."""
        began = time.perf_counter()
        if began < self._next:
            return None
        model = runner.frozen_model()
        ended = time.perf_counter()
        self._next = ended + max(SNAPSHOT_INTERVAL_S, (ended - began) / SNAPSHOT_TIME_SHARE)
        return model


class _Moments:
    """More frozen copies, after numbers of mini-batches that grow by a factor: a fast run would else have few moments
    that can be looked back at, and none of its beginning."""

    def __init__(self) -> None:
        self._next, self._spent_s, self._began_s = 0, 0.0, time.perf_counter()

    def take(self, runner: Runner) -> list[tuple[int, MLP]]:
        """The number of mini-batches and a copy, if one is due."""
        done, began_s = runner.run.steps_done, time.perf_counter()
        if done < self._next or self._spent_s > MOMENTS_S + MOMENTS_TIME_SHARE * (began_s - self._began_s):
            return []
        self._next = int(done * MOMENT_RATIO) + 1
        model = runner.frozen_model()
        self._spent_s += time.perf_counter() - began_s
        return [] if model is None else [(done, model)]


class TrainingWorker(QObject):
    """Lives in a QThread and trains one job at a time. store: where runs are recorded; None for nowhere."""

    prepared = Signal(object)  # Preparation
    progressed = Signal(object)  # Progress
    ended = Signal(object)  # TrainingResult, once for each job
    checkpointFailed = Signal(str)  # noqa: N815  why the checkpoint cannot be written, once for each job

    def __init__(
        self,
        datasets: DatasetCache | None = None,
        store: RunStore | None = None,
        machine_code: MachineCode | None = None,
    ) -> None:
        super().__init__()
        self._cache = RunCache(datasets, machine_code)
        self._store = store

    @Slot(object)
    def run(self, job: TrainingJob) -> None:
        """Train until the last epoch, a stop or an error; `ended` is emitted in every case."""
        try:
            result = self._train(job)
        except data.LoadingCancelledError:
            result = TrainingResult(job)
        except (data.DataError, ConfigError, ModelFileError) as error:
            result = TrainingResult(job, str(error))
        except MemoryError:
            result = TrainingResult(
                job, "There is not enough memory for this network and batch size. Try smaller ones."
            )
        except Exception as error:  # if the slot raised, the window would wait forever
            logging.getLogger("minigrad").exception("Training stopped")
            result = TrainingResult(job, f"Training stopped because of an error in the program: {error!r}.")
        self.ended.emit(result)

    def _train(self, job: TrainingJob) -> TrainingResult:
        if job.control.abandoned:
            return TrainingResult(job)
        with open_run(job, self._cache, self._tell_failed_checkpoint, self._store) as runner:
            runner.checkpoint.try_to_write()
            self.prepared.emit(_preparation(runner))
            report = _Report()
            try:
                self._iterate(runner, report)
                return self._finish(runner, report)
            except DivergedError as error:
                report.steps.extend(error.steps)
                self.progressed.emit(report.take(job, None))
                diagnosis = runner.diagnose(diverged=True)
                advice = f" {diagnosis.advice}" if diagnosis else ""
                return TrainingResult(job, f"{error}{advice}", diagnosis=diagnosis)

    def _tell_failed_checkpoint(self, error: ModelFileError) -> None:
        self.checkpointFailed.emit(str(error))

    def _iterate(self, runner: Runner, report: _Report) -> None:
        """Train until the last epoch or a stop. Raises DivergedError."""
        snapshots, moments = _Snapshots(), _Moments()
        with closing(runner.chunks()) as chunks:
            while self._may_step(runner, report) and (chunk := next(chunks, None)) is not None:
                report.add(chunk, runner.run)
                report.moments += moments.take(runner)
                if report.is_due:
                    self.progressed.emit(report.take(runner.job, snapshots.take(runner)))

    def _may_step(self, runner: Runner, report: _Report) -> bool:
        """Wait while paused, then apply the person's commands. False if the run must end."""
        control = runner.job.control
        paused = control.must_wait
        if paused:
            self.progressed.emit(report.take(runner.job, runner.frozen_model()))
            runner.checkpoint.after_step(milestone=True)
        may_step = control.wait_for_step()
        if paused:
            report.leave_out_the_pause()
        runner.change_learning_rate(control.learning_rate)
        runner.run.chunk_s = 0.0 if control.paused or runner.run.steps_done < SINGLE_STEPS else CHUNK_S
        return may_step

    def _finish(self, runner: Runner, report: _Report) -> TrainingResult:
        job, final = runner.job, runner.frozen_model()
        if not job.control.abandoned:  # report first: a checkpoint takes as long as several mini-batches
            self.progressed.emit(report.take(job, final))
        if final is not None:
            runner.checkpoint.try_to_write()
        return TrainingResult(job) if job.control.abandoned else runner.finish()


def _preparation(runner: Runner) -> Preparation:
    run = runner.run
    counts = run.training_count, run.validation_count, run.steps_per_epoch
    # A very long run does not store its first losses: draw a level line in their place.
    losses = np.pad(run.losses, (run.steps_done - len(run.losses), 0), "edge") if run.steps_done else run.losses
    return Preparation(runner.job, *counts, runner.threads, losses, tuple(run.epochs), runner.dataset.class_names)
