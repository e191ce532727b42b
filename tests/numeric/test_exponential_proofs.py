"""The constants of the exponential family cover what their derivation yields."""

from __future__ import annotations

from functools import lru_cache

import exponential_bounds as d
import pytest
from flint import arb
from gonogo._core import numeric


@lru_cache
def bounds() -> dict[str, arb]:
    return d.bounds()


def test_the_code_has_the_constants_of_the_derivation() -> None:
    code = numeric.elementary_constants()
    assert [code[f"exponential_{k}"] for k in range(10)] == d.COEFFICIENTS
    assert (code["ln2_high"], code["ln2_low"]) == (d.LN2_HIGH, d.LN2_LOW)
    assert (code["ln2"], code["ln2_head"], code["ln2_rest"]) == (d.LN2, d.LN2_HEAD, d.LN2_REST)
    assert code["inverse_ln2"] == d.INVERSE_LN2


@pytest.mark.parametrize(
    "name",
    [
        "exp_absolute",
        "exp_short_absolute",
        "exp_outward",
        "exp2_outward",
        "expm1_quadratic",
        "expm1_linear",
        "tanh_relative",
        "sigmoid_relative_left",
        "sigmoid_absolute_right",
    ],
)
def test_error_constants_cover_the_derivation(name: str) -> None:
    granted = arb(numeric.elementary_constants()[name])
    derived = bounds()[name]
    # Slack: underflow, and what the code neglects because it is below 2^-1000.
    assert derived * (1 + arb(2) ** -40) < granted
    assert granted < derived * arb("1.05") or name == "expm1_linear"


def test_stated_accuracies_cover_the_derivation() -> None:
    code = numeric.elementary_constants()
    for name, derived in d.accuracies(code).items():
        # exp, exp2: in the subnormal range half of it, half a step of rounding and one step outward
        assert derived <= numeric.accuracy_ulp(name), (name, derived)
        if name in ("exp", "exp2"):
            assert derived / 2 + 1.5 <= numeric.accuracy_ulp(name)


def test_reduction_constants() -> None:
    """What the proof of Theorem 8 uses."""
    ln2, u = arb.const_log2(), arb(2) ** -53
    assert d.LN2_HIGH * 2.0**40 % 1 == 0
    assert (ln2 - d.LN2_HIGH) < arb(2) ** -40
    assert abs(ln2 - d.LN2_HIGH - d.LN2_LOW) < arb(2) ** -94
    assert abs(1 / ln2 - d.INVERSE_LN2) < u
    assert d.LN2_HEAD * 2.0**24 % 1 == 0
    assert abs(ln2 - d.LN2_HEAD - d.LN2_REST) < arb(2) ** -77
    assert ln2 / 2 + arb(2) ** -40 < arb(d.REDUCED.numerator) / d.REDUCED.denominator
    assert d.exp2_reduction() < d.REDUCTION
    # n ln2_low rounded, its two sums, n times the rest of ln 2
    assert 1077 * (arb(2) ** -94 + u * arb(2) ** -40) + arb(2) ** -81 < d.EXP_REDUCTION


def test_edges() -> None:
    assert arb(-36).exp() < 3 * arb(2) ** -53
    assert arb(-37).exp() < arb(2) ** -53
    assert arb(-746).exp() < arb(2) ** -1075
    assert arb(710).exp() > arb(2) ** 1024
    assert arb(-708).exp() > arb(2) ** -1022
    assert arb(709).exp() < arb(2) ** 1023
    assert 2 * arb(-700).exp() < arb(2) ** -1000  # 1 - tanh 350 is below it
