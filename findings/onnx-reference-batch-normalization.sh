#!/usr/bin/env bash
# ONNX's own reference evaluator lets the other pictures of a batch change a network's answer, below opset 14.
#
# Expected: BatchNormalization with one output uses the stored mean and variance, as the specification of opsets 9 to
# 13 says, so a picture's result is the same alone and in a batch.
# Seen: nine tenths of the stored mean are mixed with a tenth of the batch's, and likewise the variance. The evaluator
# takes it for training unless the node has no momentum; but the attribute has a default, 0.9, so it always has one.
# onnxruntime is right, and so is the evaluator from opset 14 on. Known as onnx/onnx#8442, a proposal for a change.
# Why it matters here: it is the natural second opinion when two runtimes disagree on an imported network, and files
# of opset 9 to 13 are what older exporters of PyTorch and Keras wrote. Nothing but a comparison shows it: the picture
# below that should stay 1, 2 becomes 0.95, 1.9 alone and 0.8, 1.4 in company.
# onnx 1.23.2, onnxruntime 1.32.0, NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-30. Printed:
#   opset 13, onnxruntime: alone [1.0, 2.0], beside another [1.0, 2.0]
#   opset 13, reference: alone [0.949, 1.897], beside another [0.8, 1.403]
#   opset 14, onnxruntime: alone [1.0, 2.0], beside another [1.0, 2.0]
#   opset 14, reference: alone [1.0, 2.0], beside another [1.0, 2.0]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat >"$work/batch.py" <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2]) for name in "xy")
stored = {"scale": [1, 1], "bias": [0, 0], "mean": [0, 0], "variance": [1, 1]}
arrays = [numpy_helper.from_array(np.array(numbers, np.float32), name) for name, numbers in stored.items()]
graph = helper.make_graph([helper.make_node("BatchNormalization", ["x", *stored], ["y"])], "norm", [x], [y], arrays)
pictures = np.array([[1, 2], [3, 6]], np.float32)
for opset in (13, 14):
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for name, program in (("onnxruntime", session), ("reference", ReferenceEvaluator(model))):
        alone, together = (
            [round(float(number), 3) for number in program.run(None, {"x": batch})[0][0]]
            for batch in (pictures[:1], pictures)
        )
        print(f"opset {opset}, {name}: alone {alone}, beside another {together}")
PYTHON
seen=$("$work/environment/bin/python" "$work/batch.py")
echo "$seen"
if [ "$seen" != "$(sed -n 's/^#   //p' "$0")" ]; then
    echo "This has changed."
    exit 1
fi
