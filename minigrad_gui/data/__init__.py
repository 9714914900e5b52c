"""Datasets: bundled, and downloaded from the Hugging Face hub. Nothing is loaded before it is asked for. No Qt here."""

from minigrad_gui.data.bundled import MNIST_AND_PEN, load_mnist, load_mnist_and_pen_digits, load_pen_digits
from minigrad_gui.data.dataset import DataError, Dataset, LoadingCancelledError
from minigrad_gui.data.download import load_hugging_face
from minigrad_gui.data.sources import MNIST, SOURCES, Source, load

__all__ = [
    "MNIST",
    "MNIST_AND_PEN",
    "SOURCES",
    "DataError",
    "Dataset",
    "LoadingCancelledError",
    "Source",
    "load",
    "load_hugging_face",
    "load_mnist",
    "load_mnist_and_pen_digits",
    "load_pen_digits",
]
