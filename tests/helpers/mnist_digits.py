"""The bundled MNIST, loaded once per process, as that takes a third of a second."""

import functools
from collections.abc import Callable
from dataclasses import replace

import pytest

from minigrad_gui.data import MNIST, SOURCES, Dataset, load_mnist


@functools.cache
def mnist() -> Dataset:
    return load_mnist()


@functools.cache
def first_digits(training: int = 3000, test: int = 1000) -> Dataset:
    """The first digits of MNIST."""
    whole = mnist()
    return replace(
        whole,
        train_images=whole.train_images[:training],
        train_labels=whole.train_labels[:training],
        test_images=whole.test_images[:test],
        test_labels=whole.test_labels[:test],
    )


def replace_mnist(monkeypatch: pytest.MonkeyPatch, load: Callable[[], Dataset]) -> None:
    """Whatever loads MNIST gets what `load` returns."""
    monkeypatch.setitem(SOURCES, MNIST, replace(SOURCES[MNIST], load=load))
