"""Damaged and hostile files with int4 weights: a named error that names file, node or tensor, argument, what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from gonogo import _core
from gonogo.errors import (
    GonogoError,
    ModelError,
    QuantizationError,
    ShapeError,
    UnsupportedOperatorError,
    UnsupportedTypeError,
)
from gonogo.loaders.onnx import load_onnx
from loaders.test_onnx_refusals import refused
from onnx import TensorProto, helper
from support.onnx_int4 import tensor
from support.onnx_models import make_model

node = helper.make_node


def model(
    dtype: str = "int4", changed: dict[str, Any] | None = None, op: str = "MatMul", **attributes: Any
) -> bytes:
    """x [1, 8] times w [8, 3], int4 in blocks of 4 along axis 0."""
    constants: dict[str, Any] = {
        "q": tensor("q", np.zeros((8, 3), int), dtype),
        "s": np.ones((2, 3), np.float32),
        "z": tensor("z", np.zeros((2, 3), int), dtype),
    } | (changed or {})
    constants = {k: v for k, v in constants.items() if v is not None}
    given = {"axis": 0, "block_size": 4, **attributes}
    names = [k if k in constants else "" for k in ("q", "s", "z")]
    nodes = [
        node("DequantizeLinear", names, ["w"], name="dq", **given),
        node(op, ["x", "w"], ["y"], name="mm"),
    ]
    return make_model(nodes, constants, {"x": ("float32", [1, 8])}, {"y": "float32"}, 21)


def edited(change: Callable[[TensorProto], None], name: str = "q") -> bytes:
    proto = onnx.ModelProto.FromString(model())
    change(next(t for t in proto.graph.initializer if t.name == name))
    return proto.SerializeToString()


def test_the_model_itself_loads() -> None:
    for dtype in ("int4", "uint4"):
        assert [n.op for n in load_onnx(model(dtype), "net.onnx").nodes] == ["dense"]
        assert [n.op for n in load_onnx(model(dtype, {"z": None}), "net.onnx").nodes] == ["dense"]


def test_wrong_sizes() -> None:
    def raw(size: int) -> Callable[[TensorProto], None]:
        def change(t: TensorProto) -> None:
            t.ClearField("int32_data")
            t.raw_data = bytes(size)

        return change

    for size in (0, 11, 13, 24):
        refused(
            edited(raw(size)), ModelError, "'q'", f"{size} bytes for shape [8, 3] of int4, which needs 12"
        )
    refused(edited(lambda t: t.int32_data.append(0)), ModelError, "13 bytes for shape [8, 3]")
    refused(edited(lambda t: t.int32_data.__setitem__(0, 256)), ModelError, "'q'", "outside a byte")
    refused(edited(lambda t: t.int32_data.__setitem__(0, -1)), ModelError, "'q'", "outside a byte")
    refused(edited(lambda t: t.dims.__setitem__(0, 9)), ModelError, "'q'", "which needs 14")
    refused(edited(lambda t: t.dims.__setitem__(0, -8)), ShapeError, "'q'")
    refused(edited(lambda t: t.dims.__setitem__(0, 1 << 40)), ShapeError, "'q'")


def test_external_data_is_refused_as_ever() -> None:
    def external(t: TensorProto) -> None:
        t.ClearField("int32_data")
        t.data_location = TensorProto.EXTERNAL
        t.external_data.add(key="location", value="../weights")

    refused(edited(external), ModelError, "'q'", "another file", "save the model with its data inside")


def test_blocks_that_dont_fit() -> None:
    for block in (1, 3, 8, 100):
        words = [
            "node 0 'dq' (DequantizeLinear)",
            f"blocks of {block} along axis 0 of shape [8, 3]",
            "block_size",
        ]
        refused(model(block_size=block), QuantizationError, *words)
    refused(model(block_size=-4), ModelError, "'dq'", "'block_size' is -4")
    refused(model(axis=1), QuantizationError, "'dq'", "'s' has shape [2, 3]", "along axis 1", "need [8, 1]")
    for axis in (2, -3, 1 << 40):
        refused(model(axis=axis), QuantizationError, "'dq'", f"'axis' is {axis}", "[8, 3]")
    load_onnx(model(axis=-2), "net.onnx")
    load_onnx(model(block_size=7), "net.onnx")  # two blocks, of 7 and 1: what the format allows


def test_scales() -> None:
    refused(model(changed={"s": None}), ModelError, "'dq'", "the scale is missing")
    flat = {"s": np.ones(6, np.float32)}
    refused(model(changed=flat), QuantizationError, "'dq'", "'s' has shape [6]", "need [2, 3]")
    refused(model(block_size=0), QuantizationError, "'dq'", "scales of shape [2, 3]")
    refused(model(changed={"s": np.ones((2, 3), np.float64)}), UnsupportedTypeError, "float64")
    refused(
        model(changed={"s": np.full((2, 3), np.nan, np.float32)}), QuantizationError, "'dq'", "nan", "finite"
    )
    per_axis = {"z": None, "s": np.array([1.0, -1.0, 1.0], np.float32)}
    refused(model(changed=per_axis, axis=1, block_size=0), QuantizationError, "'dq'", "positive")
    per_axis["s"] = np.ones(3, np.float32)
    refused(model(changed=per_axis, axis=0, block_size=0), QuantizationError, "'dq'", "3 scales", "axis 0")


def test_zero_points() -> None:
    wrong = {"z": tensor("z", np.zeros((2, 3), int), "uint4")}
    refused(model(changed=wrong), QuantizationError, "'dq'", "zero point of type uint4", "type int4")
    wrong = {"z": np.zeros((2, 3), np.int8)}
    refused(model(changed=wrong), QuantizationError, "'dq'", "zero point of type int8", "type int4")
    wrong = {"z": tensor("z", np.zeros((1, 3), int), "int4")}
    refused(model(changed=wrong), QuantizationError, "'dq'", "'z' has shape [1, 3]", "need [2, 3]")


def test_where_int4_may_be() -> None:
    q = tensor("q", np.zeros((8, 3), int), "int4")
    given: dict[str, Any] = {"inputs": {"x": ("float32", [1, 8])}, "outputs": {"y": "float32"}, "opset": 21}
    straight = make_model([node("MatMul", ["x", "q"], ["y"], name="mm")], {"q": q}, **given)
    refused(straight, UnsupportedTypeError, "'mm'", "'q' is int4", "DequantizeLinear")
    added = [node("Add", ["q", "q"], ["t"], name="add"), node("MatMul", ["x", "t"], ["y"])]
    refused(
        make_model(added, {"q": q}, **given),
        UnsupportedTypeError,
        "'add'",
        "computes on int4",
        "DequantizeLinear",
    )
    held = [node("Constant", [], ["q"], name="c", value=q), node("MatMul", ["x", "q"], ["y"])]
    refused(make_model(held, {}, **given), UnsupportedTypeError, "'c'", "attribute 'value'", "initializer")
    constants = {"s": np.float32(1), "z": tensor("z", np.array(0), "int4")}
    quantised = [
        node("QuantizeLinear", ["x", "s", "z"], ["a"], name="q1"),
        node("DequantizeLinear", ["a", "s", "z"], ["y"]),
    ]
    refused(
        make_model(quantised, constants, **given), UnsupportedTypeError, "'q1'", "int4 activation", "int8"
    )
    blocked = [node("DequantizeLinear", ["x", "s"], ["y"], name="dq", block_size=2)]
    eight = {"inputs": {"x": ("int8", [1, 8])}, "outputs": {"y": "float32"}, "opset": 21}
    data = make_model(blocked, {"s": np.ones((1, 4), np.float32)}, **eight)
    refused(data, UnsupportedOperatorError, "'dq'", "block_size", "constant")
    proto = onnx.ModelProto.FromString(make_model([node("Identity", ["x"], ["y"])], {}, **given))
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.INT4
    refused(proto.SerializeToString(), UnsupportedTypeError, "input 'x'", "int4")


def test_operators_on_integers_take_no_int4() -> None:
    constants: dict[str, Any] = {
        "s": np.float32(0.5),
        "zx": np.uint8(0),
        "z": tensor("z", np.array(0), "int4"),
        "q": tensor("q", np.zeros((8, 3), int), "int4"),
    }
    made = [node("QLinearMatMul", ["x", "s", "zx", "q", "s", "z", "s", "zx"], ["y"], name="mm")]
    data = make_model(made, constants, {"x": ("uint8", [1, 8])}, {"y": "uint8"}, 21)
    refused(data, UnsupportedTypeError, "'mm'", "'q' is of 4 bits", "int8")


def test_int4_weights_between_quantised_activations_stay_in_float32() -> None:
    """As in the runtime, which has no integer kernel for them: the profile refuses the layer by name."""
    constants: dict[str, Any] = {
        "s": np.float32(0.5),
        "zx": np.uint8(128),
        "q": tensor("q", np.arange(24).reshape(8, 3) % 16 - 8, "int4"),
        "b": np.full(3, 1e30, np.float32),
    }
    nodes = [
        node("QuantizeLinear", ["x", "s", "zx"], ["xq"]),
        node("DequantizeLinear", ["xq", "s", "zx"], ["xd"]),
        node("DequantizeLinear", ["q", "s"], ["w"]),
        node("Gemm", ["xd", "w", "b"], ["h"], name="fc"),
        node("QuantizeLinear", ["h", "s", "zx"], ["hq"]),
        node("DequantizeLinear", ["hq", "s", "zx"], ["y"]),
    ]
    graph = load_onnx(
        make_model(nodes, constants, {"x": ("float32", [1, 8])}, {"y": "float32"}, 21), "net.onnx"
    )
    assert [n.op for n in graph.nodes] == ["quantize", "dequantize", "dense", "quantize", "dequantize"]
    with pytest.raises(UnsupportedOperatorError, match=r"'fc' \(dense\)"):
        _core.IntegerRunner(graph, "ort")


def test_alpha_goes_into_the_scales_only_where_nothing_rounds() -> None:
    for alpha in (0.5, 4.0):
        proto = onnx.ModelProto.FromString(model(op="Gemm"))
        proto.graph.node[1].attribute.append(helper.make_attribute("alpha", alpha))
        graph = load_onnx(proto.SerializeToString(), "net.onnx")
        weights = graph.tensor(graph.nodes[0].inputs[1])
        assert weights.quantization.scales.tolist() == [alpha] * 6
    for alpha in (3.0, -1.0, 0.0):
        proto = onnx.ModelProto.FromString(model(op="Gemm"))
        proto.graph.node[1].attribute.append(helper.make_attribute("alpha", alpha))
        refused(proto.SerializeToString(), UnsupportedOperatorError, "'mm'", f"alpha {alpha}", "scales")


def test_no_damaged_byte_is_more_than_an_error() -> None:
    data = model()
    rng = np.random.default_rng(0)
    loaded = 0
    for _ in range(1500):
        damaged = bytearray(data)
        for _ in range(int(rng.integers(1, 4))):
            damaged[int(rng.integers(len(damaged)))] = int(rng.integers(256))
        message = "net.onnx"
        try:
            load_onnx(bytes(damaged), "net.onnx")
            loaded += 1
        except GonogoError as error:
            message = str(error)
        assert message.startswith("net.onnx")
    assert loaded > 100
