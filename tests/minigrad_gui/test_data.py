"""The bundled MNIST is the original, and damaged or malicious files and pictures are refused in one sentence."""

import gzip
import hashlib
import importlib.util
import io
import os
import struct
import subprocess
import sys
import threading
import time
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hub import BLANK, png_chunk

from minigrad_gui import data
from minigrad_gui.data import load_mnist
from minigrad_gui.pen_digits import PenDigits

ROOT = Path(__file__).resolve().parents[2]


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
        load_mnist()


@pytest.fixture
def few(mnist) -> dict[str, np.ndarray]:
    """The arrays of a small dataset, to be spoilt."""
    return {key: getattr(mnist, key)[:30] for key in data.ARRAYS}


@pytest.fixture
def bundled(monkeypatch, tmp_path) -> Path:
    """Where the bundled digits are said to be."""
    monkeypatch.setattr(data, "asset_path", lambda name: tmp_path / name)
    return tmp_path / "mnist.npz"


@pytest.mark.parametrize(
    "change",
    [
        {"train_images": np.zeros((30, 28, 27), np.uint8)},
        {"train_images": np.zeros((29, 28, 28), np.uint8)},
        {"train_images": np.zeros((30, 28, 28), np.float32)},
        {"test_labels": np.full(30, 10, np.uint8)},
        {"test_labels": np.zeros((30, 1), np.uint8)},
        {"test_labels": np.zeros(30, np.int64)},
        {"test_labels": np.array(None)},
        {"test_images": np.zeros((0, 28, 28), np.uint8), "test_labels": np.zeros(0, np.uint8)},
        {"test_images": np.zeros((172_000, 28, 28), np.uint8), "test_labels": np.zeros(172_000, np.uint8)},
    ],
)
def test_arrays_that_are_not_digits_are_refused(bundled, few, change):
    np.savez_compressed(bundled, **{**few, **change})
    with pytest.raises(data.DataError, match="install minigrad again"):
        load_mnist()


def test_an_array_that_is_missing_is_told(bundled, few):
    del few["test_labels"]
    np.savez(bundled, **few)
    with pytest.raises(data.DataError, match="install minigrad again"):
        load_mnist()


def test_damage_is_told_or_does_not_matter(bundled, few):
    np.savez_compressed(bundled, **few)
    whole, refused = bundled.read_bytes(), 0
    cut = [whole[:length] for length in range(0, len(whole), 997)]
    flipped = [whole[:at] + bytes([whole[at] ^ 16]) + whole[at + 1 :] for at in range(0, len(whole), 61)]
    for content in cut + flipped:
        bundled.write_bytes(content)
        try:
            loaded = load_mnist()
        except data.DataError:
            refused += 1
        else:
            assert all(np.array_equal(getattr(loaded, key), array) for key, array in few.items())
    assert refused > 0.8 * len(cut + flipped)


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


@pytest.mark.parametrize(("most", "expected"), [(200, [0, 100, 200]), (4000, [0, 125, 250]), (65535, [0, 127, 255])])
def test_sixteen_bits_of_which_some_are_used_are_scaled_by_those(tmp_path, most, expected):
    from PIL import Image

    Image.fromarray(np.array([[0, most // 2, most]], np.uint16)).save(tmp_path / "deep.png")
    assert data.read_image(tmp_path / "deep.png").tolist() == [expected]


def test_grey_of_floats_is_scaled(tmp_path):
    from PIL import Image

    Image.fromarray(np.array([[0, 0.5, 1]], np.float32)).save(tmp_path / "float.tif")
    assert data.read_image(tmp_path / "float.tif").tolist() == [[0, 128, 255]]


@pytest.mark.parametrize("kind", ["png", "jpg", "bmp", "webp", "tif", "gif", "avif"])
def test_every_kind_of_file_is_read(tmp_path, kind):
    from PIL import Image, features

    if kind == "avif" and not features.check("avif"):
        pytest.skip("Pillow was built without AVIF here")
    shades = np.zeros((40, 60), np.uint8)
    shades[10:30, 20:40] = 255
    Image.fromarray(shades).save(tmp_path / f"picture.{kind}")
    read = data.read_image(tmp_path / f"picture.{kind}")
    gray = read.mean(axis=2) if read.ndim == 3 else read.astype(float)
    assert np.abs(gray - shades).mean() < 8


def test_a_heic_picture_is_read_or_the_package_is_named(tmp_path):
    (tmp_path / "photo.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    told = "damaged" if importlib.util.find_spec("pillow_heif") else r"without the package pillow-heif\.$"
    with pytest.raises(data.DataError, match=told):
        data.read_image(tmp_path / "photo.HEIC")


def test_of_an_animation_the_first_frame_is_read(tmp_path):
    from PIL import Image

    frames = [Image.new("L", (8, 8), shade) for shade in (0, 255)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert data.read_image(tmp_path / "moving.gif").max() == 0


def test_a_photo_of_a_hundred_megapixels_is_shrunk_as_it_is_read(tmp_path):
    from PIL import Image

    Image.new("L", (12000, 9000), 99).save(tmp_path / "large.jpg")
    assert data.read_image(tmp_path / "large.jpg").shape == (4500, 6000)


def test_a_large_photo_of_which_all_must_be_held_in_memory_is_refused(tmp_path):
    from PIL import Image

    Image.new("L", (8000, 6000), 99).save(tmp_path / "large.jpg", progressive=True)
    with pytest.raises(data.DataError, match="too large: 8000 x 6000 pixels"):
        data.read_image(tmp_path / "large.jpg")


def test_a_folder_and_a_wildcard_are_the_pictures_in_them(tmp_path):
    for name in ("b.png", "a.JPG", "notes.txt"):
        (tmp_path / name).touch()
    pictures = [tmp_path / "a.JPG", tmp_path / "b.png"]
    assert data.pictures_in(tmp_path) == pictures
    assert data.pictures_in(tmp_path / "*.png") == pictures[1:]
    assert data.pictures_in(tmp_path / "notes.txt") == [tmp_path / "notes.txt"]
    (tmp_path / "[x].png").touch()
    assert data.pictures_in(tmp_path / "[x].png") == [tmp_path / "[x].png"]
    with pytest.raises(data.DataError, match="matches no file"):
        data.pictures_in(tmp_path / "*.bmp")
    (tmp_path / "empty").mkdir()
    with pytest.raises(data.DataError, match="holds no pictures"):
        data.pictures_in(tmp_path / "empty")


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


def refused_at_once(path: Path, match: str) -> None:
    started = time.thread_time()
    with pytest.raises(data.DataError, match=match) as refusal:
        data.read_image(path)
    assert time.thread_time() - started < 2
    assert "\n" not in str(refusal.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_named_pipe_is_not_waited_for(tmp_path):
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    release = threading.Timer(30, lambda: os.close(os.open(pipe, os.O_RDWR)))  # so that a failure is no standstill
    release.start()
    refused_at_once(pipe, r"pipe\.png is not a file\.")
    assert release.is_alive(), "it was waited for"
    release.cancel()
    release.join()


@pytest.mark.parametrize("path", ["/dev/zero", "/", "/no/such/file.png"])
def test_what_is_no_file_is_told(path):
    refused_at_once(Path(path), "no such file" if "such" in path else "is not a file")


def test_a_file_of_absurd_size_is_refused_unread(tmp_path):
    with open(tmp_path / "long.png", "wb") as file:
        file.write(BLANK)
        file.truncate(1 << 40)
    refused_at_once(tmp_path / "long.png", "more than 64 MB")


@pytest.mark.parametrize(
    "part",
    [
        png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50 << 20))),
        png_chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(bytes(50 << 20))),
        png_chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(50 << 20))),
        png_chunk(b"eXIf", b"MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\0\x02\x7f\xff\xff\xff\0\0\0\0" * 999),
        png_chunk(b"acTL", b"\xff" * 8),
    ],
)
def test_bombs_beside_the_pixels_do_not_go_off(tmp_path, part):
    """The picture is read without them, or refused; either way soon."""
    (tmp_path / "bomb.png").write_bytes(BLANK[:33] + part + BLANK[33:])
    started = time.thread_time()
    with suppress(data.DataError):
        assert data.read_image(tmp_path / "bomb.png").shape == (28, 28)
    assert time.thread_time() - started < 2


def test_a_png_of_absurdly_many_parts_is_refused(tmp_path):
    (tmp_path / "absurd.png").write_bytes(BLANK[:33] + png_chunk(b"abCd", b"") * 1_000_000 + BLANK[33:])
    refused_at_once(tmp_path / "absurd.png", "too many parts")


def test_a_jpeg_of_absurdly_many_scans_is_refused(tmp_path):
    from PIL import Image

    stream = io.BytesIO()
    Image.new("L", (2000, 2000), 99).save(stream, "jpeg", progressive=True)
    content = stream.getvalue()
    (tmp_path / "usual.jpg").write_bytes(content)
    assert data.read_image(tmp_path / "usual.jpg").shape == (2000, 2000)
    last = content[content.rindex(b"\xff\xda") : -2]
    (tmp_path / "absurd.jpg").write_bytes(content[:-2] + last * 1000 + content[-2:])
    refused_at_once(tmp_path / "absurd.jpg", "too many scans")


# ---------------------------------------------------------------- pen strokes


DRAWN = 700


@pytest.fixture
def few_drawings(monkeypatch):
    """Whatever loads the pen strokes gets the first 700; the number of copies and outliers is small, too."""
    drawn = data._pen_strokes()
    few = PenDigits(drawn.drawings[:DRAWN], drawn.labels[:DRAWN], drawn.writers[:DRAWN])
    monkeypatch.setattr(data, "_pen_strokes", lambda: few)
    monkeypatch.setattr(data, "PEN_COPIES", 2)
    monkeypatch.setattr(data, "OUTLIER_COUNT", 60)
    return few


def test_the_pen_strokes_of_people_to_test_on_are_not_trained_on(few_drawings):
    pen = data.load_pen_digits()
    tests = few_drawings.writers > 24
    assert 80 < tests.sum() < 200
    np.testing.assert_array_equal(pen.train_labels, few_drawings.labels[~tests])
    np.testing.assert_array_equal(pen.test_labels, few_drawings.labels[tests])
    assert (len(pen.train_images), len(pen.test_images)) == ((~tests).sum(), tests.sum())
    assert pen.class_names == tuple("0123456789")
    assert not len(pen.outliers)


def test_what_is_said_of_mnist_with_pen_strokes_is_true():
    source = data.SOURCES[data.MNIST_AND_PEN]
    assert len(data._pen_strokes().drawings) == data.PEN_COUNT
    assert source.training_count == 60_000 + data.PEN_COPIES * data.PEN_COUNT
    assert source.outlier_count == data.OUTLIER_COUNT


@pytest.mark.usefixtures("few_drawings")
def test_mnist_with_pen_strokes_holds_both(mnist):
    both = data.load(data.MNIST_AND_PEN)
    np.testing.assert_array_equal(both.train_images[:60_000], mnist.train_images)
    assert len(both.train_images) == len(both.train_labels) == 60_000 + 2 * DRAWN
    np.testing.assert_array_equal(both.train_labels[-DRAWN:], both.train_labels[60_000:-DRAWN])
    assert both.outliers.shape == (60, 28, 28)
    assert both.test_images is mnist.test_images or (both.test_images == mnist.test_images).all()


@pytest.mark.usefixtures("few_drawings")
def test_people_can_be_held_out(monkeypatch):
    monkeypatch.setattr(data, "PEN_COPIES", 1)
    pen = data.load_pen_digits()
    both = data.load_mnist_and_pen_digits(held_out=range(25, 31))
    np.testing.assert_array_equal(both.train_images[60_000:], pen.train_images)
    np.testing.assert_array_equal(both.train_labels[60_000:], pen.train_labels)


def test_drawing_them_can_be_cancelled():
    asked = []

    def cancelled():
        asked.append(True)
        return len(asked) == 3

    with pytest.raises(data.LoadingCancelledError):
        data.load(data.MNIST_AND_PEN, cancelled)


def test_missing_pen_strokes_are_told_in_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(data, "asset_path", lambda name: tmp_path / name)
    with pytest.raises(data.DataError, match=r"pen strokes .* are missing or damaged; install minigrad again"):
        data.load_pen_digits()
