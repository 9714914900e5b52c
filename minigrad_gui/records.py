"""What the record of a network or a run says about its dataset. No Qt here."""

from engine.record import TrainingRecord
from minigrad_gui import data


def recorded_dataset(record: TrainingRecord) -> tuple[str, data.Choices] | None:
    """The source of what a network was trained on, and how that was read; None if the record does not say."""
    try:
        choices = data.Choices.from_dict(record.dataset_choices)
    except (TypeError, ValueError):  # of another version
        return None
    return None if record.dataset is None else (record.dataset, choices)
