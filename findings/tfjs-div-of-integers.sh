#!/usr/bin/env bash
# In TensorFlow.js, pixels divided by their maximum are 0 or 1, as div of two integer tensors rounds down.
#
# Expected: x.div(x.max()) gives numbers from 0 to 1, as it does in NumPy and in JavaScript itself.
# Seen: a tensor made of a Uint8Array, as one of tf.browser.fromPixels, is int32, and so are its minimum and maximum.
# div then rounds down, and every grey of an antialiased stroke becomes black. x.div(255) is right, since a plain
# number counts as float32. The page of div says nothing of it. It is meant to be so: tensorflow/tfjs#136 and #215.
# Why it matters here: the usual (x - min) / (max - min), where the exported network runs in a page. The network gets
# the full pixels of each stroke only, reads worse than at home, and nothing tells why.
# @tensorflow/tfjs 4.22.0, Node.js 20.20, Debian 12, 2026-11-30. Printed:
#   x is int32: 0, 51, 204, 255
#   x.div(255): 0.0, 0.2, 0.8, 1.0
#   x.div(x.max()): 0.0, 0.0, 0.0, 1.0
#   x.sub(x.min()).div(x.max().sub(x.min())): 0.0, 0.0, 0.0, 1.0
#   x.toFloat().div(x.max()): 0.0, 0.2, 0.8, 1.0
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm install --silent --no-fund --no-audit --prefix "$work" @tensorflow/tfjs@4.22.0 >"$work/log"
cat >"$work/div.cjs" <<'JAVASCRIPT'
const tf = require("@tensorflow/tfjs");
const x = tf.tensor1d(new Uint8Array([0, 51, 204, 255]));
const show = (name, y) => console.log(`${name}: ${Array.from(y.dataSync(), (v) => v.toFixed(1)).join(", ")}`);
console.log(`x is ${x.dtype}: ${Array.from(x.dataSync()).join(", ")}`);
show("x.div(255)", x.div(255));
show("x.div(x.max())", x.div(x.max()));
show("x.sub(x.min()).div(x.max().sub(x.min()))", x.sub(x.min()).div(x.max().sub(x.min())));
show("x.toFloat().div(x.max())", x.toFloat().div(x.max()));
JAVASCRIPT
seen=$(node "$work/div.cjs" | grep "^x")
echo "$seen"
if [ "$seen" != "$(sed -n 's/^#   //p' "$0")" ]; then
    echo "This has changed."
    exit 1
fi
