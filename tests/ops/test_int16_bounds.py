"""int16 activations: ranges, envelopes and profile `any` of the kernels, and error bounds of whole networks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import gonogo as gg
import mpmath
import numpy as np
import pytest
from gonogo import _core
from gonogo.errors import GonogoError, OverflowRiskError, QuantizationError, UnsupportedOperatorError
from gonogo.loaders.tflite import load_tflite
from gonogo.loaders.tflite_file import read_model
from support.int16_cases import BUILDERS, UNIT
from support.int16_nets import random_net
from support.litert_runtime import PROFILES, LiteRuntime
from support.tflite_writer import Array, Tensor, single_operator
from support.tflm_kernels import Case, box, drawn
from support.tflm_runtime import Runtime, random_input

EVERYWHERE = ["tflm", *PROFILES]
WHOLE = (UnsupportedOperatorError, QuantizationError, OverflowRiskError)
mpmath.mp.dps = 50


def kinds(case: Case) -> list[str]:
    return [case.graph.tensor(case.node.inputs[i]).dtype for i in case.live]


@pytest.mark.parametrize("op", BUILDERS)
def test_ranges_contain_their_points_and_any_contains_all(op: str) -> None:
    rng = np.random.default_rng([11, sorted(BUILDERS).index(op)])
    done = 0
    for _ in range(8):
        data = BUILDERS[op](rng)
        try:
            everything = Case(data, "any")
        except OverflowRiskError:
            continue
        left_out = {profile for profile, _ in everything.kernel.left_out}
        boxes = [
            box(rng, shape, kind) for shape, kind in zip(everything.shapes, kinds(everything), strict=True)
        ]
        least, most = everything.range([b[0] for b in boxes], [b[1] for b in boxes])
        for profile in EVERYWHERE:
            try:
                case = Case(data, profile)
            except WHOLE:
                assert profile in left_out
                continue
            lo, hi = case.range([b[0] for b in boxes], [b[1] for b in boxes])
            if profile not in left_out:
                assert np.all(least <= lo)
                assert np.all(hi <= most)
                assert case.kernel.envelope[0] <= everything.kernel.envelope[0]
                assert case.kernel.envelope[1] <= everything.kernel.envelope[1]
            for _ in range(4):
                y = case.point([drawn(rng, *b) for b in boxes])
                assert np.all(lo <= y)
                assert np.all(y <= hi)
            x = case.random(rng)
            lo_at, hi_at = case.range(x, x)
            assert np.array_equal(lo_at, hi_at)
            assert np.array_equal(lo_at, case.point(x))
            done += 1
    assert done >= 8


def tiny(op: str, rng: np.random.Generator) -> bytes:
    s = float(np.exp(rng.uniform(-9, -5)))
    x = Tensor([1, 3], "int16", scale=s)
    if op == "dense":
        w = Tensor([4, 3], scale=0.01, values=rng.integers(-127, 127, (4, 3)).astype(np.int8))
        b = Tensor([4], "int64", scale=0.01 * s, values=rng.integers(-(10**6), 10**6, 4))
        y = Tensor([1, 4], "int16", scale=s * float(np.exp(rng.uniform(-3, 1))))
        return single_operator("FULLY_CONNECTED", [x, w, b], y, "FullyConnectedOptions")
    if op == "softmax":
        y = Tensor([1, 3], "int16", scale=UNIT)
        return single_operator("SOFTMAX", [x], y, "SoftmaxOptions", Beta=1.0)
    axes = Tensor([1], "int32", values=np.array([1], np.int32))
    y = Tensor([1], "int16", scale=s * float(np.exp(rng.uniform(-1, 1))))
    return single_operator("MEAN", [x, axes], y, "ReducerOptions", KeepDims=False)


@pytest.mark.parametrize("profile", EVERYWHERE)
@pytest.mark.parametrize("op", ["dense", "mean", "softmax"])
def test_small_boxes_exhaustively(op: str, profile: str) -> None:
    """All points of boxes. Ranges of the monotone operators are the exact hulls."""
    rng = np.random.default_rng(4)
    slack = 0
    for _ in range(8):
        case = Case(tiny(op, rng), profile)
        width = int(rng.integers(0, 9))
        lo = rng.integers(-32768, 32768 - width, 3)
        if op == "softmax":  # elements that compete
            lo = np.clip(lo // 50, -32768, 32767 - width)
        hi = lo + rng.integers(0, width + 1, 3)
        ends = [range(a, b + 1) for a, b in zip(lo, hi, strict=True)]
        outputs = [case.point([np.array([p])]) for p in itertools.product(*ends)]
        low, high = case.range([lo.reshape(1, 3)], [hi.reshape(1, 3)])
        least, most = np.min(outputs, axis=0), np.max(outputs, axis=0)
        assert np.all(low <= least)
        assert np.all(most <= high)
        slack = max(slack, int((least - low).max()), int((high - most).max()))
    assert slack <= (16 if op == "softmax" else 0)


def exact(x: float) -> Fraction:
    return Fraction(float(x))


def within(case: Case, stored: Array, reals: list[Any], clamped: bool) -> None:
    """Asserts |y - f| <= absolute + relative |f|; `reals` are f in real units."""
    absolute, relative = case.kernel.envelope
    least, most = case.kernel.clamp
    scale = mpmath.mpf(float(case.output.scales[0]))
    for q, real in zip(stored.reshape(-1).tolist(), reals, strict=True):
        f = mpmath.mpf(real) / scale
        if clamped and ((q >= most and f > q) or (q <= least and f < q)):
            continue
        assert abs(q - f) <= absolute + relative * abs(f), (q, float(f), case.kernel.envelope)


CURVES: dict[str, Callable[[Any], Any]] = {
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "tanh": mpmath.tanh,
}


@pytest.mark.parametrize("op", CURVES)
def test_envelope_of_curves(op: str) -> None:
    rng = np.random.default_rng(5)
    for _ in range(4):
        try:
            case = Case(BUILDERS[op](rng))
        except WHOLE:
            continue
        x = random_input(rng, case.shapes[0], "int16").astype(np.int32)
        y = case.point([x]).reshape(-1)[:3000]
        s = mpmath.mpf(float(case.quantization(0).scales[0]))
        within(case, y, [CURVES[op](int(q) * s) for q in x.reshape(-1)[:3000]], True)
        assert case.kernel.envelope[0] < 24


def test_envelope_of_softmax() -> None:
    rng = np.random.default_rng(6)
    for _ in range(12):
        case = Case(BUILDERS["softmax"](rng))
        if case.shapes[0][1] > 40:
            continue
        x = case.random(rng)[0][:2]
        s = mpmath.mpf(float(case.quantization(0).scales[0])) * case.node.attributes["beta"]
        full = np.zeros(case.shapes[0], np.int32)
        full[: len(x)] = x
        y = case.point([full])[: len(x)]
        for row, got in zip(x, y, strict=True):
            powers = [mpmath.exp(s * (int(q) - int(row.max()))) for q in row]
            within(case, got, [p / sum(powers) for p in powers], False)


def constants(data: bytes) -> tuple[Array, Array]:
    """Weights and bias of a dense model."""
    _, weights, *rest = read_model(data, "m").tensors
    assert weights.values is not None
    bias = rest[0].values if len(rest) > 1 else None
    return weights.values, bias if bias is not None else np.zeros(len(weights.values), np.int64)


@pytest.mark.parametrize("profile", EVERYWHERE)
def test_envelope_of_dense_layers(profile: str) -> None:
    rng = np.random.default_rng(7)
    for bits in (0, 32, 64):
        for _ in range(6):
            data = BUILDERS["dense"](rng, (bits,))  # type: ignore[call-arg]
            try:
                case = Case(data, profile)
            except WHOLE:
                continue
            x = case.random(rng)
            lo, hi = case.range(x, x, unclamped=True)
            assert np.array_equal(lo, hi)
            w, b = constants(data)
            acc = x[0].astype(object) @ w.astype(object).T + b.astype(object)
            scales = np.resize(case.quantization(1).scales, len(w))
            unit = exact(case.quantization(0).scales[0])
            flat = [a * unit * exact(s) for row in acc for a, s in zip(row, scales, strict=True)]
            reals = [mpmath.mpf(f.numerator) / f.denominator for f in flat]
            within(case, lo, reals, False)
            assert case.kernel.envelope[0] < 1.6
            assert case.kernel.envelope[1] <= 2.0**-14


def runtimes(data: bytes, outputs: int) -> dict[str, Callable[[list[Array]], list[Array]]]:
    micro = Runtime(data)
    found: dict[str, Callable[[list[Array]], list[Array]]] = {"tflm": lambda xs: micro(xs, outputs)}
    for profile in PROFILES:
        found[profile] = LiteRuntime(data, profile)
    return found


def real(graph: Any, name: str, y: Array) -> Array:
    """Exact in binary64."""
    info = graph.tensor(name)
    if info.dtype == "float32":
        return y.astype(np.float64)
    q = info.quantization
    return (y.astype(np.float64) - q.zero_points[0]) * float(np.float32(q.scales[0]))


def at_least_zero(*terms: Array) -> bool:
    return all(math.fsum(t) >= 0 for t in zip(*(x.reshape(-1).tolist() for x in terms), strict=True))


@pytest.mark.parametrize("floats", [False, True])
def test_whole_networks(floats: bool) -> None:
    """Bit for bit, within the ranges of every profile and of `any`; every layer is an output."""
    rng = np.random.default_rng(8)
    for _ in range(2):
        data = random_net(rng, floats=floats)
        graph = load_tflite(data, "net")
        devices = runtimes(data, len(graph.outputs))
        info = graph.tensor(graph.inputs[0])
        for _ in range(2):
            x = random_input(rng, info.shape, "int16") if not floats else None
            if x is None:
                x = (rng.standard_normal(info.shape) * 3.0 ** rng.integers(-2, 2)).astype(np.float32)
            point = [x.astype(np.float64) if floats else real(graph, graph.inputs[0], x)]
            everything = {b.tensor: b for b in _core.bound(graph, point, point, "any")}
            for profile, device in devices.items():
                given = x if floats else x.astype(np.int32)
                mine = _core.evaluate_int8(graph, profile, [given])
                bounds = {b.tensor: b for b in _core.bound(graph, point, point, profile)}
                for name, y in zip(graph.outputs, device([x]), strict=True):
                    assert np.array_equal(mine[name], y), (profile, name)
                    for b in (bounds[name], everything[name]):
                        assert np.all(b.lower <= real(graph, name, y)), (profile, name)
                        assert np.all(real(graph, name, y) <= b.upper), (profile, name)


@pytest.mark.parametrize("method", ["interval", "linear", "optimised"])
@pytest.mark.parametrize("profile", [*EVERYWHERE, "any"])
def test_error_bounds_enclose_the_runtimes(profile: str, method: str) -> None:
    """Deployed minus reference lies in the bound for what the runtime computes, without tolerance; witnesses too."""
    rng = np.random.default_rng(9)
    for _ in range(1 if method == "optimised" else 3):
        data = random_net(rng, curves=False, last=method == "optimised")
        graph = load_tflite(data, "net")
        info = graph.tensor(graph.inputs[0])
        s = float(np.float32(info.quantization.scales[0]))
        centre = rng.integers(-20_000, 20_000, info.shape)
        radius = int(rng.choice([2, 300]))
        lo, hi = (centre - radius) * s, (centre + radius) * s
        found = _core.error(None, graph, [lo], [hi], profile, method=method, search_multiplies=3_000_000)
        deployed = _core.bound(graph, [lo], [hi], profile, None, method)
        devices = runtimes(data, len(graph.outputs))
        if profile != "any":
            devices = {profile: devices[profile]}
        assert all(t.method in ("joint", "interval") for t in found.tensors)
        for _ in range(6):
            q = np.where(rng.random(info.shape) < 0.5, -radius, radius) if rng.random() < 0.5 else 0
            q = (centre + (q if np.ndim(q) else rng.integers(-radius, radius + 1, info.shape))).astype(
                np.int16
            )
            x = np.clip(q * s, lo, hi)  # a real input that every quantiser turns into q
            ideal = {b.tensor: b for b in _core.bound(graph, [x], [x], "real")}
            for device in devices.values():
                for name, y, e, b in zip(graph.outputs, device([q]), found.tensors, deployed, strict=True):
                    v = real(graph, name, y)
                    assert np.all(b.lower <= v), name
                    assert np.all(v <= b.upper), name
                    # v - r for some real r in [ideal.lower, ideal.upper]; the sums' signs are exact
                    assert at_least_zero(v, -ideal[name].lower, -e.lower), name
                    assert at_least_zero(e.upper, ideal[name].upper, -v), name
        for t in found.tensors:
            assert np.all(np.isfinite(t.bound))
            assert np.all(t.witness_value <= t.bound)
        assert max(float(t.witness_value.max()) for t in found.tensors) > 0


def test_a_witness_is_what_the_runtime_computes(tmp_path: Path) -> None:
    rng = np.random.default_rng(10)
    data = random_net(rng, curves=False, last=True)
    path = tmp_path / "net.tflite"
    path.write_bytes(data)
    result = gg.error(None, path, profile="tflm")
    graph = load_tflite(data, "net")
    info = graph.tensor(graph.inputs[0])
    x = np.asarray(result.witness.inputs[0], dtype=np.float64).reshape(info.shape)
    q = np.clip(np.rint(x / float(np.float32(info.quantization.scales[0]))), -32768, 32767).astype(np.int16)
    y = real(graph, graph.outputs[-1], Runtime(data)([q], len(graph.outputs))[-1])
    ideal = _core.bound(graph, [x], [x], "real")[-1]
    apart = np.maximum(y - ideal.lower, ideal.upper - y)
    assert result.witness.value > 0
    assert float(apart.max()) >= result.witness.value * (1 - 1e-12)


def test_cost_counts_two_bytes_and_leaves_the_rest_undecided(tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    data = random_net(np.random.default_rng(11))
    path.write_bytes(data)
    cost = gg.cost(path, "cortex-m55")
    assert cost.core.ram_bytes is None
    assert any("int16 isn't modelled" in note for note in cost.notes)
    graph = load_tflite(data, "net")
    activations = [graph.tensor(n.outputs[0]) for n in graph.nodes]
    largest = max(int(np.prod(t.shape)) * (2 if t.dtype == "int16" else 1) for t in activations)
    assert cost.core.ram_live_bytes >= largest


def test_malformed_int16_files_have_clear_errors() -> None:
    x = Tensor([1, 4], "int16", scale=0.01)
    w = Tensor([2, 4], scale=0.01, values=np.ones((2, 4), np.int8))
    y = Tensor([1, 2], "int16", scale=0.1)

    def message(code: str, operands: list[Tensor], out: Tensor, options: str = "") -> str:
        with pytest.raises(GonogoError) as caught:
            load_tflite(single_operator(code, operands, out, options), "net.tflite")
        return str(caught.value)

    dense = "FullyConnectedOptions"
    shifted = Tensor([1, 4], "int16", scale=0.01, zero_point=3)
    assert "'tensor0' is int16; the kernels need one scale and zero point 0" in message(
        "FULLY_CONNECTED", [shifted, w], y, dense
    )
    wide = Tensor([2, 4], "int16", scale=0.01, values=np.ones((2, 4), np.int16))
    assert "int16 inputs need int8 weights" in message("FULLY_CONNECTED", [x, wide], y, dense)
    narrow = Tensor([1, 2], "int8", scale=0.1)
    assert "'tensor2' is int8 in an operator on int16" in message("FULLY_CONNECTED", [x, w], narrow, dense)
    half = Tensor([2], "int16", scale=1e-4, values=np.ones(2, np.int16))
    assert "the bias is int16; for int16 inputs it must be int64 or int32" in message(
        "FULLY_CONNECTED", [x, w, half], y, dense
    )
    off = Tensor([2], "int64", scale=0.3, values=np.ones(2, np.int64))
    assert "the bias of channel 0 has scale" in message("FULLY_CONNECTED", [x, w, off], y, dense)
    point = Tensor([2], "int64", scale=1e-4, zero_point=1, values=np.ones(2, np.int64))
    assert "zero point 1 outside [0, 0] for int64" in message("FULLY_CONNECTED", [x, w, point], y, dense)
    plain = Tensor([1, 4], "int16")
    assert "'tensor0' is int16 without a scale" in message("RELU", [plain], x)
    assert "weights must be 0" in message(
        "FULLY_CONNECTED", [x, Tensor([2, 4], scale=0.01, zero_point=1, values=w.values)], y, dense
    )
