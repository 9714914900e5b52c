"""Training without a window: a bar in the terminal, a checkpoint file, and a clean end whenever it is stopped."""

import os
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

from engine import ModelFileError, TrainingConfig, save_model
from engine.archive import PathLike, npz_path, printable, reason_of
from engine.checkpoint import summarize_checkpoint
from engine.ending import kept_epoch
from engine.run import TrainingRun
from engine.training import EpochSummary
from minigrad_gui import data
from minigrad_gui.control import TrainingControl
from minigrad_gui.digits import SIDE_PX
from minigrad_gui.folders import data_folder
from minigrad_gui.machine_code import MachineCode
from minigrad_gui.runner import DivergedError, RunCache, Runner, TrainingJob, open_run
from minigrad_gui.runs import RunStore
from minigrad_gui.wording import counted, unseen_text

IMPATIENCE_S = 1.0


class UsageError(Exception):
    """A mistake that the person can correct. The message is one line."""


class StoppedError(Exception):
    """Training was stopped from outside; the message says how to resume. status: the exit status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def train(
    config: TrainingConfig,
    source: str,
    *,
    threads: int | None,
    save: Path | None,
    checkpoint: Path | None,
    choices: data.Choices = data.ALL_GUESSED,
) -> None:
    """Train a new network on a source of `data.load`, test it, and report on stdout.

    choices: how the source is read; threads: of BLAS, None for the fastest number; save: the file for the network;
    checkpoint: the file for the run, written during training. Raises UsageError, DataError, ConfigError or
    ModelFileError; StoppedError on Ctrl+C and SIGTERM.
    """
    save, checkpoint = _targets(save, checkpoint)
    if checkpoint is not None and checkpoint.exists():
        _refuse_to_replace(checkpoint)
    if config.varies_nothing:
        complain(f"no picture will vary, because the last {counted(config.plain_epochs, 'epoch')} are plain.")
    if unseen := config.count_unseen(SIDE_PX**2):
        complain(unseen_text(unseen))
    control = TrainingControl(config.learning_rate)
    _train(TrainingJob(config, source, control, None, checkpoint, threads=threads, choices=choices), save)


def resume(
    path: Path,
    *,
    threads: int | None,
    save: Path | None,
    checkpoint: Path | None,
    source: str | None = None,
    choices: data.Choices = data.ALL_GUESSED,
) -> None:
    """Resume the run in the file `path`; parameters and errors are those of `train`.

    source: where its data is now, None for where it was; choices: how to read that, ALL_GUESSED for as before. By
    default it has as many threads as before, and the network is the same as without the interruption.
    """
    save, checkpoint = _targets(save, checkpoint)
    _check_apart(save, checkpoint or path)
    if checkpoint is not None and checkpoint.exists() and not checkpoint.samefile(path):
        _refuse_to_replace(checkpoint)
    job = TrainingJob.resuming(path, summarize_checkpoint(path), checkpoint or path, threads)
    if source is not None:
        job = replace(job, source=source, choices=job.choices if choices == data.ALL_GUESSED else choices)
    _train(job, save)


def complain(what: object) -> None:
    print(complaint(what), file=sys.stderr, flush=True)


def complaint(what: object) -> str:
    """A problem as one line for stderr, whatever characters the names in it contain."""
    return printable(f"minigrad-gui: {what}")


def measured(what: str, loss: float, accuracy: float) -> str:
    return f"{what} loss {loss:.4f}, {what} accuracy {accuracy:.2%}"


def _targets(save: Path | None, checkpoint: Path | None) -> tuple[Path | None, Path | None]:
    """The files for the network and the run. Raises the errors that can be detected before training."""
    save, checkpoint = _target(save, "the network"), _target(checkpoint, "the run")
    _check_apart(save, checkpoint)
    return save, checkpoint


def _target(path: Path | None, what: str) -> Path | None:
    if path is None:
        return None
    if not path.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {path.absolute().parent} to save {what} in.")
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file to save {what} in.")
    folder = Path(os.path.realpath(path)).parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return npz_path(path)
    except OSError as error:
        raise UsageError(f"{what} cannot be saved in {folder}: {reason_of(error)}.") from error


def _check_apart(save: Path | None, checkpoint: Path | None) -> None:
    if save is not None and checkpoint is not None and os.path.realpath(save) == os.path.realpath(checkpoint):
        raise UsageError(f"{save} cannot hold both the run and its network; name another file for one of them.")


def _refuse_to_replace(checkpoint: Path) -> NoReturn:
    """Refuse to overwrite a run or another file whose name was given again."""
    try:
        summarize_checkpoint(checkpoint)
    except ModelFileError as error:
        raise UsageError(f"{checkpoint} already exists and is not a checkpoint; name another file.") from error
    command = f"minigrad-gui train --resume {_quoted(checkpoint)}"
    raise UsageError(f"{checkpoint} already holds a run; resume it with: {command}; or name another file.")


@contextmanager
def _first_signal_stops(control: TrainingControl) -> Iterator[list[int]]:
    """The first Ctrl+C or SIGTERM stops the run after its step and is added to the list; a second one interrupts.

    A second signal within a second is ignored, as a wrapper may send both at once.
    """
    asked: list[int] = []
    first_s = 0.0

    def ask(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        nonlocal first_s
        if asked and time.monotonic() - first_s > IMPATIENCE_S:
            raise KeyboardInterrupt
        first_s = first_s or time.monotonic()
        asked.append(number)
        control.stop()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _train(job: TrainingJob, save: Path | None) -> None:
    """Train to the last epoch, test, save and report."""
    with _first_signal_stops(job.control) as asked, _machine_code() as machine_code:
        try:
            store = RunStore(data_folder(), _tell)
            cache = RunCache(machine_code=machine_code)
            with open_run(job, cache, _tell_failed_checkpoint, store) as runner:
                if job.resume_from is not None:
                    print(f"resuming {_position(runner.run)}", flush=True)
                try:
                    _run(runner, save, asked)
                except DivergedError as error:
                    diagnosis = runner.diagnose(diverged=True)
                    assert diagnosis is not None
                    file = " Name another --checkpoint file, too." if job.checkpoint_path is not None else ""
                    raise UsageError(f"{error} {diagnosis.advice}{file}") from None
        except data.LoadingCancelledError:
            raise StoppedError("stopped before training began.", 128 + asked[0]) from None


@contextmanager
def _machine_code() -> Iterator[MachineCode]:
    """Has training compiled while the data is loaded, if it never was."""
    machine_code = MachineCode()
    if machine_code.prepare(niceness=0):
        complain("preparing machine code for training, once after installation …")
    try:
        yield machine_code
    finally:
        machine_code.end()


def _tell_failed_checkpoint(error: ModelFileError) -> None:
    _tell(f"{error} Training continues, and writing is tried again later.")


def _tell(sentence: str) -> None:
    """Complain without disturbing the bar."""
    from tqdm import tqdm

    tqdm.write(complaint(sentence), file=sys.stderr)


def _run(runner: Runner, save: Path | None, asked: list[int]) -> None:
    started = time.perf_counter()
    runner.checkpoint.write()  # a file that cannot be written is reported now, not when it is needed
    try:
        _iterate(runner)
    except KeyboardInterrupt:
        raise StoppedError(_how_to_resume(runner, save), 128 + asked[0]) from None
    _write_checkpoint(runner)
    if asked and not runner.run.is_finished:
        raise StoppedError(_how_to_resume(runner, save), 128 + asked[0])
    seconds = time.perf_counter() - started
    result = runner.finish(calibrates=save is not None)
    assert result.test is not None
    print(f"trained in {seconds:.1f} s with --threads {runner.threads}; {measured('test', *result.test)}")
    if runner.run.ended_early:
        print(f"stopped early: {runner.run.ended_early}")
    if (kept := kept_epoch(runner.run.config, runner.run.epochs)) is not None:
        print(f"the network is that of epoch {kept.epoch + 1}")
    if result.diagnosis is not None:
        print(result.diagnosis)
    if save is not None:
        save_model(save, runner.run.model, runner.record(result).to_meta())
        print(printable(f"saved {save}"))


def _write_checkpoint(runner: Runner) -> None:
    """Write the run as it is now, or complain."""
    try:
        runner.checkpoint.write()
    except ModelFileError as error:
        complain(error)


def _iterate(runner: Runner) -> None:
    """Train until the last epoch or a stop."""
    from tqdm import tqdm

    run = runner.run
    total, done = run.config.epochs * run.training_count, len(run.epochs) * run.training_count + run.samples_into_epoch
    with closing(runner.chunks()) as chunks, tqdm(total=total, initial=done, unit=" pictures", unit_scale=True) as bar:
        while not runner.job.control.stopped and (chunk := next(chunks, None)) is not None:
            steps, epoch = chunk
            bar.update(sum(step.count for step in steps))
            if epoch is not None:
                bar.write(_told(epoch, run.config), file=sys.stdout)
                sys.stdout.flush()  # in a pipe, too, an epoch is told when it ends


def _how_to_resume(runner: Runner, save: Path | None) -> str:
    what = f"stopped {_position(runner.run)}"
    checkpoint = runner.job.checkpoint_path
    if checkpoint is None:
        return f"{what}; nothing was saved (--checkpoint FILE would have saved the run)."
    command = f"minigrad-gui train --resume {_quoted(checkpoint)}" + (f" --save {_quoted(save)}" if save else "")
    return f"{what}; resume with: {command}"


def _quoted(path: PathLike) -> str:
    """Quote a path for a shell; unprintable characters use $'...' as in bash, zsh and POSIX 2024."""
    if printable(path) == os.fspath(path):
        return shlex.quote(os.fspath(path))
    signs = (
        chr(byte) if 0x20 <= byte < 0x7F and chr(byte) not in "\\'" else f"\\{byte:03o}" for byte in os.fsencode(path)
    )
    return f"$'{''.join(signs)}'"


def _position(run: TrainingRun) -> str:
    return f"after {run.steps_done / run.steps_per_epoch:.4g} of {counted(run.config.epochs, 'epoch')}"


def _told(epoch: EpochSummary, config: TrainingConfig) -> str:
    network = f" (network {config.member_at(epoch.epoch) + 1}/{config.members})" if config.members > 1 else ""
    text = f"epoch {epoch.epoch + 1}/{config.epochs}{network}: {measured('training', epoch.loss, epoch.accuracy)}"
    if epoch.validation_loss is not None and epoch.validation_accuracy is not None:
        text += f", {measured('validation', epoch.validation_loss, epoch.validation_accuracy)}"
    return text
