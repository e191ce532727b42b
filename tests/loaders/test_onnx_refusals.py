"""Damaged and hostile ONNX files: one of gonogo's errors, one line, with the file, the node and the cause."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gonogo as gg
import numpy as np
import onnx
import pytest
from gonogo import _core
from gonogo.errors import (
    GonogoError,
    ModelError,
    OverflowRiskError,
    QuantizationError,
    ShapeError,
    UnsupportedOperatorError,
    UnsupportedTypeError,
)
from gonogo.loaders import load_bytes
from onnx import TensorProto, helper, numpy_helper
from support.onnx_models import MICROSOFT, float_nets, make_model, quantise

TOOL = Path(__file__).resolve().parents[1] / "tools" / "fuzz_models.py"
node = helper.make_node
IMAGE = [1, 4, 6, 6]


def refused(data: bytes, kind: type[Exception], *words: str) -> None:
    with pytest.raises(kind) as caught:
        load_bytes(data, "net.onnx")
    assert type(caught.value) is kind
    message = str(caught.value)
    assert message.startswith("net.onnx: ")
    assert "\n" not in message
    for word in words:
        assert word in message, message


def one(
    op: str,
    extra: dict[str, Any] | None = None,
    shape: list[int] | None = None,
    opset: int = 17,
    **attributes: Any,
) -> bytes:
    extra = extra or {}
    made = node(op, ["x", *extra], ["y"], name="n1", **attributes)
    return make_model([made], extra, {"x": ("float32", shape or IMAGE)}, {"y": "float32"}, opset)


def edited(change: Callable[[onnx.ModelProto], None], data: bytes | None = None) -> bytes:
    model = onnx.ModelProto.FromString(data or one("Conv", {"w": np.ones((2, 4, 3, 3), np.float32)}))
    change(model)
    return model.SerializeToString()


def test_files_that_are_not_onnx() -> None:
    for data in (b"\x00", b"hello, world", b"\xff" * 100, one("Relu")[:40]):
        refused(data, ModelError)
    refused(b"", ModelError, "no graph")


def test_an_unknown_operator_is_named_with_its_node() -> None:
    refused(one("Einsum", equation="ij->ij"), UnsupportedOperatorError, "node 0 'n1' (Einsum)")
    refused(one("If", then_branch=helper.make_graph([], "g", [], [])), UnsupportedOperatorError, "(If)")
    foreign = make_model(
        [node("Relu", ["x"], ["y"], domain="ai.other")], {}, {"x": ("float32", [1])}, {"y": "float32"}
    )
    refused(foreign, UnsupportedOperatorError, "ai.other.Relu")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_must_be_finite(value: float) -> None:
    w = np.ones((2, 4, 3, 3), np.float32)
    w[1, 2, 0, 1] = value
    refused(one("Conv", {"w": w}), ModelError, "node 0 'n1' (Conv)", "'w'", "finite")


def test_graph_structure() -> None:
    relu = node("Relu", ["x"], ["y"], name="n1")
    given: dict[str, Any] = {"inputs": {"x": ("float32", [1, 3])}, "outputs": {"y": "float32"}}
    dangling = node("Add", ["x", "ghost"], ["y"], name="n1")
    refused(make_model([dangling], {}, **given), ModelError, "'ghost'", "n1")
    cycle = [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Relu", ["b"], ["y"])]
    refused(make_model(cycle, {}, **given), ModelError, "execution order")
    refused(make_model([relu, relu], {}, **given), ModelError, "exists already")
    refused(make_model([relu], {}, given["inputs"], {"z": "float32"}), ModelError, "'z'")
    refused(make_model([relu], {}, given["inputs"], {}), ModelError, "no output")
    refused(
        make_model([relu], {"c": np.ones(3, np.float32)}, given["inputs"], {"c": "float32"}),
        ModelError,
        "constant",
    )
    bad_name = make_model([node("Relu", ["x"], ["y"], name="two\nlines")], {}, **given)
    refused(bad_name, ModelError, "not printable")


def test_tensors_that_contradict_themselves() -> None:
    def weight(change: Callable[[TensorProto], None]) -> bytes:
        return edited(lambda m: change(m.graph.initializer[0]))

    refused(weight(lambda t: t.dims.__setitem__(0, 3)), ModelError, "'w'")
    refused(weight(lambda t: t.dims.__setitem__(0, -2)), ShapeError, "'w'")
    refused(weight(lambda t: t.dims.__setitem__(0, 1 << 40)), ShapeError, "'w'")
    refused(weight(lambda t: t.dims.extend([1] * 9)), ShapeError, "rank")
    refused(weight(lambda t: setattr(t, "data_type", 10)), UnsupportedTypeError, "float16")
    refused(weight(lambda t: setattr(t, "data_type", 999)), UnsupportedTypeError, "999")
    refused(weight(lambda t: setattr(t, "name", "")), ModelError, "empty")

    def external(t: TensorProto) -> None:
        t.ClearField("raw_data")
        t.data_location = TensorProto.EXTERNAL
        t.external_data.add(key="location", value="../../etc/passwd")

    refused(weight(external), ModelError, "another file")


def test_inputs_must_have_known_shapes() -> None:
    def dim(i: int, symbol: str) -> bytes:
        return edited(lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[i], "dim_param", symbol))

    refused(dim(2, "height"), ShapeError, "input 'x'", "'height'")
    assert load_bytes(dim(0, "batch"), "net.onnx").tensor("x").shape == IMAGE
    refused(edited(lambda m: m.graph.input[0].type.tensor_type.ClearField("shape")), ShapeError, "no shape")
    refused(
        edited(lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 11)),
        UnsupportedTypeError,
        "float64",
    )


@pytest.mark.parametrize("version", [1, 6, 29, 1 << 40])
def test_operator_sets_out_of_range(version: int) -> None:
    refused(
        edited(lambda m: setattr(m.opset_import[0], "version", version)),
        UnsupportedOperatorError,
        str(version),
    )


def test_attributes_and_shapes_that_do_not_fit() -> None:
    w = {"w": np.ones((2, 4, 3, 3), np.float32)}
    refused(one("Conv", w, strides=[0, 1]), ModelError, "strides")
    refused(one("Conv", w, strides=[1, 1 << 60]), ModelError, "strides")
    refused(one("Conv", w, pads=[-1, 0, 0, 0]), ModelError, "pads")
    refused(one("Conv", w, dilations=[9, 9]), ShapeError, "doesn't fit")
    refused(one("Conv", w, group=3), ShapeError, "groups")
    refused(one("Conv", w, group=0), ShapeError, "groups")
    refused(one("Conv", w, kernel_shape=[2, 2]), ShapeError, "kernel_shape")
    refused(
        one("Conv", {"w": np.ones((2, 4, 3), np.float32)}, [1, 4, 9]),
        UnsupportedOperatorError,
        "two-dimensional",
    )
    refused(
        one("AveragePool", {}, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1, count_include_pad=1),
        UnsupportedOperatorError,
        "ceil_mode with count_include_pad",
    )
    refused(one("Gemm", {"w": np.ones((5, 2), np.float32)}, [1, 4]), ShapeError, "5 inputs")
    refused(one("Reshape", {"s": np.array([7, -1])}), ShapeError, "144 elements")
    refused(one("Reshape", {"s": np.array([-1, -1])}), ShapeError)
    refused(one("Concat", {"c": np.ones((1, 4, 6, 5), np.float32)}, axis=1), ShapeError, "joined")
    refused(one("Add", {"c": np.ones(5, np.float32)}), ShapeError, "broadcast")
    refused(one("Transpose", perm=[0, 1, 1, 2]), ShapeError, "permutation")
    refused(one("Softmax", axis=1, opset=12), UnsupportedOperatorError, "flattens")
    refused(one("Softmax", axis=4), ShapeError, "axis 4")
    refused(one("LeakyRelu", alpha=float("nan")), ModelError, "alpha")
    refused(one("Clip", {"lo": np.float32(2), "hi": np.float32(1)}), UnsupportedOperatorError, "above")
    refused(one("Pad", {"p": np.array([0, 0, 0, 0, 0, 0, 0, -1])}), UnsupportedOperatorError, "pads")
    refused(one("Pad", {"p": np.array([0] * 8)}, mode="reflect"), UnsupportedOperatorError, "reflect")


def test_sizes_that_would_exhaust_memory() -> None:
    shape = node("ConstantOfShape", ["s"], ["c"])
    data = make_model(
        [shape, node("Add", ["x", "c"], ["y"])],
        {"s": np.array([1 << 31, 1 << 31])},
        {"x": ("float32", [1])},
        {"y": "float32"},
    )
    refused(data, ShapeError)
    big = np.array([1 << 20, 1 << 20, 0, 0] * 2)
    refused(one("Pad", {"p": big}), ShapeError)
    outer = {"a": np.ones((1 << 14, 1), np.float32), "b": np.ones((1, 1 << 14), np.float32)}
    nodes = [node("Add", ["a", "b"], ["c"]), node("Add", ["x", "c"], ["y"])]
    refused(make_model(nodes, outer, {"x": ("float32", [1])}, {"y": "float32"}), ShapeError)


@pytest.mark.parametrize(("factor", "refuses"), [("alpha", True), ("beta", True), ("sign", False)])
def test_factors_of_a_gemm_are_no_part_of_the_bound_on_float_arithmetic(factor: str, refuses: bool) -> None:
    # A device multiplies sums by alpha and the bias by beta: roundings that no theorem counts.
    factors = {"alpha": {"alpha": 3.0}, "beta": {"beta": 0.5}, "sign": {"alpha": -1.0, "beta": -1.0}}[factor]
    extra = {"w": np.full((4, 2), 0.5, np.float32), "b": np.full(2, 0.25, np.float32)}
    net = load_bytes(one("Gemm", extra, [1, 4], **factors), "net.onnx")
    box = gg.Box.around(np.zeros((1, 4)), radius=1.0)
    gg.bound(net, box)
    if not refuses:
        gg.error(net, net, box, semantics=gg.Float32())
        return
    with pytest.raises(UnsupportedOperatorError, match="alpha or beta multiplies"):
        gg.error(net, net, box, semantics=gg.Float32())


def test_constants_are_never_rounded() -> None:
    def scaled(value: float) -> bytes:
        nodes = [node("Mul", ["w", "k"], ["c"]), node("Add", ["x", "c"], ["y"])]
        constants = {"w": np.float32([0.1, 0.3]), "k": np.float32(value)}
        return make_model(nodes, constants, {"x": ("float32", [2])}, {"y": "float32"})

    load_bytes(scaled(0.5), "net.onnx")
    refused(scaled(0.1), UnsupportedOperatorError, "float32 would round")
    refused(one("Div", {"k": np.float32(3)}), UnsupportedOperatorError, "reciprocal")
    refused(
        one("Gemm", {"w": np.full((4, 2), 0.1, np.float32)}, [1, 4], alpha=0.3),
        UnsupportedOperatorError,
        "round",
    )
    lost = make_model(
        [node("Add", ["a", "b"], ["c"]), node("Add", ["x", "c"], ["y"])],
        {"a": np.float32([1]), "b": np.float32([2**-60])},
        {"x": ("float32", [1])},
        {"y": "float32"},
    )
    refused(lost, UnsupportedOperatorError, "round")


# ---- quantised models ----


def qlinear(**changed: Any) -> bytes:
    constants = {
        "xs": np.float32(0.1), "xz": np.uint8(3), "w": np.ones((4, 2), np.int8), "ws": np.float32([0.1, 0.2]),
        "wz": np.int8([0, 0]), "ys": np.float32(0.3), "yz": np.uint8(0),
    } | changed  # fmt: skip
    names = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"]
    return make_model(
        [node("QLinearMatMul", names, ["y"], name="n1")], constants, {"x": ("uint8", [1, 4])}, {"y": "uint8"}
    )


def test_quantisation_parameters() -> None:
    load_bytes(qlinear(), "net.onnx")
    for bad in (0.0, -0.1, np.nan, np.inf):
        refused(qlinear(xs=np.float32(bad)), QuantizationError, "scale")
        refused(qlinear(ws=np.float32([0.1, bad])), QuantizationError, "scale")
    refused(qlinear(ws=np.float32([0.1, 0.2, 0.3])), QuantizationError)
    refused(qlinear(wz=np.int8([0, 0, 0])), QuantizationError)
    refused(qlinear(ws=np.ones((2, 2), np.float32)), QuantizationError)
    refused(
        qlinear(xs=np.float64(0.1).reshape(())[()].astype(np.float32).reshape(1)[[0, 0]]), QuantizationError
    )


def test_one_tensor_with_two_scales() -> None:
    names = ["x", "s", "z", "x", "t", "z", "s", "z"]
    constants = {"s": np.float32(0.1), "t": np.float32(0.2), "z": np.uint8(3)}
    add = node("QLinearAdd", names, ["y"], name="n1", domain=MICROSOFT)
    refused(
        make_model([add], constants, {"x": ("uint8", [1, 4])}, {"y": "uint8"}), QuantizationError, "'x'", "n1"
    )


def test_quantisation_computed_at_run_time() -> None:
    names = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"]
    constants = {
        "xz": np.uint8(3),
        "w": np.ones((4, 2), np.int8),
        "ws": np.float32(0.1),
        "wz": np.int8(0),
        "ys": np.float32(1),
        "yz": np.uint8(0),
    }
    inputs = {"x": ("uint8", [1, 4]), "xs": ("float32", [1])}
    data = make_model([node("QLinearMatMul", names, ["y"])], constants, inputs, {"y": "uint8"})
    refused(data, UnsupportedOperatorError, "run time")
    dynamic = make_model(
        [node("DynamicQuantizeLinear", ["x"], ["y", "s", "z"])], {}, {"x": ("float32", [4])}, {"y": "uint8"}
    )
    refused(dynamic, UnsupportedOperatorError, "DynamicQuantizeLinear")


def test_an_activation_with_a_scale_per_channel() -> None:
    constants = {"s": np.float32([0.1] * 4), "z": np.zeros(4, np.uint8)}
    nodes = [node("QuantizeLinear", ["x", "s", "z"], ["q"]), node("DequantizeLinear", ["q", "s", "z"], ["y"])]
    refused(
        make_model(nodes, constants, {"x": ("float32", IMAGE)}, {"y": "float32"}),
        QuantizationError,
        "per channel",
    )


def test_an_accumulator_that_can_overflow() -> None:
    taps = 70_000
    data = make_model(
        [node("QLinearMatMul", ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"], ["y"], name="n1")],
        {"xs": np.float32(0.1), "xz": np.uint8(0), "w": np.full((taps, 1), -128, np.int8), "ws": np.float32(0.1),
         "wz": np.int8(0), "ys": np.float32(0.3), "yz": np.uint8(0)},
        {"x": ("uint8", [1, taps])},
        {"y": "uint8"},
    )  # fmt: skip
    graph = load_bytes(data, "net.onnx")
    with pytest.raises(OverflowRiskError, match=r"^net\.onnx: node 0 'n1' \(dense\)"):
        _core.evaluate_int8(graph, "ort", [np.zeros((1, taps), np.int32)])


@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("QLinearSigmoid", {}),
        ("QLinearLeakyRelu", {}),
        ("QLinearSoftmax", {"opset": 13}),
        ("QLinearAveragePool", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
        ("QLinearGlobalAveragePool", {}),
    ],
)
def test_an_operator_on_a_constant(op: str, attributes: dict[str, Any]) -> None:
    c = {"c": np.ones((1, 2, 4, 4), np.uint8), "s": np.float32(0.1), "z": np.uint8(3)}
    nodes = [
        node(op, ["c", "s", "z", "s", "z"], ["a"], name="n1", domain=MICROSOFT, **attributes),
        node("QLinearAdd", ["x", "s", "z", "a", "s", "z", "s", "z"], ["y"], domain=MICROSOFT),
    ]
    data = make_model(nodes, c, {"x": ("uint8", [1, 2, 4, 4])}, {"y": "uint8"})
    refused(data, UnsupportedOperatorError, "node 0 'n1'", "constant")


def test_an_initializer_that_is_an_input_too() -> None:
    """A default value that the caller may replace: the runtime can't fold it, so the kernels aren't known."""
    data = edited(
        lambda m: m.graph.input.append(helper.make_tensor_value_info("ws", TensorProto.FLOAT, [2])), qlinear()
    )
    refused(data, ModelError, "input")


# ---- mutation ----


def test_mutants(tmp_path: Path) -> None:
    paths = []
    for name, data, shape in float_nets():
        if name in ("matmul", "residual"):
            paths.append(tmp_path / f"{name}.onnx")
            paths[-1].write_bytes(data)
            for form in ("QDQ", "QOperator"):
                q = quantise(
                    data, shape, tmp_path, form=form, activations="QUInt8", weight="QInt8", per_channel=True
                )
                paths.append(tmp_path / f"{name}-{form}.onnx")
                paths[-1].write_bytes(q)
    count = os.environ.get("GONOGO_MUTANTS", "1500")
    command = [sys.executable, str(TOOL), "--mutants", count, "--seed", "3", *map(str, paths)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    results = [json.loads(line) for line in process.stdout.splitlines()]
    findings = {r["model"]: r["findings"] for r in results if r["findings"]}
    assert not findings, json.dumps(findings, indent=1)
    assert process.returncode == 0, process.stderr
    assert len(results) == len(paths)
    for result in results:
        assert {"loaded", "ModelError"} <= set(result["outcomes"]), result


def test_every_prefix(tmp_path: Path) -> None:
    """A prefix may parse as a smaller model; then it must be refused for what is missing."""
    data = next(iter(float_nets()))[1]
    for size in range(0, len(data), 3):
        with pytest.raises(GonogoError, match=r"^part\.onnx: "):
            load_bytes(data[:size], "part.onnx")


def test_weights_are_copied_once_and_exactly() -> None:
    """The constants of the graph are the file's, moved but not changed."""
    w = np.arange(2 * 4 * 3 * 3, dtype=np.float32).reshape(2, 4, 3, 3)
    data = one("Conv", {"w": w})
    assert numpy_helper.to_array(onnx.load_from_string(data).graph.initializer[0]).tolist() == w.tolist()
    graph = load_bytes(data, "net.onnx")
    assert graph.tensor("w").shape == [2, 3, 3, 4]
    assert [graph.tensor(t).is_constant for t in graph.tensor_names].count(True) == 1
