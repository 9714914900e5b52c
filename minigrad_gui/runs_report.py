"""The list of runs as lines for a terminal, as a table, and as CSV and JSON files. No Qt here."""

import csv
import io
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.archive import replacing
from minigrad_gui.runs import Curve, Run

COLUMNS = {
    "began": "began_s",
    "name": "name",
    "data": "dataset",
    "layers": "hidden",
    "activation": "activation",
    "optimizer": "optimizer",
    "lr": "learning_rate",
    "batch": "batch_size",
    "seed": "seed",
    "epochs": "steps",
    "loss": "loss",
    "accuracy": "accuracy",
    "validation": "validation_accuracy",
    "test": "test_accuracy",
    "seconds": "training_s",
    "ending": "ending",
    "note": "note",
}
"""The columns of a list, and the field that each shows and is sorted by."""
TABLE = (*COLUMNS.values(), "epochs", "steps_per_epoch", "validation_loss", "best_epoch", "test_loss", "id")


def shown(run: Run, column: str) -> str:
    """A cell of the list; empty for what is not known."""
    value = getattr(run, COLUMNS[column])
    if value is None:
        return ""
    if column == "began":
        return when(value)
    if column == "epochs":
        return f"{run.epochs_done:.3g}/{run.epochs}"
    if column == "layers":
        return value or "none"
    if column in ("accuracy", "validation", "test"):
        return f"{value:.2%}"
    if column == "loss":
        return f"{value:.4f}"
    if column == "seconds":
        return f"{value:.1f}"
    if column == "ending":
        return value or "unfinished"
    return f"{value:g}" if column == "lr" else str(value)


def when(seconds: float) -> str:
    """A time in seconds since 1970 as the local date and time."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):
        return ""


def run_lines(runs: Sequence[Run]) -> Iterator[str]:
    """A line for each run below a line of titles, in columns."""
    if not runs:
        yield "no runs"
        return
    rows = [[*COLUMNS], *([" ".join(shown(run, column).split()) for column in COLUMNS] for run in runs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def table(runs: Sequence[Run]) -> list[list[Any]]:
    """All figures as they are recorded, below the names of the fields."""
    return [list(TABLE), *([getattr(run, field) for field in TABLE] for run in runs)]


def described(run: Run, curve: Curve) -> dict[str, Any]:
    """All that is recorded of a run except the losses of its mini-batches, as JSON-serialisable values."""
    known = {field: value for field, value in run._asdict().items() if field != "settings"}
    epochs = [asdict(epoch) for epoch in curve.epochs]
    everything = {**known, **run.record.to_meta(), "epochs": run.epochs, "epoch_summaries": epochs}
    return {key: _finite(value) for key, value in everything.items()}


def write_runs(path: Path, runs: Sequence[Run], curve_of: Callable[[str], Curve]) -> None:
    """Write runs to a .json file, or as CSV to any other. Raises OSError; an older file is then unchanged."""
    if path.suffix.lower() == ".json":
        text = json.dumps([described(run, curve_of(run.id)) for run in runs], indent=1, allow_nan=False) + "\n"
    else:
        with io.StringIO(newline="") as written:
            csv.writer(written).writerows(table(runs))
            text = written.getvalue()
    with replacing(path) as file:
        file.write(text.encode())


def _finite(value: Any) -> Any:
    """The value with None for numbers that JSON cannot hold."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
