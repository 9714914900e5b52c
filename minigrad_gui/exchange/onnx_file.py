"""ONNX, if `onnx` is installed: the graph, with the metadata as its properties and the description as its text.

Reading follows the graph from an output back to the input. The layers' order is that of the graph; names mean nothing.
"""

import json
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from engine.nn import MAX_PARAMETERS
from minigrad_gui.exchange.chain import Chain, Found
from minigrad_gui.exchange.portable import (
    ABOUT_KEY,
    MAX_NAME_CHARS,
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
ARITHMETIC: dict[str, Callable[..., Any]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
    "Sqrt": np.sqrt,
    "Neg": np.negative,
    "Reciprocal": np.reciprocal,
}
CONSTANT_OPERATORS = {
    *ARITHMETIC,
    "Cast",
    "Constant",
    "DequantizeLinear",
    "Identity",
    "ReduceL2",
    "Reshape",
    "Transpose",
}
ROUNDING = {"DynamicQuantizeLinear", "QuantizeLinear"}
"""What turns a network's numbers into whole ones while it computes."""
MAX_STEPS = 20
MAX_NUMBERS = 4 * MAX_PARAMETERS
"""Of all constants together."""
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
    if any(node.op_type in ROUNDING for node in graph.node):
        raise ExchangeError("computes in 8 bits: open the network from before it was quantized.")
    about = own_metadata({each.key: each.value for each in model.metadata_props}.get(ABOUT_KEY))
    refusal = ExchangeError("has no outputs.")
    for output in graph.output:
        try:
            return _found(_way(graph, output.name, constants), constants, about)
        except ExchangeError as error:  # other outputs may be labels
            refusal = error
    raise refusal


class Constants:
    """The arrays that do not depend on the input, by name, computed when they are needed."""

    def __init__(self, graph: Any, folder: Path) -> None:
        self._stored = {tensor.name: tensor for tensor in graph.initializer}
        self._made = {name: node for node in graph.node for name in node.output if node.op_type in CONSTANT_OPERATORS}
        self._folder = folder
        self._known: dict[str, bool] = {}
        self._values: dict[str, NDArray[Any]] = {}
        self._numbers_left = MAX_NUMBERS

    def __contains__(self, name: str) -> bool:
        return self._is_constant(name, MAX_STEPS)

    def _is_constant(self, name: str, steps: int) -> bool:
        if name in self._stored or name in self._known:
            return self._known.get(name, True)
        node = self._made.get(name)
        self._known[name] = False  # what depends on itself is none
        if node is not None and steps:
            self._known[name] = all(self._is_constant(each, steps - 1) for each in node.input if each)
        return self._known[name]

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._values:
            value = self._array(self._stored[name]) if name in self._stored else self._computed(self._made[name])
            self._numbers_left -= value.size
            self._values[name] = value
        return self._values[name]

    def _computed(self, node: Any) -> NDArray[Any]:
        if node.op_type == "Constant":
            return self._constant(node)
        inputs = [self[each] for each in node.input if each]
        if node.op_type in ARITHMETIC:
            if math.prod(np.broadcast_shapes(*(each.shape for each in inputs))) > self._numbers_left:
                raise ExchangeError("is too large.")
            return np.asarray(ARITHMETIC[node.op_type](*inputs))
        first, *others = inputs
        match node.op_type:
            case "Transpose":
                return first.transpose(_attribute(node, "perm", None))
            case "Reshape":
                return first.reshape([int(size) or first.shape[at] for at, size in enumerate(others[0])])
            case "Cast" if first.dtype.kind != "f":
                return first.astype(np.float32)
            case "ReduceL2":
                axes = _attribute(node, "axes", others[0] if others else None)
                over = None if axes is None else tuple(int(axis) for axis in axes)
                return np.asarray(np.linalg.norm(first, axis=over, keepdims=bool(_attribute(node, "keepdims", 1))))
            case "DequantizeLinear":
                return _dequantised(*inputs, axis=_attribute(node, "axis", 1))
        return first

    def _constant(self, node: Any) -> NDArray[Any]:
        tensor = _attribute(node, "value", None)
        if tensor is not None:
            return self._array(tensor)
        return np.array(_attribute(node, "value_floats", _attribute(node, "value_float", None)), np.float32)

    def _array(self, tensor: Any) -> NDArray[Any]:
        from onnx import TensorProto, numpy_helper

        size = math.prod(tensor.dims)
        if size > self._numbers_left or min(tensor.dims, default=1) < 0:
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
        # How a picture is reshaped may be computed from its shape.
        inputs_of = node.input[:1] if node.op_type in SHAPE_OPERATORS else node.input
        coming = [each for each in inputs_of if each and each not in constants]
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
            case "BatchNormalization" if is_first:
                gain, shift, mean, variance = (constants[each] for each in others)
                chain.normalisation(mean, variance, gain, shift, _attribute(node, "epsilon", 1e-5))
            case operator if operator in ACTIVATIONS:
                chain.activation(ACTIVATIONS[operator])
            case operator if operator not in SHAPE_OPERATORS:
                raise ExchangeError(f"uses {operator[:MAX_NAME_CHARS]}, which no MLP here has.")
    return chain.found(about)


def _dequantised(
    numbers: NDArray[Any], scale: NDArray[Any], zero: NDArray[Any] | None = None, *, axis: int
) -> NDArray[Any]:
    """What whole numbers stand for. scale, zero: one for all, or one for each index of this axis."""
    shape = [1] * numbers.ndim
    if scale.size > 1:
        shape[axis] = scale.size
    start = np.zeros_like(scale) if zero is None else zero.astype(np.float32)
    return np.asarray((numbers.astype(np.float32) - start.reshape(shape)) * scale.reshape(shape))


def _attribute(node: Any, name: str, default: Any) -> Any:
    from onnx import helper

    return next((helper.get_attribute_value(each) for each in node.attribute if each.name == name), default)
