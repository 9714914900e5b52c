"""ONNX, if `onnx` is installed: the graph, with the metadata as its properties and the description as its text.

Reading follows the graph from an output back to the input. The layers' order is that of the graph; names mean nothing.
"""

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from engine.nn import MAX_PARAMETERS
from minigrad_gui.exchange.chain import Chain, Found
from minigrad_gui.exchange.portable import (
    ABOUT_KEY,
    ExchangeError,
    Portable,
    file_beside,
    missing,
    own_metadata,
    read_whole,
)

IR_VERSION, OPSET = 10, 21
"""Of 2024: the newest, which the library writes unless told otherwise, are refused by many runtimes."""
OPERATORS = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}
ACTIVATIONS = {
    **{operator: name for name, operator in OPERATORS.items()},
    "Softmax": "softmax",
    "LogSoftmax": "log_softmax",
}
SHAPE_OPERATORS = {"Cast", "Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze", "ZipMap"}
"""These change no number of a picture, nor the order of the numbers."""
CONSTANT_OPERATORS = {"Cast", "Constant", "Identity", "Transpose"}
MAX_CHANGES = 10
MAX_NAME_CHARS = 60
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


def recognises(path: Path, _: bytes) -> bool:
    """By its name, for protocol buffers have no signature."""
    return path.suffix.lower() == ".onnx"


def read(path: Path) -> Found:
    """The network in a file. Raises ExchangeError if `onnx` is missing or the graph is no MLP."""
    try:
        import onnx
    except ImportError as error:
        raise missing("onnx") from error
    model = onnx.load_model_from_string(read_whole(path))
    graph, constants = model.graph, Constants(model.graph, path.parent)
    about = own_metadata({each.key: each.value for each in model.metadata_props}.get(ABOUT_KEY))
    refusal = ExchangeError("has no outputs.")
    for output in graph.output:
        try:
            return _found(_way(graph, output.name, constants), constants, about)
        except ExchangeError as error:  # other outputs may be labels
            refusal = error
    raise refusal


class Constants:
    """The arrays that do not depend on the input, by name, read when they are needed."""

    def __init__(self, graph: Any, folder: Path) -> None:
        self._stored = {tensor.name: tensor for tensor in graph.initializer}
        self._made = {name: node for node in graph.node for name in node.output if node.op_type in CONSTANT_OPERATORS}
        self._folder = folder

    def __contains__(self, name: str) -> bool:
        return self._origin(name) is not None

    def __getitem__(self, name: str) -> NDArray[Any]:
        origin = self._origin(name)
        assert origin is not None
        tensor, changes = origin
        array = self._array(tensor)
        for node in reversed(changes):
            if node.op_type == "Transpose":
                array = array.transpose(_attribute(node, "perm", None))
        return array

    def _origin(self, name: str) -> tuple[Any, list[Any]] | None:
        """Where an array is stored, and the nodes that change it, last first."""
        changes: list[Any] = []
        while len(changes) < MAX_CHANGES:
            if name in self._stored:
                return self._stored[name], changes
            node = self._made.get(name)
            if node is None:
                return None
            if node.op_type == "Constant":
                value = _attribute(node, "value", None)
                return None if value is None else (value, changes)
            changes.append(node)
            name = node.input[0]
        return None

    def _array(self, tensor: Any) -> NDArray[Any]:
        from onnx import TensorProto, numpy_helper

        size = math.prod(tensor.dims)
        if size > MAX_PARAMETERS or min(tensor.dims, default=1) < 0:
            raise ExchangeError("is too large.")
        if tensor.data_location == TensorProto.EXTERNAL:
            content = self._elsewhere({each.key: each.value for each in tensor.external_data}, size)
            tensor = TensorProto(dims=tensor.dims, data_type=tensor.data_type, raw_data=content)
        return np.asarray(numpy_helper.to_array(tensor))

    def _elsewhere(self, entry: dict[str, str], size: int) -> bytes:
        """The bytes of an array in another file, which must be in the same folder, with links followed."""
        file = file_beside(self._folder, entry.get("location", ""))
        offset, length = int(entry.get("offset", 0)), int(entry.get("length", size * 8))
        if offset < 0 or not 0 <= length <= min(size * 8, file.stat().st_size - offset):
            raise ExchangeError("takes weights from beyond the end of another file.")
        with file.open("rb") as stream:
            stream.seek(offset)
            return stream.read(length)


def _way(graph: Any, output: str, constants: Constants) -> list[tuple[Any, str]]:
    """The nodes from the input to an output, each with the name of what it gets from the one before."""
    producers = {name: node for node in graph.node for name in node.output}
    inputs = {each.name for each in graph.input}
    way: list[tuple[Any, str]] = []
    name = output
    while name not in inputs or name in constants:
        node = producers.get(name)
        if node is None or len(way) >= len(graph.node):
            raise ExchangeError("has a graph that does not lead from an input to an output.")
        coming = [each for each in node.input if each and each not in constants]
        if len(coming) != 1:
            raise ExchangeError(f"is no MLP: {node.op_type[:MAX_NAME_CHARS]} has {len(coming)} variable inputs.")
        name = coming[0]
        way.append((node, name))
    return way[::-1]


def _found(way: list[tuple[Any, str]], constants: Constants, about: dict[str, Any] | None) -> Found:
    chain = Chain()
    for node, coming in way:
        others = [each for each in node.input if each and each != coming]
        is_first = node.input[0] == coming
        match node.op_type:
            case "Gemm" if is_first and not _attribute(node, "transA", 0):
                W = constants[others[0]]
                chain.product(
                    (W if _attribute(node, "transB", 0) else W.T) * np.float32(_attribute(node, "alpha", 1.0))
                )
                for bias in others[1:]:
                    chain.term(constants[bias] * np.float32(_attribute(node, "beta", 1.0)))
            case "MatMul" if is_first:
                chain.product(constants[others[0]].T)
            case "Add":
                chain.term(constants[others[0]])
            case "Sub":
                if not is_first:
                    chain.factor(np.array(-1.0, np.float32))
                chain.term(constants[others[0]] * (-1 if is_first else 1))
            case "Mul":
                chain.factor(constants[others[0]])
            case "Div" if is_first:
                chain.factor(1 / constants[others[0]])
            case operator if operator in ACTIVATIONS:
                chain.activation(ACTIVATIONS[operator])
            case operator if operator not in SHAPE_OPERATORS:
                raise ExchangeError(f"uses {operator[:MAX_NAME_CHARS]}, which no MLP here has.")
    return chain.found(about)


def _attribute(node: Any, name: str, default: Any) -> Any:
    from onnx import helper

    return next((helper.get_attribute_value(each) for each in node.attribute if each.name == name), default)
