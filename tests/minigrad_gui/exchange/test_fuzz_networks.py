"""Fuzzing: damaged and malicious networks of every format, from a seed."""

import fuzz_networks
import pytest
from fuzz_networks import FUZZER, seeds

FILES = 40


def test_no_damaged_file_breaks_a_rule():
    fates, fault = FUZZER.run(seconds=20, seed=0, most=FILES)
    assert fault is None
    assert sum(count for fate, count in fates.items() if fate.endswith("refused")) > FILES / 4


def test_the_seeds_are_valid(tmp_path):
    for name, content in seeds().items():
        (tmp_path / name).write_bytes(content)
        assert FUZZER.outcome(tmp_path / name, None) == ("read", None), name


def test_every_broken_rule_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz_networks, "import_model", lambda _: 1 / 0)
    assert FUZZER.outcome(tmp_path / "a.json", None)[1] == "raised ZeroDivisionError('division by zero')"


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 4))
def test_fuzzing_for_minutes(seed):
    _, fault = FUZZER.run(seconds=60, seed=seed)
    assert fault is None
