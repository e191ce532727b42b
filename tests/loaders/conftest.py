"""Models to damage: the shipped demo pair, and a way to overwrite single fields of a TensorFlow Lite file."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
import tflite

DEMO = Path(__file__).resolve().parents[2] / "python" / "gonogo" / "demo"


def write_model(
    tensors: list[dict[str, Any]],
    operators: list[tuple[str, list[int], list[int], str, dict[str, Any]]],
    inputs: list[int],
    outputs: list[int],
    subgraphs: int = 1,
) -> bytes:
    """A TensorFlow Lite file from plain data.

    A tensor is {name, shape, type, values?, scale?, zero_point?, axis?, signature?, variable?}; an operator is
    (name, inputs, outputs, kind of options, options by their name in the schema package).
    """
    b = flatbuffers.Builder(1024)

    def ints(values: Any, kind: str = "<i4") -> int:
        return int(b.CreateNumpyVector(np.atleast_1d(np.asarray(values)).astype(kind).reshape(-1)))

    def tables(offsets: list[int]) -> int:
        b.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            b.PrependUOffsetTRelative(offset)
        return int(b.EndVector())

    def table(kind: str, **fields: Any) -> int:
        """Lists become vectors of int32; numbers are stored as they are."""
        made = {k: ints(v) if isinstance(v, list) else v for k, v in fields.items()}
        getattr(tflite, f"{kind}Start")(b)
        for key, value in made.items():
            getattr(tflite, f"{kind}Add{key}")(b, value)
        return int(getattr(tflite, f"{kind}End")(b))

    buffers, made_tensors = [table("Buffer")], []
    for t in tensors:
        fields: dict[str, Any] = {"Name": b.CreateString(t["name"]), "Shape": list(t["shape"])}
        fields["Type"] = getattr(tflite.TensorType, t["type"].upper())
        if "values" in t:
            raw = np.frombuffer(np.ascontiguousarray(t["values"]).tobytes(), dtype=np.uint8)
            fields["Buffer"] = len(buffers)
            buffers.append(table("Buffer", Data=b.CreateNumpyVector(raw)))
        if "scale" in t:
            fields["Quantization"] = table(
                "QuantizationParameters",
                Scale=ints(t["scale"], "<f4"),
                ZeroPoint=ints(t.get("zero_point", 0), "<i8"),
                QuantizedDimension=t.get("axis", 0),
            )
        if "signature" in t:
            fields["ShapeSignature"] = list(t["signature"])
        if t.get("variable"):
            fields["IsVariable"] = True
        made_tensors.append(table("Tensor", **fields))
    names = sorted({o[0] for o in operators})
    made_operators = []
    for name, sources, targets, kind, options in operators:
        fields = {"OpcodeIndex": names.index(name), "Inputs": sources, "Outputs": targets}
        if kind:
            fields["BuiltinOptions"] = table(kind, **options)
            fields["BuiltinOptionsType"] = getattr(tflite.BuiltinOptions, kind)
        made_operators.append(table("Operator", **fields))
    graph = {
        "Tensors": tables(made_tensors),
        "Operators": tables(made_operators),
        "Inputs": inputs,
        "Outputs": outputs,
    }
    codes = []
    for name in names:
        code = getattr(tflite.BuiltinOperator, name)
        custom = {"CustomCode": b.CreateString("Mystery")} if name == "CUSTOM" else {}
        codes.append(table("OperatorCode", DeprecatedBuiltinCode=min(code, 127), BuiltinCode=code, **custom))
    graphs = [table("SubGraph", **graph) for _ in range(subgraphs)]
    model = {"OperatorCodes": tables(codes), "Subgraphs": tables(graphs), "Buffers": tables(buffers)}
    b.Finish(table("Model", Version=3, **model), b"TFL3")
    return bytes(b.Output())


class Edit:
    """A copy of a TensorFlow Lite file whose fields can be overwritten in place.

    Finds positions with the published schema package, not with the reader under test.
    """

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)

    @property
    def model(self) -> Any:
        return tflite.Model.GetRootAsModel(self.data, 0)

    @property
    def graph(self) -> Any:
        return self.model.Subgraphs(0)

    def tensor(self, name: str) -> Any:
        tensors = [self.graph.Tensors(i) for i in range(self.graph.TensorsLength())]
        return next(t for t in tensors if t.Name().decode() == name)

    def position(self, table: Any, slot: int) -> int:
        """Where a field lies in the file; the field must be there."""
        tab = table._tab
        offset = tab.Offset(4 + 2 * slot)
        assert offset, f"field {slot} is not in this table"
        return int(tab.Pos + offset)

    def vector(self, table: Any, slot: int) -> int:
        """Where a vector's first element lies; its length is in the four bytes before."""
        tab = table._tab
        offset = tab.Offset(4 + 2 * slot)
        assert offset, f"field {slot} is not in this table"
        return int(tab.Vector(offset))

    def write(self, position: int, form: str, *values: Any) -> Edit:
        struct.pack_into("<" + form, self.data, position, *values)
        return self

    def set(self, table: Any, slot: int, form: str, value: Any) -> Edit:
        return self.write(self.position(table, slot), form, value)

    def values(self, name: str) -> int:
        """Where the constant `name` has its bytes."""
        return self.vector(self.model.Buffers(self.tensor(name).Buffer()), 0)

    def bytes(self) -> bytes:
        return bytes(self.data)


@pytest.fixture
def write() -> Callable[..., bytes]:
    return write_model


@pytest.fixture(params=["digits_float32.tflite", "digits_int8.tflite"])
def demo_path(request: pytest.FixtureRequest) -> Path:
    return DEMO / str(request.param)


@pytest.fixture
def float_edit() -> Edit:
    return Edit((DEMO / "digits_float32.tflite").read_bytes())


@pytest.fixture
def int8_edit() -> Edit:
    return Edit((DEMO / "digits_int8.tflite").read_bytes())


@pytest.fixture
def refused() -> Callable[..., str]:
    """Loads bytes that must be refused with exactly this error class; returns the message."""
    from gonogo.loaders import load_bytes

    def check(data: bytes, kind: type[Exception]) -> str:
        with pytest.raises(kind) as caught:
            load_bytes(data, "net.tflite")
        assert type(caught.value) is kind
        message = str(caught.value)
        assert message.startswith("net.tflite: ")
        assert "\n" not in message
        return message

    return check
