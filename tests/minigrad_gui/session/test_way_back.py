"""Going back to the network from before the last run, and forth again."""

from pathlib import Path

import pytest

from engine import MLP
from minigrad_gui.session.curves import Curves
from minigrad_gui.session.network import NetworkSnapshot
from minigrad_gui.session.way_back import WayBack


def network(name: str, *, modified: bool = False) -> NetworkSnapshot:
    return NetworkSnapshot(MLP(784, [3], 10), modified=modified, name=name, checkpoint_path=Path(f"{name}.npz"))


def test_it_leads_nowhere_at_first_or_where_there_was_no_network():
    way_back = WayBack()
    for _ in range(2):
        assert not way_back.is_open
        assert (way_back.name, way_back.checkpoint_path, way_back.has_unsaved) == (None, None, False)
        way_back.begin_at(NetworkSnapshot(), Curves())


def test_it_leads_back_and_forth():
    before, after = (network("before"), Curves()), (network("after"), Curves())
    way_back = WayBack()
    way_back.begin_at(*before)
    assert (way_back.name, way_back.checkpoint_path) == ("before", Path("before.npz"))
    assert way_back.exchange(*after) == before
    assert (way_back.name, way_back.checkpoint_path) == ("after", Path("after.npz"))
    assert way_back.exchange(*before) == after
    way_back.close()
    assert not way_back.is_open


@pytest.mark.parametrize("modified", [True, False])
def test_a_network_that_was_put_aside_may_be_unsaved(modified):
    way_back = WayBack()
    way_back.begin_at(network("before", modified=True), Curves())
    assert not way_back.has_unsaved, "the person knew when the run began"
    way_back.exchange(network("after", modified=modified), Curves())
    assert way_back.has_unsaved == modified
    way_back.exchange(network("before", modified=True), Curves())
    assert not way_back.has_unsaved
    way_back.exchange(network("after", modified=True), Curves())
    way_back.begin_at(network("before", modified=True), Curves())
    assert not way_back.has_unsaved
