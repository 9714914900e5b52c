"""minigrad's engine: reverse-mode automatic differentiation for N-dimensional tensors, in NumPy.

Read the modules in this order and they are a course in backpropagation: `ops` (the calculus), `tensor`
(the graph and `backward`), `nn` (layers), `losses`, `optim`, `augment`, `training`, `archive`,
`checkpoint`.
"""

from engine.archive import ModelFileError
from engine.augment import Augmentation
from engine.checkpoint import load_checkpoint, load_model, save_checkpoint, save_model
from engine.losses import cross_entropy_loss, mse_loss
from engine.nn import MLP, Linear, Module, ReLU, Sigmoid, Tanh
from engine.optim import SGD, Adam, SGDMomentum
from engine.tensor import Tensor, no_grad
from engine.training import (
    ConfigError,
    Step,
    TrainingConfig,
    evaluate,
    predict,
    train,
    training_steps,
)

__all__ = [
    "MLP",
    "SGD",
    "Adam",
    "Augmentation",
    "ConfigError",
    "Linear",
    "ModelFileError",
    "Module",
    "ReLU",
    "SGDMomentum",
    "Sigmoid",
    "Step",
    "Tanh",
    "Tensor",
    "TrainingConfig",
    "cross_entropy_loss",
    "evaluate",
    "load_checkpoint",
    "load_model",
    "mse_loss",
    "no_grad",
    "predict",
    "save_checkpoint",
    "save_model",
    "train",
    "training_steps",
]
