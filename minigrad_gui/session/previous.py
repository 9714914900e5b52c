"""The network from before the last run, which the current one can be swapped with."""

from pathlib import Path

from minigrad_gui.session.curves import Curves
from minigrad_gui.session.network import NetworkSnapshot


class PreviousNetwork:
    """Holds a network and its curves. Restoring swaps them with the current ones, so a second swap undoes the first."""

    def __init__(self) -> None:
        self._other: tuple[NetworkSnapshot, Curves] | None = None
        self._was_swapped = False

    @property
    def exists(self) -> bool:
        """Whether there is a network to restore."""
        return self._other is not None

    @property
    def name(self) -> str | None:
        """The name of the network that `swap` returns."""
        return None if self._other is None else self._other[0].name

    @property
    def checkpoint_path(self) -> Path | None:
        """The checkpoint of the run that produced this network, while it is unsaved."""
        return None if self._other is None else self._other[0].checkpoint_path

    @property
    def is_unsaved(self) -> bool:
        """Whether a restore put aside a network that has not been saved."""
        return self._was_swapped and self._other is not None and self._other[0].modified

    def remember(self, network: NetworkSnapshot, curves: Curves) -> None:
        """A run is about to replace this network."""
        self._other = (network, curves) if network.model is not None else None
        self._was_swapped = False

    def swap(self, network: NetworkSnapshot, curves: Curves) -> tuple[NetworkSnapshot, Curves]:
        """Put the current network and curves aside, and return the others. Requires that it `exists`."""
        assert self._other is not None
        other, self._other = self._other, (network, curves)
        self._was_swapped = not self._was_swapped
        return other

    def forget(self) -> None:
        self._other = None
