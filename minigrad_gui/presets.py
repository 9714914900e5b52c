"""Presets: complete configs by name."""

from engine import Augmentation, TrainingConfig

PRESETS: dict[str, TrainingConfig] = {
    "quick": TrainingConfig(),
    "reference": TrainingConfig(
        hidden=(256, 128, 10), learning_rate=1e-3, batch_size=32, epochs=5, validation_share=0.0
    ),
    "best": TrainingConfig(
        hidden=(512, 512),
        learning_rate=1e-3,
        schedule="cosine",
        epochs=80,
        validation_share=0.05,
        augmentation=Augmentation(shift_px=1, rotation_deg=8, scale=0.1, shear=0.1, elastic_px=0.8),
    ),
}
"""quick: good results in seconds; reference: the classic exercise; best: reads drawn digits best, takes minutes."""
