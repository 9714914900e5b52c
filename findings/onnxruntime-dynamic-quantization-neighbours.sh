#!/usr/bin/env bash
# The answer of a network that onnxruntime quantized dynamically depends on what else is in the batch.
#
# Expected: rows of a batch are independent, as they are in the network that was quantized, so that a batch of one
# picture and a batch of a thousand give each picture the same result.
# Seen: "dynamic" means one scale for the whole input, of the largest and the smallest number in all of its rows,
# taken anew at each layer. One row with large numbers, here a picture that someone forgot to divide by 255, makes the
# step of all others 1, so that every grey below a half is 0. It is meant to be so: microsoft/onnxruntime#10111.
# Static quantization, whose scale is fixed, keeps rows apart.
# Why it matters here: accuracy is measured in batches and used one picture at a time, so the number that is reported
# is not that of the program that is shipped; and one bad picture in a test set spoils the answers to its neighbours,
# which then look like faults of the network.
# onnxruntime 1.32.0, onnx 1.23.2, NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-30. Printed:
#   alone: 1.00, 0.40, 0.20
#   beside another like it: 1.00, 0.40, 0.20
#   beside one of numbers to 255: 1.00, 0.00, 0.00
#   before it was quantized, beside the same: 1.00, 0.40, 0.20
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
cat >"$work/neighbours.py" <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import quantize_dynamic

whole, quantized = sys.argv[1:]
x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 3]) for name in "xy")
weights = numpy_helper.from_array(np.eye(3, dtype=np.float32), "weights")  # output = input
graph = helper.make_graph([helper.make_node("MatMul", ["x", "weights"], ["y"])], "layer", [x], [y], [weights])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), whole)
quantize_dynamic(whole, quantized)
picture = [1, 0.4, 0.2]
for name, path, batch in (
    ("alone", quantized, [picture]),
    ("beside another like it", quantized, [picture, [0.7, 0.9, 0]]),
    ("beside one of numbers to 255", quantized, [picture, [255, 9, 0]]),
    ("before it was quantized, beside the same", whole, [picture, [255, 9, 0]]),
):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    result = session.run(None, {"x": np.array(batch, np.float32)})[0][0]
    print(f"{name}: {', '.join(f'{number:.2f}' for number in result)}")
PYTHON
seen=$("$work/environment/bin/python" "$work/neighbours.py" "$work/whole.onnx" "$work/quantized.onnx" \
    2>"$work/log") || {
    cat "$work/log"
    exit 1
}
echo "$seen"
if [ "$seen" != "$(sed -n 's/^#   //p' "$0")" ]; then
    echo "This has changed."
    exit 1
fi
