"""A scikit-learn MLPClassifier in a skops file, which runs no code when it is read, if both packages are installed.

Its probabilities are softmax(logits): scikit-learn has no temperature. The metadata is its attribute `minigrad_`.
"""

from typing import IO

import numpy as np

from minigrad_gui.exchange.portable import ExchangeError, Portable, missing

ACTIVATIONS = {"relu": "relu", "tanh": "tanh", "sigmoid": "logistic"}


def write(network: Portable, file: IO[bytes]) -> None:
    """Raises ExchangeError if a package is missing, or for classes that scikit-learn cannot tell apart in this way."""
    try:
        from sklearn.neural_network import MLPClassifier
        from sklearn.preprocessing import LabelBinarizer
        from skops.io import dumps
    except ImportError as error:
        raise missing("skops") from error
    classes = np.array(network.classes)
    if len(set(network.classes)) != len(classes) or len(classes) < 3:
        raise ExchangeError("For scikit-learn, a network needs at least three classes, each with a name of its own.")
    order = np.argsort(classes)  # in which scikit-learn has its outputs
    *hidden, (W, b) = network.layers
    layers = [*hidden, (W[order], b[order])]
    model = MLPClassifier(network.sizes[1:-1], activation=ACTIVATIONS[network.activation])
    model.coefs_ = [np.ascontiguousarray(W.T) for W, _ in layers]
    model.intercepts_ = [b for _, b in layers]
    model.n_layers_, model.n_outputs_, model.n_features_in_ = len(layers) + 1, len(classes), network.sizes[0]
    model.out_activation_ = "softmax"
    model.classes_ = classes[order]
    model._label_binarizer = LabelBinarizer().fit(classes)
    model.minigrad_ = network.metadata()
    file.write(dumps(model))
