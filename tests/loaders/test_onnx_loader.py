"""The ONNX loader against onnxruntime: float nets where float32 is exact, quantised nets integer by integer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gonogo import _core
from gonogo.errors import UnsupportedOperatorError
from gonogo.loaders.onnx import load_onnx
from onnx import helper
from support.onnx_models import (
    HAS_VNNI,
    float_nets,
    make_model,
    on_x86,
    optimised_operators,
    quantise,
    session,
    weights,
)

node = helper.make_node
FORMS = [
    (form, activations, weight)
    for form in ("QDQ", "QOperator")
    for activations, weight in (("QUInt8", "QInt8"), ("QUInt8", "QUInt8"), ("QInt8", "QInt8"))
]


def dyadic(rng: np.random.Generator, *shape: int, steps: int = 4) -> Any:
    """Multiples of 1/4 in [-2, 2]: float32 sums and products of these are exact."""
    return (rng.integers(-8, 9, shape) / steps).astype(np.float32)


def single(
    op: str, extra: dict[str, Any], shape: list[int], opset: int = 17, **attributes: Any
) -> tuple[bytes, list[int]]:
    nodes = [node(op, ["x", *extra], ["y"], **attributes)]
    return make_model(nodes, extra, {"x": ("float32", shape)}, {"y": "float32"}, opset), shape


def exact_models() -> dict[str, tuple[bytes, list[int]]]:
    """Models whose float32 evaluation never rounds, in any order."""
    rng = np.random.default_rng(3)
    d = dyadic
    ones = np.ones(4, np.float32)
    image = [1, 4, 7, 6]
    models = {
        "gemm": single("Gemm", {"w": d(rng, 5, 3), "b": d(rng, 3)}, [2, 5]),
        "gemm transposed, scaled": single(
            "Gemm", {"w": d(rng, 3, 5), "b": d(rng, 1, 3)}, [2, 5], transB=1, alpha=0.5, beta=2.0
        ),
        "gemm scalar bias": single("Gemm", {"w": d(rng, 5, 3), "b": d(rng)}, [2, 5]),
        "matmul of rank 3": single("MatMul", {"w": d(rng, 5, 3)}, [2, 4, 5]),
        "conv": single("Conv", {"w": d(rng, 6, 4, 3, 2), "b": d(rng, 6)}, image, pads=[1, 0, 2, 1], strides=[2, 1]),
        "conv in groups": single("Conv", {"w": d(rng, 6, 2, 3, 3)}, image, group=2, dilations=[2, 1]),
        "depthwise": single("Conv", {"w": d(rng, 8, 1, 3, 3), "b": d(rng, 8)}, image, group=4),
        "same upper": single("Conv", {"w": d(rng, 2, 4, 2, 4)}, image, auto_pad="SAME_UPPER", strides=[2, 3]),
        "same lower": single("Conv", {"w": d(rng, 2, 4, 2, 4)}, image, auto_pad="SAME_LOWER", strides=[2, 3]),
        "valid": single("Conv", {"w": d(rng, 2, 4, 2, 4)}, image, auto_pad="VALID"),
        "one channel": single("Conv", {"w": d(rng, 3, 1, 2, 2)}, [1, 1, 5, 5]),
        "max pool": single("MaxPool", {}, image, kernel_shape=[3, 2], pads=[1, 0, 1, 1], strides=[2, 2]),
        "dilated max pool": single("MaxPool", {}, image, kernel_shape=[2, 2], dilations=[2, 3]),
        "average": single("AveragePool", {}, image, kernel_shape=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1),
        "average without padding": single("AveragePool", {}, image, kernel_shape=[2, 2], pads=[1, 1, 0, 0]),
        "global average": single("GlobalAveragePool", {}, [1, 3, 4, 8]),
        "mean": single("ReduceMean", {}, [2, 4, 8], axes=[-1], keepdims=0),
        "mean of everything": single("ReduceMean", {"axes": np.array([], np.int64)}, [2, 4, 8], opset=18),
        "add": single("Add", {"c": d(rng, 4, 1, 6)}, image),
        "sub": single("Sub", {"c": d(rng, 6)}, image),
        "mul": single("Mul", {"c": d(rng, 1)}, image),
        "div": single("Div", {"c": np.array([2, -0.25, 8, 1], np.float32).reshape(4, 1, 1)}, image),
        "relu": single("Relu", {}, image),
        "leaky relu": single("LeakyRelu", {}, image, alpha=0.25),
        "clip": single("Clip", {"low": np.float32(-0.5), "high": np.float32(1)}, image),
        "clip 6": single("Clip", {"low": np.float32(0), "high": np.float32(6)}, image),
        "old clip": single("Clip", {}, image, opset=9, max=0.75),
        "pad": single("Pad", {"pads": np.array([0, 1, 2, 0, 0, 0, 1, 3]), "v": np.float32(0.5)}, image),
        "pad some axes": single(
            "Pad", {"pads": np.array([1, 2]), "v": np.float32(0), "axes": np.array([-1])}, image, opset=18
        ),
        "old pad": single("Pad", {}, image, opset=10, pads=[0, 0, 1, 1, 0, 0, 1, 1], value=-1.0),
        "flatten": single("Flatten", {}, image, axis=2),
        "reshape": single("Reshape", {"s": np.array([0, -1, 3])}, image),
        "squeeze": single("Squeeze", {"axes": np.array([0])}, image),
        "squeeze all": single("Squeeze", {}, [1, 3, 1, 2]),
        "unsqueeze": single("Unsqueeze", {"axes": np.array([0, -1])}, [3, 4]),
        "transpose": single("Transpose", {}, image, perm=[0, 2, 3, 1]),
        "reverse": single("Transpose", {}, [2, 3, 4]),
        "slice": single(
            "Slice",
            {"s": np.array([-5, 1]), "e": np.array([99, 5]), "a": np.array([2, -1]), "t": np.array([2, 3])},
            image,
        ),
        "dropout": single("Dropout", {}, image),
        "identity": single("Identity", {}, image),
        "batch norm": single(
            "BatchNormalization", {"s": d(rng, 4), "b": d(rng, 4), "m": d(rng, 4), "v": ones * 4}, image, epsilon=0.0
        ),
    }  # fmt: skip
    nodes = [
        node("Shape", ["x"], ["shape"]),
        node("Gather", ["shape", "first"], ["n"]),
        node("Constant", [], ["rest"], value_ints=[-1]),
        node("Unsqueeze", ["n", "zero"], ["n1"]),
        node("Concat", ["n1", "rest"], ["target"], axis=0),
        node("Reshape", ["x", "target"], ["f"]),
        node("MatMul", ["f", "w"], ["h"]),
        node("Add", ["b", "h"], ["y"]),
    ]
    constants = {"first": np.array(0), "zero": np.array([0]), "w": d(rng, 24, 5), "b": d(rng, 5)}
    models["shape arithmetic"] = (
        make_model(nodes, constants, {"x": ("float32", [2, 4, 6])}, {"y": "float32"}),
        [2, 4, 6],
    )
    nodes = [node("Relu", ["x"], ["a"]), node("Concat", ["a", "x", "c"], ["y"], axis=-2)]
    models["concat"] = (
        make_model(nodes, {"c": d(rng, 1, 2, 3)}, {"x": ("float32", [1, 4, 3])}, {"y": "float32"}),
        [1, 4, 3],
    )
    return models


pytestmark = on_x86
EXACT = exact_models()


@pytest.mark.parametrize("name", EXACT)
def test_real_evaluation_encloses_the_exact_float32_result(name: str) -> None:
    data, shape = EXACT[name]
    graph = load_onnx(data, "net.onnx")
    rng = np.random.default_rng(5)
    for _ in range(5):
        x = dyadic(rng, *shape)
        (expected,) = session(data).run(None, {"x": x})
        wide = x.astype(np.float64)
        lo, hi = _core.evaluate_real(graph, [wide], [wide])["y"]
        assert lo.shape == expected.shape
        assert bool((lo <= expected).all())
        assert bool((expected <= hi).all())
        assert float((hi - lo).max()) < 1e-12


def test_windows_rounded_up_are_the_runtime_s() -> None:
    """Sizes, strides, kernels and paddings at random; an average over 1, 2 or 4 elements doesn't round."""
    rng = np.random.default_rng(7)
    longer = alone = 0
    for i in range(400):
        op = ("MaxPool", "AveragePool")[i % 2]
        kernel = rng.integers(1, 5 if op == "MaxPool" else 3, 2).tolist()
        strides = rng.integers(1, 5, 2).tolist()
        pads = [0, 0, 0, 0] if i % 5 == 0 else [int(rng.integers(k)) for k in (*kernel, *kernel)]
        sizes = [int(rng.integers(k, 10)) for k in kernel]
        options: dict[str, Any] = {"auto_pad": "VALID"} if i % 5 == 0 else {"pads": pads}
        options.update(kernel_shape=kernel, strides=strides)
        data, shape = single(op, {}, [1, 2, *sizes], ceil_mode=1, **options)
        x = dyadic(rng, *shape)
        (expected,) = session(data).run(None, {"x": x})
        wide = x.astype(np.float64)
        lo, hi = _core.evaluate_real(load_onnx(data, "net.onnx"), [wide], [wide])["y"]
        assert np.array_equal(lo, expected), options
        assert np.array_equal(hi, expected), options
        rooms = [s + pads[j] + pads[j + 2] - k for j, (s, k) in enumerate(zip(sizes, kernel, strict=True))]
        found = list(lo.shape[2:])
        longer += found != [room // stride + 1 for room, stride in zip(rooms, strides, strict=True)]
        alone += found != [-(-room // stride) + 1 for room, stride in zip(rooms, strides, strict=True)]
    assert longer > 50
    assert alone > 10  # the last window would have lain in the padding altogether


@pytest.mark.parametrize(
    "window", [(-1, -(2**63), -1), (9, -9, -2), (3, 0, -1), (-2, 1, -3), (0, -9, -1), (1, 3, -1)]
)
def test_constants_are_sliced_backwards(window: tuple[int, int, int]) -> None:
    """As torch.nn.functional.pad is exported: its list of paddings is turned around."""
    constants = {
        "c": np.arange(5, dtype=np.float32),
        "one": np.ones(1, np.float32),
        **{name: np.array([value]) for name, value in zip("set", window, strict=True)},
        "a": np.array([0]),
    }
    nodes = [
        node("Slice", ["c", "s", "e", "a", "t"], ["turned"]),
        node("Concat", ["turned", "one"], ["values"], axis=0),
        node("Unsqueeze", ["values", "end"], ["column"]),
        node("Add", ["x", "column"], ["y"]),
    ]
    constants["end"] = np.array([1])
    data = make_model(nodes, constants, {"x": ("float32", [1, 1])}, {"y": "float32"})
    x = np.zeros((1, 1), np.float32)
    (expected,) = session(data).run(None, {"x": x})
    lo, hi = _core.evaluate_real(load_onnx(data, "net.onnx"), [x.astype(float)], [x.astype(float)])["y"]
    assert np.array_equal(lo, expected)
    assert np.array_equal(hi, expected)


@pytest.mark.parametrize("activations", ["QUInt8", "QInt8"])
@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
def test_quantised_windows_rounded_up_equal_the_runtime(op: str, activations: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for kernel, stride, size in ((2, 2, 7), (3, 2, 8), (3, 4, 9)):
        nodes = [
            node("Conv", ["x", "w"], ["c"]),
            node(
                op,
                ["c"],
                ["p"],
                kernel_shape=[kernel, 2],
                strides=[stride, 3],
                pads=[1, 0, 0, 1],
                ceil_mode=1,
            ),
            node("Conv", ["p", "v"], ["y"]),
        ]
        constants = {"w": weights(rng, 4, 3, 1, 1), "v": weights(rng, 2, 4, 1, 1)}
        shape = [1, 3, size, 6]
        data = make_model(nodes, constants, {"x": ("float32", shape)}, {"y": "float32"})
        q = quantise(
            data, shape, tmp_path, form="QDQ", activations=activations, weight="QInt8", per_channel=False
        )
        agree(q, shape, 10, int8_allowed=activations == "QInt8")


NETS = {name: (data, shape) for name, data, shape in float_nets()}


@pytest.mark.parametrize("name", NETS)
def test_float_nets_keep_their_outputs_names_and_weights(name: str) -> None:
    data, _ = NETS[name]
    graph = load_onnx(data, "net.onnx")
    assert (graph.source, graph.format, graph.file_bytes) == ("net.onnx", "onnx", len(data))
    assert list(graph.inputs) == ["x"]
    assert list(graph.outputs) == ["y"]
    assert all(graph.tensor(t).dtype == "float32" for t in graph.tensor_names)
    assert graph.tensor("y").quantization is None


def agree(data: bytes, shape: list[int], inputs: int, *, int8_allowed: bool = False) -> None:
    graph = load_onnx(data, "net.onnx", int8_allowed=int8_allowed)
    runtime = session(data, int8_allowed=int8_allowed)
    rng = np.random.default_rng(11)
    for i in range(inputs):
        x = (rng.normal(size=shape) * (0.3, 1.0, 4.0)[i % 3]).astype(np.float32)
        (expected,) = runtime.run(None, {"x": x})
        actual = _core.evaluate_int8(graph, "ort", [x])["y"]
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("form", FORMS, ids="-".join)
@pytest.mark.parametrize("name", NETS)
def test_quantised_nets_equal_the_runtime(
    name: str, form: tuple[str, str, str], per_channel: bool, tmp_path: Path
) -> None:
    data, shape = NETS[name]
    kind, activations, weight = form
    q = quantise(
        data, shape, tmp_path, form=kind, activations=activations, weight=weight, per_channel=per_channel
    )
    branches = name in (
        "residual",
        "grouped",
    )  # an int8 tensor with two readers stays int8, its readers float32
    if kind == "QDQ" and activations == "QInt8" and branches:
        graph = load_onnx(q, "net.onnx")
        x = np.zeros(shape, np.float32)
        with pytest.raises(UnsupportedOperatorError, match=r"^net\.onnx: node \d+ '.*' \(.*float32"):
            _core.evaluate_int8(graph, "ort", [x])
        assert {"Conv", "FusedConv"} & set(optimised_operators(q, tmp_path))
        agree(q, shape, 10, int8_allowed=True)
        return
    agree(q, shape, 10)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS, ids="-".join)
@pytest.mark.parametrize("name", NETS)
def test_a_thousand_inputs_equal_the_runtime(name: str, form: tuple[str, str, str], tmp_path: Path) -> None:
    data, shape = NETS[name]
    kind, activations, weight = form
    q = quantise(data, shape, tmp_path, form=kind, activations=activations, weight=weight, per_channel=True)
    agree(q, shape, 1000, int8_allowed=activations == "QInt8")


# ---- how groups form ----


class Pattern:
    """A QDQ graph in the making: 'x' is a float32 image, 'xd' its dequantised form."""

    def __init__(self, dtype: str) -> None:
        rng = np.random.default_rng(2)
        self.rng = rng
        self.dtype = dtype
        low = int(np.iinfo(dtype).min)
        top = 127 if HAS_VNNI else 63
        self.constants: dict[str, Any] = {
            "s": np.float32(0.02), "z": np.array(low + 128, dtype), "zlow": np.array(low, dtype),
            "s1": np.float32(0.05), "s2": np.float32(0.03), "ws": np.float32(0.01), "wz": np.int8(0),
            "w": rng.integers(-top, top + 1, (8, 3, 3, 3)).astype(np.int8),
            "v": rng.integers(-top, top + 1, (8, 8, 1, 1)).astype(np.int8),
            "g": rng.integers(-top, top + 1, (108, 4)).astype(np.int8),
        }  # fmt: skip
        self.nodes: list[Any] = []
        self.pair("x", "s", "z", "xd")

    def pair(self, name: str, scale: str, zero: str, back: str) -> Pattern:
        """name -> Q -> DQ -> back"""
        self.nodes.append(node("QuantizeLinear", [name, scale, zero], [back + "_q"]))
        self.nodes.append(node("DequantizeLinear", [back + "_q", scale, zero], [back]))
        return self

    def weight(self, name: str) -> str:
        self.nodes.append(node("DequantizeLinear", [name, "ws", "wz"], [name + "d"]))
        return name + "d"

    def op(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> Pattern:
        self.nodes.append(node(kind, inputs, [output], **attributes))
        return self

    def constant(self, name: str, value: Any) -> str:
        self.constants[name] = value
        return name

    def bytes(self, opset: int = 17) -> bytes:
        used = {i for n in self.nodes for i in n.input}
        constants = {k: v for k, v in self.constants.items() if k in used}
        return make_model(self.nodes, constants, {"x": ("float32", [1, 3, 6, 6])}, {"y": "float32"}, opset)


def patterns(dtype: str) -> dict[str, tuple[Pattern, bool]]:
    """Name, graph, and whether every operator becomes an integer kernel."""
    out: dict[str, tuple[Pattern, bool]] = {}

    def new() -> Pattern:
        return Pattern(dtype)

    def conv(p: Pattern, result: str = "c", x: str = "xd", bias: str = "") -> Pattern:
        return p.op("Conv", [x, p.weight("w"), *([bias] if bias else [])], result)

    out["conv"] = conv(new()).pair("c", "s1", "z", "y"), True
    out["float bias"] = (
        (
            p := new(),
            conv(p, bias=p.constant("b", p.rng.normal(size=8).astype(np.float32))).pair("c", "s1", "z", "y"),
        )[1],
        True,
    )
    out["relu at the zero point"] = conv(new()).op("Relu", ["c"], "r").pair("r", "s2", "zlow", "y"), True
    out["relu above the least integer"] = conv(new()).op("Relu", ["c"], "r").pair("r", "s2", "z", "y"), False
    for name, factor, fused in (("wide clip", 1.0019, True), ("narrow clip", 1.0021, False)):
        p = new()
        limits = [p.constant("lo", np.float32(0)), p.constant("hi", np.float32(6))]
        p.constant("s6", np.float32(6 / 255 * factor))
        out[name] = conv(p).op("Clip", ["c", *limits], "r").pair("r", "s6", "zlow", "y"), fused
    out["no quantiser after conv"] = conv(new(), "y"), False
    out["pool between quantisers"] = (
        new().op("MaxPool", ["xd"], "m", kernel_shape=[2, 2]).pair("m", "s", "z", "y"),
        True,
    )
    out["pool, other scale"] = (
        new().op("MaxPool", ["xd"], "m", kernel_shape=[2, 2]).pair("m", "s1", "z", "y"),
        True,
    )
    p = new()
    out["pool before conv"] = (
        conv(p.op("MaxPool", ["xd"], "m", kernel_shape=[2, 2]), x="m").pair("c", "s1", "z", "y"),
        True,
    )
    out["pool after conv"] = (
        conv(new()).op("MaxPool", ["c"], "m", kernel_shape=[2, 2]).pair("m", "s1", "z", "y"),
        True,
    )
    p = new()
    shape = p.constant("shape", np.array([1, -1]))
    out["reshape before gemm"] = (
        p.op("Reshape", ["xd", shape], "f").op("Gemm", ["f", p.weight("g")], "h").pair("h", "s1", "z", "y"),
        True,
    )
    p = new()
    out["flatten before gemm"] = (
        p.op("Flatten", ["xd"], "f").op("Gemm", ["f", p.weight("g")], "h").pair("h", "s1", "z", "y"),
        False,
    )
    p = new()
    p.op("Reshape", ["xd", p.constant("shape", np.array([1, -1]))], "f").op(
        "MatMul", ["f", p.weight("g")], "h"
    )
    bias = p.constant("b", p.rng.normal(size=4).astype(np.float32))
    out["matmul with a bias"] = p.op("Add", ["h", bias], "a").pair("a", "s1", "z", "y"), True
    p = new()
    out["dropout"] = conv(p.op("Dropout", ["xd"], "d"), x="d").pair("c", "s1", "z", "y"), True
    out["mean"] = new().op("ReduceMean", ["xd"], "m", axes=[2, 3]).pair("m", "s1", "z", "y"), False
    out["global average"] = new().op("GlobalAveragePool", ["xd"], "m").pair("m", "s1", "z", "y"), True
    out["sub"] = new().op("Sub", ["xd", "xd"], "m").pair("m", "s1", "z", "y"), True
    out["tanh"] = new().op("Tanh", ["xd"], "m").pair("m", "s1", "z", "y"), True
    out["transpose to the output"] = new().op("Transpose", ["xd"], "y", perm=[0, 2, 3, 1]), True
    p = conv(new())
    p.pair("c", "s1", "z", "cd").op("Conv", ["cd", p.weight("v")], "e").pair("e", "s2", "z", "ed")
    out["residual"] = p.op("Add", ["cd", "ed"], "a").pair("a", "s1", "z", "y"), dtype == "uint8"
    return out


PATTERNS = {f"{name} {dtype}": made for dtype in ("uint8", "int8") for name, made in patterns(dtype).items()}


@pytest.mark.parametrize("name", PATTERNS)
def test_groups_form_as_in_the_runtime(name: str, tmp_path: Path) -> None:
    pattern, fused = PATTERNS[name]
    data = pattern.bytes()
    graph = load_onnx(data, "net.onnx")
    runtime = optimised_operators(data, tmp_path)
    heavy = {
        "Conv",
        "FusedConv",
        "Gemm",
        "FusedGemm",
        "MatMul",
        "AveragePool",
        "GlobalAveragePool",
        "ReduceMean",
    }
    assert bool(heavy & set(runtime)) == (not fused)
    if fused:
        agree(data, [1, 3, 6, 6], 10)
        return
    with pytest.raises(UnsupportedOperatorError, match=r"^net\.onnx: node \d+ '.+' \(\w+\): .*float32"):
        _core.evaluate_int8(graph, "ort", [np.zeros([1, 3, 6, 6], np.float32)])
