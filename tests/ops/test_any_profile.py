"""Profile `any` contains every concrete profile, operator by operator, and every runtime on whole models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gonogo import _core
from gonogo.errors import GonogoError, UnsupportedOperatorError
from gonogo.loaders.onnx import load_onnx
from gonogo.loaders.tflite import load_tflite
from support.litert_runtime import PROFILES, LiteRuntime, UnloadableError
from support.onnx_models import float_nets, on_x86, quantise, session
from support.tflm_cases import BUILDERS
from support.tflm_kernels import Case, box, drawn
from support.tflm_runtime import Runtime, random_input
from support.whole_nets import dequantise, random_chain

CONCRETE = ["tflm", *PROFILES, "ort"]


@pytest.mark.parametrize("op", BUILDERS)
def test_contains_every_profile_over_boxes(op: str) -> None:
    rng = np.random.default_rng([4, sorted(BUILDERS).index(op)])
    checked = 0
    for _ in range(20):
        case = Case(BUILDERS[op](rng))
        everything: Any = _core.IntegerKernel(case.graph, "any", 0)
        left_out = {profile for profile, _ in everything.left_out}
        ends = [box(rng, shape) for shape in case.shapes]
        lo, hi = (case.operands([e[i] for e in ends]) for i in (0, 1))
        least, greatest = everything.range(lo, hi)
        for profile in CONCRETE:
            try:
                kernel: Any = _core.IntegerKernel(case.graph, profile, 0)
            except GonogoError:
                continue
            if profile in left_out:
                continue
            low, high = kernel.range(lo, hi)
            assert np.all(least <= low)
            assert np.all(high <= greatest)
            assert kernel.envelope[0] <= everything.envelope[0]
            assert kernel.envelope[1] <= everything.envelope[1]
            for _ in range(4):
                try:
                    y = kernel.point(case.operands([drawn(rng, *e) for e in ends]))
                except UnsupportedOperatorError:
                    continue
                assert np.all(low <= y)
                assert np.all(y <= high)
                checked += y.size
    assert checked > 0


def test_has_no_points() -> None:
    graph = load_tflite(random_chain(np.random.default_rng(0)), "chain")
    with pytest.raises(UnsupportedOperatorError, match="any"):
        _core.evaluate_int8(graph, "any", [np.zeros(graph.tensor(graph.inputs[0]).shape, np.int32)])


class Whole:
    """One TensorFlow Lite model: ranges of profile `any` at a point against every runtime that takes the model."""

    def __init__(self, data: bytes) -> None:
        self.graph = load_tflite(data, "whole.tflite")
        self.runtimes: list[Any] = []
        try:
            micro = Runtime(data)
            self.runtimes.append(lambda xs: micro(xs, len(self.graph.outputs)))
        except RuntimeError:
            pass
        for profile in PROFILES:
            try:
                self.runtimes.append(LiteRuntime(data, profile))
            except UnloadableError:
                continue

    def inputs(self, rng: np.random.Generator) -> list[Any]:
        xs: list[Any] = []
        for info in map(self.graph.tensor, self.graph.inputs):
            if info.dtype == "int8":
                xs.append(random_input(rng, info.shape))
            else:
                xs.append((rng.standard_normal(info.shape) * 3.0 ** rng.integers(-2, 3)).astype(np.float32))
        return xs

    def check(self, rng: np.random.Generator) -> None:
        xs = self.inputs(rng)
        point = [
            dequantise(self.graph, name, x) if x.dtype == np.int8 else x.astype(np.float64)
            for name, x in zip(self.graph.inputs, xs, strict=True)
        ]
        bounds = {b.tensor: b for b in _core.bound(self.graph, point, point, "any")}
        for runtime in self.runtimes:
            for name, y in zip(self.graph.outputs, runtime(xs), strict=True):
                real = y.astype(np.float64) if y.dtype == np.float32 else dequantise(self.graph, name, y)
                assert np.all(bounds[name].lower <= real), name
                assert np.all(real <= bounds[name].upper), name


def check_chains(models: int, inputs: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(models):
        whole = Whole(random_chain(rng))
        assert len(whole.runtimes) == 4
        for _ in range(inputs):
            whole.check(rng)


def test_contains_four_runtimes_on_whole_models() -> None:
    check_chains(models=20, inputs=10, seed=1)


@pytest.mark.slow
def test_contains_four_runtimes_on_many_whole_models() -> None:
    check_chains(models=200, inputs=50, seed=2)


PUBLISHED = [
    "ad01_int8",
    "kws_ref_model",
    "mltk_anomaly_detection",
    "pretrainedResnet_quant",
    "str_ww_ref_model",
    "tflm_hello_world_int8",
    "tflm_micro_speech_quantized",
    "vww_96_int8",
]


@pytest.mark.corpus
@pytest.mark.parametrize("name", PUBLISHED)
def test_contains_the_runtimes_on_published_models(corpus: Path, name: str) -> None:
    whole = Whole((corpus / "cost" / "models" / f"{name}.tflite").read_bytes())
    assert len(whole.runtimes) >= 2
    rng = np.random.default_rng(8)
    for _ in range(5):
        whole.check(rng)


@pytest.mark.slow
@pytest.mark.corpus
@pytest.mark.parametrize("name", PUBLISHED)
def test_contains_the_runtimes_on_published_models_at_length(corpus: Path, name: str) -> None:
    whole = Whole((corpus / "cost" / "models" / f"{name}.tflite").read_bytes())
    rng = np.random.default_rng(9)
    for _ in range(200):
        whole.check(rng)


@on_x86
@pytest.mark.parametrize("name", [name for name, _, _ in float_nets()])
def test_contains_onnxruntime_on_whole_models(name: str, tmp_path: Path) -> None:
    data, shape = next((d, s) for n, d, s in float_nets() if n == name)
    rng = np.random.default_rng(10)
    for activations, weight in (("QUInt8", "QInt8"), ("QUInt8", "QUInt8")):
        quantised = quantise(
            data, shape, tmp_path, form="QDQ", activations=activations, weight=weight, per_channel=True
        )
        graph = load_onnx(quantised, "whole.onnx")
        runtime = session(quantised)
        for _ in range(20):
            x = rng.standard_normal(shape).astype(np.float32)
            point = [x.astype(np.float64)]
            found = _core.bound(graph, point, point, "any")[0]
            y = runtime.run(None, {graph.inputs[0]: x})[0].astype(np.float64)
            assert np.all(found.lower.reshape(y.shape) <= y)
            assert np.all(y <= found.upper.reshape(y.shape))


def test_an_error_bound_with_witnesses_of_the_profiles() -> None:
    rng = np.random.default_rng(11)
    for _ in range(4):
        graph = load_tflite(random_chain(rng), "chain")
        lo, hi = _core.whole_box(graph)
        middle = [(a + b) / 2 for a, b in zip(lo, hi, strict=True)]
        lo = [m - 0.1 for m in middle]
        hi = [m + 0.1 for m in middle]
        found = _core.error(None, graph, lo, hi, "any", search_multiplies=20_000_000)
        single = [_core.error(None, graph, lo, hi, p, search_multiplies=0) for p in ("tflm", *PROFILES)]
        assert "in any mixture" in found.assumptions[0]
        for k, tensor in enumerate(found.tensors):
            assert np.any(tensor.witness_value > 0)
            for other in single:
                assert np.all(other.tensors[k].bound <= tensor.bound)
