"""Counts over a layer's shapes that the instruction model weighs, for rows of the corpus and for its tensor graphs.

Written from the model's description in docs/cost-model.md, independently of the C++ engine that tests compare with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

Row = dict[str, str]
Counts = dict[str, float]

# Which counts may enter the formula of a class of kernels.
TERMS = {
    "conv_1x1": ("macs", "outputs", "tail", "call"),
    "conv_general": ("macs", "outputs", "positions", "gathered", "padding", "call"),
    "depthwise_3x3": ("macs", "inside_macs", "outputs", "positions", "padding", "call"),
    "depthwise_general": ("macs", "inside_macs", "outputs", "positions", "call"),
    "depthwise_plain": ("inside_macs", "outputs"),
    "dense": ("macs", "outputs", "inputs", "tail", "call"),
    "add": ("outputs", "call"),
    "max_pool": ("inside_macs", "outputs", "positions", "call"),
    "average_pool": ("inside_macs", "outputs", "positions", "call"),
    "mean": ("inputs", "outputs", "call"),
    "softmax": ("outputs", "call"),
    "quantize": ("outputs", "call"),
    "requantize": ("outputs", "call"),
    "copy": ("outputs", "call"),
    "permute": ("outputs", "call"),
    "sigmoid": ("outputs",),
}
KERNEL_OPS = {
    "fc": "dense",
    "add": "add",
    "softmax": "softmax",
    "maxpool": "max_pool",
    "avgpool": "average_pool",
}
OTHER_OPS = {
    "MEAN": "mean",
    "REDUCE_MAX": "mean",
    "QUANTIZE": "requantize",
    "DEQUANTIZE": "quantize",
    "RESHAPE": "copy",
    "PAD": "copy",
    "CONCATENATION": "copy",
    "PACK": "copy",
    "SHAPE": "copy",
    "TRANSPOSE": "permute",
    "STRIDED_SLICE": "permute",
    "LOGISTIC": "sigmoid",
    "MUL": "add",
    "RESIZE_BILINEAR": "permute",
    "TILE": "copy",
}


@dataclass
class Window:
    """Geometry of a layer; the fields are columns of the kernel counts."""

    in_h: int
    in_w: int
    in_c: int
    out_h: int
    out_w: int
    out_c: int
    kh: int
    kw: int
    stride_h: int
    stride_w: int
    pad_h: int
    pad_w: int

    def inside(self) -> int:
        """Taps inside the map, over all positions."""

        def axis(out: int, size: int, kernel: int, stride: int, pad: int) -> int:
            return sum(0 <= o * stride - pad + k < size for o in range(out) for k in range(kernel))

        rows = axis(self.out_h, self.in_h, self.kh, self.stride_h, self.pad_h)
        return rows * axis(self.out_w, self.in_w, self.kw, self.stride_w, self.pad_w)

    def counts(self, depth: int, macs: int) -> Counts:
        positions, taps, inside = self.out_h * self.out_w, self.kh * self.kw, self.inside()
        return {
            "macs": macs,
            "inside_macs": inside * depth * self.out_c,
            "outputs": positions * self.out_c,
            "positions": positions,
            "gathered": positions * taps * self.in_c,
            "padding": (positions * taps - inside) * self.in_c,
            "inputs": self.in_h * self.in_w * self.in_c,
            "call": 1,
        }

    def conv(self, depthwise: bool) -> tuple[str, Counts]:
        taps = self.kh * self.kw
        outputs = self.out_h * self.out_w * self.out_c
        if depthwise:
            counts = self.counts(1, outputs * taps)
            if self.in_c != self.out_c:
                return "depthwise_plain", counts
            small = self.kh == self.kw == 3 and self.pad_h <= 1 and self.pad_w <= 1
            return ("depthwise_3x3" if small else "depthwise_general"), counts
        counts = self.counts(self.in_c, outputs * taps * self.in_c)
        counts["tail"] = taps * self.in_c % 4 * outputs
        pointwise = taps == 1 and self.pad_h == self.pad_w == 0
        return ("conv_1x1" if pointwise else "conv_general"), counts


def dense(inputs: int, outputs: int) -> Counts:
    return {
        "macs": inputs * outputs,
        "outputs": outputs,
        "inputs": inputs,
        "tail": inputs % 4 * outputs,
        "call": 1,
    }


def plain(inputs: int, outputs: int) -> Counts:
    return {"inputs": inputs, "outputs": outputs, "call": 1}


def kernel_row(row: Row) -> tuple[str, Counts]:
    """Class and counts of a row of the kernel counts."""
    names = ("in_h", "in_w", "in_c", "out_h", "out_w", "out_c", "kh", "kw")
    w = Window(*(int(row[n]) for n in (*names, "stride_h", "stride_w", "pad_h", "pad_w")))
    op = row["op"]
    if op in ("conv2d", "dwconv2d"):
        return w.conv(op == "dwconv2d")
    if op == "fc":
        return "dense", dense(w.in_h * w.in_w * w.in_c, w.out_c)
    if op in ("maxpool", "avgpool"):
        return KERNEL_OPS[op], w.counts(1, 0)
    return KERNEL_OPS[op], plain(w.in_h * w.in_w * w.in_c, w.out_h * w.out_w * w.out_c)


def graph_op(graph: dict[str, Any], op: dict[str, Any]) -> tuple[str, Counts]:
    """Class and counts of an operator of a tensor graph; class "" where there is no model."""
    tensors, attrs, name = graph["tensors"], op["attrs"], op["op"]
    x, y = tensors[op["inputs"][0]], tensors[op["outputs"][0]]
    inputs, outputs = math.prod(x["shape"]), math.prod(y["shape"])
    floats = "FLOAT32" in (x["type"], y["type"])
    if name == "QUANTIZE" and floats:
        return "quantize", plain(inputs, outputs)
    if floats and name not in ("DEQUANTIZE", "RESHAPE", "PAD", "CONCATENATION", "SHAPE", "TRANSPOSE"):
        return "", {}
    if name in ("CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D"):
        if "filterHeight" in attrs:
            kh, kw = attrs["filterHeight"], attrs["filterWidth"]
        else:
            kh, kw = op["filter"][1:3]
        _, ih, iw, ic = x["shape"]
        _, oh, ow, oc = y["shape"]
        sh, sw = attrs["strideH"], attrs["strideW"]
        same = attrs["padding"] == 0
        ph = max((oh - 1) * sh + kh - ih, 0) // 2 if same else 0
        pw = max((ow - 1) * sw + kw - iw, 0) // 2 if same else 0
        w = Window(ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, ph, pw)
        if name.endswith("CONV_2D"):
            return w.conv(name[0] == "D")
        return ("max_pool" if name[0] == "M" else "average_pool"), w.counts(1, 0)
    if name == "FULLY_CONNECTED":
        rows, columns = op["filter"]
        return "dense", dense(columns, rows * (inputs // columns))
    if name in ("ADD", "SOFTMAX"):
        return name.lower(), plain(inputs, outputs)
    return OTHER_OPS.get(name, ""), plain(inputs, outputs)
