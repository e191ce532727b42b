"""Small TensorFlow Lite files from numpy values, written with the schema package's builders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
import tflite

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Tensor:
    """One tensor; `values` makes it a constant, `scale` (a number or one per slice of `axis`) quantises it."""

    shape: Sequence[int]
    dtype: str = "int8"
    scale: float | Array | None = None
    zero_point: int = 0
    axis: int = 0
    values: Array | None = None


@dataclass(frozen=True)
class Operator:
    """One operator: builtin name, tensor numbers, table of options and its fields by their schema names."""

    code: str
    inputs: Sequence[int]
    outputs: Sequence[int]
    options: str = ""
    fields: Mapping[str, Any] | None = None


def raw_bytes(tensor: Tensor) -> Array:
    """The values as they lie in a file; int4 two per byte, the lower half first."""
    if tensor.dtype != "int4":
        return np.ascontiguousarray(tensor.values, dtype=tensor.dtype).reshape(-1).view(np.uint8)
    halves = np.asarray(tensor.values).reshape(-1) & 15
    halves = np.resize(np.append(halves, 0), 2 * ((halves.size + 1) // 2)).reshape(-1, 2)
    return (halves[:, 0] | halves[:, 1] << 4).astype(np.uint8)


class _Writer:
    def __init__(self) -> None:
        self.builder = flatbuffers.Builder(1024)
        self.buffers: list[int] = [self.table("Buffer")]

    def numbers(self, values: Any, kind: str) -> int:
        return int(self.builder.CreateNumpyVector(np.atleast_1d(np.asarray(values)).astype(kind)))

    def offsets(self, offsets: Sequence[int]) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return int(self.builder.EndVector())

    def table(self, kind: str, **fields: Any) -> int:
        getattr(tflite, f"{kind}Start")(self.builder)
        for name, value in fields.items():
            getattr(tflite, f"{kind}Add{name}")(self.builder, value)
        return int(getattr(tflite, f"{kind}End")(self.builder))

    def tensor(self, number: int, tensor: Tensor) -> int:
        fields: dict[str, Any] = {
            "Name": self.builder.CreateString(f"tensor{number}"),
            "Shape": self.numbers(np.array(tensor.shape, dtype=np.int32), "<i4"),
            "Type": getattr(tflite.TensorType, tensor.dtype.upper()),
            "Buffer": 0,
        }
        if tensor.values is not None:
            raw = raw_bytes(tensor)
            fields["Buffer"] = len(self.buffers)
            self.buffers.append(self.table("Buffer", Data=self.builder.CreateNumpyVector(raw)))
        if tensor.scale is not None:
            scales = np.atleast_1d(np.asarray(tensor.scale, dtype=np.float32))
            fields["Quantization"] = self.table(
                "QuantizationParameters",
                Scale=self.numbers(scales, "<f4"),
                ZeroPoint=self.numbers(np.full(scales.size, tensor.zero_point), "<i8"),
                QuantizedDimension=tensor.axis,
            )
        return self.table("Tensor", **fields)

    def operator(self, codes: list[str], operator: Operator) -> int:
        fields: dict[str, Any] = {
            "OpcodeIndex": codes.index(operator.code),
            "Inputs": self.numbers(np.array(operator.inputs, dtype=np.int32), "<i4"),
            "Outputs": self.numbers(np.array(operator.outputs, dtype=np.int32), "<i4"),
        }
        if operator.options:
            fields["BuiltinOptions"] = self.table(operator.options, **(operator.fields or {}))
            fields["BuiltinOptionsType"] = getattr(tflite.BuiltinOptions, operator.options)
        return self.table("Operator", **fields)


def write_model(
    tensors: Sequence[Tensor], operators: Sequence[Operator], inputs: Sequence[int], outputs: Sequence[int]
) -> bytes:
    """The bytes of a file with one subgraph; tensor k is called 'tensor<k>'."""
    w = _Writer()
    codes = sorted({o.code for o in operators})
    made = [w.tensor(i, t) for i, t in enumerate(tensors)]
    nodes = [w.operator(codes, o) for o in operators]
    subgraph = w.table(
        "SubGraph",
        Tensors=w.offsets(made),
        Operators=w.offsets(nodes),
        Inputs=w.numbers(np.array(inputs, dtype=np.int32), "<i4"),
        Outputs=w.numbers(np.array(outputs, dtype=np.int32), "<i4"),
    )
    known = []
    for code in codes:
        number = getattr(tflite.BuiltinOperator, code)
        known.append(w.table("OperatorCode", BuiltinCode=number, DeprecatedBuiltinCode=number, Version=1))
    model = w.table(
        "Model",
        Version=3,
        OperatorCodes=w.offsets(known),
        Subgraphs=w.offsets([subgraph]),
        Description=0,
        Buffers=w.offsets(w.buffers),
    )
    w.builder.Finish(model, b"TFL3")
    return bytes(w.builder.Output())


def single_operator(
    operator: str, inputs: Sequence[Tensor], output: Tensor, options: str = "", **fields: Any
) -> bytes:
    """A model of one operator; the inputs without values are the model's inputs."""
    live = [i for i, t in enumerate(inputs) if t.values is None]
    n = len(inputs)
    node = Operator(operator, list(range(n)), [n], options, fields)
    return write_model([*inputs, output], [node], live, [n])
