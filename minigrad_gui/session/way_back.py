"""The way back to the network from before the last run."""

from pathlib import Path

from minigrad_gui.session.curves import Curves
from minigrad_gui.session.network import NetworkSnapshot


class WayBack:
    """Holds a network and its curves. Going back exchanges them with the current ones, so one can return as well."""

    def __init__(self) -> None:
        self._other: tuple[NetworkSnapshot, Curves] | None = None
        self._went_back = False

    @property
    def is_open(self) -> bool:
        """Whether there is a network to go back to."""
        return self._other is not None

    @property
    def name(self) -> str | None:
        """What the network is called that `exchange` would bring."""
        return None if self._other is None else self._other[0].name

    @property
    def checkpoint_path(self) -> Path | None:
        """The checkpoint of the run that this network came from, while it is not saved."""
        return None if self._other is None else self._other[0].checkpoint_path

    @property
    def has_unsaved(self) -> bool:
        """Whether a network that has not been saved was put aside by going back."""
        return self._went_back and self._other is not None and self._other[0].modified

    def begin_at(self, network: NetworkSnapshot, curves: Curves) -> None:
        """A run begins, and takes the place of this network."""
        self._other = (network, curves) if network.model is not None else None
        self._went_back = False

    def exchange(self, network: NetworkSnapshot, curves: Curves) -> tuple[NetworkSnapshot, Curves]:
        """Put the current network and curves aside for the others, which are returned. Only where it `is_open`."""
        assert self._other is not None
        other, self._other = self._other, (network, curves)
        self._went_back = not self._went_back
        return other

    def close(self) -> None:
        self._other = None
