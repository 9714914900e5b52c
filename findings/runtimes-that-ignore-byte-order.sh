#!/usr/bin/env bash
# Given a big-endian array, onnxruntime, OpenCV, tinygrad and at times OpenVINO compute with other numbers.
#
# Expected: an array of NumPy is what it says it is, so that x and x.astype(">f4"), which are equal, give equal
# results, or an error: JAX, for one, refuses such arrays.
# Seen: only the kind and the size of the type are looked at, and the bytes are then read the other way round. 1.0
# becomes 4.6e-41, which a network takes for black, so that pictures of 0 and 1 get the answer of an empty one. There
# is no error. OpenVINO takes the array itself for what it is, but not the array in an openvino.Tensor.
# Why it matters here: the numbers of an IDX file that are longer than a byte are big-endian, and so is the array that
# np.frombuffer(..., ">f4") makes of them. array.astype("f4") turns it.
# onnxruntime 1.32.0, opencv-python-headless 5.0.0.93, tinygrad 0.14.0, openvino 2026.4.1, NumPy 2.4.6, Python 3.11,
# Debian 12, 2026-11-30. Printed:
#   onnxruntime: [1.0, 2.0, 0.5] became [0.0, 0.0, 0.0]
#   OpenCV: [1.0, 2.0, 0.5] became [0.0, 0.0, 0.0]
#   tinygrad: [1.0, 2.0, 0.5] became [0.0, 0.0, 0.0]
#   OpenVINO, array: [1.0, 2.0, 0.5] became [1.0, 2.0, 0.5]
#   OpenVINO, Tensor: [1.0, 2.0, 0.5] became [0.0, 0.0, 0.0]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 opencv-python-headless==5.0.0.93 \
    tinygrad==0.14.0 openvino==2026.4.1 numpy==2.4.6
cat >"$work/order.py" <<'PYTHON'
import sys

import cv2
import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper
from tinygrad import Tensor

x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3]) for name in "xy")
graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "relu", [x], [y])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), sys.argv[1])
pixels = np.array([[1, 2, 0.5]], ">f4")
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
network = cv2.dnn.readNetFromONNX(sys.argv[1])
network.setInput(pixels)
compiled = openvino.Core().compile_model(sys.argv[1], "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
results = {
    "onnxruntime": session.run(None, {"x": pixels})[0],
    "OpenCV": network.forward(),
    "tinygrad": Tensor(pixels, device="PYTHON").numpy(),
    "OpenVINO, array": compiled(pixels)[0],
    "OpenVINO, Tensor": compiled([openvino.Tensor(pixels)])[0],
}
for name, result in results.items():
    print(f"{name}: {pixels[0].tolist()} became {np.abs(result[0].round(6)).tolist()}")
PYTHON
seen=$("$work/environment/bin/python" "$work/order.py" "$work/relu.onnx")
echo "$seen"
if [ "$seen" != "$(sed -n 's/^#   //p' "$0")" ]; then
    echo "This has changed."
    exit 1
fi
