"""TensorFlow Lite files (float32, int8 and int16 activations, int4 weights) to graphs.

The file's order of tensors and nodes is kept: the device's memory planner sees them in this order, and the
exact count of its bytes depends on it. No arithmetic on weights happens here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gonogo import _core
from gonogo.errors import ModelError, ShapeError, UnsupportedOperatorError, UnsupportedTypeError
from gonogo.loaders import common
from gonogo.loaders.tflite_file import FileModel, FileOperation, FileTensor, read_model
from gonogo.loaders.tflite_node import Operation
from gonogo.loaders.tflite_operators import OPERATORS

_BUILDER_TYPES = ("float32", "int8", "uint8", "int16", "int32", "int64", "bool")


def load_tflite(data: bytes, source: str) -> _core.Graph:
    """The graph of a .tflite file's bytes; `source` names the file in errors."""
    model = read_model(data, source)
    for operation in model.operations:
        if operation.code not in OPERATORS:
            name = model.tensors[operation.outputs[0]].name if operation.outputs else ""
            raise UnsupportedOperatorError(
                f"{source}: node {operation.index} '{name}' ({operation.code}): operator not supported"
            )
    operations = _fold_half_precision(model)
    builder = _core.GraphBuilder(source, "tflite")
    builder.set_file(len(data), common.sha256(data))
    ids = _add_tensors(builder, model, operations)
    known: dict[int, list[int]] = {}
    for operation in operations:
        node = Operation(model, operation, known)
        if len(operation.outputs) != 1:
            node.fail(ModelError, f"{len(operation.outputs)} outputs; this operator has one")
        node.check_int4()
        translated = OPERATORS[operation.code](node)
        if translated.known_value is not None:
            known[operation.outputs[0]] = translated.known_value
            builder.set_known_value(ids[operation.outputs[0]], translated.known_value)
        builder.node(
            translated.op,
            node.output().name,
            [ids[t] if t >= 0 else -1 for t in translated.inputs],
            [ids[t] for t in operation.outputs],
            translated.attributes,
        )
    for t in model.outputs:
        builder.output(ids[t])
    return builder.build()


def _fold_half_precision(model: FileModel) -> list[FileOperation]:
    """Makes float16 constants behind DEQUANTIZE float32 constants. Exact: every float16 is a float32."""
    rest = []
    for operation in model.operations:
        if operation.code == "DEQUANTIZE" and len(operation.inputs) == 1 and len(operation.outputs) == 1:
            stored, wide = model.tensors[operation.inputs[0]], model.tensors[max(operation.outputs[0], 0)]
            if operation.inputs[0] >= 0 and stored.dtype == "float16" and stored.values is not None:
                if wide.dtype != "float32" or wide.shape != stored.shape or wide.is_constant:
                    raise ModelError(
                        f"{model.source}: node {operation.index} '{wide.name}' (DEQUANTIZE): it must give "
                        f"float32 of shape {stored.shape}, it is {wide.dtype} of shape {wide.shape}"
                    )
                wide.values = stored.values.astype(np.float32)
                continue
        rest.append(operation)
    return rest


def _add_tensors(builder: Any, model: FileModel, operations: list[FileOperation]) -> dict[int, int]:
    """Registers the tensors in the file's order and returns the builder's number of each."""
    produced = {t for operation in operations for t in operation.outputs}
    used = {t for operation in operations for t in operation.inputs if t >= 0} | set(model.outputs)
    inputs = list(dict.fromkeys(model.inputs))
    if len(inputs) != len(model.inputs):
        raise ModelError(f"{model.source}: a tensor is an input of the model twice")
    names = common.Names()
    ids: dict[int, int] = {}

    def add_input(tensor: FileTensor) -> None:
        where = f"{model.source}: input '{tensor.name}'"
        if tensor.is_constant:
            raise ModelError(f"{where}: it is a constant as well")
        for d in tensor.free_dimensions:
            if d > 0:
                raise ShapeError(f"{where}: dimension {d} has no fixed size; export with a fixed input shape")
        ids[tensor.index] = builder.input(
            names.unique(tensor.name, tensor.index), tensor.shape, tensor.dtype, _quantization(tensor)
        )

    ordered = inputs == sorted(inputs)
    for t in inputs:
        _need_type(model, model.tensors[t])
        if not ordered:  # the order of the model's inputs goes first
            add_input(model.tensors[t])
    for tensor in model.tensors:
        if tensor.index in ids:
            continue
        if tensor.index in inputs:
            add_input(tensor)
            continue
        if tensor.index not in used | produced:
            continue
        _need_type(model, tensor)
        name, quantization = names.unique(tensor.name, tensor.index), _quantization(tensor)
        values = tensor.values
        if values is None and tensor.index not in produced and 0 in tensor.shape:
            values = np.zeros(
                tensor.shape, dtype=tensor.dtype
            )  # an empty list, for example the shape of a scalar
        if values is not None:
            ids[tensor.index] = builder.constant(name, values, quantization)
            if tensor.dtype == "int4":
                builder.set_packed_int4(ids[tensor.index])
        elif tensor.index in produced:
            if tensor.is_variable:
                raise UnsupportedOperatorError(
                    f"{model.source}: tensor '{tensor.name}' keeps state across runs"
                )
            ids[tensor.index] = builder.activation(name, tensor.shape, tensor.dtype, quantization)
        else:
            raise ModelError(
                f"{model.source}: tensor {tensor.index} '{tensor.name}' is read but nothing computes it"
            )
    return ids


def _need_type(model: FileModel, tensor: FileTensor) -> None:
    if tensor.dtype == "int4":
        if tensor.is_constant:
            return  # Operation.check_int4 says where it may be read
        raise UnsupportedOperatorError(
            f"{model.source}: tensor {tensor.index} '{tensor.name}' is int4 and not a constant; int4 is "
            "supported for constant weights only"
        )
    if tensor.dtype not in _BUILDER_TYPES:
        raise UnsupportedTypeError(
            f"{model.source}: tensor {tensor.index} '{tensor.name}': type {tensor.dtype} is not supported"
        )


def _quantization(tensor: FileTensor) -> Any:
    return None if tensor.quantization is None else tensor.quantization.to_core()
