"""Reads a TensorFlow Lite file into plain tensors and operations, whatever the operators mean."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gonogo.errors import ModelError, ShapeError, UnsupportedTypeError
from gonogo.loaders import common
from gonogo.loaders import tflite_schema as schema
from gonogo.loaders.common import Quantized
from gonogo.loaders.flatbuffer import FlatBuffer, Table

# Element types whose constants can be read, and how they lie in the file.
STORAGE = {
    "float32": "<f4",
    "float16": "<f2",
    "int8": "|i1",
    "uint8": "|u1",
    "int16": "<i2",
    "int32": "<i4",
    "int64": "<i8",
    "bool": "|u1",
}
# Metadata of one node is tiny in honest files.
_MAX_OPERANDS = 1 << 10
_MAX_SCALES = 1 << 20


@dataclass(slots=True)
class FileTensor:
    index: int
    name: str
    dtype: str
    shape: list[int]
    values: npt.NDArray[Any] | None = None  # of constants; int4 as int8
    quantization: Quantized | None = None
    is_variable: bool = False
    free_dimensions: list[int] = field(default_factory=list)  # of unknown size when the file was written

    @property
    def is_constant(self) -> bool:
        return self.values is not None

    @property
    def is_float(self) -> bool:
        return self.dtype == "float32"


@dataclass(slots=True)
class FileOperation:
    index: int
    code: str  # TensorFlow Lite's name of the operator
    inputs: list[int]  # -1 where an optional input is left out
    outputs: list[int]
    options: Table | None
    options_kind: int


@dataclass(slots=True)
class FileModel:
    source: str
    tensors: list[FileTensor]
    operations: list[FileOperation]
    inputs: list[int]
    outputs: list[int]


def read_model(data: bytes, source: str) -> FileModel:
    """The main subgraph of a file, every index and size checked."""
    if len(data) < 8 or data[4:8] != schema.IDENTIFIER:
        raise ModelError(f"{source}: not a TensorFlow Lite model: the file identifier is missing")
    buffer = FlatBuffer(data, source)
    model = buffer.root()
    version = model.u32(schema.Model.VERSION)
    if version != schema.VERSION:
        raise ModelError(f"{source}: schema version {version}; only version {schema.VERSION} is read")
    subgraphs = model.tables(schema.Model.SUBGRAPHS, "subgraphs", common.MAX_NODES)
    if not subgraphs:
        raise ModelError(f"{source}: the model has no subgraph")
    # Further subgraphs are bodies of control flow. An operator that enters one is refused by name later on.
    main = subgraphs[0]
    tables = main.tables(schema.SubGraph.TENSORS, "tensors", common.MAX_TENSORS)
    buffers = model.tables(schema.Model.BUFFERS, "buffers", 2 * common.MAX_TENSORS)
    tensors = [_tensor(table, i, buffers, source) for i, table in enumerate(tables)]
    if sum(math.prod(t.shape) for t in tensors) > common.MAX_TOTAL_ELEMENTS:
        raise ShapeError(
            f"{source}: the tensors have more than {common.MAX_TOTAL_ELEMENTS} elements together"
        )
    return FileModel(
        source,
        tensors,
        _operations(model, main, len(tensors), source),
        _indices(main, schema.SubGraph.INPUTS, len(tensors), f"{source}: inputs of the model"),
        _indices(main, schema.SubGraph.OUTPUTS, len(tensors), f"{source}: outputs of the model"),
    )


def _tensor(table: Table, index: int, buffers: list[Table], source: str) -> FileTensor:
    field_ = schema.Tensor
    name = table.text(field_.NAME, common.MAX_NAME)
    where = f"{source}: tensor {index} '{name}'"
    code = table.i8(field_.TYPE)
    if not 0 <= code < len(schema.TYPES):
        raise ModelError(f"{where}: element type {code} does not exist")
    dtype = schema.TYPES[code]
    if table.length(field_.SHAPE) > common.MAX_RANK:
        raise ShapeError(
            f"{where}: rank {table.length(field_.SHAPE)}; at most {common.MAX_RANK} are supported"
        )
    shape = common.checked_shape(table.array(field_.SHAPE, "<i4"), where)
    if table.has(field_.SPARSITY):
        raise UnsupportedTypeError(
            f"{where}: sparse tensors are not supported; convert the model to dense weights"
        )
    tensor = FileTensor(index, name, dtype, shape, is_variable=bool(table.u8(field_.IS_VARIABLE)))
    if table.length(field_.SHAPE_SIGNATURE) == len(shape):
        signature = table.array(field_.SHAPE_SIGNATURE, "<i4")
        tensor.free_dimensions = [d for d in range(len(shape)) if signature[d] == -1]
    parameters = table.table(field_.QUANTIZATION)
    if parameters is not None:
        tensor.quantization = _quantization(parameters, shape, dtype, where)
    number = table.u32(field_.BUFFER)
    if number >= len(buffers):
        raise ModelError(f"{where}: buffer {number} does not exist; the file has {len(buffers)}")
    start, size = _span(buffers[number]) if number else (0, 0)
    if size:
        tensor.values = _values(buffers[number].buffer, start, size, shape, dtype, where)
    return tensor


def _span(table: Table) -> tuple[int, int]:
    """Where a buffer's bytes lie: in the FlatBuffer, or behind it for files written in the large format."""
    offset = table.u64(schema.Buffer.OFFSET)
    if offset <= 1:
        return table.span(schema.Buffer.DATA)
    size = table.u64(schema.Buffer.SIZE)
    if offset + size > table.buffer.size:
        raise table.buffer.damaged(f"{size} bytes at offset {offset} lie outside the file")
    return offset, size


def _values(
    buffer: FlatBuffer, start: int, size: int, shape: list[int], dtype: str, where: str
) -> npt.NDArray[Any]:
    if dtype == "int4":
        return _unpacked(buffer, start, size, shape, where)
    if dtype not in STORAGE:
        raise UnsupportedTypeError(f"{where}: constants of type {dtype} are not supported")
    kind = np.dtype(STORAGE[dtype])
    count = math.prod(shape)
    if count * kind.itemsize != size:
        raise ModelError(
            f"{where}: shape {shape} of {dtype} needs {count * kind.itemsize} bytes, its buffer has {size}"
        )
    values = buffer.array(start, count, STORAGE[dtype]).reshape(shape)
    if dtype == "bool":
        values = values != 0
    common.check_finite(values, where)
    return np.require(values, requirements=["C", "A"])


def _unpacked(buffer: FlatBuffer, start: int, size: int, shape: list[int], where: str) -> npt.NDArray[Any]:
    """int4 values as int8, which is how the runtimes compute with them: two per byte, the lower half first."""
    count = math.prod(shape)
    if (count + 1) // 2 != size:
        raise ModelError(
            f"{where}: shape {shape} of int4 needs {(count + 1) // 2} bytes, its buffer has {size}"
        )
    packed = buffer.array(start, size, "|i1")
    pairs = np.empty((size, 2), dtype=np.int8)
    # Shifting an int8 to the right repeats its sign; the lower half is first shifted up to where a sign is.
    pairs[:, 0] = np.right_shift(np.left_shift(packed, 4), 4)
    pairs[:, 1] = np.right_shift(packed, 4)
    return np.ascontiguousarray(pairs.reshape(-1)[:count].reshape(shape))


def _quantization(table: Table, shape: list[int], dtype: str, where: str) -> Quantized | None:
    field_ = schema.QuantizationParameters
    count = table.length(field_.SCALE)
    if count == 0:
        return None  # only a range that was observed, or nothing at all
    if table.u8(field_.DETAILS_TYPE):
        raise UnsupportedTypeError(f"{where}: custom or blockwise quantisation is not supported")
    if count > _MAX_SCALES or table.length(field_.ZERO_POINT) > _MAX_SCALES:
        raise ModelError(f"{where}: {count} scales; at most {_MAX_SCALES} are read")
    return common.checked_quantization(
        table.array(field_.SCALE, "<f4"),
        table.array(field_.ZERO_POINT, "<i8"),
        table.i32(field_.QUANTIZED_DIMENSION),
        shape,
        dtype,
        where,
    )


def _indices(table: Table, slot: int, tensors: int, where: str, optional: bool = False) -> list[int]:
    if table.length(slot) > _MAX_OPERANDS:
        raise ModelError(f"{where}: {table.length(slot)} tensors; at most {_MAX_OPERANDS} are read")
    indices = [int(i) for i in table.array(slot, "<i4")]
    for i in indices:
        if not (-1 if optional else 0) <= i < tensors:
            raise ModelError(f"{where}: tensor {i} does not exist; the file has {tensors}")
    return indices


def _operations(model: Table, main: Table, tensors: int, source: str) -> list[FileOperation]:
    codes = [_code(table) for table in model.tables(schema.Model.OPERATOR_CODES, "operator codes", 1 << 12)]
    operations = []
    field_ = schema.Operator
    for i, table in enumerate(main.tables(schema.SubGraph.OPERATORS, "nodes", common.MAX_NODES)):
        number = table.u32(field_.OPCODE_INDEX)
        if number >= len(codes):
            raise ModelError(
                f"{source}: node {i}: operator code {number} does not exist; the file has {len(codes)}"
            )
        where = f"{source}: node {i} ({codes[number]})"
        operations.append(
            FileOperation(
                i,
                codes[number],
                _indices(table, field_.INPUTS, tensors, where, optional=True),
                _indices(table, field_.OUTPUTS, tensors, where),
                table.table(field_.BUILTIN_OPTIONS),
                table.u8(field_.BUILTIN_OPTIONS_TYPE),
            )
        )
    return operations


def _code(table: Table) -> str:
    # Files older than the wide field hold the code in a byte; newer ones hold both, and the larger counts.
    field_ = schema.OperatorCode
    code = max(table.i8(field_.DEPRECATED_BUILTIN_CODE), table.i32(field_.BUILTIN_CODE))
    if not 0 <= code < len(schema.OPERATORS):
        return f"operator code {code}"
    if schema.OPERATORS[code] == "CUSTOM":
        return f"custom operator '{table.text(field_.CUSTOM_CODE, common.MAX_NAME)}'"
    return schema.OPERATORS[code]
