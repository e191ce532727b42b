"""The `ort` kernels against onnxruntime itself: equality of every integer, operator by operator."""

from __future__ import annotations

import numpy as np
import pytest
from gonogo import _core
from gonogo.loaders.onnx import load_onnx
from support.onnx_models import on_x86, session
from support.ort_cases import CASES

# Outputs compared per operator. Tables have 256 outputs and cost a session each, so they get fewer by default.
DEFAULT_OUTPUTS = 40_000
MILLION = 1_000_000


def mismatches(name: str, outputs: int, seed: int, size: int) -> tuple[int, int, str]:
    """(outputs compared, mismatches, first failing case) over as many random cases as `outputs` needs."""
    rng = np.random.default_rng([seed, sorted(CASES).index(name)])
    compared = wrong = 0
    first = ""
    case = 0
    while compared < outputs:
        data, inputs = CASES[name](rng, size)
        expected = session(data).run(None, inputs)[0]
        graph = load_onnx(data, f"{name}-{case}.onnx")
        result = _core.evaluate_int8(graph, "ort", [inputs[n].astype(np.int32) for n in graph.inputs])
        actual = np.asarray(next(iter(result.values())))
        assert actual.shape == expected.shape
        differ = actual != expected
        if differ.any() and not first:
            at = tuple(np.argwhere(differ)[0])
            first = f"case {case}, element {at}: {actual[at]} instead of {expected[at]}"
        wrong += int(differ.sum())
        compared += expected.size
        case += 1
    return compared, wrong, first


pytestmark = on_x86


@pytest.mark.parametrize("name", sorted(CASES))
def test_every_integer_equals_the_runtime(name: str) -> None:
    compared, wrong, first = mismatches(name, DEFAULT_OUTPUTS, seed=1, size=4)
    assert wrong == 0, f"{wrong} of {compared} differ; {first}"


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CASES))
def test_a_million_integers_equal_the_runtime(name: str) -> None:
    compared, wrong, first = mismatches(name, MILLION, seed=2, size=16)
    assert wrong == 0, f"{wrong} of {compared} differ; {first}"
