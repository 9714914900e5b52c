"""One C header, for C99 and C++, that needs the C library alone."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.exchange.portable import Portable

ACTIVATIONS = {
    "relu": "x > 0 ? x : 0",
    "tanh": "tanhf(x)",
    "sigmoid": "(1 + tanhf(x / 2)) / 2",
}
LINE_CHARS, NUMBERS_IN_LINE = 100, 8

START = """\
/*
{description}

    #include "THIS_FILE.h"
    int index = minigrad_read(picture, probabilities); // of the likeliest class, or -1 if it cannot be trusted
    puts(minigrad_classes[index]);

Link with the mathematical library (-lm). Not reentrant: the neurons' outputs are stored in static arrays.
Define MINIGRAD_SUM as float where double is too slow; the logits then differ in the sixth digit.
*/
#ifndef MINIGRAD_NETWORK_H
#define MINIGRAD_NETWORK_H

#include <math.h>

#ifndef MINIGRAD_SUM
#define MINIGRAD_SUM double
#endif

enum {{ MINIGRAD_INPUTS = {inputs}, MINIGRAD_OUTPUTS = {outputs} }};

"""
END = """\
static inline float minigrad_activation(float x) {{
    return {activation};
}}

static inline void minigrad_linear(const float *W, const float *b, const float *x, int inputs, int outputs, float *y) {{
    for (int row = 0; row < outputs; row++) {{
        MINIGRAD_SUM sum = b[row];
        for (int column = 0; column < inputs; column++)
            sum += (MINIGRAD_SUM)W[(long)row * inputs + column] * x[column];
        y[row] = (float)sum;
    }}
}}

/* picture: MINIGRAD_INPUTS numbers; logits: space for MINIGRAD_OUTPUTS numbers. */
static inline void minigrad_logits(const float *picture, float *logits) {{
    const float *x = picture;
{calls}}}

/* The index of the likeliest class, or -1 if the answer cannot be trusted.
   probabilities: space for MINIGRAD_OUTPUTS numbers. */
static inline int minigrad_read(const float *picture, float *probabilities) {{
    const double temperature = {temperature};
    float *logits = probabilities;
    double sum = 0, scaled_sum = 0, highest;
    int best = 0;
    minigrad_logits(picture, logits);
    for (int index = 1; index < MINIGRAD_OUTPUTS; index++)
        if (logits[index] > logits[best]) best = index;
    highest = logits[best];
    for (int index = 0; index < MINIGRAD_OUTPUTS; index++) {{
        sum += exp(logits[index] - highest);
        scaled_sum += exp((logits[index] - highest) / temperature);
    }}
    for (int index = 0; index < MINIGRAD_OUTPUTS; index++)
        probabilities[index] = (float)(exp((logits[index] - highest) / temperature) / scaled_sum);
    return {trusted} ? best : -1;
}}

#endif
"""


def write(network: Portable, file: IO[bytes]) -> None:
    for part in _parts(network):
        file.write(part.encode("ascii"))


def _parts(network: Portable) -> Iterator[str]:
    description = "\n\n".join(textwrap.fill(sentence, LINE_CHARS) for sentence in network.sentences())
    calibration = network.calibration
    trusted = f"probabilities[best] >= {calibration.threshold:.9e}"
    if calibration.least_log_sum_exp is not None:
        trusted += f" && highest + log(sum) >= {calibration.least_log_sum_exp:.9e}"
    values: Mapping[str, Any] = {
        "description": description,
        "inputs": network.sizes[0],
        "outputs": network.sizes[-1],
        "activation": ACTIVATIONS[network.activation],
        "calls": "".join(_calls(network.sizes)),
        "temperature": f"{calibration.temperature:.9e}",
        "trusted": f"({trusted})",
    }
    yield START.format(**values)
    names = ", ".join(map(_literal, network.classes))
    yield f"static const char *const minigrad_classes[MINIGRAD_OUTPUTS] = {{{names}}};\n\n"
    for index, (W, b) in enumerate(network.in_float32()):
        yield from _array(f"minigrad_W{index}", W)
        yield from _array(f"minigrad_b{index}", b)
    yield END.format(**values)


def _calls(sizes: tuple[int, ...]) -> Iterator[str]:
    """The lines that compute one layer after the other."""
    *hidden, (last, inputs) = enumerate(sizes[:-1])
    for index, size in hidden:
        outputs = sizes[index + 1]
        yield f"    static float h{index}[{outputs}];\n"
        yield f"    minigrad_linear(minigrad_W{index}, minigrad_b{index}, x, {size}, {outputs}, h{index});\n"
        yield f"    for (int i = 0; i < {outputs}; i++) h{index}[i] = minigrad_activation(h{index}[i]);\n"
        yield f"    x = h{index};\n"
    yield f"    minigrad_linear(minigrad_W{last}, minigrad_b{last}, x, {inputs}, MINIGRAD_OUTPUTS, logits);\n"


def _array(name: str, array: NDArray[np.float32]) -> Iterator[str]:
    yield f"static const float {name}[{array.size}] = {{\n"
    flat = array.reshape(-1)
    for start in range(0, len(flat), NUMBERS_IN_LINE):
        # Always with a point and an exponent: 1f is no number in C.
        numbers = (f"{number:.8e}f" for number in flat[start : start + NUMBERS_IN_LINE].tolist())
        yield f"    {', '.join(numbers)},\n"
    yield "};\n\n"


def _literal(name: str) -> str:
    """A string literal of the name in UTF-8, safe from escapes and trigraphs."""
    plain = set(b"0123456789 abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.,:;!()+*/=")
    encoded = name.encode("utf-8", "replace")
    return '"' + "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in encoded) + '"'
