"""Fuzzing: thousands of damaged and malicious model files and checkpoints, from a seed."""

import random

import pytest
from fuzz import Watch, broken_rule, fuzz, mutated, seeds

FILES = 800


def test_no_damaged_file_breaks_a_rule():
    fates, fault = fuzz(seconds=20, seed=0, most=FILES)
    assert fault is None
    assert fates["refused"] > fates.total() / 2
    assert fates["model"] > 0
    assert fates["run"] > 0


def test_the_same_seed_gives_the_same_files():
    files = seeds()
    first, second = ([mutated(random.Random(seed), files) for seed in range(50)] for _ in range(2))
    assert first == second
    assert len(set(first)) > 30


def test_every_broken_rule_is_reported(tmp_path, monkeypatch):
    import fuzz as fuzzer

    good, path = seeds()[0], tmp_path / "m.npz"

    def broken(load):
        monkeypatch.setattr(fuzzer, "load_model", load)
        return broken_rule(good, path, watch)[1]

    def forbidden(_):
        exec("pass")

    watch = Watch()
    assert broken(lambda _: 1 / 0) == "raised ZeroDivisionError('division by zero')"
    assert "exec while a file was read" in broken(forbidden)
    monkeypatch.undo()
    monkeypatch.setattr(fuzzer, "MAX_SECONDS", 0.0)
    assert broken_rule(good, path)[1].startswith("took")


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 5))
def test_fuzzing_for_minutes(seed):
    _, fault = fuzz(seconds=60, seed=seed)
    assert fault is None
