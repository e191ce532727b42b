"""Small ONNX models: float nets, their quantised forms by onnxruntime, and single quantised operators."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[Any]
ELEMENT = {
    np.dtype("float32"): TensorProto.FLOAT,
    np.dtype("uint8"): TensorProto.UINT8,
    np.dtype("int8"): TensorProto.INT8,
    np.dtype("int64"): TensorProto.INT64,
    np.dtype("int32"): TensorProto.INT32,
}
MICROSOFT = "com.microsoft"


def _has_vnni() -> bool:
    try:
        return "vnni" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


# Without it the runtime saturates int16 pairs; the profile is the exact sum, so the tests keep to small weights there.
HAS_VNNI = _has_vnni()
on_x86 = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="profile ort is the runtime on x86-64"
)


def make_model(
    nodes: list[onnx.NodeProto],
    constants: Mapping[str, Array | TensorProto],
    inputs: dict[str, tuple[str, list[int]]],
    outputs: dict[str, str],
    opset: int = 17,
) -> bytes:
    """A serialised model; inputs and outputs are given by name with their element types.

    A constant may be a TensorProto: numpy has no int4.
    """
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info(n, ELEMENT[np.dtype(t)], s) for n, (t, s) in inputs.items()],
        [helper.make_tensor_value_info(n, ELEMENT[np.dtype(t)], None) for n, t in outputs.items()],
        [
            v if isinstance(v, TensorProto) else numpy_helper.from_array(np.asarray(v), k)
            for k, v in constants.items()
        ],
    )
    imports = [helper.make_opsetid("", opset), helper.make_opsetid(MICROSOFT, 1)]
    version = 8 if opset < 21 else 10
    data: bytes = helper.make_model(graph, opset_imports=imports, ir_version=version).SerializeToString()
    return data


def session(data: bytes, *, int8_allowed: bool = False, optimise: bool = True) -> ort.InferenceSession:
    """onnxruntime on the CPU, one thread, its default optimisation level."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    if int8_allowed:
        options.add_session_config_entry("session.qdqisint8allowed", "1")
    if not optimise:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def optimised_operators(data: bytes, folder: Path) -> list[str]:
    """The operators that onnxruntime really runs."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return [node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node]


def weights(rng: np.random.Generator, *shape: int) -> Array:
    values: Array = (rng.normal(size=shape) * 0.3).astype(np.float32)
    return values


def float_nets(seed: int = 0) -> Iterator[tuple[str, bytes, list[int]]]:
    """Name, model and input shape of small nets as exporters write them; the input is 'x', the output 'y'."""
    rng = np.random.default_rng(seed)
    node = helper.make_node

    def net(nodes: list[Any], constants: dict[str, Array], shape: list[int]) -> tuple[bytes, list[int]]:
        return make_model(nodes, constants, {"x": ("float32", shape)}, {"y": "float32"}), shape

    yield (
        "mlp",
        *net(
            [
                node("Gemm", ["x", "w1", "b1"], ["h"], transB=1),
                node("Relu", ["h"], ["r"]),
                node("Gemm", ["r", "w2", "b2"], ["z"]),
                node("Softmax", ["z"], ["y"]),
            ],
            {
                "w1": weights(rng, 16, 8),
                "b1": weights(rng, 16),
                "w2": weights(rng, 16, 10),
                "b2": weights(rng, 10),
            },
            [1, 8],
        ),
    )
    yield (
        "matmul",
        *net(
            [
                node("MatMul", ["x", "w1"], ["h"]),
                node("Add", ["h", "b1"], ["a"]),
                node("Relu", ["a"], ["r"]),
                node("MatMul", ["r", "w2"], ["z"]),
                node("Sigmoid", ["z"], ["y"]),
            ],
            {"w1": weights(rng, 8, 16), "b1": weights(rng, 16), "w2": weights(rng, 16, 10)},
            [1, 8],
        ),
    )
    yield "residual", *net(
        [
            node("Conv", ["x", "w1", "b1"], ["h"], pads=[1, 1, 1, 1]),
            node("Relu", ["h"], ["r"]),
            node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
            node("Conv", ["p", "wd", "bd"], ["h2"], group=8, pads=[1, 1, 1, 1]),
            node("Clip", ["h2", "zero", "six"], ["r2"]),
            node("Conv", ["r2", "w3"], ["h3"]),
            node("Add", ["h3", "r2"], ["s"]),
            node("LeakyRelu", ["s"], ["l"], alpha=0.1),
            node("AveragePool", ["l"], ["ap"], kernel_shape=[2, 2], strides=[2, 2]),
            node("GlobalAveragePool", ["ap"], ["gp"]),
            node("Flatten", ["gp"], ["f"]),
            node("Gemm", ["f", "w4", "b4"], ["y"]),
        ],
        {
            "w1": weights(rng, 8, 3, 3, 3), "b1": weights(rng, 8), "wd": weights(rng, 8, 1, 3, 3),
            "bd": weights(rng, 8), "zero": np.float32(0), "six": np.float32(6), "w3": weights(rng, 8, 8, 1, 1),
            "w4": weights(rng, 8, 4), "b4": weights(rng, 4),
        },
        [1, 3, 8, 8],
    )  # fmt: skip
    yield "grouped", *net(
        [
            node("Conv", ["x", "w1", "b1"], ["h"], strides=[2, 1], pads=[1, 0, 2, 1], group=2),
            node("Relu", ["h"], ["r"]),
            node("Conv", ["r", "w2", "b2"], ["h2"], dilations=[2, 2], pads=[2, 2, 2, 2]),
            node("Concat", ["h2", "r"], ["c"], axis=1),
            node("Transpose", ["c"], ["t"], perm=[0, 2, 3, 1]),
            node("Reshape", ["t", "shape"], ["f"]),
            node("MatMul", ["f", "w3"], ["y"]),
        ],
        {
            "w1": weights(rng, 6, 2, 3, 2), "b1": weights(rng, 6), "w2": weights(rng, 4, 6, 3, 3),
            "b2": weights(rng, 4), "shape": np.array([1, -1]), "w3": weights(rng, 210, 3),
        },
        [1, 4, 12, 3],
    )  # fmt: skip


class Samples:
    """A calibration reader of normal samples."""

    def __init__(self, shape: list[int], seed: int = 1, count: int = 8) -> None:
        rng = np.random.default_rng(seed)
        self._samples = iter([{"x": rng.normal(size=shape).astype(np.float32)} for _ in range(count)])

    def get_next(self) -> dict[str, Array] | None:
        return next(self._samples, None)


def quantise(
    data: bytes,
    shape: list[int],
    folder: Path,
    *,
    form: str,
    activations: str,
    weight: str,
    per_channel: bool,
) -> bytes:
    """The model quantised by onnxruntime: `form` is 'QDQ' or 'QOperator', the types 'QInt8' or 'QUInt8'."""
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    source, target = folder / "float.onnx", folder / "quantised.onnx"
    source.write_bytes(data)
    quantize_static(
        str(source),
        str(target),
        Samples(shape),
        quant_format=QuantFormat[form],
        per_channel=per_channel,
        activation_type=QuantType[activations],
        weight_type=QuantType[weight],
        # Per channel, convolutions in QOperator form get int8 weights whatever `weight` says.
        reduce_range=not HAS_VNNI and (weight == "QInt8" or (per_channel and form == "QOperator")),
    )
    return target.read_bytes()
