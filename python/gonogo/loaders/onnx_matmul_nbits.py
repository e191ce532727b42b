"""MatMulNBits of onnxruntime (com.microsoft) as a MatMul whose weights are integers with a scale per block."""

from __future__ import annotations

import numpy as np

from gonogo.errors import ModelError, QuantizationError, UnsupportedOperatorError, UnsupportedTypeError
from gonogo.loaders import common
from gonogo.loaders.onnx_file import MICROSOFT, Model, Node
from gonogo.loaders.onnx_qlinear import Parameters, Params
from gonogo.loaders.onnx_tensor import Array, unpacked

_INPUTS = ("A", "B", "scales", "zero_points", "g_idx", "bias")
_SMALLEST_BLOCK = 16


def lower_matmul_nbits(model: Model, parameters: Parameters) -> None:
    """Replaces every MatMulNBits by a MatMul of the same weights, [K, N], bit for bit those that the file packs."""
    for node in model.nodes:
        if node.domain == MICROSOFT and node.op == "MatMulNBits":
            _lower(model, node, parameters)


def _lower(model: Model, node: Node, parameters: Parameters) -> None:
    bits = node.integer("bits", 4)
    if bits not in (4, 8):
        node.fail(UnsupportedOperatorError, f"bits {bits}; quantise to 4 or 8 bits")
    if node.integer("weight_prepacked", 0) != 0:
        node.fail(UnsupportedOperatorError, "weight_prepacked; load the model before the runtime prepared it")
    level = node.integer("accuracy_level", 0)
    if level not in (0, 1):
        node.fail(
            UnsupportedOperatorError,
            f"accuracy_level {level} lets the runtime round input 'A' to a narrower type before it multiplies; "
            "quantise with accuracy_level 0 or 1 (onnxruntime: MatMulNBitsQuantizer(..., accuracy_level=1))",
        )
    if node.input(4):
        node.fail(
            UnsupportedOperatorError,
            "input 4 (g_idx) reorders the blocks; quantise without reordering (act_order)",
        )
    inputs, outputs, block = (_positive(node, key) for key in ("K", "N", "block_size"))
    if block < _SMALLEST_BLOCK or block & (block - 1) != 0:
        node.fail(
            ModelError,
            f"attribute 'block_size' is {block}; it must be a power of two, at least {_SMALLEST_BLOCK}",
        )
    common.checked_shape([outputs, inputs], node.where())
    blocks = -(-inputs // block)
    if blocks * block > common.MAX_ELEMENTS:
        node.fail(ModelError, f"attribute 'block_size' is {block} for {inputs} inputs")
    listed = _unpacked(node, 1, _constant(model, node, 1, "uint8"), [outputs, blocks * block], bits)
    values = listed[:, :inputs].T
    scales = _constant(model, node, 2, "float32")
    if scales.size != outputs * blocks:
        node.fail(
            QuantizationError, f"input 2 (scales) has {scales.size} elements; {outputs} x {blocks} are needed"
        )
    points = np.full((outputs, blocks), 1 << (bits - 1), np.int64)
    if node.input(3):
        packed = _constant(model, node, 3, "uint8")
        points = _unpacked(node, 3, packed, [outputs, blocks], bits).astype(np.int64)
    name = _fresh(model, node.input(1))
    dtype = "uint4" if bits == 4 else "uint8"
    model.constants[name] = np.ascontiguousarray(values)
    if bits == 4:
        model.four_bit[name] = dtype
    flat = scales.reshape(outputs, blocks).T.reshape(-1)
    parameters.set(node, name, Params(flat, points.T.reshape(-1), dtype, 0, block))
    bias = [node.input(5)] if node.input(5) else []
    node.op, node.domain, node.inputs = "MatMul", "", [node.input(0), name, *bias]


def _positive(node: Node, key: str) -> int:
    value = node.integer(key, 0)
    if not 1 <= value <= common.MAX_DIMENSION:
        node.fail(ModelError, f"attribute '{key}' is {value}; it must be a positive number")
    return value


def _constant(model: Model, node: Node, i: int, dtype: str) -> Array:
    """The values of input i, which is a constant of this type."""
    name = node.input(i)
    if not name:
        node.fail(ModelError, f"input {i} ({_INPUTS[i]}) is missing")
    if name not in model.constants:
        node.fail(
            UnsupportedOperatorError,
            f"input {i} ({_INPUTS[i]}, '{name}') is computed at run time; it must be a constant",
        )
    if model.element_type(name) != dtype:
        node.fail(
            UnsupportedTypeError,
            f"input {i} ({_INPUTS[i]}, '{name}') has type {model.element_type(name)}; {dtype} is supported, quantise "
            "the float32 model again",
        )
    return model.constants[name]


def _unpacked(node: Node, i: int, stored: Array, shape: list[int], bits: int) -> Array:
    """Rows of values from bytes; of 4 bits every row starts with a whole byte. `stored`: uint8, any shape."""
    rows, columns = shape
    width = columns if bits == 8 else (columns + 1) // 2
    if stored.size != rows * width:
        node.fail(
            ModelError,
            f"input {i} ({_INPUTS[i]}) holds {stored.size} bytes; {rows} rows of {width} are needed for K, N and "
            "block_size",
        )
    table = stored.reshape(rows, width)
    if bits == 8:
        return table
    return unpacked(table.reshape(-1), [rows, width * 2], "uint4", node.where())[:, :columns]


def _fresh(model: Model, base: str) -> str:
    """A name that no tensor of the file has."""
    known = set(model.constants).union(*(n.outputs for n in model.nodes), (v.name for v in model.inputs))
    name = f"{base}_weights"
    while name in known:
        name += "_"
    return name
