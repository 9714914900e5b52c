"""TrainingConfig: all settings of a training run except the data, validated before training starts."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from engine.augment import Augmentation
from engine.averaging import AVERAGES
from engine.nn import ACTIVATIONS, MAX_HIDDEN_LAYERS, MAX_PARAMETERS, MLP, Module, count_parameters, standard_deviation
from engine.normalization import NORMALIZATIONS
from engine.ops import Array
from engine.optim import OPTIMIZERS, Optimizer
from engine.receptive_fields import seen_pixels, unseen_pixels, window_pixels
from engine.samples import fewer_samples, split_validation
from engine.schedules import SCHEDULES

NO_AUGMENTATION = Augmentation()
MAX_AUGMENTATION = {
    "shift_px": 4.0,
    "rotation_deg": 45.0,
    "scale": 0.5,
    "shear": 0.5,
    "elastic_px": 3.0,
    "thickness_px": 2.0,
}
"""The largest amount of each; the smallest is 0."""
ELASTIC_SIGMA_PX = 2.0, 14.0
"""The least and the greatest."""

KEEP_BEST = ("none", "loss", "accuracy")
"""Which epoch's network a run ends with: the last one's, or that with the best validation loss or accuracy."""


MAX_MEMBERS = 16
MAX_FIELD_PX = 28
NO_EARLY_END = "it goes without patience, an accuracy to stop at, and keeping the best epoch."


class ConfigError(ValueError):
    """An invalid setting; `field` names it, the message says in one sentence what is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class TrainingConfig:
    """All settings of a training run except the data.

    Raises ConfigError for one that is out of its range, TypeError for one of another kind.

    hidden            the sizes of the hidden layers, at most 20; () for none
    receptive_field_px  how many pixels wide and high the window is that each neuron of the first hidden layer sees
                      of a square picture, up to 28; 0 for all of it: see `engine.receptive_fields`
    activation        one of ACTIVATIONS: "relu", "tanh" or "sigmoid"
    optimizer         one of OPTIMIZERS: "sgd", "momentum" or "adam"
    learning_rate     above 0, at most 1000; the schedule multiplies it
    momentum          from 0 to below 1, for the optimizer "momentum" alone
    weight_decay      from 0 to 100, decoupled: see Optimizer
    batch_size        samples in a mini-batch; an epoch's last one may have fewer
    epochs            how many times to go through the samples that are trained on, from 1 to 100,000
    seed              all randomness of the run follows from it
    validation_share  the share of the training samples, from 0 to 0.5, that is held out for validation
    schedule          one of SCHEDULES, how the learning rate changes: "constant", "cosine", "one-cycle" or "step"
    augmentation      how the training pictures vary: an Augmentation, or a dict of its fields
    plain_epochs      in how many of the last epochs pictures do not vary, as those to be read do not (He et al., Data
                      Augmentation Revisited, 2019)
    training_samples  for experiments: how many of the samples are trained on, each class in proportion; 0 for all
    label_noise       for experiments: the share of their labels, from 0 to 1, that is replaced by other classes
    averaging         one of AVERAGES, which average of the weights is the run's network: "none", "ema" or "last"
    averaged_epochs   the time constant of "ema"; of "last", how long the last part of the run is
    patience          after how many epochs without a better one the run ends, 0 for never; better is what keep_best
                      says or, for "none", a lower validation loss
    stop_accuracy     the validation accuracy at which the run ends, from 0 (never) to 1
    keep_best         one of KEEP_BEST, which epoch's network the run ends with: "none", "loss" or "accuracy"
    members           how many networks are trained, one after the other, each from weights of its own and for its share
                      of the epochs; the run's network is the `committee` of those that are done. Schedule, averages and
                      plain epochs are those of each; patience, stop_accuracy and keep_best are for a single one, but
                      may be set where nothing is validated, as they have no effect there
    dropout           the probability, from 0 to 0.9, that an output of a hidden layer is dropped in training
    label_smoothing   from 0 to 0.9: see SmoothedLoss
    normalization     one of NORMALIZATIONS: "none", or "batch", of hidden layers' weighted sums over each mini-batch:
                      see `engine.normalization`
    l1, l2            penalties, from 0 (none) to 100: see Optimizer
    clip_norm         the common norm that gradients are clipped to, up to 1,000,000; 0 for never: see Optimizer
    """

    hidden: tuple[int, ...] = (256, 128)
    activation: str = "relu"
    optimizer: str = "adam"
    learning_rate: float = 5e-4
    momentum: float = 0.9
    weight_decay: float = 0.0
    batch_size: int = 128
    epochs: int = 10
    seed: int = 0
    validation_share: float = 0.1
    schedule: str = "constant"
    augmentation: Augmentation = NO_AUGMENTATION
    plain_epochs: int = 0
    training_samples: int = 0
    label_noise: float = 0.0
    averaging: str = "none"
    averaged_epochs: float = 1.0
    patience: int = 0
    stop_accuracy: float = 0.0
    keep_best: str = "none"
    members: int = 1
    dropout: float = 0.0
    label_smoothing: float = 0.0
    normalization: str = "none"
    l1: float = 0.0
    l2: float = 0.0
    clip_norm: float = 0.0
    receptive_field_px: int = 0

    def __post_init__(self) -> None:
        for field, value in vars(self).items():
            object.__setattr__(self, field, _plain(value))
        object.__setattr__(self, "hidden", tuple(map(_plain, self.hidden)))
        if isinstance(self.augmentation, dict):
            object.__setattr__(self, "augmentation", Augmentation(**self.augmentation))
        if len(self.hidden) > MAX_HIDDEN_LAYERS:
            raise ConfigError("hidden", f"At most {MAX_HIDDEN_LAYERS} hidden layers, not {len(self.hidden)}.")
        for size in self.hidden:
            self._check("hidden", isinstance(size, int) and size >= 1, "A hidden layer needs at least one neuron.")
        within = isinstance(self.receptive_field_px, int) and 0 <= self.receptive_field_px <= MAX_FIELD_PX
        message = f"The receptive field is a whole number of pixels from 0 (the whole picture) to {MAX_FIELD_PX}."
        self._check("receptive_field_px", within, message)
        self._check("activation", self.activation in ACTIVATIONS, f"The activation is one of {_names(ACTIVATIONS)}.")
        self._check("optimizer", self.optimizer in OPTIMIZERS, f"The optimizer is one of {_names(OPTIMIZERS)}.")
        self._check("learning_rate", 0 < self.learning_rate <= 1000, "The learning rate is above 0, at most 1000.")
        self._check("momentum", 0 <= self.momentum < 1, "The momentum is from 0 to below 1.")
        self._check("weight_decay", 0 <= self.weight_decay <= 100, "The weight decay is from 0 to 100.")
        for field, name in (("batch_size", "batch size"), ("epochs", "number of epochs"), ("seed", "seed")):
            self._check(field, isinstance(getattr(self, field), int), f"The {name} is a whole number.")
        self._check("batch_size", 1 <= self.batch_size <= 100_000, "The batch size is from 1 to 100,000.")
        self._check("epochs", 1 <= self.epochs <= 100_000, "The number of epochs is from 1 to 100,000.")
        self._check("seed", 0 <= self.seed < 2**31, "The seed is from 0 to 2,147,483,647.")
        self._check("validation_share", 0 <= self.validation_share <= 0.5, "The validation share is from 0 to 0.5.")
        within = isinstance(self.plain_epochs, int) and 0 <= self.plain_epochs <= 100_000
        self._check("plain_epochs", within, "The plain epochs are a whole number from 0 to 100,000.")
        within = isinstance(self.training_samples, int) and 0 <= self.training_samples <= 10_000_000
        self._check("training_samples", within, "The training samples are a whole number from 0 (all) to 10,000,000.")
        self._check("label_noise", 0 <= self.label_noise <= 1, "The label noise is from 0 to 1.")
        self._check("schedule", self.schedule in SCHEDULES, f"The schedule is one of {_names(SCHEDULES)}.")
        self._check("averaging", self.averaging in AVERAGES, f"The averaging is one of {_names(AVERAGES)}.")
        within = 0 < self.averaged_epochs <= 100_000
        self._check("averaged_epochs", within, "The averaged epochs are above 0, at most 100,000.")
        within = isinstance(self.patience, int) and 0 <= self.patience <= 100_000
        self._check("patience", within, "The patience is a whole number of epochs from 0 (off) to 100,000.")
        self._check("stop_accuracy", 0 <= self.stop_accuracy <= 1, "The accuracy to stop at is from 0 (off) to 1.")
        self._check("keep_best", self.keep_best in KEEP_BEST, f"What to keep is one of {_names(KEEP_BEST)}.")
        within = isinstance(self.members, int) and 1 <= self.members <= min(MAX_MEMBERS, self.epochs)
        self._check("members", within, f"A committee has 1 to {MAX_MEMBERS} networks, and an epoch or more for each.")
        ends = self.validation_share and (self.patience or self.stop_accuracy or self.keep_best != "none")
        self._check("members", self.members == 1 or not ends, "A committee is trained to the end: " + NO_EARLY_END)
        self._check("dropout", 0 <= self.dropout <= 0.9, "The dropout is from 0 to 0.9.")
        self._check("label_smoothing", 0 <= self.label_smoothing <= 0.9, "The label smoothing is from 0 to 0.9.")
        known = self.normalization in NORMALIZATIONS
        self._check("normalization", known, f"The normalization is one of {_names(NORMALIZATIONS)}.")
        for field, name in (("batch_size", "batch size"), ("training_samples", "number of samples")):
            compares = not self.normalizes or getattr(self, field) != 1
            self._check(field, compares, f"Normalization compares samples: choose a {name} of two or more.")
        self._check("l1", 0 <= self.l1 <= 100, "The L1 penalty is from 0 to 100.")
        self._check("l2", 0 <= self.l2 <= 100, "The L2 penalty is from 0 to 100.")
        within = 0 <= self.clip_norm <= 1_000_000
        self._check("clip_norm", within, "The norm to clip at is from 0 (off) to 1,000,000.")
        known = isinstance(self.augmentation, Augmentation)
        self._check("augmentation", known, "The augmentation is an Augmentation.")
        for name, most in MAX_AUGMENTATION.items():
            within = 0 <= getattr(self.augmentation, name) <= most
            self._check("augmentation", within, f"The augmentation's {name} is from 0 to {most:g}.")
        least, most = ELASTIC_SIGMA_PX
        within = least <= self.augmentation.elastic_sigma_px <= most
        self._check("augmentation", within, f"The augmentation's elastic_sigma_px is from {least:g} to {most:g}.")

    @staticmethod
    def _check(field: str, holds: bool, message: str) -> None:
        if not holds:
            raise ConfigError(field, message)

    def split(self, labels: Array) -> tuple[Array, Array]:
        """Indices of the samples that a run trains on, and of those that it holds out; labels: of all, integer (N,)."""
        training, held_out = split_validation(len(labels), self.validation_share, self.seed)
        if self.training_samples:
            training = training[fewer_samples(labels[training], self.training_samples, self.seed)]
        return training, held_out

    def training_count(self, samples: int, outliers: int = 0) -> int:
        """How many samples a run trains on, if the dataset has so many and so many outliers."""
        learned = samples - round(samples * self.validation_share)
        chosen = min(self.training_samples or learned, learned)
        return chosen + outliers_among(outliers, chosen, learned)

    def sizes(self, in_dim: int, out_dim: int) -> tuple[int, ...]:
        """The layer sizes with input and output, of one member. Raises ConfigError for more than 50 million parameters
        in all, or if neurons are to see windows, but the inputs are no square picture.
        """
        if self.has_windows and math.isqrt(in_dim) ** 2 != in_dim:
            message = f"Receptive fields are windows of square pictures, not of {in_dim:,} inputs."
            raise ConfigError("receptive_field_px", message)
        sizes = (in_dim, *self.hidden, out_dim)
        count = count_parameters((in_dim, *(self.members * size for size in self.hidden), out_dim))
        if count > MAX_PARAMETERS:
            raise ConfigError("hidden", f"{count:,} parameters are too many; at most {MAX_PARAMETERS:,} fit.")
        return sizes

    def members_done(self, epochs: int) -> int:
        """How many networks of a committee have been trained after so many epochs; 0 for a single network."""
        if self.members == 1:
            return 0
        return sum(self.epochs_of(member)[1] <= epochs for member in range(self.members))

    def member_at(self, epoch: int) -> int:
        """Which network of a committee is trained in an epoch of the run; 0 for a single one."""
        return self.members_done(min(epoch, self.epochs - 1))

    def epochs_of(self, member: int) -> tuple[int, int]:
        """The first epoch of a committee's network, and the one after its last."""
        return self.epochs * member // self.members, self.epochs * (member + 1) // self.members

    def rate_factor(self, mini_batch: int, steps_per_epoch: int) -> float:
        """What the schedule multiplies the learning rate by for this mini-batch of the run, counted from 0."""
        first, end = self.epochs_of(self.member_at(mini_batch // steps_per_epoch))
        done = (mini_batch - first * steps_per_epoch) / ((end - first) * steps_per_epoch)
        return SCHEDULES[self.schedule](done)

    @property
    def normalizes(self) -> bool:
        """Whether there are layers that are normalized."""
        return self.normalization != "none" and bool(self.hidden)

    @property
    def varies_nothing(self) -> bool:
        """Whether pictures are to vary, but all epochs of each network are plain."""
        longest = max(end - first for first, end in map(self.epochs_of, range(self.members)))
        return bool(self.augmentation) and self.plain_epochs >= longest

    def begins(self, steps_per_epoch: int) -> list[int]:
        """How many mini-batches come before each further network of a committee."""
        return [self.epochs_of(member)[0] * steps_per_epoch for member in range(1, self.members)]

    def build_model(self, in_dim: int, out_dim: int, member: int = 0, dtype: DTypeLike = np.float32) -> MLP:
        """A new network, its weights drawn from the seed: "he" for ReLU, otherwise "xavier".

        Inputs that are not seen do not count there. Raises ConfigError as `sizes` does.
        """
        self.sizes(in_dim, out_dim)
        init = "he" if self.activation == "relu" else "xavier"
        model = MLP(
            in_dim,
            self.hidden,
            out_dim,
            ACTIVATIONS[self.activation],
            rng=np.random.default_rng([self.seed, 8, member] if member else self.seed),
            dtype=dtype,
            init=init,
        )
        seen = self.seen(in_dim)
        if seen is not None:
            in_window = window_pixels(in_dim, self.receptive_field_px)
            deviation, all_seen = (standard_deviation(init, count, self.hidden[0]) for count in (in_window, in_dim))
            model.layers[0].W.data *= (seen * (deviation / all_seen)).astype(dtype)
        return model

    @property
    def has_windows(self) -> bool:
        """Whether the neurons of the first hidden layer see windows."""
        return bool(self.receptive_field_px and self.hidden)

    def seen(self, in_dim: int) -> Array | None:
        """Which inputs each neuron of the first hidden layer sees: bool (neurons, in_dim); None if all see all.

        Raises ValueError if they are to see windows, but the inputs are no square picture.
        """
        return seen_pixels(in_dim, self.hidden[0], self.receptive_field_px) if self.has_windows else None

    def count_learning(self, in_dim: int, out_dim: int) -> int:
        """How many parameters of one network can learn: all but the weights of inputs that are not seen.

        Raises ValueError as `seen` does.
        """
        count = count_parameters((in_dim, *self.hidden, out_dim))
        if not self.has_windows:
            return count
        return count - self.hidden[0] * (in_dim - window_pixels(in_dim, self.receptive_field_px))

    def count_unseen(self, in_dim: int) -> int:
        """How many inputs no neuron of the first hidden layer sees. Raises ValueError as `seen` does."""
        return unseen_pixels(in_dim, self.hidden[0], self.receptive_field_px) if self.has_windows else 0

    def describes(self, model: MLP) -> bool:
        """Whether a network has these hidden layers and this activation, and no neuron sees more than its window."""
        return not self.mismatch(model)

    def mismatch(self, model: MLP) -> str:
        """How a network differs from these settings, as the rest of a sentence about it; "" if it does not."""
        hidden, activation = model.sizes[1:-1], ACTIVATIONS[self.activation]
        if hidden != self.hidden:
            there = f"the hidden layers {_dashed(hidden)}" if hidden else "no hidden layers"
            return f"has {there}, not {_dashed(self.hidden) or 'none'}"
        if type(model.activation) is not activation:
            return f"has the activation {type(model.activation).__name__}, not {activation.__name__}"
        try:
            seen = self.seen(model.sizes[0])
        except ValueError:
            return "has no square inputs for windows"
        sees_more = seen is not None and model.layers[0].W.data[~seen].any()
        return "has neurons that see more than a window" if sees_more else ""

    def obstacle_to_continue(self, model: MLP) -> str:
        """Why no run can begin with this network, which it has not made, as the rest of a sentence about the network;
        "" if one can: see also `normalization.unfolded`.
        """
        lacks_relu = self.normalizes and self.activation != "relu"
        return self.mismatch(model) or ("lacks the activation ReLU, which normalization needs" if lacks_relu else "")

    def build_optimizer(self, model: Module) -> Optimizer:
        own: dict[str, Any] = {"momentum": self.momentum} if self.optimizer == "momentum" else {}
        optimizer = OPTIMIZERS[self.optimizer](
            model.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay, **own
        )
        optimizer.l1, optimizer.l2, optimizer.clip_norm = self.l1, self.l2, self.clip_norm
        return optimizer

    def to_dict(self) -> dict[str, Any]:
        """All settings as JSON-serialisable values."""
        return {**vars(self), "hidden": list(self.hidden), "augmentation": asdict(self.augmentation)}


def _dashed(hidden: Sequence[int]) -> str:
    return "-".join(map(str, hidden))


def outliers_among(outliers: int, chosen: int, samples: int) -> int:
    """How many of the outliers belong to the chosen ones of so many samples: as large a share."""
    return round(outliers * chosen / samples) if samples else outliers


def _plain(value: Any) -> Any:
    """The value; a number of NumPy as Python's."""
    return value.item() if isinstance(value, np.generic) else value


def _names(registry: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in registry)
