"""Tables of numbers as Kaggle, ARDIS, USPS and UCI publish them."""

import bz2
import io

import numpy as np
import pytest
from own_files import assert_all_there, assert_same, opened

from minigrad_gui.data import DataError
from minigrad_gui.data.tables import layout_of, numbers_in


def text(columns: np.ndarray, head: str = "", delimiter: str = ",", end: str = "") -> str:
    return head + "".join(delimiter.join(map(str, row)) + end + "\n" for row in columns.tolist())


@pytest.fixture(scope="module")
def rows(own):
    return own.x.reshape(len(own.x), -1).astype(int)


HEADER = ",".join(f"pixel{number}" for number in range(784))


@pytest.mark.parametrize("head", [f"label,{HEADER}\n", "", f"\ufefflabel,{HEADER}\r\n"])
def test_label_first_with_and_without_a_header(own, rows, tmp_path, head):
    (tmp_path / "digits.csv").write_text(text(np.column_stack([own.y, rows]), head), encoding="utf-8")
    assert_all_there(opened(tmp_path / "digits.csv"), own.x, own.y)


@pytest.mark.parametrize("form", ["%.18e", "%.7e"], ids=["savetxt", "-ascii"])
def test_numbers_with_exponents_as_numpy_and_matlab_write_them(own, rows, tmp_path, form):
    for name, labels in (("digits.txt", own.y), ("one_hot.txt", np.eye(10)[own.y])):
        np.savetxt(tmp_path / name, np.column_stack([rows, labels]), form)
        dataset = opened(tmp_path / name)
        assert dataset.class_names == tuple("0123456789")
        assert_all_there(dataset, own.x, own.y)


def test_label_last_row_numbers_and_header(own, rows, tmp_path):
    columns = np.column_stack([np.arange(len(rows)), rows, own.y])
    (tmp_path / "digits.csv").write_text(text(columns, f",{HEADER},class\n"))
    assert_all_there(opened(tmp_path / "digits.csv"), own.x, own.y)


def test_a_header_that_only_counts_is_no_digit(own, rows, tmp_path):
    (tmp_path / "digits.csv").write_text(text(np.column_stack([own.y, rows]), ",".join(map(str, range(785))) + "\n"))
    assert_all_there(opened(tmp_path / "digits.csv"), own.x, own.y)


@pytest.mark.parametrize("place", [0, 784])
@pytest.mark.parametrize("words", [True, False])
@pytest.mark.parametrize("is_numbered", [True, False])
def test_a_picture_that_pandas_took_for_a_header_is_none(own, rows, tmp_path, place, words, is_numbered):
    """It read a table without a header, and wrote it again."""
    pandas = pytest.importorskip("pandas")
    labels = np.array([f"digit {label}" for label in own.y]) if words else own.y
    table = io.StringIO(text(np.insert(rows.astype(object), place, labels, axis=1)))
    pandas.read_csv(table).to_csv(tmp_path / "a.csv", index=is_numbered)
    dataset = opened(tmp_path / "a.csv")
    assert_all_there(dataset, own.x[1:], own.y[1:])
    assert dataset.origin.remarks[0] == "Its first line is a picture that was taken for a header, and is left out."


def test_a_row_of_different_numbers_is_no_header():
    row = ["0", *(f"0.{number}" for number in range(5, 69))]
    assert layout_of([",".join(row)] * 2).skipped == 0


@pytest.mark.parametrize("pixels", [HEADER, ",".join(map(str, range(784)))])
@pytest.mark.parametrize("place", ["first", "last", "numbered"])
def test_a_header_over_labels_in_words_is_no_picture(own, rows, tmp_path, pixels, place):
    """As pandas writes it: columns without names are counted."""
    lines = [pixels, *text(rows).splitlines()]
    labels = ["class", *(f"digit {label}" for label in own.y)]
    if place == "first":
        table = [f"{label},{line}" for label, line in zip(labels, lines, strict=True)]
    else:
        table = [f"{line},{label}" for label, line in zip(labels, lines, strict=True)]
    if place == "numbered":
        table = [f"{number},{line}" for number, line in zip(["", *range(len(rows))], table, strict=True)]
    (tmp_path / "digits.csv").write_text("\n".join(table) + "\n")
    dataset = opened(tmp_path / "digits.csv")
    assert dataset.class_names == tuple(f"digit {digit}" for digit in range(10))
    assert_all_there(dataset, own.x, own.y)


def test_kaggle_test_pictures_without_labels_are_left_out(own, rows, tmp_path):
    (tmp_path / "train.csv").write_text(text(np.column_stack([own.y, rows]), f"label,{HEADER}\n"))
    (tmp_path / "test.csv").write_text(text(rows[:90], f"{HEADER}\n"))
    dataset = opened(tmp_path / "train.csv")
    assert_all_there(dataset, own.x, own.y)
    assert "have no labels and are left out" in dataset.origin.remarks[0]


def test_rows_without_a_label_are_left_out_and_told(own, rows, tmp_path):
    lines = text(np.column_stack([own.y, rows])).splitlines()
    lines[3:5] = [line[1:] for line in lines[3:5]]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    dataset = opened(tmp_path / "a.csv")
    assert_all_there(dataset, np.delete(own.x, (3, 4), 0), np.delete(own.y, (3, 4)))
    assert "Pictures without a label are left out: 2." in dataset.origin.remarks
    (tmp_path / "a.csv").write_text("\n".join(["label," + HEADER, *(line[line.index(",") :] for line in lines)]))
    with pytest.raises(DataError, match="its pictures have no labels"):
        opened(tmp_path / "a.csv")


def test_training_and_test_table_belong_together(own, rows, tmp_path):
    (tmp_path / "mnist_train.csv").write_text(text(np.column_stack([own.y, rows])))
    test = np.column_stack([own.ty, own.tx.reshape(90, -1)])
    (tmp_path / "mnist_test.csv").write_text(text(test))
    assert_same(opened(tmp_path / "mnist_train.csv"), own)


def test_ardis_has_one_hot_labels_in_a_file_of_their_own(own, rows, tmp_path):
    (tmp_path / "ARDIS_train_2828.csv").write_text(text(rows.astype(float), delimiter=" "))
    (tmp_path / "ARDIS_train_labels.csv").write_text(text(np.eye(10, dtype=int)[own.y], delimiter=" "))
    test = own.tx.reshape(90, -1).astype(float)
    (tmp_path / "ARDIS_test_2828.csv").write_text(text(test, delimiter=" "))
    (tmp_path / "ARDIS_test_labels.csv").write_text(text(np.eye(10, dtype=int)[own.ty], delimiter=" "))
    assert_same(opened(tmp_path / "ARDIS_train_2828.csv"), own)


@pytest.mark.parametrize("by", ["x", " x "])
def test_ahcd_has_the_size_of_each_table_in_its_name(own, rows, tmp_path, by):
    tables = {"TrainImages": rows, "TrainLabel": own.y[:, None], "TestLabel": own.ty[:, None]}
    for name, table in {**tables, "TestImages": own.tx.reshape(-1, 784)}.items():
        (tmp_path / f"csv{name} {len(table)}{by}{table.shape[1]}.csv").write_text(text(table))
    assert_same(opened(tmp_path), own)
    assert_same(opened(tmp_path / f"csvTestLabel 90{by}1.csv"), own)


def test_tables_of_pictures_of_other_sizes_are_not_taken_together(own, rows, tmp_path):
    (tmp_path / "a_28x28.csv").write_text(text(np.column_stack([own.y, rows])))
    small = own.tx[:, 8:16, 8:16].reshape(-1, 64)
    (tmp_path / "a_8x8.csv").write_text(text(np.column_stack([own.ty, small])))
    assert_all_there(opened(tmp_path / "a_28x28.csv"), own.x, own.y)


@pytest.mark.parametrize(
    ("lines", "delimiter", "numbers"),
    [
        (["0,+2,-3", "4,255,65535"], ",", [[0, 2, -3], [4, 255, 65535]]),
        (["0,255", "0.5,1e2"], ",", [[0, 255], [0.5, 100]]),
        (["  7   8 ", "9\t.5"], None, [[7, 8], [9, 0.5]]),
    ],
)
def test_whole_numbers_and_others_are_read_as_they_are(lines, delimiter, numbers):
    """One fraction among whole numbers is not cut off."""
    found = numbers_in(lines, delimiter, len(numbers[0]))
    assert found.dtype == np.float32
    assert found.tolist() == numbers


@pytest.mark.parametrize("lines", [["1,2", "3"], ["1,2", "3,x"], ["1,2", "3,"], ["1,2,3", "4,5,6"], ["1,2", "3,nine"]])
def test_uneven_lines_and_words_are_refused(lines):
    with pytest.raises(DataError, match="do not all hold as many numbers"):
        numbers_in(lines, ",", 2)


def test_numbered_rows_with_one_hot_labels(own, rows, tmp_path):
    table = np.column_stack([range(len(rows)), rows, np.eye(10, dtype=int)[own.y]])
    (tmp_path / "a.csv").write_text(text(table, ",".join(["", *HEADER.split(","), *"0123456789"]) + "\n"))
    assert_all_there(opened(tmp_path / "a.csv"), own.x, own.y)


def test_semeion_has_one_hot_labels_in_the_last_columns(own, rows, tmp_path):
    one_hot = np.eye(10, dtype=int)[own.y]
    lines = [
        f"{text(a[None], delimiter=' ')[:-1]} {text(b[None], delimiter=' ')}"
        for a, b in zip(rows / 1, one_hot, strict=True)
    ]
    (tmp_path / "semeion.data").write_text("".join(lines))
    assert_all_there(opened(tmp_path / "semeion.data"), own.x, own.y)


def test_usps_lines_end_with_blanks(own, rows, tmp_path):
    columns = np.column_stack([own.y, np.round(rows / 127.5 - 1, 4)])
    (tmp_path / "zip.train").write_text(text(columns, delimiter=" ", end=" "))
    dataset = opened(tmp_path / "zip.train")
    assert_all_there(dataset, own.x, own.y)


def test_256_does_not_wrap_to_0(own, rows, tmp_path):
    bright = np.where(rows == 255, 256, rows)
    (tmp_path / "a.csv").write_text(text(np.column_stack([own.y, bright])))
    dataset = opened(tmp_path / "a.csv")
    assert dataset.train_images.max() == 255
    found, wanted = np.concatenate([dataset.train_images, dataset.test_images]), own.x
    assert abs(found.mean() / wanted.mean() - 1) < 0.01


def test_labels_in_words_and_bzip2(own, rows, tmp_path):
    names = np.array(["even", "odd"])[own.y % 2]
    lines = [f'"{name}",{text(row[None])}' for name, row in zip(names, rows, strict=True)]
    (tmp_path / "a.csv.bz2").write_bytes(bz2.compress("".join(lines).encode()))
    dataset = opened(tmp_path / "a.csv.bz2")
    assert dataset.class_names == ("even", "odd")
    assert_all_there(dataset, own.x, own.y % 2)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", " "])
@pytest.mark.parametrize("place", [0, 784])
@pytest.mark.parametrize("has_head", [True, False])
def test_quoted_names_hold_what_separates_fields(own, rows, tmp_path, delimiter, place, has_head):
    names = ["Ankle boot; brown", "Bag", "T-shirt, top"]
    labels = [f'"{names[label % 3]}"' for label in own.y]
    header = HEADER.split(",")
    header.insert(place, '"label, as ""is"""')
    table = text(np.insert(rows.astype(object), place, labels, axis=1), delimiter=delimiter)
    (tmp_path / "a.csv").write_text((delimiter.join(header) + "\n") * has_head + table)
    dataset = opened(tmp_path / "a.csv")
    assert dataset.class_names == tuple(names)
    assert_all_there(dataset, own.x, own.y % 3)


def test_whole_lines_and_numbers_in_quotes(own, rows, tmp_path):
    """As spreadsheets have it that took all for one column, or for text."""
    lines = text(np.column_stack([own.y, rows]), f"label,{HEADER}\n").splitlines()
    (tmp_path / "a.csv").write_text("".join(f'"{line}"\n' for line in lines))
    assert_all_there(opened(tmp_path / "a.csv"), own.x, own.y)
    (tmp_path / "a.csv").write_text(
        "".join('"' + line.replace(",", '";"') + '"\n' for line in lines).replace('"0"', '"0,0"')
    )
    assert_all_there(opened(tmp_path / "a.csv"), own.x, own.y)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda lines: [*lines[:-1], lines[-1][:-9]], "do not all hold as many numbers"),
        (lambda lines: [*lines[:-1], lines[-1].replace(",0", ",x", 1)], "do not all hold as many numbers"),
        (lambda lines: [*lines[:-1], lines[-1].replace(",0", ",nan", 1)], "not finite"),
        (
            lambda lines: [line[:40] for line in lines],
            "but not a label and the pixels|as many numbers",
        ),
        (lambda lines: ["," * 2_000_000, *lines], "line that is too long"),
        (lambda lines: [HEADER], "no pictures"),  # noqa: ARG005
    ],
)
def test_unsuitable_tables_are_refused(own, rows, tmp_path, change, reason):
    lines = text(np.column_stack([own.y, rows])).splitlines()
    (tmp_path / "a.csv").write_text("\n".join(change(lines)))
    with pytest.raises(DataError, match=reason):
        opened(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            "name;age\nAnna;12\nBen;13\n",
            "each row holds text such as “Anna” and 1 number, but not a label",
        ),
        ("file,label\na.png,3\nb.PNG,4\n", "it names picture files; open the folder that holds it and them."),
        ("image_path,label\ndata\\a.png,cat\ndata\\b.png,dog\n", "it names picture files; open the folder"),
    ],
)
def test_what_is_wrong_with_other_tables_is_named(tmp_path, content, reason):
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(DataError, match=reason):
        opened(tmp_path / "a.csv")


@pytest.mark.parametrize("head", ["", f"label;{HEADER.replace(',', ';')}\n"])
def test_decimal_commas(own, rows, tmp_path, head):
    """As Excel writes them where people write numbers so."""
    table = np.column_stack([own.y.astype(object), np.round(rows / 255, 4)])
    (tmp_path / "a.csv").write_text(head + text(table, delimiter=";").replace(".", ","))
    assert_all_there(opened(tmp_path / "a.csv"), own.x, own.y)


@pytest.mark.parametrize("name", ["image_id", "ImageId", "no", "fold", "width", "img"])
@pytest.mark.parametrize("place", [0, 1, 300, 785])
def test_columns_of_numbers_that_are_no_pixels_are_left_out_and_told(own, rows, tmp_path, name, place):
    names, columns = ["label", *HEADER.split(",")], np.column_stack([own.y, rows])
    table = np.insert(columns, place, np.arange(len(rows)) % 7, axis=1)
    (tmp_path / "a.csv").write_text(text(table, ",".join([*names[:place], name, *names[place:]]) + "\n"))
    dataset = opened(tmp_path / "a.csv")
    assert_all_there(dataset, own.x, own.y)
    assert f"Columns of numbers that are no pixels are left out: {name}." in dataset.origin.remarks


def test_columns_of_numbers_and_text_are_left_out_beside_one_hot_labels(own, rows, tmp_path):
    table = np.column_stack(
        [range(len(rows)), [f"a{at}.png" for at in own.y], range(len(rows)), np.eye(10, dtype=int)[own.y]]
    )
    names = ["", "file", "no", *(f"label_{digit}" for digit in range(10)), *HEADER.split(",")]
    (tmp_path / "a.csv").write_text(text(np.column_stack([table, rows]), ",".join(names) + "\n"))
    dataset = opened(tmp_path / "a.csv")
    assert_all_there(dataset, own.x, own.y)
    assert dataset.origin.remarks[:2] == (
        "Columns of text that are no labels are left out: file.",
        "Columns of numbers that are no pixels are left out: no.",
    )


def test_numbers_of_pictures_are_no_labels_of_test_pictures(own, rows, tmp_path):
    """As the last pixels are, which are blank."""
    (tmp_path / "train.csv").write_text(text(np.column_stack([own.y, rows]), f"label,{HEADER}\n"))
    (tmp_path / "test.csv").write_text(text(np.column_stack([range(101, 191), rows[:90]]), f"ImageId,{HEADER}\n"))
    dataset = opened(tmp_path / "train.csv")
    assert_all_there(dataset, own.x, own.y)
    assert "have no labels and are left out" in dataset.origin.remarks[0]


@pytest.mark.parametrize("pixels", ["p{}", "pixel_{0}_{0}", "{}"])
@pytest.mark.parametrize("place", [0, 1, 20, 63, 64])
@pytest.mark.parametrize("words", [True, False])
def test_the_header_says_where_the_label_is(own, tmp_path, pixels, place, words):
    """If the last pixels were labels, they would have few values, too."""
    small = (own.x[:, 2:26, 2:26].reshape(-1, 8, 3, 8, 3).mean(axis=(2, 4)) // 16).astype(int)
    np.savez(tmp_path / "a.npz", x=small, y=own.y)
    labels = np.array([f"digit {label}" for label in own.y]) if words else own.y
    names = [pixels.format(at) for at in range(64)]
    table = np.insert(small.reshape(-1, 64).astype(object), place, labels, axis=1)
    (tmp_path / "b.csv").write_text(text(table, ",".join([*names[:place], "label", *names[place:]]) + "\n"))
    dataset = opened(tmp_path / "b.csv")
    assert dataset.class_names == tuple(f"digit {digit}" if words else str(digit) for digit in range(10))
    wanted = opened(tmp_path / "a.npz")
    np.testing.assert_array_equal(dataset.train_images, wanted.train_images)
    np.testing.assert_array_equal(dataset.train_labels, wanted.train_labels)


def test_pixels_are_in_the_order_of_their_numbers(own, rows, tmp_path):
    """Sorted as text, pixel10 comes before pixel2."""
    names = sorted([*HEADER.split(","), "label"])
    table = np.column_stack([own.y, rows])[:, [["label", *HEADER.split(",")].index(name) for name in names]]
    (tmp_path / "a.csv").write_text(text(table, ",".join(names) + "\n"))
    assert_all_there(opened(tmp_path / "a.csv"), own.x, own.y)


def test_uneven_rows_are_refused_where_columns_are_left_out(own, rows, tmp_path):
    lines = text(np.column_stack([own.y, own.y, rows]), f"fold,label,{HEADER}\n").splitlines()
    long = np.repeat(lines[1:], 4).tolist()
    (tmp_path / "a.csv").write_text("\n".join([lines[0], *long, long[-1] + ",0"]))
    with pytest.raises(DataError, match="do not all hold as many numbers"):
        opened(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("head", "delimiter", "end", "encoding"),
    [
        ("", "\t", "\r\n", "utf-16"),
        ("", ";", "\r", "utf-8"),
        ("sep=;\n", ";", "\n", "utf-8-sig"),
        ("sep=\t\n", "\t", "\n", "utf-16"),
    ],
)
@pytest.mark.parametrize("has_head", [True, False])
def test_tables_that_excel_writes(own, rows, tmp_path, head, delimiter, end, encoding, has_head):
    head += f"label,{HEADER}\n".replace(",", delimiter) if has_head else ""
    table = text(np.column_stack([own.y, rows]), head, delimiter)
    (tmp_path / "a.csv").write_bytes(table.replace("\n", end).encode(encoding))
    assert_all_there(opened(tmp_path / "a.csv"), own.x, own.y)


@pytest.mark.parametrize("has_head", [True, False])
@pytest.mark.parametrize("words", [True, False])
def test_names_of_files_and_dates_are_left_out_and_told(own, rows, tmp_path, has_head, words):
    labels = np.array([f"digit {label}" if words else str(label) for label in own.y])
    names = [f"img{at}" for at in range(len(rows))]
    table = np.column_stack([names, labels, rows, ["2024-01-01"] * len(rows)])
    (tmp_path / "a.csv").write_text(text(table, f"file,label,{HEADER},date\n" if has_head else ""))
    dataset = opened(tmp_path / "a.csv")
    assert_all_there(dataset, own.x, own.y)
    columns = "file, date" if has_head else "column 1, column 787"
    assert f"Columns of text that are no labels are left out: {columns}." in dataset.origin.remarks


def test_the_column_with_more_values_is_the_label():
    lines = [f"{number % 3},{','.join(['0'] * 64)}" for number in range(9)]
    assert layout_of(lines).label == "first"
    assert layout_of([",".join(reversed(line.split(","))) for line in lines]).label == "last"


@pytest.mark.parametrize("name", ["digits.csv", "labels.csv"])
def test_pixels_in_a_file_whose_name_speaks_of_labels(own, tmp_path, name):
    """As pandas writes scikit-learn's digits: with row numbers and 64 pixels, as few as one-hot labels may be."""
    small = own.x[:, 2:26, 2:26].reshape(-1, 8, 3, 8, 3).mean(axis=(2, 4)).astype(int).reshape(-1, 64)
    table = np.column_stack([np.arange(len(small)), small, own.y])
    header = ",".join(["", *(f"pixel_{at // 8}_{at % 8}" for at in range(64)), "target"])
    (tmp_path / name).write_text(f"{header}\n{text(table)}")
    dataset = opened(tmp_path / name)
    labels = np.concatenate([dataset.train_labels, dataset.test_labels])
    assert np.bincount(labels).tolist() == np.bincount(own.y).tolist()


def test_bits_without_blanks_and_one_hot_labels_in_one_piece(own, tmp_path):
    """As neural networks in C and Go have semeion and pendigits."""
    bits = (own.x > 127).astype(int).reshape(len(own.x), -1)
    one_hot = np.eye(10, dtype=int)[own.y]
    (tmp_path / "a.data").write_text("\n".join("".join(map(str, row)) for row in np.column_stack([bits, one_hot])))
    assert_all_there(opened(tmp_path / "a.data"), np.where(own.x > 127, 255, 0).astype(np.uint8), own.y)
    rows = [f"{','.join(map(str, x.ravel()))},{''.join(map(str, y))}" for x, y in zip(own.x, one_hot, strict=True)]
    (tmp_path / "b.csv").write_text("\n".join(rows))
    assert_all_there(opened(tmp_path / "b.csv"), own.x, own.y)
