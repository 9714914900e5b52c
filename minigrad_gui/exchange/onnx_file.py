"""ONNX, if `onnx` is installed: the graph, with the metadata as its properties and the description as its text."""

import json
from itertools import pairwise
from typing import IO

from minigrad_gui.exchange.portable import ABOUT_KEY, Portable, missing

IR_VERSION, OPSET = 10, 21
"""Of 2024: the newest, which the library writes unless told otherwise, are refused by many runtimes."""
OPERATORS = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}
INPUT, OUTPUT = "picture", "logits"


def write(network: Portable, file: IO[bytes]) -> None:
    """Raises ExchangeError if `onnx` is missing."""
    try:
        from onnx import TensorProto, checker, helper, numpy_helper
    except ImportError as error:
        raise missing("onnx") from error
    nodes, initializers = [], []
    last = len(network.layers) - 1
    names = [INPUT, *(f"h{index}" for index in range(last)), OUTPUT]
    for index, ((x, y), (W, b)) in enumerate(zip(pairwise(names), network.in_float32(), strict=True)):
        initializers += [numpy_helper.from_array(W, f"W{index}"), numpy_helper.from_array(b, f"b{index}")]
        total = y if index == last else f"{y}_sum"
        nodes.append(helper.make_node("Gemm", [x, f"W{index}", f"b{index}"], [total], transB=1))
        if index < last:
            nodes.append(helper.make_node(OPERATORS[network.activation], [total], [y]))
    kind, sizes = TensorProto.FLOAT, network.sizes
    text = "\n\n".join(network.sentences())
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(INPUT, kind, ["batch", sizes[0]])],
        [helper.make_tensor_value_info(OUTPUT, kind, ["batch", sizes[-1]])],
        initializers,
        text,
    )
    operators = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, producer_name="minigrad", doc_string=text, opset_imports=operators)
    model.ir_version = IR_VERSION
    helper.set_model_props(model, {ABOUT_KEY: json.dumps(network.metadata())})
    checker.check_model(model)
    file.write(model.SerializeToString())
