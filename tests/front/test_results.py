"""The decision rule and the frozen results."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from gonogo.results import CheckResult, CostResult, Feasibility, Provenance, Quantity, Verdict, judge
from hypothesis import given
from hypothesis import strategies as st
from support.results import make_error, make_outcome, make_result

WHERE = Provenance("check", None)


def check(*outcomes: Any) -> CheckResult:
    return CheckResult(tuple(outcomes), None, None, WHERE)


@given(st.fractions(0, 10), st.floats(0, 10), st.floats(0, 10))
def test_judging_is_exact(limit: Fraction, a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    answer = judge(limit, low, high)
    if Fraction(high) <= limit:
        assert answer is Feasibility.FEASIBLE
    elif Fraction(low) > limit:
        assert answer is Feasibility.INFEASIBLE
    else:
        assert answer is Feasibility.UNDECIDED


def test_a_tenth_is_not_its_double() -> None:
    # The double nearest to 1/10 is above it: a bound of that double doesn't meet the limit "0.1".
    assert judge(Fraction(1, 10), 0.1, 0.1) is Feasibility.INFEASIBLE
    assert judge(Fraction(0.1), 0.1, 0.1) is Feasibility.FEASIBLE


def test_an_unbounded_quantity_is_never_feasible() -> None:
    assert judge(Fraction(10**300), 0.0, math.inf) is Feasibility.UNDECIDED
    assert judge(Fraction(1), 2.0, math.inf) is Feasibility.INFEASIBLE


def test_verdicts() -> None:
    good = make_outcome("ram", Fraction(100), 10, 10)
    open_ = make_outcome("latency", Fraction(1), 0.5, 2.0)
    bad = make_outcome("flash", Fraction(5), 6, 6)
    assert check(good).verdict is Verdict.GO
    assert check(good, open_).verdict is Verdict.UNDECIDED
    assert check(good, open_, bad).verdict is Verdict.NO_GO
    assert check().verdict is Verdict.UNDECIDED
    assert [v.value for v in (Verdict.GO, Verdict.NO_GO, Verdict.UNDECIDED)] == [0, 1, 2]


def test_the_deciding_limit() -> None:
    close = make_outcome("ram", Fraction(100), 99, 99)
    roomy = make_outcome("flash", Fraction(100), 1, 1)
    assert check(roomy, close).deciding is close
    bad = make_outcome("macs", Fraction(5), 6, 6)
    worse = make_outcome("energy", Fraction(5), 60, 60)
    assert check(roomy, bad, close, worse).deciding is worse
    assert check().deciding is None
    zero = make_outcome("error", Fraction(0), 0.0, 0.5)
    assert check(zero).deciding is zero


def test_margins() -> None:
    assert make_outcome("ram", Fraction(100), 90, 99).margin == 1
    assert make_outcome("error", Fraction(1), 0, math.inf).margin == -math.inf
    # Formed as a rational: to nearest in doubles this difference would be 0.
    outcome = make_outcome("error", Fraction(1) + Fraction(1, 2**80), 1.0, 1.0)
    assert outcome.margin == 2.0**-80


def test_limits_apply_to_every_output() -> None:
    first, second, logits = (
        make_error([b], [b / 2], n) for b, n in ((1.0, "y"), (3.0, "z"), (9.0, "logits"))
    )
    assert make_result(first, logits).worst == 1.0
    both = make_result(first, second, logits, limited=("y", "z"))
    assert both.worst == 3.0
    assert both.witness.value == 1.5
    # An output that has no bound of its own is judged by whatever there is.
    assert make_result(first, logits, limited=("y", "decision")).worst == 9.0


def test_results_are_frozen() -> None:
    result = make_result(make_error([1.0], [0.5]))
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.tensors = ()  # type: ignore[misc]
    cost = CostResult(SimpleNamespace(macs=3), None, None)  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        cost.core = None  # type: ignore[assignment]
    assert cost.macs == Quantity.exact(3, "MAC")


def fake_cost(planner: str = "tflm", **fields: Any) -> CostResult:
    base = {
        "flash_model_bytes": (100, 100, 100),
        "flash_model_standing": "exact",
        "flash_code_bytes": (10, 20, 40),
        "flash_code_standing": "assumed",
        "flash_model_floor_bytes": 100,
        "ram_activation_bytes": 1000,
        "ram_activation_standing": "exact",
        "ram_persistent_bytes": 500,
        "latency_seconds": (1.0, 2.0, 3.0),
        "energy_joules": None,
        "latency_standing": "estimated",
    }
    core = SimpleNamespace(plans_as_tflm=planner == "tflm")
    target = SimpleNamespace(name="t", coverage=0.75, networks=3, core=core, engine="X 9")
    return CostResult(SimpleNamespace(**base | fields), None, target)  # type: ignore[arg-type]


def test_memory_is_an_interval_around_the_estimated_part() -> None:
    ram = fake_cost().ram
    assert ram is not None
    assert (ram.low, ram.value, ram.high, ram.standing) == (1372, 1500, 1628, "estimated")
    assert fake_cost(ram_persistent_bytes=100).ram.low == 1000  # type: ignore[union-attr]
    assert fake_cost(ram_persistent_bytes=None).ram is None
    assert fake_cost().floor("ram") == 1000
    assert fake_cost(ram_activation_standing="estimated").floor("ram") is None


def test_memory_of_an_engine_with_a_planner_of_its_own_is_a_wide_estimate_without_a_floor() -> None:
    cost = fake_cost("own", ram_activation_standing="estimated")
    ram = cost.ram
    assert ram is not None
    assert (ram.low, ram.value, ram.high, ram.standing) == (250, 1500, 3128, "estimated")
    assert "X 9" in ram.note
    assert cost.floor("ram") is None


def test_flash_is_the_model_and_the_code() -> None:
    cost = fake_cost(flash_model_bytes=(90, 100, 120), flash_model_standing="estimated")
    assert (cost.flash.low, cost.flash.value, cost.flash.high) == (100, 120, 160)
    assert cost.flash.standing == "estimated"
    assert (cost.flash_parts["model"].low, cost.flash_parts["code"].high) == (90, 40)
    assert "assumed" in cost.flash_parts["code"].note
    assert cost.floor("flash") == 100
    assert fake_cost().flash_parts["model"].standing == "exact"
    assert fake_cost().flash.standing == "estimated"  # the code is
    stated = fake_cost(flash_code_bytes=(20, 20, 20), flash_code_standing="exact").flash
    assert (stated.value, stated.standing) == (120, "exact")
    assert fake_cost(flash_code_bytes=(20, 20, 20), flash_code_standing="exact").floor("flash") == 120
    assert cost.floor("flash_model") == 100


def test_time_carries_its_coverage() -> None:
    latency = fake_cost().latency
    assert latency is not None
    assert (latency.low, latency.value, latency.high) == (1.0, 2.0, 3.0)
    assert "75%" in latency.note
    assert "assumed" in fake_cost(latency_standing="assumed").latency.note  # type: ignore[union-attr]
    assert fake_cost().energy is None
