"""A training run from its data to the record of it, driven alike by the window and the terminal.

`open_run` loads the data, chooses the number of threads and yields a `Runner`. The caller iterates over its chunks and
may stop at any time. No Qt here.
"""

import itertools
import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from engine import ModelFileError, Step, TrainingConfig, evaluate, load_checkpoint
from engine.calibration import Calibration, calibrate_run
from engine.checkpoint import Checkpoints, CheckpointSummary
from engine.nn import MLP, is_finite
from engine.record import LearningRateChange, TrainingRecord, library_versions
from engine.run import Chunk, TrainingRun
from engine.training import EpochSummary
from minigrad_gui import data, process
from minigrad_gui.control import TrainingControl
from minigrad_gui.dataset_cache import DatasetCache
from minigrad_gui.diagnosis import Diagnosis, diagnose_run
from minigrad_gui.machine_code import MachineCode
from minigrad_gui.recording import Recorder, begun_run
from minigrad_gui.records import recorded_dataset, recorded_names
from minigrad_gui.runs import Ending, RunStore, new_id
from minigrad_gui.threads import fastest_blas_threads


@dataclass(frozen=True)
class TrainingJob:
    """A run: what to train, on which source of `data.load`, and from which network (None: a new one, from the seed).

    choices: how the source is read; checkpoint_path: its checkpoint file, None for none; resume_from: the checkpoint to
    resume from; threads: None for the number it had before, or the fastest; rate_changes: when the learning rate was
    changed during the run; taught_drawings, earlier_epochs: what the network had learnt before, as in a
    TrainingRecord; run_id: of its record in the list of runs.
    """

    config: TrainingConfig
    source: str
    control: TrainingControl
    start_from: MLP | None = None
    checkpoint_path: Path | None = None
    resume_from: Path | None = None
    threads: int | None = None
    rate_changes: list[LearningRateChange] = field(default_factory=list)
    taught_drawings: int = 0
    earlier_epochs: int | None = None
    choices: data.Choices = data.ALL_GUESSED
    run_id: str = field(default_factory=new_id)

    @classmethod
    def resuming(
        cls, path: Path, summary: CheckpointSummary, checkpoint_path: Path | None, threads: int | None = None
    ) -> "TrainingJob":
        """A job that resumes the run in the checkpoint `path`. Raises ModelFileError if its dataset is unknown."""
        record = TrainingRecord.from_meta(summary.meta)
        dataset = recorded_dataset(record)
        if dataset is None:
            raise ModelFileError(f"{path} does not say what its run was trained on.")
        source, choices = dataset
        return cls(
            summary.config,
            source,
            TrainingControl(summary.learning_rate),
            checkpoint_path=checkpoint_path,
            resume_from=path,
            threads=threads,
            rate_changes=list(record.learning_rate_changes),
            taught_drawings=record.taught_drawings,
            earlier_epochs=record.earlier_epochs,
            choices=choices,
            run_id=record.run_id or new_id(),
        )

    def record(self, threads: int | None) -> TrainingRecord:
        """What is known of the run besides its state; the file of its checkpoint says so."""
        return TrainingRecord(
            dataset=self.source,
            dataset_choices=self.choices.to_dict(),
            learning_rate_changes=tuple(self.rate_changes),
            blas_threads=threads,
            taught_drawings=self.taught_drawings,
            earlier_epochs=self.earlier_epochs,
        )

    def result_record(
        self,
        epochs: Sequence[EpochSummary],
        threads: int | None,
        class_names: tuple[str, ...],
        result: "TrainingResult | None" = None,
    ) -> TrainingRecord:
        """How the run's network was trained; result: once the run has ended, how it did."""
        record = replace(
            self.record(threads),
            config=self.config,
            epochs=tuple(epochs),
            class_names=recorded_names(class_names),
            versions=library_versions(),
        )
        if result is None or result.test is None:
            return record
        loss, accuracy = result.test
        return replace(
            record, test_loss=loss, test_accuracy=accuracy, calibration=result.calibration or record.calibration
        )


@dataclass(frozen=True)
class TrainingResult:
    """How a run ended. error: one sentence, or None if it was finished or stopped; test: the network's test loss and
    accuracy, None after an error; calibration: None after an error, and where none was asked for; diagnosis: what went
    wrong, if anything."""

    job: TrainingJob
    error: str | None = None
    test: tuple[float, float] | None = None
    calibration: Calibration | None = None
    diagnosis: Diagnosis | None = None


class DivergedError(Exception):
    """The loss or the network is no longer finite. steps: those of the last chunk whose loss was still finite."""

    def __init__(self, steps: Sequence[Step] = ()) -> None:
        super().__init__("The loss exploded: the steps were so large that the weights grew without bound.")
        self.steps = steps


class RunCache:
    """What one run passes on to the next: the dataset in memory, machine code, and the fastest number of threads."""

    def __init__(self, datasets: DatasetCache | None = None, machine_code: MachineCode | None = None) -> None:
        self._datasets = datasets or DatasetCache()
        self._machine_code = machine_code or MachineCode()
        self._threads: dict[tuple[Any, ...], int] = {}

    def dataset(self, job: TrainingJob) -> data.Dataset:
        return self._datasets.get(job.source, job.choices, lambda: job.control.stopped)

    def wait_for_machine_code(self, control: TrainingControl) -> None:
        """Raises LoadingCancelledError if the job is stopped meanwhile."""
        if not self._machine_code.wait(lambda: control.stopped):
            raise data.LoadingCancelledError

    def threads(self, run: TrainingRun, control: TrainingControl) -> int:
        """The fastest number of threads, measured once so that the same settings give the same network, bit for bit."""
        config = run.config
        work = run.trained.sizes, config.batch_size, config.normalization, config.augmentation
        if work in self._threads:
            return self._threads[work]
        fastest = fastest_blas_threads(run, cancelled=lambda: control.stopped)
        if not control.stopped:
            self._threads[work] = fastest
        return fastest


class CheckpointWriter:
    """Writes the checkpoint file of a run, if it has one, for as long as it is wanted."""

    def __init__(self, job: TrainingJob, run: TrainingRun, failed: Callable[[ModelFileError], None]) -> None:
        self._job = job
        self._control = job.control
        self._run = run
        self._failed = failed
        self._has_failed = False
        path = job.checkpoint_path
        self._file = Checkpoints(path, self._meta) if path is not None else None

    def _meta(self) -> dict[str, Any]:
        return replace(self._job.record(self._run.threads), run_id=self._job.run_id).to_meta()

    def write(self) -> None:
        """Write the run as it is now. Raises ModelFileError if that fails."""
        self._write(lambda file: file.write(self._run))

    def try_to_write(self) -> None:
        """Write the run as it is now. `failed` is called at the first failure."""
        self._try(lambda file: file.write(self._run))

    def after_step(self, *, milestone: bool) -> None:
        """Write the run if it is due, like `Checkpoints.after_step`. `failed` is called at the first failure."""
        self._try(lambda file: file.after_step(self._run, milestone=milestone))

    def _try(self, write: Callable[[Checkpoints], None]) -> None:
        try:
            self._write(write)
        except ModelFileError as error:
            if not self._has_failed:
                self._has_failed = True
                self._failed(error)

    def _write(self, write: Callable[[Checkpoints], None]) -> None:
        if self._file is None or not self._control.keeps_checkpoint or not is_finite(self._run.trained):
            return
        write(self._file)
        if not self._control.keeps_checkpoint:  # abandoned while it was being written
            with suppress(OSError):  # already removed, or it will be offered again
                Path(self._file.path).unlink(missing_ok=True)


class Runner:
    """A run that is ready to train, with its dataset and its checkpoint. `open_run` makes one, and calls `end`.

    store: where the run is recorded; None for nowhere.
    """

    def __init__(
        self,
        job: TrainingJob,
        run: TrainingRun,
        dataset: data.Dataset,
        failed: Callable[[ModelFileError], None],
        store: RunStore | None = None,
    ) -> None:
        self.job = job
        self.run = run
        self.dataset = dataset
        self.checkpoint = CheckpointWriter(job, run, failed)
        self._result: TrainingResult | None = None
        self._has_diverged = False
        self._recorder = None
        if store is not None:
            begun = begun_run(job.run_id, job.config, data.title_of(job.source), run)
            self._recorder = Recorder(store, begun, self._description, run.losses, run.epochs)
            self._recorder.begin()

    @property
    def threads(self) -> int:
        assert self.run.threads is not None
        return self.run.threads

    def change_learning_rate(self, rate: float) -> None:
        """Continue with another learning rate and record when. Call between two chunks."""
        if rate != self.run.learning_rate:
            self.run.learning_rate = rate
            self.job.rate_changes.append(LearningRateChange(self.run.steps_done, rate))

    def chunks(self) -> Generator[Chunk, None, None]:
        """Train like `TrainingRun.chunks`. The checkpoint is written between chunks when it is due.

        If the loss explodes after an epoch whose network is kept, the run ends early. Raises DivergedError otherwise.
        """
        finite: list[Step] = []
        with closing(self.run.chunks()) as chunks:
            began_s = time.perf_counter()
            for steps, epoch in chunks:
                if any(step.diverged for step in steps):
                    self._has_diverged = True
                    finite = list(itertools.takewhile(lambda step: not step.diverged, steps))
                    self._record(finite, None, began_s)
                    break
                self._record(steps, epoch, began_s)
                yield steps, epoch
                began_s = time.perf_counter()
                if not self.run.is_finished:
                    self.checkpoint.after_step(milestone=epoch is not None)
        if self._has_diverged:
            if not self._keeps_network:
                raise DivergedError(finite)
            self.run.ended_early = "the loss exploded"
            if finite:
                yield finite, None

    @property
    def _keeps_network(self) -> bool:
        """Whether the network of an earlier epoch is that of the run."""
        return self.run.config.keep_best != "none" and is_finite(self.run.model)

    def frozen_model(self) -> MLP | None:
        """A copy of the network, or None if it is no longer finite."""
        return self.run.model.copy() if is_finite(self.run.model) else None

    def finish(self, *, calibrates: bool = True) -> TrainingResult:
        """Test, calibrate and diagnose the network as it is now. Raises DivergedError if it is not finite.

        calibrates: calibration takes 0.3 s and as much memory as everything else, and only reading needs it.
        """
        if not is_finite(self.run.model):
            raise DivergedError
        test = evaluate(self.run.model, self.dataset.test_images, self.dataset.test_labels)
        calibration = calibrate_run(self.run) if calibrates else None
        self._result = TrainingResult(self.job, None, test, calibration, self.diagnose(diverged=self._has_diverged))
        return self._result

    def diagnose(self, *, diverged: bool = False) -> Diagnosis | None:
        images, classes = self.dataset.test_images, len(self.dataset.class_names)
        rates = [change.learning_rate for change in self.job.rate_changes]
        return diagnose_run(self.run, images, diverged=diverged, classes=classes, rates=rates)

    def record(self, result: TrainingResult) -> TrainingRecord:
        """How the network was trained."""
        return self.job.result_record(self.run.epochs, self.threads, self.dataset.class_names, result)

    def end(self, error: BaseException | None) -> None:
        """Record how the run ended; error: what ended it early, if it was not stopped."""
        if self._recorder is None:
            return
        final = None if self._has_diverged and not self._keeps_network else self.frozen_model()
        ending: Ending = "finished" if self.run.is_finished else "stopped"
        message = str(self._result.diagnosis or "") if self._result is not None else ""
        if final is None:
            ending, message = "failed", str(DivergedError())
        elif error is not None and not self.job.control.stopped:
            ending, message = "failed", str(error) or type(error).__name__
        record = self.job.result_record(self.run.epochs, self.threads, self.dataset.class_names, self._result)
        is_calibrated = self._result is not None and self._result.calibration is not None
        self._recorder.end(ending, message, record, final, partial(calibrate_run, self.run) if is_calibrated else None)

    def _description(self) -> TrainingRecord:
        """How the network is trained, so far."""
        return self.job.result_record((), self.threads, self.dataset.class_names)

    def _record(self, steps: Sequence[Step], epoch: EpochSummary | None, began_s: float) -> None:
        if self._recorder is not None:
            seconds, judged = time.perf_counter() - began_s, epoch is not None and epoch.validation_accuracy is not None
            self._recorder.add(steps, epoch, seconds, self.run.model if judged else None)


@contextmanager
def open_run(
    job: TrainingJob, cache: RunCache, failed: Callable[[ModelFileError], None], store: RunStore | None = None
) -> Iterator[Runner]:
    """Prepare a run. Within this context, BLAS uses the run's number of threads.

    store: where the run is recorded; None for nowhere. failed: called the first time a checkpoint cannot be written;
    training continues. Raises ModelFileError if the checkpoint to resume from is invalid, DataError, and
    LoadingCancelledError if the job is stopped while loading the data or compiling.
    """
    state, meta = load_checkpoint(job.resume_from) if job.resume_from is not None else (None, {})
    dataset = cache.dataset(job)
    samples, classes = (dataset.train_images, dataset.train_labels), len(dataset.class_names)
    if job.start_from is not None and job.start_from.sizes[-1] != classes:
        raise data.DataError(
            f"The run cannot continue from this network, which tells {job.start_from.sizes[-1]} classes apart: "
            f"{dataset.name} has {classes}."
        )
    run = TrainingRun(job.config, *samples, classes, job.start_from, dataset.outliers)
    if state is not None:
        try:
            run.load_state(state)
        except ValueError as error:
            raise ModelFileError(f"The run cannot be resumed: {error}.") from None
        del state  # as large as the network and its optimizer
    cache.wait_for_machine_code(job.control)
    with process.blas_turn():
        run.threads = job.threads or _threads_before(TrainingRecord.from_meta(meta)) or cache.threads(run, job.control)
        with process.blas_threads(run.threads):
            runner = Runner(job, run, dataset, failed, store)
            with ExitStack() as ending:
                ending.push(lambda _, error, __: runner.end(error))
                yield runner


def _threads_before(record: TrainingRecord) -> int | None:
    """The number of threads the run had before it was interrupted, limited to the processors of this machine."""
    return None if record.blas_threads is None else min(record.blas_threads, os.cpu_count() or 1)
