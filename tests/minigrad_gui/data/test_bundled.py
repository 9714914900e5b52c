"""The bundled MNIST is the original, and damaged files are refused in one sentence."""

import gzip
import hashlib
import importlib.util
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minigrad_gui import data
from minigrad_gui.data import bundled
from minigrad_gui.pen_digits import PenDigits

ROOT = Path(__file__).resolve().parents[3]
EVERY = 40
"""Of so many pen strokes, one is drawn: enough for more than one part, and for drawings of everybody."""


def idx(array: np.ndarray) -> bytes:
    """The bytes of an IDX file: a magic number, the dimensions, the values."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def make_mnist():
    spec = importlib.util.spec_from_file_location("make_mnist", ROOT / "assets" / "make_mnist.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_bundled_digits_are_the_published_originals(mnist):
    for key, (_, md5, shape) in make_mnist().ORIGINALS.items():
        array = getattr(mnist, key)
        assert array.shape == shape
        assert array.dtype == np.uint8
        assert hashlib.md5(idx(array)).hexdigest() == md5


def test_the_bundled_digits_can_be_rebuilt_byte_for_byte(mnist, tmp_path):
    script = tmp_path / "make_mnist.py"
    script.write_bytes((ROOT / "assets" / "make_mnist.py").read_bytes())
    folder = tmp_path / "idx"
    folder.mkdir()
    for key, (name, _, _) in make_mnist().ORIGINALS.items():
        content = idx(getattr(mnist, key))
        if key.startswith("test"):  # unpacked or not, as people have them
            name, content = f"{name}.gz", gzip.compress(content, 1)
        (folder / name).write_bytes(content)
    subprocess.run([sys.executable, script, folder], check=True, capture_output=True)
    with np.load(tmp_path / "mnist.npz") as built:
        assert all(np.array_equal(built[key], getattr(mnist, key)) for key in built)


def test_files_that_are_not_the_originals_are_refused(mnist, tmp_path):
    name = make_mnist().ORIGINALS["test_labels"][0]
    changed = mnist.test_labels.copy()
    changed[0] ^= 1
    (tmp_path / name).write_bytes(idx(changed))
    with pytest.raises(SystemExit, match="MD5"):
        make_mnist().read_original(tmp_path, *make_mnist().ORIGINALS["test_labels"])


def test_a_missing_file_is_reported(monkeypatch, tmp_path):
    monkeypatch.setattr(bundled, "asset_path", lambda name: tmp_path / name)
    with pytest.raises(data.DataError, match="install minigrad again"):
        data.load_mnist()


@pytest.fixture
def few_drawings(monkeypatch, mnist):
    """Everything that loads pen strokes gets a few, with few copies and outliers; MNIST has been loaded before."""
    drawn = bundled._pen_strokes()
    few = PenDigits(drawn.drawings[::EVERY], drawn.labels[::EVERY], drawn.writers[::EVERY])
    monkeypatch.setattr(bundled, "_pen_strokes", lambda: few)
    monkeypatch.setattr(bundled, "load_mnist", lambda: mnist)
    monkeypatch.setattr(bundled, "PART", 100)
    monkeypatch.setattr(bundled, "PEN_COPIES", 2)
    monkeypatch.setattr(bundled, "OUTLIER_COUNT", 60)
    return few


def test_the_pen_strokes_of_people_to_test_on_are_not_trained_on(few_drawings):
    pen = data.load_pen_digits()
    tests = few_drawings.writers > 24
    assert 25 < tests.sum() < 60
    assert len(set(few_drawings.writers)) == 30
    np.testing.assert_array_equal(pen.train_labels, few_drawings.labels[~tests])
    np.testing.assert_array_equal(pen.test_labels, few_drawings.labels[tests])
    assert (len(pen.train_images), len(pen.test_images)) == ((~tests).sum(), tests.sum())
    assert pen.class_names == tuple("0123456789")
    assert not len(pen.outliers)


def test_mnist_with_pen_strokes_holds_both(mnist, few_drawings):
    both, drawn = data.load_mnist_and_pen_digits(), len(few_drawings.labels)
    assert np.array_equal(both.train_images[:60_000], mnist.train_images)
    assert len(both.train_images) == len(both.train_labels) == 60_000 + 2 * drawn
    np.testing.assert_array_equal(both.train_labels[-drawn:], both.train_labels[60_000:-drawn])
    assert both.outliers.shape == (60, 28, 28)
    assert both.test_images is mnist.test_images or (both.test_images == mnist.test_images).all()


@pytest.mark.usefixtures("few_drawings")
def test_people_can_be_held_out(monkeypatch):
    monkeypatch.setattr(bundled, "PEN_COPIES", 1)
    pen = data.load_pen_digits()
    both = data.load_mnist_and_pen_digits(held_out=range(25, 31))
    np.testing.assert_array_equal(both.train_images[60_000:], pen.train_images)
    np.testing.assert_array_equal(both.train_labels[60_000:], pen.train_labels)


@pytest.mark.usefixtures("few_drawings")
def test_drawing_the_variations_can_be_cancelled():
    asked = []

    def cancelled():
        asked.append(True)
        return len(asked) == 3

    with pytest.raises(data.LoadingCancelledError):
        data.load(data.MNIST_AND_PEN, cancelled=cancelled)


def test_samples_are_the_first_digits_of_their_labels(mnist):
    labels = [7, 0, 9]
    samples = data.sample_digits(labels)
    assert samples.dtype == np.uint8
    for label, sample in zip(labels, samples, strict=True):
        first = np.flatnonzero(mnist.train_labels == label)[0]
        np.testing.assert_array_equal(sample, mnist.train_images[first])


@pytest.mark.parametrize("content", [None, b"", b"PK"])
def test_samples_of_missing_or_damaged_digits_are_reported_in_one_sentence(monkeypatch, tmp_path, content):
    monkeypatch.setattr(bundled, "asset_path", lambda name: tmp_path / name)
    if content is not None:
        (tmp_path / "mnist.npz").write_bytes(content)
    with pytest.raises(data.DataError, match=r"bundled digits .* are missing or damaged; install minigrad again"):
        data.sample_digits([0])


def test_missing_pen_strokes_are_reported_in_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(bundled, "asset_path", lambda name: tmp_path / name)
    with pytest.raises(data.DataError, match=r"pen strokes .* are missing or damaged; install minigrad again"):
        data.load_pen_digits()
