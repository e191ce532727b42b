"""The arena against what the tflite-micro package records: operator by operator, and on random nets."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gonogo import _core, loaders
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.tflite_writer import Operator, Tensor, write_model

HOST = _core.CostTarget(name="host", kernels="reference", pointer_bits=64)
ARENA = 1 << 20  # a multiple of 16, as the engine assumes

Measure = Callable[[bytes], tuple[int, int]]


@pytest.fixture
def recorded(capfd: pytest.CaptureFixture[str]) -> Measure:
    """Head and tail of the arena, as the recording allocator prints them."""
    runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime")

    def measure(model: bytes) -> tuple[int, int]:
        capfd.readouterr()
        runtime.Interpreter.from_bytes(model, arena_size=ARENA).print_allocations()
        text = "".join(capfd.readouterr())
        found = [re.search(rf"Arena allocation {part} (\d+) bytes", text) for part in ("head", "tail")]
        assert all(found), text
        return int(found[0][1]), int(found[1][1])  # type: ignore[index]

    return measure


@dataclass
class Net:
    """A file in the making."""

    dtype: str
    tensors: list[Tensor]
    operators: list[Operator]

    @classmethod
    def start(cls, dtype: str, shape: tuple[int, ...]) -> Net:
        net = cls(dtype, [], [])
        net.value(shape)
        return net

    def value(
        self, shape: tuple[int, ...], scale: float = 0.5, zero: int = 0, dtype: str | None = None
    ) -> int:
        kind = dtype or self.dtype
        quantized = scale if kind in ("int8", "uint8") else None
        self.tensors.append(Tensor(shape, kind, quantized, zero if quantized else 0))
        return len(self.tensors) - 1

    def weights(self, shape: tuple[int, ...], axis: int | None = None) -> int:
        scale: Any = 0.5 if axis is None else np.full(shape[axis], 0.5, np.float32)
        values = np.ones(shape, self.dtype)
        self.tensors.append(
            Tensor(shape, self.dtype, scale if self.dtype == "int8" else None, 0, axis or 0, values)
        )
        return len(self.tensors) - 1

    def bias(self, channels: int, scale: Any = 0.25) -> int:
        kind = "int32" if self.dtype == "int8" else "float32"
        values = np.zeros(channels, kind)
        self.tensors.append(Tensor((channels,), kind, scale if kind == "int32" else None, 0, 0, values))
        return len(self.tensors) - 1

    def integers(self, values: Any) -> int:
        array = np.array(values, np.int32)
        self.tensors.append(Tensor(array.shape, "int32", values=array))
        return len(self.tensors) - 1

    def shape(self, i: int) -> tuple[int, ...]:
        return tuple(self.tensors[i].shape)

    def add(self, code: str, inputs: list[int], output: int, options: str = "", **fields: Any) -> int:
        self.operators.append(Operator(code, inputs, [output], options, fields))
        return output

    # ---- operators: each takes tensors and returns its output

    def conv(self, x: int, channels: int, kernel: int, stride: int, same: bool) -> int:
        _, h, w, c = self.shape(x)
        h, w = ((v + stride - 1) // stride if same else (v - kernel) // stride + 1 for v in (h, w))
        y = self.value((1, h, w, channels))
        weights = self.weights((channels, kernel, kernel, c), 0)
        bias = self.bias(channels, np.full(channels, 0.25, np.float32))
        fields = {"StrideW": stride, "StrideH": stride, "DilationWFactor": 1, "DilationHFactor": 1}
        return self.add("CONV_2D", [x, weights, bias], y, "Conv2DOptions", Padding=0 if same else 1, **fields)

    def depthwise(self, x: int, kernel: int, stride: int, multiplier: int = 1) -> int:
        _, h, w, c = self.shape(x)
        y = self.value((1, (h + stride - 1) // stride, (w + stride - 1) // stride, c * multiplier))
        weights = self.weights((1, kernel, kernel, c * multiplier), 3)
        bias = self.bias(c * multiplier, np.full(c * multiplier, 0.25, np.float32))
        fields = {"StrideW": stride, "StrideH": stride, "DilationWFactor": 1, "DilationHFactor": 1}
        return self.add(
            "DEPTHWISE_CONV_2D",
            [x, weights, bias],
            y,
            "DepthwiseConv2DOptions",
            Padding=0,
            DepthMultiplier=multiplier,
            **fields,
        )

    def pool(self, x: int, code: str) -> int:
        _, h, w, c = self.shape(x)
        y = self.value((1, h // 2, w // 2, c))
        fields = {"StrideW": 2, "StrideH": 2, "FilterWidth": 2, "FilterHeight": 2, "Padding": 1}
        return self.add(code, [x], y, "Pool2DOptions", **fields)

    def binary(self, a: int, b: int, code: str) -> int:
        return self.add(code, [a, b], self.value(self.shape(a)), f"{code.capitalize()}Options")

    def concat(self, a: int, b: int) -> int:
        *rest, c = self.shape(a)
        y = self.value((*rest, c + self.shape(b)[-1]))
        return self.add("CONCATENATION", [a, b], y, "ConcatenationOptions", Axis=len(rest))

    def reduce(self, x: int, code: str) -> int:
        y = self.value((1, self.shape(x)[3]))
        return self.add(code, [x, self.integers([1, 2])], y, "ReducerOptions")

    def pad(self, x: int) -> int:
        _, h, w, c = self.shape(x)
        paddings = self.integers([[0, 0], [1, 1], [0, 1], [0, 0]])
        return self.add("PAD", [x, paddings], self.value((1, h + 2, w + 1, c)), "PadOptions")

    def reshape(self, x: int) -> int:
        n = int(np.prod(self.shape(x)))
        return self.add("RESHAPE", [x, self.integers([1, n])], self.value((1, n)), "ReshapeOptions")

    def transpose(self, x: int) -> int:
        n, h, w, c = self.shape(x)
        return self.add(
            "TRANSPOSE", [x, self.integers([0, 3, 1, 2])], self.value((n, c, h, w)), "TransposeOptions"
        )

    def slice(self, x: int) -> int:
        _, h, w, c = self.shape(x)
        ends = [self.integers(v) for v in ([0, 0, 0, 0], [1, h, w, c], [1, 2, 2, 1])]
        return self.add(
            "STRIDED_SLICE", [x, *ends], self.value((1, (h + 1) // 2, (w + 1) // 2, c)), "StridedSliceOptions"
        )

    def dense(self, x: int, outputs: int) -> int:
        inputs = int(np.prod(self.shape(x)))
        y = self.value((1, outputs))
        return self.add(
            "FULLY_CONNECTED",
            [x, self.weights((outputs, inputs)), self.bias(outputs)],
            y,
            "FullyConnectedOptions",
        )

    def unary(self, x: int, code: str, options: str = "", **fields: Any) -> int:
        scale, zero = {"SOFTMAX": (1 / 256, -128), "LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}.get(
            code, (0.5, 0)
        )
        return self.add(code, [x], self.value(self.shape(x), scale, zero), options, **fields)

    def write(self, outputs: list[int]) -> bytes:
        return write_model(self.tensors, self.operators, [0], outputs)


OPERATORS: dict[str, Callable[[Net, int], int]] = {
    "conv": lambda n, x: n.conv(x, 5, 3, 1, same=True),
    "conv_1x1": lambda n, x: n.conv(x, 20, 1, 2, same=False),
    "depthwise": lambda n, x: n.depthwise(x, 3, 1),
    "depthwise_plain": lambda n, x: n.depthwise(x, 5, 2, 3),
    "dense": lambda n, x: n.dense(x, 7),
    "add": lambda n, x: n.binary(x, x, "ADD"),
    "sub": lambda n, x: n.binary(x, x, "SUB"),
    "mul": lambda n, x: n.binary(x, x, "MUL"),
    "max_pool": lambda n, x: n.pool(x, "MAX_POOL_2D"),
    "average_pool": lambda n, x: n.pool(x, "AVERAGE_POOL_2D"),
    "mean": lambda n, x: n.reduce(x, "MEAN"),
    "reduce_max": lambda n, x: n.reduce(x, "REDUCE_MAX"),
    "softmax": lambda n, x: n.unary(x, "SOFTMAX", "SoftmaxOptions", Beta=1.0),
    "relu": lambda n, x: n.unary(x, "RELU"),
    "relu6": lambda n, x: n.unary(x, "RELU6"),
    "leaky_relu": lambda n, x: n.unary(x, "LEAKY_RELU", "LeakyReluOptions", Alpha=0.1),
    "logistic": lambda n, x: n.unary(x, "LOGISTIC"),
    "tanh": lambda n, x: n.unary(x, "TANH"),
    "pad": lambda n, x: n.pad(x),
    "concat": lambda n, x: n.concat(x, x),
    "reshape": lambda n, x: n.reshape(x),
    "transpose": lambda n, x: n.transpose(x),
    "strided_slice": lambda n, x: n.slice(x),
}


def predicted(model: bytes, folder: Path) -> _core.Cost:
    path = folder / "net.tflite"
    path.write_bytes(model)
    return _core.cost(loaders.load(path), HOST)


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("dtype", ["int8", "float32"])
@pytest.mark.parametrize("name", OPERATORS)
def test_each_operator(name: str, dtype: str, count: int, recorded: Measure, tmp_path: Path) -> None:
    net = Net.start(dtype, (1, 6, 8, 4))
    outputs = [OPERATORS[name](net, 0) for _ in range(count)]
    model = net.write(outputs[-1:])
    cost = predicted(model, tmp_path)
    assert (cost.ram_activation_bytes, cost.ram_persistent_bytes) == recorded(model)


@pytest.mark.parametrize("direction", ["quantize", "dequantize", "requantize"])
def test_conversions(direction: str, recorded: Measure, tmp_path: Path) -> None:
    net = Net.start("float32" if direction == "quantize" else "int8", (1, 6, 8, 4))
    dtype = "float32" if direction == "dequantize" else "int8"
    code = "DEQUANTIZE" if direction == "dequantize" else "QUANTIZE"
    y = net.add(code, [0], net.value((1, 6, 8, 4), 0.25, 3, dtype), f"{code.capitalize()}Options")
    model = net.write([y])
    cost = predicted(model, tmp_path)
    assert (cost.ram_activation_bytes, cost.ram_persistent_bytes) == recorded(model)


STEPS = ["conv", "conv_1x1", "depthwise", "pad", "max_pool", "average_pool", "relu", "add", "concat", "skip"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    dtype=st.sampled_from(["int8", "float32"]),
    size=st.integers(8, 20),
    channels=st.integers(1, 9),
    steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 9)), min_size=1, max_size=14),
    end=st.sampled_from(["mean", "dense", "reshape", "softmax"]),
)
def test_random_branching_nets(
    recorded: Measure,
    tmp_path: Path,
    dtype: str,
    size: int,
    channels: int,
    steps: list[tuple[str, int]],
    end: str,
) -> None:
    """Long-lived skips make the planner leave gaps; the head must still be equal to the byte."""
    net = Net.start(dtype, (1, size, size, channels))
    values = [0]
    for step, pick in steps:
        x = values[pick % len(values)] if step == "skip" else values[-1]
        shape = net.shape(x)
        same = [v for v in values if net.shape(v) == shape]
        if step == "skip":
            values.append(net.binary(x, same[pick % len(same)], "ADD"))
        elif step in ("add", "concat") and len(same) > 1:
            other = same[pick % len(same)]
            values.append(net.binary(x, other, "ADD") if step == "add" else net.concat(x, other))
        elif "pool" in step and min(shape[1:3]) < 4:
            continue
        else:
            values.append(OPERATORS[step](net, x))
    model = net.write([OPERATORS[end](net, values[-1])])
    cost = predicted(model, tmp_path)
    assert (cost.ram_activation_bytes, cost.ram_persistent_bytes) == recorded(model)
    assert cost.ram_live_bytes <= cost.ram_activation_bytes
