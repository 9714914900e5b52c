"""Runs side by side: differences, curves, and mean and spread over seeds."""

import json
from dataclasses import replace

import numpy as np
import pytest
from recorded_runs import EPOCHS, run_of

from engine import TrainingConfig
from engine.record import LearningRateChange, TrainingRecord
from engine.training import EpochSummary
from minigrad_gui.history import smooth
from minigrad_gui.run_comparison import (
    MOST_POINTS,
    Line,
    apart_from_seed,
    differences,
    line_of,
    mean_line,
    settings_of,
    summary,
    summary_of_groups,
)
from minigrad_gui.runs import Curve


def test_only_settings_that_differ_are_compared():
    one = run_of("a1", TrainingConfig(hidden=(8, 4), augmentation={"shift_px": 2.0}))
    other = run_of("b2", TrainingConfig(hidden=(8, 4), seed=5))
    unknown = run_of("c3", settings="")
    assert differences([one, other]) == {"seed": ["0", "5"], "augmentation shift px": ["2", "0"]}
    assert differences([one, one]) == {}
    assert differences([one, unknown])["hidden"] == ["8, 4", ""]
    alone = differences([one])
    assert {name: values[0] for name, values in alone.items()} == settings_of(one)
    assert alone["dataset"] == ["mnist"]


def test_runs_are_grouped_apart_from_their_seeds():
    runs = [run_of(f"a{n}", TrainingConfig(seed=n // 2, batch_size=(32, 64)[n % 2])) for n in range(4)]
    runs += [run_of("b", settings=""), run_of("c", settings="")]
    assert [[run.id for run in group] for group in apart_from_seed(runs)] == [["a0", "a2"], ["a1", "a3"], ["b"], ["c"]]


def test_runs_whose_rate_was_changed_or_that_were_continued_are_groups_of_their_own():
    config = TrainingConfig()
    new = TrainingRecord(config, "mnist")
    changed = replace(new, learning_rate_changes=(LearningRateChange(9, 0.02),))
    records = new, changed, changed, replace(new, earlier_epochs=0)
    runs = [run_of(f"a{at}", settings=json.dumps(record.to_meta())) for at, record in enumerate(records)]
    assert [[run.id for run in group] for group in apart_from_seed(runs)] == [["a0"], ["a1", "a2"], ["a3"]]
    assert settings_of(runs[3])["earlier epochs"] == "0"


def test_a_line_of_losses_is_smoothed_and_leaves_out_what_is_not_finite():
    losses = np.linspace(2, 1, 3000, dtype=np.float32)
    line = line_of(Curve(losses, 1, (), 100), "training loss")
    assert len(line.x) == MOST_POINTS
    assert (line.x[0], line.x[-1]) == (0.01, 30)
    np.testing.assert_allclose(line.y[[0, -1]], smooth(losses.astype(float))[[0, -1]])
    losses[5:10] = np.nan
    line = line_of(Curve(losses[:20], 1, (), 10), "training loss")
    assert np.isfinite(line.y).all()
    assert len(line.x) == 15
    assert line.x[-1] == 2


def test_a_line_of_epochs():
    curve = Curve(np.empty(0, np.float32), 1, (*EPOCHS, EpochSummary(2, np.inf, 0.8)), 10)
    loss, accuracy = line_of(curve, "training loss"), line_of(curve, "validation accuracy")
    assert (loss.x.tolist(), loss.y.tolist()) == ([1, 2], [1.5, 0.5])
    assert (accuracy.x.tolist(), accuracy.y.tolist()) == ([1, 2], [70, 80])
    assert len(line_of(Curve.nothing(), "validation loss").x) == 0


def test_the_mean_reaches_as_far_as_all_lines():
    lines = [Line(np.array([1.0, 2, 3]), np.array([1.0, 2, 3])), Line(np.array([1.0, 2]), np.array([3.0, 6]))]
    mean = mean_line([*lines, Line(np.empty(0), np.empty(0))])
    assert mean.x.tolist() == [1, 2]
    assert mean.y.tolist() == [2, 4]
    assert mean.spread.tolist() == pytest.approx([2**0.5, 8**0.5])
    assert mean_line(lines[:1]) is lines[0]
    assert len(mean_line([]).x) == 0


def test_groups_are_called_by_what_sets_them_apart():
    small, large = TrainingConfig(learning_rate=0.1), TrainingConfig(learning_rate=0.5)
    first = [run_of("a1", small, test_accuracy=0.5), run_of("a2", replace(small, seed=9), test_accuracy=0.7)]
    second = [run_of("b1", replace(large, seed=3), test_accuracy=0.9)]
    told = "Test accuracy: 60.00% ± 14.14% (learning rate 0.1), 90.00% (learning rate 0.5)."
    assert summary_of_groups([first, second]) == told
    assert summary_of_groups([first]) == summary(first)
    assert summary_of_groups([]) == ""
    untested = run_of("c1", small, name="bare", test_accuracy=None)
    assert summary_of_groups([[untested], [untested]]) == "Test accuracy: not tested (bare), not tested (bare)."


def test_the_summary_has_mean_and_spread():
    runs = [run_of(f"a{n}", name="first", test_accuracy=value) for n, value in enumerate((0.5, 0.7, None))]
    assert summary(runs[:2]) == "2 runs: test accuracy 60.00% ± 14.14%, from 50.00% to 70.00%."
    assert summary(runs) == "3 runs, 2 of them tested: test accuracy 60.00% ± 14.14%, from 50.00% to 70.00%."
    assert summary(runs[:1]) == "first: test accuracy 50.00%."
    assert summary(runs[2:]) == "first: not tested."
    assert summary([]) == ""
