"""Fuzzing: damaged and malicious files of every format, from a seed."""

import random

import numpy as np
import pytest
from fuzz_datasets import FUZZER, seeds
from fuzzing import with_strange_text

from minigrad_gui import data

FILES = 20


def test_no_damaged_file_breaks_a_rule():
    fates, fault = FUZZER.run(seconds=20, seed=0, most=FILES)
    assert fault is None
    assert sum(count for fate, count in fates.items() if fate.endswith("refused")) > FILES / 2


def test_the_seeds_are_valid_but_for_the_files_beside_them(tmp_path):
    for name, content in seeds().items():
        if not name.endswith(("ubyte", "inkml")):
            (tmp_path / name).mkdir()
            (tmp_path / name / name).write_bytes(content)
            assert FUZZER.outcome(tmp_path / name / name, None) == ("opened", None), name


def test_the_same_seed_gives_the_same_files():
    files = {name: content for name, content in seeds().items() if name in ("own.npz", "table.csv")}
    first, second = ([with_strange_text(random.Random(seed), "own.npz", files) for seed in range(20)] for _ in range(2))
    assert first == second


def test_every_broken_rule_is_reported(tmp_path, monkeypatch):
    def broken(load):
        monkeypatch.setattr(data, "open_dataset", load)
        return FUZZER.outcome(tmp_path / "a", None)[1]

    images, labels = np.zeros((2, 28, 28), np.uint8), np.array([0, 7], np.uint8)
    assert broken(lambda _: 1 / 0) == "raised ZeroDivisionError('division by zero')"
    assert broken(lambda _: data.Dataset(images, labels, images, labels, "a", ("0", "1"))).endswith("without a name")


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 4))
def test_fuzzing_for_minutes(seed):
    _, fault = FUZZER.run(seconds=60, seed=seed)
    assert fault is None
