"""What the record of a network says about its dataset."""

from engine.record import TrainingRecord
from minigrad_gui.data import ALL_GUESSED, Choices
from minigrad_gui.records import recorded_dataset


def test_the_dataset_and_how_it_was_read_are_recorded():
    choices = Choices(polarity="dark ink", class_names=("a", "b"))
    record = TrainingRecord(dataset="/some/file", dataset_choices=choices.to_dict())
    assert recorded_dataset(TrainingRecord.from_meta(record.to_meta())) == ("/some/file", choices)
    assert recorded_dataset(TrainingRecord(dataset="mnist")) == ("mnist", ALL_GUESSED)


def test_what_is_not_known_is_not_guessed():
    assert recorded_dataset(TrainingRecord()) is None
    for stored in ({"orientation": "sideways"}, {"of another": "version"}, {"class_names": "ab"}, {"class_names": [1]}):
        assert recorded_dataset(TrainingRecord(dataset="mnist", dataset_choices=stored)) is None
