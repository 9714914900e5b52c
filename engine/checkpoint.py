"""Model files, which hold a trained network, and checkpoints, which hold a run that can be resumed.

A model file, format "minigrad model", version 1, is an archive of

    meta            {"format": ..., "version": 1, "network": {"sizes": [784, 256, 128, 10], "activation": "relu",
                    "dtype": "float32"}, "meta": {...entries from the caller...}}
    layers.<i>.W    (sizes[i + 1], sizes[i]), float32 or float64
    layers.<i>.b    (sizes[i + 1],), likewise

A checkpoint, format "minigrad checkpoint", version 1, holds the same and also

    meta                  with another entry: {"run": {...config, learning rate and position...}}
    optimizer.<name>.<i>  the optimizer's state for parameter i
    losses                (mini-batches done,), float32
    epochs                (epochs done, 2 or 4), float64: loss, accuracy, and the same on the validation samples
    average.layers.<i>.W  and .b: the average of the weights, if the run has one
    best.layers.<i>.W     and .b: the network of the best epoch, if the run keeps it
    members.<k>.layers.<i>.W  and .b: the networks of a committee that are done
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from engine.archive import CHECKPOINT, MODEL, Expected, ModelFileError, PathLike, printable, read_archive, write_archive
from engine.config import TrainingConfig
from engine.ending import reason_to_stop
from engine.nn import ACTIVATIONS, MAX_HIDDEN_LAYERS, MAX_PARAMETERS, MLP, count_parameters
from engine.ops import Array
from engine.run import MAX_KEPT_LOSSES, RunState, TrainingRun
from engine.training import EpochMeter, EpochSummary

VERSION = 1
INTERVAL_S = 30.0
MAX_TIME_SHARE = 0.1
DTYPES: dict[str, np.dtype[Any]] = {"float32": np.dtype("<f4"), "float64": np.dtype("<f8")}


def save_model(path: PathLike, model: MLP, meta: Mapping[str, Any] | None = None) -> None:
    """Write the network and `meta`, which must be JSON-serialisable, to an .npz file at exactly `path`.

    The file is complete on disk before it replaces an older one. Raises ModelFileError if it cannot be written or the
    network is not finite; an older file is then unchanged.
    """
    network, parameters = _described(model)
    write_archive(path, {"format": MODEL, "version": VERSION, "network": network, "meta": dict(meta or {})}, parameters)


def load_model(path: PathLike) -> tuple[MLP, dict[str, Any]]:
    """Read what `save_model` wrote: the network and its meta.

    Raises ModelFileError, with one sentence, for any other kind of file. Nothing in the file is executed. Loading takes
    at most twice the memory of the network, plus some 50 MB for the description.
    """
    description, arrays = read_archive(path, MODEL, VERSION, _network_arrays)
    return _model(description, arrays), description["meta"]


def save_checkpoint(path: PathLike, state: RunState, meta: Mapping[str, Any] | None = None) -> None:
    """Write everything needed to resume a run, and `meta`, as `save_model` does, with the same errors."""
    network, arrays = _described(state.model)
    run = {
        "config": state.config.to_dict(),
        "learning_rate": float(state.learning_rate),
        "training_count": state.training_count,
        "steps_done": state.steps_done,
        "epochs_done": len(state.epochs),
        "validates": any(epoch.validation_loss is not None for epoch in state.epochs),
        "epoch_so_far": asdict(state.epoch_so_far),
    }
    if state.average is not None:
        run["average_updates"] = state.average_updates
        arrays |= {f"average.{name}": value for name, value in _described(state.average)[1].items()}
    if state.best is not None:
        run["has_best"] = True
        arrays |= {f"best.{name}": value for name, value in _described(state.best)[1].items()}
    for number, member in enumerate(state.members):
        arrays |= {f"members.{number}.{name}": value for name, value in _described(member)[1].items()}
    if reason_to_stop(state.config, state.epochs):
        run["ended_early"] = True
    description = {"format": CHECKPOINT, "version": VERSION, "network": network, "run": run, "meta": dict(meta or {})}
    arrays |= {f"optimizer.{name}": value for name, value in state.optimizer.items()}
    columns = ("loss", "accuracy", "validation_loss", "validation_accuracy")[: 4 if run["validates"] else 2]
    table = [[getattr(epoch, column) for column in columns] for epoch in state.epochs]
    arrays["epochs"] = np.array(table, "<f8").reshape(-1, len(columns))
    arrays["losses"] = state.losses
    write_archive(path, description, arrays)


def load_checkpoint(path: PathLike) -> tuple[RunState, dict[str, Any]]:
    """Read what `save_checkpoint` wrote: the run's state and its meta. Raises ModelFileError as `load_model` does."""
    description, arrays = read_archive(path, CHECKPOINT, VERSION, _run_arrays)
    run = description["run"]
    prefix = "optimizer."
    optimizer = {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
    for name, value in optimizer.items():
        if (name.startswith("square") and (value < 0).any()) or (
            name.startswith("steps") and not 0 <= value <= run["steps_done"]
        ):
            raise ModelFileError(f"{printable(Path(path).name)} describes an impossible optimizer state.")
    config = TrainingConfig(**run["config"])
    members = range(config.members_done(run["epochs_done"]))
    state = RunState(
        config=config,
        model=_model(description, arrays),
        optimizer=optimizer,
        learning_rate=run["learning_rate"],
        training_count=run["training_count"],
        steps_done=run["steps_done"],
        losses=arrays["losses"],
        epochs=tuple(EpochSummary(epoch, *row) for epoch, row in enumerate(arrays["epochs"].tolist())),
        epoch_so_far=EpochMeter(**run["epoch_so_far"]),
        average=_model(description, arrays, "average.") if "average_updates" in run else None,
        average_updates=run.get("average_updates", 0),
        best=_model(description, arrays, "best.") if "has_best" in run else None,
        members=tuple(_model(description, arrays, f"members.{number}.") for number in members),
    )
    return state, description["meta"]


@dataclass(frozen=True)
class CheckpointSummary:
    """What a checkpoint says without its arrays: the run's config, its progress in epochs, and the meta."""

    config: TrainingConfig
    learning_rate: float
    epochs_done: float
    meta: dict[str, Any]
    ended_early: bool = False

    @property
    def is_finished(self) -> bool:
        return self.ended_early or self.epochs_done >= self.config.epochs


def summarize_checkpoint(path: PathLike) -> CheckpointSummary:
    """Read a checkpoint's summary without its arrays. Raises ModelFileError as `load_checkpoint` does."""
    description, _ = read_archive(path, CHECKPOINT, VERSION, _run_arrays, description_only=True)
    run = description["run"]
    config = TrainingConfig(**run["config"])
    epochs_done = run["steps_done"] / math.ceil(run["training_count"] / config.batch_size)
    ended_early = bool(run.get("ended_early"))
    return CheckpointSummary(config, run["learning_rate"], epochs_done, description["meta"], ended_early)


class Checkpoints:
    """Writes a run's checkpoint file at the end of each epoch and every 30 seconds.

    Skips epochs so that writing takes at most a tenth of the time. about: returns the meta to write; clock: returns the
    time in seconds.
    """

    def __init__(
        self, path: PathLike, about: Callable[[], Mapping[str, Any]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.path = path
        self._about = about
        self._clock = clock
        self._written_s = clock()
        self._cost_s = 0.0
        self._written: tuple[int, float] | None = None

    def after_step(self, run: TrainingRun, *, milestone: bool) -> None:
        """Write the file if it is due; milestone: an epoch's end, or a pause. Raises ModelFileError as `write` does."""
        since_s = self._clock() - self._written_s
        if since_s >= (0 if milestone else INTERVAL_S) and since_s >= self._cost_s / MAX_TIME_SHARE:
            self.write(run)

    def write(self, run: TrainingRun) -> None:
        """Write the file now, unless it holds this state already.

        Raises ModelFileError if it cannot be written; `after_step` then tries again when the next one is due.
        """
        position = run.steps_done, run.learning_rate
        if position == self._written:
            return
        started_s = self._clock()
        try:
            save_checkpoint(self.path, run.state(), self._about())
            self._written = position
        finally:
            self._written_s = self._clock()
            self._cost_s = self._written_s - started_s


# ---------------------------------------------------------------- descriptions, and the arrays that they require


def _described(model: MLP) -> tuple[dict[str, Any], dict[str, Array]]:
    if type(model) is not MLP:
        raise ModelFileError(f"Only an MLP can be saved, not a {type(model).__name__}.")
    activation = type(model.activation).__name__.lower()
    if ACTIVATIONS.get(activation) is not type(model.activation) or model.dtype.name not in DTYPES:
        raise ModelFileError(f"A network of {model.dtype.name} numbers and {activation} cannot be saved.")
    sizes = [model.layers[0].W.shape[1], *(len(layer.b) for layer in model.layers)]
    if len(sizes) > MAX_HIDDEN_LAYERS + 2 or count_parameters(sizes) > MAX_PARAMETERS:
        raise ModelFileError("This network is too large to be saved.")
    dtype = DTYPES[model.dtype.name]
    parameters = {  # including frozen ones, and tied ones once per layer
        f"layers.{index}.{name}": parameter.data.astype(dtype, copy=False)
        for index, layer in enumerate(model.layers)
        for name, parameter in (("W", layer.W), ("b", layer.b))
    }
    return {"sizes": sizes, "activation": activation, "dtype": model.dtype.name}, parameters


def _model(description: dict[str, Any], arrays: Mapping[str, Array], prefix: str = "") -> MLP:
    network = description["network"]
    layers = [f"{prefix}layers.{index}" for index in range(len(network["sizes"]) - 1)]
    return MLP.from_parameters(
        [(arrays[f"{layer}.W"], arrays[f"{layer}.b"]) for layer in layers], ACTIVATIONS[network["activation"]]
    )


def _network_arrays(description: dict[str, Any]) -> Expected:
    network = description.get("network")
    if not isinstance(network, dict):
        raise ModelFileError("describes no network.")
    sizes, activation, dtype = network.get("sizes"), network.get("activation"), network.get("dtype")
    if not isinstance(sizes, list) or not 2 <= len(sizes) <= MAX_HIDDEN_LAYERS + 2:
        raise ModelFileError("describes a network with an impossible number of layers.")
    if not all(type(size) is int and size >= 1 for size in sizes) or count_parameters(sizes) > MAX_PARAMETERS:
        raise ModelFileError("describes a network of impossible size.")
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        raise ModelFileError("describes a network with an unknown activation.")
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ModelFileError("describes a network with an unknown dtype.")
    expected: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
    for index, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        expected[f"layers.{index}.W"] = (fan_out, fan_in), DTYPES[dtype]
        expected[f"layers.{index}.b"] = (fan_out,), DTYPES[dtype]
    return expected


def _run_arrays(description: dict[str, Any]) -> Expected:
    parameters = _network_arrays(description)
    network, run = description["network"], description["run"]
    config = TrainingConfig(**run["config"])
    if tuple(network["sizes"][1:-1]) != config.hidden or network["activation"] != config.activation:
        raise ModelFileError("describes a run whose settings do not match its network.")
    _check_progress(run, config)

    expected = dict(parameters)
    if "average_updates" in run:
        updates = run["average_updates"]
        if config.averaging == "none" or type(updates) is not int or not 0 < updates <= run["steps_done"]:
            raise ModelFileError("describes a run with an impossible average.")
        expected |= {f"average.{name}": value for name, value in parameters.items()}
    if "has_best" in run:
        if config.keep_best == "none" or not run["epochs_done"]:
            raise ModelFileError("describes a run with an impossible best epoch.")
        expected |= {f"best.{name}": value for name, value in parameters.items()}
    for number in range(config.members_done(run["epochs_done"])):
        expected |= {f"members.{number}.{name}": value for name, value in parameters.items()}
    # A tiny network with as many layers shows which arrays the optimizer has.
    dtype = DTYPES[network["dtype"]]
    tiny = MLP(1, [1] * len(config.hidden), 1, dtype=dtype)
    shapes = [shape for shape, _ in parameters.values()]
    for name, value in config.build_optimizer(tiny).state().items():
        index = int(name.rpartition(".")[2])
        expected[f"optimizer.{name}"] = shapes[index] if value.ndim else (), value.dtype
    expected["epochs"] = (run["epochs_done"], 4 if run["validates"] else 2), np.dtype("<f8")
    expected["losses"] = (min(run["steps_done"], MAX_KEPT_LOSSES),), np.dtype("<f4")
    return expected


def _check_progress(run: dict[str, Any], config: TrainingConfig) -> None:
    """Raises ModelFileError if a run cannot be where it says it is."""
    counts = [run[name] for name in ("training_count", "steps_done", "epochs_done")]
    counts += [run["epoch_so_far"][name] for name in ("correct", "count")]
    sound = all(type(count) is int and count >= 0 for count in counts) and counts[0] > 0
    sound = sound and math.isfinite(run["epoch_so_far"]["loss_sum"])
    if run["learning_rate"] != 0:
        replace(config, learning_rate=run["learning_rate"])  # raises for an invalid rate
    epoch = EpochMeter(**run["epoch_so_far"])
    if not sound or not epoch.correct <= epoch.count <= run["training_count"]:
        raise ModelFileError("describes a run with impossible numbers.")
    steps_per_epoch = math.ceil(run["training_count"] / config.batch_size)
    epochs_done, steps_into_epoch = divmod(run["steps_done"], steps_per_epoch)
    within = run["steps_done"] <= config.epochs * steps_per_epoch and bool(steps_into_epoch) == bool(epoch.count)
    if epochs_done != run["epochs_done"] or not within:
        raise ModelFileError("describes a run at an impossible position.")
