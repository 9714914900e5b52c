#!/usr/bin/env bash
# OpenCV takes every ONNX Swish for the one with alpha 1, whatever its alpha is.
#
# Expected: x * sigmoid(alpha * x), as the operator of opset 24 is specified, or an error.
# Seen: alpha is not read. At 1.702, which makes the operator the usual quick substitute of GELU, -1 becomes -0.269
# instead of -0.154. Elu, Celu, Selu, LeakyRelu and HardSigmoid are computed with their alpha.
# Why it matters here: OpenCV is what runs such small networks next to a camera. In a random network of five neurons
# it moved logits by 4% of the largest one: enough to be wrong, and too little to be seen in a few answers.
# opencv-python-headless 5.0.0.93, onnx 1.23.2, NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-30. Printed:
#   Swish of -1, alpha 1.0: ONNX -0.269, OpenCV -0.269
#   Swish of -1, alpha 1.702: ONNX -0.154, OpenCV -0.269
#   Elu of -1, alpha 1.702: ONNX -1.076, OpenCV -1.076
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet opencv-python-headless==5.0.0.93 onnx==1.23.2 numpy==2.4.6
cat >"$work/alpha.py" <<'PYTHON'
import sys

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1]) for name in "xy")
number = np.array([[-1]], np.float32)
for name, alpha in (("Swish", 1.0), ("Swish", 1.702), ("Elu", 1.702)):
    graph = helper.make_graph([helper.make_node(name, ["x"], ["y"], alpha=alpha)], "activation", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 24)], ir_version=11)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, sys.argv[1])
    network = cv2.dnn.readNetFromONNX(sys.argv[1])
    network.setInput(number)
    expected = ReferenceEvaluator(model).run(None, {"x": number})[0]
    print(f"{name} of -1, alpha {alpha}: ONNX {expected[0, 0]:.3f}, OpenCV {network.forward()[0, 0]:.3f}")
PYTHON
seen=$("$work/environment/bin/python" "$work/alpha.py" "$work/activation.onnx")
echo "$seen"
if [ "$seen" != "$(sed -n 's/^#   //p' "$0")" ]; then
    echo "This has changed."
    exit 1
fi
