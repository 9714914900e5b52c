"""Runs side by side: where their settings differ, their curves, and mean and spread over seeds. No Qt here."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.record import TrainingRecord
from minigrad_gui.history import smooth
from minigrad_gui.runs import Curve, Run

Quantity = Literal["training loss", "validation loss", "training accuracy", "validation accuracy"]
QUANTITIES: dict[Quantity, str] = {
    "training loss": "loss",
    "validation loss": "validation_loss",
    "training accuracy": "accuracy",
    "validation accuracy": "validation_accuracy",
}
"""What can be drawn of a run, and the field of an EpochSummary that has it."""
MOST_POINTS = 500
"""Of a line; more than a plot has pixels would only take time."""
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """A curve to draw: x in epochs, y, both (n,), and, of several runs, their standard deviation, (n,)."""

    x: Numbers
    y: Numbers
    spread: Numbers | None = None


def settings_of(run: Run) -> dict[str, str]:
    """Everything that was chosen for a run, and what it ran on, by name."""
    record = run.record
    meta = replace(record, test_loss=None, test_accuracy=None, calibration=TrainingRecord().calibration).to_meta()
    config = meta.pop("config", {})
    return {name: _text(value) for name, value in [*_flat(config), *_flat(meta)]}


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}".replace("_", " "), value


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value).strip("[]")


def differences(runs: Sequence[Run]) -> dict[str, list[str]]:
    """The settings in which runs differ, with the value of each run; of a single run, all of its settings."""
    settings = [settings_of(run) for run in runs]
    names = dict.fromkeys(name for each in settings for name in each)
    rows = {name: [each.get(name, "") for each in settings] for name in names}
    return {name: values for name, values in rows.items() if len(runs) == 1 or len(set(values)) > 1}


def apart_from_seed(runs: Sequence[Run]) -> list[list[Run]]:
    """The runs in groups that have the same settings and data, whatever the seed; in order of their first runs.

    Changes of the learning rate count as settings, and so do epochs of the network that a run continued from.
    """
    groups: dict[str, list[Run]] = {}
    for run in runs:
        record = run.record
        config = record.config and replace(record.config, seed=0)
        data = record.dataset, dict(record.dataset_choices)
        course = record.earlier_epochs, record.learning_rate_changes
        key = config and json.dumps([config.to_dict(), *course, *data])
        groups.setdefault(key or run.id, []).append(run)
    return list(groups.values())


def line_of(curve: Curve, quantity: Quantity) -> Line:
    """A run's losses, smoothed, or a figure of its epochs, accuracies in percent; what is not finite is left out."""
    if quantity == "training loss" and len(curve.losses):
        known = np.isfinite(curve.losses)
        x, y = curve.ends[known], smooth(curve.losses[known].astype(np.float64))
        some = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).round().astype(np.intp))
        return Line(x[some], y[some])
    field = QUANTITIES[quantity]
    points = [(epoch.epoch + 1, value) for epoch in curve.epochs if (value := getattr(epoch, field)) is not None]
    x, y = np.array(points, np.float64).reshape(-1, 2).T
    return Line(x[np.isfinite(y)], y[np.isfinite(y)] * (100 if "accuracy" in quantity else 1))


def mean_line(lines: Sequence[Line]) -> Line:
    """The mean of lines as far as all of them reach, and their sample standard deviation."""
    lines = [line for line in lines if len(line.x)]
    if len(lines) < 2:
        return lines[0] if lines else Line(np.empty(0), np.empty(0))
    first, last = max(line.x[0] for line in lines), min(line.x[-1] for line in lines)
    x = min(lines, key=lambda line: len(line.x)).x
    x = x[(x >= first) & (x <= last)]
    values = np.array([np.interp(x, line.x, line.y) for line in lines])
    return Line(x, values.mean(axis=0), values.std(axis=0, ddof=1))


def summary(runs: Sequence[Run]) -> str:
    """A sentence on the test accuracy of runs; "" for none."""
    known = [run.test_accuracy for run in runs if run.test_accuracy is not None]
    if not runs:
        return ""
    count = f"{len(runs):,} runs" if len(runs) > 1 else runs[0].title
    if not known:
        return f"{count}: not tested."
    mean = np.mean(known)
    if len(known) == 1:
        return f"{count}: test accuracy {mean:.2%}."
    of_them = "" if len(known) == len(runs) else f", {len(known):,} of them tested"
    span = f"from {min(known):.2%} to {max(known):.2%}"
    return f"{count}{of_them}: test accuracy {mean:.2%} ± {np.std(known, ddof=1):.2%}, {span}."


def summary_of_groups(groups: Sequence[Sequence[Run]]) -> str:
    """The mean test accuracy and its spread of each group from `apart_from_seed`, called by what sets it apart."""
    if len(groups) < 2:
        return summary([run for group in groups for run in group])
    settings = differences([group[0] for group in groups])
    settings.pop("seed", None)
    parts = []
    for number, group in enumerate(groups):
        name = ", ".join(f"{setting} {values[number] or 'none'}" for setting, values in settings.items())
        parts.append(f"{_figure(group)} ({name or group[0].title})")
    return f"Test accuracy: {', '.join(parts)}."


def _figure(runs: Sequence[Run]) -> str:
    known = [run.test_accuracy for run in runs if run.test_accuracy is not None]
    if not known:
        return "not tested"
    return f"{np.mean(known):.2%}" + (f" ± {np.std(known, ddof=1):.2%}" if len(known) > 1 else "")
