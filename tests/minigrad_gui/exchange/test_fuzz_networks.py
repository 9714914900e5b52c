"""Fuzzing: damaged and malicious networks of every format, from a seed."""

import random

import fuzz_networks
import pytest
from fuzz_networks import broken_rule, fuzz, mutated, seeds

FILES = 60


def test_no_damaged_file_breaks_a_rule():
    fates, fault = fuzz(seconds=20, seed=0, most=FILES)
    assert fault is None
    assert sum(count for fate, count in fates.items() if fate.endswith("refused")) > FILES / 4


def test_the_seeds_are_valid(tmp_path):
    for name in seeds(tmp_path):
        assert broken_rule(tmp_path / name) == ("read", None), name


def test_the_same_seed_gives_the_same_files(tmp_path):
    files = seeds(tmp_path)
    first, second = ([mutated(random.Random(seed), "a.json", files) for seed in range(20)] for _ in range(2))
    assert first == second


def test_every_broken_rule_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz_networks, "import_model", lambda _: 1 / 0)
    assert broken_rule(tmp_path / "a.json")[1] == "raised ZeroDivisionError('division by zero')"


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 4))
def test_fuzzing_for_minutes(seed):
    _, fault = fuzz(seconds=60, seed=seed)
    assert fault is None
