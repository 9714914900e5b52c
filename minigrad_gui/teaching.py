"""Teaching in a separate QThread: a copy of the network learns handwriting while the window stays responsive.

The worker also loads MNIST digits: they are mixed in so that they are not forgotten.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from engine import MLP, evaluate
from engine.fast import prepare
from minigrad_gui import data, process
from minigrad_gui.analysis import TrainedOn
from minigrad_gui.dataset_cache import DatasetCache
from minigrad_gui.handwriting import Drawing, teach
from minigrad_gui.machine_code import MachineCode

REPLAYED = 6000
"""Number of training digits that represent all of them."""


@dataclass(frozen=True)
class TeachingJob:
    """What to learn: a network, which does not change, and labelled drawings of some of its classes.

    class_names: what its outputs stand for; trained_on: what it learned from, some of which is repeated. Set
    `cancelled` if the result is no longer needed.
    """

    model: MLP
    drawings: tuple[Drawing, ...]
    class_names: tuple[str, ...] = data.DIGIT_NAMES
    trained_on: TrainedOn = field(default_factory=TrainedOn)
    cancelled: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class TeachingResult:
    """The result of a job: the network that has learnt the drawings, and its loss and accuracy on the test pictures:
    MNIST's if it reads digits, else those of what it was trained on."""

    job: TeachingJob
    model: MLP | None = None
    test: tuple[float, float] | None = None
    error: str | None = None


class TeachingWorker(QObject):
    """Lives in a QThread, reads the store and runs one job at a time."""

    drawingsRead = Signal(object)  # noqa: N815  list[Drawing], for the store to include
    taught = Signal(object)  # TeachingResult, once for each job

    def __init__(self, datasets: DatasetCache | None = None, machine_code: MachineCode | None = None) -> None:
        super().__init__()
        self._datasets = datasets or DatasetCache()
        self._machine_code = machine_code or MachineCode()
        self._dataset: data.Dataset | None = None

    def _digits(self) -> data.Dataset:
        if self._dataset is None:
            self._dataset = _without_most(data.load(data.MNIST))
        return self._dataset

    def _known(self, job: TeachingJob) -> data.Dataset:
        """What the network of a job can read already. Raises DataError."""
        if job.class_names == data.DIGIT_NAMES:
            return self._digits()
        dataset = job.trained_on.dataset(self._datasets, job.cancelled.is_set)
        if dataset.class_names != job.class_names:
            raise data.DataError(f"{dataset.name} has other classes than this network, so it cannot learn drawings.")
        chosen = np.random.default_rng(0).permutation(len(dataset.train_labels))[:REPLAYED]  # it may be sorted by class
        return replace(dataset, train_images=dataset.train_images[chosen], train_labels=dataset.train_labels[chosen])

    @Slot()
    def prepare(self) -> None:
        """Load in advance what the first job needs: the digits and any compiled loops."""
        with suppress(data.DataError):  # the job will report it
            self._digits()
        if self._machine_code.wait(self.thread().isInterruptionRequested):
            prepare()

    @Slot(object)
    def read_drawings(self, read: Callable[[Callable[[], bool]], list[Drawing]]) -> None:
        """read: the read method of a `DrawingStore`."""
        is_closing = self.thread().isInterruptionRequested
        drawings = read(is_closing)
        if not is_closing():
            self.drawingsRead.emit(drawings)

    @Slot(object)
    def run(self, job: TeachingJob) -> None:
        try:
            known = self._known(job)
            replay, cancelled = (known.train_images, known.train_labels), job.cancelled.is_set
            # Computing a picture for the first time takes a millisecond.
            pictures = [drawing.picture for drawing in job.drawings if not cancelled()]
            if cancelled():
                self.taught.emit(TeachingResult(job))
                return
            if not self._machine_code.wait(cancelled):
                raise data.LoadingCancelledError
            labels = [job.class_names.index(str(drawing.label)) for drawing in job.drawings]
            # A second BLAS thread would spin while it waits for a core that the window uses.
            with process.blas_threads(1):
                model = teach(job.model, np.stack(pictures), labels, *replay, cancelled=cancelled)
                test = None if cancelled() else evaluate(model, known.test_images, known.test_labels)
            result = TeachingResult(job, model, test)
        except data.LoadingCancelledError:
            result = TeachingResult(job)
        except data.DataError as error:
            result = TeachingResult(job, error=str(error))
        except MemoryError:
            result = TeachingResult(job, error="There is not enough memory to learn your drawings.")
        except Exception as error:  # if the slot raised, the window would wait forever
            logging.getLogger("minigrad").exception("Learning stopped")
            result = TeachingResult(job, error=f"Learning stopped because of an error in the program: {error!r}.")
        self.taught.emit(result)


def _without_most(dataset: data.Dataset) -> data.Dataset:
    """The dataset with only REPLAYED of its training digits, to free the memory of the others."""
    images, labels = dataset.train_images[:REPLAYED].copy(), dataset.train_labels[:REPLAYED].copy()
    return replace(dataset, train_images=images, train_labels=labels)
