"""The bundled MNIST is the original; Hugging Face's copy gives the same arrays, and fails in one sentence."""

import gzip
import hashlib
import importlib.util
import os
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import hub
import numpy as np
import pytest

from minigrad_gui import data

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = "ylecun/mnist"
COUNTS = {"train": 500, "test": 200}


@pytest.fixture(scope="module")
def mnist():
    return data.load_mnist()


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


def test_they_can_be_built_again_to_the_same_bytes(mnist, tmp_path):
    script = tmp_path / "make_mnist.py"
    script.write_bytes((ROOT / "assets" / "make_mnist.py").read_bytes())
    folder = tmp_path / "idx"
    folder.mkdir()
    for key, (name, _, _) in make_mnist().ORIGINALS.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(idx(getattr(mnist, key)), 1))
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


def test_a_missing_file_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(data, "asset_path", lambda name: tmp_path / name)
    with pytest.raises(data.DataError, match="install minigrad again"):
        data.load_mnist()


# ---------------------------------------------------------------- Hugging Face, from a hub on loopback


@pytest.fixture(scope="module")
def files(mnist) -> dict[str, bytes]:
    content = {"README.md": hub.CARD.encode()}
    for split, count in COUNTS.items():
        images, labels = getattr(mnist, f"{split}_images")[:count], getattr(mnist, f"{split}_labels")[:count]
        content[f"mnist/{split}-00000-of-00001.parquet"] = hub.parquet([hub.png(image) for image in images], labels)
    return content


@pytest.fixture
def far_from_home(monkeypatch, tmp_path):
    """An empty cache, and a way to the hub of the test."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return lambda address: monkeypatch.setenv("HF_ENDPOINT", address)


def test_the_hub_gives_the_very_same_arrays_and_its_cache_too(mnist, files, far_from_home):
    with hub.serving(REPOSITORY, files) as address:
        far_from_home(address)
        fetched = data.load(REPOSITORY)
    cached = data.load(REPOSITORY)  # nobody serves any more
    for dataset in (fetched, cached):
        for split, count in COUNTS.items():
            for kind in ("images", "labels"):
                array = getattr(dataset, f"{split}_{kind}")
                assert array.dtype == np.uint8
                assert np.array_equal(array, getattr(mnist, f"{split}_{kind}")[:count])
    assert fetched.name == REPOSITORY
    assert fetched.class_names == mnist.class_names


def test_a_dataset_that_does_not_exist_is_told_in_one_sentence(files, far_from_home):
    with hub.serving(REPOSITORY, files) as address:
        far_from_home(address)
        with pytest.raises(data.DataError, match="nobody/nothing could not be fetched") as refusal:
            data.load_hugging_face("nobody/nothing")
    assert "\n" not in str(refusal.value)


def test_pictures_of_another_size_are_refused(far_from_home):
    pictures = [hub.png(np.zeros((32, 32), np.uint8))] * 3
    content = {"README.md": hub.CARD.encode()}
    for split in COUNTS:
        content[f"mnist/{split}-00000-of-00001.parquet"] = hub.parquet(pictures, np.zeros(3))
    with hub.serving(REPOSITORY, content) as address:
        far_from_home(address)
        with pytest.raises(data.DataError, match="32 x 32 pixels, where 28 x 28 was expected"):
            data.load_hugging_face(REPOSITORY)


def test_without_network_and_cache_it_fails_soon(far_from_home):
    far_from_home("http://127.0.0.1:1")
    started = time.monotonic()
    with pytest.raises(data.DataError, match="cannot be reached"):
        data.load_hugging_face(REPOSITORY)
    assert time.monotonic() - started < 20


def test_a_hub_that_never_answers_can_be_left(far_from_home):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        far_from_home(f"http://127.0.0.1:{silent.getsockname()[1]}")
        leave = threading.Event()
        threading.Timer(1.0, leave.set).start()
        started = time.monotonic()
        with pytest.raises(data.LoadingCancelledError):
            data.load_hugging_face(REPOSITORY, leave.is_set)
        assert time.monotonic() - started < 3


# ---------------------------------------------------------------- pictures


def test_photos_are_turned_upright(tmp_path):
    from PIL import Image

    picture = Image.new("L", (30, 10), 255)
    exif = Image.Exif()
    exif[274] = 6  # the camera was held on its side
    picture.save(tmp_path / "photo.jpg", exif=exif)
    assert data.read_image(tmp_path / "photo.jpg").shape == (30, 10)


@pytest.mark.parametrize(
    ("mode", "shape"), [("L", (8, 9)), ("1", (8, 9)), ("P", (8, 9, 3)), ("RGB", (8, 9, 3)), ("RGBA", (8, 9, 4))]
)
def test_every_kind_of_png_is_read(tmp_path, mode, shape):
    from PIL import Image

    Image.new(mode, (9, 8)).save(tmp_path / "p.png")
    assert data.read_image(tmp_path / "p.png").shape == shape


def test_sixteen_bits_of_grey_are_scaled(tmp_path):
    from PIL import Image

    values = np.array([[0, 256, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "deep.png")
    assert data.read_image(tmp_path / "deep.png").tolist() == [[0, 1, 255]]


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n cut", b"\xff\xd8\xff\xe0 cut"])
def test_what_is_no_picture_is_told(tmp_path, content):
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(data.DataError, match=r"x\.png"):
        data.read_image(tmp_path / "x.png")


def test_a_picture_that_was_cut_is_told(tmp_path):
    from PIL import Image

    whole = tmp_path / "whole.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90), np.uint8)).save(whole)
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[: os.path.getsize(whole) // 2])
    with pytest.raises(data.DataError, match="damaged"):
        data.read_image(tmp_path / "cut.png")


def test_an_enormous_picture_is_refused_unread(tmp_path):
    from PIL import Image

    Image.new("1", (9000, 9000)).save(tmp_path / "bomb.png")
    with pytest.raises(data.DataError, match="too large"):
        data.read_image(tmp_path / "bomb.png")
