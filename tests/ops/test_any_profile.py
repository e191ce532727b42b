"""Profile `any` contains every concrete profile, operator by operator, and every runtime on whole models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gonogo as gg
import numpy as np
import pytest
from gonogo import _core
from gonogo.errors import GonogoError, UnsupportedOperatorError
from gonogo.loaders.tflite import load_tflite
from support.litert_runtime import PROFILES
from support.onnx_models import float_nets, on_x86
from support.tflm_cases import BUILDERS
from support.tflm_kernels import Case, box, drawn
from support.whole_models import Whole, quantised_nets
from support.whole_nets import random_chain

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


# Inputs by model: linear bounds of the large ones take seconds each.
PUBLISHED = {
    "ad01_int8": 5,
    "kws_ref_model": 5,
    "mltk_anomaly_detection": 5,
    "pretrainedResnet_quant": 2,
    "str_ww_ref_model": 5,
    "tflm_hello_world_int8": 5,
    "tflm_micro_speech_quantized": 5,
    "vww_96_int8": 2,
}


@pytest.mark.corpus
@pytest.mark.parametrize("name", PUBLISHED)
def test_contains_the_runtimes_on_published_models(corpus: Path, name: str) -> None:
    whole = Whole((corpus / "cost" / "models" / f"{name}.tflite").read_bytes())
    assert len(whole.runtimes) >= 2
    rng = np.random.default_rng(8)
    for _ in range(PUBLISHED[name]):
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
    rng = np.random.default_rng(10)
    for whole in quantised_nets(tmp_path, name):
        for _ in range(20):
            whole.check(rng)


@on_x86
def test_contains_five_runtimes_on_ten_thousand_inputs(tmp_path: Path) -> None:
    """The model that the package ships in four runtimes, networks quantised by onnxruntime in the fifth."""
    rng = np.random.default_rng(12)
    demo = Whole((Path(gg.__file__).parent / "demo" / "digits_int8.tflite").read_bytes())
    assert len(demo.runtimes) == 4
    inputs = 0
    for method, count in (("interval", 8900), ("linear", 100)):
        for _ in range(count):
            demo.check(rng, method)
            inputs += 1
    for name, _, _ in float_nets():
        for whole in quantised_nets(tmp_path, name):
            for _ in range(150):
                whole.check(rng, "interval")
                inputs += 1
    assert inputs >= 10_000


# Inputs by model: the large ones take a tenth of a second each.
MANY = {
    "ad01_int8": 100,
    "kws_ref_model": 250,
    "mltk_anomaly_detection": 150,
    "pretrainedResnet_quant": 50,
    "str_ww_ref_model": 400,
    "tflm_hello_world_int8": 8700,
    "tflm_micro_speech_quantized": 600,
    "vww_96_int8": 20,
}


@pytest.mark.corpus
def test_contains_four_runtimes_on_ten_thousand_inputs_of_published_models(corpus: Path) -> None:
    rng = np.random.default_rng(13)
    runs = 0
    for name, count in MANY.items():
        whole = Whole((corpus / "cost" / "models" / f"{name}.tflite").read_bytes())
        for _ in range(count):
            whole.check(rng, "interval")
        runs += count * len(whole.runtimes)
    assert sum(MANY.values()) >= 10_000
    assert runs >= 4 * 10_000


def test_an_error_bound_with_witnesses_of_the_profiles() -> None:
    rng = np.random.default_rng(11)
    for _ in range(4):
        graph = load_tflite(random_chain(rng), "chain")
        lo, hi = _core.whole_box(graph)
        middle = [(a + b) / 2 for a, b in zip(lo, hi, strict=True)]
        lo = [m - 0.1 for m in middle]
        hi = [m + 0.1 for m in middle]
        found = _core.error(None, graph, lo, hi, "any", search_multiplies=20_000_000)
        # By intervals the hull of all noises gives the wider bound; linear bounds keep no such order.
        wide = _core.error(None, graph, lo, hi, "any", search_multiplies=0, method="interval")
        single = [
            _core.error(None, graph, lo, hi, p, search_multiplies=0, method="interval")
            for p in ("tflm", *PROFILES)
        ]
        assert "in any mixture" in found.assumptions[0]
        for k, tensor in enumerate(found.tensors):
            assert np.any(tensor.witness_value > 0)
            for other in single:
                assert np.all(other.tensors[k].bound <= wide.tensors[k].bound)
            assert np.all(tensor.bound <= wide.tensors[k].bound)
