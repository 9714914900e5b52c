"""Labels of any kind become classes in their natural order."""

import numpy as np
import pytest

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.labelling import classes_of, natural_order, plain_labels


def classes(labels, given=None, known=None, meaning="as they are"):
    plain = plain_labels(np.array(labels))
    found = classes_of([plain], known, meaning)
    found = found if given is None else found.called(given)
    return found.names, found.of(plain).tolist()


def test_numbers_as_text_are_ordered_as_numbers():
    names, indices = classes([str(number) for number in (10, 2, 1, 11)])
    assert names == ("1", "2", "10", "11")
    assert indices == [2, 1, 0, 3]


@pytest.mark.parametrize("form", ["{:d}", "{:03d}", " {:+d}.", "{:.2f}", "{:.18e}", "{:.7E}"])
def test_whole_numbers_as_text_are_numbers_however_they_are_written(form):
    numbers = [0, 10, 3, 120]
    assert plain_labels(np.array([form.format(number) for number in numbers])).tolist() == numbers


@pytest.mark.parametrize(
    "odd", ["nan", "inf", "1_000", "1.5", "5e-1", "1e9", "1e999", "0x10", "e5", "1e", "1234567890", "0000000010", ""]
)
def test_text_stays_text_unless_all_of_it_is_whole_numbers(odd):
    assert plain_labels(np.array(["1", "2", odd])).tolist() == ["1", "2", odd]


def test_words_for_digits_are_digits():
    assert classes(["seven", "Zero", " one ", "seven"]) == (("0", "1", "7"), [2, 0, 1, 2])
    assert classes(["one", "ten"])[0] == ("one", "ten")


def test_text_is_ordered_naturally():
    assert classes(["c10", "c2", "c2", "a"]) == (("a", "c2", "c10"), [2, 1, 1, 0])
    assert sorted(["b10", "b9", "10", "9"], key=natural_order) == ["9", "10", "b9", "b10"]


@pytest.mark.parametrize("labels", [[0, 1], [1, 2, 3], [3, 5, 8], list(range(1, 10)), [0, 1, 2, 3, 4, 6, 9]])
def test_numbers_are_the_classes_that_occur(labels):
    assert classes(np.array(labels, float)) == (tuple(map(str, labels)), list(range(len(labels))))


def test_digits_stay_digits_if_a_few_are_missing():
    assert classes([0, 1, 2, 3, 4, 6, 7, 9]) == (tuple("0123456789"), [0, 1, 2, 3, 4, 6, 7, 9])


def test_names_of_the_file_and_of_the_person_are_used():
    assert classes([2, 1], known={1: "A", 2: "B", 3: "C"}) == (("A", "B", "C"), [1, 0])
    assert classes([2, 1], given=("yes", "no")) == (("yes", "no"), [1, 0])
    assert classes([2, 1], given=("a", "b", "c"), known={1: "A", 2: "B", 3: "C"}) == (("a", "b", "c"), [1, 0])
    digits = [0, 1, 2, 3, 4, 6, 7, 9]
    assert classes(digits, given=tuple("abcdefgh")) == (tuple("abcdefgh"), list(range(8))), "those that occur, alone"
    assert classes([7, 1], given=tuple("0123456789")) == (tuple("0123456789"), [7, 1]), "with others"
    letters = tuple("abcdefghij")
    assert classes(range(1, 11), letters, meaning="10 is zero") == (letters, [*range(1, 10), 0]), "of classes"


@pytest.mark.parametrize(
    ("labels", "given", "reason"),
    [
        ([1.5, 2], None, "not whole numbers"),
        ([3, 3], None, "the same label"),
        (list(range(101)), None, "more than 100 classes"),
        ([1, 2], ("one",), "2 classes, but names for 1"),
        ([0, 1, 2, 3, 4, 6, 7, 9], ("one",), "10 classes, 8 of which occur, but names for 1"),
        ([1, 2], ("one", "one"), "two of its classes would be called “one”"),
    ],
)
def test_unsuitable_labels_are_refused(labels, given, reason):
    with pytest.raises(DataError, match=reason):
        classes(labels, given)
