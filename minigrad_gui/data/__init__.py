"""Datasets: bundled, and downloaded from the Hugging Face hub. Nothing is loaded before it is asked for. No Qt here."""

from minigrad_gui.data.bundled import (
    MNIST_AND_PEN,
    load_mnist,
    load_mnist_and_pen_digits,
    load_pen_digits,
    sample_digits,
)
from minigrad_gui.data.cancelling import LoadingCancelledError
from minigrad_gui.data.choices import ALL_GUESSED, Choices, Origin
from minigrad_gui.data.dataset import DIGIT_NAMES, DataError, Dataset
from minigrad_gui.data.download import load_hugging_face
from minigrad_gui.data.sources import (
    MNIST,
    SOURCES,
    Source,
    can_be_loaded,
    is_downloaded,
    load,
    may_be_dataset,
    open_dataset,
    source_key,
    title_of,
)

__all__ = [
    "ALL_GUESSED",
    "DIGIT_NAMES",
    "MNIST",
    "MNIST_AND_PEN",
    "SOURCES",
    "Choices",
    "DataError",
    "Dataset",
    "LoadingCancelledError",
    "Origin",
    "Source",
    "can_be_loaded",
    "is_downloaded",
    "load",
    "load_hugging_face",
    "load_mnist",
    "load_mnist_and_pen_digits",
    "load_pen_digits",
    "may_be_dataset",
    "open_dataset",
    "sample_digits",
    "source_key",
    "title_of",
]
