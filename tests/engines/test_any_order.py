"""Floating point in any order: bounds against devices simulated in fractions, and against numpy. No tolerance."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import gonogo as gg
import mpmath
import numpy as np
import pytest
from gonogo import _core
from gonogo.errors import OverflowRiskError, UnsupportedOperatorError
from support.float_device import OverflowOnDevice, devices, random_semantics, round_to
from support.float_nets import FloatNet, Maker, random_net


def bounds(net: FloatNet, semantics: Any, lo: np.ndarray, hi: np.ndarray) -> Any:
    return _core.error(None, net.graph, [lo], [hi], semantics.plain(), None, 2000, 1, False).tensors[0]


def inside(found: Any, e: int, difference: Fraction) -> bool:
    lower, upper = float(found.lower.ravel()[e]), float(found.upper.ravel()[e])
    below = lower != -np.inf and difference < Fraction(lower)
    above = upper != np.inf and difference > Fraction(upper)
    return not (below or above)


def points(r: np.random.Generator, lo: np.ndarray, hi: np.ndarray, count: int) -> list[np.ndarray]:
    """float32 numbers of the box, corners among them."""
    found = []
    for i in range(count):
        x = lo + r.random(lo.shape) * (hi - lo) if i % 2 else np.where(r.random(lo.shape) < 0.5, lo, hi)
        found.append(np.clip(x.astype(np.float32).astype(np.float64), lo, hi))
    return found


@pytest.mark.soundness
@pytest.mark.parametrize("part", range(6))
def test_every_device_stays_within_the_bound(part: int) -> None:
    failures, infinite, finite = [], 0, 0
    with mpmath.workprec(240):
        for seed in range(part * 60, part * 60 + 60):
            net, semantics = random_net(seed), random_semantics(seed)
            r = np.random.default_rng(seed)
            middle = r.normal(0, 1, (1, net.inputs)).astype(np.float32)
            radius = float(r.choice([0.0, 0.001, 0.5]))
            lo = np.float32(middle - radius).astype(np.float64)
            hi = np.float32(middle + radius).astype(np.float64)
            try:
                found = bounds(net, semantics, lo, hi)
            except OverflowRiskError:  # a weight beyond its format
                continue
            bounded = np.isfinite(found.bound).ravel()
            finite, infinite = finite + int(bounded.sum()), infinite + int((~bounded).sum())
            for point in points(r, lo, hi, 3):
                x = [Fraction(float(v)) for v in point.ravel()]
                truth = net(x, None)
                for device in devices(semantics, seed):
                    try:
                        value = net(x, device)
                    except OverflowOnDevice:
                        if bounded.all():
                            failures.append(
                                f"seed {seed} {semantics} {net.kinds}: overflow, but a finite bound"
                            )
                        continue
                    wrong = [
                        e
                        for e, (v, t) in enumerate(zip(value, truth, strict=True))
                        if not inside(found, e, v - t)
                    ]
                    if wrong:
                        failures.append(f"seed {seed} {device} {net.kinds}: outputs {wrong}")
                        break
    assert failures == []
    assert finite > infinite  # most are bounded, some overflow
    assert infinite > 0


@pytest.mark.soundness
@pytest.mark.parametrize("seed", range(8))
def test_numpy_in_several_orders(seed: int) -> None:
    """What a PC's own float32 arithmetic gives: BLAS, shuffled, blocked, in float64."""
    r = np.random.default_rng(seed)
    sizes = [40, 64, 32, 4]
    layers = [
        (r.normal(0, 1, (n, k)).astype(np.float32), r.normal(0, 1, n).astype(np.float32))
        for k, n in itertools.pairwise(sizes)
    ]
    maker = Maker(sizes[0])
    for i, (w, b) in enumerate(layers):
        maker.dense(w, b, "relu" if i + 1 < len(layers) else "none")
    net = maker.build()
    lo = np.full((1, sizes[0]), -0.125)
    found = bounds(net, gg.Float32(), lo, -lo)
    assert found.bound.max() < 0.05
    for point in points(r, lo, -lo, 4):
        truth = net([Fraction(float(v)) for v in point.ravel()], None)
        for way in ("blas", "shuffled", "blocked", "float64"):
            x = point.astype(np.float32)
            for i, (w, b) in enumerate(layers):
                if way == "float64":
                    z = (x.astype(np.float64) @ w.T.astype(np.float64) + b).astype(np.float32)
                else:
                    order = r.permutation(w.shape[1]) if way == "shuffled" else np.arange(w.shape[1])
                    products = x[0, order] * w[:, order]
                    z = x @ w.T + b if way == "blas" else None
                    if z is None:
                        step = 8 if way == "blocked" else 1
                        z = np.zeros((step, len(w)), np.float32)
                        for k in range(0, products.shape[1], step):
                            z = z + products[:, k : k + step].T
                        z = z.sum(axis=0, dtype=np.float32)[None] + b
                x = np.maximum(z, np.float32(0)) if i + 1 < len(layers) else z
            for e, v in enumerate(x.ravel()):
                assert inside(found, e, Fraction(float(v)) - truth[e]), way


@pytest.mark.parametrize("seed", range(40))
def test_evaluations_are_ones_the_device_may_make(seed: int) -> None:
    """The orders evaluated for witnesses: sequential ones against fractions, bit for bit."""
    r = np.random.default_rng(seed)
    semantics = [gg.Float32(), gg.Float16(), gg.Float16(accumulate="float16"), gg.BFloat16()][seed % 4]
    w, b = r.normal(0, 1, (3, 11)).astype(np.float32), r.normal(0, 1, 3).astype(np.float32)
    net = Maker(11).dense(w, b, "relu").build()
    device = _core.DeviceRunner(net.graph, semantics.plain())
    assert device.variants == 8
    x = r.normal(0, 1, (1, 11)).astype(np.float32).astype(np.float64)
    exact = devices(semantics, 0)[0]
    stored = [exact.result(Fraction(float(v)), exact.values) for v in x[0]]
    expected: dict[int, list[float]] = {0: [], 1: [], 4: [], 6: []}
    for row, bias in zip(w, b, strict=True):
        weights = [round_to(Fraction(float(v)), exact.weights) for v in row]
        start = round_to(Fraction(float(bias)), exact.weights)
        forward, backward, fused = start, Fraction(0), start
        for a, v in zip(weights, stored, strict=True):
            product = round_to(a * v, exact.accumulator)
            forward = round_to(forward + product, exact.accumulator)
            fused = round_to(fused + a * v, exact.accumulator)
        for a, v in list(zip(weights, stored, strict=True))[::-1]:
            backward = round_to(backward + round_to(a * v, exact.accumulator), exact.accumulator)
        backward = round_to(backward + start, exact.accumulator)
        wide = start
        for a, v in zip(weights, stored, strict=True):
            wide = round_to(wide + round_to(a * v, "float64"), "float64")
        wide = round_to(wide, exact.accumulator)
        for variant, value in ((0, forward), (1, backward), (4, fused), (6, wide)):
            expected[variant].append(max(0.0, float(round_to(value, exact.values))))
    for variant, values in expected.items():
        ((lo, hi),) = device([x], variant)
        assert np.array_equal(lo, hi)
        assert lo.ravel().tolist() == values, variant


@pytest.mark.soundness
def test_networks_that_detect_the_order_of_summation() -> None:
    """After Szasz, Banhelyi and Jelasity 2025: (big + 1) - big is 0 or 1, and what follows makes the most of it."""
    big = 2.0**26
    first = np.array([[big, 1.0, -big]], np.float32)
    maker = Maker(3).dense(first, None, "relu").dense(np.array([[1000.0]], np.float32))
    net = maker.build()
    one = np.ones((1, 3))
    found = bounds(net, gg.Float32(), one, one)
    assert found.bound.max() >= 1000
    assert found.worst_witness > 999.99  # an order was found that gives 0 for 1
    device = _core.DeviceRunner(net.graph, gg.Float32().plain())
    assert {device([one], v)[0][0].item() for v in range(device.variants)} >= {0.0, 1000.0}
    wide = bounds(net, gg.Float32(accumulate="float64"), one, one)
    assert wide.bound.max() < 0.1


def test_overflow_is_unbounded_never_a_number() -> None:
    net = Maker(2).dense(np.full((1, 2), 300.0, np.float32)).build()
    box = (np.full((1, 2), 100.0), np.full((1, 2), 200.0))
    assert gg.error(None, net.graph, box, semantics="float16").worst == np.inf  # 120,000 > 65504
    assert gg.error(None, net.graph, box, semantics="bfloat16").worst < 2000
    assert gg.bound(net.graph, box, semantics="float16").tensors[0].unbounded
    with pytest.raises(OverflowRiskError, match="beyond the format"):
        gg.error(
            None, Maker(2).dense(np.full((1, 2), 1e6, np.float32)).build().graph, box, semantics="float16"
        )


def test_no_clamp_mends_an_overflow() -> None:
    """Infinity minus infinity is no number, whatever cuts it afterwards."""
    big = np.array([[60000.0, 60000.0, -60000.0, -60000.0]], np.float32)
    box = (np.ones((1, 4)), np.ones((1, 4)))
    for activation in ("relu", "relu6", "relu_n1_to_1"):
        net = Maker(4)
        net.emit("dense", [big], {"activation": activation, "keep_dims": 0})
        graph = net.build().graph
        semantics = gg.Float16(accumulate="float16")
        assert gg.error(None, graph, box, semantics=semantics).worst == np.inf
        assert gg.bound(graph, box, semantics=semantics).tensors[0].unbounded
        assert gg.error(None, graph, box, semantics="float16").worst < 200  # sums in float32
    for finish in ("tanh", "clip", "relu6", "softmax"):
        net = Maker(4).dense(np.vstack([big, big]))
        net.emit(finish, [], {"min": -1.0, "max": 1.0} if finish == "clip" else {})
        assert gg.error(None, net.build().graph, box, semantics=semantics).worst == np.inf


def test_tighter_arithmetic_has_tighter_bounds() -> None:
    r = np.random.default_rng(3)
    net = (
        Maker(16)
        .dense(r.normal(0, 1, (8, 16)), r.normal(0, 1, 8), "relu")
        .dense(r.normal(0, 1, (2, 8)))
        .build()
    )
    box = (np.full((1, 16), -1.0), np.full((1, 16), 1.0))
    kinds = [
        gg.Float32(accumulate="float64"), gg.Float32(), gg.Float16(), gg.Float16(accumulate="float16"),
        gg.BFloat16(), gg.BFloat16(accumulate="bfloat16"),
    ]  # fmt: skip
    worst = [gg.error(None, net.graph, box, semantics=s).worst for s in kinds]
    assert worst[:4] == sorted(worst[:4])
    assert worst[2] < worst[4] < worst[5]
    assert worst[1] < 2e-4


def test_what_isnt_known_is_refused_by_name() -> None:
    b = _core.GraphBuilder("model", "test")
    b.input("x", [1, 2], "float32")
    out = b.activation("y", None, "float32")
    b.node("leaky_relu", "n", [0], [out], {"alpha": 0.1})
    b.output(out)
    with pytest.raises(UnsupportedOperatorError, match=r"node 0 'n' \(leaky_relu\)"):
        gg.error(None, b.build(), (np.zeros((1, 2)), np.ones((1, 2))), semantics="float32")
    for wrong, text in (
        (lambda: gg.Float16(accumulate="half"), "float16, bfloat16, float32, float64"),
        (lambda: gg.Float32(accumulate="float16"), "narrower"),
        (lambda: gg.Float32(order="sequential"), "any"),
        (lambda: gg.Float32(function_ulps=0.1), "give 1"),
    ):
        with pytest.raises(ValueError, match=text):
            wrong()
