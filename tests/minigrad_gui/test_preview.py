"""A preview shows pictures of each class, says what was guessed, and is the same each time."""

from dataclasses import replace

import numpy as np
import pytest

from engine import TrainingConfig
from minigrad_gui import data
from minigrad_gui.analysis import Desk
from minigrad_gui.data import Choices, Dataset, Origin
from minigrad_gui.dataset_cache import DatasetCache
from minigrad_gui.preview import FEWEST_PER_CLASS, MOST_PICTURES, PARTS, experiment, load, preview_of, some_pictures

MADE = Choices("upright", "light ink", "as they are", "scaled")


@pytest.fixture
def dataset() -> Dataset:
    """300 cats, 3 dogs and 200 birds to train on, and no dog to test on; the class is each picture's first pixel."""
    train = np.repeat(np.array([0, 1, 2], np.uint8), (300, 3, 200))
    test = np.repeat(np.array([0, 2], np.uint8), 5)
    images = [np.random.default_rng(0).integers(0, 256, (len(labels), 28, 28), np.uint8) for labels in (train, test)]
    for pictures, labels in zip(images, (train, test), strict=True):
        pictures[:, 0, 0] = labels
    origin = Origin("zip of pictures", MADE, ("No test picture shows dog.",))
    return Dataset(images[0], train, images[1], test, "own.zip", ("cat", "dog", "bird"), origin=origin)


def test_counts_of_each_part(dataset):
    preview = preview_of(dataset)
    assert [preview.counts[part].tolist() for part in PARTS] == [[300, 3, 200], [5, 0, 5]]
    rows = [["class", "training", "test"], ["cat", 300, 5], ["dog", 3, 0], ["bird", 200, 5]]
    assert [list(row) for row in preview.table()] == rows
    assert preview.heading == "own.zip (zip of pictures): 503 training and 10 test pictures, 3 classes"
    assert preview_of(replace(dataset, origin=None)).heading.startswith("own.zip: 503 ")
    named = preview_of(replace(dataset, name=f"{'a' * 30}{'b' * 30}.zip"))
    assert named.heading.startswith(f"{'a' * 20}…{'b' * 14}.zip (zip of pictures): 503 ")


def test_samples_are_different_pictures_of_their_class_under_their_names(dataset):
    preview = preview_of(dataset)
    for part, images in zip(PARTS, (dataset.train_images, dataset.test_images), strict=True):
        for index, (name, samples) in enumerate(zip(preview.class_names, preview.samples[part], strict=True)):
            assert len(samples.pictures) == min(preview.counts[part][index], MOST_PICTURES // 3)
            assert (samples.pictures[:, 0, 0] == index).all()
            assert len(set(samples.names)) == len(samples.names)
            for picture, called in zip(samples.pictures, samples.names, strict=True):
                place, _, label = called.removeprefix(f"{part.capitalize()} picture ").partition(", labelled ")
                assert label == name
                np.testing.assert_array_equal(picture, images[int(place)])


@pytest.mark.parametrize("sizing", ["as MNIST", "as photographs"])
@pytest.mark.parametrize("paper", [0, 80])
def test_photographs_with_grey_paper_are_advised_to_be_sized_as_such(dataset, sizing, paper):
    images = np.full((503, 28, 28), paper, np.uint8)
    images[:, 10:18, 10:18] = 255
    made = replace(dataset.origin, choices=replace(MADE, sizing=sizing))
    remarks = preview_of(replace(dataset, train_images=images, origin=made)).remarks
    assert ("choose Size: as photographs" in remarks) == (paper > 0 and sizing == "as MNIST")


def test_some_pictures_are_of_the_classes_in_turn_and_always_the_same(dataset):
    some = some_pictures(dataset, 8)
    assert some[:, 0, 0].tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    assert len({each.tobytes() for each in some}) == 8
    np.testing.assert_array_equal(some, some_pictures(dataset, 8))
    few = replace(dataset, train_images=dataset.train_images[299:302], train_labels=dataset.train_labels[299:302])
    assert len(some_pictures(few, 8)) == 3
    assert some_pictures(dataset, 2)[:, 0, 0].tolist() == [0, 1]


def test_samples_are_drawn_at_random_and_always_the_same(dataset):
    many = replace(dataset, class_names=(*dataset.class_names, *(str(index) for index in range(97))))
    first, again = (preview_of(many).samples["training"][0] for _ in range(2))
    assert first.names == again.names
    places = [int(name.split()[2].strip(",")) for name in first.names]
    assert len(places) == FEWEST_PER_CLASS
    assert max(places) > 150, "from all over the file"
    assert not np.shares_memory(first.pictures, dataset.train_images)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({}, ""),
        ({"orientation": "turned left"}, "Pictures turned left in the file are set upright. "),
        ({"polarity": "dark ink"}, "Dark ink is inverted. "),
        ({"labels": "10 is zero"}, "Label 10 is zero. "),
        ({"sizing": "as photographs"}, "A digit on paper is looked for in each picture. "),
    ],
)
def test_what_was_done_is_said_before_what_was_noticed(dataset, made, said):
    origin = replace(dataset.origin, choices=replace(MADE, **made))
    assert preview_of(replace(dataset, origin=origin)).remarks == f"{said}No test picture shows dog."


def test_choices_that_would_change_nothing(dataset):
    from_one, digits = (tuple(str(number) for number in numbers) for numbers in (range(1, 11), range(10)))

    def useless(names: tuple[str, ...], labels: str, size_px: tuple[int, int]) -> list[str]:
        origin = replace(dataset.origin, choices=replace(MADE, labels=labels), size_px=size_px)
        return sorted(preview_of(replace(dataset, class_names=names, origin=origin)).useless_choices)

    assert useless(from_one, "as they are", (28, 20)) == []
    assert useless(digits, "from one", (28, 28)) == ["sizing"]
    assert useless(digits, "as they are", (8, 8)) == ["labels"]
    assert preview_of(replace(dataset, origin=None)).useless_choices == {}


def test_a_dataset_is_loaded_or_the_reason_told(few_digits, tmp_path):
    desk = Desk(DatasetCache(), lambda: False)
    request = data.MNIST, Choices()
    loaded = load(request, desk)
    assert loaded.request is request
    assert loaded.preview.counts["test"].sum() == len(few_digits.test_labels)
    failed = load((str(tmp_path / "gone.csv"), Choices()), desk)
    assert (failed.preview, failed.error) == (None, f"There is no file or folder {tmp_path / 'gone.csv'}.")


def test_a_picture_goes_to_the_network_as_ink(dataset):
    samples = preview_of(dataset).samples["training"][0]
    np.testing.assert_allclose(samples.picture(3), samples.pictures[3] / 255, rtol=1e-6)
    assert samples.picture(3).dtype == np.float32


def test_experiments_with_the_data_are_said():
    assert experiment(TrainingConfig()) == ""
    some = "The run will learn from at most 1,500 of the training pictures."
    assert experiment(TrainingConfig(training_samples=1500)) == some
    assert experiment(TrainingConfig(label_noise=0.4)) == "40% of the training labels will be wrong."
