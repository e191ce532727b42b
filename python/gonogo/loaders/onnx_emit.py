"""From the folded, grouped nodes of an ONNX file to the builder's calls: values, constants and their parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gonogo import _core
from gonogo.errors import ModelError, UnsupportedOperatorError, UnsupportedTypeError
from gonogo.loaders import common
from gonogo.loaders.onnx_file import Model, Node
from gonogo.loaders.onnx_fold import exact_float32
from gonogo.loaders.onnx_qlinear import Parameters
from gonogo.loaders.onnx_shapes import Shapes
from gonogo.loaders.onnx_tensor import Array


@dataclass(frozen=True)
class Value:
    """A tensor that the builder knows."""

    id: int
    shape: list[int]
    dtype: str
    quantized: common.Quantized | None


class Emitter:
    """Calls the builder in the file's order; constants are made when they are first read."""

    def __init__(self, builder: Any, model: Model, shapes: Shapes, parameters: Parameters) -> None:
        self.builder = builder
        self.model = model
        self.shapes = shapes
        self.parameters = parameters
        self.values: dict[str, Value] = {}
        self._names = common.Names()
        self._constants: dict[tuple[str, str], Value] = {}

    def add_inputs(self) -> None:
        for given in self.model.inputs:
            quantized = self._quantized(given.name, given.shape, f"{self.model.source}: input '{given.name}'")
            name = self._names.unique(given.name, len(self.values))
            core = quantized.to_core() if quantized else None
            identifier = self.builder.input(name, given.shape, given.dtype, core)
            self.values[given.name] = Value(identifier, given.shape, given.dtype, quantized)

    def add_outputs(self) -> None:
        for name in self.model.outputs:
            if name in self.model.constants:
                raise ModelError(f"{self.model.source}: output '{name}' is a constant")
            self.builder.output(self.values[name].id)

    def _quantized(self, name: str, shape: list[int], where: str) -> common.Quantized | None:
        params = self.parameters.of.get(name)
        return params.quantized(shape, where) if params else None

    # ---- operands ----

    def activation(self, node: Node, i: int) -> Value:
        """Input i as a tensor, whether it is computed or constant."""
        name = node.input(i)
        if not name:
            node.fail(ModelError, f"input {i} is missing")
        if name in self.model.constants:
            return self.constant(node, i)
        return self.values[name]

    def constant(self, node: Node, i: int) -> Value:
        """Input i, a constant that is used as the file holds it."""
        node.input(i)
        return self.changed_constant(node, i, "", self.numbers(node, i))

    def numbers(self, node: Node, i: int) -> Array:
        """The values of input i, which must be constant."""
        name = node.input(i)
        if name not in self.model.constants:
            node.fail(
                UnsupportedOperatorError,
                f"input {i} ('{name}') is computed at run time; it must be a constant",
            )
        return self.model.constants[name]

    def changed_constant(self, node: Node, i: int, change: str, values: Array) -> Value:
        """Input i with other values; `change` tells the kinds of change apart."""
        name = node.input(i)
        key = (name, change)
        if key not in self._constants:
            quantized = self._quantized(name, list(self.model.constants[name].shape), node.where())
            self._constants[key] = self.new_constant(node, name, values, quantized)
        return self._constants[key]

    def moved_weights(self, node: Node, change: str, permutation: list[int], factor: float = 1.0) -> Value:
        """Input 1 times `factor`, transposed; of quantised weights the scales are multiplied, and move along."""
        name, values = node.input(1), self.numbers(node, 1)
        key = (name, change)
        if key not in self._constants:
            shape = list(values.shape)
            quantized = self._quantized(name, shape, node.where())
            if quantized is None:
                values = scaled(node, values, factor)
            else:
                quantized = quantized.moved(shape, permutation)
                if factor != 1.0:
                    if node.input(0) in self.parameters.of:
                        node.fail(UnsupportedOperatorError, "alpha must be 1 where the input is quantised")
                    quantized = replace(quantized, scales=_scaled_scales(node, quantized.scales, factor))
            self._constants[key] = self.new_constant(node, name, values.transpose(permutation), quantized)
        return self._constants[key]

    def new_constant(self, node: Node, name: str, values: Array, quantized: common.Quantized | None) -> Value:
        common.check_finite(values, f"{node.where()}: constant '{name}'")
        four_bit = self.model.four_bit.get(name)
        if four_bit is not None and quantized is None:
            node.fail(
                UnsupportedTypeError,
                f"'{name}' is {four_bit}; put a DequantizeLinear between it and the operator",
            )
        if four_bit == "uint4" and quantized is not None:  # the same differences q - z, in the range of int4
            values = values - np.int8(8)
            quantized = replace(quantized, zero_points=quantized.zero_points - np.int32(8))
        values = np.array(values, order="C", copy=None)
        unique = self._names.unique(name, len(self.values) + len(self._constants))
        identifier = self.builder.constant(unique, values, quantized.to_core() if quantized else None)
        if four_bit is not None:
            self.builder.set_packed_int4(identifier)
        return Value(identifier, list(values.shape), str(values.dtype), quantized)

    # ---- nodes ----

    def emit(
        self, node: Node, op: str, inputs: list[Value | None], attributes: dict[str, Any], dtype: str = ""
    ) -> None:
        """One operator that computes the node's first output."""
        name = node.outputs[0]
        shape = self.shapes.of[name]
        params = self.parameters.of.get(name)
        quantized = self._quantized(name, shape, node.where())
        kind = params.dtype if params else (dtype or "float32")
        if not dtype and op != "quantize":
            first = inputs[0]
            if first is not None and (first.quantized is None) != (quantized is None):
                node.fail(UnsupportedTypeError, "mixes quantised and float32 tensors")
        identifier = self.builder.activation(
            self._names.unique(name, len(self.values)),
            shape,
            kind,
            quantized.to_core() if quantized else None,
        )
        ids = [value.id if value is not None else -1 for value in inputs]
        self.builder.node(op, node.name or name, ids, [identifier], attributes)
        self.values[name] = Value(identifier, shape, kind, quantized)


def scaled(node: Node, values: Array, factor: float) -> Array:
    """alpha or beta of a Gemm, multiplied into a constant where float32 doesn't round."""
    if factor == 1.0:
        return values
    if values.dtype != np.float32:
        node.fail(UnsupportedOperatorError, "alpha and beta must be 1 in a quantised model")
    return exact_float32(node, values.astype(np.float64) * factor)


def _scaled_scales(node: Node, scales: Array, factor: float) -> Array:
    """Scales times alpha: a power of two commutes with the rounding of every dequantised weight."""
    if factor <= 0.0 or math.frexp(factor)[0] != 0.5:
        node.fail(
            UnsupportedOperatorError,
            f"alpha {factor} with quantised weights; multiply their scales by it and set alpha to 1",
        )
    return exact_float32(node, scales.astype(np.float64) * factor)


def new_builder(source: str, data: bytes) -> Any:
    builder = _core.GraphBuilder(source, "onnx")
    builder.set_file(len(data), common.sha256(data))
    return builder
