"""Swapping the current network with the one from before the last run."""

from pathlib import Path

import pytest

from engine import MLP
from minigrad_gui.session.curves import Curves
from minigrad_gui.session.network import NetworkSnapshot
from minigrad_gui.session.previous import PreviousNetwork


def network(name: str, *, modified: bool = False) -> NetworkSnapshot:
    return NetworkSnapshot(MLP(784, [3], 10), modified=modified, name=name, checkpoint_path=Path(f"{name}.npz"))


def test_nothing_can_be_restored_at_first_or_if_there_was_no_network():
    previous = PreviousNetwork()
    for _ in range(2):
        assert not previous.exists
        assert (previous.name, previous.checkpoint_path, previous.is_unsaved) == (None, None, False)
        previous.remember(NetworkSnapshot(), Curves())


def test_two_networks_can_be_swapped_and_swapped_back():
    before, after = (network("before"), Curves()), (network("after"), Curves())
    previous = PreviousNetwork()
    previous.remember(*before)
    assert (previous.name, previous.checkpoint_path) == ("before", Path("before.npz"))
    assert previous.swap(*after) == before
    assert (previous.name, previous.checkpoint_path) == ("after", Path("after.npz"))
    assert previous.swap(*before) == after
    previous.forget()
    assert not previous.exists


@pytest.mark.parametrize("modified", [True, False])
def test_a_network_put_aside_by_a_swap_may_be_unsaved(modified):
    previous = PreviousNetwork()
    previous.remember(network("before", modified=True), Curves())
    assert not previous.is_unsaved, "the person agreed to that when the run began"
    previous.swap(network("after", modified=modified), Curves())
    assert previous.is_unsaved == modified
    previous.swap(network("before", modified=True), Curves())
    assert not previous.is_unsaved
    previous.swap(network("after", modified=True), Curves())
    previous.remember(network("before", modified=True), Curves())
    assert not previous.is_unsaved
