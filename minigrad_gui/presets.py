"""Presets: complete configs by name."""

from dataclasses import replace

from engine import Augmentation, TrainingConfig
from minigrad_gui.data import MNIST_AND_PEN, SOURCES

BEST_VARIED = Augmentation(shift_px=1, rotation_deg=11, scale=0.14, shear=0.14, elastic_px=1.1)
VARIED = Augmentation(shift_px=0.5, rotation_deg=8, scale=0.08, shear=0.08, elastic_px=0.9)
MORE_VARIED = Augmentation(shift_px=0.5, rotation_deg=10, scale=0.1, shear=0.1, elastic_px=1.1)
MOST_VARIED = Augmentation(shift_px=0.5, rotation_deg=11, scale=0.12, shear=0.12, elastic_px=1.3)
SLIGHTLY_VARIED = Augmentation(shift_px=0.3, rotation_deg=5, scale=0.05, shear=0.05, elastic_px=0.8)
"""MNIST's digits lie straight and centred, so a network that is to read only them needs less than one for drawings."""
CYCLE = TrainingConfig(schedule="one-cycle", validation_share=0.0, augmentation=VARIED)
LONG = replace(CYCLE, weight_decay=0.03, augmentation=MORE_VARIED)

PRESETS: dict[str, TrainingConfig] = {
    "quick": TrainingConfig(),
    "reference": TrainingConfig(
        hidden=(256, 128, 10), learning_rate=1e-3, batch_size=32, epochs=5, validation_share=0.0
    ),
    "best": TrainingConfig(
        hidden=(512, 512),
        learning_rate=1e-3,
        schedule="cosine",
        epochs=120,
        validation_share=0.05,
        augmentation=BEST_VARIED,
        plain_epochs=4,
    ),
    "2-seconds": replace(CYCLE, epochs=6, learning_rate=4e-3, augmentation=SLIGHTLY_VARIED),
    "5-seconds": replace(CYCLE, epochs=16, learning_rate=4e-3, weight_decay=0.05, plain_epochs=2),
    "15-seconds": replace(CYCLE, epochs=50, learning_rate=3e-3, weight_decay=0.05, plain_epochs=5),
    "45-seconds": replace(CYCLE, hidden=(512, 512), epochs=48, learning_rate=2e-3),
    "150-seconds": replace(LONG, hidden=(512, 512), epochs=150, learning_rate=2e-3, plain_epochs=15),
    "record": replace(
        LONG,
        hidden=(1024, 1024, 1024),
        receptive_field_px=14,
        epochs=320,
        learning_rate=1e-3,
        augmentation=MOST_VARIED,
        plain_epochs=20,
    ),
    "smallest-98": replace(
        CYCLE,
        hidden=(36, 32, 32),
        receptive_field_px=10,
        epochs=150,
        learning_rate=5e-3,
        augmentation=replace(SLIGHTLY_VARIED, shift_px=0, elastic_px=0.6),
    ),
    "smallest-99": replace(
        CYCLE,
        hidden=(81, 48, 48),
        receptive_field_px=9,
        epochs=250,
        learning_rate=4e-3,
        augmentation=SLIGHTLY_VARIED,
    ),
}
"""quick: good results in seconds; reference: the classic exercise; best: reads drawn digits best, takes minutes.
For MNIST alone, chosen by validation digits (tests/benchmarks/sprint.py): N-seconds: the best after so long on two
cores; smallest-N: N% of the test digits with few parameters. record: as few errors as an hour can bring."""

READS_DRAWINGS = ("best",)
"""The presets that learn from pen strokes as well as from MNIST's digits."""


def dataset_of(name: str, current: str) -> str:
    """The dataset that a preset is trained on: the current one, if that will do, as a person's own always does."""
    if current not in SOURCES or (current == MNIST_AND_PEN) == (name in READS_DRAWINGS):
        return current
    return MNIST_AND_PEN if name in READS_DRAWINGS else "mnist"


def preset_of(config: TrainingConfig, dataset: str) -> str | None:
    """The preset that these settings are, whatever the seed; None if they are none."""
    for name, preset in PRESETS.items():
        if replace(config, seed=preset.seed) == preset and dataset_of(name, dataset) == dataset:
            return name
    return None
