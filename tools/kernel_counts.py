"""Factors of a layer's loop counts, for rows of the corpus and for its tensor graphs.

Written from the model's description in docs/cost-model.md, independently of the C++ engine that tests compare with it:
border taps are counted one by one here, in closed form there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

Row = dict[str, str]
Counts = dict[str, int]

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
    "DEQUANTIZE": "dequantize",
    "RESHAPE": "copy",
    "PAD": "pad",
    "CONCATENATION": "copy",
    "PACK": "pack",
    "SHAPE": "shape",
    "TRANSPOSE": "permute",
    "STRIDED_SLICE": "permute",
    "LOGISTIC": "sigmoid",
    "MUL": "add",
    "RESIZE_BILINEAR": "permute",
    "TILE": "copy",
}
HELIUM_BLOCK = 124  # channels that Helium's depthwise kernel takes at a time


def up(value: int, width: int) -> int:
    return -(-value // width)


def mixed(value: int, width: int) -> int:
    """1 when both steps of `width` and single ones are needed."""
    return int(value > width and value % width > 0)


def split(name: str, value: int, *widths: int) -> Counts:
    """Steps of each width, and what is left for single steps."""
    counts = {name: value}
    for width in widths:
        counts |= {f"{name}{width}": value // width, f"{name}{width}r": value % width}
    return counts


def product_factors(positions: int, outputs: int, terms: int) -> Counts:
    """Factors of a matrix product: `positions` x `outputs` sums of `terms` products."""
    return {
        **split("p", positions, 2, 4),
        "p4odd": int(positions % 4 > 0),
        **split("n", outputs, 2, 3, 4),
        "n4odd": int(outputs % 4 > 0),
        "n2some": int(outputs >= 2),
        "n3some": int(outputs >= 3),
        "n4some": int(outputs >= 4),
        **split("k", terms, 4, 16),
        "k16u": up(terms, 16),
        "k16r4": terms % 16 // 4,
        "k16mixed": mixed(terms, 16),
        "k4mixed": mixed(terms, 4),
        "call": 1,
    }


def channel_factors(channels: int) -> Counts:
    return {
        **split("c", channels, 4, 16),
        "c16r4": channels % 16 // 4,
        "c4u": up(channels, 4),
        "c16u": up(channels, 16),
        "c4mixed": mixed(channels, 4),
        "blocks": up(channels, HELIUM_BLOCK),
    }


def element_factors(inputs: int, shape: list[int]) -> Counts:
    outputs = math.prod(shape)
    rows = math.prod(shape[:-2])
    return {"inputs": inputs, "outputs": outputs, **split("o", outputs, 4), "rows": rows, "call": 1}


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

    def inside(self) -> tuple[int, int]:
        """Rows and columns of taps inside the map, over all output rows and columns."""

        def axis(out: int, size: int, kernel: int, stride: int, pad: int) -> int:
            return sum(0 <= o * stride - pad + k < size for o in range(out) for k in range(kernel))

        rows = axis(self.out_h, self.in_h, self.kh, self.stride_h, self.pad_h)
        return rows, axis(self.out_w, self.in_w, self.kw, self.stride_w, self.pad_w)

    def factors(self, terms: int) -> Counts:
        rows, columns = self.inside()
        positions, taps = self.out_h * self.out_w, self.kh * self.kw
        return {
            **product_factors(positions, self.out_c, terms),
            **channel_factors(self.in_c),
            **split("w", taps, 2),
            "wh": self.kh,
            "taps": rows * columns,
            "pads": positions * taps - rows * columns,
            "trows": rows * self.out_w,
            "later": rows * columns - positions,
            "rows": self.out_h,
            "products": 1,
        }

    def array(self, positions: int, depthwise: bool) -> int:
        """Cycles of an array of multipliers: 8 outputs x 8 inputs x so many positions at a time."""
        if positions == 4 and self.out_h == self.kh == 1 and self.out_w % 2 == 0:
            blocks = up(self.out_w, 4)
        else:
            blocks = up(self.out_h, positions // 2) * up(self.out_w, 2)
        visits, taps = max(32, 4 * blocks) * up(self.out_c, 8), self.kh * self.kw
        if depthwise:
            return visits * up(taps, 4)
        return min(visits * taps * up(self.in_c, 32), visits * up(taps, 4) * up(self.in_c, 8))

    def conv(self, depthwise: bool) -> tuple[str, Counts]:
        kernel, counts = self.conv_on_core(depthwise)
        arrays = {f"array{n}": self.array(n, depthwise) for n in (2, 4)}
        return kernel, counts | arrays | {"coded": coded(counts["n"] * counts["k"])}

    def conv_on_core(self, depthwise: bool) -> tuple[str, Counts]:
        taps = self.kh * self.kw
        if depthwise:
            if self.in_c != self.out_c:
                return "depthwise_plain", self.factors(taps)
            small = self.kh == self.kw == 3 and self.pad_h <= 1 and self.pad_w <= 1
            return ("depthwise_3x3" if small else "depthwise_general"), self.factors(taps)
        if taps > 1 or self.pad_h or self.pad_w:
            return "conv_general", self.factors(taps * self.in_c)
        if self.stride_h == self.stride_w == 1:
            return "conv_1x1", self.factors(self.in_c)
        row = product_factors(self.out_w, self.out_c, self.in_c)  # one product per row of the map
        return "conv_1x1", self.factors(self.in_c) | row | {"products": self.out_h}


def coded(weights: int) -> int:
    """Bytes in an accelerator's encoding, of weights whose values aren't known."""
    return weights * 9 // 10


def dense(inputs: int, outputs: int, batch: int = 1) -> Counts:
    array = 32 * up(outputs, 8) * up(inputs, 32)
    counts = product_factors(1, outputs, inputs)
    return counts | {"products": batch, "array2": array, "array4": array, "coded": coded(outputs * inputs)}


def kernel_row(row: Row) -> tuple[str, Counts]:
    """Class and factors of a row of the kernel counts."""
    names = ("in_h", "in_w", "in_c", "out_h", "out_w", "out_c", "kh", "kw")
    w = Window(*(int(row[n]) for n in (*names, "stride_h", "stride_w", "pad_h", "pad_w")))
    op = row["op"]
    if op in ("conv2d", "dwconv2d"):
        return w.conv(op == "dwconv2d")
    if op == "fc":
        return "dense", dense(w.in_h * w.in_w * w.in_c, w.out_c)
    if op in ("maxpool", "avgpool"):
        return KERNEL_OPS[op], w.factors(w.kh * w.kw)
    return KERNEL_OPS[op], element_factors(w.in_h * w.in_w * w.in_c, [w.out_h, w.out_w, w.out_c])


def graph_op(graph: dict[str, Any], op: dict[str, Any]) -> tuple[str, Counts]:
    """Class and factors of an operator of a tensor graph; class "" where there is no model."""
    tensors, name = graph["tensors"], op["op"]
    x, y = tensors[op["inputs"][0]], tensors[op["outputs"][0]]
    inputs = math.prod(x["shape"])
    floats = "FLOAT32" in (x["type"], y["type"])
    if "INT16" in (x["type"], y["type"]):
        return "", {}
    if name == "QUANTIZE" and floats:
        return "quantize", element_factors(inputs, y["shape"])
    if floats and name not in ("DEQUANTIZE", "RESHAPE", "PAD", "CONCATENATION", "SHAPE", "TRANSPOSE"):
        return "", {}
    if name in ("CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D"):
        w = graph_window(op, x["shape"], y["shape"])
        sizes = {"inputs": inputs, "outputs": math.prod(y["shape"])}
        if name.endswith("CONV_2D"):
            kernel, counts = w.conv(name[0] == "D")
            return kernel, counts | sizes
        return ("max_pool" if name[0] == "M" else "average_pool"), w.factors(w.kh * w.kw) | sizes
    if name == "FULLY_CONNECTED":
        rows, columns = op["filter"]
        sizes = {"inputs": inputs, "outputs": math.prod(y["shape"])}
        return "dense", dense(columns, rows, inputs // columns) | sizes
    if name in ("ADD", "SOFTMAX"):
        return name.lower(), element_factors(inputs, y["shape"])
    return OTHER_OPS.get(name, ""), element_factors(inputs, y["shape"])


def graph_window(op: dict[str, Any], x: list[int], y: list[int]) -> Window:
    attrs = op["attrs"]
    if "filterHeight" in attrs:
        kh, kw = attrs["filterHeight"], attrs["filterWidth"]
    else:
        kh, kw = op["filter"][1:3]
    _, ih, iw, ic = x
    _, oh, ow, oc = y
    sh, sw = attrs["strideH"], attrs["strideW"]
    same = attrs["padding"] == 0
    ph = max((oh - 1) * sh + kh - ih, 0) // 2 if same else 0
    pw = max((ow - 1) * sw + kw - iw, 0) // 2 if same else 0
    return Window(ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, ph, pw)


def value_of(term: str, counts: Counts) -> int:
    """A product of factors, such as `p2*n2*k4`."""
    return math.prod(counts[factor] for factor in term.split("*"))
