"""Which of the digits that a network learned from excite each of its neurons most. No Qt here.

The search goes through them piece by piece, so that others need not wait and what was found can be shown meanwhile.
"""

from dataclasses import dataclass

from engine.nn import MLP, count_parameters
from minigrad_gui.analysis import Desk, Digits, TrainedOn
from minigrad_gui.insight.neurons import Exciting, most_exciting

COUNT = 8
"""Digits for each neuron."""
PRODUCTS_AT_ONCE = 7_000_000_000
"""Of a piece of the search: about half a second."""
MOST_PRODUCTS = 100_000_000_000
"""Of the whole search: a very large network sees fewer digits."""


@dataclass(frozen=True, eq=False)
class Excitement:
    """The digits that excite each neuron of a network most, of the first `seen` of `digits`.

    best: for each layer, the indices of those digits among `digits.indices`.
    """

    model: MLP
    digits: Digits
    seen: int
    best: list[Exciting]

    @property
    def is_complete(self) -> bool:
        """Whether no further digits will be looked at."""
        most = max(MOST_PRODUCTS // count_parameters(self.model.sizes), COUNT)
        return self.seen >= min(len(self.digits.indices), most)

    def of(self, layer: int, unit: int) -> list[tuple[int, float]]:
        """The digits that excite a neuron most, the best first: their indices in the dataset, and its outputs."""
        best = self.best[layer]
        indices = self.digits.indices[best.indices[unit]]
        return list(zip(indices.tolist(), best.outputs[unit].tolist(), strict=True))


def excite(model: MLP, trained_on: TrainedOn, before: Excitement | None, desk: Desk) -> Excitement | None:
    """Look at some more digits than before; None if cancelled. before: None for the first piece of the search."""
    digits = desk.digits(trained_on, "training") if before is None else before.digits
    seen, found = (0, []) if before is None else (before.seen, before.best)
    at_once = max(PRODUCTS_AT_ONCE // count_parameters(model.sizes), COUNT)
    chosen = digits.indices[seen : seen + at_once]
    best = most_exciting(model, digits.images, COUNT, desk.cancelled, chosen=chosen, first=seen, found=found)
    return None if best is None else Excitement(model, digits, seen + len(chosen), best)
