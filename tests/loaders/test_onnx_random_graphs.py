"""Random QDQ graphs, well formed and ragged: the integer profile equals onnxruntime or refuses, never anything else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gonogo import _core
from gonogo.errors import QuantizationError, UnsupportedOperatorError
from gonogo.loaders.onnx import load_onnx
from onnx import helper
from support.onnx_models import HAS_VNNI, Array, make_model, on_x86, session

pytestmark = on_x86
node = helper.make_node
UNARY = ("Relu", "Clip", "LeakyRelu", "Sigmoid", "Tanh", "Softmax", "Identity", "Flatten")
IMAGE = ("MaxPool", "AveragePool", "Transpose", "GlobalAveragePool", "Pad", "Reshape")
CHANNELS = 4


class RandomGraph:
    """Grows a graph of 4-channel images, mostly with Q and DQ around every operator, sometimes without."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng([seed, 5])
        self.dtype = str(self.rng.choice(["uint8", "int8"]))
        self.ragged = float(self.rng.choice([0.0, 0.1, 0.3]))
        self.nodes: list[Any] = []
        self.constants: dict[str, Array] = {}
        self.count = 0
        # name and shape of float32 tensors that later operators may read
        self.open: list[tuple[str, list[int]]] = []
        self.unread: set[str] = set()

    def name(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def constant(self, stem: str, value: Any) -> str:
        name = self.name(stem)
        self.constants[name] = np.asarray(value)
        return name

    def quantised(self, name: str, *, like: tuple[str, str] | None = None, low: bool = False) -> str:
        """name -> Q -> DQ"""
        info = np.iinfo(self.dtype)
        zero = info.min if low else int(self.rng.integers(info.min, info.max + 1))
        if like is None:
            scale = self.constant(
                "s", np.float32(self.rng.choice([0.02, 0.05, 0.1]) * self.rng.uniform(0.7, 1.4))
            )
            like = scale, self.constant("z", np.array(zero, self.dtype))
        q, back = self.name("q"), self.name("d")
        self.nodes += [
            node("QuantizeLinear", [name, *like], [q]),
            node("DequantizeLinear", [q, *like], [back]),
        ]
        self.like = like
        return back

    def give(self, name: str, shape: list[int]) -> None:
        self.open.append((name, shape))
        self.unread.add(name)

    def take(self) -> tuple[str, list[int]]:
        recent = self.rng.random() < 0.7
        i = len(self.open) - 1 if recent else int(self.rng.integers(len(self.open)))
        self.unread.discard(self.open[i][0])
        return self.open[i]

    def close(self, name: str, shape: list[int]) -> None:
        """The result of an operator, usually quantised."""
        if self.rng.random() < self.ragged:
            self.give(name, shape)
        else:
            self.give(self.quantised(name, low=self.rng.random() < 0.3), shape)

    def weights(self, shape: list[int], axis: int) -> str:
        low = -128 if HAS_VNNI else -64
        w = self.constant("w", self.rng.integers(low, -low, shape).astype(np.int8))
        per_channel = self.rng.random() < 0.5
        scales = self.rng.uniform(0.002, 0.01, shape[axis] if per_channel else ()).astype(np.float32)
        back = self.name("d")
        inputs = [w, self.constant("ws", scales), self.constant("wz", np.zeros(scales.shape, np.int8))]
        self.nodes.append(node("DequantizeLinear", inputs, [back], axis=axis))
        return back

    def grow(self) -> None:
        x, shape = self.take()
        kind = str(
            self.rng.choice(["conv", "depthwise", "add", "mul", "sub", "concat", "unary", "unary", "unary"])
        )
        y = self.name("f")
        image = len(shape) == 4 and shape[1] == CHANNELS
        if kind in ("conv", "depthwise") and image:
            group = CHANNELS if kind == "depthwise" else 1
            inputs = [x, self.weights([CHANNELS, CHANNELS // group, 3, 3], 0)]
            if self.rng.random() < 0.4:
                inputs.append(self.constant("b", self.rng.normal(size=CHANNELS).astype(np.float32)))
            self.nodes.append(node("Conv", inputs, [y], group=group, pads=[1, 1, 1, 1]))
            if self.rng.random() < 0.4:
                relu = self.name("r")
                self.nodes.append(node("Relu", [y], [relu]))
                y = relu
        elif kind in ("add", "mul", "sub"):
            other, other_shape = self.take()
            if other_shape != shape:
                other = x
            self.nodes.append(node(kind.capitalize(), [x, other], [y]))
        elif kind == "concat" and shape[-1] < 32:
            self.nodes.append(node("Concat", [x, x], [y], axis=len(shape) - 1))
            shape = [*shape[:-1], shape[-1] * 2]
        elif len(shape) == 2 and self.rng.random() < 0.5:
            shape = self.dense(x, y, shape)
        elif len(shape) == 4 and self.rng.random() < 0.5:
            shape = self.image(x, y, shape, str(self.rng.choice(IMAGE)))
        else:
            shape = self.unary(x, y, shape, str(self.rng.choice(UNARY)))
        self.close(y, shape)

    def dense(self, x: str, y: str, shape: list[int]) -> list[int]:
        inputs = [x, self.weights([shape[1], 5], 1)]
        op = str(self.rng.choice(["Gemm", "MatMul"]))
        if self.rng.random() < 0.5:
            bias = self.constant("b", self.rng.normal(size=5).astype(np.float32))
            if op == "Gemm":
                inputs.append(bias)
            else:
                product = self.name("p")
                self.nodes += [node(op, inputs, [product]), node("Add", [product, bias], [y])]
                return [shape[0], 5]
        self.nodes.append(node(op, inputs, [y]))
        return [shape[0], 5]

    def image(self, x: str, y: str, shape: list[int], op: str) -> list[int]:
        if op in ("MaxPool", "AveragePool") and min(shape[2:]) > 2:
            self.nodes.append(node(op, [x], [y], kernel_shape=[2, 2]))
            return [*shape[:2], shape[2] - 1, shape[3] - 1]
        if op == "Transpose":
            self.nodes.append(node(op, [x], [y], perm=[0, 2, 3, 1]))
            return [shape[0], shape[2], shape[3], shape[1]]
        if op == "Pad" and max(shape) < 12:
            self.nodes.append(node(op, [x, self.constant("p", np.array([0, 0, 1, 0, 0, 0, 0, 1]))], [y]))
            return [*shape[:2], shape[2] + 1, shape[3] + 1]
        if op == "Reshape":
            shape = [shape[0], int(np.prod(shape[1:]))]
            self.nodes.append(node(op, [x, self.constant("t", np.array(shape))], [y]))
            return shape
        self.nodes.append(node("GlobalAveragePool", [x], [y]))
        return [*shape[:2], 1, 1]

    def unary(self, x: str, y: str, shape: list[int], op: str) -> list[int]:
        if op == "Clip":
            limits = [self.constant("c", np.float32(v)) for v in (0.0, self.rng.choice([1.0, 6.0]))]
            self.nodes.append(node(op, [x, *limits], [y]))
            return shape
        self.nodes.append(node(op, [x], [y]))
        return [shape[0], int(np.prod(shape[1:]))] if op == "Flatten" else shape

    def bytes(self, operators: int) -> bytes:
        self.give(self.quantised("x"), [1, CHANNELS, 6, 6])
        for _ in range(operators):
            self.grow()
        outputs = {name: "float32" for name, _ in self.open if name in self.unread}
        return make_model(self.nodes, self.constants, {"x": ("float32", [1, CHANNELS, 6, 6])}, outputs)


def run(seed: int) -> str:
    """'equal' or 'refused'; anything else is an AssertionError."""
    graph = RandomGraph(seed)
    data = graph.bytes(int(graph.rng.integers(1, 7)))
    allowed = graph.dtype == "int8" and bool(graph.rng.random() < 0.5)
    loaded = load_onnx(data, "net.onnx", int8_allowed=allowed)
    x = graph.rng.normal(size=(3, 1, CHANNELS, 6, 6)).astype(np.float32)
    try:
        results = [_core.evaluate_int8(loaded, "ort", [sample]) for sample in x]
    except (UnsupportedOperatorError, QuantizationError):
        return "refused"
    runtime = session(data, int8_allowed=allowed)
    names = [o.name for o in runtime.get_outputs()]
    for sample, result in zip(x, results, strict=True):
        for name, expected in zip(names, runtime.run(None, {"x": sample}), strict=True):
            np.testing.assert_array_equal(result[name], expected, err_msg=f"seed {seed}, tensor {name}")
    return "equal"


def test_random_graphs_are_exact_or_refused() -> None:
    outcomes = [run(seed) for seed in range(150)]
    assert outcomes.count("equal") > 50
    assert outcomes.count("refused") > 10


@pytest.mark.slow
def test_many_random_graphs_are_exact_or_refused() -> None:
    outcomes = [run(seed) for seed in range(1000, 6000)]
    assert outcomes.count("equal") > 1500
