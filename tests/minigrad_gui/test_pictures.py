"""Every usual kind of picture is read; damaged or malicious ones are refused quickly, in one sentence."""

import importlib.util
import io
import os
import struct
import threading
import time
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hub import BLANK, png_chunk

from minigrad_gui.pictures import PictureError, pictures_in, read_image


def test_photos_are_turned_upright(tmp_path):
    from PIL import Image

    picture = Image.new("L", (30, 10), 255)
    exif = Image.Exif()
    exif[274] = 6  # the camera was rotated
    picture.save(tmp_path / "photo.jpg", exif=exif)
    assert read_image(tmp_path / "photo.jpg").shape == (30, 10)


@pytest.mark.parametrize(
    ("mode", "shape"), [("L", (8, 9)), ("1", (8, 9)), ("P", (8, 9, 3)), ("RGB", (8, 9, 3)), ("RGBA", (8, 9, 4))]
)
def test_every_kind_of_png_is_read(tmp_path, mode, shape):
    from PIL import Image

    Image.new(mode, (9, 8)).save(tmp_path / "p.png")
    assert read_image(tmp_path / "p.png").shape == shape


def test_sixteen_bits_of_grey_are_scaled(tmp_path):
    from PIL import Image

    values = np.array([[0, 256, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "deep.png")
    assert read_image(tmp_path / "deep.png").tolist() == [[0, 1, 255]]


@pytest.mark.parametrize(("most", "expected"), [(200, [0, 100, 200]), (4000, [0, 125, 250]), (65535, [0, 127, 255])])
def test_partly_used_sixteen_bits_are_scaled_by_the_used_bits(tmp_path, most, expected):
    from PIL import Image

    Image.fromarray(np.array([[0, most // 2, most]], np.uint16)).save(tmp_path / "deep.png")
    assert read_image(tmp_path / "deep.png").tolist() == [expected]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"P5 3 1 65535\n\0\0\x80\0\xff\xff", [0, 128, 255]),
        (b"P5 3 1 4095\n\0\0\x08\0\x0f\xff", [0, 128, 255]),
        (b"P5 3 1 15\n\0\x08\x0f", [0, 136, 255]),
        (b"P2\n# drawn by hand\n3 1\n9\n0 3 9\n", [0, 85, 255]),
        (b"P1 3 1\n1 0\n0\n", [0, 255, 255]),
        (b"P4 3 1\n\x80", [0, 255, 255]),
    ],
)
def test_pgm_of_any_depth_and_in_text_is_scaled(tmp_path, content, expected):
    (tmp_path / "picture.pgm").write_bytes(content)
    assert read_image(tmp_path / "picture.pgm").tolist() == [expected]


def test_grey_of_floats_is_scaled(tmp_path):
    from PIL import Image

    Image.fromarray(np.array([[0, 0.5, 1]], np.float32)).save(tmp_path / "float.tif")
    assert read_image(tmp_path / "float.tif").tolist() == [[0, 128, 255]]


@pytest.mark.parametrize(
    "kind", ["png", "jpg", "bmp", "webp", "tif", "gif", "avif", "pgm", "ppm", "pbm", "pnm", "heic"]
)
def test_every_kind_of_file_is_read(tmp_path, kind):
    from PIL import Image, features

    if kind == "avif" and not features.check("avif"):
        pytest.skip("Pillow was built without AVIF here")
    if kind == "heic":
        pytest.importorskip("pillow_heif").register_heif_opener()
    shades = np.zeros((40, 60), np.uint8)
    shades[10:30, 20:40] = 255
    Image.fromarray(shades).convert("1" if kind == "pbm" else "L").save(tmp_path / f"picture.{kind}")
    read = read_image(tmp_path / f"picture.{kind}")
    gray = read.mean(axis=2) if read.ndim == 3 else read.astype(float)
    assert np.abs(gray - shades).mean() < 8


def test_a_heic_picture_is_read_or_the_package_is_named(tmp_path):
    (tmp_path / "photo.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    told = r"is not a picture\.$" if importlib.util.find_spec("pillow_heif") else r"without the package pillow-heif\.$"
    with pytest.raises(PictureError, match=told):
        read_image(tmp_path / "photo.HEIC")


def test_the_first_frame_of_an_animation_is_read(tmp_path):
    from PIL import Image

    frames = [Image.new("L", (8, 8), shade) for shade in (0, 255)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert read_image(tmp_path / "moving.gif").max() == 0


def test_a_photo_of_a_hundred_megapixels_is_shrunk_as_it_is_read(tmp_path):
    from PIL import Image

    Image.new("L", (12000, 9000), 99).save(tmp_path / "large.jpg")
    assert read_image(tmp_path / "large.jpg").shape == (4500, 6000)


def test_a_large_progressive_photo_is_shrunk_too(tmp_path):
    from PIL import Image

    Image.new("L", (8000, 6000), 99).save(tmp_path / "large.jpg", progressive=True)
    assert read_image(tmp_path / "large.jpg").shape == (3000, 4000)


def test_a_large_photo_that_must_be_decoded_whole_is_refused(tmp_path):
    from PIL import Image

    stream = io.BytesIO()
    Image.new("L", (8, 8), 99).save(stream, "jpeg", progressive=True)
    content = bytearray(stream.getvalue())
    frame = content.index(b"\xff\xc2")  # its length and the bits per shade, then height and width
    content[frame + 5 : frame + 9] = struct.pack(">HH", 9000, 10000)
    (tmp_path / "large.jpg").write_bytes(content)
    with pytest.raises(PictureError, match="too large for a progressive JPEG: 10000 x 9000 pixels"):
        read_image(tmp_path / "large.jpg")


def test_a_folder_and_a_wildcard_stand_for_their_pictures(tmp_path):
    for name in ("b.png", "a.JPG", "notes.txt"):
        (tmp_path / name).touch()
    pictures = [tmp_path / "a.JPG", tmp_path / "b.png"]
    assert pictures_in(tmp_path) == pictures
    assert pictures_in(tmp_path / "*.png") == pictures[1:]
    assert pictures_in(tmp_path / "notes.txt") == [tmp_path / "notes.txt"]
    (tmp_path / "[x].png").touch()
    assert pictures_in(tmp_path / "[x].png") == [tmp_path / "[x].png"]
    with pytest.raises(PictureError, match="matches no file"):
        pictures_in(tmp_path / "*.bmp")
    (tmp_path / "empty").mkdir()
    with pytest.raises(PictureError, match="holds no pictures"):
        pictures_in(tmp_path / "empty")


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n cut", b"\xff\xd8\xff\xe0 cut"])
def test_files_that_are_not_pictures_are_reported(tmp_path, content):
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(PictureError, match=r"x\.png"):
        read_image(tmp_path / "x.png")


def test_a_truncated_picture_is_reported(tmp_path):
    from PIL import Image

    whole = tmp_path / "whole.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90), np.uint8)).save(whole)
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[: os.path.getsize(whole) // 2])
    with pytest.raises(PictureError, match="damaged"):
        read_image(tmp_path / "cut.png")


def test_an_enormous_picture_is_refused_unread(tmp_path):
    from PIL import Image

    Image.new("1", (9000, 9000)).save(tmp_path / "bomb.png")
    with pytest.raises(PictureError, match="too large"):
        read_image(tmp_path / "bomb.png")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"P5 2000000000 2000000000 255\n", "damaged"),
        (b"P5 12000 12000 255\n", "too large: 12000 x 12000 pixels"),
        (b"P5 7000 7000 65535\n", "too large: 7000 x 7000"),
        (b"P5 1600 1600 100\n", "too large for a PPM in text or of an unusual depth: 1600 x 1600"),
        (b"P3 1600 1600 255\n", "too large for a PPM in text or of an unusual depth: 1600 x 1600"),
        (b"P2 9 9 255\n" + b"#\n" * 5_000_000, "too many comments"),
        (b"P5 9 9 99999\n" + bytes(81), "damaged"),
        (b"P5 9 9 255\n" + bytes(80), "damaged"),
        (b"P5 9 9 65535\n" + bytes(161), "damaged"),
        (b"P5 9 9 100\n" + bytes(80), "damaged"),
        (b"P2 2 2 255\n1 2 3", "damaged"),
        (b"P2 2 2 255\n1 2 3 256", "damaged"),
        (b"P1 2 2\n1 0 1 2", "damaged"),
        (b"P5 9", "damaged"),
        (b"P5 0 0 255\n", "damaged"),
        (b"P7 nonsense", "not a picture"),
    ],
)
def test_a_damaged_or_enormous_pgm_is_refused_at_once(tmp_path, content, told):
    (tmp_path / "picture.pgm").write_bytes(content)
    refused_at_once(tmp_path / "picture.pgm", told)


def refused_at_once(path: Path, match: str) -> None:
    started = time.thread_time()
    with pytest.raises(PictureError, match=match) as refusal:
        read_image(path)
    assert time.thread_time() - started < 2
    assert "\n" not in str(refusal.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_named_pipe_does_not_block(tmp_path):
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    release = threading.Timer(30, lambda: os.close(os.open(pipe, os.O_RDWR)))  # so that a failure does not block
    release.start()
    refused_at_once(pipe, r"pipe\.png is not a file\.")
    assert release.is_alive(), "it blocked"
    release.cancel()
    release.join()


@pytest.mark.parametrize("path", ["/dev/zero", "/", "/no/such/file.png"])
def test_paths_that_are_not_files_are_reported(path):
    refused_at_once(Path(path), "no such file" if "such" in path else "is not a file")


def test_a_file_of_absurd_size_is_refused_unread(tmp_path):
    with open(tmp_path / "long.png", "wb") as file:
        file.write(BLANK)
        file.truncate(1 << 40)
    refused_at_once(tmp_path / "long.png", "more than 64 MB")


def packed() -> bytes:
    """50 MB of zeros."""
    return zlib.compress(bytes(50 << 20), 1)


BOMBS = {
    "zTXt": lambda: b"Comment\0\0" + packed(),
    "iTXt": lambda: b"Comment\0\1\0\0\0" + packed(),
    "iCCP": lambda: b"profile\0\0" + packed(),
    "eXIf": lambda: b"MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\0\x02\x7f\xff\xff\xff\0\0\0\0" * 999,
    "acTL": lambda: b"\xff" * 8,
}


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs_outside_the_pixels_do_not_go_off(tmp_path, kind):
    """The picture is read without them, or refused; in either case quickly."""
    part = png_chunk(kind.encode(), BOMBS[kind]())
    (tmp_path / "bomb.png").write_bytes(BLANK[:33] + part + BLANK[33:])
    started = time.thread_time()
    with suppress(PictureError):
        assert read_image(tmp_path / "bomb.png").shape == (28, 28)
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
    assert read_image(tmp_path / "usual.jpg").shape == (2000, 2000)
    last = content[content.rindex(b"\xff\xda") : -2]
    (tmp_path / "absurd.jpg").write_bytes(content[:-2] + last * 1000 + content[-2:])
    refused_at_once(tmp_path / "absurd.jpg", "too many scans")
