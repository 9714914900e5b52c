"""minigrad's engine: reverse-mode automatic differentiation for N-dimensional tensors, in NumPy.

Read in this order, the modules are a course in backpropagation: `ops` (the calculus), `tensor` (the graph and
`backward`; `border`: where NumPy meets them), `functions` (of several Tensors), `gradcheck` (checks gradients
numerically), `nn` (layers), `losses`, `optim`, `schedules`, `hashing`, `augment`, `receptive_fields`, `config`,
`samples`, `training`, `normalization`, `in_training`, `averaging`, `ending`, `run`, `calibration`, `record`, `archive`,
`checkpoint`.
The code that makes them fast is separate, in `fast`. `graph`, with `rules`, `layout` and `drawing`, shows the graph.
"""

from engine.archive import ModelFileError
from engine.augment import Augmentation
from engine.checkpoint import load_checkpoint, load_model, save_checkpoint, save_model
from engine.config import ConfigError, TrainingConfig
from engine.drawing import graph_svg
from engine.functions import concatenate, dropout, maximum, minimum, stack, where
from engine.gradcheck import gradcheck
from engine.losses import cross_entropy_loss, mse_loss
from engine.nn import MLP, Dropout, LeakyReLU, Linear, Module, ReLU, Sigmoid, Tanh
from engine.optim import SGD, Adam, SGDMomentum
from engine.tensor import Tensor, no_grad
from engine.training import Step, evaluate, predict, train, training_steps

__all__ = [
    "MLP",
    "SGD",
    "Adam",
    "Augmentation",
    "ConfigError",
    "Dropout",
    "LeakyReLU",
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
    "concatenate",
    "cross_entropy_loss",
    "dropout",
    "evaluate",
    "gradcheck",
    "graph_svg",
    "load_checkpoint",
    "load_model",
    "maximum",
    "minimum",
    "mse_loss",
    "no_grad",
    "predict",
    "save_checkpoint",
    "save_model",
    "stack",
    "train",
    "training_steps",
    "where",
]
