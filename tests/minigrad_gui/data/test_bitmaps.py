"""Bitmaps in text become pictures with the digits below them."""

import numpy as np
import pytest
from own_files import assert_same, opened, write, zipped

from minigrad_gui.data import DataError

HEAD = "1.00\nentwidth 28\n  entheight 28\nencoded on\n\n"


def text(x: np.ndarray, y: np.ndarray) -> str:
    pictures = ("\n".join("".join(map(str, row)) for row in (picture > 127).astype(int)) for picture in x)
    return HEAD + "".join(f"{picture}\n {label}\n" for picture, label in zip(pictures, y, strict=True))


def test_training_and_test_file(own, tmp_path):
    (tmp_path / "optdigits-orig.tra").write_text(text(own.x, own.y))
    (tmp_path / "optdigits-orig.tes").write_text(text(own.tx, own.ty))
    black = [np.where(x > 127, 255, 0).astype(np.uint8) for x in (own.x, own.tx)]
    assert_same(opened(tmp_path / "optdigits-orig.tra"), type(own)(x=black[0], y=own.y, tx=black[1], ty=own.ty))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: t[: t.rindex("\n", 0, -3)], "ends too early"),
        (lambda t: t.replace("0\n0", "\n0", 1), "not of one length"),
    ],
)
def test_incomplete_pictures_are_refused(own, tmp_path, change, reason):
    (tmp_path / "a.txt").write_text(change(text(own.x[:9], own.y[:9])))
    with pytest.raises(DataError, match=reason):
        opened(tmp_path / "a.txt")


def shaded(pictures: np.ndarray) -> bytes:
    """As Berkeley's CS188 holds digits: blanks, + and #."""
    signs = np.array([b" ", b"+", b"#"])[(pictures > 0).astype(int) + (pictures > 170)]
    return b"".join(row.tobytes() + b"\n" for picture in signs for row in picture)


def lines(labels: np.ndarray) -> bytes:
    return "".join(f"{label}\n" for label in labels).encode()


@pytest.fixture(scope="module")
def digitdata(own):
    files = {"trainingimages": shaded(own.x), "traininglabels": lines(own.y)}
    return files | {"testimages": shaded(own.tx), "testlabels": lines(own.ty)}


@pytest.mark.parametrize(
    "pack",
    [
        write,
        lambda root, files: write(root, files) / "trainingimages",
        lambda root, files: zipped(root / "data.zip", {f"digitdata/{name}": files[name] for name in files}),
    ],
)
def test_pictures_of_blanks_pluses_and_hashes(own, digitdata, tmp_path, pack):
    x, tx = (np.select([each > 170, each > 0], [255, 128]).astype(np.uint8) for each in (own.x, own.tx))
    assert_same(opened(pack(tmp_path, digitdata)), type(own)(x=x, y=own.y, tx=tx, ty=own.ty))


def test_blanks_at_the_ends_of_lines_may_be_missing(own, digitdata, tmp_path):
    files = {name: content.replace(b"\n", b"\r\n") for name, content in digitdata.items()}
    files["trainingimages"] = b"".join(line.rstrip() + b"\n" for line in digitdata["trainingimages"].splitlines())
    dataset, padded = opened(write(tmp_path / "a", files)), opened(write(tmp_path / "b", digitdata))
    assert {image.tobytes() for image in dataset.test_images} == {image.tobytes() for image in padded.test_images}
    np.testing.assert_array_equal(dataset.train_labels, own.y)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"traininglabels": b""}, "its pictures have no labels|it holds no pictures"),
        ({"traininglabels": lines(np.arange(100) % 10)}, "5,600 lines of pictures, but 100 labels"),
        ({"trainingimages": shaded(np.full((199, 28, 28), 255, np.uint8))}, "5,572 lines of pictures, but 200 labels"),
        ({"trainingimages": b" + \n" * 200 + b"x\n"}, "other characters than blanks"),
        ({"trainingimages": b"+" * 600 + b"\n"}, "no format that can be read"),
    ],
)
def test_shades_that_do_not_fit_their_labels_are_refused(digitdata, tmp_path, change, reason):
    with pytest.raises(DataError, match=reason):
        opened(write(tmp_path, digitdata | change) / "trainingimages")
