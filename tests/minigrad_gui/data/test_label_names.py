"""Which part of the pictures' names is the label: people name files in many ways."""

import hashlib
from itertools import product

import numpy as np
import pytest
from own_files import assert_all_there, encoded, opened, write

from minigrad_gui.data import DataError
from minigrad_gui.data.label_names import labels_in

ANIMALS = ("cat", "dog", "cow")
PEOPLE = ("anna", "ben")
KINDS = {"SMALL": "abcde", "CAP": "ABCDE", "DIGIT": "01234"}
ARTICLES = ("T-shirt", "Ankle boot", "bag")


def of_class(pattern, labels=range(10), per_class=20):
    """Names that count the pictures of each class from 0 (k), from 1 (n) and of all (at)."""
    numbered = enumerate(product(labels, range(per_class)))
    return [
        (
            pattern.format(
                label=label, k=k, n=k + 1, at=at, day=1 + k % 9, sha=hashlib.sha1(b"%d" % at).hexdigest()[:7]
            ),
            str(label),
        )
        for at, (label, k) in numbered
    ]


def by_people(pattern, labels=range(10), people=PEOPLE, per_class=7):
    every = product(people, labels, range(per_class))
    return [(pattern.format(who=who, label=label, k=k), str(label)) for who, label, k in every]


@pytest.mark.parametrize(
    "named",
    [
        of_class("{label}_{at:04}"),
        of_class("{label}_{k}"),
        of_class("{label}_{k}", per_class=10),
        of_class("{label}_{k}", per_class=4),
        of_class("img{at:05}-num{label}"),
        of_class("img{k:05}-num{label}"),
        of_class("writer{k}_label_{label}_{k}"),
        of_class("{k}_{label}", per_class=200),
        of_class("{k}_{label}", range(4), per_class=200),
        of_class("{k}, label={label}"),
        of_class("{label}.{k}", ANIMALS),
        of_class("{label} ({n})"),
        of_class("{at:05}_{label}"),
        of_class("digit_{label}_{k}"),
        of_class("{label}{n}", "abc"),
        of_class("train_{at}_{label}")[:100] + of_class("test_{at}_{label}")[100:],
        of_class("{sha}_{label}"),
        of_class("{sha}-{label}", ANIMALS),
        of_class("{label}_{n}", ARTICLES),
        of_class("2024-01-{day:02}_{at}_{label}", per_class=30),
        by_people("{who}_{label}_{k}"),
        by_people("{label}-{who}-{k}"),
        by_people("{who:02}_{label}_{k}", people=range(30)),
        by_people("{who:04}_{label}_{k}", people=range(2000, 2030), labels=range(4)),
        [
            (f"{kind}_{character}_{n}", f"{kind} {character}")
            for kind in KINDS
            for character in KINDS[kind]
            for n in "12"
        ],
    ],
)
@pytest.mark.parametrize("in_order", [True, False])
def test_the_label_is_found(named, in_order):
    named = named if in_order else [named[at] for at in np.random.default_rng(0).permutation(len(named))]
    assert labels_in([f"some/{name}.png" for name, _ in named]) == [label for _, label in named]


def test_test_pictures_may_be_called_as_training_pictures():
    paths = [f"{split}/{label}_{k}.png" for split in ("train", "test") for label in range(10) for k in range(30)]
    assert labels_in(paths) == [label for _ in range(2) for label in "0123456789" for _ in range(30)]


@pytest.mark.parametrize(
    "named",
    [
        of_class("{label}_{k}", ANIMALS, per_class=10),
        of_class("{label:02}_{k}", range(30), per_class=10),
        of_class("{label}_{k}", range(5), per_class=3),
        by_people("{who}_{label}", per_class=1),
        by_people("{who}_{label}", "abcd", per_class=1),
        by_people("{who}_{label}_{k}", range(5)),
        by_people("{who}_{label}_{k}", ["circle 1", "square 2"]),
        [(f"IMG-{20240101 + day}-WA{k:04}", "") for day in range(30) for k in range(20)],
    ],
)
def test_what_is_not_clear_is_refused(named):
    with pytest.raises(DataError, match=r"it is not clear which part of names such as “.*\.png” is the label"):
        labels_in([f"{name}.png" for name, _ in named])


@pytest.mark.parametrize(
    "names",
    [
        [f"{at}" for at in range(99)],
        [f"DSC_{at:04}" for at in range(99)],
        [f"train/{at}" for at in range(99)] + [f"test/{at}" for at in range(99)],
        [f"IMG_{20240101 + at // 30}_{at * 7919}" for at in range(99)],
        ["test_1", "train_2", "train_3", "test_4"],
        ["7_1", "7_2", "cover"],
        ["a", "b"],
        ["", "-", "_"],
        ["1_" * 20] * 9,
        [f"num{at}" for at in range(99)],
        [f"{split}/num{at}" for split in "ab" for at in range(50)],
    ],
)
def test_names_without_labels(names):
    assert labels_in([f"{name}.png" for name in names]) is None


@pytest.mark.parametrize("name", ["{label}.{at:03}.png", "{who}_{label}_{at:03}.png"])
def test_what_was_taken_is_told(own, tmp_path, name):
    names = [name.format(label=label, at=at, who=PEOPLE[at % 2]) for at, label in enumerate(own.y[:99])]
    pictures = map(encoded, own.x[:99])
    dataset = opened(write(tmp_path, dict(zip(names, pictures, strict=True))), orientation="upright")
    assert_all_there(dataset, own.x[:99], own.y[:99])
    first = min(names)
    told = f"Its labels are taken from the files' names, as {own.y[names.index(first)]} in {first}."
    assert told in dataset.origin.remarks


def test_that_names_may_hold_labels_is_told(own, tmp_path):
    files = {f"DSC_{at:04}.png": encoded(own.x[at]) for at in range(20)}
    with pytest.raises(DataError, match=r"no labels: .* and none in names such as “DSC_0000\.png”"):
        opened(write(tmp_path, files))
