"""A damaged copy of the network, which reads in its place."""

from engine.nn import MLP
from minigrad_gui.insight.damage import Damage


class DamagedNetwork:
    """Makes the damaged copy when damage is done, and again when another network, such as one that has learnt the
    person's handwriting, comes in place of the first."""

    def __init__(self) -> None:
        self._damage = Damage()
        self._original: MLP | None = None
        self._copy: MLP | None = None

    @property
    def damage(self) -> Damage:
        return self._damage

    def set(self, damage: Damage, model: MLP) -> None:
        """Damage this network. Raises ValueError if it has no such layer or neuron, and then changes nothing."""
        copy = damage.apply(model) if damage else model
        self._damage, self._original, self._copy = damage, model, copy

    def repair(self) -> None:
        """Do without the copy."""
        self._damage, self._original, self._copy = Damage(), None, None

    def of(self, model: MLP | None) -> MLP | None:
        """The damaged copy of this network; the network itself if nothing is damaged."""
        if not self._damage or model is None:
            return model
        if model is not self._original:
            self.set(self._damage, model)
        return self._copy
