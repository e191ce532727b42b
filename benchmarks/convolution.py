"""Interval convolution against the float32 convolution of ONNX Runtime: one 3x3 layer, one thread, one run.

Everything counts: midpoints and radii, packing of the weights, bounds, outputs. The contenders take turns, so that load
of the machine meets both, ten calls at a time, so that each has its data in the caches; thread CPU time, best of all.
Last line: `ratio` of the slower layout in float32 at the fastest instruction set. Usage: convolution.py [ROUNDS]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
from gonogo._core import numeric

CHANNELS, SIZE, KERNEL = 64, 32, 3


def runtime(w: Any) -> Any:
    """A session of ONNX Runtime with that one layer, one thread."""
    shape = [1, CHANNELS, SIZE, SIZE]
    one = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])],
        "layer",
        [onnx.helper.make_tensor_value_info("x", one, shape)],
        [onnx.helper.make_tensor_value_info("y", one, shape)],
        [onnx.numpy_helper.from_array(w, "w")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def best_of(contenders: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Least thread CPU time of each, in seconds."""
    best = dict.fromkeys(contenders, np.inf)
    for _ in range(rounds):
        for name, call in contenders.items():
            for _ in range(10):
                start = time.thread_time()
                call()
                best[name] = min(best[name], time.thread_time() - start)
    return best


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    numeric.set_thread_count(1)
    r = np.random.default_rng(0)
    w = (r.normal(size=(CHANNELS, CHANNELS, KERNEL, KERNEL)) / (KERNEL * CHANNELS**0.5)).astype(np.float32)
    x = r.normal(size=(1, CHANNELS, SIZE, SIZE)).astype(np.float32)
    session = runtime(w)
    contenders: dict[str, Callable[[], Any]] = {"onnxruntime float32": lambda: session.run(None, {"x": x})}

    def interval(dtype: Any, layout: str, instruction_set: str) -> Callable[[], Any]:
        order = (0, 1, 2, 3) if layout == "NCHW" else (0, 2, 3, 1)
        radius = np.float32(1e-3)
        arrays = [np.ascontiguousarray(a.transpose(order), dtype=dtype) for a in (w, x - radius, x + radius)]

        def call() -> Any:
            numeric.use_instruction_set(instruction_set)
            return numeric.conv2d(*arrays, pads=[1, 1, 1, 1], layout=layout)

        return call

    sets = numeric.available_instruction_sets()
    for dtype in (np.float32, np.float64):
        for instruction_set in reversed(sets):
            for layout in ("NCHW", "NHWC"):
                name = f"interval {np.dtype(dtype)} {layout} {instruction_set}"
                contenders[name] = interval(dtype, layout, instruction_set)
    best = best_of(contenders, rounds)
    numeric.use_instruction_set(sets[-1])
    base = best["onnxruntime float32"]
    work = 2 * KERNEL**2 * CHANNELS**2 * SIZE**2
    for name, seconds in best.items():
        print(f"{name:36s} {seconds * 1e3:8.3f} ms {work / seconds / 1e9:7.1f} GFLOP/s {seconds / base:6.2f}")
    print(f"ratio {max(best[f'interval float32 {a} {sets[-1]}'] for a in ('NCHW', 'NHWC')) / base:.3f}")


if __name__ == "__main__":
    main()
