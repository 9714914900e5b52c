"""One Python file that reads pictures with NumPy alone."""

import base64
import json
import textwrap
from typing import IO

from minigrad_gui.exchange.portable import Portable

ACTIVATIONS = {
    "relu": "np.maximum(x, 0)",
    "tanh": "np.tanh(x)",
    "sigmoid": "(1 + np.tanh(x / 2)) / 2",
}
LINE_CHARS = 100

TEMPLATE = '''\
"""{description}

    import THIS_FILE
    THIS_FILE.read(pictures)  # [("7", 0.98, True), ...]: class, probability, whether it can be trusted

pictures: (n, {inputs}), or of any other shape that makes so many numbers each; integers are divided by 255.
From a terminal: python THIS_FILE.py pictures.npy
"""

import base64
import json
import sys

import numpy as np

ABOUT = json.loads({about})
SIZES, CLASSES, CALIBRATION = ABOUT["sizes"], ABOUT["classes"], ABOUT["calibration"]


def logits(pictures):
    """(n, {outputs}): how much speaks for each class."""
    x = np.asarray(pictures)
    if x.dtype.kind in "iu":
        x = x / 255
    x = x.reshape(-1, SIZES[0]).astype(LAYERS[0][0].dtype)
    for W, b in LAYERS[:-1]:
        x = activation(x @ W.T + b)
    W, b = LAYERS[-1]
    return x @ W.T + b


def activation(x):
    return {activation}


def probabilities(of):
    """The probabilities (n, {outputs}) for logits (n, {outputs})."""
    scaled = of / CALIBRATION["temperature"]
    exponentials = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def read(pictures):
    """For each picture its class, the probability of that class, and whether the answer can be trusted."""
    of = logits(pictures)
    shares = probabilities(of)
    highest = of.max(axis=-1, keepdims=True)
    evidence = highest[:, 0] + np.log(np.exp(of - highest).sum(axis=-1))
    trusted = shares.max(axis=-1) >= CALIBRATION["threshold"]
    if CALIBRATION["least_log_sum_exp"] is not None:
        trusted &= evidence >= CALIBRATION["least_log_sum_exp"]
    likeliest = shares.argmax(axis=-1)
    answers = zip(likeliest, shares.max(axis=-1), trusted)
    return [(CLASSES[index], float(share), bool(trust)) for index, share, trust in answers]


def _array(text, *shape):
    return np.frombuffer(base64.b64decode(text), "{dtype}").reshape(shape)


LAYERS = [
'''
END = """\
]

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: python {sys.argv[0]} pictures.npy")
    for answer in read(np.load(sys.argv[1], allow_pickle=False)):
        print(*answer)
"""


def write(network: Portable, file: IO[bytes]) -> None:
    description = "\n\n".join(textwrap.fill(sentence, LINE_CHARS) for sentence in network.sentences())
    values = {
        "description": description,
        "inputs": network.sizes[0],
        "outputs": network.sizes[-1],
        "about": repr(json.dumps(network.metadata())),
        "activation": ACTIVATIONS[network.activation],
        "dtype": network.layers[0][0].dtype.str,
    }
    file.write(TEMPLATE.format(**values).encode("ascii"))
    for W, b in network.layers:
        for start, array, end in (("    (", W, ","), ("     ", b, "),")):
            shape = ", ".join(map(str, array.shape))
            file.write(f'{start}_array("""'.encode("ascii"))
            file.write(base64.encodebytes(array.tobytes()))
            file.write(f'""", {shape}){end}\n'.encode("ascii"))
    file.write(END.encode("ascii"))
