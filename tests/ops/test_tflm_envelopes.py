"""Envelopes of the TFLite profiles, |y - f| <= absolute + relative |f|, in exact arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from gonogo.errors import QuantizationError
from support.tflite_writer import Array, Tensor, single_operator
from support.tflm_cases import BUILDERS
from support.tflm_kernels import Case, Rng, tiny

mpmath.mp.dps = 50

every_profile = pytest.mark.parametrize("profile", ["tflm", "litert", "litert_ref", "xnnpack"])


def exact(x: float) -> Fraction:
    return Fraction(float(x))


def inside(case: Case, stored: Array, reals: list[Fraction], unclamped: bool) -> float:
    """Asserts the envelope for every element; returns the largest distance met.

    `reals` are f in real units. Where `stored` is clamped, an end stands for anything beyond it.
    """
    absolute, relative = map(exact, case.kernel.envelope)
    least, greatest = case.kernel.clamp
    scale, zero = exact(case.output.scales[0]), int(case.output.zero_points[0])
    worst = Fraction(0)
    for q, real in zip(stored.reshape(-1).tolist(), reals, strict=True):
        f = real / scale
        distance = abs(q - zero - f)
        if not unclamped and ((q >= greatest and f > q - zero) or (q <= least and f < q - zero)):
            continue
        assert distance <= absolute + relative * abs(f), (q, float(f), case.kernel.envelope)
        worst = max(worst, distance)
    return float(worst)


def real_inputs(case: Case, i: int, x: Array) -> list[Fraction]:
    q = case.quantization(i)
    scale, zero = exact(q.scales[0]), int(q.zero_points[0])
    return [(v - zero) * scale for v in x.reshape(-1).tolist()]


def ends(case: Case, x: Array) -> list[Array]:
    """What the device may store: one array where that is determined."""
    lo, hi = case.range([x], [x])
    return [lo] if np.array_equal(lo, hi) else [lo, hi]


def unclamped(case: Case, values: list[Array]) -> Array:
    lo, hi = case.range(values, values, unclamped=True)
    assert np.array_equal(lo, hi)
    return lo


def dense_model(rng: Rng) -> tuple[bytes, Array, Array]:
    w = rng.integers(-127, 128, (6, 9)).astype(np.int8)
    b = rng.integers(-(2**20), 2**20, 6).astype(np.int32)
    scales = np.exp(rng.uniform(-8, -3, 6)).astype(np.float32)
    x = Tensor([40, 9], scale=float(np.exp(rng.uniform(-6, -1))), zero_point=int(rng.integers(-128, 128)))
    s = np.float32(np.asarray(x.scale))
    y = Tensor([40, 6], scale=float(s * scales.max()) * float(np.exp(rng.uniform(0, 14))), zero_point=7)
    operands = [x, Tensor([6, 9], scale=scales, values=w), Tensor([6], "int32", scale=s * scales, values=b)]
    return single_operator("FULLY_CONNECTED", operands, y, "FullyConnectedOptions"), w, b


@every_profile
def test_envelope_of_linear_layers(profile: str) -> None:
    rng = np.random.default_rng(2)
    for _ in range(30):
        data, w, b = dense_model(rng)
        try:
            case = Case(data, profile)
        except QuantizationError:  # XNNPACK takes ratios below 256 only
            assert profile == "xnnpack"
            continue
        x = case.random(rng)
        weights = case.quantization(1).scales
        s_in, zero = exact(case.quantization(0).scales[0]), int(case.quantization(0).zero_points[0])
        acc = (x[0] - zero) @ w.T.astype(np.int64) + b
        units = [s_in * exact(s) for s in weights]
        reals = [a * units[i % 6] for i, a in enumerate(acc.reshape(-1).tolist())]
        inside(case, unclamped(case, x), reals, True)
        # The same with the bias at its declared scale, which is s_in s_w rounded to float32.
        drift = [exact(d) - u for d, u in zip(case.quantization(2).scales, units, strict=True)]
        reals = [r + drift[i % 6] * int(b[i % 6]) for i, r in enumerate(reals)]
        inside(case, unclamped(case, x), reals, True)
        assert case.kernel.envelope[0] <= 1.01
        assert case.kernel.envelope[1] < (1e-6 if profile == "xnnpack" else 1e-9)


@every_profile
@pytest.mark.parametrize("op", ["add", "sub", "mul"])
def test_envelope_of_elementwise_operators(op: str, profile: str) -> None:
    rng = np.random.default_rng(3)
    combine: Callable[[Fraction, Fraction], Fraction] = {
        "add": lambda a, b: a + b,
        "sub": lambda a, b: a - b,
        "mul": lambda a, b: a * b,
    }[op]
    done = 0
    while done < 20:
        case = Case(BUILDERS[op](rng), profile)
        if len(case.live) < 2 or case.shapes[0] != case.shapes[1]:
            continue
        done += 1
        x = case.random(rng)
        pairs = zip(real_inputs(case, 0, x[0]), real_inputs(case, 1, x[1]), strict=True)
        inside(case, unclamped(case, x), [combine(a, b) for a, b in pairs], True)
        assert case.kernel.envelope[0] < 1.01


def rational(value: Any) -> Fraction:
    """An mpmath number, exactly."""
    sign, mantissa, exponent, _ = value._mpf_
    return (-1) ** sign * Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def real(value: Fraction) -> Any:
    return mpmath.mpf(value.numerator) / value.denominator


UNARY: dict[str, Callable[[Case, Fraction], Fraction]] = {
    "relu": lambda case, x: max(x, Fraction(0)),
    "relu6": lambda case, x: min(max(x, Fraction(0)), Fraction(6)),
    "leaky_relu": lambda case, x: x if x >= 0 else x * exact(case.node.attributes["alpha"]),
    "quantize": lambda case, x: x,
    "sigmoid": lambda case, x: rational(1 / (1 + mpmath.exp(-real(x)))),
    "tanh": lambda case, x: rational(mpmath.tanh(real(x))),
}


@every_profile
@pytest.mark.parametrize("op", UNARY)
def test_envelope_of_unary_operators(op: str, profile: str) -> None:
    """All 256 inputs. Functions are taken after the activation, so the clamp of `relu` counts as part of f."""
    rng = np.random.default_rng(6)
    slackest = 0.0
    for _ in range(40):
        case = Case(BUILDERS[op](rng), profile)
        x = np.resize(np.arange(-128, 128), case.shapes[0])
        reals = [UNARY[op](case, v) for v in real_inputs(case, 0, x)]
        worst = max(inside(case, y, reals, False) for y in ends(case, x))
        slackest = max(slackest, case.kernel.envelope[0] - worst)
    # Enumerated, so attained: up to saturated outputs, whose true distance is not seen here.
    assert slackest < 1.1


@every_profile
def test_envelope_of_pools_and_means(profile: str) -> None:
    rng = np.random.default_rng(7)
    for op in ("average_pool2d", "mean", "max_pool2d"):
        for _ in range(40):
            case = tiny("mean" if op == "mean" else "average_pool2d", rng, profile)
            for _ in range(20):
                x = case.random(rng)
                values = real_inputs(case, 0, x[0])
                for y in ends(case, x[0]):
                    inside(case, y, [sum(values, Fraction(0)) / 3], False)
            # The built-in mean of LiteRT rounds the zero point apart.
            assert case.kernel.envelope[0] <= (1.6 if profile == "litert" else 1.0)


@every_profile
def test_envelope_of_softmax(profile: str) -> None:
    rng = np.random.default_rng(8)
    for n in (2, 3, 10, 200):
        for scale in (0.0005, 0.02, 0.1, 0.2, 1.5):
            y = Tensor([8, n], scale=1 / 256, zero_point=-128)
            case = Case(
                single_operator("SOFTMAX", [Tensor([8, n], scale=scale)], y, "SoftmaxOptions", Beta=1.0),
                profile,
            )
            absolute, relative = case.kernel.envelope
            assert relative == 0.0
            assert 0.5 < absolute < 0.56  # A has 19 fraction bits: n 2^-20 * 256 at worst
            x = rng.integers(-128, 128, (8, n))
            # Rows that stress the cut-off: one leader, the others far below or just above the cut.
            x[0] = -128
            x[0, 0] = 127
            x[1] = rng.integers(-3, 1, n)
            x[2] = np.where(np.arange(n) == 0, 127, 127 - min(255, int(15 / scale)))
            rows = np.array(real_inputs(case, 0, x)).reshape(8, n)
            reals = []
            for row in rows:
                powers = [mpmath.exp(real(v - max(row))) for v in row]
                total = mpmath.fsum(powers)
                reals += [rational(p / total) for p in powers]
            for stored in ends(case, x):
                inside(case, stored, reals, False)
