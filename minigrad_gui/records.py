"""What the record of a network or a run says about its dataset and its classes. No Qt here."""

from engine.record import TrainingRecord
from minigrad_gui import data


def recorded_dataset(record: TrainingRecord) -> tuple[str, data.Choices] | None:
    """The source of what a network was trained on, and how that was read; None if the record does not say."""
    try:
        choices = data.Choices.from_dict(record.dataset_choices)
    except (TypeError, ValueError):  # of another version
        return None
    return None if record.dataset is None else (record.dataset, choices)


def names_of_classes(record: TrainingRecord, count: int) -> tuple[str, ...]:
    """The names of a network's `count` outputs: those recorded, or else the digits or numbers."""
    if len(record.class_names) == count:
        return record.class_names
    return tuple(map(str, range(count)))


def recorded_names(class_names: tuple[str, ...]) -> tuple[str, ...]:
    """What a record says of these classes: nothing if they are the ten digits."""
    return () if class_names == data.DIGIT_NAMES else class_names
