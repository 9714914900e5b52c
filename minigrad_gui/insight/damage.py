"""Damage done on purpose, to see what a network can bear: silenced neurons, noise on weights, layers scaled."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, replace

import numpy as np

from engine.nn import MLP, Linear
from minigrad_gui.insight.connections import connections, of_connections
from minigrad_gui.insight.trace import allowing_overflow


@dataclass(frozen=True)
class Damage:
    """What is done to a copy of a network; the default does nothing.

    silenced: hidden neurons (layer, unit) that pass nothing on. noise: for a layer, the standard deviation of what is
    added to its connections' weights, in units of their own standard deviation. scale: for a layer, the factor by which
    its weights, noise included, and biases are multiplied. seed: of the noise, which grows in proportion to its amount.
    """

    silenced: frozenset[tuple[int, int]] = frozenset()
    noise: Mapping[int, float] = field(default_factory=dict)
    scale: Mapping[int, float] = field(default_factory=dict)
    seed: int = 0

    def toggled(self, layer: int, unit: int) -> "Damage":
        """This damage with one hidden neuron silenced or, if it was, heard again."""
        return replace(self, silenced=self.silenced ^ {(layer, unit)})

    def with_noise(self, layer: int, amount: float) -> "Damage":
        """This damage with another amount of noise on a layer."""
        return replace(self, noise={**self.noise, layer: amount})

    def with_scale(self, layer: int, factor: float) -> "Damage":
        """This damage with a layer scaled by another factor."""
        return replace(self, scale={**self.scale, layer: factor})

    def __bool__(self) -> bool:
        """Whether it changes anything."""
        is_noisy = any(self.noise.values())
        return bool(self.silenced) or is_noisy or any(factor != 1 for factor in self.scale.values())

    @allowing_overflow
    def apply(self, model: MLP) -> MLP:
        """A damaged copy, which shares the layers that are not damaged.

        Raises ValueError if the network has no such layer or hidden neuron.
        """
        self._check(model)
        damaged = copy(model)
        touched = {*self.noise, *self.scale, *(layer + after for layer, _ in self.silenced for after in (0, 1))}
        damaged.layers = [
            Linear.around(np.array(layer.W.data, order="F"), np.array(layer.b.data)) if number in touched else layer
            for number, layer in enumerate(model.layers)
        ]
        for number, amount in self.noise.items():
            W = damaged.layers[number].W
            rng = np.random.default_rng([self.seed, number])
            noise = rng.standard_normal(W.shape[::-1], np.float32).T  # in the order of W
            there = connections(W.data)
            noise *= W.dtype.type(amount * of_connections(W.data, W.data).std())
            W.adopt(W.data + (noise if there is None else noise * there))
        for number, factor in self.scale.items():
            for parameter in (damaged.layers[number].W, damaged.layers[number].b):
                parameter.adopt(parameter.data * parameter.dtype.type(factor))
        for number, unit in self.silenced:
            layer, after = damaged.layers[number], damaged.layers[number + 1]
            layer.W.data[unit], layer.b.data[unit] = 0, 0
            after.W.data[:, unit] = 0  # a sigmoid is not 0 at 0
        return damaged

    def _check(self, model: MLP) -> None:
        hidden = model.sizes[1:-1]
        for layer, unit in self.silenced:
            if not (0 <= layer < len(hidden) and 0 <= unit < hidden[layer]):
                raise ValueError(f"the network has no hidden neuron {unit} in layer {layer}: {model.sizes}")
        for layer in (*self.noise, *self.scale):
            if not 0 <= layer < len(model.layers):
                raise ValueError(f"the network has no layer {layer}: {model.sizes}")


class DamageHistory:
    """What was done to a network step by step, so that each step can be undone."""

    def __init__(self) -> None:
        self._damages: list[Damage] = [Damage()]
        self._step = ""

    @property
    def now(self) -> Damage:
        return self._damages[-1]

    @property
    def can_undo(self) -> bool:
        return len(self._damages) > 1

    def do(self, damage: Damage, step: str = "") -> None:
        """Go on to this damage. Changes of the same step in a row, such as those of a slider, are undone as one."""
        if step and step == self._step:
            self._damages[-1] = damage
        else:
            self._damages.append(damage)
        self._step = step

    def undo(self) -> None:
        """Go back by one step, if there was one."""
        if self.can_undo:
            self._damages.pop()
            self._step = ""

    def forget(self) -> None:
        """Begin anew, with another network."""
        self._damages[:] = [Damage()]
        self._step = ""
