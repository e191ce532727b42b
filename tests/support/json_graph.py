"""Builds a Graph from one of the corpus's tensor graphs (graphs/*.json): shapes, types and operators, no weights.

What the files leave out (paddings, permutations, slices, scales) is filled in from the shapes: for cost only the shapes
count. The mapping is written from the format, independently of the package's own TFLite loader.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
from gonogo import _core

Json = dict[str, Any]

DTYPES = {
    "FLOAT32": "float32",
    "INT8": "int8",
    "UINT8": "uint8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "BOOL": "bool",
}
ACTIVATIONS = {0: "none", 1: "relu", 2: "relu_n1_to_1", 3: "relu6"}
PLAIN = {
    "SHAPE": "shape",
    "TILE": "tile",
    "RESIZE_BILINEAR": "resize_bilinear",
    "RESIZE_NEAREST_NEIGHBOR": "resize_nearest",
    "LOG_SOFTMAX": "log_softmax",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "lstm",
    "SVDF": "svdf",
    "QUANTIZE": "quantize",
    "DEQUANTIZE": "dequantize",
    "LOGISTIC": "sigmoid",
}


def _window(attrs: Json) -> Json:
    return {
        "strides": [attrs["strideH"], attrs["strideW"]],
        "padding": ("same", "valid")[attrs["padding"]],
        "activation": ACTIVATIONS[attrs["fusedActivationFunction"]],
    }


def _permutation(before: list[int], after: list[int]) -> list[int]:
    perms = (p for p in itertools.permutations(range(len(before))) if [before[i] for i in p] == after)
    return list(next(p for p in perms if list(p) != sorted(p)))


def _axes(before: list[int], after: list[int], count: int, keep: bool) -> list[int]:
    for axes in itertools.combinations(range(len(before)), count):
        if keep and after == [1 if i in axes else n for i, n in enumerate(before)]:
            return list(axes)
        if not keep and after == [n for i, n in enumerate(before) if i not in axes] and 0 not in axes:
            return list(axes)
    raise ValueError(f"no axes lead from {before} to {after}")


def canonical(op: Json, shapes: list[list[int]], out: list[int]) -> tuple[str, Json]:
    """Canonical operator and attributes; `shapes` are those of the inputs."""
    attrs, name = op["attrs"], op["op"]
    x = shapes[0]
    if name == "FULLY_CONNECTED":
        activation = ACTIVATIONS[attrs["fusedActivationFunction"]]
        return "dense", {"activation": activation, "keep_dims": int(len(out) == len(x) and len(x) > 2)}
    if name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        dilations = [attrs["dilationHFactor"], attrs["dilationWFactor"]]
        return ("conv2d" if name == "CONV_2D" else "depthwise_conv2d"), {
            **_window(attrs),
            "dilations": dilations,
        }
    if name in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
        kernel = [attrs["filterHeight"], attrs["filterWidth"]]
        return ("max_pool2d" if name[0] == "M" else "average_pool2d"), {**_window(attrs), "kernel": kernel}
    if name in ("ADD", "MUL"):
        return name.lower(), {"activation": ACTIVATIONS[attrs["fusedActivationFunction"]]}
    if name in ("MEAN", "REDUCE_MAX"):
        axes = _axes(x, out, int(np.prod(shapes[1])), attrs["keepDims"])
        return name.lower(), {"axes": axes, "keep_dims": int(attrs["keepDims"])}
    if name == "PAD":
        total = [b - a for a, b in zip(x, out, strict=True)]
        before = [t // 2 for t in total]
        return "pad", {"pads": before + [t - b for t, b in zip(total, before, strict=True)]}
    if name == "CONCATENATION":
        return "concat", {"axis": attrs["axis"]}
    if name == "RESHAPE":
        return "reshape", {"shape": out}
    if name == "TRANSPOSE":
        return "transpose", {"perm": _permutation(x, out)}
    if name == "STRIDED_SLICE":
        return "strided_slice", {"begin": [0] * len(x), "end": [1] * len(x), "strides": [1] * len(x)}
    if name == "PACK":
        return "pack", {"axis": attrs["axis"]}
    if name == "SOFTMAX":
        return "softmax", {}
    return PLAIN[name], {}


def read(path: Path) -> Json:
    data: Json = json.loads(path.read_text(encoding="utf-8"))
    return data


def build(data: Json) -> _core.Graph:
    """The graph, tensors in the file's order."""
    source = data["model"]
    builder = _core.GraphBuilder(source, "tflite")
    builder.set_file(data["file_bytes"], "")
    scale = _core.Quantization(np.array([0.5], np.float32), np.array([0], np.int32), 0)
    per_channel = {
        op["inputs"][1]: 0 if op["op"] == "CONV_2D" else 3
        for op in data["ops"]
        if op["op"] in ("CONV_2D", "DEPTHWISE_CONV_2D")
    }
    widened = {op["outputs"][0] for op in data["ops"] if op["op"] == "QUANTIZE"}
    for i, t in enumerate(data["tensors"]):
        dtype = DTYPES[t["type"]]
        quantization = scale if dtype in ("int8", "uint8", "int16") or i in widened else None
        if quantization and i in per_channel:
            axis = per_channel[i]
            channels = t["shape"][axis]
            quantization = _core.Quantization(
                np.full(channels, 0.5, np.float32), np.zeros(channels, np.int32), axis
            )
        name = f"t{i}"
        if i in data["inputs"]:
            builder.input(name, t["shape"], dtype, quantization)
        elif t["const"] or t["var"]:
            builder.constant_without_values(name, t["shape"], dtype, quantization)
        else:
            builder.activation(name, t["shape"], dtype, quantization)
    for op in data["ops"]:
        shapes = [data["tensors"][i]["shape"] if i >= 0 else [] for i in op["inputs"]]
        kind, attributes = canonical(op, shapes, data["tensors"][op["outputs"][0]]["shape"])
        inputs = list(op["inputs"])
        if kind in ("mean", "reduce_max"):
            inputs = inputs[:1]
        builder.node(kind, f"n{op['idx']}", inputs, op["outputs"], attributes)
    for i in data["outputs"]:
        builder.output(i)
    return builder.build()
