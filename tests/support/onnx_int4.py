"""ONNX models with int4 weights: a layer behind a DequantizeLinear, MatMulNBits as onnxruntime's quantiser packs it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper

from support.onnx_models import MICROSOFT, Array, make_model

ACCURACY = "session.qdq_matmulnbits_accuracy_level"
LIMITS = {"int4": (-8, 7), "uint4": (0, 15), "int8": (-128, 127), "uint8": (0, 255)}
ELEMENT = {
    "int4": TensorProto.INT4,
    "uint4": TensorProto.UINT4,
    "int8": TensorProto.INT8,
    "uint8": TensorProto.UINT8,
}


def tensor(name: str, values: Array, dtype: str) -> TensorProto:
    """An initializer of type int4, uint4, int8 or uint8."""
    return helper.make_tensor(name, ELEMENT[dtype], values.shape, values.reshape(-1).tolist())


@dataclass
class Layer:
    """A float32 layer with quantised weights; `q`, `z` int64 and `s` float32 in the file's layout."""

    data: bytes
    op: str
    q: Array
    s: Array
    z: Array
    axis: int
    block: int
    bias: Array
    shape: list[int]  # of the input
    attributes: dict[str, Any]

    def weights(self) -> Any:
        """Fractions, in the shape of the file's weights."""
        exact = np.vectorize(Fraction, otypes=[object])
        s, z = self.s, self.z
        if self.block > 0:
            index = np.arange(self.q.shape[self.axis]) // self.block
            s, z = np.take(s, index, self.axis), np.take(z, index, self.axis)
        elif s.size > 1:
            to = [-1 if i == self.axis else 1 for i in range(self.q.ndim)]
            s, z = s.reshape(to), z.reshape(to)
        return exact((self.q - z).astype(np.int64)) * exact(s.astype(np.float64))

    def exact(self, x: Array) -> Any:
        """The layer's output in real arithmetic, Fractions."""
        values = np.vectorize(Fraction, otypes=[object])(x.astype(np.float64))
        w, b = self.weights(), np.vectorize(Fraction, otypes=[object])(self.bias.astype(np.float64))
        if self.op != "Conv":
            return values.dot(w.T if self.attributes.get("transB") else w) + b
        group, (m, c, kh, kw) = self.attributes.get("group", 1), w.shape
        height, width = x.shape[2] - kh + 1, x.shape[3] - kw + 1
        out = np.empty((1, m, height, width), object)
        for o in range(m):
            first = o // (m // group) * c
            for i in range(height):
                for j in range(width):
                    part = values[0, first : first + c, i : i + kh, j : j + kw]
                    out[0, o, i, j] = (part * w[o]).sum() + b[o]
        return out


def random_layer(
    rng: np.random.Generator, op: str, dtype: str, scales: str, zero_points: bool = True
) -> Layer:
    """`op`: MatMul, Gemm or Conv; `scales`: per 'tensor', 'axis' (of outputs) or 'block'."""
    low, high = LIMITS[dtype]
    attributes: dict[str, Any] = {}
    if op == "Conv":
        group = int(rng.choice([1, 2, 4]))
        shape = [1, 4, 5, 4]
        dims = [int(rng.integers(1, 3)) * group, 4 // group, 3, 2]
        attributes["group"] = group
        axis = 0 if scales == "axis" else int(rng.integers(2))
    else:
        inputs, outputs = int(rng.integers(1, 80)), int(rng.integers(1, 9))
        transposed = op == "Gemm" and rng.random() < 0.5
        shape = [int(rng.choice([1, 3])), inputs]
        dims = [outputs, inputs] if transposed else [inputs, outputs]
        axis = (0 if transposed else 1) if scales == "axis" else int(rng.integers(2))
        if transposed:
            attributes["transB"] = 1
    block = int(rng.choice([1, 2, 3, 16, 32, 100])) if scales == "block" else 0
    of_scales: list[int] = []
    if scales == "axis":
        of_scales = [dims[axis]]
    elif block:
        of_scales = [-(-d // block) if i == axis else d for i, d in enumerate(dims)]
    q = rng.integers(low, high + 1, dims)
    s = np.asarray(rng.uniform(0.01, 0.1, of_scales)).astype(np.float32)
    if block:  # as quantisers of blocks write them
        s = s * rng.choice(np.array([-1, 1], np.float32), of_scales)
        s = np.where(rng.random(of_scales) < 0.1, np.float32(0), s)
    z = rng.integers(low, high + 1, of_scales) if zero_points else np.zeros(of_scales, np.int64)
    constants: dict[str, Any] = {"q": tensor("q", q, dtype), "s": s}
    names = ["q", "s"]
    if zero_points:
        constants["z"] = tensor("z", np.asarray(z), dtype)
        names.append("z")
    where = {"axis": axis} if scales != "tensor" else {}
    if block:
        where["block_size"] = block
    bias = np.zeros(dims[0] if op == "Conv" or attributes.get("transB") else dims[1], np.float32)
    operands = ["x", "w"]
    if op != "MatMul" and rng.random() < 0.5:
        bias = rng.normal(size=bias.shape).astype(np.float32)
        constants["b"] = bias
        operands.append("b")
    nodes = [
        helper.make_node("DequantizeLinear", names, ["w"], name="dq", **where),
        helper.make_node(op, operands, ["y"], name="layer", **attributes),
    ]
    data = make_model(nodes, constants, {"x": ("float32", shape)}, {"y": "float32"}, opset=21)
    return Layer(data, op, q, s, np.asarray(z), axis, block, bias, shape, attributes)


def matmul_nbits(
    weights: Array, block: int, *, symmetric: bool, bias: Array | None = None, **attributes: Any
) -> tuple[bytes, Layer]:
    """A MatMulNBits of float32 weights [K, N], packed by onnxruntime's quantiser, and the same as a Layer."""
    from onnxruntime.capi import _pybind_state as quantiser

    inputs, outputs = weights.shape
    blocks = -(-inputs // block)
    packed = np.zeros((outputs, blocks, block // 2), np.uint8)
    scales = np.zeros(outputs * blocks, np.float32)
    points = np.zeros(outputs * ((blocks + 1) // 2), np.uint8)
    quantiser.quantize_matmul_4bits(packed, weights, scales, points, block, outputs, inputs, symmetric)
    constants: dict[str, Any] = {"B": packed, "scales": scales}
    names = ["x", "B", "scales"]
    if not symmetric:
        constants["zero_points"] = points
        names.append("zero_points")
    if bias is not None:
        constants["bias"] = bias
        names += [""] * (5 - len(names)) + ["bias"]
    given = {"K": inputs, "N": outputs, "bits": 4, "block_size": block, **attributes}
    node = helper.make_node("MatMulNBits", names, ["y"], name="mm", domain=MICROSOFT, **given)
    data = make_model([node], constants, {"x": ("float32", [1, inputs])}, {"y": "float32"}, opset=21)
    halves = np.stack([packed & 15, packed >> 4], -1).reshape(outputs, -1)[:, :inputs]
    rows = points.reshape(outputs, -1)
    z = np.stack([rows & 15, rows >> 4], -1).reshape(outputs, -1)[:, :blocks].astype(np.int64)
    if symmetric:
        z = np.full((outputs, blocks), 8)
    layer = Layer(
        data,
        "MatMul",
        halves.T.astype(np.int64),
        scales.reshape(outputs, blocks).T,
        z.T,
        0,
        block,
        np.zeros(outputs, np.float32) if bias is None else bias,
        [1, inputs],
        {},
    )
    return data, layer


def runtime(data: bytes, optimise: str = "all", accuracy: str = "1") -> ort.InferenceSession:
    """onnxruntime at a level of graph optimisation and an accuracy level of its products with integer weights."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    levels = {
        "off": "DISABLE_ALL",
        "basic": "ENABLE_BASIC",
        "extended": "ENABLE_EXTENDED",
        "all": "ENABLE_ALL",
    }
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, f"ORT_{levels[optimise]}")
    options.add_session_config_entry(ACCURACY, accuracy)
    return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
