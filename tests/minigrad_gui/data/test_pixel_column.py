"""Tables as FER-2013's: the pixels in one column."""

import base64
from dataclasses import replace

import numpy as np
import pytest
from own_files import assert_all_there, assert_same, encoded, opened

from minigrad_gui.data import DataError


def write(path, own, header="label,pixels,Usage\n", quote="", uses=("Training", "PublicTest")):
    lines = [
        f"{label},{quote}{' '.join(map(str, image.ravel()))}{quote},{use}\n"
        for images, labels, use in ((own.x, own.y, uses[0]), (own.tx, own.ty, uses[1]))
        for image, label in zip(images, labels, strict=True)
    ]
    path.write_text(header + "".join(lines))
    return path


@pytest.mark.parametrize("header", ["", "label,pixels,Usage\n", "emotion,pixels,Usage\n"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_pixels_in_one_column(own, tmp_path, header, quote):
    dataset = opened(write(tmp_path / "icml_face_data.csv", own, header, quote))
    if header.startswith("emotion"):  # digits are no emotions
        dataset = replace(dataset, class_names=tuple("0123456789"))
    assert_same(dataset, own)


@pytest.mark.parametrize(
    "cell",
    [
        lambda x: x.ravel().tolist(),
        lambda x: x.tolist(),
        lambda x: x.ravel(),
        lambda x: x.ravel() / 255,
        lambda x: (x.ravel() / 255).tolist(),
        lambda x: (x.ravel() / 127.5 - 1).tolist(),
    ],
    ids=["list", "lists", "array", "numbers in an array", "numbers", "negative numbers"],
)
@pytest.mark.parametrize("order", [["image", "label"], ["label", "image"], ["label", "image", "Usage"]])
def test_lists_and_arrays_as_pandas_writes_them(own, tmp_path, cell, order):
    pandas = pytest.importorskip("pandas")
    names = np.array(["even", "odd"])[own.y % 2]
    table = pandas.DataFrame({"image": list(map(cell, own.x)), "label": names, "Usage": "train"})
    table[order].to_csv(tmp_path / "a.csv", index=False)
    dataset = opened(tmp_path / "a.csv")
    assert dataset.class_names == ("even", "odd")
    assert_all_there(dataset, own.x, own.y % 2)


@pytest.mark.parametrize("side", [32, 64])
def test_arrays_of_which_pandas_wrote_the_corners_are_refused(own, tmp_path, side):
    pandas = pytest.importorskip("pandas")
    pictures = [np.pad(picture, (side - 28) // 2) for picture in own.x]
    pandas.DataFrame({"label": own.y, "image": pictures}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(DataError, match="only the corners of its pictures are there"):
        opened(tmp_path / "a.csv")


def test_lists_of_colours(own, tmp_path):
    pictures = np.stack([own.x, own.x // 2, own.x // 4], axis=3)
    np.savez(tmp_path / "b.npz", x=pictures, y=own.y)
    rows = [f'"{picture.tolist()}",{label}\n' for picture, label in zip(pictures, own.y, strict=True)]
    (tmp_path / "a.csv").write_text("".join(rows))
    dataset, wanted = opened(tmp_path / "a.csv"), opened(tmp_path / "b.npz")
    np.testing.assert_array_equal(dataset.train_images, wanted.train_images)


def test_emotions_have_names(tmp_path):
    rows = [f"{number % 7},{' '.join(['0 128 255 7'] * 576)}\n" for number in range(28)]
    (tmp_path / "train.csv").write_text("emotion,pixels\n" + "".join(rows))
    dataset = opened(tmp_path / "train.csv", sizing="scaled")
    assert dataset.class_names[3] == "happy"
    assert dataset.train_images.shape[1:] == (28, 28)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("label,pixels\n1," + "3 " * 784 + "\n2,3 4 5\n", "do not all hold as many"),
        ("label,pixels\n1," + "3 " * 784 + "\n2," + "x " * 784 + "\n", "something other than numbers"),
        ("label,pixels\n1," + "3 " * 784 + "\n2," + "1e99 " * 784 + "\n", "too large"),
        ("label,pixels\n1," + "3 " * 784 + "\n2\n", "row 3 is cut"),
        ("a,b,pixels\n1,2," + "3 " * 784 + "\n", "not clear which column"),
        ("label,pixels\n1," + "3 " * 785 + "\n", "not one of pictures"),
    ],
)
def test_other_text_is_refused(tmp_path, text, told):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match=told):
        opened(tmp_path / "a.csv")


def test_a_test_file_beside_it(own, tmp_path):
    for name, images, labels in (("train", own.x, own.y), ("test", own.tx, own.ty)):
        rows = [f"{label},{' '.join(map(str, image.ravel()))}\n" for image, label in zip(images, labels, strict=True)]
        (tmp_path / f"{name}.csv").write_text("label,pixels\n" + "".join(rows))
    assert_same(opened(tmp_path / "train.csv"), own)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "TIFF", "WebP"])
@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("label,image\n", "{label},{text}\n"),
        ("", "{text},{label}\n"),
        ("name,image,label,split\n", '{at}.png,"data:image/png;base64,{text}",{label},train\n'),
    ],
)
def test_files_in_base64(own, tmp_path, kind, header, row):
    options = {"lossless": True} if kind == "WebP" else {}
    rows = []
    for at, (image, label) in enumerate(zip(own.x, own.y, strict=True)):
        text = base64.b64encode(encoded(image, kind, **options)).decode()
        rows.append(row.format(at=at, label=label, text=text))
    (tmp_path / "a.csv").write_text(header + "".join(rows))
    assert_all_there(opened(tmp_path / "a.csv"), own.x, own.y)


def test_base64_that_is_no_picture_is_refused(own, tmp_path):
    texts = [base64.b64encode(encoded(image)).decode() for image in own.x[:40]]
    for odd, reason in (("x", "no picture in base64"), (texts[0][:80], "could not be read|not those of a picture")):
        rows = [
            f"{label},{odd if at == 20 else text}\n" for at, (text, label) in enumerate(zip(texts, own.y, strict=False))
        ]
        (tmp_path / "a.csv").write_text("".join(rows))
        with pytest.raises(DataError, match=reason):
            opened(tmp_path / "a.csv")
