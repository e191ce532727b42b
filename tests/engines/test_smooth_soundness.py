"""Containment for sigmoid, tanh and softmax after a dense layer; oracle: mpmath with 60 digits."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from engines.test_error_soundness import Environment, dequantized, quantized, random_box, random_points
from gonogo import _core
from support.random_nets import Exact, Network, Pair, Value, exact

F32 = np.float32
FIXED = {"sigmoid": (F32(1 / 256), -128), "tanh": (F32(1 / 128), 0), "softmax": (F32(1 / 256), -128)}
# The oracle's own uncertainty: 60 digits are computed, 50 are trusted.
TRUST = Fraction(1, 10**50)


def smooth_pair(op: str, seed: int) -> Pair:
    """dense -> op, the exact function stopping at the logits."""
    net = Network(seed)
    x = net.start((1, int(net.r.integers(1, 6))))
    logits: Value = net.dense(x, int(net.r.integers(2, 6)))
    attributes = {"axis": -1, "beta": float(F32(net.r.choice([1.0, 0.5, 2.0])))} if op == "softmax" else {}
    f, d, *_ = net.emit(op, [logits.f], [logits.d], attributes, FIXED[op])
    pair = net.finish([Value(f, d, *FIXED[op], logits.shape, logits.exact)])
    pair.kinds.append(str(attributes.get("beta", 1.0)))
    return pair


def truth(op: str, beta: float, logits: list[Fraction]) -> list[Fraction]:
    """Values to within TRUST, as fractions."""
    with mpmath.workdps(60):
        x = [mpmath.mpf(v.numerator) / v.denominator for v in logits]
        if op == "sigmoid":
            y = [1 / (1 + mpmath.exp(-v)) for v in x]
        elif op == "tanh":
            y = [mpmath.tanh(v) for v in x]
        else:
            e = [mpmath.exp(beta * (v - max(x))) for v in x]
            y = [v / mpmath.fsum(e) for v in e]
        return [Fraction(int(mpmath.nint(v * 10**55)), 10**55) for v in y]


def apart(lower: float, value: Fraction, upper: float) -> bool:
    """Does [value - TRUST, value + TRUST] miss [lower, upper]? The oracle's uncertainty can't explain that."""
    return value + TRUST < Fraction(lower) or value - TRUST > Fraction(upper)


@pytest.mark.soundness
@pytest.mark.parametrize("op", list(FIXED))
def test_every_enclosure_contains_the_true_value(op: str) -> None:
    failures = []
    for seed in range(60):
        r = np.random.default_rng(seed)
        pair = smooth_pair(op, seed)
        beta = float(pair.kinds[-1])
        run = _core.IntegerRunner(pair.deployed, "tflm")
        for kind in (0, 1, 2, 4):
            lo, hi = random_box(r, pair, kind)
            try:
                with Environment(seed + kind):
                    result = _core.error(
                        pair.reference, pair.deployed, [lo], [hi], "tflm", None, 1, seed, False
                    )
                    real = _core.bound(pair.reference, [lo], [hi], "real")[0]
            except RuntimeError as defect:  # the engine's own check of witness against bound
                failures.append(f"engine: seed {seed} box {kind}: {defect}")
                continue
            error = result.tensors[0]
            assert error.method == "joint"
            x = random_points(r, pair, lo, hi)[:8]
            logits: Exact = pair.function(exact(x.reshape(len(x), *pair.shape[1:])))[0]
            for p in range(len(x)):
                ideal = truth(op, beta, [logits.fraction((p, e)) for e in range(logits.numbers.shape[1])])
                values = dequantized(pair.deployed, error.name, run([quantized(r, pair, x[p])])[0])
                for e, v in enumerate(values):
                    if apart(error.lower.ravel()[e], v - ideal[e], error.upper.ravel()[e]):
                        failures.append(f"difference: seed {seed} box {kind} point {p} element {e}")
                    if apart(real.lower.ravel()[e], ideal[e], real.upper.ravel()[e]):
                        failures.append(f"reference: seed {seed} box {kind} point {p} element {e}")
    assert not failures, f"{len(failures)} failures, first: {failures[:3]}"


def test_logits_are_reported_beside_a_softmax() -> None:
    pair = smooth_pair("softmax", 3)
    lo, hi = random_box(np.random.default_rng(0), pair, 1)
    names = [t.name for t in _core.error(pair.reference, pair.deployed, [lo], [hi], "tflm").tensors]
    assert [n.split("_")[0] for n in names] == ["softmax", "dense"]
