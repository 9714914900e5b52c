"""Puts layers together from what other programs compute step by step: products, sums, factors and activations."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.nn import ACTIVATIONS, MAX_HIDDEN_LAYERS, MAX_PARAMETERS, count_parameters
from engine.record import MAX_CLASSES
from minigrad_gui.exchange.portable import ExchangeError, Layers
from minigrad_gui.wording import counted

ENDS = {"softmax", "log_softmax"}
"""Our networks end in logits, which these turn into probabilities."""


@dataclass(frozen=True)
class Found:
    """What a reader found in a file. Error messages of readers lack the file's name.

    layers: (W, b) of each; activation: None if the file does not say; about: our own metadata, if the file has it.
    """

    layers: Layers
    activation: str | None = None
    about: dict[str, Any] | None = None


class Chain:
    """Steps from the input to the logits, of which those without an activation between them become one layer."""

    def __init__(self) -> None:
        self._done: list[tuple[NDArray[Any], NDArray[Any]]] = []
        self._W: NDArray[Any] | None = None
        self._factor: NDArray[Any] = np.ones(1, np.float32)
        self._term: NDArray[Any] = np.zeros(1, np.float32)
        self._activations: list[str] = []
        self._is_closed = False

    def product(self, W: NDArray[Any]) -> None:
        """x W^T, for W of shape (out, in)."""
        self._check_open()
        if W.ndim != 2 or W.size > MAX_PARAMETERS:
            raise ExchangeError("holds a product that is no layer of an MLP.")
        if self._W is not None:
            self._W, self._term = W @ self._W, W @ self._term
        else:
            self._term = W @ np.broadcast_to(self._term, W.shape[1:])
            self._W = W * self._factor
        self._factor = np.ones(1, np.float32)

    def factor(self, by: NDArray[Any]) -> None:
        """Each number times a number, or all times the same."""
        self._check_open()
        by = by.reshape(-1)
        if self._W is None:
            self._factor, self._term = self._factor * by, self._term * by
        else:
            self._W, self._term = self._W * by[:, np.newaxis], self._term * by

    def term(self, added: NDArray[Any]) -> None:
        """Each number plus a number, or all plus the same."""
        self._check_open()
        self._term = self._term + added.reshape(-1)

    def normalisation(self, mean: NDArray[Any], variance: NDArray[Any], gain: Any, shift: Any, epsilon: float) -> None:
        """Batch normalisation as a trained network does it: gain (x - mean) / sqrt(variance + epsilon) + shift."""
        by = gain / np.sqrt(variance + np.float32(epsilon))
        self.factor(by)
        self.term(shift - mean * by)

    def activation(self, name: str) -> None:
        """One of ACTIVATIONS, or softmax or log_softmax, after which nothing may follow."""
        self._check_open()
        if self._W is None or (name not in ACTIVATIONS and name not in ENDS):
            raise ExchangeError(f"uses {name} where no MLP here does.")
        if name in ENDS:
            self._is_closed = True
            return
        self._done.append(self._layer())
        self._activations.append(name)
        self._W, self._term = None, np.zeros(1, np.float32)

    def found(self, about: dict[str, Any] | None = None) -> Found:
        if self._W is not None:
            self._done.append(self._layer())
        elif self._activations[-1:] == ["sigmoid"]:  # of the outputs; their order is that of the logits
            self._activations.pop()
        else:
            raise ExchangeError("does not end in logits or probabilities.")
        kinds = set(self._activations)
        if len(kinds) > 1:
            raise ExchangeError(f"has several activations ({', '.join(sorted(kinds))}); a network here has one.")
        return Found(tuple(self._done), next(iter(kinds), "relu"), about)

    def _layer(self) -> tuple[NDArray[Any], NDArray[Any]]:
        assert self._W is not None
        return self._W, np.array(np.broadcast_to(self._term, self._W.shape[:1]), self._W.dtype)

    def _check_open(self) -> None:
        if self._is_closed:
            raise ExchangeError("computes with probabilities, which no MLP does.")


def checked(found: Found, inputs: int) -> Found:
    """Layers that fit one another, read so many inputs, and hold finite numbers in float32 or float64.

    Raises ExchangeError.
    """
    layers = found.layers
    if not 1 <= len(layers) <= MAX_HIDDEN_LAYERS + 1:
        raise ExchangeError(f"holds {len(layers)} layers; from 1 to {MAX_HIDDEN_LAYERS + 1} are possible.")
    if any(W.ndim != 2 or b.shape != W.shape[:1] for W, b in layers):
        raise ExchangeError("holds weights and biases that do not fit.")
    sizes = (layers[0][0].shape[1], *(len(b) for _, b in layers))
    if [W.shape[1] for W, _ in layers] != list(sizes[:-1]) or 0 in sizes:
        raise ExchangeError("holds layers that do not fit one another.")
    if sizes[0] != inputs or not 2 <= sizes[-1] <= MAX_CLASSES:
        has = f"{counted(sizes[0], 'input')} and {counted(sizes[-1], 'output')}"
        raise ExchangeError(f"has {has}; reading pictures takes {inputs} inputs, and 2 to {MAX_CLASSES} outputs.")
    if count_parameters(sizes) > MAX_PARAMETERS:
        raise ExchangeError("is too large.")
    if found.activation is not None and found.activation not in ACTIVATIONS:
        raise ExchangeError("uses an activation that minigrad lacks.")
    kinds = {array.dtype for layer in layers for array in layer}
    if any(kind.kind != "f" for kind in kinds):
        raise ExchangeError("holds weights that are no floating-point numbers.")
    dtype = np.float64 if all(kind.itemsize == 8 for kind in kinds) else np.float32
    plain = tuple((W.astype(dtype), b.astype(dtype)) for W, b in layers)
    if not all(np.isfinite(array).all() for layer in plain for array in layer):
        raise ExchangeError("holds numbers that are not finite.")
    return Found(plain, found.activation, found.about)
