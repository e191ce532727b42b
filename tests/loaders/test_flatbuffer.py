"""The checked FlatBuffers reader against the published one, and on buffers made to mislead it."""

from __future__ import annotations

import inspect
import struct
from typing import Any

import flatbuffers
import numpy as np
import pytest
import tflite
from gonogo.errors import ModelError
from gonogo.loaders import tflite_schema as schema
from gonogo.loaders.flatbuffer import FlatBuffer, Table

TABLES = [
    "Model",
    "OperatorCode",
    "SubGraph",
    "Tensor",
    "QuantizationParameters",
    "Operator",
    "Buffer",
    "Conv2DOptions",
    "DepthwiseConv2DOptions",
    "Pool2DOptions",
    "FullyConnectedOptions",
    "StridedSliceOptions",
]


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def fields(table: str) -> list[tuple[str, int]]:
    return [(k, v) for k, v in vars(getattr(schema, table)).items() if k.isupper()]


@pytest.mark.parametrize("table", TABLES)
def test_slots_are_those_of_the_published_schema(table: str) -> None:
    """A table that holds one field only, made by the schema package, holds it in the slot we read."""
    for name, slot in fields(table):
        add = getattr(tflite, f"{table}Add{camel(name)}")
        b = flatbuffers.Builder(64)
        value = 1
        if "UOffsetT" in inspect.getsource(add):
            value = b.CreateString("x")
        b.ForceDefaults(True)
        getattr(tflite, f"{table}Start")(b)
        add(b, value)
        b.Finish(getattr(tflite, f"{table}End")(b))
        root = FlatBuffer(bytes(b.Output()), "x").root()
        assert [s for s in range(24) if root.has(s)] == [slot], f"{table}.{name}"


def test_codes_are_those_of_the_published_schema() -> None:
    operators = {k: v for k, v in vars(tflite.BuiltinOperator).items() if isinstance(v, int)}
    # A newer package may know more operators; those we list must agree.
    assert {name: code for code, name in enumerate(schema.OPERATORS)}.items() <= operators.items()
    types = {k.lower(): v for k, v in vars(tflite.TensorType).items() if isinstance(v, int)}
    known = {name: code for code, name in enumerate(schema.TYPES)}
    assert all(known[name] == code for name, code in types.items() if name in known)
    for name, code in schema.OPTIONS.items():
        assert getattr(tflite.BuiltinOptions, name) == code
    for code, name in enumerate(schema.ACTIVATIONS):
        assert getattr(tflite.ActivationFunctionType, name.upper()) == code
    assert [getattr(tflite.Padding, name.upper()) for name in schema.PADDINGS] == [0, 1]


def test_scalar_types_and_defaults() -> None:
    b = flatbuffers.Builder(64)
    b.ForceDefaults(True)
    vector = b.CreateNumpyVector(np.array([1, -2, 3], dtype="<i4"))
    b.StartObject(8)
    b.PrependInt8Slot(0, -5, 0)
    b.PrependUint8Slot(1, 250, 0)
    b.PrependInt32Slot(2, -70000, 0)
    b.PrependUint32Slot(3, 4_000_000_000, 0)
    b.PrependUint64Slot(4, 1 << 40, 0)
    b.PrependFloat32Slot(5, 0.5, 0)
    b.PrependUOffsetTRelativeSlot(6, vector, 0)
    b.Finish(b.EndObject())
    t = FlatBuffer(bytes(b.Output()), "x").root()
    assert (t.i8(0), t.u8(1), t.i32(2), t.u32(3), t.u64(4), t.f32(5)) == (
        -5,
        250,
        -70000,
        4_000_000_000,
        1 << 40,
        0.5,
    )
    assert t.array(6, "<i4").tolist() == [1, -2, 3]
    assert t.length(6) == 3
    assert (t.i8(7, 9), t.u8(7, 9), t.i32(7, 9), t.u32(7, 9), t.u64(7, 9), t.f32(7, 0.5)) == (
        9,
        9,
        9,
        9,
        9,
        0.5,
    )
    assert t.table(7) is None
    assert t.length(7) == 0
    assert t.array(7, "<i4").tolist() == []
    assert t.text(7, 10) == ""


def buffer(*parts: Any) -> bytes:
    return b"".join(struct.pack("<" + form, *values) for form, *values in parts)


# A root offset, then a field list of three entries at 8, then a table at 16 with one offset field at 20.
GOOD = [("I", 16), ("I", 0), ("4H", 6, 8, 4, 0), ("i", 8), ("I", 4), ("I", 2), ("2I", 7, 8)]


def test_the_hand_made_buffer_is_read() -> None:
    root = FlatBuffer(buffer(*GOOD), "x").root()
    assert root.array(0, "<i4").tolist() == [7, 8]


@pytest.mark.parametrize(
    ("part", "replacement"),
    [
        (0, ("I", 1 << 31)),  # root outside
        (0, ("I", 37)),  # root in the last bytes
        (3, ("i", -(1 << 30))),  # field list behind the file
        (3, ("i", 1 << 30)),  # field list before the file
        (2, ("4H", 3, 8, 4, 0)),  # field list of odd length
        (2, ("4H", 0, 8, 4, 0)),  # field list too short
        (2, ("4H", 65534, 8, 4, 0)),  # field list too long
        (2, ("4H", 6, 8, 60000, 0)),  # field outside
        (4, ("I", 0xFFFFFFFF)),  # vector outside
        (5, ("I", 0xFFFFFFFF)),  # vector too long
        (5, ("I", 3)),  # vector one element too long
    ],
)
def test_misleading_buffers_are_refused(part: int, replacement: tuple[Any, ...]) -> None:
    parts = list(GOOD)
    parts[part] = replacement
    with pytest.raises(ModelError, match=r"x: damaged file: .*; download or export the model again"):
        FlatBuffer(buffer(*parts), "x").root().array(0, "<i4")


def test_no_prefix_of_a_buffer_crashes() -> None:
    data = buffer(*GOOD)
    for size in range(len(data)):
        with pytest.raises(ModelError):
            FlatBuffer(data[:size], "x").root().array(0, "<i4")


def test_a_table_that_is_its_own_child_ends_in_the_budget() -> None:
    """Whoever follows an offset to the table itself pays for every step."""
    data = buffer(("I", 12), ("3H", 6, 8, 4), ("H", 0), ("i", 8), ("I", 0))
    root = FlatBuffer(data, "x").root()
    # Offsets are unsigned: one that goes backward wraps, and lies outside the file.
    backward = FlatBuffer(data[:-4] + struct.pack("<i", -4), "x").root()
    with pytest.raises(ModelError, match="lie outside"):
        backward.table(0)

    def descend() -> None:
        while True:
            Table(root.buffer, 12)

    with pytest.raises(ModelError, match="again and again"):
        descend()


def test_shared_vectors_are_charged() -> None:
    """Many references to one long vector cannot make the reader produce more than a few times the file."""
    b = flatbuffers.Builder(64)
    shared = b.CreateNumpyVector(np.zeros(1 << 20, dtype=np.uint8))
    b.StartObject(1)
    b.PrependUOffsetTRelativeSlot(0, shared, 0)
    b.Finish(b.EndObject())
    root = FlatBuffer(bytes(b.Output()), "x").root()

    def read() -> None:
        for _ in range(100):
            root.array(0, "|u1")

    with pytest.raises(ModelError, match="again and again"):
        read()
