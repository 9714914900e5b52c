"""Fuzzing: thousands of damaged and malicious model files and checkpoints, from a seed."""

import random

import fuzz
import pytest
from fuzz import FUZZER, mutated, seeds
from fuzzing import Rules, Watch

FILES = 400
"""The long test goes on with those from the same seed, for a minute."""


def test_no_damaged_file_breaks_a_rule():
    fates, fault = FUZZER.run(seconds=20, seed=0, most=FILES)
    assert fault is None
    refused, models, runs = (
        sum(count for fate, count in fates.items() if fate.endswith(end)) for end in ("refused", "model", "run")
    )
    assert refused > fates.total() / 2
    assert models > 0
    assert runs > 0


def test_the_same_seed_gives_the_same_files():
    files = seeds()
    first, second = ([mutated(random.Random(seed), "run.npz", files) for seed in range(50)] for _ in range(2))
    assert first == second
    assert len(set(first)) > 30


def test_every_broken_rule_is_reported(tmp_path, monkeypatch):
    path, watch = tmp_path / "m.npz", Watch()
    path.write_bytes(seeds()["model.npz"])

    def broken(load):
        monkeypatch.setattr(fuzz, "load_model", load)
        return FUZZER.outcome(path, watch)[1]

    def forbidden(_):
        exec("pass")

    assert broken(lambda _: 1 / 0) == "raised ZeroDivisionError('division by zero')"
    assert "exec while a file was read" in broken(forbidden)
    monkeypatch.undo()
    assert FUZZER.outcome(path, watch) == ("model", None)
    assert Rules(ValueError, seconds=0.0, bytes=0).outcome(lambda _: ("read", None), path)[1].startswith("took")


@pytest.mark.long
@pytest.mark.parametrize("seed", range(5))
def test_fuzzing_for_minutes(seed):
    _, fault = FUZZER.run(seconds=60, seed=seed)
    assert fault is None
