"""One operation of a TensorFlow Lite file while it is translated: its tensors, its options, its errors."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

import numpy as np

from gonogo.errors import (
    GonogoError,
    ModelError,
    QuantizationError,
    UnsupportedOperatorError,
    UnsupportedTypeError,
)
from gonogo.loaders import tflite_schema as schema
from gonogo.loaders.flatbuffer import Table
from gonogo.loaders.tflite_file import FileModel, FileOperation, FileTensor

Attribute: TypeAlias = int | float | str | list[int]

# Longest list of axes, paddings or dimensions; each has a few entries per dimension of a tensor.
_MAX_LIST = 64


@dataclass(slots=True)
class Translated:
    """A node in the words of the builder."""

    op: str
    inputs: list[int]  # tensors of the file, -1 where left out
    attributes: dict[str, Attribute] = field(default_factory=dict)
    known_value: list[int] | None = None  # of the output, where shape arithmetic could be folded


class Operation:
    """What a translation rule sees of an operation."""

    def __init__(self, model: FileModel, operation: FileOperation, known: dict[int, list[int]]) -> None:
        self.model = model
        self.code = operation.code
        self._operation = operation
        self._known = known

    @property
    def where(self) -> str:
        outputs = self._operation.outputs
        name = self.model.tensors[outputs[0]].name if outputs else ""
        return f"{self.model.source}: node {self._operation.index} '{name}' ({self.code})"

    def fail(self, kind: type[GonogoError], what: str) -> NoReturn:
        raise kind(f"{self.where}: {what}")

    # Tensors

    @property
    def inputs(self) -> list[int]:
        return self._operation.inputs

    def has(self, i: int) -> bool:
        return i < len(self.inputs) and self.inputs[i] >= 0

    def input(self, i: int) -> FileTensor:
        if not self.has(i):
            self.fail(ModelError, f"input {i} is missing")
        return self.model.tensors[self.inputs[i]]

    def output(self) -> FileTensor:
        if not self._operation.outputs:
            self.fail(ModelError, "the node has no output")
        return self.model.tensors[self._operation.outputs[0]]

    def integers(self, i: int) -> list[int] | None:
        """Values of an integer input that is constant or could be folded, else None."""
        tensor = self.input(i)
        if tensor.dtype not in ("int32", "int64") or math.prod(tensor.shape) > _MAX_LIST:
            self.fail(
                ModelError,
                f"input {i} must be a short list of int32 or int64, it is {tensor.dtype} {tensor.shape}",
            )
        if tensor.values is not None:
            return [int(v) for v in tensor.values.reshape(-1)]
        if math.prod(tensor.shape) == 0:
            return []
        return self._known.get(tensor.index)

    def constant_integers(self, i: int, what: str) -> list[int]:
        values = self.integers(i)
        if values is None:
            self.fail(
                UnsupportedOperatorError,
                f"{what} computed at run time are not supported; export with fixed shapes",
            )
        return values

    # Options

    def options(self, kind: str, required: bool = True) -> Table | None:
        """The operation's options, which must be of the given kind."""
        table, code = self._operation.options, self._operation.options_kind
        if table is not None and code == schema.OPTIONS[kind]:
            return table
        if table is not None or required:
            self.fail(ModelError, f"the options are not {kind}")
        return None

    def table(self, kind: str) -> Table:
        table = self.options(kind)
        assert table is not None
        return table

    def activation(self, table: Table | None, slot: int) -> str:
        code = table.i8(slot) if table is not None else 0
        if not 0 <= code < len(schema.ACTIVATIONS):
            self.fail(ModelError, f"fused activation {code} does not exist")
        if schema.ACTIVATIONS[code] in ("tanh", "sign_bit"):
            self.fail(
                UnsupportedOperatorError, f"the fused activation {schema.ACTIVATIONS[code]} is not supported"
            )
        return schema.ACTIVATIONS[code]

    def padding(self, table: Table, slot: int) -> str:
        code = table.i8(slot)
        if not 0 <= code < len(schema.PADDINGS):
            self.fail(ModelError, f"padding {code} does not exist")
        return schema.PADDINGS[code]

    def finite(self, value: float, what: str) -> float:
        if not math.isfinite(value):
            self.fail(ModelError, f"{what} is {value}")
        return value

    # Element types and quantisation

    def need_arithmetic_type(self, *inputs: int) -> None:
        """Inputs and output are float32, int8 or int16, the types that TensorFlow Lite's kernels and ours share.

        int16 comes with int16 only, and with zero point 0.
        """
        tensors = [*(self.input(i) for i in inputs), self.output()]
        for tensor in tensors:
            if tensor.dtype not in ("float32", "int8", "int16"):
                self.fail(
                    UnsupportedTypeError,
                    f"tensor '{tensor.name}' is {tensor.dtype}; only float32, int8 and int16 are supported here",
                )
        if any(t.dtype == "int16" for t in tensors):
            for tensor in tensors:
                self._check_int16(tensor)

    def _check_int16(self, tensor: FileTensor) -> None:
        if tensor.dtype != "int16":
            self.fail(
                UnsupportedTypeError,
                f"tensor '{tensor.name}' is {tensor.dtype} in an operator on int16; all must be int16",
            )
        if tensor.quantization is None:
            self.fail(QuantizationError, f"tensor '{tensor.name}' is int16 without a scale")
        if not tensor.quantization.per_tensor or tensor.quantization.zero_points[0] != 0:
            self.fail(
                QuantizationError,
                f"tensor '{tensor.name}' is int16; the kernels need one scale and zero point 0",
            )

    def check_int4(self) -> None:
        """int4 constants are weights of the three operators that unpack them, of int8 activations."""
        for i, t in enumerate(self.inputs):
            if t < 0 or self.model.tensors[t].dtype != "int4":
                continue
            name = self.model.tensors[t].name
            if i != 1 or self.code not in ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D"):
                self.fail(
                    UnsupportedOperatorError,
                    f"tensor '{name}' is int4; only the weights of FULLY_CONNECTED, CONV_2D and "
                    "DEPTHWISE_CONV_2D may be",
                )
            if self.input(0).dtype != "int8":
                self.fail(
                    UnsupportedOperatorError,
                    f"weights '{name}' are int4 and input '{self.input(0).name}' is {self.input(0).dtype}; "
                    "int4 weights need int8 inputs",
                )

    def check_weights(self, axis: int, symmetric: bool) -> None:
        """Scales of the weights run along the output channels; zero points of convolutions are zero."""
        weights = self.input(1)
        if self.input(0).dtype == "int16":
            if weights.dtype != "int8":
                self.fail(
                    UnsupportedTypeError,
                    f"weights '{weights.name}' are {weights.dtype}; int16 inputs need int8 weights",
                )
            symmetric = True
        if weights.dtype not in ("int8", "int4"):
            return
        q = weights.quantization
        if q is None:
            self.fail(QuantizationError, f"weights '{weights.name}' are {weights.dtype} without a scale")
        if not q.per_tensor and q.axis != axis:
            self.fail(
                QuantizationError,
                f"the scales of the weights run along axis {q.axis}, the kernel wants axis {axis}",
            )
        if (symmetric or not q.per_tensor or weights.dtype == "int4") and np.any(q.zero_points != 0):
            self.fail(
                QuantizationError, "the zero point of the weights must be 0: the kernels ignore any other"
            )

    def check_bias(self) -> None:
        """The bias has its type, and the scale that the kernel applies to it.

        Kernels read the bias in units of (input scale)(weight scale) and ignore the scale that the file
        states. A file in which the two disagree was quantised wrongly; TensorFlow Lite's own test allows 0.02
        output steps.
        """
        if not self.has(2):
            return
        bias, x, w, out = self.input(2), self.input(0), self.input(1), self.output()
        wanted = {"float32": ["float32"], "int16": ["int64", "int32"]}.get(x.dtype, ["int32"])
        if bias.dtype not in wanted:
            self.fail(
                UnsupportedTypeError,
                f"the bias is {bias.dtype}; for {x.dtype} inputs it must be {' or '.join(wanted)}",
            )
        if x.is_float or bias.quantization is None:
            return
        if x.quantization is None or w.quantization is None or out.quantization is None:
            self.fail(QuantizationError, "input, weights and output must all have a scale")
        declared, scales = (
            bias.quantization.scales.astype(np.float64),
            w.quantization.scales.astype(np.float64),
        )
        if len(declared) not in (1, len(scales)) and len(scales) != 1:
            self.fail(
                QuantizationError, f"{len(declared)} bias scales do not fit {len(scales)} weight scales"
            )
        product = float(x.quantization.scales[0]) * scales
        difference = np.abs(product - declared) / float(out.quantization.scales[0])
        if bool(np.any(difference > 0.02)):
            worst = int(np.argmax(difference))
            stated, applied = declared[min(worst, len(declared) - 1)], product[min(worst, len(product) - 1)]
            self.fail(
                QuantizationError,
                f"the bias of channel {worst} has scale {stated:.9g}, input scale times weight scale is "
                f"{applied:.9g}; quantise the model again",
            )


def fold(values: Any) -> list[int] | None:
    """Folded values if they are few enough to be a shape."""
    flat = np.asarray(values).reshape(-1)
    return [int(v) for v in flat] if len(flat) <= _MAX_LIST else None
